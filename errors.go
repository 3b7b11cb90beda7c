package httpmp

import (
	"errors"
	"fmt"
)

var (
	// ErrFull is what a join is refused with when Config.MaxClients are in. A Game's Join may return
	// or wrap it too. The page is answered 503 full.
	ErrFull = errors.New("httpmp: the match is full")

	// ErrInChannelFull is returned by [InChannel.Push] when Config.MaxClientEvents would be exceeded.
	ErrInChannelFull = errors.New("httpmp: the InChannel is full")

	// ErrUnknownClient is returned by [InChannel.Push] once its client has left.
	ErrUnknownClient = errors.New("httpmp: the client has left")

	// ErrClosed is returned by an Engine that has ended.
	ErrClosed = errors.New("httpmp: the engine has ended")
)

// A GameError is a fault in game code: a panic, a runtime.Goexit, a value that cannot be sent or
// saved. It ends its Engine and nothing else in the process.
type GameError struct {
	Frame uint64 // the frame it happened in; 0: before the first, in Start
	Err   error  // what happened; the panic's value where that was an error
	Stack []byte // the stack of a panic; nil otherwise
}

// Error names the frame and the fault, without the stack.
func (e *GameError) Error() string { return fmt.Sprintf("httpmp: frame %d: %v", e.Frame, e.Err) }

// Unwrap returns e.Err.
func (e *GameError) Unwrap() error { return e.Err }
