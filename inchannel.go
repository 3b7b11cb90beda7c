package httpmp

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/httpmp/httpmp/internal/wire"
)

// An InChannel is the bounded FIFO of one client's validated events. Requests put events in; the
// frame loop drains it at the start of each frame. It is not a Go channel.
type InChannel struct {
	max    int         // the most events that wait
	lim    wire.Limits // of what is pushed
	ready  *readyList  // it is in while it holds events
	client ClientID    // whose it is; written in the frame in which the client joins

	due []queuedEvent // what this frame folds; owned by the frame loop

	mu     sync.Mutex // guards the fields below
	fifo   []queuedEvent
	listed bool   // it is in ready
	last   uint64 // sequence number of the last event taken from the page; 0: none yet
	target uint64 // frame that the last event taken is meant for
	closed bool
}

// queuedEvent is an event that waits for its frame.
type queuedEvent struct {
	ClientEvent

	seq     uint64    // its number, from 1; 0: not from a page
	frame   uint64    // the first frame that may fold it; 0: the next
	arrived time.Time // zero unless the page said which frame it was meant for
}

// Push appends all of ev, or none, without blocking.
//
// It returns an error that names the event where one is invalid, [ErrInChannelFull] when they would
// be more than Config.MaxClientEvents, and [ErrUnknownClient] when the client has left. Events reach
// the FrameState in Push order at the start of the next frame. Push keeps the Args and Data of ev.
//
// Push is concurrent-safe.
func (q *InChannel) Push(ev ...ClientEvent) error {
	for _, e := range ev {
		if err := e.validate(q.lim); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrUnknownClient
	}
	if len(q.fifo)+len(ev) > q.max {
		return ErrInChannelFull
	}
	for _, e := range ev {
		q.fifo = append(q.fifo, queuedEvent{ClientEvent: e, frame: q.target})
	}
	q.listLocked()
	return nil
}

// listLocked puts q into ready while it holds events.
func (q *InChannel) listLocked() {
	if len(q.fifo) > 0 && !q.listed {
		q.listed = true
		q.ready.add(q)
	}
}

// gapError refuses a batch whose first event is not the next one.
type gapError struct{ seq, want uint64 }

func (e *gapError) Error() string {
	return fmt.Sprintf("seq is %d, and the events before it have not arrived", e.seq)
}

// take appends the events of b that it does not have, or none. Frame is the frame that is out, lead how
// many frames ahead of it an event may be meant for.
//
// It returns a *gapError, ErrInChannelFull or ErrUnknownClient.
func (q *InChannel) take(b wire.Batch, frame, lead uint64, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrUnknownClient
	}
	if b.Seq > q.last+1 {
		return &gapError{b.Seq, q.last + 1}
	}
	known := min(q.last+1-b.Seq, uint64(len(b.Events)))
	fresh := b.Events[known:]
	if len(q.fifo)+len(fresh) > q.max {
		return ErrInChannelFull
	}
	target := b.Frame
	if target == 0 { // as soon as possible: offsets count from the next frame, or from the event before
		target = max(frame+1, q.target)
		if known > 0 {
			target = q.target
		}
		now = time.Time{}
	} else {
		for _, ev := range b.Events[:known] {
			target += ev.After
		}
	}
	for i, ev := range fresh {
		target = min(target+ev.After, frame+lead)
		q.target = max(target, q.target)
		q.last = b.Seq + known + uint64(i)
		q.fifo = append(q.fifo, queuedEvent{eventOf(ev), q.last, q.target, now})
	}
	q.listLocked()
	return nil
}

// drain moves the events that frame n folds to due, in order. It is called for what ready listed.
func (q *InChannel) drain(n uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	due := 0
	for due < len(q.fifo) && q.fifo[due].frame <= n {
		due++
	}
	clear(q.due)
	q.due = append(q.due[:0], q.fifo[:due]...)
	rest := copy(q.fifo, q.fifo[due:])
	clear(q.fifo[rest:])
	q.fifo, q.listed = q.fifo[:rest], false
	q.listLocked()
}

// rebase lets everything that waits be folded as soon as possible: the frames are counted anew.
func (q *InChannel) rebase() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.target = 0
	for i := range q.fifo {
		q.fifo[i].frame = 0
	}
}

// close refuses all further events.
func (q *InChannel) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.fifo = true, nil
}

// readyList is the InChannels that hold events, so that the frame loop passes over all others.
type readyList struct {
	mu       sync.Mutex // guards the field below; taken under InChannel.mu
	channels []*InChannel
}

func (l *readyList) add(q *InChannel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.channels = append(l.channels, q)
}

// take empties the list and returns what was in it, in order of the clients' ids.
func (l *readyList) take() []*InChannel {
	l.mu.Lock()
	taken := l.channels
	l.channels = nil
	l.mu.Unlock()
	slices.SortFunc(taken, func(a, b *InChannel) int { return cmp.Compare(a.client, b.client) })
	return taken
}
