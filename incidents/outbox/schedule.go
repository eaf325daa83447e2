package outbox

import (
	"errors"
	"fmt"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// The templates of what is said by the calendar. Their rows keep no facts: they are
// made when the row is said.
const (
	digestTemplate    = "digest"
	readinessTemplate = "readiness/due"
)

// strikeCalendar makes a row in every desk for each schedule that is due. The row
// and the next instant are one transaction: none is lost or said twice, whatever
// crashes.
func (o *Outbox) strikeCalendar(tx *store.Tx) error {
	turns, err := tx.Strike()
	for _, t := range turns {
		if err == nil {
			err = o.turnRows(tx, t)
		}
	}
	return err
}

func (o *Outbox) turnRows(tx *store.Tx, t incidents.Turn) error {
	row := store.Row{Kind: "say", Tone: int(bridges.Routine), Generation: t.Number, Rung: t.Rung}
	switch t.Key {
	case incidents.Digest:
		n, err := tx.Count("open")
		if err != nil || n == 0 {
			return err // nobody wants to read daily that there is nothing
		}
		row.Template = digestTemplate
	case incidents.Readiness:
		row.Template, row.Harmless = readinessTemplate, true
	default:
		o.c.Log.Error("nobody knows what to say for a schedule", "schedule", t.Key) // clocks ring all the same
		return nil
	}
	for _, p := range o.c.Desks { // never in a room of one incident
		row.Key = fmt.Sprintf("calendar/%s/%d/%s/%s", t.Key, t.Number, p.Network, p.Room)
		row.Network, row.Room = p.Network, p.Room
		if err := errors.Join(tx.Queue(row), o.directly(tx, p, row), tx.DoubtRestored(row.Key, t.Rung)); err != nil {
			return err
		}
	}
	return nil
}

// calendar gives the facts of what is said by the calendar, as things are now. What
// does not apply any more is overtaken.
func (o *Outbox) calendar(tx *store.Tx, r store.Row) (incidents.Facts, error) {
	key := incidents.Readiness
	if r.Template == digestTemplate {
		key = incidents.Digest
	}
	t, _, err := tx.Turn(key)
	if err != nil {
		return nil, err
	}
	if t.Number > r.Generation {
		return nil, &ended{store.Overtaken, "a newer one is due"}
	}
	f := incidents.Facts{"rung": r.Rung, "late": tx.Now().Sub(r.Rung) > late, "due": t.Due}
	if key == incidents.Digest {
		return o.digest(tx, r, f)
	}
	if t.Done {
		return nil, &ended{store.Overtaken, "a review was begun"}
	}
	v, err := tx.Review()
	span := tx.Now().Sub(t.Due)
	return f.With("overdue", span >= time.Hour).With("left", incidents.SaySpan(span)).
		With("open", v.Open()).With("began", v.At).With("by", v.By), err
}

// mostOpen is how many open incidents a digest looks at for the most urgent ones.
const mostOpen = 200

func (o *Outbox) digest(tx *store.Tx, r store.Row, f incidents.Facts) (incidents.Facts, error) {
	open, err := tx.Count("open")
	if err != nil {
		return nil, err
	}
	if open == 0 {
		return nil, &ended{store.Overtaken, "no incident is open any more"}
	}
	list, err := tx.List("open", mostOpen)
	most := incidents.DigestLines
	if l := o.lanes[r.Network]; l != nil {
		if limits := l.bridge.Limits(); limits.Lines > 0 && !limits.Files {
			most = min(most, max(1, limits.Lines-2)) // a digest is no wall where there are no files
		}
	}
	for name, v := range incidents.DigestCard(*o.c.Plan(), list, open, most, tx.Now()) {
		f[name] = v
	}
	return f, err
}

// awake leaves out who must not be called now for a reminder: it is night where
// they are, and it can wait until their morning.
func (o *Outbox) awake(people []string, f incidents.Facts) []string {
	levels := o.c.Plan().Levels
	level, _ := f["levelkey"].(string)
	due, _ := f["due"].(time.Time)
	critical := len(levels) > 0 && level == levels[0].Key
	var out []string
	for _, name := range people {
		if p, _ := o.c.Roster.Named(name); incidents.MayCall(p.Zone, o.c.Clock.Now(), critical, due) {
			out = append(out, name)
		}
	}
	return out
}
