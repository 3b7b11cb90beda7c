package httpmp_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

const nonce = `{"protos":[2],"name":"Ann","nonce":"0123456789abcdef"}`

func TestNonce(t *testing.T) {
	t.Run("repeated before the first out", func(t *testing.T) {
		d := newDesk(t, httpmp.Config{})
		first := d.tryJoin(nonce)
		before := d.state()
		again := d.tryJoin(nonce)
		require.Equal(t, first.Body.Bytes(), again.Body.Bytes(), "byte for byte")
		require.Equal(t, first.Header(), again.Header())
		require.Equal(t, before, d.state(), "no second seat")
	})
	t.Run("repeated after the first out", func(t *testing.T) {
		d := newDesk(t, httpmp.Config{})
		a := d.admitted(d.tryJoin(nonce))
		require.Equal(t, 200, d.do("GET", "out?m=poll&w=0", "", a.auth()...).Code)
		_, _, nonces := d.Sessions()
		require.Zero(t, nonces, "only the token's hash is kept from then on")
		second := d.tryJoin(nonce)
		b := d.admitted(second)
		require.NotEqual(t, a.Token, b.Token)
		require.NotEqual(t, a.ID, b.ID)
		require.Equal(t, 200, d.do("GET", "out?m=poll&w=0", "", a.auth()...).Code)
		require.Equal(t, second.Body.String(), d.tryJoin(nonce).Body.String(), "an out of the first is not one of the second")
		require.Equal(t, 204, d.do("POST", "leave", a.Token).Code)
		require.Equal(t, second.Body.String(), d.tryJoin(nonce).Body.String(), "nor is its leaving")
	})
	t.Run("repeated after leaving", func(t *testing.T) {
		d := newDesk(t, httpmp.Config{})
		a := d.admitted(d.tryJoin(nonce))
		require.Equal(t, 204, d.do("POST", "leave", a.Token).Code)
		require.NotEqual(t, a.Token, d.admitted(d.tryJoin(nonce)).Token)
	})
	t.Run("others and none are others", func(t *testing.T) {
		d := newDesk(t, httpmp.Config{})
		ids := map[httpmp.ClientID]bool{}
		for _, body := range []string{nonce, strings.Replace(nonce, "f", "g", 1), `{"protos":[2]}`, `{"protos":[2]}`, `{"protos":[2],"nonce":""}`} {
			ids[d.admitted(d.tryJoin(body)).ID] = true
		}
		require.Len(t, ids, 5)
	})
	t.Run("after a refusal", func(t *testing.T) {
		d := newDesk(t, httpmp.Config{})
		d.game.onJoin = func(*httpmp.Client) error { return errors.New("not yet") }
		require.Equal(t, "not yet", refused(t, d.tryJoin(nonce)).Msg)
		d.game.onJoin = nil
		d.admitted(d.tryJoin(nonce))
	})
	t.Run("the answer is kept for 10 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, stop := runningDesk(t, httpmp.Config{})
			defer stop()
			first := d.tryJoin(nonce)
			time.Sleep(2900 * time.Millisecond)
			require.Equal(t, first.Body.String(), d.tryJoin(nonce).Body.String())
			time.Sleep(200 * time.Millisecond)
			require.Zero(t, d.Stats().Clients, "no out within 3 s")
			second := d.admitted(d.tryJoin(nonce))
			require.EqualValues(t, 2, second.ID, "the first one's session has ended")
		})
	})
}

// TestNonceAtOnce: joins with one nonce, all under way together, take one seat.
func TestNonceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		asked := 0
		d, stop := runningDesk(t, httpmp.Config{Admit: func(context.Context, httpmp.JoinRequest) (string, error) {
			asked++
			<-slow
			return "Ann", nil
		}})
		defer stop()
		answers := make([]*httptest.ResponseRecorder, 20)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = d.tryJoin(nonce) })
		}
		synctest.Wait()
		close(slow)
		all.Wait()
		require.Equal(t, 1, asked)
		require.Equal(t, 1, d.Stats().Clients)
		for _, w := range answers {
			require.Equal(t, 200, w.Code)
			require.Equal(t, answers[0].Body.String(), w.Body.String())
		}
	})
}

// TestNonceTakenOver: where the request that came first is cancelled before its frame, the next one with
// the nonce joins.
func TestNonceTakenOver(t *testing.T) {
	for _, where := range []string{"in Admit", "before the frame"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := httpmp.Config{FPS: 1}
				if where == "in Admit" {
					cfg.Admit = func(ctx context.Context, _ httpmp.JoinRequest) (string, error) {
						select {
						case <-ctx.Done():
							return "", ctx.Err()
						case <-time.After(100 * time.Millisecond):
							return "Ann", nil
						}
					}
				}
				d, stop := runningDesk(t, cfg)
				defer stop()
				ctx, cancel := context.WithCancel(t.Context())
				var first, second *httptest.ResponseRecorder
				var all sync.WaitGroup
				all.Go(func() { first = d.send(call{method: "POST", target: "join", body: strings.NewReader(nonce), ctx: ctx}) })
				synctest.Wait()
				all.Go(func() { second = d.tryJoin(nonce) })
				synctest.Wait()
				cancel()
				all.Wait()
				require.NotEqual(t, 200, first.Code)
				d.admitted(second)
				require.Equal(t, 1, d.Stats().Clients)
				require.Equal(t, 1, d.game.In)
			})
		})
	}
}
