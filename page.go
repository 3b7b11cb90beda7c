//go:build !js

package httpmp

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/httpmp/httpmp/js"
)

// pageFile is a file of the built-in page.
type pageFile struct {
	name    string
	content []byte
	gzipped []byte
	etag    string
}

// policy is what the page may load: itself.
const policy = "default-src 'self'; img-src 'self' data:; connect-src 'self'"

// pageFiles returns the files of the page by path; "" is the page itself. They are made once in a process.
var pageFiles = sync.OnceValue(func() map[string]*pageFile {
	entries, err := js.Files.ReadDir(".")
	if err != nil {
		panic(err) // they are embedded
	}
	files := make(map[string]*pageFile)
	for _, entry := range entries {
		name := entry.Name()
		content, err := js.Files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		z.Write(content) //nolint:errcheck // a buffer takes everything
		z.Close()        // the same
		f := &pageFile{name, content, zipped.Bytes(), `"` + hex.EncodeToString(sum[:8]) + `"`}
		if name == "index.html" {
			name = ""
		}
		files[name] = f
	}
	return files
})

// contentTypes are the types of the files by extension: those of the machine may be others.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".ts":   "text/plain; charset=utf-8",
}

func (f *pageFile) serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", contentTypes[path.Ext(f.name)])
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Encoding")
	if f.name == "index.html" {
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
	}
	content, etag := f.content, f.etag
	if acceptsGzip(r) {
		content, etag = f.gzipped, strings.TrimSuffix(f.etag, `"`)+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(content))
	return nil
}

// acceptsGzip reports whether the request names gzip among the codings that it takes.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, q, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64)
			return err != nil || weight > 0
		}
	}
	return false
}

// serveSchema answers GET schema?h=HASH.
func (e *Engine) serveSchema(w http.ResponseWriter, r *http.Request) error {
	if h := r.URL.Query().Get("h"); h != e.schemaHash {
		return refuse(http.StatusNotFound, "not_found", "h is %q, the schema of this match is %q", h, e.schemaHash)
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return writeJSON(w, e.core.schema)
}

// serveStatus answers GET status.
func (e *Engine) serveStatus(w http.ResponseWriter, _ *http.Request) error {
	s := e.Stats()
	return writeJSON(w, map[string]any{
		"proto": []int{protocol}, "players": s.Clients, "max": e.cfg.MaxClients, "fps": e.cfg.FPS, "frame": s.Frame,
	})
}

// parseNumber reads a whole number. One that is too large is the largest, a negative one is 0.
func parseNumber(s string) (uint64, error) {
	if digits, negative := strings.CutPrefix(s, "-"); negative {
		if _, err := strconv.ParseUint(digits, 10, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, err
		}
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return n, nil
	}
	return n, err
}
