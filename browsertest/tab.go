package browsertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is how long one command to the browser may take; on a busy machine a page can take seconds to load.
const patience = 30 * time.Second

// Tab is one page in a browser context of its own: nothing is shared with other tabs, as between two players' machines.
// It always counts as visible and focused. It belongs to the test's goroutine; a method that cannot do its work fails the test.
type Tab struct {
	t      testing.TB
	ctx    context.Context
	number int // of the browser's tabs, from 1

	mu    sync.Mutex // guards notes; the browser's events append to it
	notes []Note
}

// Tab opens a tab, and returns when the page at url has loaded. When the test fails, the tab leaves a picture behind.
func (b *Browser) Tab(url string) *Tab {
	b.t.Helper()
	b.tabs++
	tab := &Tab{t: b.t, number: b.tabs}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(tab.listen))
	tab.ctx = ctx
	b.t.Cleanup(func() {
		if b.t.Failed() && ctx.Err() == nil {
			tab.lastPicture()
		}
		cancel()
	})
	// The first command's context is the tab's life: no timeout.
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatalf("browsertest: opening a tab: %v", err)
	}
	tab.do("preparing the tab", func(ctx context.Context) error {
		if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: recorder})
		return err
	})
	tab.Resize(1024, 768, 1)
	tab.Go(url)
	return tab
}

// Resize gives the page another size, in CSS pixels of ratio device pixels each. A tab opens with 1024 by 768 of 1.
func (tab *Tab) Resize(width, height int, ratio float64) {
	tab.t.Helper()
	tab.do("resizing", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: int64(width), Height: int64(height), DeviceScaleFactor: ratio,
		})
		return err
	})
}

// Go opens another page in the tab, and returns when it has loaded.
func (tab *Tab) Go(url string) {
	tab.t.Helper()
	tab.do("opening "+url, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Navigate(url)) })
}

// Reload loads the page again.
func (tab *Tab) Reload() {
	tab.t.Helper()
	tab.do("reloading", func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Reload()) })
}

// Close closes the tab, as a player does who goes away: the page gets pagehide.
func (tab *Tab) Close() {
	tab.t.Helper()
	tab.do("leaving the page", func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Navigate("about:blank")) })
	if err := chromedp.Cancel(tab.ctx); err != nil {
		tab.t.Fatalf("browsertest: closing a tab: %v", err)
	}
}

// Eval returns the value of a JavaScript expression in the page; of a promise, what it is fulfilled with.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	var value T
	tab.do("evaluating "+expression, func(ctx context.Context) (err error) {
		value, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		return err
	})
	return value
}

// Text returns the text that the first element that matches a CSS selector shows; "" when there is none or it is hidden.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	return Eval[string](tab, fmt.Sprintf(`(el => el && el.checkVisibility() ? el.innerText : "")(document.querySelector(%q))`, selector))
}

// UntilText waits until ok holds for Text(selector), and returns that text. It fails the test after wait.
func (tab *Tab) UntilText(wait time.Duration, selector string, ok func(string) bool) string {
	tab.t.Helper()
	var last string
	tab.poll(wait, func() bool {
		last = tab.Text(selector)
		return ok(last)
	}, func() string { return fmt.Sprintf("the text of %s, which is %q", selector, last) })
	return last
}

// poll asks ok about every 10 ms until it holds, and fails the test after wait.
func (tab *Tab) poll(wait time.Duration, ok func() bool, what func() string) {
	tab.t.Helper()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for start := time.Now(); !ok(); <-every.C {
		if time.Since(start) > wait {
			tab.t.Fatalf("browsertest: waited %v for %s", wait, what())
		}
	}
}

// do runs one command of the browser, and fails the test when it fails or takes too long.
func (tab *Tab) do(what string, f func(ctx context.Context) error) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := f(ctx); err != nil {
		tab.t.Fatalf("browsertest: %s: %v", what, err)
	}
}
