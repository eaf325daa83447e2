package incidents_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

func keysOf(steps []incidents.Step) []string {
	out := []string{}
	for _, s := range steps {
		out = append(out, s.Key)
	}
	return out
}

func step(t testing.TB, p incidents.Plan, key string) incidents.Step {
	t.Helper()
	s, ok := p.Step(key)
	if !ok {
		t.Fatalf("the plan has no step %s", key)
	}
	return s
}

// TestOpenSteps: what is open of a phase, in the plan's order, what comes before
// everything else first.
func TestOpenSteps(t *testing.T) {
	p, _ := pillow(t)
	high := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "high"})
	critical := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "critical"})
	low := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "low"})
	ci := reportedAs(t, p, incidents.Opening{Type: "ci"})
	library := reportedAs(t, p, incidents.Opening{Type: "bundled-library"})
	leaked := embargoed(done(high, 0, "notify-distros"), incidents.EmbargoBroken)
	escalate := "escalate-upstream escalate-legal"
	for _, c := range []struct {
		name  string
		i     incidents.Incident
		phase incidents.Phase
		want  string
	}{
		{"just reported", high, incidents.Reported, "acknowledge"},
		{"nobody outside waits", reportedAs(t, p, incidents.Opening{Source: "scanning"}), incidents.Reported, ""},
		{"triage, embargoed", high, incidents.Triage, "reproduce confirm-track advisory request-cve " + escalate},
		{"triage of a Critical", critical, incidents.Triage, "reproduce confirm-track advisory request-cve " + escalate + " escalate-lead"},
		{"triage, standard", low, incidents.Triage, "reproduce advisory request-cve " + escalate},
		{"triage, half done", done(low, 0, "reproduce", "escalate-legal"), incidents.Triage, "advisory request-cve escalate-upstream"},
		{"triage of a compromise", ci, incidents.Triage, "revoke-publisher revoke-pypi revoke-github revoke-ci audit-workflows audit-tags audit-wheels yank advisory " + escalate + " escalate-lead"},
		{"triage of a library", library, incidents.Triage, "advisory " + escalate + " reachable"},
		{"fixing, embargoed", high, incidents.Fixing, "fix test review local-tests agree-embargo set-embargo notify-distros share-poc"},
		{"fixing, standard", low, incidents.Fixing, "fix test review"},
		{"releasing, embargoed", done(high, 0, "notify-distros"), incidents.Releasing, "merge commit-ids tag wheels publish oss-security tidelift announce"},
		{"releasing, standard", low, incidents.Releasing, "merge commit-ids tag wheels publish tidelift announce"},
		{"recovering", low, incidents.Recovering, "verify yanked resume watch advisory-published"},
		{"broken: at once, in whatever phase", leaked, incidents.Reported, "leak-assess leak-reporter leak-distros leak-tidelift leak-statement acknowledge"},
		{"broken, of another phase", leaked, incidents.Fixing, "fix test review local-tests share-poc"},
	} {
		if got := strings.Join(keysOf(incidents.OpenSteps(p, c.i, c.phase)), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	closed, _, _ := incidents.Close(p, leaked, "fixed", incidents.Seal("all is done"), "alice", noon())
	if got := keysOf(incidents.OpenSteps(p, closed, closed.Phase)); !slices.Equal(got, []string{"retrospective"}) {
		t.Errorf("closed: %q", got)
	}
	if got := incidents.OpenSteps(testPlan(), high, incidents.Triage); len(got) != 0 {
		t.Errorf("a plan without steps has %v", got)
	}
}

// TestLocks: a step that is locked says why and until when, and cannot be done.
func TestLocks(t *testing.T) {
	p, _ := pillow(t)
	high := reportedAs(t, p, incidents.Opening{Severity: "high"})
	low := reportedAs(t, p, incidents.Opening{Severity: "low"})
	far := high
	far.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: noon().Add(20 * 24 * time.Hour)}
	at := noon().Add(240 * time.Hour)
	for _, c := range []struct {
		name, key string
		i         incidents.Incident
		now       time.Duration
		why       string
		until     time.Time
	}{
		{"no embargo yet", "merge", high, 0, "no-embargo", time.Time{}},
		{"it is only proposed", "merge", embargoed(high, "proposed"), 0, "no-embargo", time.Time{}},
		{"it is agreed", "merge", embargoed(high, "agreed"), 0, "embargo", at},
		{"it is set", "tag", embargoed(high, "set"), 0, "embargo", at},
		{"it ends by word, not by time", "tag", embargoed(high, "set"), 300 * time.Hour, "embargo", at},
		{"it is lifted", "merge", embargoed(high, "lifted"), 3 * time.Hour, "", time.Time{}},
		{"it is broken", "merge", embargoed(high, "broken"), 3 * time.Hour, "", time.Time{}},
		{"nothing to wait for", "merge", low, 0, "", time.Time{}},
		{"a Low one with a date", "merge", embargoed(low, "set"), 0, "embargo", at},
		{"the embargo comes before what is before", "publish", embargoed(high, "set"), 0, "embargo", at},
		{"wheels first", "publish", low, 0, "after", time.Time{}},
		{"wheels are live", "publish", done(low, 0, "wheels"), 0, "", time.Time{}},
		{"the list takes 14 days", "notify-distros", far, 0, "window", noon().Add(6 * 24 * time.Hour)},
		{"its window is open", "notify-distros", far, 6 * 24 * time.Hour, "", time.Time{}},
		{"no date to tell the list", "notify-distros", high, 0, "no-embargo", time.Time{}},
		{"watched from the release on", "watch", low, 0, "after", time.Time{}},
		{"for 72 hours", "watch", done(low, 0, "wheels"), 71 * time.Hour, "clock", noon().Add(72 * time.Hour)},
		{"and no longer", "watch", done(low, 0, "wheels"), 72 * time.Hour, "", time.Time{}},
		{"what is free", "reproduce", high, 0, "", time.Time{}},
	} {
		l := incidents.LockOf(p, c.i, step(t, p, c.key), noon().Add(c.now))
		if l.Why != c.why || !l.Until.Equal(c.until) {
			t.Errorf("%s: %s is locked by %q until %v, want %q until %v", c.name, c.key, l.Why, l.Until, c.why, c.until)
		}
		want := ""
		if c.why != "" {
			want = "step-locked"
		}
		_, _, err := incidents.DoStep(p, c.i, c.key, incidents.Sealed{}, "bob", noon().Add(c.now))
		refused(t, err, want)
	}
}

// TestDoSkipUndo: a step is done or left out once, with evidence or a reason under
// seal, and taken back; what is done by itself is not done by word.
func TestDoSkipUndo(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Severity: "low"})
	j, e, err := incidents.DoStep(p, i, "REPRODUCE", incidents.Seal("on main"), "bob", noon())
	refused(t, err, "")
	same(t, "the entry", e.Text, "reproduce: on main")
	if d := j.Steps["reproduce"]; d.State != incidents.StepDone || d.Who != "bob" || !d.At.Equal(noon()) || e.Kind != "step-done" || e.Plain != "" || len(i.Steps) != 0 {
		t.Errorf("%+v, %+v", d, e)
	}
	for _, key := range []string{"reproduce", "severity"} {
		_, _, err = incidents.DoStep(p, j, key, incidents.Sealed{}, "bob", noon())
		refused(t, err, "step-closed")
		_, _, err = incidents.SkipStep(p, j, key, incidents.Seal("no"), "bob", noon())
		refused(t, err, "step-closed")
	}
	k, e, err := incidents.UndoStep(p, j, "Reproduce", "alice", noon())
	refused(t, err, "")
	if len(k.Steps) != 0 || len(j.Steps) != 1 || e.Kind != "step-undone" || e.Plain != "" {
		t.Errorf("%+v, %+v", k.Steps, e)
	}
	_, _, err = incidents.UndoStep(p, k, "reproduce", "alice", noon())
	refused(t, err, "step-open")
	_, _, err = incidents.UndoStep(p, k, "severity", "alice", noon())
	refused(t, err, "step-undo-itself")
	_, _, err = incidents.UndoStep(p, k, "nonsense", "alice", noon())
	refused(t, err, "unknown-step")
	for _, key := range []string{"nonsense", "revoke-pypi", ""} {
		_, _, err = incidents.DoStep(p, i, key, incidents.Sealed{}, "bob", noon())
		refused(t, err, "unknown-step")
		_, _, err = incidents.SkipStep(p, i, key, incidents.Sealed{}, "bob", noon())
		refused(t, err, "unknown-step")
	}
	_, _, err = incidents.DoStep(p, i, "acknowledge", incidents.Sealed{}, "bob", noon())
	refused(t, err, "step-by-itself")
	s, e, err := incidents.SkipStep(p, i, "publish", incidents.Seal("so"), "bob", noon())
	refused(t, err, "") // though it is locked
	same(t, "the entry", e.Text, "publish: so")
	if s.Steps["publish"].State != incidents.StepSkipped || e.Kind != "step-skipped" || e.Plain != "" {
		t.Errorf("%+v, %+v", s.Steps, e)
	}
}

// TestDoneByItself: what is noted completes the step that asks for it, and every step
// that is only completed so names the command.
func TestDoneByItself(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{})
	ack, _, err := incidents.Acknowledge(i, incidents.Seal("email"), noon(), "bob", noon().Add(time.Hour))
	refused(t, err, "")
	if d := incidents.StateOf(p, ack, step(t, p, "acknowledge")); d.State != incidents.StepDone || !d.At.Equal(noon()) {
		t.Errorf("7.1.1: %+v", d)
	}
	level, _, err := incidents.SetSeverity(p, i, "high", incidents.Sealed{}, "bob", noon())
	refused(t, err, "")
	if d := incidents.StateOf(p, level, step(t, p, "severity")); d.State != incidents.StepDone || !d.At.Equal(noon()) {
		t.Errorf("7.1.3: %+v", d)
	}
	agreed := embargoed(i, incidents.EmbargoAgreed)
	if d := incidents.StateOf(p, agreed, step(t, p, "set-embargo")); d.State != incidents.StepOpen {
		t.Errorf("an embargo that is agreed is not set: %+v", d)
	}
	if d := incidents.StateOf(p, embargoed(i, incidents.EmbargoSet), step(t, p, "set-embargo")); d.State != incidents.StepDone || !d.At.IsZero() {
		t.Errorf("7.4.2: since when is not on record, and it says %v", d.At)
	}
	live := i
	live.Release.LiveAt = noon()
	if d := incidents.StateOf(p, live, step(t, p, "wheels")); d.State != incidents.StepDone {
		t.Errorf("a release that is live: %+v", d)
	}
	for _, s := range p.Steps {
		if s.By == "" || s.By == "cve" || s.By == "released" || s.By == "advisory" || s.By == "advisory-public" { // these can be done by word too
			if how := incidents.HowTo(s); how != "" {
				t.Errorf("%s wants %q", s.Key, how)
			}
		} else if incidents.HowTo(s) == "" {
			t.Errorf("%s is done by %s, and no command is named", s.Key, s.By)
		}
	}
}

// TestReviewIsByAnother: 7.2.3, the review of the patch, is not done by its owner, nor
// left out by them.
func TestReviewIsByAnother(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Severity: "low"})
	i.Roles = map[string]string{"lead": "alice", "patch": "bob"}
	_, _, err := incidents.DoStep(p, i, "review", incidents.Sealed{}, "bob", noon())
	refused(t, err, "step-not-by")
	_, _, err = incidents.SkipStep(p, i, "review", incidents.Seal("it is small"), "bob", noon())
	refused(t, err, "step-not-by")
	_, _, err = incidents.DoStep(p, i, "review", incidents.Sealed{}, "alice", noon())
	refused(t, err, "")
}

// TestDomain02CVELateIsNormal: no CVE yet holds nothing up; one that comes after the
// release leaves a step, and one that came before leaves none.
func TestDomain02CVELateIsNormal(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Severity: "low"})
	for _, s := range p.Steps {
		if slices.Contains(s.When, "cve") || slices.Contains(s.After, "request-cve") || s.Gate == "clock:cve" {
			t.Errorf("%s waits for a CVE", s.Key)
		}
	}
	i, _, err := incidents.DoStep(p, i, "request-cve", incidents.Sealed{}, "dana", noon())
	refused(t, err, "")
	h := time.Hour
	c := clock(t, p, i, "cve")
	if want := []time.Duration{72 * h, 336 * h, 840 * h}; len(c.Rungs) != 3 || c.Rungs[0].Sub(noon()) != want[0] || c.Rungs[1].Sub(noon()) != want[1] || c.Rungs[2].Sub(noon()) != want[2] {
		t.Errorf("reminded of it at %v", c.Rungs)
	}
	i = done(i, 48*h, "wheels")
	backfill := step(t, p, "backfill-cve")
	if incidents.Applies(p, i, backfill) {
		t.Error("there is a CVE to fill in before it came")
	}
	late, _, err := incidents.SetFact(i, "cve", "CVE-2026-25990", "dana", noon().Add(27*24*h))
	refused(t, err, "")
	if !incidents.Applies(p, late, backfill) || !backfill.Extra || clock(t, p, late, "cve").Key != "" {
		t.Error("a CVE that came 27 days after the release leaves no step")
	}
	early, _, _ := incidents.SetFact(i, "cve", "CVE-2026-25990", "dana", noon().Add(h))
	if incidents.Applies(p, early, backfill) {
		t.Error("a CVE that came before the release leaves a step")
	}
}

// TestDomain04ReleaseStepsAreDoneOnce: what is done for a version is marked so, what
// is done for an advisory is not.
func TestDomain04ReleaseStepsAreDoneOnce(t *testing.T) {
	p, _ := pillow(t)
	for _, key := range []string{"merge", "commit-ids", "tag", "wheels", "announce", "verify", "yanked", "resume"} {
		if !step(t, p, key).Release {
			t.Errorf("%s is done for each incident of a release", key)
		}
	}
	for _, key := range []string{"request-cve", "advisory", "publish", "advisory-published", "oss-security", "watch"} {
		if step(t, p, key).Release {
			t.Errorf("%s is done once for all incidents of a release", key)
		}
	}
	i := reportedAs(t, p, incidents.Opening{Severity: "low"})
	i.Release = incidents.Release{N: 3, Version: incidents.Seal("12.3.0")}
	f := incidents.StepFacts(p, i, []incidents.Step{step(t, p, "tag"), step(t, p, "publish")}, noon())
	if f[0]["once"] != true || f[1]["once"] != false {
		t.Errorf("once: %v, %v", f[0]["once"], f[1]["once"])
	}
}

// TestDomain05AdvisoryIsPublishedNotClosed: 7.6.5 is to see that the advisory is
// published, which GitHub does not close after.
func TestDomain05AdvisoryIsPublishedNotClosed(t *testing.T) {
	p, _ := pillow(t)
	s := step(t, p, "advisory-published")
	if s.Section != "7.6.5" || !slices.Equal(s.After, []string{"publish"}) || !strings.Contains(s.Name, "published") || !strings.Contains(s.Name, "not closed on GitHub") {
		t.Errorf("%+v", s)
	}
	for _, other := range p.Steps {
		if strings.Contains(strings.ToLower(other.Name), "close the") {
			t.Errorf("%s asks to close one: %s", other.Key, other.Name)
		}
	}
}

// TestDomain07YankIsNotDelete: a yanked release still installs where it is pinned, so
// the step says that malware is deleted, and reported.
func TestDomain07YankIsNotDelete(t *testing.T) {
	p, _ := pillow(t)
	for _, word := range []string{"deleted by an owner", "pinned", "security@pypi.org", "!release yanked"} {
		if s := step(t, p, "yank"); !strings.Contains(s.Name, word) {
			t.Errorf("7.5.3 says nothing of %q: %s", word, s.Name)
		}
	}
}

// TestDomain010ExtraStepsNameTheirSource: what the plan lacks is there, marked, with
// who asks for it.
func TestDomain010ExtraStepsNameTheirSource(t *testing.T) {
	p, _ := pillow(t)
	var extra []string
	for _, s := range p.Steps {
		if s.Extra != (s.Source != "") {
			t.Errorf("%s: extra is %t, its source %q", s.Key, s.Extra, s.Source)
		}
		if s.Extra {
			extra = append(extra, s.Key)
		}
	}
	for _, key := range []string{
		"retrospective",                                  // section 10 is missing
		"leak-assess", "leak-reporter", "leak-statement", // a broken embargo
		"mitigation",               // exploited in the wild
		"oss-security",             // the duty of who posts to the distros list
		"share-poc", "publish-poc", // likewise
		"backfill-cve",
	} {
		if !slices.Contains(extra, key) {
			t.Errorf("%s is not marked as extra", key)
		}
	}
	i := reportedAs(t, p, incidents.Opening{Severity: "low"})
	closed, _, _ := incidents.Close(p, i, "fixed", incidents.Seal("all is done"), "alice", noon())
	other, _, _ := incidents.Close(p, i, "duplicate", incidents.Sealed{}, "alice", noon())
	if clock(t, p, closed, "retrospective").Due.Sub(noon()) != 7*24*time.Hour || clock(t, p, other, "retrospective").Key != "" {
		t.Error("looking back is due a week after an incident that was fixed, and after no duplicate")
	}
}

// TestDomain012LocalTestsAreAttested: no CI runs in a private fork, so somebody says
// that the matrix was run.
func TestDomain012LocalTestsAreAttested(t *testing.T) {
	p, _ := pillow(t)
	s := step(t, p, "local-tests")
	if s.By != "" || s.Optional || s.Section != "7.4.1" || !strings.Contains(s.Name, "CI cannot run in a private fork") {
		t.Errorf("%+v", s)
	}
}

// TestDomain013Credentials: the plan's tokens and what the project really publishes
// with.
func TestDomain013Credentials(t *testing.T) {
	p, _ := pillow(t)
	for key, words := range map[string][]string{
		"revoke-publisher": {"trusted publisher", "environment"},
		"revoke-pypi":      {"PyPI API tokens"},
		"revoke-github":    {"personal access tokens", "OAuth"},
		"revoke-ci":        {"Codecov", "ANACONDA_ORG_UPLOAD_TOKEN"},
		"audit-workflows":  {"workflow files"},
	} {
		for _, w := range words {
			if s := step(t, p, key); !strings.Contains(s.Name, w) {
				t.Errorf("%s says nothing of %q: %s", key, w, s.Name)
			}
		}
	}
}
