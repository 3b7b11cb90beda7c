package state

import "unsafe"

// slice is how a slice lies in memory.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

// slice saves a slice.
func (s *saver) slice(p *program, v *slice) error {
	if v.data == nil {
		s.dst = append(s.dst, sliceNil)
		return nil
	}
	elem := p.elem
	if v.len > 0 && elem.size > 0 {
		if s.again(p, v.data, v.len) {
			return nil
		}
		s.occupy(v.data, uintptr(v.len)*elem.size)
	}
	s.dst = appendUv(s.dst, uint64(v.len)+sliceNew)
	switch {
	case elem.code == codeU8:
		s.dst = append(s.dst, unsafe.Slice((*byte)(v.data), v.len)...)
	case len(elem.ops) > 0:
		return s.elements(elem, v.data, v.len)
	case elem.size > 0:
		s.dst = append(s.dst, make([]byte, v.len)...)
	}
	return nil
}

// again saves a slice or map that was saved before, and else gives it a number. A slice of the same memory
// with another length is not the same; overlap finds it.
func (s *saver) again(p *program, at unsafe.Pointer, n int) bool {
	id, free := s.seen.find(uintptr(at), p.ident)
	if free == nil && s.lengths[id] == n {
		s.dst = appendUv(append(s.dst, sliceAgain), uint64(id))
		return true
	}
	if free != nil {
		s.seen.put(free, uintptr(at), p.ident, len(s.lengths))
	}
	s.lengths = append(s.lengths, n)
	return false
}

// elements saves n elements that lie behind each other.
func (s *saver) elements(elem *program, data unsafe.Pointer, n int) error {
	if err := s.deeper(); err != nil {
		return err
	}
	for i := range n {
		n := s.trace.index(i)
		if err := s.ops(elem.ops, unsafe.Add(data, uintptr(i)*elem.size)); err != nil {
			return err
		}
		s.trace.pop(n)
	}
	s.depth--
	return nil
}
