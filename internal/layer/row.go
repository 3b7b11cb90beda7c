package layer

import (
	"math"
	"math/bits"
)

// pending is the frame of what comes with the next Encode.
const pending = math.MaxUint64

// row is what is in one slot. Its values are in the layer's nums and strs: a walk over all rows
// touches memory in one direction.
type row struct {
	src   Source // nil: the slot is free
	added uint64 // frame in which it came; pending too if the slot is free
	num   uint32 // where its numbers begin; its fields' versions follow them
	str   uint32 // where its strings begin
	id    uint32
	class uint16
}

// table is the rows of a layer by slot, and their values.
type table struct {
	rows  []row    // the last is taken
	taken []uint64 // a bit per slot, from the lowest
	low   int      // the words before this one are full
	nums  []int64
	strs  []string
	dead  int // values that belong to no row any more
}

// lowest returns the lowest free slot.
func (t *table) lowest() int {
	for ; t.low < len(t.taken); t.low++ {
		if w := t.taken[t.low]; w != math.MaxUint64 {
			return t.low*64 + bits.TrailingZeros64(^w)
		}
	}
	return t.low * 64
}

// put makes a row in a free slot, all its values zero.
func (t *table) put(slot int, class uint16, c *class, id uint32, src Source) {
	for slot >= len(t.taken)*64 {
		t.taken = append(t.taken, 0)
	}
	t.taken[slot/64] |= 1 << (slot % 64)
	for slot >= len(t.rows) {
		t.rows = append(t.rows, row{added: pending})
	}
	t.rows[slot] = row{src: src, added: pending, id: id, class: class, num: uint32(len(t.nums)), str: uint32(len(t.strs))}
	t.nums = extend(t.nums, len(c.nums)+len(c.fields))
	t.strs = extend(t.strs, len(c.strs))
}

// extend appends n zeros.
func extend[T any](s []T, n int) []T {
	var zero T
	for range n {
		s = append(s, zero)
	}
	return s
}

// drop frees a slot.
func (t *table) drop(slot int, c *class) {
	r := &t.rows[slot]
	clear(t.strs[r.str:][:len(c.strs)])
	t.dead += len(c.nums) + len(c.fields) + len(c.strs)
	*r = row{added: pending}
	t.taken[slot/64] &^= 1 << (slot % 64)
	t.low = min(t.low, slot/64)
	n := len(t.rows)
	for n > 0 && t.rows[n-1].src == nil {
		n--
	}
	t.rows = t.rows[:n]
}

// tidy gives back memory when less than about half of it is in use.
func (t *table) tidy(classes []class) {
	if cap(t.rows) > 4*len(t.rows)+16 {
		t.rows = append(make([]row, 0, 2*len(t.rows)), t.rows...)
		t.taken = append([]uint64(nil), t.taken[:(len(t.rows)+63)/64]...)
		t.low = min(t.low, len(t.taken))
	}
	if t.dead < 64 || t.dead < (len(t.nums)+len(t.strs))/2 {
		return
	}
	live := len(t.nums) + len(t.strs) - t.dead
	nums := make([]int64, 0, min(len(t.nums), 2*live))
	strs := make([]string, 0, min(len(t.strs), 2*live))
	for i := range t.rows {
		r := &t.rows[i]
		if r.src == nil {
			continue
		}
		c := &classes[r.class]
		n, s := r.num, r.str
		r.num, r.str = uint32(len(nums)), uint32(len(strs))
		nums = append(nums, t.nums[n:][:len(c.nums)+len(c.fields)]...)
		strs = append(strs, t.strs[s:][:len(c.strs)]...)
	}
	t.nums, t.strs, t.dead = nums, strs, 0
}

// news returns the bits of the fields of r that changed after frame base.
func (t *table) news(r *row, c *class, base uint64) (mask uint32) {
	for i, v := range t.nums[int(r.num)+len(c.nums):][:len(c.fields)] {
		if uint64(v) > base {
			mask |= 1 << i
		}
	}
	return mask
}

// values returns the numbers, versions and strings of r, which may be changed.
func (t *table) values(r *row, c *class) (nums, versions []int64, strs []string) {
	k := len(c.nums)
	all := t.nums[r.num:][:k+len(c.fields)]
	return all[:k:k], all[k:], t.strs[r.str:][:len(c.strs)]
}
