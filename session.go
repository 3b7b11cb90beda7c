package httpmp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
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
	nonce  string        // of its join; "" for none

	// Owned by the frame loop.
	due []queuedEvent // scratch: what this frame folds

	// Guarded by Engine.mu.
	client  *Client  // Load puts another in its place
	out     *carrier // nil while it has none
	opened  bool     // it has had an out
	gone    bool     // it has ended
	kicked  bool     // it has ended so
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

// newToken returns 144 random bits.
func newToken() string {
	var b [18]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
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
	expires time.Time // when the answer is forgotten, as far as a repeated nonce goes
}
