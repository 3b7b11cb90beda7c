package state_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

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
