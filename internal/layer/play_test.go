package layer_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/layer"
	"github.com/httpmp/httpmp/internal/wire"
)

// client is one view, and two pages that follow it: a binary one and one in JSON mode.
type client struct {
	view    layer.View
	private *worldLayer
	joined  uint64
	seen    []period
	pages   [2]*page
}

// period is a layer that the client sees in the frames from ≤ n < until.
type period struct {
	layer       *worldLayer
	from, until uint64
}

const never = ^uint64(0)

// kinds counts what is to happen to some page in some world.
type kinds [len(kindNames)]int

var kindNames = [...]string{"key frame", "several records at once", "event gap", "loss of private fields"}

func (k *kinds) add(more kinds) {
	for i, n := range more {
		k[i] += n
	}
}

// check fails t if something never happened.
func (k *kinds) check(t *testing.T) {
	t.Helper()
	for i, n := range k {
		require.Positive(t, n, "no %s", kindNames[i])
	}
}

// play is a run of one world.
type play struct {
	*world
	t       *testing.T
	clients []*client
	kinds   kinds
	js      *decoder // what binary pages read is read there too; nil: it is not
}

// run plays the world to its end, where every page must have what there is, also from a base that it
// had before.
func (p *play) run() {
	for range p.frames {
		p.next()
	}
	for _, c := range slices.Clone(p.clients) {
		for _, g := range c.pages {
			p.read(c, g, true)
			p.reopen(g)
			p.read(c, g, true)
		}
		p.leave(c)
	}
}

func (p *play) next() {
	w := p.world
	w.frame++
	for len(p.clients) < p.few || len(p.clients) < p.many && w.rare(0.02) {
		p.join()
	}
	if w.rare(0.01) && len(p.clients) > 0 {
		p.leave(p.clients[w.rng.IntN(len(p.clients))])
	}
	p.layers()
	w.rest()
	w.mutate(p.clients)
	for _, c := range p.clients {
		p.look(c)
	}
	require.NoError(p.t, w.encode())
	for _, l := range w.layers {
		require.Equal(p.t, l.in[0].Delta(w.frame), l.in[1].Delta(w.frame), "frame %d layer %d restored", w.frame, l.number)
	}
	for _, c := range p.clients {
		for _, g := range c.pages {
			p.serve(c, g)
		}
	}
	if w.rare(0.02) {
		require.NoError(p.t, w.restore())
	}
}

func (p *play) join() {
	c := &client{joined: p.frame}
	c.private = p.open(1)
	p.add(c.private, wire.ClassMe, 0)
	c.see(p.shared, p.frame)
	c.see(c.private, p.frame)
	for i := range c.pages {
		g := &page{json: i == 1, after: p.frame - 1}
		if p.js != nil && !g.json {
			g.js = &script{}
		}
		g.open(p.schema)
		c.pages[i] = g
	}
	p.clients = append(p.clients, c)
}

func (p *play) leave(c *client) {
	for _, g := range c.pages {
		if g.js != nil {
			p.js.run(p.t, g.js)
		}
	}
	for id, r := range p.owned {
		if r.owner == c {
			delete(p.owned, id)
		}
	}
	p.close(c.private)
	p.clients = slices.DeleteFunc(p.clients, func(o *client) bool { return o == c })
}

// layers opens and closes layers, with and without moving the sprites out first.
func (p *play) layers() {
	w := p.world
	if w.rare(0.05) && len(w.layers) < 12 {
		number := uint64(2 + w.rng.IntN(4))
		if p.named(number) == nil {
			w.open(number)
		}
	}
	if !w.rare(0.03) {
		return
	}
	l := w.public()
	if l == w.shared {
		return
	}
	var next *worldLayer
	w.close(l)
	if w.chance(0.5) {
		next = w.open(l.number)
	}
	for _, r := range slices.Clone(l.rows) {
		if w.chance(0.5) {
			w.take(r)
			w.put(w.public(), r)
		} else if c := w.owned[r.id]; c != nil && w.chance(0.5) {
			w.disown(r.id)
		}
	}
	for _, c := range p.clients {
		if i := c.sees(l.number); i >= 0 {
			if next != nil && w.chance(0.6) {
				c.see(next, w.frame)
			} else {
				c.unsee(l.number, w.frame)
			}
		}
	}
}

func (p *play) named(number uint64) *worldLayer {
	for _, l := range p.world.layers {
		if l.number == number {
			return l
		}
	}
	return nil
}

// look changes what c sees.
func (p *play) look(c *client) {
	w := p.world
	for range 2 {
		if !w.rare(0.08) {
			continue
		}
		number := uint64(2 + w.rng.IntN(4))
		l := p.named(number)
		if c.sees(number) >= 0 {
			c.unsee(number, w.frame)
			if l != nil && w.chance(0.2) {
				c.see(l, w.frame)
			}
		} else if l != nil {
			c.see(l, w.frame)
			if w.chance(0.1) {
				c.unsee(number, w.frame)
			}
		}
	}
	if w.rare(0.005) { // another private layer
		old := c.private
		c.private = w.open(1)
		w.add(c.private, wire.ClassMe, 0)
		var ids []uint32
		for id, r := range w.owned {
			if r.owner == c {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		for _, id := range ids {
			r := w.owned[id]
			w.take(r)
			w.put(c.private, r)
		}
		c.see(c.private, w.frame)
		w.close(old)
	}
}

func (c *client) sees(number uint64) int {
	return slices.IndexFunc(c.seen, func(e period) bool { return e.layer.number == number && e.until == never })
}

func (c *client) see(l *worldLayer, from uint64) {
	if i := c.sees(l.number); i >= 0 {
		c.seen[i].until = from
	}
	c.seen = append(c.seen, period{l, from, never})
	c.view.See(l.in[0], from)
}

func (c *client) unsee(number, from uint64) {
	c.seen[c.sees(number)].until = from
	c.view.Unsee(number, from)
}

// visible returns the layers that c sees now.
func (c *client) visible() (layers []*worldLayer) {
	for _, e := range c.seen {
		if e.until == never {
			layers = append(layers, e.layer)
		}
	}
	return layers
}

// events returns the events in frames after ≤ n that c was to get.
func (c *client) events(after uint64) (payloads []string) {
	for _, e := range c.seen {
		for _, ev := range e.layer.sent {
			if ev.frame > after && ev.frame >= e.from && ev.frame < e.until {
				payloads = append(payloads, ev.payload)
			}
		}
	}
	return payloads
}

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
	case w.chance(0.1):
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
	require.Equal(p.t, "before", string(dst[:6]))
	require.Equal(p.t, w.frame, g.pos.Base)
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
			require.Equal(p.t, "say", e.Type)
			got = append(got, string(e.Payload))
		}
		require.LessOrEqual(p.t, info.Ack, ack)
	}
	require.Equal(p.t, ack, g.ack())
	p.checkEvents(c, g, got, gap)
	g.after = w.frame
	if same {
		require.Empty(p.t, got)
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
		require.Less(p.t, len(got), len(want), "a gap, but nothing is missing")
	} else {
		require.Len(p.t, got, len(want))
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
		require.Equal(p.t, frames[i], g.frame)
	}
	if w.chance(0.5) && g.frame > 0 {
		events = min(events, g.frame) // the events after it have been forgotten too
	}
	g.after = max(events, g.frame)
	g.pos = layer.NewPosition(g.frame, events)
}
