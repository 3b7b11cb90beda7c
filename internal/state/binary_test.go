package state_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stamped embeds a type with MarshalBinary, which must not swallow the other field.
type stamped struct {
	time.Time
	n int
}

type dicey struct {
	*rand.PCG
	n int
}

// celsius has methods of its own besides those that it embeds.
type celsius struct {
	time.Time
	n int
}

func (c celsius) MarshalBinary() ([]byte, error) { return []byte{byte(c.n)}, nil }
func (c *celsius) UnmarshalBinary(p []byte) error {
	if len(p) != 1 {
		return errors.New("want 1 byte")
	}
	c.n = int(p[0])
	return nil
}

type long struct{ n int }

func (l *long) MarshalBinary() ([]byte, error) { return l.AppendBinary(nil) }
func (l *long) AppendBinary(dst []byte) ([]byte, error) {
	return append(dst, make([]byte, l.n)...), nil
}
func (l *long) UnmarshalBinary(p []byte) error { l.n = len(p); return nil }

type failing struct{ mode int }

func (f failing) MarshalBinary() ([]byte, error) {
	if f.mode == 1 {
		return nil, errors.New("no")
	}
	return nil, nil
}
func (f *failing) UnmarshalBinary([]byte) error { panic("boom") }

func TestOwnMethods(t *testing.T) {
	type root struct {
		a stamped
		b dicey
		c celsius
		d long
		e []long
	}
	c := newCodec(t, reflect.TypeFor[root]())
	r := &root{a: stamped{time.Unix(3, 0).UTC(), 4}, b: dicey{rand.NewPCG(1, 2), 5}, c: celsius{n: 6}, d: long{127}, e: []long{{128}, {70000}, {0}}}
	got := roundTrip(t, c, r)
	assert.Equal(t, r.a, got.a)
	assert.Equal(t, r.b, got.b)
	assert.Equal(t, 6, got.c.n)
	assert.Equal(t, r.e, got.e)

	type bad struct{ f failing }
	c = newCodec(t, reflect.TypeFor[bad]())
	_, err := c.Append(nil, &bad{failing{1}})
	require.EqualError(t, err, "state_test.bad.f cannot be saved: *state_test.failing.MarshalBinary: no")
	saved, err := c.Append(nil, &bad{})
	require.NoError(t, err)
	require.ErrorContains(t, c.Load(saved, &bad{}), "state_test.failing.UnmarshalBinary: panic: boom")
}
