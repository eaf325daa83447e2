package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// heardSign is the reaction that says that a reminder was heard; some clients add
// the selector of its colourful form.
const heardSign = "✅"

// Touch notes what a person of the roster did to a message that was said before:
// a command that was edited or taken back stays done, and a reminder with the sign
// on it is heard. It is no command, and changes nothing else.
func (d *Desk) Touch(ctx context.Context, t bridges.Touch) error {
	who, ok := d.Roster.ByAccount(incidents.Account(t.From))
	if !ok {
		d.ignore("not on the roster")
		return nil
	}
	if t.Kind == bridges.Reacted && strings.TrimSuffix(t.Sign, "\ufe0f") != heardSign {
		return nil
	}
	err := d.Store.Update(ctx, func(tx *store.Tx) error {
		suspended, err := tx.Suspended()
		if err != nil {
			return err
		}
		if suspended[who.Name] {
			d.ignore("suspended")
			return errIgnored
		}
		if t.Kind == bridges.Reacted {
			return d.reacted(tx, t, who)
		}
		return d.changed(tx, t, who)
	})
	if errors.Is(err, errIgnored) {
		return nil
	}
	return err
}

// reacted hears a reminder by a reaction. It is quiet: the sign itself shows it.
func (d *Desk) reacted(tx *store.Tx, t bridges.Touch, who incidents.Person) error {
	r, ok, err := tx.ReminderSaid(t.Room.Network, t.Target)
	if err != nil || !ok {
		return err
	}
	_, err = d.hear(tx, r, who)
	return err
}

// hear notes that a person heard a reminder; false when they had already.
func (d *Desk) hear(tx *store.Tx, r store.Reminder, who incidents.Person) (bool, error) {
	first, err := tx.Hear(r, who.Name)
	if err != nil || !first {
		return false, err
	}
	return true, tx.Record(incidents.Entry{
		Incident: r.Incident, Kind: "heard", Who: who.Name, At: tx.Now(), Plain: "the " + d.Plan().ClockName(r.Clock),
	})
}

// changed notes that a command was edited or taken back after it was answered.
func (d *Desk) changed(tx *store.Tx, t bridges.Touch, who incidents.Person) error {
	if t.Kind == bridges.Redacted { // a board that somebody takes away is posted anew
		if n, err := tx.BoardIs(t.Room.Network, t.Target); err != nil || n != 0 {
			return errors.Join(err, tx.QueueBoard(n, "redacted/"+t.Target, true))
		}
	}
	n, speaker, ok, err := tx.Obeyed(t.Room.Network, t.Target)
	if err != nil || !ok {
		return err
	}
	kind := "edited"
	if t.Kind == bridges.Redacted {
		kind = "redacted"
	}
	if kind == "edited" && speaker != who.Name {
		return nil // nobody can edit what another said
	}
	// Once for each command: whoever edits it a hundred times has changed nothing either.
	if first, err := tx.Heard(t.Room.Network, kind+"/"+t.Target, store.Nobody); err != nil || !first {
		return err
	}
	if err := tx.Record(incidents.Entry{Incident: n, Kind: kind, Who: who.Name, At: tx.Now()}); err != nil || kind == "redacted" {
		return err
	}
	return tx.Queue(store.Row{
		Key: fmt.Sprintf("edited/%s/%s", t.Room.Network, t.ID), Kind: Say, Network: t.Room.Network, Room: t.Room.ID, Direct: t.Room.Direct,
		ReplyTo: t.Target, Asker: t.From.ID, Tone: int(bridges.Hint), Template: "edited", Facts: incidents.Facts{}, Harmless: true,
	})
}

func heard() Command {
	return Command{
		Words: "heard", About: OneOpen, Needs: Notices,
		Does:    "say that you heard the last reminder of an incident; the clock runs on. A ✅ on the reminder says the same",
		Example: "!heard INC-7",
		Run: func(c *Call) (Reply, error) {
			r, ok, err := c.Tx.ReminderSaid(c.Line.Room.Network, c.Line.About)
			if err == nil && (!ok || r.Incident != c.I.N) {
				r, ok, err = c.Tx.LastReminder(c.I.N)
			}
			if err != nil || !ok {
				return Reply{}, orRefuse(err, "no-reminder", "handle", c.I.Handle)
			}
			first, err := c.hear(c.Tx, r, c.Who)
			if err != nil || !first {
				return Reply{}, orRefuse(err, "heard-already")
			}
			return c.card("heard", "person", c.Who.Name, "clock", c.plan.ClockName(r.Clock)), nil
		},
	}
}
