package state

import (
	"reflect"
	"unsafe"
)

// maxParts is the most elements of an array that pointers may point to within a root.
const maxParts = 64

// parts are the values that lie in a root and to which pointers may point, and the fields in it that are
// not part of the state.
type parts struct {
	all   []part
	index map[part]int
	kept  []kept
}

// part is a value that lies off bytes into a root.
type part struct {
	typ reflect.Type
	off uintptr
}

// kept is a field that Load leaves alone.
type kept part

// parts returns the parts of p, a struct.
func (c *Codec) parts(p *program) *parts {
	if p.parts == nil {
		p.parts = &parts{index: map[part]int{}}
		p.parts.walk(c, p.typ, 0, true)
	}
	return p.parts
}

// find returns the number of the part of that type and offset.
func (s *parts) find(p *program, off uintptr) (int, bool) {
	n, ok := s.index[part{p.typ, off}]
	return n, ok
}

// walk adds what lies in t, which lies off bytes into the root. Within a large array only kept fields count.
func (s *parts) walk(c *Codec, t reflect.Type, off uintptr, parts bool) {
	switch p := c.programs[t]; {
	case p == nil || p.code == codeBinary || t.Size() == 0:
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if skipped(f) {
				s.kept = append(s.kept, kept{f.Type, off + f.Offset})
			} else if f.Name != "_" {
				s.add(c, f.Type, off+f.Offset, parts)
			}
		}
	case t.Kind() == reflect.Array:
		parts = parts && t.Len() <= maxParts
		for i := range t.Len() {
			before := len(s.kept)
			s.add(c, t.Elem(), off+uintptr(i)*t.Elem().Size(), parts)
			if !parts && len(s.kept) == before {
				return // nor do the other elements keep anything
			}
		}
	}
}

// add adds a part and what lies in it.
func (s *parts) add(c *Codec, t reflect.Type, off uintptr, parts bool) {
	if _, twice := s.index[part{t, off}]; parts && !twice {
		s.index[part{t, off}] = len(s.all)
		s.all = append(s.all, part{t, off})
	}
	s.walk(c, t, off, parts)
}

// set copies from, a value of a root's type, over root, but for the kept fields.
func (s *parts) set(t reflect.Type, root, from unsafe.Pointer) {
	for _, k := range s.kept {
		at := reflect.NewAt(k.typ, unsafe.Add(from, k.off)).Elem()
		at.Set(reflect.NewAt(k.typ, unsafe.Add(root, k.off)).Elem())
	}
	reflect.NewAt(t, root).Elem().Set(reflect.NewAt(t, from).Elem())
}
