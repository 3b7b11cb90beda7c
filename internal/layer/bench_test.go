package layer_test

import (
	"math"
	"testing"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/wire"
)

const rowsOfBench = 1000

// mover is a sprite with a Pos, as a game has it.
type mover struct {
	x, y, vx, vy float64
}

func (m *mover) Read(nums []int64, _ []string) error {
	nums[0], nums[1] = int64(math.Floor(m.x*2+0.5)), int64(math.Floor(m.y*2+0.5))
	return nil
}

func (m *mover) step() {
	m.x += m.vx
	m.y += m.vy
	if m.x < 0 || m.x > 6000 {
		m.vx = -m.vx
	}
	if m.y < 0 || m.y > 6000 {
		m.vy = -m.vy
	}
}

// four is a sprite with four fields, all of which change.
type four struct {
	mover
	hp, angle int64
	name      string
}

func (m *four) Read(nums []int64, strs []string) error {
	nums[0], nums[1] = int64(math.Floor(m.x*2+0.5)), int64(math.Floor(m.y*2+0.5))
	nums[2], nums[3] = m.hp, m.angle
	strs[0] = m.name
	return nil
}

func benchSchema() wire.Schema {
	return wire.Schema{Classes: []wire.Class{
		{Name: "game", Fields: []wire.Field{{Name: "stage", Type: wire.JSON}}},
		{Name: "me", Fields: []wire.Field{{Name: "own", Type: wire.JSON}}},
		{Name: "mover", Fields: []wire.Field{{Name: "pos", Type: wire.Pos, Quantum: 0.5}}},
		{Name: "four", Fields: []wire.Field{
			{Name: "pos", Type: wire.Pos, Quantum: 0.5},
			{Name: "hp", Type: wire.Int},
			{Name: "angle", Type: wire.Angle},
			{Name: "name", Type: wire.Str},
		}},
	}}
}

func newMovers() []mover {
	movers := make([]mover, rowsOfBench)
	for i := range movers {
		movers[i] = mover{float64(i * 7 % 6000), float64(i * 13 % 6000), float64(1 + i%5), float64(1 + i%3)}
	}
	return movers
}

func newMoverSet(tb testing.TB, movers []mover) (*layer.Set, *layer.Layer) {
	s := layer.New(benchSchema(), 300)
	l := s.Open(0)
	for i := range movers {
		l.Add(2, uint32(i+1), &movers[i])
	}
	if err := s.Encode(1); err != nil {
		tb.Fatal(err)
	}
	return s, l
}

func perRow(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rowsOfBench, "ns/row")
}

func BenchmarkEncode1000Moving(b *testing.B) {
	movers := newMovers()
	s, _ := newMoverSet(b, movers)
	b.ReportAllocs()
	n := uint64(1)
	for b.Loop() {
		n++
		for i := range movers {
			movers[i].step()
		}
		if err := s.Encode(n); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b)
}

func BenchmarkEncode1000Rest(b *testing.B) {
	movers := newMovers()
	s, _ := newMoverSet(b, movers)
	b.ReportAllocs()
	n := uint64(1)
	for b.Loop() {
		n++
		if err := s.Encode(n); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b)
}

func BenchmarkEncode1000FourFields(b *testing.B) {
	sprites := make([]four, rowsOfBench)
	s := layer.New(benchSchema(), 300)
	l := s.Open(0)
	for i, m := range newMovers() {
		sprites[i].mover = m
		l.Add(3, uint32(i+1), &sprites[i])
	}
	names := [2]string{"Ann", "Bob"}
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		for i := range sprites {
			m := &sprites[i]
			m.step()
			m.hp, m.angle, m.name = m.hp+1, (m.angle+1)&255, names[n&1]
		}
		if err := s.Encode(n); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b)
}

// BenchmarkStep is the game's part of BenchmarkEncode1000Moving.
func BenchmarkStep(b *testing.B) {
	movers := newMovers()
	for b.Loop() {
		for i := range movers {
			movers[i].step()
		}
	}
	perRow(b)
}

// BenchmarkHandWritten compares and encodes as BenchmarkEncode1000Moving does, with nothing but the
// loop that somebody would write for this one class.
func BenchmarkHandWritten(b *testing.B) {
	movers := newMovers()
	type last struct {
		x, y    int64
		version uint64
	}
	held := make([]last, len(movers))
	var out []byte
	n := uint64(1)
	for b.Loop() {
		n++
		out = out[:0]
		cursor := -1
		for i := range movers {
			m := &movers[i]
			m.step()
			x, y := int64(math.Floor(m.x*2+0.5)), int64(math.Floor(m.y*2+0.5))
			h := &held[i]
			if x == h.x && y == h.y {
				continue
			}
			dx, dy, gap := uint64(x-h.x+32), uint64(y-h.y+32), uint64(i-cursor-1)
			switch {
			case dx|dy < 64 && gap < 8:
				out = append(out, byte(gap<<4|dx>>2), byte(dx<<6|dy))
			default:
				out = wire.AppendSv(wire.AppendSv(append(out, 0xC0|byte(gap), 1), x-h.x), y-h.y)
			}
			cursor = i
			h.x, h.y, h.version = x, y, n
		}
	}
	perRow(b)
}

// BenchmarkRead is the part of the Sources in BenchmarkEncode1000Rest.
func BenchmarkRead(b *testing.B) {
	movers := newMovers()
	sources := make([]layer.Source, len(movers))
	for i := range movers {
		sources[i] = &movers[i]
	}
	nums := make([]int64, 2)
	for b.Loop() {
		for _, src := range sources {
			if err := src.Read(nums, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	perRow(b)
}

// BenchmarkReadFour is the part of the game and the Sources in BenchmarkEncode1000FourFields.
func BenchmarkReadFour(b *testing.B) {
	sprites := make([]four, rowsOfBench)
	sources := make([]layer.Source, len(sprites))
	for i := range sprites {
		sources[i] = &sprites[i]
	}
	nums, strs := make([]int64, 4), make([]string, 1)
	names := [2]string{"Ann", "Bob"}
	n := 0
	for b.Loop() {
		n++
		for i := range sprites {
			m := &sprites[i]
			m.step()
			m.hp, m.angle, m.name = m.hp+1, (m.angle+1)&255, names[n&1]
		}
		for _, src := range sources {
			if err := src.Read(nums, strs); err != nil {
				b.Fatal(err)
			}
		}
	}
	perRow(b)
}

// benchView returns a view of a layer of movers, all of which have moved in each of the last frames,
// the newest of which is n.
func benchView(b *testing.B, frames uint64) (v *layer.View, n uint64) {
	movers := newMovers()
	s, l := newMoverSet(b, movers)
	v = &layer.View{}
	v.See(l, 1)
	for n = 2; n < 2+frames; n++ {
		for i := range movers {
			movers[i].step()
		}
		if err := s.Encode(n); err != nil {
			b.Fatal(err)
		}
	}
	return v, n - 1
}

// BenchmarkCatchUp encodes what a client that is 100 frames behind gets, 300 of 1,000 rows.
func BenchmarkCatchUp(b *testing.B) {
	movers := newMovers()
	s, l := newMoverSet(b, movers)
	var v layer.View
	v.See(l, 1)
	for i := range 300 {
		movers[i*3].x++
	}
	n := uint64(100)
	if err := s.Encode(n); err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := s.Encode(n); err != nil { // forgets the catch-up
			b.Fatal(err)
		}
		pos := layer.NewPosition(50, 0)
		dst = v.Append(dst[:0], &pos, n, 1, 0)
	}
	b.ReportMetric(float64(len(dst)), "bytes")
}

// BenchmarkAppend is the frame of one client: a delta of 1,000 moves behind a header of its own.
func BenchmarkAppend(b *testing.B) {
	v, n := benchView(b, 10)
	start := layer.NewPosition(n-1, 0)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		pos := start
		dst = v.Append(dst[:0], &pos, n, 1, 0)
	}
	b.ReportMetric(float64(len(dst)), "bytes")
}

// BenchmarkAppendSmall is BenchmarkAppend where one row has moved.
func BenchmarkAppendSmall(b *testing.B) {
	movers := newMovers()
	s, l := newMoverSet(b, movers)
	var v layer.View
	v.See(l, 1)
	movers[500].x++
	if err := s.Encode(2); err != nil {
		b.Fatal(err)
	}
	start := layer.NewPosition(1, 0)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		pos := start
		dst = v.Append(dst[:0], &pos, 2, 1, 0)
	}
	b.ReportMetric(float64(len(dst)), "bytes")
}

// BenchmarkAppendJSON is BenchmarkAppend in JSON mode, for the second client with that base.
func BenchmarkAppendJSON(b *testing.B) {
	v, n := benchView(b, 10)
	start := layer.NewPosition(n-1, 0)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		pos := start
		dst = v.AppendJSON(dst[:0], &pos, n, 1, 0)
	}
	b.ReportMetric(float64(len(dst)), "bytes")
}
