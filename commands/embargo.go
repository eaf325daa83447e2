package commands

import (
	"time"

	"tocsin/incidents"
)

func embargoPropose() Command {
	return Command{
		Words: "embargo propose", About: OneOpen, Needs: Notices,
		Does: "note the date that you propose to the reporter", Example: "!embargo propose INC-7 2026-12-03 14:00",
		Args: []Arg{{Name: "when", Kind: When}},
		Run: func(c *Call) (Reply, error) {
			w, err := c.moment()
			if err != nil {
				return Reply{}, err
			}
			i, e, err := incidents.ProposeEmbargo(*c.plan, c.I, w, c.Who.Name, c.now)
			return c.embargoed("embargo/proposed", w, i, e, err)
		},
	}
}

func embargoAgree() Command {
	return Command{
		Words: "embargo agree", About: OneOpen, Needs: Notices, Outside: true,
		Does: "note who agreed to the embargo's date, and in which words", Example: `!embargo agree INC-7 Erin "the 3rd suits me"`,
		Args: []Arg{
			{Name: "who", Kind: Word, Sealed: true},
			{Name: "quote", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.AgreeEmbargo(*c.plan, c.I, c.Sealed("who"), c.Sealed("quote"), c.Who.Name, c.now)
			by := c.Sealed("who")
			r, err := c.embargoed("embargo/agreed", incidents.When{}, i, e, err)
			if err == nil {
				r.Facts["by"], r.Facts["byreporter"] = by, incidents.ByReporter(*c.plan, c.I, by)
			}
			return r, err
		},
	}
}

func embargoSet() Command {
	return Command{
		Words: "embargo set", About: OneOpen, Needs: Notices,
		Does: "set the embargo's date; without one, the one that was agreed", Example: "!embargo set INC-7 2026-12-03",
		Args: []Arg{{Name: "when", Kind: When, Optional: true}},
		Second: func(c *Call) (bool, error) {
			w, err := c.moment()
			if err != nil {
				return false, err
			}
			_, _, err = incidents.SetEmbargo(*c.plan, c.I, w, c.Who.Name, c.now)
			return incidents.MoveNeedsSecond(c.I, w.At), err
		},
		Run: func(c *Call) (Reply, error) {
			w, err := c.moment()
			if err != nil {
				return Reply{}, err
			}
			i, e, err := incidents.SetEmbargo(*c.plan, c.I, w, c.Who.Name, c.now)
			return c.embargoed("embargo/set", w, i, e, err)
		},
	}
}

func embargoMove() Command {
	return Command{
		Words: "embargo move", About: OneOpen, Needs: Notices,
		Does: "move the embargo to another date; to an earlier one it needs a second maintainer", Example: "!embargo move INC-7 2026-12-09 14:00 a distribution needs more time",
		Args: []Arg{{Name: "when", Kind: When}, {Name: "reason", Kind: Text, Sealed: true, Max: maxText}},
		Second: func(c *Call) (bool, error) { // brought forward it ends earlier, and that needs two
			w, err := c.moment()
			if err != nil {
				return false, err
			}
			_, _, err = incidents.MoveEmbargo(*c.plan, c.I, w, c.Sealed("reason"), c.Who.Name, c.now)
			return incidents.MoveNeedsSecond(c.I, w.At), err
		},
		Run: func(c *Call) (Reply, error) {
			w, err := c.moment()
			if err != nil {
				return Reply{}, err
			}
			i, e, err := incidents.MoveEmbargo(*c.plan, c.I, w, c.Sealed("reason"), c.Who.Name, c.now)
			return c.embargoed("embargo/moved", w, i, e, err)
		},
	}
}

func embargoShow() Command {
	return Command{
		Words: "embargo show", About: One, Needs: Notices, Reads: true,
		Does: "show the embargo: its date for everybody, who agreed, what it means for the distributions",
		Run: func(c *Call) (Reply, error) {
			agreed, err := c.Tx.Agreements(c.I.N)
			var list []incidents.Facts
			for _, a := range agreed {
				list = append(list, incidents.Facts{"who": a.Who, "date": a.Date, "quote": a.Quote, "at": a.At})
			}
			if err != nil {
				return Reply{}, err
			}
			return c.embargo("embargo/show", incidents.When{}, "agreements", list)
		},
	}
}

func embargoFile() Command {
	return Command{
		Words: "embargo ics", About: One, Needs: Notices, Reads: true,
		Does:    "give the embargo's end as a file for your calendar, which says nothing; after a change, give it again",
		Example: "!embargo ics INC-7",
		Run: func(c *Call) (Reply, error) {
			e := c.I.Embargo
			if e.At.IsZero() || !e.Dated() && !e.Over() {
				return Reply{}, incidents.Refuse("embargo-no-file", "handle", c.I.Handle)
			}
			seed, sequence, err := c.Tx.Appointment(c.I.N)
			return c.card("embargo/ics", "maker", "ics", "seed", incidents.Seal(seed), "number", c.I.N, "sequence", sequence,
				"now", c.now, "made", "", "name", "", "printed", incidents.Sealed{}), err
		},
	}
}

func embargoLift() Command {
	return Command{
		Words: "embargo lift", About: OneOpen, Needs: Notices,
		Does:    "end the embargo: what is locked until then can be done; before its moment it needs a second maintainer",
		Example: "!embargo lift INC-7 the wheels are ready",
		Args:    []Arg{{Name: "reason", Kind: Text, Sealed: true, Max: maxText}},
		Second: func(c *Call) (bool, error) {
			_, _, err := incidents.LiftEmbargo(c.I, incidents.Sealed{}, c.Who.Name, c.now)
			return incidents.LiftNeedsSecond(c.I, c.now), err
		},
		Freeze: func(c *Call) (string, Reply, error) {
			return "", c.card("embargo/lift-asked", "unfixed", incidents.Unfixed(*c.plan, c.I)), nil
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.LiftEmbargo(c.I, c.Sealed("reason"), c.Who.Name, c.now)
			unfixed := incidents.Unfixed(*c.plan, c.I)
			r, err := c.embargoed("embargo/lifted", incidents.When{}, i, e, err)
			if err == nil {
				r.Facts["unfixed"] = unfixed
			}
			return r, err
		},
	}
}

func embargoBroken() Command {
	return Command{
		Words: "embargo broken", About: OneOpen, Needs: Notices,
		Does:    "say that something leaked: disclosure is now; one maintainer is enough",
		Example: "!embargo broken INC-7 a commit message names the decoder",
		Args:    []Arg{{Name: "what leaked", Kind: Text, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.BreakEmbargo(c.I, c.Sealed("what leaked"), c.Who.Name, c.now)
			r, err := c.embargoed("embargo/broken", incidents.When{}, i, e, err)
			r.Mentions = c.others()
			return r, err
		},
	}
}

// moment gives the date that was typed. A day of the week that is less than a day ahead
// is refused: it would end the embargo at once where the next one was meant.
func (c *Call) moment() (incidents.When, error) {
	w, _ := c.args["when"].(incidents.When)
	for _, t := range c.typed {
		if t.Kind == When && incidents.OtherWeek(t.text, w.At, c.now) {
			form := "2006-01-02 15:04"
			return w, incidents.Refuse("embargo-weekday", "at", w.At, "near", w.At.Format(form), "far", w.At.AddDate(0, 0, 7).Format(form))
		}
	}
	return w, nil
}

// embargoed keeps what a rule made of the embargo, and shows it.
func (c *Call) embargoed(template string, w incidents.When, i incidents.Incident, e incidents.Entry, err error) (Reply, error) {
	before := incidents.TrackOf(*c.plan, c.I).Key
	if err == nil {
		err = c.save(i, e)
	}
	if err != nil {
		return Reply{}, err
	}
	return c.embargo(template, w, "tracked", incidents.Seal(changed(before, incidents.TrackOf(*c.plan, c.I).Key)))
}

// embargo gives a reply about the embargo: its moment as the clocks of everybody
// with a role show it, what speaks against it, what the distributions' list takes.
func (c *Call) embargo(template string, w incidents.When, pairs ...any) (Reply, error) {
	sent, err := c.Tx.Sendings(c.I.N)
	if err != nil {
		return Reply{}, err
	}
	e := c.I.Embargo
	cautions := []string{}
	if e.State != "" && !e.Over() && c.now.Before(e.At) {
		for _, k := range incidents.Cautions(*c.plan, c.I, e.At, c.now) {
			cautions = append(cautions, string(k))
		}
	}
	var tell []incidents.Facts
	for _, s := range incidents.OpenSteps(*c.plan, c.I, c.I.Phase) {
		if s.Phase == "" {
			tell = append(tell, incidents.StepFacts(*c.plan, c.I, []incidents.Step{s}, c.now)...)
		}
	}
	_, told := incidents.Happened(*c.plan, c.I, "step:notify-distros")
	list, onlist := incidents.ListToTell(*c.plan, c.I)
	f := []any{
		"local", c.clocksOf(e.At), "cautions", incidents.Seal(join(cautions)), "assumed", w.HourAssumed,
		"left", incidents.SaySpan(e.At.Sub(c.now).Abs()), "past", !c.now.Before(e.At), "atonce", tell,
		"onlist", onlist, "listsay", list.SayTold(c.I),
		"window", e.At.Add(-incidents.DistrosMost), "preferred", e.At.Add(-incidents.DistrosPreferred),
		"windowopen", !c.now.Before(e.At.Add(-incidents.DistrosMost)), "preferredopen", !c.now.Before(e.At.Add(-incidents.DistrosPreferred)),
		"second", c.agreed, "mailed", told, "outsiders", incidents.ToldFacts(incidents.WhoWasTold(*c.plan, c.I, sent)),
	}
	return c.card(template, append(f, pairs...)...), nil
}

// join puts keys between blanks, so that a template can look for one of them.
func join(keys []string) string {
	out := " "
	for _, k := range keys {
		out += k + " "
	}
	return out
}

// clocksOf gives an instant as the clocks of everybody with a role show it.
func (c *Call) clocksOf(at time.Time) []string {
	var out []string
	for _, p := range c.Roster.People() {
		if c.I.Has(p.Name) && p.Zone != nil {
			out = append(out, p.Name+" "+incidents.SayIn(at, p.Zone))
		}
	}
	return out
}
