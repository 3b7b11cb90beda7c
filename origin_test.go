package httpmp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// friends are what Config.AllowedOrigins is in these tests; the match is at game.example.
var friends = []string{"https://friend.example", "http://localhost:3000"}

// origins are Origin headers of requests without Sec-Fetch-Site, and whether such a POST gets through:
// "own" always, "friend" where AllowedOrigins has it, "no" never.
var origins = []struct{ origin, is string }{
	{"", "own"}, // not a browser
	{"http://game.example", "own"},
	{"https://game.example", "own"}, // whether a proxy speaks TLS the server does not know
	{"null", "no"},
	{"http://game.example:8080", "no"},
	{"http://game.example:80", "no"}, // browsers leave it out
	{"http://game.example.evil.example", "no"},
	{"http://evilgame.example", "no"},
	{"http://game.example.", "no"},
	{"http://sub.game.example", "no"},
	{"http://example", "no"},
	{"http://GAME.EXAMPLE", "no"}, // browsers send lower case
	{"http://game.example@evil.example", "no"},
	{"http://user@game.example", "no"},
	{"http://user:secret@game.example", "no"},
	{"http://game.example/", "no"},
	{"http://game.example/evil", "no"},
	{"http://game.example?evil", "no"},
	{"http://game.example#evil", "no"},
	{"http://evil.example/game.example", "no"},
	{"http://evil.example#game.example", "no"},
	{"http://evil.example?://game.example", "no"},
	{"http://evil.example\\@game.example", "no"},
	{"http://127.0.0.1", "no"},
	{"http://[::1]", "no"},
	{"http://[game.example]", "no"},
	{"http://xn--gme-6cd.example", "no"},
	{"http://gаme.example", "no"}, // the first a is not Latin
	{"http://game.example http://evil.example", "no"},
	{"http://game.example, http://evil.example", "no"},
	{"game.example", "no"},
	{"//game.example", "no"},
	{"://game.example", "no"},
	{"*", "no"},
	{"file://", "no"},
	{"chrome-extension://abcdefgh", "no"},
	{"about:blank", "no"},
	{"http://" + strings.Repeat("a", 100_000), "no"},
	{"https://friend.example", "friend"},
	{"http://localhost:3000", "friend"},
	{"http://friend.example", "no"},
	{"https://friend.example:443", "no"},
	{"https://friend.example:8443", "no"},
	{"https://FRIEND.example", "no"},
	{"https://friend.example.", "no"},
	{"https://friend.example/", "no"},
	{"https://sub.friend.example", "no"},
	{"https://friend.example.evil.example", "no"},
	{"https://user@friend.example", "no"},
	{"http://localhost", "no"},
	{"http://localhost:3001", "no"},
}

// endpoints are requests that each succeed unless their origin is refused.
var endpoints = []struct {
	method, path string
	token        bool
	status       int
}{
	{"POST", "join", false, 200},
	{"POST", "in", true, 204},
	{"POST", "leave", false, 204},
	{"POST", "extra", false, 200},
	{"PUT", "extra", false, 200},
	{"DELETE", "extra", false, 200},
	{"GET", "out?m=poll&w=0", true, 200},
	{"GET", "status", false, 200},
	{"HEAD", "status", false, 200},
	{"GET", "", false, 200},
	{"GET", "page.js", false, 200},
	{"GET", "httpmp.js", false, 200},
	{"GET", "extra", false, 200},
	{"GET", "nowhere", false, 404},
	{"POST", "nowhere", false, 404},
	{"GET", "in", false, 405},
}

// newCrossDesk returns a match at game.example with an endpoint of its own.
func newCrossDesk(t testing.TB, allowed []string) (*desk, admitted) {
	d := newDesk(t, httpmp.Config{AllowedOrigins: allowed, BatchRate: 10_000, MaxWaiting: 100_000, MaxClients: 100_000})
	d.HTTP.Handle("extra", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "extra") }))
	return d, d.join("Ann")
}

// TestOriginMatrix: every origin at every endpoint, with and without AllowedOrigins. Trust: row 12.
func TestOriginMatrix(t *testing.T) {
	require.GreaterOrEqual(t, len(origins), 24)
	for name, allowed := range map[string][]string{"default": nil, "allowed": friends} {
		d, a := newCrossDesk(t, allowed)
		for _, o := range origins {
			for _, at := range endpoints {
				header := []string{"Host", "game.example"}
				if o.origin != "" {
					header = append(header, "Origin", o.origin)
				}
				if at.token {
					header = append(header, a.auth()...)
				}
				body := ""
				switch at.path {
				case "join":
					body = `{"protos":[2]}`
				case "in":
					body = `{"seq":1,"ev":[]}`
				}
				what := fmt.Sprintf("%s: %.60q: %s %s", name, o.origin, at.method, at.path)
				friend := o.is == "friend" && allowed != nil
				safe := at.method == "GET" || at.method == "HEAD"
				before := d.state()
				w := d.do(at.method, at.path, body, header...)
				if safe || friend || o.is == "own" {
					assert.Equal(t, at.status, w.Code, what)
				} else {
					e := refused(t, w)
					require.Equal(t, "origin", e.Code, what)
					require.Contains(t, e.Msg, "Config.AllowedOrigins")
					require.Equal(t, before, d.state(), what)
				}
				h := w.Header()
				if friend {
					assert.Equal(t, o.origin, h.Get("Access-Control-Allow-Origin"), what)
				} else {
					assert.Empty(t, h.Values("Access-Control-Allow-Origin"), what)
				}
				assert.Equal(t, allowed != nil, slices.Contains(h.Values("Vary"), "Origin"), what)
				assert.Empty(t, h.Get("Access-Control-Allow-Credentials"), what)
			}
		}
	}
}

// TestFetchSite: what the browser itself says about a request comes before the Origin.
func TestFetchSite(t *testing.T) {
	for name, allowed := range map[string][]string{"default": nil, "allowed": friends} {
		d, a := newCrossDesk(t, allowed)
		for _, o := range []struct{ site, origin, is string }{
			{"same-origin", "http://game.example", "own"},
			{"same-origin", "", "own"},
			{"none", "", "own"},
			{"same-site", "http://sub.game.example", "no"},
			{"cross-site", "https://evil.example", "no"},
			{"cross-site", "http://game.example", "no"}, // the same host by another scheme
			{"cross-site", "null", "no"},
			{"cross-site", "", "no"},
			{"", "http://game.example", "own"},
			{"nonsense", "http://game.example", "no"},
			{"SAME-ORIGIN", "http://game.example", "no"},
			{"cross-site", "https://friend.example", "friend"},
			{"same-site", "http://localhost:3000", "friend"},
			{"cross-site", "https://friend.example.evil.example", "no"},
		} {
			for _, at := range endpoints[:3] {
				header := []string{"Host", "game.example", "Sec-Fetch-Site", o.site}
				if o.origin != "" {
					header = append(header, "Origin", o.origin)
				}
				if at.token {
					header = append(header, a.auth()...)
				}
				body := map[string]string{"join": `{"protos":[2]}`, "in": `{"seq":1,"ev":[]}`}[at.path]
				w := d.do(at.method, at.path, body, header...)
				if o.is == "own" || o.is == "friend" && allowed != nil {
					assert.Equal(t, at.status, w.Code, "%s: %v: %s", name, o, at.path)
				} else {
					assert.Equal(t, "origin", refused(t, w).Code, "%s: %v: %s", name, o, at.path)
				}
			}
		}
	}
}

// TestOwnHosts: a page's own origin is the host that it was asked under.
func TestOwnHosts(t *testing.T) {
	d, _ := newCrossDesk(t, nil)
	for _, host := range []string{"localhost:8080", "127.0.0.1:8080", "[::1]:8080", "game.example", "xn--bcher-kva.example:99", "192.168.1.5"} {
		require.Equal(t, 204, d.do("POST", "leave", "", "Host", host, "Origin", "http://"+host).Code, host)
		refused(t, d.do("POST", "leave", "", "Host", host, "Origin", "http://"+host+"0"))
	}
}

func TestPreflight(t *testing.T) {
	ask := []string{"Host", "game.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
	paths := []string{"join", "in", "out", "leave", "schema", "status", "", "page.js", "extra", "nowhere"}
	t.Run("friend", func(t *testing.T) {
		d, _ := newCrossDesk(t, friends)
		before := d.state()
		for _, path := range paths {
			for _, origin := range friends {
				w := d.do("OPTIONS", path, "", append(ask, "Origin", origin, "Sec-Fetch-Site", "cross-site")...)
				require.Equal(t, 204, w.Code, path)
				require.Empty(t, w.Body.String())
				h := w.Header()
				require.Equal(t, origin, h.Get("Access-Control-Allow-Origin"))
				require.Equal(t, "GET, HEAD, POST", h.Get("Access-Control-Allow-Methods"))
				require.Equal(t, "Authorization, Content-Type", h.Get("Access-Control-Allow-Headers"))
				require.Contains(t, h.Values("Vary"), "Origin")
			}
		}
		require.Equal(t, before, d.state())
	})
	t.Run("refusals can be read", func(t *testing.T) {
		d, _ := newCrossDesk(t, friends)
		w := d.do("POST", "in", "", "Origin", friends[0], "Sec-Fetch-Site", "cross-site")
		require.Equal(t, "no_token", refused(t, w).Code)
		require.Equal(t, friends[0], w.Header().Get("Access-Control-Allow-Origin"))
	})
	for name, allowed := range map[string][]string{"default": nil, "allowed": friends} {
		t.Run("stranger, "+name, func(t *testing.T) {
			d, _ := newCrossDesk(t, allowed)
			before := d.state()
			for _, path := range []string{"join", "in", "out", "leave", "schema", "status", "", "page.js"} {
				w := d.do("OPTIONS", path, "", append(ask, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")...)
				require.Equal(t, "method", refused(t, w).Code, path)
				for name := range w.Header() {
					require.NotContains(t, name, "Access-Control", path)
				}
			}
			require.Equal(t, before, d.state())
		})
	}
}
