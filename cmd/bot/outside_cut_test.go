package main

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/internal/chattest/mastodon"
)

const (
	posts    = "POST /api/v1/statuses"
	lookedUp = "GET /api/v1/accounts/109000000000000007/statuses"
	handleOf = `mastodon of INC-1 "mellow acorn" `
)

// TestForgettingWhatMayBeOut: a post of unknown outcome is unknown still when the
// reporter is forgotten, and people are asked to look; one that surely did not go out is
// refused, and that is told.
func TestForgettingWhatMayBeOut(t *testing.T) {
	for name, c := range map[string]struct {
		fault       mastodon.Fault
		state, told string
		posts       int
	}{
		"cut off, and it is there": {mastodon.Fault{Path: posts, Cut: true, After: true}, incidents.SendUnknown, "may or may not have been sent on Mastodon", 1},
		"not yet":                  {mastodon.Fault{Path: posts, Status: http.StatusTooManyRequests}, incidents.SendRefused, "was NOT sent on Mastodon: the reporter was forgotten", 0},
	} {
		t.Run(name, func(t *testing.T) {
			for crash := 1; ; crash += 9 {
				p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
				p.server.Fail(c.fault)
				p.agreed()
				p.says("alice", "!reporter set Erin")
				before := len(p.stage.Said())
				p.n++
				m := p.message("alice", "!forget reporter INC-1")
				step := p.crash(crash, m)
				must(t, p.Restart(t.Context()))
				p.hears(m)
				p.waits("5h")
				said := p.stage.Said()[before:]
				if n := strings.Count(said, c.told); n != 1 && n != 1+strings.Count(said, "(again) "+handleOf+c.told) {
					t.Errorf("after a crash at %q it is told %d times: %s", step, n, said)
				}
				if s := p.sendings()[0]; s.State != c.state || s.DoneAt.IsZero() || len(p.server.Statuses()) != c.posts {
					t.Errorf("after a crash at %q: %d posts, and it is %s since %s", step, len(p.server.Statuses()), s.State, s.DoneAt)
				}
				if step == "" || t.Failed() {
					return
				}
			}
		})
	}
}

// TestForgettingWhileItIsSent: a post that arrives although the reporter was forgotten
// while it was on its way is on record as sent.
func TestForgettingWhileItIsSent(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	code := ""
	p.fail = func(step string) {
		if step == "carried" && code != "" {
			code = ""
			must(t, p.store.Update(t.Context(), func(tx *store.Tx) error { return tx.Forget(1) }))
		}
	}
	must(t, p.Restart(t.Context()))
	for _, line := range append(facts(), "!reporter set Erin") {
		p.says("alice", line)
	}
	code = p.code(p.says("alice", "!send mastodon"))
	if got := p.says("bob", "!approve "+code); !strings.Contains(got, "was sent on Mastodon") || strings.Contains(got, "may or may not") {
		t.Errorf("told is %s", got)
	}
	p.posted()
}

// TestNobodyCanLook: a text that may be out is never called unsent, and does not wait
// for ever for somebody to tell.
func TestNobodyCanLook(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.server.Fail(mastodon.Fault{Path: posts, Cut: true, After: true})
	p.agreed()
	p.server.Fail(slices.Repeat([]mastodon.Fault{{Path: lookedUp, Status: http.StatusServiceUnavailable}}, 40)...)
	got := p.waits("3h")
	if strings.Contains(got, "not sent yet") || strings.Count(got, "may have been sent on Mastodon") != 1 || !strings.Contains(got, "do not repeat it") {
		t.Errorf("after three hours: %q", got)
	}
	if got := p.waits("5h"); strings.Count(got, "may or may not have been sent on Mastodon") != 1 {
		t.Errorf("after eight hours: %q", got)
	}
	if s := p.sendings()[0]; s.State != incidents.SendUnknown || len(p.server.Statuses()) != 1 {
		t.Errorf("%d posts, and it is %s", len(p.server.Statuses()), s.State)
	}
}

// TestItIsFoundLate: where nobody could look at first, what is there is found later.
func TestItIsFoundLate(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.server.Fail(mastodon.Fault{Path: posts, Cut: true, After: true}, mastodon.Fault{Path: lookedUp, Status: http.StatusServiceUnavailable})
	p.agreed()
	p.waits("1h")
	p.posted()
}

// TestAnotherAccountCannotLook: what another account may have posted is not looked for
// among our own posts, and not called unsent.
func TestAnotherAccountCannotLook(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.server.Fail(mastodon.Fault{Path: posts, Cut: true, After: true})
	p.agreed()
	old := p.server
	p.server = mastodon.Start(mastodon.Options{Now: p.clock.Now, Account: "other"})
	defer p.server.Close()
	p.toot()
	must(t, p.Restart(t.Context()))
	if got := p.waits("5h"); strings.Contains(got, "NOT sent") || strings.Count(got, "may or may not have been sent on Mastodon") != 1 {
		t.Errorf("told is %q", got)
	}
	if s := p.sendings()[0]; s.State != incidents.SendUnknown || len(old.Statuses()) != 1 || len(p.server.Statuses()) != 0 {
		t.Errorf("%d and %d posts, and it is %s", len(old.Statuses()), len(p.server.Statuses()), s.State)
	}
}
