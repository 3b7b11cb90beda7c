package httpmp_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/httpmptest"
)

// commands returns what c was sent as text, with one field of each.
func commands(c *httpmptest.Client) []string {
	var out []string
	for _, k := range c.Commands() {
		switch k.Op {
		case "add":
			out = append(out, fmt.Sprintf("add %d %s", k.ID, k.Fields["name"]))
		case "set":
			out = append(out, fmt.Sprintf("set %d %v", k.ID, slices.Sorted(keys(k.Fields))))
		case "remove":
			out = append(out, fmt.Sprintf("remove %d", k.ID))
		case "event":
			p, _ := json.Marshal(k.Data)
			out = append(out, fmt.Sprintf("event %s %s", k.Event, p))
		}
	}
	return out
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// script is a game whose frames are functions, from frame 1.
func script(frames ...func(g *scripted, f *httpmp.Frame)) *scripted {
	return &scripted{step: func(g *scripted, f *httpmp.Frame) {
		if i := int(f.Number) - 1; i < len(frames) && frames[i] != nil {
			frames[i](g, f)
		}
	}}
}

func TestIDs(t *testing.T) {
	a, b, c := &dot{Name: "a"}, &dot{Name: "b"}, &dot{Name: "c"}
	g := script(nil, func(g *scripted, _ *httpmp.Frame) {
		g.Add(a, b)
		assert.Equal(t, []httpmp.SpriteID{1, 2, 0}, []httpmp.SpriteID{g.ID(a), g.ID(b), g.ID(c)})
		assert.Same(t, b, g.Sprite(2))
		assert.Nil(t, g.Sprite(3))
		g.Add(a, b, a)
	}, func(g *scripted, _ *httpmp.Frame) {
		g.Remove(a, c)
		assert.Equal(t, httpmp.SpriteID(0), g.ID(a))
		assert.Nil(t, g.Sprite(1))
		g.Remove(a)
		g.Add(c)
		assert.Equal(t, httpmp.SpriteID(3), g.ID(c))
	}, func(g *scripted, _ *httpmp.Frame) {
		g.Add(a)
		assert.Equal(t, httpmp.SpriteID(4), g.ID(a), "a number is never used again")
	}, func(g *scripted, _ *httpmp.Frame) {
		g.Remove(a)
		g.Add(a)
		assert.Equal(t, httpmp.SpriteID(5), g.ID(a))
	}, func(g *scripted, _ *httpmp.Frame) {
		*b = dot{Name: "b2"}
		assert.Equal(t, httpmp.SpriteID(2), g.ID(b), "known by its pointer")
	})
	h := httpmptest.New(t, g)
	p := h.Join("Ann")
	for _, want := range [][]string{
		{"add 1 a", "add 2 b"},
		{"remove 1", "add 3 c"},
		{"add 4 a"},
		{"remove 4", "add 5 a"},
		{"set 2 [name]"},
		nil,
	} {
		commandsOf := func() []string {
			return slices.DeleteFunc(commands(p), func(s string) bool { return strings.HasPrefix(s, "event") })
		}
		if want != nil && want[0] == "add 1 a" {
			commandsOf()
		}
		h.Frames(1)
		assert.Equal(t, want, commandsOf())
	}
}

func TestSteppedWhenAdded(t *testing.T) {
	var stepped []string
	note := func(d *dot, f *httpmp.Frame) { stepped = append(stepped, fmt.Sprintf("%d:%s", f.Number, d.Name)) }
	var first, second, third *dot
	third = &dot{Name: "third", step: note}
	second = &dot{Name: "second", step: func(d *dot, f *httpmp.Frame) {
		note(d, f)
		if f.Number == 2 {
			f.World.Add(third)
		}
		if f.Number == 4 {
			f.World.Remove(third, first)
		}
	}}
	first = &dot{Name: "first", step: note}
	g := &scripted{start: func(g *scripted) { g.Add(first, second) }}
	h := httpmptest.New(t, g)
	p := h.Join("Ann") // frame 1
	assert.Equal(t, []string{"1:first", "1:second"}, stepped, "those of Start step in the first frame")
	p.Commands()
	stepped = nil
	h.Frames(1)
	assert.Equal(t, []string{"2:first", "2:second"}, stepped)
	assert.Equal(t, []string{"add 3 third"}, commands(p), "sent in the frame in which it was added")
	stepped = nil
	h.Frames(1)
	assert.Equal(t, []string{"3:first", "3:second", "3:third"}, stepped)
	stepped = nil
	h.Frames(1)
	assert.Equal(t, []string{"4:first", "4:second"}, stepped, "removed: not stepped again, in this frame neither")
	assert.ElementsMatch(t, []string{"remove 1", "remove 3"}, commands(p))
	stepped = nil
	h.Frames(1)
	assert.Equal(t, []string{"5:second"}, stepped)
}

func TestAddedAndRemovedWithinAFrame(t *testing.T) {
	g := script(nil, func(g *scripted, _ *httpmp.Frame) {
		d := &dot{Name: "fly"}
		g.Add(d)
		g.Remove(d)
		g.Add(&dot{Name: "stays"})
	})
	h := httpmptest.New(t, g)
	p := h.Join("Ann")
	p.Commands()
	h.Frames(2)
	assert.Equal(t, []string{"add 2 stays"}, commands(p))
	late := h.Join("Bob")
	assert.Equal(t, []string{"add 2 stays"}, commands(late))
}

func TestAllWhileChanging(t *testing.T) {
	g := &scripted{start: func(g *scripted) {
		for i := range 6 {
			g.Add(&dot{Name: fmt.Sprint(i)})
		}
	}}
	var seen []string
	g.step = func(g *scripted, f *httpmp.Frame) {
		if f.Number > 1 {
			return
		}
		for d := range httpmp.All[*dot](&g.World) {
			seen = append(seen, d.Name)
			switch d.Name {
			case "1":
				g.Add(&dot{Name: "new"})
			case "2":
				g.Remove(d, g.Sprite(5)) // itself and "4"
			}
		}
		for range httpmp.All[httpmp.Sprite](&g.World) {
			seen = append(seen, "any")
			break
		}
		for range httpmp.All[*comet](&g.World) {
			t.Error("there is none")
		}
	}
	h := httpmptest.New(t, g)
	h.Frames(1)
	assert.Equal(t, []string{"0", "1", "2", "3", "5", "any"}, seen)
	var names []string
	for d := range httpmp.All[*dot](&g.World) {
		names = append(names, d.Name)
	}
	assert.Equal(t, []string{"0", "1", "3", "5", "new"}, names)
}

// comet is a sprite that no game here knows of from the start.
type comet struct{ httpmp.Pos }

func (*comet) Step(*httpmp.Frame) {}

type byValue struct{ x int }

func (byValue) Step(*httpmp.Frame) {}

type empty struct{}

func (*empty) Step(*httpmp.Frame) {}

func TestAddErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		sprite httpmp.Sprite
		want   string
	}{
		{"nil", nil, "want a non-nil pointer to a struct"},
		{"a nil pointer", (*dot)(nil), "want a non-nil pointer to a struct"},
		{"a value", byValue{1}, "want a non-nil pointer to a struct"},
		{"an empty struct", &empty{}, "give it a field"},
		{"an unknown type", &comet{}, "g.Declare(&comet{})"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := httpmptest.New(t, script(func(g *scripted, _ *httpmp.Frame) { g.Add(tc.sprite) })).Step()
			var fault *httpmp.GameError
			require.ErrorAs(t, err, &fault)
			assert.Equal(t, uint64(1), fault.Frame)
			assert.ErrorContains(t, err, tc.want)
			assert.ErrorContains(t, err, "Add(")
		})
	}
}

func TestDeclare(t *testing.T) {
	h := httpmptest.New(t, &scripted{
		start: func(g *scripted) { g.Declare(&comet{}) },
		step:  func(g *scripted, _ *httpmp.Frame) { g.Add(&comet{}) },
	})
	p := h.Join("Ann")
	h.Frames(1)
	assert.Len(t, p.Commands(), 6) // key, add, stage, game, me; add
	err := httpmptest.New(t, script(func(g *scripted, _ *httpmp.Frame) { g.Declare(&comet{}) })).Step()
	assert.ErrorContains(t, err, "call it in Start")
}

func TestRand(t *testing.T) {
	assert.PanicsWithError(t, "Rand: the seed is not known before Start; use it there", func() { new(scripted).Rand() })
	var drawn [3]uint64
	for i, seed := range []uint64{1, 1, 2} {
		g := &scripted{start: func(g *scripted) { drawn[i] = g.Rand().Uint64() }}
		httpmptest.NewConfig(t, g, httpmp.Config{Seed: seed})
		assert.Same(t, g.Rand(), g.Rand())
	}
	assert.Equal(t, drawn[0], drawn[1])
	assert.NotEqual(t, drawn[0], drawn[2])
}

func TestShowingIsPure(t *testing.T) {
	for call, fn := range map[string]func(g *scripted){
		"Rand":   func(g *scripted) { g.Rand() },
		"Add":    func(g *scripted) { g.Add(&dot{}) },
		"Remove": func(g *scripted) { g.Remove(&dot{}) },
		"Send":   func(g *scripted) { g.Send("say", 1) },
	} {
		for where, g := range map[string]*scripted{
			"Stage": {stage: func(g *scripted) httpmp.Stage { fn(g); return httpmp.Stage{} }},
			"View":  {view: func(g *scripted, _ *httpmp.Client) httpmp.View { fn(g); return httpmp.View{} }},
			"Look": {start: func(g *scripted) {
				g.Add(&dot{look: func(*dot) httpmp.Look { fn(g); return httpmp.Look{} }})
			}},
		} {
			k, err := httpmp.NewCore(g, 30, 10, 1)
			require.NoError(t, err)
			assert.Panics(t, func() { k.Frame(httpmp.FrameInput{Joins: []string{"Ann"}}) }, "%s in %s", call, where)
		}
	}
}

func TestSeats(t *testing.T) {
	seats := map[string]int{}
	g := &scripted{join: func(_ *scripted, c *httpmp.Client) error {
		seats[c.Name()] = c.Seat()
		if c.Name() == "no" {
			return fmt.Errorf("not you")
		}
		return nil
	}}
	h := httpmptest.New(t, g)
	var in []*httpmptest.Client
	for _, name := range []string{"a", "b", "c"} {
		in = append(in, h.Join(name))
	}
	_, err := h.TryJoin("no", nil)
	require.ErrorContains(t, err, "not you")
	in[1].Leave()
	h.Frames(1)
	d := h.Join("d")
	in[0].Leave()
	h.Join("e")
	h.Join("f")
	assert.Equal(t, map[string]int{"a": 0, "b": 1, "c": 2, "no": 3, "d": 1, "e": 0, "f": 3}, seats)
	assert.Equal(t, httpmp.ClientID(5), d.ID, "who was refused had number 4")
	assert.Equal(t, "d", g.Seat(1).Name())
	assert.Nil(t, g.Seat(9))
	var names []string
	for _, c := range g.Clients() {
		names = append(names, c.Name())
	}
	assert.Equal(t, []string{"c", "d", "e", "f"}, names, "in order of their ids")
}

func TestDecodeJoinData(t *testing.T) {
	type wish struct{ Team string }
	var got []wish
	g := &scripted{join: func(_ *scripted, c *httpmp.Client) error {
		w := wish{Team: "none"}
		err := c.Decode(&w)
		got = append(got, w)
		return err
	}}
	h := httpmptest.New(t, g)
	_, err := h.TryJoin("a", wish{"red"})
	require.NoError(t, err)
	h.Join("b")
	_, err = h.TryJoin("c", 7)
	assert.ErrorContains(t, err, "refused")
	assert.Equal(t, []wish{{"red"}, {"none"}, {"none"}}, got)
	assert.Equal(t, 2, h.Engine.Stats().Clients)
}

func TestEvents(t *testing.T) {
	g := &scripted{}
	g.join = func(g *scripted, c *httpmp.Client) error {
		g.Send("in", c.Name())
		c.Send("welcome", c.ID())
		return nil
	}
	g.leave = func(g *scripted, c *httpmp.Client) {
		g.Send("out", c.Name())
		c.Send("never", 1)
	}
	g.step = func(g *scripted, f *httpmp.Frame) {
		if f.Number == 3 {
			for i, c := range g.Clients() {
				c.Send("private", i)
			}
			g.Send("one", 1)
			g.Send("two", []int{2})
		}
	}
	h := httpmptest.New(t, g)
	ann, bob := h.Join("Ann"), h.Join("Bob")
	assert.Equal(t, []string{`event in "Ann"`, `event welcome 1`, `event in "Bob"`}, commands(ann))
	assert.Equal(t, []string{`event in "Bob"`, `event welcome 2`}, commands(bob), "not what was sent before it came")
	h.Frames(1)
	assert.Equal(t, []string{`event one 1`, `event two [2]`, `event private 0`}, commands(ann), "shared before private")
	assert.Equal(t, []string{`event one 1`, `event two [2]`, `event private 1`}, commands(bob))
	h.Frames(3)
	assert.Empty(t, commands(ann), "each arrives once")
	bob.Leave()
	h.Frames(1)
	assert.Equal(t, []string{`event out "Bob"`}, commands(ann))
}

func TestEventsOfStart(t *testing.T) {
	g := &scripted{start: func(g *scripted) { g.Send("say", "hello") }}
	h := httpmptest.New(t, g)
	assert.Equal(t, []string{`event say "hello"`}, commands(h.Join("Ann")), "they go with the first frame")
	assert.Empty(t, commands(h.Join("Bob")))
}

func TestBadEvents(t *testing.T) {
	for _, tc := range []struct {
		name string
		v    any
	}{{"", 1}, {"Say", 1}, {"say it", 1}, {strings.Repeat("x", 33), 1}, {"say", func() {}}, {"say", make(chan int)}, {"say", strings.Repeat("x", 16<<10)}} {
		for _, private := range []bool{false, true} {
			g := &scripted{join: func(g *scripted, c *httpmp.Client) error {
				if private {
					c.Send(tc.name, tc.v)
				} else {
					g.Send(tc.name, tc.v)
				}
				return nil
			}}
			k, err := httpmp.NewCore(g, 30, 10, 1)
			require.NoError(t, err)
			assert.Panics(t, func() { k.Frame(httpmp.FrameInput{Joins: []string{"Ann"}}) }, "%q %T", tc.name, tc.v)
		}
	}
}

func TestPrivateFields(t *testing.T) {
	for _, format := range []string{"f=json", "f=bin"} {
		synctest.Test(t, func(t *testing.T) {
			const first, second = "xyzzy-the-first", "plugh-the-second"
			d := &dot{Name: "chest", Secret: first}
			owner := -1
			m := newMatch(t, &scripted{
				start: func(g *scripted) { g.Add(d) },
				step: func(g *scripted, _ *httpmp.Frame) {
					if d.Owner = nil; owner >= 0 {
						d.Owner = g.Seat(owner)
					}
				},
			}, httpmp.Config{})
			ann, bob := m.page("Ann").open(format), m.page("Bob").open(format)
			run(time.Second)
			for _, s := range []*stream{ann, bob} {
				assert.NotContains(t, string(s.bytes()), first, "nobody's")
				assert.Contains(t, s.state(), `"own":[]`)
			}
			require.NoError(t, m.Do(t.Context(), func() { owner = 0 }))
			run(time.Second)
			assert.Contains(t, ann.state(), `"secret":"`+first+`"`)
			assert.Contains(t, ann.state(), `"own":[1]`)
			assert.NotContains(t, string(bob.bytes()), first)
			assert.Contains(t, bob.state(), `"owner":1`)

			require.NoError(t, m.Do(t.Context(), func() { owner, d.Secret = 1, second }))
			run(time.Second)
			assert.Contains(t, bob.state(), `"secret":"`+second+`"`)
			assert.Contains(t, bob.state(), `"own":[1]`)
			assert.NotContains(t, string(bob.bytes()), first)
			assert.NotContains(t, string(ann.bytes()), second, "it changed with the owner")
			assert.NotContains(t, ann.state(), "secret", "and is taken back")
			assert.Contains(t, ann.state(), `"own":[]`)

			status, _ := bob.page.do("POST", "leave", "")
			require.Equal(t, 204, status)
			run(time.Second)
			assert.Contains(t, ann.state(), `"owner":0`, "its seat is empty")
			carl := m.page("Carl").open(format)
			run(time.Second)
			assert.Contains(t, carl.state(), second, "Carl has the seat now")
			assert.NotContains(t, string(ann.bytes()), second)
			require.NoError(t, m.Do(t.Context(), func() { owner = -1 }))
			run(time.Second)
			assert.NotContains(t, carl.state(), second)
		})
	}
}

func TestMe(t *testing.T) {
	a, b := &dot{Name: "a"}, &dot{Name: "b"}
	views := []httpmp.View{
		{},
		{Follow: a},
		{Follow: a, W: 320, H: 200},
		{Center: httpmp.At(10, 20.5), W: 320, H: 200},
		{Follow: &dot{}},
		{Follow: b},
		{Follow: b},
	}
	g := &scripted{start: func(g *scripted) { g.Add(a, b) }}
	g.view = func(*scripted, *httpmp.Client) httpmp.View { return views[0] }
	g.step = func(g *scripted, f *httpmp.Frame) {
		if f.Number > 1 {
			views = views[1:]
		}
		a.Owner, b.Owner = g.Seat(0), g.Seat(0)
		if len(views) == 1 {
			g.Remove(b)
		}
	}
	h := httpmptest.New(t, g)
	p := h.Join("Ann")
	var got []string
	note := func() {
		for _, c := range p.Commands() {
			if c.Op == "me" {
				s, _ := json.Marshal(c.Fields)
				got = append(got, string(s))
			}
		}
	}
	note()
	for range 6 {
		h.Frames(1)
		note()
	}
	assert.Equal(t, []string{
		`{"camera":null,"own":[1,2],"view":null}`,
		`{"camera":1}`,
		`{"view":[320,200]}`,
		`{"camera":[10,20.5]}`,
		`{"camera":null,"view":null}`,
		`{"camera":2}`,
		`{"camera":null,"own":[1]}`,
	}, got)
}

func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []string
		drop := false
		m := newMatch(t, &scripted{
			leave: func(_ *scripted, c *httpmp.Client) { left = append(left, c.Name()) },
			step: func(g *scripted, _ *httpmp.Frame) {
				if drop {
					for _, c := range g.Clients() {
						c.Send("say", "out you go")
						c.Drop("no cheating")
					}
				}
			},
		}, httpmp.Config{})
		bin, lines, parked := m.page("bin").open(""), m.page("lines").open("f=json"), m.page("parked").open("m=poll&f=json&b=0")
		between := m.page("between")
		between.open("m=poll&w=0")
		parked = parked.reopen("m=poll&f=json")
		bot, err := m.Join(t.Context(), "bot")
		require.NoError(t, err)
		run(100 * time.Millisecond)
		require.NoError(t, m.Do(t.Context(), func() { drop = true }))
		run(frames(1))
		require.NoError(t, m.Do(t.Context(), func() { drop = false }))
		for _, s := range []*stream{bin, lines, parked} {
			h := s.take()
			b := lastBye(t, h)
			assert.Equal(t, "kicked", b.Code)
			assert.Equal(t, "no cheating", b.Msg)
			assert.Equal(t, []string{`say "out you go"`}, events(h), "it is sent away after the frame")
		}
		for _, p := range []*tab{between, bin.page} {
			for _, q := range []string{"out", "out?m=poll"} {
				status, answer := p.do("GET", q, "")
				assert.Equal(t, 403, status)
				assert.Contains(t, string(answer), `"kicked"`)
				assert.Contains(t, string(answer), "no cheating")
			}
			status, _ := p.do("POST", "in", `{"seq":1,"ev":[]}`)
			assert.Equal(t, 403, status)
		}
		assert.Error(t, bot.In().Push(down("KeyA")))
		run(frames(1))
		assert.Equal(t, []string{"bin", "lines", "parked", "between", "bot"}, left)
		assert.Equal(t, 0, m.Stats().Clients)
		run(16 * time.Second)
		status, _ := between.do("GET", "out", "")
		assert.Equal(t, 410, status, "after a while it is forgotten")
		tokens, _, _ := m.Sessions()
		assert.Equal(t, 0, tokens)
	})
}

func TestDropInJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 0
		m := newMatch(t, &scripted{
			join:  func(_ *scripted, c *httpmp.Client) error { c.Drop("only looking"); return nil },
			leave: func(*scripted, *httpmp.Client) { left++ },
		}, httpmp.Config{})
		status, answer := m.page("Ann").do("GET", "out", "")
		assert.Equal(t, 403, status)
		assert.Contains(t, string(answer), "only looking")
		run(frames(1))
		assert.Equal(t, 1, left)
	})
}

// TestSendToWhoIsNotThere: events for clients that are refused or leave within the same frame go nowhere.
func TestSendToWhoIsNotThere(t *testing.T) {
	g := &scripted{}
	g.join = func(g *scripted, c *httpmp.Client) error {
		c.Send("welcome", 1)
		if c.Name() == "no" {
			c.Drop("not you")
			return fmt.Errorf("not you")
		}
		return nil
	}
	g.leave = func(g *scripted, c *httpmp.Client) {
		for _, other := range g.Clients() {
			other.Send("bye", c.ID())
			other.Drop("all of you")
		}
		c.Send("bye", 0)
		c.Drop("gone already")
	}
	g.step = func(g *scripted, f *httpmp.Frame) {
		for _, c := range g.Clients() {
			c.Send("n", f.Number)
		}
	}
	h := httpmptest.New(t, g)
	h.Verify()
	_, err := h.TryJoin("no", nil)
	require.ErrorContains(t, err, "not you")
	h.Frames(1)
	a, b, c := h.Join("a"), h.Join("b"), h.Join("c")
	h.Frames(1)
	a.Leave()
	b.Leave()
	h.Frames(3)
	assert.Equal(t, "left", b.Closed())
	assert.Contains(t, c.Closed(), "all of you")
	assert.Equal(t, 0, h.Engine.Stats().Clients)
	d := h.Join("d")
	assert.Equal(t, []string{"event welcome 1", fmt.Sprint("event n ", h.Engine.Stats().Frame)}, commands(d))
}

// TestPendingIsSaved: what is sent between two frames, in Start or in a Leave, is part of the state.
func TestPendingIsSaved(t *testing.T) {
	g := &scripted{}
	h := httpmptest.New(t, g)
	ann := h.Join("Ann")
	g.Clients()[0].Send("later", 1)
	g.Send("later", 2)
	saved, err := h.Engine.Save()
	require.NoError(t, err)
	require.NoError(t, h.Engine.Load(saved))
	ann.Commands()
	h.Frames(1)
	assert.Equal(t, []string{"event later 2", "event later 1"}, commands(ann))
	h.Frames(1)
	assert.Empty(t, commands(ann))
}
