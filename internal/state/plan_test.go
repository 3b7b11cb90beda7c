//nolint:unused // the fields of structs here are for reflection
package state_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/state"
	"github.com/httpmp/httpmp/internal/wire"
)

// client stands for what a pointer may refer to.
type client struct{ id uint32 }

func refKinds() state.Kinds {
	k := kinds
	k.Ref = func(t reflect.Type) func(unsafe.Pointer) uint32 {
		if t != reflect.TypeFor[*client]() {
			return nil
		}
		return func(p unsafe.Pointer) uint32 { return (*client)(p).id }
	}
	return k
}

// read returns the rows that obj has after both reads.
func read[T any](t *testing.T, obj *T) (p *state.Plan, nums []int64, strs []string) {
	t.Helper()
	p, err := state.NewPlan(reflect.TypeFor[T](), refKinds())
	require.NoError(t, err)
	n, s := wire.Class{Fields: p.Fields()}.Size()
	nums, strs = make([]int64, n), make([]string, s)
	require.NoError(t, p.Read(unsafe.Pointer(obj), nums, strs))
	return p, nums, strs
}

type kindsOfFields struct {
	lead byte
	b    bool      `httpmp:"b"`
	i    int       `httpmp:"i"`
	i8   int8      `httpmp:"i8"`
	i16  hp        `httpmp:"i16"`
	i32  int32     `httpmp:"i32"`
	i64  int64     `httpmp:"i64"`
	u    uint      `httpmp:"u"`
	u8   uint8     `httpmp:"u8"`
	u16  uint16    `httpmp:"u16"`
	u32  uint32    `httpmp:"u32"`
	u64  uint64    `httpmp:"u64"`
	f    float64   `httpmp:"f"`
	f32  float32   `httpmp:"f32"`
	q    float64   `httpmp:"q,q=0.1"`
	q32  float32   `httpmp:"q32,q=0.25"`
	rad  float64   `httpmp:"rad,rad"`
	s    string    `httpmp:"s"`
	arr  [3]int8   `httpmp:"arr"`
	arr8 [8]uint64 `httpmp:"arr8"`
	at   Pos       `httpmp:"at"`
	fine Pos       `httpmp:"fine,q=0.3"`
	v    Vel       `httpmp:"v"`
	c    *client   `httpmp:"c"`
	none *client   `httpmp:"none"`
	skip chan int  `httpmp:"-"`
	JSON string    `json:"json"`
	Pos
	Vel
}

func TestPlanKinds(t *testing.T) {
	obj := &kindsOfFields{
		b: true, i: -5, i8: -128, i16: 300, i32: -70000, i64: 1 << 50, u: 7, u8: 255, u16: 65535, u32: 1 << 31, u64: 1 << 50,
		f: math.Copysign(0, -1), f32: 1.5, q: 0.26, q32: -0.3, rad: -math.Pi / 2, s: "é", arr: [3]int8{1, -2, 3}, arr8: [8]uint64{7: 9},
		at: Pos{1, -1.2}, fine: Pos{0.44, 0.46}, v: Vel{2.4, 2.5}, c: &client{9}, Pos: Pos{10.25, -0.25}, Vel: Vel{-3, 4},
	}
	p, nums, strs := read(t, obj)
	require.Equal(t, []wire.Field{
		{Name: "pos", Type: wire.Pos, Quantum: 0.5},
		{Name: "b", Type: wire.Bool, Quantum: 1},
		{Name: "i", Type: wire.Int, Quantum: 1},
		{Name: "i8", Type: wire.Int, Quantum: 1},
		{Name: "i16", Type: wire.Int, Quantum: 1},
		{Name: "i32", Type: wire.Int, Quantum: 1},
		{Name: "i64", Type: wire.Int, Quantum: 1},
		{Name: "u", Type: wire.Uint, Quantum: 1},
		{Name: "u8", Type: wire.U8, Quantum: 1},
		{Name: "u16", Type: wire.U16, Quantum: 1},
		{Name: "u32", Type: wire.Uint, Quantum: 1},
		{Name: "u64", Type: wire.Uint, Quantum: 1},
		{Name: "f", Type: wire.F32, Quantum: 1},
		{Name: "f32", Type: wire.F32, Quantum: 1},
		{Name: "q", Type: wire.Int, Quantum: 0.1},
		{Name: "q32", Type: wire.Int, Quantum: 0.25},
		{Name: "rad", Type: wire.Angle, Quantum: 1},
		{Name: "s", Type: wire.Str, Quantum: 1},
		{Name: "arr", Type: wire.Ints, Quantum: 1, Len: 3},
		{Name: "arr8", Type: wire.Ints, Quantum: 1, Len: 8},
		{Name: "at", Type: wire.Pos, Quantum: 0.5},
		{Name: "fine", Type: wire.Pos, Quantum: 0.3},
		{Name: "v", Type: wire.Pos, Quantum: 1},
		{Name: "c", Type: wire.Uint, Quantum: 1},
		{Name: "none", Type: wire.Uint, Quantum: 1},
		{Name: "vel", Type: wire.Pos, Quantum: 1},
	}, p.Fields())
	require.Empty(t, p.Private())
	require.Equal(t, []int64{
		21, 0, 1, -5, -128, 300, -70000, 1 << 50, 7, 255, 65535, 1 << 31, 1 << 50,
		0, int64(math.Float32bits(1.5)), 3, -1, 192, 1, -2, 3, 0, 0, 0, 0, 0, 0, 0, 9,
		2, -2, 1, 2, 2, 3, 9, 0, -3, 4,
	}, nums)
	require.Equal(t, []string{"é"}, strs)
	require.False(t, p.HasOwner())
	require.Zero(t, p.Owner(unsafe.Pointer(obj)))
	require.Zero(t, testing.AllocsPerRun(10, func() { p.Read(unsafe.Pointer(obj), nums, strs) }))
}

type body struct {
	Pos `httpmp:",q=0.25"`
	hp  uint8 `httpmp:"hp"`
}

type tank struct {
	name string `httpmp:"name"`
	body
	owner *client `httpmp:"owner"`
	ammo  int     `httpmp:"ammo,private"`
	fuel  float64 `httpmp:"fuel,q=0.25,private"`
	note  string  `httpmp:"note,private"`
}

func TestPlanEmbeddedAndPrivate(t *testing.T) {
	obj := &tank{name: "a", body: body{Pos{1, 2}, 3}, owner: &client{17}, ammo: 5, fuel: 1.5, note: "n"}
	p, nums, strs := read(t, obj)
	require.Equal(t, []wire.Field{
		{Name: "pos", Type: wire.Pos, Quantum: 0.25},
		{Name: "name", Type: wire.Str, Quantum: 1},
		{Name: "hp", Type: wire.U8, Quantum: 1},
		{Name: "owner", Type: wire.Uint, Quantum: 1},
	}, p.Fields())
	require.Equal(t, []wire.Field{
		{Name: "ammo", Type: wire.Int, Quantum: 1}, {Name: "fuel", Type: wire.Int, Quantum: 0.25}, {Name: "note", Type: wire.Str, Quantum: 1},
	}, p.Private())
	require.Equal(t, []int64{4, 8, 3, 17}, nums)
	require.Equal(t, []string{"a"}, strs)
	nums, strs = make([]int64, 2), make([]string, 1)
	require.NoError(t, p.ReadPrivate(unsafe.Pointer(obj), nums, strs))
	require.Equal(t, []int64{5, 6}, nums)
	require.Equal(t, []string{"n"}, strs)
	require.True(t, p.HasOwner())
	require.EqualValues(t, 17, p.Owner(unsafe.Pointer(obj)))
	obj.owner = nil
	require.Zero(t, p.Owner(unsafe.Pointer(obj)))

	type byID struct {
		owner uint32 `httpmp:"owner,private"`
	}
	q, err := state.NewPlan(reflect.TypeFor[byID](), kinds)
	require.NoError(t, err)
	require.EqualValues(t, 1<<31, q.Owner(unsafe.Pointer(&byID{1 << 31})))
}

func TestQuantise(t *testing.T) {
	type fields struct {
		half  float64 `httpmp:"half,q=0.5"`
		tenth float64 `httpmp:"tenth,q=0.1"`
		three float64 `httpmp:"three,q=3"`
		big   float64 `httpmp:"big,q=1024"`
		rad   float64 `httpmp:"rad,rad"`
		tiny  float64 `httpmp:"tiny,q=5e-324"`
	}
	for _, x := range []float64{0, 0.25, -0.25, 0.24999999999999997, -0.2500000000000001, 1.05, 1e9, -1e9, 5e-324, -5e-324, 1536, -1536, 511.99999999999994} {
		_, nums, _ := read(t, &fields{half: x, tenth: x, three: x, big: x, rad: x})
		assert.Equal(t, int64(math.Floor(x/0.5+0.5)), nums[0], "%v in halves", x)
		assert.Equal(t, int64(math.Floor(x/0.1+0.5)), nums[1], "%v in tenths", x)
		assert.Equal(t, int64(math.Floor(x/3+0.5)), nums[2], "%v in threes", x)
		assert.Equal(t, int64(math.Floor(x/1024+0.5)), nums[3], "%v in 1024s", x)
		assert.Equal(t, int64(math.Floor(float64(x*(128/math.Pi))+0.5))&255, nums[4], "%v as an angle", x)
	}
	_, nums, _ := read(t, &fields{half: 1 << 49, tiny: 5e-323})
	require.EqualValues(t, 1<<50, nums[0])
	require.EqualValues(t, 10, nums[5])
}

func TestReadErrors(t *testing.T) {
	type fields struct {
		Pos
		q    float64   `httpmp:"q,q=0.1"`
		rad  float64   `httpmp:"rad,rad"`
		f    float64   `httpmp:"f"`
		n    int       `httpmp:"n"`
		u    uint64    `httpmp:"u"`
		arr  [2]uint64 `httpmp:"arr"`
		name string    `httpmp:"name"`
	}
	p, err := state.NewPlan(reflect.TypeFor[fields](), kinds)
	require.NoError(t, err)
	for _, test := range []struct {
		obj  fields
		want string
	}{
		{fields{Pos: Pos{X: math.NaN()}}, `field "pos" is NaN`},
		{fields{Pos: Pos{Y: math.Inf(-1)}}, `field "pos" is -Inf`},
		{fields{Pos: Pos{X: 1, Y: 0x1p49 + 0.5}}, `field "pos" is 5.629499534213125e+14, want at most 2^50 quanta of 0.5 either way`},
		{fields{q: math.Inf(1)}, `field "q" is +Inf`},
		{fields{q: -1e300}, `field "q" is -1e+300, want at most 2^50 quanta of 0.1 either way`},
		{fields{rad: math.NaN()}, `field "rad" is NaN`},
		{fields{rad: 1e17}, `field "rad" is 1e+17, want at most 2^50 steps of a 256th turn either way`},
		{fields{f: math.Inf(1)}, `field "f" is +Inf`},
		{fields{f: -1e39}, `field "f" is -1e+39, want at most 3.4028234663852886e+38 either way`},
		{fields{n: 1<<50 + 1}, `field "n" is 1125899906842625, want at most 2^50 either way`},
		{fields{n: math.MinInt}, `field "n" is -9223372036854775808, want at most 2^50 either way`},
		{fields{u: math.MaxUint64}, `field "u" is 18446744073709551615, want at most 2^50 either way`},
		{fields{arr: [2]uint64{1, 1 << 63}}, `field "arr" is 9223372036854775808 at [1], want at most 2^50 either way`},
		{fields{name: strings.Repeat("a", 65536)}, `field "name" is 65536 bytes long, want at most 65535`},
		{fields{name: "a\xff"}, `field "name" is "a\xff", not valid UTF-8`},
	} {
		nums, strs := make([]int64, 20), make([]string, 1)
		err := p.Read(unsafe.Pointer(&test.obj), nums, strs)
		var field *state.FieldError
		require.ErrorAs(t, err, &field)
		assert.Equal(t, test.want, err.Error())
		assert.Contains(t, test.want, fmt.Sprintf("%q", field.Field))
	}
	ok := fields{name: strings.Repeat("a", 65535), n: -1 << 50, u: 1 << 50, q: 0x1p46, Pos: Pos{X: -0x1p49}}
	require.NoError(t, p.Read(unsafe.Pointer(&ok), make([]int64, 20), make([]string, 1)))
}

type many struct {
	a, b [8]int `httpmp:"a"` // one tag for two fields
}

func TestPlanErrors(t *testing.T) {
	type Body struct{ Pos }
	for _, test := range []struct {
		typ  any
		want string
	}{
		{struct {
			hp int `httpmp:"hp,foo"`
		}{}, `.hp: option "foo" unknown, want q=, rad, private or -`},
		{struct {
			hp int `httpmp:"hp, private"`
		}{}, `.hp: option " private" unknown`},
		{struct {
			hp int `httpmp:"hp,"`
		}{}, `.hp: option "" unknown`},
		{struct {
			hp int `httpmp:"h p"`
		}{}, `.hp: name "h p", want 1 to 32 of A-Z, a-z, 0-9 and _`},
		{struct {
			hp int `httpmp:"hé"`
		}{}, `.hp: name "hé", want 1 to 32`},
		{struct {
			hp int `httpmp:"abcdefghijklmnopqrstuvwxyz0123456"`
		}{}, `.hp: name "abcdefghijklmnopqrstuvwxyz0123456", want 1 to 32`},
		{struct {
			hp int `httpmp:""`
		}{}, `.hp: the tag has no name, want httpmp:"name"`},
		{struct {
			hp int `httpmp:"-,private"`
		}{}, `.hp: tag "-,private", want - alone`},
		{struct {
			hp int `httpmp:"hp,q=0.5"`
		}{}, `.hp: option "q=" is for floats and positions, but the type is int`},
		{struct {
			hp int `httpmp:"hp,rad"`
		}{}, `.hp: option "rad" is for floats, but the type is int`},
		{struct {
			f float64 `httpmp:"f,q=0"`
		}{}, `.f: option "q=0", want a finite number above 0`},
		{struct {
			f float64 `httpmp:"f,q=-1"`
		}{}, `.f: option "q=-1", want a finite number above 0`},
		{struct {
			f float64 `httpmp:"f,q=inf"`
		}{}, `.f: option "q=inf", want a finite number above 0`},
		{struct {
			f float64 `httpmp:"f,q=NaN"`
		}{}, `.f: option "q=NaN", want a finite number above 0`},
		{struct {
			f float64 `httpmp:"f,q=x"`
		}{}, `.f: option "q=x", want a finite number above 0`},
		{struct {
			f float64 `httpmp:"f,q=1,q=2"`
		}{}, `.f: option "q=2" comes twice`},
		{struct {
			f float64 `httpmp:"f,q=1,rad"`
		}{}, `.f: tag "f,q=1,rad" has q= and rad, want one of them`},
		{struct {
			f float64 `httpmp:"f,rad,rad"`
		}{}, `.f: option "rad" comes twice`},
		{struct {
			Pos `httpmp:",rad"`
		}{}, `.Pos: option "rad" is for floats, but the type is state_test.Pos`},
		{struct {
			a int `httpmp:"x"`
			b int `httpmp:"x"`
		}{}, `}.b: name "x" is taken by struct {`},
		{struct {
			Pos
			Body
		}{}, `state_test.Body.Pos: name "pos" is taken by`},
		{struct{ *Pos }{}, `.Pos: *state_test.Pos is embedded by pointer, embed state_test.Pos itself, or tag it httpmp:"-"`},
		{struct{ *Body }{}, `.Body: *state_test.Body is embedded by pointer`},
		{struct {
			f int `httpmp:"f,private"`
		}{}, `.f: option "private" wants a field "owner" in struct`},
		{struct {
			look int `httpmp:"look"`
		}{}, `.look: name "look" is reserved, want another`},
		{struct {
			of int `httpmp:"stage"`
		}{}, `.of: name "stage" is reserved`},
		{struct {
			of int `httpmp:"of"`
		}{}, `.of: name "of" is reserved`},
		{struct {
			p int `httpmp:"pos"`
		}{}, `.p: name "pos" is for positions, but the type is int`},
		{struct {
			o int `httpmp:"owner"`
		}{}, `.o: name "owner" is for a client or its id, but the type is int`},
		{struct {
			m map[string]int `httpmp:"m"`
		}{}, `.m: type map[string]int is not replicated, want a bool, an integer, a float, a string, an array of 1 to 8 integers, state_test.Pos, state_test.Vel or a pointer to what has an id`},
		{struct {
			p *int `httpmp:"p"`
		}{}, `.p: type *int is not replicated`},
		{struct {
			a [9]int `httpmp:"a"`
		}{}, `.a: type [9]int has 9 elements, want 1 to 8`},
		{struct {
			a [0]int `httpmp:"a"`
		}{}, `.a: type [0]int has 0 elements, want 1 to 8`},
		{struct {
			a [2]bool `httpmp:"a"`
		}{}, `.a: type [2]bool is not replicated`},
		{many{}, `state_test.many.b: name "a" is taken by state_test.many.a, want another`},
		{5, `int is not a struct type`},
	} {
		_, err := state.NewPlan(reflect.TypeOf(test.typ), refKinds())
		require.ErrorContains(t, err, test.want)
	}
	_, err := state.NewPlan(nil, kinds)
	require.Error(t, err)
	for _, malformed := range []reflect.StructTag{`httpmp:hp`, `httpmp: "hp"`, `httpmp`} {
		typ := reflect.StructOf([]reflect.StructField{{Name: "HP", Type: reflect.TypeFor[int](), Tag: malformed}})
		_, err := state.NewPlan(typ, kinds)
		require.ErrorContains(t, err, ".HP: tag "+string(malformed)+" is malformed, want httpmp:\"name\" without spaces")
	}
	for private, most := range map[bool]int{false: 32, true: 31} {
		for _, n := range []int{most, most + 1} {
			fields := []reflect.StructField{{Name: "Owner", Type: reflect.TypeFor[uint](), Tag: `httpmp:"owner"`}}
			option := ",private"
			if !private {
				fields[0].Tag, option = `httpmp:"owner,private"`, ""
			}
			for i := range n {
				fields = append(fields, reflect.StructField{Name: fmt.Sprint("F", i), Type: reflect.TypeFor[int](), Tag: reflect.StructTag(fmt.Sprintf(`httpmp:"f%d%s"`, i, option))})
			}
			_, err := state.NewPlan(reflect.StructOf(fields), kinds)
			if n == most {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, fmt.Sprintf("fields, want at most %d", most))
			}
		}
	}
}

func TestPlanLeavesOut(t *testing.T) {
	type plain struct{ a, b int }
	type skipped struct {
		Pos    `httpmp:"-"`
		*plain     // has nothing to replicate
		X      int `json:"httpmp"`
	}
	p, err := state.NewPlan(reflect.TypeFor[skipped](), kinds)
	require.NoError(t, err)
	require.Empty(t, p.Fields())
	require.NoError(t, p.Read(unsafe.Pointer(&skipped{}), nil, nil))
}
