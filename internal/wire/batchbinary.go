package wire

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// batchKind is the kind of a binary batch: the top 3 bits of its first byte. The others are for later.
const batchKind = 1

// The kinds of event in a binary batch: the low 4 bits of an event's first byte. The high 4 are the
// frames after the event before it; 15: 15 and a uv that follows.
const (
	evDown   = iota // uv button
	evUp            // uv button
	evPtr           // sv x, sv y in half units, differences to the ptr before it in the batch
	evWheel         // sv dx, sv dy in half units
	evTouch         // u8 phase*16 + id, sv x, sv y in half units
	evAxis          // u8 pad*16 + axis, i8 in 1/127
	evText          // str
	evBlur          // nothing
	evCustom        // str type, json
	// From 9: uv length, which many bytes to skip.
)

func decodeBatchBinary(p []byte, lim Limits) (Batch, error) {
	if p[0] != batchKind<<5 {
		return Batch{}, batchError(fmt.Errorf("first byte is %#02x, want 0x20: its flags are for later versions", p[0]))
	}
	d := batchReader{reader: reader{p: p[1:]}}
	b := Batch{Base: d.uv(), Seq: d.uv(), Frame: d.uv()}
	if d.err != nil {
		return Batch{}, batchError(d.err)
	}
	for len(d.p) > 0 {
		if len(b.Events) == lim.Events {
			return Batch{}, &TooManyError{Max: lim.Events}
		}
		var e Event
		known := d.event(&e)
		err := d.err
		if err == nil && known {
			err = e.Validate(lim)
		}
		if err != nil {
			return Batch{}, &BatchError{At: len(b.Events), Err: err}
		}
		if e.Data != nil {
			e.Data = compact(e.Data)
		}
		b.Events = append(b.Events, e)
	}
	return b, b.check()
}

// batchReader reads the events of a batch.
type batchReader struct {
	reader
	args []float64 // room for the events' Args
	x, y int64     // where the last ptr was, in half units
}

// event reads one event and reports whether its kind is known.
func (d *batchReader) event(e *Event) bool {
	head := d.u8()
	e.After = uint64(head >> 4)
	if e.After == 15 {
		e.After += d.uv()
	}
	switch head & 15 {
	case evDown, evUp:
		e.Type = "down"
		if head&15 == evUp {
			e.Type = "up"
		}
		n := d.uv()
		name, ok := ButtonName(int(min(n, Buttons)))
		if !ok {
			d.failf("unknown button %d, want a number of the table, below %d", n, Buttons)
		}
		e.Name = name
	case evPtr:
		e.Type = "ptr"
		d.x += d.sv()
		d.y += d.sv()
		d.pair(e, d.x, d.y)
	case evWheel:
		e.Type = "wheel"
		d.pair(e, d.sv(), d.sv())
	case evTouch:
		e.Type = "touch"
		n := d.u8()
		if int(n>>4) >= len(touchPhases) {
			d.failf("touch phase %d, want 0 start, 1 move, 2 end or 3 cancel", n>>4)
			return true
		}
		e.Name = touchPhases[n>>4]
		d.arg(e, float64(n&15))
		d.pair(e, d.sv(), d.sv())
	case evAxis:
		e.Type = "axis"
		n := d.u8()
		e.Name = axisName(int(n))
		d.arg(e, float64(int8(d.u8()))/127)
	case evText:
		e.Type = "text"
		e.Name = string(d.bytes())
	case evBlur:
		e.Type = "blur"
	case evCustom:
		e.Type = string(d.bytes())
		e.Data = bytes.Clone(d.bytes())
		if builtin(e.Type) {
			d.failf("event type %q is not a custom one, want its own kind", e.Type)
		}
	default:
		d.bytes()
		return false
	}
	return true
}

func builtin(typ string) bool {
	switch typ {
	case "down", "up", "ptr", "wheel", "touch", "axis", "text", "blur":
		return true
	}
	return false
}

// pair appends x, y half units to e.Args.
func (d *batchReader) pair(e *Event, x, y int64) {
	d.arg(e, float64(x)/2)
	d.arg(e, float64(y)/2)
}

// arg appends v to e.Args, of which there are at most 3. Several events share one array.
func (d *batchReader) arg(e *Event, v float64) {
	if e.Args == nil {
		if cap(d.args)-len(d.args) < 3 {
			d.args = make([]float64, 0, 24)
		}
		n := len(d.args)
		e.Args = d.args[n : n : n+3]
	}
	e.Args = append(e.Args, v)
	d.args = append(d.args, v)
}

// AppendBatch appends the binary form of b, whose events are valid. Positions are rounded to half units
// and axes to 1/127.
func AppendBatch(dst []byte, b Batch) []byte {
	dst = append(dst, batchKind<<5)
	dst = AppendUv(AppendUv(AppendUv(dst, b.Base), b.Seq), b.Frame)
	var x, y int64
	for _, e := range b.Events {
		switch e.Type {
		case "down", "up":
			kind := byte(evDown)
			if e.Type == "up" {
				kind = evUp
			}
			n, _ := Button(e.Name)
			dst = AppendUv(appendEventHead(dst, kind, e.After), uint64(n))
		case "ptr":
			x0, y0 := x, y
			x, y = halves(e.Args[0]), halves(e.Args[1])
			dst = AppendSv(AppendSv(appendEventHead(dst, evPtr, e.After), x-x0), y-y0)
		case "wheel":
			dst = AppendSv(AppendSv(appendEventHead(dst, evWheel, e.After), halves(e.Args[0])), halves(e.Args[1]))
		case "touch":
			dst = append(appendEventHead(dst, evTouch, e.After), byte(slices.Index(touchPhases, e.Name)<<4|int(e.Args[0])))
			dst = AppendSv(AppendSv(dst, halves(e.Args[1])), halves(e.Args[2]))
		case "axis":
			n, _ := axisNumber(e.Name)
			dst = append(appendEventHead(dst, evAxis, e.After), byte(n), byte(int8(math.Round(e.Args[0]*127))))
		case "text":
			dst = AppendStr(appendEventHead(dst, evText, e.After), e.Name)
		case "blur":
			dst = appendEventHead(dst, evBlur, e.After)
		case "":
			dst = AppendUv(appendEventHead(dst, 15, e.After), 0)
		default:
			dst = AppendStr(appendEventHead(dst, evCustom, e.After), e.Type)
			dst = append(AppendUv(dst, uint64(len(e.Data))), e.Data...)
		}
	}
	return dst
}

func appendEventHead(dst []byte, kind byte, after uint64) []byte {
	if after < 15 {
		return append(dst, byte(after)<<4|kind)
	}
	return AppendUv(append(dst, 15<<4|kind), after-15)
}

// halves returns v in half units. The bound keeps the difference of two in an sv.
func halves(v float64) int64 {
	return int64(min(max(math.Floor(v*2+0.5), -2*maxPosition+1), 2*maxPosition-1))
}
