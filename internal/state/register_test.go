//nolint:unused // the fields of structs here are for reflection
package state_test

import (
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
)

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
