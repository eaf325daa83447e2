package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/mastodon"
	"tocsin/cmd/bot/config"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
	"tocsin/templates"
)

// tooter posts on Mastodon.
type tooter struct {
	client     *mastodon.Client
	visibility string
	language   string

	mu     sync.Mutex
	handle string // "" while it is not known
	limits templates.Limits
}

func newTooter(c config.Mastodon, now func() time.Time) (*tooter, error) {
	client, err := mastodon.New(mastodon.Config{
		Name: incidents.ByMastodon, Instance: c.Instance, Token: c.Token.Reveal(), Loopback: true, Now: now,
	})
	return &tooter{client: client, visibility: c.Visibility, language: c.Language}, err
}

// learn asks whose token it is, and what the instance allows.
func (t *tooter) learn(ctx context.Context) error {
	account, err := t.client.Account(ctx)
	if err != nil {
		return err
	}
	instance, err := t.client.Instance(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handle = account.Handle(instance.Domain)
	t.limits = templates.Limits{Characters: instance.MaxCharacters, Link: instance.PerURL}
	return nil
}

func (t *tooter) known() commands.Way {
	t.mu.Lock()
	defer t.mu.Unlock()
	return commands.Way{Limits: t.limits, From: t.from}
}

// from is what two people approve: who posts, and for whom.
func (t *tooter) from([]string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.handle == "" {
		return "", nil
	}
	return fmt.Sprintf("%s (%s, %s)", t.handle, t.visibility, t.language), nil
}

// Carry posts, once it is sure that the account is the one that was approved.
func (t *tooter) Carry(ctx context.Context, p outbox.Parcel) (string, error) {
	if err := t.learn(ctx); err != nil { // nothing was posted yet, whatever came of the question
		return "", tooterTrouble(fmt.Errorf("%w: %w", bridges.ErrNotSent, err))
	}
	if from, _ := t.from(nil); from != p.From {
		return "", fmt.Errorf("%w: %w", bridges.ErrRefused, errOther)
	}
	posted, err := t.client.Post(ctx, t.status(p))
	return postedID(posted), tooterTrouble(err)
}

// Find looks among the account's own posts, which tells nothing of what another one may
// have posted.
func (t *tooter) Find(ctx context.Context, p outbox.Parcel) (string, error) {
	if err := t.learn(ctx); err != nil {
		return "", tooterTrouble(err)
	}
	if from, _ := t.from(nil); from != p.From {
		return "", bridges.ErrCantSay
	}
	posted, err := t.client.Find(ctx, t.status(p), p.At)
	return postedID(posted), tooterTrouble(err)
}

func (t *tooter) status(p outbox.Parcel) mastodon.Status {
	before, _, _ := strings.Cut(p.InReplyTo, " ")
	return mastodon.Status{Key: p.Key, Text: p.Body, Visibility: t.visibility, Language: t.language, InReplyTo: before}
}

// postedID gives what the instance calls a post, and where people find it.
func postedID(p mastodon.Posted) string { return strings.TrimSpace(p.ID + " " + p.URL) }

// tooterTrouble tells people what an instance said.
func tooterTrouble(err error) error {
	if e, ok := errors.AsType[*mastodon.Error](err); ok {
		return &outbox.Trouble{Err: err, Told: e.Told, Later: e.Retry}
	}
	return err
}
