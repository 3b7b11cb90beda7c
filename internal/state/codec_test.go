//nolint:unused // the fields of structs here are for reflection
package state_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

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

func TestStructs(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[game](), reflect.TypeFor[node]())
	require.Equal(t, []reflect.Type{
		reflect.TypeFor[game](), reflect.TypeFor[base](), reflect.TypeFor[game]().Field(1).Type.Elem(),
		reflect.TypeFor[Pos](), reflect.TypeFor[node](),
	}, c.Structs())
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
