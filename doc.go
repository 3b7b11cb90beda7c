// Package httpmp puts a real-time multiplayer game into a browser, over nothing but HTTP.
//
// A game is a struct that embeds [World] and has a Step; what moves in it are [Sprite] values, pointers to
// plain structs. [Main] is the whole program, and two tabs play:
//
//	type Paddle struct {
//		httpmp.Pos     // the centre, world pixels, y down; replicated
//		seat       int // state, not shown to the page
//	}
//
//	func (p *Paddle) Look() httpmp.Look { return httpmp.Rect(10, 80, "white") }
//
//	func (p *Paddle) Step(f *httpmp.Frame) {
//		_, dy := f.Seat(p.seat).Stick() // arrows or WASD
//		p.Y = min(max(p.Y+300*dy*f.Dt, 40), 440)
//	}
//
//	func main() { httpmp.Main(newPong, httpmp.Config{FPS: 60}) }
//
// The server is authoritative: pages send what keys and pointer do, and get what has changed.
//
// # One frame
//
// So many times a second the frame loop makes a frame, always in this order:
//
//  1. leaves, then joins, each in their order
//  2. every [InChannel] is drained, clients in order of their ids
//  3. each client's events are folded into one [FrameState]
//  4. the Game steps, then every Sprite in order of their ids
//  5. what changed is encoded, once for everybody
//  6. the frame is published: each page gets what takes it from the frame it has to this one
//
// Steps 1 to 5 are a pure function of the state before, the seed and the inputs. A match can therefore be
// saved, loaded, hashed ([Engine.Save]) and run again with the same result, as long as game code keeps to the
// rules in [Game]: no clock, no I/O, no goroutine, no order of a map.
//
// # What a page is sent
//
// A tag on a field of a Sprite or of the Game replicates it:
//
//	Hp    int              `httpmp:"hp"`
//	Angle float64          `httpmp:"angle,rad"`       // radians, in 256 steps
//	Fuel  float64          `httpmp:"fuel,q=0.25"`     // in steps of a quarter; without q as a float32
//	Owner *httpmp.Client   `httpmp:"owner"`           // as its id
//	Ammo  int              `httpmp:"ammo,private"`    // only to the owner's page
//	log   *slog.Logger     `httpmp:"-"`               // not part of the state: neither sent nor saved
//
// A field may be a bool, an integer, a float64, a string, an array of up to 8 integers, a [Pos], a *[Client]
// or a pointer to a sprite; it may be unexported. An embedded [Pos] or [Vel] needs no tag. The built-in page
// knows the names pos, vel, owner and angle, and shows the fields of the Game as a score line. A tag that
// is wrong, a type that cannot be sent or saved is an error of [New] that names it.
//
// # Depths
//
// [Main] is a program. [ListenAndServe] is the same under your own signals and flags. [New] makes an [Engine],
// an http.Handler for any mux under any prefix, whose [Engine.Run] you call:
//
//	e, err := httpmp.New(newPong(), httpmp.Config{})
//	mux.Handle("/pong/", http.StripPrefix("/pong", e))
//	srv := &http.Server{Addr: ":8080", Handler: mux}
//	srv.RegisterOnShutdown(e.Close) // pages are told, and their streams end
//	go srv.ListenAndServe()
//	err = e.Run(ctx)
//	srv.Shutdown(context.Background())
//
// A middleware that wraps the http.ResponseWriter needs a method Unwrap() http.ResponseWriter, or pages must poll. The
// package httpmptest drives a game frame by frame in tests.
//
// # The page
//
// The built-in page joins under the name in its address, ?name=Ann, and polls with ?mode=poll. Enter opens its chat line,
// which sends a text event; the game gets neither that key nor Escape, Tab, the function keys or anything with Ctrl, Alt or
// Meta. A page of your own imports connect from httpmp.js, which is served beside it, with httpmp.d.ts for its types; it sends
// custom events with game.send("shoot", {x: 1}), which [Events] decodes, and hears what [World.Send] and [Client.Send] send.
//
// # Concurrency
//
// All game code runs on one goroutine, one call at a time. Methods of World, Client and FrameState are called
// only from there. What comes from outside goes through an InChannel ([Engine.Join], [Client.In]), and
// [Engine.Do] reads between two frames. Methods of Engine and InChannel say that they are concurrent-safe
// where they are.
//
// A slow page never delays a frame or another page: it gets fewer, larger steps.
package httpmp
