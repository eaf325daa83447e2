package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// many is how many rungs that are due at once are said one by one; more become one
// digest in a desk.
const many = 5

// shown is how many rungs a digest names.
const shown = 8

// strike makes a row in every desk, and in the incident's own room, for each clock
// whose rung is due. After an outage only the newest rung of a clock's ladder gets
// one, and where very many are due a desk gets one digest of them.
func (o *Outbox) strike(ctx context.Context) error {
	o.ring.Lock()
	defer o.ring.Unlock()
	var now time.Time
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error {
		now = tx.Now()
		if err := errors.Join(tx.Alive(), tx.Returned(o.struck, tx.Now())); err != nil {
			return err
		}
		if tx.Now().Before(o.struck) { // the machine's clock was wrong, and was put right
			if err := tx.Mend(); err != nil {
				return err
			}
		}
		if err := o.strikeCalendar(tx); err != nil {
			return err
		}
		ringing, err := o.ringing(tx)
		if err != nil || len(ringing) == 0 {
			return err
		}
		desks := o.c.Desks
		if len(ringing) > many {
			desks = nil
			if err := o.manyRungs(tx, ringing); err != nil {
				return err
			}
		}
		for _, r := range ringing {
			if err := o.rows(tx, r, desks); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil { // else who came back meanwhile is seen the next time
		o.struck = now
	}
	return err
}

// weight orders rungs that are due at once: the least is named first.
func (o *Outbox) weight(r store.Ring, now time.Time) int {
	rule, _ := o.c.Plan().ClockRule(r.Clock.Key)
	switch {
	case rule.From == "embargo" && !now.Before(r.Clock.Due):
		return 0
	case rule.From == "lead-heard" || rule.From == "handoff" || rule.From == "unled":
		return 1
	default:
		return 2
	}
}

// ringing gives the clocks whose rung is due. One that counts on an absence stops by
// itself when that is over: it is derived anew first.
func (o *Outbox) ringing(tx *store.Tx) ([]store.Ring, error) {
	all, err := tx.Ringing()
	var out []store.Ring
	for _, r := range all {
		runs := true
		if rule, _ := o.c.Plan().ClockRule(r.Clock.Key); err == nil && rule.From == "lead-away" {
			if err = tx.Rederive(r.Incident); err == nil {
				_, runs, err = tx.Clock(r.Incident, r.Clock.Key, r.Generation)
			}
		}
		if runs {
			out = append(out, r)
		}
	}
	return out, err
}

// rows makes the rows of one rung, in the desks and in the incident's own room.
func (o *Outbox) rows(tx *store.Tx, r store.Ring, desks []Place) error {
	places := slices.Clone(desks)
	own, ok, err := tx.RoomOf(r.Incident)
	if ok {
		places = append(places, Place{own.Network, own.ID})
		err = errors.Join(err, tx.QueueBoard(r.Incident, fmt.Sprintf("%s/%d/%d", r.Clock.Key, r.Generation, r.Rung.UnixMilli()), false))
	}
	if err != nil {
		return err
	}
	for _, p := range places {
		row := store.Row{
			Key:  fmt.Sprintf("rung/%d/%s/%d/%d/%s/%s", r.Incident, r.Clock.Key, r.Generation, r.Rung.UnixMilli(), p.Network, p.Room),
			Kind: "say", Network: p.Network, Room: p.Room, Tone: int(bridges.Alert), Template: "rung",
			Incident: r.Incident, Clock: r.Clock.Key, Generation: r.Generation, Rung: r.Rung,
		}
		if err := errors.Join(tx.Queue(row), o.directly(tx, p, row), tx.DoubtRestored(row.Key, r.Rung)); err != nil {
			return err
		}
	}
	return tx.Rung(r)
}

// manyRungs makes one row in every desk for many rungs. Named are first an embargo
// whose moment it is, and who leads, then what is due longest.
func (o *Outbox) manyRungs(tx *store.Tx, ringing []store.Ring) error {
	order := slices.Clone(ringing)
	slices.SortStableFunc(order, func(a, b store.Ring) int {
		return cmp.Or(o.weight(a, tx.Now())-o.weight(b, tx.Now()), a.Clock.Due.Compare(b.Clock.Due))
	})
	var lines []incidents.Facts
	var who []string
	away := false
	of := map[int]bool{}
	for _, r := range order {
		of[r.Incident] = true
		away = away || tx.Now().Sub(r.Rung) > late
		if len(lines) == shown {
			continue
		}
		i, err := tx.Incident(r.Incident)
		if err != nil {
			return err
		}
		i.Reporter = incidents.Reporter{} // a digest is about no incident: !forget would not find it
		f := incidents.RungCard(*o.c.Plan(), i, r.Clock, r.Rung, tx.Now(), true)
		called, err := o.called(tx, f)
		if err != nil {
			return err
		}
		for _, name := range called {
			if !slices.Contains(who, name) {
				who = append(who, name)
			}
		}
		lines = append(lines, incidents.Facts{
			"handle": i.Handle, "codename": i.Codename, "clock": f["clock"], "due": f["due"], "overdue": f["overdue"], "left": f["left"], "who": f["who"],
		})
	}
	for _, p := range o.c.Desks {
		row := store.Row{
			Key:  fmt.Sprintf("rungs/%d/%s/%s", tx.Now().UnixMilli(), p.Network, p.Room),
			Kind: "say", Network: p.Network, Room: p.Room, Tone: int(bridges.Alert), Template: "rungs", Mentions: who,
			Facts: incidents.NewFacts("count", len(ringing), "incidents", len(of), "lines", lines, "more", len(ringing)-len(lines), "away", away, "now", tx.Now()),
		}
		if err := errors.Join(tx.Queue(row), o.directly(tx, p, row)); err != nil {
			return err
		}
	}
	return nil
}
