package httpmp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// runningDesk returns the desk of a match that Run drives, within a bubble, and what ends it.
func runningDesk(t *testing.T, cfg httpmp.Config) (d *desk, stop func()) {
	t.Helper()
	d = idleDesk(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	synctest.Wait()
	return d, func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

func TestJoinAnswer(t *testing.T) {
	d := newDesk(t, httpmp.Config{
		FPS: 60, MaxBodyBytes: 1000, MaxBatchEvents: 9, Silence: 250 * time.Millisecond, Resume: 90 * time.Second, Lead: 100 * time.Millisecond,
	})
	d.frames(41)
	w := d.tryJoin(`{"protos":[7,2,1],"name":"Ann","unknown":{"member":1}}`)
	a := d.admitted(w)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Empty(t, w.Header().Get("Set-Cookie"))
	require.Equal(t, 2, a.Proto)
	require.Len(t, a.Token, 24)
	require.EqualValues(t, 1, a.ID)
	require.NotZero(t, a.Epoch)
	require.EqualValues(t, 42, a.Frame, "the frame in which Game.Join was asked")
	require.Equal(t, 60, a.FPS)
	require.Equal(t, 1, a.Send)
	require.Equal(t, 1000, a.Limits.Body)
	require.Equal(t, 9, a.Limits.Events)
	require.Equal(t, 1<<20, a.Limits.Record)
	require.Equal(t, 250, a.Limits.Silence)
	require.Equal(t, 90_000, a.Limits.Resume)
	require.Equal(t, 6, a.Limits.Lead)
	require.NotNil(t, a.Schema)
	require.Len(t, a.Schema.Hash, 8)
	require.Len(t, a.Schema.Classes, 2, "game and me")

	b := d.admitted(d.tryJoin(`{"protos":[2],"schema":"` + a.Schema.Hash + `"}`))
	require.Nil(t, b.Schema, "the client has it")
	require.EqualValues(t, 2, b.ID, "ids are never used again")
	require.Equal(t, a.Epoch, b.Epoch)
	require.NotEqual(t, a.Token, b.Token)
	require.NotNil(t, d.admitted(d.tryJoin(`{"protos":[2],"schema":"00000000"}`)).Schema)

	w = d.do("GET", "schema?h="+a.Schema.Hash, "")
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Header().Get("Cache-Control"), "immutable")
	var whole struct{ Schema json.RawMessage }
	require.NoError(t, json.Unmarshal(d.tryJoin(`{"protos":[2]}`).Body.Bytes(), &whole))
	require.JSONEq(t, string(whole.Schema), w.Body.String())
}

// TestJoinName: names are cleaned, then measured in runes.
func TestJoinName(t *testing.T) {
	for _, tt := range []struct{ name, sent, want string }{
		{"none", ``, ""},
		{"plain", `Ann`, "Ann"},
		{"not Latin", `Анна 王`, "Анна 王"},
		{"space around", `  Ann \t\r\n`, "Ann"},
		{"control characters", `A\u0000n\u0007n\u001b[31m\u007f\u0085`, "Ann[31m"},
		{"direction and zero width", `\u202eA\u200bn\ufeffn\u2066`, "Ann"},
		{"half a surrogate pair", `A\ud800`, "A\ufffd"},
		{"markup stays: the page writes text", `<b>\"&`, `<b>"&`},
		{"32 runes, more bytes", strings.Repeat("é", 32), strings.Repeat("é", 32)},
		{"32 after the cleaning", strings.Repeat(`\u0001x`, 32), strings.Repeat("x", 32)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, httpmp.Config{})
			d.admitted(d.tryJoin(`{"protos":[2],"name":"` + tt.sent + `"}`))
			require.Equal(t, tt.want, d.game.Clients()[0].Name())
		})
	}
}

func TestJoinData(t *testing.T) {
	type wish struct {
		Team string
		Hat  int
	}
	for _, tt := range []struct {
		name, sent string
		want       wish
		err        bool
	}{
		{"none leaves it alone", ``, wish{"blue", 1}, false},
		{"null", `,"data":null`, wish{"blue", 1}, false},
		{"object", `,"data":{"team":"red","hat":3}`, wish{"red", 3}, false},
		{"another type", `,"data":[1]`, wish{"blue", 1}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, httpmp.Config{})
			got, asked := wish{"blue", 1}, 0
			d.game.onJoin = func(c *httpmp.Client) error {
				asked++
				err := c.Decode(&got)
				assert.Equal(t, tt.err, err != nil)
				return nil
			}
			d.admitted(d.tryJoin(`{"protos":[2]` + tt.sent + `}`))
			require.Equal(t, tt.want, got)
			require.Equal(t, 1, asked)
		})
	}
}

func TestJoinRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		code string
		msg  string
	}{
		{"text", errors.New("only on Tuesdays"), "refused", "only on Tuesdays"},
		{"full", httpmp.ErrFull, "full", "the match is full"},
		{"full, wrapped", fmt.Errorf("red: %w", httpmp.ErrFull), "full", "the match is full"},
		{"no text", errors.New(""), "refused", ""},
		{"the game's own timeout", fmt.Errorf("ask: %w", context.DeadlineExceeded), "refused", "ask: context deadline exceeded"},
		{"the game's own cancelled context", fmt.Errorf("ask: %w", context.Canceled), "refused", "ask: context canceled"},
	} {
		for _, by := range []string{"Game.Join", "Admit"} {
			t.Run(by+": "+tt.name, func(t *testing.T) {
				cfg := httpmp.Config{}
				if by == "Admit" {
					cfg.Admit = func(context.Context, httpmp.JoinRequest) (string, error) { return "Ann", tt.err }
				}
				d := newDesk(t, cfg)
				if by == "Game.Join" {
					d.game.onJoin = func(*httpmp.Client) error { return tt.err }
				}
				e := refused(t, d.tryJoin(`{"protos":[2],"nonce":"0123456789abcdef"}`))
				require.Equal(t, tt.code, e.Code)
				if tt.msg != "" {
					require.Equal(t, tt.msg, e.Msg)
				}
				require.Zero(t, d.Stats().Clients)
				tokens, _, nonces := d.Sessions()
				require.Zero(t, tokens)
				require.Zero(t, nonces, "a refusal is not kept for a repeated nonce")
			})
		}
	}
}

func TestMaxClients(t *testing.T) {
	d := newDesk(t, httpmp.Config{MaxClients: 2})
	a, _ := d.join("Ann"), d.join("Bob")
	require.Equal(t, "full", refused(t, d.tryJoin(`{"protos":[2]}`)).Code)
	require.Equal(t, 2, d.Stats().Clients)
	require.Equal(t, 204, d.do("POST", "leave", "", a.auth()...).Code)
	c := d.join("Eve")
	require.EqualValues(t, 3, c.ID)
}

// TestMaxWaiting: sessions that have not opened an out are bounded, and those that have do not count.
func TestMaxWaiting(t *testing.T) {
	d := newDesk(t, httpmp.Config{MaxWaiting: 2})
	a := d.admitted(d.tryJoin(`{"protos":[2]}`))
	d.admitted(d.tryJoin(`{"protos":[2]}`))
	before := d.state()
	e := refused(t, d.tryJoin(`{"protos":[2]}`))
	require.Equal(t, "busy", e.Code)
	require.Contains(t, e.Msg, "2 sessions wait")
	require.Equal(t, before, d.state())
	_, err := d.Join(t.Context(), "bot")
	require.NoError(t, err, "a client without a page does not wait")
	require.Equal(t, 200, d.do("GET", "out?m=poll&w=0", "", a.auth()...).Code)
	d.admitted(d.tryJoin(`{"protos":[2]}`))
	require.Equal(t, "busy", refused(t, d.tryJoin(`{"protos":[2]}`)).Code)
	d.frames(100)
	require.Equal(t, 2, d.Stats().Clients, "without an out for 3 s they leave: Ann and the bot stay")
	d.admitted(d.tryJoin(`{"protos":[2]}`))
}

// TestMaxWaitingAtOnce: joins that wait for their frame count.
func TestMaxWaitingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := runningDesk(t, httpmp.Config{MaxWaiting: 3})
		defer stop()
		var mu sync.Mutex
		got := map[int]int{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				w := d.tryJoin(`{"protos":[2]}`)
				mu.Lock()
				defer mu.Unlock()
				got[w.Code]++
			})
		}
		all.Wait()
		require.Equal(t, map[int]int{200: 3, 429: 5}, got)
		require.Equal(t, 3, d.Stats().Clients)
	})
}

// TestJoinGivenUp: whose request ends before the frame has not joined. Trust: row 21.
func TestJoinGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := runningDesk(t, httpmp.Config{})
		defer stop()
		var all sync.WaitGroup
		for i := range 500 {
			ctx, cancel := context.WithCancel(t.Context())
			all.Go(func() {
				w := d.send(call{
					method: "POST", target: "join", ctx: ctx, from: "127.0.0.1:1",
					body: strings.NewReader(fmt.Sprintf(`{"protos":[2],"nonce":"%016d"}`, i%50)),
				})
				refused(t, w)
			})
			synctest.Wait()
			cancel()
			if i%100 == 99 {
				time.Sleep(51 * time.Millisecond) // never when a frame is made
			}
		}
		all.Wait()
		time.Sleep(time.Second)
		require.Zero(t, d.Stats().Clients)
		require.Zero(t, d.game.In)
		tokens, _, nonces := d.Sessions()
		require.Zero(t, tokens)
		require.Zero(t, nonces)
		require.Zero(t, d.Joining())
	})
}

func TestStartingAndShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := idleDesk(t, httpmp.Config{})
		e := refused(t, d.tryJoin(nonce))
		require.Equal(t, "starting", e.Code)
		require.Equal(t, "gone", refused(t, d.do("GET", "out", "", "Authorization", "Bearer "+httpmp.NewToken())).Code)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		synctest.Wait()
		a := d.admitted(d.tryJoin(nonce))
		waiting := make(chan *httptest.ResponseRecorder)
		go func() { waiting <- d.tryJoin(`{"protos":[2]}`) }()
		synctest.Wait()
		cancel()
		require.NoError(t, <-ended)
		require.Equal(t, "shutdown", refused(t, <-waiting).Code, "who waited for a frame")
		for range 50 {
			require.Equal(t, "shutdown", refused(t, d.tryJoin(nonce)).Code, "a repeated nonce too")
		}
		require.Equal(t, "shutdown", refused(t, d.tryJoin(`{"protos":[2]}`)).Code)
		require.Equal(t, "shutdown", refused(t, d.in(a, `{"seq":1,"ev":[["blur"]]}`)).Code)
		w := d.do("GET", "out?f=json", "", a.auth()...)
		require.Equal(t, 200, w.Code)
		require.Contains(t, w.Body.String(), `{"bye":{"code":"shutdown","retry":500}}`)
		require.Equal(t, "gone", refused(t, d.do("GET", "out", "", "Authorization", "Bearer "+httpmp.NewToken())).Code)
		require.Equal(t, 204, d.do("POST", "leave", a.Token).Code)
		require.Equal(t, 200, d.do("GET", "", "").Code, "the page is served on")
		_, err := d.Join(t.Context(), "bot")
		require.ErrorIs(t, err, httpmp.ErrClosed)
	})
}

func TestAdmit(t *testing.T) {
	var got httpmp.JoinRequest
	d := newDesk(t, httpmp.Config{Admit: func(ctx context.Context, r httpmp.JoinRequest) (string, error) {
		got = r
		return strings.ToUpper(r.Name) + "!", ctx.Err()
	}})
	d.admitted(d.tryJoin(`{"protos":[2],"name":" ann\u0007","data":{"key":[1]}}`, "X-Key", "open"))
	require.Equal(t, "ANN!", d.game.Clients()[0].Name())
	require.Equal(t, "ann", got.Name, "as sent, cleaned")
	require.Equal(t, "192.0.2.1", got.Addr)
	require.Equal(t, []string{"open"}, got.Header["X-Key"])
	require.JSONEq(t, `{"key":[1]}`, string(got.Data))

	d.send(call{method: "POST", target: "join", body: strings.NewReader(`{"protos":[2]}`), from: "@"})
	require.Empty(t, got.Addr, "a socket without addresses")
	require.Nil(t, got.Data)
}

// TestAdmitPanics: a panic in Admit, which net/http recovers, leaves nothing behind.
func TestAdmitPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		panics := true
		d, stop := runningDesk(t, httpmp.Config{
			Logger: slog.New(slog.DiscardHandler),
			Admit: func(context.Context, httpmp.JoinRequest) (string, error) {
				if panics {
					<-slow
					panics = false
					panic("no database")
				}
				return "", nil
			},
		})
		defer stop()
		var all sync.WaitGroup
		all.Go(func() { assert.Panics(t, func() { d.tryJoin(nonce) }) })
		synctest.Wait()
		all.Go(func() { refused(t, d.tryJoin(nonce)) })
		synctest.Wait()
		close(slow)
		all.Wait()
		_, _, nonces := d.Sessions()
		require.Zero(t, nonces)
		d.admitted(d.tryJoin(nonce))
	})
}
