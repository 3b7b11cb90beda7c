package httpmp_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/internal/wire"
)

// batchOf returns the batch of custom events called "e" whose payloads are their numbers, from first on.
func batchOf(first, n int) string {
	events := make([]string, n)
	for i := range events {
		events[i] = fmt.Sprintf(`["e",%d]`, first+i)
	}
	return fmt.Sprintf(`{"seq":%d,"ev":[%s]}`, first, strings.Join(events, ","))
}

// TestSequence posts batches first-last, and checks that what is folded is every event once, in order.
func TestSequence(t *testing.T) {
	type post struct {
		first, n int
		code     int
		want     uint64 // of a gap
	}
	for _, tt := range []struct {
		name  string
		posts []post
		folds int
	}{
		{"one by one", []post{{1, 1, 204, 0}, {2, 1, 204, 0}, {3, 1, 204, 0}}, 3},
		{"duplicate", []post{{1, 3, 204, 0}, {1, 3, 204, 0}, {1, 3, 204, 0}}, 3},
		{"part of what is there", []post{{1, 5, 204, 0}, {2, 2, 204, 0}}, 5},
		{"cumulative", []post{{1, 1, 204, 0}, {1, 2, 204, 0}, {1, 3, 204, 0}, {2, 4, 204, 0}}, 5},
		{"overlapping", []post{{1, 4, 204, 0}, {3, 4, 204, 0}}, 6},
		{"does not begin with 1", []post{{2, 1, 409, 1}, {1, 2, 204, 0}}, 2},
		{"gap", []post{{1, 2, 204, 0}, {4, 1, 409, 3}, {3, 2, 204, 0}}, 4},
		{"reordered, and the later one retried", []post{{3, 2, 409, 1}, {1, 2, 204, 0}, {3, 2, 204, 0}}, 4},
		{"reordered retry of an old one", []post{{1, 2, 204, 0}, {3, 2, 204, 0}, {1, 2, 204, 0}, {5, 1, 204, 0}}, 5},
		{"empty", []post{{1, 0, 204, 0}, {1, 1, 204, 0}, {1, 0, 204, 0}, {2, 0, 204, 0}, {3, 0, 409, 2}}, 1},
		{"far away", []post{{1 << 40, 1, 409, 1}, {1, 1, 204, 0}}, 1},
	} {
		for _, frames := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d frames between", tt.name, frames), func(t *testing.T) {
				d := newDesk(t, httpmp.Config{})
				a := d.join("Ann")
				for _, p := range tt.posts {
					before := d.state()
					w := d.in(a, batchOf(p.first, p.n))
					require.Equal(t, p.code, w.Code, w.Body)
					if p.code == 409 {
						e := refused(t, w)
						require.Equal(t, p.want, e.Want)
						require.Contains(t, e.Msg, fmt.Sprintf("seq is %d", p.first))
						require.Equal(t, before, d.state())
					} else {
						require.Empty(t, w.Body.String())
					}
					d.frames(frames)
				}
				d.frames(2)
				var got []string
				for _, s := range d.game.seen {
					got = append(got, s[strings.LastIndexByte(s, ' ')+1:])
				}
				var want []string
				for i := range tt.folds {
					want = append(want, fmt.Sprint(i+1))
				}
				require.Equal(t, want, got)
				require.Contains(t, d.do("GET", "out?m=poll&w=0&f=json", "", a.auth()...).Body.String(), fmt.Sprintf(`"ack":%d`, tt.folds))
			})
		}
	}
}

// TestTiming checks the frames that events are folded in. Frame 100 is out; the lead is 15 frames.
func TestTiming(t *testing.T) {
	at := func(frames ...int) []int { return frames }
	for _, tt := range []struct {
		name    string
		batches []string // the events' payloads are their numbers; "+" makes a frame
		want    []int    // frame of each event
	}{
		{"as soon as possible", []string{`{"seq":1,"ev":[["e",1],["e",2]]}`}, at(101, 101)},
		{"offsets", []string{`{"seq":1,"ev":[["e",1,2],["e",2,3],["e",3]]}`}, at(103, 106, 106)},
		{"meant for a frame", []string{`{"seq":1,"f":105,"ev":[["e",1],["e",2,2]]}`}, at(105, 107)},
		{"meant for the past", []string{`{"seq":1,"f":50,"ev":[["e",1],["e",2,10]]}`}, at(101, 101)},
		{"offsets from the past", []string{`{"seq":1,"f":99,"ev":[["e",1],["e",2,4]]}`}, at(101, 103)},
		{"at the lead", []string{`{"seq":1,"f":115,"ev":[["e",1]]}`}, at(115)},
		{"beyond the lead", []string{`{"seq":1,"f":116,"ev":[["e",1],["e",2,9]]}`}, at(115, 115)},
		{"far beyond the lead", []string{`{"seq":1,"f":9007199254740991,"ev":[["e",1]]}`}, at(115)},
		{"offset beyond the lead", []string{`{"seq":1,"ev":[["e",1],["e",2,4000000]]}`}, at(101, 115)},
		{"the lead grows with the frames", []string{`{"seq":1,"f":115,"ev":[["e",1]]}`, "+", `{"seq":2,"f":120,"ev":[["e",2]]}`}, at(115, 116)},
		{"never below the event before it", []string{`{"seq":1,"f":110,"ev":[["e",1]]}`, `{"seq":2,"f":104,"ev":[["e",2]]}`}, at(110, 110)},
		{"nor with f 0", []string{`{"seq":1,"f":110,"ev":[["e",1]]}`, `{"seq":2,"ev":[["e",2]]}`}, at(110, 110)},
		{"offsets count from the event before it", []string{`{"seq":1,"f":110,"ev":[["e",1]]}`, `{"seq":2,"ev":[["e",2],["e",3,3]]}`}, at(110, 110, 113)},
		{"cumulative keeps its timing", []string{`{"seq":1,"ev":[["e",1]]}`, "+", `{"seq":1,"ev":[["e",1],["e",2,4]]}`}, at(101, 105)},
		{"cumulative, late", []string{`{"seq":1,"ev":[["e",1]]}`, "+", "+", "+", `{"seq":1,"ev":[["e",1],["e",2,1]]}`}, at(101, 104)},
		{"cumulative, without what is folded", []string{
			`{"seq":1,"ev":[["e",1],["e",2,1]]}`, "+", "+", `{"seq":2,"ev":[["e",2,1],["e",3,4]]}`,
		}, at(101, 102, 106)},
		{"cumulative, meant for a frame", []string{`{"seq":1,"f":104,"ev":[["e",1]]}`, "+", `{"seq":1,"f":104,"ev":[["e",1],["e",2,3]]}`}, at(104, 107)},
		{"whole and in parts are one: whole", []string{`{"seq":1,"f":110,"ev":[["e",1]]}`, `{"seq":2,"ev":[["e",2],["e",3,2]]}`}, at(110, 110, 112)},
		{"whole and in parts are one: parts", []string{
			`{"seq":1,"f":110,"ev":[["e",1]]}`, `{"seq":2,"ev":[["e",2]]}`, `{"seq":2,"ev":[["e",2],["e",3,2]]}`,
		}, at(110, 110, 112)},
		{"a duplicate moves nothing", []string{`{"seq":1,"f":104,"ev":[["e",1]]}`, `{"seq":1,"f":109,"ev":[["e",1]]}`}, at(104)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, httpmp.Config{})
			a := d.join("Ann")
			d.frames(100 - int(a.Frame))
			for _, b := range tt.batches {
				if b == "+" {
					d.frames(1)
					continue
				}
				w := d.in(a, b)
				require.Equal(t, 204, w.Code, w.Body)
			}
			d.frames(20)
			var got []int
			for _, s := range d.game.seen {
				var frame, client, number int
				_, err := fmt.Sscanf(s, "%d %d e %d", &frame, &client, &number)
				require.NoError(t, err)
				require.Equal(t, len(got)+1, number)
				got = append(got, frame)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestInChannelFull(t *testing.T) {
	d := newDesk(t, httpmp.Config{MaxClientEvents: 4})
	a := d.join("Ann")
	require.Equal(t, 4, d.admitted(d.tryJoin(`{"protos":[2]}`)).Limits.Events, "no batch is longer than what can wait")
	require.Equal(t, 204, d.in(a, batchOf(1, 3)).Code)
	before := d.state()
	e := refused(t, d.in(a, batchOf(4, 2)))
	require.Equal(t, "busy", e.Code)
	require.Contains(t, e.Msg, "more than 4 events")
	require.Equal(t, before, d.state(), "nothing was taken")
	require.Equal(t, 204, d.in(a, batchOf(1, 3)).Code, "a duplicate needs no room")
	require.Equal(t, 204, d.in(a, batchOf(2, 3)).Code, "only what is new does")
	require.Equal(t, "busy", refused(t, d.in(a, batchOf(5, 1))).Code)
	d.frames(1)
	require.Equal(t, 204, d.in(a, batchOf(5, 4)).Code)
	d.frames(1)
	require.Len(t, d.game.seen, 8)
}

// TestInvalidEvents: a batch is taken whole or not at all, and `at` is the index of the event that is wrong.
func TestInvalidEvents(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	a := d.join("Ann")
	for _, bad := range []string{
		`["down","ArrowUP"]`, `["down"]`, `["down","ArrowUp",1,2]`, `["down",7]`, `["up","ArrowUp",-1]`, `["ptr",1]`, `["ptr","1",2]`,
		`["wheel",1,null]`, `["touch","begin",0,1,2]`, `["touch","start",16,1,2]`, `["axis","Pad4.Axis0",0]`, `["axis","Pad0.Axis0",-1.5]`,
		`["text",1]`, `["blur","x"]`, `["UPPER",1]`, `["` + strings.Repeat("x", 33) + `",1]`, `["e"]`, `["e",1,0.5]`, `["e",1,2,3]`,
		`[]`, `[1]`, `{}`, `null`, `"down"`, `[""]`, `["__proto__"]`,
	} {
		for at := range 3 {
			events := []string{`["e",1]`, `["e",2]`, `["e",3]`}
			events[at] = bad
			before := d.state()
			e := refused(t, d.in(a, `{"seq":1,"ev":[`+strings.Join(events, ",")+`]}`))
			require.Equal(t, "bad_batch", e.Code, bad)
			require.NotNil(t, e.At, bad)
			require.Equal(t, at, *e.At, bad)
			require.Contains(t, e.Msg, fmt.Sprintf("event %d: ", at), bad)
			require.Equal(t, before, d.state(), bad)
		}
	}
	binary := wire.AppendBatch(nil, wire.Batch{Seq: 1, Events: []wire.Event{{Type: "blur"}, {Type: "down", Name: "KeyA"}}})
	binary[len(binary)-1] = 0 // no key has usage 0
	e := refused(t, d.in(a, string(binary)))
	require.Equal(t, 1, *e.At)
	require.Equal(t, 204, d.in(a, batchOf(1, 3)).Code)
}

// TestBinaryBatch: both forms do the same.
func TestBinaryBatch(t *testing.T) {
	var hashes [2]uint64
	for i, form := range []func([]byte, wire.Batch) []byte{wire.AppendBatch, wire.AppendBatchJSON} {
		d := newDesk(t, httpmp.Config{})
		a := d.join("Ann")
		w := d.in(a, string(form(nil, wire.Batch{Base: 1, Seq: 1, Frame: 4, Events: []wire.Event{
			{Type: "down", Name: "ArrowUp"},
			{Type: "ptr", Args: []float64{12.5, -7}, After: 1},
			{Type: "text", Name: "héllo"},
			{Type: "shoot", Data: json.RawMessage(`{"x":1}`), After: 2},
		}})))
		require.Equal(t, 204, w.Code, w.Body)
		d.frames(10)
		require.Equal(t, "héllo", d.game.Last)
		require.Equal(t, []string{`7 1 shoot {"x":1}`}, d.game.seen)
		var err error
		hashes[i], err = d.Hash()
		require.NoError(t, err)
	}
	require.Equal(t, hashes[0], hashes[1])
}

func TestBatchRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := runningDesk(t, httpmp.Config{BatchRate: 5}) // by Advance there is no rate
		defer stop()
		a, b := d.join("Ann"), d.join("Bob")
		time.Sleep(10 * time.Millisecond) // between two frames
		seq := 1
		post := func() int {
			w := d.in(a, batchOf(seq, 1))
			if w.Code == 204 {
				seq++
			}
			return w.Code
		}
		for range 10 {
			require.Equal(t, 204, post())
		}
		before := d.state()
		e := refused(t, d.in(a, batchOf(seq, 1)))
		require.Equal(t, "rate", e.Code)
		require.Contains(t, e.Msg, "want at most 5 a second")
		require.Equal(t, before, d.state())
		require.Equal(t, 204, d.in(b, batchOf(1, 1)).Code, "others are not slowed")
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, 204, post())
		require.Equal(t, 429, post())
	})
}

// TestPush checks what game code and bots push.
func TestPush(t *testing.T) {
	d := newDesk(t, httpmp.Config{MaxClientEvents: 4, MaxTextBytes: 5})
	c, err := d.Join(t.Context(), "bot")
	require.NoError(t, err)
	q := c.In()
	ok := httpmp.ClientEvent{Type: "e", Data: json.RawMessage("1")}
	for _, tt := range []struct {
		name string
		ev   httpmp.ClientEvent
		msg  string
	}{
		{"no type", httpmp.ClientEvent{}, `event type ""`},
		{"unknown button", httpmp.ClientEvent{Type: "down", Name: "Arrowup"}, `unknown button "Arrowup", want "ArrowUp"`},
		{"too few numbers", httpmp.ClientEvent{Type: "ptr", Args: []float64{1}}, "want 2"},
		{"NaN", httpmp.ClientEvent{Type: "ptr", Args: []float64{math.NaN(), 1}}, "ptr x is NaN"},
		{"infinite", httpmp.ClientEvent{Type: "wheel", Args: []float64{1, math.Inf(-1)}}, "wheel dy is -Inf"},
		{"axis out of range", httpmp.ClientEvent{Type: "axis", Name: "Pad0.Axis0", Args: []float64{2}}, "want -1 to 1"},
		{"long text", httpmp.ClientEvent{Type: "text", Name: "123456"}, "6 bytes, want at most 5"},
		{"text not UTF-8", httpmp.ClientEvent{Type: "text", Name: "\xff"}, "UTF-8"},
		{"payload missing", httpmp.ClientEvent{Type: "e"}, "no payload"},
		{"payload no JSON", httpmp.ClientEvent{Type: "e", Data: json.RawMessage("{")}, "not valid JSON"},
		{"payload of a built-in", httpmp.ClientEvent{Type: "blur", Data: json.RawMessage("1")}, "payload"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, q.Push(ok, tt.ev), tt.msg)
			require.Empty(t, q.Waiting(), "all or none")
		})
	}
	require.NoError(t, q.Push())
	require.NoError(t, q.Push(ok, ok, ok))
	require.ErrorIs(t, q.Push(ok, ok), httpmp.ErrInChannelFull)
	require.Len(t, q.Waiting(), 3, "all or none")
	require.NoError(t, q.Push(ok))
	d.frames(1)
	require.Len(t, d.game.seen, 4)

	d.game.onStep = func(*lobby, *httpmp.Frame) { c.Drop("") }
	d.frames(2)
	require.ErrorIs(t, q.Push(ok), httpmp.ErrUnknownClient)
	d.Close()
	require.ErrorIs(t, q.Push(ok), httpmp.ErrUnknownClient)
}

// TestInAtOnce has many post the same and the next batches at once, beside pushes and frames: every
// event is folded once, in order.
func TestInAtOnce(t *testing.T) {
	const events = 120
	d := newDesk(t, httpmp.Config{BatchRate: 10_000, MaxClientEvents: 65_536})
	a := d.join("Ann")
	q := d.InOf(a.ID)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for seq := 1; seq <= events; {
				w := d.in(a, batchOf(seq, min(3, events+1-seq)))
				switch w.Code {
				case 204:
					seq += 2
				case 409:
					seq = int(refused(t, w).Want)
				default:
					assert.Fail(t, "refused", w.Body.String())
					return
				}
			}
		})
	}
	pushed := httpmp.ClientEvent{Type: "bot", Data: json.RawMessage("0")}
	all.Go(func() {
		for range 100 {
			assert.NoError(t, q.Push(pushed, pushed))
		}
	})
	all.Go(func() {
		for range 50 {
			assert.NoError(t, d.Advance(1))
		}
	})
	all.Wait()
	d.frames(2)
	next, bots := 1, 0
	for _, s := range d.game.seen {
		if strings.Contains(s, " bot ") {
			bots++
			continue
		}
		require.True(t, strings.HasSuffix(s, fmt.Sprintf(" e %d", next)), "%s, want %d", s, next)
		next++
	}
	require.Equal(t, events+1, next)
	require.Equal(t, 200, bots)
}
