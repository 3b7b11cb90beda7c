package state

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"strconv"
)

// typeName returns the name of t with the whole paths of packages, as saved states hold it.
func typeName(t reflect.Type) string {
	if t.Name() != "" {
		if t.PkgPath() == "" {
			return t.Name()
		}
		return t.PkgPath() + "." + t.Name()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + typeName(t.Elem())
	case reflect.Slice:
		return "[]" + typeName(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), typeName(t.Elem()))
	case reflect.Map:
		return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
	case reflect.Struct:
		s := "struct{"
		for i := range t.NumField() {
			f := t.Field(i)
			s += fmt.Sprintf("%s %s %q;", f.Name, typeName(f.Type), f.Tag)
		}
		return s + "}"
	default:
		return t.String()
	}
}

// print returns the fingerprint of p: equal for programs that can load each other's bytes. It covers the
// names and kinds of all types that p leads to, and the names of their fields.
func (c *Codec) print(p *program) uint64 {
	if p.fingerprint == 0 {
		d := description{c: c, seen: map[reflect.Type]int{}}
		d.add(p.typ)
		sum := sha256.Sum256(d.text)
		p.fingerprint = max(binary.LittleEndian.Uint64(sum[:]), 1)
	}
	return p.fingerprint
}

// description is the text that a fingerprint is made of.
type description struct {
	c    *Codec
	text []byte
	seen map[reflect.Type]int
}

// add appends t, and in their places the types that it leads to; each one in full only once.
func (d *description) add(t reflect.Type) {
	if n, ok := d.seen[t]; ok {
		d.text = strconv.AppendInt(append(d.text, '#'), int64(n), 10)
		return
	}
	d.seen[t] = len(d.seen)
	d.text = append(append(d.text, typeName(t)...), ' ')
	if p := d.c.programs[t]; p != nil && p.code == codeBinary {
		d.text = append(d.text, "binary"...)
		return
	}
	d.text = append(append(d.text, t.Kind().String()...), '(')
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.Name != "_" && !skipped(f) {
				d.text = append(append(d.text, f.Name...), ' ')
				d.add(f.Type)
				d.text = append(d.text, ';')
			}
		}
	case reflect.Array:
		if t.Len() > 0 {
			d.add(t.Elem())
		}
	case reflect.Map:
		d.add(t.Key())
		d.add(t.Elem())
	case reflect.Pointer, reflect.Slice:
		d.add(t.Elem())
	default:
	}
	d.text = append(d.text, ')')
}
