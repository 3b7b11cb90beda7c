package layer

import (
	"cmp"
	"slices"

	"github.com/httpmp/httpmp/internal/wire"
)

// encode makes the block of frame n.
func (l *Layer) encode(n uint64) error {
	l.expire(n)
	l.reset()
	out := l.set.out[:0]
	var err error
	if len(l.gone) > 0 {
		out = l.encodeGone(out, n)
	}
	if len(l.fresh) > 0 {
		if out, err = l.encodeFresh(out, n); err != nil {
			return err
		}
	}
	if out, err = l.encodeRows(out, n); err != nil {
		return err
	}
	gap := l.overrun
	if l.newEvents > 0 || gap {
		out = l.encodeEvents(out, n)
	}
	l.set.out = out
	if len(out) > 0 || gap {
		l.before, l.changed = l.changed, n
		l.keep(n, out, gap)
	}
	l.tidy(l.set.classes)
	return nil
}

// expire forgets what is too old in frame n.
func (l *Layer) expire(n uint64) {
	for l.blocks.len() > 0 && l.blocks.at(0).frame+heldFrames <= n {
		b := l.blocks.pop()
		l.evicted, l.spare = b.frame, b.bytes[:0]
	}
	if l.blocks.len() == 0 {
		l.spare = nil
	}
	for l.removed.len() > 0 && l.removed.at(0).frame+l.set.horizon <= n {
		l.forgotten = l.removed.pop().frame
	}
	l.expireEvents(n)
}

// encodeGone appends the removes, by ascending slot.
func (l *Layer) encodeGone(out []byte, n uint64) []byte {
	slices.SortFunc(l.gone, func(a, b removal) int { return cmp.Compare(a.slot, b.slot) })
	for _, r := range l.gone {
		out = wire.AppendRemove(out, uint64(r.slot))
		r.frame = n
		l.removed.push(r)
	}
	l.gone = reuse(l.gone)
	return out
}

// encodeFresh appends the adds, by ascending slot.
func (l *Layer) encodeFresh(out []byte, n uint64) ([]byte, error) {
	slices.Sort(l.fresh)
	for _, slot := range slices.Compact(l.fresh) {
		if slot >= len(l.rows) || l.rows[slot].src == nil || l.rows[slot].added != pending {
			continue // removed again
		}
		if err := l.read(slot, n); err != nil {
			return out, err
		}
		out = l.appendAdd(out, slot)
	}
	l.fresh = reuse(l.fresh)
	return out, nil
}

// reuse empties s, and gives its memory back if that is much.
func reuse[T any](s []T) []T {
	if cap(s) > 64 {
		return nil
	}
	return s[:0]
}

func (l *Layer) appendAdd(out []byte, slot int) []byte {
	r := &l.rows[slot]
	c := &l.set.classes[r.class]
	nums, _, strs := l.values(r, c)
	return wire.AppendAdd(out, int(r.class), uint64(slot), uint64(r.id), c.fields, nums, strs)
}

// encodeRows reads all rows that were there before frame n and appends what changed, by ascending slot.
// Most of a frame's time is spent here: what is the same for rows of one class is loaded once a run.
func (l *Layer) encodeRows(out []byte, n uint64) ([]byte, error) {
	var (
		rows   = l.rows
		held   = l.nums
		c      *class
		nums   []int64
		strs   []string
		pos    *[2]int64 // nums of a class that has no field but pos, else nil
		number = -1      // of class c
		next   = 0       // the slot after the last one that changed
	)
	for slot := range rows {
		r := &rows[slot]
		if r.added >= n { // also pending and free
			continue
		}
		if int(r.class) != number {
			number = int(r.class)
			c = &l.set.classes[number]
			nums, strs, pos = c.nums, c.strs, nil
			if c.movable && len(c.fields) == 1 {
				pos = (*[2]int64)(nums)
			}
		}
		if err := r.src.Read(nums, strs); err != nil {
			return out, l.rowError(r, err)
		}
		if pos != nil {
			old := (*[3]int64)(held[r.num:]) // x, y, version
			dx, dy := pos[0]-old[0], pos[1]-old[1]
			if dx|dy == 0 {
				continue
			}
			old[0], old[1], old[2] = pos[0], pos[1], int64(n)
			gap := uint64(slot - next)
			next = slot + 1
			if x, y := uint64(dx+32), uint64(dy+32); x|y < 64 && gap < 8 {
				out = append(out, byte(gap<<4|x>>2), byte(x<<6|y))
			} else {
				out = appendMove(out, gap, c, dx, dy)
			}
			continue
		}
		old := held[r.num:]
		mask := compare(old, nums, c.numBits)
		if len(strs) > 0 {
			mask |= l.compareStrs(r, c)
		}
		if mask != 0 {
			out = c.update(out, uint64(slot-next), mask, old, n)
			next = slot + 1
		}
	}
	return out, nil
}

// compare returns the bits of the fields whose numbers differ.
func compare(old, nums []int64, numBits []uint32) (mask uint32) {
	old, numBits = old[:len(nums)], numBits[:len(nums)]
	for i, v := range nums {
		if v != old[i] {
			mask |= numBits[i]
		}
	}
	return mask
}

// compareStrs returns the bits of the fields whose strings differ from what was read, which it takes.
func (l *Layer) compareStrs(r *row, c *class) (mask uint32) {
	old := l.strs[r.str:][:len(c.strs)]
	for i, s := range c.strs {
		if s != old[i] {
			mask |= c.strBits[i]
			l.least += len(s) - len(old[i])
			l.most += len(s) - len(old[i])
			old[i] = s
		}
	}
	return mask
}

// keep stores ops as the block of frame n.
func (l *Layer) keep(n uint64, ops []byte, gap bool) {
	var head [20]byte
	h := wire.AppendBlockHeader(head[:0], l.number, wire.ModeDelta, len(ops))
	size := len(h) + len(ops)
	buf := l.spare
	l.spare = nil
	if cap(buf) < size || cap(buf) > 8*size+64 {
		buf = make([]byte, 0, size+size/8)
	}
	buf = append(append(buf, h...), ops...)
	l.blocks.push(block{frame: n, bytes: buf, gap: gap})
}
