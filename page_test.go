package httpmp_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/js"
)

// pageFiles returns the files of the page by the paths that they are served at.
func pageFiles(t *testing.T) map[string]string {
	t.Helper()
	entries, err := js.Files.ReadDir(".")
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		p, err := js.Files.ReadFile(e.Name())
		require.NoError(t, err)
		at := e.Name()
		if at == "index.html" {
			at = ""
		}
		files[at] = string(p)
	}
	for _, want := range []string{"", "httpmp.js", "page.js", "httpmp.d.ts"} {
		require.Contains(t, files, want)
	}
	return files
}

func TestPageFiles(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	types := map[string]string{
		"": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".ts": "text/plain; charset=utf-8",
	}
	before := d.state()
	for at, content := range pageFiles(t) {
		t.Run("/"+at, func(t *testing.T) {
			w := d.do("GET", at, "")
			require.Equal(t, 200, w.Code)
			require.Equal(t, content, w.Body.String())
			h := w.Header()
			require.Equal(t, types[path.Ext(at)], h.Get("Content-Type"))
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
			require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"))
			require.Equal(t, "no-cache", h.Get("Cache-Control"))
			require.Equal(t, fmt.Sprint(len(content)), h.Get("Content-Length"))
			require.Contains(t, h.Values("Vary"), "Accept-Encoding")
			require.Empty(t, h.Get("Content-Encoding"))
			if at == "" {
				require.Equal(t, "default-src 'self'; img-src 'self' data:; connect-src 'self'", h.Get("Content-Security-Policy"))
			}
			etag := h.Get("ETag")
			require.Regexp(t, `^"[0-9a-f]{16}"$`, etag)

			head := d.do("HEAD", at, "")
			require.Equal(t, 200, head.Code)
			require.Empty(t, head.Body.String())
			require.Equal(t, h, head.Header())

			for _, known := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
				same := d.do("GET", at, "", "If-None-Match", known)
				require.Equal(t, 304, same.Code, known)
				require.Empty(t, same.Body.String())
				require.Equal(t, etag, same.Header().Get("ETag"))
				require.Equal(t, "no-cache", same.Header().Get("Cache-Control"))
			}
			require.Equal(t, 200, d.do("GET", at, "", "If-None-Match", `"other"`).Code)

			zipped := d.do("GET", at, "", "Accept-Encoding", "br, gzip, deflate")
			require.Equal(t, 200, zipped.Code)
			require.Equal(t, "gzip", zipped.Header().Get("Content-Encoding"))
			require.Equal(t, h.Get("Content-Type"), zipped.Header().Get("Content-Type"))
			require.NotEqual(t, etag, zipped.Header().Get("ETag"), "other bytes, another tag")
			if len(content) > 500 {
				require.Less(t, zipped.Body.Len(), len(content)*3/4)
			}
			z, err := gzip.NewReader(zipped.Body)
			require.NoError(t, err)
			unzipped, err := io.ReadAll(z)
			require.NoError(t, err)
			require.Equal(t, content, string(unzipped))
			require.Equal(t, 304, d.do("GET", at, "", "Accept-Encoding", "gzip", "If-None-Match", zipped.Header().Get("ETag")).Code)
		})
	}
	require.Equal(t, before, d.state())
}

func TestAcceptEncoding(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	for header, want := range map[string]string{
		"": "", "identity": "", "br": "", "gzip": "gzip", "GZIP": "gzip", "br;q=1.0, gzip;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.0": "", "x-gzipped": "",
	} {
		assert.Equal(t, want, d.do("GET", "page.js", "", "Accept-Encoding", header).Header().Get("Content-Encoding"), "%q", header)
	}
}

// TestMounts has an Engine answer the same under every way to mount it.
func TestMounts(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	mux := func(pattern string, h http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle(pattern, h)
		return m
	}
	for _, tt := range []struct {
		name    string
		handler http.Handler
		prefix  string
	}{
		{"itself", d, ""},
		{"StripPrefix without slash", http.StripPrefix("/game", d), "/game"},
		{"StripPrefix with slash", http.StripPrefix("/game/", d), "/game"},
		{"deep", http.StripPrefix("/a/b/game", d), "/a/b/game"},
		{"ServeMux, root", mux("/", d), ""},
		{"ServeMux", mux("/game/", http.StripPrefix("/game", d)), "/game"},
		{"ServeMux, both with slash", mux("/game/", http.StripPrefix("/game/", d)), "/game"},
		{"ServeMux with a wildcard", mux("/{room}/", http.StripPrefix("/game", d)), "/game"},
		{"ServeMux with a host", mux("example.com/game/", http.StripPrefix("/game", d)), "/game"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ask := func(method, path, body string, header ...string) *httptest.ResponseRecorder {
				r := httptest.NewRequest(method, tt.prefix+path, strings.NewReader(body))
				for i := 0; i < len(header); i += 2 {
					r.Header.Set(header[i], header[i+1])
				}
				w := httptest.NewRecorder()
				tt.handler.ServeHTTP(w, r)
				return w
			}
			page := ask("GET", "/?x=1", "")
			require.Equal(t, 200, page.Code)
			require.Contains(t, page.Body.String(), "<html")
			require.Equal(t, 200, ask("GET", "/page.js", "").Code)
			require.Equal(t, 200, ask("GET", "/status", "").Code)
			require.Equal(t, 404, ask("GET", "/nowhere", "").Code)
			a := d.admitted(ask("POST", "/join", `{"protos":[2]}`))
			require.Equal(t, 204, ask("POST", "/in", `{"seq":1,"ev":[["blur"]]}`, a.auth()...).Code)
			require.Equal(t, 200, ask("GET", "/out?m=poll&w=0", "", a.auth()...).Code)
			require.Equal(t, 204, ask("POST", "/leave", a.Token).Code)
		})
	}
}

// TestRedirect: where the slash is missing the browser is sent to the last segment, so that a prefix that only
// a proxy knows of is kept.
func TestRedirect(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	for _, tt := range []struct{ prefix, target, to string }{
		{"/game", "/game", "game/"},
		{"/game", "/game?a=1&b=%20x", "game/?a=1&b=%20x"},
		{"/game", "/game?next=//evil.example/", "game/?next=//evil.example/"},
		{"/a/b/game", "/a/b/game", "game/"},
		{"/a/b/game", "/a/b/game?x", "game/?x"},
		{"/my game", "/my%20game", "my%20game/"},
	} {
		t.Run(tt.target, func(t *testing.T) {
			before := d.state()
			w := httptest.NewRecorder()
			http.StripPrefix(tt.prefix, d).ServeHTTP(w, httptest.NewRequest("GET", tt.target, nil))
			require.Equal(t, 308, w.Code)
			require.Equal(t, []string{tt.to}, w.Header()["Location"])
			require.Equal(t, before, d.state())
		})
	}
}

func TestHandle(t *testing.T) {
	say := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, s, " ", r.URL.Path) })
	}
	d := newDesk(t, httpmp.Config{})
	d.HTTP.Handle("scores", say("scores"))
	d.HTTP.Handle("/slash", say("slash"))
	d.HTTP.Handle("assets/", say("assets"))
	d.HTTP.Handle("assets/deep/", say("deep"))
	d.HTTP.Handle("assets/deep/one", say("one"))
	d.HTTP.Handle("page.css", say("css"))
	d.HTTP.Handle("status", say("first"))
	d.HTTP.Handle("status", say("second"))
	for _, tt := range []struct{ path, want string }{
		{"scores", "scores /scores"},
		{"slash", "slash /slash"},
		{"assets/", "assets /assets/"},
		{"assets/a.png", "assets /assets/a.png"},
		{"assets/a/b/c", "assets /assets/a/b/c"},
		{"assets/deep/", "deep /assets/deep/"},
		{"assets/deep/two", "deep /assets/deep/two"},
		{"assets/deep/one", "one /assets/deep/one"},
		{"page.css", "css /page.css"},
		{"status", "second /status"},
		{"assets", ""},
		{"scores/", ""},
		{"assetsx", ""},
	} {
		w := d.do("GET", tt.path, "")
		if tt.want == "" {
			require.Equal(t, "not_found", refused(t, w).Code, tt.path)
			continue
		}
		require.Equal(t, 200, w.Code, tt.path)
		require.Equal(t, tt.want, w.Body.String())
	}
	require.Equal(t, 200, d.do("GET", "page.js", "").Code, "the others are what they were")
	require.Equal(t, 200, d.tryJoin(`{"protos":[2]}`).Code)

	d.HTTP.Handle("", say("home"))
	require.Equal(t, "home /", d.do("GET", "", "").Body.String())

	t.Run("no cross-site POST comes to a handler", func(t *testing.T) {
		called := 0
		d.HTTP.Handle("vote", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			require.Equal(t, "origin", refused(t, d.do(method, "vote", "", "Origin", "https://evil.example")).Code)
			require.Equal(t, "origin", refused(t, d.do(method, "vote", "", "Sec-Fetch-Site", "cross-site")).Code)
		}
		require.Zero(t, called)
		for i, method := range []string{"POST", "PUT", "PATCH", "DELETE", "GET"} {
			require.Equal(t, 200, d.do(method, "vote", "", "Sec-Fetch-Site", "same-origin").Code)
			require.Equal(t, i+1, called)
		}
		require.Equal(t, 200, d.do("GET", "vote", "", "Sec-Fetch-Site", "cross-site").Code, "GET changes nothing")
	})
}
