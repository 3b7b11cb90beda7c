package browsertest

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Program is a server that runs as a process of its own.
type Program struct {
	URL string // http://HOST:PORT/

	t      testing.TB
	cmd    *exec.Cmd
	output lockedBuffer
	done   chan struct{} // closed when the process has ended and err is set
	err    error
	ended  bool // the test has asked for the end; owned by the test's goroutine
}

// Build compiles the package in dir, such as "../examples/pong", with the race detector, and returns the program's file.
func Build(t testing.TB, dir string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), filepath.Base(dir))
	cmd := exec.Command("go", "build", "-race", "-buildvcs=false", "-o", file, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("browsertest: building %s: %v\n%s", dir, err, out)
	}
	return file
}

var urlLine = regexp.MustCompile(`\bhttps?://[^\s/]+:\d+/(?:\s|$)`)

// Start runs a program with -addr 127.0.0.1:0 and args, and returns when it has printed its URL. The program ends with
// the test, by Stop if that was not called before; what it printed is logged when the test fails.
func Start(t testing.TB, file string, args ...string) *Program {
	t.Helper()
	p := &Program{t: t, done: make(chan struct{})}
	p.cmd = exec.Command(file, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	p.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1 atexit_sleep_ms=0")
	r, w := io.Pipe()
	p.cmd.Stdout = io.MultiWriter(&p.output, w)
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("browsertest: starting %s: %v", file, err)
	}
	go func() { // ends with the process, which Stop or Kill waits for
		p.err = p.cmd.Wait()
		w.Close()
		close(p.done)
	}()
	url := make(chan string, 1)
	go func() { // ends with the process too
		lines := bufio.NewReader(r)
		for {
			line, err := lines.ReadString('\n')
			if u := urlLine.FindString(line); u != "" && len(url) == 0 {
				url <- strings.TrimSpace(u)
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if !p.ended {
			p.Stop()
		}
		if t.Failed() {
			t.Logf("browsertest: %s printed:\n%s", filepath.Base(file), p.Output())
		}
	})
	select {
	case p.URL = <-url:
	case <-p.done:
		p.ended = true
		t.Fatalf("browsertest: %s ended without printing its URL: %v\n%s", file, p.err, p.Output())
	case <-time.After(patience):
		p.Kill()
		t.Fatalf("browsertest: %s has not printed a line with http://HOST:PORT/ within %v", file, patience)
	}
	return p
}

// Output returns what the program has printed so far, standard output and error as they came.
func (p *Program) Output() string { return p.output.String() }

// Stop ends the program with SIGTERM, and fails the test when it does not exit with status 0 within 10 s, or had ended by itself.
func (p *Program) Stop() {
	p.t.Helper()
	p.ended = true
	if err := p.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		<-p.done
		p.t.Errorf("browsertest: the program ended by itself: %v", p.err)
		return
	}
	select {
	case <-p.done:
		if p.err != nil {
			p.t.Errorf("browsertest: the program after SIGTERM: %v, want exit status 0", p.err)
		}
	case <-time.After(10 * time.Second):
		p.Kill()
		p.t.Errorf("browsertest: the program was still running 10 s after SIGTERM")
	}
}

// Kill ends the program at once, as a crash of its machine does.
func (p *Program) Kill() {
	p.ended = true
	_ = p.cmd.Process.Kill()
	<-p.done
}
