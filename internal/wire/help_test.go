package wire_test

import (
	"encoding/hex"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

// schema has every type of field, private companions, a class without pos and more than 15 classes.
var schema = wire.Schema{Classes: []wire.Class{
	{Name: "game", Fields: []wire.Field{{Name: "stage", Type: wire.JSON}, {Name: "score", Type: wire.Ints, Len: 2}, {Name: "clock", Type: wire.F32}, {Name: "phase", Type: wire.Str}}},
	{Name: "me", Fields: []wire.Field{{Name: "own", Type: wire.JSON}, {Name: "camera", Type: wire.JSON}, {Name: "view", Type: wire.JSON}}},
	{Name: "ball", Fields: []wire.Field{{Name: "pos", Type: wire.Pos, Quantum: 0.5}, {Name: "vel", Type: wire.Pos}, {Name: "look", Type: wire.JSON}}},
	{Name: "thing", Fields: []wire.Field{
		{Name: "pos", Type: wire.Pos, Quantum: 0.1},
		{Name: "level", Type: wire.Int},
		{Name: "heat", Type: wire.Int, Quantum: 0.01},
		{Name: "owner", Type: wire.Uint},
		{Name: "hp", Type: wire.U8},
		{Name: "ammo", Type: wire.U16},
		{Name: "mass", Type: wire.F32},
		{Name: "angle", Type: wire.Angle},
		{Name: "alive", Type: wire.Bool},
		{Name: "name", Type: wire.Str},
		{Name: "look", Type: wire.JSON},
		{Name: "bag", Type: wire.Ints, Len: 3},
		{Name: "fine", Type: wire.Int, Quantum: 1.0 / 1024},
	}},
	{Name: "thing+", Fields: []wire.Field{{Name: "of", Type: wire.Uint}, {Name: "gold", Type: wire.Uint}, {Name: "secret", Type: wire.Str}}},
	{Name: "wall", Fields: []wire.Field{{Name: "look", Type: wire.JSON}}},
	{Name: "c6"},
	{Name: "c7"},
	{Name: "c8"},
	{Name: "c9"},
	{Name: "c10"},
	{Name: "c11"},
	{Name: "c12"},
	{Name: "c13"},
	{Name: "c14"},
	{Name: "far", Fields: []wire.Field{{Name: "n", Type: wire.Int}}},
	{Name: "farther", Fields: []wire.Field{{Name: "pos", Type: wire.Pos}}},
}}

const (
	classBall = 2 + iota
	classThing
	classThingPlus
	classWall
	classFar     = 15
	classFarther = 16
)

// join returns its arguments one after the other.
func join(parts ...[]byte) []byte {
	var p []byte
	for _, part := range parts {
		p = append(p, part...)
	}
	return p
}

func frame(h wire.Header, blocks ...[]byte) []byte {
	return join(wire.AppendHeader(nil, h), join(blocks...))
}

// key is a key frame with ack 0.
func key(n uint64, blocks ...[]byte) []byte {
	return frame(wire.Header{Flags: wire.FlagKey | wire.FlagAck, Frame: n}, blocks...)
}

// next is a frame with nothing but a number.
func next(n uint64, blocks ...[]byte) []byte { return frame(wire.Header{Frame: n}, blocks...) }

func block(layer uint64, mode byte, ops ...[]byte) []byte {
	p := join(ops...)
	return join(wire.AppendBlockHeader(nil, layer, mode, len(p)), p)
}

func delta(layer uint64, ops ...[]byte) []byte { return block(layer, wire.ModeDelta, ops...) }
func full(layer uint64, ops ...[]byte) []byte  { return block(layer, wire.ModeFull, ops...) }

func add(class int, slot, id uint64, nums []int64, strs ...string) []byte {
	return wire.AppendAdd(nil, class, slot, id, schema.Classes[class].Fields, nums, strs)
}

func remove(slot uint64) []byte { return wire.AppendRemove(nil, slot) }

func update(class int, gap uint64, mask uint32, old, nums []int64, strs ...string) []byte {
	return wire.AppendUpdate(nil, gap, mask, schema.Classes[class].Fields, old, nums, strs)
}

func move(gap uint64, dx, dy int64) []byte {
	p, ok := wire.AppendMove(nil, gap, dx, dy)
	if !ok {
		panic("does not fit")
	}
	return p
}

func event(typ, payload string) []byte { return wire.AppendEvent(nil, typ, []byte(payload)) }

// game is the Game's row, of score 1:2 and clock 1.5, in slot 0.
func game() []byte {
	return add(wire.ClassGame, 0, 0, []int64{1, 2, bits(1.5)}, `{"w":640,"h":480}`, "play")
}

// me is the client's own row in slot 0.
func me(own string) []byte { return add(wire.ClassMe, 0, 0, nil, own, "null", "null") }

// ball is a ball at x, y quanta.
func ball(slot, id uint64, x, y int64) []byte {
	return add(classBall, slot, id, []int64{x, y, 0, 0}, `{"circle":6}`)
}

// thing is a row of class thing.
func thing() (nums []int64, strs []string) {
	return []int64{-31, 3, -7, 123456, 2, 200, 60000, bits(0.1), 64, 1, 1, -2, 300, 1}, []string{"Zoë \"Z\"\n", `{"rect":[10,80]}`}
}

func bits(f float32) int64 { return int64(math.Float32bits(f)) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	require.NoError(t, err)
	return p
}
