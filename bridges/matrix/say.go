package matrix

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// Say says it, encrypted for exactly those who were proven, and returns when the
// homeserver has it. The key is the transaction id: however often a try is
// repeated, the homeserver takes it once. One that this bridge knows to have
// arrived is not said again either.
func (b *Bridge) Say(ctx context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	if o.Room.Network != b.cfg.Name || o.Key == "" || o.Text == "" && o.File == nil {
		return bridges.Receipt{}, fmt.Errorf("matrix: no room of %s, no key or no words: %w", b.cfg.Name, bridges.ErrRefused)
	}
	s, leave, err := b.mouth.enter()
	if err != nil {
		return bridges.Receipt{}, err
	}
	defer leave()
	ctx, cancel := b.mouth.joined(ctx)
	defer cancel()
	for {
		c, mine := b.mouth.claim(o.Key)
		if mine {
			b.say(ctx, s, o, c)
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return bridges.Receipt{}, fmt.Errorf("matrix: no answer yet: %w", ctx.Err())
		}
		if mine || c.err == nil {
			if c.err != nil {
				return bridges.Receipt{}, fmt.Errorf("matrix: %w", c.err)
			}
			b.mouth.said(ctx, s, o, id.EventID(c.receipt.ID))
			return c.receipt, nil
		}
	}
}

// say makes one try. It returns with the call ended, or with a request under way
// that ends it.
func (b *Bridge) say(ctx context.Context, s *session, o bridges.Outgoing, c *call) {
	m := b.mouth
	fail := func(err error) {
		if !errors.Is(err, bridges.ErrRefused) && !errors.Is(err, bridges.ErrNotSent) {
			err = fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
		}
		m.end(o.Key, c, "", err)
	}
	// A try of unknown outcome may still be on its way. The sync shows it soon.
	if at, ok := m.doubtful(txn(o.Key)); ok && !sleep(ctx, time.Until(at.Add(settled))) {
		m.end(o.Key, c, "", fmt.Errorf("an earlier try is not settled: %w", ctx.Err()))
		return
	}
	if evt, ok := b.ear.echoes.get(txn(o.Key)); ok {
		m.end(o.Key, c, evt, nil)
		return
	}
	room, err := b.rooms.find(ctx, o.Room)
	if err != nil {
		fail(err)
		return
	}
	t := m.throat(room)
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		fail(ctx.Err())
		return
	}
	leave := func() { <-t.turn }
	b.step("say")
	p, err := b.prepare(ctx, s, t, o)
	if err != nil {
		leave()
		fail(err)
		return
	}
	b.step("prepared")
	going := m.later(func(life context.Context, s *session) {
		defer leave()
		evt, err := b.put(ctx, life, s, t, o, p)
		b.step("put")
		m.end(o.Key, c, evt, err)
	})
	if !going {
		leave()
		fail(errors.New("the session ended"))
	}
}

// prepared is what goes out, but for the proof that it still may.
type prepared struct {
	kind    event.Type
	content any
	count   int
}

// proven says whether a room still is what was proven.
func (b *Bridge) proven(room id.RoomID, o *bridges.Outgoing, count int) error {
	now := b.rooms.count(room)
	if o.Readers != nil && now != o.State {
		return fmt.Errorf("the room changed: %w: %w", bridges.ErrNotSent, bridges.ErrUnproven)
	}
	if now != count {
		return errChanged
	}
	return nil
}

// errChanged is that a room changed while something was readied for it.
var errChanged = errors.New("the room changed meanwhile")

// prepare makes what goes out: content, file, and in a room that was ever known as
// encrypted the ciphertext for those who may read it.
func (b *Bridge) prepare(ctx context.Context, s *session, t *throat, o bridges.Outgoing) (prepared, error) {
	p := prepared{kind: event.EventMessage, count: b.rooms.count(t.room)}
	if err := b.proven(t.room, &o, p.count); err != nil {
		return p, err
	}
	secret := b.rooms.encrypted(t.room)
	what, err := b.content(ctx, s, o, secret)
	if err != nil {
		return p, err
	}
	if p.content = what; !secret {
		return p, nil
	}
	readers := b.rooms.people(t.room)
	if o.Readers != nil {
		readers = nil
		for _, a := range o.Readers {
			if a.Network != b.cfg.Name || a.ID == "" {
				return p, fmt.Errorf("a reader without an account here: %w: %w", bridges.ErrNotSent, bridges.ErrUnproven)
			}
			readers = append(readers, id.UserID(a.ID))
		}
	}
	within, cancel := s.within(ctx)
	defer cancel()
	p.kind = event.EventEncrypted
	p.content, err = b.mouth.encrypt(within, s, t, readers, what)
	b.step("encrypted")
	return p, err
}

// put sends what was prepared. From here on it goes on when the caller does not
// wait any more: a request that is broken off may have arrived all the same, and
// the next try would meet it.
func (b *Bridge) put(ctx, life context.Context, s *session, t *throat, o bridges.Outgoing, p prepared) (id.EventID, error) {
	for range sharesMost {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
		}
		err := b.proven(t.room, &o, p.count)
		if err == nil && (p.kind == event.EventEncrypted) != b.rooms.encrypted(t.room) {
			err = errChanged
		}
		if errors.Is(err, errChanged) {
			if p, err = b.prepare(ctx, s, t, o); err == nil {
				continue
			}
		}
		if err != nil {
			if !errors.Is(err, bridges.ErrRefused) && !errors.Is(err, bridges.ErrNotSent) {
				err = fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
			}
			return "", err
		}
		b.step("putting")
		evt, err := s.put(life, t.room, p.kind, txn(o.Key), p.content)
		if wait := retryAfter(err); wait > 0 && wait <= patience && sleep(ctx, wait) {
			continue
		}
		if err == nil {
			b.ear.echoes.put(txn(o.Key), evt)
		}
		return evt, err
	}
	return "", fmt.Errorf("the homeserver or the room does not settle: %w", bridges.ErrNotSent)
}

// patience is how long Say waits for a homeserver that had too much of us.
const patience = 5 * time.Second

// put is the request. Its error says whether any of it can have arrived.
func (s *session) put(ctx context.Context, room id.RoomID, kind event.Type, tx string, content any) (id.EventID, error) {
	within, cancel := s.within(ctx)
	defer cancel()
	var began atomic.Bool
	within = httptrace.WithClientTrace(within, &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { began.Store(true) }})
	res, err := s.cli.SendMessageEvent(within, room, kind, content, mautrix.ReqSendEvent{TransactionID: tx, DontEncrypt: true})
	if err == nil && res.EventID == "" {
		return "", errors.New("the homeserver did not say that it took it")
	}
	if err != nil {
		return "", &failed{outcome(err, began.Load()), err}
	}
	return res.EventID, nil
}

// failed is an outcome with the answer that it was read from.
type failed struct {
	error
	answer error
}

func (f *failed) Unwrap() []error { return []error{f.error, f.answer} }
