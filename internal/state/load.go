package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"unsafe"
)

// loader is one Load. It never allocates much more memory than the bytes that it has in hand can fill: what has
// been declared is owed, and nothing is declared that the rest of the bytes does not cover.
type loader struct {
	c     *Codec
	data  []byte
	pos   int
	owed  int // least bytes of what has been declared and not yet begun
	depth int

	objects []object
	late    []lateMap
	types   []*program
	shared  []shared
}

// errShort says that the data ends too early, or declares more than there is.
var errShort = errors.New("it is cut off, or declares more than it holds")

// run loads data into root, a p.
func (l *loader) run(c *Codec, data []byte, p *program, root unsafe.Pointer) error {
	l.c, l.data, l.pos, l.owed, l.depth = c, data, 0, 0, 0
	defer l.release()
	switch {
	case len(data) < headerSize:
		return errShort
	case data[0] != version:
		return fmt.Errorf("version %d, want %d", data[0], version)
	case binary.LittleEndian.Uint64(data[1:]) != c.print(p):
		return errors.New("it was saved by another version of the program: a type has changed since")
	}
	l.pos = headerSize
	fresh := reflect.New(p.typ).UnsafePointer()
	if err := l.all(p, root, fresh); err != nil {
		return fmt.Errorf("byte %d: %w", l.pos, err)
	}
	if l.pos < len(data) {
		return fmt.Errorf("byte %d: %d bytes too many", l.pos, len(data)-l.pos)
	}
	c.parts(p).set(p.typ, root, fresh)
	return nil
}

// release lets go of what was made.
func (l *loader) release() {
	clear(l.objects)
	clear(l.late)
	clear(l.shared)
	l.objects, l.late, l.shared, l.types, l.data = l.objects[:0], l.late[:0], l.shared[:0], l.types[:0], nil
}

// all loads the root into fresh, and what pointers lead to. Pointers to the root are to root.
func (l *loader) all(p *program, root, fresh unsafe.Pointer) error {
	if err := l.declare(1, p.min); err != nil {
		return err
	}
	l.objects = append(l.objects, object{p, root})
	objects, late := 0, 0
	for {
		if objects < len(l.objects) {
			o := l.objects[objects]
			if objects == 0 {
				o.at = fresh
			}
			objects++
			l.owed -= o.p.min
			if err := l.ops(o.p.ops, o.at); err != nil {
				return fmt.Errorf("in a %s: %w", o.p.typ, err)
			}
		} else if late < len(l.late) {
			m := l.late[late]
			late++
			l.owed--
			n, err := l.uv()
			if err != nil {
				return err
			}
			if err := l.entries(m.p, reflect.NewAt(m.p.typ, unsafe.Pointer(&m.m)).Elem(), n); err != nil {
				return fmt.Errorf("in a %s: %w", m.p.typ, err)
			}
		} else {
			return nil
		}
	}
}

// ops loads the parts of the value at base, which is zero.
func (l *loader) ops(ops []op, base unsafe.Pointer) error {
	for i := range ops {
		o := &ops[i]
		p := unsafe.Add(base, o.off)
		var err error
		switch {
		case o.code == codeF64:
			if len(l.data)-l.pos < 8 {
				return errShort
			}
			*(*uint64)(p) = binary.LittleEndian.Uint64(l.data[l.pos:])
			l.pos += 8
		case o.code <= codeU64:
			err = l.whole(o.code, p)
		case o.code <= codeBytes:
			err = l.leaf(o, p)
		default:
			err = l.reference(o, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reference loads what is not a leaf.
func (l *loader) reference(o *op, p unsafe.Pointer) error {
	switch o.code {
	case codePointer:
		to, err := l.pointer(o.p.elem)
		*(*unsafe.Pointer)(p) = to
		return err
	case codeSlice:
		return l.slice(o.p, (*slice)(p))
	case codeArray:
		return l.elements(o.p.elem, p, o.p.typ.Len(), 0)
	case codeMap:
		return l.mapping(o.p, (*unsafe.Pointer)(p))
	case codeInterface:
		return l.dynamic(o.p, p)
	default: // codeBinary
		b, err := l.str()
		if err != nil {
			return err
		}
		return loadBinary(b, o.p.typ, p)
	}
}

// pointer loads a pointer to an elem.
func (l *loader) pointer(elem *program) (unsafe.Pointer, error) {
	v, err := l.uv()
	if err != nil {
		return nil, err
	}
	switch v {
	case pointerNil:
		return nil, nil
	case pointerNew:
		if err := l.declare(1, elem.min); err != nil {
			return nil, err
		}
		at := reflect.New(elem.typ).UnsafePointer()
		l.objects = append(l.objects, object{elem, at})
		return at, nil
	case pointerPart:
		n, err := l.uv()
		if err != nil {
			return nil, err
		}
		parts := l.c.parts(l.objects[0].p)
		if n >= uint64(len(parts.all)) || parts.all[n].typ != elem.typ {
			return nil, fmt.Errorf("a pointer is to part %d of the root, which is no %s", n, elem.typ)
		}
		return unsafe.Add(l.objects[0].at, parts.all[n].off), nil
	}
	n := v - pointerKnown
	if n >= uint64(len(l.objects)) || l.objects[n].p != elem {
		return nil, fmt.Errorf("a pointer is to value %d, which is no %s", n, elem.typ)
	}
	return l.objects[n].at, nil
}
