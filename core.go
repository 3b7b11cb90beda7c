package httpmp

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/state"
	"github.com/httpmp/httpmp/internal/wire"
)

// core is one match as a pure function of its seed and its inputs: no clock, no goroutine, no I/O, no
// map order. [Engine] is the real-time shell around it.
//
// A frame is two calls: advance, which calls game code, and encode, which calls none, so that the
// Engine can hold a lock for encode alone.
type core struct {
	game  Game
	world *World
	fps   int
	max   int // clients

	codec   *state.Codec
	classes map[reflect.Type]*class // by the struct type of the sprite; nil until Start has run
	schema  wire.Schema

	set       *layer.Set
	shared    *layer.Layer
	gameRow   gameSource
	malformed int          // custom events that did not decode, since New
	asked     *spriteEntry // whose method is being called; nil: none's

	// Of the frame that is being made, so that who has nothing to do with it costs next to nothing.
	closing []*layer.Layer // the private layers of who left
	fresh   []*Client      // who has no private layer yet
	touched []*Client      // who had input; until the next frame folds
	sending []*Client      // to whom events are sent; some may have left
	stale   []*Client      // whose lists of their own sprites no longer hold
	dropped []*Client      // whom the game sends away; until publish has seen it
	secret  []*Client      // who has companions in the private layer; not of one frame alone
	stirred []*Client      // whose private layers may have changed; until the next frame
}

// The numbers of layers on the wire.
const (
	sharedLayer  = 0 // everybody's
	privateLayer = 1 // one client's alone
)

// The most bytes of everybody's layer and of one client's: a key frame, with up to 64 KiB of events of
// each and its headers, is one record.
const (
	maxShared  = wire.MaxRecord - maxPrivate - 2*64<<10 - 1<<10
	maxPrivate = 64 << 10
)

// frameInput is all that drives one frame: it and the state before decide the state after.
type frameInput struct {
	leaves []ClientID
	joins  []*joinInput
	blurs  []ClientID     // clients whose buttons are released, before their events
	events []clientEvents // in order of the clients' ids
}

// joinInput is somebody who wants in, and what came of it.
type joinInput struct {
	name string
	data json.RawMessage
	in   *InChannel

	client *Client // who joined; nil where err says why not
	err    error
}

// clientEvents are the events that one client folds in a frame.
type clientEvents struct {
	client ClientID
	events []queuedEvent
}

// newCore checks g and its types and calls g.Start.
func newCore(g Game, fps, maxClients int, seed uint64) (*core, error) {
	w, err := worldOf(g)
	if err != nil {
		return nil, err
	}
	k := &core{game: g, world: w, fps: fps, max: maxClients, codec: state.NewCodec()}
	w.core = k
	w.pcg = rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)
	w.rng = rand.New(w.pcg)
	if err := k.guard(func() error { g.Start(); return nil }); err != nil {
		return nil, err
	}
	if err := k.learnTypes(); err != nil {
		return nil, err
	}
	k.openLayers()
	for _, s := range w.sprites {
		s.source = k.newSource(s)
	}
	return k, nil
}

// worldOf returns the World that g embeds.
func worldOf(g Game) (*World, error) {
	v := reflect.ValueOf(g)
	if !v.IsValid() || v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("httpmp: the game is %T, want a non-nil pointer to a struct that embeds httpmp.World", g)
	}
	w := g.EmbedWorld()
	from, at := v.Pointer(), reflect.ValueOf(w).Pointer()
	if w == nil || at < from || at+reflect.TypeFor[World]().Size() > from+v.Type().Elem().Size() {
		return nil, fmt.Errorf("httpmp: %T embeds a World by pointer, want httpmp.World by value", g)
	}
	if w.core != nil {
		return nil, fmt.Errorf("httpmp: this %T is in a match already; make a new one for each", g)
	}
	return w, nil
}

// openLayers makes the layers anew, with the game in slot 0 of the shared one.
func (k *core) openLayers() {
	k.set = layer.New(k.schema, uint64(10*k.fps))
	k.shared = k.set.Open(sharedLayer)
	k.gameRow.game = k.game
	k.gameRow.obj = reflect.ValueOf(k.game).UnsafePointer()
}

// frame returns the number of the frame that is being made or was made last.
func (k *core) frame() uint64 { return k.world.frame }

// advance makes the next frame of the world: leaves, joins, input, Steps, and what is shown of it.
func (k *core) advance(in *frameInput) error {
	w := k.world
	w.frame++
	for _, id := range in.leaves {
		k.leave(id)
	}
	for _, j := range in.joins {
		k.join(j)
	}
	k.fold(in)
	f := &Frame{World: w, Number: w.frame, Dt: 1 / float64(k.fps)}
	k.game.Step(f)
	for _, s := range w.sprites[:len(w.sprites):len(w.sprites)] {
		if s.born < f.Number && !s.gone {
			k.asked = s
			s.sprite.Step(f)
		}
	}
	k.asked = nil
	for _, c := range k.touched {
		k.malformed += c.state.malformed
		c.state.malformed = 0
	}
	return k.show()
}

// leave takes the client out; its private layer is closed by encode.
func (k *core) leave(id ClientID) {
	w := k.world
	i := slices.IndexFunc(w.clients, func(c *Client) bool { return c.id == id })
	if i < 0 {
		return
	}
	c := w.clients[i]
	c.left, c.state, c.pending = true, FrameState{}, nil
	k.closing = append(k.closing, c.priv.layer)
	k.secret = slices.DeleteFunc(k.secret, func(o *Client) bool { return o == c })
	w.clients = slices.Delete(w.clients, i, i+1)
	k.game.Leave(c)
}

// join asks the game whether j may come in.
func (k *core) join(j *joinInput) {
	w := k.world
	if len(w.clients) >= k.max {
		j.err = ErrFull
		return
	}
	w.lastClient++
	c := &Client{id: w.lastClient, name: j.name, data: j.data, in: j.in}
	c.core, c.seat = k, w.freeSeat()
	if j.err = k.game.Join(c); j.err != nil {
		c.left, c.pending = true, nil
		c.in.close()
		return
	}
	c.priv = &privateSide{}
	c.in.client = c.id
	w.clients = append(w.clients, c)
	k.fresh = append(k.fresh, c)
	j.client = c
}

// fold turns each client's events into its FrameState.
func (k *core) fold(in *frameInput) {
	for _, c := range k.touched {
		c.state.begin()
	}
	k.touched = k.touched[:0]
	for _, id := range in.blurs {
		if c := k.client(id); c != nil {
			c.state.blur()
			k.touched = append(k.touched, c)
		}
	}
	for _, ce := range in.events {
		c := k.client(ce.client)
		if c == nil {
			continue
		}
		for _, ev := range ce.events {
			c.state.fold(ev.ClientEvent)
			if ev.seq > 0 {
				c.ack = ev.seq
			}
		}
		c.state.finish()
		k.touched = append(k.touched, c)
	}
}

// client returns the client that is in with that id, or nil.
func (k *core) client(id ClientID) *Client {
	i, ok := slices.BinarySearchFunc(k.world.clients, id, func(c *Client, id ClientID) int { return int(c.id) - int(id) })
	if !ok {
		return nil
	}
	return k.world.clients[i]
}

// show asks how everything looks: the last game code of a frame.
func (k *core) show() error {
	w := k.world
	w.pure = true
	defer func() { w.pure = false }()
	for _, s := range w.sprites {
		if s.gone {
			continue
		}
		if s.source == nil {
			s.source = k.newSource(s)
		}
		k.asked = s
		s.source.look.ask()
	}
	k.asked = nil
	k.gameRow.ask()
	k.stale, k.stirred = k.stale[:0], append(k.stirred[:0], k.secret...)
	for _, c := range w.clients {
		if c.priv.me.ask(w, k.game.View(c)) {
			k.stir(c)
		}
	}
	return nil
}

// outdate has the list of c's own sprites made again in this frame, once however many of them come and go.
func (k *core) outdate(c *Client) {
	if !c.priv.stale {
		c.priv.stale = true
		k.stale = append(k.stale, c)
	}
}

// stir has the private layer of c read in this frame.
func (k *core) stir(c *Client) { k.stirred = append(k.stirred, c) }

// encode makes the bytes of the frame. It calls no game code.
func (k *core) encode() error {
	w := k.world
	k.placeClients()
	k.placeSprites()
	for _, ev := range w.pending {
		k.shared.Event(ev.name, ev.payload)
	}
	w.pending = nil
	for _, c := range k.sending {
		if c.left {
			continue
		}
		for _, ev := range c.pending {
			c.priv.layer.Event(ev.name, ev.payload)
		}
		c.pending = nil
		k.stir(c)
	}
	k.sending = k.sending[:0]
	for _, c := range k.stirred {
		c.priv.layer.Wake()
	}
	if err := k.set.Encode(w.frame); err != nil {
		return k.explain(err)
	}
	if err := k.shared.Oversize(maxShared); err != nil {
		return err
	}
	for _, c := range k.stirred {
		if err := c.priv.layer.Oversize(maxPrivate); err != nil {
			return err
		}
	}
	return nil
}

// explain names the sprite and the field in an error of the codec.
func (k *core) explain(err error) error {
	var row *layer.RowError
	if !errors.As(err, &row) {
		return err
	}
	switch {
	case row.Class == "game":
		return fmt.Errorf("%T: %w", k.game, row.Err)
	case row.ID == 0: // a client's own
		return row.Err
	}
	return fmt.Errorf("%T %d: %w", k.world.Sprite(SpriteID(row.ID)), row.ID, row.Err)
}
