package wire_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/internal/wire"
)

// docs/protocol.md has the table of keys as it is here, and its examples are right.
func TestProtocolDocument(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "protocol.md")
	p, err := os.ReadFile(path)
	require.NoError(t, err)
	table := regexp.MustCompile(`(?s)(<!-- buttons: .*? -->\n).*?(<!-- end -->)`)
	want := table.ReplaceAllString(string(p), "${1}"+keyTable()+"${2}")
	require.Contains(t, want, "ArrowUp 82")
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	p, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(p), "run go test -update")

	example := frame(wire.Header{Flags: wire.FlagAck, Frame: 1001, Ack: 1, Slack: 12}, delta(0, move(1, 0, -20), move(1, 20, 0)))
	assert.Contains(t, want, fmt.Sprintf("`% x`", wire.AppendRecord(nil, example)))
	batch := wire.AppendBatch(nil, wire.Batch{Base: 1003, Seq: 1, Events: []wire.Event{{Type: "down", Name: "ArrowUp"}}})
	assert.Contains(t, want, fmt.Sprintf("`% x`", batch))

	lines, applied := wire.NewJSONReplica(), 0
	for line := range strings.Lines(want) {
		if strings.HasPrefix(line, `{"n":`) || strings.HasPrefix(line, `{"ctl":{`) || strings.HasPrefix(line, `{"bye":{"code":"`) {
			_, err := lines.ApplyLine([]byte(line))
			require.NoError(t, err, line)
			applied++
		}
	}
	assert.Equal(t, 5, applied)
	assert.True(t, json.Valid(lines.JSON()))
	for _, up := range regexp.MustCompile("`"+`(\{"seq".*?\})`+"`").FindAllStringSubmatch(want, -1) {
		_, err := wire.DecodeBatch([]byte(up[1]), wire.Limits{})
		assert.NoError(t, err, up[1])
	}
}

// keyTable is the keys with their numbers, four a line.
func keyTable() string {
	var b strings.Builder
	b.WriteString("```\n")
	column := 0
	for n := range 256 {
		name, ok := wire.ButtonName(n)
		if !ok {
			continue
		}
		cell := fmt.Sprintf("%s %d", name, n)
		if column++; column%4 == 0 {
			b.WriteString(cell + "\n")
		} else {
			fmt.Fprintf(&b, "%-26s", cell)
		}
	}
	return strings.TrimRight(b.String(), " \n") + "\n```\n"
}
