package httpmp_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/internal/wire"
)

// line is one line of JSON mode.
type line struct {
	Ctl *wire.Hello
	Bye *wire.Bye
	N   uint64
	Key bool
	Ack *uint64
	Add []any
	Set []any
	Ev  [][]any

	Game map[string]any
}

// linesOf reads an answer in JSON mode.
func linesOf(t testing.TB, w *httptest.ResponseRecorder) (lines []line) {
	t.Helper()
	require.Equal(t, 200, w.Code, w.Body)
	for s := range strings.Lines(w.Body.String()) {
		require.True(t, strings.HasSuffix(s, "\n"), "a whole line")
		var l line
		require.NoError(t, json.Unmarshal([]byte(s), &l), s)
		lines = append(lines, l)
	}
	return lines
}

// out sends a GET out that ends once it has said what it has to say.
func (d *desk) out(a admitted, query string, args ...any) *httptest.ResponseRecorder {
	d.Helper()
	return d.send(call{method: "GET", target: "out?" + fmt.Sprintf(query, args...), header: a.auth(), ctx: over()})
}

// TestOutNumbers: a known token gets 200 whatever the numbers are.
func TestOutNumbers(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	a := d.join("Ann")
	numbers := []string{
		"", "0", "1", "127", "128", "255", "256", "16383", "16384", "65535", "65536", "2147483647", "2147483648", "4294967295", "4294967296",
		"9007199254740991", "9007199254740992", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
		strings.Repeat("9", 100), "-1", "-0", "-9223372036854775809", "00000000000000000000000000000001",
	}
	for _, mode := range []string{"stream", "poll"} {
		for _, n := range numbers {
			for _, query := range []string{"b=" + n, "e=" + n, "b=" + n + "&e=" + n, fmt.Sprintf("b=%s&e=%d", n, a.Epoch)} {
				w := d.out(a, "f=json&w=0&m=%s&%s", mode, query)
				lines := linesOf(t, w)
				require.NotEmpty(t, lines, query)
				if frame := lines[len(lines)-1]; frame.N > 0 {
					require.Equal(t, d.Stats().Frame, frame.N, query)
				}
			}
		}
	}
	for _, n := range numbers[1:] {
		if strings.Trim(n, "0-") == "" || strings.HasPrefix(n, "-") || n == "1" {
			require.Equal(t, 200, d.out(a, "m=poll&b=0&w=%s", n).Code)
		}
	}
}

func TestOutNoNumbers(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	a := d.join("Ann")
	before := d.state()
	for _, name := range []string{"b", "e", "w"} {
		for _, v := range []string{"x", "1x", "0x1", "1_000", "1e3", "1.5", "NaN", "Infinity", " 1", "1 ", "--1", "-", "١", "null", "\x00", "1\n", "'", strings.Repeat("x", 5000)} {
			e := refused(t, d.out(a, "%s=%s", name, url.QueryEscape(v)))
			require.Equal(t, "bad_request", e.Code)
			require.Contains(t, e.Msg, fmt.Sprintf("%s is %q, want a whole number", name, v))
		}
	}
	for _, query := range []string{"b=%", "b=%zz", "b=1;e=2", "%=1"} {
		require.Equal(t, "bad_request", refused(t, d.send(call{method: "GET", target: "out?" + query, header: a.auth(), ctx: over()})).Code, query)
	}
	require.Equal(t, before, d.state())
}

func TestOutHeaders(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	a := d.join("Ann")
	for query, typ := range map[string]string{
		"": "application/vnd.httpmp", "f=bin": "application/vnd.httpmp", "f=json": "application/x-ndjson",
		"m=poll&w=0": "application/vnd.httpmp", "m=poll&w=0&f=json": "application/x-ndjson",
	} {
		h := d.out(a, "%s", query).Header()
		require.Equal(t, typ, h.Get("Content-Type"), query)
		require.Equal(t, "no-store, no-transform", h.Get("Cache-Control"))
		require.Equal(t, "no", h.Get("X-Accel-Buffering"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"))
		require.Empty(t, h.Get("Content-Encoding"))
		require.Empty(t, h.Get("Set-Cookie"))
	}
}

// TestOutBase: which frame an answer begins with, by base and epoch. Frame 10 is out, and what the client sees
// changed in frame 8.
func TestOutBase(t *testing.T) {
	for _, tt := range []struct {
		name  string
		query func(epoch uint32) string
		hello bool // of a poll; a stream always begins with one
		base  uint64
		key   bool
	}{
		{"nothing", func(uint32) string { return "" }, true, 0, true},
		{"base without epoch", func(uint32) string { return "b=8" }, true, 0, true},
		{"base of another epoch", func(e uint32) string { return fmt.Sprintf("b=8&e=%d", e+1) }, true, 0, true},
		{"an epoch that is this one but for its high bits", func(e uint32) string { return fmt.Sprintf("b=8&e=%d", uint64(e)+1<<32) }, true, 0, true},
		{"no base", func(e uint32) string { return fmt.Sprintf("b=0&e=%d", e) }, false, 0, true},
		{"negative base", func(e uint32) string { return fmt.Sprintf("b=-8&e=%d", e) }, false, 0, true},
		{"base above the frame", func(e uint32) string { return fmt.Sprintf("b=11&e=%d", e) }, false, 0, true},
		{"base far above the frame", func(e uint32) string { return fmt.Sprintf("b=18446744073709551615&e=%d", e) }, false, 0, true},
		{"the newest", func(e uint32) string { return fmt.Sprintf("b=10&e=%d", e) }, false, 10, false},
		{"after the change", func(e uint32) string { return fmt.Sprintf("b=8&e=%d", e) }, false, 8, false},
		{"before the change", func(e uint32) string { return fmt.Sprintf("b=5&e=%d", e) }, false, 5, false},
	} {
		for _, mode := range []string{"stream", "poll"} {
			t.Run(mode+": "+tt.name, func(t *testing.T) {
				d := newDesk(t, httpmp.Config{})
				d.game.onStep = func(g *lobby, f *httpmp.Frame) {
					if f.Number == 8 {
						g.Last = "eight"
					}
				}
				a := d.join("Ann")
				d.frames(10 - int(a.Frame))
				lines := linesOf(t, d.out(a, "f=json&w=0&m=%s&%s", mode, tt.query(a.Epoch)))
				if mode == "stream" || tt.hello {
					require.NotNil(t, lines[0].Ctl)
					require.Equal(t, wire.Hello{Hello: 2, Epoch: a.Epoch, Frame: 10, Base: tt.base}, *lines[0].Ctl)
					lines = lines[1:]
				}
				if mode == "stream" && tt.base >= 8 {
					require.Empty(t, lines, "nothing is due")
					return
				}
				require.Len(t, lines, 1)
				l := lines[0]
				require.Nil(t, l.Ctl)
				require.Equal(t, tt.key, l.Key)
				require.EqualValues(t, 10, l.N)
				require.NotNil(t, l.Ack, "the first frame of a response has one")
				switch {
				case tt.key:
					require.Contains(t, l.Game, "in")
					require.Equal(t, "eight", l.Game["last"])
				case tt.base < 8:
					require.Equal(t, map[string]any{"last": "eight"}, l.Game)
				default:
					require.Empty(t, l.Game)
				}
			})
		}
	}
}

// TestOutRecords: the records of both modes are of the same kinds.
func TestOutRecords(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	a := d.join("Ann")
	p := d.out(a, "").Body.Bytes()
	var kinds []byte
	for len(p) > 0 {
		body, rest, err := wire.SplitRecords(p)
		require.NoError(t, err)
		kinds = append(kinds, wire.Kind(body))
		p = rest
	}
	require.Equal(t, []byte{wire.KindControl, wire.KindFrame}, kinds)
	p = d.out(a, "m=poll&w=0&e=%d", a.Epoch).Body.Bytes()
	body, rest, err := wire.SplitRecords(p)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.EqualValues(t, wire.KindFrame, wire.Kind(body))
}

// TestPollDue: a poll is answered when there is a change, an event or an ack, else after w.
func TestPollDue(t *testing.T) {
	for _, tt := range []struct {
		name  string
		w     string
		after time.Duration // what happens
		what  func(d *desk, a admitted)
		takes time.Duration
	}{
		{"nothing, w=0", "&w=0", 0, nil, 0},
		{"nothing, negative w", "&w=-5", 0, nil, 0},
		{"nothing, w=1000", "&w=1000", 0, nil, time.Second},
		{"nothing, default", "", 0, nil, 20 * time.Second},
		{"nothing, at most", "&w=25000", 0, nil, 25 * time.Second},
		{"nothing, too much", "&w=25001", 0, nil, 25 * time.Second},
		{"nothing, far too much", "&w=99999999999999999999999", 0, nil, 25 * time.Second},
		{"ack", "", 2 * time.Second, func(d *desk, a admitted) {
			require.Equal(d, 204, d.in(a, `{"seq":1,"ev":[["down","KeyA"]]}`).Code)
		}, 2 * time.Second},
		{"change", "", 3 * time.Second, func(d *desk, a admitted) {
			require.Equal(d, 204, d.in(a, `{"seq":1,"ev":[["text","hi"]]}`).Code)
		}, 3 * time.Second},
		{"somebody joins", "", 4 * time.Second, func(d *desk, _ admitted) { d.tryJoin(`{"protos":[2]}`) }, 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, stop := runningDesk(t, httpmp.Config{})
				defer stop()
				a := d.join("Ann")
				time.Sleep(110 * time.Millisecond) // between two frames
				frame := d.Stats().Frame
				start := time.Now()
				if tt.what != nil {
					time.AfterFunc(tt.after, func() { tt.what(d, a) })
				}
				w := d.do("GET", fmt.Sprintf("out?m=poll&f=json&b=%d&e=%d%s", frame, a.Epoch, tt.w), "", a.auth()...)
				took := time.Since(start)
				lines := linesOf(t, w)
				require.GreaterOrEqual(t, took, tt.takes-34*time.Millisecond, "w counts in frames")
				require.Less(t, took, tt.takes+70*time.Millisecond, "two frames at most")
				require.Len(t, lines, 1, "no hello where the epoch is this one")
				require.NotNil(t, lines[0].Ack)
				require.False(t, lines[0].Key)
				require.Equal(t, d.Stats().Frame, lines[0].N, "the client's next b")
				if tt.what == nil {
					require.Zero(t, *lines[0].Ack)
				}
			})
		})
	}
}

// TestSuperseded: the second out of a session ends the first.
func TestSuperseded(t *testing.T) {
	for _, first := range []string{"m=stream", "m=poll"} {
		for _, second := range []string{"m=stream", "m=poll&w=0"} {
			t.Run(first+" by "+second, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d, stop := runningDesk(t, httpmp.Config{})
					defer stop()
					a := d.join("Ann")
					time.Sleep(110 * time.Millisecond) // between two frames
					ended := make(chan *httptest.ResponseRecorder)
					go func() {
						ended <- d.do("GET", fmt.Sprintf("out?f=json&b=%d&e=%d&%s", d.Stats().Frame, a.Epoch, first), "", a.auth()...)
					}()
					synctest.Wait()
					require.Equal(t, 200, d.out(a, "f=json&%s", second).Code)
					lines := linesOf(t, <-ended)
					last := lines[len(lines)-1]
					require.NotNil(t, last.Bye)
					require.Equal(t, wire.Bye{Code: "superseded"}, *last.Bye)
					require.Equal(t, 1, d.Stats().Clients)
				})
			})
		}
	}
}
