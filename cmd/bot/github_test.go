package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
	fake "tocsin/internal/chattest/github"
)

// hubbed is a bot on a console that watches a GitHub, over HTTP.
type hubbed struct {
	typing
	*hub
	fail func(step string)
}

func onHub(t *testing.T, change ...func(*fake.Options)) *hubbed {
	c := startClock()
	d := &hubbed{typing: typing{t: t, c: c, path: filepath.Join(t.TempDir(), "t.db")}, hub: newHub(t, c.Now, change...)}
	d.hub.c.Every = time.Minute
	t.Cleanup(func() { _ = d.close() })
	return d
}

func (d *hubbed) close() error {
	if d.rehearsal == nil {
		return nil
	}
	err := d.rehearsal.close()
	d.rehearsal = nil
	return err
}

func (d *hubbed) start() {
	d.t.Helper()
	must(d.t, d.close())
	p, err := rehearsalParts(d.path, d.typing.c, slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	must(d.t, err)
	p.failpoint = func(step string) {
		if d.fail != nil {
			d.fail(step)
		}
	}
	p.github, err = d.hub.watched()
	must(d.t, err)
	a, err := newApp(d.t.Context(), p, &d.sheet)
	must(d.t, err)
	a.inOrder = true
	d.rehearsal = &rehearsal{app: a, clock: d.typing.c}
	must(d.t, a.outbox.Drain(d.t.Context()))
}

// report has somebody report, and gives the identifier.
func (d *hubbed) report(title string) string {
	d.t.Helper()
	id, err := d.hub.Report(fake.Report{Login: "erin", Summary: title, Description: "Open this file."})
	must(d.t, err)
	return id
}

// writes counts the requests that change something.
func (d *hubbed) writes() (n int) {
	for _, a := range d.Asked() {
		if !strings.HasPrefix(a.Call, http.MethodGet) {
			n++
		}
	}
	return n
}

// TestThreeHundredAdvisoriesAtTheFirstStart: people are asked once what to do with the
// old ones, and what comes later is news.
func TestThreeHundredAdvisoriesAtTheFirstStart(t *testing.T) {
	d := onHub(t)
	var ids []string
	for k := range 300 {
		id := d.report(fmt.Sprintf("report number %d", k))
		ids = append(ids, id)
		state := []string{"published", "closed", "draft"}[k%3]
		if k < 12 {
			state = "triage"
		}
		if state != "triage" && !d.Set(id, state, "alice") {
			t.Fatal(id)
		}
	}
	d.start()
	if n := len(d.sheet.lines); n != 1 {
		t.Errorf("%d messages", n)
	}
	d.heard("There are 300 already", "a report of 2026-11-23 09:00: report number 11", "and 98 more", "!advisory open <GHSA>", "-INC-1")
	d.passes("1h")
	d.heard("-report number")
	d.says("alice", "!incident list", "!advisory list")
	d.heard("There is no open incident", "300 on GitHub", "and 68 more")
	d.says("alice", "!advisory open "+ids[5], "!advisory open "+ids[5])
	d.heard("INC-1", "is open for the advisory on GitHub: report number 5", "That advisory is INC-1's already")
	d.Edit(ids[7], "an old one that nobody took", "", "")
	d.Edit(ids[5], "the one that somebody took", "", "")
	d.report("a new one")
	d.passes("2m")
	d.heard("title: report number 5 → the one that somebody took", "INC-2", "a private report came in on GitHub, by erin: a new one", "-nobody took")
	asked := len(d.Asked())
	d.start()
	d.passes("2m")
	d.heard("-report number", "-a new one", "-There are")
	if n := len(d.Asked()) - asked; n > 12 { // three pages each minute
		t.Errorf("asked %d times in two minutes", n)
	}
}

// TestALookThatIsCutSaysNothingTwice: the bot dies at every step of a look that brings
// two reports and a change, and starts again on what is on the disk.
func TestALookThatIsCutSaysNothingTwice(t *testing.T) {
	d := onHub(t)
	d.start()
	first := d.report("the first")
	d.passes("2m")
	d.heard("INC-1")
	d.report("the second")
	d.report("the third")
	d.Edit(first, "the first, retitled", "", "")
	must(t, d.close())
	before := copyOf(t, d.path)
	steps := 0
	d.fail = func(string) { steps++ }
	d.start()
	d.passes("2m")
	must(t, d.close())
	every := max(1, steps/40)
	for at := 1; at < steps; at += every {
		d.path, d.sheet.lines = copyOf(t, before), nil
		left, dead := at, ""
		d.fail = func(string) {
			if left--; left == 0 {
				dead = copyOf(t, d.path)
			}
		}
		d.start()
		d.passes("2m")
		must(t, d.close())
		if dead == "" {
			continue
		}
		d.path, d.fail = dead, nil
		d.start()
		d.passes("3m")
		rows := d.told()
		for _, want := range []string{"advisory/reported 1 1", "advisory/reported 2 1", "advisory/reported 3 1", "advisory/news 1 1"} {
			if !strings.Contains(rows, want+"\n") {
				t.Fatalf("dead at step %d of %d: want %q in\n%s", at, steps, want, rows)
			}
		}
		if n := strings.Count(rows, "\n"); n != 5 { // and that it watches
			t.Fatalf("dead at step %d of %d:\n%s", at, steps, rows)
		}
		_, err := d.store.Verify(t.Context())
		must(t, err)
	}
}

// told gives how often each thing was told of each incident, a line each.
func (d *hubbed) told() string {
	d.t.Helper()
	w := &world{t: d.t, now: &life{path: d.path}}
	out := strings.Join(w.rows(`SELECT template, coalesce(incident, 0), count(*) FROM outbox WHERE template LIKE 'advisory/%' GROUP BY 1, 2 ORDER BY 1, 2`), "\n") + "\n"
	must(d.t, w.now.look.Close())
	return out
}

func copyOf(t *testing.T, path string) string {
	to := filepath.Join(t.TempDir(), "copy.db")
	w := &world{t: t, now: &life{path: path}}
	w.copyFile(to)
	return to
}

// idle has a day pass with nothing new: three published advisories of incidents that the
// global database does not have, and perhaps no scanner.
func idle(t *testing.T, noAlerts bool) {
	t.Helper()
	d := onHub(t, func(o *fake.Options) { o.NoAlerts = noAlerts })
	d.start()
	for k := range 3 {
		id := d.report(fmt.Sprint("report ", k))
		d.passes("2m")
		d.Set(id, "published", "alice")
	}
	d.passes("30h")
	before, asked := d.Counted(), len(d.Asked())
	d.passes("24h")
	n := d.Counted() - before
	t.Logf("an idle day costs %d requests that count, of %d", n, len(d.Asked())-asked)
	if n >= 100 {
		t.Errorf("an idle day costs %d requests that count", n)
	}
	if n := len(d.Asked()) - asked; n < 1400 {
		t.Errorf("it was looked only %d times", n)
	}
}

// TestAnIdleDayCostsLittle where GitHub says that nothing changed; where it does not, a
// tenth of the limit at most.
func TestAnIdleDayCostsLittle(t *testing.T) {
	idle(t, true)
	if testing.Short() {
		return
	}
	idle(t, false)
	for _, c := range []struct {
		limit  int
		change func(*fake.Options)
	}{
		{5000, func(o *fake.Options) { o.NoETag = true }},
		{600, func(o *fake.Options) { o.NoETag = true }},
	} {
		d := onHub(t, c.change, func(o *fake.Options) { o.Limit = c.limit })
		for k := range 250 { // three pages
			d.report(fmt.Sprint("old ", k))
		}
		d.start()
		d.passes("1h")
		before := d.Counted()
		d.passes("4h")
		if n := (d.Counted() - before) / 4; n > c.limit/10+2 {
			t.Errorf("limit %d: %d requests an hour", c.limit, n)
		}
	}
}

// TestAnActOfUnknownOutcome is looked up, and never done twice.
func TestAnActOfUnknownOutcome(t *testing.T) {
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	patch := "PATCH /repos/python-pillow/Pillow/security-advisories/" + id
	d.Fail(fake.Fault{Path: patch, Cut: true})
	d.says("alice", "!advisory accept INC-1")
	d.passes("5m")
	d.heard("the report is accepted")
	if n := d.writes(); n != 1 {
		t.Errorf("%d writes", n)
	}
	// Done, and the answer is an error of what stands in front of GitHub.
	d.says("alice", "!severity set INC-1 high")
	d.Fail(fake.Fault{Path: patch, Status: http.StatusBadGateway, After: true})
	d.says("alice", "!advisory push INC-1 severity")
	d.passes("5m")
	d.heard("written to the advisory")
	// Not done: it is done again.
	d.says("alice", "!fact set INC-1 fixed 12.3.1")
	d.Fail(fake.Fault{Path: patch, Status: http.StatusBadGateway})
	d.says("alice", "!advisory push INC-1 fixed")
	d.passes("5m")
	d.heard("written to the advisory", "fixed version: 12.3.1")
	// A CVE: nobody can see whether it was asked for.
	d.Fail(fake.Fault{Path: "POST /repos/python-pillow/Pillow/security-advisories/" + id + "/cve", Cut: true})
	before := d.writes()
	d.says("alice", "!advisory cve INC-1")
	d.passes("30m")
	d.heard("nobody knows whether I could request a CVE")
	if n := d.writes() - before; n != 1 {
		t.Errorf("asked for a CVE %d times", n)
	}
	// One that is to be made: it is found by its title.
	d.says("alice", "!incident open --severity high Endless loop", "!fact set INC-2 details It never ends.")
	d.Fail(fake.Fault{Path: "POST /repos/python-pillow/Pillow/security-advisories", Cut: true})
	before = d.writes()
	d.says("alice", "!advisory create INC-2")
	d.passes("10m")
	d.heard("the draft is on GitHub", "-I know no incident for")
	d.says("alice", "!advisory show INC-2")
	d.heard("Endless loop", "a draft")
	if n := d.writes() - before; n != 1 {
		t.Errorf("made %d times", n)
	}
}

// TestWhoIsSuspendedWritesNothing, also what waits already.
func TestWhoIsSuspendedWritesNothing(t *testing.T) {
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.Change(func(o *fake.Options) { o.Down = true })
	d.says("bob", "!advisory accept INC-1")
	d.heard("I could not accept the report yet")
	d.says("alice", "!suspend bob")
	d.Change(func(o *fake.Options) { o.Down = false })
	d.passes("30m")
	d.heard("bob is not obeyed any more")
	if n := d.writes(); n > 1 { // the one that met a GitHub that was down
		t.Errorf("%d writes", n)
	}
	if s := d.State(id); s != "triage" {
		t.Errorf("it is %s", s)
	}
}

// TestLimitsAreObeyed: nothing is asked before GitHub wants to be.
func TestLimitsAreObeyed(t *testing.T) {
	d := onHub(t)
	d.start()
	d.report("Overflow")
	d.passes("2m")
	d.Secondary(10 * time.Minute)
	d.passes("1m")
	asked := len(d.Asked())
	d.passes("9m")
	d.says("alice", "!advisory accept INC-1")
	if n := len(d.Asked()) - asked; n > 0 {
		t.Errorf("asked %d times", n)
	}
	d.passes("10m")
	d.heard("the report is accepted")
	d.wake() // a webhook makes no difference to that
	d.Exhaust("tocsin-bot")
	d.passes("2m")
	asked = len(d.Asked())
	d.wake()
	must(t, d.outbox.Drain(context.Background()))
	d.passes("5m")
	if n := len(d.Asked()) - asked; n > 0 {
		t.Errorf("asked %d times with nothing left", n)
	}
}

// TestAWebhookHasItLookedAtOnce.
func TestAWebhookHasItLookedAtOnce(t *testing.T) {
	d := onHub(t)
	d.hub.c.Every = time.Hour
	d.start()
	d.report("Overflow")
	d.passes("1m")
	d.heard("-INC-1")
	d.wake()
	must(t, d.outbox.Drain(t.Context()))
	d.heard("INC-1", "a private report came in")
}

// TestAReporterWhoIsForgotten is not learned again from GitHub.
func TestAReporterWhoIsForgotten(t *testing.T) {
	d := onHub(t)
	d.start()
	id := d.report("Overflow")
	d.passes("2m")
	d.heard("by erin")
	d.says("alice", "!forget reporter INC-1")
	d.heard("erased")
	d.AcceptCredit(id, "erin", true)
	d.Collaborate(id, "erin")
	d.Edit(id, "Heap overflow", "", "")
	d.passes("2m")
	d.says("alice", "!advisory show INC-1", "!timeline INC-1")
	d.heard("title: Overflow → Heap overflow", "-erin")
	var found []string
	must(t, d.store.Update(t.Context(), func(tx *store.Tx) error {
		a, _, err := tx.AdvisoryOf(1)
		if !a.Author.Empty() || len(a.Credits)+len(a.Collaborators) > 0 {
			found = append(found, "in the advisory")
		}
		return err
	}))
	if len(found) > 0 {
		t.Error(found)
	}
}

// TestNoWordOfAnAdvisoryIsLogged, whatever happens.
func TestNoWordOfAnAdvisoryIsLogged(t *testing.T) {
	const marker = "unspeakable"
	d := onHub(t)
	d.start()
	id, err := d.hub.Report(fake.Report{Login: marker + "-login", Summary: marker + " title", Description: marker + " text"})
	must(t, err)
	d.passes("2m")
	d.heard(marker)
	d.says("alice", "!advisory accept INC-1", "!advisory credit INC-1 "+marker, "!severity set INC-1 high")
	d.Fail(fake.Fault{Status: 422, Body: `{"message":"` + marker + `"}`, Path: "PATCH /repos/python-pillow/Pillow/security-advisories/" + id})
	d.says("alice", "!advisory push INC-1")
	d.heard("GitHub says: " + marker)
	d.Fail(fake.Fault{Status: 500, Body: marker}, fake.Fault{Cut: true})
	d.passes("10m")
	if strings.Contains(d.log.String(), marker) || strings.Contains(d.log.String(), id) {
		t.Error(d.log.String())
	}
	w := &world{t: t, now: &life{path: d.path}}
	for _, key := range w.rows(`SELECT key, room, network, error FROM outbox`) {
		if strings.Contains(key, marker) || strings.Contains(key, id) {
			t.Error(key)
		}
	}
	must(t, w.now.look.Close())
	if incidents.GitHub != "GitHub" || !strings.Contains(d.log.String(), "GitHub") {
		t.Error("nothing was logged at all")
	}
}

// TestAfterARestoreGitHubIsLookedAtWhole: what came after the backup is news again, and
// what was asked for before it is not done.
func TestAfterARestoreGitHubIsLookedAtWhole(t *testing.T) {
	d := onHub(t)
	d.start()
	first := d.report("the first")
	d.passes("2m")
	d.Change(func(o *fake.Options) { o.Down = true })
	d.says("alice", "!advisory accept INC-1") // it waits when the backup is made
	taken, backup := d.typing.c.Now(), copyOf(t, d.path)
	d.Change(func(o *fake.Options) { o.Down = false })
	d.passes("10m")
	d.heard("the report is accepted")
	d.report("the second")
	d.Edit(first, "the first, retitled", "", "")
	d.passes("2m")
	d.heard("INC-2", "retitled")
	must(t, d.close())
	writes := d.writes()
	d.path = backup
	st, err := store.Open(t.Context(), backup, store.Options{Prefix: "INC", Now: d.typing.c.Now, Rehearsal: true})
	must(t, err)
	must(t, st.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Restore(taken, nil)
		return err
	}))
	must(t, st.Close())
	d.start()
	d.passes("5m")
	d.heard("I was restored from a backup", "For INC-1 something waited to be done on GitHub", "INC-2", "a private report came in on GitHub, by erin: the second", "the report was accepted", "title: the first → the first, retitled")
	if n := d.writes() - writes; n != 0 {
		t.Errorf("%d writes", n)
	}
}
