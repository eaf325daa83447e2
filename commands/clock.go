package commands

import (
	"time"

	"tocsin/incidents"
)

func clockList() Command {
	return Command{
		Words: "clock list", About: MaybeOne, Needs: Notices, Reads: true,
		Does: "list what is due, and when it is said next", Example: "!clock list INC-7",
		Run: func(c *Call) (Reply, error) {
			if c.I.N != 0 {
				return c.card("clock/list"), nil
			}
			list, err := c.Tx.List("open", 50)
			if err != nil {
				return Reply{}, err
			}
			return c.cards("clock/all", list)
		},
	}
}

func clockSnooze() Command {
	return Command{
		Words: "clock snooze", About: One, Needs: Notices,
		Does: "put a clock off until a time, before it is due at most until then; it is not stopped", Example: "!clock snooze INC-7 update tue 14:00 the reporter is on holiday",
		Args: []Arg{
			{Name: "clock", Kind: Key, Of: "clock"},
			{Name: "until", Kind: When},
			{Name: "reason", Kind: Text, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			w, _ := c.args["until"].(incidents.When)
			i, e, err := incidents.SnoozeClock(*c.plan, c.I, c.Str("clock"), w.At, c.Sealed("reason"), c.Who.Name, c.now)
			if err == nil {
				err = c.save(i, e)
			}
			return c.card("clock/snoozed", "clock", c.plan.ClockName(c.Str("clock")), "until", w.At, "assumed", w.HourAssumed), err
		},
	}
}

func next() Command {
	return Command{
		Words: "next", About: MaybeOne, Needs: Notices, Reads: true,
		Does: "what is to be done now, by whom, until when; of all open incidents: `!next all`", Example: "!next INC-7",
		Args: []Arg{{Name: "all", Kind: Word, OneOf: []string{"all"}, Optional: true}},
		Run: func(c *Call) (Reply, error) {
			if c.Has("all") { // it speaks of every incident: an incident's own room does not hear of others
				if own := c.Line.Grant.Incident; own != 0 {
					return Reply{}, incidents.Refuse("room-one-incident", "handle", incidents.HandleOf(c.Prefix, own))
				}
				c.I = incidents.Incident{}
			}
			waiting, err := c.Tx.Waiting()
			if err != nil {
				return Reply{}, err
			}
			if c.Line.Grant.Incident != 0 {
				waiting = 0 // that counts what is said of others
			}
			list, err := c.Tx.List("open", 50)
			if err != nil {
				return Reply{}, err
			}
			if c.I.N == 0 && len(list) == 1 && !c.Has("all") {
				c.I = list[0]
			}
			if c.I.N != 0 {
				name, at := c.later()
				todo, err := c.todo(c.I, 6)
				return c.card("next/one", "todo", todo, "waiting", waiting, "latername", name, "laterat", at), err
			}
			r, err := c.cards("next/all", list)
			if err != nil {
				return Reply{}, err
			}
			most := 2
			if c.Has("all") {
				most = 100
			}
			cards, _ := r.Facts["incidents"].([]incidents.Facts)
			for k, i := range list {
				todo, err := c.todo(i, most)
				if err != nil {
					return Reply{}, err
				}
				cards[k] = cards[k].With("todo", todo)
			}
			r.Facts["incidents"], r.Facts["waiting"] = cards, waiting
			return r, nil
		},
	}
}

// cards gives a reply about several incidents. What waits to be said about all of
// them is about none: !forget would not find a reporter in it.
func (c *Call) cards(template string, list []incidents.Incident) (Reply, error) {
	cards := []incidents.Facts{}
	for _, i := range list {
		i.Reporter = incidents.Reporter{}
		cards = append(cards, incidents.Card(*c.plan, i, c.now))
	}
	count, err := c.Tx.Count("open")
	left := max(0, count-len(cards))
	return Reply{Template: template, Facts: incidents.Facts{"incidents": cards, "count": len(cards), "left": left, "now": c.now}}, err
}

// todo gives the facts of what is to be done in an incident, at most so many.
func (c *Call) todo(i incidents.Incident, most int) ([]incidents.Facts, error) {
	return c.todos(i, most, func(incidents.Todo) bool { return true })
}

// nextSteps gives the facts of the steps that are to be done next, without what
// clocks ask for besides.
func (c *Call) nextSteps(most int) ([]incidents.Facts, error) {
	return c.todos(c.I, most, func(t incidents.Todo) bool { return t.Rule.Key == "" })
}

func (c *Call) todos(i incidents.Incident, most int, fits func(incidents.Todo) bool) ([]incidents.Facts, error) {
	out := []incidents.Facts{}
	for _, t := range incidents.Next(*c.plan, i, c.now) {
		if len(out) == most {
			break
		}
		if !fits(t) {
			continue
		}
		locked, err := c.lockedAlong(i, t.Step)
		if err != nil {
			return nil, err
		}
		if locked {
			continue
		}
		f := incidents.Facts{
			"who": t.Who, "due": t.Due, "overdue": !t.Due.IsZero() && !c.now.Before(t.Due), "clock": t.Rule.Name, "handle": i.Handle,
			"key": incidents.Seal(t.Step.Key), "name": incidents.Seal(t.Step.Name), "section": incidents.Seal(t.Step.Section),
			"say": incidents.Seal(incidents.SayOf(t.Rule, i.Handle)), "does": incidents.Seal(t.Rule.Does),
		}
		if t.Rule.Key == "" {
			f["say"] = incidents.SayNow(i, t.Step)
		}
		out = append(out, f)
	}
	return out, nil
}

// lockedAlong reports whether a step that is done once for a release is locked by
// another of its incidents: the embargo of the latest one counts.
func (c *Call) lockedAlong(i incidents.Incident, s incidents.Step) (bool, error) {
	if !s.Release || i.Release.N == 0 {
		return false, nil
	}
	r, err := c.Tx.ReleaseOf(i.N)
	if err != nil {
		return false, err
	}
	others, err := c.Tx.Carried(r)
	for _, o := range others {
		if o.N != i.N && o.Open() && incidents.Applies(*c.plan, o, s) && incidents.LockOf(*c.plan, o, s, c.now).Why != "" {
			return true, err
		}
	}
	return false, err
}

// later gives the step that a known instant unlocks first; the zero time when there
// is none.
func (c *Call) later() (name incidents.Sealed, at time.Time) {
	for _, s := range incidents.OpenSteps(*c.plan, c.I, c.I.Phase) {
		l := incidents.LockOf(*c.plan, c.I, s, c.now)
		if !s.Optional && l.Until.After(c.now) && (at.IsZero() || l.Until.Before(at)) {
			name, at = incidents.Seal(s.Name), l.Until
		}
	}
	return name, at
}
