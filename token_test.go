package httpmp_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// TestTokens: 24 characters of base64url, 144 bits, no two alike. Trust: row 15.
func TestTokens(t *testing.T) {
	const n = 100_000
	seen := make(map[string]bool, n)
	var ones [24][64]int
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for range n {
		token := httpmp.NewToken()
		require.Len(t, token, 24)
		for i := range token {
			at := strings.IndexByte(alphabet, token[i])
			require.GreaterOrEqual(t, at, 0, token)
			ones[i][at]++
		}
		seen[token] = true
	}
	require.Len(t, seen, n)
	for i := range ones {
		for at, count := range ones[i] {
			require.InDelta(t, n/64, count, n/64/4, "character %d is %q so often: all 6 bits of each are random", i, alphabet[at])
		}
	}
}

// TestNoTokenLeak: tokens are nowhere but in the answer to the join. Trust: row 14.
func TestNoTokenLeak(t *testing.T) {
	var log bytes.Buffer
	d := newDesk(t, httpmp.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	var answers strings.Builder
	var tokens []string
	for range 5 {
		a := d.join("Ann")
		tokens = append(tokens, a.Token)
		for _, r := range []*httptest.ResponseRecorder{
			d.in(a, `{"seq":1,"ev":[["down","KeyA"]]}`), d.in(a, `{"seq":7,"ev":[]}`), d.in(a, `x`),
			d.do("GET", "out?m=poll&w=0&f=json", "", a.auth()...), d.do("GET", "out?b=x", "", a.auth()...),
			d.do("GET", "status", "", a.auth()...), d.do("GET", "nowhere?t="+a.Token, "", a.auth()...),
			d.do("GET", "", "", a.auth()...), d.do("PUT", "in", a.Token, a.auth()...), d.do("POST", "join", a.Token),
			d.do("POST", "join", `{"protos":[2],"nonce":"`+a.Token+`x","name":7}`),
		} {
			answers.Write(r.Body.Bytes())
			fmt.Fprint(&answers, r.Header())
		}
		d.frames(1)
	}
	require.Equal(t, 204, d.do("POST", "leave", tokens[0]).Code)
	d.game.onStep = func(g *lobby, _ *httpmp.Frame) { g.Clients()[0].Drop("") }
	d.frames(2)
	fmt.Fprintf(&answers, "%+v %s", d.Stats(), d.ShellState())
	saved, err := d.Save()
	require.NoError(t, err)
	d.Close()
	require.Contains(t, log.String(), "joined", "the log is at Debug")
	for _, token := range tokens {
		require.NotContains(t, log.String(), token)
		require.NotContains(t, answers.String(), token)
		require.NotContains(t, string(saved), token)
	}
}
