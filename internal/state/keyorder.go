package state

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"unsafe"
)

// orderable reports whether values of p have an order, as keys of a map.
func (p *program) orderable() bool {
	for _, o := range p.ops {
		if o.code == codeBinary || o.code == codeArray && !o.p.elem.orderable() {
			return false
		}
	}
	return !keepsFields(p.typ)
}

// keepsFields reports whether a part of t is not part of the state.
func keepsFields(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); skipped(f) || keepsFields(f.Type) {
				return true
			}
		}
	case reflect.Array:
		return keepsFields(t.Elem())
	default:
	}
	return false
}

// refers reports whether p, the key of a map, has pointers in it.
func (p *program) refers() bool {
	for _, o := range p.ops {
		if o.code == codePointer || o.code == codeInterface || o.code == codeArray && o.p.elem.refers() {
			return true
		}
	}
	return false
}

// ordering compares keys.
type ordering struct {
	s   *saver // nil: pointers are not compared
	err error  // of a key that has no order
}

// compare compares the keys at a and b.
func (c *ordering) compare(ops []op, a, b unsafe.Pointer) int {
	for _, o := range ops {
		if r := c.part(o, unsafe.Add(a, o.off), unsafe.Add(b, o.off)); r != 0 {
			return r
		}
	}
	return 0
}

// part compares one part of two keys.
func (c *ordering) part(o op, a, b unsafe.Pointer) int {
	switch o.code {
	case codeBool, codeU8:
		return comparePart[uint8](a, b)
	case codeI8:
		return comparePart[int8](a, b)
	case codeI16:
		return comparePart[int16](a, b)
	case codeI32:
		return comparePart[int32](a, b)
	case codeI64:
		return comparePart[int64](a, b)
	case codeU16:
		return comparePart[uint16](a, b)
	case codeU32:
		return comparePart[uint32](a, b)
	case codeU64:
		return comparePart[uint64](a, b)
	case codeF32:
		return comparePart[float32](a, b)
	case codeF64:
		return comparePart[float64](a, b)
	case codeC64:
		return cmp.Or(comparePart[float32](a, b), comparePart[float32](unsafe.Add(a, 4), unsafe.Add(b, 4)))
	case codeC128:
		return cmp.Or(comparePart[float64](a, b), comparePart[float64](unsafe.Add(a, 8), unsafe.Add(b, 8)))
	case codeString:
		return comparePart[string](a, b)
	case codeBytes:
		return bytes.Compare(unsafe.Slice((*byte)(a), o.p.size), unsafe.Slice((*byte)(b), o.p.size))
	case codeArray:
		for i := range o.p.typ.Len() {
			off := uintptr(i) * o.p.elem.size
			if r := c.compare(o.p.elem.ops, unsafe.Add(a, off), unsafe.Add(b, off)); r != 0 {
				return r
			}
		}
		return 0
	case codePointer:
		if c.s == nil {
			return 0
		}
		return cmp.Compare(c.rank(o.p, *(*unsafe.Pointer)(a)), c.rank(o.p, *(*unsafe.Pointer)(b)))
	case codeInterface:
		if c.s == nil {
			return 0
		}
		return cmp.Compare(c.dynamic(o.p, a), c.dynamic(o.p, b))
	default:
		panic(fmt.Sprintf("state: keys with code %d", o.code)) // orderable has refused it
	}
}

func comparePart[T cmp.Ordered](a, b unsafe.Pointer) int { return cmp.Compare(*(*T)(a), *(*T)(b)) }

// rank returns the place of a pointer, a p, in the order of keys.
func (c *ordering) rank(p *program, to unsafe.Pointer) uint64 {
	if to == nil {
		return 0
	}
	if p.named {
		return reflect.NewAt(p.elem.typ, to).Interface().(orderer).StateOrder() + 1
	}
	id, free := c.s.seen.find(c.s.address(p.elem, to), p.elem)
	if free == nil {
		return uint64(id) + 1
	}
	root := c.s.objects[0]
	if off := uintptr(to) - uintptr(root.at); off < root.p.size {
		if n, ok := c.s.c.parts(root.p).find(p.elem, off); ok {
			return 1<<62 + uint64(n)
		}
	}
	if c.err == nil {
		c.err = c.s.fail("has a key of type %s that nothing else in the state points to, so it has no order: keep it in a slice too, or give it a method StateOrder() uint64", p.typ)
	}
	return 0
}

// dynamic returns the place of what the interface at at, a p, holds.
func (c *ordering) dynamic(p *program, at unsafe.Pointer) uint64 {
	x := unpack(p, at)
	if x == nil {
		return 0
	}
	d := c.s.c.dynamic(reflect.TypeOf(x))
	if d == nil || d.code != codePointer {
		if c.err == nil {
			c.err = c.s.fail("has a key that holds type %T, want pointers to registered types", x)
		}
		return 0
	}
	return c.rank(d, (*[2]unsafe.Pointer)(unsafe.Pointer(&x))[1])
}
