package state

import (
	"fmt"
	"reflect"
	"unsafe"
)

// shared is a slice or map that may come again.
type shared struct {
	ident *program
	at    unsafe.Pointer
	len   int
}

// again loads a slice or map that has come before.
func (l *loader) again(p *program) (shared, error) {
	n, err := l.uv()
	if err != nil {
		return shared{}, err
	}
	if n >= uint64(len(l.shared)) || l.shared[n].ident != p.ident {
		return shared{}, fmt.Errorf("slice or map %d is no %s", n, p.typ)
	}
	return l.shared[n], nil
}

// maxMemory is the most memory of a slice. More is a mistake whatever the data.
const maxMemory = 1 << 40

// slice loads a slice.
func (l *loader) slice(p *program, to *slice) error {
	v, err := l.uv()
	if err != nil || v == sliceNil {
		return err
	}
	if v == sliceAgain {
		s, err := l.again(p)
		*to = slice{s.at, s.len, s.len}
		return err
	}
	n, elem := v-sliceNew, p.elem
	size := elem.min
	if elem.size > 0 {
		size = max(size, 1)
	}
	if err := l.declare(n, size); err != nil {
		return err
	}
	if n > maxMemory/uint64(max(elem.size, 1)) {
		return fmt.Errorf("a %s of %d elements is too long", p.typ, n)
	}
	*to = l.makeSlice(p, int(n))
	if n > 0 && elem.size > 0 {
		l.shared = append(l.shared, shared{p.ident, to.data, to.len})
	}
	switch {
	case elem.code == codeU8:
		l.owed -= int(n)
		b, err := l.take(n)
		copy(unsafe.Slice((*byte)(to.data), n), b)
		return err
	case len(elem.ops) > 0:
		return l.elements(elem, to.data, int(n), size)
	case elem.size > 0:
		l.owed -= int(n)
		b, err := l.take(n)
		for _, b := range b {
			if b != 0 {
				return fmt.Errorf("an element without content is %d, want 0", b)
			}
		}
		return err
	}
	return nil
}

// makeSlice returns a slice of n zero elements.
func (l *loader) makeSlice(p *program, n int) slice {
	if p.elem.plain && n > 0 {
		words := make([]uint64, (uintptr(n)*p.elem.size+7)/8)
		if len(words) > 0 {
			return slice{unsafe.Pointer(unsafe.SliceData(words)), n, n}
		}
	}
	return slice{reflect.MakeSlice(p.typ, n, n).UnsafePointer(), n, n}
}

// elements loads n elements, each of which is owed that many bytes.
func (l *loader) elements(elem *program, data unsafe.Pointer, n, owed int) error {
	if err := l.deeper(); err != nil {
		return err
	}
	for i := range n {
		l.owed -= owed
		if err := l.ops(elem.ops, unsafe.Add(data, uintptr(i)*elem.size)); err != nil {
			return err
		}
	}
	l.depth--
	return nil
}

// deeper goes one level down.
func (l *loader) deeper() error {
	if l.depth++; l.depth > maxDepth {
		return fmt.Errorf("it is more than %d levels deep", maxDepth)
	}
	return nil
}
