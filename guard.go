package httpmp

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// guard runs game code, fn, on a goroutine of its own and waits for it. A panic or a runtime.Goexit in it
// becomes a *GameError of the frame that frame says; an error that fn returns stays as it is.
func guard(frame func() uint64, fn func() error) error {
	done := make(chan error, 1)
	go func() { // ends with fn
		returned := false
		defer func() {
			switch r := recover(); {
			case r != nil:
				done <- &GameError{frame(), panicError(r), debug.Stack()}
			case !returned:
				done <- &GameError{frame(), errors.New("runtime.Goexit was called"), nil}
			}
		}()
		err := fn()
		returned = true
		done <- err
	}()
	return <-done
}

// panicError returns what panic was called with as an error.
func panicError(r any) error {
	if err, ok := r.(error); ok {
		return err
	}
	return fmt.Errorf("%v", r)
}
