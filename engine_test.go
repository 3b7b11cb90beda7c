package httpmp_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

func TestVirtualTime(t *testing.T) {
	for _, fps := range []int{1, 7, 30, 60, 120} {
		began := time.Now()
		synctest.Test(t, func(t *testing.T) {
			var numbers []uint64
			g := &scripted{step: func(_ *scripted, f *httpmp.Frame) {
				numbers = append(numbers, f.Number)
				assert.Equal(t, 1/float64(fps), f.Dt) //nolint:testifylint // exactly
			}}
			m := newMatch(t, g, httpmp.Config{FPS: fps})
			run(10 * time.Second)
			require.Len(t, numbers, 10*fps)
			for i, n := range numbers {
				require.Equal(t, uint64(i+1), n)
			}
			s := m.Stats()
			assert.Equal(t, httpmp.Stats{Frame: uint64(10 * fps)}, s)
		})
		assert.Less(t, time.Since(began), 10*time.Second)
	}
}

func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		g := &scripted{step: func(*scripted, *httpmp.Frame) { at = append(at, time.Since(began)) }}
		newMatch(t, g, httpmp.Config{FPS: 7})
		run(time.Hour)
		require.Len(t, at, 7*3600)
		for i, d := range at {
			require.Equal(t, time.Duration(i+1)*time.Second/7, d, "frame %d", i+1)
		}
	})
}

func TestLateLoop(t *testing.T) {
	const frame = time.Second / 10
	for _, tc := range []struct {
		name          string
		sleep         time.Duration // in frame 10
		late, dropped uint64
	}{
		{"in time", frame / 2, 0, 0},
		{"by one", frame + frame/2, 0, 0},
		{"by two", 2*frame + frame/2, 1, 0},
		{"by five", 5*frame + frame/2, 4, 0},
		{"by six", 6*frame + frame/2, 4, 1},
		{"by a hundred", 100*frame + frame/2, 4, 95},
		{"by an hour", time.Hour, 4, 36000 - 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &scripted{step: func(_ *scripted, f *httpmp.Frame) {
					assert.Equal(t, 0.1, f.Dt) //nolint:testifylint // exactly
					if f.Number == 10 {
						time.Sleep(tc.sleep)
					}
				}}
				m := newMatch(t, g, httpmp.Config{FPS: 10})
				run(10*frame + tc.sleep)
				run(10 * frame)
				s := m.Stats()
				assert.Equal(t, tc.late, s.Late)
				assert.Equal(t, tc.dropped, s.Dropped)
				due := uint64((10*frame + tc.sleep + 10*frame) / frame)
				assert.Equal(t, due, s.Frame+s.Dropped, "every frame's time was made or dropped")
			})
		})
	}
}

func TestAlwaysLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &scripted{step: func(*scripted, *httpmp.Frame) { time.Sleep(250 * time.Millisecond) }}
		m := newMatch(t, g, httpmp.Config{FPS: 10})
		done := 0
		for range 10 {
			require.NoError(t, m.Do(t.Context(), func() { done++ }), "the loop still answers")
		}
		run(100 * time.Second)
		s := m.Stats()
		assert.InDelta(t, 400, s.Frame, 60, "as many as it can make")
		assert.InDelta(t, 600, s.Dropped, 100)
	})
}

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stepping := false
		g := &scripted{step: func(g *scripted, _ *httpmp.Frame) {
			stepping = true
			time.Sleep(time.Millisecond)
			g.Count++
			stepping = false
		}}
		m := newMatch(t, g, httpmp.Config{})
		for range 50 {
			require.NoError(t, m.Do(t.Context(), func() {
				assert.False(t, stepping)
				assert.Equal(t, m.Stats().Frame, uint64(g.Count))
			}))
			time.Sleep(7 * time.Millisecond)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if err := m.Do(ctx, func() {}); err != nil {
				assert.ErrorIs(t, err, context.Canceled)
			}
		}
		m.Close()
		assert.ErrorIs(t, m.Do(t.Context(), func() { t.Error("read after the end") }), httpmp.ErrClosed)
	})
}

func TestDoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(&scripted{}, httpmp.Config{})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.ErrorIs(t, e.Do(ctx, func() {}), context.DeadlineExceeded, "before Run")

		require.NoError(t, e.Advance(1))
		n := uint64(0)
		require.NoError(t, e.Do(t.Context(), func() { n = e.Stats().Frame }), "driven by Advance")
		assert.Equal(t, uint64(1), n)
		e.Close()
		assert.ErrorIs(t, e.Do(t.Context(), func() {}), httpmp.ErrClosed)
	})
}

func TestRunAndAdvanceExclude(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, &scripted{}, httpmp.Config{})
		assert.ErrorContains(t, m.Advance(1), "running already")
		assert.ErrorContains(t, m.Run(t.Context()), "running already")
		assert.ErrorContains(t, m.Load(nil), "running")
		run(time.Second)
		assert.Equal(t, uint64(30), m.Stats().Frame)
		m.Close()
		assert.ErrorIs(t, m.Advance(1), httpmp.ErrClosed)
		assert.ErrorIs(t, m.Run(t.Context()), httpmp.ErrClosed)
		assert.ErrorIs(t, m.Load(nil), httpmp.ErrClosed)
		_, err := m.Join(t.Context(), "bot")
		assert.ErrorIs(t, err, httpmp.ErrClosed)

		e, err := httpmp.New(&scripted{}, httpmp.Config{})
		require.NoError(t, err)
		require.NoError(t, e.Advance(0))
		assert.ErrorContains(t, e.Run(t.Context()), "driven by Advance")
		assert.Equal(t, uint64(0), e.Stats().Frame)
		require.NoError(t, e.Advance(3))
		assert.Equal(t, uint64(3), e.Stats().Frame)
	})
}

func TestClose(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e, err := httpmp.New(&scripted{}, httpmp.Config{})
			require.NoError(t, err)
			e.Close()
			e.Close()
			assert.ErrorIs(t, e.Run(t.Context()), httpmp.ErrClosed)
		})
	})
	t.Run("during", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun, goOn := make(chan struct{}), make(chan struct{})
			stepped := false
			m := newMatch(t, &scripted{step: func(*scripted, *httpmp.Frame) {
				close(begun)
				<-goOn
				stepped = true
			}}, httpmp.Config{})
			<-begun
			go func() { close(goOn) }() // it may run before Close or in the midst of it
			go m.Close()
			m.Close()
			assert.True(t, stepped, "Close waits for the frame")
			synctest.Wait()
			<-m.ended
			assert.NoError(t, m.err)
			m.Close()
		})
	})
	t.Run("at the same time as Run", func(t *testing.T) {
		for range 50 {
			synctest.Test(t, func(t *testing.T) {
				e, err := httpmp.New(&scripted{}, httpmp.Config{})
				require.NoError(t, err)
				done := make(chan error)
				go func() { done <- e.Run(t.Context()) }()
				go e.Close()
				if err := <-done; err != nil {
					assert.ErrorIs(t, err, httpmp.ErrClosed)
				}
			})
		}
	})
}

func TestHowRunEnds(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		g    *scripted
		cfg  httpmp.Config
		want error
		code string // of the bye
	}{
		{"quit without an error", &scripted{step: func(g *scripted, f *httpmp.Frame) {
			if f.Number == 30 {
				g.Quit(nil)
			}
		}}, httpmp.Config{}, nil, "shutdown"},
		{"quit with an error", &scripted{step: func(g *scripted, f *httpmp.Frame) {
			if f.Number == 30 {
				g.Quit(broken)
			}
		}}, httpmp.Config{}, broken, "error"},
		{"beside with an error", &scripted{}, httpmp.Config{Beside: func(ctx context.Context, _ *httpmp.Engine) error {
			time.Sleep(time.Second)
			return broken
		}}, broken, "error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMatch(t, tc.g, tc.cfg)
				s := m.page("Ann").open("")
				<-m.ended
				assert.Equal(t, tc.want, m.err)
				assert.InDelta(t, 30, m.Stats().Frame, 1)
				assert.Equal(t, tc.code, lastBye(t, s.take()).Code)
			})
		})
	}
}

func TestContextEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, &scripted{}, httpmp.Config{})
		run(time.Second)
		m.cancel()
		<-m.ended
		assert.NoError(t, m.err)
	})
}

func TestLastFrameIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, &scripted{step: func(g *scripted, f *httpmp.Frame) {
			if f.Number == 30 {
				g.Count = 7
				g.Send("say", "the end")
				g.Quit(nil)
			}
		}}, httpmp.Config{})
		p := m.page("Ann")
		s := p.open("")
		run(time.Second)
		assert.Equal(t, []string{`say "the end"`}, events(s.take()))
		assert.Contains(t, s.state(), `"count":7`)
	})
}

func TestBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		m := newMatch(t, &scripted{}, httpmp.Config{Beside: func(ctx context.Context, e *httpmp.Engine) error {
			bot, err := e.Join(ctx, "bot")
			if err != nil {
				return err
			}
			assert.Equal(t, httpmp.ClientID(1), bot.ID())
			assert.NoError(t, e.Do(ctx, func() {}))
			<-ctx.Done()
			time.Sleep(time.Minute) // to tidy up
			ended = true
			return nil
		}})
		run(time.Second)
		assert.Equal(t, 1, m.Stats().Clients)
		m.cancel()
		<-m.ended
		assert.True(t, ended, "Run waits for it")
		assert.NoError(t, m.err)
	})
}

func TestBesideEndsWithTheMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(&scripted{step: func(g *scripted, f *httpmp.Frame) { panic("oh") }},
			httpmp.Config{Beside: func(ctx context.Context, e *httpmp.Engine) error {
				<-ctx.Done()
				return nil
			}})
		require.NoError(t, err)
		assert.ErrorContains(t, e.Run(t.Context()), "oh")
	})
}

func TestBots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var joined, left []string
		down := 0
		m := newMatch(t, &scripted{
			join:  func(_ *scripted, c *httpmp.Client) error { joined = append(joined, c.Name()); return nil },
			leave: func(_ *scripted, c *httpmp.Client) { left = append(left, c.Name()) },
			step: func(g *scripted, f *httpmp.Frame) {
				if f.Seat(0).Down("KeyA") {
					down++
				}
			},
		}, httpmp.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		bot, err := m.Join(ctx, "bot")
		require.NoError(t, err)
		require.NoError(t, bot.In().Push(httpmp.ClientEvent{Type: "down", Name: "KeyA"}))
		run(time.Minute)
		assert.Equal(t, []string{"bot"}, joined)
		assert.Empty(t, left, "neither the 3 s nor the resume time are for bots")
		assert.InDelta(t, 1800, down, 2, "nor is the blur")
		cancel()
		run(frames(1))
		assert.Equal(t, []string{"bot"}, left)
		assert.ErrorIs(t, bot.In().Push(httpmp.ClientEvent{Type: "blur"}), httpmp.ErrUnknownClient)
		assert.Equal(t, 0, m.Stats().Clients)
	})
}

func TestBotWhoseContextEndsInItsFrame(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			m := newMatch(t, &scripted{join: func(*scripted, *httpmp.Client) error { cancel(); return nil }}, httpmp.Config{})
			m.Join(ctx, "bot")
			run(frames(3))
			assert.Equal(t, 0, m.Stats().Clients, "whether or not Join returned an error, it is out")
		})
	}
}

func TestBotIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := errors.New("no bots")
		m := newMatch(t, &scripted{join: func(*scripted, *httpmp.Client) error { return no }}, httpmp.Config{})
		_, err := m.Join(t.Context(), "bot")
		assert.Equal(t, no, err)
		assert.Equal(t, 0, m.Stats().Clients)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = m.Join(ctx, "bot")
		assert.ErrorIs(t, err, context.DeadlineExceeded, "it gave up before the frame")
	})
}

func TestTimeoutsOfPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := map[string]uint64{}
		var m *match
		m = newMatch(t, &scripted{leave: func(_ *scripted, c *httpmp.Client) { left[c.Name()] = m.Stats().Frame + 1 }}, httpmp.Config{})
		m.page("never") // joins in frame 1
		cut := m.page("cut").open("")
		gone := m.page("gone")
		gone.open("")
		run(time.Second)
		cut.conn.Cut()
		at := m.Stats().Frame
		status, _ := gone.do("POST", "leave", "")
		assert.Equal(t, 204, status)
		run(time.Minute)
		assert.InDelta(t, 92, left["never"], 1, "3 s after it joined")
		assert.InDelta(t, at+15*30+1, left["cut"], 1, "15 s after its out was lost")
		assert.InDelta(t, at+1, left["gone"], 1, "with the next frame")
		for _, p := range []*tab{cut.page, gone} {
			status, _ := p.do("GET", "out", "")
			assert.Equal(t, 410, status)
		}
		tokens, open, nonces := m.Sessions()
		assert.Equal(t, [3]int{}, [3]int{tokens, open, nonces})
	})
}
