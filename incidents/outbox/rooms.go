package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// host gives the lane of a network that has rooms of its own.
func (o *Outbox) host(network string) (*lane, bridges.Host, error) {
	l := o.lanes[network]
	if l == nil {
		return nil, nil, fmt.Errorf("%w: the network %s is not configured", bridges.ErrNotSent, network)
	}
	h, ok := l.bridge.(bridges.Host)
	if !ok {
		return nil, nil, fmt.Errorf("%w: the network %s has no rooms to make", bridges.ErrRefused, network)
	}
	return l, h, nil
}

// roomHand makes the room of an incident.
type roomHand struct{ o *Outbox }

// Do makes the room and keeps it with its first board.
func (h roomHand) Do(ctx context.Context, r store.Row) (string, error) {
	return h.have(ctx, r, bridges.Host.MakeRoom)
}

// Find looks whether the room was made.
func (h roomHand) Find(ctx context.Context, r store.Row) (string, error) {
	return h.have(ctx, r, bridges.Host.FindRoom)
}

func (h roomHand) have(ctx context.Context, r store.Row, get func(bridges.Host, context.Context, bridges.NewRoom) (bridges.Room, error)) (string, error) {
	o := h.o
	_, host, err := o.host(r.Network)
	if err != nil {
		return "", err
	}
	want, open, err := h.wanted(ctx, r)
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	if !open && !r.Trying && r.State == store.Due { // and surely not made
		return "", store.End(store.Overtaken, "the incident was closed")
	}
	made, err := get(host, ctx, want)
	if errors.Is(err, bridges.ErrRefused) {
		o.about(ctx, r.Incident, "room-refused/"+r.Key, "room/refused")
	}
	if err != nil {
		return "", err
	}
	// The room is there: that is kept also when the bot is being stopped.
	err = o.c.Store.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.PutRoom(store.Room{Incident: r.Incident, Network: r.Network, ID: made.ID}); err != nil {
			return err
		}
		if o.c.Made != nil {
			o.c.Made(made, r.Incident) // before the commit: what is queued for the room can be said at once after it
		}
		return o.tellAbout(tx, r.Incident, "room-made/"+r.Key, "room/made")
	})
	if err != nil {
		return "", fmt.Errorf("the room is there, and keeping it failed: %w", err)
	}
	o.Kick()
	return made.ID, nil
}

// wanted is the room that an incident gets: who has a role is asked in, and who
// wanted it, but nobody who is suspended.
func (h roomHand) wanted(ctx context.Context, r store.Row) (n bridges.NewRoom, open bool, err error) {
	var i incidents.Incident
	var suspended map[string]bool
	err = h.o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if suspended, err = tx.Suspended(); err == nil {
			i, err = tx.Incident(r.Incident)
		}
		return err
	})
	n = bridges.NewRoom{Key: r.Key, Name: i.Handle + " " + i.Codename}
	for _, p := range h.o.c.Roster.People() {
		if suspended[p.Name] {
			continue
		}
		accounts := h.o.accounts(r.Network, p.Name)
		n.Help = append(n.Help, accounts...)
		if i.Has(p.Name) || mentioned(r, p.Name) {
			n.Invite = append(n.Invite, accounts...)
		}
	}
	return n, i.Open(), err
}

func mentioned(r store.Row, person string) bool {
	for _, m := range r.Mentions {
		if m == person {
			return true
		}
	}
	return false
}

// inviteHand asks the people that a row mentions, and the guest that it names, into
// the incident's room. To ask twice does no harm: Find never knows.
type inviteHand struct{ o *Outbox }

// Find gives that nothing is known, so that it is done again.
func (inviteHand) Find(context.Context, store.Row) (string, error) { return "", bridges.ErrNoTrace }

// Do asks them in.
func (h inviteHand) Do(ctx context.Context, r store.Row) (string, error) {
	_, host, err := h.o.host(r.Network)
	if err != nil {
		return "", err
	}
	var who []bridges.Account
	err = h.o.c.Store.Update(ctx, func(tx *store.Tx) error {
		suspended, err := tx.Suspended()
		if err != nil {
			return err
		}
		for _, person := range r.Mentions {
			if !suspended[person] { // since it was queued, maybe
				who = append(who, h.o.accounts(r.Network, person)...)
			}
		}
		guests, err := tx.Guests(r.Incident)
		for _, g := range guests {
			if g.Network == r.Network && g.ID == r.Asker {
				who = append(who, bridges.Account(g))
			}
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	err = host.Invite(ctx, roomOf(r), who)
	if errors.Is(err, bridges.ErrRefused) {
		h.o.about(ctx, r.Incident, "not-invited/"+r.Key, "room/not-invited")
	}
	return "", err
}

// removeHand takes the account that a row names out of a room.
type removeHand struct{ o *Outbox }

// Find gives that nothing is known, so that it is done again.
func (removeHand) Find(context.Context, store.Row) (string, error) { return "", bridges.ErrNoTrace }

// Do takes it out.
func (h removeHand) Do(ctx context.Context, r store.Row) (string, error) {
	_, host, err := h.o.host(r.Network)
	if err != nil {
		return "", err
	}
	gone := bridges.Account{Network: r.Network, ID: r.Asker}
	var guests []incidents.Account
	err = h.o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		guests, err = tx.Guests(r.Incident)
		return err
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	case slices.Contains(guests, incidents.Account(gone)):
		return "", store.End(store.Overtaken, "the account was let in again")
	}
	return "", host.Remove(ctx, roomOf(r), gone)
}

// boardHand brings the board of an incident's room up to date: one message, edited
// in place, or posted and pinned where there is none that people can read.
type boardHand struct{ o *Outbox }

// Find asks the network whether a board arrived.
func (h boardHand) Find(ctx context.Context, r store.Row) (string, error) {
	l, _, err := h.o.host(r.Network)
	if err != nil {
		return "", err
	}
	got, err := l.bridge.Find(ctx, bridges.Outgoing{Key: r.Key, Room: roomOf(r), Since: r.Due, Pin: r.Template == store.BoardPost})
	if err != nil {
		return "", err
	}
	if r.Template == store.BoardPost {
		err = h.keep(r, got.ID)
	}
	return got.ID, err
}

// Do says how things are now.
func (h boardHand) Do(ctx context.Context, r store.Row) (string, error) {
	for range proofs {
		id, err := h.try(ctx, r)
		if !errors.Is(err, bridges.ErrUnproven) {
			return id, err
		}
	}
	return "", fmt.Errorf("%w: the room keeps changing", bridges.ErrNotSent)
}

func (h boardHand) try(ctx context.Context, r store.Row) (string, error) {
	o := h.o
	l, _, err := o.host(r.Network)
	if err != nil {
		return "", err
	}
	proof, err := l.bridge.Prove(ctx, roomOf(r))
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	var room store.Room
	var verdict incidents.Verdict
	var facts incidents.Facts
	err = o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if newer, err := tx.NewerBoard(r); err != nil || newer {
			return errors.Join(err, store.End(store.Overtaken, "a newer board is on its way"))
		}
		if waits, err := tx.BoardWaits(r); err != nil || waits {
			return errors.Join(err, errors.New("a board is to be posted first"))
		}
		if room, _, err = tx.RoomOf(r.Incident); err != nil {
			return err
		}
		if room.Board == "" && r.Template == store.BoardEdit {
			r.Template = store.BoardPost // noted before it is said: Find has to know
			if err := tx.PostBoard(r); err != nil {
				return err
			}
		}
		i, err := tx.Incident(r.Incident)
		if err != nil {
			return err
		}
		facts = incidents.Board(*o.c.Plan(), i, tx.Now())
		verdict, err = o.verdict(tx, r, proof)
		return err
	})
	var over *store.Ended
	if errors.As(err, &over) {
		return "", over
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	if verdict.Clearance.None() {
		return "", store.End(store.Overtaken, "the room may hear nothing")
	}
	o.tellDesk(ctx, r, verdict)
	doc, err := o.c.Book.Render("board", facts, verdict.Clearance)
	if err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, err)
	}
	out := bridges.Outgoing{
		Key: r.Key, Room: roomOf(r), Text: doc.Text, HTML: doc.HTML, Tone: bridges.Routine,
		Readers: readers(proof, verdict.Clearance), State: proof.State, Pin: true,
	}
	if r.Template == store.BoardEdit {
		out.Edit, out.Pin = room.Board, false
	}
	got, err := l.bridge.Say(ctx, out)
	switch {
	case err == nil && out.Edit == "":
		err = h.keep(r, got.ID)
	case errors.Is(err, bridges.ErrRefused) && out.Edit != "": // that message cannot be edited any more
		err = errors.Join(err, o.c.Store.Update(ctx, func(tx *store.Tx) error {
			return tx.QueueBoard(r.Incident, fmt.Sprintf("instead/%d", r.ID), true)
		}))
	}
	return got.ID, err
}

// keep notes which message is the board now: also when the bot is being stopped,
// since it is there.
func (h boardHand) keep(r store.Row, id string) error {
	return h.o.c.Store.Update(context.Background(), func(tx *store.Tx) error { return tx.SetBoard(r, id) })
}

// about tells the desks something of an incident that every one of them may hear.
func (o *Outbox) about(ctx context.Context, incident int, key, template string) {
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error { return o.tellAbout(tx, incident, key, template) })
	if err != nil {
		o.c.Log.Error("telling the desk", "error", err.Error())
	}
	o.Kick()
}

func (o *Outbox) tellAbout(tx *store.Tx, incident int, key, template string) error {
	i, err := tx.Incident(incident)
	if err != nil {
		return err
	}
	for _, p := range o.c.Desks {
		err := tx.Queue(store.Row{
			Key: fmt.Sprintf("about/%s/%s/%s", key, p.Network, p.Room), Kind: "say", Network: p.Network, Room: p.Room,
			Tone: int(bridges.Routine), Template: template, Facts: incidents.Card(*o.c.Plan(), i, tx.Now()), Incident: incident,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// accounts gives a person's accounts on a network.
func (o *Outbox) accounts(network, person string) []bridges.Account {
	var out []bridges.Account
	p, _ := o.c.Roster.Named(person)
	for _, a := range p.Accounts {
		if a.Network == network {
			out = append(out, bridges.Account(a))
		}
	}
	return out
}
