package httpmp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// parkedWriter is the response of a parked stream: it counts writes and keeps the deadline that is set.
type parkedWriter struct {
	header   http.Header
	writes   atomic.Int64
	deadline atomic.Bool // one is set
}

func (w *parkedWriter) Header() http.Header         { return w.header }
func (w *parkedWriter) WriteHeader(int)             {}
func (w *parkedWriter) Write(p []byte) (int, error) { w.writes.Add(1); return len(p), nil }
func (w *parkedWriter) FlushError() error           { return nil }
func (w *parkedWriter) SetWriteDeadline(d time.Time) error {
	w.deadline.Store(!d.IsZero())
	return nil
}

// TestParked: a client of a paused game is woken for its heartbeats and for nothing else, and no timer is armed for it.
func TestParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, seconds = 1000, 20
		e, err := httpmp.New(&paused{}, httpmp.Config{MaxClients: clients, MaxWaiting: clients})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		synctest.Wait()

		writers := make([]*parkedWriter, clients)
		for i := range writers {
			w := &parkedWriter{header: http.Header{}}
			writers[i] = w
			go func() { // ends with the match
				joined := httptest.NewRecorder()
				join := httptest.NewRequest(http.MethodPost, "/join", strings.NewReader(`{"protos":[2]}`))
				join.RemoteAddr = "127.0.0.1:1" // one that JoinRate does not count
				e.ServeHTTP(joined, join)
				_, rest, _ := strings.Cut(joined.Body.String(), `"token":"`)
				token, _, _ := strings.Cut(rest, `"`)
				r := httptest.NewRequest(http.MethodGet, "/out", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				e.ServeHTTP(w, r)
			}()
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		before := make([]int64, clients)
		for i, w := range writers {
			before[i] = w.writes.Load()
		}
		time.Sleep(seconds * time.Second)
		synctest.Wait()
		for i, w := range writers {
			require.Equal(t, int64(seconds), w.writes.Load()-before[i], "writes to client %d: a heartbeat a second", i)
			require.False(t, w.deadline.Load(), "no timer is armed for client %d", i)
		}
		cancel()
		require.NoError(t, <-done)
	})
}
