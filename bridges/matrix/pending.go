package matrix

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// keptPending is the prefix of the keys of messages that wait for their key.
const keptPending = "pending/"

const (
	pendingMost = 200
	pendingLong = time.Hour // how long a message waits for its key
)

// waiting is a message that cannot be read yet.
type waiting struct {
	Event *event.Event `json:"event"`
	Room  id.RoomID    `json:"room"`
	At    int64        `json:"at"` // ms since 1970, when it came
	Told  bool         `json:"told,omitempty"`

	session id.SessionID
	ask     time.Time // when its key is asked for; zero when that was done
	tell    time.Time // when the room is told
}

// pending are the messages that wait for their keys, oldest first. They are on
// disk too, so that the sync can go on.
type pending struct {
	h    *hearing
	wake chan struct{}

	mu   sync.Mutex
	list []*waiting
	bad  map[string]string // what was kept and cannot be read, to be taken away
}

// newPending takes up what was kept. The keys may have come with what is in the
// store, so each is tried at once.
func newPending(h *hearing, kept map[string]string) *pending {
	p := &pending{h: h, wake: make(chan struct{}, 1), bad: map[string]string{}}
	now := time.Now()
	for key, value := range kept {
		if !strings.HasPrefix(key, keptPending) {
			continue
		}
		w := &waiting{}
		if json.Unmarshal([]byte(value), w) != nil || !w.parse() || h.deaf(w.Event) {
			p.bad[key] = ""
			continue
		}
		w.session = w.Event.Content.AsEncrypted().SessionID
		w.ask, w.tell = now.Add(h.s.cfg.Tuning.KeyAsk), now.Add(h.s.cfg.Tuning.KeyWait)
		p.list = append(p.list, w)
	}
	slices.SortFunc(p.list, func(a, b *waiting) int { return int(a.At - b.At) })
	return p
}

// parse readies what was kept.
func (w *waiting) parse() bool {
	if w.Event == nil || w.Event.Type.Type != event.EventEncrypted.Type {
		return false
	}
	w.Event.RoomID, w.Event.Type.Class = w.Room, event.MessageEventType
	return w.Event.Content.ParseRaw(w.Event.Type) == nil
}

// retry tries again all that wait; it is called once the rooms are known.
func (p *pending) retry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.list {
		p.h.queues.add(w.Room, func(ctx context.Context) { p.again(ctx, w) })
	}
	ring(p.wake)
}

// arrived is called by the crypto machine when a key came.
func (p *pending) arrived(_ context.Context, room id.RoomID, session id.SessionID, _ uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.list {
		if w.session == session && w.Room == room {
			p.h.queues.add(room, func(ctx context.Context) { p.again(ctx, w) })
		}
	}
}

// again tries one once more.
func (p *pending) again(ctx context.Context, w *waiting) {
	if !p.has(w) {
		return
	}
	room, ok := p.room(ctx, w.Room)
	if !ok {
		return // we may come back there; if not, it is given up in its time
	}
	plain, err := p.h.read(ctx, w.Event)
	if ctx.Err() != nil || err != nil && later(err) || err == nil && !p.h.hand(ctx, room, plain) {
		return
	}
	p.drop(w.Event.ID)
}

// room names a room. One that is not configured may not be known yet after a
// start.
func (p *pending) room(ctx context.Context, room id.RoomID) (bridges.Room, bool) {
	if r, ok := p.h.b.rooms.named(room); ok {
		return r, true
	}
	if _, err := p.h.b.rooms.find(ctx, bridges.Room{Network: p.h.s.cfg.Name, ID: string(room)}); err != nil {
		return bridges.Room{}, false
	}
	return p.h.b.rooms.named(room)
}

func (p *pending) has(w *waiting) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.list, w)
}

// later says whether a failure to decrypt may pass: the key is missing, or the
// part of it that this message needs.
func later(err error) bool {
	return errors.Is(err, crypto.ErrNoSessionFound) || errors.Is(err, crypto.ErrGroupSessionWithheld) ||
		errors.Is(err, olm.ErrUnknownMessageIndex)
}

// unread deals with an event that cannot be read. False is that ctx ended.
func (h *hearing) unread(ctx context.Context, room bridges.Room, evt *event.Event, err error) bool {
	var broke *panicked
	switch {
	case errors.Is(err, errEmpty), errors.Is(err, errUnparsed), evt.Type != event.EventEncrypted:
		h.log.Debug("matrix: passed over", "event", evt.ID, "why", err)
		return true
	case later(err), errors.As(err, &broke):
		if broke != nil {
			h.log.Error("matrix: decrypting a message failed, again later", "event", evt.ID, "where", where(err))
		}
		content := evt.Content.AsEncrypted()
		if target := content.RelatesTo.GetReplaceID(); target != "" {
			return true // an edit is never obeyed, whatever it says
		}
		h.log.Info("matrix: no key for a message yet", "event", evt.ID, "session", content.SessionID)
		return h.pending.add(ctx, evt)
	}
	// It will never be readable: damaged, repeated, or meant for another room.
	if !repeated(err) {
		h.unreadable(ctx, room, evt)
	}
	h.log.Warn("matrix: not readable", "event", evt.ID, "why", why(err))
	return true
}

// repeated says whether a message is another's ciphertext over again, or one for
// another room: nobody wrote that here, and nobody is told.
func repeated(err error) bool {
	return errors.Is(err, crypto.ErrDuplicateMessageIndex) || errors.Is(err, crypto.ErrWrongRoom)
}

// why is an error of decrypting, cut to what is not from the message.
func why(err error) string {
	for _, known := range []error{
		crypto.ErrDuplicateMessageIndex, crypto.ErrWrongRoom, crypto.ErrCorruptedMegolmPayload,
		crypto.ErrUnsupportedAlgorithm,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	var p *panicked
	if errors.As(err, &p) {
		return p.Error()
	}
	return "it cannot be decrypted"
}

// unreadable tells the bot that a message cannot be read.
func (h *hearing) unreadable(ctx context.Context, room bridges.Room, evt *event.Event) {
	sum := sha256.Sum256([]byte(string(evt.Sender) + "\n" + string(evt.Content.AsEncrypted().SessionID)))
	h.b.event(ctx, bridges.Event{
		Kind: bridges.Unreadable, Room: room, Who: h.who(evt.Sender), Message: string(evt.ID), Once: hex.EncodeToString(sum[:16]),
	})
}

// add puts a message aside until its key comes. False is that ctx ended before it
// was safe.
func (p *pending) add(ctx context.Context, evt *event.Event) bool {
	now := time.Now()
	t := &p.h.s.cfg.Tuning
	w := &waiting{
		Event: evt, Room: evt.RoomID, At: now.UnixMilli(), session: evt.Content.AsEncrypted().SessionID,
		ask: now.Add(t.KeyAsk), tell: now.Add(t.KeyWait),
	}
	for wait := 200 * time.Millisecond; p.save(ctx, w) != nil; wait = min(2*wait, 30*time.Second) {
		if !sleep(ctx, wait) {
			return false
		}
	}
	p.mu.Lock()
	if !slices.ContainsFunc(p.list, func(o *waiting) bool { return o.Event.ID == evt.ID }) {
		p.list = append(p.list, w)
	}
	var oldest id.EventID
	if len(p.list) > pendingMost {
		oldest = p.list[0].Event.ID
	}
	p.mu.Unlock()
	if oldest != "" {
		p.h.log.Warn("matrix: too many messages wait for keys, the oldest is given up", "event", oldest)
		p.drop(oldest)
	}
	ring(p.wake)
	p.again(ctx, w) // the key may have come in between
	return true
}

// save keeps a message on disk.
func (p *pending) save(ctx context.Context, w *waiting) error {
	data, err := json.Marshal(&waiting{Event: bare(w.Event), Room: w.Room, At: w.At, Told: w.Told})
	if err == nil {
		err = p.h.in.Keep(ctx, p.h.s.cfg.Name, map[string]string{keptPending + string(w.Event.ID): string(data)})
	}
	if err != nil {
		p.h.log.Warn("matrix: a message that waits for its key could not be kept", "event", w.Event.ID, "why", err)
	}
	return err
}

// bare is an event as it came: encrypted, with what is in clear beside it.
func bare(evt *event.Event) *event.Event {
	return &event.Event{
		Sender: evt.Sender, Type: evt.Type, Timestamp: evt.Timestamp, ID: evt.ID,
		Content: event.Content{VeryRaw: evt.Content.VeryRaw},
	}
}

// drop takes a message off the list and off the disk.
func (p *pending) drop(evt id.EventID) {
	p.mu.Lock()
	n := len(p.list)
	p.list = slices.DeleteFunc(p.list, func(w *waiting) bool { return w.Event.ID == evt })
	gone := len(p.list) < n
	p.mu.Unlock()
	if !gone {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := p.h.in.Keep(ctx, p.h.s.cfg.Name, map[string]string{keptPending + string(evt): ""}); err != nil {
		p.h.log.Warn("matrix: a message that waited could not be taken off", "event", evt, "why", err)
	}
}

// run asks for keys, tells rooms, and gives up, each when it is time.
func (p *pending) run(ctx context.Context) {
	if len(p.bad) > 0 {
		_ = p.h.in.Keep(ctx, p.h.s.cfg.Name, p.bad)
	}
	for {
		next := p.due(ctx)
		var after <-chan time.Time
		var timer *time.Timer
		if !next.IsZero() {
			timer = time.NewTimer(time.Until(next))
			after = timer.C
		}
		select {
		case <-p.wake:
		case <-after:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// due does what is due and says when it wants to be called again.
func (p *pending) due(ctx context.Context) time.Time {
	now, next := time.Now(), time.Time{}
	soon := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	var ask, tell []*waiting
	var over []id.EventID
	p.mu.Lock()
	for _, w := range p.list {
		end := time.UnixMilli(w.At).Add(pendingLong)
		switch {
		case !end.After(now):
			over = append(over, w.Event.ID)
			continue
		case w.ask.IsZero():
		case !w.ask.After(now):
			w.ask = time.Time{}
			ask = append(ask, w)
		default:
			soon(w.ask)
		}
		switch {
		case w.Told:
		case !w.tell.After(now):
			w.Told = true
			tell = append(tell, w)
		default:
			soon(w.tell)
		}
		soon(end)
	}
	p.mu.Unlock()
	p.ask(ctx, ask)
	for _, w := range tell {
		if room, ok := p.h.b.rooms.named(w.Room); ok && p.has(w) {
			p.h.unreadable(ctx, room, w.Event)
			_ = p.save(ctx, w)
		}
	}
	for _, evt := range over {
		p.h.log.Info("matrix: no key came for a message, it is given up", "event", evt)
		p.drop(evt)
	}
	return next
}

// ask asks for keys: the sender's devices, and our own other ones. Each session is
// asked for once.
func (p *pending) ask(ctx context.Context, ask []*waiting) {
	asked := map[id.SessionID]bool{}
	for _, w := range ask {
		if asked[w.session] || !p.has(w) {
			continue
		}
		asked[w.session] = true
		within, cancel := p.h.s.within(ctx)
		err := p.h.s.mach.SendRoomKeyRequest(within, w.Room, w.Event.Content.AsEncrypted().SenderKey, w.session, "",
			map[id.UserID][]id.DeviceID{w.Event.Sender: {"*"}, p.h.s.cli.UserID: {"*"}})
		if err != nil {
			p.h.log.Warn("matrix: a key could not be asked for", "session", w.session, "why", plainError(err))
		}
		cancel()
	}
}
