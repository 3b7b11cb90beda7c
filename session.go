package httpmp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// session is the shell's side of a client: the token that lets it come back, and where its bytes go.
type session struct {
	id     ClientID
	token  tokenHash // zero for a client of Engine.Join
	in     *InChannel
	joined uint64        // the frame it joined in
	rate   *rate.Limiter // of its batches; concurrent-safe
	outs   *rate.Limiter // of its outs; the same
	nonce  string        // of its join; "" for none
	stop   func() bool   // of a client of Engine.Join: forgets its context; else nil

	// Guarded by Engine.mu.
	client  *Client  // Load puts another in its place
	out     *carrier // nil while it has none
	opened  bool     // it has had an out
	absent  bool     // it is in Engine.absent
	gone    bool     // it has ended
	kicked  bool     // it has ended so
	reason  string   // for which it was kicked
	away    uint64   // the last frame that it had an out in, while it has none
	seen    uint64   // the newest frame that the client said it has
	ack     uint64   // number of the last input folded
	ackSent uint64   // the newest ack on its way to the client
	sent    uint64   // the newest frame on its way to the client
	slack   int64    // ms the tightest stamped input waited since the last report
	stamped bool     // slack holds something
}

// tokenHash is what is kept of a token: its SHA-256.
type tokenHash [sha256.Size]byte

// tokenLength is the length of a token in characters, 144 bits in base64url.
const tokenLength = 24

// newToken returns 144 random bits.
func newToken() string {
	var b [18]byte
	rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashToken(t string) tokenHash { return sha256.Sum256([]byte(t)) }

// joining is somebody who waits for the frame in which Game.Join is asked.
type joining struct {
	joinInput

	ctx   context.Context // of who asked; once it is done nobody joins
	token string          // "" for a client without a page
	nonce string          // "" for none
	done  chan struct{}   // closed when the session or the error below is there

	// Written before done is closed, read after it.
	session *session
	frame   uint64
	epoch   uint32
	gaveUp  bool      // whoever asked had gone before the answer
	expires time.Time // when the answer is forgotten, as far as a repeated nonce goes; zero: there is none yet
}

// answer wakes whoever waits for the answer to j. A refusal is not kept for a repeated nonce.
func (e *Engine) answer(j *joining) {
	if j.err != nil {
		if e.nonces[j.nonce] == j {
			delete(e.nonces, j.nonce)
		}
	}
	if j.token != "" {
		e.joining--
	}
	j.expires = time.Now().Add(nonceLife)
	close(j.done)
}

// forgetNonceLocked forgets the answer that is kept for the nonce that s joined with. Another join may have
// used the nonce since.
func (e *Engine) forgetNonceLocked(s *session) {
	if j := e.nonces[s.nonce]; j != nil && j.session == s {
		delete(e.nonces, s.nonce)
	}
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
	var err error
	select {
	case <-j.done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-e.ended:
		err = ErrClosed
	}
	select {
	case <-j.done: // also where the rest has come at the same time
		return nil
	default:
		return err
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
