package commands

import (
	"errors"
	"slices"
	"strings"

	"tocsin/incidents"
)

// state gives what a readiness review looks at, as it is now.
func (c *Call) state() (s incidents.State, err error) {
	var err1, err2, err3 error
	s.Review, err1 = c.Tx.Review()
	s.Checked, err2 = c.Tx.Checked()
	s.Tokens, err3 = c.Tx.Tokens()
	s.Broken = c.Book.Broken()
	for _, p := range c.Roster.People() {
		if c.suspended[p.Name] {
			continue
		}
		s.People = append(s.People, p.Name)
		if lacks := c.lacks(p); len(lacks) > 0 {
			s.Lacks = append(s.Lacks, incidents.Facts{"person": p.Name, "networks": lacks})
		}
	}
	return s, errors.Join(err1, err2, err3)
}

// lacks lists the networks of desks where a person has no account.
func (c *Call) lacks(p incidents.Person) []string {
	var out []string
	for _, d := range c.Desks {
		has := slices.ContainsFunc(p.Accounts, func(a incidents.Account) bool { return a.Network == d.Network })
		if !has && !slices.Contains(out, d.Network) {
			out = append(out, d.Network)
		}
	}
	return out
}

// readinessCard gives the facts of the review as it is now, with more.
func (c *Call) readinessCard(pairs ...any) (incidents.Facts, error) {
	s, err := c.state()
	f := incidents.ReadinessCard(*c.plan, s, c.now)
	for k, v := range incidents.NewFacts(pairs...) {
		f[k] = v
	}
	return f, err
}

func readinessStart() Command {
	return Command{
		Words: "readiness start", About: Every, Needs: Notices,
		Does: "begin a readiness review: everybody says that they are here, and what is stale is listed",
		Run: func(c *Call) (Reply, error) {
			s, err := c.state()
			if err != nil {
				return Reply{}, err
			}
			if s.Review.Open() {
				return Reply{}, incidents.Refuse("review-open", "began", s.Review.At, "by", s.Review.By)
			}
			if err := c.Tx.StartReview(c.Who.Name); err != nil {
				return Reply{}, err
			}
			if err := c.note(incidents.Entry{Kind: "review", Who: c.Who.Name, At: c.now}); err != nil {
				return Reply{}, err
			}
			f, err := c.readinessCard()
			return Reply{Template: "readiness/started", Facts: f, Mentions: s.People}, err
		},
	}
}

func readinessShow() Command {
	return Command{
		Words: "readiness show", About: Every, Needs: Notices, Reads: true,
		Does: "show the readiness review, or the last one: who is here, contacts, tokens",
		Run: func(c *Call) (Reply, error) {
			f, err := c.readinessCard()
			return Reply{Template: "readiness/show", Facts: f}, err
		},
	}
}

func readinessVerify() Command {
	return Command{
		Words: "readiness verify", About: Every, Needs: Notices,
		Does: "note that you checked a contact of the plan", Example: "!readiness verify debian the page still names that address",
		Args: []Arg{
			{Name: "contact", Kind: Key, Of: "contact"},
			{Name: "note", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			contact, _ := c.plan.Contact(c.Str("contact"))
			if err := c.Tx.CheckContact(contact.Key, c.Who.Name, c.Sealed("note")); err != nil {
				return Reply{}, err
			}
			e := incidents.Entry{Kind: "verified", Who: c.Who.Name, At: c.now, Plain: contact.Key, Text: c.Sealed("note")}
			if err := c.Tx.Record(e); err != nil {
				return Reply{}, err
			}
			f, err := c.readinessCard("key", contact.Key, "name", contact.Name, "reach", contact.Reach)
			return Reply{Template: "readiness/verified", Facts: f}, err
		},
	}
}

func readinessToken() Command {
	return Command{
		Words: "readiness token", About: Every, Needs: Notices,
		Does: "note the name of a credential and when it expires; never the credential", Example: "!readiness token codecov-upload 2027-03-01",
		Args: []Arg{
			{Name: "name", Kind: Word, Sealed: true},
			{Name: "expires", Kind: When},
		},
		Run: func(c *Call) (Reply, error) {
			if incidents.LooksLikeSecret(c.Str("name")) {
				return Reply{}, incidents.Refuse("token-secret")
			}
			w, _ := c.args["expires"].(incidents.When)
			t := incidents.Token{Name: c.Sealed("name"), Expires: w.At, By: c.Who.Name}
			if err := c.Tx.PutToken(t); err != nil {
				return Reply{}, err
			}
			e := incidents.Entry{Kind: "token", Who: c.Who.Name, At: c.now, Text: t.Name}
			return Reply{Template: "readiness/token", Facts: incidents.Facts{
				"token": t.Name, "expires": t.Expires, "expired": !c.now.Before(t.Expires), "assumed": w.HourAssumed,
			}}, c.Tx.Record(e)
		},
	}
}

func readinessDrop() Command {
	return Command{
		Words: "readiness drop", About: Every, Needs: Notices,
		Does: "take a credential off the list: it is revoked, or used no more", Example: "!readiness drop codecov-upload",
		Args: []Arg{{Name: "name", Kind: Word, Sealed: true}},
		Run: func(c *Call) (Reply, error) {
			ok, err := c.Tx.DropToken(c.Sealed("name"))
			if err != nil || !ok {
				return Reply{}, orRefuse(err, "token-unknown")
			}
			return Reply{Template: "readiness/dropped"}, c.Tx.Record(incidents.Entry{
				Kind: "token-dropped", Who: c.Who.Name, At: c.now, Text: c.Sealed("name"),
			})
		},
	}
}

func readinessDone() Command {
	return Command{
		Words: "readiness done", About: Every, Needs: Notices,
		Does: "end the readiness review; what is still missing is said, and kept",
		Args: []Arg{{Name: "note", Kind: Text, Optional: true, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			s, err := c.state()
			if err != nil {
				return Reply{}, err
			}
			if !s.Review.Open() {
				return Reply{}, incidents.Refuse("review-none")
			}
			f := incidents.ReadinessCard(*c.plan, s, c.now)
			if err := c.Tx.EndReview(c.Who.Name, c.Sealed("note")); err != nil {
				return Reply{}, err
			}
			return Reply{Template: "readiness/done", Facts: f}, c.note(incidents.Entry{
				Kind: "reviewed", Who: c.Who.Name, At: c.now, Plain: leftOpen(f), Text: c.Sealed("note"),
			})
		},
	}
}

// leftOpen says for the record what a review leaves undone, where every room may
// hear it.
func leftOpen(f incidents.Facts) string {
	var out []string
	if missing, _ := f["missing"].([]string); len(missing) > 0 {
		out = append(out, "no !here of "+strings.Join(missing, ", "))
	}
	if stale, _ := f["stale"].([]string); len(stale) > 0 {
		out = append(out, "not checked "+strings.Join(stale, ", "))
	}
	return strings.Join(out, "; ")
}
