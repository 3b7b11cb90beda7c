package httpmp

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is how a match is run. Its zero value is a safe production default. [New] copies it; it is
// never changed later.
type Config struct {
	// Addr is the TCP address that ListenAndServe listens on. Empty means ":8080"; port 0 picks a free one.
	Addr string

	// FPS is the frames per second, 1 to 120. 0 means 30.
	FPS int

	// Seed seeds World.Rand. 0 means a random seed, which is logged.
	Seed uint64

	// MaxClients is the most clients that are in at once, 1 to 100,000. 0 means 1,000.
	MaxClients int

	// MaxWaiting is the most sessions that wait for their first out at once, 1 to 100,000. 0 means 256.
	MaxWaiting int

	// MaxClientEvents is the most events that wait in one InChannel, 1 to 65,536. 0 means 512.
	MaxClientEvents int

	// MaxBatchEvents is the most events in one batch, 1 to 4,096. 0 means 128. It is at most MaxClientEvents.
	MaxBatchEvents int

	// MaxBodyBytes is the longest body of a join or a batch, 256 to 1 MiB. 0 means 8 KiB.
	MaxBodyBytes int

	// MaxNameRunes is the longest name, 1 to 256. 0 means 32.
	MaxNameRunes int

	// MaxTextBytes is the longest text of one text event, 1 to 4,096. 0 means 256.
	MaxTextBytes int

	// Resume is how long a client without an open out is kept, 1 s to 1 h. 0 means 15 s.
	Resume time.Duration

	// Silence is the longest time in which nothing is sent on a stream, 100 ms to 30 s. 0 means 1 s.
	// A client without an open out for as long has all its buttons released.
	Silence time.Duration

	// Lead is how far ahead an event may be meant for, up to 5 s. 0 means half a second.
	Lead time.Duration

	// JoinRate is the joins a second from one public address, with bursts of ten times as many; at most
	// 10,000. 0 means 2. Loopback and private addresses are not counted unless TrustedProxies names them.
	JoinRate float64

	// BatchRate is the batches a second from one session, and apart from them the outs, with bursts of
	// twice as many; at most 10,000. 0 means 240.
	BatchRate float64

	// AllowedOrigins are the origins, such as "https://example.com", whose pages may use this match
	// from elsewhere. Empty means only the page's own origin.
	AllowedOrigins []string

	// TrustedProxies are the networks of the proxies whose X-Forwarded-For is believed. Empty means none.
	TrustedProxies []netip.Prefix

	// Logger is where the Engine logs. Nil means slog.Default().
	Logger *slog.Logger

	// Admit decides whether somebody may join and under what name, before Game.Join is asked. It runs
	// on the request's goroutine, so it may be slow: tokens and databases belong here. An error refuses
	// the join with its text. Nil admits everybody under the name they gave.
	Admit func(ctx context.Context, r JoinRequest) (name string, err error)

	// Setup is called by Main and ListenAndServe before they listen: add paths to e.HTTP here.
	// An error ends them. Nil does nothing.
	Setup func(e *Engine) error

	// Beside runs in a goroutine beside the frame loop, and Run waits for it: bots, a console. Its
	// context ends with the match; its error, unless nil, ends the match. Nil does nothing.
	Beside func(ctx context.Context, e *Engine) error
}

// JoinRequest is what somebody who wants to join has sent.
type JoinRequest struct {
	Name   string              // as sent, cleaned of control characters
	Addr   string              // the address of the client, without a port, behind TrustedProxies the client's own
	Header map[string][]string // of the request, keys in canonical form; not to be changed
	Data   json.RawMessage     // whatever the page joined with; nil if nothing
}

// withDefaults returns c with its zero fields filled in, or an error that names the first field out of range.
func (c Config) withDefaults() (Config, error) {
	if c.Addr == "" {
		c.Addr = ":8080"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	for _, f := range []struct {
		name              string
		v                 *int
		zero, least, most int
	}{
		{"FPS", &c.FPS, 30, 1, 120},
		{"MaxClients", &c.MaxClients, 1000, 1, 100_000},
		{"MaxWaiting", &c.MaxWaiting, 256, 1, 100_000},
		{"MaxClientEvents", &c.MaxClientEvents, 512, 1, 65_536},
		{"MaxBatchEvents", &c.MaxBatchEvents, 128, 1, 4096},
		{"MaxBodyBytes", &c.MaxBodyBytes, 8 << 10, 256, 1 << 20},
		{"MaxNameRunes", &c.MaxNameRunes, 32, 1, 256},
		{"MaxTextBytes", &c.MaxTextBytes, 256, 1, 4096},
	} {
		if err := inRange(f.name, f.v, f.zero, f.least, f.most); err != nil {
			return c, err
		}
	}
	c.MaxBatchEvents = min(c.MaxBatchEvents, c.MaxClientEvents) // a longer one could never be taken
	for _, f := range []struct {
		name              string
		v                 *time.Duration
		zero, least, most time.Duration
	}{
		{"Resume", &c.Resume, 15 * time.Second, time.Second, time.Hour},
		{"Silence", &c.Silence, time.Second, 100 * time.Millisecond, 30 * time.Second},
		{"Lead", &c.Lead, 500 * time.Millisecond, 0, 5 * time.Second},
	} {
		if err := inRange(f.name, f.v, f.zero, f.least, f.most); err != nil {
			return c, err
		}
	}
	for _, f := range []struct {
		name              string
		v                 *float64
		zero, least, most float64
	}{
		{"JoinRate", &c.JoinRate, 2, 0, 10_000},
		{"BatchRate", &c.BatchRate, 240, 0, 10_000},
	} {
		if err := inRange(f.name, f.v, f.zero, f.least, f.most); err != nil {
			return c, err
		}
	}
	c.AllowedOrigins, c.TrustedProxies = slices.Clone(c.AllowedOrigins), slices.Clone(c.TrustedProxies)
	for _, o := range c.AllowedOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || o != strings.ToLower(u.Scheme+"://"+u.Host) {
			return c, fmt.Errorf("httpmp: Config.AllowedOrigins has %q, want an origin such as \"https://example.com\"", o)
		}
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() {
			return c, fmt.Errorf("httpmp: Config.TrustedProxies has %q, want a network such as \"10.0.0.0/8\"", p)
		}
	}
	return c, nil
}

// inRange replaces a zero *v by zero, and refuses one that is not least to most.
func inRange[T int | float64 | time.Duration](name string, v *T, zero, least, most T) error {
	if *v == 0 {
		*v = zero
	}
	if *v < least || *v > most || *v != *v {
		return fmt.Errorf("httpmp: Config.%s is %v, want %v to %v", name, *v, least, most)
	}
	return nil
}

// frames returns how many frames d takes, rounded up.
func (c Config) frames(d time.Duration) uint64 {
	return uint64((d*time.Duration(c.FPS) + time.Second - 1) / time.Second)
}
