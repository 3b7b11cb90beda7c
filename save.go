package httpmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"

	"github.com/httpmp/httpmp/internal/state"
	"github.com/httpmp/httpmp/internal/wire"
)

// savedMagic begins a saved state; then follow the frames per second as a uv, what the codec says, and the
// hash of all that, 8 bytes, little-endian: a damaged state is refused, never loaded as another.
const savedMagic = "HMPS1"

// save returns the whole match, as it is between two frames, and its hash.
func (k *core) save() (p []byte, hash uint64, err error) {
	p = wire.AppendUv([]byte(savedMagic), uint64(k.fps))
	if p, err = k.codec.Append(p, k.game); err != nil {
		return nil, 0, fmt.Errorf("httpmp: the state cannot be saved: %w", err)
	}
	hash = state.Hash(p)
	return binary.LittleEndian.AppendUint64(p, hash), hash, nil
}

// load replaces the match by a saved one. Where it returns an error nothing has changed, unless the
// error is a *GameError.
func (k *core) load(data []byte) error {
	if len(data) < len(savedMagic) || string(data[:len(savedMagic)]) != savedMagic {
		return errors.New("httpmp: this is not a saved state")
	}
	end := len(data) - 8
	if end < len(savedMagic) || state.Hash(data[:end]) != binary.LittleEndian.Uint64(data[end:]) {
		return errors.New("httpmp: the saved state is damaged")
	}
	fps, rest, err := wire.ReadUv(data[len(savedMagic):end])
	if err != nil {
		return fmt.Errorf("httpmp: the saved state is damaged: %w", err)
	}
	if fps != uint64(k.fps) {
		return fmt.Errorf("httpmp: the state was saved at %d frames/s, this engine runs at %d: set Config.FPS", fps, k.fps)
	}
	if err := k.codec.Load(rest, k.game); err != nil {
		return fmt.Errorf("httpmp: %w", err)
	}
	return k.guard(k.rebuild)
}

// rebuild makes what follows from a loaded world: the look-ups, the layers with everything in its slot.
func (k *core) rebuild() error {
	w := k.world
	w.rng = rand.New(w.pcg)
	w.byPtr = make(map[Sprite]*spriteEntry, len(w.sprites))
	for _, s := range w.sprites {
		if !s.gone {
			w.byPtr[s.sprite] = s
		}
		if k.classes[reflect.TypeOf(s.sprite).Elem()] == nil {
			return &GameError{w.frame, fmt.Errorf("the saved state has a sprite of type %T, which is none of this game's", s.sprite), nil}
		}
	}
	k.openLayers()
	k.closing, k.fresh, k.touched = nil, nil, append(k.touched[:0], w.clients...)
	k.sending, k.dropped, k.secret = nil, nil, nil
	for _, c := range w.clients {
		c.core, c.priv = k, &privateSide{}
		if len(c.pending) > 0 {
			k.sending = append(k.sending, c)
		}
		if c.dropped {
			k.dropped = append(k.dropped, c)
		}
	}
	if err := k.show(); err != nil {
		return err
	}
	if k.gameRow.placed = w.frame > 0; !k.gameRow.placed {
		return nil
	}
	k.shared.AddAt(0, wire.ClassGame, 0, &k.gameRow)
	for _, c := range w.clients {
		k.openPrivate(c)
		c.priv.layer.AddAt(0, wire.ClassMe, 0, &c.priv.me)
		c.priv.me.list(w, c.id)
	}
	for _, s := range w.sprites {
		if !s.wired {
			continue
		}
		k.shared.AddAt(s.slot, s.source.class.number, uint32(s.id), s.source)
		if c := k.client(s.owner); c != nil && s.source.class.companion != 0 {
			k.keepSecrets(c, 1)
			c.priv.layer.AddAt(s.own, s.source.class.companion, 0, &companionSource{s.source, uint32(s.id)})
		}
	}
	if err := k.set.Restore(w.frame); err != nil {
		return &GameError{w.frame, k.explain(err), nil}
	}
	return nil
}

// verify saves the match, loads it into an empty game of the same type and saves that: both must be equal.
func (k *core) verify() error {
	first, err := k.codec.Append(nil, k.game)
	if err != nil {
		return fmt.Errorf("httpmp: the state cannot be saved: %w", err)
	}
	twin := reflect.New(reflect.TypeOf(k.game).Elem()).Interface()
	if err := k.codec.Load(first, twin); err != nil {
		return fmt.Errorf("httpmp: a saved state does not load: %w", err)
	}
	second, err := k.codec.Append(nil, twin)
	if err != nil {
		return err
	}
	if path, differ := state.Diff(k.codec, k.game, twin); differ || !bytes.Equal(first, second) {
		return fmt.Errorf("httpmp: saved and loaded, the state is another at %s", path)
	}
	return nil
}

// Save returns the whole state of the match, as it is between two frames: everything reachable from
// the Game, its World, and the input of its clients. Call it between two Advances or in Do. It
// returns an error that names the path where something cannot be saved.
func (e *Engine) Save() ([]byte, error) {
	p, _, err := e.core.save()
	return p, err
}

// Hash returns a hash of what Save returns. Two matches with equal hashes are equal, and so is all that
// follows from them under the same inputs. Call it between two Advances or in Do.
func (e *Engine) Hash() (uint64, error) {
	_, hash, err := e.core.save()
	return hash, err
}

// Verify saves the match, loads it into an empty game of the same type and saves that again. The error
// names the first path at which the two differ, or what cannot be saved. It changes nothing. Call it between
// two Advances or in Do.
func (e *Engine) Verify() error { return e.core.verify() }
