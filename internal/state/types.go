package state

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// code is how a value is saved.
type code uint8

const (
	codeNone code = iota // nothing is saved
	codeBool
	codeI8
	codeI16
	codeI32
	codeI64
	codeU8
	codeU16
	codeU32
	codeU64
	codeF32
	codeF64
	codeC64
	codeC128
	codeString
	codeBytes // an array of bytes
	codePointer
	codeSlice
	codeArray
	codeMap
	codeInterface
	codeBinary // by its own MarshalBinary and UnmarshalBinary
)

// maxFlat is the most elements of an array that are saved by an op each instead of by a loop.
const maxFlat = 8

// program is how the values of one type are saved and loaded.
type program struct {
	typ  reflect.Type
	code code // codeNone for a struct: its ops say all
	size uintptr
	min  int  // least bytes that a value takes
	ops  []op // a value's parts in order of their offsets; a struct's and a small array's are its leaves

	elem    *program // of a pointer, slice, array or map
	key     *program // of a map
	ident   *program // slices and maps: the same for all types of which values can share memory
	late    bool     // maps: keys hold pointers, so entries are saved when all else has been reached
	named   bool     // pointers: what they point to has a StateOrder
	plain   bool     // no pointers: memory for it need not be scanned
	appends bool     // codeBinary: by AppendBinary

	// Set at first use.
	name        string // typeName
	fingerprint uint64
	parts       *parts     // of a root
	last        *program   // interfaces: the dynamic type met last
	words       []word     // interfaces: the first words of values
	scratch     []*entries // maps: free scratch memory
	index       int        // number as a dynamic type in the save of generation gen
	gen         uint64
}

// op saves one part of a value.
type op struct {
	code code
	off  uintptr
	p    *program
	path string // of the part within the value: ".pos.X", "[2]"
}

// orderer is what puts map keys that are pointers in order; see Codec.
type orderer interface{ StateOrder() uint64 }

// kindCodes are the codes of kinds, and the least bytes that a value of each takes.
var kindCodes = map[reflect.Kind]struct {
	code code
	min  int
}{
	reflect.Bool: {codeBool, 1}, reflect.String: {codeString, 1},
	reflect.Int8: {codeI8, 1}, reflect.Int16: {codeI16, 1}, reflect.Int32: {codeI32, 1}, reflect.Int64: {codeI64, 1},
	reflect.Uint8: {codeU8, 1}, reflect.Uint16: {codeU16, 1}, reflect.Uint32: {codeU32, 1}, reflect.Uint64: {codeU64, 1},
	reflect.Float32: {codeF32, 4}, reflect.Float64: {codeF64, 8}, reflect.Complex64: {codeC64, 8}, reflect.Complex128: {codeC128, 16},
	reflect.Int: {codeInt, 1}, reflect.Uint: {codeUint, 1}, reflect.Uintptr: {codeUint, 1},
	reflect.Pointer: {codePointer, 1}, reflect.Slice: {codeSlice, 1}, reflect.Map: {codeMap, 1}, reflect.Interface: {codeInterface, 1},
}

// The codes of int and uint.
const (
	codeInt  = codeI32 + code(unsafe.Sizeof(0)/8)
	codeUint = codeU32 + code(unsafe.Sizeof(uint(0))/8)
)

// compiler makes the programs of one Register.
type compiler struct {
	c     *Codec
	added []reflect.Type
	todo  []reached
}

// reached is a type that is still to be compiled, and how it was reached.
type reached struct {
	typ   reflect.Type
	owner string // the struct field that holds it, or the type given to Register
	way   string // the path from the type given to Register
}

// program returns the program of r's type, compiling what it holds by value at once and what it refers to
// later: types refer to each other in circles.
func (k *compiler) program(r reached) (*program, error) {
	t := r.typ
	if p := k.c.programs[t]; p != nil && p.done() {
		return p, nil
	}
	p := k.placeholder(t)
	if err := k.fill(p, r); err != nil {
		return nil, err
	}
	if p.code != codeNone {
		p.ops = []op{{code: p.code, p: p}}
	}
	if p.ops == nil {
		p.ops = []op{} // nothing to save, and compiled
	}
	return p, nil
}

// done reports whether p has been compiled.
func (p *program) done() bool { return p.ops != nil }

// placeholder returns the program of t, perhaps not compiled yet.
func (k *compiler) placeholder(t reflect.Type) *program {
	p := k.c.programs[t]
	if p == nil {
		p = &program{typ: t, size: t.Size(), plain: !holdsPointers(t)}
		k.c.programs[t] = p
		k.added = append(k.added, t)
	}
	return p
}

// later returns the program of a type that is referred to, and sees that it gets compiled.
func (k *compiler) later(r reached) *program {
	p := k.placeholder(r.typ)
	if !p.done() {
		k.todo = append(k.todo, r)
	}
	return p
}

// fill compiles p.
func (k *compiler) fill(p *program, r reached) (err error) {
	t := p.typ
	if t.PkgPath() == "sync" {
		return r.refuse("the state belongs to one goroutine, so it needs no locks; remove it, or tag it httpmp:\"-\"")
	}
	if isBinary(t) {
		p.code, p.min, p.appends = codeBinary, 1, appends(t)
		if t.Kind() == reflect.Struct {
			k.c.structs = append(k.c.structs, t)
		}
		return nil
	}
	kc := kindCodes[t.Kind()]
	p.code, p.min = kc.code, kc.min
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return r.refuse("it cannot be saved; tag it httpmp:\"-\" if it is not part of the state")
	case reflect.Struct:
		k.c.structs = append(k.c.structs, t)
		return k.fillStruct(p, r)
	case reflect.Array:
		return k.fillArray(p, r)
	case reflect.Pointer:
		p.elem = k.later(reached{t.Elem(), r.owner, r.way})
		p.named = t.Implements(reflect.TypeFor[orderer]())
	case reflect.Slice:
		p.elem = k.later(reached{t.Elem(), r.owner, r.way + "[]"})
		p.ident = k.ident(reflect.SliceOf(t.Elem()), p)
	case reflect.Map:
		if p.key, err = k.program(reached{t.Key(), r.owner, r.way + "[key]"}); err != nil {
			return err
		}
		if !p.key.orderable() {
			return r.refuse("its keys have no order to save them in; want numbers, strings, bools, pointers, or arrays or structs of these")
		}
		p.late = p.key.refers()
		p.ident = k.ident(reflect.MapOf(t.Key(), t.Elem()), p)
		p.elem = k.later(reached{t.Elem(), r.owner, r.way + "[]"})
	default:
	}
	return nil
}

// ident returns the program that stands for t, a type without a name; p when it is the first.
func (k *compiler) ident(t reflect.Type, p *program) *program {
	if k.c.idents[t] == nil {
		k.c.idents[t] = p
	}
	return k.c.idents[t]
}

// fillStruct compiles the fields of a struct.
func (k *compiler) fillStruct(p *program, r reached) error {
	way := r.way
	for i := range p.typ.NumField() {
		f := p.typ.Field(i)
		if f.Name == "_" || skipped(f) {
			continue
		}
		q, err := k.program(reached{f.Type, p.typ.String() + "." + f.Name, way + "." + f.Name})
		if err != nil {
			return err
		}
		p.embed(q, f.Offset, "."+f.Name)
	}
	return nil
}

// fillArray compiles an array.
func (k *compiler) fillArray(p *program, r reached) error {
	t := p.typ
	if t.Len() == 0 {
		return nil // whatever its elements are, there are none
	}
	q, err := k.program(reached{t.Elem(), r.owner, r.way + "[]"})
	if err != nil {
		return err
	}
	p.elem = q
	switch {
	case len(q.ops) == 0:
	case q.code == codeU8:
		p.code, p.min = codeBytes, t.Len()
	case t.Len() <= maxFlat:
		for i := range t.Len() {
			p.embed(q, uintptr(i)*q.size, fmt.Sprintf("[%d]", i))
		}
	default:
		p.code, p.min = codeArray, times(q.min, t.Len())
	}
	return nil
}

// embed adds the ops of q, which lies off bytes into p and has that path in it.
func (p *program) embed(q *program, off uintptr, path string) {
	p.min = plus(p.min, q.min)
	for _, o := range q.ops {
		p.ops = append(p.ops, op{o.code, off + o.off, o.p, path + o.path})
	}
}

// refuse returns the error for a type that cannot be saved.
func (r reached) refuse(advice string) error {
	via := ""
	if r.way != r.owner {
		via = " (reached by " + r.way + ")"
	}
	return fmt.Errorf("%s has type %s: %s%s", r.owner, r.typ, advice, via)
}

// plus and times are sum and product of sizes, at most math.MaxInt.
func plus(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func times(a, n int) int {
	if a != 0 && n > math.MaxInt/a {
		return math.MaxInt
	}
	return a * n
}

// holdsPointers reports whether the garbage collector looks into values of type t.
func holdsPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.Array:
		return t.Len() > 0 && holdsPointers(t.Elem())
	default:
		return t.Kind() > reflect.Complex128
	}
}
