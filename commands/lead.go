package commands

import (
	"fmt"
	"slices"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func lead() Command {
	return Command{
		Words: "lead", About: One, Needs: Notices, Reads: true,
		Does: "who leads, when they were heard of last, and what they would hand over", Example: "!lead INC-7",
		Run: func(c *Call) (Reply, error) {
			todo, err := c.todo(c.I, 3)
			return c.card("lead/show", "heard", c.I.Heard(), "ago", incidents.SaySpan(c.now.Sub(c.I.Heard())),
				"silent", incidents.LeadSilent(*c.plan, c.I, c.now), "todo", todo,
				"free", c.I.Heard().Add(incidents.LeadSilence), "away", c.I.LeadAway, "back", c.I.LeadReturn), err
		},
	}
}

func leadPing() Command {
	return Command{
		Words: "lead ping", About: OneOpen, Needs: Notices,
		Does: "ask the lead for a word, here and by direct message",
		Run: func(c *Call) (Reply, error) {
			who := c.I.Lead(*c.plan)
			if who == "" {
				return Reply{}, incidents.Refuse("nobody-leads", "handle", c.I.Handle)
			}
			if who == c.Who.Name {
				return Reply{}, incidents.Refuse("ping-self", "handle", c.I.Handle)
			}
			r := c.card("lead/ping", "who", who, "by", c.Who.Name)
			r.Mentions = []string{who}
			return r, c.directly(who, "lead/ping", r.Facts)
		},
	}
}

func leadTake() Command {
	return Command{
		Words: "lead take", About: OneOpen, Needs: Notices,
		Does:    "lead an incident: one that nobody leads, or whose lead of a Critical one is silent for 24 hours; else a second maintainer has to approve",
		Example: "!lead take INC-7",
		Second: func(c *Call) (bool, error) {
			lead := c.I.Lead(*c.plan) // the silence of who is not listened to says nothing
			return incidents.TakeNeedsConsent(*c.plan, c.I, c.Who.Name, c.now) || (lead != c.Who.Name && c.suspended[lead]), nil
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.TakeLead(*c.plan, c.I, c.Who.Name, c.agreed != "", c.now)
			return c.led(i, e, err)
		},
	}
}

func leadHandoff() Command {
	return Command{
		Words: "lead handoff", About: OneOpen, Needs: Notices,
		Does: "ask a person to take the lead over; they accept within the hour, or it stays where it is", Example: "!lead handoff INC-7 bob",
		Args: []Arg{{Name: "person", Kind: Person}},
		Second: func(c *Call) (bool, error) {
			return incidents.AssignNeedsConsent(*c.plan, c.I, c.plan.LeadRole().Key, c.Str("person"), c.Who.Name, c.now), nil
		},
		Run: func(c *Call) (Reply, error) { return c.assign(c.plan.LeadRole().Key, c.Str("person")) },
	}
}

func leadAccept() Command {
	return Command{
		Words: "lead accept", About: OneOpen, Needs: Notices,
		Does: "take the lead that you were asked to take over",
		Run: func(c *Call) (Reply, error) {
			if c.suspended[c.I.Handoff.By] {
				return Reply{}, incidents.Refuse("handoff-none", "handle", c.I.Handle)
			}
			i, e, err := incidents.AcceptLead(*c.plan, c.I, c.Who.Name, c.now)
			return c.led(i, e, err)
		},
	}
}

func leadDecline() Command {
	return Command{
		Words: "lead decline", About: OneOpen, Needs: Notices,
		Does: "say no to the lead: it stays where it is",
		Run: func(c *Call) (Reply, error) {
			by := c.I.Handoff.By
			i, e, err := incidents.DeclineLead(c.I, c.Who.Name, c.now)
			if err == nil {
				err = c.save(i, e)
			}
			r := c.card("lead/declined", "who", c.Who.Name)
			r.Mentions = []string{by}
			return r, err
		},
	}
}

func leadBrief() Command {
	return Command{
		Words: "lead brief", About: One, Needs: Notices,
		Does: "what a new lead has to know, sent to you directly",
		Run: func(c *Call) (Reply, error) {
			return c.card("lead/briefed", "who", c.Who.Name), c.brief(c.Who.Name)
		},
	}
}

// led keeps a new lead: they get the brief, and the old lead is told.
func (c *Call) led(i incidents.Incident, e incidents.Entry, err error) (Reply, error) {
	if err == nil {
		err = c.sure()
	}
	if err != nil {
		return Reply{}, err
	}
	if c.suspended[c.Who.Name] {
		return Reply{}, incidents.Refuse("person-suspended", "person", c.Who.Name)
	}
	before := c.I.Lead(*c.plan)
	if err := c.save(i, e); err != nil {
		return Reply{}, err
	}
	todo, err := c.todo(c.I, 2)
	if err != nil {
		return Reply{}, err
	}
	out := c.card("lead/taken", "who", c.Who.Name, "before", before, "todo", todo)
	if before != "" {
		out.Mentions = []string{before}
		if err := c.directly(before, "lead/relieved", out.Facts); err != nil {
			return Reply{}, err
		}
	}
	if err := c.brief(c.Who.Name); err != nil {
		return Reply{}, err
	}
	return out, c.alsoIn(c.Who.Name)
}

// sure refuses what a line cannot decide that came unencrypted: others than its sender
// could have written it.
func (c *Call) sure() error {
	if c.Line.Doubt == bridges.Open {
		return incidents.Refuse("lead-open")
	}
	return nil
}

// briefEntries is how many entries of the record a brief has, and how many texts.
const briefEntries = 10

// brief sends a person what a lead has to know.
func (c *Call) brief(person string) error {
	list, err := c.Tx.Timeline(c.I.N, briefEntries)
	if err != nil {
		return err
	}
	entries := []incidents.Facts{}
	for _, e := range list {
		entries = append(entries, incidents.Facts{"at": e.At, "who": e.Who, "kind": e.Kind, "plain": e.Plain, "text": e.Text, "handle": ""})
	}
	guests, err := c.Tx.Guests(c.I.N)
	if err != nil {
		return err
	}
	knows, err := c.whoKnows()
	if err != nil {
		return err
	}
	all, err := c.Tx.Sendings(c.I.N)
	if err != nil {
		return err
	}
	sendings := []incidents.Facts{}
	for _, s := range all[:min(len(all), briefEntries)] {
		sendings = append(sendings, incidents.SendingFacts(s))
	}
	steps := incidents.OpenSteps(*c.plan, c.I, c.I.Phase)
	f := incidents.Board(*c.plan, c.I, c.now)
	for k, v := range incidents.NewFacts("entries", entries, "guests", len(guests), "steps", incidents.StepFacts(*c.plan, c.I, steps, c.now),
		"person", person, "knows", knows, "opener", c.I.Opener, "sendings", sendings,
		"outsiders", incidents.ToldFacts(incidents.WhoWasTold(*c.plan, c.I, all))) {
		f[k] = v
	}
	return c.directly(person, "lead/brief", f)
}

// whoKnows lists the maintainers who know of the incident: who has a role, and who
// ever did something in it, also a former lead.
func (c *Call) whoKnows() ([]string, error) {
	list, err := c.Tx.Timeline(c.I.N, 10_000)
	did := map[string]bool{}
	for _, e := range list {
		did[e.Who] = true
	}
	var out []string
	for _, p := range c.Roster.People() {
		if did[p.Name] || c.I.Has(p.Name) {
			out = append(out, p.Name)
		}
	}
	return out, err
}

// directly queues something for one person: on a network that has files and rooms of
// its own before the one that the line came from, because more may be heard there.
func (c *Call) directly(person, template string, f incidents.Facts) error {
	if err := c.try(template, f); err != nil {
		return err
	}
	p, _ := c.Roster.Named(person)
	rank := func(a incidents.Account) int {
		switch {
		case slices.Contains(c.Hosts, a.Network) && a.Network == c.Line.Room.Network:
			return 4
		case slices.Contains(c.Hosts, a.Network):
			return 3
		case a.Network == c.Line.Room.Network:
			return 2
		default:
			return 1
		}
	}
	var to incidents.Account
	for _, a := range p.Accounts {
		if to.ID == "" || rank(a) > rank(to) {
			to = a
		}
	}
	if to.ID == "" || c.suspended[person] {
		return nil
	}
	return c.Tx.Queue(store.Row{
		Key: fmt.Sprintf("direct/%s/%s/%s/%s", template, c.Line.Room.Network, c.Line.ID, person), Kind: Say, Network: to.Network, Room: to.ID, Direct: true,
		Tone: int(bridges.Alert), Template: template, Facts: f, Incident: c.I.N, Asker: to.ID,
	})
}
