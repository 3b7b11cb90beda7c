//go:build !js

package httpmp

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/httpmp/httpmp/internal/wire"
)

// protocol is the version of the wire protocol that is spoken.
const protocol = 2

// joinBody is what a page joins with.
type joinBody struct {
	Protos []int           `json:"protos"`
	Nonce  string          `json:"nonce"`
	Name   string          `json:"name"`
	Data   json.RawMessage `json:"data"`
	Schema string          `json:"schema"`
}

// admission is the answer to a join.
type admission struct {
	Proto  int             `json:"proto"`
	Token  string          `json:"token"`
	ID     ClientID        `json:"id"`
	Epoch  uint32          `json:"epoch"`
	Frame  uint64          `json:"frame"`
	FPS    int             `json:"fps"`
	Send   int             `json:"send"` // frames from one that is sent to the next
	Schema *wire.Schema    `json:"schema,omitempty"`
	Limits admissionLimits `json:"limits"`
}

type admissionLimits struct {
	Body    int    `json:"body"`
	Events  int    `json:"events"`
	Record  int    `json:"record"`
	Silence int64  `json:"silence"` // ms
	Resume  int64  `json:"resume"`  // ms
	Lead    uint64 `json:"lead"`    // frames
}

// serveJoin answers POST join.
func (e *Engine) serveJoin(w http.ResponseWriter, r *http.Request) error {
	p, err := e.readBody(w, r)
	if err != nil {
		return err
	}
	body, err := e.parseJoin(p)
	if err != nil {
		return err
	}
	j, err := e.joinOnce(r, body)
	if err != nil {
		return joinError(r, err)
	}
	a := admission{
		Proto: protocol, Token: j.token, ID: j.session.id, Epoch: j.epoch, Frame: j.frame, FPS: e.cfg.FPS, Send: 1,
		Limits: admissionLimits{
			Body: e.cfg.MaxBodyBytes, Events: e.cfg.MaxBatchEvents, Record: wire.MaxRecord,
			Silence: e.cfg.Silence.Milliseconds(), Resume: e.cfg.Resume.Milliseconds(), Lead: e.lead,
		},
	}
	if body.Schema != e.schemaHash {
		a.Schema = &e.core.schema
	}
	return writeJSON(w, a)
}

// parseJoin checks the body of a join.
func (e *Engine) parseJoin(p []byte) (joinBody, error) {
	bad := func(format string, args ...any) error {
		return refuse(http.StatusBadRequest, "bad_request", format, args...)
	}
	var b joinBody
	if err := json.Unmarshal(p, &b); err != nil {
		return b, bad("the body is not the JSON of a join: %v; want {\"protos\":[%d]}", err, protocol)
	}
	if !slices.Contains(b.Protos, protocol) {
		err := refuse(http.StatusBadRequest, "proto", "protos is %v, want one of those in have", b.Protos)
		err.Have = []any{protocol}
		return b, err
	}
	if n := len(b.Nonce); b.Nonce != "" && (n < 16 || n > 128) {
		return b, bad("the nonce has %d characters, want 16 to 128", n)
	}
	b.Name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf) {
			return -1
		}
		return r
	}, b.Name))
	if n := utf8.RuneCountInString(b.Name); n > e.cfg.MaxNameRunes {
		return b, bad("the name has %d characters, want at most %d", n, e.cfg.MaxNameRunes)
	}
	return b, nil
}

// joinOnce joins, or waits for the join with the same nonce that is under way or was answered just now.
func (e *Engine) joinOnce(r *http.Request, body joinBody) (*joining, error) {
	for {
		j, first, err := e.begin(r, body)
		if err != nil {
			return nil, err
		}
		if first {
			err = e.admitAndJoin(r, body, j)
		} else {
			err = e.await(r.Context(), j)
		}
		if err != nil {
			return nil, err
		}
		if j.err == nil {
			return j, nil
		}
		if first || !j.gaveUp || r.Context().Err() != nil {
			return nil, j.err
		}
		// whoever came first with this nonce gave up before the frame: it is ours now
	}
}

// begin returns the join of the same nonce, or a new one where there is none.
func (e *Engine) begin(r *http.Request, body joinBody) (j *joining, first bool, err error) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch e.phase {
	case fresh:
		return nil, false, refuse(http.StatusServiceUnavailable, "starting", "the match has not begun yet").after(500 * time.Millisecond)
	case over:
		return nil, false, ErrClosed
	case running, manual:
	}
	if j := e.nonces[body.Nonce]; j != nil {
		return j, false, nil
	}
	if addr, counted := e.address(r); counted && !e.joinRate.allow(addr, now) {
		return nil, false, refuse(http.StatusTooManyRequests, "rate", "too many joins from %s", addr).after(time.Second)
	}
	waiting := e.joining
	for _, s := range e.absent {
		if !s.opened && !s.gone {
			waiting++
		}
	}
	if waiting >= e.cfg.MaxWaiting {
		return nil, false, refuse(http.StatusTooManyRequests, "busy", "%d sessions wait for their first out already", waiting).after(time.Second)
	}
	j = &joining{
		joinInput: joinInput{data: body.Data},
		ctx:       r.Context(),
		token:     newToken(),
		nonce:     body.Nonce,
		done:      make(chan struct{}),
	}
	e.joining++
	if j.nonce != "" {
		e.nonces[j.nonce] = j
	}
	return j, true, nil
}

// admitAndJoin asks Config.Admit, then the game.
func (e *Engine) admitAndJoin(r *http.Request, body joinBody, j *joining) error {
	j.name = body.Name
	if e.cfg.Admit != nil && !e.ask(r, body, j) {
		return nil
	}
	return e.join(j)
}

// ask asks Config.Admit, and answers j where that refuses or panics.
func (e *Engine) ask(r *http.Request, body joinBody, j *joining) bool {
	q := JoinRequest{Name: body.Name, Header: r.Header, Data: body.Data}
	if addr, _ := e.address(r); addr.IsValid() {
		q.Addr = addr.String()
	}
	j.err = internalError()
	defer func() {
		if j.err != nil {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.answer(j)
		}
	}()
	j.name, j.err = e.cfg.Admit(r.Context(), q)
	j.gaveUp = j.err != nil && r.Context().Err() != nil
	return j.err == nil
}

// joinError turns what the join of r ended with into its answer.
func joinError(r *http.Request, err error) error {
	var refused *httpError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, ErrFull):
		return refuse(http.StatusServiceUnavailable, "full", "the match is full").after(2 * time.Second)
	case errors.Is(err, ErrClosed), errors.As(err, new(*GameError)):
		return refuse(http.StatusServiceUnavailable, "shutdown", "the match has ended").after(2 * time.Second)
	case r.Context().Err() != nil:
		return refuse(http.StatusServiceUnavailable, "starting", "the request ended before the frame").after(100 * time.Millisecond)
	}
	return refuse(http.StatusForbidden, "refused", "%s", cmp.Or(err.Error(), "the game has refused this join"))
}

// address returns whom the request is from, and whether that address counts for limits: public ones do,
// and all that TrustedProxies forward for.
func (e *Engine) address(r *http.Request) (addr netip.Addr, counted bool) {
	port, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = port.Addr().Unmap()
	if !e.trusted(addr) {
		return addr, !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast()
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, f := range slices.Backward(forwarded) {
		next, err := netip.ParseAddr(strings.TrimSpace(f))
		if err != nil {
			break
		}
		if addr = next.Unmap(); !e.trusted(addr) {
			break
		}
	}
	return addr, true
}

func (e *Engine) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(e.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
