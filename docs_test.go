package httpmp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// runner is a dot that runs to and fro, up while ArrowUp is held.
type runner struct {
	httpmp.Pos
	vx float64
}

func (r *runner) Look() httpmp.Look { return httpmp.Circle(6, "white") }

func (r *runner) Step(f *httpmp.Frame) {
	if r.X < 0 || r.X > 640 {
		r.vx = -r.vx
	}
	_, dy := f.Seat(0).Stick()
	r.Move(r.vx*f.Dt, 100*dy*f.Dt)
}

type track struct {
	httpmp.World
	runner runner
}

func (g *track) Start()             { g.runner = runner{httpmp.At(320, 240), 90}; g.Add(&g.runner) }
func (g *track) Step(*httpmp.Frame) {}

// serveTrack serves a track on a free port and returns its address without a slash at the end.
func serveTrack(t *testing.T) string {
	t.Helper()
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- httpmp.ListenAndServe(ctx, &track{}, httpmp.Config{Addr: addr}) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	awaitServer(t, addr)
	return "http://" + addr
}

// TestProtocolCurl executes the session of docs/protocol.md.
func TestProtocolCurl(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/protocol.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(doc), "```sh\nT=$(curl")
	require.True(t, ok, "docs/protocol.md has its curl session")
	session, _, _ := strings.Cut("T=$(curl"+rest, "```")

	cmd := exec.Command("sh", "-e")
	cmd.Stdin = strings.NewReader(session)
	cmd.Env = append(os.Environ(), "HOST="+serveTrack(t))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s%s", out, &stderr)
	text := string(out)
	require.Contains(t, text, `{"ctl":{"hello":2,`)
	require.Contains(t, text, `"key":true,"ack":0,"add":[[1,"runner",{"pos":[`)
	require.Regexp(t, `\{"n":\d+,"ack":1,"set":\[\[1,\{"pos":\[`, text)
	require.Contains(t, text, `"ack":2`)
	require.Contains(t, text, `"players":1`)
	require.Contains(t, text, `{"bye":{"code":"gone"}}`)
}

// TestCurlRunsOn has curl -N print a game for a minute.
func TestCurlRunsOn(t *testing.T) {
	t.Parallel()
	host := serveTrack(t)
	join := exec.Command("curl", "-s", host+"/join", "-d", `{"protos":[2]}`)
	answer, err := join.Output()
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(answer), `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	curl := exec.CommandContext(ctx, "curl", "-sN", host+"/out?f=json", "-H", "Authorization: Bearer "+token)
	out, err := curl.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, curl.Start())
	last, gap, at := uint64(0), time.Duration(0), time.Now()
	for in := bufio.NewScanner(out); in.Scan(); {
		var n uint64
		if _, err := fmt.Sscanf(in.Text(), `{"n":%d`, &n); err == nil {
			require.Greater(t, n, last)
			now := time.Now()
			last, gap, at = n, max(gap, now.Sub(at)), now
		}
	}
	require.Error(t, curl.Wait(), "it ran until it was stopped")
	require.Error(t, ctx.Err(), "it ran for a minute")
	require.Less(t, max(gap, time.Since(at)), 5*time.Second, "frames came all the time")
}

// TestReadme builds the README's program and runs its test.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := strings.Split(string(readme), "```go\n")
	require.Len(t, blocks, 3, "a program and a test")
	root, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	sum, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	_, requires, _ := strings.Cut(string(mod), "\n\ngo ")
	program, _, _ := strings.Cut(blocks[1], "```")
	test, _, _ := strings.Cut(blocks[2], "```")
	for name, text := range map[string]string{
		"go.mod": "module tag\n\ngo " + requires +
			"\nrequire github.com/httpmp/httpmp v0.0.0\n\nreplace github.com/httpmp/httpmp => " + root + "\n",
		"go.sum":  string(sum),
		"main.go": program,
		"main_test.go": "package main\n\nimport (\n\t\"testing\"\n\n\t\"github.com/stretchr/testify/require\"\n\n" +
			"\t\"github.com/httpmp/httpmp/httpmptest\"\n)\n\n" + test,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	cmd := exec.Command("go", "test", "./...")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
