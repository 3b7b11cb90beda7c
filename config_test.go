package httpmp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

func TestConfigRange(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  httpmp.Config
		msg  string // "" for one that is in range
	}{
		{"zero", httpmp.Config{}, ""},
		{"FPS below", httpmp.Config{FPS: -1}, "httpmp: Config.FPS is -1, want 1 to 120"},
		{"FPS least", httpmp.Config{FPS: 1}, ""},
		{"FPS most", httpmp.Config{FPS: 120}, ""},
		{"FPS above", httpmp.Config{FPS: 121}, "httpmp: Config.FPS is 121, want 1 to 120"},
		{"MaxClients below", httpmp.Config{MaxClients: -1}, "httpmp: Config.MaxClients is -1, want 1 to 100000"},
		{"MaxClients above", httpmp.Config{MaxClients: 100_001}, "httpmp: Config.MaxClients is 100001, want 1 to 100000"},
		{"MaxWaiting below", httpmp.Config{MaxWaiting: -5}, "httpmp: Config.MaxWaiting is -5, want 1 to 100000"},
		{"MaxWaiting above", httpmp.Config{MaxWaiting: 100_001}, "httpmp: Config.MaxWaiting is 100001, want 1 to 100000"},
		{"MaxClientEvents below", httpmp.Config{MaxClientEvents: -1}, "httpmp: Config.MaxClientEvents is -1, want 1 to 65536"},
		{"MaxClientEvents above", httpmp.Config{MaxClientEvents: 65_537}, "httpmp: Config.MaxClientEvents is 65537, want 1 to 65536"},
		{"MaxBatchEvents below", httpmp.Config{MaxBatchEvents: -1}, "httpmp: Config.MaxBatchEvents is -1, want 1 to 4096"},
		{"MaxBatchEvents above", httpmp.Config{MaxBatchEvents: 4097}, "httpmp: Config.MaxBatchEvents is 4097, want 1 to 4096"},
		{"MaxBodyBytes below", httpmp.Config{MaxBodyBytes: 255}, "httpmp: Config.MaxBodyBytes is 255, want 256 to 1048576"},
		{"MaxBodyBytes least", httpmp.Config{MaxBodyBytes: 256}, ""},
		{"MaxBodyBytes above", httpmp.Config{MaxBodyBytes: 1<<20 + 1}, "httpmp: Config.MaxBodyBytes is 1048577, want 256 to 1048576"},
		{"MaxNameRunes below", httpmp.Config{MaxNameRunes: -1}, "httpmp: Config.MaxNameRunes is -1, want 1 to 256"},
		{"MaxNameRunes above", httpmp.Config{MaxNameRunes: 257}, "httpmp: Config.MaxNameRunes is 257, want 1 to 256"},
		{"MaxTextBytes below", httpmp.Config{MaxTextBytes: -1}, "httpmp: Config.MaxTextBytes is -1, want 1 to 4096"},
		{"MaxTextBytes above", httpmp.Config{MaxTextBytes: 4097}, "httpmp: Config.MaxTextBytes is 4097, want 1 to 4096"},
		{"Resume below", httpmp.Config{Resume: 999 * time.Millisecond}, "httpmp: Config.Resume is 999ms, want 1s to 1h0m0s"},
		{"Resume above", httpmp.Config{Resume: time.Hour + 1}, "httpmp: Config.Resume is 1h0m0.000000001s, want 1s to 1h0m0s"},
		{"Silence below", httpmp.Config{Silence: time.Millisecond}, "httpmp: Config.Silence is 1ms, want 100ms to 30s"},
		{"Silence above", httpmp.Config{Silence: time.Minute}, "httpmp: Config.Silence is 1m0s, want 100ms to 30s"},
		{"Lead below", httpmp.Config{Lead: -time.Second}, "httpmp: Config.Lead is -1s, want 0s to 5s"},
		{"Lead above", httpmp.Config{Lead: 6 * time.Second}, "httpmp: Config.Lead is 6s, want 0s to 5s"},
		{"JoinRate below", httpmp.Config{JoinRate: -0.5}, "httpmp: Config.JoinRate is -0.5, want 0 to 10000"},
		{"JoinRate above", httpmp.Config{JoinRate: 10_001}, "httpmp: Config.JoinRate is 10001, want 0 to 10000"},
		{"JoinRate NaN", httpmp.Config{JoinRate: math.NaN()}, "httpmp: Config.JoinRate is NaN, want 0 to 10000"},
		{"JoinRate infinite", httpmp.Config{JoinRate: math.Inf(1)}, "httpmp: Config.JoinRate is +Inf, want 0 to 10000"},
		{"BatchRate below", httpmp.Config{BatchRate: -1}, "httpmp: Config.BatchRate is -1, want 0 to 10000"},
		{"BatchRate above", httpmp.Config{BatchRate: 1e5}, "httpmp: Config.BatchRate is 100000, want 0 to 10000"},
		{"TrustedProxies", httpmp.Config{TrustedProxies: []netip.Prefix{{}}}, `httpmp: Config.TrustedProxies has "invalid Prefix", want a network such as "10.0.0.0/8"`},
		{"AllowedOrigins", httpmp.Config{AllowedOrigins: []string{"https://a.example", "http://localhost:3000", "http://[::1]:80"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := httpmp.New(&lobby{}, tt.cfg)
			if tt.msg == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.msg)
		})
	}
	for _, origin := range []string{
		"", "*", "null", "example.com", "//example.com", "https://", "https://example.com/", "https://example.com/path", "https://example.com?x",
		"https://example.com#x", "HTTPS://example.com", "https://Example.com", "https://user@example.com", "https://*.example.com ", "https://a b", "%",
	} {
		_, err := httpmp.New(&lobby{}, httpmp.Config{AllowedOrigins: []string{"https://ok.example", origin}})
		require.ErrorContains(t, err, "httpmp: Config.AllowedOrigins has ", origin)
		require.ErrorContains(t, err, `want an origin such as "https://example.com"`, origin)
	}
}

// TestConfigIsCopied: what the caller does with its Config later is no matter.
func TestConfigIsCopied(t *testing.T) {
	origins := []string{"https://friend.example"}
	d := newDesk(t, httpmp.Config{AllowedOrigins: origins})
	origins[0] = "https://evil.example"
	w := d.do("POST", "join", `{"protos":[2]}`, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, "origin", refused(t, w).Code)
	require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
}

// The games of TestNewErrors. Each has one mistake.
type (
	stepper struct{}
	byPtr   struct{ *httpmp.World }
	foreign struct {
		httpmp.World
	}
	badTag struct {
		httpmp.World
		Score float64 `httpmp:"score,x=1"`
	}
	badName struct {
		httpmp.World
		Score int `httpmp:"my score"`
	}
	twice struct {
		httpmp.World
		A int `httpmp:"score"`
		B int `httpmp:"score"`
	}
	badType struct {
		httpmp.World
		Score map[string]int `httpmp:"score"`
	}
	channel struct {
		httpmp.World
		Ch chan int
	}
	closure struct {
		httpmp.World
		Fn func()
	}
	privateGame struct {
		httpmp.World
		Secret int `httpmp:"secret,private"`
	}
	privateOwned struct {
		httpmp.World
		Owner  *httpmp.Client `httpmp:"owner"`
		Secret int            `httpmp:"secret,private"`
	}
	privateSprite struct {
		httpmp.Pos
		Ammo int `httpmp:"ammo,private"`
	}
	wrongLook struct{ httpmp.Pos }
	ball      struct{ httpmp.Pos }
	Ball      struct{ httpmp.Pos }
	withAdd   struct {
		httpmp.World
		add func(*httpmp.World) `httpmp:"-"`
	}
	panics struct {
		httpmp.World
	}
)

func (g *byPtr) Step(*httpmp.Frame)          {}
func (g *foreign) Step(*httpmp.Frame)        {}
func (g *foreign) EmbedWorld() *httpmp.World { return new(httpmp.World) }
func (g *badTag) Step(*httpmp.Frame)         {}
func (g *badName) Step(*httpmp.Frame)        {}
func (g *twice) Step(*httpmp.Frame)          {}
func (g *badType) Step(*httpmp.Frame)        {}
func (g *channel) Step(*httpmp.Frame)        {}
func (g *closure) Step(*httpmp.Frame)        {}
func (g *privateGame) Step(*httpmp.Frame)    {}
func (g *withAdd) Step(*httpmp.Frame)        {}
func (g *privateOwned) Step(*httpmp.Frame)   {}
func (g *withAdd) Start()                    { g.add(&g.World) }
func (g *panics) Step(*httpmp.Frame)         {}
func (g *panics) Start()                     { panic("no map") }
func (s *stepper) Step(*httpmp.Frame)        {}
func (s *privateSprite) Step(*httpmp.Frame)  {}
func (s *wrongLook) Step(*httpmp.Frame)      {}
func (s *wrongLook) Look() string            { return "red" }
func (s *ball) Step(*httpmp.Frame)           {}
func (s *Ball) Step(*httpmp.Frame)           {}
func adds(s ...httpmp.Sprite) *withAdd       { return &withAdd{add: func(w *httpmp.World) { w.Add(s...) }} }

func declares(s ...httpmp.Sprite) *withAdd {
	return &withAdd{add: func(w *httpmp.World) { w.Declare(s...) }}
}
func during(f func(w *httpmp.World)) httpmp.Game { return &withAdd{add: f} }

func TestNewErrors(t *testing.T) {
	used := &lobby{}
	_, err := httpmp.New(used, httpmp.Config{})
	require.NoError(t, err)
	for _, tt := range []struct {
		name string
		game httpmp.Game
		msgs []string
	}{
		{"no game", nil, []string{"the game is <nil>", "want a non-nil pointer to a struct that embeds httpmp.World"}},
		{"nil pointer", (*lobby)(nil), []string{"*httpmp_test.lobby", "want a non-nil pointer"}},
		{"World by pointer, nil", &byPtr{}, []string{"httpmp_test.byPtr", "want httpmp.World by value"}},
		{"World by pointer", &byPtr{new(httpmp.World)}, []string{"httpmp_test.byPtr", "want httpmp.World by value"}},
		{"World of its own", &foreign{}, []string{"httpmp_test.foreign", "want httpmp.World by value"}},
		{"game used", used, []string{"*httpmp_test.lobby is in a match already", "make a new one"}},
		{"unknown option", &badTag{}, []string{"httpmp_test.badTag.Score", `"x=1"`}},
		{"name with a space", &badName{}, []string{"httpmp_test.badName.Score", `"my score"`}},
		{"name twice", &twice{}, []string{"httpmp_test.twice", `"score"`}},
		{"type that cannot be sent", &badType{}, []string{"httpmp_test.badType.Score", "map[string]int"}},
		{"channel", &channel{}, []string{"httpmp_test.channel.Ch", "chan int", `httpmp:"-"`}},
		{"func", &closure{}, []string{"httpmp_test.closure.Fn", "func()", `httpmp:"-"`}},
		{"private field of a Game", &privateGame{}, []string{"httpmp_test.privateGame.Secret", "private", "owner"}},
		{"private field of a Game with an owner", &privateOwned{}, []string{"httpmp_test.privateOwned", "secret", "a Game has no owner"}},
		{"private field without owner", adds(&privateSprite{}), []string{"httpmp_test.privateSprite", "owner"}},
		{"Look of another type", adds(&wrongLook{}), []string{"*httpmp_test.wrongLook has method Look", "string", "want httpmp.Looker's Look() httpmp.Look"}},
		{"two classes of one name", declares(&ball{}, &Ball{}), []string{`two classes would be called "ball"`, "rename"}},
		{"sprite of size zero", adds(&stepper{}), []string{"Add(*httpmp_test.stepper)", "empty"}},
		{"nil sprite", adds((*Ball)(nil)), []string{"Add(*httpmp_test.Ball)", "non-nil pointer"}},
		{"Start panics", &panics{}, []string{"frame 0", "no map"}},
		{"Declare of nil", during(func(w *httpmp.World) { w.Declare(nil) }), []string{"Declare(<nil>)", "want a pointer to a struct"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := httpmp.New(tt.game, httpmp.Config{})
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), "httpmp: "), "%v", err)
			require.Equal(t, 1, strings.Count(err.Error(), "httpmp: "), "%v", err)
			for _, msg := range tt.msgs {
				require.ErrorContains(t, err, msg)
			}
		})
	}
}

// TestUndeclared: a type of sprite that the match does not know ends it, and the error has the line to write.
func TestUndeclared(t *testing.T) {
	d := newDesk(t, httpmp.Config{})
	d.game.onStep = func(g *lobby, _ *httpmp.Frame) { g.Add(&Ball{}) }
	err := d.Advance(1)
	var fault *httpmp.GameError
	require.ErrorAs(t, err, &fault)
	require.EqualValues(t, 1, fault.Frame)
	require.ErrorContains(t, err, "g.Declare(&Ball{})")
	require.Equal(t, "shutdown", refused(t, d.tryJoin(`{"protos":[2]}`)).Code)
}

// TestPortInUse: one clear error, and the match has not begun.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	addr := l.Addr().String()
	cfg := httpmp.Config{Addr: addr, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	err = httpmp.ListenAndServe(t.Context(), &lobby{}, cfg)
	require.ErrorContains(t, err, "httpmp: cannot listen on "+addr+": ")
	require.ErrorContains(t, err, "address already in use")
	require.ErrorContains(t, err, "Config.Addr or -addr names another address")
	require.Equal(t, 1, strings.Count(err.Error(), addr), "said once: %v", err)
	require.NotContains(t, err.Error(), "\n")

	cfg.Addr = "nonsense"
	require.ErrorContains(t, httpmp.ListenAndServe(t.Context(), &lobby{}, cfg), "httpmp: cannot listen on nonsense: ")
	cfg.Addr, cfg.Setup = "127.0.0.1:0", func(*httpmp.Engine) error { return errors.New("no scores") }
	require.EqualError(t, httpmp.ListenAndServe(t.Context(), &lobby{}, cfg), "no scores")
}

// TestListenAndServe is nil when its context is done.
func TestListenAndServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := httpmp.Config{
		Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
		Beside: func(context.Context, *httpmp.Engine) error { cancel(); return nil },
	}
	require.NoError(t, httpmp.ListenAndServe(ctx, &lobby{}, cfg))
}

func TestPageURL(t *testing.T) {
	for _, tt := range []struct{ asked, listening, want string }{
		{":8080", "[::]:8080", "http://localhost:8080/"},
		{":0", "[::]:41234", "http://localhost:41234/"},
		{"", "[::]:8080", "http://localhost:8080/"},
		{"127.0.0.1:0", "127.0.0.1:41234", "http://127.0.0.1:41234/"},
		{"[::1]:80", "[::1]:80", "http://[::1]:80/"},
		{"game.example:http", "203.0.113.7:80", "http://game.example:80/"},
		{"0.0.0.0:8080", "0.0.0.0:8080", "http://localhost:8080/"},
		{"[::]:8080", "[::]:8080", "http://localhost:8080/"},
	} {
		a, err := net.ResolveTCPAddr("tcp", tt.listening)
		require.NoError(t, err)
		require.Equal(t, tt.want, httpmp.PageURL(tt.asked, a), tt.asked)
	}
}
