package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tocsin/bridges/console"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// check is one thing that a doctor looks at.
type check struct {
	what string        // what it is, for when it does not answer
	way  string        // how to know it then; may be ""
	last time.Duration // how long it may take; 0: checkFor
	look func(ctx context.Context) []incidents.Finding
}

// How long a check may take, and how many are at work at a time. Nearly all are waiting
// for somebody else.
const (
	checkFor     = 10 * time.Second
	checksAtOnce = 4
)

// doctor does checks, several at a time however many ask.
type doctor struct {
	checks []check
	turn   chan struct{} // holds one for each check that is at work
}

func newDoctor(checks []check) *doctor {
	return &doctor{checks: checks, turn: make(chan struct{}, checksAtOnce)}
}

// Examine does every check, and gives what was found in their order.
func (d *doctor) Examine(ctx context.Context) []incidents.Finding {
	found := make([][]incidents.Finding, len(d.checks))
	var wg sync.WaitGroup
	for i, c := range d.checks {
		wg.Go(func() {
			select {
			case d.turn <- struct{}{}:
				defer func() { <-d.turn }()
				found[i] = c.do(ctx)
			case <-ctx.Done():
			}
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

// do does a check. What it finds after its time is up is about that, and is not told.
func (c check) do(ctx context.Context) []incidents.Finding {
	limit := c.last
	if limit == 0 {
		limit = checkFor
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	got := make(chan []incidents.Finding, 1)
	// What cannot be stopped, such as the look at a disk that hangs, ends with the program.
	go func() { got <- c.look(ctx) }()
	select {
	case found := <-got:
		if ctx.Err() == nil {
			return found
		}
	case <-ctx.Done():
	}
	return one(incidents.Find("silent", incidents.FindingUnknown, "what", c.what, "seconds", int(limit/time.Second), "way", c.way))
}

func one(f incidents.Finding) []incidents.Finding { return []incidents.Finding{f} }

// patient is what is looked at.
type patient struct {
	c      *config.Config
	file   string            // the configuration's
	sum    [sha256.Size]byte // the same, when the bot read it
	env    func(string) (string, bool)
	plan   *incidents.Plan
	l      letters
	now    func() time.Time
	log    *slog.Logger
	ns     []network
	inside bool // the bot itself looks: its networks are up
	beside bool // somebody else looks while the bot runs
}

// checks gives what is looked at of a desk.
func (p patient) checks() []check {
	out := []check{
		{what: "configuration", look: p.configuration},
		{what: "templates", look: words},
		{what: "disk", way: "say df on the machine", look: func(context.Context) []incidents.Finding { return disk(p.c.State.File) }},
		{what: "state", look: p.state},
		{what: "record", way: "bot verify has as long as it takes", look: func(ctx context.Context) []incidents.Finding { return record(ctx, p.c.State.File, false) }},
		{what: "backup", look: func(context.Context) []incidents.Finding { return p.backup() }},
		{what: "credentials", look: func(ctx context.Context) []incidents.Finding { return credentials(ctx, p.c.State.File, false, p.now()) }},
		{what: "certificates", look: func(context.Context) []incidents.Finding { return p.certificates() }},
		{what: "mail keys", look: func(context.Context) []incidents.Finding { return p.keys() }},
		{what: "roster", look: p.roster},
	}
	return append(append(out, p.networkChecks()...), p.outsideChecks()...)
}

// rehearsalChecks gives what there is to look at of a rehearsal.
func rehearsalChecks(path string, rehearsal bool, now func() time.Time) []check {
	return []check{
		{what: "rehearsal", look: func(context.Context) []incidents.Finding {
			return one(incidents.Find("rehearsal", incidents.FindingOK))
		}},
		{what: "templates", look: words},
		{what: "record", way: "bot verify has as long as it takes", look: func(ctx context.Context) []incidents.Finding { return record(ctx, path, rehearsal) }},
		{what: "credentials", look: func(ctx context.Context) []incidents.Finding { return credentials(ctx, path, rehearsal, now()) }},
	}
}

// doctor looks at everything that can be wrong before an incident, from the shell. The
// bot may be running: nothing is changed, and nothing is said anywhere.
func (p program) doctor(ctx context.Context, a arguments) int {
	if a.db != "" {
		return p.misused("The doctor looks at what a configuration names; of a file alone, say bot verify -db FILE.")
	}
	c, err := config.Load(a.configFile(), p.env)
	var plan *incidents.Plan
	if err == nil {
		plan, err = planOf(c)
	}
	if err != nil {
		fmt.Fprintln(p.err, err)
		return exitUsage
	}
	if a.log == "" {
		a.log = "error" // a person reads this terminal
	}
	log, err := p.logger(a.log)
	if err != nil {
		return p.misused(err.Error())
	}
	of := patient{c: c, file: a.configFile(), env: p.env, plan: plan, now: (&clock{}).Now, log: log}
	release, running, err := store.Claim(c.State.File)
	if err != nil {
		return p.failed(err)
	}
	defer release()
	of.beside = running
	if of.ns, err = networks(c, log); err == nil {
		of.l, err = newLetters(c.Mail, of.now)
	}
	if err != nil {
		return p.failed(atLines(c, err))
	}
	found := newDoctor(of.checks()).Examine(ctx)
	if ctx.Err() != nil {
		return p.failed(sentence("Stopped. Nothing was changed."))
	}
	if err := p.sayFindings(found); err != nil {
		return p.failed(err)
	}
	if incidents.Ill(found) {
		return exitFailed
	}
	return exitOK
}

// sayFindings prints a line for each finding. Who runs the machine may hear everything.
func (p program) sayFindings(found []incidents.Finding) error {
	book, err := templates.NewBook()
	if err != nil {
		return err
	}
	here := incidents.Clear(incidents.Grant{Network: incidents.OnConsole, Asks: "full"}, incidents.Proof{}, incidents.All, func(string) bool { return false })
	doc, err := book.Render("doctor", incidents.DoctorCard(found), here.Clearance)
	if err == nil {
		_, err = fmt.Fprintln(p.out, doc.Text)
	}
	return err
}

// desksOf lists the networks of desks.
func (p patient) desksOf() []string {
	var out []string
	for _, n := range p.ns {
		for _, g := range n.rooms {
			if g.Desk && n.name != console.Network && !slices.Contains(out, n.name) {
				out = append(out, n.name)
			}
		}
	}
	return out
}
