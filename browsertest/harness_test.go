package browsertest_test

import (
	"fmt"
	"image/color"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/browsertest"
	"github.com/httpmp/httpmp/browsertest/proxy"
)

const wait = 20 * time.Second

func TestTwoTabs(t *testing.T) {
	server := browsertest.Start(t, browsertest.Build(t, "internal/standin"))
	browser := browsertest.Open(t)
	a, b := browser.Tab(server.URL), browser.Tab(server.URL)

	box := func(r browsertest.Repaint) browsertest.Shape {
		boxes := r.In(640, 480).Rects(10, 80)
		if len(boxes) != 1 {
			return browsertest.Shape{}
		}
		return boxes[0]
	}
	for _, tab := range []*browsertest.Tab{a, b} {
		r := tab.Until(wait, "a box", func(r browsertest.Repaint) bool { return box(r).Kind == "rect" })
		require.InDelta(t, 20, box(r).X, 0.01)
		require.InDelta(t, 240, box(r).Y, 0.01)
		require.Equal(t, "visible true", browsertest.Eval[string](tab, "`${document.visibilityState} ${document.hasFocus()}`"))
	}

	a.Hold("ArrowUp")
	a.Until(wait, "the box going up", func(r browsertest.Repaint) bool { return box(r).Y < 200 })
	a.Release("ArrowUp")
	b.HoldFor("KeyS", 100*time.Millisecond)
	b.Until(wait, "the box going down", func(r browsertest.Repaint) bool { return box(r).Y > 240 })
	require.Less(t, box(a.Repaint()).Y, 200.0, "tabs do not share keys")

	// Both tabs repaint at full speed, whichever is in front.
	for _, tab := range []*browsertest.Tab{a, b} {
		first := tab.Repaint()
		r := tab.Until(wait, "60 more repaints", func(r browsertest.Repaint) bool { return r.Number >= first.Number+60 })
		require.Less(t, r.Time-first.Time, 60*100.0, "ms for 60 repaints: a throttled tab has one a second")
	}
	drawn := a.Drawn()
	require.Len(t, drawn, 240-max(0, 240-drawn[len(drawn)-1].Number))
	for i := 1; i < len(drawn); i++ {
		require.Equal(t, drawn[i-1].Number+1, drawn[i].Number)
		require.GreaterOrEqual(t, drawn[i].Time, drawn[i-1].Time)
	}

	x, y := a.Repaint().Place(640, 480, 320, 240)
	a.Click(x, y)
	a.Until(wait, "the click", func(r browsertest.Repaint) bool { return len(r.Texts()) == 1 && r.Texts()[0] == "hello 450,300" })
	browsertest.Eval[bool](a, `document.querySelector("#line").focus() ?? true`)
	a.Type("typed ")
	a.Tap("KeyS")
	require.Equal(t, "typed s", browsertest.Eval[string](a, `document.querySelector("#line").value`))
	require.Empty(t, a.Text("#hidden"))
	require.Empty(t, a.Text("#nothing"))
	a.UntilText(wait, "#count", func(s string) bool { return strings.HasPrefix(s, "at ") })

	a.RequireQuiet()
	b.RequireQuiet()
	b.Close()
	server.Stop()
	require.Contains(t, server.Output(), "stand-in at "+server.URL)
}

func TestShapes(t *testing.T) {
	server := browsertest.Start(t, browsertest.Build(t, "internal/standin"))
	tab := browsertest.Open(t).Tab(server.URL)
	r := tab.Until(wait, "a repaint", func(r browsertest.Repaint) bool { return len(r.Shapes) > 0 })
	require.Equal(t, "stage 900 600", fmt.Sprint(r.Canvas.ID, " ", r.Canvas.Width, " ", r.Canvas.Height))

	var got []string
	for _, s := range r.In(640, 480).Shapes {
		got = append(got, fmt.Sprintf("%s %s %s %.1f,%.1f %.1fx%.1f %v", s.Op, s.Kind, s.Color, s.X, s.Y, s.W, s.H, s.Alpha))
	}
	require.Equal(t, []string{
		"clear rect  320.0,240.0 720.0x480.0 1",
		"fill rect #000000 320.0,240.0 640.0x480.0 1",
		"fill rect #ffffff 20.0,240.0 10.0x80.0 1",
		"fill circle #ff8800 320.0,240.0 12.0x12.0 1",
		"fill rect #ffffff 100.0,100.0 40.0x10.0 1",
		"fill path #00ff00 220.0,130.0 40.0x60.0 1",
		"fill path #00ff00 500.0,100.0 60.0x60.0 0.5",
		"stroke rect #ff0000 310.0,305.0 20.0x10.0 1",
		"text text #00ff00 320.0,20.0 0.0x0.0 1",
	}, got)
	require.Len(t, r.In(640, 480).Circles(6), 1)
	require.Len(t, r.In(640, 480).Rects(0, 0), 3)
	require.Equal(t, []string{"hello "}, r.Texts())

	pic := tab.Screenshot("page")
	require.FileExists(t, pic.File)
	require.Greater(t, pic.Colors(), 5)
	left, top := r.Place(640, 480, 320, 240)
	require.Equal(t, color.RGBA{255, 136, 0, 255}, pic.Pixel(int(left), int(top)), "the ball is where it was drawn")
	left, top = r.Place(640, 480, 320, 400)
	require.Equal(t, color.RGBA{0, 0, 0, 255}, pic.Pixel(int(left), int(top)))
	require.Equal(t, "1024 768", fmt.Sprint(pic.Bounds().Dx(), " ", pic.Bounds().Dy()))
	tab.Resize(400, 300, 2)
	require.Equal(t, "400 2", browsertest.Eval[string](tab, "`${innerWidth} ${devicePixelRatio}`"))
	tab.Go("about:blank")
	require.Equal(t, 1, tab.Screenshot("blank").Colors())
}

func TestNotes(t *testing.T) {
	server := browsertest.Start(t, browsertest.Build(t, "internal/standin"))
	tab := browsertest.Open(t).Tab(server.URL + "?loud")
	want := []string{"a word 42", "elsewhere.test", "404", "nobody catches me", "thrown", "127.0.0.1:1"}
	deadline := time.Now().Add(wait)
	for {
		var all strings.Builder
		for _, n := range tab.Notes() {
			fmt.Fprintln(&all, n)
		}
		missing := ""
		for _, s := range want {
			if !strings.Contains(all.String(), s) {
				missing = s
			}
		}
		if missing == "" {
			break
		}
		require.True(t, time.Now().Before(deadline), "no note has %q:\n%s", missing, &all)
		tab.Repaint()
	}

	rec := &recorded{TB: t}
	func() {
		defer func() { _ = recover() }()
		browsertest.RequireQuietFor(tab, rec)
	}()
	require.Contains(t, rec.text, "a word 42")
	tab.RequireQuiet(append(want, "Content Security Policy", "csp", "Failed to load", "ERR_")...)
}

// recorded takes the failure that a test expects.
type recorded struct {
	testing.TB
	text string
}

func (r *recorded) Fatalf(format string, args ...any) {
	r.text = fmt.Sprintf(format, args...)
	panic(r.text)
}

func (r *recorded) Errorf(format string, args ...any) { r.text = fmt.Sprintf(format, args...) }
func (r *recorded) Helper()                           {}

func TestThroughProxies(t *testing.T) {
	server := browsertest.Start(t, browsertest.Build(t, "internal/standin"))
	target, err := url.Parse(server.URL)
	require.NoError(t, err)
	browser := browsertest.Open(t)
	counts := func(s string) bool { return strings.HasPrefix(s, "at ") }

	tcp, err := proxy.ListenTCP(target.Host)
	require.NoError(t, err)
	defer tcp.Close()
	cut := browser.Tab("http://" + tcp.Addr() + "/")
	cut.UntilText(wait, "#count", counts)
	tcp.Refuse(true)
	tcp.Cut()
	cut.UntilText(wait, "#count", func(s string) bool { return s == "broken" })
	tcp.Refuse(false)
	cut.UntilText(wait, "#count", counts)
	cut.RequireQuiet("net::ERR_")

	whole := httptest.NewServer(proxy.Whole(target, 1<<20))
	defer whole.Close()
	buffered := browser.Tab(whole.URL + "/")
	first := buffered.Until(wait, "the page draws", func(r browsertest.Repaint) bool { return r.Number > 0 })
	buffered.Until(wait, "a second has passed", func(r browsertest.Repaint) bool { return r.Time > first.Time+1000 })
	require.Equal(t, "waiting", buffered.Text("#count"), "nothing of a stream comes through")
	buffered.RequireQuiet()
	buffered.Close()
}

func TestProgramEnds(t *testing.T) {
	file := browsertest.Build(t, "internal/standin")

	rec := &recorded{TB: t}
	browsertest.Start(rec, file, "-fail").Stop()
	require.Contains(t, rec.text, "exit status 1")

	rec = &recorded{TB: t}
	func() {
		defer func() { _ = recover() }()
		browsertest.Start(rec, file, "-nonsense")
	}()
	require.Contains(t, rec.text, "without printing its URL")
	require.Contains(t, rec.text, "flag provided but not defined")

	p := browsertest.Start(t, file)
	p.Kill()
	require.NoError(t, os.Remove(file))
}
