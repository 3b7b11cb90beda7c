package layer

import (
	"slices"
	"strconv"

	"github.com/httpmp/httpmp/internal/wire"
)

// line is what one line of JSON mode is made of, collected over the layers of a view. It is reused.
type line struct {
	pieces  []*piece
	dels    []uint32 // sprites that went out of a layer
	adds    []uint32 // sprites that came into one, all lists ascending
	moved   []uint32 // those that did both
	lost    []lostPrivate
	private []privateRows
	open    bool // an array has been begun
}

// lostPrivate is a companion that the client had and that is no more.
type lostPrivate struct {
	class *class
	of    uint32
}

// privateRows is a layer that may hold companions, and since when the client has it.
type privateRows struct {
	layer *Layer
	since uint64
}

// AppendJSON is Append for a page in JSON mode: one line, with what changed in (p.Base, n].
//
// A sprite that goes from one layer to another has no del and no add but a set of all its shared
// fields. A sprite whose private fields are no longer this client's has a set of them to null: forget
// them.
func (v *View) AppendJSON(dst []byte, p *Position, n, ack uint64, slack int64) []byte {
	set := v.set()
	if set == nil {
		set = &Set{}
	}
	v.forget(n, set.horizon)
	p.begin(n)
	s := p.Base
	if !v.usable(s, n, true) {
		s = 0
	}
	j := &set.line
	j.collect(v, s, n)
	dst = strconv.AppendUint(append(dst, `{"n":`...), n, 10)
	if s == 0 {
		dst = append(dst, `,"key":true`...)
	}
	if !p.begun || ack > p.acked {
		dst = strconv.AppendUint(append(dst, `,"ack":`...), ack, 10)
		if slack != 0 {
			dst = strconv.AppendInt(append(dst, `,"slack":`...), slack, 10)
		}
	}
	dst = j.appendDels(dst)
	dst = j.appendAdds(dst)
	dst = j.appendSets(dst)
	for _, m := range [...]struct {
		key string
		of  func(*piece) []byte
	}{
		{`,"stage":`, func(q *piece) []byte { return q.stage }},
		{`,"game":`, func(q *piece) []byte { return q.game }},
		{`,"me":`, func(q *piece) []byte { return q.me }},
	} {
		for _, q := range j.pieces {
			if text := m.of(q); len(text) > 0 {
				dst = append(append(dst, m.key...), text...)
			}
		}
	}
	dst, gap := v.appendEventsJSON(dst, p, n)
	if gap {
		dst = append(dst, `,"evgap":true`...)
	}
	p.advance(n, ack)
	j.clear()
	return append(dst, "}\n"...)
}

// collect gathers what takes a client from frame s, 0 for nothing, to n.
func (j *line) collect(v *View, s, n uint64) {
	for i := range v.sights {
		e := &v.sights[i]
		l := e.layer
		had, sees := s > 0 && e.at(s), e.at(n)
		since := uint64(0)
		if had {
			j.gone(l, s, sees)
			since = s
		}
		if !sees {
			continue
		}
		j.private = append(j.private, privateRows{l, since})
		if l.changed > since {
			q := l.piece(since)
			j.pieces = append(j.pieces, q)
			for _, a := range q.adds {
				j.adds = append(j.adds, a.id)
			}
		}
	}
	slices.Sort(j.dels)
	slices.Sort(j.adds)
	if len(j.dels) == 0 || len(j.adds) == 0 {
		return
	}
	for _, id := range j.dels {
		if contains(j.adds, id) {
			j.moved = append(j.moved, id)
		}
	}
	j.dels = slices.DeleteFunc(j.dels, func(id uint32) bool { return contains(j.moved, id) })
}

// gone adds what was in l in frame s and is no more, or all that was in it if it is out of sight.
func (j *line) gone(l *Layer, s uint64, sees bool) {
	for i := l.removed.len() - 1; i >= 0 && l.removed.at(i).frame > s; i-- {
		if r := l.removed.at(i); r.added <= s {
			j.lose(&l.set.classes[r.class], int(r.class), r.id)
		}
	}
	if sees {
		return
	}
	for i := range l.rows {
		r := &l.rows[i]
		if r.added > s {
			continue
		}
		c := &l.set.classes[r.class]
		id := r.id
		if c.companion {
			id = uint32(l.nums[r.num])
		}
		j.lose(c, int(r.class), id)
	}
}

// lose adds one row that is no more.
func (j *line) lose(c *class, class int, id uint32) {
	switch {
	case c.companion:
		j.lost = append(j.lost, lostPrivate{c, id})
	case class > wire.ClassMe:
		j.dels = append(j.dels, id)
	}
}

func contains(sorted []uint32, id uint32) bool {
	_, ok := slices.BinarySearch(sorted, id)
	return ok
}

// clear forgets everything but the memory.
func (j *line) clear() {
	clear(j.pieces)
	clear(j.lost)
	clear(j.private)
	*j = line{j.pieces[:0], j.dels[:0], j.adds[:0], j.moved[:0], j.lost[:0], j.private[:0], false}
}

// element appends what comes before an element of an array whose first one it may be.
func (j *line) element(dst []byte, member string) []byte {
	if j.open {
		return append(dst, ',')
	}
	j.open = true
	return append(append(dst, member...), '[')
}

// end ends the array, if it was begun.
func (j *line) end(dst []byte) []byte {
	if j.open {
		j.open = false
		dst = append(dst, ']')
	}
	return dst
}

func (j *line) appendDels(dst []byte) []byte {
	for _, id := range j.dels {
		dst = strconv.AppendUint(j.element(dst, `,"del":`), uint64(id), 10)
	}
	return j.end(dst)
}

func (j *line) appendAdds(dst []byte) []byte {
	for _, q := range j.pieces {
		if len(j.moved) == 0 && len(q.adds) > 0 {
			dst = append(j.element(dst, `,"add":`), q.text...)
			continue
		}
		for _, a := range q.adds {
			if !contains(j.moved, a.id) {
				dst = append(j.element(dst, `,"add":`), q.text[a.from:a.to]...)
			}
		}
	}
	return j.end(dst)
}

// appendSets appends sets: of sprites that went to another layer, of fields to be forgotten, shared
// ones, private ones.
func (j *line) appendSets(dst []byte) []byte {
	const member = `,"set":`
	for _, q := range j.pieces {
		for _, a := range q.adds {
			if len(j.moved) > 0 && contains(j.moved, a.id) {
				dst = appendID(j.element(dst, member), a.id)
				dst = append(append(dst, q.text[a.fields:a.to-1]...), ']')
			}
		}
	}
	for _, c := range j.lost {
		if len(c.class.keys) > 1 && !contains(j.dels, c.of) {
			dst = append(appendID(j.element(dst, member), c.of), '{')
			for i, key := range c.class.keys[1:] {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = append(append(dst, key...), "null"...)
			}
			dst = append(dst, "}]"...)
		}
	}
	for _, q := range j.pieces {
		if len(q.sets) > 0 {
			dst = append(j.element(dst, member), q.sets...)
		}
	}
	for _, rows := range j.private {
		if rows.layer.companions > 0 {
			dst = j.appendPrivate(dst, member, rows.layer, rows.since)
		}
	}
	return j.end(dst)
}

// appendPrivate appends sets of the private fields in l that changed after frame since, or of all
// where the client does not have the sprite yet.
func (j *line) appendPrivate(dst []byte, member string, l *Layer, since uint64) []byte {
	for i := range l.rows {
		r := &l.rows[i]
		if r.added == pending {
			continue
		}
		c := &l.set.classes[r.class]
		if !c.companion {
			continue
		}
		of := uint32(l.nums[r.num])
		after := since
		if contains(j.adds, of) && !contains(j.moved, of) {
			after = 0
		}
		fields := l.appendFields(nil, r, c, l.news(r, c, after)&^1)
		if len(fields) > 0 {
			dst = appendID(j.element(dst, member), of)
			dst = append(append(append(dst, '{'), fields...), "}]"...)
		}
	}
	return dst
}

// appendID appends what a set begins with.
func appendID(dst []byte, id uint32) []byte {
	return append(strconv.AppendUint(append(dst, '['), uint64(id), 10), ',')
}

// appendEventsJSON appends the events of all layers that are seen. Gap reports that some were lost.
func (v *View) appendEventsJSON(dst []byte, p *Position, n uint64) (_ []byte, gap bool) {
	gap = v.lastEvent > p.events
	some := false
	for i := range v.sights {
		e := &v.sights[i]
		l := e.layer
		after := max(p.events, e.from-1)
		if !e.at(n) {
			gap = gap || e.lastEvent > after
			continue
		}
		gap = gap || l.lost > after
		first, _ := l.eventsAfter(after)
		for k := first; k < l.events.len()-l.newEvents; k++ {
			if some {
				dst = append(dst, ',')
			} else {
				some = true
				dst = append(dst, `,"ev":[`...)
			}
			ev := l.events.at(k)
			dst = append(wire.AppendQuoted(append(dst, '['), ev.typ), ',')
			dst = append(append(dst, ev.payload...), ']')
		}
	}
	if some {
		dst = append(dst, ']')
	}
	return dst, gap
}
