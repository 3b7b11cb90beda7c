package httpmp

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"math/bits"

	"github.com/httpmp/httpmp/internal/wire"
)

// A FrameState is one client's events folded up to this frame: what is down, what went down and up
// within the frame, and what was pointed at, typed and sent. It is valid until the next frame begins;
// call its methods only from Game and Sprite methods. Its fields are for reading.
type FrameState struct {
	Pointer Pos           // where the pointer was last, in world pixels
	Wheel   Pos           // how far the wheel was turned within the frame, summed
	Text    string        // what was typed within the frame, in order
	Events  []ClientEvent // the custom events of the frame, in order

	down, pressed, released buttons
	again                   []press // buttons that went down more than once within the frame
	axes                    [pads][padAxes]float64
	touch                   float64 // the touch that moves the pointer; its id + 1, 0 for none
	malformed               int     // events that Events skipped within the frame

	typed []byte `httpmp:"-"` // what becomes Text when all events are folded
}

// press counts the down-edges of one button within a frame.
type press struct{ button, count int }

const (
	pads    = 4
	padAxes = 16
)

// buttons is a set of buttons, by their numbers on the wire.
type buttons [(wire.Buttons + 63) / 64]uint64

func (s *buttons) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s *buttons) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *buttons) remove(i int)   { s[i/64] &^= 1 << (i % 64) }

// idle is the input of nobody.
var idle FrameState

// begin makes s the state at the start of a frame: what is down, where the pointer and the axes are.
func (s *FrameState) begin() {
	s.Wheel, s.Text, s.Events = Pos{}, "", s.Events[:0]
	s.pressed, s.released, s.again = buttons{}, buttons{}, s.again[:0]
	s.malformed = 0
	s.typed = s.typed[:0]
}

// finish ends the folding of a frame.
func (s *FrameState) finish() { s.Text = string(s.typed) }

// fold takes one valid event into s.
func (s *FrameState) fold(ev ClientEvent) {
	switch ev.Type {
	case "down":
		s.press(button(ev.Name))
	case "up":
		s.release(button(ev.Name))
	case "ptr":
		s.Pointer = Pos{ev.Args[0], ev.Args[1]}
	case "wheel":
		s.Wheel.Move(ev.Args[0], ev.Args[1])
	case "touch":
		s.foldTouch(ev.Name, ev.Args[0]+1, Pos{ev.Args[1], ev.Args[2]})
	case "axis":
		pad, axis := axis(ev.Name)
		s.axes[pad][axis] = ev.Args[0]
	case "text":
		s.typed = append(s.typed, ev.Name...)
	case "blur":
		s.blur()
	case "": // of a later version: it has a number and does nothing
	default:
		s.Events = append(s.Events, ev)
	}
}

// press is a down-edge. A button that is down already stays as it is: a keyboard repeats.
func (s *FrameState) press(i int) {
	if s.down.has(i) {
		return
	}
	s.down.add(i)
	if !s.pressed.has(i) {
		s.pressed.add(i)
		return
	}
	for k := range s.again {
		if s.again[k].button == i {
			s.again[k].count++
			return
		}
	}
	s.again = append(s.again, press{i, 2})
}

// release is an up-edge.
func (s *FrameState) release(i int) {
	if s.down.has(i) {
		s.down.remove(i)
		s.released.add(i)
	}
}

// blur releases everything and keeps the edges of the frame.
func (s *FrameState) blur() {
	for w, set := range s.down {
		for ; set != 0; set &= set - 1 {
			s.release(w*64 + bits.TrailingZeros64(set))
		}
	}
	s.axes = [pads][padAxes]float64{}
	s.touch = 0
}

// foldTouch lets the touch that is down first move the pointer and hold Pointer0.
func (s *FrameState) foldTouch(phase string, id float64, at Pos) {
	if s.touch == 0 && phase == "start" {
		s.touch = id
		s.press(button("Pointer0"))
	}
	if s.touch != id {
		return
	}
	if phase != "cancel" {
		s.Pointer = at
	}
	if phase == "end" || phase == "cancel" {
		s.touch = 0
		s.release(button("Pointer0"))
	}
}

// Down reports whether the button, such as "ArrowUp" or "KeyA", is down at the end of the frame or was pressed within it: a tap
// shorter than a frame is never lost. It panics where there is no such button.
func (s *FrameState) Down(name string) bool {
	i := button(name)
	return s.down.has(i) || s.pressed.has(i)
}

// Pressed reports whether the button went down within the frame.
func (s *FrameState) Pressed(name string) bool { i := button(name); return s.pressed.has(i) }

// Released reports whether the button went up within the frame.
func (s *FrameState) Released(name string) bool { i := button(name); return s.released.has(i) }

// Presses returns how often the button went down within the frame.
func (s *FrameState) Presses(name string) int {
	i := button(name)
	for _, p := range s.again {
		if p.button == i {
			return p.count
		}
	}
	if s.pressed.has(i) {
		return 1
	}
	return 0
}

// Axis returns -1 where the button neg is Down, 1 where pos is, 0 where both or neither are.
func (s *FrameState) Axis(neg, pos string) float64 {
	var v float64
	if s.Down(neg) {
		v--
	}
	if s.Down(pos) {
		v++
	}
	return v
}

// Stick returns a direction from the arrow keys, WASD and the first stick of any gamepad, x to the
// right and y down, at most 1 long.
func (s *FrameState) Stick() (x, y float64) {
	x = max(-1, min(1, s.Axis("ArrowLeft", "ArrowRight")+s.Axis("KeyA", "KeyD")))
	y = max(-1, min(1, s.Axis("ArrowUp", "ArrowDown")+s.Axis("KeyW", "KeyS")))
	for p := range s.axes {
		x += s.axes[p][0]
		y += s.axes[p][1]
	}
	if length := math.Sqrt(float64(x*x) + float64(y*y)); length > 1 {
		x, y = x/length, y/length
	}
	return x, y
}

// Events ranges over the custom events of s that are called name, in order, decoded from JSON into T.
// Malformed ones are skipped; Stats counts them, once for each time they are met.
func Events[T any](s *FrameState, name string) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, ev := range s.Events {
			if ev.Type != name {
				continue
			}
			var v T
			if json.Unmarshal(ev.Data, &v) != nil {
				s.malformed++
			} else if !yield(v) {
				return
			}
		}
	}
}

// button returns the number of the button called name, and panics with the closest spelling where
// there is none: only game code can ask for it.
func button(name string) int {
	i, ok := wire.Button(name)
	if !ok {
		panic(fmt.Errorf("unknown button %q, want a KeyboardEvent.code such as %q", name, wire.NearButton(name)))
	}
	return i
}

// axis returns the pad and the number of a valid axis, "Pad0.Axis0" to "Pad3.Axis15".
func axis(name string) (pad, axis int) {
	pad = int(name[3] - '0')
	for _, d := range name[len("Pad0.Axis"):] {
		axis = 10*axis + int(d-'0')
	}
	return pad, axis
}
