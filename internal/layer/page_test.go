package layer_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/wire"
)

// must is require.True for what is checked so often that its time counts.
func must(t *testing.T, ok bool, format string, args ...any) {
	if !ok {
		t.Helper()
		t.Fatalf(format, args...)
	}
}

// page is the state of a client at the other end of a connection.
type page struct {
	json   bool
	bin    *wire.Replica
	lines  *wire.JSONReplica
	frame  uint64
	log    [][]byte // what was applied since the last key frame, and the frame after it
	frames []uint64
	pos    layer.Position
	after  uint64  // events up to this frame have come
	asleep uint64  // until this frame it reads nothing
	js     *script // what node is to do too; nil: nothing
}

// open makes g new.
func (g *page) open(s wire.Schema) {
	g.bin, g.lines = wire.NewReplica(s), wire.NewJSONReplica()
	g.frame, g.log, g.frames = 0, nil, nil
	g.pos = layer.NewPosition(0, g.after)
	g.js.reset()
}

func (g *page) split(t *testing.T, p []byte) (records [][]byte) {
	if g.json {
		must(t, bytes.IndexByte(p, '\n') == len(p)-1, "not one line: %q", p)
		return [][]byte{p}
	}
	for len(p) > 0 {
		body, rest, err := wire.SplitRecords(p)
		must(t, err == nil, "%v: %q", err, p)
		records, p = append(records, body), rest
	}
	must(t, len(records) > 0, "no record")
	return records
}

func (g *page) apply(t *testing.T, record []byte) (info wire.Info) {
	var err error
	if g.json {
		info, err = g.lines.ApplyLine(record)
	} else {
		info, err = g.bin.Apply(record)
	}
	must(t, err == nil, "%v: %q", err, record)
	g.js.apply(record, info)
	if info.Key {
		g.log, g.frames = nil, nil
	}
	g.frame = info.Frame
	g.log, g.frames = append(g.log, slices.Clone(record)), append(g.frames, info.Frame)
	return info
}

func (g *page) ack() uint64 {
	if g.json {
		return g.lines.Ack()
	}
	return g.bin.Ack()
}

// canonical returns all that g sees. In JSON mode a field that is null has been taken from the client.
func (g *page) canonical() []byte {
	if !g.json {
		return g.bin.JSON()
	}
	s := g.lines.State()
	for _, sprite := range s.Sprites {
		for name, raw := range sprite.Fields {
			if bytes.Equal(raw, json.RawMessage("null")) {
				delete(sprite.Fields, name)
			}
		}
	}
	return s.AppendJSON(nil)
}
