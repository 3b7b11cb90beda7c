package state_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

// sprite is a typical one, held by the world behind an interface.
type sprite struct {
	Pos
	vx, vy float64
	hp     uint8
	score  int
	seat   int
	name   string
	target *sprite
}

func (s *sprite) Step() {}

type stepper interface{ Step() }

type world struct {
	frame   uint64
	sprites []stepper
}

func newWorld(n int) *world {
	w := &world{frame: 77}
	for i := range n {
		s := &sprite{Pos: Pos{float64(i) + 0.3, 100}, vx: 3, vy: -2.5, hp: 100, score: i * 3, seat: i % 4, name: "Ann"}
		if i > 0 {
			s.target = w.sprites[i/2].(*sprite)
		}
		w.sprites = append(w.sprites, s)
	}
	return w
}

func newCodec(t testing.TB, types ...reflect.Type) *state.Codec {
	c := state.NewCodec()
	for _, typ := range types {
		require.NoError(t, c.Register(typ))
	}
	return c
}

func BenchmarkSave1000(b *testing.B) {
	c := newCodec(b, reflect.TypeFor[world](), reflect.TypeFor[sprite]())
	w := newWorld(1000)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = c.Append(dst[:0], w); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(dst))/1000, "B/sprite")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/sprite")
}

func BenchmarkLoad1000(b *testing.B) {
	c := newCodec(b, reflect.TypeFor[world](), reflect.TypeFor[sprite]())
	saved, err := c.Append(nil, newWorld(1000))
	require.NoError(b, err)
	w := &world{}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Load(saved, w); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/sprite")
}
