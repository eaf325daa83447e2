package matrix

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

const (
	// findMost is how many of our own events one look may see.
	findMost = 2000
	// settled is how long after a try, or after our start, a look is worth its word
	// that there is nothing: a homeserver may take a while to show what it took.
	settled = time.Second
)

// Find tells whether a Say of unknown outcome arrived. It looks through what we
// said in the room since before the first try: /sync shows all of it, where paging
// backwards may skip events.
func (b *Bridge) Find(ctx context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	s, leave, err := b.mouth.enter()
	if err != nil {
		return bridges.Receipt{}, unknown(err)
	}
	defer leave()
	key := txn(o.Key)
	if err := b.mouth.quiet(ctx, o.Key); err != nil {
		return bridges.Receipt{}, err
	}
	evt, ok := b.ear.echoes.get(key)
	if !ok {
		room, err := b.rooms.find(ctx, o.Room)
		if err != nil {
			return bridges.Receipt{}, unknown(err)
		}
		if !sleep(ctx, time.Until(b.mouth.tried(key).Add(settled))) {
			return bridges.Receipt{}, ctx.Err()
		}
		token, reaches := b.mouth.ladder().before(o.Since)
		evt, err = b.look(ctx, s, room, token, key)
		if err == nil && evt == "" && b.mouth.interrupted(key) {
			if !b.mouth.belated(ctx, key) {
				return bridges.Receipt{}, unknown(errors.New("the homeserver was away, and has not shown everything yet"))
			}
			evt, err = b.look(ctx, s, room, token, key)
		}
		if err != nil {
			return bridges.Receipt{}, err
		}
		if evt == "" && !reaches {
			return bridges.Receipt{}, fmt.Errorf("it was first tried before the oldest position known: %w", bridges.ErrCantSay)
		}
	}
	if evt == "" {
		b.mouth.clear(key)
		return bridges.Receipt{}, bridges.ErrNoTrace
	}
	b.mouth.said(ctx, s, o, evt)
	return bridges.Receipt{ID: string(evt)}, nil
}

// away notes that the homeserver does not answer.
func (m *mouth) away() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = true
}

// returned notes that the homeserver answers.
func (m *mouth) returned() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		m.gone, m.back = false, time.Now()
	}
}

// interrupted says whether the homeserver was away since a transaction was tried.
// One that died right after it took something has forgotten the transaction, and
// may show what it took only a while after it came back: until then a look that
// finds nothing is not worth its word.
func (m *mouth) interrupted(tx string) bool {
	tried := m.tried(tx)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gone || m.back.After(tried)
}

// belated waits until a transaction comes back in a sync, or the homeserver has been
// back for long enough to have shown it. False is that ctx or the session ended.
func (m *mouth) belated(ctx context.Context, tx string) bool {
	ctx, cancel := m.joined(ctx)
	defer cancel()
	for {
		m.mu.Lock()
		over := !m.gone && time.Since(m.back) > m.b.cfg.Tuning.Late
		m.mu.Unlock()
		if _, came := m.b.ear.echoes.get(tx); came || over {
			return true
		}
		if !sleep(ctx, settled/4) {
			return false
		}
	}
}

// unknown takes from an error what it says about a Say: this was none.
func unknown(err error) error { return fmt.Errorf("looking for it: %v", err) }

// look goes through our own events in a room since a position. "" is that there
// is none with the key.
func (b *Bridge) look(ctx context.Context, s *session, room id.RoomID, token, key string) (id.EventID, error) {
	if token == "" {
		return "", fmt.Errorf("no position is known from before: %w", bridges.ErrCantSay)
	}
	within, cancel := s.within(ctx)
	defer cancel()
	res, err := s.sync(within, mautrix.ReqSync{
		Since: token, FilterID: filter(findMost, room, s.cli.UserID), SetPresence: event.PresenceOffline,
	})
	if err != nil {
		return "", fmt.Errorf("looking for it: %w", plainError(err))
	}
	var line mautrix.SyncTimeline
	if data := res.Rooms.Join[room]; data != nil {
		line = data.Timeline
	} else if data := res.Rooms.Leave[room]; data != nil {
		line = data.Timeline
	}
	for _, evt := range line.Events {
		if evt.Sender == s.cli.UserID && said(evt.Type) && (evt.Unsigned.TransactionID == key || b.marked(ctx, s, room, evt, key)) {
			b.ear.echoes.put(key, evt.ID)
			return evt.ID, nil
		}
	}
	// A room that we came into since is always said to be cut short. There our coming
	// in is the beginning.
	if line.Limited && !joinedIn(line.Events, s.cli.UserID) {
		return "", fmt.Errorf("there is more than one look shows: %w", bridges.ErrCantSay)
	}
	return "", nil
}

// marked says whether an event of ours carries a key inside.
func (b *Bridge) marked(ctx context.Context, s *session, room id.RoomID, evt *event.Event, key string) bool {
	evt.RoomID, evt.Type.Class = room, event.MessageEventType
	found := false
	_ = guarded("finding", func() {
		if evt.Type == event.EventEncrypted {
			if evt.Content.ParseRaw(evt.Type) != nil {
				return
			}
			plain, err := s.mach.DecryptMegolmEvent(ctx, evt)
			if err != nil {
				return
			}
			evt = plain
		}
		found = evt.Content.Raw[keyField] == key
	})
	return found
}
