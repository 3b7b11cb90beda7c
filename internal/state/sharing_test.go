package state_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

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
