package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

// numbers are the ends of the forms that a uv has, and what is above the last.
var numbers = []uint64{0, 1, 127, 128, 1<<14 - 1, 1 << 14, 1<<14 + 1, 1 << 32, 1<<53 - 1, 1 << 53, 1 << 63, 1<<64 - 1}

func TestUv(t *testing.T) {
	for _, v := range numbers {
		p := wire.AppendUv([]byte{9}, v)
		assert.Len(t, p, 1+wire.SizeUv(v))
		got, rest, err := wire.ReadUv(append(p[1:], 7))
		if v > wire.MaxUint {
			assert.ErrorIs(t, err, wire.ErrNumber, "%d", v)
			continue
		}
		require.NoError(t, err, "%d", v)
		assert.Equal(t, v, got)
		assert.Equal(t, []byte{7}, rest)
		for n := 1; n < len(p); n++ {
			_, _, err := wire.ReadUv(p[1:n])
			assert.ErrorIs(t, err, wire.ErrShort)
		}
	}
	for _, s := range []string{"8000", "ff8000", "80808080808080808000", "ffffffffffffffffff01"} {
		_, _, err := wire.ReadUv(unhex(t, s))
		assert.ErrorIs(t, err, wire.ErrNumber, s)
	}
}

func TestSv(t *testing.T) {
	for v, want := range map[int64]string{0: "00", -1: "01", 1: "02", -2: "03", 63: "7e", -64: "7f", 64: "8001", 1<<52 - 1: "feffffffffffff0f", -1 << 52: "ffffffffffffff0f"} {
		p := wire.AppendSv(nil, v)
		assert.Equal(t, want, hex.EncodeToString(p), "%d", v)
		got, rest, err := wire.ReadSv(p)
		require.NoError(t, err)
		assert.Equal(t, v, got)
		assert.Empty(t, rest)
	}
}

func TestWorkedExample(t *testing.T) {
	a, ok := wire.AppendMove(nil, 1, 0, -20)
	require.True(t, ok)
	assert.Equal(t, "180c", hex.EncodeToString(a))
	b, ok := wire.AppendMove(a, 1, 20, 0)
	require.True(t, ok)
	assert.Equal(t, "180c1d20", hex.EncodeToString(b))
	p := frame(wire.Header{Flags: wire.FlagAck, Frame: 1001, Ack: 1, Slack: 12}, delta(0, b))
	assert.Equal(t, "02e90118"+"0004"+"180c1d20", hex.EncodeToString(p))
	assert.Equal(t, "0a02e901180004180c1d20", hex.EncodeToString(wire.AppendRecord(nil, p)))
}

func TestAppendMove(t *testing.T) {
	for _, c := range []struct {
		gap    uint64
		dx, dy int64
		size   int // 0: it does not fit
	}{
		{0, 0, 0, 2},
		{7, 31, 31, 2},
		{7, -32, -32, 2},
		{8, 0, 0, 3},
		{0, 32, 0, 3},
		{0, 0, -33, 3},
		{15, 255, 255, 3},
		{15, -256, -256, 3},
		{16, 0, 0, 0},
		{0, 256, 0, 0},
		{0, 0, -257, 0},
		{0, math.MaxInt64, 0, 0},
		{0, 0, math.MinInt64, 0},
		{math.MaxUint64, 0, 0, 0},
	} {
		p, ok := wire.AppendMove([]byte{1}, c.gap, c.dx, c.dy)
		assert.Equal(t, c.size > 0, ok, "%+v", c)
		assert.Len(t, p, 1+c.size, "%+v", c)
	}
}

func TestRecords(t *testing.T) {
	var p []byte
	p = wire.AppendControl(p, wire.Hello{Hello: 2, Epoch: 7, Frame: 1000})
	p = wire.AppendRecord(p, []byte{0x40, 1, 2})
	p = wire.AppendBye(p, wire.Bye{Code: "shutdown", Retry: 500})
	var bodies []string
	for rest := p; len(rest) > 0; {
		body, next, err := wire.SplitRecords(rest)
		require.NoError(t, err)
		for n := range len(rest) - len(next) {
			_, _, err := wire.SplitRecords(rest[:n])
			assert.ErrorIs(t, err, wire.ErrShort)
		}
		bodies, rest = append(bodies, string(body)), next
	}
	assert.Equal(t, []string{
		"\x20" + `{"hello":2,"epoch":7,"frame":1000,"base":0}`, "\x40\x01\x02", "\x60" + `{"code":"shutdown","retry":500}`,
	}, bodies)
	assert.EqualValues(t, wire.KindBye, wire.Kind([]byte(bodies[2])))

	assert.Equal(t, `{"ctl":{"hello":2,"epoch":7,"frame":1000,"base":0}}`+"\n", string(wire.AppendControlJSON(nil, wire.Hello{Hello: 2, Epoch: 7, Frame: 1000})))
	assert.Equal(t, `{"bye":{"code":"gone","msg":"left"}}`+"\n", string(wire.AppendByeJSON(nil, wire.Bye{Code: "gone", Msg: "left"})))

	for _, n := range numbers {
		_, _, err := wire.SplitRecords(append(wire.AppendUv(nil, n), 0, 1, 2))
		switch {
		case n == 1:
			assert.NoError(t, err)
		case n == 0 || n > wire.MaxRecord:
			assert.Error(t, err, "%d", n)
			assert.NotErrorIs(t, err, wire.ErrShort, "%d", n)
		default:
			assert.ErrorIs(t, err, wire.ErrShort, "%d", n)
		}
	}
}

func TestAppendValueJSON(t *testing.T) {
	at := func(q float64) wire.Field { return wire.Field{Type: wire.Int, Quantum: q} }
	for _, c := range []struct {
		f    wire.Field
		n    int64
		want string
	}{
		{at(0), 5, "5"},
		{at(1), -5, "-5"},
		{at(0.1), 3, "0.3"},
		{at(0.1), -3, "-0.3"},
		{at(0.5), 3, "1.5"},
		{at(0.5), 4, "2"},
		{at(0.25), -1, "-0.25"},
		{at(0.01), 123456, "1234.56"},
		{at(0.01), 100, "1"},
		{at(2), 21, "42"},
		{at(100), 7, "700"},
		{at(1e-9), 1, "0.000000001"},
		{at(1e-10), -1, "0"},
		{at(1.0 / 3), 3, "1"},
		{at(1.0 / 3), 1, "0.333333333"},
		{at(1.0 / 3), 2, "0.666666667"},
		{at(1.0 / 1024), 1, "0.000976563"},
		{at(1.0 / 1024), -1, "-0.000976563"},
		{at(0.7), 1 << 40, "769658139443.2"},
		{at(0.1), 0, "0"},
		{at(1e-10), 99999999999, "10"},
		{at(1.0 / 1024), 1<<50 - 1, "1099511627775.999023438"},
		{wire.Field{Type: wire.Angle}, 64, "1.5708"},
		{wire.Field{Type: wire.Angle}, 0, "0"},
		{wire.Field{Type: wire.Angle}, 255, "6.2586"},
		{wire.Field{Type: wire.F32}, bits(0.1), "0.1"},
		{wire.Field{Type: wire.F32}, bits(-1e-7), "-1e-07"},
		{wire.Field{Type: wire.F32}, bits(16777216), "16777216"},
		{wire.Field{Type: wire.F32}, bits(float32(math.Inf(1))), "null"},
		{wire.Field{Type: wire.F32}, bits(float32(math.Copysign(0, -1))), "0"},
		{wire.Field{Type: wire.Bool}, 1, "true"},
		{wire.Field{Type: wire.Uint}, wire.MaxUint, "9007199254740991"},
	} {
		got := wire.AppendValueJSON(nil, c.f, []int64{c.n}, nil)
		assert.Equal(t, c.want, string(got), "%d of %v", c.n, c.f)
		assert.True(t, json.Valid(got), "%s", got)
	}
}

func TestAppendQuoted(t *testing.T) {
	for s, want := range map[string]string{
		"": `""`, "a": `"a"`, "\"\\": `"\"\\"`, "\n\t\r\x00\x7f": "\"\\n\\t\\u000d\\u0000\x7f\"", "Zoë 🎈<&>": `"Zoë 🎈<&>"`, "a\xffb\xc3": `"a\ufffdb\ufffd"`, "\ufffd": "\"\ufffd\"",
	} {
		assert.Equal(t, want, string(wire.AppendQuoted(nil, s)), "%q", s)
		assert.True(t, json.Valid([]byte(want)))
	}
}

func TestIntsTakeTwoBytesOfLength(t *testing.T) {
	f := []wire.Field{{Name: "bag", Type: wire.Ints, Len: 8}}
	nums := make([]int64, 8)
	for i := range nums {
		nums[i] = math.MinInt64
	}
	p := wire.AppendAdd(nil, 2, 1, 1, f, nums, nil)
	s, rest, err := wire.ReadStr(p[3:])
	require.NoError(t, err)
	assert.Empty(t, rest)
	assert.Equal(t, string(wire.AppendInts(nil, nums)), string(s))
}

func TestEncodersDoNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 4096)
	nums, strs := thing()
	fields := schema.Classes[classThing].Fields
	old := make([]int64, len(nums))
	n := testing.AllocsPerRun(100, func() {
		p := wire.AppendHeader(dst, wire.Header{Flags: wire.FlagAck, Frame: 1001, Ack: 1, Slack: -5})
		p = wire.AppendBlockHeader(p, 0, wire.ModeDelta, 100)
		p = wire.AppendAdd(p, classThing, 1, 2, fields, nums, strs)
		p = wire.AppendUpdate(p, 3, 1<<13-1, fields, old, nums, strs)
		p, _ = wire.AppendMove(p, 1, 2, 3)
		p = wire.AppendRemove(p, 3)
		for i := range fields {
			p = wire.AppendValueJSON(p, fields[i], nums[:3], strs)
		}
	})
	assert.Zero(t, n)
}

func TestSchema(t *testing.T) {
	p, err := json.Marshal(schema)
	require.NoError(t, err)
	var got wire.Schema
	require.NoError(t, json.Unmarshal(p, &got))
	assert.Equal(t, schema.Hash(), got.Hash())
	again, err := json.Marshal(got)
	require.NoError(t, err)
	assert.JSONEq(t, string(p), string(again))
	assert.Len(t, schema.Hash(), 8)
	many := strings.Repeat(`["a","int"],`, 32) + `["a","int"]`
	for _, bad := range []string{
		`{}`, `{"classes":[{"name":"game"}]}`, `{"classes":[{"name":"me"},{"name":"game"}]}`, `{"hash":"00000000","classes":[{"name":"game","fields":[]},{"name":"me","fields":[]}]}`,
		`{"classes":[{"name":"game"},{"name":"me"},{"name":"a","fields":[["x"]]}]}`, `{"classes":[{"name":"game"},{"name":"me"},{"name":"a","fields":[["x","byte"]]}]}`,
		`{"classes":[{"name":"game"},{"name":"me"},{"name":"a","fields":[["x","int",0]]}]}`, `{"classes":[{"name":"game"},{"name":"me"},{"name":"a","fields":[["x","int",1,2]]}]}`,
		`{"classes":[{"name":"game"},{"name":"me"},{"name":"a","fields":[` + many + `]}]}`,
	} {
		assert.Error(t, json.Unmarshal([]byte(bad), &got), bad)
	}
}

func BenchmarkAppendMove(b *testing.B) {
	dst := make([]byte, 0, 4096)
	for b.Loop() {
		p := dst
		for range 1000 {
			p, _ = wire.AppendMove(p, 0, 3, -3)
		}
	}
}

func BenchmarkAppendUpdate(b *testing.B) {
	nums, strs := thing()
	old := make([]int64, len(nums))
	fields := schema.Classes[classThing].Fields
	dst := make([]byte, 0, 4096)
	for b.Loop() {
		wire.AppendUpdate(dst, 0, 0b10011, fields, old, nums, strs)
	}
}

func BenchmarkAppendValueJSON(b *testing.B) {
	f := wire.Field{Type: wire.Pos, Quantum: 0.5}
	dst := make([]byte, 0, 4096)
	nums := []int64{1281, -960}
	for b.Loop() {
		wire.AppendValueJSON(dst, f, nums, nil)
	}
}
