package httpmp

import (
	"slices"
	"time"
)

// collect takes what drives the next frame.
func (e *Engine) collect(now time.Time) (*frameInput, []*joining) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.frame + 1
	in := &frameInput{leaves: e.leaves}
	e.leaves = nil
	e.lookAfter(in, n)
	for _, id := range in.leaves {
		delete(e.byID, id)
	}
	if len(in.leaves) > 0 {
		e.order = slices.DeleteFunc(e.order, func(s *session) bool { return e.byID[s.id] == nil })
	}
	for _, q := range e.ready.take() {
		s := e.byID[q.client]
		if s == nil {
			continue
		}
		q.drain(n)
		s.measure(q.due, n, now, e.cfg.FPS)
		if len(q.due) > 0 {
			in.events = append(in.events, clientEvents{q.client, q.due})
		}
	}
	for len(e.kicked) > 0 && n-e.kicked[0].away > e.resume {
		delete(e.tokens, e.kicked[0].token)
		e.kicked[0] = nil
		e.kicked = e.kicked[1:]
	}
	joins := e.joins
	e.joins = nil
	for _, j := range joins {
		if err := j.ctx.Err(); err != nil {
			j.err, j.gaveUp = err, true
			continue
		}
		j.in = e.newInChannel()
		in.joins = append(in.joins, &j.joinInput)
	}
	for nonce, j := range e.nonces {
		if !j.expires.IsZero() && now.After(j.expires) {
			delete(e.nonces, nonce)
		}
	}
	return in, joins
}

// lookAfter lets the sessions that have had no out for too long leave, and releases the buttons of those that have
// had none for one silence.
func (e *Engine) lookAfter(in *frameInput, n uint64) {
	e.absent = slices.DeleteFunc(e.absent, func(s *session) bool {
		switch {
		case s.out != nil || s.gone:
			s.absent = false
			return true
		case !s.opened && n-s.joined > e.grace, s.opened && n-s.away > e.resume:
			e.forget(s)
			in.leaves = append(in.leaves, s.id)
			return true
		case s.opened && n-s.away == e.silence:
			in.blurs = append(in.blurs, s.id)
		}
		return false
	})
	slices.Sort(in.leaves)
	slices.Sort(in.blurs)
}

// newInChannel returns the InChannel of a client that is to be.
func (e *Engine) newInChannel() *InChannel {
	return &InChannel{max: e.cfg.MaxClientEvents, lim: e.lim, ready: &e.ready}
}

// measure notes how tight the tightest stamped input of due was.
func (s *session) measure(due []queuedEvent, n uint64, now time.Time, fps int) {
	for _, ev := range due {
		if ev.arrived.IsZero() {
			continue
		}
		slack := now.Sub(ev.arrived).Milliseconds()
		if ev.frame < n {
			slack = -int64(n-ev.frame) * 1000 / int64(fps)
		}
		if !s.stamped || slack < s.slack {
			s.slack, s.stamped = slack, true
		}
	}
}
