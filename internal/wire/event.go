package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// touchPhases are the phases of a touch by their number in a binary batch.
var touchPhases = []string{"start", "move", "end", "cancel"}

const (
	maxPosition = 1 << 50 // of a pointer, a wheel or a touch, in world units
	maxTouchID  = 15
	padAxes     = 16
	maxTypeName = 32 // bytes
)

// Validate reports what is wrong with e: the same checks for events that game code pushes as for
// those that DecodeBatch reads. The error names the value and what would be right.
func (e Event) Validate(lim Limits) error {
	lim = lim.withDefaults()
	switch e.Type {
	case "down", "up":
		if _, ok := Button(e.Name); !ok {
			return fmt.Errorf("unknown button %s, want %q", clip(e.Name), NearButton(e.Name))
		}
		return e.wantArgs()
	case "ptr":
		return e.wantArgs("x", "y")
	case "wheel":
		return e.wantArgs("dx", "dy")
	case "touch":
		if !slices.Contains(touchPhases, e.Name) {
			return fmt.Errorf("touch phase %s, want start, move, end or cancel", clip(e.Name))
		}
		if err := e.wantArgs("id", "x", "y"); err != nil {
			return err
		}
		if id := e.Args[0]; id != math.Trunc(id) || id < 0 || id > maxTouchID {
			return fmt.Errorf("touch id %v, want a whole number from 0 to %d", id, maxTouchID)
		}
		return nil
	case "axis":
		if _, ok := axisNumber(e.Name); !ok {
			return fmt.Errorf(`unknown axis %s, want "Pad0.Axis0" to "Pad3.Axis15"`, clip(e.Name))
		}
		if err := e.wantArgs("value"); err != nil {
			return err
		}
		if v := e.Args[0]; v < -1 || v > 1 {
			return fmt.Errorf("%s is %v, want -1 to 1", e.Name, v)
		}
		return nil
	case "text":
		if len(e.Name) > lim.TextBytes {
			return fmt.Errorf("text has %d bytes, want at most %d", len(e.Name), lim.TextBytes)
		}
		if !utf8.ValidString(e.Name) {
			return errors.New("text is not valid UTF-8")
		}
		return e.wantArgs()
	case "blur":
		return e.wantArgs()
	}
	return e.validateCustom(lim)
}

// wantArgs checks that the arguments are those and within bounds.
func (e *Event) wantArgs(names ...string) error {
	if len(e.Args) != len(names) {
		return fmt.Errorf("%s has %d numbers, want %d", e.Type, len(e.Args), len(names))
	}
	for i, v := range e.Args {
		if !(math.Abs(v) <= maxPosition) {
			return fmt.Errorf("%s %s is %v, want a number from -2^50 to 2^50", e.Type, names[i], v)
		}
	}
	if e.Data != nil {
		return fmt.Errorf("%s has a payload, which only custom events have", e.Type)
	}
	return nil
}

func (e *Event) validateCustom(lim Limits) error {
	if !customType(e.Type) {
		return fmt.Errorf("event type %s, want down, up, ptr, wheel, touch, axis, text, blur or 1 to 32 characters of a-z 0-9 _ . -", clip(e.Type))
	}
	switch {
	case len(e.Data) == 0:
		return fmt.Errorf("custom event %q has no payload, want a JSON value such as null", e.Type)
	case len(e.Data) > lim.DataBytes:
		return fmt.Errorf("payload of %q has %d bytes, want at most %d", e.Type, len(e.Data), lim.DataBytes)
	case !utf8.Valid(e.Data) || !json.Valid(e.Data):
		return fmt.Errorf("payload of %q is not valid JSON", e.Type)
	case depth(e.Data) > lim.Depth:
		return fmt.Errorf("payload of %q is %d deep, want at most %d", e.Type, depth(e.Data), lim.Depth)
	}
	return nil
}

// customType reports whether t can be the name of a custom event. The built-in names are spelt the same
// way: Validate takes them first.
func customType(t string) bool {
	for i := range len(t) {
		c := t[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return len(t) >= 1 && len(t) <= maxTypeName
}

// depth returns how many arrays and objects are within each other in p, which is valid JSON.
func depth(p []byte) int {
	most, now, quoted := 0, 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '[' || c == '{':
			now++
			most = max(most, now)
		case c == ']' || c == '}':
			now--
		}
	}
	return most
}

// axisNumber returns pad*16 + axis of a name such as "Pad0.Axis1".
func axisNumber(name string) (n int, ok bool) {
	pad, axis, ok := strings.Cut(strings.TrimPrefix(name, "Pad"), ".Axis")
	if !ok {
		return 0, false
	}
	p, err := strconv.Atoi(pad)
	a, err2 := strconv.Atoi(axis)
	if err != nil || err2 != nil || p < 0 || p >= pads || a < 0 || a >= padAxes {
		return 0, false
	}
	n = p*padAxes + a
	return n, name == axisName(n) // not "Pad00.Axis+1"
}

func axisName(n int) string {
	return "Pad" + strconv.Itoa(n/padAxes) + ".Axis" + strconv.Itoa(n%padAxes)
}

// clip quotes s for an error, shortened: it comes from the network.
func clip(s string) string {
	if len(s) > 40 {
		return strconv.Quote(s[:40]) + "…"
	}
	return strconv.Quote(s)
}
