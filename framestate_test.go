package httpmp_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

func down(b string) httpmp.ClientEvent { return httpmp.ClientEvent{Type: "down", Name: b} }
func up(b string) httpmp.ClientEvent   { return httpmp.ClientEvent{Type: "up", Name: b} }
func text(s string) httpmp.ClientEvent { return httpmp.ClientEvent{Type: "text", Name: s} }

func ptr(x, y float64) httpmp.ClientEvent {
	return httpmp.ClientEvent{Type: "ptr", Args: []float64{x, y}}
}

func wheel(x, y float64) httpmp.ClientEvent {
	return httpmp.ClientEvent{Type: "wheel", Args: []float64{x, y}}
}

func touch(phase string, id, x, y float64) httpmp.ClientEvent {
	return httpmp.ClientEvent{Type: "touch", Name: phase, Args: []float64{id, x, y}}
}

func axis(name string, v float64) httpmp.ClientEvent {
	return httpmp.ClientEvent{Type: "axis", Name: name, Args: []float64{v}}
}

func custom(name, payload string) httpmp.ClientEvent {
	return httpmp.ClientEvent{Type: name, Data: json.RawMessage(payload)}
}

var blurred = httpmp.ClientEvent{Type: "blur"}

func TestFoldButtons(t *testing.T) {
	type state struct {
		down, pressed, released bool
		presses                 int
	}
	const k = "KeyX"
	type evs = []httpmp.ClientEvent
	for _, tc := range []struct {
		name   string
		frames []evs
		want   []state // of KeyX after each frame
	}{
		{"nothing", []evs{{}}, []state{{}}},
		{"held over frames", []evs{{down(k)}, {}, {}}, []state{{true, true, false, 1}, {down: true}, {down: true}}},
		{"held and released", []evs{{down(k)}, {}, {up(k)}, {}}, []state{{true, true, false, 1}, {down: true}, {released: true}, {}}},
		{"a keyboard repeats", []evs{{down(k), down(k)}, {down(k), down(k)}, {up(k)}}, []state{{true, true, false, 1}, {down: true}, {released: true}}},
		{"a tap within a frame", []evs{{down(k), up(k)}, {}}, []state{{true, true, true, 1}, {}}},
		{"three taps", []evs{{down(k), up(k), down(k), up(k), down(k), up(k)}, {}}, []state{{true, true, true, 3}, {}}},
		{"twice, held at last", []evs{{down(k), up(k), down(k)}, {}}, []state{{true, true, true, 2}, {down: true}}},
		{"released and pressed again", []evs{{down(k)}, {up(k), down(k)}, {}}, []state{{true, true, false, 1}, {true, true, true, 1}, {down: true}}},
		{"up of what is not down", []evs{{up(k)}, {up(k), down(k)}}, []state{{}, {true, true, false, 1}}},
		{"blur of what is held", []evs{{down(k)}, {blurred}, {}}, []state{{true, true, false, 1}, {released: true}, {}}},
		{"blur keeps the edges of its frame", []evs{{down(k), blurred}, {}}, []state{{true, true, true, 1}, {}}},
		{"pressed again after a blur", []evs{{down(k)}, {blurred, down(k)}, {}}, []state{{true, true, false, 1}, {true, true, true, 1}, {down: true}}},
		{"blur of nothing", []evs{{blurred}}, []state{{}}},
		{"another button", []evs{{down("KeyY"), up("KeyY"), down("KeyY")}}, []state{{}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s httpmp.FrameState
			for i, ev := range tc.frames {
				s.Fold(false, ev...)
				got := state{s.Down(k), s.Pressed(k), s.Released(k), s.Presses(k)}
				assert.Equal(t, tc.want[i], got, "frame %d", i)
			}
		})
	}
}

func TestEngineBlurGoesFirst(t *testing.T) {
	var s httpmp.FrameState
	s.Fold(false, down("KeyX"), down("KeyY"), axis("Pad0.Axis0", 1))
	s.Fold(true, down("KeyY"))
	assert.True(t, s.Released("KeyX"))
	assert.False(t, s.Down("KeyX"))
	assert.True(t, s.Released("KeyY"))
	assert.True(t, s.Pressed("KeyY"))
	x, y := s.Stick()
	assert.Equal(t, [2]float64{}, [2]float64{x, y}, "sticks come to rest")
}

func TestFoldTheRest(t *testing.T) {
	var s httpmp.FrameState
	s.Fold(false, ptr(1, 2), ptr(3, -4), wheel(1, 2), wheel(0.5, -3), text("hé"), text("llo"), custom("shoot", `{"x":1}`), custom("shoot", `2`), custom("jump", `null`))
	assert.Equal(t, httpmp.At(3, -4), s.Pointer)
	assert.Equal(t, httpmp.At(1.5, -1), s.Wheel)
	assert.Equal(t, "héllo", s.Text)
	assert.Equal(t, []httpmp.ClientEvent{custom("shoot", `{"x":1}`), custom("shoot", `2`), custom("jump", `null`)}, s.Events)

	type shot struct{ X int }
	assert.Equal(t, []shot{{1}}, slices.Collect(httpmp.Events[shot](&s, "shoot")))
	assert.Equal(t, 1, s.Malformed(), "2 is no object")
	assert.Empty(t, slices.Collect(httpmp.Events[int](&s, "other")))
	for range httpmp.Events[any](&s, "shoot") {
		break
	}

	s.Fold(false)
	assert.Equal(t, httpmp.At(3, -4), s.Pointer, "the pointer stays")
	assert.Zero(t, s.Wheel)
	assert.Empty(t, s.Text)
	assert.Empty(t, s.Events)
	assert.Equal(t, 0, s.Malformed())
}

func TestFoldTouch(t *testing.T) {
	var s httpmp.FrameState
	s.Fold(false, touch("start", 7, 10, 20))
	assert.True(t, s.Pressed("Pointer0"))
	assert.Equal(t, httpmp.At(10, 20), s.Pointer)
	s.Fold(false, touch("start", 8, 99, 99), touch("move", 8, 98, 98), touch("move", 7, 11, 21))
	assert.Equal(t, httpmp.At(11, 21), s.Pointer, "a second finger does not move it")
	assert.Equal(t, 0, s.Presses("Pointer0"))
	s.Fold(false, touch("end", 8, 97, 97))
	assert.True(t, s.Down("Pointer0"), "the first finger is still there")
	s.Fold(false, touch("end", 7, 12, 22))
	assert.True(t, s.Released("Pointer0"))
	assert.False(t, s.Down("Pointer0"))
	assert.Equal(t, httpmp.At(12, 22), s.Pointer)
	s.Fold(false, touch("move", 7, 50, 50), touch("end", 7, 50, 50))
	assert.Equal(t, httpmp.At(12, 22), s.Pointer, "it is up")
	s.Fold(false, touch("start", 0, 1, 1), touch("cancel", 0, 2, 2))
	assert.Equal(t, httpmp.At(1, 1), s.Pointer, "a cancelled touch is nowhere")
	assert.True(t, s.Down("Pointer0"), "it was a tap")
	assert.True(t, s.Released("Pointer0"))
	s.Fold(false, touch("start", 3, 5, 5))
	s.Fold(false, blurred, touch("move", 3, 9, 9))
	assert.True(t, s.Released("Pointer0"))
	assert.Equal(t, httpmp.At(5, 5), s.Pointer, "after a blur a finger has to start anew")
}

func TestStick(t *testing.T) {
	half := math.Sqrt2 / 2
	for _, tc := range []struct {
		name   string
		events []httpmp.ClientEvent
		x, y   float64
	}{
		{"rest", nil, 0, 0},
		{"arrow", []httpmp.ClientEvent{down("ArrowUp")}, 0, -1},
		{"WASD", []httpmp.ClientEvent{down("KeyD")}, 1, 0},
		{"both sets", []httpmp.ClientEvent{down("KeyA"), down("ArrowLeft")}, -1, 0},
		{"against each other", []httpmp.ClientEvent{down("KeyA"), down("ArrowRight")}, 0, 0},
		{"diagonal", []httpmp.ClientEvent{down("KeyS"), down("KeyD")}, half, half},
		{"a tap", []httpmp.ClientEvent{down("KeyS"), up("KeyS")}, 0, 1},
		{"gamepad", []httpmp.ClientEvent{axis("Pad0.Axis0", -0.25), axis("Pad0.Axis1", 0.5)}, -0.25, 0.5},
		{"the last gamepad", []httpmp.ClientEvent{axis("Pad3.Axis1", 0.5)}, 0, 0.5},
		{"another axis", []httpmp.ClientEvent{axis("Pad0.Axis15", 1), axis("Pad0.Axis2", 1)}, 0, 0},
		{"gamepad back at rest", []httpmp.ClientEvent{axis("Pad0.Axis0", 1), axis("Pad0.Axis0", 0)}, 0, 0},
		{"key and gamepad", []httpmp.ClientEvent{down("KeyD"), axis("Pad0.Axis0", 1)}, 1, 0},
		{"blur", []httpmp.ClientEvent{axis("Pad0.Axis0", 1), blurred}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s httpmp.FrameState
			s.Fold(false, tc.events...)
			x, y := s.Stick()
			assert.InDelta(t, tc.x, x, 1e-12)
			assert.InDelta(t, tc.y, y, 1e-12)
		})
	}
}

func TestAxis(t *testing.T) {
	var s httpmp.FrameState
	s.Fold(false, down("KeyQ"), down("KeyE"), down("KeyR"))
	assert.Equal(t, [3]float64{0, 1, -1}, [3]float64{s.Axis("KeyQ", "KeyE"), s.Axis("KeyF", "KeyR"), s.Axis("KeyR", "KeyF")})
}

func TestUnknownButton(t *testing.T) {
	var s httpmp.FrameState
	for name, near := range map[string]string{
		"arrowup": "ArrowUp", "Arrowup": "ArrowUp", "Up": "ArrowUp", "w": "KeyW", "W": "KeyW",
		"Keyw": "KeyW", " ": "Space", "space": "Space", "pointer0": "Pointer0", "Pad0.Button17": "Pad0.Button1",
	} {
		for call, fn := range map[string]func(){
			"Down":     func() { s.Down(name) },
			"Pressed":  func() { s.Pressed(name) },
			"Released": func() { s.Released(name) },
			"Presses":  func() { s.Presses(name) },
			"Axis":     func() { s.Axis(name, "KeyA") },
		} {
			var err error
			func() {
				defer func() { err, _ = recover().(error) }()
				fn()
			}()
			require.Error(t, err, "%s(%q)", call, name)
			assert.Contains(t, err.Error(), `unknown button "`+name+`"`)
			assert.Contains(t, err.Error(), near, "%s(%q)", call, name)
		}
	}
}

func TestInputOfNobody(t *testing.T) {
	var gone *httpmp.Client
	ended := false
	g := &scripted{
		leave: func(_ *scripted, c *httpmp.Client) { gone = c },
		step: func(_ *scripted, f *httpmp.Frame) {
			for _, s := range []*httpmp.FrameState{f.Input(nil), f.Seat(0), f.Seat(17), f.Seat(-1)} {
				if f.Number != 2 { // who sits in seat 0 then holds KeyA
					require.NotNil(t, s)
					assert.False(t, s.Down("KeyA"))
					assert.Empty(t, slices.Collect(httpmp.Events[int](s, "shoot")))
				}
			}
			if gone != nil {
				assert.Same(t, f.Input(nil), f.Input(gone))
				ended = true
			}
		},
	}
	k, err := httpmp.NewCore(g, 30, 10, 1)
	require.NoError(t, err)
	require.NoError(t, k.Frame(httpmp.FrameInput{Joins: []string{"Ann"}}))
	require.NoError(t, k.Frame(httpmp.FrameInput{Events: map[httpmp.ClientID][]httpmp.ClientEvent{1: {down("KeyA"), custom("shoot", "1")}}}))
	require.NoError(t, k.Frame(httpmp.FrameInput{Leaves: []httpmp.ClientID{1}}))
	assert.True(t, ended)
}

func TestClientsDoNotShareInput(t *testing.T) {
	var got [2]bool
	g := &scripted{step: func(_ *scripted, f *httpmp.Frame) {
		got = [2]bool{f.Seat(0).Down("KeyA"), f.Seat(1).Down("KeyA")}
	}}
	k, err := httpmp.NewCore(g, 30, 10, 1)
	require.NoError(t, err)
	require.NoError(t, k.Frame(httpmp.FrameInput{Joins: []string{"Ann", "Bob"}}))
	require.NoError(t, k.Frame(httpmp.FrameInput{Events: map[httpmp.ClientID][]httpmp.ClientEvent{2: {down("KeyA")}}}))
	assert.Equal(t, [2]bool{false, true}, got)
	require.NoError(t, k.Frame(httpmp.FrameInput{Blurs: []httpmp.ClientID{1}}))
	assert.Equal(t, [2]bool{false, true}, got)
	require.NoError(t, k.Frame(httpmp.FrameInput{Blurs: []httpmp.ClientID{2}}))
	assert.Equal(t, [2]bool{}, got)
}
