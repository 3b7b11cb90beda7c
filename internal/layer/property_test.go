package layer_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	rounds = flag.Int("rounds", 0, "long random worlds to try; 0: a hundredth of HTTPMP_ROUNDS, else 4")
	seed   = flag.Uint64("seed", 0, "first world; 0: one that is chosen")
)

// times returns how often to try: n if it is given, else per HTTPMP_ROUNDS, else what is usual.
func times(t *testing.T, n, per, usual int) int {
	t.Helper()
	env := os.Getenv("HTTPMP_ROUNDS")
	switch {
	case n > 0:
		return n
	case env == "":
		return usual
	}
	all, err := strconv.Atoi(env)
	require.NoError(t, err, "HTTPMP_ROUNDS")
	return max(1, all/per)
}

// firstSeed returns the seed of the first world, and logs it.
func firstSeed(t *testing.T) uint64 {
	t.Helper()
	first := *seed
	if first == 0 {
		first = rand.Uint64() >> 1
	}
	t.Logf("first seed %d", first)
	return first
}

// longWorld is what a match is like: things happen now and then.
var longWorld = pace{
	frames: 400, few: 2, many: 6, horizon: 60, often: 1, heavy: 0.05, checks: 1, nods: 0.1, naps: []int{3, 8, 40, 400},
}

func TestRandomWorlds(t *testing.T) {
	first := firstSeed(t)
	var mu sync.Mutex
	var sum kinds
	t.Run("worlds", func(t *testing.T) {
		for i := range times(t, *rounds, 100, 4) {
			s := first + uint64(i)
			t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
				t.Parallel()
				p := &play{t: t, world: newWorld(rand.New(rand.NewPCG(s, 1)), longWorld)}
				p.run()
				mu.Lock()
				defer mu.Unlock()
				sum.add(p.kinds)
			})
		}
	})
	sum.check(t)
}
