package layer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/httpmp/httpmp/internal/wire"
)

// worldRow is one row, and its own Source.
type worldRow struct {
	home  *worldLayer
	class int
	id    uint32
	slot  int
	nums  []int64
	strs  []string
	owner *client // of a companion
}

func (r *worldRow) Read(nums []int64, strs []string) error {
	copy(nums, r.nums)
	copy(strs, r.strs)
	return nil
}

const (
	classDot    = 2 // pos alone
	classThing  = 3 // every type
	classThing2 = 4 // companions of things
	classNote   = 5 // no pos
)

func worldSchema() wire.Schema {
	return wire.Schema{Classes: []wire.Class{
		{Name: "game", Fields: []wire.Field{
			{Name: "stage", Type: wire.JSON}, {Name: "score", Type: wire.Ints, Len: 2}, {Name: "left", Type: wire.Int, Quantum: 0.1},
		}},
		{Name: "me", Fields: []wire.Field{{Name: "own", Type: wire.JSON}, {Name: "camera", Type: wire.JSON}, {Name: "view", Type: wire.JSON}}},
		{Name: "dot", Fields: []wire.Field{{Name: "pos", Type: wire.Pos, Quantum: 0.5}}},
		{Name: "thing", Fields: []wire.Field{
			{Name: "pos", Type: wire.Pos, Quantum: 0.25},
			{Name: "vel", Type: wire.Pos},
			{Name: "hp", Type: wire.Int},
			{Name: "n", Type: wire.Uint},
			{Name: "a", Type: wire.U8},
			{Name: "b", Type: wire.U16},
			{Name: "c", Type: wire.F32},
			{Name: "angle", Type: wire.Angle},
			{Name: "on", Type: wire.Bool},
			{Name: "name", Type: wire.Str},
			{Name: "bag", Type: wire.Ints, Len: 3},
			{Name: "look", Type: wire.JSON},
		}},
		{Name: "thing+", Fields: []wire.Field{{Name: "of", Type: wire.Uint}, {Name: "ammo", Type: wire.Int}, {Name: "word", Type: wire.Str}}},
		{Name: "note", Fields: []wire.Field{{Name: "text", Type: wire.Str}, {Name: "z", Type: wire.Int, Quantum: 0.3}}},
	}}
}

// value fills field i of a row with something new.
func (w *world) value(r *worldRow, i int) {
	num, str := 0, 0
	for _, f := range w.schema.Classes[r.class].Fields[:i] {
		num += f.Nums()
		str += f.Strs()
	}
	rng := w.rng
	switch f := w.schema.Classes[r.class].Fields[i]; f.Type {
	case wire.Pos:
		reach := []int64{8, 31, 40, 250, 300, 1 << 40}[rng.IntN(6)]
		for k := range int64(2) {
			if w.chance(0.7) {
				r.nums[num+int(k)] += rng.Int64N(2*reach+1) - reach
			}
		}
	case wire.Int:
		r.nums[num] += rng.Int64N(41) - 20
		if w.chance(0.05) {
			r.nums[num] = rng.Int64N(1<<51) - 1<<50
		}
	case wire.Uint:
		r.nums[num] = rng.Int64N(1 << rng.IntN(53))
	case wire.U8, wire.Angle:
		r.nums[num] = rng.Int64N(256)
	case wire.U16:
		r.nums[num] = rng.Int64N(65536)
	case wire.F32:
		r.nums[num] = int64(math.Float32bits(float32(rng.NormFloat64())))
	case wire.Bool:
		r.nums[num] ^= 1
	case wire.Ints:
		r.nums[num+rng.IntN(f.Len)] = rng.Int64N(2000) - 1000
	case wire.Str:
		r.strs[str] = []string{"", "a", "Ann", "köln \"q\"\n", fmt.Sprint(rng.IntN(1000))}[rng.IntN(5)]
	case wire.JSON:
		r.strs[str] = []string{"[]", "[1,2]", `{"rect":[10,80],"fill":"red"}`, strconv.Itoa(rng.IntN(99))}[rng.IntN(4)]
	}
}

// change changes a few fields of r.
func (w *world) change(r *worldRow) {
	fields := len(w.schema.Classes[r.class].Fields)
	for i := range fields {
		if r.class == classThing2 && i == 0 {
			continue
		}
		if i == 0 && w.chance(0.7) || w.chance(1/float64(fields)) {
			w.value(r, i)
			r.home.in[0].Wake()
		}
	}
}

func (w *world) fields(m map[string]json.RawMessage, r *worldRow, without int) map[string]json.RawMessage {
	num, str := 0, 0
	for i, f := range w.schema.Classes[r.class].Fields {
		if i >= without {
			m[f.Name] = wire.AppendValueJSON(nil, f, r.nums[num:], r.strs[str:])
		}
		num += f.Nums()
		str += f.Strs()
	}
	return m
}
