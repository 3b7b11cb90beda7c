package memnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
)

// backlog is the number of connections that wait for Accept before a dialer has to wait too: as on a small server.
const backlog = 128

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Listener is a net.Listener whose clients dial in memory.
//
// All methods are concurrent-safe.
type Listener struct {
	window int           // immutable
	queue  chan *Conn    // written by dialers, read by Accept; never closed
	done   chan struct{} // closed by Close

	mu     sync.Mutex // guards the fields below
	port   uint16     // of the last client
	refuse bool
	closed bool
	conns  []*Conn // accepting ends, in the order they were dialed; closed ones too, until there are prune
	prune  int
}

// Listen returns a listener at 127.0.0.1:80. Its connections hold at most window bytes in each direction; 0 is
// DefaultWindow.
func Listen(window int) *Listener {
	return &Listener{window: window, queue: make(chan *Conn, backlog), done: make(chan struct{}), port: 40000}
}

// Accept returns the next connection, or an error that is net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
	default:
		select {
		case c := <-l.queue:
			return c, nil
		case <-l.done:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
}

// Close ends Accept, refuses further dialers and resets connections that were not accepted yet. Accepted ones go on.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.closed = true
	close(l.done)
	for {
		select {
		case c := <-l.queue:
			c.Cut()
		default:
			return nil
		}
	}
}

// Addr returns 127.0.0.1:80, a *net.TCPAddr.
func (l *Listener) Addr() net.Addr { return tcpAddr(loopback, 80) }

// Dial connects from 127.0.0.1 and a port of its own. After Close, and while Refuse is on, it fails with ECONNREFUSED.
// It waits while 128 connections are not accepted.
func (l *Listener) Dial(ctx context.Context) (*Conn, error) { return l.DialFrom(ctx, loopback) }

// DialContext is Dial in the shape of http.Transport.DialContext. It reaches the listener whatever the address is.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	c, err := l.Dial(ctx)
	if err != nil {
		return nil, err // not a nil *Conn in a net.Conn
	}
	return c, nil
}

// DialFrom is Dial from another machine: ip is what the server sees as the address of its client.
func (l *Listener) DialFrom(ctx context.Context, ip netip.Addr) (*Conn, error) {
	l.mu.Lock()
	l.port = max(l.port+1, 1024) // it wraps around
	from := tcpAddr(ip, l.port)
	if l.closed || l.refuse {
		l.mu.Unlock()
		return nil, l.dialError(from, os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	client, server := pipe(l.window, from, l.Addr())
	l.conns = append(l.conns, server)
	if len(l.conns) > l.prune {
		l.prune = 2*len(l.openLocked()) + backlog
	}
	l.mu.Unlock()

	select {
	case l.queue <- server:
	case <-l.done:
		return nil, l.dialError(from, os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case <-ctx.Done():
		return nil, l.dialError(from, ctx.Err())
	}
	select {
	case <-l.done: // Close may have emptied the queue before this connection was in it
		client.Cut()
	default:
	}
	return client, nil
}

// Refuse makes dialing fail with ECONNREFUSED until it is called with false. Open connections go on.
func (l *Listener) Refuse(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = on
}

// Conns returns the server's ends of the connections that were dialed and that the server has not closed, oldest first.
func (l *Listener) Conns() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.openLocked())
}

func (l *Listener) openLocked() []*Conn {
	l.conns = slices.DeleteFunc(l.conns, (*Conn).closed)
	return l.conns
}

// CutAll resets every open connection, as when a server's machine dies.
func (l *Listener) CutAll() {
	for _, c := range l.Conns() {
		c.Cut()
	}
}

func (l *Listener) dialError(from net.Addr, err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Source: from, Addr: l.Addr(), Err: err}
}

func tcpAddr(ip netip.Addr, port uint16) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, port))
}
