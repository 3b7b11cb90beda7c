//go:build !js

package httpmp

import (
	"net/http"
	"net/url"
	"time"
)

// The longest that a poll waits, and how long it does unless it says otherwise.
const (
	maxPoll     = 25 * time.Second
	defaultPoll = 20 * time.Second
)

// serveOut answers GET out: a stream of records, or the answer to one poll.
func (e *Engine) serveOut(w http.ResponseWriter, r *http.Request) error {
	s, err := e.session(r)
	if err != nil {
		return err
	}
	q, err := e.parseOut(r.URL.Query())
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	q.stall = func() { control.SetWriteDeadline(time.Now()) } //nolint:errcheck // where it cannot be set, the stall is the server's to end
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
			if _, err := w.Write(p); err != nil {
				return nil // the page has gone
			}
			if !q.poll && control.Flush() != nil {
				return nil
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

// parseOut reads the parameters of an out.
func (e *Engine) parseOut(v url.Values) (outRequest, error) {
	var q outRequest
	wait := uint64(defaultPoll.Milliseconds())
	for _, p := range []struct {
		name string
		to   *uint64
	}{{"b", &q.base}, {"e", &q.epoch}, {"w", &wait}} {
		if s := v.Get(p.name); s != "" {
			n, err := parseNumber(s)
			if err != nil {
				return q, refuse(http.StatusBadRequest, "bad_request", "%s is %q, want a whole number, not negative", p.name, s)
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
		err.Have = []string{"bin", "json"}
		return q, err
	}
	return q, nil
}
