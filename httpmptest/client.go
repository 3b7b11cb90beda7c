package httpmptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/httpmp/httpmp"
)

// A Client is a fake client: one tab of a browser that plays. What it does reaches the game with the next
// frame.
type Client struct {
	// ID is the number that the match gave it.
	ID httpmp.ClientID

	h        *Harness
	token    string
	epoch    uint32
	base     uint64
	seq      uint64
	ack      uint64
	commands []httpmp.Command
	closed   string // why it is out; "" while it is in
}

// Join joins a client called name; the match makes the one frame that this takes. A refusal ends the
// test; see [Harness.TryJoin].
func (h *Harness) Join(name string) *Client {
	h.t.Helper()
	c, err := h.TryJoin(name, nil)
	if err != nil {
		h.t.Fatalf("httpmptest: Join(%q): %v", name, err)
	}
	return c
}

// TryJoin joins a client with data, which goes as JSON, and returns the refusal where there is one.
func (h *Harness) TryJoin(name string, data any) (*Client, error) {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"protos": []int{2}, "name": name, "data": data})
	if err != nil {
		return nil, err
	}
	var a struct {
		Token string
		ID    httpmp.ClientID
		Epoch uint32
	}
	c := &Client{h: h}
	before := h.Engine.Stats().Frame
	answer, err := c.request(http.MethodPost, "join", body)
	if err != nil {
		if h.Engine.Stats().Frame > before { // it took a frame to refuse
			h.readAll()
			h.check()
		}
		return nil, err
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, fmt.Errorf("the answer to join: %w", err)
	}
	c.token, c.ID, c.epoch = a.Token, a.ID, a.Epoch
	h.clients = append(h.clients, c)
	h.readAll()
	h.check()
	return c, nil
}

// Hold presses buttons and keeps them down.
func (c *Client) Hold(buttons ...string) { c.each("down", buttons) }

// Release lets buttons go.
func (c *Client) Release(buttons ...string) { c.each("up", buttons) }

// Tap presses and releases buttons within one frame.
func (c *Client) Tap(buttons ...string) {
	for _, b := range buttons {
		c.send([]any{"down", b}, []any{"up", b})
	}
}

// Type types text.
func (c *Client) Type(text string) { c.send([]any{"text", text}) }

// Point moves the pointer to x, y in world pixels.
func (c *Client) Point(x, y float64) { c.send([]any{"ptr", x, y}) }

// Blur releases everything, as a page does that is left.
func (c *Client) Blur() { c.send([]any{"blur"}) }

// Send sends a custom event; v goes as JSON.
func (c *Client) Send(event string, v any) { c.send([]any{event, v}) }

// Leave leaves.
func (c *Client) Leave() {
	c.h.t.Helper()
	if _, err := c.request(http.MethodPost, "leave", nil); err != nil {
		c.h.t.Fatalf("httpmptest: Leave: %v", err)
	}
	c.closed = "left"
}

// Vanish stops the client's reading, as a lost connection does: it neither says goodbye nor comes back.
func (c *Client) Vanish() { c.closed = "vanished" }

// Closed returns why the client is out: "left", "vanished", or what the server said; "" while it is in.
func (c *Client) Closed() string { return c.closed }

// Commands returns what the client was sent since the last call, in the order in which a page applies it.
func (c *Client) Commands() []httpmp.Command {
	defer func() { c.commands = nil }()
	return c.commands
}

// Ack returns the number of the client's last event that was folded into a frame; its first event has 1.
func (c *Client) Ack() uint64 { return c.ack }

func (c *Client) each(typ string, buttons []string) {
	for _, b := range buttons {
		c.send([]any{typ, b})
	}
}

// send posts one batch.
func (c *Client) send(events ...[]any) {
	c.h.t.Helper()
	body, err := json.Marshal(map[string]any{"seq": c.seq + 1, "b": c.base, "ev": events})
	if err == nil {
		_, err = c.request(http.MethodPost, "in", body)
	}
	if err != nil {
		c.h.t.Fatalf("httpmptest: client %d sends %v: %v", c.ID, events, err)
	}
	c.seq += uint64(len(events))
}

// read polls what is there, without waiting.
func (c *Client) read() {
	c.h.t.Helper()
	if c.closed != "" {
		return
	}
	answer, err := c.request(http.MethodGet, fmt.Sprintf("out?m=poll&f=json&w=0&b=%d&e=%d", c.base, c.epoch), nil)
	if err != nil {
		c.closed = err.Error()
		return
	}
	for line := range bytes.Lines(answer) {
		var l struct {
			Ctl *struct{ Epoch uint32 }
			Bye *struct{ Code, Msg string }
			Ack *uint64
		}
		if err := json.Unmarshal(line, &l); err != nil {
			c.h.t.Fatalf("httpmptest: client %d was sent %q: %v", c.ID, line, err)
		}
		switch {
		case l.Ctl != nil:
			c.epoch = l.Ctl.Epoch
		case l.Bye != nil:
			c.closed = strings.TrimSuffix(l.Bye.Code+": "+l.Bye.Msg, ": ")
		default:
			c.apply(line)
			if l.Ack != nil {
				c.ack = *l.Ack
			}
		}
	}
}

func (c *Client) apply(line []byte) {
	c.h.t.Helper()
	var err error
	if c.commands, c.base, err = httpmp.AppendCommands(slices.Clip(c.commands), line); err != nil {
		c.h.t.Fatalf("httpmptest: client %d: %v", c.ID, err)
	}
}

// refusal is an answer that is not a success.
type refusal struct {
	status    int
	code, msg string
}

func (e *refusal) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.msg) }

// request is one request to the Engine, without a socket.
func (c *Client) request(method, path string, body []byte) ([]byte, error) {
	r := httptest.NewRequest(method, "/"+path, bytes.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1" // Config.JoinRate does not count there
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	w := httptest.NewRecorder()
	c.h.Engine.ServeHTTP(w, r)
	if w.Code < 300 {
		return w.Body.Bytes(), nil
	}
	var answer struct{ Error struct{ Code, Msg string } }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("status %d: %q", w.Code, w.Body)
	}
	return nil, &refusal{w.Code, answer.Error.Code, answer.Error.Msg}
}
