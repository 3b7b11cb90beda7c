package state_test

import (
	"reflect"
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

// fuzzRoot is small, so that what it leads to is not far from the beginning.
type fuzzRoot struct {
	all    *everything
	node   *node
	orders map[*ordered]int
	any    map[any]int
	list   []any
	part   *Pos
	pos    Pos
}

func fuzzCodec(t testing.TB) *state.Codec {
	return newCodec(t, reflect.TypeFor[fuzzRoot](), reflect.TypeFor[sword](), reflect.TypeFor[bow](), reflect.TypeFor[fist](), reflect.TypeFor[[]any]())
}

func FuzzLoad(f *testing.F) {
	c := fuzzCodec(f)
	n := &node{value: 3, kids: []*node{{row: []int{1}}, nil}}
	n.index = map[*node]int{n: 1, n.kids[0]: 2, nil: 3}
	full := &fuzzRoot{all: newEverything(), node: n, orders: map[*ordered]int{{4}: 1, {2}: 2}, any: map[any]int{n: 3}, list: []any{1, "a", []any{n, sword{3}, fist(1)}, nil}}
	full.part = &full.pos
	for _, root := range []*fuzzRoot{{}, full, {node: n}, {list: full.list}} {
		saved, err := c.Append(nil, root)
		require.NoError(f, err)
		f.Add(saved[9:])
	}
	head, err := c.Append(nil, &fuzzRoot{})
	require.NoError(f, err)
	head = head[:9]
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		root := &fuzzRoot{}
		err := c.Load(append(head[:9:9], data...), root) // a wrong header would end every other try
		if grown := allocated() - before; grown > 1<<20+uint64(len(data))*4096 {
			t.Fatalf("%d bytes made Load allocate %d", len(data), grown)
		}
		if err != nil {
			require.Equal(t, fuzzRoot{}, *root)
			return
		}
		saved, err := c.Append(nil, root)
		if err != nil {
			return // such as a key that nothing else points to
		}
		second := &fuzzRoot{}
		require.NoError(t, c.Load(saved, second))
		again, err := c.Append(nil, second)
		require.NoError(t, err)
		require.Equal(t, saved, again)
	})
}

// allocated returns how many bytes have ever been allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
