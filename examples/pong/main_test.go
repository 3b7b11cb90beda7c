package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/httpmptest"
)

func TestRally(t *testing.T) {
	g := newPong()
	h := httpmptest.New(t, g)
	h.Verify()
	left, right := h.Join("Left"), h.Join("Right")
	start := g.ball.X
	h.Frames(60)
	require.NotEqual(t, start, g.ball.X, "the ball moves without a key press")

	left.Hold("ArrowUp")
	right.Hold("KeyS")
	h.Frames(15)
	require.Less(t, g.paddles[0].Y, 240.0, "ArrowUp moves the left paddle up")
	require.Greater(t, g.paddles[1].Y, 240.0, "S moves the right paddle down")
	h.Frames(60)
	require.Equal(t, 48.0, g.paddles[0].Y, "a paddle stops at the wall")
}

func TestFirstToSevenWinsAndPlayGoesOn(t *testing.T) {
	g := newPong()
	h := httpmptest.New(t, g)
	watcher := h.Join("Watcher")
	g.paddles[1].Y = 48 // nobody plays, and the ball passes the right paddle
	for g.Score[0] < 7 {
		g.paddles[1].Y = 48 + 384*float64(h.Engine.Stats().Frame/30%2)
		h.Frames(1)
		require.Less(t, h.Engine.Stats().Frame, uint64(30*600), "score %v after ten minutes", g.Score)
	}
	said := ""
	for _, c := range watcher.Commands() {
		if c.Event == "say" {
			said = c.Data.(string)
		}
	}
	require.Equal(t, "Left wins!", said)
	h.Frames(30 * 5)
	require.Zero(t, g.Score[0], "a new match has begun")
}

// TestBytes holds Pong at 30 frames/s, both paddles held half of the time, to 0.35 kB/s a client in records.
func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(newPong(), httpmp.Config{FPS: 30, Seed: 1})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		synctest.Wait()

		tokens := []string{join(t, e), join(t, e)}
		for _, token := range tokens {
			go func() {
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/out", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				e.ServeHTTP(httptest.NewRecorder(), r)
			}()
		}
		time.Sleep(time.Second)
		before := e.Stats().BytesOut
		const seconds = 60
		for i := range seconds {
			for p, token := range tokens {
				key := [2]string{"ArrowUp", "ArrowDown"}[(i+p)%2]
				post(t, e, token, 2*i+1, "down", key)
			}
			time.Sleep(500 * time.Millisecond)
			for p, token := range tokens {
				key := [2]string{"ArrowUp", "ArrowDown"}[(i+p)%2]
				post(t, e, token, 2*i+2, "up", key)
			}
			time.Sleep(500 * time.Millisecond)
		}
		perClient := float64(e.Stats().BytesOut-before) / seconds / float64(len(tokens))
		t.Logf("%.0f B/s a client", perClient)
		require.LessOrEqual(t, perClient, 350.0)
		cancel()
		require.NoError(t, <-done)
	})
}

func join(t *testing.T, e *httpmp.Engine) string {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/join", strings.NewReader(`{"protos":[2]}`)))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	var a struct{ Token string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
	return a.Token
}

func post(t *testing.T, e *httpmp.Engine, token string, seq int, typ, key string) {
	r := httptest.NewRequest(http.MethodPost, "/in", strings.NewReader(fmt.Sprintf(`{"seq":%d,"ev":[[%q,%q]]}`, seq, typ, key)))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body)
}
