package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/internal/chattest"
	"tocsin/internal/chattest/mastodon"
)

// posting is a bot whose post of an incident two people can agree on.
type posting struct {
	*staged
	server *mastodon.Server
	n      int
}

// facts are typed before anything can be posted.
func facts() []string {
	return []string{
		`!incident open --type vulnerability --source researcher --severity medium "A crafted file is read for ever"`,
		"!fact set affected 10.3.0 to 12.3.0", "!fact set fixed 12.3.1", "!fact set cve CVE-2026-25990", "!fact set ghsa GHSA-cfh3-3jmp-rvhc",
		"!release plan 12.3.1 INC-1", "!release live 12.3.1",
	}
}

// secretOf gives a secret as the configuration reads it.
func secretOf(t *testing.T, text string) config.Secret {
	path := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, []byte(text+"\n"), 0o600))
	s, err := config.ReadSecret(path)
	must(t, err)
	return s
}

func newPosting(t *testing.T, path string) *posting {
	p := &posting{staged: &staged{t: t, script: &chattest.Script{}, clock: startClock(), path: path, random: dull(), log: quiet()}}
	p.stage = chattest.NewStage(p.script, p.clock.Now)
	p.server = mastodon.Start(mastodon.Options{Now: p.clock.Now})
	t.Cleanup(p.server.Close)
	p.toot()
	must(t, p.Restart(t.Context()))
	t.Cleanup(func() { _ = p.close() })
	return p
}

// toot has posts go to the instance, by somebody who knows nothing of it yet.
func (p *posting) toot() *tooter {
	w, err := newTooter(config.Mastodon{
		Instance: p.server.URL, Token: secretOf(p.t, "token-of-pillow"), Language: "en", Visibility: "public",
	}, p.clock.Now)
	must(p.t, err)
	must(p.t, w.learn(p.t.Context()))
	p.ways = map[string]way{incidents.ByMastodon: {courier: w, known: w.known, learn: w.learn}}
	return w
}

// says types a line and gives what is said to it.
func (p *posting) says(who, text string) string {
	p.t.Helper()
	p.n++
	return p.hears(p.message(who, text))
}

func (p *posting) message(who, text string) bridges.Message {
	return bridges.Message{
		ID: fmt.Sprintf("t%d", p.n), Room: bridges.Room{Network: "console", ID: "console"}, Name: who, Text: text,
		From: bridges.Account{Network: "console", ID: who}, At: p.clock.Now(),
	}
}

func (p *posting) hears(m bridges.Message) string {
	before := len(p.stage.Said())
	must(p.t, p.Hear(p.t.Context(), m))
	return p.stage.Said()[before:]
}

// agreed has two people agree on a post, and gives what is said to the second one.
func (p *posting) agreed() string {
	p.t.Helper()
	for _, line := range facts() {
		p.says("alice", line)
	}
	return p.says("bob", "!approve "+p.code(p.says("alice", "!send mastodon")))
}

func (p *posting) code(said string) string {
	p.t.Helper()
	m := regexp.MustCompile(`!approve ([A-Z0-9]{5})`).FindStringSubmatch(said)
	if m == nil {
		p.t.Fatalf("nobody is asked to approve: %s", said)
	}
	return m[1]
}

// waits lets time pass and gives what is said meanwhile.
func (p *posting) waits(span string) string {
	before := len(p.stage.Said())
	must(p.t, p.Wait(p.t.Context(), span))
	return p.stage.Said()[before:]
}

// sendings gives what was sent of the incident, newest first.
func (p *posting) sendings() (out []incidents.Sending) {
	must(p.t, p.store.Update(context.Background(), func(tx *store.Tx) (err error) {
		out, err = tx.Sendings(1)
		return err
	}))
	return out
}

// onRecord counts the entries of a kind.
func (p *posting) onRecord(kind string) (n int) {
	must(p.t, p.store.Update(context.Background(), func(tx *store.Tx) error {
		list, err := tx.Timeline(1, 1000)
		for _, e := range list {
			if e.Kind == kind {
				n++
			}
		}
		return err
	}))
	return n
}

// posted wants one post, and all that goes with it, once.
func (p *posting) posted() {
	p.t.Helper()
	if n := len(p.server.Statuses()); n != 1 {
		p.t.Fatalf("there are %d posts", n)
	}
	if s := p.sendings(); len(s) != 1 || s[0].State != incidents.SendSent || s[0].Address().Empty() && s[0].SentID.Empty() {
		p.t.Errorf("it is kept as %+v", s)
	}
	if sent, done := p.onRecord("sent"), p.onRecord("step-done"); sent != 1 || done != 1 {
		p.t.Errorf("it is on record %d times, and the step %d times", sent, done)
	}
	const told = `mastodon of INC-1 "mellow acorn" was sent on Mastodon`
	said := p.stage.Said()
	if n := strings.Count(said, "> "+told); n > 1 || !strings.Contains(said, told) { // a repeat that the network cannot rule out is marked as one
		p.t.Errorf("it was told %d times:\n%s", n, p.stage.Said())
	}
}

// TestPosts: from the facts to one post on an instance, in any weather.
func TestPosts(t *testing.T) {
	const post = "POST /api/v1/statuses"
	for name, c := range map[string]struct {
		faults  []mastodon.Fault
		said    string   // to the second person
		waits   []string // how long to wait, and what is said then
		none    bool     // nothing is posted
		unknown bool     // a person has to look
	}{
		"fair weather":             {said: "was sent on Mastodon"},
		"422":                      {faults: []mastodon.Fault{{Path: post, Status: 422, Body: `{"error":"Validation failed: Text character limit of 500 exceeded"}`}}, said: "was NOT sent on Mastodon: posting: the instance finds it wrong (422): Validation failed", waits: []string{"2h", ""}, none: true},
		"401":                      {faults: []mastodon.Fault{{Path: post, Status: 401}}, said: "is not sent yet: posting: the instance does not take the token (401)", waits: []string{"1m", "was sent on Mastodon"}},
		"401 for ever":             {faults: slices.Repeat([]mastodon.Fault{{Path: "GET /api/v1/accounts/verify_credentials", Status: 401}}, 40), said: "is not sent yet", waits: []string{"5h", "", "2h", "was NOT sent on Mastodon: it could not be sent for 6 h"}, none: true},
		"429 with a reset":         {faults: []mastodon.Fault{{Path: post, Status: 429, Header: http.Header{"X-Ratelimit-Reset": {chattest.Start().Add(40 * time.Minute).Format(time.RFC3339)}}}}, said: "is not sent yet", waits: []string{"39m", "", "1m", "was sent on Mastodon"}},
		"503":                      {faults: []mastodon.Fault{{Path: post, Status: 503}}, said: "goes out on Mastodon now", waits: []string{"1m", "", "2m", "was sent on Mastodon"}},
		"500, and it is there":     {faults: []mastodon.Fault{{Path: post, Status: 500, After: true}}, said: "goes out on Mastodon now", waits: []string{"1m", "was sent on Mastodon"}},
		"cut off, and it is there": {faults: []mastodon.Fault{{Path: post, Cut: true, After: true}}, said: "goes out on Mastodon now", waits: []string{"1m", "was sent on Mastodon"}},
		"nobody can look":          {faults: []mastodon.Fault{{Path: post, Cut: true, After: true}, {Path: "GET /api/v1/accounts/109000000000000007/statuses", Status: 403, Body: `{"error":"This action is outside the authorized scopes"}`}}, said: "goes out on Mastodon now", waits: []string{"1m", "may or may not have been sent on Mastodon", "5h", ""}, unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
			p.server.Fail(c.faults...)
			if got := p.agreed(); !strings.Contains(got, c.said) {
				t.Errorf("the second person hears %q", got)
			}
			for k := 0; k+1 < len(c.waits); k += 2 {
				got := p.waits(c.waits[k])
				if sent := strings.Contains(got, "sent on Mastodon"); !strings.Contains(got, c.waits[k+1]) || c.waits[k+1] == "" && sent {
					t.Errorf("after %s: %q", c.waits[k], got)
				}
			}
			if c.unknown {
				if s := p.sendings(); s[0].State != incidents.SendUnknown || len(p.server.Statuses()) != 1 || p.onRecord("sent") != 0 {
					t.Errorf("it is kept as %+v", s)
				}
			} else if !c.none {
				p.waits("3h")
				p.posted()
			} else if n := len(p.server.Statuses()); n != 0 {
				t.Errorf("%d posts", n)
			}
		})
	}
}

// TestAPostIsNeitherLostNorRepeated crashes at every step from the approval to the
// record. Each time the bot is started on its file as it is, and hears the approval
// again.
func TestAPostIsNeitherLostNorRepeated(t *testing.T) {
	dir := t.TempDir()
	first := newPosting(t, filepath.Join(dir, "first.db"))
	for _, line := range facts() {
		first.says("alice", line)
	}
	code := first.code(first.says("alice", "!send mastodon"))
	n := first.n + 1
	must(t, first.close())
	file, err := os.ReadFile(first.path)
	must(t, err)
	steps := map[string]bool{}
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for crash := 1; ; crash += stride {
		path := filepath.Join(dir, fmt.Sprintf("%d.db", crash))
		must(t, os.WriteFile(path, file, 0o600))
		p := newPosting(t, path)
		p.n = n
		m := p.message("bob", "!approve "+code)
		step := p.crash(crash, m)
		if step == "" {
			p.posted()
			break
		}
		steps[step] = true
		must(t, p.Restart(t.Context()))
		p.hears(m)
		p.waits("10m")
		p.posted()
		if t.Failed() {
			t.Fatalf("after crash %d, at %q", crash, step)
		}
		must(t, p.close())
		must(t, os.Remove(path))
	}
	if stride == 1 && (!steps["carried"] || !steps["tried"] || len(steps) < 6) {
		t.Errorf("it crashed only at %v", steps)
	}
}

// crash has the bot obey a message and crash at its n-th step, which it gives; "" when
// there are fewer.
func (p *posting) crash(n int, m bridges.Message) (at string) {
	armed := false
	p.fail = func(step string) {
		if !armed || at != "" {
			return
		}
		if n--; n == 0 {
			at = step
			panic("crash")
		}
	}
	must(p.t, p.Restart(p.t.Context()))
	armed = true
	defer func() {
		p.fail, armed = nil, false
		if at != "" {
			recover()
		}
	}()
	must(p.t, p.Hear(p.t.Context(), m))
	return at
}

// TestNobodySuspendedSends: between the approval and the moment of sending an account
// can turn out to be somebody else's.
func TestNobodySuspendedSends(t *testing.T) {
	for _, who := range []string{"alice", "bob"} {
		p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
		p.server.Fail(mastodon.Fault{Path: "POST /api/v1/statuses", Status: 429})
		p.agreed()
		p.says("carol", "!suspend "+who)
		if got := p.waits("2h"); !strings.Contains(got, who+" is not obeyed any more") {
			t.Errorf("%s: %s", who, got)
		}
		if n := len(p.server.Statuses()); n != 0 || p.sendings()[0].State != incidents.SendRefused {
			t.Errorf("%s: %d posts", who, n)
		}
	}
}

// TestAThread: a text that is too long goes out in parts, each in reply to the one
// before, and is told once.
func TestAThread(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	for _, line := range facts() {
		p.says("alice", line)
	}
	long := "Pillow 12.3.1 fixes CVE-2026-25990. Please upgrade: python3 -m pip install --upgrade Pillow\n\n" + strings.Repeat("A file can be read for ever. ", 30)
	p.says("alice", "!draft edit mastodon "+long)
	if got := p.says("alice", "!send mastodon"); !strings.Contains(got, "is not sent") {
		t.Errorf("too long, and: %s", got)
	}
	p.server.Fail(mastodon.Fault{Path: "none", Status: 500})
	got := p.says("bob", "!approve "+p.code(p.says("alice", "!send mastodon --thread")))
	all := p.server.Statuses()
	if len(all) < 2 || strings.Count(got, "was sent on Mastodon") != 1 || p.onRecord("sent") != len(all) || p.onRecord("step-done") != 1 {
		t.Fatalf("%d posts: %s", len(all), got)
	}
	for k, s := range all[1:] {
		if s.InReplyTo != all[k].ID {
			t.Errorf("post %d is not in reply to the one before", k+2)
		}
	}
}

// TestAWayThatWasSwitchedOff: what was approved before the configuration was changed
// is not sent, and not forgotten.
func TestAWayThatWasSwitchedOff(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	p.server.Fail(mastodon.Fault{Path: "POST /api/v1/statuses", Status: 429})
	p.agreed()
	p.ways = map[string]way{}
	must(t, p.Restart(t.Context()))
	if got := p.waits("10m"); !strings.Contains(got, "the configuration does not let me send anything this way any more") {
		t.Errorf("the desk hears %q", got)
	}
	if s := p.sendings()[0]; s.State != incidents.SendRefused {
		t.Errorf("it is %s", s.State)
	}
}
