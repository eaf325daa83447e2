package commands

import (
	"context"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Counts reports whether a line shows that its author is there: it was said in a
// room that the configuration knows, or directly, and nothing says that somebody
// else may have written it.
func (l Line) Counts() bool {
	known := l.Room.Direct || l.Grant.Network != ""
	return known && l.Doubt == bridges.NoDoubt
}

// seen notes in the transaction of a line that its author was heard, at the time
// when they said it. Whoever is suspended may be somebody else.
func (d *Desk) seen(tx *store.Tx, l Line, suspended map[string]bool, who incidents.Person) error {
	if suspended[who.Name] || !l.Counts() {
		return nil
	}
	return tx.Seen(who.Name, l.At)
}

// Noticed notes that somebody was heard who said something that is no command.
func (d *Desk) Noticed(ctx context.Context, l Line) error {
	who, ok := d.Roster.ByAccount(incidents.Account(l.From))
	if !ok {
		return nil
	}
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		suspended, err := tx.Suspended()
		if err != nil {
			return err
		}
		return d.seen(tx, l, suspended, who)
	})
}

func here() Command {
	return Command{
		Words: "here", About: Nothing, Needs: Anything,
		Does: "say that you are here, also for a readiness review",
		Run: func(c *Call) (Reply, error) {
			first, err := c.Tx.Here(c.Who.Name)
			if err == nil && first {
				err = c.Tx.Record(incidents.Entry{Kind: "here", Who: c.Who.Name, At: c.now})
			}
			return Reply{Template: "here", Facts: incidents.Facts{"person": c.Who.Name, "review": first}}, err
		},
	}
}

func away() Command {
	return Command{
		Words: "away", About: Nothing, Needs: Notices,
		Does:    "say from when until when you are away; without that, list who is or will be",
		Example: "!away 2026-12-20 to 2027-01-03",
		Args:    []Arg{{Name: "from to until", Kind: OneLine, Optional: true, Max: maxTitle}},
		Run: func(c *Call) (Reply, error) {
			if !c.Has("from to until") {
				return c.absences()
			}
			a, err := incidents.ReadAbsence(c.Str("from to until"), c.now, c.Who.Zone, c.plan.Hour)
			if err != nil {
				return Reply{}, err
			}
			a.Person = c.Who.Name
			instead, err := c.Tx.PutAway(a, c.Who.Name)
			if err != nil {
				return Reply{}, err
			}
			plain := "from " + incidents.SayInstant(a.From) + " until " + incidents.SayInstant(a.Until)
			return Reply{Template: "away/set", Facts: incidents.Facts{
				"person": a.Person, "from": a.From, "until": a.Until, "instead": instead > 0, "local": c.local(a.From, a.Until),
			}}, c.note(incidents.Entry{Kind: "away", Who: c.Who.Name, At: c.now, Plain: plain})
		},
	}
}

// local gives two instants as the clocks show them where the person is, or "" where
// that is UTC.
func (c *Call) local(from, until time.Time) string {
	zone := c.Who.Zone
	if zone == nil || zone == time.UTC {
		return ""
	}
	const layout = "Mon 2006-01-02 15:04"
	return from.In(zone).Format(layout) + " to " + until.In(zone).Format(layout) + " in " + zone.String()
}

// note keeps an entry that is about no incident, and announces it.
func (c *Call) note(e incidents.Entry) error {
	c.said = append(c.said, e)
	return c.Tx.Record(e)
}

func (c *Call) absences() (Reply, error) {
	all, err := c.Tx.Absences(c.now)
	list := []incidents.Facts{}
	for _, a := range all {
		list = append(list, incidents.Facts{"person": a.Person, "from": a.From, "until": a.Until, "now": a.During(c.now)})
	}
	return Reply{Template: "away/list", Facts: incidents.Facts{"away": list}}, err
}

// awayUntil gives until when a person is away now; the zero time when they are not.
func (c *Call) awayUntil(person string) (time.Time, error) {
	all, err := c.Tx.Absences(c.now)
	for _, a := range all {
		if a.Person == person && a.During(c.now) {
			return a.Until, err
		}
	}
	return time.Time{}, err
}

func back() Command {
	return Command{
		Words: "back", About: Nothing, Needs: Notices,
		Does: "end your absence, or take back the next one",
		Run: func(c *Call) (Reply, error) {
			a, ok, err := c.Tx.EndAway(c.Who.Name)
			if err != nil || !ok {
				return Reply{}, orRefuse(err, "not-away")
			}
			kind, plain := "back", ""
			if !a.During(c.now) {
				kind, plain = "away", "no more from "+incidents.SayInstant(a.From)
			}
			return Reply{Template: "away/back", Facts: incidents.Facts{
				"person": c.Who.Name, "began": a.During(c.now), "from": a.From,
			}}, c.note(incidents.Entry{Kind: kind, Who: c.Who.Name, At: c.now, Plain: plain})
		},
	}
}
