package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Parcel is a text that two people approved, for people outside.
type Parcel struct {
	Key       string // the same for every try, never used for another text
	From      string // the account, and how: as it was approved
	To        []string
	Subject   string
	Body      string
	InReplyTo string // what the network calls the post before it in its thread, or ""
	Files     []store.Enclosed
	At        time.Time // when it was approved, UTC: nothing of it was sent before
}

// Courier takes parcels to people outside by one way. Its errors are those of a
// Hand; Find looks whether a Carry of unknown outcome arrived. What they give is what
// the network calls it; where that holds an address that people can open, it stands at
// the end, after a blank.
type Courier interface {
	Carry(ctx context.Context, p Parcel) (id string, err error)
	Find(ctx context.Context, p Parcel) (id string, err error)
}

// Trouble is a courier's error with more about it.
type Trouble struct {
	Err   error     // it quotes nothing
	Told  string    // what the network said, cleaned: for those who may hear everything; may be ""
	Later time.Time // not to be tried before; zero: any time
}

// Error gives what may be logged.
func (t *Trouble) Error() string { return t.Err.Error() }

// Unwrap gives the error itself.
func (t *Trouble) Unwrap() error { return t.Err }

// reasonOf gives what an error says to those who may hear everything.
func reasonOf(err error) incidents.Sealed {
	text := err.Error()
	if t := (*Trouble)(nil); errors.As(err, &t) && t.Told != "" {
		text += ": " + t.Told
	}
	return incidents.Seal(incidents.Neutral(text))
}

// carryHand takes texts to people outside. Everything that goes with it is written
// down in one transaction with it: a crash before that leaves a row of which nobody
// knows what became, and that is looked up.
type carryHand struct{ o *Outbox }

// Find looks whether a text arrived. A way that cannot tell leaves it to a person: it
// is never sent again by itself.
func (h carryHand) Find(ctx context.Context, r store.Row) (string, error) {
	p, err := h.parcel(r, false)
	if err != nil {
		return "", err
	}
	c := h.courier(r)
	if c == nil {
		return "", h.unknown(r)
	}
	id, err := c.Find(ctx, p)
	switch {
	case err == nil:
		return "", h.arrived(r, id) // what the network calls it is kept with the text, under seal
	case errors.Is(err, bridges.ErrCantSay):
		return "", h.unknown(r)
	case errors.Is(err, bridges.ErrNoTrace) && Backoff(r.Tries) <= time.Minute:
		// The network may be working on it still. By the next time it is not.
		return "", errors.New("there is no trace of it yet")
	case errors.Is(err, bridges.ErrNoTrace):
		return "", err
	}
	if h.o.c.Clock.Now().Sub(p.At) > incidents.CarryLife {
		return "", h.unknown(r)
	}
	return "", errors.Join(err, h.waits(ctx, r, err, true))
}

// Do sends a text, unless it is not to be sent any more.
func (h carryHand) Do(ctx context.Context, r store.Row) (string, error) {
	p, err := h.parcel(r, true)
	if err != nil {
		return "", err
	}
	c := h.courier(r)
	if c == nil {
		return "", h.refused(r, incidents.Seal("the configuration does not let me send anything this way any more"))
	}
	id, err := c.Carry(ctx, p)
	h.o.c.Failpoint("carried")
	switch {
	case err == nil:
		return "", h.arrived(r, id) // what the network calls it is kept with the text, under seal
	case errors.Is(err, bridges.ErrRefused):
		return "", h.refused(r, reasonOf(err))
	case errors.Is(err, bridges.ErrNotSent):
		return "", errors.Join(err, h.waits(ctx, r, err, false))
	}
	return "", err // nobody knows: it is looked up
}

func (h carryHand) courier(r store.Row) Courier {
	for way, c := range h.o.c.Couriers {
		if store.Lane(way) == r.Network {
			return c
		}
	}
	return nil
}

// update is a transaction that is kept also when the bot is being stopped: what
// happened outside has happened.
func (h carryHand) update(fn func(tx *store.Tx) error) error {
	return h.o.c.Store.Update(context.Background(), fn)
}

// parcel opens what a row carries. Where it is to be sent it makes sure that both
// people are obeyed still, that all it rests on is as it was, and that it did not wait
// too long.
func (h carryHand) parcel(r store.Row, send bool) (Parcel, error) {
	var p Parcel
	var stopped string
	var forgotten incidents.Sending
	err := h.update(func(tx *store.Tx) error {
		s, err := tx.SendingOf(r)
		if err != nil {
			return err
		}
		if !s.DoneAt.IsZero() {
			return store.End(store.Overtaken, "it was dealt with")
		}
		if s.State != incidents.SendQueued {
			forgotten = s
			return nil
		}
		suspended, err := tx.Suspended()
		if err != nil {
			return err
		}
		if send {
			i, err := tx.Incident(s.Incident)
			if err != nil {
				return err
			}
			stopped = incidents.Stopped(*h.o.c.Plan(), s, i, func(person string) bool {
				_, known := h.o.c.Roster.Named(person)
				return known && !suspended[person]
			}, tx.Now())
		}
		cargo, err := tx.Cargo(s)
		if errors.Is(err, store.ErrOtherPatches) {
			if err = nil; send {
				stopped = store.ErrOtherPatches.Error()
			}
		}
		p = Parcel{
			Key: fmt.Sprintf("%s/%s", r.Key, cargo.Hash), From: s.Account, To: cargo.To, Subject: cargo.Subject, Body: cargo.Body,
			InReplyTo: cargo.After, Files: cargo.Files, At: s.At,
		}
		return err
	})
	var end *store.Ended
	switch {
	case errors.As(err, &end):
		return p, end
	case err != nil:
		return p, fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	case forgotten.State == incidents.SendUnknown && !send:
		return p, h.unknown(r) // its words are gone: there is nothing to look for
	case forgotten.State != "":
		return p, h.refused(r, forgotten.Problem) // no try before this one arrived
	case stopped != "":
		return p, h.refused(r, incidents.Seal(stopped))
	}
	return p, nil
}

// refused notes that a text is surely not sent, with what was to come after it.
func (h carryHand) refused(r store.Row, why incidents.Sealed) error {
	err := h.end(r, incidents.SendRefused, why, "send/refused")
	if err == nil {
		err = store.End(store.Refused, "it was not sent")
	}
	return err
}

// unknown leaves a text to a person: it may have been sent.
func (h carryHand) unknown(r store.Row) error {
	err := h.end(r, incidents.SendUnknown, incidents.Sealed{}, "send/unknown")
	if err == nil {
		err = store.End(store.PassedOn, "a person has to look whether it was sent")
	}
	return err
}

func (h carryHand) end(r store.Row, state string, why incidents.Sealed, template string) error {
	err := h.update(func(tx *store.Tx) error {
		s, err := tx.SendingOf(r)
		if err != nil || !s.DoneAt.IsZero() {
			return err
		}
		return h.close(tx, s, state, why, template)
	})
	h.o.Kick()
	return err
}

// close writes down how a text ended that did not arrive, with what was to come after
// it. What is out of its thread before it is on record as sent, and told.
func (h carryHand) close(tx *store.Tx, s incidents.Sending, state string, why incidents.Sealed, template string) error {
	err := errors.Join(tx.EndSending(s.ID, state, incidents.Sealed{}, why), tx.EndParts(s, why))
	if err == nil && s.Part > 1 {
		s = h.known(tx, s)
		err = tx.Record(incidents.NoteCut(s, state, tx.Now()))
	}
	if err != nil {
		return err
	}
	return h.inform(tx, s, template, "why", why)
}

// known gives a part of a thread under what people know the thread by: its first post.
func (h carryHand) known(tx *store.Tx, s incidents.Sending) incidents.Sending {
	if first, ok, err := tx.Part(s, 1); ok && err == nil {
		s.SentID = first.SentID
	}
	return s
}

// waits tells the desks once that a text is not sent yet, or that it may have been sent
// and nobody can look yet, and why.
func (h carryHand) waits(ctx context.Context, r store.Row, cause error, perhaps bool) error {
	if ctx.Err() != nil {
		return nil // the bot is being stopped: that is no news
	}
	template := "send/waits"
	if perhaps {
		template = "send/unclear"
	}
	err := h.update(func(tx *store.Tx) error {
		s, err := tx.SendingOf(r)
		if err != nil || s.State != incidents.SendQueued {
			return err // forgotten meanwhile: the next try tells that
		}
		if first, err := tx.TellWaits(s.ID, perhaps); err != nil || !first {
			return err
		}
		return h.inform(tx, s, template, "why", reasonOf(cause), "until", s.At.Add(incidents.CarryLife))
	})
	h.o.Kick()
	return err
}

// arrived notes that a text was sent, and all that goes with it.
func (h carryHand) arrived(r store.Row, id string) error {
	err := h.update(func(tx *store.Tx) error {
		s, err := tx.SendingOf(r)
		if err != nil || !s.DoneAt.IsZero() {
			return err
		}
		s.State, s.SentID = incidents.SendSent, incidents.Seal(id)
		if err := tx.EndSending(s.ID, s.State, s.SentID, incidents.Sealed{}); err != nil {
			return err
		}
		next, more, err := tx.Part(s, s.Part+1)
		if err != nil {
			return err
		}
		if !more {
			return h.record(tx, s)
		}
		if err := tx.Record(incidents.NoteSent(s, tx.Now())); err != nil {
			return err
		}
		if next.State != incidents.SendQueued { // forgotten meanwhile
			return h.close(tx, next, incidents.SendRefused, next.Problem, "send/refused")
		}
		return tx.QueueCarry(next)
	})
	if err != nil {
		return fmt.Errorf("it was sent, and writing that down failed: %w", err)
	}
	h.o.Kick()
	return nil
}

// record writes a text that was sent whole into the record, with what it completes,
// and tells of it. Of a thread it is the last post, which has an entry of its own.
func (h carryHand) record(tx *store.Tx, last incidents.Sending) error {
	s := last
	if s.Part > 1 {
		s = h.known(tx, s)
	}
	plan := *h.o.c.Plan()
	before, err := tx.Incident(s.Incident)
	if err != nil {
		return err
	}
	others, err := h.others(tx, before)
	if err != nil {
		return err
	}
	a, err := incidents.Arrive(plan, before, others, s, tx.Now(), tx.Now())
	if err != nil {
		return err
	}
	a.Entries[0] = incidents.NoteSent(last, tx.Now())
	for k, o := range a.Along {
		was := o
		for _, b := range others {
			if b.N == o.N {
				was = b
			}
		}
		o, moved := incidents.Advance(plan, was, o, s.AskedBy, tx.Now())
		if _, err := tx.Save(o, append([]incidents.Entry{a.AlongEntries[k]}, moved...)...); err != nil {
			return err
		}
	}
	i, moved := incidents.Advance(plan, before, a.Incident, s.AskedBy, tx.Now())
	if _, err = tx.Save(i, append(a.Entries, moved...)...); err != nil {
		return err
	}
	completed := ""
	if a.Done {
		completed = a.Say
	}
	return h.inform(tx, s, "send/arrived", "completed", incidents.Seal(completed), "moved", len(moved) > 0)
}

// others loads the other incidents of the release that an incident is in.
func (h carryHand) others(tx *store.Tx, i incidents.Incident) ([]incidents.Incident, error) {
	if i.Release.N == 0 {
		return nil, nil
	}
	r, err := tx.ReleaseOf(i.N)
	if err != nil {
		return nil, err
	}
	all, err := tx.Carried(r)
	return slices.DeleteFunc(all, func(o incidents.Incident) bool { return o.N == i.N }), err
}

// inform says in the desks and in the incident's own room what became of a text.
func (h carryHand) inform(tx *store.Tx, s incidents.Sending, template string, pairs ...any) error {
	i, err := tx.Incident(s.Incident)
	if err != nil {
		return err
	}
	f := incidents.Card(*h.o.c.Plan(), i, tx.Now())
	for k, v := range incidents.NewFacts(pairs...) {
		f[k] = v
	}
	for k, v := range incidents.SendingFacts(s) {
		f[k] = v
	}
	return h.o.tell(tx, s.Incident, fmt.Sprintf("%s/%d", template, s.ID), template, same(f))
}
