package state

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/httpmp/httpmp/internal/wire"
)

// Kinds are the types that a Plan treats in their own way.
type Kinds struct {
	Pos reflect.Type // struct of two float64: replicated as pos, by the name "pos" where it is embedded
	Vel reflect.Type // struct of two float64: replicated as pos with quantum 1, "vel" where it is embedded

	// Ref is asked for the type of each tagged pointer field. It returns nil when such a pointer is no
	// reference, else the function that gives the id of what a pointer, never nil, points to.
	Ref func(t reflect.Type) func(p unsafe.Pointer) uint32
}

// Plan is how the replicated fields of one struct type are read. It is immutable and concurrent-safe.
type Plan struct {
	shared, private reader
	owner           *readOp // nil: no field "owner"
}

// The quanta of the Kinds without q=, in world units.
const (
	posQuantum = 0.5
	velQuantum = 1
)

// maxPrivate is the most private fields: their class has one field more, whose they are.
const maxPrivate = wire.MaxFields - 1

// reservedNames are the fields that classes have besides those of the struct.
var reservedNames = []string{"look", "stage", "of"}

// NewPlan returns the plan of t, a struct type. Errors name the field and what would be right.
//
// Fields come from t and, at any depth, from structs that it embeds by value.
func NewPlan(t reflect.Type, k Kinds) (*Plan, error) {
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%v is not a struct type", t)
	}
	b := builder{kinds: k, names: map[string]string{}}
	if err := b.fields(t, 0); err != nil {
		return nil, err
	}
	return b.plan(t)
}

// Fields returns the fields that everybody sees: "pos" first, then in order of declaration.
// Quantum is 1 where a type has none. The slice is the plan's own.
func (p *Plan) Fields() []wire.Field { return p.shared.fields }

// Private returns the fields with the option private, in order of declaration. The slice is the plan's own.
func (p *Plan) Private() []wire.Field { return p.private.fields }

// Read sets nums and strs to the values that obj, a pointer to the struct, has in the fields of Fields.
//
// It wants a row as it was left by the Read before, or zeros: a string that equals the row's is not
// checked again. After an error, a *FieldError, the row is partly written.
func (p *Plan) Read(obj unsafe.Pointer, nums []int64, strs []string) error {
	return p.shared.read(obj, nums, strs)
}

// ReadPrivate is Read for the fields of Private.
func (p *Plan) ReadPrivate(obj unsafe.Pointer, nums []int64, strs []string) error {
	return p.private.read(obj, nums, strs)
}

// HasOwner reports whether the struct has a replicated field "owner".
func (p *Plan) HasOwner() bool { return p.owner != nil }

// Owner returns the value of the field "owner" of obj; 0 without one, and for what exceeds 32 bits.
func (p *Plan) Owner(obj unsafe.Pointer) uint32 {
	if p.owner == nil {
		return 0
	}
	v := p.owner.whole(unsafe.Add(obj, p.owner.off))
	if v < 0 || v > 1<<32-1 {
		return 0
	}
	return uint32(v)
}

// builder collects the fields of a plan.
type builder struct {
	kinds Kinds
	found []found
	names map[string]string // name in the tag: the field that has it
}

// found is one replicated field.
type found struct {
	where   string // main.Ball.hp
	field   wire.Field
	op      readOp
	private bool
}

// fields collects the fields of t, which begins off bytes into the struct.
func (b *builder) fields(t reflect.Type, off uintptr) error {
	for i := range t.NumField() {
		f := t.Field(i)
		where := t.String() + "." + f.Name
		tag, err := parseTag(f)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		own := f.Type == b.kinds.Pos || f.Type == b.kinds.Vel
		switch {
		case tag.skip:
		case tag.set || own && f.Anonymous:
			if err := b.field(f, tag, where, off+f.Offset); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			if err := b.fields(f.Type, off+f.Offset); err != nil {
				return err
			}
		case f.Anonymous && f.Type.Kind() == reflect.Pointer && b.replicates(f.Type.Elem(), nil):
			return fmt.Errorf("%s: %s is embedded by pointer, embed %s itself, or tag it %s:\"-\"", where, f.Type, f.Type.Elem(), tagKey)
		}
	}
	return nil
}

// replicates reports whether a struct that embeds t would have replicated fields from it.
func (b *builder) replicates(t reflect.Type, seen []reflect.Type) bool {
	if t == b.kinds.Pos || t == b.kinds.Vel {
		return true
	}
	if t.Kind() != reflect.Struct || slices.Contains(seen, t) {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _ := parseTag(f)
		if tag.set && !tag.skip {
			return true
		}
		if e := f.Type; f.Anonymous && !tag.skip {
			if e.Kind() == reflect.Pointer {
				e = e.Elem()
			}
			if b.replicates(e, append(seen, t)) {
				return true
			}
		}
	}
	return false
}

// field adds one field.
func (b *builder) field(f reflect.StructField, tag tag, where string, off uintptr) error {
	name := tag.name
	if name == "" && f.Anonymous && f.Type == b.kinds.Pos {
		name = "pos"
	} else if name == "" && f.Anonymous && f.Type == b.kinds.Vel {
		name = "vel"
	}
	if name == "" {
		return fmt.Errorf("the tag has no name, want %s:\"name\"", tagKey)
	}
	if slices.Contains(reservedNames, name) {
		return fmt.Errorf("name %q is reserved, want another", name)
	}
	if other, ok := b.names[name]; ok {
		return fmt.Errorf("name %q is taken by %s, want another", name, other)
	}
	b.names[name] = where
	field, op, err := b.kinds.typed(f.Type, tag)
	if err != nil {
		return err
	}
	if (name == "pos" || name == "vel") && field.Type != wire.Pos {
		return fmt.Errorf("name %q is for positions, but the type is %s: want another name", name, f.Type)
	}
	if name == "owner" && field.Type != wire.Uint {
		return fmt.Errorf("name \"owner\" is for a client or its id, but the type is %s: want another name", f.Type)
	}
	field.Name, op.off = name, off
	b.found = append(b.found, found{where, field, op, tag.private})
	return nil
}

// plan makes the plan of what was found.
func (b *builder) plan(t reflect.Type) (*Plan, error) {
	p := &Plan{}
	i := slices.IndexFunc(b.found, func(f found) bool { return f.field.Name == "pos" })
	if i > 0 {
		pos := b.found[i]
		b.found = slices.Insert(slices.Delete(b.found, i, i+1), 0, pos)
	}
	for _, f := range b.found {
		if f.private {
			p.private.add(f.field, f.op)
		} else {
			p.shared.add(f.field, f.op)
		}
		if f.field.Name == "owner" {
			p.owner = &f.op
		}
	}
	for _, f := range b.found {
		if f.private && p.owner == nil {
			return nil, fmt.Errorf("%s: option \"private\" wants a field \"owner\" in %s, which says whose it is", f.where, t)
		}
	}
	if n := len(p.shared.fields); n > wire.MaxFields {
		return nil, fmt.Errorf("%s has %d replicated fields, want at most %d", t, n, wire.MaxFields)
	}
	if n := len(p.private.fields); n > maxPrivate {
		return nil, fmt.Errorf("%s has %d private fields, want at most %d", t, n, maxPrivate)
	}
	return p, nil
}
