package httpmptest_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/httpmptest"
)

// arcade is a game that notes what its clients do.
type arcade struct {
	httpmp.World
	Score int `httpmp:"score"`

	ships  []*ship
	notes  []string
	faulty func(f *httpmp.Frame) `httpmp:"-"`
}

type ship struct {
	httpmp.Pos
	Owner *httpmp.Client `httpmp:"owner"`
	Fuel  int            `httpmp:"fuel,private"`
}

func (s *ship) Step(f *httpmp.Frame) {
	x, y := f.Input(s.Owner).Stick()
	s.Move(10*x, 10*y)
}

func (g *arcade) Start() { g.Declare(&ship{}) }

func (g *arcade) Join(c *httpmp.Client) error {
	var want struct{ Ship string }
	if err := c.Decode(&want); err != nil {
		return err
	}
	if want.Ship == "sunk" {
		return errors.New("that ship is sunk")
	}
	s := &ship{Owner: c, Fuel: 100}
	g.ships = append(g.ships, s)
	g.Add(s)
	return nil
}

func (g *arcade) Leave(c *httpmp.Client) { g.note("leave", c.Name()) }

func (g *arcade) note(v ...any) { g.notes = append(g.notes, fmt.Sprintln(v...)) }

func (g *arcade) Step(f *httpmp.Frame) {
	for _, c := range g.Clients() {
		in := f.Input(c)
		if n := in.Presses("Space"); n > 0 {
			g.note(c.Name(), "fires", n, in.Down("Space"), in.Released("Space"))
			g.Score += n
		}
		if in.Text != "" {
			g.note(c.Name(), "types", in.Text)
		}
		if in.Pointer != (httpmp.Pos{}) {
			g.note(c.Name(), "points", in.Pointer)
		}
		for v := range httpmp.Events[[]int](in, "dial") {
			g.note(c.Name(), "dials", v)
			c.Send("busy", v)
		}
		if in.Released("KeyQ") {
			g.note(c.Name(), "let go of Q")
		}
		if in.Pressed("KeyK") {
			c.Drop("you pressed K")
		}
	}
	if g.faulty != nil {
		g.faulty(f)
	}
}

func (g *arcade) taken() []string { defer func() { g.notes = nil }(); return g.notes }

func line(v ...any) string { return fmt.Sprintln(v...) }

func TestClient(t *testing.T) {
	g := &arcade{}
	h := httpmptest.New(t, g)
	ann := h.Join("Ann")
	assert.Equal(t, httpmp.ClientID(1), ann.ID)
	assert.Equal(t, []string{"key", "add", "set", "stage", "game", "me"}, ops(ann), "set: what is private")
	assert.Empty(t, ann.Commands(), "they are handed out once")

	ann.Hold("ArrowRight", "ArrowDown")
	h.Frames(3)
	assert.InDelta(t, 30*math.Sqrt2/2, g.ships[0].X, 1e-9)
	ann.Release("ArrowRight", "ArrowDown")
	h.Frames(3)
	assert.InDelta(t, 30*math.Sqrt2/2, g.ships[0].X, 1e-9)
	assert.Equal(t, uint64(4), ann.Ack())

	ann.Tap("Space", "Space")
	h.Frames(1)
	assert.Equal(t, []string{line("Ann", "fires", 2, true, true)}, g.taken())
	h.Frames(1)
	assert.Empty(t, g.taken())

	ann.Type("hé")
	ann.Type("llo")
	ann.Point(3, -4.5)
	ann.Send("dial", []int{1, 2})
	h.Frames(1)
	assert.Equal(t, []string{line("Ann", "types", "héllo"), line("Ann", "points", httpmp.At(3, -4.5)), line("Ann", "dials", []int{1, 2})}, g.taken())
	events := 0
	for _, c := range ann.Commands() {
		if c.Op == "event" {
			events++
			assert.Equal(t, "busy", c.Event)
			assert.Equal(t, []any{1., 2.}, c.Data)
		}
	}
	assert.Equal(t, 1, events)
	g.notes = nil

	ann.Hold("KeyQ")
	ann.Blur()
	h.Frames(1)
	assert.Contains(t, g.taken(), line("Ann", "let go of Q"))
	assert.Equal(t, uint64(14), ann.Ack())
	assert.Empty(t, ann.Closed())
}

func ops(c *httpmptest.Client) (ops []string) {
	for _, k := range c.Commands() {
		ops = append(ops, k.Op)
	}
	return ops
}

func TestPrivateCommands(t *testing.T) {
	h := httpmptest.New(t, &arcade{})
	ann, bob := h.Join("Ann"), h.Join("Bob")
	fuel := func(c *httpmptest.Client) (ids []httpmp.SpriteID) {
		for _, k := range c.Commands() {
			if k.Fields["fuel"] != nil {
				ids = append(ids, k.ID)
			}
		}
		return ids
	}
	assert.Equal(t, []httpmp.SpriteID{1}, fuel(ann))
	assert.Equal(t, []httpmp.SpriteID{2}, fuel(bob))
}

func TestWhoGoes(t *testing.T) {
	g := &arcade{}
	h := httpmptest.New(t, g)
	left, vanished, kicked := h.Join("left"), h.Join("vanished"), h.Join("kicked")
	left.Leave()
	assert.Equal(t, "left", left.Closed())
	h.Frames(1)
	assert.Equal(t, []string{line("leave", "left")}, g.taken())

	vanished.Hold("KeyQ")
	h.Frames(1)
	vanished.Vanish()
	assert.Equal(t, "vanished", vanished.Closed())
	vanished.Commands()
	kicked.Hold("KeyK")
	h.Frames(32)
	assert.Contains(t, g.taken(), line("vanished", "let go of Q"), "one second without a reader")
	assert.Empty(t, vanished.Commands())
	assert.Contains(t, kicked.Closed(), "you pressed K")
	h.Frames(15 * 30)
	assert.Contains(t, g.taken(), line("leave", "vanished"))
	assert.Equal(t, 0, h.Engine.Stats().Clients)
}

func TestTryJoin(t *testing.T) {
	h := httpmptest.New(t, &arcade{})
	h.Verify()
	ann := h.Join("Ann")
	ann.Commands()
	_, err := h.TryJoin("Bob", map[string]string{"ship": "sunk"})
	assert.ErrorContains(t, err, "403 refused: that ship is sunk")
	c, err := h.TryJoin("Bob", map[string]string{"ship": "swift"})
	require.NoError(t, err)
	assert.Equal(t, httpmp.ClientID(3), c.ID)
	_, err = h.TryJoin("Bob", func() {})
	assert.ErrorContains(t, err, "json")
	assert.Len(t, h.Hashes(), int(h.Engine.Stats().Frame), "one for each frame, also for the one that refused")
}

func TestManyClients(t *testing.T) {
	h := httpmptest.New(t, &arcade{})
	for i := range 60 {
		h.Join(fmt.Sprint(i))
	}
	assert.Equal(t, 60, h.Engine.Stats().Clients, "no limit of the network's counts here")
}

func TestManyBatches(t *testing.T) {
	g := &arcade{}
	h := httpmptest.New(t, g)
	ann := h.Join("Ann")
	for range 2000 {
		ann.Tap("Space")
		h.Frames(1)
	}
	assert.Equal(t, 2000, g.Score, "virtual time is no reason to refuse")
}

func TestConfig(t *testing.T) {
	h := httpmptest.NewConfig(t, &arcade{}, httpmp.Config{MaxClients: 1, FPS: 10})
	h.Join("Ann")
	_, err := h.TryJoin("Bob", nil)
	assert.ErrorContains(t, err, "503 full")
	h.Engine.Close()
	_, err = h.TryJoin("Bob", nil)
	assert.ErrorContains(t, err, "503")
}

func TestHashes(t *testing.T) {
	play := func(seed uint64, extra bool) []uint64 {
		h := httpmptest.NewConfig(t, &arcade{}, httpmp.Config{Seed: seed})
		h.Frames(3)
		h.Verify()
		ann := h.Join("Ann")
		for i := range 20 {
			if i%3 == 0 {
				ann.Tap("Space")
			}
			if extra && i == 10 {
				ann.Type("x")
			}
			h.Frames(1)
		}
		return h.Hashes()
	}
	first := play(1, false)
	assert.Len(t, first, 21)
	assert.Equal(t, first, play(1, false))
	other := play(1, true)
	assert.Equal(t, first[:11], other[:11])
	assert.NotEqual(t, first[11:], other[11:])
}

func TestStep(t *testing.T) {
	g := &arcade{faulty: func(f *httpmp.Frame) {
		if f.Number == 3 {
			panic("planted")
		}
	}}
	h := httpmptest.New(t, g)
	ann := h.Join("Ann")
	require.NoError(t, h.Step())
	err := h.Step()
	var fault *httpmp.GameError
	require.ErrorAs(t, err, &fault)
	assert.Equal(t, uint64(3), fault.Frame)
	assert.ErrorContains(t, err, "planted")
	assert.Contains(t, ann.Closed(), "error: ")
	assert.ErrorIs(t, h.Step(), httpmp.ErrClosed)
}

// recorder is a testing.TB that notes how a test fails.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper()        {}
func (r *recorder) Cleanup(func()) {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failure returns what a test says that fails.
func failure(test func(t testing.TB)) string {
	r := &recorder{}
	done := make(chan struct{})
	go func() { // ends with the test
		defer close(done)
		test(r)
	}()
	<-done
	return r.failed
}

type notAGame struct {
	httpmp.World
	C chan int
}

func (*notAGame) Step(*httpmp.Frame) {}

func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		name string
		test func(t testing.TB)
		want []string
	}{
		{"a game that New refuses", func(t testing.TB) { httpmptest.New(t, &notAGame{}) }, []string{"httpmptest: ", "notAGame.C"}},
		{"a Config that New refuses", func(t testing.TB) {
			httpmptest.NewConfig(t, &arcade{}, httpmp.Config{FPS: 500})
		}, []string{"Config.FPS is 500"}},
		{"a join that is refused", func(t testing.TB) {
			h := httpmptest.NewConfig(t, &arcade{}, httpmp.Config{MaxClients: 1})
			h.Join("Ann")
			h.Join("Bob")
		}, []string{`Join("Bob")`, "full"}},
		{"a fault", func(t testing.TB) {
			httpmptest.New(t, &arcade{faulty: func(*httpmp.Frame) { panic("planted") }}).Frames(10)
		}, []string{"frame 1", "planted"}},
		{"an unknown button", func(t testing.TB) {
			httpmptest.New(t, &arcade{}).Join("Ann").Hold("ArrowUpp")
		}, []string{"client 1", "ArrowUpp", "bad_batch", "ArrowUp"}},
		{"a custom event with a bad name", func(t testing.TB) {
			httpmptest.New(t, &arcade{}).Join("Ann").Send("No Way", 1)
		}, []string{"client 1", "No Way"}},
		{"a custom event without JSON", func(t testing.TB) {
			httpmptest.New(t, &arcade{}).Join("Ann").Send("dial", func() {})
		}, []string{"client 1", "dial", "func()"}},
		{"to send after leaving", func(t testing.TB) {
			ann := httpmptest.New(t, &arcade{}).Join("Ann")
			ann.Leave()
			ann.Tap("Space")
		}, []string{"client 1", "gone"}},
		{"more than the InChannel holds", func(t testing.TB) {
			ann := httpmptest.New(t, &arcade{}).Join("Ann")
			for range 300 {
				ann.Tap("Space")
			}
		}, []string{"client 1", "busy"}},
		{"state that is not saved", func(t testing.TB) {
			h := httpmptest.New(t, &arcade{})
			h.Verify()
			h.Frames(3)
			s := &sneaky{}
			h = httpmptest.New(t, s)
			h.Verify()
			h.Frames(1)
			s.value = &s.all[1]
			h.Frames(1)
		}, []string{"frame 2", "sneaky.value"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := failure(tc.test)
			for _, want := range append(tc.want, "httpmptest: ") {
				assert.Contains(t, got, want)
			}
		})
	}
}

// sneaky keeps a pointer into the middle of a slice.
type sneaky struct {
	httpmp.World
	all   []int
	value *int
}

func (g *sneaky) Start() { g.all = []int{1, 2, 3} }

func (g *sneaky) Step(*httpmp.Frame) {}

func TestDoneInATest(t *testing.T) {
	assert.Empty(t, failure(func(t testing.TB) {
		h := httpmptest.New(t, &arcade{})
		h.Join("Ann").Tap("Space")
		h.Frames(2)
	}))
}
