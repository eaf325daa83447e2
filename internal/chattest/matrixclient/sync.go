package matrixclient

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// filter has everything: all members, and long timelines.
const filter = `{"room":{"timeline":{"limit":1000},"ephemeral":{"not_types":["*"]}},"presence":{"not_types":["*"]}}`

// longPoll is short, since the server may miss to wake a request that came at the
// moment of an event; the next one finds it.
const longPoll = 5 * time.Second

// listen syncs until the test ends. The first sync has been worked through when
// it returns.
func (p *Person) listen() {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	first, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p.loop(ctx, first)
	}()
	p.t.Cleanup(func() {
		cancel()
		<-done
		p.mach().Destroy()
	})
	select {
	case <-first:
	case <-done:
		p.t.Fatalf("%s: %v", p.name(), p.syncErr)
	case <-time.After(within):
		p.t.Fatalf("%s: no first sync", p.name())
	}
}

func (p *Person) loop(ctx context.Context, first chan struct{}) {
	since := ""
	for ctx.Err() == nil {
		wait := longPoll
		if since == "" {
			wait = 0
		} else if p.waiting() {
			wait = 200 * time.Millisecond // look often when messages wait for their keys
		}
		res, err := p.cli.FullSyncRequest(ctx, mautrix.ReqSync{Timeout: int(wait.Milliseconds()), Since: since, FilterID: filter})
		if err != nil {
			p.mu.Lock()
			p.syncErr = err
			p.mu.Unlock()
			if errors.Is(err, mautrix.MUnknownToken) {
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		p.take(ctx, res, since)
		if since == "" {
			close(first)
		}
		since = res.NextBatch
	}
}

// take works through one response.
func (p *Person) take(ctx context.Context, res *mautrix.RespSync, since string) {
	p.keys.Lock()
	defer p.keys.Unlock()
	p.mach().ProcessSyncResponse(ctx, res, since)
	p.retry(ctx)
	for room, data := range res.Rooms.Invite {
		for _, evt := range data.State.Events {
			if evt.Type.Type == event.StateMember.Type && evt.GetStateKey() == p.UserID() {
				p.mu.Lock()
				p.invites[room.String()] = evt.Sender.String()
				p.mu.Unlock()
			}
		}
	}
	for room, data := range res.Rooms.Join {
		for _, evt := range data.State.Events {
			p.event(ctx, room, evt)
		}
		for _, evt := range data.Timeline.Events {
			p.event(ctx, room, evt)
		}
	}
	for room, data := range res.Rooms.Leave {
		for _, evt := range data.Timeline.Events {
			p.event(ctx, room, evt)
		}
	}
	p.mu.Lock()
	p.changed()
	p.mu.Unlock()
}

// event takes in one event: state goes to the stores, messages are kept.
func (p *Person) event(ctx context.Context, room id.RoomID, evt *event.Event) {
	evt.RoomID = room
	evt.Type.Class = event.MessageEventType
	if evt.StateKey != nil {
		evt.Type.Class = event.StateEventType
	}
	_ = evt.Content.ParseRaw(evt.Type) // what cannot be parsed is kept raw
	switch {
	case evt.Type == event.StateMember:
		p.mach().HandleMemberEvent(ctx, evt)
		mautrix.UpdateStateStore(ctx, p.cli.StateStore, evt)
	case evt.Type == event.StateHistoryVisibility:
		_ = p.mach().CryptoStore.RemoveOutboundGroupSession(ctx, room) // a new key for the new readers
		mautrix.UpdateStateStore(ctx, p.cli.StateStore, evt)
	case evt.StateKey != nil:
		mautrix.UpdateStateStore(ctx, p.cli.StateStore, evt)
	case evt.Type == event.EventRedaction:
		p.redacted(evt)
	case evt.Unsigned.RedactedBecause != nil:
	case evt.Type == event.EventReaction:
		if rel := evt.Content.AsReaction().RelatesTo; rel.EventID != "" {
			p.mu.Lock()
			p.marks = append(p.marks, mark{Reaction{ID: evt.ID.String(), Sender: evt.Sender.String(), Sign: rel.Key}, rel.EventID.String()})
			p.mu.Unlock()
		}
	case evt.Sender == p.cli.UserID:
	case evt.Type == event.EventMessage:
		p.add(&entry{evt: evt, known: true, heard: p.read(evt, evt)})
	case evt.Type == event.EventEncrypted:
		e := &entry{evt: evt, since: time.Now()}
		p.decrypt(ctx, e)
		p.add(e)
	}
}

func (p *Person) redacted(evt *event.Event) {
	target := evt.Redacts.String()
	if target == "" {
		target, _ = evt.Content.Raw["redacts"].(string)
	}
	p.mu.Lock()
	p.gone[target] = true
	p.mu.Unlock()
}

// entry is a message of somebody else. It is shown once it is known: decrypted,
// or given up.
type entry struct {
	evt       *event.Event
	since     time.Time
	known     bool
	decrypted bool
	heard     Heard
}

func (p *Person) add(e *entry) {
	p.mu.Lock()
	p.heard = append(p.heard, e)
	p.mu.Unlock()
}

// waiting reports whether messages wait for their keys.
func (p *Person) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.heard {
		if !e.known {
			return true
		}
	}
	return false
}

// retry looks at the messages without keys once more.
func (p *Person) retry(ctx context.Context) {
	p.mu.Lock()
	var list []*entry
	for _, e := range p.heard {
		if e.evt.Type == event.EventEncrypted && !e.decrypted {
			list = append(list, e)
		}
	}
	p.mu.Unlock()
	for _, e := range list {
		p.decrypt(ctx, e)
	}
}

// decrypt tries to. Somebody whose key was withheld is given up at once, since
// the notice of that was the last word; else a key may be a moment behind.
func (p *Person) decrypt(ctx context.Context, e *entry) {
	clear, err := p.mach().DecryptMegolmEvent(ctx, e.evt)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		e.known, e.decrypted, e.heard = true, true, p.read(e.evt, clear)
	case time.Since(e.since) > keyPatience || withheld(err):
		e.known, e.heard = true, p.read(e.evt, e.evt)
		e.heard.Undecryptable, e.heard.Why = true, err.Error()
	}
}

// read makes what a test sees of an event.
func (p *Person) read(wire, evt *event.Event) Heard {
	h := Heard{
		ID: wire.ID.String(), Room: wire.RoomID.String(), Sender: wire.Sender.String(), At: time.UnixMilli(wire.Timestamp).UTC(),
		Encrypted: wire.Type == event.EventEncrypted, SenderSigned: evt.Mautrix.WasEncrypted && evt.Mautrix.TrustState >= id.TrustStateCrossSignedTOFU,
		Wire: wire.Content.VeryRaw, Raw: map[string]any{},
	}
	if evt.Mautrix.TrustSource != nil {
		h.Device = evt.Mautrix.TrustSource.DeviceID.String()
	}
	_ = json.Unmarshal(evt.Content.VeryRaw, &h.Raw)
	if evt.Type != event.EventMessage {
		return h
	}
	c := evt.Content.AsMessage()
	if rel := c.RelatesTo; rel != nil {
		h.Thread, h.Edits = rel.GetThreadParent().String(), rel.GetReplaceID().String()
		h.ReplyTo = rel.GetNonFallbackReplyTo().String()
	}
	if c.NewContent != nil && h.Edits != "" {
		c = c.NewContent
	}
	h.Type, h.Text, h.HTML, h.FileName = string(c.MsgType), c.Body, c.FormattedBody, c.FileName
	if c.Mentions != nil {
		h.Mentions = []string{}
		for _, u := range c.Mentions.UserIDs {
			h.Mentions = append(h.Mentions, u.String())
		}
	}
	return h
}
