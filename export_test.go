package httpmp

// Core is a match without a shell, for tests.
type Core struct{ core *core }

// NewCore returns a match of g without a shell.
func NewCore(g Game, fps, maxClients int, seed uint64) (*Core, error) {
	k, err := newCore(g, fps, maxClients, seed)
	return &Core{k}, err
}

// FrameInput is all that drives one frame.
type FrameInput struct {
	Leaves []ClientID
	Joins  []string
	Blurs  []ClientID
	Events map[ClientID][]ClientEvent
}

// Frame makes one frame.
func (c *Core) Frame(in FrameInput) error {
	f := &frameInput{leaves: in.Leaves, blurs: in.Blurs}
	for _, name := range in.Joins {
		f.joins = append(f.joins, &joinInput{name: name, in: &InChannel{}})
	}
	for id := ClientID(1); id <= c.core.world.lastClient; id++ {
		var due []queuedEvent
		for _, ev := range in.Events[id] {
			due = append(due, queuedEvent{ClientEvent: ev})
		}
		if due != nil {
			f.events = append(f.events, clientEvents{id, due})
		}
	}
	if err := c.core.advance(f); err != nil {
		return err
	}
	return c.core.encode()
}

// Blocks returns the bytes of the newest frame: of everybody's layer, and of each client's own.
func (c *Core) Blocks() (shared []byte, private map[ClientID][]byte) {
	n := c.core.frame()
	private = map[ClientID][]byte{}
	for _, k := range c.core.world.clients {
		private[k.id] = k.priv.layer.Delta(n)
	}
	return c.core.shared.Delta(n), private
}

// Load, Verify and Save are those of the Engine; Save also returns the hash.
func (c *Core) Load(p []byte) error { return c.core.load(p) }
func (c *Core) Verify() error       { return c.core.verify() }
func (c *Core) Save() ([]byte, uint64, error) {
	return c.core.save()
}

// Sessions returns how many tokens e keeps, how many clients have an out open, and how many joins it remembers
// for a repeated nonce.
func (e *Engine) Sessions() (tokens, open, nonces int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.order {
		if s.out != nil {
			open++
		}
	}
	return len(e.tokens), open, len(e.nonces)
}

// Fold folds events into s as one frame does.
func (s *FrameState) Fold(blur bool, events ...ClientEvent) {
	s.begin()
	if blur {
		s.blur()
	}
	for _, ev := range events {
		s.fold(ev)
	}
	s.finish()
}

// Malformed returns how many events Events has skipped in the frame.
func (s *FrameState) Malformed() int { return s.malformed }
