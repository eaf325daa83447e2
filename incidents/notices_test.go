package incidents_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// heardBy lists who is to hear of an incident: a star marks whom the list reaches, a
// minus who can be told in public only, "=" who was told and "+" who answered.
func heardBy(p incidents.Plan, i incidents.Incident) string {
	var out []string
	for _, l := range incidents.Audience(p, i) {
		key := l.Key
		if l.Added {
			key = "added"
		}
		key += map[string]string{incidents.NoticeSent: "=", incidents.NoticeAnswered: "+"}[l.State]
		if l.List {
			key += "*"
		}
		if l.Wait {
			key += "-"
		}
		out = append(out, key)
	}
	return strings.Join(out, " ")
}

// TestAudience: who hears of what, by level and track, and how they can be reached.
func TestAudience(t *testing.T) {
	p, _ := pillow(t)
	of := func(kind, level string) incidents.Incident {
		return reportedAs(t, p, incidents.Opening{Type: kind, Severity: level})
	}
	high := embargoed(of("vulnerability", "high"), incidents.EmbargoSet)
	over := embargoed(of("vulnerability", "high"), incidents.EmbargoLifted)
	public := of("vulnerability", "high")
	public.PublicAt = noon()
	library := of("bundled-library", "high")
	unreachable := library
	unreachable.Reach = incidents.Seal("no")
	const rest = "debian-ubuntu redhat alpine arch homebrew conda-forge"
	const consumers = " matplotlib scikit-image torchvision keras django wagtail plone jupyter reportlab"
	for _, c := range []struct {
		name string
		i    incidents.Incident
		want string
	}{
		{"without a level", of("vulnerability", ""), "tidelift"},
		{"Medium", of("vulnerability", "medium"), "tidelift"},
		{"Low", of("vulnerability", "low"), "tidelift"},
		{"High under an embargo", high, "debian-ubuntu* redhat* alpine arch* homebrew conda-forge- tidelift plugins-"},
		{"High, before there is a date", of("vulnerability", "high"), "debian-ubuntu* redhat* alpine arch* homebrew conda-forge- tidelift plugins-"},
		{"High, the embargo over", over, rest + " tidelift plugins"},
		{"High, public already", public, rest + " tidelift plugins"},
		{"Critical, a library", of("bundled-library", "critical"), rest + consumers + " tidelift plugins"},
		{"a library", library, rest + " tidelift plugins"},
		{"not reachable: nobody is told", unreachable, ""},
		{"a compromise", of("supply-chain", ""), rest + consumers + " tidelift plugins"},
		{"a regression", of("regression", "high"), "tidelift"},
		{"the list was told", done(high, time.Hour, "notify-distros"), "debian-ubuntu=* redhat=* alpine arch=* homebrew conda-forge- tidelift plugins-"},
		{"Tidelift was told", done(of("vulnerability", "low"), time.Hour, "tidelift"), "tidelift="},
	} {
		if got := heardBy(p, c.i); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestNotices: who is added, told and answers; what is not so is refused.
func TestNotices(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "low"})
	var entries []string
	add := func(name, key string) {
		t.Helper()
		j, e, err := incidents.AddNotice(p, i, name, incidents.Seal("a contact"), "carol", noon())
		refused(t, err, key)
		if err == nil {
			i, entries = j, append(entries, e.Kind)
		}
	}
	send := func(name, key string, at time.Duration) {
		t.Helper()
		j, e, _, err := incidents.SendNotice(p, i, name, incidents.Telling{At: noon().Add(at), By: "carol", Via: incidents.Seal("email"), Note: incidents.Seal("a note")}, noon().Add(at))
		refused(t, err, key)
		if err == nil {
			i, entries = j, append(entries, e.Kind)
		}
	}
	answer := func(name, key string, at time.Duration) {
		t.Helper()
		j, e, err := incidents.AnswerNotice(p, i, name, incidents.Sealed{}, "dana", noon().Add(at))
		refused(t, err, key)
		if err == nil {
			i, entries = j, append(entries, e.Kind)
		}
	}
	send("FreeBSD", "notice-unknown", 0)
	answer("FreeBSD", "notice-unknown", 0)
	add("Alpine Linux", "notice-known")
	add("ubuntu", "notice-known")
	add(" - ", "empty")
	before := i
	add("FreeBSD", "")
	add("freebsd", "notice-known")
	if len(before.Notices) != 0 {
		t.Error("an incident that was loaded is half changed")
	}
	answer("freebsd", "notice-not-sent", 0)
	send("FREEBSD", "", time.Hour)
	send("alpine", "", time.Hour) // the plan would not tell them of a Low: they were told all the same
	answer("Alpine Linux", "", 2*time.Hour)
	if got := heardBy(p, i); got != "alpine+ tidelift added=" {
		t.Errorf("heard by %s", got)
	}
	send("alpine", "", 3*time.Hour) // again: what they answered was to the first
	if got := heardBy(p, i); got != "alpine= tidelift added=" {
		t.Errorf("told again: heard by %s", got)
	}
	answer("alpine", "", 4*time.Hour)
	if got := heardBy(p, i); got != "alpine+ tidelift added=" {
		t.Errorf("answered again: heard by %s", got)
	}
	want := []string{"notice-added", "notice-sent", "notice-sent", "notice-answered", "notice-sent", "notice-answered"}
	if !slices.Equal(entries, want) {
		t.Errorf("entries %q", entries)
	}
	for _, k := range want {
		if !slices.Contains(incidents.Kinds(), k) {
			t.Errorf("the kind %s is not known", k)
		}
	}
	l := incidents.Audience(p, i)[0]
	if l.Who != "dana" || !l.At.Equal(noon().Add(4*time.Hour)) || l.SentBy != "carol" {
		t.Errorf("Alpine: %+v", l)
	}
	// What was told by the step, and then answered by one of those whom the list reaches.
	j := done(embargoed(reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "high"}), incidents.EmbargoSet), time.Hour, "notify-distros")
	j, _, err := incidents.AnswerNotice(p, j, "fedora", incidents.Seal("thank you"), "dana", noon().Add(2*time.Hour))
	if got := heardBy(p, j); err != nil || !strings.HasPrefix(got, "debian-ubuntu=* redhat+* alpine ") {
		t.Errorf("heard by %s, %v", got, err)
	}
}
