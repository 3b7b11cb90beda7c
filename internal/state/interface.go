package state

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"
)

// word is the first word of an interface that holds a value of type p.
type word struct {
	p *program
	w unsafe.Pointer
}

// dynamic saves an interface, a p.
func (s *saver) dynamic(p *program, at unsafe.Pointer) error {
	x := unpack(p, at)
	t := reflect.TypeOf(x)
	if t == nil {
		s.dst = append(s.dst, 0)
		return nil
	}
	d := p.last
	if d == nil || d.typ != t {
		if d = s.c.dynamic(t); d == nil {
			return s.unregistered(t)
		}
		p.last = d
	}
	if d.gen != s.seen.gen {
		d.gen, d.index = s.seen.gen, s.types
		s.types++
		if d.name == "" {
			d.name = typeName(t)
		}
		s.dst = appendUv(s.dst, uint64(d.index)+1)
		s.dst = append(appendUv(s.dst, uint64(len(d.name))), d.name...)
		s.dst = binary.LittleEndian.AppendUint64(s.dst, s.c.print(d))
	} else {
		s.dst = appendUv(s.dst, uint64(d.index)+1)
	}
	data := (*[2]unsafe.Pointer)(unsafe.Pointer(&x))[1]
	switch {
	case d.code == codePointer:
		s.pointer(d.elem, data)
		return nil
	case d.size == unsafe.Sizeof(data) && !d.plain: // the interface may hold the value itself
		v := reflect.New(t)
		v.Elem().Set(reflect.ValueOf(x))
		data = v.UnsafePointer()
	}
	if err := s.deeper(); err != nil {
		return err
	}
	err := s.ops(d.ops, data)
	s.depth--
	return err
}

// unregistered returns the error for an interface that holds a t.
func (s *saver) unregistered(t reflect.Type) error {
	why := "is not registered"
	if err := (&Codec{programs: map[reflect.Type]*program{}, idents: map[reflect.Type]*program{}, names: map[string]*program{}}).Register(t); err != nil {
		why = "cannot be saved: " + err.Error()
	}
	return s.fail("holds type %s, which %s; register it, or tag the field httpmp:\"-\" if it is not part of the state", t, why)
}

// unpack returns the value in the interface, a p, that lies at at.
func unpack(p *program, at unsafe.Pointer) any {
	if p.typ.NumMethod() == 0 {
		return *(*any)(at)
	}
	return *(*interface{ M() })(at) // all interfaces with methods lie in memory alike
}

// dynamic loads an interface, a p.
func (l *loader) dynamic(p *program, at unsafe.Pointer) error {
	n, err := l.uv()
	if err != nil || n == 0 {
		return err
	}
	if n == uint64(len(l.types))+1 {
		if err := l.newType(); err != nil {
			return err
		}
	}
	if n > uint64(len(l.types)) {
		return fmt.Errorf("an interface holds type %d of %d", n-1, len(l.types))
	}
	d := l.types[n-1]
	w, err := p.word(d)
	if err != nil {
		return err
	}
	if d.code == codePointer {
		to, err := l.pointer(d.elem)
		*(*[2]unsafe.Pointer)(at) = [2]unsafe.Pointer{w, to}
		return err
	}
	if err := l.deeper(); err != nil {
		return err
	}
	v := reflect.New(d.typ)
	if err := l.ops(d.ops, v.UnsafePointer()); err != nil {
		return err
	}
	reflect.NewAt(p.typ, at).Elem().Set(v.Elem())
	l.depth--
	return nil
}

// newType reads a type that comes for the first time.
func (l *loader) newType() error {
	name, err := l.str()
	if err != nil {
		return err
	}
	print, err := l.take(8)
	if err != nil {
		return err
	}
	p := l.c.named(name)
	if p == nil {
		return fmt.Errorf("it has a %.200q, which is not registered", name)
	}
	if binary.LittleEndian.Uint64(print) != l.c.print(p) {
		return fmt.Errorf("it was saved when %s, or a type that it leads to, was another", p.typ)
	}
	for _, q := range l.types {
		if q == p {
			return fmt.Errorf("%s is declared twice", p.typ)
		}
	}
	l.types = append(l.types, p)
	return nil
}

// word returns the first word of an interface, a p, that holds a d.
func (p *program) word(d *program) (unsafe.Pointer, error) {
	for _, w := range p.words {
		if w.p == d {
			return w.w, nil
		}
	}
	if !d.typ.Implements(p.typ) {
		return nil, fmt.Errorf("a %s holds a %s, which does not implement it", p.typ, d.typ)
	}
	v := reflect.New(p.typ)
	v.Elem().Set(reflect.Zero(d.typ))
	w := *(*unsafe.Pointer)(v.UnsafePointer())
	p.words = append(p.words, word{d, w})
	return w, nil
}
