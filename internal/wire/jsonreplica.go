package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// JSONReplica is a client's copy of what it sees, kept up to date by the lines of JSON mode. It is not
// concurrent-safe.
type JSONReplica struct {
	state State
	ack   uint64
}

// NewJSONReplica returns an empty copy.
func NewJSONReplica() *JSONReplica {
	r := &JSONReplica{}
	r.clear()
	return r
}

func (r *JSONReplica) clear() {
	r.state = State{
		Frame: r.state.Frame,
		Game:  map[string]json.RawMessage{}, Me: map[string]json.RawMessage{}, Sprites: map[uint32]SpriteState{},
	}
}

// line is one line of JSON mode.
type line struct {
	Ctl, Bye json.RawMessage
	N        *uint64
	Key      bool
	Ack      *uint64
	Slack    int64
	Del      []uint32
	Add, Set []spriteLine
	Stage    json.RawMessage
	Game, Me map[string]json.RawMessage
	Ev       []eventLine
	EvGap    bool
}

// spriteLine is [id, class, fields] or, without a class, [id, fields].
type spriteLine struct {
	id     uint32
	class  *string
	fields map[string]json.RawMessage
}

func (s *spriteLine) UnmarshalJSON(p []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(p, &parts); err != nil {
		return err
	}
	into := []any{&s.id, &s.fields}
	if len(parts) == 3 {
		into = []any{&s.id, &s.class, &s.fields}
	}
	if len(parts) != len(into) {
		return fmt.Errorf("%s, want [id, class, fields] or [id, fields]", clip(string(p)))
	}
	for i, raw := range parts {
		if err := json.Unmarshal(raw, into[i]); err != nil {
			return err
		}
	}
	return nil
}

// eventLine is [type, payload].
type eventLine ReplicaEvent

func (e *eventLine) UnmarshalJSON(p []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(p, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("event %s, want [type, payload]", clip(string(p)))
	}
	e.Payload = compact(parts[1])
	return json.Unmarshal(parts[0], &e.Type)
}

// ApplyLine applies one line, with or without its newline. After an error nothing has changed. A control or
// bye line changes nothing. It keeps nothing of p.
func (r *JSONReplica) ApplyLine(p []byte) (Info, error) {
	l, err := parseLine(p)
	if err != nil {
		return Info{}, fmt.Errorf("wire: line: %w", err)
	}
	info := Info{Frame: r.state.Frame, Key: l.Key, EvGap: l.EvGap, Ack: r.ack, Slack: l.Slack}
	if l.N == nil {
		return info, nil
	}
	if *l.N < r.state.Frame && !l.Key {
		return Info{}, fmt.Errorf("wire: line: number %d comes after %d", *l.N, r.state.Frame)
	}
	info.Frame = *l.N
	if l.Ack != nil {
		info.Ack, info.HasAck = *l.Ack, true
	}
	before := r.state.Sprites
	named := map[uint32]bool{}
	if l.Key {
		for id := range before {
			named[id] = true
		}
		r.clear()
	} else {
		before = maps.Clone(before)
	}
	r.apply(l, named)
	r.state.Frame, r.ack = info.Frame, info.Ack
	for _, e := range l.Ev {
		info.Events = append(info.Events, ReplicaEvent(e))
	}
	for _, id := range slices.Sorted(maps.Keys(named)) {
		_, was := before[id]
		_, is := r.state.Sprites[id]
		switch {
		case is && was:
			info.Changed = append(info.Changed, id)
		case is:
			info.Added = append(info.Added, id)
		case was:
			info.Removed = append(info.Removed, id)
		}
	}
	return info, nil
}

// apply applies a line that is right, and names the sprites in it.
func (r *JSONReplica) apply(l line, named map[uint32]bool) {
	for _, id := range l.Del {
		named[id] = true
		delete(r.state.Sprites, id)
	}
	for _, s := range l.Add {
		named[s.id] = true
		r.state.Sprites[s.id] = SpriteState{Class: *s.class, Fields: merge(nil, s.fields)}
	}
	for _, s := range l.Set {
		if old, ok := r.state.Sprites[s.id]; ok {
			named[s.id] = true
			old.Fields = merge(old.Fields, s.fields)
			r.state.Sprites[s.id] = old
		}
	}
	if l.Stage != nil {
		r.state.Stage = compact(l.Stage)
	}
	r.state.Game = merge(r.state.Game, l.Game)
	r.state.Me = merge(r.state.Me, l.Me)
}

func parseLine(p []byte) (line, error) {
	var l line
	if !utf8.Valid(p) {
		return l, errUTF8
	}
	if err := json.Unmarshal(p, &l); err != nil {
		return l, err
	}
	if l.N == nil && l.Ctl == nil && l.Bye == nil {
		return l, errors.New("n is missing")
	}
	if l.N != nil && *l.N > MaxUint || l.Ack != nil && *l.Ack > MaxUint {
		return l, ErrNumber
	}
	for _, s := range l.Add {
		if s.class == nil || s.fields == nil {
			return l, errors.New("add has an element that is not [id, class, fields]")
		}
	}
	for _, s := range l.Set {
		if s.class != nil || s.fields == nil {
			return l, errors.New("set has an element that is not [id, fields]")
		}
	}
	return l, nil
}

// merge returns the members of both, compact, those of more winning. It may change old's map.
func merge(old, more map[string]json.RawMessage) map[string]json.RawMessage {
	if old == nil {
		old = make(map[string]json.RawMessage, len(more))
	}
	for name, raw := range more {
		old[name] = compact(raw)
	}
	return old
}

// Frame returns the number of the last frame applied, 0 before the first.
func (r *JSONReplica) Frame() uint64 { return r.state.Frame }

// Ack returns the number of the last input that is in the state.
func (r *JSONReplica) Ack() uint64 { return r.ack }

// State returns all that the client sees. It stays r's: the next line changes it.
func (r *JSONReplica) State() State { return r.state }

// JSON returns State.AppendJSON of State.
func (r *JSONReplica) JSON() []byte { return r.state.AppendJSON(nil) }

// Sprite returns the class and the fields of a sprite, as json.Unmarshal reads them, and whether
// there is one.
func (r *JSONReplica) Sprite(id uint32) (class string, fields map[string]any, ok bool) {
	s, ok := r.state.Sprites[id]
	if !ok {
		return "", nil, false
	}
	return s.Class, values(s.Fields), true
}
