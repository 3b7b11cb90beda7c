package httpmp_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

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
