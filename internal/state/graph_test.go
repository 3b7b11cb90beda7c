//nolint:unused // the fields of structs here are for reflection
package state_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

// grow sets v to something random. It keeps the pointers that it has made, and uses them again.
func grow(r *rand.Rand, v reflect.Value, made map[reflect.Type][]reflect.Value, depth int) {
	v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem() // so that unexported fields can be set
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64() >> r.IntN(64)))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(r.NormFloat64(), 1))
	case reflect.String:
		v.SetString(fmt.Sprint(r.IntN(1000)))
	case reflect.Array:
		for i := range v.Len() {
			grow(r, v.Index(i), made, depth)
		}
	case reflect.Struct:
		switch v.Interface().(type) {
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(r.Int64N(1e9), 0).UTC()))
			return
		case rand.Rand:
			v.Set(reflect.ValueOf(rand.New(rand.NewPCG(r.Uint64(), 0))).Elem())
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Name != "_" && f.Tag.Get("httpmp") != "-" {
				grow(r, v.Field(i), made, depth)
			}
		}
	case reflect.Slice:
		if old := made[v.Type()]; len(old) > 0 && r.IntN(4) == 0 {
			v.Set(old[r.IntN(len(old))])
			return
		}
		if r.IntN(4) == 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(5), 8))
		made[v.Type()] = append(made[v.Type()], v)
		if depth > 0 {
			for i := range v.Len() {
				grow(r, v.Index(i), made, depth-1)
			}
		}
	case reflect.Map:
		if old := made[v.Type()]; len(old) > 0 && r.IntN(4) == 0 {
			v.Set(old[r.IntN(len(old))])
			return
		}
		if r.IntN(4) == 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		made[v.Type()] = append(made[v.Type()], v)
		for range r.IntN(5) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			if key.Kind() == reflect.Pointer {
				old := made[key.Type()]
				if len(old) == 0 {
					return
				}
				key.Set(old[r.IntN(len(old))])
			} else {
				grow(r, key, made, depth-1)
			}
			if depth > 0 {
				grow(r, value, made, depth-1)
			}
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		if old := made[v.Type()]; len(old) > 0 && r.IntN(3) > 0 {
			v.Set(old[r.IntN(len(old))])
		} else if depth > 0 && r.IntN(4) > 0 {
			p := reflect.New(v.Type().Elem())
			made[v.Type()] = append(made[v.Type()], p)
			grow(r, p.Elem(), made, depth-1)
			v.Set(p)
		}
	case reflect.Interface:
		types := []reflect.Type{reflect.TypeFor[*bow](), reflect.TypeFor[sword](), reflect.TypeFor[fist](), reflect.TypeFor[*rand.PCG](), reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[[]any](), reflect.TypeFor[*node]()}
		if t := types[r.IntN(len(types))]; t.Implements(v.Type()) {
			x := reflect.New(t).Elem()
			grow(r, x, made, depth-1)
			v.Set(x)
		}
	default:
	}
}

// graph is what TestRandomGraphs grows.
type graph struct {
	all  everything
	node *node
	list []any
	refs map[*node]*node
	back *graph
}

func TestRandomGraphs(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	c := newCodec(t, reflect.TypeFor[graph](), reflect.TypeFor[sword](), reflect.TypeFor[bow](), reflect.TypeFor[fist](), reflect.TypeFor[[]any]())
	refused, size := 0, 0
	for i := range 300 {
		root := &graph{}
		made := map[reflect.Type][]reflect.Value{reflect.TypeFor[*graph](): {reflect.ValueOf(root)}, reflect.TypeFor[*everything](): {reflect.ValueOf(&root.all)}}
		grow(r, reflect.ValueOf(root).Elem(), made, 7)
		saved, err := c.Append(nil, root)
		if err != nil {
			// A key that was made, and then dropped, is the one thing that grow does wrong.
			require.ErrorContains(t, err, "that nothing else in the state points to", "seed %d, graph %d", seed, i)
			refused++
			continue
		}
		size += len(saved)
		got := &graph{}
		require.NoError(t, c.Load(saved, got), "seed %d, graph %d", seed, i)
		path, differ := state.Diff(c, root, got)
		require.False(t, differ, "seed %d, graph %d: %s", seed, i, path)
		for range 20 { // and damaged: whatever comes, no panic
			bad := append([]byte(nil), saved...)
			bad[9+r.IntN(len(bad)-9)] ^= 1 << r.IntN(8)
			c.Load(bad, &graph{})
			c.Load(saved[:r.IntN(len(saved))], &graph{})
		}
	}
	t.Logf("seed %d: %d graphs refused, the others %d bytes on average", seed, refused, size/(300-refused+1))
	require.Less(t, refused, 100)
}
