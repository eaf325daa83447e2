package commands

import (
	"errors"
	"slices"
	"strings"

	"tocsin/incidents"
)

func advisoryPush() Command {
	return Command{
		Words: "advisory push", About: OneOpen, Needs: Full,
		Does:    "write what changed here to the advisory on GitHub, or one field of it; --over writes over what changed there",
		Example: "!advisory push INC-7 severity",
		Args:    []Arg{fieldArg(true), {Name: "over", Flag: "--over", Kind: Switch, Optional: true}},
		Run: func(c *Call) (Reply, error) {
			a, err := c.compared(true)
			if err != nil {
				return Reply{}, err
			}
			if a.State == incidents.AdvisoryClosed || a.State == incidents.AdvisoryWithdrawn {
				return Reply{}, incidents.Refuse("advisory-ended", "advisorystate", incidents.Seal(a.State))
			}
			fields, err := incidents.PickPush(c.I, a.Advisory, a.both, c.Str("field"), c.Has("over"))
			if no, ok := incidents.AsRefusal(err); ok && no.Key == "advisory-lacks" {
				err = a.lacks(c.I)
			}
			if err != nil {
				return Reply{}, err
			}
			act := incidents.AdvisoryAct{Kind: incidents.ActPush, GHSA: a.GHSA, Want: incidents.Agreed{}, Expect: incidents.Agreed{}}
			for _, b := range fields {
				act.Want[b.Field], act.Expect[b.Field] = b.Ours, b.Theirs
			}
			return c.onGitHub(a.Advisory, act, fields)
		},
	}
}

func advisoryCreate() Command {
	return Command{
		Words: "advisory create", About: OneOpen, Needs: Full,
		Does: "make a draft of a security advisory on GitHub from the incident's facts", Example: "!advisory create INC-7",
		Run: func(c *Call) (Reply, error) {
			if c.GitHub == nil {
				return Reply{}, incidents.Refuse("no-github")
			}
			has, _, err := c.Tx.AdvisoryOf(c.I.N)
			if ghsa := first(has.GHSA, c.I.GHSA); err != nil || !ghsa.Empty() {
				return Reply{}, errors.Join(err, incidents.Refuse("advisory-has", "handle", c.I.Handle, "ghsa", ghsa))
			}
			text, _, err := c.described(true)
			if err != nil {
				return Reply{}, err
			}
			if text.Empty() { // it is private yet: what is known is better than nothing
				text = c.I.Details
			}
			if text.Empty() {
				text = c.I.Summary
			}
			missing := []incidents.Facts{}
			for say, s := range map[string]incidents.Sealed{"incident title " + c.I.Handle + " <text>": c.I.Title, "fact set " + c.I.Handle + " details <text>": text} {
				if s.Empty() {
					missing = append(missing, incidents.Facts{"text": incidents.Seal("!" + say)})
				}
			}
			if len(missing) > 0 {
				return Reply{}, incidents.Refuse("advisory-create-lacks", "missing", missing)
			}
			act := incidents.AdvisoryAct{Kind: incidents.ActCreate, Want: incidents.Agreed{}}
			var fields []incidents.Both
			for _, b := range incidents.CompareAdvisory(c.I, incidents.Advisory{}, text, nil) {
				if b.Ours.Empty() || incidents.Writable(c.I, incidents.Advisory{}, b) != nil { // what cannot be written yet is pushed later
					continue
				}
				act.Want[b.Field] = b.Ours
				fields = append(fields, b)
			}
			return c.onGitHub(incidents.Advisory{}, act, fields)
		},
	}
}

// simple is a command that does one thing to the incident's advisory.
func simple(words, does, example string, kind string, args []Arg, check func(c *Call, a incidents.Advisory) (incidents.AdvisoryAct, error)) Command {
	return Command{
		Words: words, About: OneOpen, Needs: Full, Does: does, Example: example, Args: args, Outside: len(args) > 0,
		Run: func(c *Call) (Reply, error) {
			a, err := c.advisory()
			if err != nil {
				return Reply{}, err
			}
			act := incidents.AdvisoryAct{}
			if check != nil {
				if act, err = check(c, a); err != nil {
					return Reply{}, err
				}
			}
			act.Kind, act.GHSA = kind, a.GHSA
			return c.onGitHub(a, act, nil)
		},
	}
}

func advisoryAccept() Command {
	return simple("advisory accept", "accept a private report on GitHub: it becomes a draft", "!advisory accept INC-7", incidents.ActAccept, nil,
		func(c *Call, a incidents.Advisory) (incidents.AdvisoryAct, error) {
			if a.Ended() {
				return incidents.AdvisoryAct{}, incidents.Refuse("advisory-ended", "advisorystate", incidents.Seal(a.State))
			}
			return incidents.AdvisoryAct{}, nil
		})
}

func advisoryCVE() Command {
	return simple("advisory cve", "request a CVE from GitHub, once; it comes by itself, in days or weeks", "!advisory cve INC-7", incidents.ActCVE, nil,
		func(c *Call, a incidents.Advisory) (incidents.AdvisoryAct, error) {
			if cve := first(c.I.CVE, a.CVE); !cve.Empty() {
				return incidents.AdvisoryAct{}, incidents.Refuse("cve-has", "handle", c.I.Handle, "cve", cve)
			}
			if d, asked := incidents.CVEAsked(*c.plan, c.I); asked {
				return incidents.AdvisoryAct{}, incidents.Refuse("cve-asked", "at", d.At, "who", d.Who)
			}
			return incidents.AdvisoryAct{}, nil
		})
}

func first(a, b incidents.Sealed) incidents.Sealed {
	if a.Empty() {
		return b
	}
	return a
}

func advisoryFork() Command {
	return simple("advisory fork", "make the advisory's temporary private fork, where the fix is written", "!advisory fork INC-7", incidents.ActFork, nil, nil)
}

func loginArg() Arg { return Arg{Name: "login", Kind: Word, Sealed: true} }

func advisoryCollaborator() Command {
	return simple("advisory collaborator", "let somebody read and edit the advisory on GitHub", "!advisory collaborator INC-7 add erin", incidents.ActCollaborator,
		[]Arg{{Name: "add", Kind: Word, OneOf: []string{"add"}}, loginArg()}, func(c *Call, a incidents.Advisory) (incidents.AdvisoryAct, error) { return c.withLogin("") })
}

func advisoryCredit() Command {
	return simple("advisory credit", "credit somebody in the advisory, by their login on GitHub: reporter, unless you say as what", "!advisory credit INC-7 erin finder", incidents.ActCredit,
		[]Arg{loginArg(), {Name: "type", Kind: Word, OneOf: incidents.CreditTypes(), Optional: true}},
		func(c *Call, a incidents.Advisory) (incidents.AdvisoryAct, error) {
			kind := c.Str("type")
			if kind == "" {
				kind = "reporter"
			}
			return c.withLogin(kind)
		})
}

func (c *Call) withLogin(credit string) (incidents.AdvisoryAct, error) {
	login := strings.TrimPrefix(c.Str("login"), "@")
	if !incidents.IsLogin(login) {
		return incidents.AdvisoryAct{}, incidents.Refuse("bad-login")
	}
	return incidents.AdvisoryAct{Login: incidents.Seal(login), Credit: credit}, nil
}

func advisoryClose() Command {
	return simple("advisory close", "close an advisory that is not published", "!advisory close INC-7", incidents.ActClose, nil,
		func(c *Call, a incidents.Advisory) (incidents.AdvisoryAct, error) {
			if a.State == incidents.AdvisoryPublished {
				return incidents.AdvisoryAct{}, incidents.Refuse("close-published")
			}
			return incidents.AdvisoryAct{}, nil
		})
}

func advisoryPublish() Command {
	return Command{
		Words: "advisory publish", About: OneOpen, Needs: Full,
		Does:    "publish the advisory, which cannot be taken back; needs a second maintainer, and a reason where the fixed version is not live",
		Example: "!advisory publish INC-7",
		Args:    []Arg{{Name: "why", Kind: Text, Optional: true, Sealed: true, Max: maxText}},
		Second: func(c *Call) (bool, error) {
			_, _, err := c.mayPublish()
			return true, err
		},
		Freeze: func(c *Call) (string, Reply, error) {
			a, lacks, err := c.mayPublish()
			if err != nil {
				return "", Reply{}, err
			}
			r := c.card("advisory/publish-asked", "lacks", incidents.LackFacts(lacks), "override", incidents.Sealed{}, "liveat", c.I.Release.LiveAt)
			for name, v := range a.Facts() {
				r.Facts[name] = v
			}
			r.Facts["override"] = c.anyway()
			return "", r, nil
		},
		Run: func(c *Call) (Reply, error) {
			a, _, err := c.mayPublish()
			if err != nil {
				return Reply{}, err
			}
			return c.onGitHub(a, incidents.AdvisoryAct{Kind: incidents.ActPublish, GHSA: a.GHSA, Second: c.agreed, Fixed: c.anyway(), Expect: incidents.ExpectOf(a)}, nil)
		},
	}
}

// anyway is why it goes out before a version is live. Where one is, nobody agreed to
// anything else.
func (c *Call) anyway() incidents.Sealed {
	if incidents.Live(c.I) {
		return incidents.Sealed{}
	}
	return c.Sealed("why")
}

// mayPublish takes an advisory through every gate before it may be published: the same
// when it is asked for, when it is approved, and when it is done.
func (c *Call) mayPublish() (incidents.Advisory, []incidents.Lack, error) {
	a, err := c.compared(false)
	if err != nil {
		return a.Advisory, nil, err
	}
	if a.State == incidents.AdvisoryPublished {
		return a.Advisory, nil, incidents.Refuse("publish-done", "handle", c.I.Handle, "at", a.Published)
	}
	if c.GitHub.Writes && !c.GitHub.Publish {
		return a.Advisory, nil, incidents.Refuse("publish-off")
	}
	if err := incidents.CheckPublish(*c.plan, c.I, c.Sealed("why"), c.now); err != nil {
		return a.Advisory, nil, err
	}
	if undrafted(a.both) && incidents.Live(c.I) { // what the world would read is not what was checked
		return a.Advisory, nil, a.lacks(c.I)
	}
	lacks := incidents.Preflight(a.Advisory, differing(a.both))
	if undrafted(a.both) { // before a version is live the draft has no date of it: then two people are told
		lacks = append(lacks, incidents.Lack{What: incidents.LackDraft})
	}
	if slices.ContainsFunc(lacks, func(l incidents.Lack) bool { return l.Hard }) {
		return a.Advisory, lacks, incidents.Refuse("publish-unready", "handle", c.I.Handle, "lacks", incidents.LackFacts(lacks))
	}
	return a.Advisory, lacks, nil
}

// undrafted reports whether the text that would go out is none of ours, because the draft
// of it lacks something: then nobody here has read it.
func undrafted(both []incidents.Both) bool {
	return slices.ContainsFunc(both, func(b incidents.Both) bool { return b.Field == "description" && b.Ours.Empty() && !b.Theirs.Empty() })
}
