package memnet_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/memnet"
)

// serve runs an http.Server over a listener until the test ends, and returns it with a client.
func serve(t *testing.T, window int, h http.HandlerFunc) (*memnet.Listener, *http.Client) {
	t.Helper()
	l := memnet.Listen(window)
	srv := &http.Server{Handler: h}
	served := make(chan error)
	go func() { served <- srv.Serve(l) }() // ends at srv.Close
	tr := &http.Transport{DialContext: l.DialContext}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		assert.NoError(t, srv.Close())
		assert.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return l, &http.Client{Transport: tr}
}

func TestStreamInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frames, fps = 3000, 30
		_, client := serve(t, 0, func(w http.ResponseWriter, r *http.Request) {
			tick := time.NewTicker(time.Second / fps)
			defer tick.Stop()
			for range frames {
				select {
				case <-tick.C:
				case <-r.Context().Done():
					return
				}
				_, _ = io.WriteString(w, "0123456789abcdef")
				assert.NoError(t, http.NewResponseController(w).Flush())
			}
		})
		start := time.Now()
		res, err := client.Get("http://game.test/")
		require.NoError(t, err)
		defer res.Body.Close()
		one := make([]byte, 16)
		for i := range frames {
			_, err := io.ReadFull(res.Body, one)
			require.NoError(t, err)
			require.Equal(t, time.Duration(i+1)*(time.Second/fps), time.Since(start), "frame %d arrives in its own instant", i+1)
		}
		_, err = res.Body.Read(one)
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestStalledReaderBlocksHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window = 16 << 10
		var written int
		var failed time.Duration
		l, client := serve(t, window, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/other" {
				return
			}
			start := time.Now()
			rc := http.NewResponseController(w)
			for {
				assert.NoError(t, rc.SetWriteDeadline(time.Now().Add(10*time.Second)))
				_, err := w.Write(make([]byte, 1000))
				if err == nil {
					err = rc.Flush()
				}
				if err != nil {
					failed = time.Since(start)
					return
				}
				written += 1000
			}
		})
		// A plain client: it sends the request and reads nothing, so that nobody's read buffer takes part.
		c, err := l.Dial(t.Context())
		require.NoError(t, err)
		_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: game.test\r\n\r\n")
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, window, l.Conns()[0].Unread(), "the handler fills the window, then waits")
		require.InDelta(t, window, written, 1500)

		res, err := client.Get("http://game.test/other")
		require.NoError(t, err, "others are served meanwhile")
		require.NoError(t, res.Body.Close())

		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 10*time.Second, failed)
		c.Close()
	})
}

func TestCutEndsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		l, client := serve(t, 0, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(done)
		})
		res, err := client.Get("http://game.test/")
		require.NoError(t, err)
		defer res.Body.Close()
		require.Len(t, l.Conns(), 1)
		l.CutAll()
		_, err = res.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		<-done
		synctest.Wait()
		require.Empty(t, l.Conns(), "the server closes its end of a reset connection")

		l.Refuse(true)
		_, err = client.Get("http://game.test/") //nolint:bodyclose // there is no response
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		l.Refuse(false)
	})
}

func TestAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		l, client := serve(t, 0, func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.RemoteAddr) })
		for _, ip := range []string{"203.0.113.7", "2001:db8::1"} {
			c, err := l.DialFrom(t.Context(), netip.MustParseAddr(ip))
			require.NoError(t, err)
			_, err = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
			require.NoError(t, err)
			_, err = io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, c.LocalAddr().String(), seen[len(seen)-1])
			require.NoError(t, c.Close())
		}
		res, err := client.Post("http://game.test/", "", strings.NewReader("x"))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Regexp(t, `^203\.0\.113\.7:\d+ \[2001:db8::1\]:\d+ 127\.0\.0\.1:\d+$`, strings.Join(seen, " "))
	})
}

func TestListenerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen(0)
		waiting, err := l.Dial(t.Context())
		require.NoError(t, err)
		for range 127 {
			_, err := l.Dial(t.Context())
			require.NoError(t, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = l.DialContext(ctx, "tcp", "game.test:80")
		require.ErrorIs(t, err, context.DeadlineExceeded, "a dialer waits while the backlog is full")

		refused := make(chan error)
		go func() {
			_, err := l.Dial(t.Context())
			refused <- err
		}()
		synctest.Wait()
		require.NoError(t, l.Close())
		if err := <-refused; err != nil {
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
		_, err = waiting.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		_, err = l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = l.Dial(t.Context())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorIs(t, l.Close(), net.ErrClosed)
	})
}
