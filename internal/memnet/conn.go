package memnet

import (
	"errors"
	"io"
	"net"
	"time"
)

// DefaultWindow is the number of bytes that one direction of a connection holds when nothing else is asked for.
const DefaultWindow = 64 << 10

// Conn is one end of a connection: a net.Conn, with more to break.
//
// Errors are a *net.OpError around net.ErrClosed, os.ErrDeadlineExceeded, syscall.ECONNRESET (Cut) or syscall.EPIPE (the
// other end is closed), and a bare io.EOF.
//
// All methods are concurrent-safe. The bytes of one Write stay together.
type Conn struct {
	in, out       *half
	local, remote net.Addr
}

// Pipe returns the two ends of a new connection that holds at most window bytes in each direction; 0 is DefaultWindow.
func Pipe(window int) (a, b *Conn) {
	return pipe(window, tcpAddr(loopback, 1), tcpAddr(loopback, 2))
}

func pipe(window int, aAddr, bAddr net.Addr) (a, b *Conn) {
	if window <= 0 {
		window = DefaultWindow
	}
	x, y := newHalf(window), newHalf(window)
	return &Conn{in: x, out: y, local: aAddr, remote: bAddr}, &Conn{in: y, out: x, local: bAddr, remote: aAddr}
}

// Read reads at least one byte, blocking until there is one, the other end has closed (io.EOF) or the deadline passes.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.opError("read", err)
}

// Write puts all of p into the window, blocking while it is full. With an error, n is the number of bytes that went in.
func (c *Conn) Write(p []byte) (n int, err error) {
	n, err = c.out.write(p)
	return n, c.opError("write", err)
}

// Close ends both directions. The other end still reads what was written, then gets io.EOF; its writes fail.
func (c *Conn) Close() error {
	if c.closed() {
		return c.opError("close", net.ErrClosed)
	}
	c.out.closeWrite()
	c.in.closeRead()
	return nil
}

// CloseWrite ends the direction that c writes: the other end gets io.EOF after the last byte, and may go on writing.
func (c *Conn) CloseWrite() error {
	if c.closed() {
		return c.opError("close", net.ErrClosed)
	}
	c.out.change(func() { c.out.ended = true })
	return nil
}

// Cut resets the connection: all pending and later calls of both ends fail with ECONNRESET, and what was written and
// not yet read is lost.
func (c *Conn) Cut() {
	c.in.reset()
	c.out.reset()
}

// StallReads lets nothing more arrive at c, not even the end of the stream, until it is called with false. What the other
// end writes waits in the window; when that is full, its writes block. Both stalls together are a network that lost its way.
func (c *Conn) StallReads(on bool) { c.in.change(func() { c.in.stalled = on }) }

// StallWrites is StallReads for the other end: nothing that c writes arrives there until it is called with false.
func (c *Conn) StallWrites(on bool) { c.out.change(func() { c.out.stalled = on }) }

// Unread returns the number of bytes that c has written and the other end has not read.
func (c *Conn) Unread() int {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return len(c.out.buf) - c.out.off
}

// LocalAddr returns the address of this end, a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end, a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets the deadlines of Read and Write; the zero time is none. It also ends calls that already wait.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets the time from which Read fails with os.ErrDeadlineExceeded; the zero time is none.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed() {
		return c.opError("set", net.ErrClosed)
	}
	c.in.readBy.set(c.in, t)
	return nil
}

// SetWriteDeadline sets the time from which Write fails with os.ErrDeadlineExceeded; the zero time is none.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed() {
		return c.opError("set", net.ErrClosed)
	}
	c.out.writeBy.set(c.out, t)
	return nil
}

func (c *Conn) closed() bool {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.writeGone
}

// opError wraps err as package net would, so that callers that look inside find what they find on a socket.
func (c *Conn) opError(op string, err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // Read's own, never wrapped
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
