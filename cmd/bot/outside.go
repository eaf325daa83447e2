package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/cmd/bot/config"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
)

// way is one way to people outside, ready to be put into the bot.
type way struct {
	courier outbox.Courier
	known   func() commands.Way         // what is known of it now
	learn   func(context.Context) error // looks up what has to be known of it; nil: nothing
}

// way gives what commands have to know of a way; false when nothing is sent by it.
func (p parts) way(name string) (commands.Way, bool) {
	w, ok := p.outside[name]
	if !ok {
		return commands.Way{}, false
	}
	return w.known(), true
}

// couriers gives who carries, by way.
func (p parts) couriers() map[string]outbox.Courier {
	out := map[string]outbox.Courier{}
	for name, w := range p.outside {
		out[name] = w.courier
	}
	return out
}

// roomNames gives the rooms of the configuration, which no public text may name.
func (p parts) roomNames() []string {
	var out []string
	for r := range p.grants {
		if r.Network != "console" {
			out = append(out, r.ID)
		}
	}
	return out
}

// outside makes the ways that the configuration lets the bot send by, and what makes
// letters. Adding a way is a few lines here, and its name in incidents.Ways. What is wrong
// is told with its line.
func outside(c *config.Config, now func() time.Time) (map[string]way, letters, error) {
	out := map[string]way{}
	l, err := newLetters(c.Mail, now)
	if c.Mail.Send && err == nil {
		var m mailer
		if m, err = newMailer(c.Mail, l); err == nil {
			out[incidents.ByMail] = way{courier: m, known: m.known}
		}
	}
	if err != nil {
		return nil, l, atLines(c, err)
	}
	if c.Mastodon.Send {
		t, err := newTooter(c.Mastodon, now)
		if err != nil {
			return nil, l, err
		}
		out[incidents.ByMastodon] = way{courier: t, known: t.known, learn: t.learn}
	}
	return out, l, nil
}

// checkOutside holds what the configuration says of mail and posts against what it names.
func checkOutside(c *config.Config) error {
	_, l, err := outside(c, time.Now)
	if err != nil {
		return err
	}
	var all []error
	for _, f := range l.unusable() {
		all = append(all, f)
	}
	if len(all) == 0 {
		return nil
	}
	return atLines(c, errors.Join(all...))
}

// atLines gives faults with the lines of the file that they are about.
func atLines(c *config.Config, err error) error {
	all := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		all = several.Unwrap()
	}
	var out config.Problems
	for _, one := range all {
		f, ok := errors.AsType[fault](one)
		if !ok {
			return err
		}
		out = append(out, c.Wrong(f.path, f.err.Error()))
	}
	return out
}

// How often the account of a way is looked up: anew, and after a failure.
const (
	learnAgain = time.Hour
	learnRetry = time.Minute
)

// keepLearning looks up what has to be known of a way, until ctx ends.
func (w way) keepLearning(ctx context.Context, name string, log *slog.Logger) {
	for {
		wait := learnAgain
		if err := w.learn(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the account could not be looked up", "way", name, "error", err.Error())
			wait = learnRetry
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// errOther refuses what would go out otherwise than it was approved.
var errOther = errors.New("the configuration is another one than when it was approved")
