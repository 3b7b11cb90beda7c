// Pong for two, first to 7: arrow keys or W and S. Whoever comes third watches.
package main

import (
	"math"

	"github.com/httpmp/httpmp"
)

type Paddle struct {
	httpmp.Pos
	seat int
}

func (p *Paddle) Look() httpmp.Look { return httpmp.Rect(12, 80, "#f2efe6") }

func (p *Paddle) Step(f *httpmp.Frame) {
	_, dy := f.Seat(p.seat).Stick()
	p.Y = min(max(p.Y+360*dy*f.Dt, 48), 432)
}

type Ball struct {
	httpmp.Pos
	vx, vy float64
	wait   float64 // seconds until it is served
}

func (b *Ball) Look() httpmp.Look { return httpmp.Circle(8, "#ffb454") }

func (b *Ball) Step(f *httpmp.Frame) {
	if b.wait -= f.Dt; b.wait < 0 {
		b.Move(b.vx*f.Dt, b.vy*f.Dt)
	}
}

type Pong struct {
	httpmp.World
	Score   [2]int `httpmp:"score"`
	paddles [2]*Paddle
	ball    *Ball
}

func newPong() *Pong {
	g := &Pong{ball: &Ball{httpmp.At(320, 240), 300, 90, 1}}
	g.paddles = [2]*Paddle{{httpmp.At(24, 240), 0}, {httpmp.At(616, 240), 1}}
	g.Add(g.paddles[0], g.paddles[1], g.ball)
	return g
}

func (g *Pong) Stage() httpmp.Stage { return httpmp.Stage{Color: "#16212a", Title: "Pong"} }

func (g *Pong) Step(f *httpmp.Frame) {
	b := g.ball
	if b.wait < 0 && max(g.Score[0], g.Score[1]) == 7 { // play again
		g.Score = [2]int{}
	}
	if b.Y < 8 || b.Y > 472 { // a wall
		b.vy = math.Copysign(b.vy, 240-b.Y)
	}
	for i, p := range g.paddles {
		switch dx := math.Abs(b.X - p.X); {
		case dx < 14 && math.Abs(b.Y-p.Y) < 48: // a hit
			b.vx, b.vy = math.Copysign(min(math.Abs(b.vx)*1.05, 700), 320-p.X), 8*(b.Y-p.Y)
		case dx > 656: // a point: serve to who lost it
			*b = Ball{httpmp.At(320, 240), math.Copysign(300, b.vx), 240*g.Rand().Float64() - 120, 1}
			if g.Score[i]++; g.Score[i] == 7 {
				b.wait = 4
				g.Send("say", [2]string{"Left", "Right"}[i]+" wins!")
			}
		}
	}
}

func main() { httpmp.Main(newPong, httpmp.Config{FPS: 60}) }
