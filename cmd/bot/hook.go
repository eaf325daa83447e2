package main

import (
	"context"
	"log/slog"

	"tocsin/bridges/github"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// githubHook makes the webhook of the configuration, which has wake called when
// GitHub has something new. It is nil where there is none.
func githubHook(w *config.Webhook, wake func(), log *slog.Logger) (*github.Hook, error) {
	if w == nil {
		return nil, nil
	}
	return github.NewHook(github.HookConfig{Listen: w.Listen, Path: w.Path, Secret: w.Secret.Reveal(), Wake: wake, Log: log})
}

// wake has GitHub looked at now.
func (a *app) wake() { a.outbox.Up(context.Background(), store.GitHub) }

// hear listens until ctx ends. Where it cannot, GitHub is asked from time to time all
// the same.
func (a *app) hear(ctx context.Context) {
	if err := a.hook.Run(ctx); err != nil {
		a.p.log.Error("the webhook cannot go on", "error", err.Error())
		a.outbox.Tell(ctx, "webhook", "github/hook", incidents.Facts{"repository": a.p.github.c.Owner + "/" + a.p.github.c.Repo})
	}
}
