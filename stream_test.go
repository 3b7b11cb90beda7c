package httpmp_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// modes are the ways to read.
var modes = []string{"f=bin", "f=json"}

func TestStreamBegins(t *testing.T) {
	for _, mode := range modes {
		synctest.Test(t, func(t *testing.T) {
			m := newMatch(t, &scripted{step: count}, httpmp.Config{})
			run(time.Second)
			p := m.page("Ann")
			s := p.open(mode)
			h := s.take()
			require.Len(t, h, 2)
			require.NotNil(t, h[0].hello, "hello first")
			assert.Equal(t, 2, h[0].hello.Hello)
			assert.Equal(t, p.Epoch, h[0].hello.Epoch)
			assert.Equal(t, p.Frame, h[0].hello.Frame)
			assert.Equal(t, uint64(0), h[0].hello.Base)
			require.NotNil(t, h[1].info)
			assert.True(t, h[1].info.Key)
			assert.True(t, h[1].info.HasAck)
			assert.Equal(t, p.Frame, h[1].info.Frame)
			run(frames(30))
			next := p.Frame
			for _, i := range infos(s.take()) {
				next++
				assert.Equal(t, next, i.Frame, "each frame, once")
				assert.False(t, i.Key)
			}
			assert.Equal(t, p.Frame+30, next)
		})
	}
}

func TestHeartbeats(t *testing.T) {
	for _, mode := range modes {
		synctest.Test(t, func(t *testing.T) {
			m := newMatch(t, &scripted{}, httpmp.Config{Silence: 2 * time.Second})
			p := m.page("Ann")
			s := p.open(mode)
			run(100 * time.Millisecond)
			s.take()
			before := m.Stats().BytesOut
			run(10 * time.Minute)
			h := s.take()
			assert.InDelta(t, 300, len(h), 1, "a paused game sends nothing but heartbeats")
			for i, r := range h {
				require.NotNil(t, r.info)
				assert.Empty(t, r.info.Changed)
				assert.Less(t, r.size, 24)
				if i > 0 {
					assert.InDelta(t, 2, (r.at - h[i-1].at).Seconds(), 0.001, "one each silence")
				}
			}
			assert.Less(t, m.Stats().BytesOut-before, uint64(301*25))
		})
	}
}

func TestNoHeartbeatWhileThingsMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, &scripted{step: func(g *scripted, f *httpmp.Frame) { g.Count = int(f.Number) / 15 }}, httpmp.Config{})
		s := m.page("Ann").open("")
		s.take()
		run(time.Minute)
		n := len(s.take())
		assert.LessOrEqual(t, n, 241, "one with each change, and one when all is still again")
		assert.GreaterOrEqual(t, n, 119)
	})
}

func TestAcks(t *testing.T) {
	for _, mode := range append(modes, "m=poll&f=json", "m=poll&f=bin") {
		synctest.Test(t, func(t *testing.T) {
			var down, up uint64
			m := newMatch(t, &scripted{step: func(_ *scripted, f *httpmp.Frame) {
				if f.Seat(0).Pressed("KeyA") {
					down = f.Number
				}
				if f.Seat(0).Released("KeyA") {
					up = f.Number
				}
			}}, httpmp.Config{})
			s := m.page("Ann").open(mode)
			s.take()
			poll := strings.Contains(mode, "poll")
			if poll {
				s = s.reopen(mode)
			}
			run(20 * time.Second / 30)
			s.page.send(1, `["down","KeyA"]`, `["up","KeyA"]`)
			run(frames(2))
			if poll {
				select {
				case <-s.done:
				default:
					t.Fatal("a new ack is due")
				}
			}
			acked := uint64(0)
			for _, i := range infos(s.take()) {
				if acked == 0 && i.Ack == 2 {
					acked = i.Frame
				}
			}
			assert.NotZero(t, down)
			assert.Equal(t, down, up, "a tap shorter than a frame arrives, whole")
			assert.Equal(t, down, acked, "the ack is of the frame that folded it")
		})
	}
}

func TestTapBetweenFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taps := 0
		m := newMatch(t, &scripted{step: func(_ *scripted, f *httpmp.Frame) {
			s := f.Seat(0)
			if s.Down("Space") {
				taps += s.Presses("Space")
			}
		}}, httpmp.Config{FPS: 1})
		p := m.page("Ann")
		p.open("")
		for i := range 10 {
			time.Sleep(10 * time.Millisecond)
			p.send(2*i+1, `["down","Space"]`)
			time.Sleep(10 * time.Millisecond)
			p.send(2*i+2, `["up","Space"]`)
		}
		run(2 * time.Second)
		assert.Equal(t, 10, taps)
	})
}

func TestBlurAfterSilence(t *testing.T) {
	for _, how := range []string{"cut", "closed", "poll"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var held, released []uint64
				m := newMatch(t, &scripted{step: func(_ *scripted, f *httpmp.Frame) {
					if s := f.Seat(0); s.Released("KeyA") {
						released = append(released, f.Number)
						assert.False(t, s.Down("KeyA"))
					} else if s.Down("KeyA") {
						held = append(held, f.Number)
					}
				}}, httpmp.Config{})
				s := m.page("Ann").open("")
				s.page.send(1, `["down","KeyA"]`)
				run(5 * time.Second)
				assert.Greater(t, len(held), 140)
				assert.Empty(t, released)
				switch how {
				case "cut":
					s.conn.Cut()
					<-s.done
				case "closed":
					s.close()
				case "poll": // a page that polls and stops
					s.close()
					s = s.reopen("m=poll&w=0")
					<-s.done
				}
				synctest.Wait()
				at := m.Stats().Frame
				run(10 * time.Second)
				assert.Equal(t, []uint64{at + 30}, released, "once, one silence after")
				s = s.reopen("")
				run(time.Second)
				s.page.send(2, `["down","KeyA"]`)
				run(5 * time.Second)
				assert.Len(t, released, 1)
				assert.True(t, held[len(held)-1] >= m.Stats().Frame-1, "it can be pressed again")
				for _, i := range infos(s.take()) {
					assert.LessOrEqual(t, i.Ack, uint64(2), "a blur of the engine's changes no ack")
				}
			})
		})
	}
}

func TestNoBlurForWhoComesBackInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := false
		m := newMatch(t, &scripted{step: func(_ *scripted, f *httpmp.Frame) {
			released = released || f.Seat(0).Released("KeyA")
		}}, httpmp.Config{})
		s := m.page("Ann").open("")
		s.page.send(1, `["down","KeyA"]`)
		for range 20 {
			run(900 * time.Millisecond)
			s.conn.Cut()
			<-s.done
			run(900 * time.Millisecond)
			s = s.reopen("")
		}
		assert.False(t, released)
	})
}

func TestNewerOutSupersedes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, &scripted{step: count}, httpmp.Config{})
		p := m.page("Ann")
		first := p.open("")
		run(100 * time.Millisecond)
		second := p.open("f=json")
		<-first.done
		assert.Equal(t, "superseded", lastBye(t, first.take()).Code)
		for range 5 {
			third := p.open("m=poll")
			<-third.done
			<-second.done
			assert.Equal(t, "superseded", lastBye(t, second.take()).Code)
			second = p.open("")
		}
		run(20 * time.Second)
		assert.Empty(t, first.take(), "it is final")
		assert.InDelta(t, m.Stats().Frame, second.frame(), 1, "the newer goes on")
		assert.Equal(t, 1, m.Stats().Clients)
	})
}

func TestManyOutsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, &scripted{step: count}, httpmp.Config{})
		p := m.page("Ann")
		var all []*stream
		for range 20 {
			all = append(all, p.open(""))
		}
		run(time.Second)
		live := 0
		for _, s := range all {
			h := s.take()
			if b := h[len(h)-1].bye; b == nil {
				live++
			} else {
				assert.Equal(t, "superseded", b.Code)
			}
		}
		assert.Equal(t, 1, live)
		_, open, _ := m.Sessions()
		assert.Equal(t, 1, open)
	})
}

func TestByes(t *testing.T) {
	for _, mode := range append(modes, "m=poll&f=json", "m=poll&f=bin") {
		synctest.Test(t, func(t *testing.T) {
			m := newMatch(t, &scripted{}, httpmp.Config{})
			ann, bob := m.page("Ann").open(mode), m.page("Bob").open(mode)
			run(100 * time.Millisecond)
			if strings.Contains(mode, "poll") {
				ann, bob = ann.reopen(mode), bob.reopen(mode)
			}
			ann.page.do("POST", "leave", "")
			<-ann.done
			assert.Equal(t, "gone", lastBye(t, ann.take()).Code)
			m.cancel()
			<-bob.done
			b := lastBye(t, bob.take())
			assert.Equal(t, "shutdown", b.Code)
			assert.Equal(t, 500, b.Retry)
			<-m.ended
			assert.NoError(t, m.err)
		})
	}
}

// TestResume cuts streams at random times: what follows is a catch-up from what the page has, never a key frame.
func TestResume(t *testing.T) {
	for _, mode := range modes {
		synctest.Test(t, func(t *testing.T) {
			e, err := httpmp.New(&zoo{}, httpmp.Config{Seed: 7})
			require.NoError(t, err)
			m := serveMatch(t, e, 0)
			s, control := m.page("Ann").open(mode), m.page("Bob").open(mode)
			r := rand.New(rand.NewPCG(1, 2))
			for range 60 {
				run(time.Duration(r.IntN(700)) * time.Millisecond)
				s.conn.Cut()
				<-s.done
				run(time.Duration(r.IntN(700)) * time.Millisecond)
				base := s.frame()
				s.take()
				s = s.reopen(mode)
				h := s.take()
				require.NotNil(t, h[0].hello)
				require.Equal(t, base, h[0].hello.Base)
				for _, i := range infos(h) {
					require.False(t, i.Key)
					require.Greater(t, i.Frame, base)
				}
			}
			run(frames(3))
			control.take()
			assert.Equal(t, shared(t, control.state()), shared(t, s.state()))
		})
	}
}

// shared returns what everybody sees of a state: without "me" and private fields.
func shared(t *testing.T, state string) string {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(state), &v))
	delete(v, "me")
	for _, s := range v["sprites"].(map[string]any) {
		for _, private := range []string{"hunt", "notes", "secret", "power"} {
			delete(s.(map[string]any)["fields"].(map[string]any), private)
		}
	}
	p, err := json.Marshal(v)
	require.NoError(t, err)
	return string(p)
}

func TestResumeOfWhatIsTooOldOrWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(&zoo{}, httpmp.Config{Seed: 7})
		require.NoError(t, err)
		m := serveMatch(t, e, 0)
		p := m.page("Ann")
		p.open("").close()
		run(time.Second)
		m.page("Bob").open("")
		at := m.Stats().Frame
		for name, q := range map[string]string{
			"no base":           "",
			"another epoch":     fmt.Sprintf("b=%d&e=%d", at, p.Epoch+2),
			"no epoch":          fmt.Sprintf("b=%d", at),
			"the future":        fmt.Sprintf("b=%d&e=%d", at+1000, p.Epoch),
			"the far future":    fmt.Sprintf("b=18446744073709551615&e=%d", p.Epoch),
			"beyond the future": fmt.Sprintf("b=184467440737095516150&e=%d", p.Epoch),
		} {
			h := p.open(q).take()
			require.NotEmpty(t, h, name)
			assert.Equal(t, uint64(0), h[0].hello.Base, name)
			assert.True(t, infos(h)[0].Key, name)
		}
		s := p.open("")
		run(frames(3))
		s.close()
		s.take()
		run(12 * time.Second) // beyond 10 s the server has forgotten what was removed
		s = s.reopen("")
		h := s.take()
		assert.True(t, infos(h)[0].Key)
		run(frames(3))
		assert.InDelta(t, m.Stats().Frame, s.frame(), 1)
	})
}

func TestEventsOverALostConnection(t *testing.T) {
	for _, mode := range modes {
		synctest.Test(t, func(t *testing.T) {
			m := newMatch(t, &scripted{step: func(g *scripted, f *httpmp.Frame) {
				g.Send("n", f.Number)
				for _, c := range g.Clients() {
					c.Send("own", f.Number)
				}
			}}, httpmp.Config{})
			s := m.page("Ann").open(mode)
			r := rand.New(rand.NewPCG(1, 2))
			var got []string
			first := s.page.Frame
			for range 30 {
				run(time.Duration(r.IntN(400)) * time.Millisecond)
				s.conn.Cut()
				<-s.done
				got = append(got, events(s.take())...)
				run(time.Duration(r.IntN(1400)) * time.Millisecond)
				s = s.reopen(mode)
			}
			run(frames(3))
			got = append(got, events(s.take())...)
			var n, own []string
			for _, e := range got {
				if strings.HasPrefix(e, "n ") {
					n = append(n, e[2:])
				} else {
					own = append(own, e[4:])
				}
			}
			for i := range n {
				require.Equal(t, fmt.Sprint(first+uint64(i)), n[i], "each once, in order")
				require.Equal(t, n[i], own[i])
			}
			assert.Greater(t, len(n), 100)
		})
	}
}

// TestModesAgree has the same match read in both modes, by streams and by polls.
func TestModesAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(&zoo{}, httpmp.Config{Seed: 11, FPS: 20})
		require.NoError(t, err)
		require.NoError(t, e.Advance(5))
		m := serveByHand(t, e)
		bin, lines := m.page("Ann").open("f=bin"), m.page("Bob").open("f=json")
		pollBin, pollLines := m.page("Carl").open("m=poll&f=bin"), m.page("Dora").open("m=poll&f=json")
		for i := range 300 {
			if i%20 == 0 {
				require.NoError(t, e.Do(t.Context(), func() {}))
				bin.page.send(2*(i/20)+1, `["down","ArrowUp"]`, fmt.Sprintf(`["spawn",%d]`, i%4))
				lines.page.send(i/20+1, `["text","é\"<"]`)
			}
			require.NoError(t, e.Advance(1))
			if i%3 == 0 {
				pollBin, pollLines = pollBin.reopen("m=poll&f=bin&w=0"), pollLines.reopen("m=poll&f=json&w=0")
			}
			want := shared(t, bin.state())
			require.Equal(t, want, shared(t, lines.state()), "frame %d", i)
			if i%3 == 0 {
				require.Equal(t, want, shared(t, pollBin.state()))
				require.Equal(t, want, shared(t, pollLines.state()))
			}
			if i%50 == 49 { // the same page in the other mode sees the same, private things included
				for _, s := range []*stream{bin, lines} {
					again := s.page.open(map[*stream]string{bin: "f=json", lines: "f=bin"}[s])
					require.Equal(t, s.state(), again.state())
					again.close()
				}
				bin, lines = bin.page.open("f=bin"), lines.page.open("f=json")
			}
		}
		assert.Contains(t, bin.state(), `"notes":"`)
	})
}

func TestPolls(t *testing.T) {
	for _, format := range modes {
		synctest.Test(t, func(t *testing.T) {
			m := newMatch(t, &scripted{step: func(g *scripted, f *httpmp.Frame) {
				if f.Number%60 == 0 {
					g.Count++
					g.Send("beat", g.Count)
				}
			}}, httpmp.Config{})
			p := m.page("Ann")
			s := p.open(fmt.Sprintf("m=poll&e=%d&%s", p.Epoch, format))
			h := s.take()
			<-s.done
			assert.Nil(t, h[0].hello, "a poll says hello only where the epoch is another")
			var got []string
			for range 10 {
				before := time.Now()
				s = s.reopen("m=poll&" + format)
				<-s.done
				assert.Greater(t, time.Since(before), time.Second, "it waits for a change")
				h := s.take()
				require.Len(t, infos(h), 1)
				got = append(got, events(h)...)
			}
			assert.Equal(t, []string{"beat 1", "beat 2", "beat 3", "beat 4", "beat 5", "beat 6", "beat 7", "beat 8", "beat 9", "beat 10"}, got)
			s = s.reopen("m=poll&w=300&" + format)
			began := time.Now()
			<-s.done
			assert.InDelta(t, 0.3, time.Since(began).Seconds(), 0.04)
			h = s.take()
			require.Len(t, h, 1, "one empty frame, whose number is the next base")
			assert.Equal(t, m.Stats().Frame, h[0].info.Frame)
			s = p.open("m=poll&e=1&" + format)
			assert.NotNil(t, s.take()[0].hello)
			assert.Equal(t, 1, m.Stats().Clients)
		})
	}
}

func TestManyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(&zoo{}, httpmp.Config{Seed: 3})
		require.NoError(t, err)
		m := serveMatch(t, e, 0)
		var all []*stream
		for i := range 30 {
			all = append(all, m.page(fmt.Sprint(i)).open(modes[i%2]))
		}
		run(5 * time.Second)
		for _, s := range all {
			s.take()
		}
		want := shared(t, all[0].state())
		for _, s := range all {
			assert.Equal(t, want, shared(t, s.state()))
		}
	})
}
