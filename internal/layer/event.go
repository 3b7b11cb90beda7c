package layer

import "github.com/httpmp/httpmp/internal/wire"

// event is one that clients may not have yet.
type event struct {
	frame   uint64
	typ     string
	payload []byte
	size    int // bytes of its op
}

// How much waits for clients that are behind; the oldest are lost first.
const (
	maxEvents     = 256
	maxEventBytes = 64 << 10
)

// Event sends an event to all who see l, with the next Encode. Payload is JSON on one line, at most
// [wire.MaxStr] bytes, and kept: it must not be changed any more. Of the events that are above 256 or
// 64 KiB in one layer the oldest are lost, also within one frame; who misses one is told that there
// is a gap.
func (l *Layer) Event(typ string, payload []byte) {
	l.Wake()
	if len(payload) == 0 {
		payload = []byte("null")
	}
	if len(payload) > wire.MaxStr || len(typ) > wire.MaxStr {
		l.overrun = true
		return
	}
	size := 1 + wire.SizeUv(uint64(len(typ))) + len(typ) + wire.SizeUv(uint64(len(payload))) + len(payload)
	l.events.push(event{frame: pending, typ: typ, payload: payload, size: size})
	l.newEvents++
	l.eventBytes += size
	for l.events.len() > maxEvents || l.eventBytes > maxEventBytes {
		l.loseEvent()
	}
}

// loseEvent drops the oldest event.
func (l *Layer) loseEvent() {
	e := l.events.pop()
	l.eventBytes -= e.size
	if e.frame == pending {
		l.newEvents--
		l.overrun = true
		return
	}
	l.lost = e.frame
}

// expireEvents drops the events that nobody can be waiting for in frame n.
func (l *Layer) expireEvents(n uint64) {
	for l.events.len() > 0 {
		if e := l.events.at(0); e.frame == pending || e.frame+2*l.set.horizon > n {
			return
		}
		l.loseEvent()
	}
}

// encodeEvents appends the pending events, which are those of frame n.
func (l *Layer) encodeEvents(out []byte, n uint64) []byte {
	for i := l.events.len() - l.newEvents; i < l.events.len(); i++ {
		e := l.events.at(i)
		e.frame = n
		out = wire.AppendEvent(out, e.typ, e.payload)
	}
	if l.overrun {
		l.lost = n
	}
	l.newEvents, l.overrun, l.lastEvent = 0, false, n
	return out
}

// eventsAfter returns the index of the first event above frame n, and the bytes of all from there.
func (l *Layer) eventsAfter(n uint64) (first, size int) {
	first = l.events.len() - l.newEvents
	for first > 0 && l.events.at(first-1).frame > n {
		first--
		size += l.events.at(first).size
	}
	return first, size
}

// appendEvents appends the ops of the events from index first on.
func (l *Layer) appendEvents(dst []byte, first int) []byte {
	for i := first; i < l.events.len()-l.newEvents; i++ {
		e := l.events.at(i)
		dst = wire.AppendEvent(dst, e.typ, e.payload)
	}
	return dst
}
