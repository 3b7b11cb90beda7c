package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Event is one thing that happened on a page.
type Event struct {
	Type  string          // "down", "up", "ptr", "wheel", "touch", "axis", "text", "blur" or a custom name; "" is a kind that this version does not know: it has a number and does nothing
	Name  string          // the button ("ArrowUp"), the axis ("Pad0.Axis1"), the touch's phase ("start", "move", "end", "cancel"), the text
	Args  []float64       // ptr [x, y], wheel [dx, dy], touch [id, x, y], axis [value]
	Data  json.RawMessage // a custom event's payload; DecodeBatch makes it compact
	After uint64          // frames after the event before it, for the first one after Batch.Frame
}

// Batch is what a client sends at once.
type Batch struct {
	Base   uint64 // the last frame that it has applied, 0 if it does not say
	Seq    uint64 // number of the first event, from 1; the others follow
	Frame  uint64 // the frame that the first event is meant for, 0: as soon as possible
	Events []Event
}

// Limits bound what one batch may hold. Zero means the default.
type Limits struct {
	Events    int // events of a batch, 128
	TextBytes int // bytes of a text, 256
	DataBytes int // bytes of a custom event's payload, 2048
	Depth     int // arrays and objects within each other in a payload, 8
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	set(&l.Events, 128)
	set(&l.TextBytes, 256)
	set(&l.DataBytes, 2048)
	set(&l.Depth, 8)
	return l
}

// BatchError says what is wrong with a batch.
type BatchError struct {
	At  int // index of the event, -1: the batch itself
	Err error
}

func (e *BatchError) Error() string {
	if e.At < 0 {
		return "batch: " + e.Err.Error()
	}
	return fmt.Sprintf("event %d: %v", e.At, e.Err)
}

// Unwrap returns e.Err.
func (e *BatchError) Unwrap() error { return e.Err }

// TooManyError says that a batch has more events than Limits.Events.
type TooManyError struct {
	Max int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("batch has more than %d events, send them in several", e.Max)
}

var (
	errFirstByte = errors.New(`first byte is neither "{" (JSON) nor 0x20 to 0x3f (binary)`)
	errFrames    = fmt.Errorf("frames to wait for add up to more than %d", uint64(MaxUint))
)

// DecodeBatch decodes a batch, JSON or binary by its first byte, and checks all of it. The error is a
// *BatchError or a *TooManyError. It keeps nothing of p.
func DecodeBatch(p []byte, lim Limits) (Batch, error) {
	lim = lim.withDefaults()
	var b Batch
	var err error
	switch {
	case len(p) > 0 && p[0] == '{':
		b, err = decodeBatchJSON(p, lim)
	case len(p) > 0 && p[0]>>5 == batchKind:
		b, err = decodeBatchBinary(p, lim)
	default:
		err = batchError(errFirstByte)
	}
	if err != nil {
		return Batch{}, err
	}
	return b, nil
}

// check checks what one event cannot know.
func (b *Batch) check() error {
	if b.Seq == 0 {
		return batchError(errors.New("seq is 0 or missing, want the first event's number, from 1"))
	}
	if b.Seq+uint64(len(b.Events)) > MaxUint {
		return batchError(fmt.Errorf("seq %d is too high, want less than 2^53 with the events counted", b.Seq))
	}
	sum := b.Frame
	for i := range b.Events {
		if sum += b.Events[i].After; sum > MaxUint { // neither is above MaxUint, so no overflow
			return &BatchError{At: i, Err: errFrames}
		}
	}
	return nil
}

func batchError(err error) error { return &BatchError{At: -1, Err: err} }
