package browsertest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

//go:embed recorder.js
var recorder string

// A Repaint is what a page drew on one canvas in one task, in the order it was drawn.
type Repaint struct {
	Number int     `json:"number"` // counts from 1 over all canvases of a page
	Time   float64 `json:"time"`   // ms since the page was opened
	Canvas Canvas  `json:"canvas"`
	Shapes []Shape `json:"shapes"`
}

// Canvas is the canvas of a repaint.
type Canvas struct {
	ID            string     `json:"id"`
	Width, Height int        // in device pixels
	Box           [4]float64 `json:"box"` // left, top, width, height in the tab, in CSS pixels
}

// Shape is one mark on a canvas. X, Y, W and H are in device pixels of the canvas, or in world units after Repaint.In.
type Shape struct {
	Op    string  `json:"op"`    // fill, stroke, clear, text, image
	Color string  `json:"color"` // fillStyle or strokeStyle as the browser writes it: "#ffffff"; "" of clear and image
	Alpha float64 `json:"alpha"` // globalAlpha
	Text  string  `json:"text"`  // of op text
	Path  []Segment
	// Matrix is the transform when the shape was drawn, as in setTransform(a, b, c, d, e, f).
	Matrix [6]float64 `json:"matrix"`

	Kind string  `json:"-"` // rect, circle, path (anything else); text and image as Op
	X, Y float64 `json:"-"` // the centre; of a text, the place it was drawn at
	W, H float64 `json:"-"` // the edges, also of a turned rect; a circle's diameter; a path's box, control points included
}

// Segment is one call that built a path, with the transform of that moment.
type Segment struct {
	Name   string     `json:"name"`
	Args   []float64  `json:"args"`
	Matrix [6]float64 `json:"matrix"`
}

// Drawn returns the newest repaints of the page, at most 240, oldest first.
func (tab *Tab) Drawn() []Repaint {
	tab.t.Helper()
	return tab.drawn(240, 0)
}

// DrawnSince returns those of Drawn that came after the repaint of that number.
func (tab *Tab) DrawnSince(number int) []Repaint {
	tab.t.Helper()
	return tab.drawn(240, number)
}

// Repaint returns the newest repaint of the page, the zero Repaint before the first.
func (tab *Tab) Repaint() Repaint {
	tab.t.Helper()
	if all := tab.drawn(1, 0); len(all) > 0 {
		return all[0]
	}
	return Repaint{}
}

// Until waits until ok holds for a repaint, asking for the newest about every 10 ms, and returns that one. It fails the
// test when that takes longer than wait; what says what was waited for: "the ball moves left".
func (tab *Tab) Until(wait time.Duration, what string, ok func(Repaint) bool) Repaint {
	tab.t.Helper()
	var last Repaint
	tab.poll(wait, func() bool {
		last = tab.Repaint()
		return ok(last)
	}, func() string { return fmt.Sprintf("%s; last drawn:\n%s", what, last) })
	return last
}

func (tab *Tab) drawn(last, after int) []Repaint {
	tab.t.Helper()
	var repaints []Repaint
	text := Eval[string](tab, fmt.Sprintf("httpmpDrawn(%d, %d)", last, after))
	if err := json.Unmarshal([]byte(text), &repaints); err != nil {
		tab.t.Fatalf("browsertest: what the recorder sent: %v", err)
	}
	for _, r := range repaints {
		for i := range r.Shapes {
			r.Shapes[i].measure()
		}
	}
	return repaints
}

// In returns the repaint in world units: as if each shape had been drawn on a stage of w by h, which the page shows
// whole, as large as fits and in the middle of its canvas, give or take the device pixel to which pages round. It does not
// know about cameras.
func (r Repaint) In(w, h float64) Repaint {
	scale, left, top := r.fit(w, h)
	shapes := make([]Shape, len(r.Shapes))
	for i, s := range r.Shapes {
		s.X, s.Y = (s.X-left)/scale, (s.Y-top)/scale
		s.W, s.H = s.W/scale, s.H/scale
		shapes[i] = s
	}
	r.Shapes = shapes
	return r
}

// Place returns where a point of a stage of w by h is in the tab, in CSS pixels: where to click.
func (r Repaint) Place(w, h, x, y float64) (left, top float64) {
	scale, dx, dy := r.fit(w, h)
	left = r.Canvas.Box[0] + (x*scale+dx)*r.Canvas.Box[2]/float64(r.Canvas.Width)
	top = r.Canvas.Box[1] + (y*scale+dy)*r.Canvas.Box[3]/float64(r.Canvas.Height)
	return left, top
}

func (r Repaint) fit(w, h float64) (scale, left, top float64) {
	cw, ch := float64(r.Canvas.Width), float64(r.Canvas.Height)
	scale = math.Min(cw/w, ch/h)
	return scale, (cw - w*scale) / 2, (ch - h*scale) / 2
}

// Rects returns the filled rectangles of w by h, give or take 1, in the order they were drawn; 0 is any size.
func (r Repaint) Rects(w, h float64) []Shape { return r.filled("rect", w, h) }

// Circles returns the filled circles of a radius, give or take a half, in the order they were drawn; 0 is any radius.
func (r Repaint) Circles(radius float64) []Shape { return r.filled("circle", 2*radius, 2*radius) }

func (r Repaint) filled(kind string, w, h float64) []Shape {
	near := func(got, want float64) bool { return want == 0 || math.Abs(got-want) <= 1 }
	var found []Shape
	for _, s := range r.Shapes {
		if s.Op == "fill" && s.Kind == kind && near(s.W, w) && near(s.H, h) {
			found = append(found, s)
		}
	}
	return found
}

// Texts returns the texts that were drawn, in order.
func (r Repaint) Texts() []string {
	var texts []string
	for _, s := range r.Shapes {
		if s.Op == "text" {
			texts = append(texts, s.Text)
		}
	}
	return texts
}

// String lists the shapes, one a line, for the message of a test that fails.
func (r Repaint) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "repaint %d on #%s, %d by %d", r.Number, r.Canvas.ID, r.Canvas.Width, r.Canvas.Height)
	for _, s := range r.Shapes {
		fmt.Fprintf(&b, "\n  %s %s %s at (%.1f, %.1f), %.1f by %.1f %s", s.Op, s.Kind, s.Color, s.X, s.Y, s.W, s.H, s.Text)
	}
	return b.String()
}
