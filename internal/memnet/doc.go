// Package memnet is a network in memory for tests: a listener and connections that behave like TCP on one machine, with
// a bounded window in each direction, deadlines, half-close, resets and stalls.
//
// net/http servers and clients run over it unchanged. Nothing here touches a socket, starts a goroutine or keeps a
// global, and all that blocks does so on a channel or a sync.Cond, so inside a testing/synctest bubble a server can
// stream for hours of virtual time. Make the Listener, or the Pipe, inside the bubble that uses it.
//
// Unlike net.Pipe, a Write returns when its bytes are in the window, read or not, and blocks only while the window is
// full: exactly what a slow client does to a server. Time between the ends is zero; what is written is there.
package memnet
