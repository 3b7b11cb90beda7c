package wire

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// State is all that a client sees, the same for both encodings. Values are as JSON mode shows them.
type State struct {
	Frame   uint64
	Game    map[string]json.RawMessage
	Stage   json.RawMessage // nil: none yet
	Me      map[string]json.RawMessage
	Sprites map[uint32]SpriteState
}

// SpriteState is one sprite with its private fields, where the client gets them.
type SpriteState struct {
	Class  string
	Fields map[string]json.RawMessage
}

// AppendJSON appends s in a form that is the same for equal states: members of "game", "me" and
// "fields" by name, sprites by id. Fields of sprites that are null are left out: JSON mode takes a
// private field back by setting it to null.
//
//	{"frame":n,"game":{…},"stage":{…} or null,"me":{…},"sprites":{"1":{"class":"ball","fields":{…}}}}
func (s State) AppendJSON(dst []byte) []byte {
	dst = strconv.AppendUint(append(dst, `{"frame":`...), s.Frame, 10)
	dst = appendFields(append(dst, `,"game":`...), s.Game)
	dst = append(dst, `,"stage":`...)
	if s.Stage == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, s.Stage...)
	}
	dst = appendFields(append(dst, `,"me":`...), s.Me)
	dst = append(dst, `,"sprites":{`...)
	for i, id := range slices.Sorted(maps.Keys(s.Sprites)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(append(dst, '"'), uint64(id), 10)
		dst = AppendQuoted(append(dst, `":{"class":`...), s.Sprites[id].Class)
		fields := maps.Clone(s.Sprites[id].Fields)
		maps.DeleteFunc(fields, func(_ string, raw json.RawMessage) bool { return string(raw) == "null" })
		dst = append(appendFields(append(dst, `,"fields":`...), fields), '}')
	}
	return append(dst, "}}"...)
}

func appendFields(dst []byte, m map[string]json.RawMessage) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(AppendQuoted(dst, name), ':'), m[name]...)
	}
	return append(dst, '}')
}

// values returns m as json.Unmarshal reads it.
func values(m map[string]json.RawMessage) map[string]any {
	out := make(map[string]any, len(m))
	for name, raw := range m {
		var v any
		if json.Unmarshal(raw, &v) == nil {
			out[name] = v
		}
	}
	return out
}
