//go:build !js

package httpmp

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Main is the whole program of a game: it makes one with newGame, serves it, and does not return before
// the program has been told to end.
//
// It takes the flags -addr, -fps and -seed, which stand above cfg; a program defines its own on
// flag.CommandLine before it calls Main. Once it listens it prints one line on standard output, the
// address of the page: http://localhost:8080/. SIGINT and SIGTERM end it within a second with exit status
// 0; an argument that is no flag with 2. A mistake in the game or its Config, or a fault, is printed on standard error, and the exit status is 1.
func Main[G Game](newGame func() G, cfg Config) {
	if cfg.Addr == "" {
		cfg.Addr = ":8080"
	}
	flag.StringVar(&cfg.Addr, "addr", cfg.Addr, "`address` to listen on; port 0 picks a free one")
	flag.IntVar(&cfg.FPS, "fps", cfg.FPS, "frames a second, 1 to 120; 0 means 30")
	flag.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "seed of the match; 0 picks one")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "httpmp: unexpected argument %q, want only flags; -h lists them\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := play(newGame(), cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if fault := (*GameError)(nil); errors.As(err, &fault) {
			os.Stderr.Write(fault.Stack)
		}
		os.Exit(1)
	}
}

// play serves g until a signal comes.
func play(g Game, cfg Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e, err := New(g, cfg)
	if err != nil {
		return err
	}
	return e.listenAndServe(ctx, func(a net.Addr) { fmt.Println(pageURL(cfg.Addr, a)) })
}

// pageURL returns the address of the page, given the address that was asked for and the one that is listened on.
func pageURL(asked string, listening net.Addr) string {
	host, _, _ := net.SplitHostPort(asked) // it was listened on, so it is well-formed
	_, port, _ := net.SplitHostPort(listening.String())
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// ListenAndServe makes an Engine for g with [New] and runs it with [Engine.ListenAndServe]. It returns nil
// when ctx is done.
func ListenAndServe(ctx context.Context, g Game, cfg Config) error {
	e, err := New(g, cfg)
	if err != nil {
		return err
	}
	return e.ListenAndServe(ctx)
}
