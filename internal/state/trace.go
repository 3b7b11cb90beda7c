package state

import (
	"strconv"
	"unsafe"
)

// trace keeps the paths of what is saved, for errors and Diff.
type trace struct {
	path    []byte   // of the present value
	objects []string // of what pointers have led to
	late    []string // of the maps that are saved late
	regions []string // of the memory
	origin  int      // where the saved state begins in dst
	target  int      // offset of the byte of which Diff wants the path; -1: none
	found   string   // the path of the byte at target
}

// index appends [i] to the path and returns its length before. A nil trace does nothing.
func (t *trace) index(i int) int {
	if t == nil {
		return 0
	}
	n := len(t.path)
	t.path = append(strconv.AppendInt(append(t.path, '['), int64(i), 10), ']')
	return n
}

// pop takes the path back to a length that index returned.
func (t *trace) pop(n int) {
	if t != nil {
		t.path = t.path[:n]
	}
}

// traced is each, keeping the path.
func (s *saver) traced(ops []op, base unsafe.Pointer) error {
	t := s.trace
	for i := range ops {
		n := len(t.path)
		t.path = append(t.path, ops[i].path...)
		from := len(s.dst) - t.origin
		if err := s.each(ops[i:i+1], base); err != nil {
			return err
		}
		if to := len(s.dst) - t.origin; t.found == "" && from <= t.target && t.target < to {
			t.found = string(t.path)
		}
		t.path = t.path[:n]
	}
	return nil
}

// Diff returns the first path, in the order in which states are saved, at which the states of a and b
// differ, such as main.Arena.players[3].hp. Both are pointers to the same registered type of struct. ok
// is false when they are equal. When one cannot be saved, the path is the text of the error.
func Diff(c *Codec, a, b any) (path string, ok bool) {
	x, err := c.Append(nil, a)
	if err != nil {
		return err.Error(), true
	}
	y, err := c.Append(nil, b)
	if err != nil {
		return err.Error(), true
	}
	at := 0
	for at < len(x) && at < len(y) && x[at] == y[at] {
		at++
	}
	if at == len(x) && at == len(y) {
		return "", false
	}
	if at == len(x) {
		a = b
	}
	p, root, _ := c.root(a)
	t := &trace{target: at}
	if _, err := c.save.run(c, nil, p, root, t); err != nil || t.found == "" {
		return p.typ.String(), true
	}
	return t.found, true
}
