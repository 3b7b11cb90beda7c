package layer

import (
	"fmt"

	"github.com/httpmp/httpmp/internal/wire"
)

// cache holds what was encoded for single clients until the next Encode, for those that follow with
// the same base.
type cache struct {
	bytes []byte
	spans []span
}

type span struct {
	base     uint64 // 0: the whole layer
	from, to int
}

// maxCached is for how many bases a layer keeps what it encoded: a still one keeps it for long.
const maxCached = 64

// reset forgets what was encoded for clients: the layer is about to change. A frame in which nobody
// needed it gives the memory back.
func (l *Layer) reset() {
	if c := &l.cached; len(c.spans) == 0 {
		*c = cache{}
	} else {
		c.bytes, c.spans = c.bytes[:0], c.spans[:0]
	}
	l.resetPieces()
}

// since returns the ops, but for events, that take a client from base to the newest frame, or for
// base 0 those that make the whole layer. They are valid until it is called again or the next Encode.
func (l *Layer) since(base uint64) []byte {
	c := &l.cached
	for _, s := range c.spans {
		if s.base == base {
			return c.bytes[s.from:s.to]
		}
	}
	if len(c.spans) >= maxCached && base != 0 { // shortest still holds what it got for its base
		c.bytes, c.spans = c.bytes[:0], c.spans[:0]
	}
	from := len(c.bytes)
	c.bytes = l.appendSince(c.bytes, base)
	c.spans = append(c.spans, span{base: base, from: from, to: len(c.bytes)})
	return c.bytes[from:]
}

// appendSince appends what since returns.
func (l *Layer) appendSince(dst []byte, base uint64) []byte {
	for i := l.removed.len() - 1; i >= 0 && l.removed.at(i).frame > base; i-- {
		if r := l.removed.at(i); r.added <= base {
			dst = wire.AppendRemove(dst, uint64(r.slot))
		}
	}
	for slot := range l.rows {
		if a := l.rows[slot].added; a > base && a != pending {
			dst = l.appendAdd(dst, slot)
		}
	}
	next := 0 // the slot after the last one that is updated
	for slot := range l.rows {
		r := &l.rows[slot]
		if r.added > base {
			continue
		}
		c := &l.set.classes[r.class]
		mask := l.news(r, c, base)
		if mask == 0 {
			continue
		}
		nums, _, strs := l.values(r, c)
		dst = wire.AppendUpdate(dst, uint64(slot-next), mask, c.fields, nil, nums, strs)
		next = slot + 1
	}
	return dst
}

// shortest returns what since(base) does or, if that is shorter, the whole layer, and which it is.
func (l *Layer) shortest(base uint64) (ops []byte, mode byte) {
	ops = l.since(base)
	if len(ops) > l.least {
		if full := l.since(0); len(full) < len(ops) {
			return full, wire.ModeFull
		}
	}
	return ops, wire.ModeCatchUp
}

// Oversize returns a [*SizeError] if all rows of l together take more than limit bytes on the wire,
// as they were with the last Encode. It is cheap unless the layer is near the limit. A key frame
// holds all layers that its client sees, up to 64 KiB of events of each, and at most 64 bytes more: it
// must not be above [wire.MaxRecord].
func (l *Layer) Oversize(limit int) error {
	if l.most <= limit {
		return nil
	}
	size := len(l.since(0))
	if size <= limit {
		return nil
	}
	e := &SizeError{Size: size, Limit: limit}
	sizes := make([][]int, len(l.set.classes))
	for i := range l.rows {
		if r := &l.rows[i]; r.src != nil {
			l.addSizes(&sizes[r.class], r)
		}
	}
	heaviest := 0
	for class, fields := range sizes {
		sum := 0
		for _, n := range fields {
			sum += n
		}
		if sum > heaviest {
			heaviest = sum
			e.Class, e.Field = l.set.names[class], ""
			most := 0
			for i, n := range fields {
				if n > most {
					most, e.Field = n, l.set.classes[class].fields[i].Name
				}
			}
		}
	}
	return e
}

// addSizes adds the bytes that each field of r takes.
func (l *Layer) addSizes(sizes *[]int, r *row) {
	c := &l.set.classes[r.class]
	if *sizes == nil {
		*sizes = make([]int, len(c.fields))
	}
	nums, _, strs := l.values(r, c)
	var buf []byte
	for i := range c.fields {
		buf = wire.AppendUpdate(buf[:0], 0, 1<<i, c.fields, nil, nums, strs)
		(*sizes)[i] += len(buf) - 1 - wire.SizeUv(1<<i) // without op and mask
	}
}

// SizeError says that a layer as a whole does not fit a record.
type SizeError struct {
	Size, Limit int    // bytes
	Class       string // the class whose rows take most of it
	Field       string // the field of that class that takes most of that
}

// Error names the size, and where it comes from.
func (e *SizeError) Error() string {
	return fmt.Sprintf("layer: %d bytes, want at most %d: most of it is field %q of class %q", e.Size, e.Limit, e.Field, e.Class)
}
