package layer_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

var worlds = flag.Int("worlds", 0, "short random worlds to decode in JavaScript; 0: HTTPMP_ROUNDS, else 10000 or what four minutes allow")

// Of a number of worlds that nobody asked for, what the race detector on a busy machine cannot do in
// this time is left out: a package has ten minutes.
const enough = 4 * time.Minute

// shortWorld returns what a world is like in which much happens in few frames.
func shortWorld(rng *rand.Rand) pace {
	return pace{
		frames:  6 + rng.IntN(9),
		start:   []uint64{0, 0, 250, 1 << 32, wire.MaxUint - 20}[rng.IntN(5)],
		few:     1 + rng.IntN(2),
		many:    2,
		horizon: []uint64{2, 5, 60}[rng.IntN(3)],
		often:   1 + 7*rng.Float64(),
		heavy:   0.005,
		checks:  0.1,
		nods:    0.3,
		naps:    []int{2, 5, 9},
	}
}

// Whatever happens in a match, a page has the state that the match has: in both modes, from any base,
// and js/decode.js has what wire.Replica has.
func TestWorldsInJavaScript(t *testing.T) {
	first, n := firstSeed(t), times(t, *worlds, 1, 10_000)
	start, asked := time.Now(), *worlds > 0 || os.Getenv("HTTPMP_ROUNDS") != ""
	var mu sync.Mutex
	var sum kinds
	var next atomic.Int64
	t.Run("worlds", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				js := newDecoder(t)
				defer func() {
					if t.Failed() {
						next.Store(int64(n)) // the other ones need not go on
						if js.failed.Load() == nil {
							t.Log(again(js.seed))
						}
					}
				}()
				var kinds kinds
				for {
					i := next.Add(1) - 1
					if i >= int64(n) {
						break
					}
					if !asked && time.Since(start) > enough {
						t.Logf("%d of %d worlds: time is up", i, n)
						break
					}
					js.seed = first + uint64(i)
					rng := rand.New(rand.NewPCG(js.seed, 2))
					p := &play{t: t, js: js, world: newWorld(rng, shortWorld(rng))}
					p.run()
					kinds.add(p.kinds)
				}
				js.end(t)
				mu.Lock()
				defer mu.Unlock()
				sum.add(kinds)
			})
		}
	})
	if !t.Failed() && next.Load() >= 1000 {
		sum.check(t)
	}
}

// again says how to see one world again.
func again(seed uint64) string {
	return fmt.Sprintf("go test ./internal/layer -run TestWorldsInJavaScript -worlds 1 -seed %d", seed)
}

// script is what a page does: the lines for node, and what it is to answer.
type script struct {
	lines  []byte
	wants  []want
	events []wire.ReplicaEvent // since the last reset or state
}

// want is an answer.
type want struct {
	seed uint64
	line []byte
}

func (s *script) reset() {
	if s == nil {
		return
	}
	s.lines = append(s.lines, "reset\n"...)
	s.events = nil
}

func (s *script) apply(body []byte, info wire.Info) {
	if s == nil {
		return
	}
	s.lines = append(hex.AppendEncode(s.lines, body), '\n')
	s.events = append(s.events, info.Events...)
}

// state has node answer with the state, which is to be that.
func (s *script) state(canonical []byte, ack uint64) {
	s.lines = append(s.lines, "state\n"...)
	line := append([]byte(`{"state":`), canonical...)
	line = strconv.AppendUint(append(line, `,"ack":`...), ack, 10)
	line = append(line, `,"events":[`...)
	for i, e := range s.events {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(wire.AppendQuoted(append(line, '['), e.Type), ',')
		line = append(append(line, e.Payload...), ']')
	}
	s.wants = append(s.wants, want{line: append(line, "]}"...)})
	s.events = nil
}

// decoder is a node that decodes one script after the other. It is behind: its answers are compared
// when they come.
type decoder struct {
	seed   uint64 // of the world that the scripts are of
	in     io.WriteCloser
	wants  chan want
	failed atomic.Pointer[string]
	done   chan struct{} // closed when node has ended and all answers are compared
}

func newDecoder(t *testing.T) *decoder {
	t.Helper()
	node, err := exec.LookPath("node")
	require.NoError(t, err, "node is missing, and this test decodes in JavaScript too: install Node.js 20 or newer, or run make setup")
	// Go's test cache knows the files that a test opens, and so runs it again when they change.
	dir := filepath.Join("..", "..", "js")
	for _, name := range []string{"decode.js", "reader.js", "rows.js", "test/canonical.js", "test/decode-stream.js"} {
		_, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(dir, "test", "decode-stream.js"))
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	// The wants that fit are more than a script has: where they do not fit, an answer comes.
	d := &decoder{in: in, wants: make(chan want, 1000), done: make(chan struct{})}
	go func() {
		defer close(d.done)
		d.compare(out)
		err := cmd.Wait()
		for w := range d.wants {
			d.fail(w.seed, fmt.Sprintf("no answer: %v: %s", err, stderr))
		}
		if err != nil {
			d.fail(0, fmt.Sprintf("%v: %s", err, stderr))
		}
	}()
	schema, err := json.Marshal(worldSchema())
	require.NoError(t, err)
	_, err = fmt.Fprintf(in, "%s\n", schema)
	require.NoError(t, err)
	return d
}

// run has node do what s says.
func (d *decoder) run(t *testing.T, s *script) {
	t.Helper()
	d.check(t)
	for _, w := range s.wants {
		w.seed = d.seed
		d.wants <- w
	}
	if _, err := d.in.Write(s.lines); err != nil {
		d.end(t)
		t.Fatal(err)
	}
}

// end waits for the last answers.
func (d *decoder) end(t *testing.T) {
	t.Helper()
	d.in.Close()
	close(d.wants)
	<-d.done
	d.check(t)
}

// check fails t if an answer so far was wrong.
func (d *decoder) check(t *testing.T) {
	t.Helper()
	if why := d.failed.Load(); why != nil {
		t.Fatal(*why)
	}
}

// compare compares the answers with what they are to be.
func (d *decoder) compare(out io.Reader) {
	lines := bufio.NewReaderSize(out, 1<<16)
	for {
		got, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		got = got[:len(got)-1]
		w := <-d.wants
		if d.failed.Load() == nil && !bytes.Equal(w.line, got) && !sameJSON(w.line, got) {
			d.fail(w.seed, firstDifference(w.line, got))
		}
	}
}

// fail notes what is wrong, unless something was before.
func (d *decoder) fail(seed uint64, what string) {
	why := fmt.Sprintf("in JavaScript: %s\n%s", what, again(seed))
	d.failed.CompareAndSwap(nil, &why)
}

// sameJSON reports whether a and b are the same but for how they are written.
func sameJSON(a, b []byte) bool {
	var v, w any
	return json.Unmarshal(a, &v) == nil && json.Unmarshal(b, &w) == nil && reflect.DeepEqual(v, w)
}
