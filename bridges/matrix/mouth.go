package matrix

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// mouth speaks for the bridge.
type mouth struct {
	b *Bridge

	mu      sync.Mutex
	s       *session // nil when nothing can be said
	h       *hearing
	life    context.Context // of the session
	opened  time.Time
	at      sync.WaitGroup          // who is speaking
	throats map[id.RoomID]*throat   // what was said where
	stale   map[id.UserID]time.Time // whose devices are not known for sure, and when to ask for them
	epoch   int                     // counts changes of people's devices
	calls   map[string]*call        // by Outgoing.Key
	unsure  map[string]time.Time    // by transaction: tries whose outcome is not known
	signs   map[string]sign         // by message: that we work on its answer
	done    *recent                 // messages that were answered
	gone    bool                    // the homeserver does not answer
	back    time.Time               // when it last answered again
}

// throat is a room to speak in.
type throat struct {
	room  id.RoomID
	turn  chan struct{} // holds something while somebody speaks: one at a time, in their order
	share *share        // guarded by the mouth's lock
}

// call is something that is being said.
type call struct {
	done    chan struct{}
	receipt bridges.Receipt
	err     error
}

func newMouth(b *Bridge) *mouth {
	return &mouth{
		b: b, stale: map[id.UserID]time.Time{}, calls: map[string]*call{}, unsure: map[string]time.Time{},
		signs: map[string]sign{}, done: newRecent(512), throats: map[id.RoomID]*throat{},
	}
}

// open lets the mouth speak with a session. Whom old keys were given to is not
// known any more: each room gets a new one.
func (m *mouth) open(ctx context.Context, s *session, h *hearing) error {
	stale, err := s.mach.CryptoStore.(tracker).GetOutdatedTrackedUsers(ctx)
	if err != nil {
		return fmt.Errorf("reading whose devices are outdated: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.throats {
		t.share = nil
	}
	for _, user := range stale {
		m.stale[user] = time.Time{}
	}
	m.s, m.h, m.life, m.opened = s, h, ctx, time.Now()
	return nil
}

// forget takes signs that are too old off what is kept.
func (m *mouth) forget(old map[string]string) {
	if len(old) == 0 {
		return
	}
	m.later(func(ctx context.Context, _ *session) {
		if in := m.b.inbox(); in != nil {
			_ = in.Keep(ctx, m.b.cfg.Name, old)
		}
	})
}

// close waits until nobody speaks any more; the session's life has ended.
func (m *mouth) close() {
	m.mu.Lock()
	m.s = nil
	m.mu.Unlock()
	m.at.Wait()
}

// enter gives the session to speak with, until leave is called.
func (m *mouth) enter() (s *session, leave func(), err error) {
	if _, err := m.b.session(); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.s == nil {
		return nil, nil, fmt.Errorf("%w: %s is not up", bridges.ErrNotSent, m.b.cfg.Name)
	}
	m.at.Add(1)
	return m.s, m.at.Done, nil
}

// later does something that nobody waits for while the session lives; false when
// it has ended.
func (m *mouth) later(do func(ctx context.Context, s *session)) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.s == nil {
		return false
	}
	ctx, s := m.life, m.s
	m.at.Go(func() { do(ctx, s) })
	return true
}

func (m *mouth) ladder() *ladder {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.h.ladder
}

// joined ends ctx with the session too.
func (m *mouth) joined(ctx context.Context) (context.Context, context.CancelFunc) {
	m.mu.Lock()
	life := m.life
	m.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(life, cancel)
	return ctx, func() { stop(); cancel() }
}

// throat gives a room to speak in.
func (m *mouth) throat(room id.RoomID) *throat {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.throats[room]
	if t == nil {
		t = &throat{room: room, turn: make(chan struct{}, 1)}
		m.throats[room] = t
	}
	return t
}

// claim makes the caller the one who says a key, or gives the try that is still
// under way: two at the same time would both be taken.
func (m *mouth) claim(key string) (c *call, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.calls[key]; c != nil {
		return c, false
	}
	c = &call{done: make(chan struct{})}
	m.calls[key] = c
	return c, true
}

// end is the end of a try.
func (m *mouth) end(key string, c *call, evt id.EventID, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := txn(key)
	_, doubtful := m.unsure[tx]
	sure := errors.Is(err, bridges.ErrNotSent) || errors.Is(err, bridges.ErrRefused)
	switch {
	case err == nil:
		delete(m.unsure, tx)
	case sure && doubtful: // of this try, but not of the one before
		err = fmt.Errorf("an earlier try may have arrived: %v", err)
	case !sure:
		if len(m.unsure) >= unsureMost { // as good as forgotten: Find waits a second less
			clear(m.unsure)
		}
		m.unsure[tx] = time.Now()
	}
	c.receipt, c.err = bridges.Receipt{ID: string(evt)}, err
	delete(m.calls, key)
	close(c.done)
}

// unsureMost is how many tries of unknown outcome are remembered.
const unsureMost = 1000

// quiet waits until nobody is saying a key.
func (m *mouth) quiet(ctx context.Context, key string) error {
	for {
		m.mu.Lock()
		c := m.calls[key]
		m.mu.Unlock()
		if c == nil {
			return nil
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// doubtful says whether a try of a transaction had an unknown outcome, and when.
func (m *mouth) doubtful(tx string) (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.unsure[tx]
	return at, ok
}

// tried is when a transaction may last have been tried.
func (m *mouth) tried(tx string) time.Time {
	if at, ok := m.doubtful(tx); ok {
		return at
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.opened
}

// clear forgets that the outcome of a transaction is not known.
func (m *mouth) clear(tx string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unsure, tx)
}
