//go:build !js

package httpmp

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// writePiece is the most bytes of one write: a page that takes as many within writeLimit is slow, but moves.
const writePiece = 4 << 10

// serveOut answers GET out: a stream of records, or the answer to one poll.
func (e *Engine) serveOut(w http.ResponseWriter, r *http.Request) error {
	s, err := e.session(r)
	if err != nil {
		return err
	}
	if !s.outs.Allow() {
		return refuse(http.StatusTooManyRequests, "rate", "too many outs, want at most %v a second", e.cfg.BatchRate).
			after(100 * time.Millisecond)
	}
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "bad_request", "the query is malformed: %v", err)
	}
	q, err := e.parseOut(v)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	q.stall = func(d time.Duration) { control.SetWriteDeadline(time.Now().Add(d)) } //nolint:errcheck // where it cannot be set, the stall is the server's to end
	// A server's WriteTimeout would cut the stream; and the connection may go on with other requests.
	control.SetWriteDeadline(time.Time{})       //nolint:errcheck // where it cannot be set there is none
	defer control.SetWriteDeadline(time.Time{}) //nolint:errcheck // the same; after shut, when nothing stalls it any more
	c := e.open(s, q)
	defer e.shut(s, c)
	h := w.Header()
	h.Set("Content-Type", "application/vnd.httpmp")
	if q.json {
		h.Set("Content-Type", "application/x-ndjson")
	}
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	var buf []byte
	for {
		p, last := e.compose(s, c, buf[:0])
		buf = p
		if len(p) > 0 {
			for len(p) > writePiece {
				if _, err := w.Write(p[:writePiece]); err != nil {
					return nil // the page has gone, or takes nothing
				}
				p = p[writePiece:]
				e.taken(c)
			}
			if _, err := w.Write(p); err != nil {
				return nil
			}
			if !q.poll {
				if err := control.Flush(); err != nil {
					e.cannotFlush(err)
					return nil
				}
			}
		}
		switch {
		case last:
			return nil
		case len(p) > 0:
			continue
		}
		select {
		case <-c.wake:
		case <-r.Context().Done():
			return nil
		}
	}
}

// cannotFlush says once why no page gets a stream.
func (e *Engine) cannotFlush(err error) {
	if errors.Is(err, http.ErrNotSupported) {
		e.warnFlush.Do(func() {
			e.log.Warn("httpmp: a middleware's ResponseWriter cannot flush, so pages poll; give it Unwrap() http.ResponseWriter")
		})
	}
}

// parseOut reads the parameters of an out.
func (e *Engine) parseOut(v url.Values) (outRequest, error) {
	var q outRequest
	wait := uint64(poll.Milliseconds())
	for _, p := range []struct {
		name string
		to   *uint64
	}{{"b", &q.base}, {"e", &q.epoch}, {"w", &wait}} {
		if s := v.Get(p.name); s != "" {
			n, err := parseNumber(s)
			if err != nil {
				return q, refuse(http.StatusBadRequest, "bad_request", "%s is %q, want a whole number", p.name, s)
			}
			*p.to = n
		}
	}
	q.wait = e.cfg.frames(min(time.Duration(min(wait, uint64(maxPoll.Milliseconds())))*time.Millisecond, maxPoll))
	switch m := v.Get("m"); m {
	case "", "stream":
	case "poll":
		q.poll = true
	default:
		return q, refuse(http.StatusBadRequest, "bad_request", "m is %q, want stream or poll", m)
	}
	switch f := v.Get("f"); f {
	case "", "bin":
	case "json":
		q.json = true
	default:
		err := refuse(http.StatusNotAcceptable, "format", "f is %q, want bin or json", f)
		err.Have = []any{"bin", "json"}
		return q, err
	}
	return q, nil
}
