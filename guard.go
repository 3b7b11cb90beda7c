package httpmp

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// guard runs game code, fn, on a goroutine of its own and waits for it. A panic or a runtime.Goexit in it
// becomes a *GameError of k's frame, with the sprite that was asked; an error that fn returns stays as it is.
func (k *core) guard(fn func() error) error {
	done := make(chan error, 1)
	go func() { // ends with fn
		returned := false
		defer func() {
			switch r := recover(); {
			case r != nil:
				done <- k.fault(panicError(r), debug.Stack())
			case !returned:
				done <- k.fault(errors.New("runtime.Goexit was called"), nil)
			}
		}()
		err := fn()
		returned = true
		done <- err
	}()
	return <-done
}

// fault returns the fault of what game code is doing now.
func (k *core) fault(err error, stack []byte) *GameError {
	if s := k.asked; s != nil {
		err = fmt.Errorf("%T %d: %w", s.sprite, s.id, err)
	}
	return &GameError{k.world.frame, err, stack}
}

// panicError returns what panic was called with as an error.
func panicError(r any) error {
	if err, ok := r.(error); ok {
		return err
	}
	return fmt.Errorf("%v", r)
}
