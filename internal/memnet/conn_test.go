package memnet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/memnet"
)

func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(10)
		n, err := a.Write([]byte("0123456789"))
		require.NoError(t, err, "a write that fits the window waits for nobody")
		require.Equal(t, 10, n)

		var wrote sync.WaitGroup
		var after time.Duration
		start := time.Now()
		wrote.Go(func() {
			n, err := a.Write([]byte("abcdefghijklmno"))
			assert.NoError(t, err)
			assert.Equal(t, 15, n)
			after = time.Since(start)
		})
		synctest.Wait()
		require.Equal(t, 10, a.Unread(), "the window holds 10 bytes and no more")
		time.Sleep(3 * time.Second)

		got := make([]byte, 25)
		_, err = io.ReadFull(b, got)
		require.NoError(t, err)
		wrote.Wait()
		require.Equal(t, "0123456789abcdefghijklmno", string(got))
		require.Equal(t, 3*time.Second, after, "the writer waited for the reader")
		require.Zero(t, a.Unread())
	})
}

func TestDefaultWindow(t *testing.T) {
	a, _ := memnet.Pipe(0)
	require.NoError(t, a.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := a.Write(make([]byte, memnet.DefaultWindow+1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Equal(t, memnet.DefaultWindow, n)
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(4)
		start := time.Now()

		require.NoError(t, a.SetReadDeadline(start.Add(time.Second)))
		_, err := a.Read(make([]byte, 1))
		requireTimeout(t, err)
		require.Equal(t, time.Second, time.Since(start))
		_, err = a.Read(make([]byte, 1))
		requireTimeout(t, err)

		require.NoError(t, a.SetReadDeadline(time.Time{}))
		_, err = b.Write([]byte("x"))
		require.NoError(t, err)
		n, err := a.Read(make([]byte, 4))
		require.NoError(t, err, "a deadline that is taken back is gone")
		require.Equal(t, 1, n)

		require.NoError(t, a.SetWriteDeadline(start.Add(5*time.Second)))
		n, err = a.Write([]byte("123456"))
		requireTimeout(t, err)
		require.Equal(t, 4, n, "what went in before the deadline is counted")
		require.Equal(t, 5*time.Second, time.Since(start))

		// A deadline in the past ends a call that already waits.
		go func() {
			time.Sleep(time.Second)
			assert.NoError(t, a.SetReadDeadline(time.Unix(1, 0)))
		}()
		require.NoError(t, a.SetReadDeadline(start.Add(time.Hour)))
		_, err = a.Read(make([]byte, 1))
		requireTimeout(t, err)
		require.Equal(t, 6*time.Second, time.Since(start))
	})
}

func requireTimeout(t *testing.T, err error) {
	t.Helper()
	var ne net.Error
	require.ErrorAs(t, err, &ne)
	require.True(t, ne.Timeout(), "%v", err)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestEnds(t *testing.T) {
	one := make([]byte, 1)
	read := func(c *memnet.Conn) error { _, err := c.Read(one); return err }
	write := func(c *memnet.Conn) error { _, err := c.Write(one); return err }
	tests := []struct {
		name          string
		end           func(a, b *memnet.Conn)
		aRead, aWrite error // what a's calls give after b's, nil: they work
		bRead, bWrite error
		lost          bool // the byte that b had written does not arrive
	}{
		{name: "close", end: func(_, b *memnet.Conn) { b.Close() }, aRead: io.EOF, aWrite: syscall.EPIPE, bRead: net.ErrClosed, bWrite: net.ErrClosed},
		{name: "half-close", end: func(_, b *memnet.Conn) { b.CloseWrite() }, aRead: io.EOF, bWrite: syscall.EPIPE},
		{name: "cut here", end: func(a, _ *memnet.Conn) { a.Cut() }, lost: true, aRead: syscall.ECONNRESET, aWrite: syscall.ECONNRESET, bRead: syscall.ECONNRESET, bWrite: syscall.ECONNRESET},
		{name: "cut there", end: func(_, b *memnet.Conn) { b.Cut() }, lost: true, aRead: syscall.ECONNRESET, aWrite: syscall.ECONNRESET, bRead: syscall.ECONNRESET, bWrite: syscall.ECONNRESET},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := memnet.Pipe(2)
				_, err := b.Write(one)
				require.NoError(t, err)
				tt.end(a, b)
				if !tt.lost {
					require.NoError(t, read(a), "what was written before the end arrives")
				}
				require.ErrorIs(t, read(a), tt.aRead)
				require.ErrorIs(t, write(a), tt.aWrite)
				if tt.aWrite == nil {
					require.NoError(t, read(b), "the other direction goes on")
				} else {
					require.ErrorIs(t, read(b), tt.bRead)
				}
				require.ErrorIs(t, write(b), tt.bWrite)
			})
		})
		t.Run(tt.name+" wakes", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := memnet.Pipe(1)
				_, err := a.Write(one)
				require.NoError(t, err)
				var calls sync.WaitGroup
				calls.Go(func() { assert.ErrorIs(t, read(a), tt.aRead) })
				if tt.aWrite != nil {
					calls.Go(func() { assert.ErrorIs(t, write(a), tt.aWrite) })
					calls.Go(func() { assert.ErrorIs(t, write(a), tt.aWrite) })
				}
				synctest.Wait()
				tt.end(a, b)
				calls.Wait() // a call that is not woken deadlocks the bubble, which fails the test
			})
		})
	}
}

func TestClosedTwice(t *testing.T) {
	a, _ := memnet.Pipe(0)
	require.NoError(t, a.Close())
	for name, err := range map[string]error{
		"Close": a.Close(), "CloseWrite": a.CloseWrite(), "SetDeadline": a.SetDeadline(time.Now()),
	} {
		require.ErrorIs(t, err, net.ErrClosed, name)
	}
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(8)
		start := time.Now()
		a.StallWrites(true)
		_, err := a.Write([]byte("hello"))
		require.NoError(t, err)
		require.NoError(t, a.CloseWrite())
		time.AfterFunc(time.Minute, func() { a.StallWrites(false) })
		got, err := io.ReadAll(b)
		require.NoError(t, err)
		require.Equal(t, "hello", string(got))
		require.Equal(t, time.Minute, time.Since(start), "neither bytes nor the end arrive during a stall")

		a.StallReads(true)
		require.NoError(t, a.SetReadDeadline(time.Now().Add(time.Second)))
		_, err = b.Write([]byte("x"))
		require.NoError(t, err)
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		a.Cut()
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET, "a reset passes a stall")
	})
}

// Many writers and odd sizes over a small window: every byte arrives once, and the bytes of one Write together.
func TestWritesStayTogether(t *testing.T) {
	const writers, each, size = 8, 200, 37
	a, b := memnet.Pipe(64)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			p := bytes.Repeat([]byte{byte('a' + w)}, size)
			for range each {
				if _, err := a.Write(p); !assert.NoError(t, err) {
					return
				}
			}
		})
	}
	go func() { all.Wait(); a.Close() }() // ends with the writers; the reader below waits for it
	counts := map[byte]int{}
	p := make([]byte, size)
	for {
		if _, err := io.ReadFull(b, p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, bytes.Repeat(p[:1], size), p)
		counts[p[0]]++
	}
	require.Len(t, counts, writers)
	for w, n := range counts {
		require.Equal(t, each, n, "writer %c", w)
	}
}

func BenchmarkCopy(b *testing.B) {
	w, r := memnet.Pipe(0)
	go io.Copy(io.Discard, r) // ends at Close
	p := make([]byte, 1024)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(p); err != nil {
			b.Fatal(err)
		}
	}
	w.Close()
}
