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

// announce queues what was done for every desk but the room it was done in.
func (d *Desk) announce(tx *store.Tx, l Line, r reply) error {
	for k, e := range r.said {
		f := incidents.Facts{"who": e.Who, "kind": e.Kind, "plain": e.Plain, "text": e.Text, "handle": "", "codename": ""}
		if r.about.N != 0 {
			f = incidents.Card(*d.Plan(), r.about, tx.Now())
			f["who"], f["kind"], f["plain"], f["text"] = e.Who, e.Kind, e.Plain, e.Text
		}
		if err := d.try("announce", f); err != nil {
			return err
		}
		places, err := d.places(tx, r.about.N)
		if err != nil {
			return err
		}
		for _, p := range places {
			if p.Network == l.Room.Network && p.Room == l.Room.ID && !l.Room.Direct {
				continue
			}
			err := tx.Queue(store.Row{
				Key:  fmt.Sprintf("announce/%s/%s/%d/%s/%s", l.Room.Network, l.ID, k, p.Network, p.Room),
				Kind: Say, Network: p.Network, Room: p.Room, Tone: int(bridges.Alert),
				Template: "announce", Facts: f, Incident: r.about.N, Mentions: r.Mentions,
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// places gives where what was done to an incident is announced: in the desks, and
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
