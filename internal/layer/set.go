package layer

import (
	"fmt"

	"github.com/httpmp/httpmp/internal/wire"
)

// Source is where a row's values come from.
type Source interface {
	// Read fills all of nums and strs with the current values, in the order of the class's fields. It
	// is called by Encode and Restore only, and calls no game code. It keeps neither slice. What it
	// writes must fit the fields' types.
	Read(nums []int64, strs []string) error
}

// Set is all layers of one match.
type Set struct {
	classes  []class
	names    []string // of the classes
	horizon  uint64
	frame    uint64 // encoded last
	restored uint64 // frame in which it began, 0: at the start of the match
	layers   []*Layer
	awake    []*Layer // those that the next Encode reads; closed ones too

	// Reused.
	out   []byte
	parts []part
	line  line
}

// New returns a Set without layers. Horizon is for how many frames it remembers what was removed, and
// so how far behind a client can be and still be told what changed; events wait twice as long.
func New(s wire.Schema, horizon uint64) *Set {
	set := &Set{classes: newClasses(s), horizon: horizon}
	for _, c := range s.Classes {
		set.names = append(set.names, c.Name)
	}
	return set
}

// Open returns a new, empty layer that has that number on the wire. Several may have the same, as
// long as no View sees two of them at a time.
func (s *Set) Open(number uint64) *Layer {
	l := &Layer{set: s, number: number, index: len(s.layers)}
	s.layers = append(s.layers, l)
	l.Wake()
	return l
}

// Close takes l out of the Set: it changes no more, and its sources are not read again. Views that
// see it are to Unsee it with the same frame. A second Close has no effect.
func (s *Set) Close(l *Layer) {
	if l.index < 0 {
		return
	}
	last := s.layers[len(s.layers)-1]
	s.layers[l.index], last.index = last, l.index
	s.layers[len(s.layers)-1] = nil
	s.layers = s.layers[:len(s.layers)-1]
	l.close()
}

// Encode reads every Source, but for those of still layers, and encodes what changed as frame n, which is
// above that of the last Encode or Restore. The error is a [*RowError]; the Set must not be used any more after one.
//
// Encode overwrites the block of frame n-64: what Delta returned is valid for 64 frames, and View's
// methods copy what they append.
func (s *Set) Encode(n uint64) error {
	if n <= s.frame {
		return fmt.Errorf("layer: frame %d, want one above %d", n, s.frame)
	}
	s.frame = n
	awake := s.awake[:0]
	for _, l := range s.awake {
		l.awake = false
		if l.index < 0 {
			continue
		}
		if err := l.encode(n); err != nil {
			return err
		}
		if !l.still {
			l.awake = true
			awake = append(awake, l)
		}
	}
	clear(s.awake[len(awake):])
	s.awake = awake
	return nil
}

// Restore takes the values that all Sources have as those of frame n, without encoding anything.
// After AddAt has put every row where it was, the deltas that follow are those of a Set that never
// stopped. Only clients whose base is n or later can go on; others get a key frame. The error is a
// [*RowError].
func (s *Set) Restore(n uint64) error {
	s.frame, s.restored = n, n
	for _, l := range s.layers {
		if err := l.restore(n); err != nil {
			return err
		}
	}
	return nil
}

// RowError is the error of a row whose Source could not be read or for which there is no slot.
type RowError struct {
	Class string // its class's name
	ID    uint32 // its sprite's id; 0 for rows that are no sprites
	Err   error
}

// Error names the class and the id.
func (e *RowError) Error() string { return fmt.Sprintf("layer: %s %d: %v", e.Class, e.ID, e.Err) }

// Unwrap returns what the Source returned.
func (e *RowError) Unwrap() error { return e.Err }
