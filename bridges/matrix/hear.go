package matrix

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// How often a message that makes the bot panic is tried before it is given up.
const panicsMost = 3

// hear deals with one event: it is handed on, put aside until it can be read, or
// it was nobody's business. False is that ctx ended first.
func (h *hearing) hear(ctx context.Context, evt *event.Event) bool {
	h.b.step("hear")
	room, ok := h.b.rooms.named(evt.RoomID)
	if !ok {
		h.log.Debug("matrix: said in a room that is not ours any more", "event", evt.ID)
		return true
	}
	was := evt
	plain, err := h.read(ctx, evt)
	if ctx.Err() != nil {
		return false
	}
	if err != nil && h.deaf(was) {
		h.log.Debug("matrix: said before the restore", "event", evt.ID)
		return true
	}
	if err != nil {
		return h.unread(ctx, room, was, err)
	}
	return h.hand(ctx, room, plain)
}

// deaf says whether something was said before the bot was restored from a backup. It is
// not obeyed, but for what the bot itself makes of it, so its key is not asked for.
func (h *hearing) deaf(evt *event.Event) bool {
	return time.UnixMilli(evt.Timestamp).Before(h.deafUntil)
}

// hand gives what was said or done to the bot, until it is safe there.
func (h *hearing) hand(ctx context.Context, room bridges.Room, evt *event.Event) bool {
	var give func() error
	if m, ok := h.message(room, evt); ok {
		give = func() error { return h.in.Message(ctx, m) }
	} else if t, ok := h.touch(room, evt); ok {
		give = func() error { return h.in.Touch(ctx, t) }
	} else {
		return true
	}
	wait, panics := 200*time.Millisecond, 0
	for {
		h.b.step("hand")
		var err error
		if p := guarded("the bot", func() { err = give() }); p != nil {
			err = p
			if panics++; panics == panicsMost {
				h.log.Error("matrix: given up", "event", evt.ID, "why", err, "where", where(p))
				return true
			}
		}
		if err == nil {
			h.b.step("handed")
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		h.log.Warn("matrix: not dealt with, again later", "event", evt.ID, "why", err)
		if !sleep(ctx, wait) {
			return false
		}
		wait = min(2*wait, 30*time.Second)
	}
}

// where is the stack of a panic.
func where(err error) string {
	var p *panicked
	if errors.As(err, &p) {
		return string(p.stack)
	}
	return ""
}

// errEmpty is an event without anything in it: it was taken back.
var errEmpty = errors.New("it was taken back")

// read parses an event and decrypts it when it is encrypted.
func (h *hearing) read(ctx context.Context, evt *event.Event) (plain *event.Event, err error) {
	if p := guarded("decrypting", func() {
		if evt.Unsigned.RedactedBecause != nil || len(evt.Content.Raw) == 0 && evt.Type != event.EventRedaction {
			err = errEmpty
			return
		}
		if e := evt.Content.ParseRaw(evt.Type); e != nil && !errors.Is(e, event.ErrContentAlreadyParsed) {
			err = errUnparsed
			return
		}
		if plain = evt; evt.Type == event.EventEncrypted {
			plain, err = h.decrypt(ctx, evt)
		}
	}); p != nil {
		return nil, p
	}
	return plain, err
}

// decrypt decrypts an event and finds out whose device it came from. Devices that
// are not known, or not for sure, are fetched first.
func (h *hearing) decrypt(ctx context.Context, evt *event.Event) (*event.Event, error) {
	if h.b.mouth.uncertain(evt.Sender) || h.s.unsettled(evt.Sender) {
		h.acquaint(ctx, evt)
	}
	plain, err := h.decryptNow(ctx, evt)
	if err != nil || plain.Mautrix.TrustSource != nil || plain.Mautrix.ForwardedKeys {
		return plain, err
	}
	session := string(evt.Sender) + " " + string(evt.Content.AsEncrypted().SessionID)
	if h.unknown.has(session) {
		return plain, nil
	}
	if h.acquaint(ctx, evt) {
		h.unknown.add(session) // if it is unknown now, it will stay so
	}
	return h.decryptNow(ctx, evt)
}

func (h *hearing) decryptNow(ctx context.Context, evt *event.Event) (*event.Event, error) {
	h.s.devices.RLock()
	defer h.s.devices.RUnlock()
	c, ok := evt.Content.Parsed.(*event.EncryptedEventContent)
	if !ok || c.RelatesTo == nil {
		return h.s.mach.DecryptMegolmEvent(ctx, evt)
	}
	// What stands beside the ciphertext is not mixed into what stands in it.
	bare, inside := *evt, *c
	inside.RelatesTo = nil
	bare.Content.Parsed = &inside
	plain, err := h.s.mach.DecryptMegolmEvent(ctx, &bare)
	if err != nil {
		return plain, err
	}
	if r, ok := plain.Content.Parsed.(event.Relatable); ok && r.OptionalGetRelatesTo() == nil {
		r.SetRelatesTo(c.RelatesTo)
	}
	return plain, nil
}

// loose says whether what an event relates to stands beside its ciphertext only,
// where the homeserver could have put it.
func loose(evt *event.Event) bool {
	if !evt.Mautrix.WasEncrypted {
		return false
	}
	if r, ok := evt.Content.Parsed.(event.Relatable); !ok || r.OptionalGetRelatesTo() == nil {
		return false
	}
	v, ok := pick(evt.Content.VeryRaw, "m.relates_to")
	return !ok || empty(v[0])
}

// acquaintAgain is how long after a failure no more devices are asked for on behalf
// of what was heard: each message would wait for them.
const acquaintAgain = 20 * time.Second

// acquaint fetches a sender's devices, with a few tries.
func (h *hearing) acquaint(ctx context.Context, evt *event.Event) bool {
	if time.Since(time.Unix(0, h.unacquainted.Load())) < acquaintAgain {
		return false
	}
	for try := range 3 {
		within, cancel := h.s.within(ctx)
		got, err := h.s.fetchKeys(within, []id.UserID{evt.Sender}, true)
		cancel()
		if err == nil {
			h.b.mouth.fetched([]id.UserID{evt.Sender}, got)
			return true
		}
		h.log.Warn("matrix: a sender's devices could not be fetched", "event", evt.ID, "why", plainError(err))
		if !sleep(ctx, time.Duration(1<<try)*time.Second) {
			return false
		}
	}
	h.unacquainted.Store(time.Now().UnixNano())
	return false
}

// errUnparsed is an event whose content is not what its type promises.
var errUnparsed = errors.New("it is malformed")

// message makes a message of what somebody wrote; false when it is not a text of
// theirs, or a file that is wanted by its name.
func (h *hearing) message(room bridges.Room, evt *event.Event) (bridges.Message, bool) {
	content, ok := evt.Content.Parsed.(*event.MessageEventContent)
	if !ok || evt.Type.Type != event.EventMessage.Type || content.RelatesTo.GetReplaceID() != "" {
		return bridges.Message{}, false
	}
	text, file := content.Body, (*bridges.Upload)(nil)
	switch content.MsgType {
	case event.MsgText:
	case event.MsgFile:
		if text, file = h.upload(evt, content); file == nil {
			return bridges.Message{}, false
		}
	default:
		return bridges.Message{}, false
	}
	if content.RelatesTo.GetReplyTo() != "" && !loose(evt) { // else the homeserver could have cut off a line's beginning
		text = event.TrimReplyFallbackText(text)
	}
	return bridges.Message{
		ID: string(evt.ID), Room: room, From: h.who(evt.Sender), Name: callName(evt.Sender), Text: text,
		Thread: string(content.RelatesTo.GetThreadParent()), About: string(content.RelatesTo.GetNonFallbackReplyTo()),
		Loose: loose(evt), Doubt: h.doubt(evt), At: time.UnixMilli(evt.Timestamp).UTC(),
		Upload: file,
	}, true
}

func (h *hearing) who(user id.UserID) bridges.Account {
	return bridges.Account{Network: h.s.cfg.Name, ID: string(user)}
}

// callName is what to call somebody: the first part of the account, which nobody
// else on that homeserver has, and no display name, which anybody may have.
func callName(user id.UserID) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(string(user), "@"), ":")
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
}

// doubt is why an event may not be from who it seems to be from. In a room that
// was ever encrypted the homeserver could have made up what is not, and it could
// have added a device that its owner knows nothing of.
func (h *hearing) doubt(evt *event.Event) bridges.Doubt {
	if !evt.Mautrix.WasEncrypted {
		if h.b.rooms.open(evt.RoomID) {
			return bridges.Open
		}
		return bridges.Plain
	}
	device := evt.Mautrix.TrustSource
	if device == nil || device.Deleted || device.UserID != evt.Sender {
		return bridges.Unsigned
	}
	trust := evt.Mautrix.TrustState
	if trust >= id.TrustStateCrossSignedTOFU {
		return bridges.NoDoubt
	}
	// What may be allowed is a device without a signature. A signature by another
	// identity than the one that was seen first is not that.
	switch {
	case trust == id.TrustStateCrossSignedUntrusted:
		return bridges.Replaced
	case h.s.cfg.ObeyUnsigned && trust == id.TrustStateUnset:
		return bridges.NoDoubt
	}
	return bridges.Unsigned
}

// touch makes a touch of what somebody did to a message.
func (h *hearing) touch(room bridges.Room, evt *event.Event) (bridges.Touch, bool) {
	t := bridges.Touch{ID: string(evt.ID), Room: room, From: h.who(evt.Sender), At: time.UnixMilli(evt.Timestamp).UTC()}
	switch content := evt.Content.Parsed.(type) {
	case *event.RedactionEventContent:
		t.Kind, t.Target = bridges.Redacted, string(redacted(evt))
	case *event.ReactionEventContent:
		t.Kind, t.Target, t.Sign = bridges.Reacted, string(content.RelatesTo.GetAnnotationID()), content.RelatesTo.GetAnnotationKey()
		if t.Sign == "" {
			return t, false
		}
	case event.Relatable:
		// An edit that came plain in an encrypted room may be the homeserver's.
		if evt.Type.Type == event.EventMessage.Type && h.doubt(evt) != bridges.NoDoubt && h.doubt(evt) != bridges.Open {
			return t, false
		}
		t.Kind, t.Target = bridges.Edited, string(content.OptionalGetRelatesTo().GetReplaceID())
	}
	return t, t.Target != ""
}

// redacted is what a redaction takes back: newer rooms say it in the content.
func redacted(evt *event.Event) id.EventID {
	if target, ok := evt.Content.Raw["redacts"].(string); ok && target != "" {
		return id.EventID(target)
	}
	return evt.Redacts
}
