package httpmp

import (
	"encoding/json"
	"fmt"
)

// A Command is one instruction to a page, server to browser, as one line of JSON mode holds it. Game
// code never makes one: it changes its sprites. Tests and clients meet them.
type Command struct {
	Op     string         // "key", "remove", "add", "set", "stage", "game", "me", "event"
	ID     SpriteID       // of remove, add and set
	Class  string         // of add
	Fields map[string]any // of add, set, stage, game and me: the fields by name, in world units
	Event  string         // of event: its name
	Data   any            // of event: its payload
}

// AppendCommands appends the Commands of one frame, a line of JSON mode (docs/protocol.md, section 5),
// in the order in which a page applies them, and returns them with the frame's number. A line that
// is not a frame adds none.
func AppendCommands(dst []Command, line []byte) ([]Command, uint64, error) {
	var frame struct {
		N     uint64              `json:"n"`
		Key   bool                `json:"key"`
		Del   []SpriteID          `json:"del"`
		Add   [][]json.RawMessage `json:"add"`
		Set   [][]json.RawMessage `json:"set"`
		Stage map[string]any      `json:"stage"`
		Game  map[string]any      `json:"game"`
		Me    map[string]any      `json:"me"`
		Ev    [][]json.RawMessage `json:"ev"`
	}
	if err := json.Unmarshal(line, &frame); err != nil {
		return dst, 0, fmt.Errorf("httpmp: a line of JSON mode: %w", err)
	}
	if frame.Key {
		dst = append(dst, Command{Op: "key"})
	}
	for _, id := range frame.Del {
		dst = append(dst, Command{Op: "remove", ID: id})
	}
	for _, a := range frame.Add {
		c := Command{Op: "add"}
		if err := decodeAll(a, &c.ID, &c.Class, &c.Fields); err != nil {
			return dst, 0, err
		}
		dst = append(dst, c)
	}
	for _, s := range frame.Set {
		c := Command{Op: "set"}
		if err := decodeAll(s, &c.ID, &c.Fields); err != nil {
			return dst, 0, err
		}
		dst = append(dst, c)
	}
	for _, part := range []Command{
		{Op: "stage", Fields: frame.Stage},
		{Op: "game", Fields: frame.Game},
		{Op: "me", Fields: frame.Me},
	} {
		if part.Fields != nil {
			dst = append(dst, part)
		}
	}
	for _, e := range frame.Ev {
		c := Command{Op: "event"}
		if err := decodeAll(e, &c.Event, &c.Data); err != nil {
			return dst, 0, err
		}
		dst = append(dst, c)
	}
	return dst, frame.N, nil
}

// decodeAll stores the parts of one array of a line.
func decodeAll(parts []json.RawMessage, into ...any) error {
	if len(parts) < len(into) {
		return fmt.Errorf("httpmp: a line of JSON mode: an array of %d, want %d", len(parts), len(into))
	}
	for i, v := range into {
		if err := json.Unmarshal(parts[i], v); err != nil {
			return fmt.Errorf("httpmp: a line of JSON mode: %w", err)
		}
	}
	return nil
}
