package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

// TestFuzzSeeds writes, with -update, the seeds of the fuzz targets from the cases of the golden files.
func TestFuzzSeeds(t *testing.T) {
	if !*rewrite {
		t.Skip("only with -update")
	}
	seeds := map[string]map[string][]byte{"FuzzBatch": {}, "FuzzReplica": {}, "FuzzJSONLine": {}, "FuzzRecords": {}, "FuzzSchema": {}}
	for i, c := range batchCases {
		seeds["FuzzBatch"][fmt.Sprintf("binary-%d", i)] = wire.AppendBatch(nil, c.batch)
		seeds["FuzzBatch"][fmt.Sprintf("json-%d", i)] = wire.AppendBatchJSON(nil, c.batch)
	}
	for i, c := range frameCases() {
		var records, text []byte
		for _, s := range c.steps {
			records = wire.AppendRecord(records, s.frame)
			if s.line != "" {
				text = append(append(text, s.line...), '\n')
			}
		}
		seeds["FuzzReplica"][fmt.Sprintf("case-%d", i)] = records
		seeds["FuzzJSONLine"][fmt.Sprintf("case-%d", i)] = text
	}
	for _, n := range numbers {
		v := wire.AppendUv(nil, n)
		seeds["FuzzRecords"][fmt.Sprintf("length-%d", n)] = append(v, "\x00abc"...)
		seeds["FuzzBatch"][fmt.Sprintf("length-%d", n)] = join([]byte{0x20, 0, 1, 0, 8, 1, 'a'}, v)
		seeds["FuzzReplica"][fmt.Sprintf("length-%d", n)] = wire.AppendRecord(nil, join([]byte{0, 9, 0}, v))
	}
	seeds["FuzzRecords"]["stream"] = wire.AppendBye(wire.AppendRecord(wire.AppendControl(nil, wire.Hello{Hello: 2}), []byte{2, 1}), wire.Bye{Code: "gone"})
	seeds["FuzzSchema"]["all"], _ = json.Marshal(schema)
	seeds["FuzzSchema"]["quantum"] = []byte(`{"classes":[{"name":"game","fields":[["stage","json"]]},{"name":"me","fields":[]},{"name":"a","fields":[["x","int",1e-300]]}]}`)
	for target, files := range seeds {
		dir := filepath.Join("testdata", "fuzz", target)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		for name, p := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", p), 0o644))
		}
	}
}

// What a batch decodes to is valid and within its limits, and goes both ways through both encodings.
func FuzzBatch(f *testing.F) {
	lim := wire.Limits{Events: 100, TextBytes: 200, DataBytes: 1000, Depth: 5}
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := wire.DecodeBatch(p, lim)
		if err != nil {
			require.NotEmpty(t, err.Error())
			require.Less(t, len(err.Error()), 400)
			return
		}
		require.NotZero(t, b.Seq)
		require.LessOrEqual(t, len(b.Events), lim.Events)
		sum, known := b.Frame, true
		for _, e := range b.Events {
			sum += e.After
			require.LessOrEqual(t, sum, uint64(wire.MaxUint))
			if e.Type == "" {
				known = false
				continue
			}
			require.NoError(t, e.Validate(lim))
		}
		if known {
			again, err := wire.DecodeBatch(wire.AppendBatchJSON(nil, b), lim)
			require.NoError(t, err)
			require.Equal(t, b, again)
		}
		rounded, err := wire.DecodeBatch(wire.AppendBatch(nil, b), lim)
		require.NoError(t, err)
		require.Len(t, rounded.Events, len(b.Events))
		for i, e := range b.Events {
			for j, v := range e.Args {
				require.LessOrEqual(t, math.Abs(v-rounded.Events[i].Args[j]), 0.5)
			}
		}
		again, err := wire.DecodeBatch(wire.AppendBatch(nil, rounded), lim)
		require.NoError(t, err)
		require.Equal(t, rounded, again)
	})
}

// A frame is applied whole or not at all, and says truly what it did.
func FuzzReplica(f *testing.F) {
	nums, strs := thing()
	start := key(5, full(0, game(), ball(1, 1, 0, 0), add(classThing, 2, 2, nums, strs...)), full(1, me("[2]"), add(classThingPlus, 1, 0, []int64{2, 1}, "x")), full(2, ball(0, 3, 1, 1)))
	f.Fuzz(func(t *testing.T, p []byte) {
		r := wire.NewReplica(schema)
		_, err := r.Apply(start)
		require.NoError(t, err)
		for {
			var body []byte
			body, p, err = wire.SplitRecords(p)
			if err != nil {
				return
			}
			before, ids := r.JSON(), r.Sprites()
			info, err := r.Apply(body)
			if err != nil {
				require.Equal(t, string(before), string(r.JSON()))
				require.Equal(t, ids, r.Sprites())
				continue
			}
			after := r.JSON()
			require.True(t, json.Valid(after), "%s", after)
			want := map[uint32]bool{}
			for _, id := range ids {
				want[id] = true
			}
			for _, id := range info.Removed {
				require.True(t, want[id])
				delete(want, id)
			}
			for _, id := range info.Added {
				require.False(t, want[id])
				want[id] = true
			}
			require.Equal(t, slices.Sorted(maps.Keys(want)), r.Sprites())
			for _, id := range info.Changed {
				require.True(t, want[id])
			}
		}
	})
}

// A line is applied whole or not at all.
func FuzzJSONLine(f *testing.F) {
	f.Fuzz(func(t *testing.T, p []byte) {
		r := wire.NewJSONReplica()
		for _, line := range bytes.Split(p, []byte("\n")) {
			before := string(r.JSON())
			_, err := r.ApplyLine(line)
			after := r.JSON()
			if err != nil {
				require.Equal(t, before, string(after))
			}
			require.True(t, json.Valid(after), "%s", after)
		}
	})
}

// What records are made of makes the same records again.
func FuzzRecords(f *testing.F) {
	f.Fuzz(func(t *testing.T, p []byte) {
		var again []byte
		rest := p
		for {
			body, next, err := wire.SplitRecords(rest)
			if err != nil {
				break
			}
			require.NotEmpty(t, body)
			require.LessOrEqual(t, len(body), wire.MaxRecord)
			again, rest = wire.AppendRecord(again, body), next
		}
		require.True(t, bytes.Equal(p[:len(p)-len(rest)], again))
	})
}

// A schema that is taken is written as one that is the same.
func FuzzSchema(f *testing.F) {
	f.Fuzz(func(t *testing.T, p []byte) {
		var s, again wire.Schema
		if json.Unmarshal(p, &s) != nil {
			return
		}
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, s.Hash(), again.Hash())
		for _, c := range s.Classes {
			nums, texts := c.Size()
			for _, f := range c.Fields {
				v := wire.AppendValueJSON(nil, f, slices.Repeat([]int64{7}, 2), []string{`{"a":1}`})
				require.True(t, json.Valid(v), "%s", v)
			}
			wire.AppendAdd(nil, 0, 0, 0, c.Fields, make([]int64, nums), slices.Repeat([]string{"0"}, texts))
		}
		r := wire.NewReplica(s)
		_, err = r.Apply([]byte(strings.Repeat("\x01", 9)))
		require.Error(t, err)
	})
}
