package wire_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

func TestDecodeBatchJSON(t *testing.T) {
	got, err := wire.DecodeBatch([]byte(`{"seq":1,"x":{"y":[]},"SEQ":9,"b":1003.0,"f":1e1,"ev":[["down","ArrowUp"],["up","ArrowUp",5],["ptr",120.25,-0,2e0],["shoot", { "x" : [ 1, " " ] } ]],"ev2":1}`), wire.Limits{})
	require.NoError(t, err)
	assert.Equal(t, wire.Batch{Base: 1003, Seq: 1, Frame: 10, Events: []wire.Event{
		{Type: "down", Name: "ArrowUp"}, {Type: "up", Name: "ArrowUp", After: 5}, {Type: "ptr", Args: []float64{120.25, 0}, After: 2}, {Type: "shoot", Data: json.RawMessage(`{"x":[1," "]}`)},
	}}, got)
	assert.False(t, math.Signbit(got.Events[2].Args[1]))
}

func TestDecodeBatchJSONErrors(t *testing.T) {
	for _, c := range []struct {
		json string
		at   int
		want string
	}{
		{`[]`, -1, "first byte"},
		{``, -1, "first byte"},
		{` {}`, -1, "unexpected end"},
		{"\xef\xbb\xbf{}", -1, "0x20 to 0x3f"},
		{`{`, -1, "not valid JSON"},
		{`{}`, -1, "ev is not an array"},
		{`{"ev":null}`, -1, "ev is not"},
		{`{"ev":[]}`, -1, "seq is 0 or missing"},
		{`{"seq":0,"ev":[]}`, -1, "seq is 0"},
		{`{"seq":-1,"ev":[]}`, -1, `seq is "-1", want a whole number`},
		{`{"seq":"1","ev":[]}`, -1, "is not a number"},
		{`{"seq":1.5,"ev":[]}`, -1, "whole"},
		{`{"seq":null,"ev":[]}`, -1, "is not a number"},
		{`{"seq":9007199254740992,"ev":[]}`, -1, "whole"},
		{`{"seq":9007199254740991,"ev":[["blur"]]}`, -1, "too high"},
		{`{"seq":1,"b":1e400,"ev":[]}`, -1, "not a number"},
		{"{\"seq\":1,\"ev\":[[\"text\",\"\xff\"]]}", -1, "UTF-8"},
		{`{"seq":1,"ev":[["blur"],{}]}`, 1, "is not an event"},
		{`{"seq":1,"ev":[null]}`, 0, "is not an event"},
		{`{"seq":1,"ev":[[]]}`, 0, "is not an event"},
		{`{"seq":1,"ev":[[1]]}`, 0, "want a string"},
		{`{"seq":1,"ev":[[""]]}`, 0, `event type is ""`},
		{`{"seq":1,"ev":[["Shoot",1]]}`, 0, `event type "Shoot", want`},
		{`{"seq":1,"ev":[["` + strings.Repeat("x", 33) + `",1]]}`, 0, "1 to 32"},
		{`{"seq":1,"ev":[["shoot"]]}`, 0, "no payload"},
		{`{"seq":1,"ev":[["shoot",1,2,3]]}`, 0, "3 arguments"},
		{`{"seq":1,"ev":[["shoot",1,"2"]]}`, 0, "frames"},
		{`{"seq":1,"ev":[["shoot","` + strings.Repeat("x", 2047) + `"]]}`, 0, "2049 bytes, want at most 2048"},
		{`{"seq":1,"ev":[["shoot",[[[[[[[[{}]]]]]]]]]]}`, 0, "9 deep, want at most 8"},
		{`{"seq":1,"ev":[["down"]]}`, 0, "0 arguments, want 1"},
		{`{"seq":1,"ev":[["down",82]]}`, 0, "button of down is"},
		{`{"seq":1,"ev":[["down","arrowup"]]}`, 0, `unknown button "arrowup", want "ArrowUp"`},
		{`{"seq":1,"ev":[["down","A"]]}`, 0, `want "KeyA"`},
		{`{"seq":1,"ev":[["down","ArrowUp",-1]]}`, 0, "frames"},
		{`{"seq":1,"ev":[["down","ArrowUp",1,1]]}`, 0, "3 arguments"},
		{`{"seq":1,"ev":[["ptr",1]]}`, 0, "1 arguments"},
		{`{"seq":1,"ev":[["ptr",1,null]]}`, 0, "is not a number"},
		{`{"seq":1,"ev":[["ptr",1,1e999]]}`, 0, "is not a number"},
		{`{"seq":1,"ev":[["ptr",1,1.2e15]]}`, 0, "2^50"},
		{`{"seq":1,"ev":[["wheel",-1.2e15,1]]}`, 0, "wheel dx is"},
		{`{"seq":1,"ev":[["touch","begin",1,1,1]]}`, 0, `touch phase "begin", want start`},
		{`{"seq":1,"ev":[["touch","start",16,1,1]]}`, 0, "touch id 16"},
		{`{"seq":1,"ev":[["touch","start",0.5,1,1]]}`, 0, "touch id 0.5"},
		{`{"seq":1,"ev":[["axis","Pad0.Axis0",1.01]]}`, 0, "Pad0.Axis0 is 1.01, want -1 to 1"},
		{`{"seq":1,"ev":[["axis","Pad4.Axis0",1]]}`, 0, "unknown axis"},
		{`{"seq":1,"ev":[["axis","Pad0.Axis00",1]]}`, 0, "unknown axis"},
		{`{"seq":1,"ev":[["axis","0.Axis0",1]]}`, 0, "unknown axis"},
		{`{"seq":1,"ev":[["text","` + strings.Repeat("é", 129) + `"]]}`, 0, "258 bytes, want at most 256"},
		{`{"seq":1,"ev":[["text",5]]}`, 0, "want a string"},
		{`{"seq":1,"ev":[["blur","x"]]}`, 0, "frames"},
		{`{"seq":1,"f":9007199254740991,"ev":[["blur"],["blur",1]]}`, 1, "frames to wait"},
	} {
		got, err := wire.DecodeBatch([]byte(c.json), wire.Limits{})
		var bad *wire.BatchError
		if assert.ErrorAs(t, err, &bad, c.json) {
			assert.Equal(t, c.at, bad.At, c.json)
			assert.Contains(t, bad.Error(), c.want, c.json)
		}
		assert.Zero(t, got, c.json)
	}
}

func TestDecodeBatchBinaryErrors(t *testing.T) {
	for _, c := range []struct {
		hex  string
		at   int
		want string
	}{
		{"21000100", -1, "flags are for later"},
		{"20", -1, "unexpected end"},
		{"200001", -1, "unexpected end"},
		{"20000000", -1, "seq is 0"},
		{"2000800100", -1, "" /* seq 128 is right */},
		{"2000810000", -1, "shortest form"},
		{"20000100" + "00", 0, "unexpected end"},
		{"20000100" + "0003", 0, "unknown button 3"},
		{"20000100" + "07" + "00ff7f", 1, "unknown button 16383"},
		{"20000100" + "0200", 0, "unexpected end"},
		{"20000100" + "02feffffffffffff0f00", 0, "2^50"},
		{"20000100" + "04400000", 0, "touch phase 4"},
		{"20000100" + "0540" + "00", 0, "unknown axis"},
		{"20000100" + "050080", 0, "want -1 to 1"},
		{"20000100" + "060561", 0, "unexpected end"},
		{"20000100" + "0601ff", 0, "UTF-8"},
		{"20000100" + "080161" + "00", 0, "no payload"},
		{"20000100" + "080161" + "017b", 0, "not valid JSON"},
		{"20000100" + "080141" + "0131", 0, `event type "A"`},
		{"20000100" + "0804626c7572" + "0131", 0, "not a custom one"},
		{"20000100" + "0800" + "0131", 0, `event type ""`},
		{"20000100" + "0902ff", 0, "unexpected end"},
		{"20000100" + "f7", 0, "unexpected end"},
		{"20000100" + "f7f1ffffffffffff0f", 0, "frames to wait"},
	} {
		_, err := wire.DecodeBatch(unhex(t, c.hex), wire.Limits{})
		if c.want == "" {
			assert.NoError(t, err, c.hex)
			continue
		}
		var bad *wire.BatchError
		if assert.ErrorAs(t, err, &bad, c.hex) {
			assert.Equal(t, c.at, bad.At, c.hex)
			assert.Contains(t, bad.Error(), c.want, c.hex)
		}
	}
}

func TestEventKindForLater(t *testing.T) {
	got, err := wire.DecodeBatch(unhex(t, "20000500"+"2902ffff"+"07"), wire.Limits{})
	require.NoError(t, err)
	assert.Equal(t, []wire.Event{{After: 2}, {Type: "blur"}}, got.Events)
}

// Every length and number of a batch, at the ends of its forms: never a panic, never a lot of memory.
func TestDecodeBatchBoundaries(t *testing.T) {
	for _, n := range numbers {
		v := wire.AppendUv(nil, n)
		for _, p := range [][]byte{
			join([]byte{0x20}, v, []byte{1, 0}), join([]byte{0x20, 0}, v, []byte{0}), join([]byte{0x20, 0, 1}, v),
			join([]byte{0x20, 0, 1, 0, 0}, v), join([]byte{0x20, 0, 1, 0, 0xf7}, v), join([]byte{0x20, 0, 1, 0, 2}, v, v), join([]byte{0x20, 0, 1, 0, 3}, v, v), join([]byte{0x20, 0, 1, 0, 4, 1}, v, v),
			join([]byte{0x20, 0, 1, 0, 6}, v), join([]byte{0x20, 0, 1, 0, 8}, v), join([]byte{0x20, 0, 1, 0, 8, 1, 'a'}, v), join([]byte{0x20, 0, 1, 0, 9}, v),
		} {
			b, err := wire.DecodeBatch(p, wire.Limits{})
			if err == nil {
				again, err := wire.DecodeBatch(wire.AppendBatch(nil, b), wire.Limits{})
				require.NoError(t, err, "%x", p)
				assert.Equal(t, b, again)
			}
		}
		_, err := wire.DecodeBatch(fmt.Appendf(nil, `{"seq":%d,"b":%d,"f":%d,"ev":[["blur",%d]]}`, n, n, n, n), wire.Limits{})
		assert.Equal(t, n == 0 || n >= wire.MaxUint, err != nil, "%d: %v", n, err)
	}
}

func TestTooMany(t *testing.T) {
	b := wire.Batch{Seq: 1}
	for range 129 {
		b.Events = append(b.Events, wire.Event{Type: "blur"})
	}
	for _, p := range [][]byte{wire.AppendBatch(nil, b), wire.AppendBatchJSON(nil, b)} {
		_, err := wire.DecodeBatch(p, wire.Limits{})
		var many *wire.TooManyError
		require.ErrorAs(t, err, &many)
		assert.Equal(t, 128, many.Max)
		assert.Equal(t, "batch has more than 128 events, send them in several", err.Error())
		_, err = wire.DecodeBatch(p, wire.Limits{Events: 129})
		assert.NoError(t, err)
	}
}

func TestValidate(t *testing.T) {
	for _, e := range []wire.Event{
		{},
		{Type: "down"},
		{Type: "ptr"},
		{Type: "ptr", Args: []float64{math.NaN(), 0}},
		{Type: "ptr", Args: []float64{0, math.Inf(-1)}},
		{Type: "blur", Args: []float64{1}},
		{Type: "text", Data: json.RawMessage(`1`)},
		{Type: "go"},
		{Type: "go", Data: json.RawMessage(`{`)},
		{Type: "go", Data: json.RawMessage("\"\xff\"")},
		{Type: "axis", Name: "Pad0.Axis0", Args: []float64{math.NaN()}},
	} {
		assert.Error(t, e.Validate(wire.Limits{}), "%+v", e)
	}
	assert.NoError(t, wire.Event{Type: "go", Data: json.RawMessage(`"[[[[[[[[[[\""`)}.Validate(wire.Limits{}))
	assert.NoError(t, wire.Event{Type: "text", Name: "abc"}.Validate(wire.Limits{TextBytes: 3}))
	assert.Error(t, wire.Event{Type: "text", Name: "abcd"}.Validate(wire.Limits{TextBytes: 3}))
}

func TestNearButton(t *testing.T) {
	for name, want := range map[string]string{
		"arrowup": "ArrowUp", "Up": "ArrowUp", "a": "KeyA", "7": "Digit7", "Esc": "Escape", " ": "Space", "spacebar": "Space", "Ctrl": "ControlLeft", "LeftShift": "", "shift": "ShiftLeft", "ShiftLeftt": "ShiftLeft",
		"Return": "", "Pad0.Button17": "Pad0.Button1", "button3": "Pad0.Button3", "Pointer": "Pointer0", strings.Repeat("x", 1<<16): "",
	} {
		got := wire.NearButton(name)
		_, ok := wire.Button(got)
		assert.True(t, ok, name)
		if want != "" {
			assert.Equal(t, want, got, "%.20q", name)
		}
	}
	_, ok := wire.ButtonName(-1)
	assert.False(t, ok)
	_, ok = wire.ButtonName(wire.Buttons)
	assert.False(t, ok)
}

func BenchmarkDecodeBatch(b *testing.B) {
	batch := batchCases[2].batch
	for name, p := range map[string][]byte{"binary": wire.AppendBatch(nil, batch), "json": wire.AppendBatchJSON(nil, batch)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.DecodeBatch(p, wire.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
