package state

import (
	"fmt"
	"math"
	"unicode/utf8"
	"unsafe"

	"github.com/httpmp/httpmp/internal/wire"
)

// MaxNumber is the largest replicated number, in quanta, and its negative the smallest: what a
// JavaScript number holds exactly, with room for a difference.
const MaxNumber = 1 << 50

// FieldError says which replicated field holds what cannot be replicated.
type FieldError struct {
	Field string
	Err   error // "NaN", "not valid UTF-8", …
}

func (e *FieldError) Error() string { return fmt.Sprintf("field %q is %v", e.Field, e.Err) }

// Unwrap returns e.Err.
func (e *FieldError) Unwrap() error { return e.Err }

// readCode is how a field is read.
type readCode uint8

const (
	readPos readCode = iota
	readFloat
	readF32
	readAngle
	readStr
	readInts
	readRef
	readI8
	readI16
	readI32
	readI64
	readU8
	readU16
	readU32
	readU64
)

// readOp reads one field.
type readOp struct {
	off      uintptr
	code     readCode
	elem     readCode // readInts: of an element
	multiply bool     // by scale; else divide
	narrow   bool     // a float32
	scale    float64
	n        int     // readInts: elements
	step     uintptr // readInts: size of an element
	at       int     // index into the row's numbers; readStr: into its strings
	ref      func(p unsafe.Pointer) uint32
}

// reader reads some fields of a struct.
type reader struct {
	pos        bool // ops[0] is readPos by multiplication: most sprites have nothing else
	fields     []wire.Field
	ops        []readOp
	nums, strs int
}

// add appends a field.
func (r *reader) add(f wire.Field, op readOp) {
	op.at = r.nums
	if f.Strs() > 0 {
		op.at = r.strs
	}
	r.nums += f.Nums()
	r.strs += f.Strs()
	r.fields = append(r.fields, f)
	r.ops = append(r.ops, op)
	r.pos = r.ops[0].code == readPos && r.ops[0].multiply
}

// read sets the row to what obj has.
func (r *reader) read(obj unsafe.Pointer, nums []int64, strs []string) error {
	rest := r.ops
	if r.pos {
		o := &rest[0]
		xy := (*[2]float64)(unsafe.Add(obj, o.off))
		x, y := xy[0]*o.scale+0.5, xy[1]*o.scale+0.5
		row := (*[2]int64)(nums)
		if !inRange(x) || !inRange(y) {
			return r.fail(0, unsafe.Pointer(xy))
		}
		row[0], row[1] = floor(x), floor(y)
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return nil
	}
	return r.readOps(rest, obj, nums, strs)
}

// readOps is read for the last ops.
func (r *reader) readOps(ops []readOp, obj unsafe.Pointer, nums []int64, strs []string) error {
	first := len(r.ops) - len(ops)
	for i := range ops {
		o := &ops[i]
		p := unsafe.Add(obj, o.off)
		switch o.code {
		case readPos:
			xy := (*[2]float64)(p)
			row := nums[o.at : o.at+2]
			x, y := o.shifted(xy[0]), o.shifted(xy[1])
			if !inRange(x) || !inRange(y) {
				return r.fail(first+i, p)
			}
			row[0], row[1] = floor(x), floor(y)
		case readFloat:
			v := o.shifted(o.float(p))
			if !inRange(v) {
				return r.fail(first+i, p)
			}
			nums[o.at] = floor(v)
		case readF32:
			v := float32(o.float(p))
			if v-v != 0 { // NaN or infinite
				return r.fail(first+i, p)
			}
			nums[o.at] = int64(math.Float32bits(v + 0)) // -0 becomes 0
		case readAngle:
			v := steps(o.float(p))
			if !inRange(v) {
				return r.fail(first+i, p)
			}
			nums[o.at] = floor(v) & 255
		case readStr:
			s := *(*string)(p)
			if s != strs[o.at] {
				if len(s) > maxStr || !utf8.ValidString(s) {
					return r.fail(first+i, p)
				}
				strs[o.at] = s
			}
		case readInts:
			row := nums[o.at : o.at+o.n]
			e := readOp{code: o.elem}
			for j := range row {
				v := e.whole(unsafe.Add(p, uintptr(j)*o.step))
				if v < -MaxNumber || v > MaxNumber {
					return r.fail(first+i, p)
				}
				row[j] = v
			}
		default:
			v := o.whole(p)
			if v < -MaxNumber || v > MaxNumber {
				return r.fail(first+i, p)
			}
			nums[o.at] = v
		}
	}
	return nil
}

// maxStr is the most bytes of a replicated string: what the wire takes.
const maxStr = 65535

// shifted returns v in quanta, plus one half: its floor is the replicated number.
func (o *readOp) shifted(v float64) float64 {
	if o.multiply {
		return v*o.scale + 0.5 // exact, so it is the same fused and unfused
	}
	return v/o.scale + 0.5
}

// steps returns an angle in radians in 256ths of a turn, plus one half.
func steps(v float64) float64 {
	return float64(v*(128/math.Pi)) + 0.5 // the conversion keeps it from being fused
}

// inRange reports whether the floor of v is at most MaxNumber either way; false for NaN.
func inRange(v float64) bool { return v >= -MaxNumber && v < MaxNumber+1 }

// floor is math.Floor for what is inRange: faster, as it branches on no CPU feature.
func floor(v float64) int64 {
	i := int64(v)
	if float64(i) > v {
		i--
	}
	return i
}

// float returns the float at p.
func (o *readOp) float(p unsafe.Pointer) float64 {
	if o.narrow {
		return float64(*(*float32)(p))
	}
	return *(*float64)(p)
}

// whole returns the whole number at p, or the id that the pointer at p stands for. An unsigned number
// beyond an int64 becomes math.MaxInt64.
func (o *readOp) whole(p unsafe.Pointer) int64 {
	switch o.code {
	case readI8:
		return int64(*(*int8)(p))
	case readI16:
		return int64(*(*int16)(p))
	case readI32:
		return int64(*(*int32)(p))
	case readI64:
		return *(*int64)(p)
	case readU8:
		return int64(*(*uint8)(p))
	case readU16:
		return int64(*(*uint16)(p))
	case readU32:
		return int64(*(*uint32)(p))
	case readU64:
		return int64(min(*(*uint64)(p), math.MaxInt64))
	default: // readRef
		to := *(*unsafe.Pointer)(p)
		if to == nil {
			return 0
		}
		return int64(o.ref(to))
	}
}

// fail returns the error for field i, whose value lies at p.
func (r *reader) fail(i int, p unsafe.Pointer) error {
	return &FieldError{r.fields[i].Name, r.ops[i].problem(p, r.fields[i])}
}

// problem says what is wrong with the value at p.
func (o *readOp) problem(p unsafe.Pointer, f wire.Field) error {
	switch o.code {
	case readPos:
		xy := (*[2]float64)(p)
		if inRange(o.shifted(xy[0])) {
			return floatProblem(xy[1], f)
		}
		return floatProblem(xy[0], f)
	case readFloat, readF32, readAngle:
		return floatProblem(o.float(p), f)
	case readStr:
		s := *(*string)(p)
		if len(s) > maxStr {
			return fmt.Errorf("%d bytes long, want at most %d", len(s), maxStr)
		}
		return fmt.Errorf("%.40q, not valid UTF-8", s)
	case readInts:
		for j := range o.n {
			e := readOp{code: o.elem}
			q := unsafe.Add(p, uintptr(j)*o.step)
			if v := e.whole(q); v < -MaxNumber || v > MaxNumber {
				return fmt.Errorf("%s at [%d], want at most 2^50 either way", e.number(q), j)
			}
		}
	default:
	}
	return fmt.Errorf("%s, want at most 2^50 either way", o.number(p))
}

// number prints the whole number at p.
func (o *readOp) number(p unsafe.Pointer) string {
	if o.code == readU64 {
		return fmt.Sprint(*(*uint64)(p))
	}
	return fmt.Sprint(o.whole(p))
}

// floatProblem says what is wrong with v.
func floatProblem(v float64, f wire.Field) error {
	switch {
	case v != v:
		return fmt.Errorf("NaN")
	case math.IsInf(v, 0):
		return fmt.Errorf("%v", v)
	case f.Type == wire.F32:
		return fmt.Errorf("%v, want at most %v either way", v, math.MaxFloat32)
	case f.Type == wire.Angle:
		return fmt.Errorf("%v, want at most 2^50 steps of a 256th turn either way", v)
	default:
		return fmt.Errorf("%v, want at most 2^50 quanta of %v either way", v, f.Quantum)
	}
}
