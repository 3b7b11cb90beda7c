package wire

import "strconv"

// The modes of a block.
const (
	ModeDelta   = 0 // what changed since the frame before it
	ModeCatchUp = 1 // what changed since the client's base, absolute
	ModeFull    = 2 // clear the layer first
	ModeDrop    = 3 // forget the layer; no length and no ops follow
)

// The first bytes of ops.
const (
	opUpdate = 0xC0
	opAdd    = 0xE0
	opRemove = 0xF0
	opEvent  = 0xF1
)

// AppendBlockHeader appends what a block begins with. Length is that of its ops in bytes, which
// follow in this order: removes, adds, updates by ascending slot, events.
func AppendBlockHeader(dst []byte, layer uint64, mode byte, length int) []byte {
	dst = AppendUv(dst, layer<<3|uint64(mode))
	if mode == ModeDrop {
		return dst
	}
	return AppendUv(dst, uint64(length))
}

// AppendAdd appends the op that puts a new row into a free slot. Nums and strs hold all its values.
func AppendAdd(dst []byte, class int, slot, id uint64, fields []Field, nums []int64, strs []string) []byte {
	if class < 15 {
		dst = append(dst, opAdd|byte(class))
	} else {
		dst = AppendUv(append(dst, opAdd|15), uint64(class))
	}
	dst = AppendUv(AppendUv(dst, slot), id)
	for i := range fields {
		f := &fields[i]
		dst = appendValue(dst, f, nums, strs)
		n, s := f.Nums(), f.Strs()
		nums, strs = nums[n:], strs[s:]
	}
	return dst
}

// AppendRemove appends the op that frees a slot.
func AppendRemove(dst []byte, slot uint64) []byte {
	return AppendUv(append(dst, opRemove), slot)
}

// AppendUpdate appends the op that changes the fields of a row whose bits are set in mask. The row
// is in the slot that follows the last updated one after a gap of so many slots; the first update of
// a block follows slot -1. With old, which is for deltas, fields of type Pos and Int are written as
// the difference between nums and old; without it all are absolute.
func AppendUpdate(dst []byte, gap uint64, mask uint32, fields []Field, old, nums []int64, strs []string) []byte {
	if gap < 31 {
		dst = append(dst, opUpdate|byte(gap))
	} else {
		dst = AppendUv(append(dst, opUpdate|31), gap-31)
	}
	dst = AppendUv(dst, uint64(mask))
	at, sat := 0, 0
	for i := 0; mask != 0; i, mask = i+1, mask>>1 {
		f := &fields[i]
		n := f.Nums()
		if mask&1 != 0 {
			switch {
			case old != nil && f.Type == Pos:
				dst = AppendSv(AppendSv(dst, nums[at]-old[at]), nums[at+1]-old[at+1])
			case old != nil && f.Type == Int:
				dst = AppendSv(dst, nums[at]-old[at])
			default:
				dst = appendValue(dst, f, nums[at:], strs[sat:])
			}
		}
		at += n
		sat += f.Strs()
	}
	return dst
}

// AppendMove appends the op of a delta that moves field 0, a Pos called "pos", by dx, dy quanta,
// and nothing else, if gap, dx and dy are small enough for its 2 or 3 bytes. If not, it reports
// false: use AppendUpdate.
func AppendMove(dst []byte, gap uint64, dx, dy int64) ([]byte, bool) {
	if x, y := uint64(dx+32), uint64(dy+32); x|y < 64 && gap < 8 {
		return append(dst, byte(gap<<4|x>>2), byte(x<<6|y)), true
	}
	return appendMove3(dst, gap, dx, dy)
}

func appendMove3(dst []byte, gap uint64, dx, dy int64) ([]byte, bool) {
	x, y := uint64(dx+256), uint64(dy+256)
	if x|y >= 512 || gap >= 16 {
		return dst, false
	}
	return append(dst, byte(0x80|gap<<2|x>>7), byte(x<<1|y>>8), byte(y)), true
}

// AppendEvent appends the op of an event. Payload is JSON; an empty one is null.
func AppendEvent(dst []byte, typ string, payload []byte) []byte {
	dst = AppendStr(append(dst, opEvent), typ)
	if len(payload) == 0 {
		return AppendStr(dst, "null")
	}
	return append(AppendUv(dst, uint64(len(payload))), payload...)
}

// AppendInts appends nums as a JSON array.
func AppendInts(dst []byte, nums []int64) []byte {
	dst = append(dst, '[')
	for i, n := range nums {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	return append(dst, ']')
}

// appendValue appends the absolute value of f, whose numbers and strings come first in nums and strs.
func appendValue(dst []byte, f *Field, nums []int64, strs []string) []byte {
	switch f.Type {
	case Pos:
		return AppendSv(AppendSv(dst, nums[0]), nums[1])
	case Int:
		return AppendSv(dst, nums[0])
	case Uint:
		return AppendUv(dst, uint64(nums[0]))
	case U8, Angle, Bool:
		return append(dst, byte(nums[0]))
	case U16:
		return append(dst, byte(nums[0]), byte(nums[0]>>8))
	case F32:
		v := uint32(nums[0])
		return append(dst, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	case Ints:
		return appendIntsStr(dst, nums[:f.Len])
	default:
		return AppendStr(dst, strs[0])
	}
}

// appendIntsStr appends nums as a str that holds a JSON array.
func appendIntsStr(dst []byte, nums []int64) []byte {
	at := len(dst)
	dst = AppendInts(append(dst, 0), nums)
	n := len(dst) - at - 1
	if n < 0x80 {
		dst[at] = byte(n)
		return dst
	}
	dst = append(dst, 0) // 8 numbers of 20 characters: the length takes 2 bytes
	copy(dst[at+2:], dst[at+1:])
	dst[at], dst[at+1] = byte(n)|0x80, byte(n>>7)
	return dst
}
