package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

const (
	keptWorking = "working/" // prefix of the keys of signs that we put on messages
	keptPin     = "pin/"     // prefix of the keys of what we pinned, by room
	workingSign = "⏳"
	workingLong = 24 * time.Hour // after which a sign that nothing answered is forgotten
)

// sign is our sign on a message whose answer takes long.
type sign struct {
	Room  id.RoomID  `json:"room"`
	Event id.EventID `json:"event"` // the reaction
	At    int64      `json:"at"`    // ms since 1970
}

// readSigns takes up the signs of an earlier run, and gives the keys of those that
// are too old to matter.
func (m *mouth) readSigns(kept map[string]string) (old map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old = map[string]string{}
	for key, value := range kept {
		message, ok := strings.CutPrefix(key, keptWorking)
		if !ok {
			continue
		}
		var x sign
		if json.Unmarshal([]byte(value), &x) != nil || time.Since(time.UnixMilli(x.At)) > workingLong {
			old[key] = ""
			continue
		}
		m.signs[message] = x
	}
	return old
}

// Working puts a sign on a message that its answer takes long. The answer, which
// is a reply to the message, takes it away.
func (b *Bridge) Working(ctx context.Context, r bridges.Room, message string) error {
	s, leave, err := b.mouth.enter()
	if err != nil {
		return err
	}
	defer leave()
	m := b.mouth
	if message == "" || m.done.has(message) || m.signed(message) {
		return nil
	}
	room, err := b.rooms.find(ctx, r)
	if err != nil || m.shown(room) >= signsMost {
		return err
	}
	evt, err := s.put(ctx, room, event.EventReaction, txn(keptWorking+message), &event.ReactionEventContent{
		RelatesTo: *(&event.RelatesTo{}).SetAnnotation(id.EventID(message), workingSign),
	})
	if err != nil {
		return fmt.Errorf("matrix: a sign: %w", err)
	}
	x := sign{Room: room, Event: evt, At: time.Now().UnixMilli()}
	data, err := json.Marshal(x)
	if err == nil {
		err = b.keep(ctx, keptWorking+message, string(data))
	}
	if err != nil {
		b.cfg.Log.Warn("matrix: a sign could not be noted", "why", err)
	}
	m.mu.Lock()
	m.signs[message] = x
	m.mu.Unlock()
	if m.done.has(message) { // the answer was faster
		m.unsign(message)
	}
	return nil
}

// signsMost is how many signs a room shows at most: more of them tell nothing more,
// and are more to do for a homeserver that has too much to do.
const signsMost = 3

// shown counts our signs in a room.
func (m *mouth) shown(room id.RoomID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, x := range m.signs {
		if x.Room == room {
			n++
		}
	}
	return n
}

func (m *mouth) signed(message string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.signs[message]
	return ok
}

// unsign takes our sign away from a message. Nobody waits for it.
func (m *mouth) unsign(message string) {
	m.mu.Lock()
	x, ok := m.signs[message]
	delete(m.signs, message)
	m.mu.Unlock()
	if !ok {
		return
	}
	m.later(func(ctx context.Context, s *session) {
		for try := range 3 {
			within, cancel := s.within(ctx)
			_, err := s.cli.RedactEvent(within, x.Room, x.Event, mautrix.ReqRedact{TxnID: txn("done/" + message)})
			cancel()
			code, _ := status(err)
			if err == nil || code == http.StatusForbidden || code == http.StatusNotFound {
				break
			}
			m.b.cfg.Log.Debug("matrix: a sign could not be taken away", "event", x.Event, "why", plainError(err))
			if !sleep(ctx, time.Duration(1<<try)*time.Second) {
				return // the next start forgets it after a day
			}
		}
		if err := m.b.keep(ctx, keptWorking+message, ""); err != nil {
			m.b.cfg.Log.Warn("matrix: a sign could not be noted", "why", err)
		}
	})
}

// said does what belongs to something that has arrived: its file need not be
// remembered, it is pinned when it has to be, and the sign on what it answers goes.
func (m *mouth) said(ctx context.Context, s *session, o bridges.Outgoing, evt id.EventID) {
	if o.ReplyTo != "" {
		m.done.add(o.ReplyTo)
		m.unsign(o.ReplyTo)
	}
	if o.File != nil || len(o.Text) > contentMost/8 {
		if up, err := m.b.uploaded(ctx, txn(o.Key)); err == nil && up != nil {
			if err := m.b.keep(ctx, keptFile+txn(o.Key), ""); err != nil {
				m.b.cfg.Log.Warn("matrix: an upload could not be forgotten", "why", err)
			}
		}
	}
	if !o.Pin {
		return
	}
	if o.Edit != "" {
		evt = id.EventID(o.Edit)
	}
	if err := m.pin(ctx, s, o.Room, evt); err != nil {
		m.b.cfg.Log.Warn("matrix: nothing could be pinned", "room", o.Room.ID, "why", err)
		if code, _ := status(err); code == http.StatusForbidden {
			m.b.event(ctx, bridges.Event{
				Kind: bridges.Trouble, Room: o.Room,
				Told: "I may not pin a message in " + o.Room.ID + ": give me the power to (50).",
			})
		}
	}
}

// pin pins an event in place of what we pinned in that room before. What others
// pinned stays.
func (m *mouth) pin(ctx context.Context, s *session, r bridges.Room, evt id.EventID) error {
	room, err := m.b.rooms.find(ctx, r)
	if err != nil {
		return err
	}
	in := m.b.inbox()
	if in == nil {
		return errClosed
	}
	kept, err := in.Kept(ctx, m.b.cfg.Name, keptPin+string(room))
	if err != nil {
		return err
	}
	old := id.EventID(kept[keptPin+string(room)])
	within, cancel := s.within(ctx)
	defer cancel()
	var pinned struct {
		Pinned []id.EventID `json:"pinned"`
	}
	url := s.cli.BuildClientURL("v3", "rooms", room, "state", event.StatePinnedEvents.Type, "")
	if _, err := s.cli.MakeRequest(within, http.MethodGet, url, nil, &pinned); err != nil {
		if code, _ := status(err); code != http.StatusNotFound {
			return err
		}
	}
	now := slices.DeleteFunc(slices.Clone(pinned.Pinned), func(x id.EventID) bool { return x == old || x == evt })
	now = append(now, evt)
	if !slices.Equal(now, pinned.Pinned) {
		pinned.Pinned = now
		if _, err := s.cli.MakeRequest(within, http.MethodPut, url, &pinned, nil); err != nil {
			return err
		}
	}
	if old == evt {
		return nil
	}
	return m.b.keep(ctx, keptPin+string(room), string(evt))
}
