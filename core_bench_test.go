package httpmp

import (
	"math"
	"slices"
	"testing"
	"time"
)

// mover is a sprite that only moves.
type mover struct {
	Pos
	vx, vy float64
}

func (m *mover) Step(*Frame) {}

// looker is a mover with a Look.
type looker struct{ mover }

func (l *looker) Look() Look { return Circle(5, "white") }

// crowd is a game of n sprites, moved by the benchmark and not by a Step.
type crowd struct {
	World
	movers  []*mover
	lookers []*looker
}

func (g *crowd) Step(*Frame) {}

// newCrowd returns a match of n sprites at 30 frames/s that has made its first frame.
func newCrowd(tb testing.TB, n int, looks bool) (*core, []*mover) {
	g := &crowd{}
	for i := range n {
		m := mover{At(float64(i%40)*20, float64(i/40)*20), float64(i%13-6) * 25, float64(i%7-3) * 50}
		if m.vx == 0 && m.vy == 0 {
			m.vx = 60
		}
		if looks {
			g.lookers = append(g.lookers, &looker{m})
			g.Add(g.lookers[i])
			g.movers = append(g.movers, &g.lookers[i].mover)
		} else {
			g.movers = append(g.movers, &m)
			g.Add(&m)
		}
	}
	g.Declare(&looker{}, &mover{})
	k, err := newCore(g, 30, 10, 1)
	if err == nil {
		err = frame(k)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return k, g.movers
}

// frame makes a frame of k without input.
func frame(k *core) error {
	if err := k.advance(&frameInput{}); err != nil {
		return err
	}
	return k.encode()
}

// walk moves all of m by a thirtieth of a second, and turns them at the edges of the stage.
func walk(m []*mover) {
	for _, s := range m {
		if s.X+s.vx/30 < 0 || s.X+s.vx/30 > 800 {
			s.vx = -s.vx
		}
		if s.Y+s.vy/30 < 0 || s.Y+s.vy/30 > 600 {
			s.vy = -s.vy
		}
		s.X += s.vx / 30
		s.Y += s.vy / 30
	}
}

// handWritten is the floor: what somebody would write for just this struct. It quantises, compares
// with what was sent last and appends the same 2- and 3-byte moves.
type handWritten struct {
	last [][2]int64
	buf  []byte
}

func (h *handWritten) encode(m []*mover) {
	h.buf = h.buf[:0]
	cursor := -1
	for i, s := range m {
		x, y := int64(math.Floor(s.X*2+0.5)), int64(math.Floor(s.Y*2+0.5))
		dx, dy := x-h.last[i][0], y-h.last[i][1]
		if dx == 0 && dy == 0 {
			continue
		}
		gap := uint64(i - cursor - 1)
		cursor = i
		h.last[i] = [2]int64{x, y}
		if gap < 8 && uint64(dx+32) < 64 && uint64(dy+32) < 64 {
			op := gap<<12 | uint64(dx+32)<<6 | uint64(dy+32)
			h.buf = append(h.buf, byte(op>>8), byte(op))
		} else {
			op := 2<<22 | gap<<18 | uint64(dx+256)&511<<9 | uint64(dy+256)&511
			h.buf = append(h.buf, byte(op>>16), byte(op>>8), byte(op))
		}
	}
}

// BenchmarkEncode1000 compares and encodes 1,000 sprites, beside a hand-written loop over the same structs in
// the same run. "x floor" is the ratio of the medians.
func BenchmarkEncode1000(b *testing.B) {
	for _, bb := range []struct {
		name          string
		looks, moving bool
	}{{"moving", false, true}, {"moving-with-look", true, true}, {"at-rest", false, false}} {
		b.Run(bb.name, func(b *testing.B) {
			k, movers := newCrowd(b, 1000, bb.looks)
			h := handWritten{last: make([][2]int64, len(movers))}
			var ours, floor []float64
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if bb.moving {
					walk(movers)
				}
				k.world.frame++
				t0 := time.Now()
				if err := k.show(); err != nil {
					b.Fatal(err)
				}
				if err := k.encode(); err != nil {
					b.Fatal(err)
				}
				t1 := time.Now()
				h.encode(movers)
				t2 := time.Now()
				if len(ours) < cap(ours) || len(ours) < 1<<16 {
					ours, floor = append(ours, t1.Sub(t0).Seconds()), append(floor, t2.Sub(t1).Seconds())
				}
			}
			b.StopTimer()
			o, f := median(ours), median(floor)
			b.ReportMetric(o*1e9/1000, "ns/sprite")
			b.ReportMetric(f*1e9/1000, "floor-ns/sprite")
			b.ReportMetric(o/f, "x-floor")
		})
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// TestFrameBytes holds the median frame of 100 sprites, all moving at up to 200 px/s, to 2.3 bytes a sprite.
func TestFrameBytes(t *testing.T) {
	k, movers := newCrowd(t, 100, false)
	var sizes []float64
	for range 300 {
		walk(movers)
		if err := frame(k); err != nil {
			t.Fatal(err)
		}
		// the block, then flags, frame number and record length, as a stream has them
		sizes = append(sizes, float64(len(k.shared.Delta(k.world.frame))+2+2)/100)
	}
	if m := median(sizes); m > 2.3 {
		t.Errorf("the median frame has %.2f bytes a sprite, want at most 2.3", m)
	} else {
		t.Logf("%.2f bytes a sprite", m)
	}
}

// TestEncodeAllocates holds a frame without input to no allocation for its sprites.
func TestEncodeAllocates(t *testing.T) {
	k, movers := newCrowd(t, 1000, true)
	step := func() {
		walk(movers)
		k.world.frame++
		if err := k.show(); err != nil {
			t.Fatal(err)
		}
		if err := k.encode(); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 { // until the ring of blocks has come round
		step()
	}
	if n := testing.AllocsPerRun(100, step); n > 0 {
		t.Errorf("%v allocations a frame, want none", n)
	}
}
