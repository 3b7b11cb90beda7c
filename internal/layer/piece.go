package layer

import (
	"strconv"

	"github.com/httpmp/httpmp/internal/wire"
)

// piece is what the lines of JSON mode that take a client from base to the newest frame have of one
// layer. It is made once for all of them, and kept until the next Encode.
type piece struct {
	base  uint64  // 0: nothing
	text  []byte  // the elements of "add", with commas
	adds  []added // where they are in text
	sets  []byte  // the elements of "set", with commas
	stage []byte  // a value
	game  []byte  // an object
	me    []byte  // an object
}

// added is one element of "add".
type added struct {
	id               uint32
	from, fields, to int // in piece.text: its "[", the "{" of its fields, behind its "]"
}

// bigPiece is the size of text from which its memory is not kept.
const bigPiece = 64 << 10

// resetPieces forgets the pieces: the layer is about to change. A frame in which nobody needed any
// gives their memory back.
func (l *Layer) resetPieces() {
	if l.pieces == nil {
		return
	}
	if len(l.pieces) == 0 {
		l.pieces = nil
		return
	}
	for _, q := range l.pieces {
		if cap(q.text)+cap(q.sets) > bigPiece {
			*q = piece{}
		}
	}
	l.pieces = l.pieces[:0]
}

// piece returns what l has for clients with that base.
func (l *Layer) piece(base uint64) *piece {
	for _, q := range l.pieces {
		if q.base == base {
			return q
		}
	}
	if len(l.pieces) == maxCached {
		l.resetPieces()
	}
	var q *piece
	if k := len(l.pieces); k < cap(l.pieces) && l.pieces[:k+1][k] != nil {
		l.pieces = l.pieces[:k+1]
		q = l.pieces[k]
	} else {
		q = &piece{}
		l.pieces = append(l.pieces, q)
	}
	*q = piece{base, q.text[:0], q.adds[:0], q.sets[:0], q.stage[:0], q.game[:0], q.me[:0]}
	l.fill(q)
	return q
}

// fill makes q by its base.
func (l *Layer) fill(q *piece) {
	for i := range l.rows {
		r := &l.rows[i]
		if r.added == pending {
			continue
		}
		c := &l.set.classes[r.class]
		mask := l.news(r, c, q.base)
		if mask == 0 && r.added <= q.base {
			continue
		}
		switch {
		case r.class == wire.ClassGame:
			l.fillGame(q, r, c, mask)
		case r.class == wire.ClassMe:
			q.me = l.appendObject(q.me, r, c, mask)
		case c.companion:
		case r.added > q.base:
			l.fillAdd(q, r, c, mask)
		default:
			if len(q.sets) > 0 {
				q.sets = append(q.sets, ',')
			}
			q.sets = append(l.appendObject(appendID(q.sets, r.id), r, c, mask), ']')
		}
	}
}

func (l *Layer) fillGame(q *piece, r *row, c *class, mask uint32) {
	if mask&1 != 0 {
		nums, _, strs := l.values(r, c)
		q.stage = wire.AppendValueJSON(q.stage, c.fields[0], nums, strs)
	}
	if mask &^= 1; mask != 0 {
		q.game = l.appendObject(q.game, r, c, mask)
	}
}

func (l *Layer) fillAdd(q *piece, r *row, c *class, mask uint32) {
	if len(q.adds) > 0 {
		q.text = append(q.text, ',')
	}
	a := added{id: r.id, from: len(q.text)}
	q.text = strconv.AppendUint(append(q.text, '['), uint64(r.id), 10)
	q.text = append(append(append(q.text, ','), c.name...), ',')
	a.fields = len(q.text)
	q.text = append(l.appendObject(q.text, r, c, mask), ']')
	a.to = len(q.text)
	q.adds = append(q.adds, a)
}

// appendObject appends the fields of r whose bits are in mask as a JSON object.
func (l *Layer) appendObject(dst []byte, r *row, c *class, mask uint32) []byte {
	return append(l.appendFields(append(dst, '{'), r, c, mask), '}')
}

// appendFields is appendObject without the braces.
func (l *Layer) appendFields(dst []byte, r *row, c *class, mask uint32) []byte {
	nums, _, strs := l.values(r, c)
	some := false
	for i, f := range c.fields {
		if mask>>i&1 != 0 {
			if some {
				dst = append(dst, ',')
			}
			some = true
			dst = wire.AppendValueJSON(append(dst, c.keys[i]...), f, nums, strs)
		}
		nums, strs = nums[f.Nums():], strs[f.Strs():]
	}
	return dst
}
