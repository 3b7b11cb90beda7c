package httpmp

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
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

	loop sync.Mutex // held by whoever makes frames: Run, Advance
	core *core      // owned by the holder of loop; its layers are guarded by mu

	bytesIn, bytesOut atomic.Uint64

	mu       sync.Mutex // guards the fields below; no game code runs and nothing is written to a network under it
	phase    phase
	epoch    uint32
	frame    uint64     // the newest that is out
	order    []*session // in order of their clients' ids
	tokens   map[tokenHash]*session
	nonces   map[string]*joining
	joins    []*joining
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
		calls:   make(chan func()),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
		tokens:  make(map[tokenHash]*session),
		nonces:  make(map[string]*joining),
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
	crand.Read(b[:]) //nolint:errcheck // it never fails
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
	e.loop.Lock()
	defer e.loop.Unlock()
	e.log.Info("httpmp: match", "fps", e.cfg.FPS, "seed", e.cfg.Seed)
	group, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if e.cfg.Beside != nil {
		group.Go(func() error { return e.cfg.Beside(ctx, e) })
	}
	group.Go(func() error {
		defer cancel()
		err := guard(e.core.frame, func() error { return e.keepTime(ctx) })
		if errors.Is(err, errQuit) {
			err = e.core.world.quit.err
		}
		e.end(err)
		return err
	})
	return group.Wait()
}

// errQuit ends the loop when the game has called Quit.
var errQuit = errors.New("quit")

// keepTime makes frame k at k/FPS after its start.
func (e *Engine) keepTime(ctx context.Context) error {
	start, made := time.Now(), int64(0)
	at := func(k int64) time.Time { return start.Add(time.Duration(k * int64(time.Second) / int64(e.cfg.FPS))) }
	timer := time.NewTimer(time.Until(at(1)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.closing:
			return nil
		case call := <-e.calls:
			call()
		case <-timer.C:
			now := time.Now()
			for k := 0; k < catchUp && !at(made+1).After(now); k++ {
				if err := e.makeFrame(now); err != nil {
					return err
				}
				made++
				e.count(&e.stats.Late, uint64(min(k, 1)))
			}
			if behind := now.Sub(at(made+1)) * time.Duration(e.cfg.FPS); behind >= 0 {
				drop := int64(behind/time.Second) + 1
				start = start.Add(at(made + drop).Sub(at(made)))
				e.count(&e.stats.Dropped, uint64(drop))
			}
			timer.Reset(time.Until(at(made + 1)))
		}
	}
}

func (e *Engine) count(n *uint64, by uint64) {
	if by > 0 {
		e.mu.Lock()
		*n += by
		e.mu.Unlock()
	}
}

// Advance makes n frames now, in virtual time: for tests, replays and tools. The first Advance, of 0 frames
// too, takes the Engine over: Run is refused from then on, and whoever joins has the one frame made that
// it waits for. It returns what Run would.
func (e *Engine) Advance(n int) error {
	if err := e.enter(manual); err != nil {
		return err
	}
	e.loop.Lock()
	defer e.loop.Unlock()
	err := guard(e.core.frame, func() error {
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

// makeFrame makes one frame and publishes it.
func (e *Engine) makeFrame(now time.Time) error {
	in, joins := e.collect(now)
	if err := e.core.advance(in); err != nil {
		return err
	}
	stalled, err := e.show(joins)
	for _, c := range stalled {
		c.stall()
	}
	if err == nil && e.core.world.quit != nil {
		err = errQuit
	}
	return err
}

// show encodes the frame and publishes it. It returns the carriers whose writes take too long.
func (e *Engine) show(joins []*joining) (stalled []*carrier, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.core.encode(); err != nil {
		return nil, &GameError{e.core.world.frame, err, nil}
	}
	return e.publish(joins), nil
}

// collect takes what drives the next frame.
func (e *Engine) collect(now time.Time) (*frameInput, []*joining) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.frame + 1
	in := &frameInput{leaves: e.leaves}
	e.leaves = nil
	e.order = slices.DeleteFunc(e.order, func(s *session) bool {
		switch {
		case slices.Contains(in.leaves, s.id):
			return true
		case s.token == (tokenHash{}) || s.out != nil:
		case !s.opened && n-s.joined > e.grace, s.opened && n-s.away > e.resume:
			e.forget(s)
			in.leaves = append(in.leaves, s.id)
			return true
		case s.opened && n-s.away == e.silence:
			in.blurs = append(in.blurs, s.id)
		}
		s.due = s.in.drain(s.due[:0], n)
		s.measure(n, now, e.cfg.FPS)
		if len(s.due) > 0 {
			in.events = append(in.events, clientEvents{s.id, s.due})
		}
		return false
	})
	for len(e.kicked) > 0 && n-e.kicked[0].away > e.resume {
		delete(e.tokens, e.kicked[0].token)
		e.kicked = e.kicked[1:]
	}
	joins := e.joins
	e.joins = nil
	for _, j := range joins {
		if err := j.ctx.Err(); err != nil {
			j.err = err
			continue
		}
		j.in = &InChannel{max: e.cfg.MaxClientEvents, lim: e.lim}
		in.joins = append(in.joins, &j.joinInput)
	}
	for nonce, j := range e.nonces {
		if !j.expires.IsZero() && now.After(j.expires) {
			delete(e.nonces, nonce)
		}
	}
	return in, joins
}

// measure notes how tight the tightest stamped input was.
func (s *session) measure(n uint64, now time.Time, fps int) {
	for _, ev := range s.due {
		if ev.arrived.IsZero() {
			continue
		}
		slack := now.Sub(ev.arrived).Milliseconds()
		if ev.frame < n {
			slack = -int64(n-ev.frame) * 1000 / int64(fps)
		}
		if !s.stamped || slack < s.slack {
			s.slack, s.stamped = slack, true
		}
	}
}

// forget kills the session's token, closes its InChannel and, where it has an out, ends it with bye gone.
// Its client leaves by way of leaves.
func (e *Engine) forget(s *session) {
	delete(e.tokens, s.token)
	delete(e.nonces, s.nonce)
	s.gone = true
	s.in.close()
	if s.out != nil {
		s.out.end(wire.Bye{Code: "gone"})
	}
}

// publish lets everybody know of the frame that was encoded. It returns the carriers whose writes take
// too long.
func (e *Engine) publish(joins []*joining) (stalled []*carrier) {
	e.frame = e.core.world.frame
	e.stats.Malformed = e.core.malformed
	for _, j := range joins {
		e.admit(j)
	}
	for _, s := range e.order {
		s.ack = s.client.ack
		if s.client.dropped && !slices.Contains(e.leaves, s.id) {
			e.kick(s)
		}
		if c := s.out; c != nil {
			if c.bye == nil && c.due(s, e.frame, e.silence) {
				c.signal()
			}
			if c.writing != 0 && e.frame-c.writing > e.cfg.frames(writeLimit) {
				stalled = append(stalled, c)
			}
		}
	}
	return stalled
}

// kick sends s away. Its token is remembered for a while, so that a page that polls learns why.
func (e *Engine) kick(s *session) {
	if s.out != nil {
		s.out.end(wire.Bye{Code: "kicked", Msg: s.client.kicked})
	}
	e.forget(s)
	e.leaves = append(e.leaves, s.id)
	if s.token != (tokenHash{}) {
		s.kicked, s.away = true, e.frame
		e.tokens[s.token] = s
		e.kicked = append(e.kicked, s)
	}
}

// admit makes a session of who has joined, or says why not.
func (e *Engine) admit(j *joining) {
	defer e.answer(j)
	if j.client == nil {
		return
	}
	s := &session{
		id:     j.client.id,
		in:     j.in,
		client: j.client,
		joined: e.frame,
		nonce:  j.nonce,
		rate:   newLimiter(e.cfg.BatchRate, 2),
	}
	if j.token != "" {
		s.token = hashToken(j.token)
		e.tokens[s.token] = s
	}
	e.order = append(e.order, s)
	j.session, j.frame, j.epoch = s, e.frame, e.epoch
	e.log.Debug("httpmp: joined", "client", s.id, "name", j.name, "frame", e.frame)
}

// answer wakes whoever waits for the answer to j. A refusal is not kept for a repeated nonce.
func (e *Engine) answer(j *joining) {
	if j.err != nil {
		delete(e.nonces, j.nonce)
	}
	close(j.done)
}

// Join joins a client without a page, a bot or a console, until ctx is done: then it leaves. It waits for
// the next frame. Push its input into [Client.In]; read the world by [Engine.Do].
//
// Join is concurrent-safe.
func (e *Engine) Join(ctx context.Context, name string) (*Client, error) {
	j := &joining{joinInput: joinInput{name: name}, ctx: ctx, done: make(chan struct{})}
	if err := e.join(j); err != nil {
		return nil, err
	}
	if j.err != nil {
		return nil, j.err
	}
	context.AfterFunc(ctx, func() { e.leave(j.session) })
	return j.client, nil
}

// join puts j before the next frame and waits for it. The error is of the Engine or of j's context;
// what the game said is in j.err.
func (e *Engine) join(j *joining) error {
	e.mu.Lock()
	if e.phase == over {
		e.mu.Unlock()
		return ErrClosed
	}
	e.joins = append(e.joins, j)
	byHand := e.phase == manual
	e.mu.Unlock()
	if byHand {
		if err := e.Advance(1); err != nil {
			return err
		}
	}
	return e.await(j.ctx, j)
}

// await waits for the answer to j as long as ctx does.
func (e *Engine) await(ctx context.Context, j *joining) error {
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ended:
		return ErrClosed
	}
}

// leave ends the session s, if it has not ended; Game.Leave is called in the next frame.
func (e *Engine) leave(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if slices.Contains(e.order, s) && !slices.Contains(e.leaves, s.id) {
		e.forget(s)
		e.leaves = append(e.leaves, s.id)
	}
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
		e.loop.Lock()
		defer e.loop.Unlock()
		read()
		return nil
	}
	done := make(chan struct{})
	select {
	case e.calls <- func() { defer close(done); read() }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ended:
		return ErrClosed
	}
}

// Load replaces the match by one that Save saved of the same game. Pages get everything anew. Call it
// between two Advances, never beside Run. An error names what is wrong, and then nothing has changed, unless
// it is a *GameError, which ends the Engine.
func (e *Engine) Load(p []byte) error {
	if err := e.enterLoad(); err != nil {
		return err
	}
	e.loop.Lock()
	defer e.loop.Unlock()
	if err := e.core.load(p); err != nil {
		if fault := (*GameError)(nil); errors.As(err, &fault) {
			e.end(err)
		}
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frame, e.epoch, e.order = e.core.world.frame, newEpoch(), nil
	for _, c := range e.core.world.clients {
		s := e.sessionOf(c.id)
		s.client, c.in = c, s.in
		e.order = append(e.order, s)
	}
	for _, s := range e.tokens {
		if !slices.Contains(e.order, s) {
			e.forget(s)
		} else if s.out != nil {
			s.out.end(wire.Bye{Code: "rotate"})
		}
	}
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
	}
	return nil
}

// sessionOf returns the session of a client that was loaded: the one it has here, or one without a page.
func (e *Engine) sessionOf(id ClientID) *session {
	for _, s := range e.tokens {
		if s.id == id {
			return s
		}
	}
	return &session{
		id:   id,
		in:   &InChannel{max: e.cfg.MaxClientEvents, lim: e.lim},
		rate: newLimiter(e.cfg.BatchRate, 2),
	}
}

// Close ends the match as a done context does, and returns when Run has. Give it to
// http.Server.RegisterOnShutdown where the Engine is mounted in a server of your own.
//
// Close is concurrent-safe and may be called again, but not from game code or Config.Beside.
func (e *Engine) Close() {
	e.close()
	e.loop.Lock()
	defer e.loop.Unlock()
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
		if s.out != nil {
			s.out.end(e.bye)
		}
	}
	close(e.ended)
}

// Stats is what an Engine counts. Nothing of it is visible to the game.
type Stats struct {
	Frame     uint64 // the newest frame that is out
	Clients   int    // that are in
	Late      uint64 // frames that were made late, to catch up
	Dropped   uint64 // frames' times that were dropped because the loop was too late
	Malformed int    // custom events that did not decode
	BytesIn   uint64 // of batches
	BytesOut  uint64 // of records, without HTTP's own
}

// Stats returns what e has counted so far. It is concurrent-safe.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Frame, s.Clients, s.BytesIn, s.BytesOut = e.frame, len(e.order), e.bytesIn.Load(), e.bytesOut.Load()
	return s
}
