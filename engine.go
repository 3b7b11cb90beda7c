package httpmp

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/httpmp/httpmp/internal/wire"
)

// An Engine runs one match: it owns the frame loop, and it is an http.Handler that serves the page and
// the paths of docs/protocol.md wherever it is mounted. [New] makes one.
type Engine struct {
	// HTTP is the table of paths. Add to it before the Engine serves.
	HTTP HTTPServer

	cfg     Config // with its defaults filled in; immutable, like what follows
	log     *slog.Logger
	lim     wire.Limits
	lead    uint64 // Config.Lead in frames; the same for the next three
	silence uint64
	resume  uint64
	grace   uint64 // within which a session must open its first out

	schemaHash string

	calls   chan func()   // Do's functions, run between two frames
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed at the end of the match
	close   func()        // closes closing, once

	loop chan struct{} // capacity 1; full while Run, Advance or Load has the core
	core *core         // owned by the holder of loop; its layers are guarded by mu

	ready     readyList // concurrent-safe
	warnFlush sync.Once

	bytesIn, bytesOut atomic.Uint64

	mu       sync.Mutex // guards the fields below; no game code runs and nothing is written to a network under it
	phase    phase
	epoch    uint32
	frame    uint64     // the newest that is out
	order    []*session // in order of their clients' ids
	byID     map[ClientID]*session
	absent   []*session // that may have no out
	alarms   alarms
	ringing  []alarm // scratch
	tokens   map[tokenHash]*session
	nonces   map[string]*joining
	joins    []*joining
	joining  int // pages whose join is not answered yet, in Admit too
	joinRate addrLimiter
	leaves   []ClientID
	kicked   []*session // whose tokens are kept to say so
	bye      wire.Bye   // what was said at the end
	stats    Stats      // but for the bytes
}

// phase is where in its life an Engine is.
type phase int

const (
	fresh   phase = iota // made, no frame yet
	running              // by Run
	manual               // by Advance
	over
)

const (
	catchUp    = 5               // frames made at once when the loop is late; beyond, time is dropped
	firstOut   = 3 * time.Second // within which a session opens its first out
	nonceLife  = 10 * time.Second
	writeLimit = 10 * time.Second // within which a write must take a byte
	lastWrite  = time.Second      // within which the last bytes of a match must be taken
	maxPoll    = 25 * time.Second // the longest that a poll waits
	poll       = 20 * time.Second // how long it does unless it says otherwise
)

// New checks g, the types of its state and cfg, and calls g.Start. It starts no goroutine that outlives
// it. The error names what is wrong and what would be right. A Game plays in one Engine only.
func New(g Game, cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	for cfg.Seed == 0 {
		cfg.Seed = randomUint64()
	}
	k, err := newCore(g, cfg.FPS, cfg.MaxClients, cfg.Seed)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg:     cfg,
		log:     cfg.Logger,
		core:    k,
		lim:     wire.Limits{Events: cfg.MaxBatchEvents, TextBytes: cfg.MaxTextBytes, DataBytes: 2 << 10, Depth: 8},
		lead:    cfg.frames(cfg.Lead),
		silence: cfg.frames(cfg.Silence),
		resume:  cfg.frames(cfg.Resume),
		grace:   cfg.frames(firstOut),
		loop:    make(chan struct{}, 1),
		calls:   make(chan func()),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
		tokens:  make(map[tokenHash]*session),
		nonces:  make(map[string]*joining),
		byID:    make(map[ClientID]*session),
		alarms:  newAlarms(cfg.frames(cfg.Silence)),
		epoch:   newEpoch(),
	}
	e.schemaHash = k.schema.Hash()
	e.joinRate.perSecond = cfg.JoinRate
	e.close = sync.OnceFunc(func() { close(e.closing) })
	e.HTTP.init(e)
	for _, m := range misspelt(g) {
		e.log.Warn("httpmp: a method that is never called", "method", m[0], "meant", m[1])
	}
	return e, nil
}

// newEpoch returns the random number of a run of a match; 0 is never one.
func newEpoch() uint32 { return uint32(randomUint64()) | 1 }

func randomUint64() uint64 {
	var b [8]byte
	crand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

// Run makes frames in real time until ctx is done, the Game quits, Close is called or game code fails. It
// returns nil, Quit's error, or a *GameError. Then every page has been told and no goroutine that Run
// started is left. It runs an Engine once.
//
// Frames keep to an absolute schedule. When the loop is late it makes at most 5 frames at once and
// drops the rest of the time, counted in Stats.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.enter(running); err != nil {
		return err
	}
	e.loop <- struct{}{}
	defer func() { <-e.loop }()
	e.log.Info("httpmp: match", "fps", e.cfg.FPS, "seed", e.cfg.Seed)
	outer := ctx
	group, ctx := errgroup.WithContext(outer)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if e.cfg.Beside != nil {
		group.Go(func() error {
			err := e.cfg.Beside(ctx, e)
			if errors.Is(err, ErrClosed) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil // it ended with the match
			}
			return err
		})
	}
	group.Go(func() error {
		defer cancel()
		err := e.core.guard(func() error { return e.keepTime(ctx) })
		if errors.Is(err, errQuit) {
			err = e.core.world.quit.err
		}
		if err == nil && ctx.Err() != nil && outer.Err() == nil {
			err = context.Cause(ctx) // what Beside returned
		}
		e.end(err)
		return err
	})
	return group.Wait()
}

// Advance makes n frames now, in virtual time: for tests, replays and tools. The first Advance, of 0 frames
// too, takes the Engine over: Run is refused from then on, and whoever joins has the one frame made that
// it waits for. It returns what Run would.
func (e *Engine) Advance(n int) error {
	if err := e.enter(manual); err != nil {
		return err
	}
	e.loop <- struct{}{}
	defer func() { <-e.loop }()
	err := e.core.guard(func() error {
		for range n {
			if err := e.makeFrame(time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		if errors.Is(err, errQuit) {
			err = e.core.world.quit.err
		}
		e.end(err)
	}
	return err
}

// enter begins a phase, or says why it cannot.
func (e *Engine) enter(p phase) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.phase == over:
		return ErrClosed
	case e.phase == running:
		return errors.New("httpmp: the engine is running already; one Run at a time, and no Advance beside it")
	case e.phase == manual && p == running:
		return errors.New("httpmp: Run: the engine is driven by Advance; make another with New")
	}
	e.phase = p
	return nil
}

// Do runs read between two frames, so that it may read the state of the match, and returns when it
// has run. It must not change anything: what comes from outside goes through an InChannel. It returns
// ctx's error, or ErrClosed. A panic in read ends the match as one in game code does.
//
// Do is concurrent-safe. Called from game code, or before Run, it does not return before ctx is done.
func (e *Engine) Do(ctx context.Context, read func()) error {
	e.mu.Lock()
	byHand := e.phase == manual
	e.mu.Unlock()
	if byHand {
		select {
		case e.loop <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-e.loop }()
		err := e.core.guard(func() error { read(); return nil })
		if err != nil {
			e.end(err)
		}
		return err
	}
	done := make(chan struct{})
	select {
	case e.calls <- func() { read(); close(done) }:
		select {
		case <-done:
			return nil
		case <-e.ended: // read has ended the match
			return ErrClosed
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ended:
		return ErrClosed
	}
}

// Load replaces the match by one that Save saved of the same game. Pages get everything anew. Call it
// between two Advances, never beside Run. A client that has no page or bot here leaves after Config.Resume.
// An error names what is wrong, and then nothing has changed, unless
// it is a *GameError, which ends the Engine.
func (e *Engine) Load(p []byte) error {
	if err := e.enterLoad(); err != nil {
		return err
	}
	e.loop <- struct{}{}
	defer func() { <-e.loop }()
	if err := e.core.load(p); err != nil {
		if fault := (*GameError)(nil); errors.As(err, &fault) {
			e.end(err)
		}
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.byID
	e.frame, e.epoch = e.core.world.frame, newEpoch()
	e.order, e.byID = nil, make(map[ClientID]*session)
	for _, c := range e.core.world.clients {
		s := before[c.id]
		if s == nil || s.gone {
			s = e.newSession(c.id, e.newInChannel())
			s.opened = true
			e.missLocked(s) // nobody may come for it
		}
		s.in.rebase()
		s.client, c.in = c, s.in
		s.in.client = c.id
		s.joined, s.away, s.seen, s.sent = e.frame, e.frame, 0, 0
		e.order = append(e.order, s)
		e.byID[c.id] = s
		if s.out != nil {
			s.out.end(wire.Bye{Code: "rotate"})
		}
	}
	for id, s := range before {
		if e.byID[id] != s {
			e.forget(s)
		}
	}
	e.leaves = nil
	e.alarms = newAlarms(e.silence)
	e.alarms.now = e.frame
	return nil
}

// enterLoad says why nothing can be loaded now.
func (e *Engine) enterLoad() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch e.phase {
	case over:
		return ErrClosed
	case running:
		return errors.New("httpmp: Load: the engine is running; load before Run, or drive it by Advance")
	case fresh, manual:
	}
	return nil
}

// newSession returns the session of a client.
func (e *Engine) newSession(id ClientID, in *InChannel) *session {
	return &session{id: id, in: in, rate: newLimiter(e.cfg.BatchRate, 2), outs: newLimiter(e.cfg.BatchRate, 2)}
}

// Close ends the match as a done context does, and returns when Run has. Give it to
// http.Server.RegisterOnShutdown where the Engine is mounted in a server of your own.
//
// Close is concurrent-safe and may be called again, but not from game code or Config.Beside.
func (e *Engine) Close() {
	e.close()
	e.loop <- struct{}{}
	defer func() { <-e.loop }()
	e.end(nil)
}

// end tells everybody that the match is over: for good where err says why.
func (e *Engine) end(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase == over {
		return
	}
	e.phase = over
	e.bye = wire.Bye{Code: "shutdown", Retry: 500}
	if err != nil {
		e.bye = wire.Bye{Code: "error", Msg: "The match has ended because of a fault in it."}
	}
	for _, s := range e.order {
		s.in.close()
		if s.out == nil {
			continue
		}
		if err == nil {
			s.out.final = e.frame
		}
		s.out.end(e.bye)
		if !s.out.poll || s.out.writing != 0 {
			s.out.stall(lastWrite)
		}
	}
	close(e.ended)
}
