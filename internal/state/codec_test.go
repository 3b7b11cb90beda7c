package state_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

type (
	hp     int16
	weapon interface{ Damage() int }
	sword  struct{ edge int }
	bow    struct{ arrows []int }
	fist   int8
)

func (s sword) Damage() int { return s.edge }
func (b *bow) Damage() int  { return len(b.arrows) }
func (f fist) Damage() int  { return int(f) }

// everything has a field of each kind.
type everything struct {
	b    bool
	i    int
	i8   int8
	i16  hp
	i32  int32
	i64  int64
	u    uint
	u8   uint8
	u16  uint16
	u32  uint32
	u64  uint64
	up   uintptr
	f32  float32
	f64  float64
	c64  complex64
	c128 complex128
	s    string

	bytes  []byte
	nilS   []int
	empty  []int
	nested [][]string
	hollow []struct{}
	blind  []struct {
		cache int `httpmp:"-"`
	}
	small   [3]int
	large   [20]uint16
	raw     [100]byte
	nothing [0]func()
	_       func()

	mNil    map[string]int
	mEmpty  map[string]int
	mString map[string]int
	mBool   map[bool]string
	mInt    map[hp][]int
	mFloat  map[float64]*int
	mArray  map[[2]uint8]Pos
	mStruct map[struct{ a, b string }]int
	mBytes  map[[20]int8]int
	mNested map[int]map[int]string

	p      *int
	same   *int
	pp     **int
	self   *everything
	hollP  *struct{}
	any    any
	word   any
	count  any
	held   weapon
	inline weapon
	value  weapon
	when   time.Time
	dice   *rand.PCG
	rand   *rand.Rand

	Exported int    `httpmp:"exported"`
	cache    func() `httpmp:"-"`
}

func newEverything() *everything {
	n := 7
	p := &n
	e := &everything{
		b: true, i: math.MinInt, i8: -128, i16: -3, i32: math.MaxInt32, i64: math.MaxInt64,
		u: math.MaxUint, u8: 255, u16: 65535, u32: 1 << 31, u64: math.MaxUint64, up: 99,
		f32: -0.5, f64: math.Copysign(0, -1), c64: 1 - 2i, c128: complex(math.Inf(1), 3), s: "héllo\x00",
		bytes: []byte{1, 2, 3}, empty: []int{}, nested: [][]string{nil, {}, {"a", ""}}, hollow: make([]struct{}, 5),
		small: [3]int{1, -2, 300}, large: [20]uint16{0: 5, 19: 70}, raw: [100]byte{99: 1},
		mEmpty: map[string]int{}, mString: map[string]int{"b": 2, "a": 1, "": 3}, mBool: map[bool]string{true: "t", false: "f"},
		mInt: map[hp][]int{-5: {1}, 3: nil, 0: {}}, mFloat: map[float64]*int{1.5: p, -2: nil, math.NaN(): p}, mArray: map[[2]uint8]Pos{{1, 2}: {3, 4}, {1, 1}: {5, 6}},
		mStruct: map[struct{ a, b string }]int{{"x", "y"}: 1, {"x", "a"}: 2}, mBytes: map[[20]int8]int{{-1}: 1, {1}: 2},
		mNested: map[int]map[int]string{1: {1: "a", 2: "b"}, 2: nil, 3: {5: "c"}},
		p:       p, same: p, pp: &p, hollP: &struct{}{},
		any: &sword{4}, word: "word", count: uint16(6), held: &bow{[]int{1, 2}}, inline: sword{9}, value: fist(-3),
		when: time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC), dice: rand.NewPCG(1, 2), Exported: 5,
	}
	e.blind = append(e.blind, e.blind...)
	e.blind = make([]struct {
		cache int `httpmp:"-"`
	}, 3)
	e.self = e
	e.rand = rand.New(e.dice)
	return e
}

// roundTrip saves v, loads it into a zero value and checks that this saves the same.
func roundTrip[T any](t *testing.T, c *state.Codec, v *T) *T {
	t.Helper()
	saved, err := c.Append([]byte("keep"), v)
	require.NoError(t, err)
	require.Equal(t, "keep", string(saved[:4]))
	saved = saved[4:]
	got := new(T)
	require.NoError(t, c.Load(saved, got))
	path, differ := state.Diff(c, v, got)
	require.False(t, differ, "%s differs after load", path)
	again, err := c.Append(nil, got)
	require.NoError(t, err)
	require.Equal(t, saved, again)
	return got
}

func TestEveryKind(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[everything](), reflect.TypeFor[sword](), reflect.TypeFor[bow](), reflect.TypeFor[fist]())
	e := newEverything()
	got := roundTrip(t, c, e)

	assert.Same(t, got, got.self)
	assert.Same(t, got.p, got.same)
	assert.Same(t, got.p, *got.pp)
	assert.Same(t, got.p, got.mFloat[1.5])
	assert.Nil(t, got.nilS)
	assert.NotNil(t, got.empty)
	assert.Nil(t, got.mNil)
	assert.NotNil(t, got.mEmpty)
	assert.NotNil(t, got.hollP)
	assert.Len(t, got.hollow, 5)
	assert.True(t, math.Signbit(got.f64))
	assert.Equal(t, e.when, got.when)
	assert.Equal(t, e.rand.Uint64(), got.rand.Uint64())
	assert.Equal(t, got.dice.Uint64(), e.dice.Uint64(), "the generator is still the one of rand")
	assert.Equal(t, []any{e.word, e.count, e.inline, e.value, e.held, e.any}, []any{got.word, got.count, got.inline, got.value, got.held, got.any})
	delete(e.mFloat, math.NaN()) // NaN is never equal to itself
	for _, f := range []func(*everything) any{
		func(e *everything) any { return e.mString }, func(e *everything) any { return e.mBool }, func(e *everything) any { return e.mInt },
		func(e *everything) any { return e.mArray }, func(e *everything) any { return e.mStruct }, func(e *everything) any { return e.mBytes },
		func(e *everything) any { return e.mNested }, func(e *everything) any { return e.nested }, func(e *everything) any { return e.large },
		func(e *everything) any { return e.raw }, func(e *everything) any { return e.c128 }, func(e *everything) any { return e.u64 },
	} {
		assert.Equal(t, f(e), f(got))
	}
}

type node struct {
	next  *node
	kids  []*node
	tags  map[string]*node
	index map[*node]int
	row   []int
	value int
}

func TestSharing(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[node]())
	t.Run("cycle back to the root", func(t *testing.T) {
		a, b := &node{value: 1}, &node{value: 2}
		a.next, b.next = b, a
		got := roundTrip(t, c, a)
		require.Same(t, got, got.next.next)
		require.Equal(t, 2, got.next.value)
	})
	t.Run("whole slices and maps", func(t *testing.T) {
		way := []int{1, 2, 3}
		tags := map[string]*node{}
		a := &node{next: &node{row: way, tags: tags}, row: way, tags: tags}
		tags["a"] = a
		got := roundTrip(t, c, a)
		got.row[1], got.tags["b"] = 20, nil
		require.Equal(t, 20, got.next.row[1])
		require.Len(t, got.next.tags, 2)
		require.Same(t, got, got.next.tags["a"])
	})
	t.Run("a slice that holds itself", func(t *testing.T) {
		type list []list
		type root struct{ l list }
		c := newCodec(t, reflect.TypeFor[root]())
		r := &root{make(list, 2)}
		r.l[1] = r.l
		got := roundTrip(t, c, r)
		require.Same(t, &got.l[0], &got.l[1][1][0])
	})
	t.Run("pointers as keys, reached before and after the map", func(t *testing.T) {
		a := &node{index: map[*node]int{nil: -1}}
		a.index[a] = 0
		for i := range 30 {
			a.kids = append(a.kids, &node{value: i})
			a.index[a.kids[i]] = i
		}
		a.kids = append(a.kids, &node{index: map[*node]int{a.kids[3]: 5}})
		got := roundTrip(t, c, a)
		require.Len(t, got.index, 32)
		require.Equal(t, 7, got.index[got.kids[7]])
		require.Equal(t, 5, got.kids[30].index[got.kids[3]])
	})
	t.Run("equal states save alike", func(t *testing.T) {
		make := func() *node {
			a := &node{index: map[*node]int{}, tags: map[string]*node{}}
			for i := range 100 {
				a.kids = append(a.kids, &node{value: i})
				a.index[a.kids[i]] = i
				a.tags[fmt.Sprint(i)] = a.kids[i]
			}
			return a
		}
		x, err := c.Append(nil, make())
		require.NoError(t, err)
		y, err := c.Append(nil, make())
		require.NoError(t, err)
		require.Equal(t, state.Hash(x), state.Hash(y))
	})
}

type ordered struct{ id uint64 }

func (o *ordered) StateOrder() uint64 { return o.id }

func TestStateOrder(t *testing.T) {
	type root struct {
		scores map[*ordered]int
		any    map[weapon]int
		bow    *bow
	}
	c := newCodec(t, reflect.TypeFor[root]())
	b := &bow{}
	got := roundTrip(t, c, &root{scores: map[*ordered]int{{3}: 30, {1}: 10, nil: 5}, any: map[weapon]int{nil: 1, b: 2}, bow: b})
	require.Len(t, got.scores, 3)
	require.Equal(t, 2, got.any[got.bow])
	for k, v := range got.scores {
		if k != nil {
			require.EqualValues(t, v, k.id*10)
		}
	}
	_, err := c.Append(nil, &root{scores: map[*ordered]int{{3}: 30, {3}: 10}})
	require.ErrorContains(t, err, "state_test.root.scores has two keys of the same order")
	_, err = c.Append(nil, &root{any: map[weapon]int{sword{}: 1}})
	require.ErrorContains(t, err, "state_test.root.any has a key that holds type state_test.sword, want pointers")
	_, err = c.Append(nil, &root{any: map[weapon]int{&bow{}: 1}})
	require.ErrorContains(t, err, "state_test.root.any has a key of type *state_test.bow that nothing else in the state points to")
}

type base struct {
	log   func() `httpmp:"-"`
	kept  int    `httpmp:"-"`
	saved int
}

type game struct {
	base
	inner [2]struct {
		kept  string `httpmp:"-"`
		saved int
	}
	back  *game
	world *base
	ball  Pos
	all   []*Pos
	pads  [2]Pos
	fresh *base
}

func TestRootKeepsUntouchedFields(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[game]())
	g := &game{base: base{kept: 1, saved: 2}, fresh: &base{kept: 3, saved: 4}}
	g.inner[1].saved = 5
	g.back, g.world, g.all = g, &g.base, []*Pos{&g.ball, &g.pads[1], {9, 9}}
	saved, err := c.Append(nil, g)
	require.NoError(t, err)

	got := &game{base: base{kept: 10, log: func() {}}}
	got.inner[1].kept = "kept"
	require.NoError(t, c.Load(saved, got))
	assert.Equal(t, 10, got.kept)
	assert.NotNil(t, got.log)
	assert.Equal(t, 2, got.saved)
	assert.Equal(t, "kept", got.inner[1].kept)
	assert.Equal(t, 5, got.inner[1].saved)
	assert.Equal(t, &base{saved: 4}, got.fresh)
	assert.Same(t, got, got.back)
	assert.Same(t, &got.base, got.world, "pointers to parts of the root stay so")
	assert.Same(t, &got.ball, got.all[0])
	assert.Same(t, &got.pads[1], got.all[1])
	again, err := c.Append(nil, got)
	require.NoError(t, err)
	require.Equal(t, saved, again)
}

// stamped embeds a type with MarshalBinary, which must not swallow the other field.
type stamped struct {
	time.Time
	n int
}

type dicey struct {
	*rand.PCG
	n int
}

// celsius has methods of its own besides those that it embeds.
type celsius struct {
	time.Time
	n int
}

func (c celsius) MarshalBinary() ([]byte, error) { return []byte{byte(c.n)}, nil }
func (c *celsius) UnmarshalBinary(p []byte) error {
	if len(p) != 1 {
		return errors.New("want 1 byte")
	}
	c.n = int(p[0])
	return nil
}

type long struct{ n int }

func (l *long) MarshalBinary() ([]byte, error) { return l.AppendBinary(nil) }
func (l *long) AppendBinary(dst []byte) ([]byte, error) {
	return append(dst, make([]byte, l.n)...), nil
}
func (l *long) UnmarshalBinary(p []byte) error { l.n = len(p); return nil }

type failing struct{ mode int }

func (f failing) MarshalBinary() ([]byte, error) {
	if f.mode == 1 {
		return nil, errors.New("no")
	}
	return nil, nil
}
func (f *failing) UnmarshalBinary([]byte) error { panic("boom") }

func TestOwnMethods(t *testing.T) {
	type root struct {
		a stamped
		b dicey
		c celsius
		d long
		e []long
	}
	c := newCodec(t, reflect.TypeFor[root]())
	r := &root{a: stamped{time.Unix(3, 0).UTC(), 4}, b: dicey{rand.NewPCG(1, 2), 5}, c: celsius{n: 6}, d: long{127}, e: []long{{128}, {70000}, {0}}}
	got := roundTrip(t, c, r)
	assert.Equal(t, r.a, got.a)
	assert.Equal(t, r.b, got.b)
	assert.Equal(t, 6, got.c.n)
	assert.Equal(t, r.e, got.e)

	type bad struct{ f failing }
	c = newCodec(t, reflect.TypeFor[bad]())
	_, err := c.Append(nil, &bad{failing{1}})
	require.EqualError(t, err, "state_test.bad.f cannot be saved: *state_test.failing.MarshalBinary: no")
	saved, err := c.Append(nil, &bad{})
	require.NoError(t, err)
	require.ErrorContains(t, c.Load(saved, &bad{}), "state_test.failing.UnmarshalBinary: panic: boom")
}

func TestRegisterErrors(t *testing.T) {
	type player struct{ ch chan int }
	for _, test := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[struct{ ch chan int }](), `struct { ch chan int }.ch has type chan int: it cannot be saved; tag it httpmp:"-" if it is not part of the state`},
		{reflect.TypeFor[player](), `state_test.player.ch has type chan int: it cannot be saved; tag it httpmp:"-" if it is not part of the state`},
		{reflect.TypeFor[struct{ p []map[string]*player }](), `state_test.player.ch has type chan int: it cannot be saved; tag it httpmp:"-" if it is not part of the state (reached by struct { p []map[string]*state_test.player }.p[][].ch)`},
		{reflect.TypeFor[struct{ f []func() }](), `struct { f []func() }.f has type func(): it cannot be saved; tag it httpmp:"-" if it is not part of the state (reached by struct { f []func() }.f[])`},
		{reflect.TypeFor[struct{ p unsafe.Pointer }](), `struct { p unsafe.Pointer }.p has type unsafe.Pointer: it cannot be saved`},
		{reflect.TypeFor[struct{ mu sync.Mutex }](), `struct { mu sync.Mutex }.mu has type sync.Mutex: the state belongs to one goroutine, so it needs no locks; remove it, or tag it httpmp:"-"`},
		{reflect.TypeFor[struct{ m map[time.Time]int }](), `struct { m map[time.Time]int }.m has type map[time.Time]int: its keys have no order to save them in`},
		{reflect.TypeFor[chan int](), `chan int has type chan int: it cannot be saved`},
		{nil, `nil cannot be registered`},
	} {
		c := state.NewCodec()
		err := c.Register(test.typ)
		require.ErrorContains(t, err, test.want)
		require.Empty(t, c.Structs(), "an error leaves nothing behind")
		require.Error(t, c.Register(test.typ), "and comes again")
	}
	c := state.NewCodec()
	require.NoError(t, c.Register(reflect.TypeFor[struct{ a, b *Pos }]()))
	type Pos struct{ z int }
	require.EqualError(t, c.Register(reflect.TypeFor[Pos]()), "two types are called github.com/httpmp/httpmp/internal/state_test.Pos, want another name for one")
}

func TestStructs(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[game](), reflect.TypeFor[node]())
	require.Equal(t, []reflect.Type{
		reflect.TypeFor[game](), reflect.TypeFor[base](), reflect.TypeFor[game]().Field(1).Type.Elem(),
		reflect.TypeFor[Pos](), reflect.TypeFor[node](),
	}, c.Structs())
}

func TestAppendErrors(t *testing.T) {
	type inner struct{ a, b int }
	type root struct {
		list  []inner
		one   *inner
		ints  []int
		more  []int
		n     *int
		any   any
		m     map[string]any
		arr   [4]int
		large [100]inner
		boxes []*inner
		word  *[2]int
		deep  []any
	}
	in := &inner{1, 2}
	ints := []int{1, 2, 3, 4}
	var deep []any
	for range 2000 {
		deep = []any{deep}
	}
	rooted := &root{}
	rooted.more = rooted.arr[1:3]
	large := &root{}
	large.one = &large.large[70]
	list := []inner{{}, {}}
	for name, test := range map[string]struct {
		root *root
		want string
	}{
		"pointer to an element":       {&root{list: list, one: &list[1]}, "state_test.root.list and state_test.root.one share memory: a pointer or slice into the middle"},
		"pointer to the first":        {&root{list: list, one: &list[0]}, "state_test.root.list and state_test.root.one share memory"},
		"pointer to a field, after":   {&root{one: in, n: &in.b}, "state_test.root.one and state_test.root.n share memory"},
		"pointer to a field, before":  {&root{n: &in.b, boxes: []*inner{nil, in}}, "state_test.root.boxes[1] and state_test.root.n share memory"},
		"pointer to the first field":  {&root{n: &in.a, boxes: []*inner{nil, in}}, "state_test.root.n and state_test.root.boxes[1] share memory"},
		"slices that overlap":         {&root{ints: ints, more: ints[1:2]}, "state_test.root.ints and state_test.root.more share memory"},
		"slices of different lengths": {&root{ints: ints, more: ints[:2]}, "state_test.root.ints and state_test.root.more share memory"},
		"slice of an array":           {rooted, "state_test.root and state_test.root.more share memory"},
		"element of a large array":    {large, "state_test.root and state_test.root.one share memory"},
		"one memory, two types":       {&root{ints: ints[:2:2], word: (*[2]int)(ints)}, "state_test.root.ints and state_test.root.word are the same memory with different types"},
		"unregistered type":           {&root{m: map[string]any{"k": []any{1, &sword{}}}}, `state_test.root.m["k"][1] holds type *state_test.sword, which is not registered; register it, or tag the field httpmp:"-"`},
		"unsavable type":              {&root{any: func() {}}, `state_test.root.any holds type func(), which cannot be saved`},
		"too deep":                    {&root{deep: deep}, "levels deep, want pointers on the way"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCodec(t, reflect.TypeFor[root](), reflect.TypeFor[[]any]())
			dst, err := c.Append([]byte("x"), test.root)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, "x", string(dst))
			_, err = c.Append(nil, &root{}) // and the codec is usable
			require.NoError(t, err)
		})
	}
	c := newCodec(t, reflect.TypeFor[root]())
	for _, bad := range []any{nil, root{}, (*root)(nil), new(int), &sword{}} {
		_, err := c.Append(nil, bad)
		require.Error(t, err)
		require.Error(t, c.Load(nil, bad))
	}
	require.NoError(t, func() error { _, err := c.Append(nil, &root{ints: ints[:2], more: ints[2:]}); return err }(), "side by side is not overlapping")
}

func TestLoadErrors(t *testing.T) {
	type player struct{ hp int8 }
	type root struct {
		b    bool
		hp   int8
		p    *player
		held weapon
		m    map[int]int
		list []string
	}
	c := newCodec(t, reflect.TypeFor[root](), reflect.TypeFor[sword](), reflect.TypeFor[[]any]())
	saved, err := c.Append(nil, &root{})
	require.NoError(t, err)
	head, zeros := saved[:9], saved[9:]
	require.Equal(t, make([]byte, 6), zeros)
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":             {nil, "it is cut off"},
		"version":           {append([]byte{9}, saved[1:]...), "version 9, want 1"},
		"fingerprint":       {append([]byte{1, 0}, saved[2:]...), "it was saved by another version of the program"},
		"cut off":           {saved[:len(saved)-1], "byte 9: it is cut off"},
		"trailing":          {append(saved[:len(saved):len(saved)], 0, 0), "byte 15: 2 bytes too many"},
		"bool":              {with(head, 2, 0, 0, 0, 0, 0), "a bool is 2, want 0 or 1"},
		"range":             {with(head, 0, 0x80, 2, 0, 0, 0, 0), "a number is beyond its type"},
		"long form":         {with(head, 0, 0x80, 0, 0, 0, 0, 0), "not in its shortest form"},
		"overlong":          {with(head, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), "above 2^64-1"},
		"no such value":     {with(head, 0, 0, 9, 0, 0, 0), "a pointer is to value 6, which is no state_test.player"},
		"value of a type":   {with(head, 0, 0, 3, 0, 0, 0), "a pointer is to value 0, which is no state_test.player"},
		"no such part":      {with(head, 0, 0, 2, 9, 0, 0, 0), "a pointer is to part 9 of the root"},
		"no such type":      {with(head, 0, 0, 0, 2, 0, 0), "an interface holds type 1 of 0"},
		"unregistered":      {with(head, 0, 0, 0, 1, 3, 'a', '.', 'b', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0), `it has a "a.b", which is not registered`},
		"another print":     {with(head, 0, 0, 0, 1, 3, 'i', 'n', 't', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0), "it was saved when int, or a type that it leads to, was another"},
		"keys out of order": {with(head, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0), "the keys of a map[int]int are not in order"},
		"keys twice":        {with(head, 0, 0, 0, 0, 4, 2, 0, 2, 0, 0), "the keys of a map[int]int are not in order"},
		"huge map":          {with(head, 0, 0, 0, 0, 255, 255, 255, 255, 7, 0), "it is cut off, or declares more than it holds"},
		"huge slice":        {with(head, 0, 0, 0, 0, 0, 255, 255, 255, 255, 7), "it is cut off, or declares more than it holds"},
		"huge string":       {with(head, 0, 0, 0, 0, 0, 3, 255, 255, 255, 255, 7), "it is cut off, or declares more than it holds"},
		"slice again":       {with(head, 0, 0, 0, 0, 0, 1, 0), "slice or map 0 is no []string"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &root{hp: 5, list: []string{"x"}}
			err := c.Load(test.data, r)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "saved state of state_test.root: ")
			require.Equal(t, &root{hp: 5, list: []string{"x"}}, r, "root is unchanged")
		})
	}
	// A known type that the interface does not take.
	name := "int"
	print := make([]byte, 0)
	other := newCodec(t, reflect.TypeFor[struct{ x any }]())
	one, err := other.Append(nil, &struct{ x any }{1})
	require.NoError(t, err)
	print = append(print, one[9+1+1+len(name):9+1+1+len(name)+8]...)
	data := append(append(with(head, 0, 0, 0, 1, 3, 'i', 'n', 't'), print...), 0, 0, 0)
	require.ErrorContains(t, c.Load(data, &root{}), "a state_test.weapon holds a int, which does not implement it")
}

func with(head []byte, rest ...byte) []byte { return append(head[:len(head):len(head)], rest...) }

func TestLoadAllocatesLittle(t *testing.T) {
	type list []list
	type root struct{ l list }
	c := newCodec(t, reflect.TypeFor[root]())
	saved, err := c.Append(nil, &root{})
	require.NoError(t, err)
	// Each slice declares as many elements as there are bytes left, again and again.
	data := saved[:9:9]
	const size = 1 << 16
	for len(data) < size {
		data = binary.AppendUvarint(data, uint64(size-len(data)-100))
	}
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if c.Load(data, &root{}) == nil {
				b.Fatal("want an error")
			}
		}
	}).AllocedBytesPerOp()
	require.Less(t, allocated, int64(64*size))
}

func TestDiff(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[node]())
	build := func() *node {
		a := &node{value: 1, tags: map[string]*node{"x": {row: []int{1, 2, 3}}}}
		for i := range 4 {
			a.kids = append(a.kids, &node{value: i})
		}
		return a
	}
	for name, test := range map[string]struct {
		change func(*node)
		want   string
	}{
		"field":   {func(n *node) { n.value++ }, "state_test.node.value"},
		"element": {func(n *node) { n.kids[3].value = 9 }, "state_test.node.kids[3].value"},
		"length":  {func(n *node) { n.kids = n.kids[:3] }, "state_test.node.kids"},
		"nil":     {func(n *node) { n.kids[2] = nil }, "state_test.node.kids[2]"},
		"key":     {func(n *node) { n.tags["y"], n.tags["x"] = n.tags["x"], nil; delete(n.tags, "x") }, `state_test.node.tags["x"]`},
		"row":     {func(n *node) { n.tags["x"].row[1] = 5 }, `state_test.node.tags["x"].row[1]`},
		"added":   {func(n *node) { n.index = map[*node]int{} }, "state_test.node.index"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := build(), build()
			path, ok := state.Diff(c, a, b)
			require.False(t, ok, path)
			test.change(b)
			path, ok = state.Diff(c, a, b)
			require.True(t, ok)
			require.Equal(t, test.want, path)
		})
	}
}

func TestDifferentTypesDoNotLoad(t *testing.T) {
	one := func() reflect.Type { type s struct{ a int }; return reflect.TypeFor[s]() }()
	two := func() reflect.Type { type s struct{ a int8 }; return reflect.TypeFor[s]() }()
	three := func() reflect.Type { type s struct{ b int }; return reflect.TypeFor[s]() }()
	four := func() reflect.Type {
		type s struct {
			a int
			b int `httpmp:"-"`
		}
		return reflect.TypeFor[s]()
	}()
	saved, err := newCodec(t, one).Append(nil, reflect.New(one).Interface())
	require.NoError(t, err)
	require.Error(t, newCodec(t, two).Load(saved, reflect.New(two).Interface()))
	require.Error(t, newCodec(t, three).Load(saved, reflect.New(three).Interface()))
	require.NoError(t, newCodec(t, four).Load(saved, reflect.New(four).Interface()), "what is not part of the state does not count")
}

func TestSize(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[world](), reflect.TypeFor[sprite]())
	small, err := c.Append(nil, newWorld(1000))
	require.NoError(t, err)
	require.Less(t, len(small)/1000, 57)
}

func TestAppendReusesMemory(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[world](), reflect.TypeFor[sprite]())
	w := newWorld(100)
	dst, err := c.Append(nil, w)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(10, func() { dst, err = c.Append(dst[:0], w) }))
	require.NoError(t, err)
}
