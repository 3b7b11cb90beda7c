//nolint:unused // the fields of structs here are for reflection
package state_test

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/httpmp/httpmp/internal/state"
)

type Pos struct{ X, Y float64 }

type Vel struct{ VX, VY float64 }

type benchBall struct {
	Pos
	vx, vy float64
}

type benchTank struct {
	Pos
	Vel
	hp    uint8   `httpmp:"hp"`
	angle float64 `httpmp:"angle,rad"`
	name  string  `httpmp:"name"`
	score int     `httpmp:"score"`
	fuel  float64 `httpmp:"fuel,q=0.1"`
}

var kinds = state.Kinds{Pos: reflect.TypeFor[Pos](), Vel: reflect.TypeFor[Vel]()}

func BenchmarkPlanRead(b *testing.B) {
	b.Run("pos", func(b *testing.B) { benchRead(b, &benchBall{Pos: Pos{12.5, 300}}) })
	b.Run("seven", func(b *testing.B) { benchRead(b, &benchTank{Pos: Pos{12.5, 300}, name: "Ann", angle: 1, fuel: 3}) })
}

func benchRead[T any](b *testing.B, obj *T) {
	p, err := state.NewPlan(reflect.TypeFor[T](), kinds)
	if err != nil {
		b.Fatal(err)
	}
	nums, strs := make([]int64, 16), make([]string, 2)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Read(unsafe.Pointer(obj), nums, strs); err != nil {
			b.Fatal(err)
		}
	}
}
