package state

import (
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/httpmp/httpmp/internal/wire"
)

// maxInts is the most elements of a replicated array.
const maxInts = 8

// typed returns how a field of Go type t with that tag is replicated.
func (k Kinds) typed(t reflect.Type, tag tag) (wire.Field, readOp, error) {
	f := wire.Field{Quantum: 1}
	var op readOp
	quantum, rad := false, false // the options that t has
	switch kind := t.Kind(); {
	case t == k.Pos || t == k.Vel:
		f.Type, op.code, quantum = wire.Pos, readPos, true
		f.Quantum = posQuantum
		if t == k.Vel {
			f.Quantum = velQuantum
		}
		if tag.quantum != 0 {
			f.Quantum = tag.quantum
		}
		op.setQuantum(f.Quantum)
	case kind == reflect.Float64 || kind == reflect.Float32:
		quantum, rad = true, true
		op.code = readFloat
		op.narrow = kind == reflect.Float32
		switch {
		case tag.quantum != 0:
			f.Type, f.Quantum = wire.Int, tag.quantum
			op.setQuantum(f.Quantum)
		case tag.rad:
			f.Type, op.code = wire.Angle, readAngle
		default:
			f.Type, op.code = wire.F32, readF32
		}
	case kind == reflect.Bool:
		f.Type, op.code = wire.Bool, readU8
	case kind == reflect.String:
		f.Type, op.code = wire.Str, readStr
	case integer(kind):
		f.Type, op.code = integerType(kind), integerCode(t)
	case kind == reflect.Array && integer(t.Elem().Kind()) && t.Len() >= 1 && t.Len() <= maxInts:
		f.Type, f.Len = wire.Ints, t.Len()
		op.code, op.elem, op.n, op.step = readInts, integerCode(t.Elem()), t.Len(), t.Elem().Size()
	case kind == reflect.Pointer && k.Ref != nil && k.ref(t, &op):
		f.Type, op.code = wire.Uint, readRef
	default:
		return f, op, k.unknown(t)
	}
	if tag.quantum != 0 && !quantum {
		return f, op, fmt.Errorf("option \"q=\" is for floats and positions, but the type is %s", t)
	}
	if tag.rad && !rad {
		return f, op, fmt.Errorf("option \"rad\" is for floats, but the type is %s", t)
	}
	return f, op, nil
}

// ref asks Ref for t.
func (k Kinds) ref(t reflect.Type, op *readOp) bool {
	op.ref = k.Ref(t)
	return op.ref != nil
}

// unknown returns the error for a type that is not replicated.
func (k Kinds) unknown(t reflect.Type) error {
	if t.Kind() == reflect.Array && integer(t.Elem().Kind()) {
		return fmt.Errorf("type %s has %d elements, want 1 to %d", t, t.Len(), maxInts)
	}
	want := "want a bool, an integer, a float, a string, an array of 1 to 8 integers"
	if k.Pos != nil && k.Vel != nil {
		want += fmt.Sprintf(", %s, %s", k.Pos, k.Vel)
	}
	return errors.New("type " + t.String() + " is not replicated, " + want + " or a pointer to what has an id")
}

// integer reports whether k is a kind of whole number.
func integer(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uintptr }

// integerType returns how a whole number is replicated.
func integerType(k reflect.Kind) wire.Type {
	switch {
	case k < reflect.Uint:
		return wire.Int
	case k == reflect.Uint8:
		return wire.U8
	case k == reflect.Uint16:
		return wire.U16
	default:
		return wire.Uint
	}
}

// integerCode returns how a whole number lies in memory.
func integerCode(t reflect.Type) readCode {
	signed := t.Kind() < reflect.Uint
	codes := map[uintptr][2]readCode{1: {readI8, readU8}, 2: {readI16, readU16}, 4: {readI32, readU32}, 8: {readI64, readU64}}[t.Size()]
	if signed {
		return codes[0]
	}
	return codes[1]
}

// setQuantum sets by what a float is divided, or multiplied where that gives the same result.
func (o *readOp) setQuantum(q float64) {
	o.scale = q
	// The reciprocal is exact only for powers of two, and among those only where it is a normal number.
	if frac, _ := math.Frexp(q); frac == 0.5 && 1/q >= 0x1p-1022 && 1/q <= math.MaxFloat64 {
		o.scale, o.multiply = 1/q, true
	}
}
