package httpmp

// A Stage is what the page shows around the sprites.
type Stage struct {
	W, H  float64 // the size of the world in pixels; zero means 640 x 480
	Color string  // the CSS colour of the ground; empty means black
	Title string  // the title of the page; empty leaves it
}

// appendJSON appends s as the field "stage" shows it.
func (s Stage) appendJSON(dst []byte) []byte {
	if s.W == 0 && s.H == 0 {
		s.W, s.H = 640, 480
	}
	if s.Color == "" {
		s.Color = "black"
	}
	dst = appendNumber(append(dst, `{"w":`...), s.W)
	dst = appendNumber(append(dst, `,"h":`...), s.H)
	dst = appendString(append(dst, `,"color":`...), s.Color)
	if s.Title != "" {
		dst = appendString(append(dst, `,"title":`...), s.Title)
	}
	return append(dst, '}')
}

// A View is the part of the Stage that one client's page shows. The zero View is the whole Stage.
type View struct {
	Follow Sprite  // the sprite that the page keeps in the middle; nil: Center is
	Center Pos     // the middle, where Follow is nil and W is not 0
	W, H   float64 // the size in world pixels; 0 means the whole Stage
}
