package layer

import (
	"fmt"
	"sort"

	"github.com/httpmp/httpmp/internal/wire"
)

// Layer is rows in slots that are encoded together, and events. It is empty and has no events when
// [Set.Open] returns it.
type Layer struct {
	set    *Set
	number uint64
	index  int // in set.layers; -1: closed
	still  bool
	awake  bool // it is in set.awake

	table
	fresh []int     // slots of the rows that came since the last Encode; some may have gone again
	gone  []removal // the rows that left since then and had been encoded

	changed uint64 // last frame with a change or an event
	before  uint64 // the one before that

	blocks  fifo[block] // by frame, of the last 64 frames
	evicted uint64      // frame of the newest block that is no longer in blocks
	spare   []byte      // memory of a block that is no longer in blocks

	removed   fifo[removal] // by frame, of the last set.horizon frames
	forgotten uint64        // frame of the newest one that is no longer in removed

	events     fifo[event]
	eventBytes int
	newEvents  int    // how many of events are pending
	overrun    bool   // pending events were lost
	lastEvent  uint64 // frame of the newest event
	lost       uint64 // frame of the newest event that is no longer in events

	companions int // rows that are private fields of sprites

	least, most int // bounds on the bytes of all rows as adds; both include those of their strings

	cached cache
	pieces []*piece // of JSON mode
}

// removal is what is left of a row that was removed.
type removal struct {
	frame uint64
	added uint64
	id    uint32 // of a companion: its sprite's id
	slot  uint16
	class uint16
}

// block is the delta of one frame.
type block struct {
	frame uint64
	bytes []byte
	gap   bool // it lacks events
}

// heldFrames is for how many frames blocks are kept.
const heldFrames = 64

// Add puts a row into the lowest free slot, which it returns. It is on the wire with the next Encode.
// Class and id are those of the wire; rows that are no sprites have id 0.
func (l *Layer) Add(class int, id uint32, src Source) (slot int) {
	slot = l.lowest()
	l.AddAt(slot, class, id, src)
	return slot
}

// AddAt is Add into a slot that is known: for rows that are restored, before [Set.Restore]. It panics
// if the slot is taken.
func (l *Layer) AddAt(slot, class int, id uint32, src Source) {
	if slot < len(l.rows) && l.rows[slot].src != nil {
		panic(fmt.Sprintf("layer: slot %d is taken", slot))
	}
	c := &l.set.classes[class]
	l.put(slot, uint16(class), c, id, src)
	l.fresh = append(l.fresh, slot)
	l.count(c, 1)
	l.Wake()
}

// count counts a row in or out, without its strings.
func (l *Layer) count(c *class, sign int) {
	l.least += sign * c.least
	l.most += sign * c.most
	if c.companion {
		l.companions += sign
	}
}

// Remove frees a slot; on the wire it is free with the next Encode. A row that was added since the
// last Encode is never on the wire. Remove panics if the slot is free.
func (l *Layer) Remove(slot int) {
	if slot >= len(l.rows) || l.rows[slot].src == nil {
		panic(fmt.Sprintf("layer: slot %d is free", slot))
	}
	r := &l.rows[slot]
	c := &l.set.classes[r.class]
	nums, _, strs := l.values(r, c)
	if r.added != pending {
		id := r.id
		if c.companion {
			id = uint32(nums[0])
		}
		l.gone = append(l.gone, removal{added: r.added, id: id, slot: uint16(slot), class: r.class})
		if l.index < 0 {
			l.settle()
		}
	}
	l.weigh(strs, -1)
	l.count(c, -1)
	l.drop(slot, c)
	l.Wake()
}

// weigh counts the bytes of strs in or out.
func (l *Layer) weigh(strs []string, sign int) {
	for _, s := range strs {
		l.least += sign * len(s)
		l.most += sign * len(s)
	}
}

// Still says whether the Sources of l stay as they are unless Wake says otherwise. A still layer costs
// Encode nothing while no row comes or goes, no event is sent and Wake is not called. What an Encode
// would forget because of its age, it keeps until the next one that reads it.
func (l *Layer) Still(on bool) {
	l.still = on
	l.Wake()
}

// Wake has the next Encode read l.
func (l *Layer) Wake() {
	if !l.awake {
		l.awake = true
		l.set.awake = append(l.set.awake, l)
	}
}

// Changed returns the last frame in which l changed or had an event, 0 if there was none.
func (l *Layer) Changed() uint64 { return l.changed }

// Delta returns the block of frame n, nil when nothing changed in it or when it is more than 63
// frames old. It is valid until it is 64 frames old.
func (l *Layer) Delta(n uint64) []byte {
	if b := l.block(n); b != nil {
		return b.bytes
	}
	return nil
}

// block returns the block of frame n, or nil.
func (l *Layer) block(n uint64) *block {
	if k := l.blocks.len(); k > 0 && l.blocks.at(k-1).frame == n {
		return l.blocks.at(k - 1)
	}
	if i := l.blockAfter(n - 1); i < l.blocks.len() && l.blocks.at(i).frame == n {
		return l.blocks.at(i)
	}
	return nil
}

// blockAfter returns the index of the first block of a frame above n.
func (l *Layer) blockAfter(n uint64) int {
	return sort.Search(l.blocks.len(), func(i int) bool { return l.blocks.at(i).frame > n })
}

// close makes l what it stays.
func (l *Layer) close() {
	l.index = -1
	l.settle()
	l.spare, l.blocks = nil, fifo[block]{}
	l.reset()
}

// settle takes what was removed from a closed layer as removed with the next frame.
func (l *Layer) settle() {
	for _, r := range l.gone {
		r.frame = l.set.frame + 1
		l.removed.push(r)
	}
	l.gone = nil
}

// restore takes the values of the sources as those of frame n.
func (l *Layer) restore(n uint64) error {
	for i := range l.rows {
		if r := &l.rows[i]; r.src != nil {
			if err := l.read(i, n); err != nil {
				return err
			}
		}
	}
	l.fresh, l.gone = nil, nil
	l.changed, l.before, l.evicted, l.forgotten, l.lost = n, n, n, n, n
	return nil
}

// read takes the values of a row that is new with frame n.
func (l *Layer) read(slot int, n uint64) error {
	r := &l.rows[slot]
	c := &l.set.classes[r.class]
	if slot > wire.MaxSlot {
		return l.rowError(r, fmt.Errorf("no slot is free: want at most %d rows in a layer", wire.MaxSlot+1))
	}
	if err := r.src.Read(c.nums, c.strs); err != nil {
		return l.rowError(r, err)
	}
	nums, versions, strs := l.values(r, c)
	copy(nums, c.nums)
	copy(strs, c.strs)
	for i := range versions {
		versions[i] = int64(n)
	}
	r.added = n
	l.weigh(strs, 1)
	return nil
}

func (l *Layer) rowError(r *row, err error) error {
	return &RowError{Class: l.set.names[r.class], ID: r.id, Err: err}
}
