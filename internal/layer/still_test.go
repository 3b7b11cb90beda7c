package layer_test

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/layer"
)

// counted is a Source that counts how often it is read.
type counted struct {
	values
	reads int
}

func (c *counted) Read(nums []int64, strs []string) error {
	c.reads++
	return c.values.Read(nums, strs)
}

func TestStill(t *testing.T) {
	p := newPong(t)
	l := p.set.Open(2)
	src := &counted{values: values{nums: []int64{6, 8}, strs: []string{"1"}}}
	l.Add(ball, 9, src)
	l.Still(true)
	other := &values{nums: []int64{0, 0}, strs: []string{"2"}}
	steps := []struct {
		name  string
		do    func()
		reads int
		delta string
	}{
		{"new", func() {}, 1, "\x10\x07\xe3\x00\x09\x0c\x10\x011"},
		{"still", func() {}, 0, ""},
		{"changed, but still", func() { src.nums[0]++ }, 0, ""},
		{"Wake", l.Wake, 1, "\x10\x02\x08\x60"},
		{"still again", func() { src.nums[0]++ }, 0, ""},
		{"Wake twice", func() { l.Wake(); l.Wake() }, 1, "\x10\x02\x08\x60"},
		{"Wake for nothing", l.Wake, 1, ""},
		{"Add", func() { src.nums[0]++; require.Equal(t, 1, l.Add(ball, 10, other)) }, 1, "\x10\x09\xe3\x01\x0a\x00\x00\x012\x08\x60"},
		{"Remove", func() { src.nums[0]++; l.Remove(1) }, 1, "\x10\x04\xf0\x01\x08\x60"},
		{"Add and Remove", func() { l.Remove(l.Add(ball, 11, other)) }, 1, ""},
		{"Event", func() { src.nums[0]++; l.Event("e", []byte("7")) }, 1, "\x10\x07\x08\x60\xf1\x01e\x017"},
		{"another layer", func() { src.nums[0]++; p.shared.Event("e", nil); p.shared.Wake() }, 0, ""},
		{"awake", func() { l.Still(false) }, 1, "\x10\x02\x08\x60"},
		{"awake still", func() { src.nums[0]++ }, 1, "\x10\x02\x08\x60"},
		{"awake for ever", func() {}, 1, ""},
		{"Still once more", func() { src.nums[0]++; l.Still(true) }, 1, "\x10\x02\x08\x60"},
		{"still once more", func() { src.nums[0]++ }, 0, ""},
		{"Close", func() { p.set.Close(l); l.Wake() }, 0, ""},
	}
	changed := uint64(0)
	for i, s := range steps {
		n := uint64(1001 + i)
		src.reads = 0
		s.do()
		p.frame(t, n)
		assert.Equal(t, s.reads, src.reads, s.name)
		assert.Equal(t, s.delta, string(l.Delta(n)), s.name)
		if s.delta != "" {
			changed = n
		}
		assert.Equal(t, changed, l.Changed(), s.name)
	}
}

// A layer that is still, and is woken for every change, gives the bytes of one that is not, to all whose
// base is no older than what that one holds. (What is too old there, a still one may hold yet.)
func TestStillGivesTheSameBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var sets [2]*layer.Set
	var layers [2]*layer.Layer
	var views [2]layer.View
	var had [2][]layer.Position // by frame: of a response that has come so far
	var bin, text [2][2]string
	rows := map[int]*values{}
	for i := range sets {
		had[i] = make([]layer.Position, 1)
		sets[i] = layer.New(pongSchema(), 300)
		layers[i] = sets[i].Open(0)
		views[i].See(layers[i], 1)
	}
	layers[1].Still(true)
	row := func() *values {
		return &values{nums: []int64{rng.Int64N(99), 5}, strs: []string{strconv.Itoa(rng.IntN(9))}}
	}
	for n := uint64(1); n < 3000; n++ {
		if rng.IntN(40) < 2 || n%1000 < 20 {
			switch slot, id := rng.IntN(12), uint32(n); {
			case rng.IntN(8) == 0:
				layers[0].Event("e", []byte("1"))
				layers[1].Event("e", []byte("1"))
			case rows[slot] == nil:
				r := row()
				slot = layers[0].Add(ball, id, r)
				require.Equal(t, slot, layers[1].Add(ball, id, r))
				rows[slot] = r
			case rng.IntN(2) == 0:
				layers[0].Remove(slot)
				layers[1].Remove(slot)
				delete(rows, slot)
			default:
				*rows[slot] = *row()
				layers[1].Wake()
			}
		}
		for _, s := range sets {
			require.NoError(t, s.Encode(n))
		}
		require.Equal(t, layers[0].Delta(n), layers[1].Delta(n))
		require.Equal(t, layers[0].Changed(), layers[1].Changed())
		for _, back := range []uint64{1, 2, 7, 62, n} {
			base := n - min(back, n)
			for i := range views {
				had[i][0] = layer.NewPosition(0, n-min(n, 100)) // of one that has just come
				for k, pos := range [...]layer.Position{layer.NewPosition(base, n-min(n, 100)), had[i][base]} {
					lines := pos
					bin[i][k] = string(views[i].Append(nil, &pos, n, n, 1))
					text[i][k] = string(views[i].AppendJSON(nil, &lines, n, n, 1))
					had[i] = append(had[i][:n], pos)
				}
			}
			require.Equal(t, bin[0], bin[1], "frame %d from %d", n, base)
			require.Equal(t, text[0], text[1], "frame %d from %d", n, base)
		}
	}
}

// What a layer keeps of what it made for single clients is not more when many more of them ask.
func TestCachesOfAStillLayer(t *testing.T) {
	const bases, rows = 5000, 200
	for name, appendFrame := range map[string]func(*layer.View, []byte, *layer.Position, uint64) []byte{
		"binary": func(v *layer.View, dst []byte, p *layer.Position, n uint64) []byte { return v.Append(dst, p, n, 0, 0) },
		"JSON": func(v *layer.View, dst []byte, p *layer.Position, n uint64) []byte {
			return v.AppendJSON(dst, p, n, 0, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := layer.New(benchSchema(), 300)
			l := s.Open(0)
			l.Still(true)
			sprites := make([]four, rows)
			for i := range sprites {
				l.Add(3, uint32(i+1), &sprites[i])
			}
			var view layer.View
			view.See(l, 1)
			for n := uint64(1); n <= bases; n++ {
				sprites[n%rows].hp++
				l.Wake()
				require.NoError(t, s.Encode(n))
			}
			n := uint64(bases)
			var dst []byte
			ask := func(base uint64) string {
				pos := layer.NewPosition(base, 0)
				dst = appendFrame(&view, dst[:0], &pos, n)
				return string(dst)
			}
			first := map[uint64]string{}
			for base := uint64(0); base <= 60; base++ {
				first[base] = ask(base)
			}
			before := heap()
			for base := range n {
				ask(base)
			}
			grown := heap() - before
			t.Logf("%d bases: %d bytes more than 60", n, grown)
			assert.Less(t, grown, int64(1<<20))
			for base, want := range first {
				require.Equal(t, want, ask(base), "base %d again", base)
			}
			sprites[7].hp++
			n++
			l.Wake()
			require.NoError(t, s.Encode(n))
			for base, old := range first {
				require.NotEqual(t, old, ask(base), "base %d after a change", base)
			}
			runtime.KeepAlive(l)
		})
	}
}
