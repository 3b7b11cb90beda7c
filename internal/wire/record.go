package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The kinds of record: the top 3 bits of a body's first byte. Kinds from 4 are for later; skip them.
const (
	KindFrame   = 0 // what changed, by Replica
	KindControl = 1 // JSON; a stream begins with one that holds a Hello
	KindPadding = 2 // to be ignored
	KindBye     = 3 // JSON: why the response ends
)

// Limits that hold for every record.
const (
	MaxStr    = 65535   // bytes of one string
	MaxSlot   = 65535   // the highest slot of a layer
	MaxRecord = 1 << 20 // bytes of a record's body
)

// ErrRecord is returned for a record whose length is 0 or above MaxRecord.
var ErrRecord = errors.New("record length is 0 or above 1048576 bytes")

// Hello is the first control record of a stream.
type Hello struct {
	Hello int    `json:"hello"` // protocol, 2
	Epoch uint32 `json:"epoch"` // the run of the match that the frame numbers belong to
	Frame uint64 `json:"frame"` // the newest frame
	Base  uint64 `json:"base"`  // the frame that the next one builds on, 0: the next one is a key frame
}

// Bye is the last record of a response that the server ends.
type Bye struct {
	Code  string `json:"code"`
	Msg   string `json:"msg,omitempty"`
	Retry int    `json:"retry,omitempty"` // ms after which to come back
}

// Kind returns the kind of a record by its body, which is not empty.
func Kind(body []byte) byte { return body[0] >> 5 }

// AppendRecord appends body, which is not empty, as a record of a stream: its length, then itself.
func AppendRecord(dst, body []byte) []byte {
	return append(AppendUv(dst, uint64(len(body))), body...)
}

// AppendControl appends a whole control record that holds v as JSON. It panics if v has none.
func AppendControl(dst []byte, v any) []byte { return appendJSONRecord(dst, KindControl, v) }

// AppendBye appends a whole bye record.
func AppendBye(dst []byte, b Bye) []byte { return appendJSONRecord(dst, KindBye, b) }

// AppendControlJSON appends the control record of JSON mode: {"ctl":v} and a newline.
func AppendControlJSON(dst []byte, v any) []byte { return appendJSONLine(dst, "ctl", v) }

// AppendByeJSON appends the bye record of JSON mode: {"bye":b} and a newline.
func AppendByeJSON(dst []byte, b Bye) []byte { return appendJSONLine(dst, "bye", b) }

func appendJSONRecord(dst []byte, kind byte, v any) []byte {
	p := mustJSON(v)
	dst = AppendUv(dst, uint64(len(p))+1)
	return append(append(dst, kind<<5), p...)
}

func appendJSONLine(dst []byte, name string, v any) []byte {
	dst = append(append(append(dst, `{"`...), name...), `":`...)
	return append(append(dst, mustJSON(v)...), "}\n"...)
}

func mustJSON(v any) []byte {
	p, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("wire: control record: %v", err))
	}
	return p
}

// SplitRecords takes the first record from the front of p, a piece of a stream, and returns its
// body, which is not empty and stays p's, and what follows. The error is ErrShort when p holds only a
// part of a record: read on. Any other error is final.
func SplitRecords(p []byte) (body, rest []byte, err error) {
	n, rest, err := ReadUv(p)
	switch {
	case err != nil:
		return nil, nil, err
	case n == 0 || n > MaxRecord:
		return nil, nil, ErrRecord
	case n > uint64(len(rest)):
		return nil, nil, ErrShort
	}
	return rest[:n:n], rest[n:], nil
}
