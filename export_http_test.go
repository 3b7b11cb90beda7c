package httpmp

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// Queued is an event that waits in an InChannel.
type Queued struct {
	Seq, Frame uint64
	Type, Name string
}

// Waiting returns what waits in q.
func (q *InChannel) Waiting() []Queued {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []Queued
	for _, ev := range q.fifo {
		all = append(all, Queued{ev.seq, ev.frame, ev.Type, ev.Name})
	}
	return all
}

// InOf returns the InChannel of the client with that id, or nil.
func (e *Engine) InOf(id ClientID) *InChannel {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.order {
		if s.id == id {
			return s.in
		}
	}
	return nil
}

// ShellState describes all that an Engine holds beside the match itself: who is in, what their InChannels
// hold, which tokens and nonces are known. What a request may use up, the rates, is not in it.
func (e *Engine) ShellState() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "phase %d epoch %d frame %d\n", e.phase, e.epoch, e.frame)
	fmt.Fprintf(&b, "tokens %d nonces %d joins %d leaves %v kicked %d in %d\n",
		len(e.tokens), len(e.nonces), len(e.joins), e.leaves, len(e.kicked), e.bytesIn.Load())
	for _, s := range e.order {
		s.in.mu.Lock()
		fmt.Fprintf(&b, "%d out %v opened %v gone %v kicked %v away %d seen %d ack %d/%d sent %d; last %d target %d closed %v waiting %d\n",
			s.id, s.out != nil, s.opened, s.gone, s.kicked, s.away, s.seen, s.ack, s.ackSent, s.sent,
			s.in.last, s.in.target, s.in.closed, len(s.in.fifo))
		s.in.mu.Unlock()
	}
	return b.String()
}

// Joining returns how many wait for the frame in which they join.
func (e *Engine) Joining() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.joins)
}

// Paths returns the protocol's own paths and the methods of each, sorted.
func (e *Engine) Paths() map[string][]string {
	paths := make(map[string][]string)
	for path, route := range e.HTTP.own {
		paths[path] = slices.Sorted(slices.Values(route.methods))
	}
	return paths
}

// NewToken is newToken.
func NewToken() string { return newToken() }

// PageURL is pageURL.
func PageURL(asked string, listening net.Addr) string { return pageURL(asked, listening) }
