// Package layer turns the state of a match into the bytes that take any client from the frame it has
// to the newest one.
//
// A [Set] holds the layers of a match. A [Layer] holds rows in numbered slots; each row has a
// [Source] from which [Set.Encode] reads its values once a frame and compares them with those of the
// frame before. What changed becomes the layer's delta of that frame, encoded once for everybody.
// Per field the frame of its last change is kept, so that a client that is behind gets what changed
// since its base, absolute: nothing is kept per client but the number of the frame it has, its
// [Position], and since when it sees which layers, its [View].
//
// Nothing here is concurrent-safe and nothing reads a clock: the same calls give the same bytes. The
// caller's lock covers all calls on a Set, its Layers and the Views that see them. Rows come and go
// (Add, Remove, Event, See, Unsee, Close) and Encode follows without the lock being given up between
// the first of them and Encode: what View.Append finds must be the state of the frame encoded last.
package layer
