package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Type is how the values of one field are written.
type Type uint8

// The types of a field, with the numbers and strings of a row that they take.
const (
	Pos   Type = iota // two numbers in quanta: x, y
	Int               // one number in quanta
	Uint              // one number, not negative
	U8                // one number, 0 to 255
	U16               // one number, 0 to 65535
	F32               // one number: the bits of a float32
	Angle             // one number, 0 to 255: 1/256 of a turn
	Bool              // one number, 0 or 1
	Str               // one string
	JSON              // one string that holds JSON
	Ints              // Field.Len numbers; on the wire a JSON array, and "json" in the schema
)

// typeNames are the names of the types in a schema, by Type.
var typeNames = [...]string{"pos", "int", "uint", "u8", "u16", "f32", "angle", "bool", "str", "json", "json"}

// String returns the name that t has in a schema.
func (t Type) String() string { return typeNames[t] }

// MaxFields is the most fields that a class may have: one bit of an update's mask each.
const MaxFields = 32

// Field is one replicated value of a class.
type Field struct {
	Name    string
	Type    Type
	Quantum float64 // Pos and Int: world units in one quantum; elsewhere, and as 0, it is 1
	Len     int     // Ints: 1 to 8
}

// Nums returns how many numbers of a row f takes.
func (f Field) Nums() int {
	switch f.Type {
	case Pos:
		return 2
	case Ints:
		return f.Len
	case Str, JSON:
		return 0
	default:
		return 1
	}
}

// Strs returns how many strings of a row f takes.
func (f Field) Strs() int {
	if f.Type == Str || f.Type == JSON {
		return 1
	}
	return 0
}

// MarshalJSON returns f as a schema shows it: ["pos","pos",0.5], without a quantum of 1.
func (f Field) MarshalJSON() ([]byte, error) {
	if f.Quantum == 0 || f.Quantum == 1 {
		return json.Marshal([]any{f.Name, f.Type.String()})
	}
	return json.Marshal([]any{f.Name, f.Type.String(), f.Quantum})
}

// UnmarshalJSON reads what MarshalJSON writes. Ints come back as JSON.
func (f *Field) UnmarshalJSON(p []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(p, &parts); err != nil || len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("wire: field %s, want [name, type] or [name, type, quantum]", p)
	}
	var name, typ string
	if json.Unmarshal(parts[0], &name) != nil || json.Unmarshal(parts[1], &typ) != nil {
		return fmt.Errorf("wire: field %s, want its name and type as strings", p)
	}
	*f = Field{Name: name, Quantum: 1}
	if len(parts) == 3 {
		if json.Unmarshal(parts[2], &f.Quantum) != nil || !(f.Quantum > 0) || math.IsInf(f.Quantum, 0) {
			return fmt.Errorf("wire: field %q has quantum %s, want a number above 0", name, parts[2])
		}
	}
	for t := Pos; t < Ints; t++ {
		if typeNames[t] == typ {
			f.Type = t
			return nil
		}
	}
	return fmt.Errorf("wire: field %q has unknown type %q", name, typ)
}

// Class is a kind of row: a name and its fields in wire order. A field of type Pos called "pos" is
// field 0 where there is one.
type Class struct {
	Name   string  `json:"name"`
	Fields []Field `json:"fields"`
}

// MarshalJSON writes a class without fields with an empty list of them, not null.
func (c Class) MarshalJSON() ([]byte, error) {
	type plain Class // without this method
	if c.Fields == nil {
		c.Fields = []Field{}
	}
	return json.Marshal(plain(c))
}

// Size returns how many numbers and strings a row of c has.
func (c Class) Size() (nums, strs int) {
	for _, f := range c.Fields {
		nums += f.Nums()
		strs += f.Strs()
	}
	return nums, strs
}

// The classes that every schema begins with.
const (
	ClassGame = 0 // the Game's own fields; field 0 is "stage"
	ClassMe   = 1 // what is one client's alone: own, camera, view
)

// Schema is the classes of a match, numbered by position. It never changes within a match.
type Schema struct {
	Classes []Class
}

// Hash returns the first 8 hexadecimal digits of the SHA-256 of the classes' JSON.
func (s Schema) Hash() string {
	p, err := json.Marshal(s.Classes)
	if err != nil {
		panic(err) // quanta are finite, so this cannot happen
	}
	h := sha256.Sum256(p)
	return hex.EncodeToString(h[:4])
}

// MarshalJSON returns {"hash":…,"classes":[…]}.
func (s Schema) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Hash    string  `json:"hash"`
		Classes []Class `json:"classes"`
	}{s.Hash(), s.Classes})
}

// UnmarshalJSON reads what MarshalJSON writes, and the hash, where there is one, must be right.
func (s *Schema) UnmarshalJSON(p []byte) error {
	var in struct {
		Hash    string  `json:"hash"`
		Classes []Class `json:"classes"`
	}
	if err := json.Unmarshal(p, &in); err != nil {
		return err
	}
	if len(in.Classes) < 2 || in.Classes[ClassGame].Name != "game" || in.Classes[ClassMe].Name != "me" {
		return errors.New(`wire: schema does not begin with the classes "game" and "me"`)
	}
	for _, c := range in.Classes {
		if len(c.Fields) > MaxFields {
			return fmt.Errorf("wire: class %q has %d fields, want at most %d", c.Name, len(c.Fields), MaxFields)
		}
	}
	out := Schema{Classes: in.Classes}
	if h := out.Hash(); in.Hash != "" && in.Hash != h {
		return fmt.Errorf("wire: schema has hash %q, want %q", in.Hash, h)
	}
	*s = out
	return nil
}
