package layer

import "github.com/httpmp/httpmp/internal/wire"

// Position is where one response stands.
type Position struct {
	Base   uint64 // the frame that the client has when it has read all that was appended; 0: none
	events uint64 // no events up to this frame are to be sent
	acked  uint64 // the last ack of the response
	begun  bool   // it has had a frame
}

// NewPosition returns the Position of a response to a client that has frame base: with 0, with one
// above the newest frame or with one that is too old it begins with a key frame. Events of frames up
// to eventsAfter are not sent again, nor those up to base.
func NewPosition(base, eventsAfter uint64) Position {
	return Position{Base: base, events: eventsAfter}
}

// begin is called before p goes to frame n.
func (p *Position) begin(n uint64) {
	if p.Base <= n {
		p.events = max(p.events, p.Base)
	}
}

// part is what one block of a frame is made of.
type part struct {
	layer  *Layer
	mode   byte
	block  []byte // a whole block; nil: one is made of ops and events
	ops    []byte
	first  int  // index of the first event
	events int  // bytes of the events
	had    bool // the client has the layer

	// While blocks go out one by one:
	next  int    // index of the next
	piece []byte // the one of the frame
}

// size returns the bytes of the block.
func (t *part) size() int {
	if t.block != nil {
		return len(t.block)
	}
	n := wire.SizeUv(t.layer.number<<3 | uint64(t.mode))
	if t.mode == wire.ModeDrop {
		return n
	}
	return n + wire.SizeUv(uint64(len(t.ops)+t.events)) + len(t.ops) + t.events
}

func (t *part) append(dst []byte) []byte {
	if t.block != nil {
		return append(dst, t.block...)
	}
	dst = append(wire.AppendBlockHeader(dst, t.layer.number, t.mode, len(t.ops)+t.events), t.ops...)
	if t.events > 0 {
		dst = t.layer.appendEvents(dst, t.first)
	}
	return dst
}

// Append appends the records, each with its length, that take p from p.Base to n, the frame encoded
// last, and advances p: one frame, or the stored deltas since p.Base one by one where that is shorter,
// or an empty frame where nothing changed. Ack is the number of the last input folded into frame n or
// before it, slack that of wire.Header. The first frame of a response and later ones in which ack has
// grown carry both.
func (v *View) Append(dst []byte, p *Position, n, ack uint64, slack int64) []byte {
	set := v.set()
	if set == nil {
		set = &Set{}
	}
	v.forget(n, set.horizon)
	p.begin(n)
	key := !v.usable(p.Base, n, false)
	parts, gap := v.parts(set.parts[:0], p, n, key)
	set.parts = parts
	head := p.next(n, ack, slack, key, gap)
	var buf [40]byte
	body := wire.AppendHeader(buf[:0], head)
	size := len(body)
	caughtUp := false
	for i := range parts {
		t := &parts[i]
		size += t.size()
		caughtUp = caughtUp || t.had && t.mode != wire.ModeDrop && t.block == nil
	}
	if caughtUp && p.begun && !gap {
		if out, ok := appendDeltas(dst, parts, p, n, ack, slack, size+wire.SizeUv(uint64(size))); ok {
			return out
		}
	}
	p.advance(n, ack)
	dst = append(wire.AppendUv(dst, uint64(size)), body...)
	for i := range parts {
		dst = parts[i].append(dst)
	}
	clear(parts)
	return dst
}

// next returns the header of the frame after p.
func (p *Position) next(n, ack uint64, slack int64, key, gap bool) wire.Header {
	h := wire.Header{Frame: n}
	absolute := key
	switch {
	case key:
		h.Flags = wire.FlagKey
	case !p.begun || n-p.Base > 255 || n == p.Base:
		h.Flags, absolute = wire.FlagNAbs, true
	}
	if gap {
		h.Flags |= wire.FlagEvGap
	}
	if !p.begun || ack > p.acked {
		h.Flags |= wire.FlagAck
		h.Ack, h.Slack = ack, slack
		if !absolute {
			h.Ack -= p.acked
		}
	}
	return h
}

// advance makes n the frame that p is at.
func (p *Position) advance(n, ack uint64) {
	p.Base, p.begun = n, true
	p.events = max(p.events, n)
	p.acked = max(p.acked, ack)
}

// parts appends the parts of the frame that takes p to n. Gap reports that events were lost.
func (v *View) parts(parts []part, p *Position, n uint64, key bool) (_ []part, gap bool) {
	s := p.Base
	if key {
		s = 0
	}
	gap = v.lastEvent > p.events
	for i := range v.sights {
		e := &v.sights[i]
		l := e.layer
		after := max(p.events, e.from-1)
		had, sees := s > 0 && e.at(s), e.at(n)
		switch {
		case !sees:
			gap = gap || e.lastEvent > after
			if had && !v.replaced(i, n) {
				parts = append(parts, part{layer: l, mode: wire.ModeDrop, had: true})
			}
		case !had:
			gap = gap || l.lost > after
			t := part{layer: l, mode: wire.ModeFull, ops: l.since(0)}
			t.first, t.events = l.eventsAfter(after)
			parts = append(parts, t)
		case l.changed > s:
			t, lost := l.part(s, after)
			gap = gap || lost
			parts = append(parts, t)
		}
	}
	return parts, gap
}

// bigBlock is the size from which a delta is compared with the whole layer.
const bigBlock = 64 << 10

// part returns the part that takes a client from s, where it has the layer, to the newest frame. Events
// up to frame after are not in it.
func (l *Layer) part(s, after uint64) (t part, gap bool) {
	t.layer, t.had = l, true
	b := l.block(l.changed)
	if b != nil && l.before <= s && (after <= s || l.lastEvent <= s) {
		t.block = b.bytes
		if len(b.bytes) < bigBlock || len(b.bytes) <= l.least {
			return t, b.gap
		}
	}
	ops, mode := l.shortest(s)
	c := part{layer: l, mode: mode, ops: ops, had: true}
	c.first, c.events = l.eventsAfter(after)
	if t.block != nil && (mode != wire.ModeFull || c.size() >= len(t.block)) {
		return t, b.gap
	}
	return c, l.lost > after
}

// appendDeltas appends the stored deltas that take p to n, frame by frame, if they are all held and no
// longer than limit bytes. Parts are those of the one frame that would do the same without a gap.
func appendDeltas(dst []byte, parts []part, p *Position, n, ack uint64, slack int64, limit int) ([]byte, bool) {
	size := 0
	for i := range parts {
		t := &parts[i]
		l := t.layer
		if !t.had || t.mode == wire.ModeDrop || !l.held(p.Base) {
			return dst, false
		}
		t.next = l.blockAfter(p.Base)
		for j := t.next; j < l.blocks.len(); j++ {
			size += len(l.blocks.at(j).bytes)
		}
		if size > limit {
			return dst, false
		}
	}
	start := len(dst)
	q := *p
	for q.Base < n {
		dst = appendDelta(dst, parts, &q, n, ack, slack)
		if len(dst)-start > limit {
			return dst[:start], false
		}
	}
	*p = q
	clear(parts)
	return dst, true
}

// held reports whether all blocks of frames above s are.
func (l *Layer) held(s uint64) bool { return s >= l.evicted && l.blocks.len() > 0 }

// appendDelta appends the frame of the next stored deltas of parts; the last one has number n.
func appendDelta(dst []byte, parts []part, q *Position, n, ack uint64, slack int64) []byte {
	m, more := n, false
	for i := range parts {
		if t := &parts[i]; t.next < t.layer.blocks.len() {
			m = min(m, t.layer.blocks.at(t.next).frame)
		}
	}
	size := 0
	for i := range parts {
		t := &parts[i]
		t.piece = nil
		if t.next == t.layer.blocks.len() {
			continue
		}
		if b := t.layer.blocks.at(t.next); b.frame == m {
			t.piece = b.bytes
			size += len(b.bytes)
			t.next++
		}
		more = more || t.next < t.layer.blocks.len()
	}
	if more {
		ack = q.acked // that of frame m is not known any more
	} else {
		m = n // nothing changed between them
	}
	var buf [40]byte
	head := wire.AppendHeader(buf[:0], q.next(m, ack, slack, false, false))
	q.advance(m, ack)
	dst = append(wire.AppendUv(dst, uint64(len(head)+size)), head...)
	for i := range parts {
		dst = append(dst, parts[i].piece...)
	}
	return dst
}
