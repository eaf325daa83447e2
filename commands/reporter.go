package commands

import (
	"slices"

	"tocsin/incidents"
)

func reporterSet() Command {
	return Command{
		Words: "reporter set", About: One, Needs: Notices,
		Does: "note who reported it, how to reach them, how to credit them", Example: `!reporter set Erin --contact erin@example.org --credit "Erin of Example Labs"`,
		Args: []Arg{
			{Name: "C", Flag: "--contact", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
			{Name: "CREDIT", Flag: "--credit", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle},
			{Name: "name", Kind: OneLine, Sealed: true, Max: maxTitle},
		},
		Run: func(c *Call) (Reply, error) {
			i, e := incidents.SetReporter(c.I, incidents.Reporter{
				Name: c.Sealed("name"), Contact: c.Sealed("C"), Credit: c.Sealed("CREDIT"),
			}, c.Who.Name, c.now)
			if len(e.Personal) == 0 {
				return Reply{}, incidents.Refuse("nothing-new", "handle", c.I.Handle)
			}
			err := c.save(i, e)
			return c.card("reporter/set"), err
		},
	}
}

func forgetReporter() Command {
	return Command{
		Words: "forget reporter", About: One, Needs: Notices,
		Does: "erase the reporter's name, contact and credit for good, texts for people outside, and the accounts of guests who left",
		Run: func(c *Call) (Reply, error) {
			guests, err := c.Tx.GuestsToForget(c.I.N)
			if err != nil {
				return Reply{}, err
			}
			texts, err := c.Tx.TextsToForget(c.I.N)
			if err != nil {
				return Reply{}, err
			}
			i, e, err := incidents.ForgetReporter(c.I, guests || texts, c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			if err := c.Tx.Forget(c.I.N); err != nil {
				return Reply{}, err
			}
			err = c.save(i, e)
			return c.card("reporter/forgot"), err
		},
	}
}

func factSet() Command {
	return Command{
		Words: "fact set", About: One, Needs: Notices,
		Does: "set a fact that drafts are made from", Example: "!fact set fixed 12.3.1",
		Args: []Arg{
			{Name: "fact", Kind: Word, OneOf: incidents.FactNames()},
			{Name: "value", Kind: Text, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			name := c.Str("fact")
			if err := c.oneLineFact(name); err != nil {
				return Reply{}, err
			}
			i, e, err := incidents.SetFact(c.I, name, c.Str("value"), c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			err = c.save(i, e)
			return c.card("fact/set", "fact", name), err
		},
	}
}

func factRemove() Command {
	return Command{
		Words: "fact remove", About: One, Needs: Notices,
		Does: "take a fact away that is not so after all", Example: "!fact remove fixed",
		Args: []Arg{{Name: "fact", Kind: Word, OneOf: incidents.FactNames(), Sealed: true}}, // that there was one is told by its name
		Run: func(c *Call) (Reply, error) {
			name := c.Str("fact")
			i, e, err := incidents.RemoveFact(c.I, name, c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			err = c.save(i, e)
			return c.card("fact/removed", "fact", incidents.Seal(name)), err
		},
	}
}

// oneLineFact holds to one line every fact that is not told in sentences.
func (c *Call) oneLineFact(name string) error {
	if slices.Contains([]string{"details", "summary", "workaround", "poc", "files", "advice"}, name) {
		return nil
	}
	clean, err := incidents.CleanLine(c.Str("value"), maxTitle)
	c.args["value"] = clean
	if err == nil && name == "library" {
		err = c.bundled()
	}
	return err
}

func factShow() Command {
	return Command{
		Words: "fact show", About: One, Needs: Notices, Reads: true,
		Does: "show the facts that drafts are made from",
		Run:  func(c *Call) (Reply, error) { return c.card("fact/show"), nil },
	}
}

func timeline() Command {
	return Command{
		Words: "timeline", About: MaybeOne, Needs: Notices, Reads: true,
		Does: "show the last entries of the record", Example: "!timeline INC-7 20",
		Args: []Arg{{Name: "n", Kind: Count, Optional: true}},
		Run: func(c *Call) (Reply, error) {
			n, ok := c.args["n"].(int)
			if !ok {
				n = 10
			}
			list, err := c.Tx.Timeline(c.I.N, n)
			if err != nil {
				return Reply{}, err
			}
			var entries []incidents.Facts
			for _, e := range list {
				h := ""
				if e.Incident != 0 && c.I.N == 0 {
					h = incidents.HandleOf(c.Prefix, e.Incident)
				}
				entries = append(entries, incidents.Facts{
					"at": e.At, "who": e.Who, "kind": e.Kind, "plain": e.Plain, "text": e.Text, "handle": h,
				})
			}
			return Reply{Template: "timeline", Facts: incidents.Facts{"entries": entries, "handle": c.I.Handle, "codename": c.I.Codename}}, nil
		},
	}
}
