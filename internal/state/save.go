package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// A saved state is
//
//	version  1 byte
//	print    8 bytes: the fingerprint of the root's type, little-endian
//	values   the root, then what pointers lead to in the order in which it was reached; when nothing is
//	         left, the next map with references as keys, and what that leads to, and so on
//
// Whole numbers are uv, signed ones zigzag; floats their bits, little-endian; bools 0 or 1. A struct is its
// fields, an array its elements. The others begin with a uv:
//
//	string      length, bytes
//	pointer     0 nil, 1 new, 2 part of the root and its number (uv), n+3 the n-th value reached, from 0: the root
//	slice       0 nil, 1 the n-th slice or map again (uv n, from 0; empty slices do not count), n+2 elements
//	map         0 nil, 1 as for slices, n+2 entries; with references as keys 2, and later n and the entries
//	interface   0 nil, n type n-1; the first time its name (string) and fingerprint (8 bytes) follow; then the value
//	own methods length, bytes
//
// Elements of slices that take no byte, but memory, take one byte, 0: so data bounds the memory it leads to.
const (
	version    = 1
	headerSize = 9

	pointerNil   = 0
	pointerNew   = 1
	pointerPart  = 2
	pointerKnown = 3

	sliceNil   = 0
	sliceAgain = 1
	sliceNew   = 2
)

// maxDepth is how deep slices, maps and values in interfaces may lie in each other.
const maxDepth = 1000

// object is a value that a pointer led to.
type object struct {
	p  *program
	at unsafe.Pointer
}

// lateMap is a map whose entries are saved when all else has been reached.
type lateMap struct {
	p *program
	m unsafe.Pointer
}

// saver is one Append.
type saver struct {
	c     *Codec
	dst   []byte
	seen  identities
	mem   regions
	depth int
	trace *trace // nil: no paths are kept

	objects []object
	late    []lateMap
	lengths []int // of the slices and maps reached, -1 for a map
	types   int   // dynamic types met
}

// errUntraced stands for any error while no paths are kept.
var errUntraced = errors.New("not savable")

// run appends the state of root, a p.
func (s *saver) run(c *Codec, dst []byte, p *program, root unsafe.Pointer, tr *trace) ([]byte, error) {
	s.c, s.dst, s.trace, s.depth, s.types = c, dst, tr, 0, 0
	s.seen.reset()
	s.mem.all = s.mem.all[:0]
	defer s.release()

	s.dst = append(s.dst, version)
	s.dst = binary.LittleEndian.AppendUint64(s.dst, c.print(p))
	if tr != nil {
		tr.origin, tr.path = len(dst), append(tr.path[:0], p.typ.String()...)
	}
	_, free := s.seen.find(s.address(p, root), p)
	s.reach(free, p, root)
	objects, late := 0, 0
	for {
		if objects < len(s.objects) {
			o := s.objects[objects]
			if tr != nil {
				tr.path = append(tr.path[:0], tr.objects[objects]...)
			}
			objects++
			if err := s.ops(o.p.ops, o.at); err != nil {
				return nil, err
			}
		} else if late < len(s.late) {
			m := s.late[late]
			if tr != nil {
				tr.path = append(tr.path[:0], tr.late[late]...)
			}
			late++
			if err := s.entries(m.p, m.m, 0); err != nil {
				return nil, err
			}
		} else {
			break
		}
	}
	if a, b, found := s.mem.overlap(); found {
		if tr == nil {
			return nil, errUntraced
		}
		return nil, overlapError(tr.regions[a.n], tr.regions[b.n], a.start == b.start && a.end == b.end)
	}
	return s.dst, nil
}

// release lets go of the state, and keeps the memory for the next run.
func (s *saver) release() {
	clear(s.objects)
	clear(s.late)
	s.objects, s.late, s.lengths, s.dst, s.trace = s.objects[:0], s.late[:0], s.lengths[:0], nil, nil
}

// overlapError returns the error for two values, at those paths, that share memory.
func overlapError(a, b string, same bool) error {
	if same {
		return fmt.Errorf("%s and %s are the same memory with different types: only one of them can be saved", a, b)
	}
	return fmt.Errorf("%s and %s share memory: a pointer or slice into the middle of another value cannot be saved; use an index, or make the parts values of their own (a slice of pointers, a copy)", a, b)
}

// fail returns an error at the present path.
func (s *saver) fail(format string, args ...any) error {
	if s.trace == nil {
		return errUntraced
	}
	return fmt.Errorf("%s "+format, append([]any{s.trace.path}, args...)...)
}

// reach adds a value that a pointer has led to; free is what find returned for it.
func (s *saver) reach(free *identity, p *program, at unsafe.Pointer) {
	s.seen.put(free, s.address(p, at), p, len(s.objects))
	s.objects = append(s.objects, object{p, at})
	if s.trace != nil {
		s.trace.objects = append(s.trace.objects, string(s.trace.path))
	}
	s.occupy(at, p.size)
}

// occupy adds memory that belongs to the value at the present path.
func (s *saver) occupy(at unsafe.Pointer, size uintptr) {
	if size == 0 {
		return
	}
	s.mem.add(at, size)
	if s.trace != nil {
		s.trace.regions = append(s.trace.regions, string(s.trace.path))
	}
}

// address returns what tells a value from others of its type. Values of no size have no identity: they
// are all one.
func (s *saver) address(p *program, at unsafe.Pointer) uintptr {
	if p.size == 0 {
		return 0
	}
	return uintptr(at)
}

// ops saves the parts of the value at base.
func (s *saver) ops(ops []op, base unsafe.Pointer) error {
	if s.trace != nil {
		return s.traced(ops, base)
	}
	return s.each(ops, base)
}

// each is ops without the path.
func (s *saver) each(ops []op, base unsafe.Pointer) error {
	dst := s.dst
	for i := range ops {
		o := &ops[i]
		p := unsafe.Add(base, o.off)
		switch o.code {
		case codeBool:
			dst = append(dst, *(*byte)(p))
		case codeI8:
			dst = appendSv(dst, int64(*(*int8)(p)))
		case codeI16:
			dst = appendSv(dst, int64(*(*int16)(p)))
		case codeI32:
			dst = appendSv(dst, int64(*(*int32)(p)))
		case codeI64:
			dst = appendSv(dst, *(*int64)(p))
		case codeU8:
			dst = append(dst, *(*byte)(p))
		case codeU16:
			dst = appendUv(dst, uint64(*(*uint16)(p)))
		case codeU32:
			dst = appendUv(dst, uint64(*(*uint32)(p)))
		case codeU64:
			dst = appendUv(dst, *(*uint64)(p))
		case codeF32:
			dst = binary.LittleEndian.AppendUint32(dst, *(*uint32)(p))
		case codeF64:
			dst = binary.LittleEndian.AppendUint64(dst, *(*uint64)(p))
		case codeC64:
			dst = binary.LittleEndian.AppendUint32(dst, (*[2]uint32)(p)[0])
			dst = binary.LittleEndian.AppendUint32(dst, (*[2]uint32)(p)[1])
		case codeC128:
			dst = binary.LittleEndian.AppendUint64(dst, (*[2]uint64)(p)[0])
			dst = binary.LittleEndian.AppendUint64(dst, (*[2]uint64)(p)[1])
		case codeString:
			v := *(*string)(p)
			dst = append(appendUv(dst, uint64(len(v))), v...)
		case codeBytes:
			dst = append(dst, unsafe.Slice((*byte)(p), o.p.size)...)
		default:
			s.dst = dst
			if err := s.reference(o, p); err != nil {
				return err
			}
			dst = s.dst
		}
	}
	s.dst = dst
	return nil
}

// reference saves what is not a leaf.
func (s *saver) reference(o *op, p unsafe.Pointer) (err error) {
	switch o.code {
	case codePointer:
		s.pointer(o.p.elem, *(*unsafe.Pointer)(p))
	case codeSlice:
		err = s.slice(o.p, (*slice)(p))
	case codeArray:
		err = s.elements(o.p.elem, p, o.p.typ.Len())
	case codeMap:
		err = s.mapping(o.p, *(*unsafe.Pointer)(p))
	case codeInterface:
		err = s.dynamic(o.p, p)
	case codeBinary:
		dst, failed := appendBinary(s.dst, o.p, p)
		if failed != nil {
			return s.fail("cannot be saved: %w", failed)
		}
		s.dst = dst
	default:
		panic(fmt.Sprintf("state: no such code: %d", o.code))
	}
	return err
}

// pointer saves a pointer to an elem.
func (s *saver) pointer(elem *program, to unsafe.Pointer) {
	if to == nil {
		s.dst = append(s.dst, pointerNil)
		return
	}
	id, free := s.seen.find(s.address(elem, to), elem)
	if free == nil {
		s.dst = appendUv(s.dst, uint64(id)+pointerKnown)
		return
	}
	root := s.objects[0]
	if off := uintptr(to) - uintptr(root.at); off < root.p.size && elem.size > 0 {
		if n, ok := s.c.parts(root.p).find(elem, off); ok {
			s.dst = appendUv(append(s.dst, pointerPart), uint64(n))
			return
		}
	}
	s.dst = append(s.dst, pointerNew)
	s.reach(free, elem, to)
}

// deeper goes one level down.
func (s *saver) deeper() error {
	if s.depth++; s.depth > maxDepth {
		return s.fail("lies more than %d levels deep, want pointers on the way", maxDepth)
	}
	return nil
}

// appendUv appends v as unsigned LEB128.
func appendUv(dst []byte, v uint64) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	return binary.AppendUvarint(dst, v)
}

// appendSv appends v as the uv of its zigzag form.
func appendSv(dst []byte, v int64) []byte { return appendUv(dst, uint64(v)<<1^uint64(v>>63)) }
