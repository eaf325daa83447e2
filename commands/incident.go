package commands

import (
	"slices"

	"tocsin/incidents"
)

// The most bytes that one line of text, and a text of several lines, may have.
const (
	maxTitle = 300
	maxText  = 12 << 10
)

func incidentOpen() Command {
	return Command{
		Words: "incident open", About: Every, Needs: Notices,
		Does:    "open an incident; you lead it until another is assigned",
		Example: `!incident open --severity high --reported 5h ago Heap overflow in the PSD decoder`,
		Args: []Arg{
			{Name: "TYPE", Flag: "--type", Kind: Key, Of: "type", Optional: true, Sealed: true},
			{Name: "SOURCE", Flag: "--source", Kind: Key, Of: "source", Optional: true, Sealed: true},
			{Name: "LEVEL", Flag: "--severity", Kind: Severity, Optional: true},
			{Name: "WHEN", Flag: "--reported", Kind: When, Optional: true, Past: true},
			{Name: "LEAD", Flag: "--lead", Kind: Word, OneOf: []string{"me", "nobody"}, Optional: true},
			{Name: "title", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
		},
		Run: func(c *Call) (Reply, error) {
			n, handle, codename, err := c.Tx.NextIncident()
			if err != nil {
				return Reply{}, err
			}
			o := incidents.Opening{
				N: n, Handle: handle, Codename: codename, Type: c.Str("TYPE"), Source: c.Str("SOURCE"),
				Severity: c.Str("LEVEL"), Title: c.Sealed("title"), Unled: c.Str("LEAD") == "nobody",
			}
			if w, ok := c.args["WHEN"].(incidents.When); ok {
				o.Reported = w
			}
			i, entries, err := incidents.OpenIncident(*c.plan, o, c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			i, moved := incidents.Advance(*c.plan, incidents.Incident{}, i, c.Who.Name, c.now)
			if c.I, err = c.Tx.Add(i, append(entries, moved...)...); err != nil {
				return Reply{}, err
			}
			c.said = entries[:1]
			err = c.roomByLevel()
			return c.card("incident/opened", "assumed", o.Reported.HourAssumed, "asked", c.Str("LEVEL") != "" && c.I.Level != c.Str("LEVEL")), err
		},
	}
}

func incidentList() Command {
	return Command{
		Words: "incident list", About: Every, Needs: Notices, Reads: true,
		Does: "list incidents: the open ones, unless you say which",
		Args: []Arg{{Name: "which", Kind: Word, OneOf: []string{"open", "closed", "all"}, Optional: true}},
		Run: func(c *Call) (Reply, error) {
			which := c.Str("which")
			if which == "" {
				which = "open"
			}
			list, err := c.Tx.List(which, 50)
			if err != nil {
				return Reply{}, err
			}
			count, err := c.Tx.Count(which)
			var cards []incidents.Facts
			for _, i := range list {
				i.Reporter = incidents.Reporter{} // a list that waits to be said is about no incident: !forget would not find it
				cards = append(cards, incidents.Card(*c.plan, i, c.now))
			}
			return Reply{Template: "incident/list", Facts: incidents.Facts{
				"which": which, "count": count, "left": count - len(list), "incidents": cards,
			}}, err
		},
	}
}

func incidentShow() Command {
	return Command{
		Words: "incident show", About: One, Needs: Notices, Reads: true,
		Does: "show an incident", Example: "!incident show INC-7",
		Run: func(c *Call) (Reply, error) { return c.card("incident/show"), nil },
	}
}

func incidentNote() Command {
	return Command{
		Words: "incident note", About: One, Needs: Notices,
		Does: "add a note to the record",
		Args: []Arg{{Name: "text", Kind: Text, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			e := incidents.Entry{Kind: "noted", Who: c.Who.Name, At: c.now, Text: c.Sealed("text")}
			err := c.save(c.I, e)
			return c.card("incident/noted"), err
		},
	}
}

func incidentTitle() Command {
	return Command{
		Words: "incident title", About: OneOpen, Needs: Notices,
		Does: "give an incident its title, or another one",
		Args: []Arg{{Name: "text", Kind: OneLine, Sealed: true, Max: maxTitle}},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.Retitle(c.I, c.Sealed("text"), c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			err = c.save(i, e)
			return c.card("incident/titled"), err
		},
	}
}

func incidentClose() Command {
	return Command{
		Words: "incident close", About: OneOpen, Needs: Notices,
		Does: "close an incident with an outcome", Example: "!incident close not-a-vulnerability the crash is in the test itself",
		Args: []Arg{
			{Name: "outcome", Kind: Key, Of: "outcome", Sealed: true},
			{Name: "reason", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.Close(*c.plan, c.I, c.Str("outcome"), c.Sealed("reason"), c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			asked, err := c.unsent()
			if err != nil {
				return Reply{}, err
			}
			_, waits := incidents.Happened(*c.plan, c.I, "reporter")
			unanswered := waits && c.I.AckAt.IsZero()
			if err := c.save(i, e); err != nil {
				return Reply{}, err
			}
			declines := slices.ContainsFunc(c.plan.Outcomes, func(o incidents.Outcome) bool { return c.I.Outcome.Same(incidents.Seal(o.Key)) && o.Draft != "" })
			err = c.inRoom("room/farewell", incidents.Card(*c.plan, c.I, c.now).With("who", c.Who.Name))
			return c.card("incident/closed", "unanswered", unanswered, "unapproved", asked, "declines", declines), err
		},
	}
}

func incidentReopen() Command {
	return Command{
		Words: "incident reopen", About: One, Needs: Notices,
		Does: "take a closed incident up again",
		Args: []Arg{{Name: "reason", Kind: Text, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.Reopen(c.I, c.Sealed("reason"), c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			err = c.save(i, e)
			return c.card("incident/reopened"), err
		},
	}
}

func ackSent() Command {
	return Command{
		Words: "ack sent", About: OneOpen, Needs: Notices,
		Does: "note that the reporter was answered; stops the acknowledgement clock", Example: "!ack sent --via email",
		Args: []Arg{
			{Name: "HOW", Flag: "--via", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
			{Name: "WHEN", Flag: "--at", Kind: When, Optional: true, Past: true},
		},
		Run: func(c *Call) (Reply, error) {
			at := c.now
			if w, ok := c.args["WHEN"].(incidents.When); ok {
				at = w.At
			}
			i, e, err := incidents.Acknowledge(c.I, c.Sealed("HOW"), at, c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			err = c.save(i, e)
			w, _ := c.args["WHEN"].(incidents.When)
			return c.card("ack/sent", "assumed", w.HourAssumed, "took", incidents.SaySpan(at.Sub(c.I.ReportedAt))), err
		},
	}
}
