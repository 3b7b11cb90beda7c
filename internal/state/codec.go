package state

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"unsafe"
)

// Codec saves and loads everything that is reachable from a root: a pointer to a struct.
//
// Part of the state are all fields, exported or not, tagged or not, but those tagged httpmp:"-" and
// those called _. What is shared stays shared: pointers, maps and whole slices, cycles too. What a
// pointer points to must be a value of its own, or a part of the root (a field, or an element of an
// array field of at most 64); other pointers into the middle of a value, and slices that overlap, are
// refused. Slices that share an array without overlapping come back apart, and capacity is not kept.
//
// A type that has MarshalBinary and UnmarshalBinary of its own is saved by them. Values in interfaces are
// pointers to registered types, or values of registered types or of predeclared ones; *rand.PCG and
// *rand.ChaCha8 of math/rand/v2 are always registered. Maps are saved in the order of their keys: numbers, strings,
// bools, pointers and arrays and structs of these. Pointers as keys come in the order in which everything
// else reaches what they point to, unless that has a method StateOrder() uint64 that gives the order.
//
// A Codec is not concurrent-safe.
type Codec struct {
	programs map[reflect.Type]*program
	idents   map[reflect.Type]*program
	names    map[string]*program
	structs  []reflect.Type
	save     saver
	load     loader
}

// predeclared are the types that an interface may hold without Register.
var predeclared = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[string](),
	reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
	reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[uintptr](),
	reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[complex64](), reflect.TypeFor[complex128](),
	reflect.TypeFor[rand.PCG](), reflect.TypeFor[rand.ChaCha8](),
}

// NewCodec returns a Codec that knows the predeclared types.
func NewCodec() *Codec {
	c := &Codec{programs: map[reflect.Type]*program{}, idents: map[reflect.Type]*program{}, names: map[string]*program{}}
	for _, t := range predeclared {
		if err := c.Register(t); err != nil {
			panic(err) // they are all savable
		}
	}
	c.structs = nil
	return c
}

// Register makes t, and all types that its fields and elements lead to, known. It is an error when a
// value of one of them could never be saved; the error names the field, and c is as it was.
func (c *Codec) Register(t reflect.Type) error {
	if t == nil {
		return errors.New("nil cannot be registered, want a type")
	}
	k := compiler{c: c}
	structs := len(c.structs)
	k.later(reached{t, t.String(), t.String()})
	for len(k.todo) > 0 {
		next := k.todo[0]
		k.todo = k.todo[1:]
		if _, err := k.program(next); err != nil {
			k.undo(structs)
			return err
		}
	}
	for _, t := range k.added {
		name := typeName(t)
		if other := c.names[name]; other != nil {
			k.undo(structs)
			return fmt.Errorf("two types are called %s, want another name for one", name)
		}
		c.names[name] = c.programs[t]
	}
	return nil
}

// undo forgets what was added.
func (k *compiler) undo(structs int) {
	c := k.c
	c.structs = c.structs[:structs]
	for _, t := range k.added {
		p := c.programs[t]
		delete(c.programs, t)
		if name := typeName(t); c.names[name] == p {
			delete(c.names, name)
		}
		for u, q := range c.idents {
			if q == p {
				delete(c.idents, u)
			}
		}
	}
}

// Structs returns the struct types that Register has found, in order of discovery.
func (c *Codec) Structs() []reflect.Type { return c.structs[:len(c.structs):len(c.structs)] }

// Append appends the saved state of root, a non-nil pointer to a registered struct, to dst. Equal states give
// equal bytes. Errors name the path of the value that cannot be saved; dst is returned as it was then.
//
// Nothing may change the state meanwhile. A MarshalBinary may be called twice.
func (c *Codec) Append(dst []byte, root any) ([]byte, error) {
	p, at, err := c.root(root)
	if err != nil {
		return dst, err
	}
	out, err := c.save.run(c, dst, p, at, nil)
	if err != nil {
		// Paths are kept only in a second run: they cost more than the saving.
		if _, err = c.save.run(c, dst, p, at, &trace{target: -1}); err == nil {
			err = fmt.Errorf("%s changed while it was saved", p.typ)
		}
		return dst, err
	}
	return out, nil
}

// Load sets root, a non-nil pointer to a registered struct, to the state that data holds. Fields tagged
// httpmp:"-" of the struct itself, and of structs that lie in it by value, keep what they have; those of
// values that Load makes are zero. On error root is unchanged. Load keeps nothing of data.
func (c *Codec) Load(data []byte, root any) error {
	p, at, err := c.root(root)
	if err != nil {
		return err
	}
	if err := c.load.run(c, data, p, at); err != nil {
		return fmt.Errorf("saved state of %s: %w", p.typ, err)
	}
	return nil
}

// root returns the program of what root points to.
func (c *Codec) root(root any) (*program, unsafe.Pointer, error) {
	v := reflect.ValueOf(root)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, nil, fmt.Errorf("root is %T, want a non-nil pointer to a struct", root)
	}
	p := c.programs[v.Type().Elem()]
	if p == nil {
		return nil, nil, fmt.Errorf("type %s is not registered", v.Type().Elem())
	}
	return p, v.UnsafePointer(), nil
}

// dynamic returns the program of t, the type of a value in an interface; nil if it is not registered.
func (c *Codec) dynamic(t reflect.Type) *program {
	p := c.programs[t]
	if p == nil && t.Kind() == reflect.Pointer && t.Name() == "" && c.programs[t.Elem()] != nil {
		if c.Register(t) != nil {
			return nil
		}
		p = c.programs[t]
	}
	return p
}

// named is dynamic for the name of a type.
func (c *Codec) named(name []byte) *program {
	if p := c.names[string(name)]; p != nil {
		return p
	}
	if len(name) > 0 && name[0] == '*' {
		if p := c.names[string(name[1:])]; p != nil {
			return c.dynamic(reflect.PointerTo(p.typ))
		}
	}
	return nil
}

// Hash returns the first 8 bytes, little-endian, of the SHA-256 of a saved state.
func Hash(saved []byte) uint64 {
	sum := sha256.Sum256(saved)
	return binary.LittleEndian.Uint64(sum[:])
}
