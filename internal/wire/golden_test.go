package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

var rewrite = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file of testdata/wire, which the JavaScript tests read too.
func golden(t *testing.T, name string, text []byte) {
	t.Helper()
	require.True(t, json.Valid(text), name)
	path := filepath.Join("..", "..", "testdata", "wire", name)
	if *rewrite {
		require.NoError(t, os.WriteFile(path, text, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text), "%s: run go test -update and look at the difference", name)
}

// lines is a JSON array with one element a line.
func lines[T any](t *testing.T, list []T) []byte {
	t.Helper()
	b := bytes.NewBufferString("[")
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	for i, v := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		require.NoError(t, enc.Encode(v))
		b.Truncate(b.Len() - 1)
	}
	b.WriteString("\n]")
	return b.Bytes()
}

type goldenCase struct {
	Name  string
	Steps []byte // one step a line
}

type goldenStep struct {
	Hex   string          `json:"hex"`
	Line  string          `json:"line,omitempty"`
	State json.RawMessage `json:"state"`
	Error bool            `json:"error,omitempty"`
}

func TestGoldenFrames(t *testing.T) {
	var cases []goldenCase
	for _, c := range frameCases() {
		t.Run(c.name, func(t *testing.T) {
			bin, text := wire.NewReplica(schema), wire.NewJSONReplica()
			var steps []goldenStep
			for i, s := range c.steps {
				before := bin.JSON()
				info, err := bin.Apply(s.frame)
				if s.line == "" {
					require.Error(t, err, "step %d", i)
					require.Equal(t, string(before), string(bin.JSON()), "step %d changes nothing", i)
					steps = append(steps, goldenStep{Hex: hex.EncodeToString(s.frame), Error: true})
					continue
				}
				require.NoError(t, err, "step %d", i)
				lineInfo, err := text.ApplyLine([]byte(s.line))
				require.NoError(t, err, "step %d", i)
				require.Equal(t, string(bin.JSON()), string(text.JSON()), "step %d", i)
				require.True(t, json.Valid(bin.JSON()), "step %d", i)
				assert.Equal(t, info.Events, lineInfo.Events, "step %d", i)
				assert.Equal(t, info.Ack, lineInfo.Ack, "step %d", i)
				assert.Equal(t, info.HasAck, lineInfo.HasAck, "step %d", i)
				assert.Equal(t, info.Slack, lineInfo.Slack, "step %d", i)
				assert.Equal(t, info.EvGap, lineInfo.EvGap, "step %d", i)
				assert.Equal(t, info.Key, lineInfo.Key, "step %d", i)
				assert.Equal(t, info.Added, lineInfo.Added, "step %d", i)
				assert.Equal(t, info.Removed, lineInfo.Removed, "step %d", i)
				steps = append(steps, goldenStep{Hex: hex.EncodeToString(s.frame), Line: s.line, State: bin.JSON()})
			}
			cases = append(cases, goldenCase{c.name, lines(t, steps)})
		})
	}
	var b bytes.Buffer
	classes, err := json.Marshal(schema)
	require.NoError(t, err)
	fmt.Fprintf(&b, "{\"schema\":%s,\"cases\":[\n", classes)
	for i, c := range cases {
		end := "},\n"
		if i == len(cases)-1 {
			end = "}\n]}\n"
		}
		fmt.Fprintf(&b, "{\"name\":%q,\"steps\":%s%s", c.Name, c.Steps, end)
	}
	golden(t, "frames.json", b.Bytes())
}

func TestGoldenBatches(t *testing.T) {
	type goldenBatch struct {
		Name string `json:"name"`
		Hex  string `json:"hex"`
		JSON string `json:"json"`
	}
	var out []goldenBatch
	for _, c := range batchCases {
		bin := wire.AppendBatch(nil, c.batch)
		text := wire.AppendBatchJSON(nil, c.batch)
		for _, p := range [][]byte{bin, text} {
			got, err := wire.DecodeBatch(p, wire.Limits{})
			require.NoError(t, err, c.name)
			assert.Equal(t, c.batch, got, c.name)
		}
		out = append(out, goldenBatch{c.name, hex.EncodeToString(bin), string(text)})
	}
	golden(t, "batches.json", append(lines(t, out), '\n'))
}

func TestGoldenButtons(t *testing.T) {
	buttons := map[string]int{}
	for n := range wire.Buttons {
		if name, ok := wire.ButtonName(n); ok {
			buttons[name] = n
			got, ok := wire.Button(name)
			assert.True(t, ok, name)
			assert.Equal(t, n, got, name)
			assert.Equal(t, name, wire.NearButton(strings.ToUpper(name)))
		}
	}
	text, err := json.MarshalIndent(buttons, "", "")
	require.NoError(t, err)
	golden(t, "buttons.json", append(text, '\n'))
}
