package commands

import (
	"slices"

	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// GitHub is what the configuration says of the repository whose advisories are watched.
type GitHub struct {
	Repository string // "python-pillow/Pillow"
	Writes     bool   // there is a token that writes
	Publish    bool   // and it may publish
	Ecosystem  string // of our package
	Package    string
}

func ghsaArg() Arg { return Arg{Name: "GHSA", Kind: Word, Sealed: true} }

func fieldArg(optional bool) Arg {
	return Arg{Name: "field", Kind: Word, OneOf: incidents.AdvisoryFields(), Optional: optional}
}

func advisoryList() Command {
	return Command{
		Words: "advisory list", About: Every, Needs: Notices, Reads: true,
		Does: "list the advisories on GitHub that are not done with, and whose they are", Example: "!advisory list",
		Run: func(c *Call) (Reply, error) {
			if c.GitHub == nil {
				return Reply{}, incidents.Refuse("no-github")
			}
			all, err := c.Tx.Advisories()
			if err != nil {
				return Reply{}, err
			}
			last, deaf, err := c.Tx.Watched()
			const most = 40
			list, left := []incidents.Facts{}, 0
			for _, a := range all {
				switch {
				case a.Ended():
				case len(list) == most:
					left++
				default:
					f := a.Facts()
					f["handle"] = ""
					delete(f, "author") // a list is about no incident: !forget would not find it
					delete(f, "credits")
					delete(f, "collaborators")
					delete(f, "description")
					if a.Incident != 0 {
						f["handle"] = incidents.HandleOf(c.Prefix, a.Incident)
					}
					list = append(list, f)
				}
			}
			return Reply{Template: "advisory/list", Facts: incidents.Facts{"advisories": list, "left": left, "count": len(all), "last": last, "deaf": deaf}}, err
		},
	}
}

func advisoryOpen() Command {
	return Command{
		Words: "advisory open", About: Every, Needs: Notices,
		Does: "open an incident for an advisory that is on GitHub", Example: "!advisory open GHSA-2345-6789-cfgh",
		Args: []Arg{ghsaArg()},
		Run: func(c *Call) (Reply, error) {
			a, err := c.advisoryNamed()
			if err != nil {
				return Reply{}, err
			}
			if a.Incident != 0 {
				return Reply{}, c.taken(a)
			}
			err = c.act(incidents.AdvisoryAct{Kind: incidents.ActOpen, GHSA: a.GHSA})
			return Reply{Template: "advisory/asking-open", Facts: incidents.Facts{}}, err
		},
	}
}

func advisoryLink() Command {
	return Command{
		Words: "advisory link", About: One, Needs: Notices,
		Does: "say which advisory on GitHub is an incident's", Example: "!advisory link INC-7 GHSA-2345-6789-cfgh",
		Args: []Arg{ghsaArg()},
		Run: func(c *Call) (Reply, error) {
			a, err := c.advisoryNamed()
			if err != nil {
				return Reply{}, err
			}
			has, had, err := c.Tx.AdvisoryOf(c.I.N)
			switch {
			case err != nil:
				return Reply{}, err
			case a.Incident == c.I.N || had && !has.GHSA.Same(a.GHSA) || !had && !c.I.GHSA.Empty() && !c.I.GHSA.Same(a.GHSA):
				return Reply{}, incidents.Refuse("advisory-has", "handle", c.I.Handle, "ghsa", c.I.GHSA)
			case a.Incident != 0:
				return Reply{}, c.taken(a)
			}
			i, e := incidents.LinkAdvisory(c.I, a, c.Who.Name, c.now)
			a.Incident = i.N
			i.Advisory = a
			i, taken, _ := incidents.TakeCVE(i, a, c.now)
			i, shown, _ := incidents.AdvisoryShown(*c.plan, i, a, c.now)
			a.Agreed = incidents.Meet(i, a, incidents.Sealed{}, a.Agreed)
			if err := c.Tx.SaveAdvisory(a); err != nil {
				return Reply{}, err
			}
			err = c.save(i, append(append([]incidents.Entry{e}, taken...), shown...)...)
			return c.card("advisory/linked", "ghsa", a.GHSA), err
		},
	}
}

// taken says whose an advisory is, where that may be heard.
func (c *Call) taken(a incidents.Advisory) error {
	handle := ""
	if !c.clear(a.Incident).Clearance.None() {
		handle = incidents.HandleOf(c.Prefix, a.Incident)
	}
	return incidents.Refuse("advisory-other", "handle", handle)
}

// advisoryNamed finds the advisory that was typed among those that were seen.
func (c *Call) advisoryNamed() (incidents.Advisory, error) {
	if c.GitHub == nil {
		return incidents.Advisory{}, incidents.Refuse("no-github")
	}
	id, ok := incidents.ReadGHSA(c.Str("GHSA"))
	if !ok {
		return incidents.Advisory{}, incidents.Refuse("bad-ghsa")
	}
	a, ok, err := c.Tx.Advisory(incidents.Seal(id))
	if err == nil && !ok {
		last, _, no := c.Tx.Watched()
		if err = no; err == nil {
			err = incidents.Refuse("advisory-unseen", "last", last)
		}
	}
	return a, err
}

// advisory gives the incident's advisory.
func (c *Call) advisory() (incidents.Advisory, error) {
	if c.GitHub == nil {
		return incidents.Advisory{}, incidents.Refuse("no-github")
	}
	a, ok, err := c.Tx.AdvisoryOf(c.I.N)
	if err == nil && !ok {
		err = incidents.Refuse("advisory-none", "handle", c.I.Handle)
	}
	return a, err
}

// described gives the text that the advisory is to have, or nothing while its draft
// lacks something: then the draft tells what. While the advisory is private it need not
// be ready for the public.
func (c *Call) described(private bool) (incidents.Sealed, text, error) {
	k, ok := c.Book.DraftKind("advisory")
	if !ok || !c.clear(c.I.N).Clearance.Full() {
		return incidents.Sealed{}, text{}, nil
	}
	t, err := c.text(k, use{private: private})
	if err != nil || templates.Blocks(t.findings) || len(t.Missing) > 0 {
		return incidents.Sealed{}, t, err
	}
	return t.Body, t, nil
}

// sides is an incident beside its advisory.
type sides struct {
	incidents.Advisory
	both  []incidents.Both
	draft text // of the description
}

// lacks says what the draft of the description lacks.
func (s sides) lacks(i incidents.Incident) error {
	shown := s.draft.shown()
	return incidents.Refuse("advisory-lacks", "handle", i.Handle, "errors", shown["errors"], "warnings", []incidents.Facts{}, "missing", shown["missing"])
}

// compared holds the incident against its advisory.
func (c *Call) compared(private bool) (sides, error) {
	a, err := c.advisory()
	if err != nil {
		return sides{}, err
	}
	body, draft, err := c.described(private && a.State != incidents.AdvisoryPublished)
	return sides{a, incidents.CompareAdvisory(c.I, a, body, a.Agreed), draft}, err
}

// differing lists the fields that are not the same. A description that is not ready is
// not compared.
func differing(both []incidents.Both) []incidents.Both {
	var out []incidents.Both
	for _, b := range both {
		if b.State != incidents.SyncSame && b.State != incidents.SyncNone && !(b.Field == "description" && b.Ours.Empty()) {
			out = append(out, b)
		}
	}
	return out
}

func advisoryShow() Command {
	return Command{
		Words: "advisory show", About: One, Needs: Full, Reads: true,
		Does: "show an incident's advisory, as it was seen on GitHub last", Example: "!advisory show INC-7",
		Run: func(c *Call) (Reply, error) {
			a, err := c.compared(true)
			if err != nil {
				return Reply{}, err
			}
			r := c.card("advisory/show", "ours", c.I.Score, "differ", incidents.ScoresDiffer(c.I, a.Advisory), "differs", len(differing(a.both)), "ago", incidents.SaySpan(c.now.Sub(a.SeenAt)))
			for name, v := range a.Facts() {
				r.Facts[name] = v
			}
			return r, nil
		},
	}
}

func advisoryDiff() Command {
	return Command{
		Words: "advisory diff", About: One, Needs: Full, Reads: true,
		Does: "show where an incident and its advisory differ, and which side changed", Example: "!advisory diff INC-7",
		Run: func(c *Call) (Reply, error) {
			a, err := c.compared(true)
			if err != nil {
				return Reply{}, err
			}
			lacking, both := false, a.both
			for k, b := range both {
				if b.Field != "description" {
					continue
				}
				if lacking = b.Ours.Empty(); lacking {
					both = slices.Delete(both, k, k+1)
				} else { // whole texts are for the draft's own command
					both[k].Ours, both[k].Theirs = incidents.Sized(b.Ours), incidents.Sized(b.Theirs)
				}
				break
			}
			return c.card("advisory/diff", "fields", incidents.BothFacts(both), "lacking", lacking, "differs", len(differing(both)), "seenat", a.SeenAt), nil
		},
	}
}

func advisoryPull() Command {
	return Command{
		Words: "advisory pull", About: OneOpen, Needs: Full,
		Does: "take a field of the advisory into the incident", Example: "!advisory pull INC-7 severity",
		Args: []Arg{fieldArg(false)},
		Run: func(c *Call) (Reply, error) {
			a, err := c.advisory()
			if err != nil {
				return Reply{}, err
			}
			field := c.Str("field")
			i, e, words, err := incidents.Pull(*c.plan, c.I, a, field, c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			text := words
			if !words.Empty() {
				k, _ := c.Book.DraftKind("advisory")
				t, err := c.text(k, use{private: true})
				if err == nil {
					err = c.Tx.PutWords(c.I.N, store.Words{Kind: k.Key, Subject: t.Subject, Body: words, By: c.Who.Name})
				}
				if err != nil {
					return Reply{}, err
				}
			}
			a.Agreed = incidents.Meet(i, a, text, a.Agreed)
			var theirs incidents.Sealed
			for _, b := range incidents.CompareAdvisory(i, a, text, a.Agreed) {
				if b.Field == field {
					theirs = b.Theirs
					a.Agreed[field] = b.Theirs // a person took it
				}
			}
			if err := c.Tx.SaveAdvisory(a); err != nil {
				return Reply{}, err
			}
			err = c.save(i, e)
			return c.card("advisory/pulled", "field", field, "theirs", theirs), err
		},
	}
}
