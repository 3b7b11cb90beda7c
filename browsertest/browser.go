package browsertest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Browser is a headless Chromium of one test, with a fresh profile.
type Browser struct {
	t    testing.TB
	ctx  context.Context
	tabs int // opened so far
}

// browserFlags are those that Chromium is started with besides the debugging pipe and the profile's directory.
var browserFlags = map[string]any{
	"headless":   true,
	"no-sandbox": true, // containers and root have none
	// Machines in CI have no GPU, little /dev/shm and no need for a network.
	"disable-gpu": true, "disable-dev-shm-usage": true, "disable-quic": true, "no-proxy-server": true,
	"disable-background-networking": true, "disable-component-update": true, "disable-sync": true,
	"disable-extensions": true, "disable-default-apps": true, "disable-breakpad": true,
	"no-first-run": true, "no-default-browser-check": true, "mute-audio": true, "hide-scrollbars": true,
	// Every tab runs at full speed, whichever is in front.
	"disable-background-timer-throttling": true, "disable-backgrounding-occluded-windows": true, "disable-renderer-backgrounding": true,
	"autoplay-policy": "no-user-gesture-required", "force-color-profile": "srgb", "force-device-scale-factor": "1",
	"enable-automation": true, "password-store": "basic",
}

// Open starts a browser that ends with the test. Where there is no Chromium the test fails.
func Open(t testing.TB) *Browser {
	t.Helper()
	var output lockedBuffer
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.CombinedOutput(&output),
	}
	for name, value := range browserFlags {
		options = append(options, chromedp.Flag(name, value))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...) // not t.Context(): it ends before Cleanup
	ctx, cancel := chromedp.NewContext(alloc, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		closing, done := context.WithTimeout(ctx, 10*time.Second)
		defer done()
		if err := chromedp.Cancel(closing); err != nil {
			t.Logf("browsertest: closing Chromium: %v", err)
		}
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("browsertest: starting Chromium: %v\n%s", err, output.String())
	}
	return &Browser{t: t, ctx: ctx}
}

// chromium returns the browser to start: $CHROMIUM, else the first of the usual names in $PATH.
func chromium(t testing.TB) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if name := os.Getenv("CHROMIUM"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil || errors.Is(err, exec.ErrDot) {
			return path
		}
	}
	t.Fatalf("browsertest: found none of %q: run tools/setup.sh, or set CHROMIUM to a Chromium", names)
	return ""
}

// lockedBuffer keeps what a program prints.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
