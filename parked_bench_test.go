package httpmp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// paused is a game in which nothing happens.
type paused struct{ httpmp.World }

func (g *paused) Step(*httpmp.Frame) {}

// parkedServer is the variable that makes this test program the server of BenchmarkParked.
const parkedServer = "HTTPMP_PARKED_SERVER"

// parkedFloor is the variable that makes it the floor: a server that does nothing but write the heartbeats.
const parkedFloor = "HTTPMP_PARKED_FLOOR"

// TestParkedServer is the server of BenchmarkParked; elsewhere it does nothing.
func TestParkedServer(t *testing.T) {
	if os.Getenv(parkedServer) == "" {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // ends with its standard input
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if os.Getenv(parkedFloor) != "" {
		serveHeartbeats(ctx, t, os.Getenv(parkedServer))
		return
	}
	cfg := httpmp.Config{Addr: os.Getenv(parkedServer), MaxClients: 2000, MaxWaiting: 2000}
	require.NoError(t, httpmp.ListenAndServe(ctx, &paused{}, cfg))
}

// BenchmarkParked is the share of one core that 1,000 clients of a paused game cost the server, by the
// processor time of its process over 20 s: streams, which hear a heartbeat each second, and polls of 20 s. The floor
// writes the same heartbeats by hand, one bare write each, from one goroutine.
func BenchmarkParked(b *testing.B) {
	for _, mode := range []string{"floor", "stream", "poll"} {
		b.Run(mode, func(b *testing.B) {
			for range b.N {
				b.ReportMetric(parkedCPU(b, mode, 1000, 20*time.Second)*100, "%core")
			}
		})
	}
}

func parkedCPU(b *testing.B, mode string, clients int, watch time.Duration) float64 {
	addr := freeAddr(b)
	server := exec.Command(os.Args[0], "-test.run=^TestParkedServer$")
	server.Env = append(os.Environ(), parkedServer+"="+addr)
	if mode == "floor" {
		server.Env = append(server.Env, parkedFloor+"=1")
		mode = "stream"
	}
	stdin, err := server.StdinPipe()
	require.NoError(b, err)
	require.NoError(b, server.Start())
	defer func() {
		stdin.Close()
		require.NoError(b, server.Wait())
	}()
	awaitServer(b, addr)
	for range clients {
		c := park(b, addr, mode)
		defer c.Close()
	}
	time.Sleep(2 * time.Second)
	before := processorTime(b, server.Process.Pid)
	time.Sleep(watch)
	return float64(processorTime(b, server.Process.Pid)-before) / float64(watch)
}

// serveHeartbeats answers status and join as it must, and an out by 5 bytes a second, written by hand.
func serveHeartbeats(ctx context.Context, t *testing.T, addr string) {
	ln, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	var mu sync.Mutex
	var streams []net.Conn
	go func() { // ends with ctx
		for k := 0; ctx.Err() == nil; k++ {
			time.Sleep(time.Second / 30)
			mu.Lock()
			for i := k % 30; i < len(streams); i += 30 {
				streams[i].Write([]byte("2\r\nxx\r\n"))
			}
			mu.Unlock()
		}
		ln.Close()
	}()
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				break
			}
			if r.URL.Path == "/out" {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
				mu.Lock()
				streams = append(streams, c)
				mu.Unlock()
				break
			}
			io.Copy(io.Discard, r.Body)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"token\":\"x\"}")
			if r.URL.Path == "/status" {
				c.Close()
				break
			}
		}
	}
}

// park joins, opens an out and reads it to the end on a goroutine that ends with the connection.
func park(b *testing.B, addr, mode string) net.Conn {
	c, err := net.Dial("tcp", addr)
	require.NoError(b, err)
	in := bufio.NewReader(c)
	body := `{"protos":[2]}`
	fmt.Fprintf(c, "POST /join HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", addr, len(body), body)
	r, err := http.ReadResponse(in, nil)
	require.NoError(b, err)
	answer, err := io.ReadAll(r.Body)
	require.NoError(b, err)
	require.NoError(b, r.Body.Close())
	_, rest, _ := strings.Cut(string(answer), `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	out := fmt.Sprintf("GET /out?m=%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", mode, addr, token)
	if mode == "stream" {
		_, err = io.WriteString(c, out)
		require.NoError(b, err)
		go io.Copy(io.Discard, in)
		return c
	}
	go func() { // ends with the connection
		base, epoch := "0", "0"
		for {
			get := strings.Replace(out, "m=poll", "m=poll&f=json&b="+base+"&e="+epoch, 1)
			if _, err := io.WriteString(c, get); err != nil {
				return
			}
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				return
			}
			p, err := io.ReadAll(r.Body)
			if err != nil || r.Body.Close() != nil {
				return
			}
			base = number(string(p), `{"n":`, base)
			epoch = number(string(p), `"epoch":`, epoch)
		}
	}()
	return c
}

// number returns the digits after the last mark in s, or otherwise.
func number(s, mark, otherwise string) string {
	i := strings.LastIndex(s, mark)
	if i < 0 {
		return otherwise
	}
	s = s[i+len(mark):]
	return s[:strings.IndexAny(s, ",}")]
}

func freeAddr(b testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	return l.Addr().String()
}

// awaitServer waits until the server at addr answers.
func awaitServer(b testing.TB, addr string) {
	require.Eventually(b, func() bool {
		r, err := http.Get("http://" + addr + "/status")
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
}

// processorTime returns what the process has used of its processors so far, as Linux counts it.
func processorTime(b *testing.B, pid int) time.Duration {
	p, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	require.NoError(b, err)
	fields := strings.Fields(string(p[strings.LastIndexByte(string(p), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // user and system time
		n, err := strconv.ParseInt(f, 10, 64)
		require.NoError(b, err)
		ticks += n
	}
	const perSecond = 100 // Linux's USER_HZ
	return time.Duration(ticks) * time.Second / perSecond
}
