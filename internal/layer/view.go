package layer

import (
	"math"
	"slices"
)

// open is the end of a sight that has none yet.
const open = math.MaxUint64

// View is the layers that one client sees, by their numbers, and for a while those that it saw. The
// zero View sees nothing.
type View struct {
	sights []sight // by ascending number, then time; of one number no two overlap
	// Of the sights that ended too long ago to be in sights:
	forgot    uint64 // the newest end
	lastEvent uint64 // the newest event
}

// sight is a layer that is seen in the frames from ≤ n < until.
type sight struct {
	layer     *Layer
	from      uint64
	until     uint64
	lastEvent uint64 // once it has ended: the frame of the newest event in it, 0: none
}

// at reports whether frame n is within e.
func (e *sight) at(n uint64) bool { return e.from <= n && n < e.until }

// See makes l visible with frame from and later, instead of another layer of the same number. Call it
// before the Encode of that frame. What is visible already stays as it is.
func (v *View) See(l *Layer, from uint64) {
	from = max(from, 1)
	i, end := v.find(l.number)
	if end > i {
		e := &v.sights[end-1]
		if e.until == open && e.layer == l {
			return
		}
		v.Unsee(l.number, from)
		i, end = v.find(l.number)
	}
	if end > i {
		e := &v.sights[end-1]
		if e.layer == l && e.until == from {
			e.until, e.lastEvent = open, 0 // it was never out of sight
			return
		}
		from = max(from, e.until)
	}
	v.sights = slices.Insert(v.sights, end, sight{layer: l, from: from, until: open})
	v.forget(from, l.set.horizon)
}

// Unsee ends the sight of the layer of that number: in frame from and later it is not seen. Call it
// before the Encode of that frame. Layers that hold rows of the classes game and me must not be unseen
// but for another with such a row: a page in JSON mode keeps what it has of them.
func (v *View) Unsee(number uint64, from uint64) {
	i, end := v.find(number)
	if end == i || v.sights[end-1].until != open {
		return
	}
	e := &v.sights[end-1]
	horizon := e.layer.set.horizon
	if e.from >= from {
		v.sights = slices.Delete(v.sights, end-1, end)
	} else {
		e.until = from
		if last := min(e.layer.lastEvent, from-1); last >= e.from {
			e.lastEvent = last
		}
	}
	v.forget(from, horizon)
}

// Changed reports whether Append would say something new to a client whose base that is, but for acks:
// a layer that it sees has changed since, or what it sees has.
func (v *View) Changed(base uint64) bool {
	if base < v.forgot {
		return true
	}
	for i := range v.sights {
		e := &v.sights[i]
		if e.until == open && (e.from > base || e.layer.changed > base) || e.until != open && e.until > base {
			return true
		}
	}
	return false
}

// find returns where in sights those of number begin and end.
func (v *View) find(number uint64) (i, end int) {
	for i < len(v.sights) && v.sights[i].layer.number < number {
		i++
	}
	for end = i; end < len(v.sights) && v.sights[end].layer.number == number; {
		end++
	}
	return i, end
}

// forget drops the sights that ended too long ago in frame n.
func (v *View) forget(n, horizon uint64) {
	if !slices.ContainsFunc(v.sights, func(e sight) bool { return e.until != open && e.until+horizon <= n }) {
		return
	}
	keep := v.sights[:0]
	for _, e := range v.sights {
		if e.until == open || e.until+horizon > n {
			keep = append(keep, e)
			continue
		}
		v.forgot = max(v.forgot, e.until)
		v.lastEvent = max(v.lastEvent, e.lastEvent)
	}
	clear(v.sights[len(keep):])
	v.sights = keep
}

// set returns the Set of the layers, or nil if none is known.
func (v *View) set() *Set {
	if len(v.sights) == 0 {
		return nil
	}
	return v.sights[0].layer.set
}

// usable reports whether there is a way from frame s to frame n but a key frame. In JSON mode there
// must be one too for what is no longer seen: its sprites are named there one by one.
func (v *View) usable(s, n uint64, json bool) bool {
	if s == 0 || s > n || s < v.forgot {
		return false
	}
	if set := v.set(); set != nil && s < set.restored {
		return false
	}
	for i := range v.sights {
		e := &v.sights[i]
		if e.at(s) && s < e.layer.forgotten && (json || e.at(n)) {
			return false
		}
	}
	return true
}

// replaced reports whether the number of sight i has a later sight in frame n.
func (v *View) replaced(i int, n uint64) bool {
	number := v.sights[i].layer.number
	for i++; i < len(v.sights) && v.sights[i].layer.number == number; i++ {
		if v.sights[i].at(n) {
			return true
		}
	}
	return false
}
