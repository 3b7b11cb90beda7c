package wire

import (
	"bytes"
	"math"
	"slices"
)

// blockReader applies the ops of one block.
type blockReader struct {
	reader
	t      *applying
	number uint64
	layer  *replicaLayer
	delta  bool
	cursor uint64 // the slot after the last updated one
}

func (b *blockReader) op() {
	switch head := b.u8(); {
	case head < 0x80:
		x := int64(head&15)<<2 | int64(b.peek()>>6)
		b.move(uint64(head>>4), x-32, int64(b.u8()&63)-32)
	case head < opUpdate:
		x := int64(head&3)<<7 | int64(b.peek()>>1)
		y := int64(b.u8()&1) << 8
		b.move(uint64(head>>2&15), x-256, (y|int64(b.u8()))-256)
	case head < opAdd:
		b.update(uint64(head & 31))
	case head < opRemove:
		b.add(uint64(head & 15))
	case head == opRemove:
		slot := b.slot(b.uv())
		if w := b.row(slot); w != nil {
			b.t.name(w, -1)
			b.set(slot, nil)
		}
	case head == opEvent:
		e := ReplicaEvent{Type: b.str("event type")}
		e.Payload = bytes.Clone(b.json("event"))
		if b.number == layerPrivate {
			b.t.private = append(b.t.private, e)
		} else {
			b.t.info.Events = append(b.t.info.Events, e)
		}
	default:
		b.bytes()
	}
}

// peek returns the next byte without taking it, 0 at the end.
func (b *blockReader) peek() byte {
	if len(b.p) == 0 {
		return 0
	}
	return b.p[0]
}

func (b *blockReader) slot(n uint64) uint64 {
	if n > MaxSlot {
		b.failf("slot %d, want at most %d", n, MaxSlot)
	}
	return n
}

// row returns what is in a slot.
func (b *blockReader) row(slot uint64) *row {
	w := b.layer.slots[slot]
	if w == nil {
		b.failf("slot %d is free", slot)
	}
	if b.err != nil {
		return nil
	}
	return w
}

// set puts w, or nothing if it is nil, into a slot. A layer that the frame itself made needs no undo,
// which does no harm.
func (b *blockReader) set(slot uint64, w *row) {
	b.t.undo = append(b.t.undo, undo{layer: b.layer, slot: slot, old: b.layer.slots[slot]})
	if w == nil {
		delete(b.layer.slots, slot)
	} else {
		b.layer.slots[slot] = w
	}
}

// next moves the cursor over gap slots and returns the row after them as a copy to change, or nil.
func (b *blockReader) next(gap uint64) (slot uint64, w *row) {
	slot = b.slot(b.cursor + gap)
	b.cursor = slot + 1
	old := b.row(slot)
	if old == nil {
		return 0, nil
	}
	return slot, &row{class: old.class, id: old.id, nums: slices.Clone(old.nums), strs: slices.Clone(old.strs)}
}

func (b *blockReader) move(gap uint64, dx, dy int64) {
	slot, w := b.next(gap)
	if w == nil {
		return
	}
	c := &b.t.classes[w.class]
	if len(c.fields) == 0 || c.fields[0].Name != "pos" || c.fields[0].Type != Pos {
		b.failf("slot %d is moved, and class %q has no pos", slot, c.name)
		return
	}
	if !b.delta {
		b.failf("slot %d is moved in a block that is not a delta", slot)
		return
	}
	for i, d := range [2]int64{dx, dy} {
		if w.nums[i] += d; w.nums[i] < minSv || w.nums[i] > maxSv {
			b.fail(ErrNumber)
			return
		}
	}
	b.t.name(w, 0)
	b.set(slot, w)
}

func (b *blockReader) update(gap uint64) {
	if gap == 31 {
		gap += b.uv()
	}
	slot, w := b.next(gap)
	if w == nil {
		return
	}
	c := &b.t.classes[w.class]
	mask := b.uv()
	if mask >= 1<<len(c.fields) {
		b.failf("slot %d: mask %#x for a class of %d fields", slot, mask, len(c.fields))
		return
	}
	b.t.name(w, 0)
	for i := range c.fields {
		if mask>>i&1 != 0 {
			b.value(c, i, w, b.delta)
		}
	}
	if b.err == nil {
		b.t.name(w, 0) // a companion may have changed hands
		b.set(slot, w)
	}
}

func (b *blockReader) add(number uint64) {
	if number == 15 {
		number = b.uv()
	}
	slot, id := b.slot(b.uv()), b.uv()
	switch {
	case b.err != nil:
		return
	case number >= uint64(len(b.t.classes)):
		b.failf("class %d of %d", number, len(b.t.classes))
		return
	case id > math.MaxUint32:
		b.failf("id %d, want at most %d", id, uint32(math.MaxUint32))
		return
	case id != 0 && number <= ClassMe:
		b.failf("row of class %q with id %d, want 0", b.t.classes[number].name, id)
		return
	case b.layer.slots[slot] != nil:
		b.failf("slot %d is taken", slot)
		return
	}
	c := &b.t.classes[number]
	w := &row{class: int(number), id: uint32(id), nums: make([]int64, c.nums), strs: make([]string, c.strs)}
	for i := range c.fields {
		b.value(c, i, w, false)
	}
	if b.err == nil {
		b.t.name(w, 1)
		b.set(slot, w)
	}
}
