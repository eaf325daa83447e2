package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/cmd/bot/config"
	"tocsin/internal/chattest/github"
)

// hub is a GitHub on loopback with the bot's access to it. It outlives the bot.
type hub struct {
	*github.Server
	c    config.GitHub
	now  func() time.Time
	last string // the advisory that a script speaks of
	all  []string
}

// newHub starts a GitHub that has the time of the bot.
func newHub(t *testing.T, now func() time.Time, change ...func(*github.Options)) *hub {
	t.Helper()
	o := github.Options{Now: now, Comments: true, Score: func(string) float64 { return 8.7 }}
	for _, f := range change {
		f(&o)
	}
	h := &hub{Server: github.Start(o), now: now}
	t.Cleanup(h.Close)
	h.c = config.GitHub{
		Base: h.URL, Owner: "python-pillow", Repo: "Pillow", Reader: secretOf(t, "reader-token"), Writer: secretOf(t, "writer-token"),
		Every: 10 * time.Minute, Alerts: "high", Publish: true, Ecosystem: "pip", Package: "pillow",
	}
	return h
}

func (h *hub) watched() (*watched, error) {
	return watch(h.c, h.now, func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
}

// deed does what a script says of GitHub: "erin reports: title | description".
func (h *hub) deed(deed string) error {
	who, what, _ := strings.Cut(deed, " ")
	verb, rest, _ := strings.Cut(what, ": ")
	title, more, _ := strings.Cut(rest, " | ")
	ok := true
	switch verb {
	case "is watched": // it is there
	case "reports":
		id, err := h.Report(github.Report{Login: who, Summary: title, Description: more})
		h.last, h.all = id, append(h.all, id)
		return err
	case "speaks of": // the first report, the second one
		h.last = h.all[0]
	case "accepts it":
		ok = h.Set(h.last, "draft", who)
	case "publishes it":
		ok = h.Set(h.last, "published", who)
	case "closes it":
		ok = h.Set(h.last, "closed", who)
	case "retitles it":
		ok = h.Edit(h.last, rest, "", "")
	case "scores it":
		ok = h.Edit(h.last, "", "", rest)
	case "assigns":
		ok = h.AssignCVE(h.last, rest)
	case "reviews it":
		ok = h.Review(h.last)
	case "accepts the credit":
		ok = h.AcceptCredit(h.last, who, true)
	case "declines the credit":
		ok = h.AcceptCredit(h.last, who, false)
	case "comments":
		ok = h.Comment(h.last, who, rest)
	case "finds":
		h.Alert("pillow", "high", rest)
	case "is down":
		h.Change(func(o *github.Options) { o.Down = true })
	case "is up":
		h.Change(func(o *github.Options) { o.Down = false })
	case "takes the reading token back":
		h.Revoke("reader-token")
	case "lets the writing token only read":
		h.Change(func(o *github.Options) {
			t := o.Tokens["writer-token"]
			t.Role, t.Write = github.Anyone, false
			o.Tokens["writer-token"] = t
		})
	case "knows no writing token":
		h.c.Writer = config.Secret{}
	default:
		return fmt.Errorf("GitHub does not know how to do that: %q", deed)
	}
	if !ok {
		return fmt.Errorf("that cannot be done to %q: %q", h.last, deed)
	}
	return nil
}
