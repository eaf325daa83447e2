package commands

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// trained is a desk with three incidents; the first two are in 12.3.1, and the second
// has a room of its own.
func trained(t testing.TB) *testDesk {
	d := hosted(t)
	d.Desks = []Place{{"matrix", "!desk"}, {"irc", "#full"}, {"irc", "#notice"}}
	for range 3 {
		d.desk("!incident open --source scanning --severity medium a title", "incident/opened")
	}
	d.hasRoom(2)
	d.desk("!release plan 12.3.1 INC-1 INC-2", "release/planned", "2 incidents", "INC-2")
	return d
}

// TestAReleaseIsToldOnce: the other desks hear of it in one line, the own room of an
// incident in its own, which names no other incident.
func TestAReleaseIsToldOnce(t *testing.T) {
	d := trained(t)
	for _, x := range []struct{ line, template string }{
		{"!release add 12.3.1 INC-3", "release/added"},
		{"!release remove 12.3.1 inc-3, INC-1", "release/removed"},
		{"!release add 12.3.1 INC-1 INC-1", "release/added"},
		{"!release live 12.3.1", "release/live"},
		{"!release undo 12.3.1 a slip", "release/undone"},
		{"!release yanked 12.3.1 it crashes", "release/yanked"},
		{"!release undo 12.3.1 a slip", "release/undone"},
	} {
		rows := d.desk(x.line, x.template)
		own := []string{}
		if strings.Contains("live undone yanked", strings.TrimPrefix(x.template, "release/")) {
			own = []string{"announce !own2"}
		}
		same(t, x.line, kinds(rows, Say), append([]string{"announce #full", "announce #notice"}, own...)...)
		for _, r := range rows {
			if r.Kind != Say {
				continue
			}
			full, notice := d.words(d.line("full", "alice", ""), r), d.words(d.line("notice", "alice", ""), r)
			if r.Room == "!own2" && (r.Incident != 2 || strings.Contains(full, "INC-1") || !strings.Contains(full, "12.3.1")) {
				t.Errorf("%s: the own room hears of %d: %s", x.line, r.Incident, full)
			}
			if !strings.Contains(full, "12.3.1") || strings.Contains(notice, "12.3") {
				t.Errorf("%s: %q, and at notice %q", x.line, full, notice)
			}
		}
	}
	if n := len(d.kindsOf(1, "release-live")); n != 1 {
		t.Errorf("INC-1 was live %d times", n)
	}
}

// TestTheOwnRoomHearsNoRelease: a release speaks of others too.
func TestTheOwnRoomHearsNoRelease(t *testing.T) {
	d := trained(t)
	for _, text := range []string{
		"!release show", "!release show 12.3.1", "!release plan 12.4.0", "!release plan 12.4.0 INC-2", "!release add 12.3.1 INC-2",
		"!release remove 12.3.1 INC-2", "!release live 12.3.1", "!release yanked 12.3.1 x", "!release undo 12.3.1 x",
	} {
		d.is(d.mx("!own2", 2, "alice", text), "refusals/room-one-incident", "INC-2 only")
	}
	for _, c := range Table() {
		if strings.HasPrefix(c.Words, "release ") && c.About != Every {
			t.Errorf("!%s is about %d", c.Words, c.About)
		}
	}
	for _, text := range []string{"!release plan 12.4.0 INC-3", "!release show 12.3.1", "!release live 12.3.1", "!tag record 12.3.1 " + strings.Repeat("0f", 20)} {
		d.is(d.line("notice", "alice", text), "refusals/typed-here")
	}
	d.is(d.line("notice", "alice", "!release show"), "release/show", "a private room")
	if i := d.incident(3); i.Release.N != 0 {
		t.Error("it was planned all the same")
	}
}

// TestStepsOfAReleaseAreDoneOnce, for all, by the same person at the same instant, each
// on its own record; its phase moves where that was the last one.
func TestStepsOfAReleaseAreDoneOnce(t *testing.T) {
	d := trained(t)
	rows := d.desk("!done INC-1 merge in 12.3.x", "step/done", "The same holds for INC-2, of the same release")
	same(t, "told", kinds(rows, Say), "announce #full", "announce #notice", "announce #full", "announce #notice", "announce !own2")
	one, two := d.incident(1).Steps["merge"], d.incident(2).Steps["merge"]
	if two.Who != "alice" || !two.At.Equal(one.At) || one.Note.Empty() || !two.Note.Empty() || one.Along != 0 || two.Along != 1 {
		t.Errorf("%+v, and %+v", one, two)
	}
	for n := range 3 {
		if got := len(d.kindsOf(n+1, "step-done")); got != []int{1, 1, 0}[n] {
			t.Errorf("INC-%d has %d entries", n+1, got)
		}
	}
	d.desk("!undo INC-2 merge", "step/undone", "The same holds for INC-1")
	d.desk("!skip INC-2 merge it is merged", "step/skipped", "The same holds for INC-1")
	d.desk("!done INC-2 publish", "refusals/step-locked")
	d.desk("!done INC-2 reproduce", "step/done")
	if len(d.incident(1).Steps) != 1 {
		t.Error("a step that each does for itself is done for the other")
	}
	d.desk("!done INC-1 wheels", "refusals/step-by-release", "!release live 12.3.1")

	// All but the wheels is done: the release moves both on.
	for _, n := range []string{"INC-1", "INC-2"} {
		d.desk("!incident phase "+n+" releasing it is time", "incident/phase")
		for _, step := range []string{"publish", "tidelift"} {
			d.desk("!skip "+n+" "+step+" not now", "step/skipped")
		}
	}
	for _, step := range []string{"commit-ids", "tag", "announce"} {
		d.desk("!skip INC-1 "+step+" not now", "step/skipped", "The same holds for INC-2")
	}
	rows = d.desk("!release live 12.3.1", "release/live", "INC-1, INC-2", "The watch goes on until Thu 2026-11-26 09:00 UTC")
	var moved []string
	for _, k := range kinds(rows, Say) {
		if strings.HasPrefix(k, "phase/moved") {
			moved = append(moved, k)
		}
	}
	same(t, "moved", moved, "phase/moved #full", "phase/moved #notice", "phase/moved #full", "phase/moved #notice",
		"phase/moved !desk", "phase/moved !desk", "phase/moved !own2")
	for _, n := range []int{1, 2} {
		i := d.incident(n)
		clocks := incidents.Clocks(*d.Plan(), i)
		watched := slices.ContainsFunc(clocks, func(c incidents.Clock) bool { return c.Key == "watch" && c.Due.Equal(monday().Add(72*time.Hour)) })
		if i.Phase != incidents.Recovering || !watched {
			t.Errorf("INC-%d is in phase %s: %v", n, i.Phase, clocks)
		}
	}
	d.desk("!undo INC-1 wheels", "refusals/step-undo-itself")
	d.desk("!done INC-1 verify", "step/done", "The same holds for INC-2")
	d.desk("!release add 12.3.1 INC-3", "refusals/release-is-live")
}

// TestTheOwnRoomHearsOfItsIncidentOnly: a step that is said there is done for all,
// and nothing is said of the others, also not which of them locks it.
func TestTheOwnRoomHearsOfItsIncidentOnly(t *testing.T) {
	d := trained(t)
	quiet := func(text, template string) {
		t.Helper()
		l := d.mx("!own2", 2, "alice", text)
		r, words, others := d.hear(l)
		if r.Template != template {
			t.Errorf("%s: %s, %s", text, r.Template, words)
		}
		for _, o := range others {
			if o.Room == "!own2" && o.Kind == Say {
				words += d.words(l, o)
			}
		}
		if strings.Contains(words, "INC-1") {
			t.Errorf("%s: %s", text, words)
		}
	}
	quiet("!done merge", "step/done")
	if d.incident(1).Steps["merge"].Along != 2 {
		t.Error("it is not done for the other")
	}
	quiet("!undo merge", "step/undone")
	d.desk("!embargo set INC-1 2026-12-03", "embargo/set")
	d.desk("!done INC-2 merge", "refusals/release-locked", "INC-1 locks it", "Thu 2026-12-03 14:00 UTC", "!release remove 12.3.1 INC-1")
	quiet("!done merge", "refusals/release-step-desk")
	d.desk("!release live 12.3.1", "refusals/release-live-locked", "INC-1 holds")
	if len(d.incident(2).Steps) != 0 {
		t.Error("it is done all the same")
	}
	d.desk("!release remove 12.3.1 INC-1", "release/removed")
	quiet("!done merge", "step/done")
	if len(d.incident(1).Steps) != 0 {
		t.Error("it is done for one that is not in it any more")
	}
}

// TestWhichIncidentAReleaseCarries: those that are named, else the one that the line
// is about.
func TestWhichIncidentAReleaseCarries(t *testing.T) {
	d := hosted(t)
	d.desk("!release plan 12.3.1", "refusals/none-open")
	d.desk("!incident open a title", "incident/opened")
	d.desk("!release plan 12.3.1", "release/planned", "1 incident:", "INC-1")
	d.desk("!incident open a title", "incident/opened")
	d.desk("!incident open a title", "incident/opened")
	d.desk("!release plan 12.4.0", "refusals/which-incident", "INC-2")
	d.desk("!release plan 12.4.0 INC-1x", "refusals/bad-handles", "INC-7 INC-8")
	d.desk("!release plan 12.4.0 INC-0", "refusals/no-such-incident")
	d.desk("!release plan 12.4.0 INC-2 INC-9", "refusals/no-such-incident")
	d.desk("!release plan 12.4 INC-2", "release/planned")
	d.desk("!release add 12.4.0 INC-3", "release/added")
	d.desk("!release add 12.4.0", "refusals/usage", "<version> <INC-n ...>")
	d.desk("!release show", "release/list", "12.3.1: INC-1", "12.4: INC-2, INC-3")
	d.desk("!release remove 12.4.0 INC-2 INC-3", "release/removed", "carries nothing now")
	d.desk("!release live 12.4.0", "refusals/release-empty")
	d.desk("!release plan 12.4.0 INC-3", "release/planned")
	d.desk("!release live 12.4.0 --at +1h", "refusals/release-live-future")
	if all := d.incident(2); all.Release.N != 0 {
		t.Error("INC-2 is still in it")
	}
}

// TestTheLedgerOfTags: a tag is recorded once, and another hash of it is an alarm that
// every desk hears, whoever finds it.
func TestTheLedgerOfTags(t *testing.T) {
	d := trained(t)
	sha, other := strings.Repeat("0f", 20), strings.Repeat("1e", 32)
	rows := d.desk("!tag record 12.3.1 "+sha, "tag/recorded", "for good", sha)
	same(t, "told", kinds(rows, Say), "announce #full", "announce #notice")
	d.desk("!tag record 12.3.1 "+strings.ToUpper(sha), "tag/recorded", "already, by alice")
	d.desk("!tag record 12.3.1..x "+sha, "refusals/bad-tag")
	d.desk("!tag record 12.3.1 "+sha[1:], "refusals/bad-sha")
	d.desk("!tag check 12.3.1 "+sha, "tag/checked", "ok: ")
	d.desk("!tag check 12.3.0 "+sha, "tag/checked", "UNKNOWN")
	for k, text := range []string{"!tag record 12.3.1 " + other, "!tag check refs/tags/12.3.1 " + other} {
		for _, l := range []Line{d.mx("!desk", 0, "alice", text), d.mx("!own2", 2, "alice", text)} {
			rows := d.is(l, "tag/differs", "NOT what was recorded", sha, other, "by alice", "7.5.2")
			for _, row := range rows {
				if !slices.Equal(row.Mentions, []string{"bob", "carol", "dana"}) || strings.Contains(d.words(d.line("notice", "alice", ""), row), "12.3") {
					t.Errorf("%s: %+v", text, row)
				}
			}
			if len(rows) < 2 {
				t.Errorf("%s: told in %d places", text, len(rows))
			}
		}
		if n := len(d.kindsOf(0, "tag-differs")); n != 2*k+2 {
			t.Errorf("%d alarms on record", n)
		}
	}
	d.desk("!tag list", "tag/list", sha)
	d.is(d.line("notice", "alice", "!tag list"), "tag/list", "1 tag is in the ledger")
}

// TestLookingUp: where an index is asked, `!release live` has a version looked up, and
// says no when that would be refused; by hand is with a time or a reason.
func TestLookingUp(t *testing.T) {
	d := trained(t)
	d.Looks = true
	rows := d.desk("!release live 12.3.1", "release/looking", "12.3.1 is looked up on PyPI until", "--by-hand")
	same(t, "told", kinds(rows, Say), "announce #full", "announce #notice")
	check := func() (c incidents.ReleaseCheck) {
		d.do(func(tx *store.Tx) (err error) {
			c, err = tx.ReleaseCheck(1)
			return err
		})
		return c
	}
	if c := check(); c.State != incidents.CheckLooking || c.By != "alice" || c.N != 1 || !c.BegunAt.Equal(d.now) {
		t.Errorf("%+v", c)
	}
	if i := d.incident(1); !i.Release.LiveAt.IsZero() || len(d.kindsOf(2, "release-looked-up")) != 1 {
		t.Errorf("%+v", i.Release)
	}
	rows = d.is(d.mx("!desk", 0, "bob", "!release live 12.3.1"), "release/looking", "already, for alice")
	if len(kinds(rows, Say)) != 0 || check().N != 1 || len(d.kindsOf(1, "release-looked-up")) != 1 {
		t.Errorf("it is begun anew: %+v", check())
	}
	d.desk("!release show 12.3.1", "release/show", "PyPI, looked up for alice since", "no answer yet")
	d.is(d.line("notice", "alice", "!release live 12.3.1"), "refusals/typed-here")
	d.desk("!release live 12.4.0", "refusals/release-unknown")
	d.desk("!release live 12.3.1 --by-hand", "refusals/flag-needs-value")
	rows = d.desk("!release live 12.3.1 --by-hand it is there, I looked", "release/live", "INC-1, INC-2")
	if full := d.words(d.line("full", "alice", ""), rows[0]); !strings.Contains(full, "it is there, I looked") {
		t.Error(full)
	}
	if c := check(); c.State != incidents.CheckStopped {
		t.Errorf("%+v", c)
	}
	if e := d.kindsOf(1, "release-live"); len(e) != 1 || !e[0].Text.Same(incidents.Seal("12.3.1")) {
		t.Errorf("%+v", e)
	}
	d.desk("!release live 12.3.1", "refusals/release-is-live")
	d.desk("!release undo 12.3.1 a slip", "release/undone")
	d.desk("!release live 12.3.1", "release/looking")
	if c := check(); c.N != 2 || c.State != incidents.CheckLooking {
		t.Errorf("%+v", c)
	}
	d.desk("!release live 12.3.1 --at 2026-11-23 09:00", "release/live", "2026-11-23 09:00")
	if c := check(); c.State != incidents.CheckStopped {
		t.Errorf("%+v", c)
	}

	// What the rule would refuse then is refused now: the version is not asked for early.
	d = fresh(t)
	d.Looks = true
	d.desk("!incident open --source scanning --severity high a title", "incident/opened")
	d.desk("!embargo set INC-1 +5d", "embargo/set")
	d.desk("!release plan 12.3.1 INC-1", "release/planned")
	d.desk("!release live 12.3.1", "refusals/release-live-locked", "The embargo of INC-1 holds")
	if c := check(); c.State != "" {
		t.Errorf("%+v", c)
	}
}

// TestNotesOfARelease: they may name what else is in it, once that may be public.
func TestNotesOfARelease(t *testing.T) {
	d := trained(t)
	for _, text := range []string{
		"!fact set INC-1 cve CVE-2026-11111", "!fact set INC-2 cve CVE-2026-22222", "!fact set INC-3 cve CVE-2026-33333",
		"!fact set INC-1 affected 10.3.0 to 12.3.0", "!fact set INC-1 fixed 12.3.1", "!fact set INC-1 summary A crafted file is read for ever.",
	} {
		d.desk(text, "fact/set")
	}
	notes := "!draft edit INC-1 release-notes Upgrade: CVE-2026-11111 and CVE-2026-22222 are fixed."
	has := func(text string, found bool) {
		t.Helper()
		if r, words, _ := d.hear(d.mx("!desk", 0, "alice", text)); r.Template != "draft/edited" || strings.Contains(words, "An id is not of this incident") != found {
			t.Errorf("%s: %s", text, words)
		}
	}
	has(notes, false)
	has(notes+" CVE-2026-33333 too.", true) // in no release
	d.desk("!severity set INC-2 high", "severity/set")
	has(notes, true) // an embargo has to come
	d.desk("!embargo set INC-2 +5d", "embargo/set")
	has(notes, true)
	d.desk("!embargo broken INC-2 it leaked", "embargo/broken")
	has(notes, false)
	d.desk("!incident open --source scanning another", "incident/opened")
	d.desk("!fact set INC-4 cve CVE-2026-44444", "fact/set")
	d.desk("!release add 12.3.1 INC-4", "release/added")
	has(notes+" CVE-2026-44444 too.", true) // nobody has assessed it
}

// TestALookUpEndsWithWhatIsSaid of its release: the row of the old one is dead, so that
// the next one has a row of its own.
func TestALookUpEndsWithWhatIsSaid(t *testing.T) {
	for name, lines := range map[string][]string{
		"live":              {"!release live 12.3.1 --by-hand it is there", "!release undo 12.3.1 a slip"},
		"yanked":            {"!release yanked 12.3.1 it crashes", "!release undo 12.3.1 a slip"},
		"yanked, and empty": {"!release remove 12.3.1 INC-1 INC-2", "!release yanked 12.3.1 it crashes", "!release undo 12.3.1 a slip", "!release add 12.3.1 INC-1"},
	} {
		d := trained(t)
		d.Looks = true
		d.desk("!release live 12.3.1", "release/looking", "until all of it is there")
		for _, line := range lines {
			d.hear(d.mx("!desk", 0, "alice", line))
		}
		d.desk("!release live 12.3.1", "release/looking", "until all of it is there")
		d.do(func(tx *store.Tx) error {
			check, err := tx.ReleaseCheck(1)
			rows, failed := tx.DueRows(store.Index, nil, 9)
			if err != nil || failed != nil || check.N != 2 || check.State != incidents.CheckLooking || rows[len(rows)-1].Generation != 2 {
				t.Errorf("%s: %+v, %v", name, check, rows)
			}
			return nil
		})
	}
}
