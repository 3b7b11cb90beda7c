package httpmp

import (
	"context"
	"errors"
	"time"
)

// errQuit ends the loop when the game has called Quit.
var errQuit = errors.New("quit")

// keepTime makes frame k at k/FPS after its start.
func (e *Engine) keepTime(ctx context.Context) error {
	start, made := time.Now(), int64(0)
	at := func(k int64) time.Time { return start.Add(time.Duration(k * int64(time.Second) / int64(e.cfg.FPS))) }
	timer := time.NewTimer(time.Until(at(1)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.closing:
			return nil
		case call := <-e.calls:
			call()
		case <-timer.C:
			now := time.Now()
			for k := 0; k < catchUp && !at(made+1).After(now); k++ {
				if err := e.makeFrame(now); err != nil {
					return err
				}
				made++
				e.count(&e.stats.Late, uint64(min(k, 1)))
			}
			if behind := now.Sub(at(made+1)) * time.Duration(e.cfg.FPS); behind >= 0 {
				drop := int64(behind/time.Second) + 1
				start = start.Add(at(made + drop).Sub(at(made)))
				e.count(&e.stats.Dropped, uint64(drop))
			}
			timer.Reset(time.Until(at(made + 1)))
		}
	}
}

func (e *Engine) count(n *uint64, by uint64) {
	if by > 0 {
		e.mu.Lock()
		*n += by
		e.mu.Unlock()
	}
}

// makeFrame makes one frame and publishes it.
func (e *Engine) makeFrame(now time.Time) error {
	in, joins := e.collect(now)
	if err := e.core.advance(in); err != nil {
		return err
	}
	if err := e.show(joins); err != nil {
		return err
	}
	if e.core.world.quit != nil {
		return errQuit
	}
	return nil
}

// show encodes the frame and publishes it.
func (e *Engine) show(joins []*joining) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.core.encode(); err != nil {
		return &GameError{e.core.world.frame, err, nil}
	}
	e.publish(joins)
	return nil
}
