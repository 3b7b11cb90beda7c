package httpmp

import (
	"cmp"
	"context"

	"github.com/httpmp/httpmp/internal/wire"
)

// forget kills the session's token, closes its InChannel and, where it has an out, ends it with bye gone.
// Its client leaves by way of leaves.
func (e *Engine) forget(s *session) {
	delete(e.tokens, s.token)
	e.forgetNonceLocked(s)
	s.gone = true
	s.in.close()
	if s.stop != nil {
		s.stop()
	}
	if s.out != nil {
		s.out.end(wire.Bye{Code: "gone"})
	}
}

// publish lets everybody know of the frame that was encoded.
func (e *Engine) publish(joins []*joining) {
	e.frame = e.core.world.frame
	e.stats.Malformed = e.core.malformed
	for _, j := range joins {
		e.admit(j)
	}
	for _, c := range e.core.touched {
		if s := e.byID[c.id]; s != nil {
			s.ack = c.ack
			s.signal()
		}
	}
	for _, c := range e.core.stirred {
		e.byID[c.id].signal()
	}
	for _, c := range e.core.dropped {
		if s := e.byID[c.id]; s != nil && !s.gone {
			e.kick(s)
		}
	}
	e.core.dropped = e.core.dropped[:0]
	if changed := e.core.shared.Changed(); changed > 0 && changed+1 >= e.frame { // and once when it comes to rest
		for _, s := range e.order {
			s.signal()
		}
	}
	e.ringing = e.alarms.ring(e.ringing[:0], e.frame)
	for _, a := range e.ringing {
		c := a.carrier
		if a.session.out != c {
			continue
		}
		at := c.alarm(e.silence)
		if at <= e.frame {
			c.signal()
			at = e.frame + e.silence
		}
		e.alarms.set(a, min(at, e.frame+e.silence)) // once in a silence, so that nothing waits for long that has ended
		if c.writing != 0 && e.frame-c.writing > e.cfg.frames(writeLimit) {
			c.stall(0)
		}
	}
}

// kick sends s away. Its token is remembered for a while, so that a page that polls learns why.
func (e *Engine) kick(s *session) {
	if s.out != nil {
		s.out.final = e.frame
		s.out.end(wire.Bye{Code: "kicked", Msg: s.client.kicked})
	}
	e.forget(s)
	e.leaves = append(e.leaves, s.id)
	if s.token != (tokenHash{}) {
		s.kicked, s.reason, s.away = true, cmp.Or(s.client.kicked, "you were sent away"), e.frame
		e.tokens[s.token] = s
		e.kicked = append(e.kicked, s)
	}
}

// admit makes a session of who has joined, or says why not.
func (e *Engine) admit(j *joining) {
	defer e.answer(j)
	if j.client == nil {
		return
	}
	s := e.newSession(j.client.id, j.in)
	s.client, s.joined, s.nonce = j.client, e.frame, j.nonce
	if j.token != "" {
		s.token = hashToken(j.token)
		e.tokens[s.token] = s
	}
	e.order = append(e.order, s)
	e.byID[s.id] = s
	if j.token != "" {
		e.missLocked(s)
	} else {
		s.stop = context.AfterFunc(j.ctx, func() { e.leave(s) })
	}
	j.session, j.frame, j.epoch = s, e.frame, e.epoch
	e.log.Debug("httpmp: joined", "client", s.id, "name", j.name, "frame", e.frame)
}
