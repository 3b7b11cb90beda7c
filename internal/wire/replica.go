package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Layers that have a meaning of their own.
const (
	layerShared  = 0 // everybody's; the Game's row is in slot 0
	layerPrivate = 1 // the client's own; its "me" is in slot 0
)

// Replica is a client's copy of what it sees, kept up to date by the frames of the binary mode. It is
// not concurrent-safe.
type Replica struct {
	classes []class
	frame   uint64
	ack     uint64
	layers  map[uint64]*replicaLayer
	rows    map[uint32]int // how many rows there are of a sprite's id: 1

	// Sprites by id and their companions by the sprite's id; nil until they are asked for.
	sprites    map[uint32]*row
	companions map[uint32][]*row
}

// Info says what one frame did.
type Info struct {
	Frame  uint64
	Key    bool   // everything before it is forgotten
	EvGap  bool   // events were lost
	Ack    uint64 // number of the last input that is in the state, also when this frame does not say
	HasAck bool   // this frame says so
	Slack  int64  // ms that the tightest stamped input was early
	Events []ReplicaEvent

	// Ids of sprites, ascending: those that are new, that are gone, and those the frame names of
	// the others, their private fields included.
	Added, Removed, Changed []uint32
}

// ReplicaEvent is an event that the game sent.
type ReplicaEvent struct {
	Type    string
	Payload json.RawMessage
}

type class struct {
	name     string
	fields   []Field
	num, str []int // where the field's values begin in a row
	nums     int
	strs     int
}

// companion reports whether rows of the class hold private fields of a sprite.
func (c *class) companion() bool {
	return strings.HasSuffix(c.name, "+") && len(c.fields) > 0 && c.fields[0].Type == Uint
}

type replicaLayer struct {
	slots map[uint64]*row
}

// row is never changed once it is in a slot.
type row struct {
	class int
	id    uint32
	nums  []int64
	strs  []string
}

// NewReplica returns a client's empty copy of a match with that schema.
func NewReplica(s Schema) *Replica {
	r := &Replica{layers: map[uint64]*replicaLayer{}, rows: map[uint32]int{}, classes: make([]class, len(s.Classes))}
	for i, from := range s.Classes {
		c := &r.classes[i]
		c.name, c.fields = from.Name, slices.Clone(from.Fields)
		for j := range c.fields {
			f := &c.fields[j]
			if f.Type == Ints { // the same on the wire
				f.Type = JSON
			}
			c.num, c.str = append(c.num, c.nums), append(c.str, c.strs)
			c.nums += f.Nums()
			c.strs += f.Strs()
		}
	}
	return r
}

// Apply applies the body of one record of kind KindFrame. After an error nothing has changed, and what
// a client can do is to open out again with b=0. It keeps nothing of body.
func (r *Replica) Apply(body []byte) (Info, error) {
	t := applying{Replica: r, reader: reader{p: body}, layers: maps.Clone(r.layers), named: map[uint32]int{}}
	t.frame()
	if t.err != nil {
		t.rollback()
		return Info{}, fmt.Errorf("wire: frame: %w", t.err)
	}
	r.frame, r.ack, r.layers = t.info.Frame, t.info.Ack, t.layers
	r.sprites, r.companions = nil, nil
	return t.info, nil
}

// Frame returns the number of the last frame applied, 0 before the first.
func (r *Replica) Frame() uint64 { return r.frame }

// Ack returns the number of the last input that is in the state.
func (r *Replica) Ack() uint64 { return r.ack }

// State returns all that the client sees.
func (r *Replica) State() State {
	r.index()
	s := State{Frame: r.frame, Sprites: make(map[uint32]SpriteState, len(r.sprites))}
	s.Game = r.fields(nil, r.at(layerShared, ClassGame), 0)
	s.Me = r.fields(nil, r.at(layerPrivate, ClassMe), 0)
	s.Stage = s.Game["stage"]
	delete(s.Game, "stage")
	for id := range r.sprites {
		s.Sprites[id] = r.sprite(id)
	}
	return s
}

// JSON returns State.AppendJSON of State.
func (r *Replica) JSON() []byte { return r.State().AppendJSON(nil) }

// Sprite returns the class and the fields of a sprite, as JSON mode shows them and json.Unmarshal
// reads them, and whether there is one.
func (r *Replica) Sprite(id uint32) (class string, fields map[string]any, ok bool) {
	r.index()
	if r.sprites[id] == nil {
		return "", nil, false
	}
	s := r.sprite(id)
	return s.Class, values(s.Fields), true
}

// Sprites returns the ids of all sprites, ascending.
func (r *Replica) Sprites() []uint32 {
	r.index()
	return slices.Sorted(maps.Keys(r.sprites))
}

// Game returns the Game's fields, and "stage".
func (r *Replica) Game() map[string]any {
	return values(r.fields(nil, r.at(layerShared, ClassGame), 0))
}

// Me returns what is this client's alone: "own", "camera", "view".
func (r *Replica) Me() map[string]any {
	return values(r.fields(nil, r.at(layerPrivate, ClassMe), 0))
}

// at returns the row in slot 0 of a layer if it is of that class.
func (r *Replica) at(layer uint64, class int) *row {
	if l := r.layers[layer]; l != nil {
		if w := l.slots[0]; w != nil && w.class == class {
			return w
		}
	}
	return nil
}

func (r *Replica) index() {
	if r.sprites != nil {
		return
	}
	r.sprites, r.companions = map[uint32]*row{}, map[uint32][]*row{}
	for _, number := range slices.Sorted(maps.Keys(r.layers)) {
		l := r.layers[number]
		for _, slot := range slices.Sorted(maps.Keys(l.slots)) {
			w := l.slots[slot]
			if w.id != 0 {
				r.sprites[w.id] = w
			} else if of, ok := r.of(w); ok {
				r.companions[of] = append(r.companions[of], w)
			}
		}
	}
}

// of returns the id of the sprite that w holds private fields of, if it does.
func (r *Replica) of(w *row) (id uint32, ok bool) {
	if w.id != 0 || !r.classes[w.class].companion() {
		return 0, false
	}
	return uint32(w.nums[0]), true
}

func (r *Replica) sprite(id uint32) SpriteState {
	w := r.sprites[id]
	s := SpriteState{Class: r.classes[w.class].name, Fields: r.fields(nil, w, 0)}
	for _, c := range r.companions[id] {
		s.Fields = r.fields(s.Fields, c, 1)
	}
	return s
}

// fields puts the values of w, which may be nil, into m, those of its first few fields left out.
func (r *Replica) fields(m map[string]json.RawMessage, w *row, without int) map[string]json.RawMessage {
	if m == nil {
		m = map[string]json.RawMessage{}
	}
	if w == nil {
		return m
	}
	c := &r.classes[w.class]
	for i := without; i < len(c.fields); i++ {
		m[c.fields[i].Name] = AppendValueJSON(nil, c.fields[i], w.nums[c.num[i]:], w.strs[c.str[i]:])
	}
	return m
}
