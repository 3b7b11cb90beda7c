package httpmp

import (
	"iter"
	"math"
)

// A Sprite is one object of the world, with state and logic: always a pointer to a struct that is not
// empty. Its tagged fields are what pages are sent; see the package documentation for the tags.
type Sprite interface {
	// Step moves the sprite on by one frame. It is called on the frame loop, after Game.Step, for the
	// sprites in order of their ids, first in the frame after the one it was added in, and never again
	// once it is removed.
	Step(f *Frame)
}

// A Looker is a [Sprite] that the built-in page can draw. A Sprite without a Look is drawn as a grey
// box with the name of its class.
type Looker interface {
	// Look returns how the sprite looks. It is asked after every Step and must be a pure function of
	// the sprite's state.
	Look() Look
}

// SpriteID numbers the sprites of a match from 1 in order of World.Add; a number is never used again.
type SpriteID uint32

// Pos is a position: the centre of a sprite, in world pixels, y down. Embed it in a Sprite: it is
// replicated as "pos", by default in steps of half a pixel.
type Pos struct{ X, Y float64 }

// At returns the position x, y.
func At(x, y float64) Pos { return Pos{x, y} }

// Move adds the displacement dx, dy. It gives the same result on every CPU: an inlined
// p.X += v*dt may be fused into one rounding on some, an argument never is.
func (p *Pos) Move(dx, dy float64) {
	p.X += float64(dx)
	p.Y += float64(dy)
}

// Dist returns the distance between p and q, the same on every CPU.
func (p Pos) Dist(q Pos) float64 {
	dx, dy := p.X-q.X, p.Y-q.Y
	return math.Sqrt(float64(dx*dx) + float64(dy*dy))
}

// Vel is a velocity in world pixels a second. Embed it beside [Pos]: it is replicated as "vel", in whole
// pixels a second. The engine never moves a sprite by it.
type Vel struct{ VX, VY float64 }

// All ranges over the sprites of type T in w, in order of their ids. Those added while it ranges are
// left out, those removed are skipped. Call All only from Game and Sprite methods.
func All[T Sprite](w *World) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, s := range w.sprites[:len(w.sprites):len(w.sprites)] {
			if s.gone {
				continue
			}
			if t, ok := s.sprite.(T); ok && !yield(t) {
				return
			}
		}
	}
}
