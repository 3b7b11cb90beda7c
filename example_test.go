package httpmp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/httpmp/httpmp"
)

// Racer is a sprite: a pointer to a plain struct with a Step.
type Racer struct {
	httpmp.Pos
	Owner *httpmp.Client `httpmp:"owner"`
	Lap   int            `httpmp:"lap"`
	fuel  float64        // state that the page is not shown
}

// The compiler tells when a Look has a wrong signature.
var _ httpmp.Looker = (*Racer)(nil)

func (r *Racer) Look() httpmp.Look {
	return httpmp.Rect(20, 10, "orange").Caption(r.Owner.Name())
}

func (r *Racer) Step(f *httpmp.Frame) {
	dx, dy := f.Input(r.Owner).Stick()
	r.Move(120*dx*f.Dt, 120*dy*f.Dt)
	r.fuel -= f.Dt
}

// Race is a game: a struct that embeds World.
type Race struct {
	httpmp.World
	Best   int `httpmp:"best"` // shown in the page's score line
	racers []*Racer
}

func (g *Race) Join(c *httpmp.Client) error {
	r := &Racer{Owner: c, fuel: 60}
	g.racers = append(g.racers, r)
	g.Add(r)
	return nil
}

func (g *Race) Step(f *httpmp.Frame) {
	for r := range httpmp.All[*Racer](&g.World) {
		g.Best = max(g.Best, r.Lap)
		for say := range httpmp.Events[string](f.Input(r.Owner), "chat") {
			g.Send("say", r.Owner.Name()+": "+say)
		}
	}
}

var quiet = httpmp.Config{Logger: slog.New(slog.DiscardHandler), Seed: 1}

// ListenAndServe is for a program with flags and signals of its own; Main is the shortest.
func ExampleListenAndServe() {
	ctx, cancel := context.WithCancel(context.Background())
	cfg := quiet
	cfg.Addr = "localhost:0"
	cfg.Beside = func(context.Context, *httpmp.Engine) error {
		cancel() // at once, as this is an example
		return nil
	}
	fmt.Println(httpmp.ListenAndServe(ctx, &Race{}, cfg))
	// Output: <nil>
}

// An Engine is an http.Handler: mount it under any prefix of a server of your own.
func ExampleNew() {
	e, err := httpmp.New(&Race{}, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/race/", http.StripPrefix("/race", e))
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ran := make(chan error)
	go func() { ran <- e.Run(ctx) }()

	answer, err := http.Get(server.URL + "/race/status")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	fmt.Println(answer.Status)
	cancel()
	fmt.Println(<-ran)
	// Output:
	// 200 OK
	// <nil>
}

// New says what is wrong with a game and what would be right.
func ExampleNew_errors() {
	_, err := httpmp.New(&Race{}, httpmp.Config{FPS: 500})
	fmt.Println(err)
	// Output: httpmp: Config.FPS is 500, want 1 to 120
}

// Advance makes frames in virtual time. For tests, httpmptest is more comfortable.
func ExampleEngine_Advance() {
	g := &Race{}
	e, err := httpmp.New(g, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := e.Advance(90); err != nil {
		fmt.Println(err)
	}
	fmt.Println(e.Stats().Frame)
	// Output: 90
}

// A bot is a client without a page. What it does goes through its InChannel, as what pages do.
func ExampleEngine_Join() {
	g := &Race{}
	cfg := quiet
	cfg.Beside = func(ctx context.Context, e *httpmp.Engine) error {
		bot, err := e.Join(ctx, "Robbie")
		if err != nil {
			return err
		}
		if err := bot.In().Push(httpmp.ClientEvent{Type: "down", Name: "ArrowRight"}); err != nil {
			return err
		}
		for moved := false; !moved; {
			if err := e.Do(ctx, func() { moved = g.racers[0].X > 0 }); err != nil {
				return err
			}
		}
		e.Do(ctx, func() { fmt.Println(g.racers[0].Owner.Name(), "drives") })
		return errors.New("that is enough")
	}
	e, err := httpmp.New(g, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Run(context.Background()))
	// Output:
	// Robbie drives
	// that is enough
}

// A match can be saved at any frame, and goes on from there in another Engine with the same result.
func ExampleEngine_Save() {
	first, _ := httpmp.New(&Race{}, quiet)
	first.Advance(30)
	saved, err := first.Save()
	if err != nil {
		fmt.Println(err)
		return
	}
	second, _ := httpmp.New(&Race{}, quiet)
	if err := second.Load(saved); err != nil {
		fmt.Println(err)
		return
	}
	first.Advance(30)
	second.Advance(30)
	a, _ := first.Hash()
	b, _ := second.Hash()
	fmt.Println(a == b, second.Stats().Frame)
	// Output: true 60
}

// The table of paths can be added to; files in assets/ are what a game's page usually wants.
func ExampleHTTPServer_Handle() {
	e, err := httpmp.New(&Race{}, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	e.HTTP.Handle("best", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "nobody yet")
	}))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/best", nil))
	fmt.Println(w.Body)
	// Output: nobody yet
}

// Admit decides who may join before the game is asked. It may be slow.
func ExampleConfig_admit() {
	cfg := quiet
	cfg.Admit = func(_ context.Context, r httpmp.JoinRequest) (string, error) {
		if strings.EqualFold(r.Name, "admin") {
			return "", errors.New("that name is taken")
		}
		return r.Name, nil
	}
	e, err := httpmp.New(&Race{}, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	e.Advance(1)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/join", strings.NewReader(`{"protos":[2],"name":"Admin"}`)))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 403 {"error":{"code":"refused","msg":"that name is taken"}}
}

// A fault in game code ends its Engine and nothing else.
func ExampleGameError() {
	g := &scripted{step: func(_ *scripted, f *httpmp.Frame) {
		if f.Seat(0).Down("Arrowup") {
			fmt.Println("never")
		}
	}}
	e, err := httpmp.New(g, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = e.Advance(1)
	var fault *httpmp.GameError
	if errors.As(err, &fault) {
		fmt.Println(fault)
		fmt.Println(len(fault.Stack) > 0)
	}
	// Output:
	// httpmp: frame 1: unknown button "Arrowup", want a KeyboardEvent.code such as "ArrowUp"
	// true
}

// A line of JSON mode is a frame; its Commands are in the order in which a page applies them.
func ExampleAppendCommands() {
	line := `{"n":7,"del":[3],"add":[[4,"racer",{"pos":[1,2],"lap":0}]],"game":{"best":2},"ev":[["say","go"]]}`
	commands, frame, err := httpmp.AppendCommands(nil, []byte(line))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("frame", frame)
	for _, c := range commands {
		fmt.Printf("%s %d %q %v %q %v\n", c.Op, c.ID, c.Class, c.Fields, c.Event, c.Data)
	}
	// Output:
	// frame 7
	// remove 3 "" map[] "" <nil>
	// add 4 "racer" map[lap:0 pos:[1 2]] "" <nil>
	// game 0 "" map[best:2] "" <nil>
	// event 0 "" map[] "say" go
}

// A Group is several looks in one; each method returns another look.
func ExampleGroup() {
	look := httpmp.Group(
		httpmp.Circle(12, "gold").Stroke("black", 2),
		httpmp.Text("7", 14, "black"),
	).Z(3)
	fmt.Println(look == httpmp.Look{}, look == look.Z(3))
	// Output: false true
}

func ExamplePos_Dist() {
	p := httpmp.At(0, 0)
	p.Move(3, 4)
	fmt.Println(p.Dist(httpmp.At(0, 0)))
	// Output: 5
}
