package commands

import (
	"strings"

	"tocsin/incidents"
	"tocsin/incidents/store"
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
		Does:    "put own words in the place of a draft's; first lines may be Subject: and For:",
		Example: "!draft edit INC-7 update Hi Erin, we can reproduce it.",
		Args:    []Arg{draftArg(), {Name: "text", Kind: Text, Sealed: true, Max: maxText}}, // no flags: a text may hold "--upgrade"
		Run: func(c *Call) (Reply, error) {
			k, err := c.draftKind("")
			if err != nil {
				return Reply{}, err
			}
			w, err := c.typedWords(k)
			if err != nil {
				return Reply{}, err
			}
			c.args["NAME"] = c.open(w.For)
			if w.Subject.Empty() && k.Channel != templates.ByMastodon { // the draft's own stays
				t, err := c.text(k, use{})
				if err != nil {
					return Reply{}, err
				}
				w.Subject = t.Subject
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

// typedWords reads the words that somebody puts in the place of a draft's.
func (c *Call) typedWords(k templates.DraftKind) (store.Words, error) {
	w := store.Words{Kind: k.Key, By: c.Who.Name, At: c.now}
	body := c.Str("text")
	for {
		line, rest, _ := strings.Cut(body, "\n")
		name, value, ok := strings.Cut(line, ":")
		name, value = small(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || name != "subject" && name != "for" || value == "" {
			break
		}
		into := &w.Subject
		if name == "for" {
			into = &w.For
		} else if k.Channel == templates.ByMastodon || k.Channel == templates.ByNotes {
			return w, incidents.Refuse("draft-no-subject", "draft", incidents.Seal(k.Key))
		}
		clean, err := incidents.CleanLine(value, maxTitle)
		if err != nil {
			return w, err
		}
		*into, body = incidents.Seal(clean), strings.TrimLeft(rest, "\n")
	}
	if strings.TrimSpace(body) == "" {
		return w, incidents.Refuse("empty")
	}
	w.Body = incidents.Seal(incidents.Neutral(body))
	return w, nil
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
			k, err := c.draftKind("")
			if err != nil {
				return Reply{}, err
			}
			dropped, err := c.Tx.DropWords(c.I.N, k.Key, c.Sealed("NAME"))
			if err != nil || !dropped {
				return Reply{}, orRefuse(err, "draft-not-edited", "draft", incidents.Seal(k.Key))
			}
			err = c.noted("draft-reset", k)
			return c.card("draft/reset", "draft", incidents.Seal(k.Key)), err
		},
	}
}
