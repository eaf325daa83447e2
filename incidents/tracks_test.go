package incidents_test

import (
	"testing"
	"time"

	"tocsin/incidents"
)

// TestTrackOf: type and level propose a track, a person chooses another, and an
// agreed date puts a release under embargo.
func TestTrackOf(t *testing.T) {
	p, _ := pillow(t)
	for _, c := range []struct {
		name, kind, level, chosen, embargo string
		wild, public                       bool
		want                               string
	}{
		{name: "nothing known", want: "standard"},
		{name: "medium", kind: "vulnerability", level: "medium", want: "standard"},
		{name: "high", kind: "vulnerability", level: "high", want: "embargoed"},
		{name: "a type is not known", level: "critical", want: "embargoed"},
		{name: "a library, also a critical one", kind: "bundled-library", level: "critical", want: "upstream"},
		{name: "a regression", kind: "regression", level: "critical", want: "regression"},
		{name: "a compromise", kind: "ci", want: "compromise"},
		{name: "exploited", kind: "vulnerability", level: "critical", wild: true, want: "standard"},
		{name: "public", kind: "vulnerability", level: "critical", public: true, want: "standard"},
		{name: "chosen", kind: "vulnerability", level: "high", chosen: "standard", want: "standard"},
		{name: "chosen against the type", kind: "ci", chosen: "embargoed", want: "embargoed"},
		{name: "a track that the plan lost", kind: "vulnerability", level: "high", chosen: "gone", want: "embargoed"},
		{name: "a date is proposed", level: "low", embargo: "proposed", want: "standard"},
		{name: "a date is agreed", level: "low", embargo: "agreed", want: "embargoed"},
		{name: "a date is set", level: "low", embargo: "set", want: "embargoed"},
		{name: "chosen all the same", level: "low", embargo: "set", chosen: "standard", want: "standard"},
		{name: "exploited, and the date stands", level: "high", wild: true, embargo: "set", want: "embargoed"},
		{name: "a compromise with a date", kind: "ci", embargo: "set", want: "compromise"},
	} {
		i := embargoed(reportedAs(t, p, incidents.Opening{Type: c.kind, Severity: c.level}), c.embargo)
		i.Track = incidents.Seal(c.chosen)
		if c.wild {
			i.WildAt = noon()
		}
		if c.public {
			i.PublicAt = noon()
		}
		if got := incidents.TrackOf(p, i).Key; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := incidents.TrackOf(testPlan(), incidents.Incident{}); got.Key != "" {
		t.Errorf("a plan without tracks gives %q", got.Key)
	}
}

// TestDomain09TrackIsNeverFromAScoreAlone: the plan's rows and CVSS disagree, so what
// the score proposes is confirmed by a person, either way.
func TestDomain09TrackIsNeverFromAScoreAlone(t *testing.T) {
	p, _ := pillow(t)
	const dos = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N" // 8.7, and a row of Medium
	i := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: dos})
	if got := incidents.TrackOf(p, i).Key; got != "embargoed" {
		t.Fatalf("the score proposes %s", got)
	}
	s, _ := p.Step("confirm-track")
	if !s.Extra || s.Source == "" || !incidents.Applies(p, i, s) || incidents.StateOf(p, i, s).State != incidents.StepOpen {
		t.Fatalf("nobody is asked to confirm it: %+v", s)
	}
	_, _, err := incidents.ChooseTrack(p, i, "standard", incidents.Sealed{}, "alice", noon())
	refused(t, err, "track-needs-reason")
	for track, why := range map[string]string{"embargoed": "", "standard": "a crash is all there is"} {
		j, e, err := incidents.ChooseTrack(p, i, track, incidents.Seal(why), "alice", noon())
		refused(t, err, "")
		if incidents.StateOf(p, j, s).State != incidents.StepDone || incidents.TrackOf(p, j).Key != track || e.Kind != "tracked" || e.Plain != "" {
			t.Errorf("%s: %+v, %+v", track, j.Track, e)
		}
	}
	_, _, err = incidents.ChooseTrack(p, i, "fast", incidents.Sealed{}, "alice", noon())
	refused(t, err, "unknown-key")
}

// TestReach: whether it is reachable is asked of a bundled library's bug only, and
// counts on that track only.
func TestReach(t *testing.T) {
	p, _ := pillow(t)
	_, _, err := incidents.SetReach(p, reportedAs(t, p, incidents.Opening{Type: "vulnerability"}), false, incidents.Sealed{}, "alice", noon())
	refused(t, err, "not-upstream")
	i := reportedAs(t, p, incidents.Opening{Type: "bundled-library", Severity: "high"})
	no, e, err := incidents.SetReach(p, i, false, incidents.Seal("we never call it"), "alice", noon())
	refused(t, err, "")
	same(t, "the entry", e.Text, "no: we never call it")
	if e.Plain != "" || e.Kind != "reached" {
		t.Errorf("every room hears %q", e.Plain)
	}
	for key, want := range map[string]bool{"rationale": true, "library": false, "treat-as-own": false, "publish": false, "verify": false} {
		if s, _ := p.Step(key); incidents.Applies(p, no, s) != want {
			t.Errorf("not reachable: %s applies: %t", key, !want)
		}
	}
	yes, _, err := incidents.SetReach(p, i, true, incidents.Sealed{}, "alice", noon())
	refused(t, err, "")
	for key, want := range map[string]bool{"rationale": false, "library": true, "treat-as-own": true, "upstream-reference": true, "publish": true, "request-cve": false} {
		if s, _ := p.Step(key); incidents.Applies(p, yes, s) != want {
			t.Errorf("reachable: %s applies: %t", key, !want)
		}
	}
	moved, _, err := incidents.ChooseTrack(p, no, "embargoed", incidents.Seal("it is ours after all"), "alice", noon())
	refused(t, err, "")
	if s, _ := p.Step("publish"); !moved.Reach.Empty() || !incidents.Applies(p, moved, s) {
		t.Error("what was said of a library's bug drops steps of another track")
	}
}

// TestWildAndPublic: both can be said and taken back, once each, and say what they
// are under seal.
func TestWildAndPublic(t *testing.T) {
	p, _ := pillow(t)
	type rule = func(incidents.Incident, bool, incidents.Sealed, string, time.Time) (incidents.Incident, incidents.Entry, error)
	for kind, set := range map[string]rule{"wild": incidents.SetWild, "public": incidents.SetPublic} {
		i := reportedAs(t, p, incidents.Opening{Severity: "high"})
		_, _, err := set(i, false, incidents.Sealed{}, "alice", noon())
		refused(t, err, "nothing-new")
		on, e, err := set(i, true, incidents.Seal("seen"), "alice", noon())
		refused(t, err, "")
		if at, ok := incidents.Happened(p, on, kind); !ok || !at.Equal(noon()) || e.Kind != kind || e.Plain != "" || e.Text.Empty() {
			t.Errorf("%s: %v, %+v", kind, at, e)
		}
		if got := incidents.TrackOf(p, on).Key; got != "standard" {
			t.Errorf("%s: no embargo is proposed any more, and it is %s", kind, got)
		}
		_, _, err = set(on, true, incidents.Sealed{}, "alice", noon())
		refused(t, err, "nothing-new")
		off, _, err := set(on, false, incidents.Sealed{}, "alice", noon())
		refused(t, err, "")
		if incidents.TrackOf(p, off).Key != "embargoed" {
			t.Errorf("%s: taken back, and the track stays", kind)
		}
	}
}

// TestNoteUpdate: the reporter is told how it stands after they were answered, and
// only where somebody waits.
func TestNoteUpdate(t *testing.T) {
	p, _ := pillow(t)
	_, _, err := incidents.NoteUpdate(p, reportedAs(t, p, incidents.Opening{Source: "scanning"}), incidents.Sealed{}, "alice", noon())
	refused(t, err, "nobody-waits")
	i := reportedAs(t, p, incidents.Opening{Source: "github"})
	_, _, err = incidents.NoteUpdate(p, i, incidents.Sealed{}, "alice", noon())
	refused(t, err, "acknowledge-first")
	i.AckAt = noon()
	i, e, err := incidents.NoteUpdate(p, i, incidents.Seal("email"), "alice", noon().Add(50*time.Hour))
	refused(t, err, "")
	if c := clock(t, p, i, "update"); e.Kind != "updated" || !c.Due.Equal(noon().Add(218*time.Hour)) {
		t.Errorf("the next word is due %v", c.Due)
	}
}

// TestPolicy is domain H6: Project Zero's 90 days, or 7 where it is exploited, and
// CERT/CC's 45, from the report.
func TestPolicy(t *testing.T) {
	p, _ := pillow(t)
	const day = 24 * time.Hour
	i := reportedAs(t, p, incidents.Opening{})
	for _, name := range incidents.Policies() {
		_, _, err := incidents.SetPolicy(i, name, time.Time{}, "alice", noon())
		refused(t, err, "")
	}
	for _, c := range []struct {
		policy  string
		date    time.Time
		refused string
		want    time.Duration // after the report
	}{
		{"p0", time.Time{}, "", 90 * day},
		{"certcc", time.Time{}, "", 45 * day},
		{"date", i.ReportedAt.Add(10 * day), "", 10 * day},
		{"date", noon(), "policy-past", 0},
		{"never", time.Time{}, "policy-form", 0},
	} {
		j, e, err := incidents.SetPolicy(i, c.policy, c.date, "alice", noon())
		refused(t, err, c.refused)
		if err != nil {
			continue
		}
		if at := i.ReportedAt.Add(c.want); !j.PolicyAt.Equal(at) || !clock(t, p, j, "reporter-date").Due.Equal(at) || e.Plain != incidents.SayInstant(at) {
			t.Errorf("%s: %v, %+v", c.policy, j.PolicyAt, e)
		}
		if j, _, _ = incidents.SetPolicy(j, "none", time.Time{}, "alice", noon()); !j.PolicyAt.IsZero() {
			t.Errorf("none: %v", j.PolicyAt)
		}
	}
	for _, c := range []struct{ wild, want time.Duration }{
		{0, 7*day - time.Hour},
		{5 * day, 7*day - time.Hour},
		{30 * day, 37 * day},
		{88 * day, 90*day - time.Hour},
	} {
		first, _, _ := incidents.SetPolicy(i, "p0", time.Time{}, "alice", noon())
		j, _, err := incidents.SetWild(first, true, incidents.Sealed{}, "alice", noon().Add(c.wild))
		refused(t, err, "")
		k, _, _ := incidents.SetWild(i, true, incidents.Sealed{}, "alice", noon().Add(c.wild))
		k, _, _ = incidents.SetPolicy(k, "p0", time.Time{}, "alice", noon().Add(c.wild))
		if got := j.PolicyAt.Sub(noon()); got != c.want || !k.PolicyAt.Equal(j.PolicyAt) {
			t.Errorf("exploited after %v: published after %v, or %v when that was said first; want %v", c.wild, got, k.PolicyAt.Sub(noon()), c.want)
		}
		if j, _, _ = incidents.SetWild(j, false, incidents.Sealed{}, "alice", noon().Add(c.wild)); !j.PolicyAt.Equal(first.PolicyAt) {
			t.Errorf("not exploited after all: %v", j.PolicyAt)
		}
	}
}

// TestWithdrawn: what said that it is not reachable is wrong once it is, wherever it went.
func TestWithdrawn(t *testing.T) {
	p, _ := pillow(t)
	for kind, want := range map[string]int{"not-reachable": 1, "decline-not-reachable": 1, "update": 0, "advisory": 0} {
		sent := []incidents.Sending{{Kind: kind, State: incidents.SendByHand}, {Kind: kind, State: incidents.SendRefused}, {Kind: kind, State: incidents.SendQueued}}
		if got := incidents.Withdrawn(p, sent); len(got) != want {
			t.Errorf("%s: %d", kind, len(got))
		}
	}
}
