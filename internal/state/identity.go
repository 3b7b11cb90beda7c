package state

import (
	"cmp"
	"math/bits"
	"slices"
	"unsafe"
)

// identities numbers what has been reached, by address and type: a struct and its first field have the
// same address. It holds addresses as numbers, so it keeps nothing alive between two saves.
type identities struct {
	slots []identity // a power of two of them, at most half in use
	used  int
	gen   uint64 // slots of other generations are free
}

type identity struct {
	addr uintptr
	p    *program
	id   int
	gen  uint64
}

// reset forgets everything.
func (t *identities) reset() {
	t.used = 0
	t.gen++
	if t.slots == nil {
		t.slots = make([]identity, 64)
	}
}

// find returns the number of the p at addr, or the free slot for it.
func (t *identities) find(addr uintptr, p *program) (id int, free *identity) {
	mask := len(t.slots) - 1
	h := uint64(addr) * 0x9E3779B97F4A7C15
	for i := int(h >> (64 - bits.Len(uint(mask)))); ; i++ {
		s := &t.slots[i&mask]
		if s.gen != t.gen {
			return 0, s
		}
		if s.addr == addr && s.p == p {
			return s.id, nil
		}
	}
}

// put fills the free slot that find returned.
func (t *identities) put(free *identity, addr uintptr, p *program, id int) {
	*free = identity{addr, p, id, t.gen}
	if t.used++; t.used*2 > len(t.slots) {
		old, gen := t.slots, t.gen
		t.slots = make([]identity, 2*len(old))
		for _, s := range old {
			if s.gen == gen {
				_, free := t.find(s.addr, s.p)
				*free = s
			}
		}
	}
}

// regions are the pieces of memory that have been saved. No two may overlap.
type regions struct {
	all    []region // in the order in which they were reached
	sorted []region
	last   []region // all of the last save that was checked
}

type region struct {
	start, end uintptr
	n          int // index into all
}

// add adds size bytes at p.
func (r *regions) add(p unsafe.Pointer, size uintptr) {
	r.all = append(r.all, region{uintptr(p), uintptr(p) + size, len(r.all)})
}

// overlap returns two regions that overlap.
func (r *regions) overlap() (a, b region, found bool) {
	if slices.Equal(r.all, r.last) {
		return a, b, false // the common case: nothing was made or dropped since
	}
	r.sorted = append(r.sorted[:0], r.all...)
	slices.SortFunc(r.sorted, func(a, b region) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(r.sorted); i++ {
		if r.sorted[i].start < r.sorted[i-1].end {
			a, b := r.sorted[i-1], r.sorted[i]
			return a, b, true
		}
	}
	r.last = append(r.last[:0], r.all...)
	return a, b, false
}
