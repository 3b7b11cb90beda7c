package httpmp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/internal/memnet"
	"github.com/httpmp/httpmp/internal/wire"
)

// scripted is a game whose methods are fields, for tests that need one of them. Its state is of no interest.
type scripted struct {
	httpmp.World
	Count int `httpmp:"count"`

	start func(g *scripted)                               `httpmp:"-"`
	join  func(g *scripted, c *httpmp.Client) error       `httpmp:"-"`
	leave func(g *scripted, c *httpmp.Client)             `httpmp:"-"`
	step  func(g *scripted, f *httpmp.Frame)              `httpmp:"-"`
	stage func(g *scripted) httpmp.Stage                  `httpmp:"-"`
	view  func(g *scripted, c *httpmp.Client) httpmp.View `httpmp:"-"`
}

func (g *scripted) Start() {
	g.Declare(&dot{})
	if g.start != nil {
		g.start(g)
	}
}

func (g *scripted) Join(c *httpmp.Client) error {
	if g.join != nil {
		return g.join(g, c)
	}
	return nil
}

func (g *scripted) Leave(c *httpmp.Client) {
	if g.leave != nil {
		g.leave(g, c)
	}
}

func (g *scripted) Step(f *httpmp.Frame) {
	if g.step != nil {
		g.step(g, f)
	}
}

func (g *scripted) Stage() httpmp.Stage {
	if g.stage != nil {
		return g.stage(g)
	}
	return httpmp.Stage{}
}

func (g *scripted) View(c *httpmp.Client) httpmp.View {
	if g.view != nil {
		return g.view(g, c)
	}
	return httpmp.View{}
}

// dot is a sprite whose methods are fields.
type dot struct {
	httpmp.Pos
	Owner  *httpmp.Client `httpmp:"owner"`
	Name   string         `httpmp:"name"`
	Speed  float64        `httpmp:"speed,q=0.1"`
	Secret string         `httpmp:"secret,private"`
	Power  float64        `httpmp:"power,private,q=0.5"`

	step func(d *dot, f *httpmp.Frame) `httpmp:"-"`
	look func(d *dot) httpmp.Look      `httpmp:"-"`
}

func (d *dot) Step(f *httpmp.Frame) {
	if d.step != nil {
		d.step(d, f)
	}
}

func (d *dot) Look() httpmp.Look {
	if d.look != nil {
		return d.look(d)
	}
	return httpmp.Circle(4, "red")
}

// match is an Engine that runs in a synctest bubble and is served by net/http over a network in memory.
type match struct {
	*httpmp.Engine
	t      *testing.T
	ln     *memnet.Listener
	server *http.Server
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // what Run returned, once ended is closed
}

// newMatch makes an Engine and serves it. It ends with the test.
func newMatch(t *testing.T, g httpmp.Game, cfg httpmp.Config) *match {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e, err := httpmp.New(g, cfg)
	require.NoError(t, err)
	return serveMatch(t, e, memnet.DefaultWindow)
}

// serveMatch runs e and serves it; its connections hold window bytes.
func serveMatch(t *testing.T, e *httpmp.Engine, window int) *match {
	ctx, cancel := context.WithCancel(t.Context())
	m := &match{Engine: e, t: t, ln: memnet.Listen(window), cancel: cancel, ended: make(chan struct{})}
	server := &http.Server{Handler: e}
	m.server = server
	server.RegisterOnShutdown(e.Close)
	served := make(chan struct{})
	go func() { // ends with the server
		defer close(served)
		server.Serve(m.ln)
	}()
	go func() { // ends with the match
		defer close(m.ended)
		m.err = e.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-m.ended
		m.ln.CutAll()
		server.Close()
		<-served
	})
	synctest.Wait()
	return m
}

// serveByHand serves an Engine that is driven by Advance.
func serveByHand(t *testing.T, e *httpmp.Engine) *match {
	m := &match{Engine: e, t: t, ln: memnet.Listen(0)}
	server := &http.Server{Handler: e}
	served := make(chan struct{})
	go func() { // ends with the server
		defer close(served)
		server.Serve(m.ln)
	}()
	t.Cleanup(func() {
		e.Close()
		m.ln.CutAll()
		server.Close()
		<-served
	})
	return m
}

// run lets d go by.
func run(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// frames returns how long n frames take at 30 frames/s, and a bit.
func frames(n int) time.Duration { return time.Duration(n)*time.Second/30 + time.Millisecond }

// tab is a page: a session with a connection for each request.
type tab struct {
	m     *match
	http  *http.Client
	conns []*memnet.Conn // dialed, oldest first
	admission
}

type admission struct {
	Token  string
	ID     httpmp.ClientID
	Epoch  uint32
	Frame  uint64
	Schema wire.Schema
}

// page joins.
func (m *match) page(name string) *tab {
	m.t.Helper()
	p := m.stranger()
	status, body := p.do(http.MethodPost, "join", fmt.Sprintf(`{"protos":[2],"name":%q}`, name))
	require.Equal(m.t, http.StatusOK, status, "%s", body)
	require.NoError(m.t, json.Unmarshal(body, &p.admission))
	return p
}

// stranger is a page that has not joined.
func (m *match) stranger() *tab {
	p := &tab{m: m}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := m.ln.Dial(ctx)
		if err != nil {
			return nil, err
		}
		p.conns = append(p.conns, c)
		return c, nil
	}}
	p.http = &http.Client{Transport: transport}
	m.t.Cleanup(transport.CloseIdleConnections)
	return p
}

func (p *tab) request(ctx context.Context, method, path, body string) *http.Response {
	p.m.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://match/"+path, strings.NewReader(body))
	require.NoError(p.m.t, err)
	if p.Token != "" {
		r.Header.Set("Authorization", "Bearer "+p.Token)
	}
	a, err := p.http.Do(r)
	require.NoError(p.m.t, err)
	return a
}

func (p *tab) do(method, path, body string) (status int, answer []byte) {
	p.m.t.Helper()
	a := p.request(p.m.t.Context(), method, path, body)
	defer a.Body.Close()
	answer, err := io.ReadAll(a.Body)
	require.NoError(p.m.t, err)
	return a.StatusCode, answer
}

// get is request without a body that may be made on any goroutine; what is not a success is an error.
func (p *tab) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://match/"+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	a, err := p.http.Do(r)
	if err == nil && a.StatusCode != http.StatusOK {
		a.Body.Close()
		err = fmt.Errorf("status %d", a.StatusCode)
	}
	return a, err
}

// send posts a batch: events are JSON, the first has number seq.
func (p *tab) send(seq int, events ...string) {
	p.m.t.Helper()
	status, body := p.do(http.MethodPost, "in", fmt.Sprintf(`{"seq":%d,"ev":[%s]}`, seq, strings.Join(events, ",")))
	require.Equal(p.m.t, http.StatusNoContent, status, "%s", body)
}

// heard is a record that a page got.
type heard struct {
	at    time.Duration // after the stream began
	hello *wire.Hello
	bye   *wire.Bye
	info  *wire.Info
	size  int // bytes
}

// stream is an open out that is read all the time.
type stream struct {
	page  *tab
	close func() // as a page does that goes away
	conn  *memnet.Conn
	done  chan struct{} // closed when the response has ended

	mu     sync.Mutex // guards the fields below
	heard  []heard
	raw    []byte
	bin    *wire.Replica
	json   *wire.JSONReplica
	broken error // why it ended, unless by its last byte
}

// open opens out?query and reads it.
func (p *tab) open(query string) *stream {
	p.m.t.Helper()
	s := &stream{page: p, bin: wire.NewReplica(p.Schema), json: wire.NewJSONReplica()}
	s.read(query)
	return s
}

// reopen opens another out that goes on with what s has.
func (s *stream) reopen(query string) *stream {
	s.page.m.t.Helper()
	n := &stream{page: s.page, bin: s.bin, json: s.json}
	n.read(fmt.Sprintf("%s&b=%d&e=%d", query, s.frame(), s.page.Epoch))
	return n
}

func (s *stream) read(query string) {
	p := s.page
	p.m.t.Helper()
	ctx, cancel := context.WithCancel(p.m.t.Context())
	s.done = make(chan struct{})
	s.close = func() { cancel(); <-s.done }
	began := time.Now()
	go func() { // ends with the response
		defer close(s.done)
		defer cancel()
		a, err := p.get(ctx, "out?"+query) // a poll is not answered before there is something
		if err == nil {
			defer a.Body.Close()
			err = s.records(bufio.NewReader(a.Body), strings.Contains(query, "f=json"), began)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.broken = err
	}()
	p.m.t.Cleanup(s.close)
	synctest.Wait()
	s.conn = p.conns[len(p.conns)-1]
}

// records reads records until the end.
func (s *stream) records(r *bufio.Reader, lines bool, began time.Time) error {
	var rest []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		rest = append(rest, buf[:n]...)
		s.mu.Lock()
		s.raw = append(s.raw, buf[:n]...)
		for {
			h := heard{at: time.Since(began)}
			var e error
			if lines {
				i := bytes.IndexByte(rest, '\n')
				if i < 0 {
					break
				}
				e = s.line(&h, rest[:i+1])
				rest = rest[i+1:]
			} else {
				body, more, short := wire.SplitRecords(rest)
				if short != nil {
					break
				}
				e = s.record(&h, body)
				rest = more
			}
			if e != nil {
				s.mu.Unlock()
				return e
			}
			s.heard = append(s.heard, h)
		}
		s.mu.Unlock()
		if err != nil {
			if err == io.EOF && len(rest) == 0 {
				return nil
			}
			return err
		}
	}
}

func (s *stream) record(h *heard, body []byte) error {
	h.size = len(body)
	switch wire.Kind(body) {
	case wire.KindControl:
		return json.Unmarshal(body[1:], &h.hello)
	case wire.KindBye:
		return json.Unmarshal(body[1:], &h.bye)
	}
	info, err := s.bin.Apply(body)
	h.info = &info
	return err
}

func (s *stream) line(h *heard, p []byte) error {
	h.size = len(p)
	var l struct {
		Ctl *wire.Hello
		Bye *wire.Bye
	}
	if err := json.Unmarshal(p, &l); err != nil {
		return err
	}
	h.hello, h.bye = l.Ctl, l.Bye
	if l.Ctl != nil || l.Bye != nil {
		return nil
	}
	info, err := s.json.ApplyLine(p)
	h.info = &info
	return err
}

// take returns what was heard since the last take.
func (s *stream) take() []heard {
	s.page.m.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.heard = nil }()
	return s.heard
}

// frame returns the newest frame that s has.
func (s *stream) frame() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.bin.Frame(), s.json.Frame())
}

// state returns all that s sees, in canonical form.
func (s *stream) state() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.json.Frame() > 0 {
		return string(s.json.JSON())
	}
	return string(s.bin.JSON())
}

// bytes returns all that came.
func (s *stream) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.raw)
}

// infos returns the frames among h.
func infos(h []heard) []*wire.Info {
	var out []*wire.Info
	for _, r := range h {
		if r.info != nil {
			out = append(out, r.info)
		}
	}
	return out
}

// events returns the types of the events in h, in order.
func events(h []heard) []string {
	var out []string
	for _, i := range infos(h) {
		for _, e := range i.Events {
			out = append(out, e.Type+" "+string(e.Payload))
		}
	}
	return out
}

// lastBye returns the last of h, which must be a bye.
func lastBye(t *testing.T, h []heard) wire.Bye {
	t.Helper()
	require.NotEmpty(t, h)
	require.NotNil(t, h[len(h)-1].bye)
	return *h[len(h)-1].bye
}
