package httpmp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/internal/memnet"
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

// sessions of a match in which everything can be refused.
type cast struct {
	ok, left, kicked admitted
}

// newCast returns a match with one who is in, one who has left and one who was dropped.
func newCast(t testing.TB) (*desk, cast) {
	t.Helper()
	d := newDesk(t, httpmp.Config{AllowedOrigins: []string{"https://friend.example"}})
	c := cast{ok: d.join("Ann"), left: d.join("Bob"), kicked: d.join("Eve")}
	require.Equal(t, 204, d.do("POST", "leave", "", c.left.auth()...).Code)
	d.game.onStep = func(g *lobby, _ *httpmp.Frame) {
		for _, p := range g.Clients() {
			if p.ID() == c.kicked.ID {
				p.Drop("no shouting here")
			}
		}
	}
	d.frames(1)
	d.game.onStep = nil
	d.frames(1)
	require.Equal(t, 1, d.Stats().Clients)
	require.Equal(t, 204, d.in(c.ok, `{"seq":1,"ev":[["down","KeyA"]]}`).Code)
	d.frames(1)
	require.Equal(t, 204, d.in(c.ok, `{"seq":2,"ev":[["down","KeyB"]]}`).Code)
	return d, c
}

// TestRefusals has every endpoint refuse all that is wrong, and change nothing. Trust: rows 1, 2, 6, 7, 16.
func TestRefusals(t *testing.T) {
	d, c := newCast(t)
	ok, bearer := c.ok.auth(), func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	const limit = 8192
	text := func(s string) io.Reader { return strings.NewReader(s) }
	pad := func(s string, n int) io.Reader { return text(s + strings.Repeat(" ", n-len(s))) }
	gzipped := func(h ...string) []string { return append([]string{"Content-Encoding", "gzip"}, h...) }
	crossSite := func(h ...string) []string {
		return append([]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, h...)
	}
	joins, batch := `{"protos":[2]}`, `{"seq":3,"ev":[["down","KeyC"]]}`

	type test struct {
		name string
		call call
		code string
		msg  string // a regular expression
	}
	tests := []test{
		{"join: nothing", call{body: text("")}, "bad_request", `^the body is not the JSON of a join: .*want \{"protos":\[2\]\}`},
		{"join: no JSON", call{body: text("protos=2")}, "bad_request", `invalid character 'p'.*want \{"protos":\[2\]\}`},
		{"join: truncated JSON", call{body: text(`{"protos":[2]`)}, "bad_request", "unexpected end"},
		{"join: more than one value", call{body: text(joins + "{}")}, "bad_request", "after top-level value"},
		{"join: protos no array", call{body: text(`{"protos":2}`)}, "bad_request", "protos"},
		{"join: name no string", call{body: text(`{"protos":[2],"name":7}`)}, "bad_request", "name"},
		{"join: an array", call{body: text(`[2]`)}, "bad_request", "array"},
		{"join: null", call{body: text(`null`)}, "proto", `^protos is \[\], want`},
		{"join: no protos", call{body: text(`{}`)}, "proto", `^protos is \[\], want`},
		{"join: protos of others", call{body: text(`{"protos":[1,3]}`)}, "proto", `^protos is \[1 3\], want`},
		{"join: proto out of range", call{body: text(`{"protos":[1e99]}`)}, "bad_request", "1e99"},
		{"join: nonce too short", call{body: text(`{"protos":[2],"nonce":"123456789012345"}`)}, "bad_request", "nonce has 15 characters, want 16 to 128"},
		{"join: nonce too long", call{body: text(`{"protos":[2],"nonce":"` + strings.Repeat("x", 129) + `"}`)}, "bad_request", "nonce has 129 characters, want 16 to 128"},
		{"join: name too long", call{body: text(`{"protos":[2],"name":"` + strings.Repeat("é", 33) + `"}`)}, "bad_request", "name has 33 characters, want at most 32"},
		{"join: 1 GB declared", call{body: text(joins), length: 1 << 30}, "too_big", "longer than 8192 bytes"},
		{"join: one byte too many", call{body: pad(joins, limit+1)}, "too_big", "longer than 8192 bytes"},
		{"join: one byte too many, chunked", call{body: pad(joins, limit+1), length: -1}, "too_big", "longer than 8192 bytes"},
		{"join: endless", call{body: endless(" "), length: -1}, "too_big", "longer than 8192 bytes"},
		{"join: newlines without end", call{body: endless("\n"), length: -1}, "too_big", "longer than 8192 bytes"},
		{"join: truncated body", call{body: broken(joins), length: 100}, "bad_request", "ended early"},
		{"join: gzip", call{body: text(joins), header: gzipped()}, "encoding", `"gzip", want none`},
		{"join: cross-site", call{body: text(joins), header: crossSite()}, "origin", `https://evil\.example.*AllowedOrigins`},
		{"join: GET", call{method: "GET"}, "method", "GET, want POST"},
		{"join: OPTIONS", call{method: "OPTIONS"}, "method", "OPTIONS, want POST"},

		{"in: no token", call{body: text(batch)}, "no_token", `want the header "Authorization: Bearer TOKEN"`},
		{"in: empty token", call{body: text(batch), header: bearer("")}, "no_token", "no token"},
		{"in: other scheme", call{body: text(batch), header: []string{"Authorization", "Basic " + c.ok.Token}}, "no_token", "Bearer TOKEN"},
		{"in: bare token", call{body: text(batch), header: []string{"Authorization", c.ok.Token}}, "no_token", "Bearer TOKEN"},
		{"in: token in the query", call{target: "in?t=" + c.ok.Token, body: text(batch)}, "no_token", "Bearer TOKEN"},
		{"in: unknown token", call{body: text(batch), header: bearer(httpmp.NewToken())}, "gone", "join again"},
		{"in: token cut short", call{body: text(batch), header: bearer(c.ok.Token[:23])}, "gone", "join again"},
		{"in: long token", call{body: text(batch), header: bearer(strings.Repeat("A", 1<<20))}, "gone", "join again"},
		{"in: left", call{body: text(batch), header: c.left.auth()}, "gone", "join again"},
		{"in: kicked", call{body: text(batch), header: c.kicked.auth()}, "kicked", "^no shouting here$"},
		{"in: nothing", call{body: text(""), header: ok}, "bad_batch", "first byte"},
		{"in: neither form", call{body: text("hello"), header: ok}, "bad_batch", `neither "\{".* nor 0x20 to 0x3f`},
		{"in: reserved flags", call{body: text("\x21\x00\x03\x00"), header: ok}, "bad_batch", "0x21, want 0x20"},
		{"in: truncated JSON", call{body: text(batch[:20]), header: ok}, "bad_batch", "not valid JSON"},
		{"in: truncated binary", call{body: text("\x20\x00\x03\x00\x00"), header: ok}, "bad_batch", "unexpected end"},
		{"in: uv too long", call{body: text("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), header: ok}, "bad_batch", "2\\^53-1"},
		{"in: uv not minimal", call{body: text("\x20\x80\x00\x03\x00"), header: ok}, "bad_batch", "shortest form"},
		{"in: str longer than the body", call{body: text("\x20\x00\x03\x00\x06\xff\xff\xff\xff\x0f"), header: ok}, "bad_batch", "unexpected end"},
		{"in: not UTF-8", call{body: text(`{"seq":3,"ev":[["text","` + "\xff" + `"]]}`), header: ok}, "bad_batch", "UTF-8"},
		{"in: no ev", call{body: text(`{"seq":3}`), header: ok}, "bad_batch", "ev is not an array"},
		{"in: no seq", call{body: text(`{"ev":[]}`), header: ok}, "bad_batch", "seq is 0 or missing"},
		{"in: seq negative", call{body: text(`{"seq":-1,"ev":[]}`), header: ok}, "bad_batch", `seq is "-1", want a whole number`},
		{"in: seq above 2^53", call{body: text(`{"seq":9007199254740992,"ev":[]}`), header: ok}, "bad_batch", "seq is"},
		{"in: b a fraction", call{body: text(`{"seq":3,"b":1.5,"ev":[]}`), header: ok}, "bad_batch", `b is "1.5", want a whole number`},
		{"in: f a string", call{body: text(`{"seq":3,"f":"7","ev":[]}`), header: ok}, "bad_batch", "f is"},
		{"in: gap", call{body: text(`{"seq":9,"ev":[["blur"]]}`), header: ok}, "gap", `seq is 9.*from 3`},
		{"in: unknown button", call{body: text(`{"seq":3,"ev":[["blur"],["down","KeyAA"]]}`), header: ok}, "bad_batch", `unknown button "KeyAA", want "KeyA"`},
		{"in: unknown type", call{body: text(`{"seq":3,"ev":[["Shout",1]]}`), header: ok}, "bad_batch", `event type "Shout", want`},
		{"in: NaN", call{body: text(`{"seq":3,"ev":[["ptr",NaN,1]]}`), header: ok}, "bad_batch", "not valid JSON"},
		{"in: position out of range", call{body: text(`{"seq":3,"ev":[["ptr",1e300,1]]}`), header: ok}, "bad_batch", `1e\+300, want a number from`},
		{"in: axis out of range", call{body: text(`{"seq":3,"ev":[["axis","Pad0.Axis0",1.01]]}`), header: ok}, "bad_batch", `1.01, want -1 to 1`},
		{"in: text too long", call{body: text(`{"seq":3,"ev":[["text","` + strings.Repeat("x", 257) + `"]]}`), header: ok}, "bad_batch", "257 bytes, want at most 256"},
		{"in: payload too long", call{body: text(`{"seq":3,"ev":[["x","` + strings.Repeat("x", 2047) + `"]]}`), header: ok}, "bad_batch", "2049 bytes, want at most 2048"},
		{"in: payload too deep", call{body: text(`{"seq":3,"ev":[["x",` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + `]]}`), header: ok}, "bad_batch", "9 deep, want at most 8"},
		{"in: no payload", call{body: text(`{"seq":3,"ev":[["x"]]}`), header: ok}, "bad_batch", "no payload"},
		{"in: 129 events", call{body: text(`{"seq":3,"ev":[` + strings.Repeat(`["blur"],`, 128) + `["blur"]]}`), header: ok}, "too_big", "more than 128 events"},
		{"in: 129 events, binary", call{body: text("\x20\x00\x03\x00" + strings.Repeat("\x07", 129)), header: ok}, "too_big", "more than 128 events"},
		{"in: 1 GB declared", call{body: text(batch), length: 1 << 30, header: ok}, "too_big", "longer than 8192 bytes"},
		{"in: one byte too many", call{body: pad(batch, limit+1), header: ok}, "too_big", "longer than 8192 bytes"},
		{"in: one byte too many, chunked", call{body: pad(batch, limit+1), length: -1, header: ok}, "too_big", "longer than 8192 bytes"},
		{"in: endless", call{body: endless("\x20\x07"), length: -1, header: ok}, "too_big", "longer than 8192 bytes"},
		{"in: truncated body", call{body: broken(batch), length: 100, header: ok}, "bad_request", "ended early"},
		{"in: gzip", call{body: text(batch), header: gzipped(ok...)}, "encoding", `"gzip", want none`},
		{"in: cross-site", call{body: text(batch), header: crossSite(ok...)}, "origin", "evil"},
		{"in: GET", call{method: "GET", header: ok}, "method", "GET, want POST"},
		{"in: GET with token and event in the query", call{method: "GET", target: `in?t=` + c.ok.Token + `&ev=["down","KeyA"]`}, "method", "GET, want POST"},
		{"in: OPTIONS", call{method: "OPTIONS"}, "method", "OPTIONS, want POST"},

		{"out: no token", call{}, "no_token", "Bearer TOKEN"},
		{"out: other scheme", call{header: []string{"Authorization", "Digest " + c.ok.Token}}, "no_token", "Bearer TOKEN"},
		{"out: token in the query", call{target: "out?t=" + c.ok.Token}, "no_token", "Bearer TOKEN"},
		{"out: unknown token", call{header: bearer(httpmp.NewToken())}, "gone", "join again"},
		{"out: left", call{header: c.left.auth()}, "gone", "join again"},
		{"out: kicked", call{header: c.kicked.auth()}, "kicked", "^no shouting here$"},
		{"out: b no number", call{target: "out?b=x", header: ok}, "bad_request", `^b is "x", want a whole number`},
		{"out: e no number", call{target: "out?e=0x10", header: ok}, "bad_request", `^e is "0x10", want a whole number`},
		{"out: w no number", call{target: "out?w=1s", header: ok}, "bad_request", `^w is "1s", want a whole number`},
		{"out: escape cut short", call{target: "out?b=%4", header: ok}, "bad_request", "%4"},
		{"out: unknown m", call{target: "out?m=push", header: ok}, "bad_request", `^m is "push", want stream or poll`},
		{"out: unknown f", call{target: "out?f=xml", header: ok}, "format", `^f is "xml", want`},
		{"out: POST", call{method: "POST", header: ok}, "method", "POST, want GET"},
		{"out: HEAD", call{method: "HEAD", header: ok}, "method", "HEAD, want GET"},
		{"out: OPTIONS", call{method: "OPTIONS"}, "method", "OPTIONS, want GET"},
		{"out: cross-site POST", call{method: "POST", header: crossSite(ok...)}, "origin", "evil"},

		{"leave: gzip", call{body: text(c.ok.Token), header: gzipped()}, "encoding", `"gzip", want none`},
		{"leave: gzip, token in the header", call{body: text("x"), header: gzipped(ok...)}, "encoding", `"gzip", want none`},
		{"leave: cross-site", call{body: text(c.ok.Token), header: crossSite()}, "origin", "evil"},
		{"leave: GET", call{method: "GET", header: ok}, "method", "GET, want POST"},
		{"leave: OPTIONS", call{method: "OPTIONS"}, "method", "OPTIONS, want POST"},

		{"schema: no hash", call{}, "not_found", `^h is "", the schema of this match is "[0-9a-f]{8}"`},
		{"schema: another hash", call{target: "schema?h=00000000"}, "not_found", `^h is "00000000", the schema`},
		{"schema: POST", call{method: "POST"}, "method", "POST, want GET or HEAD"},
		{"schema: cross-site POST", call{method: "POST", header: crossSite()}, "origin", "evil"},
		{"status: DELETE", call{method: "DELETE"}, "method", "DELETE, want GET or HEAD"},
		{"status: cross-site POST", call{method: "POST", header: crossSite()}, "origin", "evil"},
		{": POST", call{method: "POST"}, "method", "POST, want GET or HEAD"},
		{": OPTIONS", call{method: "OPTIONS"}, "method", "OPTIONS, want GET or HEAD"},
		{"page.js: PUT", call{method: "PUT"}, "method", "PUT, want GET or HEAD"},
		{"nowhere: GET", call{method: "GET"}, "not_found", `^there is nothing at "nowhere"`},
		{"join/: POST", call{body: text(joins)}, "not_found", `^there is nothing at "join/"`},
		{"../join: POST", call{body: text(joins)}, "not_found", "nothing at"},
		{"index.html: GET", call{}, "not_found", "nothing at"},
		{"nowhere: cross-site POST", call{method: "POST", header: crossSite()}, "origin", "evil"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, _, _ := strings.Cut(tt.name, ":")
			if tt.call.target == "" {
				tt.call.target = path
			}
			if tt.call.method == "" {
				tt.call.method = "POST"
				if path == "out" || path == "schema" || path == "index.html" {
					tt.call.method = "GET"
				}
			}
			tt.call.ctx = over()
			before := d.state()
			var m0, m1 runtime.MemStats
			runtime.ReadMemStats(&m0)
			w := d.send(tt.call)
			runtime.ReadMemStats(&m1)
			assert.Less(t, m1.TotalAlloc-m0.TotalAlloc, uint64(256<<10), "bytes allocated")
			e := refused(t, w)
			assert.Equal(t, tt.code, e.Code)
			assert.Regexp(t, tt.msg, e.Msg)
			assert.Equal(t, before, d.state(), "a refused request changes nothing")
			for _, session := range []admitted{c.ok, c.left, c.kicked} {
				assert.NotContains(t, w.Body.String(), session.Token)
			}
		})
	}
	t.Run("who was refused so often is still in", func(t *testing.T) {
		require.Equal(t, 204, d.in(c.ok, batch).Code)
		d.frames(1)
		require.Contains(t, d.do("GET", "out?m=poll&w=0&f=json", "", ok...).Body.String(), `"ack":3`)
	})
}

// TestRefusalMembers checks what a refusal says beside its text.
func TestRefusalMembers(t *testing.T) {
	d, c := newCast(t)
	e := refused(t, d.in(c.ok, `{"seq":3,"ev":[["blur"],["blur"],["down","x"]]}`))
	require.NotNil(t, e.At)
	require.Equal(t, 2, *e.At, "the index of the event that is wrong")
	e = refused(t, d.in(c.ok, `{"seq":3,"ev":[["down","x"]]}`))
	require.NotNil(t, e.At, "0 is an index")
	require.Zero(t, *e.At)
	require.Nil(t, refused(t, d.in(c.ok, `{"seq":0,"ev":[]}`)).At, "the batch itself")
	require.EqualValues(t, 3, refused(t, d.in(c.ok, `{"seq":4,"ev":[]}`)).Want)
	require.Equal(t, 8192, refused(t, d.in(c.ok, strings.Repeat(" ", 8193))).Max)
	require.Equal(t, 128, refused(t, d.in(c.ok, `{"seq":3,"ev":[`+strings.Repeat(`["blur"],`, 128)+`["blur"]]}`)).Max)
	require.Equal(t, []any{2.0}, refused(t, d.tryJoin(`{"protos":[9]}`)).Have)
	require.Equal(t, []any{"bin", "json"}, refused(t, d.do("GET", "out?f=xml", "", c.ok.auth()...)).Have)
}

// TestDropWithoutReason: what a page is to show is never empty.
func TestDropWithoutReason(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	a := d.join("Eve")
	d.game.onStep = func(g *lobby, _ *httpmp.Frame) { g.Clients()[0].Drop("") }
	d.frames(1)
	require.Equal(t, "kicked", refused(t, d.in(a, `{"seq":1,"ev":[]}`)).Code)
}

// TestMethods has every path answer every other method with 405 and the methods that it has.
func TestMethods(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	before := d.state()
	for path, methods := range d.Paths() {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
			if strings.Contains(strings.Join(methods, " "), method) {
				continue
			}
			w := d.send(call{method: method, target: path})
			require.Equal(t, "method", refused(t, w).Code, "%s %s", method, path)
			require.ElementsMatch(t, methods, strings.Split(w.Header().Get("Allow"), ", "))
		}
	}
	require.Equal(t, before, d.state())
}

// TestLeave: 204 whatever the token is, and only the one who left has left.
func TestLeave(t *testing.T) {
	d, c := newCast(t)
	before := d.state()
	for name, r := range map[string]call{
		"no token":           {},
		"unknown token":      {body: strings.NewReader(httpmp.NewToken())},
		"left already":       {body: strings.NewReader(c.left.Token)},
		"kicked":             {header: c.kicked.auth()},
		"part of a token":    {body: strings.NewReader(c.ok.Token[:20])},
		"token and more":     {body: strings.NewReader(c.ok.Token + "x")},
		"1 GB declared":      {body: strings.NewReader("x"), length: 1 << 30},
		"endless":            {body: endless("x"), length: -1},
		"truncated":          {body: broken("x"), length: 24},
		"other scheme":       {header: []string{"Authorization", "Basic " + c.ok.Token}},
		"token in the query": {target: "leave?t=" + c.ok.Token},
	} {
		r.method = "POST"
		if r.target == "" {
			r.target = "leave"
		}
		w := d.send(r)
		require.Equal(t, 204, w.Code, name)
		require.Empty(t, w.Body.String())
		require.Equal(t, before, d.state(), name)
	}
	for name, leave := range map[string]func(a admitted) int{
		"header":            func(a admitted) int { return d.do("POST", "leave", "", a.auth()...).Code },
		"body":              func(a admitted) int { return d.do("POST", "leave", a.Token).Code },
		"body with newline": func(a admitted) int { return d.do("POST", "leave", a.Token+"\r\n").Code },
	} {
		a := d.join(name)
		clients, in := d.Stats().Clients, d.game.In
		require.Equal(t, 204, leave(a))
		require.Equal(t, "gone", refused(t, d.in(a, `{"seq":1,"ev":[]}`)).Code, "dead at once")
		require.Equal(t, "gone", refused(t, d.do("GET", "out", "", a.auth()...)).Code)
		require.Equal(t, in, d.game.In, "Game.Leave runs in the next frame")
		require.Equal(t, 204, leave(a), "again")
		d.frames(1)
		require.Equal(t, in-1, d.game.In)
		require.Equal(t, clients-1, d.Stats().Clients)
	}
}

// TestSlowBody: whoever sends a body too slowly is answered when the time is up. Trust: row 22.
func TestSlowBody(t *testing.T) {
	for _, path := range []string{"join", "in", "leave"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, httpmp.Config{})
				a := d.join("Ann")
				l := memnet.Listen(0)
				srv := &http.Server{Handler: d}
				served := make(chan error)
				go func() { served <- srv.Serve(l) }()
				c, err := l.Dial(t.Context())
				require.NoError(t, err)
				head := "POST /" + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n"
				if path == "in" {
					head += "Authorization: Bearer " + a.Token + "\r\n"
				}
				_, err = io.WriteString(c, head+"\r\n{")
				require.NoError(t, err)
				start, answer := time.Now(), make([]byte, 16)
				require.NoError(t, c.SetReadDeadline(start.Add(time.Minute)))
				_, err = io.ReadFull(c, answer)
				require.NoError(t, err, "no answer within a minute")
				require.Equal(t, 5*time.Second, time.Since(start))
				want := "HTTP/1.1 400 Bad"
				if path == "leave" {
					want = "HTTP/1.1 204 No "
				}
				require.Equal(t, want, string(answer))
				require.NoError(t, c.Close())
				require.NoError(t, srv.Close())
				require.ErrorIs(t, <-served, http.ErrServerClosed)
			})
		})
	}
}

// TestTokens: 24 characters of base64url, 144 bits, no two alike. Trust: row 15.
func TestTokens(t *testing.T) {
	const n = 100_000
	seen := make(map[string]bool, n)
	var ones [24][64]int
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for range n {
		token := httpmp.NewToken()
		require.Len(t, token, 24)
		for i := range token {
			at := strings.IndexByte(alphabet, token[i])
			require.GreaterOrEqual(t, at, 0, token)
			ones[i][at]++
		}
		seen[token] = true
	}
	require.Len(t, seen, n)
	for i := range ones {
		for at, count := range ones[i] {
			require.InDelta(t, n/64, count, n/64/4, "character %d is %q so often: all 6 bits of each are random", i, alphabet[at])
		}
	}
}

// TestNoTokenLeak: tokens are nowhere but in the answer to the join. Trust: row 14.
func TestNoTokenLeak(t *testing.T) {
	var log bytes.Buffer
	d := newDesk(t, httpmp.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	var answers strings.Builder
	var tokens []string
	for range 5 {
		a := d.join("Ann")
		tokens = append(tokens, a.Token)
		for _, r := range []*httptest.ResponseRecorder{
			d.in(a, `{"seq":1,"ev":[["down","KeyA"]]}`), d.in(a, `{"seq":7,"ev":[]}`), d.in(a, `x`),
			d.do("GET", "out?m=poll&w=0&f=json", "", a.auth()...), d.do("GET", "out?b=x", "", a.auth()...),
			d.do("GET", "status", "", a.auth()...), d.do("GET", "nowhere?t="+a.Token, "", a.auth()...),
			d.do("GET", "", "", a.auth()...), d.do("PUT", "in", a.Token, a.auth()...), d.do("POST", "join", a.Token),
			d.do("POST", "join", `{"protos":[2],"nonce":"`+a.Token+`x","name":7}`),
		} {
			answers.Write(r.Body.Bytes())
			fmt.Fprint(&answers, r.Header())
		}
		d.frames(1)
	}
	require.Equal(t, 204, d.do("POST", "leave", tokens[0]).Code)
	d.game.onStep = func(g *lobby, _ *httpmp.Frame) { g.Clients()[0].Drop("") }
	d.frames(2)
	fmt.Fprintf(&answers, "%+v %s", d.Stats(), d.ShellState())
	saved, err := d.Save()
	require.NoError(t, err)
	d.Close()
	require.Contains(t, log.String(), "joined", "the log is at Debug")
	for _, token := range tokens {
		require.NotContains(t, log.String(), token)
		require.NotContains(t, answers.String(), token)
		require.NotContains(t, string(saved), token)
	}
}

func TestStatus(t *testing.T) {
	d := newDesk(t, httpmp.Config{MaxClients: 7, FPS: 60})
	d.join("Ann")
	d.frames(10)
	w := d.do("GET", "status", "")
	require.Equal(t, 200, w.Code)
	require.JSONEq(t, `{"proto":[2],"players":1,"max":7,"fps":60,"frame":11}`, w.Body.String())
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}
