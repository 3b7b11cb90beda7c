package httpmp

import (
	"time"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/wire"
)

// carrier is one open out of a session: what takes bytes from it to a page. It has a goroutine of its
// own, which waits for wake and asks compose what to write.
type carrier struct {
	wake  chan struct{}       // capacity 1: something is due, or bye is set
	stall func(time.Duration) // makes writes fail from then on, the one in flight too; concurrent-safe
	poll  bool
	json  bool

	// Guarded by Engine.mu.
	pos      layer.Position
	greet    bool      // it begins with a hello
	deadline uint64    // poll: the frame in which it is answered at the latest
	last     uint64    // stream: the frame in which it last sent something
	moving   bool      // stream: that was a change, so one more frame is due: the page learns that all is still
	writing  uint64    // the frame in which the write in flight began; 0: none
	bye      *wire.Bye // it is to say this and end
	final    uint64    // the frame that is sent before bye; 0: none
}

// outRequest is what an out asks for.
type outRequest struct {
	base  uint64
	epoch uint64
	poll  bool
	json  bool
	wait  uint64 // poll: frames
	stall func(time.Duration)
}

// open makes a carrier for s, which supersedes the one it has.
func (e *Engine) open(s *session, q outRequest) *carrier {
	e.mu.Lock()
	defer e.mu.Unlock()
	base := q.base
	if q.epoch != uint64(e.epoch) || base > e.frame {
		base = 0
	}
	s.seen = max(s.seen, base)
	if base < s.sent {
		s.ackSent = 0 // whatever was on its way did not arrive
	}
	c := &carrier{
		wake:     make(chan struct{}, 1),
		stall:    q.stall,
		poll:     q.poll,
		json:     q.json,
		pos:      layer.NewPosition(base, max(s.seen, s.joined-1)),
		greet:    !q.poll || q.epoch != uint64(e.epoch),
		deadline: e.frame + q.wait,
		last:     e.frame,
	}
	switch {
	case e.phase == over:
		c.bye = &e.bye
	case s.gone:
		c.bye = &wire.Bye{Code: "gone"}
	default:
		if s.out != nil {
			s.out.end(wire.Bye{Code: "superseded"})
			s.out.stall(writeLimit) // nobody looks after it any more
		}
		s.out, s.opened = c, true
		e.forgetNonceLocked(s)
		e.alarms.set(alarm{s, c}, min(c.alarm(e.silence), e.frame+e.silence))
	}
	return c
}

// shut ends the carrier c of s.
func (e *Engine) shut(s *session, c *carrier) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.out == c {
		s.out, s.away = nil, e.frame
		e.missLocked(s)
	}
}

// missLocked has the frame loop look after s while it has no out.
func (e *Engine) missLocked(s *session) {
	if !s.absent {
		s.absent = true
		e.absent = append(e.absent, s)
	}
}

// taken notes that c has taken some of what it was to write.
func (e *Engine) taken(c *carrier) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.writing = e.frame
}

// compose appends what is to be written on c, the carrier of s, now: nothing where it is to wait. Last
// reports that it ends with this. A write of what compose returned before has ended.
func (e *Engine) compose(s *session, c *carrier, dst []byte) (out []byte, last bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.writing = 0
	if c.greet {
		c.greet = false
		dst = c.appendHello(dst, wire.Hello{Hello: 2, Epoch: e.epoch, Frame: e.frame, Base: c.pos.Base})
	}
	if (c.bye == nil || c.pos.Base < c.final) && c.due(s, e.frame, e.silence) {
		c.moving = !c.poll && s.client.priv.view.Changed(c.pos.Base)
		slack := int64(0)
		if s.stamped {
			slack, s.stamped = s.slack, false
		}
		if c.json {
			dst = s.client.priv.view.AppendJSON(dst, &c.pos, e.frame, s.ack, slack)
		} else {
			dst = s.client.priv.view.Append(dst, &c.pos, e.frame, s.ack, slack)
		}
		s.ackSent, s.sent, c.last = s.ack, e.frame, e.frame
		last = c.poll
	}
	if c.bye != nil {
		dst, last = c.appendBye(dst, *c.bye), true
	}
	if len(dst) > 0 {
		c.writing = e.frame
	}
	e.bytesOut.Add(uint64(len(dst)))
	return dst, last
}

func (c *carrier) appendHello(dst []byte, h wire.Hello) []byte {
	if c.json {
		return wire.AppendControlJSON(dst, h)
	}
	return wire.AppendControl(dst, h)
}

func (c *carrier) appendBye(dst []byte, b wire.Bye) []byte {
	if c.json {
		return wire.AppendByeJSON(dst, b)
	}
	return wire.AppendBye(dst, b)
}

// due reports whether a frame is to be sent on c, the carrier of s, when frame n is out.
func (c *carrier) due(s *session, n, silence uint64) bool {
	if c.pos.Base == 0 || s.ack > s.ackSent || s.client.priv.view.Changed(c.pos.Base) {
		return true
	}
	return n >= c.alarm(silence)
}

// alarm returns the frame in which something is to be sent on c though nothing has changed.
func (c *carrier) alarm(silence uint64) uint64 {
	switch {
	case c.poll:
		return c.deadline
	case c.moving:
		return c.last + 1
	}
	return c.last + silence
}

// signal wakes the carrier's goroutine, now or at its next wait.
func (c *carrier) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// signal wakes the carrier of s, if it has one.
func (s *session) signal() {
	if s.out != nil {
		s.out.signal()
	}
}

// end has the carrier say bye and end. The first bye holds.
func (c *carrier) end(b wire.Bye) {
	if c.bye == nil {
		c.bye = &b
	}
	c.signal()
}
