//nolint:unused // the fields of structs here are for reflection
package state_test

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

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

func TestLoadRefusesLonelyKeys(t *testing.T) {
	c := newCodec(t, reflect.TypeFor[node]())
	saved, err := c.Append(nil, &node{index: map[*node]int{}})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 2, 0, 0, 0}, saved[9:])
	lonely := with(saved[:9], 0, 0, 0, 2, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0)
	require.ErrorContains(t, c.Load(lonely, &node{}), "a map[*state_test.node]int has a key that nothing else points to")
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
