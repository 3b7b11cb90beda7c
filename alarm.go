package httpmp

// alarms is a timing wheel that counts frames: at which of them the loop is to look at which carrier. A carrier
// that waits costs nothing until then; no timer is armed for it.
type alarms struct {
	slots [][]alarm // by frame, modulo their number
	now   uint64
}

// alarm is a carrier and whose it is.
type alarm struct {
	session *session
	carrier *carrier
}

// newAlarms returns a wheel for alarms at most that many frames ahead.
func newAlarms(ahead uint64) alarms { return alarms{slots: make([][]alarm, ahead+1)} }

// set has a ring in frame n, or in the next where n has been.
func (w *alarms) set(a alarm, n uint64) {
	n = min(max(n, w.now+1), w.now+uint64(len(w.slots))-1)
	slot := &w.slots[n%uint64(len(w.slots))]
	*slot = append(*slot, a)
}

// ring appends the alarms of frame n, the next, to dst and takes them off the wheel.
func (w *alarms) ring(dst []alarm, n uint64) []alarm {
	w.now = n
	slot := &w.slots[n%uint64(len(w.slots))]
	dst = append(dst, *slot...)
	clear(*slot)
	*slot = (*slot)[:0]
	return dst
}
