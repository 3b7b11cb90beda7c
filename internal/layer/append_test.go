package layer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/wire"
)

// body returns the body of the only record in p.
func body(t *testing.T, p []byte) []byte {
	t.Helper()
	b, rest, err := wire.SplitRecords(p)
	require.NoError(t, err)
	require.Empty(t, rest)
	return b
}

func TestAppendEdges(t *testing.T) {
	p := newPong(t)
	full := string(p.view.Append(nil, &layer.Position{}, 1000, 7, -1)[2:])
	assert.Equal(t, "\x03\xe8\x07\x07\x01\x02", full[:6], "KEY and ACK, 1000, 7, -1, layer 0 full")
	p.frame(t, 2000)
	tests := map[string]struct {
		pos  layer.Position
		view *layer.View
		want string
	}{
		"first frame":            {layer.NewPosition(1000, 0), &p.view, "\x05\x06\xd0\x0f\x07\x01"},
		"the frame it has":       {layer.NewPosition(2000, 0), &p.view, "\x05\x06\xd0\x0f\x07\x01"},
		"nothing in sight":       {layer.NewPosition(0, 0), &layer.View{}, "\x05\x03\xd0\x0f\x07\x01"},
		"nothing in sight, base": {layer.NewPosition(1500, 0), &layer.View{}, "\x05\x06\xd0\x0f\x07\x01"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, string(tt.view.Append(nil, &tt.pos, 2000, 7, -1)))
			assert.Equal(t, uint64(2000), tt.pos.Base)
		})
	}
	t.Run("frame from the future", func(t *testing.T) {
		p := newPong(t)
		p.shared.Event("e", []byte("9"))
		p.frame(t, 1001)
		pos := layer.NewPosition(5000, 0)
		got := body(t, p.view.Append(nil, &pos, 1001, 7, -1))
		assert.Equal(t, byte(wire.FlagKey|wire.FlagAck), got[0])
		assert.Equal(t, "\xf1\x01e\x019", string(got[len(got)-5:]))
	})
	t.Run("pauses", func(t *testing.T) {
		pos := layer.NewPosition(2000, 0)
		p.view.Append(nil, &pos, 2000, 7, 0)
		assert.Equal(t, "\x02\x00\xcf", string(p.view.Append(nil, &pos, 2255, 7, 1)), "without ack")
		assert.Equal(t, "\x04\x02\xce\x01\x02", string(p.view.Append(nil, &pos, 2510, 8, 1)), "1 more, 1 ms")
		assert.Equal(t, "\x05\x06\xce\x15\x0a\x02", string(p.view.Append(nil, &pos, 2766, 10, 1)), "too long: absolute")
		assert.Equal(t, "\x03\x04\xce\x17", string(p.view.Append(nil, &pos, 3022, 10, 1)))
	})
}

func TestCatchUp(t *testing.T) {
	p := newPong(t)
	gone := p.shared.Add(ball, 4, &values{nums: []int64{0, 0}, strs: []string{"1"}})
	p.frame(t, 1001)
	p.rows[0].nums[1]++
	p.frame(t, 1002)
	p.shared.Event("a", []byte("1"))
	p.rows[2].strs[0] = "2"
	p.frame(t, 1003)
	p.shared.Remove(gone)
	p.shared.Event("b", nil)
	p.frame(t, 1004)
	p.shared.Add(ball, 5, &values{nums: []int64{6, 8}, strs: []string{"3"}})
	p.frame(t, 1005)

	pos := layer.NewPosition(1001, 0)
	assert.Equal(t, "\x06\xed\x07\x00\x00"+"\x01\x1f"+
		"\xf0\x04"+"\xe3\x04\x05\x0c\x10\x013"+
		"\xc1\x01\x50\xc2\x07"+"\xc1\x02\x012"+
		"\xf1\x01a\x011"+"\xf1\x01b\x04null",
		string(body(t, p.view.Append(nil, &pos, 1005, 0, 0))))

	pos = layer.NewPosition(1000, 1003)
	got := string(p.view.AppendJSON(nil, &pos, 1005, 0, 0))
	assert.Equal(t, `{"n":1005,"ack":0,"add":[[5,"ball",{"pos":[3,4],"look":3}]],`+
		`"set":[[1,{"pos":[20,240.5]}],[3,{"look":2}]],"ev":[["b",null]]}`+"\n", got)

	for _, s := range []int{1, 2, 3, 4} {
		p.shared.Remove(s)
	}
	p.game.strs[0] = "4"
	p.frame(t, 1006)
	p.game.nums[0]++
	p.frame(t, 1007)
	pos = layer.NewPosition(1001, 1006)
	assert.Equal(t, "\x06\xef\x07\x00\x00"+"\x02\x0b"+"\xe0\x00\x00\x014\x05[1,0]",
		string(body(t, p.view.Append(nil, &pos, 1007, 0, 0))), "the whole layer is shorter")
}

func TestOneByOne(t *testing.T) {
	p := newPong(t)
	pos := layer.NewPosition(1000, 0)
	p.view.Append(nil, &pos, 1000, 5, 0)
	p.rows[0].nums[0]++
	p.frame(t, 1001)
	p.frame(t, 1002)
	p.rows[0].nums[0]++
	p.rows[1].nums[0]--
	p.frame(t, 1003)
	assert.Equal(t, "\x06\x00\xe9\x00\x02\x18\x60"+"\x0a\x02\xeb\x01\x02\x00\x04\x18\x60\x07\xe0",
		string(p.view.Append(nil, &pos, 1003, 6, 1)), "as stored; the ack with the last")
	assert.Equal(t, uint64(1003), pos.Base)
}

func TestRemovalsAreRemembered(t *testing.T) {
	p := newPong(t)
	p.shared.Remove(2)
	p.frame(t, 1010)
	for n := uint64(1011); n < 1310; n++ {
		p.frame(t, n)
	}
	assert.Equal(t, goesOn, p.flags(t, 1009, 1309))
	p.frame(t, 1310)
	assert.Equal(t, goesOn, p.flags(t, 1010, 1310))
	assert.Equal(t, startsAnew, p.flags(t, 1009, 1310))
}

const (
	goesOn     = byte(wire.FlagNAbs | wire.FlagAck)
	startsAnew = byte(wire.FlagKey | wire.FlagAck)
)

// flags returns those of the first frame of a response in frame n.
func (p *pong) flags(t *testing.T, base, n uint64) byte {
	t.Helper()
	pos := layer.NewPosition(base, 0)
	return body(t, p.view.Append(nil, &pos, n, 0, 0))[0]
}

func TestSightsAreRemembered(t *testing.T) {
	p := newPong(t)
	cell := p.set.Open(2)
	cell.Add(ball, 9, p.rows[2])
	p.view.See(cell, 1001)
	p.frame(t, 1001)
	p.view.Unsee(2, 1010)
	for n := uint64(1010); n < 1310; n++ {
		p.frame(t, n)
	}
	pos := layer.NewPosition(1009, 0)
	assert.Equal(t, "\x06\x9d\x0a\x00\x00\x13", string(body(t, p.view.Append(nil, &pos, 1309, 0, 0))), "drop layer 2")
	pos = layer.NewPosition(1000, 0)
	assert.Equal(t, "\x06\x9d\x0a\x00\x00", string(body(t, p.view.Append(nil, &pos, 1309, 0, 0))), "it never had it")
	p.frame(t, 1310)
	assert.Equal(t, goesOn, p.flags(t, 1010, 1310))
	assert.Equal(t, startsAnew, p.flags(t, 1009, 1310))
	assert.False(t, p.view.Changed(1010))
	assert.True(t, p.view.Changed(1009), "out of sight since, if too long ago to know what")
}

func TestRestoredFrames(t *testing.T) {
	p := newPong(t)
	s := layer.New(pongSchema(), 300)
	l := s.Open(0)
	for slot, class := range []int{wire.ClassGame, paddle, paddle, ball} {
		src := p.game
		if slot > 0 {
			src = p.rows[slot-1]
		}
		l.AddAt(slot, class, uint32(slot), src)
	}
	require.NoError(t, s.Restore(1000))
	p.set, p.shared, p.view = s, l, layer.View{}
	p.view.See(l, 1000)
	p.rows[0].nums[1] -= 20
	p.rows[2].nums[0] += 20
	p.frame(t, 1001)
	assert.Equal(t, []byte{0x00, 0x04, 0x18, 0x0c, 0x1d, 0x20}, l.Delta(1001))
	assert.Equal(t, goesOn, p.flags(t, 1000, 1001))
	assert.Equal(t, startsAnew|wire.FlagEvGap, p.flags(t, 999, 1001))
	p.view = layer.View{}
	p.view.See(l, 1)
	assert.Equal(t, startsAnew|wire.FlagEvGap, p.flags(t, 999, 1001))
	assert.Equal(t, uint64(1001), l.Changed())
}

func TestEventsThatHaveCome(t *testing.T) {
	p := newPong(t)
	p.shared.Event("e", []byte("1"))
	p.frame(t, 1001)
	p.frame(t, 1002)
	for after, want := range map[uint64]string{1000: "\x00\x05\xf1\x01e\x011", 1001: "\x01\x00"} {
		pos := layer.NewPosition(1000, after)
		assert.Equal(t, "\x06\xea\x07\x00\x00"+want, string(body(t, p.view.Append(nil, &pos, 1002, 0, 0))))
	}
}

func TestDeltasThatAreNoLongerHeld(t *testing.T) {
	for _, n := range []uint64{1064, 1065} {
		p := newPong(t)
		pos := layer.NewPosition(1000, 0)
		p.view.Append(nil, &pos, 1000, 0, 0)
		p.rows[0].nums[0]++
		p.frame(t, 1001)
		p.rows[1].nums[0]++
		p.frame(t, n)
		got := string(p.view.Append(nil, &pos, n, 0, 0))
		if n == 1064 {
			assert.Equal(t, "\x06\x00\xe9\x00\x02\x18\x60"+"\x06\x00\x28\x00\x02\x28\x60", got)
		} else {
			assert.Equal(t, "\x0f\x00\x29\x01\x0b"+"\xc1\x01\x52\xc0\x07"+"\xc0\x01\xb2\x13\xc0\x07", got)
		}
	}
}

func TestHandOffInJSON(t *testing.T) {
	p := newPong(t)
	cell := p.set.Open(2)
	private := p.set.Open(1)
	private.Add(wire.ClassMe, 0, &values{strs: []string{"[]"}})
	own := private.Add(secret, 0, &values{nums: []int64{3, 9}})
	p.view.See(cell, 1001)
	p.view.See(private, 1001)
	p.frame(t, 1001)
	pos := layer.NewPosition(1000, 0)
	assert.Equal(t, `{"n":1001,"ack":0,"set":[[3,{"spin":9}]],"me":{"own":[]}}`+"\n",
		string(p.view.AppendJSON(nil, &pos, 1001, 0, 0)))
	p.shared.Remove(3)
	cell.Add(ball, 3, p.rows[2])
	p.frame(t, 1002)
	assert.Equal(t, `{"n":1002,"set":[[3,{"pos":[320,240],"look":{"circle":6,"fill":"white"}}]]}`+"\n",
		string(p.view.AppendJSON(nil, &pos, 1002, 0, 0)), "the same sprite, private fields and all")
	p.view.Unsee(2, 1003)
	p.frame(t, 1003)
	assert.Equal(t, `{"n":1003,"del":[3]}`+"\n", string(p.view.AppendJSON(nil, &pos, 1003, 0, 0)))
	p.view.See(cell, 1004)
	p.frame(t, 1004)
	assert.Equal(t, `{"n":1004,"add":[[3,"ball",{"pos":[320,240],"look":{"circle":6,"fill":"white"}}]],"set":[[3,{"spin":9}]]}`+"\n",
		string(p.view.AppendJSON(nil, &pos, 1004, 0, 0)), "private fields again: they went with it")
	private.Remove(own)
	p.frame(t, 1005)
	assert.Equal(t, `{"n":1005,"set":[[3,{"spin":null}]]}`+"\n", string(p.view.AppendJSON(nil, &pos, 1005, 0, 0)), "not its any more")
}

func TestEventsAreBounded(t *testing.T) {
	tests := map[string]struct {
		events int
		size   int
		frames int // in which they come
		kept   int
	}{
		"all":         {events: 256, size: 4, frames: 1, kept: 256},
		"too many":    {events: 257, size: 4, frames: 1, kept: 256},
		"over time":   {events: 257, size: 4, frames: 257, kept: 256},
		"too big":     {events: 70, size: 1000, frames: 2, kept: 65},
		"not allowed": {events: 1, size: wire.MaxStr + 1, frames: 1, kept: 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPong(t)
			n := uint64(1001)
			for i := range tt.events {
				p.shared.Event("e", fmt.Appendf(nil, "%0*d", tt.size, i))
				if (i+1)%(tt.events/tt.frames) == 0 {
					p.frame(t, n)
					n++
				}
			}
			pos := layer.NewPosition(1000, 0)
			r := wire.NewJSONReplica()
			line := strings.ReplaceAll(string(p.view.AppendJSON(nil, &pos, n-1, 0, 0)), `["e",0`, `["e",1`) // zeros in front are no JSON
			info, err := r.ApplyLine([]byte(line))
			require.NoError(t, err)
			assert.Len(t, info.Events, tt.kept)
			assert.Equal(t, tt.kept < tt.events, info.EvGap)
		})
	}
}

func TestChanged(t *testing.T) {
	p := newPong(t)
	other := p.set.Open(2)
	steps := []struct {
		name string
		do   func()
		want bool
	}{
		{"nothing", func() {}, false},
		{"a move", func() { p.rows[0].nums[0]++ }, true},
		{"an event", func() { p.shared.Event("e", nil) }, true},
		{"a layer that it does not see", func() { other.Event("e", nil) }, false},
		{"a new layer", func() { p.view.See(other, 1005) }, true},
		{"the same layer", func() { p.view.See(other, 1006) }, false},
		{"out of sight", func() { p.view.Unsee(2, 1007) }, true},
		{"out of sight again", func() { p.view.Unsee(2, 1008) }, false},
		{"in and out", func() { p.view.See(other, 1009); p.view.Unsee(2, 1009) }, false},
	}
	for i, s := range steps {
		n := uint64(1001 + i)
		s.do()
		p.frame(t, n)
		assert.Equal(t, s.want, p.view.Changed(n-1), s.name)
		assert.False(t, p.view.Changed(n), s.name)
	}
	assert.Equal(t, uint64(1003), p.shared.Changed())
}
