package httpmp_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
	"github.com/httpmp/httpmp/internal/memnet"
)

// TestLeave: 204 whatever the token is, and only the one who left has left.
func TestLeave(t *testing.T) {
	d, c := newCast(t)
	before := d.state()
	for name, r := range map[string]call{
		"no token":           {},
		"unknown token":      {body: strings.NewReader(httpmp.NewToken())},
		"left already":       {body: strings.NewReader(c.left.Token)},
		"kicked":             {header: c.kicked.auth()},
		"part of a token":    {body: strings.NewReader(c.ok.Token[:20])},
		"token and more":     {body: strings.NewReader(c.ok.Token + "x")},
		"1 GB declared":      {body: strings.NewReader("x"), length: 1 << 30},
		"endless":            {body: endless("x"), length: -1},
		"truncated":          {body: broken("x"), length: 24},
		"other scheme":       {header: []string{"Authorization", "Basic " + c.ok.Token}},
		"token in the query": {target: "leave?t=" + c.ok.Token},
	} {
		r.method = "POST"
		if r.target == "" {
			r.target = "leave"
		}
		w := d.send(r)
		require.Equal(t, 204, w.Code, name)
		require.Empty(t, w.Body.String())
		require.Equal(t, before, d.state(), name)
	}
	for name, leave := range map[string]func(a admitted) int{
		"header":            func(a admitted) int { return d.do("POST", "leave", "", a.auth()...).Code },
		"body":              func(a admitted) int { return d.do("POST", "leave", a.Token).Code },
		"body with newline": func(a admitted) int { return d.do("POST", "leave", a.Token+"\r\n").Code },
	} {
		a := d.join(name)
		clients, in := d.Stats().Clients, d.game.In
		require.Equal(t, 204, leave(a))
		require.Equal(t, "gone", refused(t, d.in(a, `{"seq":1,"ev":[]}`)).Code, "dead at once")
		require.Equal(t, "gone", refused(t, d.do("GET", "out", "", a.auth()...)).Code)
		require.Equal(t, in, d.game.In, "Game.Leave runs in the next frame")
		require.Equal(t, 204, leave(a), "again")
		d.frames(1)
		require.Equal(t, in-1, d.game.In)
		require.Equal(t, clients-1, d.Stats().Clients)
	}
}

// TestSlowBody: whoever sends a body too slowly is answered when the time is up. Trust: row 22.
func TestSlowBody(t *testing.T) {
	for _, path := range []string{"join", "in", "leave"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, httpmp.Config{})
				a := d.join("Ann")
				l := memnet.Listen(0)
				srv := &http.Server{Handler: d}
				served := make(chan error)
				go func() { served <- srv.Serve(l) }()
				c, err := l.Dial(t.Context())
				require.NoError(t, err)
				head := "POST /" + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n"
				if path == "in" {
					head += "Authorization: Bearer " + a.Token + "\r\n"
				}
				_, err = io.WriteString(c, head+"\r\n{")
				require.NoError(t, err)
				start, answer := time.Now(), make([]byte, 16)
				require.NoError(t, c.SetReadDeadline(start.Add(time.Minute)))
				_, err = io.ReadFull(c, answer)
				require.NoError(t, err, "no answer within a minute")
				require.Equal(t, 5*time.Second, time.Since(start))
				want := "HTTP/1.1 400 Bad"
				if path == "leave" {
					want = "HTTP/1.1 204 No "
				}
				require.Equal(t, want, string(answer))
				require.NoError(t, c.Close())
				require.NoError(t, srv.Close())
				require.ErrorIs(t, <-served, http.ErrServerClosed)
			})
		})
	}
}

func TestStatus(t *testing.T) {
	d := newDesk(t, httpmp.Config{MaxClients: 7, FPS: 60})
	d.join("Ann")
	d.frames(10)
	w := d.do("GET", "status", "")
	require.Equal(t, 200, w.Code)
	require.JSONEq(t, `{"proto":[2],"players":1,"max":7,"fps":60,"frame":11}`, w.Body.String())
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}
