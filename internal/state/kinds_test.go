//nolint:unused // the fields of structs here are for reflection
package state_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
