package wire

import (
	"maps"
	"slices"
)

// applying is one frame on its way into a Replica. Rows are replaced, not changed, and those in layers that stay
// are written down in undo; layers that a block clears or drops are replaced in a copy of the map.
type applying struct {
	*Replica
	reader
	layers  map[uint64]*replicaLayer
	undo    []undo
	info    Info
	private []ReplicaEvent
	named   map[uint32]int // by id of sprites that the frame names: how many rows they had before it
}

type undo struct {
	layer *replicaLayer
	slot  uint64
	old   *row // nil: it was free
}

func (t *applying) rollback() {
	for _, u := range slices.Backward(t.undo) {
		if u.old == nil {
			delete(u.layer.slots, u.slot)
		} else {
			u.layer.slots[u.slot] = u.old
		}
	}
	for id, n := range t.named {
		t.setRows(id, n)
	}
}

// frame reads the header and the blocks.
func (t *applying) frame() {
	head := t.u8()
	if t.err == nil && head>>5 != KindFrame {
		t.failf("record is of kind %d, want %d", head>>5, KindFrame)
	}
	if head&16 != 0 {
		t.failf("flag 16 is set, which is for later versions")
	}
	t.number(head)
	t.info.Ack = t.ack
	if head&FlagAck != 0 {
		t.info.HasAck = true
		t.info.Ack = t.uv()
		if head&(FlagKey|FlagNAbs) == 0 {
			t.info.Ack += t.ack
		}
		t.info.Slack = t.sv()
		if t.info.Ack > MaxUint {
			t.fail(ErrNumber)
		}
	}
	t.info.EvGap = head&FlagEvGap != 0
	if t.info.Key = head&FlagKey != 0; t.info.Key {
		for _, l := range t.layers {
			t.clear(l)
		}
		clear(t.layers)
	}
	next := uint64(0)
	for len(t.p) > 0 {
		next = t.block(next)
	}
	t.info.Events = append(t.info.Events, t.private...)
	t.count()
}

func (t *applying) number(head byte) {
	at := t.Replica.frame
	if head&(FlagKey|FlagNAbs) != 0 {
		t.info.Frame = t.uv()
		if head&FlagKey == 0 && t.info.Frame < at {
			t.failf("number %d comes after %d", t.info.Frame, at)
		}
		return
	}
	t.info.Frame = at + 1 + uint64(t.u8()-byte(at+1))
	if t.info.Frame > MaxUint {
		t.fail(ErrNumber)
	}
}

// block reads one block, whose layer is at least lowest, and returns the lowest that can follow.
func (t *applying) block(lowest uint64) uint64 {
	head := t.uv()
	number, mode := head>>3, head&7
	if mode > ModeDrop {
		t.failf("layer %d: mode %d is for later versions", number, mode)
	}
	if number < lowest {
		t.failf("layer %d comes after layer %d", number, lowest-1)
	}
	if t.info.Key && mode != ModeFull {
		t.failf("layer %d: mode %d in a key frame, want %d", number, mode, ModeFull)
	}
	l := t.layers[number]
	if mode == ModeDrop {
		if l != nil {
			t.clear(l)
			delete(t.layers, number)
		}
		return number + 1
	}
	ops := reader{p: t.bytes()}
	if t.err != nil {
		return number + 1
	}
	switch {
	case mode == ModeFull:
		if l != nil {
			t.clear(l)
		}
		l = &replicaLayer{slots: map[uint64]*row{}}
		t.layers[number] = l
	case l == nil:
		t.failf("layer %d: mode %d for a layer that is not there", number, mode)
		return number + 1
	}
	b := blockReader{t: t, reader: ops, number: number, layer: l, delta: mode == ModeDelta}
	for len(b.p) > 0 {
		b.op()
	}
	if b.err != nil {
		t.failf("layer %d: %w", number, b.err)
	}
	return number + 1
}

// clear counts all rows of l as removed. The layer itself stays as it is, for rollback.
func (t *applying) clear(l *replicaLayer) {
	for _, w := range l.slots {
		t.name(w, -1)
	}
}

// name notes that the frame names w, and counts it in or out.
func (t *applying) name(w *row, more int) {
	id := w.id
	if id == 0 {
		of, ok := t.of(w)
		if !ok {
			return
		}
		id, more = of, 0
	}
	if _, ok := t.named[id]; !ok {
		t.named[id] = t.rows[id]
	}
	t.setRows(id, t.rows[id]+more)
}

func (t *applying) setRows(id uint32, n int) {
	if n == 0 {
		delete(t.rows, id)
	} else {
		t.rows[id] = n
	}
}

// count fills in which sprites are new, gone and changed.
func (t *applying) count() {
	for _, id := range slices.Sorted(maps.Keys(t.named)) {
		before, after := t.named[id], t.rows[id]
		switch {
		case after > 1:
			t.failf("sprite %d is in %d slots", id, after)
		case before == 0 && after == 1:
			t.info.Added = append(t.info.Added, id)
		case before == 1 && after == 0:
			t.info.Removed = append(t.info.Removed, id)
		case after == 1:
			t.info.Changed = append(t.info.Changed, id)
		}
	}
}
