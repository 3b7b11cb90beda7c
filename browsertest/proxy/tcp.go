package proxy

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// TCP is a proxy that knows nothing but bytes. Make one with ListenTCP.
//
// All methods are concurrent-safe.
type TCP struct {
	target   string       // immutable
	listener net.Listener // immutable
	running  sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	open     map[*net.TCPConn]struct{}
	closed   bool
	refuse   bool
	up, down Delay
}

// Delay is how long bytes are under way: Base and, drawn anew for every piece that is read, up to Jitter more. Pieces never
// overtake each other.
type Delay struct{ Base, Jitter time.Duration }

// inFlight is the number of pieces of up to 32 KiB that wait in one direction: then the proxy stops reading.
const inFlight = 256

// ListenTCP starts a proxy on a free loopback port that connects to target, a host and port.
func ListenTCP(target string) (*TCP, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &TCP{target: target, listener: l, open: map[*net.TCPConn]struct{}{}}
	p.running.Go(p.accept) // ends at Close
	return p, nil
}

// Addr returns the host and port to connect to.
func (p *TCP) Addr() string { return p.listener.Addr().String() }

// Cut resets every open connection, on both sides.
func (p *TCP) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutLocked()
}

// Refuse resets new connections as soon as they are made, until it is called with false. Open ones go on.
func (p *TCP) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// SetDelay sets how long bytes to the target and from it are under way, from the next piece on.
func (p *TCP) SetDelay(up, down Delay) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up, p.down = up, down
}

// Open returns the number of open connections.
func (p *TCP) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open) / 2
}

// Close ends the proxy, and returns when all its connections are closed.
func (p *TCP) Close() {
	p.mu.Lock()
	p.closed = true
	p.cutLocked()
	p.mu.Unlock()
	_ = p.listener.Close()
	p.running.Wait()
}

func (p *TCP) cutLocked() {
	for c := range p.open {
		reset(c)
	}
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

func (p *TCP) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(c.(*net.TCPConn)) }) // ends with its connections
	}
}

// serve copies both directions of a connection until both have ended or one is broken.
func (p *TCP) serve(client *net.TCPConn) {
	p.mu.Lock()
	refuse := p.refuse || p.closed
	p.mu.Unlock()
	if refuse {
		reset(client)
		return
	}
	c, err := net.Dial("tcp", p.target)
	if err != nil {
		reset(client)
		return
	}
	server := c.(*net.TCPConn)
	if !p.add(client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, &p.up) })
	both.Go(func() { p.copy(client, server, &p.down) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []*net.TCPConn{client, server} {
		delete(p.open, c)
		_ = c.Close()
	}
}

// add makes Cut know the two ends of a connection; it resets them, and returns false, when the proxy is closed.
func (p *TCP) add(client, server *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		reset(client)
		reset(server)
		return false
	}
	p.open[client], p.open[server] = struct{}{}, struct{}{}
	return true
}

type piece struct {
	data []byte
	due  time.Time
}

// copy passes on what src sends to dst, each piece when it is due, then the end. When either breaks, it breaks both.
func (p *TCP) copy(dst, src *net.TCPConn, delay *Delay) {
	pieces := make(chan piece, inFlight)
	var reader sync.WaitGroup
	reader.Go(func() { // ends with src; the loop below takes what it sends until then
		defer close(pieces)
		var last time.Time
		for {
			buf := make([]byte, 32<<10)
			n, err := src.Read(buf)
			if n > 0 {
				p.mu.Lock()
				d := *delay
				p.mu.Unlock()
				due := time.Now().Add(d.Base)
				if d.Jitter > 0 {
					due = due.Add(rand.N(d.Jitter))
				}
				if due.Before(last) {
					due = last
				}
				last = due
				pieces <- piece{buf[:n], due}
			}
			if err == io.EOF { //nolint:errorlint // a TCPConn's own, never wrapped
				return
			}
			if err != nil {
				reset(dst)
				return
			}
		}
	})
	broken := false
	for x := range pieces {
		if broken {
			continue
		}
		if wait := time.Until(x.due); wait > 0 {
			time.Sleep(wait)
		}
		if _, err := dst.Write(x.data); err != nil {
			broken = true
			reset(src)
		}
	}
	reader.Wait()
	_ = dst.CloseWrite()
}
