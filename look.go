package httpmp

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// A Look is how a sprite is drawn, centred on its Pos and turned by its field "angle". Looks are
// comparable values; the zero Look is not drawn. Colours are CSS colours.
type Look struct {
	shape   string // the member that names it on the wire; "" for none
	a, b    float64
	text    string // of text and emoji; of poly, line and group their JSON
	fill    string
	stroke  string
	width   float64
	caption string
	z       int
}

// Rect returns a filled rectangle, w by h world pixels.
func Rect(w, h float64, color string) Look { return Look{shape: "rect", a: w, b: h, fill: color} }

// Circle returns a filled circle of radius r world pixels.
func Circle(r float64, color string) Look { return Look{shape: "circle", a: r, fill: color} }

// Poly returns a filled polygon through the points xy: x0, y0, x1, y1, … in world pixels around Pos.
//
// It panics where xy is not at least 3 pairs.
func Poly(color string, xy ...float64) Look {
	if len(xy) < 6 || len(xy)%2 != 0 {
		panic(fmt.Errorf("Poly has %d numbers, want an even number of at least 6: x0, y0, x1, y1, …", len(xy)))
	}
	return Look{shape: "poly", text: string(appendNumbers(nil, xy...)), fill: color}
}

// Line returns a line, width world pixels wide, from x1, y1 to x2, y2 around Pos.
func Line(x1, y1, x2, y2, width float64, color string) Look {
	return Look{shape: "line", text: string(appendNumbers(nil, x1, y1, x2, y2)), stroke: color, width: width}
}

// Text returns a line of text, size world pixels high.
func Text(s string, size float64, color string) Look {
	return Look{shape: "text", text: s, a: size, fill: color}
}

// Emoji returns an emoji, size world pixels high.
func Emoji(s string, size float64) Look { return Look{shape: "emoji", text: s, a: size} }

// Group returns several looks in one, drawn in order.
func Group(l ...Look) Look {
	dst := []byte{'['}
	for i, k := range l {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = k.appendJSON(dst)
	}
	return Look{shape: "group", text: string(append(dst, ']'))}
}

// Caption writes s above the look.
func (l Look) Caption(s string) Look { l.caption = s; return l }

// Stroke outlines the look, width world pixels wide.
func (l Look) Stroke(color string, width float64) Look { l.stroke, l.width = color, width; return l }

// Z draws the look above those with a smaller z, and below those with a larger one; 0 is the default.
func (l Look) Z(z int) Look { l.z = z; return l }

// appendJSON appends l as the field "look" shows it: null for the zero Look.
func (l Look) appendJSON(dst []byte) []byte {
	if l.shape == "" {
		return append(dst, "null"...)
	}
	dst = append(append(append(dst, `{"`...), l.shape...), `":`...)
	switch l.shape {
	case "rect":
		dst = appendNumbers(dst, l.a, l.b)
	case "circle":
		dst = appendNumber(dst, l.a)
	case "text", "emoji":
		dst = appendString(dst, l.text)
		dst = appendNumber(append(dst, `,"size":`...), l.a)
	default:
		dst = append(dst, l.text...)
	}
	if l.fill != "" {
		dst = appendString(append(dst, `,"fill":`...), l.fill)
	}
	if l.stroke != "" {
		dst = appendString(append(dst, `,"stroke":`...), l.stroke)
		dst = appendNumber(append(dst, `,"width":`...), l.width)
	}
	if l.caption != "" {
		dst = appendString(append(dst, `,"caption":`...), l.caption)
	}
	if l.z != 0 {
		dst = strconv.AppendInt(append(dst, `,"z":`...), int64(l.z), 10)
	}
	return append(dst, '}')
}

func appendNumbers(dst []byte, v ...float64) []byte {
	dst = append(dst, '[')
	for i, x := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNumber(dst, x)
	}
	return append(dst, ']')
}

// appendNumber appends x, and panics where JSON has no such number: game code made it.
func appendNumber(dst []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		panic(fmt.Errorf("a Look, Stage or View has the number %v, want a finite one", x))
	}
	return strconv.AppendFloat(dst, x, 'g', -1, 64)
}

func appendString(dst []byte, s string) []byte {
	p, _ := json.Marshal(s) // a string always has a JSON form
	return append(dst, p...)
}
