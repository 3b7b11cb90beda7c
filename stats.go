package httpmp

// Stats is what an Engine counts. Nothing of it is visible to the game.
type Stats struct {
	Frame     uint64 // the newest frame that is out
	Clients   int    // that are in
	Late      uint64 // frames that were made late, to catch up
	Dropped   uint64 // frames' times that were dropped because the loop was too late
	Malformed int    // custom events that did not decode, each time they were met
	BytesIn   uint64 // of batches
	BytesOut  uint64 // of records, without HTTP's own
}

// Stats returns what e has counted so far. It is concurrent-safe.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Frame, s.Clients, s.BytesIn, s.BytesOut = e.frame, len(e.order), e.bytesIn.Load(), e.bytesOut.Load()
	return s
}
