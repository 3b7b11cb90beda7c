package httpmp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
)

// A Game is the rules of one match. Embed [World] in a struct, and only Step is yours to write; the
// other methods have defaults.
//
// All of them are called on the frame loop, one at a time. None may read the clock, do I/O, start a
// goroutine that touches the world, or depend on the order of a map: a match is its seed and its
// inputs, and everything else follows from them. A panic in any of them ends the match with a
// [GameError]; a panic in a goroutine that game code has started ends the process, as always in Go.
type Game interface {
	// Start is called once, by New, before anything else: the seed is known. Add the first sprites here.
	Start()

	// Join is called when c wants in, before the Step of a frame. An error refuses it, and its text is
	// shown to the player; Leave is then not called. The default lets everybody in.
	Join(c *Client) error

	// Leave is called when c has left or was dropped, before the Step of a frame. Its sprites stay until
	// the Game removes them.
	Leave(c *Client)

	// Step moves the match on by one frame, before the Steps of the sprites.
	Step(f *Frame)

	// Stage returns what the page shows around the sprites. It is asked after each frame's Steps and must
	// be a pure function of the state.
	Stage() Stage

	// View returns what c's page shows. It is asked after each frame's Steps for each client and must
	// be a pure function of the state. The default is the whole Stage.
	View(c *Client) View

	// EmbedWorld returns the embedded World: it is there to be embedded, not to be written.
	EmbedWorld() *World
}

// A World holds the sprites, the clients and the randomness of a match. Embed it, by value, in a
// Game; its zero value is ready. Call its methods only from Game and Sprite methods, Add also where the
// Game is constructed. A World must not be copied.
type World struct {
	frame      uint64 // the frame that is being made or was made last; 0: none yet
	lastSprite SpriteID
	lastClient ClientID
	sprites    []*spriteEntry // in order of their ids
	clients    []*Client      // in order of their ids
	pending    []event        // for everybody, with the next frame
	pcg        *rand.PCG

	byPtr    map[Sprite]*spriteEntry `httpmp:"-"`
	rng      *rand.Rand              `httpmp:"-"`
	declared []reflect.Type          `httpmp:"-"`
	core     *core                   `httpmp:"-"` // nil before New
	pure     bool                    `httpmp:"-"` // Look, Stage or View is being asked
	quit     *quitting               `httpmp:"-"`
}

// spriteEntry is a sprite's place in the world.
type spriteEntry struct {
	id     SpriteID
	sprite Sprite
	born   uint64 // the frame it was added in
	gone   bool   // removed within this frame
	wired  bool   // it has a slot
	slot   int
	owner  ClientID // whose private layer its companion is in; 0 for nobody's
	own    int      // the companion's slot there

	source *spriteSource `httpmp:"-"`
}

type quitting struct{ err error }

// EmbedWorld returns w.
func (w *World) EmbedWorld() *World { return w }

// Start does nothing.
func (w *World) Start() {}

// Join lets c in.
func (w *World) Join(*Client) error { return nil }

// Leave does nothing.
func (w *World) Leave(*Client) {}

// Stage returns the zero Stage.
func (w *World) Stage() Stage { return Stage{} }

// View returns the zero View.
func (w *World) View(*Client) View { return View{} }

// Add puts sprites into the world: they are sent with this frame and first stepped in the next.
// Adding one that is in does nothing. A sprite is known by its pointer, so *b = Ball{…} keeps it.
// Add panics where one is not a non-nil pointer to a struct with at least one field, or where its type
// was not known when the match began: see Declare.
func (w *World) Add(sprites ...Sprite) {
	w.mustNotShow("Add")
	for _, s := range sprites {
		v := reflect.ValueOf(s)
		if !v.IsValid() || v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().Kind() != reflect.Struct {
			panic(fmt.Errorf("Add(%T): want a non-nil pointer to a struct, such as &T{…}", s))
		}
		if v.Type().Elem().Size() == 0 {
			panic(fmt.Errorf("Add(%T): the struct is empty, so one is not told from another; give it a field", s))
		}
		if w.core != nil && w.core.classes != nil && w.core.classes[v.Type().Elem()] == nil {
			panic(fmt.Errorf("Add(%T): the type was not known when the match began; add g.Declare(&%s{}) to Start",
				s, v.Type().Elem().Name()))
		}
		if w.byPtr[s] != nil {
			continue
		}
		if w.byPtr == nil {
			w.byPtr = make(map[Sprite]*spriteEntry)
		}
		w.lastSprite++
		e := &spriteEntry{id: w.lastSprite, sprite: s, born: w.frame}
		w.sprites = append(w.sprites, e)
		w.byPtr[s] = e
	}
}

// Remove takes sprites out of the world at once: they are not stepped again. Removing one that is not
// in does nothing.
func (w *World) Remove(sprites ...Sprite) {
	w.mustNotShow("Remove")
	for _, s := range sprites {
		if e := w.byPtr[s]; e != nil {
			e.gone = true
			delete(w.byPtr, s)
		}
	}
}

// Declare names the types of sprites that no field of the Game leads to and that are not added by the
// end of Start. Call it in Start or where the Game is constructed; afterwards it panics.
func (w *World) Declare(sprites ...Sprite) {
	if w.core != nil && w.core.classes != nil {
		panic(errors.New("Declare: the match has begun; call it in Start"))
	}
	for _, s := range sprites {
		t := reflect.TypeOf(s)
		if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
			panic(fmt.Errorf("Declare(%T): want a pointer to a struct", s))
		}
		w.declared = append(w.declared, t.Elem())
	}
}

// Send sends an event to everybody's page with the frame that is being made; v goes as JSON. The
// built-in page shows "say", a string, as a banner. It panics where v has no JSON form, has more than
// 16 KiB of it, or name is not 1 to 32 of a-z, 0-9 and _.-.
func (w *World) Send(name string, v any) {
	w.mustNotShow("Send")
	w.pending = append(w.pending, newEvent(name, v))
}

// mustNotShow panics where Look, Stage or View is being asked.
func (w *World) mustNotShow(call string) {
	if w.pure {
		panic(fmt.Errorf("%s: Look, Stage and View must be pure functions of the state; call it in Step", call))
	}
}

// Clients returns the clients that are in, in order of their ids. The slice is the caller's.
func (w *World) Clients() []*Client { return slices.Clone(w.clients) }

// Seat returns who sits in seat i, or nil.
func (w *World) Seat(i int) *Client {
	for _, c := range w.clients {
		if c.seat == i {
			return c
		}
	}
	return nil
}

// freeSeat returns the lowest number of a seat in which nobody sits.
func (w *World) freeSeat() int {
	taken := make([]bool, len(w.clients)+1)
	for _, c := range w.clients {
		if c.seat < len(taken) {
			taken[c.seat] = true
		}
	}
	return slices.Index(taken, false)
}

// Sprite returns the sprite with that id, or nil where it is not in the world.
func (w *World) Sprite(id SpriteID) Sprite {
	i, ok := slices.BinarySearchFunc(w.sprites, id, func(e *spriteEntry, id SpriteID) int { return int(e.id) - int(id) })
	if !ok || w.sprites[i].gone {
		return nil
	}
	return w.sprites[i].sprite
}

// ID returns the id of s, or 0 where it is not in the world.
func (w *World) ID(s Sprite) SpriteID {
	if e := w.byPtr[s]; e != nil {
		return e.id
	}
	return 0
}

// Rand returns the match's source of randomness, the same at every call. Its state is part of the match.
// It panics before Start, when the seed is not known yet, and in Look, Stage and View, which must be
// pure.
func (w *World) Rand() *rand.Rand {
	if w.rng == nil {
		panic(errors.New("Rand: the seed is not known before Start; use it there"))
	}
	w.mustNotShow("Rand")
	return w.rng
}

// Quit ends the match after this frame; Run returns err.
func (w *World) Quit(err error) {
	w.mustNotShow("Quit")
	w.quit = &quitting{err}
}

// A Frame is one pass of the frame loop.
type Frame struct {
	World  *World
	Number uint64  // from 1, without gaps
	Dt     float64 // seconds, exactly 1/FPS
}

// Input returns the input of c in this frame; that of nobody for nil and for a client that has left,
// so that a bot or an empty seat needs no test.
func (f *Frame) Input(c *Client) *FrameState {
	if c == nil || c.left {
		return &idle
	}
	return &c.state
}

// Seat returns the input of whoever sits in seat i, of nobody where it is empty.
func (f *Frame) Seat(i int) *FrameState { return f.Input(f.World.Seat(i)) }
