package httpmp_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/httpmptest"
)

// zoo is a game that uses everything: sprites come and go and change hands, there are private fields, events,
// randomness, maps, pointers in circles and what players type. All it does follows from its state and its input.
type zoo struct {
	httpmp.World
	Total int `httpmp:"total"`

	beasts  []*beast
	ranks   map[*httpmp.Client]*rank
	byName  map[string]int
	history []string
	leader  *beast
}

type rank struct {
	client *httpmp.Client
	score  int
	best   *beast
}

type beast struct {
	httpmp.Pos
	httpmp.Vel
	Owner *httpmp.Client `httpmp:"owner"`
	Mate  *beast         `httpmp:"mate"`
	HP    int            `httpmp:"hp"`
	Turn  float64        `httpmp:"angle,rad"`
	Hunt  float64        `httpmp:"hunt,private"`
	Notes string         `httpmp:"notes,private"`

	zoo *zoo
	age int
}

func (b *beast) Look() httpmp.Look {
	return httpmp.Circle(5, "green").Caption(strconv.Itoa(b.HP))
}

func (b *beast) Step(f *httpmp.Frame) {
	b.age++
	b.Move(b.VX*f.Dt, b.VY*f.Dt)
	b.Turn = math.Atan2(b.VY, b.VX)
	x, y := f.Input(b.Owner).Stick()
	b.VX, b.VY = b.VX+10*x, b.VY+10*y
	switch r := b.zoo.Rand(); r.IntN(40) {
	case 0:
		b.VX, b.VY = r.Float64()*100-50, r.Float64()*100-50
	case 1:
		b.HP -= r.IntN(3)
	case 2:
		if len(b.zoo.beasts) > 0 {
			b.Mate = b.zoo.beasts[r.IntN(len(b.zoo.beasts))]
		}
	case 3:
		b.zoo.born(b.X, b.Y, b.Owner)
	case 4:
		b.Hunt = r.NormFloat64()
		b.Notes = fmt.Sprintf("%d:%x", f.Number, r.Uint32())
	case 5:
		if seats := b.zoo.Clients(); len(seats) > 0 {
			b.Owner = seats[r.IntN(len(seats))]
		}
	}
	if b.HP <= 0 || b.age > 120 {
		b.zoo.dies(b)
	}
}

func (g *zoo) born(x, y float64, owner *httpmp.Client) *beast {
	b := &beast{Pos: httpmp.At(x, y), Owner: owner, HP: 3 + g.Rand().IntN(5), zoo: g}
	if len(g.beasts) > 40 {
		return b // it stays outside
	}
	g.beasts = append(g.beasts, b)
	g.Add(b)
	return b
}

func (g *zoo) dies(b *beast) {
	g.beasts = slices.DeleteFunc(g.beasts, func(o *beast) bool { return o == b })
	g.Remove(b)
	g.Send("died", b.HP)
	if b.Owner != nil && b.Owner.ID()%2 == 1 {
		b.Owner.Send("lost", b.age)
	}
}

func (g *zoo) Start() {
	g.ranks, g.byName = map[*httpmp.Client]*rank{}, map[string]int{}
	for i := range 5 {
		g.born(float64(i)*10, 5, nil)
	}
	g.Send("opened", true)
}

func (g *zoo) Join(c *httpmp.Client) error {
	if c.Name() == "refused" {
		return fmt.Errorf("not you")
	}
	b := g.born(100, 100, c)
	g.ranks[c] = &rank{client: c, best: b}
	g.byName[c.Name()]++
	return nil
}

func (g *zoo) Leave(c *httpmp.Client) {
	delete(g.ranks, c)
	for _, b := range slices.Clone(g.beasts) {
		if b.Owner == c && b.age%2 == 0 {
			g.dies(b)
		}
	}
}

func (g *zoo) View(c *httpmp.Client) httpmp.View {
	if r := g.ranks[c]; r != nil && r.best != nil {
		return httpmp.View{Follow: r.best, W: 100, H: 100}
	}
	return httpmp.View{}
}

func (g *zoo) Step(f *httpmp.Frame) {
	g.leader = nil
	for _, c := range g.Clients() {
		in, r := f.Input(c), g.ranks[c]
		r.score += in.Presses("Space") + len(in.Text)
		g.Total += r.score
		if in.Text != "" {
			g.history = append(g.history, in.Text)
			if len(g.history) > 5 {
				g.history = g.history[1:]
			}
		}
		for n := range httpmp.Events[int](in, "spawn") {
			for range n % 4 {
				r.best = g.born(in.Pointer.X, in.Pointer.Y, c)
			}
		}
		if in.Pressed("KeyX") && len(g.beasts) > 0 {
			g.dies(g.beasts[g.Rand().IntN(len(g.beasts))])
		}
		if in.Released("KeyD") {
			flash := g.born(1, 1, c)
			g.dies(flash)
		}
		if in.Down("KeyK") && g.Rand().IntN(50) == 0 {
			c.Drop("enough")
		}
	}
	for b := range httpmp.All[*beast](&g.World) {
		if g.leader == nil || b.HP > g.leader.HP {
			g.leader = b
		}
	}
}

// seeds returns the seeds to try: from HTTPMP_SEED, or a few.
func seeds(t *testing.T, n int) []uint64 {
	if s := os.Getenv("HTTPMP_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
		return []uint64{seed}
	}
	if rounds, _ := strconv.Atoi(os.Getenv("HTTPMP_ROUNDS")); rounds > 0 {
		n = max(n, rounds/1000)
	}
	var out []uint64
	for i := range n {
		out = append(out, uint64(i)+1)
	}
	return out
}

// plan returns random inputs of n frames.
func plan(seed uint64, n int) []httpmp.FrameInput {
	r := rand.New(rand.NewPCG(seed, 99))
	var in []httpmp.ClientID
	joined := httpmp.ClientID(0)
	keys := []string{"Space", "KeyX", "KeyD", "KeyA", "KeyW", "ArrowUp", "KeyK"}
	frames := make([]httpmp.FrameInput, n)
	for i := range frames {
		f := &frames[i]
		if len(in) > 0 && r.IntN(30) == 0 {
			k := r.IntN(len(in))
			f.Leaves = append(f.Leaves, in[k])
			in = slices.Delete(in, k, k+1)
		}
		for r.IntN(12) == 0 {
			joined++
			name := "p" + strconv.Itoa(int(joined)%3)
			if r.IntN(4) == 0 {
				name = "refused"
			} else {
				in = append(in, joined)
			}
			f.Joins = append(f.Joins, name)
		}
		f.Events = map[httpmp.ClientID][]httpmp.ClientEvent{}
		for _, id := range in {
			if r.IntN(20) == 0 {
				f.Blurs = append(f.Blurs, id)
			}
			for range r.IntN(3) {
				ev := []httpmp.ClientEvent{
					down(keys[r.IntN(len(keys))]), up(keys[r.IntN(len(keys))]), text("hé" + strconv.Itoa(r.IntN(9))),
					ptr(r.Float64()*640, r.Float64()*480), wheel(1, 2), axis("Pad1.Axis0", r.Float64()*2-1), blurred,
					custom("spawn", strconv.Itoa(r.IntN(5))), custom("spawn", `"x"`), touch("start", 3, 5, 5), touch("end", 3, 6, 6),
				}[r.IntN(11)]
				f.Events[id] = append(f.Events[id], ev)
			}
		}
	}
	return frames
}

// frameOf is what a frame came to.
type frameOf struct {
	shared  string
	private map[httpmp.ClientID]string
	hash    uint64
}

func playZoo(t *testing.T, seed uint64, inputs []httpmp.FrameInput, reload func(frame int) bool) []frameOf {
	t.Helper()
	begin := func() *httpmp.Core {
		k, err := httpmp.NewCore(&zoo{}, 30, 8, seed)
		require.NoError(t, err)
		return k
	}
	k := begin()
	var out []frameOf
	for i, in := range inputs {
		require.NoError(t, k.Frame(in), "frame %d", i+1)
		shared, private := k.Blocks()
		saved, hash, err := k.Save()
		require.NoError(t, err)
		f := frameOf{string(shared), map[httpmp.ClientID]string{}, hash}
		for id, p := range private {
			f.private[id] = string(p)
		}
		out = append(out, f)
		if reload(i) {
			k = begin()
			require.NoError(t, k.Load(saved))
			again, hash2, err := k.Save()
			require.NoError(t, err)
			require.Equal(t, hash, hash2)
			require.Equal(t, saved, again)
		}
	}
	return out
}

// TestDeterminism is the promise that all else stands on: the same inputs give the same bytes and the same
// hashes, also when the match was saved and loaded into a new engine after every frame.
func TestDeterminism(t *testing.T) {
	for _, seed := range seeds(t, 3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Logf("to run it again: HTTPMP_SEED=%d go test -run TestDeterminism", seed)
			inputs := plan(seed, 250)
			first := playZoo(t, seed, inputs, func(int) bool { return false })
			for name, reload := range map[string]func(int) bool{
				"again":                    func(int) bool { return false },
				"loaded after every frame": func(int) bool { return true },
				"loaded now and then":      func(i int) bool { return i%17 == 5 },
			} {
				for i, f := range playZoo(t, seed, inputs, reload) {
					require.Equal(t, first[i], f, "%s: seed %d, frame %d", name, seed, i+1)
				}
			}
			busy := 0
			for _, f := range first {
				if f.shared != "" && len(f.private) > 0 {
					busy++
				}
			}
			assert.Greater(t, busy, 100, "something happens in it")
		})
	}
}

func TestAnotherSeedIsAnotherMatch(t *testing.T) {
	inputs := plan(1, 60)
	a := playZoo(t, 1, inputs, func(int) bool { return false })
	b := playZoo(t, 2, inputs, func(int) bool { return false })
	assert.NotEqual(t, a[59].hash, b[59].hash)
}

func TestVerifyHolds(t *testing.T) {
	k, err := httpmp.NewCore(&zoo{}, 30, 8, 3)
	require.NoError(t, err)
	for i, in := range plan(3, 200) {
		require.NoError(t, k.Frame(in))
		require.NoError(t, k.Verify(), "frame %d", i+1)
	}
}

// TestSaveAndLoadOfAnEngine plays with pages, through the shell.
func TestSaveAndLoadOfAnEngine(t *testing.T) {
	h := httpmptest.New(t, &zoo{})
	ann, bob := h.Join("Ann"), h.Join("Bob")
	act := func(i int) {
		ann.Tap("Space")
		if i%7 == 0 {
			bob.Send("spawn", i)
			bob.Type("x")
		}
	}
	for i := range 50 {
		act(i)
		h.Frames(1)
	}
	saved, err := h.Engine.Save()
	require.NoError(t, err)
	h.Frames(100)
	require.NoError(t, h.Engine.Load(saved))
	assert.Equal(t, uint64(52), h.Engine.Stats().Frame)
	assert.Equal(t, 2, h.Engine.Stats().Clients)
	ann.Commands()
	h.Frames(1)
	assert.Equal(t, "key", ann.Commands()[0].Op, "pages get everything anew")
	assert.Empty(t, ann.Closed())
	h.Frames(460)
	assert.Empty(t, ann.Closed(), "who reads stays")
}

// TestLoadKeepsSessions: everybody who is in the loaded state and was in before goes on; others are out.
func TestLoadKeepsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var texts []string
		g := &scripted{step: func(_ *scripted, f *httpmp.Frame) {
			for i := range 3 {
				if s := f.Seat(i).Text; s != "" {
					texts = append(texts, fmt.Sprint(i, s))
				}
			}
		}}
		h := httpmptest.New(t, g)
		ann := h.Join("Ann")
		bot, err := h.Engine.Join(t.Context(), "bot")
		require.NoError(t, err)
		h.Frames(5)
		saved, err := h.Engine.Save()
		require.NoError(t, err)
		late := h.Join("late")
		ann.Type("before")
		h.Frames(500)
		assert.Equal(t, []string{"0before"}, texts)

		require.NoError(t, h.Engine.Load(saved))
		assert.Equal(t, 2, h.Engine.Stats().Clients)
		texts = nil
		h.Frames(1)
		assert.Contains(t, late.Closed(), "gone")
		ann.Type("after")
		require.NoError(t, bot.In().Push(text("hello")))
		h.Frames(1)
		assert.Equal(t, []string{"0after", "1hello"}, texts)
		g.Clients()[0].Send("say", "hi")
		ann.Commands()
		h.Frames(1)
		assert.Equal(t, []string{`event say "hi"`}, commands(ann))
		h.Frames(500)
		assert.Empty(t, ann.Closed())
		assert.Equal(t, 2, h.Engine.Stats().Clients)
	})
}

func TestLoadIntoARunningStream(t *testing.T) {
	// Load is for engines that are driven by hand: a stream of one ends with rotate and goes on with a key frame.
	synctest.Test(t, func(t *testing.T) {
		e, err := httpmp.New(&scripted{step: count}, httpmp.Config{Seed: 1})
		require.NoError(t, err)
		require.NoError(t, e.Advance(3))
		m := serveByHand(t, e)
		p := m.page("Ann")
		saved, err := e.Save()
		require.NoError(t, err)
		s := p.open("")
		require.NoError(t, e.Advance(20))
		s.take()
		require.NoError(t, e.Load(saved))
		assert.Equal(t, "rotate", lastBye(t, s.take()).Code)
		<-s.done
		s = s.reopen("")
		h := s.take()
		require.NotNil(t, h[0].hello)
		assert.NotEqual(t, p.Epoch, h[0].hello.Epoch, "the frames' numbers mean something else now")
		assert.Equal(t, uint64(0), h[0].hello.Base)
		assert.True(t, infos(h)[0].Key)
		assert.Equal(t, uint64(4), s.frame())
		require.NoError(t, e.Advance(1))
		s.take()
		assert.Contains(t, s.state(), `"count":5`)
	})
}

func TestLoadRefuses(t *testing.T) {
	k, err := httpmp.NewCore(&zoo{}, 30, 8, 3)
	require.NoError(t, err)
	inputs := plan(3, 40)
	for _, in := range inputs[:20] {
		require.NoError(t, k.Frame(in))
	}
	saved, _, err := k.Save()
	require.NoError(t, err)
	for _, in := range inputs[20:30] {
		require.NoError(t, k.Frame(in))
	}
	before, hash, err := k.Save()
	require.NoError(t, err)
	refused := func(p []byte, want string) {
		t.Helper()
		err := k.Load(p)
		require.Error(t, err)
		require.ErrorContains(t, err, "httpmp: ")
		require.ErrorContains(t, err, want)
	}
	for n := range saved {
		refused(saved[:n], "")
	}
	for i := range saved {
		for _, flip := range []byte{1, 0x80, 0xff} {
			p := slices.Clone(saved)
			p[i] ^= flip
			refused(p, "")
		}
	}
	refused(append(slices.Clone(saved), 0), "damaged")
	refused(nil, "not a saved state")
	other, err := httpmp.NewCore(&zoo{}, 60, 8, 3)
	require.NoError(t, err)
	p, _, err := other.Save()
	require.NoError(t, err)
	refused(p, "60 frames/s")
	other, err = httpmp.NewCore(&scripted{}, 30, 8, 3)
	require.NoError(t, err)
	p, _, err = other.Save()
	require.NoError(t, err)
	refused(p, "")

	after, hash2, err := k.Save()
	require.NoError(t, err)
	assert.Equal(t, hash, hash2, "all is as it was")
	assert.Equal(t, before, after)
	for _, in := range inputs[30:] {
		require.NoError(t, k.Frame(in))
	}
	twin := playZoo(t, 3, inputs, func(int) bool { return false })
	_, hash, err = k.Save()
	require.NoError(t, err)
	assert.Equal(t, twin[39].hash, hash, "and goes on as it would have")
	require.NoError(t, k.Load(saved))
}

// hoarder is a game with state of kinds that cannot be saved, or not as it is.
type hoarder struct {
	httpmp.World
	n      int
	cached *int
	list   []int
	tail   []int
	any    any
	do     any
	step   func(g *hoarder) `httpmp:"-"`
	skip   func()           `httpmp:"-"`
}

func (g *hoarder) Step(*httpmp.Frame) { g.step(g) }

type stranger struct{ n int }

func TestVerifyFindsUnsavedState(t *testing.T) {
	for _, tc := range []struct {
		name string
		step func(g *hoarder)
		want string // in the error; empty: there is none
	}{
		{"nothing", func(*hoarder) {}, ""},
		{"a closure in an interface", func(g *hoarder) { g.do = func() {} }, "do"},
		{"a type nobody knows", func(g *hoarder) { g.any = &stranger{1} }, "any"},
		{"a pointer into a slice", func(g *hoarder) { g.list = []int{1, 2, 3}; g.cached = &g.list[1] }, "cached"},
		{"a pointer into the game", func(g *hoarder) { g.cached = &g.n }, ""},
		{"overlapping slices", func(g *hoarder) { g.list = []int{1, 2, 3}; g.tail = g.list[1:] }, "tail"},
		{"a cache that says so", func(g *hoarder) { g.skip = func() {} }, ""},
		{"a known type", func(g *hoarder) { g.any = 7 }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &hoarder{step: tc.step}
			k, err := httpmp.NewCore(g, 30, 8, 3)
			require.NoError(t, err)
			require.NoError(t, k.Frame(httpmp.FrameInput{}))
			err = k.Verify()
			_, _, saveErr := k.Save()
			if tc.want == "" {
				require.NoError(t, err)
				require.NoError(t, saveErr)
				return
			}
			require.Error(t, err)
			assert.ErrorContains(t, err, "httpmp: ")
			assert.ErrorContains(t, err, "hoarder."+tc.want)
			if saveErr != nil {
				assert.ErrorContains(t, saveErr, "httpmp: ")
				assert.ErrorContains(t, saveErr, "hoarder."+tc.want)
			}
		})
	}
}

func TestNewRefusesState(t *testing.T) {
	for name, tc := range map[string]struct {
		g    httpmp.Game
		want string
	}{
		"a function": {&struct {
			scripted
			F func()
		}{}, "F"},
		"a channel": {&struct {
			scripted
			C chan int
		}{}, "C"},
		"the same without it": {&scripted{}, ""},
	} {
		_, err := httpmp.New(tc.g, httpmp.Config{})
		if tc.want == "" {
			assert.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		assert.ErrorContains(t, err, tc.want, name)
	}
}

func TestSaveInDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMatch(t, &zoo{}, httpmp.Config{Seed: 4})
		m.page("Ann").open("")
		run(3 * time.Second)
		var saved []byte
		var frame uint64
		require.NoError(t, m.Do(t.Context(), func() {
			var err error
			saved, err = m.Save()
			assert.NoError(t, err)
			frame = m.Stats().Frame
		}))
		e, err := httpmp.New(&zoo{}, httpmp.Config{Seed: 5})
		require.NoError(t, err)
		require.NoError(t, e.Load(saved))
		assert.Equal(t, frame, e.Stats().Frame)
		other := serveMatch(t, e, 0)
		run(time.Second)
		assert.InDelta(t, frame+30, other.Stats().Frame, 1, "a match goes on in another engine")
		p := other.page("Bob")
		s := p.open("")
		run(time.Second)
		var got struct{ Sprites map[string]any }
		require.NoError(t, json.Unmarshal([]byte(s.state()), &got))
		assert.NotEmpty(t, got.Sprites)
		assert.Equal(t, httpmp.ClientID(2), p.ID)
	})
}
