package httpmp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// lobby is a game in which requests show: who is in, and what they did.
type lobby struct {
	httpmp.World
	In   int    `httpmp:"in"`
	Last string `httpmp:"last"`

	seen   []string                    // the events of all frames: "frame client type name"
	onJoin func(*httpmp.Client) error  `httpmp:"-"`
	onStep func(*lobby, *httpmp.Frame) `httpmp:"-"`
}

func (g *lobby) Join(c *httpmp.Client) error {
	if g.onJoin != nil {
		if err := g.onJoin(c); err != nil {
			return err
		}
	}
	g.In++
	return nil
}

func (g *lobby) Leave(*httpmp.Client) { g.In-- }

func (g *lobby) Step(f *httpmp.Frame) {
	for _, c := range g.Clients() {
		for _, ev := range f.Input(c).Events {
			g.seen = append(g.seen, fmt.Sprintf("%d %d %s %s", f.Number, c.ID(), ev.Type, ev.Data))
		}
		if text := f.Input(c).Text; text != "" {
			g.Last = text
		}
	}
	if g.onStep != nil {
		g.onStep(g, f)
	}
}

// desk is where requests to a match are handed in, without a socket.
type desk struct {
	testing.TB
	*httpmp.Engine
	game *lobby
}

// newDesk returns the desk of a match that is driven by Advance.
func newDesk(t testing.TB, cfg httpmp.Config) *desk {
	t.Helper()
	d := idleDesk(t, cfg)
	require.NoError(t, d.Advance(0))
	return d
}

// idleDesk returns the desk of a match that has not begun.
func idleDesk(t testing.TB, cfg httpmp.Config) *desk {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Seed = 1
	g := &lobby{}
	e, err := httpmp.New(g, cfg)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return &desk{t, e, g}
}

// call is one request.
type call struct {
	method, target string
	body           io.Reader
	length         int64    // that the request declares; 0: that of body where it has one
	header         []string // names and values
	from           string   // address; "" is 192.0.2.1
	ctx            context.Context
}

// send hands r in and returns the answer.
func (d *desk) send(c call) *httptest.ResponseRecorder {
	d.Helper()
	path, query, _ := strings.Cut(c.target, "?")
	r := httptest.NewRequest(c.method, "/", c.body)
	r.URL = &url.URL{Path: "/" + path, RawQuery: query}
	r.RequestURI = "/" + c.target
	if c.length != 0 {
		r.ContentLength = c.length
	}
	for i := 0; i < len(c.header); i += 2 {
		if c.header[i] == "Host" {
			r.Host = c.header[i+1]
		} else {
			r.Header.Add(c.header[i], c.header[i+1])
		}
	}
	if c.from != "" {
		r.RemoteAddr = c.from
	}
	if c.ctx != nil {
		r = r.WithContext(c.ctx)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// do sends a request with a body.
func (d *desk) do(method, target, body string, header ...string) *httptest.ResponseRecorder {
	d.Helper()
	return d.send(call{method: method, target: target, body: strings.NewReader(body), header: header})
}

// over returns a context that is done: an out that gets it says what it has to say and ends.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// admitted is the answer to a join.
type admitted struct {
	Proto  int
	Token  string
	ID     httpmp.ClientID
	Epoch  uint32
	Frame  uint64
	FPS    int
	Send   int
	Schema *struct {
		Hash    string
		Classes []any
	}
	Limits struct{ Body, Events, Record, Silence, Resume, Lead int }
}

// auth returns the header that a session's requests carry.
func (a admitted) auth() []string { return []string{"Authorization", "Bearer " + a.Token} }

// tryJoin joins with a body.
func (d *desk) tryJoin(body string, header ...string) *httptest.ResponseRecorder {
	d.Helper()
	return d.do("POST", "join", body, header...)
}

// join joins somebody and returns the session, whose first out has been.
func (d *desk) join(name string) admitted {
	d.Helper()
	a := d.admitted(d.tryJoin(fmt.Sprintf(`{"protos":[2],"name":%q}`, name)))
	require.Equal(d, 200, d.do("GET", "out?m=poll&w=0", "", a.auth()...).Code)
	return a
}

// admitted reads the answer to a join, which is to be 200.
func (d *desk) admitted(w *httptest.ResponseRecorder) (a admitted) {
	d.Helper()
	require.Equal(d, 200, w.Code, w.Body)
	require.NoError(d, json.Unmarshal(w.Body.Bytes(), &a))
	return a
}

// in posts a batch.
func (d *desk) in(a admitted, body string) *httptest.ResponseRecorder {
	d.Helper()
	return d.do("POST", "in", body, a.auth()...)
}

// frames makes n frames.
func (d *desk) frames(n int) {
	d.Helper()
	require.NoError(d, d.Advance(n))
}

// state returns all that a refused request must leave alone.
func (d *desk) state() string {
	d.Helper()
	h, err := d.Hash()
	require.NoError(d, err)
	return fmt.Sprintf("hash %x clients %d\n%s", h, d.Stats().Clients, d.ShellState())
}

// refusal is the error of a refused request.
type refusal struct {
	Code  string
	Msg   string
	Retry int
	Want  uint64
	At    *int
	Max   int
	Have  []any
}

// codes are the codes of errors by status, and whether they say when to retry.
var codes = map[string]struct {
	status int
	retry  bool
}{
	"bad_request": {400, false}, "bad_batch": {400, false}, "proto": {400, false},
	"no_token": {401, false},
	"origin":   {403, false}, "refused": {403, false}, "kicked": {403, false},
	"not_found": {404, false}, "method": {405, false}, "format": {406, false},
	"gap": {409, false}, "gone": {410, false}, "too_big": {413, false}, "encoding": {415, false},
	"rate": {429, true}, "busy": {429, true},
	"internal": {500, false},
	"full":     {503, true}, "starting": {503, true}, "shutdown": {503, true},
}

// refused reads an answer that is to be a refusal, and checks its form.
func refused(t testing.TB, w *httptest.ResponseRecorder) refusal {
	t.Helper()
	var body struct{ Error *refusal }
	dec := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&body), "status %d, body %q", w.Code, w.Body)
	require.NotNil(t, body.Error)
	rest, err := io.ReadAll(dec.Buffered())
	require.NoError(t, err)
	require.Empty(t, strings.TrimSpace(string(rest)))
	e := *body.Error
	known, ok := codes[e.Code]
	require.True(t, ok, "code %q is none of section 6", e.Code)
	require.Equal(t, known.status, w.Code, "status of %q", e.Code)
	h := w.Header()
	require.Equal(t, "application/json", h.Get("Content-Type"))
	require.Equal(t, "no-store", h.Get("Cache-Control"))
	require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	require.NotEmpty(t, e.Msg)
	require.NotContains(t, e.Msg, "%!", "a broken format")
	if known.retry {
		require.Positive(t, e.Retry, "%q says when to retry", e.Code)
		require.Equal(t, strconv.Itoa((e.Retry+999)/1000), h.Get("Retry-After"))
	} else {
		require.Zero(t, e.Retry)
		require.Empty(t, h.Get("Retry-After"))
	}
	require.Equal(t, e.Code == "gap", e.Want > 0, "want is there with a gap")
	require.Equal(t, e.Code == "too_big", e.Max > 0, "max is there with too_big")
	require.Equal(t, e.Code == "proto" || e.Code == "format", len(e.Have) > 0, "have is there with proto and format")
	require.Equal(t, e.Code == "method", h.Get("Allow") != "", "Allow is there with method")
	return e
}

// endless is a body without an end.
type endless string

func (b endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = b[n%len(b)]
	}
	return len(p), nil
}

// broken returns a body that breaks off after s.
func broken(s string) io.Reader { return io.MultiReader(strings.NewReader(s), brokenEnd{}) }

type brokenEnd struct{}

func (brokenEnd) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
