package layer

import (
	"math/bits"

	"github.com/httpmp/httpmp/internal/wire"
)

// value is where the value of a field is in a row.
type value struct {
	typ wire.Type
	num uint16
	str uint16
	len uint16
}

// update appends the update of a row of a delta as [wire.AppendUpdate] does, in a third of the time,
// and takes the numbers that were read into c.nums. Old is the row's numbers, and behind them its
// versions.
func (c *class) update(out []byte, gap uint64, mask uint32, old []int64, n uint64) []byte {
	nums := c.nums
	versions := old[len(nums):]
	if mask == 1 && c.movable {
		dx, dy := nums[0]-old[0], nums[1]-old[1]
		old[0], old[1], versions[0] = nums[0], nums[1], int64(n)
		return appendMove(out, gap, c, dx, dy)
	}
	if gap < 31 {
		out = append(out, 0xC0|byte(gap))
	} else {
		out = wire.AppendUv(append(out, 0xC0|31), gap-31)
	}
	if mask < 0x80 {
		out = append(out, byte(mask))
	} else {
		out = wire.AppendUv(out, uint64(mask))
	}
	for ; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		versions[i] = int64(n)
		v := &c.values[i]
		switch k := int(v.num); v.typ {
		case wire.Pos:
			x, y := nums[k], nums[k+1]
			out = appendSv(appendSv(out, x-old[k]), y-old[k+1])
			old[k], old[k+1] = x, y
		case wire.Int:
			x := nums[k]
			out = appendSv(out, x-old[k])
			old[k] = x
		case wire.Uint:
			x := nums[k]
			out = wire.AppendUv(out, uint64(x))
			old[k] = x
		case wire.U8, wire.Angle, wire.Bool:
			x := nums[k]
			out = append(out, byte(x))
			old[k] = x
		case wire.U16:
			x := nums[k]
			out = append(out, byte(x), byte(x>>8))
			old[k] = x
		case wire.F32:
			x := nums[k]
			out = append(out, byte(x), byte(x>>8), byte(x>>16), byte(x>>24))
			old[k] = x
		case wire.Ints:
			out = appendInts(out, nums[k:][:v.len])
			copy(old[k:][:v.len], nums[k:])
		default:
			out = wire.AppendStr(out, c.strs[v.str])
		}
	}
	return out
}

// appendSv is wire.AppendSv, quick for what takes one byte.
func appendSv(out []byte, v int64) []byte {
	if u := uint64(v)<<1 ^ uint64(v>>63); u < 0x80 {
		return append(out, byte(u))
	}
	return wire.AppendSv(out, v)
}

// appendInts appends nums as a str that holds a JSON array.
func appendInts(out []byte, nums []int64) []byte {
	var buf [8 * 21]byte
	text := wire.AppendInts(buf[:0], nums)
	return append(wire.AppendUv(out, uint64(len(text))), text...)
}

// appendMove appends the update of a row of a delta whose pos alone has moved, by dx, dy quanta.
func appendMove(out []byte, gap uint64, c *class, dx, dy int64) []byte {
	out, short := wire.AppendMove(out, gap, dx, dy)
	if short {
		return out
	}
	old, nums := [2]int64{}, [2]int64{dx, dy}
	return wire.AppendUpdate(out, gap, 1, c.fields, old[:], nums[:], nil)
}
