package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

var errUTF8 = errors.New("not valid UTF-8")

func decodeBatchJSON(p []byte, lim Limits) (Batch, error) {
	if !utf8.Valid(p) {
		return Batch{}, batchError(errUTF8)
	}
	var members map[string]json.RawMessage // not a struct, which would take "SEQ" for "seq"
	if err := json.Unmarshal(p, &members); err != nil {
		return Batch{}, batchError(fmt.Errorf("not valid JSON: %w", err))
	}
	var b Batch
	for _, m := range []struct {
		name string
		to   *uint64
	}{{"b", &b.Base}, {"seq", &b.Seq}, {"f", &b.Frame}} {
		if raw, ok := members[m.name]; ok {
			v, err := jsonUint(raw)
			if err != nil {
				return Batch{}, batchError(fmt.Errorf("%s is %w", m.name, err))
			}
			*m.to = v
		}
	}
	var events []json.RawMessage
	if raw, ok := members["ev"]; !ok || raw[0] != '[' || json.Unmarshal(raw, &events) != nil {
		return Batch{}, batchError(errors.New("ev is not an array of events"))
	}
	if len(events) > lim.Events {
		return Batch{}, &TooManyError{Max: lim.Events}
	}
	if len(events) > 0 {
		b.Events = make([]Event, len(events))
	}
	for i, raw := range events {
		err := decodeEventJSON(&b.Events[i], raw)
		if err == nil {
			err = b.Events[i].Validate(lim)
		}
		if err != nil {
			return Batch{}, &BatchError{At: i, Err: err}
		}
		if data := b.Events[i].Data; data != nil {
			b.Events[i].Data = compact(data)
		}
	}
	return b, b.check()
}

// decodeEventJSON decodes [type, arguments…, frames?]. What is left to Validate is what the values are.
func decodeEventJSON(e *Event, raw json.RawMessage) error {
	var parts []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
		return fmt.Errorf("%s is not an event, want [type, arguments…]", clip(string(raw)))
	}
	if !jsonString(parts[0], &e.Type) {
		return fmt.Errorf("event type is %s, want a string", clip(string(parts[0])))
	}
	name, nums := "", 0
	switch e.Type {
	case "down", "up":
		name = "button"
	case "text":
		name = "text"
	case "ptr", "wheel":
		nums = 2
	case "touch":
		name, nums = "phase", 3
	case "axis":
		name, nums = "axis", 1
	case "blur":
	case "":
		return errors.New(`event type is ""`)
	default:
		return e.decodeCustom(parts[1:])
	}
	want := nums
	if name != "" {
		want++
	}
	args, err := e.decodeAfter(parts[1:], want)
	if err != nil {
		return err
	}
	if name != "" {
		if !jsonString(args[0], &e.Name) {
			return fmt.Errorf("%s of %s is %s, want a string", name, e.Type, clip(string(args[0])))
		}
		args = args[1:]
	}
	for _, raw := range args {
		v, err := jsonNumber(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Type, err)
		}
		e.Args = append(e.Args, v)
	}
	return nil
}

func (e *Event) decodeCustom(parts []json.RawMessage) error {
	if len(parts) == 0 {
		return nil // Validate misses the payload, and the type's spelling comes first
	}
	args, err := e.decodeAfter(parts, 1)
	if err == nil {
		e.Data = args[0]
	}
	return err
}

// decodeAfter takes the frames from the end of an event's arguments and returns the others.
func (e *Event) decodeAfter(parts []json.RawMessage, want int) ([]json.RawMessage, error) {
	if len(parts) < want || len(parts) > want+1 {
		return nil, fmt.Errorf("%s has %d arguments, want %d, and one more for the frames after the event before it", clip(e.Type), len(parts), want)
	}
	if len(parts) > want {
		v, err := jsonUint(parts[want])
		if err != nil {
			return nil, fmt.Errorf("frames after the event before are %w", err)
		}
		e.After = v
	}
	return parts[:want], nil
}

// jsonString reads raw into s and reports whether it is a string.
func jsonString(raw json.RawMessage, s *string) bool {
	return raw[0] == '"' && json.Unmarshal(raw, s) == nil
}

// jsonNumber reads a number. -0 becomes 0.
func jsonNumber(raw json.RawMessage) (float64, error) {
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, fmt.Errorf("%s is not a number", clip(string(raw)))
	}
	return v + 0, nil
}

// jsonUint reads a whole number from 0 to MaxUint.
func jsonUint(raw json.RawMessage) (uint64, error) {
	v, err := jsonNumber(raw)
	if err != nil {
		return 0, err
	}
	if v < 0 || v > MaxUint || v != math.Trunc(v) {
		return 0, fmt.Errorf("%s, want a whole number from 0 to 2^53-1", clip(string(raw)))
	}
	return uint64(v), nil
}

// compact returns p, which is valid JSON, without white space.
func compact(p []byte) []byte {
	if !bytes.ContainsAny(p, " \t\r\n") {
		return p
	}
	var b bytes.Buffer
	if json.Compact(&b, p) != nil {
		return p
	}
	return b.Bytes()
}

// AppendBatchJSON appends the JSON form of b, whose events are valid.
func AppendBatchJSON(dst []byte, b Batch) []byte {
	dst = strconv.AppendUint(append(dst, `{"seq":`...), b.Seq, 10)
	if b.Base != 0 {
		dst = strconv.AppendUint(append(dst, `,"b":`...), b.Base, 10)
	}
	if b.Frame != 0 {
		dst = strconv.AppendUint(append(dst, `,"f":`...), b.Frame, 10)
	}
	dst = append(dst, `,"ev":[`...)
	for i, e := range b.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendQuoted(append(dst, '['), e.Type)
		switch e.Type {
		case "down", "up", "touch", "axis", "text":
			dst = AppendQuoted(append(dst, ','), e.Name)
		}
		for _, v := range e.Args {
			dst = strconv.AppendFloat(append(dst, ','), v, 'f', -1, 64)
		}
		if e.Data != nil {
			dst = append(append(dst, ','), e.Data...)
		}
		if e.After != 0 {
			dst = strconv.AppendUint(append(dst, ','), e.After, 10)
		}
		dst = append(dst, ']')
	}
	return append(dst, "]}"...)
}
