//go:build !js

package httpmp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// HTTPServer is the table of an Engine's paths and their handlers. Those of docs/protocol.md, section 1, are
// in it from the start.
type HTTPServer struct {
	engine *Engine
	own    map[string]route
	added  map[string]http.Handler
	origin *http.CrossOriginProtection
}

// route is a path of the protocol.
type route struct {
	methods []string
	serve   func(http.ResponseWriter, *http.Request) error
}

// Handle adds a path to the table, relative to where the Engine is mounted and without a slash before it, or
// replaces the one that is there. A path that ends in a slash stands for all below it that have
// no entry of their own. Call it before the Engine serves.
//
// Cross-site requests other than GET, HEAD and OPTIONS are refused before they come to h.
func (s *HTTPServer) Handle(path string, h http.Handler) {
	s.added[strings.TrimPrefix(path, "/")] = h
}

func (s *HTTPServer) init(e *Engine) {
	s.engine = e
	s.added = make(map[string]http.Handler)
	s.own = map[string]route{
		"join":   {[]string{http.MethodPost}, e.serveJoin},
		"in":     {[]string{http.MethodPost}, e.serveIn},
		"out":    {[]string{http.MethodGet}, e.serveOut},
		"leave":  {[]string{http.MethodPost}, e.serveLeave},
		"schema": {[]string{http.MethodGet, http.MethodHead}, e.serveSchema},
		"status": {[]string{http.MethodGet, http.MethodHead}, e.serveStatus},
	}
	for path, file := range pageFiles() {
		s.own[path] = route{[]string{http.MethodGet, http.MethodHead}, file.serve}
	}
	s.origin = http.NewCrossOriginProtection()
	for _, o := range e.cfg.AllowedOrigins {
		if err := s.origin.AddTrustedOrigin(o); err != nil {
			panic(err) // Config was checked
		}
	}
}

// find returns the handler of path that the user added, or nil.
func (s *HTTPServer) find(path string) http.Handler {
	if h := s.added[path]; h != nil {
		return h
	}
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' && s.added[path[:i+1]] != nil {
			return s.added[path[:i+1]]
		}
	}
	return nil
}

// ServeHTTP serves the page and the paths of docs/protocol.md. Mount e under any prefix with
// http.StripPrefix. It is concurrent-safe.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := e.HTTP.serve(w, r); err != nil {
		writeError(w, err)
	}
}

func (s *HTTPServer) serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	path := strings.TrimPrefix(r.URL.Path, "/")
	if path == "" && r.URL.Path == "" && !strings.HasSuffix(requestPath(r), "/") {
		return redirectToSlash(w, r)
	}
	if s.allows(w, r) && r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "7200")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	added := s.find(path)
	if added == nil || s.crossSite(r) {
		limitBody(w, r) // of an added path, a request that goes through is its handler's
	}
	if s.crossSite(r) {
		return refuse(http.StatusForbidden, "origin", "the request comes from a page of another site, its Origin is %q; "+
			"want this site's own or one of Config.AllowedOrigins", r.Header.Get("Origin"))
	}
	if added != nil {
		added.ServeHTTP(w, r)
		return nil
	}
	own, ok := s.own[path]
	if !ok {
		return refuse(http.StatusNotFound, "not_found", "there is nothing at %q; docs/protocol.md lists the paths", path)
	}
	if !slices.Contains(own.methods, r.Method) {
		h.Set("Allow", strings.Join(own.methods, ", "))
		return refuse(http.StatusMethodNotAllowed, "method", "the method is %s, want %s", r.Method, strings.Join(own.methods, " or "))
	}
	if enc := r.Header.Get("Content-Encoding"); r.Method == http.MethodPost && enc != "" && !strings.EqualFold(enc, "identity") {
		return refuse(http.StatusUnsupportedMediaType, "encoding", "the Content-Encoding is %q, want none", enc)
	}
	return own.serve(w, r)
}

// allows sets the CORS headers where the request comes from one of Config.AllowedOrigins.
func (s *HTTPServer) allows(w http.ResponseWriter, r *http.Request) bool {
	if len(s.engine.cfg.AllowedOrigins) == 0 {
		return false
	}
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(s.engine.cfg.AllowedOrigins, origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	return true
}

// crossSite reports whether the request changes something and comes from a page of another site. An Origin that
// is more than a scheme, a host and a port is no browser's.
func (s *HTTPServer) crossSite(r *http.Request) bool {
	if s.origin.Check(r) != nil {
		return true
	}
	origin := r.Header.Get("Origin")
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions || origin == "" {
		return false
	}
	_, host, ok := strings.Cut(origin, "://")
	return r.Header.Get("Sec-Fetch-Site") == "" && (!ok || strings.ContainsAny(host, "/?#@"))
}

// requestPath returns the path as the client sent it, before any prefix was stripped.
func requestPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return path
}

// redirectToSlash sends the browser to the same place with a slash, by its last segment alone, so that a prefix
// that only a proxy knows of is kept.
func redirectToSlash(w http.ResponseWriter, r *http.Request) error {
	path := requestPath(r)
	to := path[strings.LastIndexByte(path, '/')+1:] + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// httpError is a refused request, as docs/protocol.md, section 6, has it.
type httpError struct {
	status int

	Code  string `json:"code"`
	Msg   string `json:"msg"`
	Retry int    `json:"retry,omitempty"` // ms
	Want  uint64 `json:"want,omitempty"`
	At    *int   `json:"at,omitempty"`
	Max   int    `json:"max,omitempty"`
	Have  []any  `json:"have,omitempty"`
}

func (e *httpError) Error() string { return e.Msg }

func refuse(status int, code, format string, args ...any) *httpError {
	return &httpError{status: status, Code: code, Msg: fmt.Sprintf(format, args...)}
}

func internalError() *httpError {
	return refuse(http.StatusInternalServerError, "internal", "something went wrong here; it is not your fault")
}

// after says when a retry can help.
func (e *httpError) after(d time.Duration) *httpError { e.Retry = int(d.Milliseconds()); return e }

// writeError answers with err: the one place where errors become answers.
func writeError(w http.ResponseWriter, err error) {
	var refused *httpError
	if !errors.As(err, &refused) {
		refused = internalError()
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if refused.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa((refused.Retry+999)/1000))
	}
	w.WriteHeader(refused.status)
	json.NewEncoder(w).Encode(map[string]*httpError{"error": refused}) //nolint:errcheck // the client has gone
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	return json.NewEncoder(w).Encode(v)
}

// bodyTime is how long the body of a request may take to arrive.
const bodyTime = 5 * time.Second

// limitBody gives the body of r, if it has one, bodyTime to arrive. net/http reads what a handler leaves of it
// before it answers, so the limit stays until somebody has read all of it.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) //nolint:errcheck // not every writer can
	}
}

// unlimitBody ends what limitBody began.
func unlimitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Time{}) //nolint:errcheck // as above
	}
}

// readBody reads the body of a request, at most Config.MaxBodyBytes.
func (e *Engine) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := e.cfg.MaxBodyBytes
	tooBig := refuse(http.StatusRequestEntityTooLarge, "too_big", "the body is longer than %d bytes; split it", limit)
	tooBig.Max = limit
	if r.ContentLength > int64(limit) {
		return nil, tooBig
	}
	p, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if len(p) > limit {
		return nil, tooBig
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_request", "the body ended early or took longer than %v", bodyTime)
	}
	unlimitBody(w, r)
	return p, nil
}

// bearer returns the token in the request's header, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// holderLocked returns the session whose token it is, or nil.
func (e *Engine) holderLocked(token string) *session {
	if len(token) != tokenLength {
		return nil
	}
	return e.tokens[hashToken(token)]
}

// session returns the session whose token the request has.
func (e *Engine) session(r *http.Request) (*session, error) {
	token := bearer(r)
	if token == "" {
		return nil, refuse(http.StatusUnauthorized, "no_token", "there is no token, want the header \"Authorization: Bearer TOKEN\" with the one that join gave")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.holderLocked(token)
	switch {
	case s == nil:
		return nil, refuse(http.StatusGone, "gone", "the token is of no session here, or of one that has ended; join again")
	case s.kicked:
		return nil, refuse(http.StatusForbidden, "kicked", "%s", s.reason)
	}
	return s, nil
}

// ListenAndServe runs the match and serves it on Config.Addr until ctx is done. It returns nil then, or
// what Setup, listening, serving or Run returned.
func (e *Engine) ListenAndServe(ctx context.Context) error {
	return e.listenAndServe(ctx, func(net.Addr) {})
}

// listenAndServe calls ready once it listens.
func (e *Engine) listenAndServe(ctx context.Context, ready func(net.Addr)) error {
	if e.cfg.Setup != nil {
		if err := e.cfg.Setup(e); err != nil {
			return err
		}
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", e.cfg.Addr)
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err // it names the address again
		}
		return fmt.Errorf("httpmp: cannot listen on %s: %w; Config.Addr or -addr names another address", e.cfg.Addr, err)
	}
	ready(ln.Addr())
	srv := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: bodyTime,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		err := e.Run(ctx)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close() // whoever is left is cut off
		}
		return err
	})
	return group.Wait()
}

// shutdownTime is how long the server waits for requests that are under way when the match has ended.
const shutdownTime = 500 * time.Millisecond
