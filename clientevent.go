package httpmp

import (
	"encoding/json"

	"github.com/httpmp/httpmp/internal/wire"
)

// A ClientEvent is one input as the page reported it. What its fields hold depends on its Type:
//
//	Type     Name                                   Args            Data
//	down     the button, such as "ArrowUp"
//	up       the button
//	ptr                                             [x, y]
//	wheel                                           [dx, dy]
//	touch    "start", "move", "end" or "cancel"     [id, x, y]
//	axis     the axis, such as "Pad0.Axis1"         [-1 to 1]
//	text     the text
//	blur
//	other                                                           the payload, JSON
//
// Positions are in world pixels, y down. Any other Type, 1 to 32 characters of a-z, 0-9 and _.-, is
// a custom event of the game's own. Names of keys are those of KeyboardEvent.code; "Pointer0" to
// "Pointer4" are the buttons of the pointer, "Pad0.Button0" to "Pad3.Button16" those of gamepads.
type ClientEvent struct {
	Type string
	Name string
	Args []float64
	Data json.RawMessage
}

// eventOf returns the ClientEvent that ev is on the wire. They share Args and Data.
func eventOf(ev wire.Event) ClientEvent {
	return ClientEvent{Type: ev.Type, Name: ev.Name, Args: ev.Args, Data: ev.Data}
}

// validate reports what is wrong with ev by the rules of docs/protocol.md, section 5.
func (ev ClientEvent) validate(lim wire.Limits) error {
	return wire.Event{Type: ev.Type, Name: ev.Name, Args: ev.Args, Data: ev.Data}.Validate(lim)
}
