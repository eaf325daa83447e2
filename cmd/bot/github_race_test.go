package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/incidents/store"
	fake "tocsin/internal/chattest/github"
)

// readied is a bot with a report that can be published, but for a live version.
func readied(t *testing.T, lines ...string) (*hubbed, string) {
	t.Helper()
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.says("alice", "!role take INC-1 lead", "!severity set INC-1 CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "!fact set INC-1 affected 10.3.0 to 12.3.0", "!fact set INC-1 fixed 12.3.1",
		"!fact set INC-1 summary A crafted file overflows.", "!fact set INC-1 details The decoder trusts a length.", "!fact set INC-1 poc none",
		"!fact set INC-1 cwe CWE-787", "!fact set INC-1 cve CVE-2026-12345", "!fact set INC-1 workaround none",
		`!reporter set INC-1 --credit "Erin of Example" erin`, "!incident track INC-1 standard it is small",
		"!role assign INC-1 patch alice", "!role assign INC-1 release dana", "!role assign INC-1 comms carol",
		"!release plan 12.3.1 INC-1", "!ack sent INC-1 --via GitHub", "!done INC-1 reproduce", "!done INC-1 fix", "!done INC-1 test", "!done INC-1 merge",
		"!done INC-1 commit-ids", "!done INC-1 tag", "!advisory accept INC-1")
	d.says("bob", "!done INC-1 review")
	d.passes("1m")
	d.says("alice", "!advisory push INC-1")
	d.passes("2m")
	for _, line := range lines {
		d.says("alice", line)
		if strings.HasPrefix(line, "!release live") {
			d.says("alice", "!advisory push INC-1 description")
			d.passes("1m")
		}
	}
	return d, id
}

var asked = regexp.MustCompile(`!approve (\w+)`)

// agrees has bob approve what was asked for last.
func (d *hubbed) agrees() string {
	d.t.Helper()
	text := strings.Join(d.sheet.lines, "\n")
	all := asked.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		d.t.Fatalf("nobody asked for approval:\n%s", text)
	}
	d.sheet.lines = nil
	d.says("bob", "!approve "+all[len(all)-1][1])
	return text
}

// waiting has what two people agreed on wait for a GitHub that is down, lets something
// happen, and gives what was said once it is up.
func (d *hubbed) waiting(meanwhile func()) {
	d.t.Helper()
	d.Change(func(o *fake.Options) { o.Down = true })
	d.agrees()
	d.passes("1m")
	meanwhile()
	d.Change(func(o *fake.Options) { o.Down = false })
	d.passes("30m")
}

// TestNothingIsPublishedThatIsNotAsItWasAgreed: what happens between the word of two
// people and the deed stops it, and it is said why.
func TestNothingIsPublishedThatIsNotAsItWasAgreed(t *testing.T) {
	for name, c := range map[string]struct {
		publish   string
		meanwhile func(d *hubbed, id string)
		heard     []string
	}{
		"nothing happens": {heard: []string{"the advisory is PUBLIC"}},
		"its description is changed": {
			meanwhile: func(d *hubbed, id string) { d.Edit(id, "", "the exploit is attached", "") },
			heard:     []string{"it was NOT published", "description: there a text of 23 characters"},
		},
		"its title is changed": {
			meanwhile: func(d *hubbed, id string) { d.Edit(id, "Another one", "", "") }, heard: []string{"it was NOT published", "title: there Another one; you saw Overflow"},
		},
		"the version is yanked": {
			publish:   "!advisory publish INC-1 because",
			meanwhile: func(d *hubbed, _ string) { d.says("alice", "!release yanked 12.3.1 broken wheels") },
			heard:     []string{"12.3.1 is not live"},
		},
		"the incident is closed": {
			meanwhile: func(d *hubbed, _ string) { d.says("alice", "!incident close INC-1 not-a-vulnerability It is none.") },
			heard:     []string{"INC-1 is closed. To take it up again"},
		},
		"an embargo is agreed": {
			meanwhile: func(d *hubbed, _ string) {
				d.says("alice", "!incident track INC-1 embargoed they asked", "!embargo set INC-1 +7d")
			},
			heard: []string{"publish is locked until the embargo is lifted"},
		},
		"another version is to be the fixed one": {
			meanwhile: func(d *hubbed, _ string) { d.says("alice", "!fact set INC-1 fixed 12.3.2") },
			heard:     []string{"it was not published", "1 field differs"},
		},
		"who approved is suspended": {
			meanwhile: func(d *hubbed, _ string) { d.says("carol", "!suspend bob") }, heard: []string{"bob is not obeyed any more"},
		},
		"the configuration does not allow it any more": {
			meanwhile: func(d *hubbed, _ string) { must(d.t, d.close()); d.hub.c.Publish = false; d.start() },
			heard:     []string{"The configuration does not let me publish"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.publish == "" {
				c.publish = "!advisory publish INC-1"
			}
			d, id := readied(t, "!done INC-1 tag", "!release live 12.3.1", c.publish)
			d.waiting(func() {
				if c.meanwhile != nil {
					c.meanwhile(d, id)
				}
			})
			d.heard(c.heard...)
			if public := d.State(id) == "published"; public != (c.meanwhile == nil) {
				t.Errorf("public: %v", public)
			}
		})
	}
}

// TestWhoIsSuspendedWhileGitHubIsRead: an account that is somebody else's is not obeyed
// from the moment on that one says so.
func TestWhoIsSuspendedWhileGitHubIsRead(t *testing.T) {
	d, id := readied(t, "!done INC-1 tag", "!release live 12.3.1", "!advisory publish INC-1")
	d.fail = func(step string) {
		if step == "read" {
			must(t, d.store.Update(t.Context(), func(tx *store.Tx) error { return tx.Suspend("bob", "carol") }))
		}
	}
	d.agrees()
	d.passes("2m")
	d.heard("bob is not obeyed any more")
	if d.State(id) == "published" {
		t.Error("it is public")
	}
}

// TestWhoIsSuspendedAfterIt: what may have been done is looked up, whoever asked for it.
func TestWhoIsSuspendedAfterIt(t *testing.T) {
	d, id := readied(t, "!done INC-1 tag", "!release live 12.3.1", "!advisory publish INC-1")
	d.Fail(fake.Fault{Path: "PATCH /repos/python-pillow/Pillow/security-advisories/" + id, Cut: true})
	d.fail = func(step string) {
		if step == "acted" {
			d.fail = nil
			must(t, d.store.Update(t.Context(), func(tx *store.Tx) error { return tx.Suspend("bob", "carol") }))
		}
	}
	d.agrees()
	d.passes("30m")
	d.heard("the advisory is PUBLIC", "-I did not publish")
}

// TestADescriptionThatNobodyDrafted is not published behind the back of the draft.
func TestADescriptionThatNobodyDrafted(t *testing.T) {
	d, _ := readied(t, "!done INC-1 tag", "!release live 12.3.1", "!fact remove INC-1 summary")
	d.heard()
	d.says("alice", "!advisory publish INC-1")
	d.heard("The description is the draft of the advisory, and that is not ready", "-asks to PUBLISH")
}

// TestAnIncidentGetsOneAdvisory, also where it names one while the draft waits.
func TestAnIncidentGetsOneAdvisory(t *testing.T) {
	d := onHub(t)
	d.start()
	d.says("alice", "!incident open --severity high Endless loop", "!fact set INC-1 details It never ends.")
	d.Change(func(o *fake.Options) { o.Down = true })
	d.says("alice", "!advisory create INC-1")
	d.passes("1m")
	d.says("alice", "!fact set INC-1 ghsa GHSA-2345-6789-cfgh")
	d.Change(func(o *fake.Options) { o.Down = false })
	before := d.writes()
	d.passes("30m")
	d.heard("INC-1 has the advisory GHSA-2345-6789-cfgh already")
	if n := d.writes() - before; n > 0 {
		t.Errorf("%d writes", n)
	}
	d, id := readied(t, "!fact remove INC-1 ghsa")
	d.heard()
	d.says("alice", "!advisory create INC-1")
	d.heard("has the advisory " + id + " already")
}

// TestADraftOfTheSameTitle that was there before is not taken for the one that is made.
func TestADraftOfTheSameTitle(t *testing.T) {
	d := onHub(t)
	old := d.report("Endless loop")
	d.Set(old, "draft", "dana")
	d.start()
	d.says("alice", "!incident open --severity high Endless loop", "!fact set INC-1 details It never ends.")
	d.Fail(fake.Fault{Path: "POST /repos/python-pillow/Pillow/security-advisories", Status: 502})
	d.says("alice", "!advisory create INC-1")
	d.passes("30m")
	d.heard("the draft is on GitHub")
	d.says("alice", "!fact show INC-1")
	d.heard("ghsa: GHSA", "-"+old)
}

// TestWhatOthersDidIsNewsAlsoBesideAnAct: an act reads the advisory before the next look
// does, and that look finds nothing new any more.
func TestWhatOthersDidIsNewsAlsoBesideAnAct(t *testing.T) {
	d := onHub(t)
	d.hub.c.Every = 10 * time.Minute
	d.start()
	id := d.report("Overflow")
	d.passes("20m")
	d.AssignCVE(id, "CVE-2026-12345")
	d.says("alice", "!advisory accept INC-1")
	d.passes("30m")
	if text := d.heard("CVE: CVE-2026-12345", "the report is accepted"); strings.Contains(text, "the report was accepted") {
		t.Error(text)
	}
	d.says("alice", "!fact show INC-1")
	d.heard("cve: CVE-2026-12345")
}

// TestWhatWaitsIsErasedAloud when who reported is forgotten.
func TestWhatWaitsIsErasedAloud(t *testing.T) {
	d, _ := readied(t)
	d.Change(func(o *fake.Options) { o.Down = true })
	d.says("alice", "!advisory fork INC-1")
	d.says("alice", "!forget reporter INC-1")
	d.Change(func(o *fake.Options) { o.Down = false })
	d.passes("30m")
	d.heard("something that waited for GitHub is not done")
}

// TestAFloodOfReports calls people once, and misses none.
func TestAFloodOfReports(t *testing.T) {
	d := onHub(t)
	d.start()
	for k := range 20 {
		d.report(fmt.Sprint("report ", k))
	}
	d.passes("2m")
	w := &world{t: t, now: &life{path: d.path}}
	got := strings.Join(w.rows(`SELECT count(*), sum(mentions <> '') FROM outbox WHERE template = 'advisory/reported'`), " ")
	must(t, w.now.look.Close())
	if got != "20 1" {
		t.Errorf("told, and with a call: %s", got)
	}
}

// TestAFloodOfEdits is told as a number, and all of it is on record.
func TestAFloodOfEdits(t *testing.T) {
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.heard()
	for k := range 60 {
		d.Edit(id, "", fmt.Sprint("text ", k), "")
		d.passes("1m")
	}
	d.passes("5m")
	if n := len(d.sheet.lines); n > 7 {
		t.Errorf("%d lines in an hour", n)
	}
	d.heard("its description was changed", "more changes of its texts")
	w := &world{t: t, now: &life{path: d.path}}
	got := strings.Join(w.rows(`SELECT count(*) FROM timeline WHERE kind = 'advisory'`), " ")
	must(t, w.now.look.Close())
	if got != "60" {
		t.Errorf("%s on record", got)
	}
	d.passes("2h")
	d.heard()
	d.AssignCVE(id, "CVE-2026-12345") // what weighs more is told at once, also in a flood
	d.passes("2m")
	d.heard("CVE: CVE-2026-12345")
}

// TestFiveHundredCollaborators are many lines less.
func TestFiveHundredCollaborators(t *testing.T) {
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.heard()
	for k := range 500 {
		d.Collaborate(id, fmt.Sprint("user-", k))
	}
	d.passes("2m")
	if text := d.heard("user-0 can read and edit it now", "and 480 more"); strings.Count(text, "\n") > 25 {
		t.Error(text)
	}
}

// TestWhoIsForgottenWhileGitHubIsWrittenTo is not learned again from what comes back.
func TestWhoIsForgottenWhileGitHubIsWrittenTo(t *testing.T) {
	d, _ := readied(t)
	d.heard()
	d.fail = func(step string) {
		if step == "acting" {
			d.fail = nil
			must(t, d.store.Update(t.Context(), func(tx *store.Tx) error { return tx.Forget(1) }))
		}
	}
	d.says("alice", "!advisory collaborator INC-1 add erin")
	d.sheet.lines = nil // who asked knows whom for
	d.passes("5m")
	d.says("alice", "!timeline INC-1", "!advisory show INC-1")
	d.heard("-erin")
	w := &world{t: t, now: &life{path: d.path}}
	got := w.rows(`SELECT field FROM personal WHERE value IS NOT NULL`)
	must(t, w.now.look.Close())
	if len(got) > 0 {
		t.Error(got)
	}
}

// TestATokenThatLosesItsRights is noticed within hours: GitHub says nothing of it.
func TestATokenThatLosesItsRights(t *testing.T) {
	d := onHub(t)
	d.start()
	d.passes("2m")
	d.heard()
	d.Change(func(o *fake.Options) {
		token := o.Tokens["reader-token"]
		token.Role, token.Read = fake.Anyone, false
		o.Tokens["reader-token"] = token
	})
	d.passes("5h")
	d.heard("My token lists no private reports")
}

// TestWordsThatWerePulled are those of who pulled them.
func TestWordsThatWerePulled(t *testing.T) {
	d, id := readied(t)
	d.Edit(id, "", "Another text.", "")
	d.passes("2m")
	d.heard()
	d.says("alice", "!advisory pull INC-1 description", "!draft INC-1 advisory")
	d.heard("Another text.", "These are own words, by alice")
}
