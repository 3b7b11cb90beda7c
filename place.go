package httpmp

import (
	"slices"

	"github.com/httpmp/httpmp/internal/wire"
)

// placeClients opens the private layers of those who joined and closes those of who left.
func (k *core) placeClients() {
	for _, l := range k.closing {
		k.set.Close(l)
	}
	k.closing = k.closing[:0]
	for _, c := range k.fresh {
		k.openPrivate(c)
		c.priv.layer.Add(wire.ClassMe, 0, &c.priv.me)
		k.outdate(c)
	}
	k.fresh = k.fresh[:0]
}

// openPrivate makes the private layer of c, empty, and lets c see it and the shared one.
func (k *core) openPrivate(c *Client) {
	c.priv.layer = k.set.Open(privateLayer)
	c.priv.layer.Still(true)
	c.priv.view.See(k.shared, k.world.frame)
	c.priv.view.See(c.priv.layer, k.world.frame)
}

// placeSprites gives slots to what was added and takes those of what was removed, and keeps companions
// in the layers of their owners.
func (k *core) placeSprites() {
	w := k.world
	if !k.gameRow.placed {
		k.gameRow.placed = true
		k.shared.Add(wire.ClassGame, 0, &k.gameRow)
	}
	gone := false
	for _, s := range w.sprites {
		if s.gone {
			gone = true
			if s.wired {
				k.shared.Remove(s.slot)
			}
			k.placeOwned(s, 0)
			continue
		}
		if !s.wired {
			s.wired = true
			s.slot = k.shared.Add(s.source.class.number, uint32(s.id), s.source)
		}
		if s.source.class.plan.HasOwner() {
			k.placeOwned(s, ClientID(s.source.class.plan.Owner(s.source.obj)))
		}
	}
	if gone {
		w.sprites = slices.DeleteFunc(w.sprites, func(s *spriteEntry) bool { return s.gone })
	}
	for _, c := range k.stale {
		c.priv.stale = false
		c.priv.me.list(w, c.id)
		k.stir(c)
	}
}

// placeOwned makes owner the owner of s: in both clients' own lists, and its companion moves over.
func (k *core) placeOwned(s *spriteEntry, owner ClientID) {
	if owner != 0 && k.client(owner) == nil {
		owner = 0 // it has left
	}
	if s.owner == owner {
		return
	}
	companion := s.source.class.companion
	if c := k.client(s.owner); c != nil {
		k.outdate(c)
		if companion != 0 {
			c.priv.layer.Remove(s.own)
			k.keepSecrets(c, -1)
		}
	}
	if c := k.client(owner); c != nil {
		k.outdate(c)
		if companion != 0 {
			s.own = c.priv.layer.Add(companion, 0, &companionSource{s.source, uint32(s.id)})
			k.keepSecrets(c, 1)
		}
	}
	s.owner = owner
}

// keepSecrets counts the companions in the private layer of c, which is read in each frame while it has any.
func (k *core) keepSecrets(c *Client, by int) {
	if c.priv.companions == 0 {
		k.secret = append(k.secret, c)
	}
	if c.priv.companions += by; c.priv.companions == 0 {
		k.secret = slices.DeleteFunc(k.secret, func(o *Client) bool { return o == c })
	}
}
