package layer_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/wire"
)

// values is a Source that is a row.
type values struct {
	nums []int64
	strs []string
	err  error
}

func (v *values) Read(nums []int64, strs []string) error {
	copy(nums, v.nums)
	copy(strs, v.strs)
	return v.err
}

const (
	paddle = 2
	ball   = 3
	secret = 4 // ball+
)

func pongSchema() wire.Schema {
	half := wire.Field{Name: "pos", Type: wire.Pos, Quantum: 0.5}
	look := wire.Field{Name: "look", Type: wire.JSON}
	return wire.Schema{Classes: []wire.Class{
		{Name: "game", Fields: []wire.Field{{Name: "stage", Type: wire.JSON}, {Name: "score", Type: wire.Ints, Len: 2}}},
		{Name: "me", Fields: []wire.Field{{Name: "own", Type: wire.JSON}}},
		{Name: "paddle", Fields: []wire.Field{half, look}},
		{Name: "ball", Fields: []wire.Field{half, look}},
		{Name: "ball+", Fields: []wire.Field{{Name: "of", Type: wire.Uint}, {Name: "spin", Type: wire.Int}}},
	}}
}

// pong is the match of wire.md, at frame 1000.
type pong struct {
	set    *layer.Set
	shared *layer.Layer
	view   layer.View
	game   *values
	rows   [3]*values // paddle, paddle, ball, in slots 1 to 3
}

func newPong(t *testing.T) *pong {
	p := &pong{set: layer.New(pongSchema(), 300)}
	p.shared = p.set.Open(0)
	p.game = &values{nums: []int64{0, 0}, strs: []string{`{"w":640,"h":480,"color":"black"}`}}
	p.shared.Add(wire.ClassGame, 0, p.game)
	p.rows = [3]*values{
		{nums: []int64{40, 480}, strs: []string{`{"rect":[10,80],"fill":"white"}`}},
		{nums: []int64{1240, 480}, strs: []string{`{"rect":[10,80],"fill":"white"}`}},
		{nums: []int64{640, 480}, strs: []string{`{"circle":6,"fill":"white"}`}},
	}
	for i, r := range p.rows {
		require.Equal(t, i+1, p.shared.Add([]int{paddle, paddle, ball}[i], uint32(i+1), r))
	}
	p.view.See(p.shared, 1000)
	require.NoError(t, p.set.Encode(1000))
	return p
}

func (p *pong) frame(t *testing.T, n uint64) {
	t.Helper()
	require.NoError(t, p.set.Encode(n))
}

func TestExamplesOfTheProtocol(t *testing.T) {
	p := newPong(t)
	bin, lines := layer.NewPosition(0, 999), layer.NewPosition(0, 999)
	p.view.Append(nil, &bin, 1000, 0, 0)
	assert.Equal(t, `{"n":1000,"key":true,"ack":0,"add":[`+
		`[1,"paddle",{"pos":[20,240],"look":{"rect":[10,80],"fill":"white"}}],`+
		`[2,"paddle",{"pos":[620,240],"look":{"rect":[10,80],"fill":"white"}}],`+
		`[3,"ball",{"pos":[320,240],"look":{"circle":6,"fill":"white"}}]],`+
		`"stage":{"w":640,"h":480,"color":"black"},"game":{"score":[0,0]}}`+"\n",
		string(p.view.AppendJSON(nil, &lines, 1000, 0, 0)))

	p.rows[0].nums[1] -= 20
	p.rows[2].nums[0] += 20
	p.frame(t, 1001)
	assert.Equal(t, []byte{0x00, 0x04, 0x18, 0x0c, 0x1d, 0x20}, p.shared.Delta(1001))
	assert.Equal(t, []byte{0x0a, 0x02, 0xe9, 0x01, 0x18, 0x00, 0x04, 0x18, 0x0c, 0x1d, 0x20},
		p.view.Append(nil, &bin, 1001, 1, 12))
	assert.Equal(t, `{"n":1001,"ack":1,"slack":12,"set":[[1,{"pos":[20,230]}],[3,{"pos":[330,240]}]]}`+"\n",
		string(p.view.AppendJSON(nil, &lines, 1001, 1, 12)))

	p.rows[2].nums[0] -= 20
	p.game.nums[1]++
	p.shared.Event("say", []byte(`"Right serves"`))
	p.frame(t, 1042)
	assert.Equal(t, `{"n":1042,"set":[[3,{"pos":[320,240]}]],"game":{"score":[0,1]},"ev":[["say","Right serves"]]}`+"\n",
		string(p.view.AppendJSON(nil, &lines, 1042, 1, 0)))
	assert.Equal(t, "\x22\x00\x12"+ // frame 1042
		"\x00\x1e"+ // layer 0, delta
		"\xc0\x02\x05[0,1]"+ // slot 0: score
		"\x23\x20"+ // slot 3: -20, 0
		"\xf1\x03say\x0e\"Right serves\"",
		string(p.view.Append(nil, &bin, 1042, 1, 0)))
}

func TestSlotsAreReused(t *testing.T) {
	p := newPong(t)
	p.shared.Remove(2)
	p.shared.Remove(1)
	row := &values{nums: []int64{2, 4}, strs: []string{"1"}}
	assert.Equal(t, 1, p.shared.Add(ball, 4, row))
	p.shared.Remove(1)
	assert.Equal(t, 1, p.shared.Add(ball, 5, row))
	assert.Equal(t, 2, p.shared.Add(ball, 6, row))
	assert.Equal(t, 4, p.shared.Add(ball, 7, row))
	p.shared.Remove(4)
	p.frame(t, 1001)
	assert.Equal(t, "\x00\x12\xf0\x01\xf0\x02\xe3\x01\x05\x04\x08\x011\xe3\x02\x06\x04\x08\x011", string(p.shared.Delta(1001)))
	assert.Nil(t, p.shared.Delta(999))
	assert.Panics(t, func() { p.shared.Remove(4) })
	assert.Panics(t, func() { p.shared.AddAt(3, ball, 9, row) })
}

func TestLowestSlot(t *testing.T) {
	s := layer.New(pongSchema(), 300)
	l := s.Open(0)
	row := &values{nums: []int64{0, 0}}
	for i := range 200 {
		require.Equal(t, i, l.Add(secret, 0, row))
	}
	for _, slot := range []int{100, 5, 150, 199, 198} {
		l.Remove(slot)
	}
	for _, slot := range []int{5, 100, 150, 198, 199, 200} {
		assert.Equal(t, slot, l.Add(secret, 0, row))
	}
	for slot := range 190 {
		l.Remove(slot)
	}
	require.NoError(t, s.Encode(1))
	assert.Equal(t, 0, l.Add(secret, 0, row))
	l.AddAt(1000, secret, 0, row)
	assert.Equal(t, 1, l.Add(secret, 0, row))
	require.NoError(t, s.Encode(2))
	assert.Equal(t, "\x00\x10\xe4\x00\x00\x00\x00\xe4\x01\x00\x00\x00\xe4\xe8\x07\x00\x00\x00", string(l.Delta(2)))
}

func TestOversize(t *testing.T) {
	p := newPong(t)
	require.NoError(t, p.shared.Oversize(160))
	p.rows[1].strs[0] = `"` + strings.Repeat("x", 300) + `"`
	p.frame(t, 1001)
	var size *layer.SizeError
	require.ErrorAs(t, p.shared.Oversize(160), &size)
	pos := layer.Position{}
	frame := p.view.Append(nil, &pos, 1001, 0, 0)
	assert.Equal(t, layer.SizeError{Size: len(frame) - 2 - 5 - 3, Limit: 160, Class: "paddle", Field: "look"}, *size)
}

func TestErrors(t *testing.T) {
	p := newPong(t)
	broken := errors.New("broken")
	p.rows[2].err = broken
	err := p.set.Encode(1001)
	require.ErrorIs(t, err, broken)
	var row *layer.RowError
	require.ErrorAs(t, err, &row)
	assert.Equal(t, layer.RowError{Class: "ball", ID: 3, Err: broken}, *row)
	require.ErrorContains(t, p.set.Encode(1001), "frame 1001, want one above 1001")

	s := layer.New(pongSchema(), 300)
	l := s.Open(0)
	for i := range wire.MaxSlot + 2 {
		l.Add(secret, uint32(i), &values{nums: []int64{0, 0}})
	}
	require.ErrorContains(t, s.Encode(1), "want at most 65536 rows")
}

func TestNothingIsAllocated(t *testing.T) {
	movers := newMovers()
	s, l := newMoverSet(t, movers)
	var view layer.View
	view.See(l, 1)
	pos := layer.NewPosition(1, 0)
	var dst []byte
	n := uint64(1)
	frame := func() {
		n++
		for i := range movers {
			movers[i].step()
		}
		require.NoError(t, s.Encode(n))
	}
	send := func() { dst = view.Append(dst[:0], &pos, n, n, 3) }
	for range 200 {
		frame()
		send()
	}
	assert.Zero(t, testing.AllocsPerRun(300, frame), "Encode")
	view.Append(nil, &pos, n, n, 3)
	assert.Zero(t, testing.AllocsPerRun(300, func() { frame(); send() }), "Append of a delta")
	base := n - 200
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		pos = layer.NewPosition(base, 0)
		dst = view.Append(dst[:0], &pos, n, n, 3)
	}), "Append of a catch-up that is there")
}

func TestMemoryOfAnIdleClient(t *testing.T) {
	const clients = 1000
	s := layer.New(pongSchema(), 300)
	views := make([]*layer.View, clients)
	before := heap()
	for i := range views {
		l := s.Open(1)
		l.Add(wire.ClassMe, 0, &values{strs: []string{"[1]"}})
		views[i] = &layer.View{}
		views[i].See(l, 1)
	}
	dst := []byte{}
	for n := uint64(1); n < 400; n++ {
		require.NoError(t, s.Encode(n))
	}
	for _, v := range views {
		pos := layer.NewPosition(0, 0)
		dst = v.Append(dst[:0], &pos, 399, 0, 0)
	}
	for n := uint64(400); n < 403; n++ {
		require.NoError(t, s.Encode(n))
	}
	each := (heap() - before) / clients
	t.Logf("%d bytes a client", each)
	assert.Less(t, each, int64(1200))
	runtime.KeepAlive(views)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
