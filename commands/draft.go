package commands

import (
	"tocsin/incidents"
	"tocsin/templates"
)

func draft() Command {
	return Command{
		Words: "draft", About: One, Needs: Full, Reads: true,
		Does:    "show a text for people outside, with what is missing in it and what speaks against it; --eml gives it as a file for a mail program",
		Example: "!draft INC-7 downstream --for Kivy",
		Args:    append(emlArgs(), forArg(), draftArg(), Arg{Name: "outcome", Kind: Key, Of: "outcome", Optional: true, Sealed: true}),
		Run: func(c *Call) (Reply, error) {
			if c.Has("outcome") && small(c.Str("kind")) != decline {
				return Reply{}, incidents.Refuse("draft-outcome-alone")
			}
			k, err := c.draftKind(c.Str("outcome"))
			if err != nil {
				return Reply{}, err
			}
			if c.Has("eml") {
				return c.eml(k)
			}
			if c.Has("ADDRESSES") || c.Has("ADDRESS") {
				return Reply{}, incidents.Refuse("draft-eml-flag")
			}
			t, err := c.text(k, use{limits: c.limitsOf(k)})
			if err != nil {
				return Reply{}, err
			}
			r := c.card("draft/show", "waysend", c.canSend(k))
			for name, v := range t.shown() {
				r.Facts[name] = v
			}
			return r, nil
		},
	}
}

// limitsOf gives what the Mastodon instance allows, for a post.
func (c *Call) limitsOf(k templates.DraftKind) templates.Limits {
	if w, ok := c.way(k); ok {
		return w.Limits
	}
	return templates.Limits{}
}

func draftList() Command {
	return Command{
		Words: "draft list", About: One, Needs: Full, Reads: true,
		Does: "list the texts for people outside, those that fit how things are first, what is missing in each, and what was sent",
		Run: func(c *Call) (Reply, error) {
			sent, err := c.Tx.Sendings(c.I.N)
			if err != nil {
				return Reply{}, err
			}
			fit, others := []incidents.Facts{}, []incidents.Facts{}
			for _, k := range c.Book.DraftKinds() {
				t, err := c.text(k, use{limits: c.limitsOf(k)})
				if err != nil {
					return Reply{}, err
				}
				into := &others
				if incidents.DraftFits(*c.plan, c.I, k.Key) {
					into = &fit
				}
				*into = append(*into, incidents.Facts{
					"draft": incidents.Seal(k.Key), "says": incidents.Seal(k.Name), "section": incidents.Seal(k.Section),
					"missing": len(t.Missing), "errors": len(t.found(templates.LintError)), "own": t.own, "sent": lastOf(sent, k.Key),
				})
			}
			return c.card("draft/list", "drafts", fit, "others", others), nil
		},
	}
}

// lastOf gives what became of the newest text of a kind; no line when there is none.
func lastOf(sent []incidents.Sending, kind string) []incidents.Facts {
	for _, s := range sent {
		if s.Kind == kind {
			return []incidents.Facts{incidents.SendingFacts(s)}
		}
	}
	return []incidents.Facts{}
}

func draftEdit() Command {
	return Command{
		Words: "draft edit", About: One, Needs: Full,
		Does:    "put own words in the place of a draft's, or with --more after what is there; where a message has one line only, \\n begins a new one",
		Example: `!draft edit INC-7 update --subject "Your report" Hi Erin, we can reproduce it.`,
		Before:  true, // a text may hold "--upgrade"
		Args: []Arg{
			forArg(),
			{Name: "SUBJECT", Flag: "--subject", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
			{Name: "more", Flag: "--more", Kind: Switch, Optional: true},
			draftArg(),
			{Name: "text", Kind: Text, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			k, err := c.kindTyped()
			if err != nil {
				return Reply{}, err
			}
			w, err := c.typedWords(k)
			if err != nil {
				return Reply{}, err
			}
			c.args["NAME"] = c.open(w.For)
			if w, err = c.overText(k, w); err != nil {
				return Reply{}, err
			}
			if err := c.Tx.PutWords(c.I.N, w); err != nil {
				return Reply{}, err
			}
			if err := c.noted("draft-edited", k); err != nil {
				return Reply{}, err
			}
			t, err := c.text(k, use{limits: c.limitsOf(k)})
			if err != nil {
				return Reply{}, err
			}
			r := c.card("draft/edited", "waysend", c.canSend(k))
			for name, v := range t.shown() {
				r.Facts[name] = v
			}
			return r, nil
		},
	}
}

// noted records that a draft was changed. The words are not in the record: they may
// name the reporter, and the record is never erased.
func (c *Call) noted(kind string, k templates.DraftKind) error {
	e := incidents.Entry{Incident: c.I.N, Kind: kind, Who: c.Who.Name, At: c.now, Text: incidents.Seal(k.Key)}
	c.said = append(c.said, e)
	return c.Tx.Record(e)
}

func draftReset() Command {
	return Command{
		Words: "draft reset", About: One, Needs: Full,
		Does: "take own words of a draft back: it is made from the facts again", Example: "!draft reset INC-7 update",
		Args: []Arg{forArg(), draftArg()},
		Run: func(c *Call) (Reply, error) {
			k, err := c.kindTyped()
			if err != nil {
				return Reply{}, err
			}
			dropped, err := c.Tx.DropWords(c.I.N, k.Key, c.Sealed("NAME"))
			if err != nil || !dropped {
				return Reply{}, orRefuse(err, "draft-not-edited", "draft", incidents.Seal(k.Key))
			}
			err = c.noted("draft-reset", k)
			return c.card("draft/reset", "draft", incidents.Seal(k.Key), "for", c.Sealed("NAME")), err
		},
	}
}
