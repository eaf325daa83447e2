package commands

import (
	"fmt"
	"slices"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Say is the kind of the outbox's rows that are said in a room.
const Say = "say"

// answer queues the reply to a line. Where the room may hear nothing it goes to
// the person who asked.
func (d *Desk) answer(tx *store.Tx, l Line, r reply) error {
	row := store.Row{
		Key: AnswerKey(l.Message), Kind: Say, Network: l.Room.Network, Room: l.Room.ID, Direct: l.Room.Direct,
		ReplyTo: l.ID, Thread: l.Thread, Asker: l.From.ID, Tone: int(bridges.Answer),
		Template: r.Template, Facts: r.Facts, Incident: r.incident, Harmless: r.harmless, Mentions: r.Mentions,
	}
	if r.hint {
		row.Tone = int(bridges.Hint)
	}
	if !l.Room.Direct && l.Grant.Asks == "none" {
		row.Room, row.Direct = l.From.ID, true
	}
	if row.Facts == nil {
		row.Facts = incidents.Facts{}
	}
	if err := d.try(row.Template, row.Facts); err != nil {
		return err
	}
	return tx.Queue(row)
}

// AnswerKey is the key of the row that answers a message, however often it comes.
func AnswerKey(m bridges.Message) string { return fmt.Sprintf("answer/%s/%s", m.Room.Network, m.ID) }

// try renders a template once before its row is kept: words that cannot be
// said are an error now, not a silence later.
func (d *Desk) try(template string, f incidents.Facts) error {
	_, err := d.Book.Render(template, f, incidents.Clearance{})
	return err
}

// told is what was done to an incident, for announcing it.
type told struct {
	about incidents.Incident
	said  []incidents.Entry
	quiet bool // the desks hear of it otherwise: it is for the incident's own room
}

// announce queues what was done for every desk but the room it was done in.
func (d *Desk) announce(tx *store.Tx, l Line, r reply) error {
	k := 0
	for _, t := range append([]told{{about: r.about, said: r.said}}, r.also...) {
		for _, e := range incidents.Announced(t.said) {
			if err := d.announceOne(tx, l, t, e, fmt.Sprintf("%s/%s/%d", l.Room.Network, l.ID, k), r.Mentions); err != nil {
				return err
			}
			k++
		}
	}
	return nil
}

func (d *Desk) announceOne(tx *store.Tx, l Line, t told, e incidents.Entry, key string, mentions []string) error {
	f := incidents.Facts{"who": e.Who, "kind": e.Kind, "plain": e.Plain, "text": e.Text, "handle": "", "codename": ""}
	if t.about.N != 0 {
		f = incidents.Card(*d.Plan(), t.about, tx.Now())
		f["who"], f["kind"], f["plain"], f["text"] = e.Who, e.Kind, e.Plain, e.Text
	}
	// A phase that moved by itself is told everywhere: the answer speaks of what was done.
	template, moved := "announce", e.Kind == "phase" && e.Text.Empty()
	if moved {
		template = "phase/moved"
	}
	if err := d.try(template, f); err != nil {
		return err
	}
	places, err := d.places(tx, t.about.N)
	if err != nil {
		return err
	}
	for k, p := range places {
		here := p.Network == l.Room.Network && p.Room == l.Room.ID && !l.Room.Direct
		if !moved && (here || t.quiet && k < len(d.Desks)) {
			continue
		}
		err := tx.Queue(store.Row{
			Key:  fmt.Sprintf("announce/%s/%s/%s", key, p.Network, p.Room),
			Kind: Say, Network: p.Network, Room: p.Room, Tone: int(bridges.Alert),
			Template: template, Facts: f, Incident: t.about.N, Mentions: mentions,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// places gives where what was done to an incident is announced: in the desks, and then
// in the incident's own room.
func (d *Desk) places(tx *store.Tx, incident int) ([]Place, error) {
	out := d.Desks
	if incident == 0 {
		return out, nil
	}
	r, ok, err := tx.RoomOf(incident)
	if ok {
		out = append(slices.Clone(out), Place{r.Network, r.ID})
	}
	return out, err
}
