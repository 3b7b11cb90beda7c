package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// half is one direction of a connection: a bounded buffer between a writing and a reading end.
type half struct {
	mu   sync.Mutex // guards the fields below
	cond sync.Cond  // any of them changed

	window  int    // most bytes that are written and not yet read
	buf     []byte // buf[off:] is written and not yet read
	off     int
	writing bool // a Write is under way: its bytes stay together
	stalled bool // nothing arrives at the reading end, the end of the stream neither

	cut     bool // reset: both ends fail, what is in buf is lost
	ended   bool // no more will be written: the reader gets io.EOF after the last byte
	unread  bool // nobody will read again: the writer gets EPIPE
	readBy  deadline
	writeBy deadline

	readGone, writeGone bool // that end was closed by its owner: its calls return net.ErrClosed
}

func newHalf(window int) *half {
	h := &half{window: window}
	h.cond.L = &h.mu
	return h
}

// read is Conn.Read. An error comes only when nothing was read.
func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readGone:
			return 0, net.ErrClosed
		case h.cut:
			return 0, os.NewSyscallError("read", syscall.ECONNRESET)
		case h.readBy.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case h.stalled:
		case h.off < len(h.buf):
			n := copy(p, h.buf[h.off:])
			h.off += n
			if h.off == len(h.buf) {
				h.buf, h.off = h.buf[:0], 0
			}
			h.cond.Broadcast()
			return n, nil
		case h.ended:
			return 0, io.EOF
		}
		h.cond.Wait()
	}
}

// write is Conn.Write: it blocks until the last byte of p is in the window.
func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.writing { // a mutex held over the wait would block for good in a synctest bubble
		if err := h.writeErrLocked(); err != nil {
			return 0, err
		}
		h.cond.Wait()
	}
	h.writing = true
	defer func() {
		h.writing = false
		h.cond.Broadcast()
	}()
	for {
		if err := h.writeErrLocked(); err != nil {
			return n, err
		}
		k := min(len(p), h.window-(len(h.buf)-h.off))
		if k > 0 {
			h.appendLocked(p[:k])
			p, n = p[k:], n+k
			h.cond.Broadcast()
		}
		if len(p) == 0 {
			return n, nil
		}
		h.cond.Wait()
	}
}

func (h *half) appendLocked(p []byte) {
	if h.off > 0 && len(h.buf)+len(p) > cap(h.buf) {
		h.buf, h.off = h.buf[:copy(h.buf, h.buf[h.off:])], 0
	}
	h.buf = append(h.buf, p...)
}

func (h *half) writeErrLocked() error {
	switch {
	case h.writeGone:
		return net.ErrClosed
	case h.cut:
		return os.NewSyscallError("write", syscall.ECONNRESET)
	case h.ended, h.unread:
		return os.NewSyscallError("write", syscall.EPIPE)
	case h.writeBy.passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// change runs f with the half locked and wakes everyone who waits for it.
func (h *half) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.cond.Broadcast()
}

// closeRead is what the reading end's Close does to this half.
func (h *half) closeRead() {
	h.change(func() {
		h.readGone, h.unread = true, true
		h.buf, h.off = nil, 0
		h.readBy.stop()
	})
}

// closeWrite is what the writing end's Close does to this half.
func (h *half) closeWrite() {
	h.change(func() {
		h.writeGone, h.ended = true, true
		h.writeBy.stop()
	})
}

func (h *half) reset() {
	h.change(func() {
		h.cut = true
		h.buf, h.off = nil, 0
		h.readBy.stop()
		h.writeBy.stop()
	})
}

// deadline is a point in time from which the calls of one end fail. Its half's mutex guards it.
type deadline struct {
	passed bool
	timer  *time.Timer // nil: none pending
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.passed = false
}

// set replaces d, a deadline of h, by t; the zero time is none.
func (d *deadline) set(h *half, t time.Time) {
	h.change(func() {
		d.stop()
		if t.IsZero() {
			return
		}
		wait := time.Until(t)
		if wait <= 0 {
			d.passed = true
			return
		}
		var timer *time.Timer
		timer = time.AfterFunc(wait, func() {
			h.change(func() {
				if d.timer == timer { // else: replaced while this one waited for the lock
					d.passed, d.timer = true, nil
				}
			})
		})
		d.timer = timer
	})
}
