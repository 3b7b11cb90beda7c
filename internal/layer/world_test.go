package layer_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/wire"
)

// pace is what kind of world it is.
type pace struct {
	frames  int
	start   uint64 // the frame before the first one
	few     int    // clients at least, and at most
	many    int
	horizon uint64
	often   float64 // how much more often what is rare happens
	heavy   float64 // how many events are large
	checks  float64 // how many of the frames that a page reads are compared
	nods    float64 // how often a page does not read a frame or two
	naps    []int   // for how many frames it does not, when it is longer
}

// world is a made-up match: the truth that clients are compared with. Whatever is done to its layers
// is done to those of a second Set too, which is restored now and then. Layers of the first Set are
// still at times, those of the second never.
type world struct {
	pace
	rng    *rand.Rand
	schema wire.Schema
	sets   [2]*layer.Set
	frame  uint64
	lastID uint32
	events int
	layers []*worldLayer // those that are open
	shared *worldLayer
	owned  map[uint32]*worldRow // companions by their sprite's id
}

type worldLayer struct {
	number uint64
	in     [2]*layer.Layer
	rows   []*worldRow
	sent   []worldEvent // all there ever were
	coming []string
	still  bool
	calm   uint64 // until this frame little happens in it
}

type worldEvent struct {
	frame   uint64
	payload string
}

func newWorld(rng *rand.Rand, p pace) *world {
	w := &world{pace: p, rng: rng, schema: worldSchema(), frame: p.start, owned: map[uint32]*worldRow{}}
	for i := range w.sets {
		w.sets[i] = layer.New(w.schema, w.horizon)
	}
	w.shared = w.open(0)
	w.add(w.shared, wire.ClassGame, 0)
	return w
}

func (w *world) open(number uint64) *worldLayer {
	l := &worldLayer{number: number}
	for i, s := range w.sets {
		l.in[i] = s.Open(number)
	}
	if l.still = w.chance(0.5); l.still {
		l.in[0].Still(true)
	}
	w.layers = append(w.layers, l)
	return l
}

func (w *world) close(l *worldLayer) {
	for i, s := range w.sets {
		s.Close(l.in[i])
	}
	w.layers = slices.DeleteFunc(w.layers, func(o *worldLayer) bool { return o == l })
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// rare is chance for what is rare in a long world.
func (w *world) rare(p float64) bool { return w.chance(min(p*w.often, 0.5)) }

func (w *world) add(l *worldLayer, class int, id uint32) *worldRow {
	nums, strs := w.schema.Classes[class].Size()
	r := &worldRow{class: class, id: id, nums: make([]int64, nums), strs: make([]string, strs)}
	for i := range w.schema.Classes[class].Fields {
		w.value(r, i)
	}
	w.put(l, r)
	return r
}

func (w *world) put(l *worldLayer, r *worldRow) {
	r.home = l
	r.slot = l.in[0].Add(r.class, r.id, r)
	if slot := l.in[1].Add(r.class, r.id, r); slot != r.slot {
		panic(fmt.Sprintf("restored layer chose slot %d, the other %d", slot, r.slot))
	}
	l.rows = append(l.rows, r)
}

func (w *world) take(r *worldRow) {
	for _, l := range r.home.in {
		l.Remove(r.slot)
	}
	r.home.rows = slices.DeleteFunc(r.home.rows, func(o *worldRow) bool { return o == r })
}

// remove takes a sprite out, with its companion.
func (w *world) remove(r *worldRow) {
	w.take(r)
	w.disown(r.id)
}

func (w *world) disown(id uint32) {
	if c := w.owned[id]; c != nil {
		delete(w.owned, id)
		w.take(c)
	}
}

func (w *world) own(sprite *worldRow, c *client) {
	w.disown(sprite.id)
	r := w.add(c.private, classThing2, 0)
	r.nums[0], r.owner = int64(sprite.id), c
	w.owned[sprite.id] = r
}

// sprite returns a random sprite of l, or nil.
func (w *world) sprite(l *worldLayer) *worldRow {
	for range 4 {
		if len(l.rows) == 0 {
			return nil
		}
		if r := l.rows[w.rng.IntN(len(l.rows))]; r.id != 0 {
			return r
		}
	}
	return nil
}

// public returns a random layer that holds sprites, seldom a calm one.
func (w *world) public() *worldLayer {
	for {
		if l := w.layers[w.rng.IntN(len(w.layers))]; l.number != 1 && (l.calm <= w.frame || w.chance(0.1)) {
			return l
		}
	}
}

// rest makes layers still, or not any more, and calm for a while.
func (w *world) rest() {
	for _, l := range w.layers {
		if w.rare(0.05) {
			l.still = !l.still
			l.in[0].Still(l.still)
		}
		if w.rare(0.01) {
			l.calm = w.frame + uint64(w.rng.IntN(3*int(w.horizon)))
		}
	}
}

// mutate does what game code might do in one frame.
func (w *world) mutate(clients []*client) {
	for range w.rng.IntN(4) {
		l := w.public()
		w.lastID++
		r := w.add(l, []int{classDot, classDot, classThing, classNote}[w.rng.IntN(4)], w.lastID)
		if w.chance(0.1) {
			w.remove(r)
		}
	}
	for range w.rng.IntN(4) {
		if r := w.sprite(w.public()); r != nil && (len(r.home.rows) > 12 || w.chance(0.3)) {
			w.remove(r)
		}
	}
	for range w.rng.IntN(3) {
		if r := w.sprite(w.public()); r != nil && w.chance(0.5) {
			w.take(r)
			w.put(w.public(), r) // perhaps the same one, in another slot or not
		}
	}
	for range w.rng.IntN(3) {
		if r := w.sprite(w.public()); r != nil && r.class == classThing && len(clients) > 0 {
			if w.chance(0.3) {
				w.disown(r.id)
			} else {
				w.own(r, clients[w.rng.IntN(len(clients))])
			}
		}
	}
	if w.chance(0.8) {
		moving := w.rng.Float64()
		for _, l := range w.layers {
			if l.calm > w.frame && !w.chance(0.02) {
				continue
			}
			for _, r := range l.rows {
				if w.chance(moving) {
					w.change(r)
				}
			}
		}
	}
	for _, l := range w.layers {
		count := 0
		if w.chance(0.1) {
			count = w.rng.IntN(3)
		}
		if w.chance(0.002) {
			count = 300
		}
		for range count {
			w.send(l)
		}
	}
}

func (w *world) send(l *worldLayer) {
	w.events++
	payload := fmt.Sprint(w.events)
	if w.chance(w.heavy) {
		payload = fmt.Sprintf(`[%d,"%020000d"]`, w.events, 0)
	}
	for _, in := range l.in {
		in.Event("say", []byte(payload))
	}
	l.coming = append(l.coming, payload)
}

// encode makes the next frame.
func (w *world) encode() error {
	for _, s := range w.sets {
		if err := s.Encode(w.frame); err != nil {
			return err
		}
	}
	for _, l := range w.layers {
		for _, payload := range l.coming {
			l.sent = append(l.sent, worldEvent{w.frame, payload})
		}
		l.coming = nil
	}
	return nil
}

// restore replaces the second Set by one that is restored from the state as it is.
func (w *world) restore() error {
	w.sets[1] = layer.New(w.schema, w.horizon)
	for _, l := range w.layers {
		l.in[1] = w.sets[1].Open(l.number)
		for _, k := range w.rng.Perm(len(l.rows)) {
			r := l.rows[k]
			l.in[1].AddAt(r.slot, r.class, r.id, r)
		}
	}
	return w.sets[1].Restore(w.frame)
}

// state returns what somebody who sees these layers is to have.
func (w *world) state(layers []*worldLayer) wire.State {
	s := wire.State{
		Frame: w.frame, Sprites: map[uint32]wire.SpriteState{},
		Game: map[string]json.RawMessage{}, Me: map[string]json.RawMessage{},
	}
	for _, l := range layers {
		for _, r := range l.rows {
			switch {
			case r.class == wire.ClassGame:
				w.fields(s.Game, r, 0)
				s.Stage = s.Game["stage"]
				delete(s.Game, "stage")
			case r.class == wire.ClassMe:
				w.fields(s.Me, r, 0)
			case r.id != 0:
				s.Sprites[r.id] = wire.SpriteState{Class: w.schema.Classes[r.class].Name, Fields: w.fields(map[string]json.RawMessage{}, r, 0)}
			}
		}
	}
	for _, l := range layers {
		for _, r := range l.rows {
			if r.class == classThing2 {
				if sprite, ok := s.Sprites[uint32(r.nums[0])]; ok {
					w.fields(sprite.Fields, r, 1)
				}
			}
		}
	}
	return s
}
