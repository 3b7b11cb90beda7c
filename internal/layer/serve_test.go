package layer_test

import (
	"bytes"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/layer"
)

// serve lets g read, or not, or be cut off.
func (p *play) serve(c *client, g *page) {
	w := p.world
	switch {
	case g.asleep > w.frame:
		return
	case w.rare(0.02):
		g.asleep = w.frame + 1 + uint64(w.rng.IntN(p.naps[w.rng.IntN(len(p.naps))]))
		if w.chance(0.3) {
			p.reopen(g)
		}
		return
	case w.chance(p.nods):
		g.asleep = w.frame + 1 + uint64(w.rng.IntN(2))
		return
	case w.rare(0.03):
		p.reopen(g)
	}
	p.read(c, g, false)
}

// read takes g to the newest frame, or lets the connection break on the way unless all is to be read.
func (p *play) read(c *client, g *page, all bool) {
	w := p.world
	check := all || w.chance(p.checks)
	changed := c.view.Changed(g.frame)
	dst := []byte("before")
	ack := w.frame / 7
	if g.json {
		dst = c.view.AppendJSON(dst, &g.pos, w.frame, ack, -3)
	} else {
		dst = c.view.Append(dst, &g.pos, w.frame, ack, -3)
	}
	must(p.t, string(dst[:6]) == "before", "Append changes what was there: %q", dst[:6])
	must(p.t, g.pos.Base == w.frame, "base %d, want %d", g.pos.Base, w.frame)
	same := !changed && g.frame > 0
	var old []byte
	if same && check {
		old = g.canonical()
	}
	records := g.split(p.t, dst[6:])
	if g.json && bytes.Contains(records[0], []byte(`"word":null`)) {
		p.kinds[3]++
	}
	if len(records) > 1 {
		p.kinds[1]++
		if !all && w.chance(0.2) { // the connection breaks on the way
			for _, r := range records[:w.rng.IntN(len(records))] {
				info := g.apply(p.t, r)
				g.after = max(g.after, info.Frame)
			}
			p.reopen(g)
			return
		}
	}
	var got []string
	gap := false
	for _, r := range records {
		info := g.apply(p.t, r)
		gap = gap || info.EvGap
		if info.Key {
			p.kinds[0]++
		}
		for _, e := range info.Events {
			must(p.t, e.Type == "say", "event of type %q", e.Type)
			got = append(got, string(e.Payload))
		}
		must(p.t, info.Ack <= ack, "ack %d, want at most %d", info.Ack, ack)
	}
	must(p.t, g.ack() == ack, "ack %d, want %d", g.ack(), ack)
	p.checkEvents(c, g, got, gap)
	g.after = w.frame
	if same {
		must(p.t, len(got) == 0, "nothing changed, and events %.200q", got)
	}
	if !check {
		return
	}
	want, now := w.state(c.visible()).AppendJSON(nil), g.canonical()
	if !bytes.Equal(want, now) {
		p.t.Fatalf("frame %d, json=%v: %s\nby %.2000q", w.frame, g.json, firstDifference(want, now), records)
	}
	if old != nil {
		require.Equal(p.t, withoutFrame(old), withoutFrame(now))
	}
	if g.js != nil {
		g.js.state(now, ack)
	}
}

// firstDifference shows where two states begin to differ.
func firstDifference(want, got []byte) string {
	i := 0
	for i < min(len(want), len(got)) && want[i] == got[i] {
		i++
	}
	from := max(0, i-60)
	return fmt.Sprintf("got …%.160s, want …%.160s", got[from:], want[from:])
}

func withoutFrame(p []byte) string { return string(p[bytes.IndexByte(p, ','):]) }

// checkEvents checks that each event came once and in the order of its layer, unless g was told of a
// gap, and that it was told only of one that there is.
func (p *play) checkEvents(c *client, g *page, got []string, gap bool) {
	want := c.events(g.after)
	if gap {
		p.kinds[2]++
		must(p.t, len(got) < len(want), "a gap, but nothing is missing")
	} else {
		must(p.t, len(got) == len(want), "%d events, want %d", len(got), len(want))
	}
	if len(got) == 0 {
		return
	}
	at := map[string]int{}
	for i, payload := range got {
		_, twice := at[payload]
		if twice {
			p.t.Fatalf("event %.40s twice", payload)
		}
		at[payload] = i
	}
	known := 0
	for _, payload := range want {
		if _, ok := at[payload]; ok {
			known++
		}
	}
	require.Equal(p.t, len(got), known, "events that are not for this client")
	for _, e := range c.seen {
		last := -1
		for _, ev := range e.layer.sent {
			if i, ok := at[ev.payload]; ok {
				if i <= last {
					p.t.Fatalf("order of events: %.40s", ev.payload)
				}
				last = i
			}
		}
	}
}

// reopen makes g forget some of what it had and open a new response.
func (p *play) reopen(g *page) {
	w := p.world
	keep := len(g.log)
	switch {
	case w.chance(0.1):
		keep = 0
	case w.chance(0.5) && keep > 0:
		keep = w.rng.IntN(keep + 1)
	}
	events := g.after
	log, frames := g.log[:keep], g.frames[:keep]
	g.open(p.schema)
	for i, r := range log {
		g.apply(p.t, r)
		must(p.t, g.frame == frames[i], "frame %d, want %d", g.frame, frames[i])
	}
	if w.chance(0.5) && g.frame > 0 {
		events = min(events, g.frame) // the events after it have been forgotten too
	}
	g.after = max(events, g.frame)
	g.pos = layer.NewPosition(g.frame, events)
}
