// Package state knows Go types: which fields of a struct are replicated (Plan), and how everything
// that is reachable from a value is saved, loaded and hashed (Codec).
//
// It reads and writes fields by their offsets, exported or not, and reads one struct tag:
//
//	httpmp:"name[,option…]"   the field is replicated under that name; options q=, rad, private
//	httpmp:"-"                the field is not part of the state: neither replicated nor saved
package state
