package httpmp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/internal/memnet"
	"github.com/httpmp/httpmp/internal/wire"
)

var errPlanted = errors.New("planted")

// faults are things that game code does wrong by itself, and what the error says.
var faults = map[string]struct {
	do   func()
	want string
}{
	"panic":          {func() { panic("planted") }, "planted"},
	"panic(error)":   {func() { panic(fmt.Errorf("wrapped: %w", errPlanted)) }, "planted"},
	"panic(nil)":     {func() { panic(nil) }, "nil"},
	"nil map":        {func() { writeTo(nil) }, "nil map"},
	"nil pointer":    {func() { var d *dot; d.Name = "x" }, "nil pointer"},
	"Goexit":         {func() { runtime.Goexit() }, "Goexit"},
	"out of range":   {func() { s := []int{}; s[len(s)]++ }, "out of range"},
	"unhashable":     {func() { m := map[any]int{}; m[[]int{}] = 1 }, "unhashable"},
	"closed channel": {func() { c := make(chan int); close(c); close(c) }, "closed channel"},
}

// callbacks plant a fault in each method that game code has. All but Start hit in frame 3 or when somebody
// joins in frame 3.
var callbacks = map[string]func(g *scripted, do func()){
	"Start": func(g *scripted, do func()) { g.start = func(*scripted) { do() } },
	"Join":  func(g *scripted, do func()) { g.join = func(*scripted, *httpmp.Client) error { do(); return nil } },
	"Leave": func(g *scripted, do func()) { g.leave = func(*scripted, *httpmp.Client) { do() } },
	"Step": func(g *scripted, do func()) {
		g.step = func(_ *scripted, f *httpmp.Frame) {
			if f.Number == 3 {
				do()
			}
		}
	},
	"Stage": func(g *scripted, do func()) {
		g.stage = func(g *scripted) httpmp.Stage {
			if g.Count == 3 {
				do()
			}
			return httpmp.Stage{}
		}
		g.step = count
	},
	"View": func(g *scripted, do func()) {
		g.view = func(*scripted, *httpmp.Client) httpmp.View { do(); return httpmp.View{} }
	},
	"a sprite's Step": func(g *scripted, do func()) {
		g.start = func(g *scripted) {
			g.Add(&dot{step: func(_ *dot, f *httpmp.Frame) {
				if f.Number == 3 {
					do()
				}
			}})
		}
	},
	"a sprite's Look": func(g *scripted, do func()) {
		g.start = func(g *scripted) {
			g.Add(&dot{look: func(*dot) httpmp.Look {
				if g.Count == 3 {
					do()
				}
				return httpmp.Look{}
			}})
		}
		g.step = count
	},
}

func writeTo(m map[int]int) { m[1] = 1 }

func count(g *scripted, f *httpmp.Frame) { g.Count = int(f.Number) }

// gameError returns err as a *GameError and checks its frame.
func gameError(t *testing.T, err error, frame uint64) *httpmp.GameError {
	t.Helper()
	var fault *httpmp.GameError
	require.ErrorAs(t, err, &fault)
	assert.Equal(t, frame, fault.Frame)
	assert.ErrorContains(t, err, fmt.Sprintf("frame %d: ", frame))
	return fault
}

func TestFaultsInCallbacks(t *testing.T) {
	for where, plant := range callbacks {
		for what, fault := range faults {
			t.Run(where+"/"+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					other := newMatch(t, &scripted{}, httpmp.Config{})
					watcher := other.page("watcher").open("")
					g := &scripted{}
					plant(g, fault.do)
					if where == "Start" {
						_, err := httpmp.New(g, httpmp.Config{})
						gameError(t, err, 0)
						assert.ErrorContains(t, err, fault.want)
						return
					}
					var pages []*stream
					m := newMatch(t, g, httpmp.Config{})
					if where != "Join" && where != "View" {
						pages = append(pages, m.page("Ann").open(""), m.page("Bob").open("f=json")) // frames 1 and 2
					} else {
						run(frames(2))
					}
					switch where {
					case "Join", "View":
						p := m.stranger()
						status, answer := p.do("POST", "join", `{"protos":[2]}`)
						assert.Equal(t, http.StatusServiceUnavailable, status)
						assert.Contains(t, string(answer), `"shutdown"`)
					case "Leave":
						pages[0].page.do("POST", "leave", "")
						<-m.ended
						assert.Equal(t, "gone", lastBye(t, pages[0].take()).Code)
						pages = pages[1:]
					}
					<-m.ended
					f := gameError(t, m.err, 3)
					assert.ErrorContains(t, m.err, fault.want)
					assert.Equal(t, what == "panic(error)", errors.Is(m.err, errPlanted))
					assert.Equal(t, what != "Goexit", f.Stack != nil)
					if strings.HasPrefix(where, "a sprite") {
						assert.ErrorContains(t, m.err, "*httpmp_test.dot 1")
					}
					for _, s := range pages {
						assert.Equal(t, "error", lastBye(t, s.take()).Code)
						assert.NotContains(t, lastByeOf(s), "planted", "pages are not told what is wrong inside")
					}
					run(time.Second)
					assert.NotNil(t, infos(watcher.take()))
					select {
					case <-other.ended:
						t.Error("the other match has ended too")
					default:
					}
				})
			})
		}
	}
}

// lastByeOf returns all that s was sent, as text.
func lastByeOf(s *stream) string { return string(s.bytes()) }

func TestFaultInDo(t *testing.T) {
	for what, fault := range faults {
		for _, byHand := range []bool{false, true} {
			t.Run(fmt.Sprint(what, " by hand ", byHand), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if byHand {
						e, err := httpmp.New(&scripted{}, httpmp.Config{})
						require.NoError(t, err)
						require.NoError(t, e.Advance(3))
						gameError(t, e.Do(t.Context(), fault.do), 3)
						assert.ErrorIs(t, e.Advance(1), httpmp.ErrClosed)
						return
					}
					m := newMatch(t, &scripted{}, httpmp.Config{})
					s := m.page("Ann").open("")
					run(time.Second)
					m.Do(t.Context(), fault.do)
					<-m.ended
					gameError(t, m.err, m.Stats().Frame)
					assert.ErrorContains(t, m.err, fault.want)
					assert.Equal(t, "error", lastBye(t, s.take()).Code)
				})
			})
		}
	}
}

func TestFaultsInValues(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for _, tc := range []struct {
		name  string
		fault func(g *scripted, d *dot)
		want  []string // in the error
	}{
		{"NaN in pos", func(_ *scripted, d *dot) { d.X = math.NaN() }, []string{"*httpmp_test.dot 2", "pos", "NaN"}},
		{"+Inf in pos", func(_ *scripted, d *dot) { d.Y = math.Inf(1) }, []string{"*httpmp_test.dot 2", "pos", "Inf"}},
		{"NaN in a number", func(_ *scripted, d *dot) { d.Speed = math.NaN() }, []string{"*httpmp_test.dot 2", "speed", "NaN"}},
		{"-Inf in a number", func(_ *scripted, d *dot) { d.Speed = math.Inf(-1) }, []string{"*httpmp_test.dot 2", "speed", "Inf"}},
		{"beyond 2^50", func(_ *scripted, d *dot) { d.Speed = 1 << 50 }, []string{"*httpmp_test.dot 2", "speed"}},
		{"NaN in a private number", func(_ *scripted, d *dot) { d.Power = math.NaN() }, []string{"*httpmp_test.dot 2", "power", "NaN"}},
		{"a huge string", func(_ *scripted, d *dot) { d.Name = long }, []string{"*httpmp_test.dot 2", "name", "65535"}},
		{"a huge private string", func(_ *scripted, d *dot) { d.Secret = long }, []string{"*httpmp_test.dot 2", "secret", "65535"}},
		{"not UTF-8", func(_ *scripted, d *dot) { d.Name = "\xff" }, []string{"*httpmp_test.dot 2", "name", "UTF-8"}},
		{"a huge look", func(_ *scripted, d *dot) { d.look = func(*dot) httpmp.Look { return httpmp.Text(long, 10, "red") } }, []string{"*httpmp_test.dot 2", "look", "65535"}},
		{"NaN in a look", func(_ *scripted, d *dot) {
			d.look = func(*dot) httpmp.Look { return httpmp.Rect(math.NaN(), 1, "red") }
		}, []string{"*httpmp_test.dot 2", "NaN"}},
		{"+Inf in a look's stroke", func(_ *scripted, d *dot) {
			d.look = func(*dot) httpmp.Look { return httpmp.Rect(1, 1, "red").Stroke("blue", math.Inf(1)) }
		}, []string{"*httpmp_test.dot 2", "Inf"}},
		{"NaN in a poly", func(_ *scripted, d *dot) {
			d.look = func(*dot) httpmp.Look { return httpmp.Poly("red", 1, 2, math.NaN(), 3, 5, 8) }
		}, []string{"*httpmp_test.dot 2", "NaN"}},
		{"NaN in the stage", func(g *scripted, _ *dot) {
			g.stage = func(*scripted) httpmp.Stage { return httpmp.Stage{W: math.NaN(), H: 1} }
		}, []string{"Stage", "NaN"}},
		{"a huge stage", func(g *scripted, _ *dot) {
			g.stage = func(*scripted) httpmp.Stage { return httpmp.Stage{Title: long} }
		}, []string{"*httpmp_test.scripted", "stage", "65535"}},
		{"NaN in a view", func(g *scripted, _ *dot) {
			g.view = func(*scripted, *httpmp.Client) httpmp.View { return httpmp.View{Center: httpmp.At(math.NaN(), 1)} }
		}, []string{"View", "NaN"}},
		{"an event without JSON", func(g *scripted, _ *dot) { g.Send("say", math.NaN()) }, []string{`"say"`, "NaN"}},
		{"a private event without JSON", func(g *scripted, _ *dot) { g.Clients()[0].Send("say", func() {}) }, []string{`"say"`, "func()"}},
		{"an oversized world", func(g *scripted, _ *dot) {
			for range 100 {
				g.Add(&dot{Name: long[:20_000]})
			}
		}, []string{"name", "dot"}},
		{"too many sprites", func(g *scripted, _ *dot) {
			for range 65_537 {
				g.Add(&dot{})
			}
		}, []string{"dot"}},
		{"an oversized private layer", func(g *scripted, d *dot) {
			for range 10 {
				g.Add(&dot{Owner: d.Owner, Secret: long[:20_000]})
			}
		}, []string{"secret", "dot"}},
		{"more own sprites than fit", func(g *scripted, d *dot) {
			for range 15_000 {
				g.Add(&dot{Owner: d.Owner})
			}
		}, []string{"own"}},
		{"a sprite pointer of an unknown type in a View", func(g *scripted, _ *dot) {
			g.view = func(*scripted, *httpmp.Client) httpmp.View { return httpmp.View{Follow: slicer{nil}} }
		}, []string{"slicer"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				other := newMatch(t, &scripted{}, httpmp.Config{})
				d := &dot{}
				m := newMatch(t, &scripted{
					start: func(g *scripted) { g.Add(&dot{}, d) },
					step: func(g *scripted, f *httpmp.Frame) {
						if d.Owner = g.Seat(0); f.Number == 5 {
							tc.fault(g, d)
						}
					},
				}, httpmp.Config{})
				bin, lines := m.page("Ann").open(""), m.page("Bob").open("f=json")
				run(time.Second)
				m.cancel()
				<-m.ended
				gameError(t, m.err, 5)
				for _, want := range tc.want {
					assert.ErrorContains(t, m.err, want)
				}
				for _, s := range []*stream{bin, lines} {
					<-s.done
					assert.NoError(t, s.broken)
					assert.Equal(t, "error", lastBye(t, s.take()).Code)
				}
				run(time.Second)
				assert.GreaterOrEqual(t, other.Stats().Frame, uint64(30))
			})
		})
	}
}

// slicer is a Sprite that no map can hold.
type slicer struct{ s []int }

func (slicer) Step(*httpmp.Frame) {}

func TestPagesAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, script(nil, nil, func(*scripted, *httpmp.Frame) { panic("planted") }), httpmp.Config{})
		p := m.page("Ann")
		<-m.ended
		for _, q := range []string{"", "m=poll", "f=json", "m=poll&f=json"} {
			s := p.open(q)
			<-s.done
			assert.Equal(t, "error", lastBye(t, s.take()).Code, q)
		}
		status, _ := m.stranger().do("POST", "join", `{"protos":[2]}`)
		assert.Equal(t, 503, status)
	})
}

// shaker is a game whose dots all move in each frame, and which counts the frames that are late.
func shaker(n, nameBytes int) *scripted {
	var dots []*dot
	return &scripted{
		start: func(g *scripted) {
			for i := range n {
				dots = append(dots, &dot{Name: fmt.Sprint(i, strings.Repeat("x", nameBytes))})
				g.Add(dots[i])
			}
		},
		step: func(g *scripted, f *httpmp.Frame) {
			g.Count++
			for i, d := range dots {
				d.Move(float64(i%7+1), float64(f.Number%3))
				d.Speed = float64(f.Number % 100)
			}
		},
	}
}

// rawOut opens out?query of p on a connection that nothing reads yet.
func (p *tab) rawOut(query string) *memnet.Conn {
	p.m.t.Helper()
	c, err := p.m.ln.Dial(p.m.t.Context())
	require.NoError(p.m.t, err)
	fmt.Fprintf(c, "GET /out?%s HTTP/1.1\r\nHost: match\r\nAuthorization: Bearer %s\r\n\r\n", query, p.Token)
	p.m.t.Cleanup(func() { c.Close() })
	return c
}

// slowly reads one byte of c after each pause.
type slowly struct {
	c     io.Reader
	pause time.Duration
}

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return s.c.Read(p[:1])
}

func TestSlowReader(t *testing.T) {
	for _, tc := range []struct {
		name   string
		pause  time.Duration
		frames int // that it gets at least
	}{
		{"1000 bytes/s", time.Millisecond, 5},
		{"500 bytes/s", 2 * time.Millisecond, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, err := httpmp.New(shaker(100, 400), httpmp.Config{Seed: 1}) // a key frame is 40 KB: 40 s and more
				require.NoError(t, err)
				m := serveMatch(t, e, 2<<10)
				p := m.page("slow")
				fast := m.page("fast").open("")
				c := p.rawOut("")
				a, err := http.ReadResponse(bufio.NewReaderSize(slowly{c, tc.pause}, 16), nil) //nolint:bodyclose // it would read to the end first, and there is none
				require.NoError(t, err)
				r := wire.NewReplica(p.Schema)
				var rest []byte
				buf := make([]byte, 1024)
				applied, jumps := 0, 0
				for applied < tc.frames {
					n, err := a.Body.Read(buf)
					rest = append(rest, buf[:n]...)
					require.NoError(t, err, "slow but moving is never closed; %d frames came", applied)
					for {
						body, more, short := wire.SplitRecords(rest)
						if short != nil {
							break
						}
						rest = more
						if wire.Kind(body) == wire.KindFrame {
							before := r.Frame()
							_, err := r.Apply(body)
							require.NoError(t, err)
							if applied++; r.Frame() > before+1 {
								jumps++
							}
						}
					}
				}
				assert.Positive(t, jumps, "it gets fewer, larger steps")
				assert.Zero(t, m.Stats().Late+m.Stats().Dropped)
				assert.InDelta(t, m.Stats().Frame, fast.frame(), 1, "the others are not held up")
			})
		})
	}
}

func TestStalledReader(t *testing.T) {
	for _, query := range []string{"", "f=json", "m=poll&f=json"} {
		synctest.Test(t, func(t *testing.T) {
			var left []string
			g := shaker(100, 200)
			g.leave = func(_ *scripted, c *httpmp.Client) { left = append(left, c.Name()) }
			e, err := httpmp.New(g, httpmp.Config{Seed: 1})
			require.NoError(t, err)
			m := serveMatch(t, e, 4<<10)
			p := m.page("stalled")
			fast := m.page("fast").open("")
			fast.take()
			p.rawOut(query)
			began := time.Now()
			synctest.Wait()
			_, open, _ := m.Sessions()
			require.Equal(t, 2, open)
			most := 0
			for open == 2 && time.Since(began) < time.Minute {
				run(100 * time.Millisecond)
				_, open, _ = m.Sessions()
				for _, c := range m.ln.Conns() {
					most = max(most, c.Unread())
				}
			}
			assert.InDelta(t, 10.7, time.Since(began).Seconds(), 0.8, "10 s without a byte taken, seen when a heartbeat would be due")
			assert.LessOrEqual(t, most, 4<<10)
			last := time.Duration(0)
			for _, h := range fast.take() {
				if h.info != nil && last > 0 {
					assert.LessOrEqual(t, h.at-last, 34*time.Millisecond, "nobody else waits")
				}
				last = h.at
			}
			assert.Empty(t, left, "the session stays")
			again := p.open(fmt.Sprintf("b=%d&e=%d", 0, p.Epoch))
			run(time.Second)
			assert.InDelta(t, m.Stats().Frame, again.frame(), 1)
			again.close()
			run(16 * time.Second)
			assert.Equal(t, []string{"stalled"}, left)
		})
	}
}

func TestManyStalledReadersTakeLittleMemory(t *testing.T) {
	const readers = 200
	var grown int64
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(shaker(100, 600), httpmp.Config{Seed: 1, MaxClients: 500})
		require.NoError(t, err)
		m := serveMatch(t, e, 4<<10)
		before := heap()
		for i := range readers {
			p := m.page(fmt.Sprint(i))
			p.http.CloseIdleConnections()
			p.rawOut("")
		}
		run(time.Second)
		early := heap()
		run(2 * time.Second)
		_, open, _ := m.Sessions()
		require.Equal(t, readers, open)
		grown = heap() - early
		each := (early - before) / readers
		assert.Less(t, each, int64(160<<10), "a 65 KB key frame, the window, the connection")
	})
	assert.Less(t, grown, int64(2<<20), "what waits does not grow with time")
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

func TestVanishedReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 0
		released := uint64(0)
		m := newMatch(t, &scripted{
			leave: func(*scripted, *httpmp.Client) { left++ },
			step: func(_ *scripted, f *httpmp.Frame) {
				if f.Seat(0).Released("KeyA") {
					assert.Zero(t, released, "once")
					released = f.Number
				}
			},
		}, httpmp.Config{})
		s := m.page("Ann").open("")
		s.page.send(1, `["down","KeyA"]`)
		run(time.Second)
		s.conn.StallReads(true) // nothing arrives, nothing comes back
		s.conn.StallWrites(true)
		run(time.Minute)
		assert.Zero(t, left, "heartbeats of a paused game fit the window")
		s.conn.Cut()
		at := m.Stats().Frame
		run(time.Minute)
		assert.Equal(t, 1, left)
		assert.InDelta(t, at+30, released, 1, "the key is up one silence after the loss")
	})
}

func TestShutdownIsQuickWithAStalledReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(shaker(100, 200), httpmp.Config{Seed: 1})
		require.NoError(t, err)
		m := serveMatch(t, e, 1<<10)
		p := m.page("stalled")
		p.rawOut("")
		run(time.Second)
		began := time.Now()
		m.cancel()
		<-m.ended
		m.Close()
		assert.Zero(t, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		assert.NoError(t, m.server.Shutdown(ctx), "the write in flight is given up")
	})
}

func TestCutAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(shaker(20, 10), httpmp.Config{Seed: 1})
		require.NoError(t, err)
		m := serveMatch(t, e, 0)
		s := m.page("Ann").open("")
		control := m.page("Bob").open("")
		for i := range 200 {
			run(time.Duration(i*i%97) * time.Millisecond)
			s.conn.Cut()
			<-s.done
			s = s.reopen([]string{"f=bin", "f=bin&m=stream"}[i%2])
		}
		run(100 * time.Millisecond)
		s.take()
		run(100 * time.Millisecond)
		a, _, _ := bytes.Cut([]byte(s.state()), []byte(`"me"`))
		b, _, _ := bytes.Cut([]byte(control.state()), []byte(`"me"`))
		assert.Equal(t, string(b), string(a))
	})
}
