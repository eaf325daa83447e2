package main

import (
	"context"
	"log/slog"
	"time"

	"tocsin/bridges/github"
	"tocsin/cmd/bot/config"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/advisories"
	"tocsin/incidents/outbox"
	"tocsin/incidents/store"
)

// watched is a repository whose advisories are watched.
type watched struct {
	client *github.Client
	c      config.GitHub
}

// withGitHub adds the repository of the configuration, where it names one.
func withGitHub(p parts, c *config.Config) (parts, error) {
	if c.GitHub == nil {
		return p, nil
	}
	w, err := watch(*c.GitHub, p.clock.Now, nil)
	p.github = w
	return p, err
}

// watch makes the client of a repository. wait is nil but in tests.
func watch(g config.GitHub, now func() time.Time, wait func(context.Context, time.Duration) error) (*watched, error) {
	client, err := github.New(github.Config{
		Base: g.Base, Repository: g.Owner + "/" + g.Repo, Reader: g.Reader.Reveal(), Writer: g.Writer.Reveal(),
		Agent: "tocsin, the incident desk of " + g.Repo, Loopback: true, Now: now, Wait: wait, // the configuration was checked for it
	})
	return &watched{client: client, c: g}, err
}

// access says to commands what can be done on GitHub.
func (w *watched) access() *commands.GitHub {
	if w == nil {
		return nil
	}
	return &commands.GitHub{
		Repository: w.c.Owner + "/" + w.c.Repo, Writes: w.client.Writes(), Publish: w.c.Publish, Ecosystem: w.c.Ecosystem, Package: w.c.Package,
	}
}

// onGitHub has the outbox look at GitHub, and act there.
func (a *app) onGitHub(ctx context.Context, log *slog.Logger) error {
	w := a.p.github
	d := &advisories.Desk{
		Client: w.client, Store: a.store, Plan: func() *incidents.Plan { return a.p.plan }, Roster: a.p.roster, Now: a.p.clock.Now,
		Ecosystem: w.c.Ecosystem, Package: w.c.Package, Repository: w.c.Owner + "/" + w.c.Repo, Every: w.c.Every, Publish: w.c.Publish, Alerts: w.c.Alerts, Log: log,
		Kick: a.outbox.Kick, Failpoint: a.p.failpoint,
		Tell: func(tx *store.Tx, n advisories.News) error {
			return a.outbox.Announce(tx, outbox.News{
				Key: n.Key, Template: n.Template, Incident: n.Incident, Facts: n.Facts, Call: n.Call, But: outbox.Place{Network: n.But.Network, Room: n.But.Room},
			})
		},
	}
	if d.Failpoint == nil {
		d.Failpoint = func(string) {}
	}
	var err error
	if a.hook, err = githubHook(w.c.Webhook, a.wake, log); err != nil {
		return err
	}
	a.outbox.Lane(store.GitHub)
	a.outbox.Register(store.WatchGitHub, advisories.Watch{Desk: d})
	a.outbox.Register(store.OnAdvisory, advisories.Act{Desk: d})
	return a.store.Update(ctx, func(tx *store.Tx) error { return tx.QueueWatch() })
}
