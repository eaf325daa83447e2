package main

import (
	"log/slog"

	"tocsin/bridges/github"
	"tocsin/cmd/bot/config"
)

// githubHook makes the webhook of the configuration, which has wake called when
// GitHub has something new. It is nil where there is none.
func githubHook(c *config.Config, wake func(), log *slog.Logger) (*github.Hook, error) {
	if c.GitHub == nil || c.GitHub.Webhook == nil {
		return nil, nil
	}
	w := c.GitHub.Webhook
	return github.NewHook(github.HookConfig{Listen: w.Listen, Path: w.Path, Secret: w.Secret.Reveal(), Wake: wake, Log: log})
}
