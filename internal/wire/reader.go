package wire

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// What an sv can hold.
const (
	minSv = -1 << 52
	maxSv = 1<<52 - 1
)

// reader reads values from the front of p. After its first error everything it reads is zero, and p
// is empty.
type reader struct {
	p   []byte
	err error
}

func (d *reader) fail(err error) {
	if d.err == nil {
		d.p, d.err = nil, err
	}
}

func (d *reader) failf(format string, args ...any) { d.fail(fmt.Errorf(format, args...)) }

// take returns the next n bytes, which stay p's, or nil.
func (d *reader) take(n int) []byte {
	if n > len(d.p) {
		d.fail(ErrShort)
		return nil
	}
	v := d.p[:n:n]
	d.p = d.p[n:]
	return v
}

func (d *reader) u8() byte {
	if len(d.p) == 0 {
		d.fail(ErrShort)
		return 0
	}
	v := d.p[0]
	d.p = d.p[1:]
	return v
}

func (d *reader) uv() uint64 {
	v, rest, err := ReadUv(d.p)
	if err != nil {
		d.fail(err)
		return 0
	}
	d.p = rest
	return v
}

func (d *reader) sv() int64 {
	v := d.uv()
	return int64(v>>1) ^ -int64(v&1)
}

// bytes returns the bytes of a str, which stay p's, or nil.
func (d *reader) bytes() []byte {
	n := d.uv()
	if n > uint64(len(d.p)) {
		d.fail(ErrShort)
		return nil
	}
	return d.take(int(n))
}

// value reads field i of a class into a row, as a difference if diff.
func (d *reader) value(c *class, i int, w *row, diff bool) {
	f, nums := &c.fields[i], w.nums[c.num[i]:]
	switch f.Type {
	case Pos:
		d.number(&nums[0], diff)
		d.number(&nums[1], diff)
	case Int:
		d.number(&nums[0], diff)
	case Uint:
		nums[0] = int64(d.uv())
	case U8, Angle:
		nums[0] = int64(d.u8())
	case Bool:
		nums[0] = int64(min(d.u8(), 1))
	case U16:
		if p := d.take(2); p != nil {
			nums[0] = int64(p[0]) | int64(p[1])<<8
		}
	case F32:
		if p := d.take(4); p != nil {
			nums[0] = int64(p[0]) | int64(p[1])<<8 | int64(p[2])<<16 | int64(p[3])<<24
		}
	case Str:
		w.strs[c.str[i]] = d.str(f.Name)
	default:
		w.strs[c.str[i]] = string(d.json(f.Name))
	}
}

// number reads an sv.
func (d *reader) number(v *int64, diff bool) {
	n := d.sv()
	if diff {
		n += *v
	}
	if n < minSv || n > maxSv {
		d.fail(ErrNumber)
		return
	}
	*v = n
}

// str reads a string of what.
func (d *reader) str(what string) string {
	p := d.bytes()
	if len(p) > MaxStr {
		d.failf("%s has %d bytes, want at most %d", what, len(p), MaxStr)
		return ""
	}
	if !utf8.Valid(p) {
		d.failf("%s: %w", what, errUTF8)
		return ""
	}
	return string(p)
}

// json reads the JSON of what and makes it compact.
func (d *reader) json(what string) json.RawMessage {
	p := []byte(d.str(what))
	if d.err == nil && !json.Valid(p) {
		d.failf("%s is not valid JSON", what)
	}
	if d.err != nil {
		return nil
	}
	return compact(p)
}
