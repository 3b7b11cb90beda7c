package browsertest

import "math"

// measure finds out what a shape is and where, from how it was drawn.
func (s *Shape) measure() {
	s.Kind = "path"
	switch path := s.Path; {
	case s.Op == "text", s.Op == "image":
		s.Kind = s.Op
		s.box(path[0])
	case len(path) == 0:
	case path[0].is("rect", 4) || path[0].is("roundRect", 4):
		if only(path) {
			s.Kind = "rect"
			s.box(path[0])
			return
		}
		s.bound(path)
	case path[0].is("arc", 5) || path[0].is("ellipse", 7):
		if only(path) && s.round(path[0]) {
			s.Kind = "circle"
			return
		}
		s.bound(path)
	default:
		s.bound(path)
	}
}

func (g Segment) is(name string, args int) bool { return g.Name == name && len(g.Args) >= args }

// only reports whether a path is its first segment.
func only(path []Segment) bool {
	return len(path) == 1 || len(path) == 2 && path[1].Name == "closePath"
}

// at returns where a point of the segment is on the canvas.
func (g Segment) at(x, y float64) (float64, float64) {
	m := g.Matrix
	return m[0]*x + m[2]*y + m[4], m[1]*x + m[3]*y + m[5]
}

// box takes the centre and the edges of [x, y, w, h].
func (s *Shape) box(g Segment) {
	x, y, w, h := g.Args[0], g.Args[1], g.Args[2], g.Args[3]
	s.X, s.Y = g.at(x+w/2, y+h/2)
	s.W = math.Hypot(g.Matrix[0], g.Matrix[1]) * math.Abs(w)
	s.H = math.Hypot(g.Matrix[2], g.Matrix[3]) * math.Abs(h)
}

// round takes the centre and the diameter of a whole circle, and reports whether the segment is one.
func (s *Shape) round(g Segment) bool {
	rx, ry, from, to := g.Args[2], g.Args[2], 3, 4
	if g.Name == "ellipse" {
		ry, from, to = g.Args[3], 5, 6
	}
	sx, sy := math.Hypot(g.Matrix[0], g.Matrix[1]), math.Hypot(g.Matrix[2], g.Matrix[3])
	if math.Abs(g.Args[to]-g.Args[from]) < 2*math.Pi-1e-6 || math.Abs(rx*sx-ry*sy) > 0.01*rx*sx {
		return false
	}
	s.X, s.Y = g.at(g.Args[0], g.Args[1])
	s.W, s.H = 2*rx*sx, 2*ry*sy
	return true
}

// bound takes the smallest upright box around all points of a path, control points included.
func (s *Shape) bound(path []Segment) {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, g := range path {
		for _, p := range g.points() {
			x, y := g.at(p[0], p[1])
			left, right = min(left, x), max(right, x)
			top, bottom = min(top, y), max(bottom, y)
		}
	}
	if left > right {
		return // nothing but closePath
	}
	s.X, s.Y = (left+right)/2, (top+bottom)/2
	s.W, s.H = right-left, bottom-top
}

// points returns points, in the segment's own units, whose box holds the segment.
func (g Segment) points() [][2]float64 {
	a := g.Args
	corners := func(x, y, w, h float64) [][2]float64 {
		return [][2]float64{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}
	}
	switch {
	case g.is("rect", 4), g.is("roundRect", 4):
		return corners(a[0], a[1], a[2], a[3])
	case g.is("arc", 5):
		return corners(a[0]-a[2], a[1]-a[2], 2*a[2], 2*a[2])
	case g.is("ellipse", 7):
		r := max(a[2], a[3]) // whichever way it is turned
		return corners(a[0]-r, a[1]-r, 2*r, 2*r)
	case g.is("arcTo", 5):
		a = a[:4]
	}
	var points [][2]float64
	for i := 0; i+1 < len(a); i += 2 {
		points = append(points, [2]float64{a[i], a[i+1]})
	}
	return points
}
