package proxy_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/browsertest/proxy"
)

// echo starts a server that sends back what it gets, and a proxy before it.
func echo(t *testing.T) *proxy.TCP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() { // ends when the listener is closed
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with its connection, at the latest when the proxy is closed
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	p, err := proxy.ListenTCP(l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		p.Close()
		l.Close()
		<-done
		assert.Zero(t, p.Open())
	})
	return p
}

func dial(t *testing.T, p *proxy.TCP) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c
}

func ping(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	_, err := io.WriteString(c, "ping")
	require.NoError(t, err)
	got := make([]byte, 4)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, "ping", string(got))
	return time.Since(start)
}

func TestPassesBytesAndEnds(t *testing.T) {
	p := echo(t)
	p.SetDelay(proxy.Delay{Jitter: 2 * time.Millisecond}, proxy.Delay{Jitter: 2 * time.Millisecond})
	c := dial(t, p)
	sent := make([]byte, 3<<20)
	_, _ = rand.Read(sent)
	go func() { // ends with the reader below
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	require.NoError(t, err, "the half-close comes through, and the end of the echo comes back")
	require.True(t, bytes.Equal(sent, got), "3 MiB come back as they went, jitter or not")
}

func TestCut(t *testing.T) {
	p := echo(t)
	a, b := dial(t, p), dial(t, p)
	ping(t, a)
	ping(t, b)
	require.Equal(t, 2, p.Open())
	p.Cut()
	for _, c := range []net.Conn{a, b} {
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
	ping(t, dial(t, p))
}

func TestRefuse(t *testing.T) {
	p := echo(t)
	old := dial(t, p)
	ping(t, old)
	p.Refuse(true)
	_, err := dial(t, p).Read(make([]byte, 1))
	require.Error(t, err)
	ping(t, old)
	p.Refuse(false)
	ping(t, dial(t, p))
}

func TestDelay(t *testing.T) {
	p := echo(t)
	c := dial(t, p)
	require.Less(t, ping(t, c), 60*time.Millisecond)
	p.SetDelay(proxy.Delay{Base: 50 * time.Millisecond}, proxy.Delay{Base: 20 * time.Millisecond, Jitter: 10 * time.Millisecond})
	for range 5 {
		d := ping(t, c)
		require.GreaterOrEqual(t, d, 70*time.Millisecond)
		require.Less(t, d, 250*time.Millisecond)
	}
	p.SetDelay(proxy.Delay{}, proxy.Delay{})
	require.Less(t, ping(t, c), 60*time.Millisecond)
}
