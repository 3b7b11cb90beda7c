package layer_test

import (
	"slices"

	"github.com/httpmp/httpmp/internal/layer"
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
