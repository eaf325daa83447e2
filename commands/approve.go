package commands

import (
	"errors"
	"strings"

	"tocsin/bridges"
	"tocsin/incidents"
)

// ask freezes a command until a second person approves it.
func (c *Call) ask(cmd Command, rest string) (Reply, error) {
	rest = c.absolute(rest) // "+10d" is reckoned from now, and not from when it is approved
	act := cmd.Words
	if c.I.N != 0 {
		act += " " + c.I.Handle
	}
	act = strings.TrimSpace(act + " " + rest)
	var shownAs Reply
	if cmd.Freeze != nil {
		more, r, err := cmd.Freeze(c)
		if err != nil {
			return Reply{}, err
		}
		act, shownAs = strings.TrimSpace(act+" "+more), r
	}
	hidden := c.sealedTyped || cmd.Freeze != nil // only who may hear everything is shown what it is
	if err := c.superseded(cmd, act); err != nil {
		return Reply{}, err
	}
	a := incidents.Approval{
		Code: c.Tx.NewCode(), Asker: c.Who.Name, Act: incidents.Seal(act), Incident: c.I.N, Version: c.I.Version,
		Network: c.Line.Room.Network, Room: c.Line.Room.ID, Expires: c.now.Add(incidents.ApprovalLife), Shown: !hidden,
	}
	if err := c.Tx.Ask(a); err != nil {
		return Reply{}, err
	}
	e := incidents.Entry{Incident: c.I.N, Kind: "asked", Who: c.Who.Name, At: c.now, Plain: "!" + cmd.Words}
	if err := c.Tx.Record(cmd.holding(a.Act, e)); err != nil {
		return Reply{}, err
	}
	shown := act // who approves has to see what; where it is sealed, the room was proven for it
	if hidden {
		shown = ""
	}
	r := Reply{Template: "approval/asked", Mentions: c.others(), Facts: incidents.Facts{
		"shown":  shown,
		"handle": c.I.Handle, "command": "!" + cmd.Words, "code": a.Code, "who": c.Who.Name, "expires": a.Expires, "act": a.Act,
		"approval": a.Code, // it is to be noted when all of it was said
	}}
	if shownAs.Template != "" {
		r.Template = shownAs.Template
	}
	for name, v := range shownAs.Facts {
		r.Facts[name] = v
	}
	return r, nil
}

// dead reports whether nobody can approve a request any more, because its incident was
// changed since.
func (c *Call) dead(a incidents.Approval) (bool, error) {
	if a.Incident == 0 {
		return false, nil
	}
	i, err := c.Tx.Incident(a.Incident)
	return a.Version != i.Version, err
}

// superseded ends the requests that are no use once this one is asked for: those of the
// incident as it was before a change, and the same act with another text.
func (c *Call) superseded(cmd Command, act string) error {
	if c.I.N == 0 {
		return nil
	}
	codes, err := c.Tx.OpenApprovals(c.I.N)
	for _, code := range codes {
		a, _, no := c.Tx.Approval(code)
		old, failed := c.Tx.Act(a)
		if err = errors.Join(err, no, failed); err != nil {
			return err
		}
		before, _, frozen := strings.Cut(old, " --hash ")
		now, _, _ := strings.Cut(act, " --hash ")
		again := frozen && cmd.Words == send().Words && before == now && old != act
		if a.Version != c.I.Version || again {
			err = c.Tx.EndApproval(code, "voided", c.Who.Name)
		}
	}
	return err
}

// absolute writes every date that was typed as the instant that it is.
func (c *Call) absolute(rest string) string {
	for _, t := range c.typed {
		if w, ok := c.args[t.Name].(incidents.When); ok && t.Kind == When {
			rest = strings.Replace(rest, t.text, w.At.UTC().Format("2006-01-02 15:04:05 UTC"), 1)
		}
	}
	return rest
}

// holding gives an entry with a frozen act: as text, which stays, or as a personal
// value, which can be erased.
func (cmd Command) holding(act incidents.Sealed, e incidents.Entry) incidents.Entry {
	if cmd.Outside {
		e.Personal = []incidents.Personal{{Field: "act", Value: act}}
	} else {
		e.Text = act
	}
	return e
}

// others lists who could approve what this person asks for.
func (c *Call) others() []string {
	var out []string
	for _, p := range c.Roster.People() {
		if p.Name != c.Who.Name && !c.suspended[p.Name] {
			out = append(out, p.Name)
		}
	}
	return out
}

func approve() Command {
	return Command{
		Words: "approve", About: Nothing, Needs: Notices, Proves: true,
		Does: "approve, as the second person, what another one asked for; only a rehearsal does without its code", Example: "!approve K7QFM",
		Args: []Arg{{Name: "code", Kind: Word, Optional: true}},
		Run:  (*Call).approve,
	}
}

// code gives the code that was typed. In a rehearsal it can be left out while there is one
// request of somebody else's: where it counts, who approves says which text they read.
func (c *Call) code() (string, error) {
	switch typed := c.Str("code"); {
	case typed != "":
		return strings.ToUpper(typed), nil
	case !c.Rehearsal:
		return "", incidents.Refuse("approve-code")
	}
	all, err := c.Tx.OpenApprovals(0)
	var codes []string
	for _, code := range all {
		a, _, no := c.Tx.Approval(code)
		err = errors.Join(err, no)
		if a.Asker == c.Who.Name {
			continue
		}
		dead, no := c.dead(a)
		if err = errors.Join(err, no); !dead {
			codes = append(codes, code)
		}
	}
	switch {
	case err != nil:
		return "", err
	case len(codes) == 0:
		return "", incidents.Refuse("approve-none")
	case len(codes) > 1:
		return "", incidents.Refuse("approve-several", "codes", codes)
	}
	return codes[0], nil
}

// approve runs another person's frozen command, through all of its gates again.
func (c *Call) approve() (Reply, error) {
	code, err := c.code()
	if err != nil {
		return Reply{}, err
	}
	if c.Line.Doubt == bridges.Open {
		return Reply{}, incidents.Refuse("approve-open")
	}
	if !c.Approve(c.Line.Room.Network) {
		return Reply{}, incidents.Refuse("approve-network")
	}
	a, ok, err := c.Tx.Approval(code)
	switch {
	case err != nil:
		return Reply{}, err
	case !ok:
		return Reply{}, incidents.Refuse("approval-unknown")
	}
	var i incidents.Incident
	if a.Incident != 0 {
		if i, err = c.Tx.Incident(a.Incident); err != nil {
			return Reply{}, err
		}
	}
	if err := incidents.Approve(a, i, c.Who.Name, c.Line.Room.Network, c.Line.Room.ID, c.now); err != nil {
		return Reply{}, err
	}
	asker, ok := c.Roster.Named(a.Asker)
	if !ok || c.suspended[a.Asker] {
		return Reply{}, incidents.Refuse("approval-done", "how", "voided")
	}
	act, err := c.Tx.Act(a)
	if err != nil {
		return Reply{}, err
	}
	cmd, rest, ok := find(c.Table, act)
	if !ok {
		return Reply{}, incidents.Refuse("approval-done", "how", "voided")
	}
	if args, _ := c.read(cmd, strings.TrimSpace(rest), c.now); args.sealedTyped() && !c.clear(a.Incident).Clearance.Full() {
		return Reply{}, incidents.Refuse("approval-elsewhere") // it would not be shown the text now
	}
	if err := c.Tx.EndApproval(code, "approved", c.Who.Name); err != nil {
		return Reply{}, err
	}
	again := &Call{Desk: c.Desk, Tx: c.Tx, Line: c.Line, Who: asker, suspended: c.suspended, plan: c.plan, agreed: c.Who.Name}
	out, err := again.do(cmd, rest)
	if err != nil {
		return Reply{}, err
	}
	e := incidents.Entry{Incident: a.Incident, Kind: "approved", Who: c.Who.Name, At: c.now, Plain: "!" + cmd.Words + " of " + a.Asker}
	if err := c.Tx.Record(cmd.holding(a.Act, e)); err != nil {
		return Reply{}, err
	}
	c.I, c.said, c.also = again.I, again.said, again.also
	return out.Reply, nil
}

func suspend() Command {
	return Command{
		Words: "suspend", About: Nothing, Needs: Notices,
		Does: "stop obeying a person whose account may be somebody else's; two undo it", Example: "!suspend bob",
		Args: []Arg{{Name: "person", Kind: Person}},
		Run: func(c *Call) (Reply, error) {
			person := c.Str("person")
			if c.suspended[person] {
				return Reply{}, incidents.Refuse("is-suspended", "person", person)
			}
			if err := c.Tx.Suspend(person, c.Who.Name); err != nil {
				return Reply{}, err
			}
			voided, err := c.Tx.VoidApprovals(person)
			if err == nil {
				err = c.Tx.VoidGeneral()
			}
			if err != nil {
				return Reply{}, err
			}
			c.interrupt = true
			e := incidents.Entry{Kind: "suspended", Who: c.Who.Name, At: c.now, Plain: person}
			c.said = append(c.said, e)
			leads, err := c.leads(person)
			if err != nil {
				return Reply{}, err
			}
			left := len(c.Roster.People()) - len(c.suspended) - 1
			return Reply{Template: "suspended", Facts: incidents.Facts{
				"person": person, "voided": voided, "leads": leads, "left": left, "self": person == c.Who.Name,
			}}, c.Tx.Record(e)
		},
	}
}

// leads lists the handles of the open incidents that a person leads, as far as the
// room may hear of them.
func (c *Call) leads(person string) ([]string, error) {
	list, err := c.Tx.List("open", 1000)
	out := []string{}
	for _, i := range list {
		if i.Lead(*c.plan) == person && !c.clear(i.N).Clearance.None() {
			out = append(out, i.Handle)
		}
	}
	return out, err
}

func unsuspend() Command {
	return Command{
		Words: "unsuspend", About: Nothing, Needs: Notices,
		Does: "obey a suspended person again; needs a second maintainer", Example: "!unsuspend bob",
		Args: []Arg{{Name: "person", Kind: Person}},
		Second: func(c *Call) (bool, error) {
			if !c.suspended[c.Str("person")] {
				return false, incidents.Refuse("not-suspended", "person", c.Str("person"))
			}
			return true, nil
		},
		Run: func(c *Call) (Reply, error) {
			person := c.Str("person")
			if !c.suspended[person] {
				return Reply{}, incidents.Refuse("not-suspended", "person", person)
			}
			if err := errors.Join(c.Tx.Unsuspend(person, c.Who.Name+" and "+c.agreed), c.Tx.VoidGeneral()); err != nil {
				return Reply{}, err
			}
			e := incidents.Entry{Kind: "unsuspended", Who: c.Who.Name, At: c.now, Plain: person}
			c.said = append(c.said, e)
			return Reply{Template: "unsuspended", Facts: incidents.Facts{"person": person, "by": c.Who.Name, "second": c.agreed}}, c.Tx.Record(e)
		},
	}
}
