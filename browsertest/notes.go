package browsertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// Note is something that a page should not cause: words on the console, an uncaught exception or unhandled rejection, a
// violation of its Content-Security-Policy, an answer of status 400 or more, a request that failed.
type Note struct {
	Source string // console, exception, security, network, ...: as the browser calls it
	Level  string // log, info, warning, error, ...
	Text   string
	URL    string // the script or the resource, where the browser knows it
}

// String returns the note in one line.
func (n Note) String() string { return fmt.Sprintf("%s %s: %s %s", n.Source, n.Level, n.Text, n.URL) }

// Notes returns what the page has caused so far, over all pages that the tab has shown, in order.
func (tab *Tab) Notes() []Note {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.notes)
}

// RequireQuiet fails the test when there are notes, but for those whose text or URL contains one of the given strings:
// what the test itself provokes, such as "net::ERR_CONNECTION_RESET".
func (tab *Tab) RequireQuiet(except ...string) {
	tab.t.Helper()
	// A command's answer comes after the events that were on their way: none is missed.
	Eval[bool](tab, "true")
	loud := slices.DeleteFunc(tab.Notes(), func(n Note) bool {
		return slices.ContainsFunc(except, func(s string) bool { return strings.Contains(n.Text+" "+n.URL, s) })
	})
	if len(loud) == 0 {
		return
	}
	var b strings.Builder
	for _, n := range loud {
		b.WriteString("\n  " + n.String())
	}
	tab.t.Fatalf("browsertest: the page is not quiet:%s", b.String())
}

// listen is called with each of the browser's events, on the goroutine that reads them.
func (tab *Tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		words := make([]string, len(e.Args))
		for i, arg := range e.Args {
			words[i] = strings.Trim(string(arg.Value), `"`)
			if len(arg.Value) == 0 {
				words[i] = arg.Description
			}
		}
		tab.note("console", string(e.Type), strings.Join(words, " "), "")
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		tab.note("exception", "error", text, e.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		tab.note(string(e.Entry.Source), string(e.Entry.Level), e.Entry.Text, e.Entry.URL)
	case *network.EventLoadingFailed:
		if !e.Canceled { // else: the page itself gave it up, or went away
			tab.note("network", "error", e.ErrorText+" "+string(e.BlockedReason), "")
		}
	}
}

func (tab *Tab) note(source, level, text, url string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.notes = append(tab.notes, Note{source, level, text, url})
}
