package state

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// entries is scratch memory for the entries of a map.
type entries struct {
	keys, values reflect.Value // slices
	order        []int
	iter         reflect.MapIter
}

// mapping saves a map.
func (s *saver) mapping(p *program, m unsafe.Pointer) error {
	if m == nil {
		s.dst = append(s.dst, sliceNil)
		return nil
	}
	if s.again(p, m, -1) {
		return nil
	}
	if p.late {
		s.dst = append(s.dst, sliceNew)
		s.late = append(s.late, lateMap{p, m})
		if s.trace != nil {
			s.trace.late = append(s.trace.late, string(s.trace.path))
		}
		return nil
	}
	return s.entries(p, m, sliceNew)
}

// entries saves the number of entries of m, plus extra, and the entries in order of their keys.
func (s *saver) entries(p *program, m unsafe.Pointer, extra uint64) error {
	if err := s.deeper(); err != nil {
		return err
	}
	v := reflect.NewAt(p.typ, unsafe.Pointer(&m)).Elem()
	n := v.Len()
	s.dst = appendUv(s.dst, uint64(n)+extra)
	e := p.entries(n)
	defer p.free(e, n)

	e.iter.Reset(v)
	for i := 0; e.iter.Next(); i++ {
		e.keys.Index(i).SetIterKey(&e.iter)
		e.values.Index(i).SetIterValue(&e.iter)
		e.order = append(e.order, i)
	}
	keys, values := e.keys.UnsafePointer(), e.values.UnsafePointer()
	key := func(i int) unsafe.Pointer { return unsafe.Add(keys, uintptr(i)*p.key.size) }
	order := ordering{s: s}
	slices.SortFunc(e.order, func(i, j int) int { return order.compare(p.key.ops, key(i), key(j)) })
	for j := 1; j < n && order.err == nil; j++ {
		if order.compare(p.key.ops, key(e.order[j-1]), key(e.order[j])) == 0 {
			order.err = s.fail("has two keys of the same order: %v", e.keys.Index(e.order[j]))
		}
	}
	if n == 1 {
		order.compare(p.key.ops, key(0), key(0)) // for its errors
	}
	if order.err != nil {
		return order.err
	}
	for _, i := range e.order {
		k := s.trace.key(e.keys, i)
		if err := s.ops(p.key.ops, key(i)); err != nil {
			return err
		}
		if err := s.ops(p.elem.ops, unsafe.Add(values, uintptr(i)*p.elem.size)); err != nil {
			return err
		}
		s.trace.pop(k)
	}
	s.depth--
	return nil
}

// key appends [k], k being element i of keys, to the path. A nil trace does nothing.
func (t *trace) key(keys reflect.Value, i int) int {
	if t == nil {
		return 0
	}
	n := len(t.path)
	switch k := keys.Index(i); k.Kind() {
	case reflect.String:
		t.path = fmt.Appendf(t.path, "[%q]", k.String())
	case reflect.Pointer, reflect.Interface:
		t.path = fmt.Appendf(t.path, "[%s %d]", k.Type(), i)
	default:
		t.path = fmt.Appendf(t.path, "[%v]", k)
	}
	return n
}

// entries returns scratch memory for n entries of a p. Maps of one type may hold each other, so there
// may be several.
func (p *program) entries(n int) *entries {
	var e *entries
	if last := len(p.scratch) - 1; last >= 0 {
		e, p.scratch = p.scratch[last], p.scratch[:last]
	} else {
		e = &entries{}
	}
	if !e.keys.IsValid() || e.keys.Len() < n {
		e.keys = reflect.MakeSlice(reflect.SliceOf(p.key.typ), n, n)
		e.values = reflect.MakeSlice(reflect.SliceOf(p.elem.typ), n, n)
	}
	return e
}

// free takes e back and lets go of the n entries in it.
func (p *program) free(e *entries, n int) {
	e.keys.Slice(0, n).Clear()
	e.values.Slice(0, n).Clear()
	e.iter.Reset(reflect.Value{})
	e.order = e.order[:0]
	p.scratch = append(p.scratch, e)
}
