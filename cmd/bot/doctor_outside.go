package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/github"
	"tocsin/bridges/mail"
	"tocsin/bridges/pypi"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
)

// outsideChecks gives what is looked at of mail, posts, releases and advisories.
func (p patient) outsideChecks() []check {
	out := []check{{what: "clock", way: "on the machine, timedatectl says whether it is set by NTP", look: p.skew}}
	if p.c.Mail.Send {
		out = append(out, check{what: "mail", look: p.mail})
	}
	if p.c.Mastodon.Send {
		out = append(out, check{what: "Mastodon", look: p.mastodon})
	}
	if p.c.PyPI != nil {
		out = append(out, check{what: "PyPI", look: p.pypi})
	}
	if p.c.GitHub == nil {
		return out
	}
	client := sync.OnceValues(p.github) // one: its questions go out one after the other
	at := func(what string, look func(context.Context, *github.Client) []incidents.Finding) {
		out = append(out, check{what: "GitHub, " + what, look: func(ctx context.Context) []incidents.Finding {
			c, err := client()
			if err != nil {
				return one(githubTrouble("github", "reading", err))
			}
			return look(ctx, c)
		}})
	}
	at("reading token", func(ctx context.Context, c *github.Client) []incidents.Finding { return p.token(ctx, c, false) })
	at("private reporting", reporting)
	if p.c.GitHub.Alerts != "" {
		at("alerts", alerts)
	}
	if !p.c.GitHub.Writer.Empty() {
		at("writing token", func(ctx context.Context, c *github.Client) []incidents.Finding { return p.token(ctx, c, true) })
	}
	return out
}

// tellers lists who tells the time in their answers: each is asked where those before
// give none.
func tellers(c *config.Config) []string {
	var out []string
	if c.GitHub != nil {
		out = append(out, c.GitHub.Base)
	}
	for _, n := range c.Matrix {
		out = append(out, n.Homeserver+"/_matrix/client/versions")
	}
	if c.PyPI != nil {
		out = append(out, c.PyPI.Base)
	}
	if c.Mastodon.Instance != "" {
		out = append(out, c.Mastodon.Instance)
	}
	return out
}

// skew holds our clock against somebody else's.
func (p patient) skew(ctx context.Context) []incidents.Finding {
	const patience = 3 * time.Second // with each: the next one may answer
	for _, address := range tellers(p.c) {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		within, cancel := context.WithTimeout(ctx, patience)
		d, err := bridges.Skew(within, address, p.now)
		cancel()
		if err == nil {
			return one(incidents.FindSkew(u.Hostname(), d))
		}
	}
	return one(incidents.FindNoClock())
}

// reach makes a finding of whether somebody let us in. The error quotes nothing of theirs.
func reach(name string, let bool, err error) []incidents.Finding {
	if err != nil {
		return one(incidents.Find("reach", incidents.FindingFail, "name", name, "why", err.Error(), "let", let))
	}
	return one(incidents.Find("reach", incidents.FindingOK, "name", name, "why", "", "let", let))
}

// mail comes to the mail server, logs in, and leaves.
func (p patient) mail(ctx context.Context) []incidents.Finding {
	m, err := newMailer(p.c.Mail, p.l)
	if err == nil {
		err = m.sender.Probe(ctx)
	}
	if f, ok := errors.AsType[*mail.Failure](err); ok {
		text, _, _ := strings.Cut(f.Error(), "; ") // nothing was to be sent
		err = errors.New(strings.TrimPrefix(text, "mail server, "))
	}
	return reach("mail", p.c.Mail.User != "", err)
}

// mastodon asks whose token it is.
func (p patient) mastodon(ctx context.Context) []incidents.Finding {
	t, err := newTooter(p.c.Mastodon, p.now)
	if err == nil {
		err = t.learn(ctx)
	}
	return reach("Mastodon", true, err)
}

// pypi asks for a version that no embargo holds.
func (p patient) pypi(ctx context.Context) []incidents.Finding {
	x, err := withIndex(parts{clock: &clock{}}, p.c, p.log)
	if err == nil {
		const harmless = "0"
		_, err = x.index.(*pypiIndex).client.Release(ctx, harmless)
	}
	if errors.Is(err, pypi.ErrAbsent) {
		err = nil
	}
	return reach("PyPI", false, err)
}

// github makes a client for the doctor: it never holds up what the bot itself asks.
func (p patient) github() (*github.Client, error) {
	w, err := watch(*p.c.GitHub, p.now, nil)
	return w.client, err
}

// token looks what a token of GitHub may. Whether it sees every private report cannot be
// told by who is no administrator: GitHub gives the published ones without an error.
func (p patient) token(ctx context.Context, c *github.Client, writer bool) []incidents.Finding {
	name := "reading"
	if writer {
		name = "writing"
	}
	r, err := c.Rights(ctx, writer)
	if err != nil {
		return one(githubTrouble("github", name, err))
	}
	state := incidents.FindingOK
	if !r.Reports {
		state = incidents.FindingFail
	}
	out := []incidents.Finding{incidents.Find("legible", state, "name", name, "needs", r.Needs, "sure", r.Admin)}
	if writer {
		state = incidents.FindingOK
		if !r.Admin {
			state = incidents.FindingWarn
		}
		out = append(out, incidents.Find("rights", state, "name", name))
	}
	if r.Private && !writer {
		out = append(out, incidents.Find("github", incidents.FindingWarn, "name", name, "why", "the repository is private, and GitHub gives no CVE for it"))
	}
	if q := c.Rate(); q.Limit > 0 && q.Remaining < q.Limit/10 {
		why := fmt.Sprintf("%d of its %d questions are left until %s: see who else uses it", q.Remaining, q.Limit, incidents.SayInstant(q.Reset))
		out = append(out, incidents.Find("github", incidents.FindingWarn, "name", name, "why", why))
	}
	return append(out, incidents.FindExpiry("token", name, r.Expires, p.now()))
}

// githubTrouble says why GitHub gave no answer. Only a token that it does not take is
// known to be wrong for sure.
func githubTrouble(key, name string, err error) incidents.Finding {
	state, why := incidents.FindingFail, err.Error()
	if e, ok := errors.AsType[*github.Error](err); ok {
		why = e.Error()
		switch e.Kind {
		case github.Revoked:
			why += ": make a new one, and put it into its file"
		case github.NotFound:
			why += ": see that the repository's name is right, and that the token may read it"
		case github.Limited, github.Server, github.Unreachable, github.Silent:
			state, why = incidents.FindingUnknown, why+"; look again later"
		}
	}
	return incidents.Find(key, state, "name", name, "why", why)
}

// reporting looks whether people can report privately.
func reporting(ctx context.Context, c *github.Client) []incidents.Finding {
	on, err := c.ReportingEnabled(ctx)
	switch {
	case err != nil:
		f := githubTrouble("reporting", "", err)
		f.State = incidents.FindingUnknown
		return one(f)
	case !on:
		return one(incidents.Find("reporting", incidents.FindingFail, "why", ""))
	}
	return one(incidents.Find("reporting", incidents.FindingOK, "why", ""))
}

// alerts looks whether the alerts can be read. Those of the highest level alone are the
// fewest; where nothing was scanned yet there is nothing to read.
func alerts(ctx context.Context, c *github.Client) []incidents.Finding {
	var out []incidents.Finding
	see := func(which string, err error) {
		e, ok := errors.AsType[*github.Error](err)
		switch {
		case ok && e.Kind == github.Forbidden:
			out = append(out, incidents.Find("alerts", incidents.FindingWarn, "which", which, "needs", e.Needs))
		case err != nil && !(ok && e.Kind == github.NotFound && which == "code scanning"):
			out = append(out, githubTrouble("github", "reading", err))
		}
	}
	_, err := c.DependabotAlerts(ctx, "critical", nil)
	see("Dependabot", err)
	_, err = c.CodeAlerts(ctx, "critical", nil)
	see("code scanning", err)
	if len(out) == 0 {
		return one(incidents.Find("alerts", incidents.FindingOK, "which", "", "needs", ""))
	}
	return out
}
