package incidents_test

import (
	"slices"
	"testing"
	"time"

	"tocsin/incidents"
)

// advanced is what a change makes of the phase.
func advanced(t testing.TB, p incidents.Plan, before, i incidents.Incident) (incidents.Incident, []string) {
	t.Helper()
	j, entries := incidents.Advance(p, before, i, "alice", noon())
	var moved []string
	for _, e := range entries {
		moved = append(moved, e.Plain)
		if e.Kind != "phase" || e.Who != "alice" || !e.At.Equal(noon()) || !e.Text.Empty() {
			t.Errorf("%+v", e)
		}
	}
	return j, moved
}

// TestAdvance: a phase moves on when all that it has to have is done, and not before.
func TestAdvance(t *testing.T) {
	p, _ := pillow(t)
	new1 := incidents.Incident{}
	low := reportedAs(t, p, incidents.Opening{Severity: "low"})
	answered, _, _ := incidents.Acknowledge(low, incidents.Sealed{}, noon(), "alice", noon())
	machine := reportedAs(t, p, incidents.Opening{Source: "scanning", Severity: "low"})
	library := reportedAs(t, p, incidents.Opening{Type: "bundled-library", Source: "scanning"})
	no := library
	no.Phase, no.Reach = incidents.Triage, incidents.Seal("no")
	fixing := answered
	fixing.Phase = incidents.Fixing
	releasing := answered
	releasing.Phase = incidents.Releasing
	skipped := done(answered, 0, "reproduce", "advisory")
	skipped.Steps["request-cve"] = incidents.Deed{State: incidents.StepSkipped}
	recovering := answered
	recovering.Phase = incidents.Recovering
	for _, c := range []struct {
		name      string
		before, i incidents.Incident
		want      []string
	}{
		{"reported", new1, low, nil},
		{"answered, and nothing done", low, answered, nil},
		{"nobody outside waits", new1, machine, []string{"triage"}},
		{"one thing is open", answered, done(answered, 0, "reproduce", "advisory"), nil},
		{"all is done", done(answered, 0, "reproduce", "advisory"), done(answered, 0, "reproduce", "advisory", "request-cve"), []string{"fixing"}},
		{"what was left out is done", answered, skipped, []string{"fixing"}},
		{"what comes later was done before", answered, done(answered, 0, "reproduce", "advisory", "request-cve", "fix", "test", "review"), []string{"fixing", "releasing"}},
		{"the review is missing", fixing, done(fixing, 0, "fix", "test"), nil},
		{"fixed", done(fixing, 0, "fix", "test"), done(fixing, 0, "fix", "test", "review"), []string{"releasing"}},
		{"what is for need only holds nothing up", releasing, done(releasing, 0, "merge", "commit-ids", "tag", "wheels", "publish", "announce"), []string{"recovering"}},
		{"never to closed", recovering, done(recovering, 0, "verify", "yanked", "resume", "watch", "advisory-published"), nil},
		{"not reachable, and said why", no, done(no, 0, "rationale"), []string{"fixing", "releasing", "recovering"}},
	} {
		i, moved := advanced(t, p, c.before, c.i)
		if !slices.Equal(moved, c.want) {
			t.Errorf("%s: %q, want %q", c.name, moved, c.want)
		}
		if _, again := advanced(t, p, i, i); len(again) != 0 {
			t.Errorf("%s: and then for nothing to %q", c.name, again)
		}
	}
	if _, moved := advanced(t, testPlan(), new1, low); len(moved) != 0 {
		t.Errorf("a plan without steps moves it to %q", moved)
	}
	closed, _, _ := incidents.Close(p, low, "fixed", incidents.Seal("all is done"), "alice", noon())
	if _, moved := advanced(t, p, low, closed); len(moved) != 0 {
		t.Errorf("a closed one moves to %q", moved)
	}
}

// TestPhaseByHand: a phase that somebody set stays until something is done in it.
func TestPhaseByHand(t *testing.T) {
	p, _ := pillow(t)
	i, _, _ := incidents.Acknowledge(reportedAs(t, p, incidents.Opening{Severity: "low"}), incidents.Sealed{}, noon(), "alice", noon())
	i = done(i, 0, "reproduce", "advisory", "request-cve")
	i.Phase = incidents.Fixing
	back, e, err := incidents.SetPhase(i, "triage", incidents.Seal("the report is another one"), "alice", noon())
	refused(t, err, "")
	if back.Phase != incidents.Triage || e.Kind != "phase" || e.Plain != "triage" || e.Text.Empty() {
		t.Errorf("%s, %+v", back.Phase, e)
	}
	noted, _, _ := incidents.Retitle(back, incidents.Seal("another"), "alice", noon())
	if _, moved := advanced(t, p, back, noted); len(moved) != 0 {
		t.Errorf("a note moves it to %q", moved)
	}
	undone, _, err := incidents.UndoStep(p, back, "reproduce", "alice", noon())
	refused(t, err, "")
	if _, moved := advanced(t, p, back, undone); len(moved) != 0 {
		t.Errorf("what is open again moves it to %q", moved)
	}
	again, _, err := incidents.DoStep(p, undone, "reproduce", incidents.Sealed{}, "alice", noon())
	refused(t, err, "")
	if _, moved := advanced(t, p, undone, again); !slices.Equal(moved, []string{"fixing"}) {
		t.Errorf("what is done moves it to %q", moved)
	}
	for phase, key := range map[string]string{"closed": "phase-closed", "fixing": "phase-same", "mending": "unknown-key"} {
		_, _, err := incidents.SetPhase(i, phase, incidents.Sealed{}, "alice", noon())
		refused(t, err, key)
	}
	if all := incidents.Phases(); len(all) != 6 || all[0] != incidents.Reported || all[5] != incidents.Closed {
		t.Errorf("phases: %q", all)
	}
}

// TestPhasesOfEachTrack: on every track, doing what can be done leads from reported to
// recovering, and there it stays until somebody closes it.
func TestPhasesOfEachTrack(t *testing.T) {
	p, _ := pillow(t)
	for _, o := range []incidents.Opening{
		{Type: "vulnerability", Severity: "low", Source: "github"},
		{Type: "vulnerability", Severity: "critical", Source: "tidelift"},
		{Type: "bundled-library", Severity: "high", Source: "scanning"},
		{Type: "supply-chain", Source: "user"},
		{Type: "regression", Severity: "high", Source: "user"},
	} {
		i := reportedAs(t, p, o)
		i, _ = incidents.Advance(p, incidents.Incident{}, i, "alice", noon())
		now := noon()
		keep := func(before incidents.Incident, j incidents.Incident, _ incidents.Entry, err error) {
			if err == nil {
				i, _ = incidents.Advance(p, before, j, "alice", now)
			}
		}
		for range 400 {
			now = now.Add(time.Hour)
			before := i
			j, e, err := incidents.Acknowledge(i, incidents.Sealed{}, now, "alice", now)
			keep(before, j, e, err)
			before = i
			j, e, err = incidents.SetReach(p, i, true, incidents.Sealed{}, "alice", now)
			keep(before, j, e, err)
			if incidents.TrackOf(p, i).Key == "embargoed" && !i.Embargo.Over() {
				at := incidents.When{At: noon().Add(100 * time.Hour)}
				before = i
				j, e, err = incidents.ProposeEmbargo(p, i, at, "alice", now)
				keep(before, j, e, err)
				before = i
				j, e, err = incidents.AgreeEmbargo(p, i, incidents.Seal("reporter"), incidents.Sealed{}, "alice", now)
				keep(before, j, e, err)
				before = i
				j, e, err = incidents.SetEmbargo(p, i, incidents.When{}, "alice", now)
				keep(before, j, e, err)
			}
			if now.After(i.Embargo.At) && i.Phase == incidents.Releasing {
				before = i
				j, e, err = incidents.LiftEmbargo(i, incidents.Sealed{}, "alice", now)
				keep(before, j, e, err)
			}
			if steps := incidents.OpenSteps(p, i, i.Phase); len(steps) > 0 {
				for _, s := range steps {
					before = i
					who := "bob"
					if s.NotRole != "" {
						who = "carol" // another one than who did the rest
					}
					j, e, err = incidents.DoStep(p, i, s.Key, incidents.Sealed{}, who, now)
					keep(before, j, e, err)
				}
			}
		}
		if left := incidents.OpenSteps(p, i, i.Phase); i.Phase != incidents.Recovering || len(left) != 0 {
			t.Errorf("%s ends in %s with %q open", incidents.TrackOf(p, i).Key, i.Phase, keysOf(left))
		}
	}
}

// TestToldOfPhases: what was passed through is on record, and not announced.
func TestToldOfPhases(t *testing.T) {
	e := func(kind, plain string) incidents.Entry { return incidents.Entry{Kind: kind, Plain: plain} }
	got := ""
	for _, one := range incidents.Announced([]incidents.Entry{e("phase", "a"), e("step-done", "b"), e("phase", "c"), e("phase", "d"), e("phase", "e")}) {
		got += one.Plain
	}
	if got != "abe" {
		t.Errorf("told: %q", got)
	}
}
