// Package httpmptest drives a game frame by frame in virtual time, with fake clients that join, press
// buttons and see what a page would see.
//
//	g := newPong()
//	h := httpmptest.New(t, g)
//	ann := h.Join("Ann")
//	ann.Hold("ArrowUp")
//	h.Frames(60)
//	require.Less(t, g.paddles[0].Y, 240.0)
//
// A fake client is a real one: it joins, sends and reads over the wire, without a socket. Its reads are in
// step with the frames, so a test gives the same result each time.
package httpmptest

import (
	"testing"

	"github.com/httpmp/httpmp"
)

// A Harness runs one match for a test.
type Harness struct {
	// Engine is what runs the match. It is driven by the Harness.
	Engine *httpmp.Engine

	t       testing.TB
	clients []*Client
	verify  bool
	hashes  []uint64
}

// New begins a match of g at 30 frames a second with seed 1. A test that fails to make it ends.
func New(t testing.TB, g httpmp.Game) *Harness {
	t.Helper()
	return NewConfig(t, g, httpmp.Config{Seed: 1})
}

// NewConfig begins a match of g as cfg says.
func NewConfig(t testing.TB, g httpmp.Game, cfg httpmp.Config) *Harness {
	t.Helper()
	if cfg.BatchRate == 0 {
		cfg.BatchRate = 10_000 // a second of a test is many of the match
	}
	e, err := httpmp.New(g, cfg)
	if err == nil {
		err = e.Advance(0)
	}
	if err != nil {
		t.Fatalf("httpmptest: %v", err)
	}
	t.Cleanup(e.Close)
	return &Harness{Engine: e, t: t}
}

// Frames makes n frames. After each of them every client reads what it is sent. A fault in the game ends
// the test; see [Harness.Step] for one that is expected.
func (h *Harness) Frames(n int) {
	h.t.Helper()
	for range n {
		if err := h.Step(); err != nil {
			h.t.Fatalf("httpmptest: %v", err)
		}
	}
}

// Step makes one frame and returns the error that Run would.
func (h *Harness) Step() error {
	h.t.Helper()
	err := h.Engine.Advance(1)
	h.readAll()
	if err == nil {
		h.check()
	}
	return err
}

// Verify has every frame from now on checked: the state of the match is saved, loaded into a new game and
// saved again, and the two must be equal. It finds state that is not saved, such as a closure, a pointer into
// the middle of a value or a cache without the tag "-".
func (h *Harness) Verify() { h.verify = true }

// Hashes returns the hash of the state after each frame since Verify was called. Two matches with the same
// inputs have the same ones.
func (h *Harness) Hashes() []uint64 { return h.hashes }

// readAll has every client read what it is sent.
func (h *Harness) readAll() {
	h.t.Helper()
	for _, c := range h.clients {
		c.read()
	}
}

// check saves, loads and saves again.
func (h *Harness) check() {
	if !h.verify {
		return
	}
	h.t.Helper()
	hash, err := h.Engine.Hash()
	if err == nil {
		err = h.Engine.Verify()
	}
	if err != nil {
		h.t.Fatalf("httpmptest: frame %d: %v", h.Engine.Stats().Frame, err)
	}
	h.hashes = append(h.hashes, hash)
}
