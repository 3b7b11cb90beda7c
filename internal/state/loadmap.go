package state

import (
	"fmt"
	"reflect"
	"unsafe"
)

// mapping loads a map.
func (l *loader) mapping(p *program, to *unsafe.Pointer) error {
	v, err := l.uv()
	if err != nil || v == sliceNil {
		return err
	}
	if v == sliceAgain {
		s, err := l.again(p)
		*to = s.at
		return err
	}
	n := v - sliceNew
	if p.late {
		if n > 0 {
			return fmt.Errorf("a map with references as keys begins with %d, want %d", v, sliceNew)
		}
		if err := l.declare(1, 1); err != nil {
			return err
		}
	}
	m := reflect.MakeMap(p.typ)
	*to = m.UnsafePointer()
	l.shared = append(l.shared, shared{p.ident, *to, -1})
	if p.late {
		l.late = append(l.late, lateMap{p, *to})
		return nil
	}
	return l.entries(p, m, n)
}

// entries loads n entries into m.
func (l *loader) entries(p *program, m reflect.Value, n uint64) error {
	if err := l.deeper(); err != nil {
		return err
	}
	if len(p.key.ops) == 0 && n > 1 {
		return fmt.Errorf("a %s has %d entries, want at most 1", p.typ, n)
	}
	size := plus(p.key.min, p.elem.min)
	if err := l.declare(n, size); err != nil {
		return err
	}
	if n == 0 {
		l.depth--
		return nil
	}
	var order ordering // without pointers
	keys := [2]reflect.Value{reflect.New(p.key.typ), reflect.New(p.key.typ)}
	value := reflect.New(p.elem.typ)
	for i := range n {
		l.owed -= size
		reached := len(l.objects)
		key, last := keys[i&1], keys[1-i&1]
		key.Elem().SetZero()
		value.Elem().SetZero()
		if err := l.ops(p.key.ops, key.UnsafePointer()); err != nil {
			return err
		}
		switch {
		case p.key.code == codePointer && !p.key.named && len(l.objects) > reached:
			return fmt.Errorf("a %s has a key that nothing else points to", p.typ)
		case p.late && !p.key.hashable(key.UnsafePointer()):
			return fmt.Errorf("a %s has a key that is no pointer", p.typ)
		case !p.late && i > 0 && order.compare(p.key.ops, last.UnsafePointer(), key.UnsafePointer()) >= 0:
			return fmt.Errorf("the keys of a %s are not in order", p.typ)
		}
		if err := l.ops(p.elem.ops, value.UnsafePointer()); err != nil {
			return err
		}
		m.SetMapIndex(key.Elem(), value.Elem())
	}
	if uint64(m.Len()) != n {
		return fmt.Errorf("a %s has keys twice", p.typ)
	}
	l.depth--
	return nil
}

// hashable reports whether all interfaces in the key at p hold pointers, as they did when it was saved.
func (p *program) hashable(at unsafe.Pointer) bool {
	for _, o := range p.ops {
		part := unsafe.Add(at, o.off)
		switch o.code {
		case codeInterface:
			x := unpack(o.p, part)
			if x != nil && reflect.TypeOf(x).Kind() != reflect.Pointer {
				return false
			}
		case codeArray:
			for i := range o.p.typ.Len() {
				if !o.p.elem.hashable(unsafe.Add(part, uintptr(i)*o.p.elem.size)) {
					return false
				}
			}
		default:
		}
	}
	return true
}
