package httpmp

import (
	"encoding/json"
	"fmt"

	"github.com/httpmp/httpmp/internal/layer"
)

// ClientID numbers the clients of a match from 1 in order of joining; a number is never used again.
type ClientID uint32

// A Client is one joined player, from Game.Join to Game.Leave. A Game may keep it, also when it has left: its
// id, name and seat stay, Send does nothing, and its input is nobody's. Call its methods
// only from Game and Sprite methods, but for [Client.ID] and [Client.In], which are concurrent-safe.
//
// It does not tell where the player is or how fast the line is: that is not in the input log, so
// nothing in the world may depend on it.
type Client struct {
	id   ClientID
	seat int
	name string
	data json.RawMessage

	in   *InChannel   `httpmp:"-"`
	core *core        `httpmp:"-"`
	priv *privateSide `httpmp:"-"` // made anew by the core when a match is loaded

	// Owned by the frame loop; part of the saved state.
	pending []event
	left    bool
	dropped bool
	kicked  string // the reason it was dropped for
	ack     uint64 // number of the last input folded
	state   FrameState
}

// event is something to be sent with the next frame.
type event struct {
	name    string
	payload []byte // JSON
}

// privateSide is what one client alone is sent, and what it sees at all.
type privateSide struct {
	me         meSource
	companions int // the sprites whose private fields it is sent: they are read in each frame
	layer      *layer.Layer
	view       layer.View
	stale      bool // it is in core.stale
}

// ID returns the client's number.
func (c *Client) ID() ClientID { return c.id }

// Name returns the name the client joined with, as Config.Admit left it. It may be empty, and two
// clients may have the same.
func (c *Client) Name() string { return c.name }

// Seat returns the lowest number that was free when the client joined, from 0. It keeps its seat until
// it leaves; then the next to join takes it.
func (c *Client) Seat() int { return c.seat }

// Decode stores the JSON that the page joined with in v, like json.Unmarshal. It leaves v alone where
// the page sent none.
func (c *Client) Decode(v any) error {
	if len(c.data) == 0 {
		return nil
	}
	return json.Unmarshal(c.data, v)
}

// Send sends an event to this client's page with the frame that is being made; v goes as JSON. It
// panics where v has no JSON form or name is not 1 to 32 of a-z, 0-9 and _.-.
func (c *Client) Send(name string, v any) {
	if c.left {
		return
	}
	c.core.world.mustNotShow("Send")
	if len(c.pending) == 0 {
		c.core.sending = append(c.core.sending, c)
	}
	c.pending = append(c.pending, newEvent(name, v))
}

// Drop sends the client away after this frame; its page shows reason. Game.Leave is called in the next.
func (c *Client) Drop(reason string) {
	if !c.left && !c.dropped {
		c.core.world.mustNotShow("Drop")
		c.core.dropped = append(c.core.dropped, c)
		c.dropped, c.kicked = true, reason
	}
}

// In returns the client's InChannel: what a bot or another carrier pushes its events into.
func (c *Client) In() *InChannel {
	if c.in == nil { // it had left before the match was saved
		return &InChannel{closed: true}
	}
	return c.in
}

// StateOrder makes a Client usable as the key of a map that is saved.
func (c *Client) StateOrder() uint64 { return uint64(c.id) }

// maxPayload is the longest payload of one event to pages, in bytes.
const maxPayload = 16 << 10

func newEvent(name string, v any) event {
	p, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("event %q: %w", name, err))
	}
	if !eventName(name) {
		panic(fmt.Errorf("event %q: want a name of 1 to 32 characters of a-z, 0-9 and _.-", name))
	}
	if len(p) > maxPayload {
		panic(fmt.Errorf("event %q is %d bytes of JSON, want at most %d", name, len(p), maxPayload))
	}
	return event{name, p}
}

func eventName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}
