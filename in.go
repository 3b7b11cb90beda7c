//go:build !js

package httpmp

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/httpmp/httpmp/internal/wire"
)

// serveIn answers POST in: 204 once the events are in the InChannel.
func (e *Engine) serveIn(w http.ResponseWriter, r *http.Request) error {
	s, err := e.session(r)
	if err != nil {
		return err
	}
	if !s.rate.Allow() {
		return refuse(http.StatusTooManyRequests, "rate", "too many batches, want at most %v a second", e.cfg.BatchRate).
			after(100 * time.Millisecond)
	}
	p, err := e.readBody(w, r)
	if err != nil {
		return err
	}
	b, err := wire.DecodeBatch(p, e.lim)
	if err != nil {
		return e.batchError(err)
	}
	if err := s.in.take(b, e.newest(), e.lead, time.Now()); err != nil {
		return e.batchError(err)
	}
	e.heard(s, b.Base)
	e.bytesIn.Add(uint64(len(p)))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// newest returns the newest frame that is out.
func (e *Engine) newest() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frame
}

// heard notes that the page of s has base.
func (e *Engine) heard(s *session, base uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if base <= e.frame {
		s.seen = max(s.seen, base)
	}
}

// batchError turns what is wrong with a batch into its answer.
func (e *Engine) batchError(err error) error {
	var (
		bad     *wire.BatchError
		tooMany *wire.TooManyError
		gap     *gapError
	)
	switch {
	case errors.As(err, &tooMany):
		h := refuse(http.StatusRequestEntityTooLarge, "too_big", "%v", err)
		h.Max = e.lim.Events
		return h
	case errors.As(err, &bad):
		h := refuse(http.StatusBadRequest, "bad_batch", "%v", err)
		if bad.At >= 0 {
			h.At = &bad.At
		}
		return h
	case errors.As(err, &gap):
		h := refuse(http.StatusConflict, "gap", "%v; resend from %d", err, gap.want)
		h.Want = gap.want
		return h
	case errors.Is(err, ErrInChannelFull):
		return refuse(http.StatusTooManyRequests, "busy", "with this batch more than %d events would wait; nothing was taken", e.cfg.MaxClientEvents).
			after(100 * time.Millisecond)
	case errors.Is(err, ErrUnknownClient):
		select {
		case <-e.ended:
			return refuse(http.StatusServiceUnavailable, "shutdown", "the match has ended").after(2 * time.Second)
		default:
			return refuse(http.StatusGone, "gone", "the session has ended; join again")
		}
	}
	return err
}

// serveLeave answers POST leave: 204 whatever the token is.
func (e *Engine) serveLeave(w http.ResponseWriter, r *http.Request) error {
	token := bearer(r)
	if token == "" {
		if p, err := e.readBody(w, r); err == nil {
			token = strings.TrimSpace(string(p))
		}
	}
	e.mu.Lock()
	s := e.holderLocked(token)
	e.mu.Unlock()
	if s != nil {
		e.leave(s)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
