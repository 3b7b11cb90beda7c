package browsertest_test

import (
	"fmt"
	"math"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/httpmp/httpmp/browsertest"
	"github.com/httpmp/httpmp/browsertest/proxy"
)

// TestPong plays a rally in two tabs by key presses while a third watches, over each way that frames can come, and goes by
// what the pages draw.
func TestPong(t *testing.T) {
	game := Start(t, Build(t, "../examples/pong"))
	t.Cleanup(game.Stop)

	t.Run("stream", func(t *testing.T) {
		m := sitDown(t, game.URL)
		m.rally(4)
		require.Equal(t, "by stream", m.carrier())
		m.look("pong")
	})

	t.Run("long-poll", func(t *testing.T) {
		m := sitDown(t, game.URL+"?mode=poll")
		m.rally(4)
		require.Equal(t, "by long poll", m.carrier())
		m.look("pong-poll")
	})

	t.Run("whole responses only", func(t *testing.T) {
		target, err := url.Parse(game.URL)
		require.NoError(t, err)
		whole := httptest.NewServer(proxy.Whole(target, 1<<20))
		t.Cleanup(whole.Close)
		m := sitDown(t, whole.URL+"/")
		m.rally(4)
		require.Equal(t, "by long poll", m.carrier(), "the page has found out by itself")
		m.look("pong-whole")
	})

	t.Run("cut", func(t *testing.T) {
		target, err := url.Parse(game.URL)
		require.NoError(t, err)
		tcp, err := proxy.ListenTCP(target.Host)
		require.NoError(t, err)
		t.Cleanup(tcp.Close)
		m := sitDown(t, "http://"+tcp.Addr()+"/")
		m.rally(2)
		score := m.watcher.Text("#score")
		tcp.Cut()
		m.rally(3)
		require.Equal(t, score, m.watcher.Text("#score"), "the rally went on across the cut")

		tcp.Refuse(true)
		tcp.Cut()
		m.watcher.UntilText(5*time.Second, "#pill", func(s string) bool { return s != "" })
		for range 200 { // it fades in
			if Eval[string](m.watcher, "getComputedStyle(document.querySelector('#pill')).opacity") == "1" {
				break
			}
		}
		m.watcher.Screenshot("pong-reconnecting")
		tcp.Refuse(false)
		m.watcher.UntilText(10*time.Second, "#pill", func(s string) bool { return s == "" })
		m.rally(2)
		m.look("pong-cut", "net::ERR_")
	})
}

// match is two tabs that play and one that watches.
type match struct {
	t       *testing.T
	left    *Tab
	right   *Tab
	watcher *Tab
	held    map[*Tab]string
}

// sitDown opens three tabs and waits until each of them draws the game.
func sitDown(t *testing.T, url string) *match {
	t.Helper()
	b := Open(t)
	m := &match{t: t, held: map[*Tab]string{}}
	for _, tab := range []**Tab{&m.left, &m.right, &m.watcher} {
		*tab = b.Tab(url)
		(*tab).Until(15*time.Second, "two paddles and a ball", func(r Repaint) bool {
			_, ok := pong(r)
			return ok
		})
	}
	return m
}

// state is where the page draws things, in world units.
type state struct {
	ball    Shape
	paddles [2]Shape // left, right
}

func pong(r Repaint) (s state, ok bool) {
	r = r.In(640, 480)
	paddles, balls := r.Rects(12, 80), r.Circles(8)
	if len(paddles) != 2 || len(balls) != 1 {
		return s, false
	}
	s = state{balls[0], [2]Shape{paddles[0], paddles[1]}}
	if s.paddles[0].X > s.paddles[1].X {
		s.paddles[0], s.paddles[1] = s.paddles[1], s.paddles[0]
	}
	return s, true
}

// rally plays until the watcher's page has drawn the ball coming back from paddles that many times in a row.
func (m *match) rally(hits int) {
	m.t.Helper()
	w := &watch{last: m.watcher.Repaint().Number}
	for end := time.Now().Add(2 * time.Minute); w.hits < hits; {
		if time.Now().After(end) {
			m.watcher.Screenshot("no-rally")
			require.Failf(m.t, "no rally", "the watcher has drawn %d hits in a row in two minutes, want %d; it draws %v", w.hits, hits, m.watcher.Repaint())
		}
		m.steer(m.left, 0, "ArrowUp", "ArrowDown")
		m.steer(m.right, 1, "KeyW", "KeyS")
		for _, r := range m.watcher.DrawnSince(w.last) {
			w.see(r)
		}
	}
	m.steer(m.left, -1, "", "")
	m.steer(m.right, -1, "", "")
}

// watch counts hits in what a page has drawn.
type watch struct {
	last    int     // the repaint that was seen last
	x       float64 // where it drew the ball
	heading float64 // -1 to the left, 1 to the right, 0 not known
	hits    int     // in a row
}

func (w *watch) see(r Repaint) {
	s, ok := pong(r)
	if !ok || r.Number <= w.last {
		return
	}
	d := s.ball.X - w.x
	w.last, w.x = r.Number, s.ball.X
	switch {
	case math.Abs(d) > 200: // a point was made, and the ball is served; or it is the first that was seen
		w.heading, w.hits = 0, 0
	case math.Abs(d) > 1:
		heading := math.Copysign(1, d)
		if w.heading == -heading && math.Abs(s.ball.X-320) > 150 { // it has turned, at a paddle
			w.hits++
		}
		w.heading = heading
	}
}

// steer has the tab hold the key that takes its paddle to the ball, by what the tab itself draws; for paddle -1 it lets go.
func (m *match) steer(tab *Tab, paddle int, up, down string) {
	m.t.Helper()
	want := ""
	if paddle >= 0 {
		s, ok := pong(tab.Repaint())
		if !ok {
			return
		}
		switch d := s.ball.Y - s.paddles[paddle].Y; {
		case d < -14:
			want = up
		case d > 14:
			want = down
		}
	}
	if m.held[tab] == want {
		return
	}
	if m.held[tab] != "" {
		tab.Release(m.held[tab])
	}
	if want != "" {
		tab.Hold(want)
	}
	m.held[tab] = want
}

// carrier returns how all three tabs say that their frames come.
func (m *match) carrier() string {
	m.t.Helper()
	how := Eval[string](m.left, "document.querySelector('#status').title")
	for _, tab := range []*Tab{m.right, m.watcher} {
		require.Equal(m.t, how, Eval[string](tab, "document.querySelector('#status').title"))
	}
	return how
}

// look checks that the tabs show something, all the same score, and that their consoles are empty.
func (m *match) look(name string, except ...string) {
	m.t.Helper()
	for i, tab := range []*Tab{m.left, m.right, m.watcher} {
		p := tab.Screenshot(fmt.Sprintf("%s-%d", name, i))
		require.Greater(m.t, p.Colors(), 20, "tab %d is not blank", i)
		s, ok := pong(tab.Repaint())
		require.True(m.t, ok)
		require.InDelta(m.t, 24, s.paddles[0].X, 0.6)
		require.InDelta(m.t, 616, s.paddles[1].X, 0.6)
		tab.RequireQuiet(except...)
	}
}
