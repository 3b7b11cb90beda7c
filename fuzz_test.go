package httpmp_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// fuzzDesk returns a match whose rates a fuzzer does not reach.
func fuzzDesk(f *testing.F) *desk {
	return newDesk(f, httpmp.Config{JoinRate: 10_000, BatchRate: 10_000, Resume: time.Hour})
}

// FuzzJoin: whatever the body is, somebody joins or nothing happens.
func FuzzJoin(f *testing.F) {
	d := fuzzDesk(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		d := &desk{t, d.Engine, d.game}
		before := d.state()
		w := d.send(call{method: "POST", target: "join", body: bytes.NewReader(body)})
		if w.Code != 200 {
			refused(t, w)
			require.Equal(t, before, d.state())
			return
		}
		a := d.admitted(w)
		require.Len(t, a.Token, 24)
		require.Equal(t, 1, d.Stats().Clients)
		c := d.game.Clients()[0]
		require.LessOrEqual(t, len([]rune(c.Name())), 32)
		require.NotContains(t, c.Name(), "\n")
		require.NoError(t, d.Verify())
		require.Equal(t, 204, d.do("POST", "leave", a.Token).Code)
		d.frames(1)
		tokens, _, nonces := d.Sessions()
		require.Zero(t, d.Stats().Clients+tokens+nonces)
	})
}

// FuzzOut: whatever the query and the Authorization header are, an out with the token is answered and
// without it nothing happens. TOKEN stands for the token of a session, EPOCH for the epoch.
func FuzzOut(f *testing.F) {
	d := fuzzDesk(f)
	a := d.join("Ann")
	d.frames(20)
	f.Fuzz(func(t *testing.T, query, auth string) {
		d := &desk{t, d.Engine, d.game}
		auth = strings.ReplaceAll(auth, "TOKEN", a.Token)
		before := d.state()
		w := d.send(call{method: "GET", target: "out?" + query, header: []string{"Authorization", auth}, ctx: over()})
		require.NotContains(t, w.Body.String(), a.Token)
		if w.Code == 200 {
			require.Contains(t, auth, a.Token)
			return
		}
		refused(t, w)
		require.Equal(t, before, d.state())
	})
}

// FuzzIn: whatever the body is, the events are taken and folded, or nothing happens.
func FuzzIn(f *testing.F) {
	d := fuzzDesk(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		d := &desk{t, d.Engine, d.game}
		a := d.join("Ann")
		before := d.state()
		w := d.in(a, string(body))
		if w.Code != 204 {
			refused(t, w)
			require.Equal(t, before, d.state())
		} else {
			require.LessOrEqual(t, len(d.InOf(a.ID).Waiting()), 128)
			first, err := d.Hash()
			require.NoError(t, err)
			require.Equal(t, 204, d.in(a, string(body)).Code, "once more is harmless")
			again, err := d.Hash()
			require.NoError(t, err)
			require.Equal(t, first, again)
			d.frames(16) // as far ahead as an event may be meant for, and one
			require.Empty(t, d.InOf(a.ID).Waiting())
			require.NoError(t, d.Verify())
		}
		d.game.seen = nil
		require.Equal(t, 204, d.do("POST", "leave", a.Token).Code)
		d.frames(1)
		require.Zero(t, d.Stats().Clients)
	})
}
