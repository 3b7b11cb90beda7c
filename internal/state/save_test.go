package state_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

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
