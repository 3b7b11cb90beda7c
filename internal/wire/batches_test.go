package wire_test

import (
	"encoding/json"
	"strings"

	"github.com/httpmp/httpmp/internal/wire"
)

// batchCases are batches whose numbers both encodings hold.
var batchCases = []struct {
	name  string
	batch wire.Batch
}{
	{"nothing", wire.Batch{Base: 7, Seq: 1}},
	{"a key", wire.Batch{Seq: 1, Events: []wire.Event{{Type: "down", Name: "ArrowUp"}}}},
	{"a tap, base and frame", wire.Batch{Base: 1003, Seq: 300, Frame: 1010, Events: []wire.Event{
		{Type: "down", Name: "KeyA"}, {Type: "up", Name: "KeyA", After: 5},
	}}},
	{"frames after the event before", wire.Batch{Base: 1, Seq: 2, Frame: 3, Events: []wire.Event{
		{Type: "down", Name: "Space", After: 14},
		{Type: "up", Name: "Space", After: 15},
		{Type: "blur", After: 16},
		{Type: "text", Name: "", After: 1000},
		{Type: "ptr", Args: []float64{0, 0}, After: 1},
		{Type: "go", Data: json.RawMessage(`1`), After: 2},
		{Type: "axis", Name: "Pad0.Axis0", Args: []float64{0}, After: 3},
		{Type: "touch", Name: "end", Args: []float64{0, 0, 0}, After: 4},
		{Type: "wheel", Args: []float64{0, 0}, After: 1 << 40},
	}}},
	{"buttons of every kind", wire.Batch{Seq: 9, Events: []wire.Event{
		{Type: "down", Name: "MetaRight"}, {Type: "down", Name: "Pointer0"}, {Type: "up", Name: "Pointer4"}, {Type: "down", Name: "Pad0.Button0"}, {Type: "up", Name: "Pad3.Button16"},
	}}},
	{"pointer", wire.Batch{Seq: 1, Events: []wire.Event{
		{Type: "ptr", Args: []float64{120, 88}},
		{Type: "ptr", Args: []float64{120.5, 87.5}},
		{Type: "wheel", Args: []float64{-3, 120.5}},
		{Type: "ptr", Args: []float64{-1e6, 1e9}},
		{Type: "ptr", Args: []float64{1<<50 - 0.5, -1<<50 + 0.5}},
		{Type: "ptr", Args: []float64{-1<<50 + 0.5, 1<<50 - 0.5}},
	}}},
	{"touches", wire.Batch{Seq: 1, Events: []wire.Event{
		{Type: "touch", Name: "start", Args: []float64{0, 10, 20}},
		{Type: "touch", Name: "start", Args: []float64{15, -10.5, 20}},
		{Type: "touch", Name: "move", Args: []float64{0, 11, 21}},
		{Type: "touch", Name: "end", Args: []float64{15, 1, 2}},
		{Type: "touch", Name: "cancel", Args: []float64{0, 11, 21}},
	}}},
	{"axes", wire.Batch{Seq: 1, Events: []wire.Event{
		{Type: "axis", Name: "Pad0.Axis0", Args: []float64{-1}}, {Type: "axis", Name: "Pad3.Axis15", Args: []float64{1}}, {Type: "axis", Name: "Pad1.Axis3", Args: []float64{64.0 / 127}}, {Type: "axis", Name: "Pad1.Axis3", Args: []float64{-1.0 / 127}},
	}}},
	{"text", wire.Batch{Seq: 1, Events: []wire.Event{
		{Type: "text", Name: "hi"}, {Type: "text", Name: "Zoë \"Z\" 🎈\n\t\\"}, {Type: "text", Name: strings.Repeat("é", 128)},
	}}},
	{"custom", wire.Batch{Seq: 1, Events: []wire.Event{
		{Type: "shoot", Data: json.RawMessage(`{"x":1}`)},
		{Type: "a.b_c-9", Data: json.RawMessage(`null`)},
		{Type: strings.Repeat("x", 32), Data: json.RawMessage(`[[[[[[[[1]]]]]]]]`)},
		{Type: "say", Data: json.RawMessage(`"ä[{"`)},
	}}},
	{"largest numbers", wire.Batch{Base: wire.MaxUint, Seq: wire.MaxUint - 1, Frame: wire.MaxUint, Events: []wire.Event{{Type: "blur"}}}},
}
