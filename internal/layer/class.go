package layer

import (
	"strings"

	"github.com/httpmp/httpmp/internal/wire"
)

// class is what a Set knows of one class of the schema.
type class struct {
	fields  []wire.Field
	nums    []int64  // where a row of the class is read to; shared by all classes
	strs    []string // likewise
	numBits []uint32 // per number of a row: the bit of its field
	strBits []uint32 // per string
	values  []value  // per field
	movable bool     // field 0 is the Pos "pos": it has the short ops for moves

	companion bool // private fields of the sprite whose id is field 0, "of"

	least, most int // bytes of an add, without the bytes of its strings

	name []byte   // as JSON
	keys [][]byte // per field its name as JSON, and a colon
}

// newClasses returns what is to be known of the classes of s.
func newClasses(s wire.Schema) []class {
	maxNums, maxStrs := 0, 0
	for _, c := range s.Classes {
		nums, strs := c.Size()
		maxNums, maxStrs = max(maxNums, nums), max(maxStrs, strs)
	}
	nums, strs := make([]int64, maxNums), make([]string, maxStrs)
	classes := make([]class, len(s.Classes))
	for i, c := range s.Classes {
		n, m := c.Size()
		classes[i] = newClass(c, nums[:n:n], strs[:m:m])
	}
	return classes
}

func newClass(w wire.Class, nums []int64, strs []string) class {
	c := class{fields: w.Fields, nums: nums, strs: strs, name: wire.AppendQuoted(nil, w.Name)}
	c.least, c.most = 3, 16 // op, class, slot, id
	for i, f := range w.Fields {
		c.values = append(c.values, value{f.Type, uint16(len(c.numBits)), uint16(len(c.strBits)), uint16(f.Len)})
		for range f.Nums() {
			c.numBits = append(c.numBits, 1<<i)
		}
		for range f.Strs() {
			c.strBits = append(c.strBits, 1<<i)
		}
		c.keys = append(c.keys, append(wire.AppendQuoted(nil, f.Name), ':'))
		least, most := fieldSize(f)
		c.least, c.most = c.least+least, c.most+most
	}
	if len(w.Fields) > 0 {
		f := w.Fields[0]
		c.movable = f.Type == wire.Pos && f.Name == "pos"
		c.companion = f.Name == "of" && f.Type == wire.Uint && strings.HasSuffix(w.Name, "+")
	}
	return c
}

// fieldSize returns how few and how many bytes a value of f takes, without the bytes of its string.
func fieldSize(f wire.Field) (least, most int) {
	switch f.Type {
	case wire.Pos:
		return 2, 16
	case wire.Int, wire.Uint:
		return 1, 8
	case wire.U8, wire.Angle, wire.Bool:
		return 1, 1
	case wire.U16:
		return 2, 2
	case wire.F32:
		return 4, 4
	case wire.Ints:
		return 2 + 2*f.Len, 3 + 21*f.Len
	default:
		return 1, 3
	}
}
