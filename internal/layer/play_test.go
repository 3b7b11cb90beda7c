package layer_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

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
		a, b := l.in[0].Delta(w.frame), l.in[1].Delta(w.frame)
		must(p.t, bytes.Equal(a, b), "frame %d layer %d: %q, restored and never still %q", w.frame, l.number, a, b)
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
