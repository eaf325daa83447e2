package incidents_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

// TestClocksRun: the acknowledgement runs from the report, while the incident is
// open, somebody outside waits, and nobody answered.
func TestClocksRun(t *testing.T) {
	p := testPlan()
	for _, c := range []struct {
		name   string
		o      incidents.Opening
		change func(*incidents.Incident)
		runs   bool
	}{
		{"no source known", incidents.Opening{}, nil, true},
		{"somebody waits", incidents.Opening{Source: "github"}, nil, true},
		{"a machine found it", incidents.Opening{Source: "scanning"}, nil, false},
		{"answered", incidents.Opening{Source: "github"}, func(i *incidents.Incident) { i.AckAt = noon() }, false},
		{"closed", incidents.Opening{}, func(i *incidents.Incident) { i.Phase = incidents.Closed }, false},
		{"another phase", incidents.Opening{}, func(i *incidents.Incident) { i.Phase = incidents.Fixing }, true},
	} {
		i := opened(t, c.o)
		if c.change != nil {
			c.change(&i)
		}
		if got := incidents.Clocks(p, i); len(got) > 0 != c.runs {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	early := opened(t, incidents.Opening{Reported: incidents.When{At: noon().Add(-50 * time.Hour)}})
	c := incidents.Clocks(p, early)[0]
	if !c.Due.Equal(noon().Add(22*time.Hour)) || !c.Rungs[0].Equal(noon().Add(-26*time.Hour)) || c.Role != "lead" {
		t.Errorf("it counts from its opening here and not from the report: %+v", c)
	}
	p.Clocks[0].From = "nonsense"
	if got := incidents.Clocks(p, early); len(got) != 0 {
		t.Errorf("a start that is not known runs: %v", got)
	}
}

func ackClock() incidents.Clock {
	c := incidents.Clock{Key: "acknowledgement", Due: noon().Add(72 * time.Hour), Repeat: 24 * time.Hour}
	for _, h := range []time.Duration{24, 48, 66, 72} {
		c.Rungs = append(c.Rungs, noon().Add(h*time.Hour))
	}
	return c
}

// TestRungs looks at the edges: a rung belongs to the instant it is at.
func TestRungs(t *testing.T) {
	const h, none = time.Hour, time.Duration(-1)
	for _, c := range []struct{ at, next, last, first time.Duration }{
		{-h, 24 * h, none, 24 * h},
		{0, 24 * h, none, 24 * h},
		{24*h - 1, 24 * h, none, 24 * h},
		{24 * h, 48 * h, 24 * h, 48 * h},
		{24*h + 1, 48 * h, 24 * h, 48 * h},
		{66 * h, 72 * h, 66 * h, 72 * h},
		{72*h - 1, 72 * h, 66 * h, 72 * h},
		{72 * h, 96 * h, 72 * h, 72 * h}, // overdue: said at once
		{72*h + 1, 96 * h, 72 * h, 72*h + 1},
		{96*h - 1, 96 * h, 72 * h, 96*h - 1},
		{96 * h, 120 * h, 96 * h, 96 * h},
		{1000*h + 5, 1008 * h, 984 * h, 1000*h + 5},
	} {
		at := noon().Add(c.at)
		if got := ackClock().NextRung(at).Sub(noon()); got != c.next {
			t.Errorf("after %v the next rung is at %v, want %v", c.at, got, c.next)
		}
		last := ackClock().LastRung(at)
		if (c.last == none) != last.IsZero() || (c.last != none && last.Sub(noon()) != c.last) {
			t.Errorf("at %v the last rung was %v, want %v", c.at, last, c.last)
		}
		if got := ackClock().FirstRung(at).Sub(noon()); got != c.first {
			t.Errorf("a clock that starts at %v is said first at %v, want %v", c.at, got, c.first)
		}
	}
}

// TestRungsRise: rungs rise, none is left out, the last before is the one whose
// next one comes after, and an overdue clock repeats for ever.
func TestRungsRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := incidents.Clock{Repeat: time.Duration(rapid.Int64Range(int64(time.Minute), int64(100*time.Hour)).Draw(t, "repeat"))}
		at := noon()
		for range rapid.IntRange(1, 5).Draw(t, "rungs") {
			at = at.Add(time.Duration(rapid.Int64Range(1, int64(50*time.Hour)).Draw(t, "gap")))
			c.Rungs = append(c.Rungs, at)
		}
		c.Due = at
		// The whole ladder and five repeats, walked by NextRung from before it.
		want := append([]time.Time{}, c.Rungs...)
		for k := range 5 {
			want = append(want, c.Due.Add(time.Duration(k+1)*c.Repeat))
		}
		at = noon()
		for k, w := range want {
			next := c.NextRung(at)
			if !next.Equal(w) {
				t.Fatalf("rung %d is at %v, want %v", k, next, w)
			}
			between := at.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(at))-1).Draw(t, "between")))
			if got := c.NextRung(between); !got.Equal(next) {
				t.Fatalf("from %v the next rung is %v, and from %v it is %v", at, next, between, got)
			}
			if got := c.LastRung(between); k > 0 && !got.Equal(at) {
				t.Fatalf("at %v the last rung is %v, want %v", between, got, at)
			}
			if got := c.LastRung(next); !got.Equal(next) {
				t.Fatalf("a rung is not its own: at %v, %v", next, got)
			}
			if first := c.FirstRung(between); first.Before(between) || (between.Before(c.Due) && !first.Equal(next)) {
				t.Fatalf("a clock that starts at %v is said at %v", between, first)
			}
			at = next
		}
	})
}

// clock gives one clock of an incident; the zero Clock where it does not run.
func clock(t testing.TB, p incidents.Plan, i incidents.Incident, key string) incidents.Clock {
	t.Helper()
	if _, ok := p.ClockRule(key); !ok {
		t.Fatalf("the plan has no clock %s", key)
	}
	for _, c := range incidents.Clocks(p, i) {
		if c.Key == key {
			return c
		}
	}
	return incidents.Clock{}
}

// TestRungsBefore: a clock that counts to a date ahead has rungs before it; those that
// are past already when it starts are not said.
func TestRungsBefore(t *testing.T) {
	p, _ := pillow(t)
	h := time.Hour
	i := reportedAs(t, p, incidents.Opening{Severity: "high"})
	i.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: noon().Add(120 * h)}
	c := clock(t, p, i, "embargo")
	var said []time.Duration
	for now := c.FirstRung(noon()); len(said) < 8; now = c.NextRung(now) {
		said = append(said, now.Sub(i.Embargo.At))
	}
	if want := []time.Duration{-72 * h, -24 * h, -4 * h, -h, 0, h, 2 * h, 3 * h}; !reflect.DeepEqual(said, want) {
		t.Errorf("an embargo that ends in five days is said at %v, want %v", said, want)
	}
	if first := c.FirstRung(i.Embargo.At.Add(h / 2)); !first.Equal(i.Embargo.At.Add(h / 2)) {
		t.Errorf("one that is over already is said %v", first)
	}
	once := incidents.Clock{Due: noon(), Rungs: []time.Time{noon()}}
	if !once.FirstRung(noon()).Equal(incidents.Never()) || !once.NextRung(noon().Add(-1)).Equal(noon()) || !once.LastRung(noon().Add(h)).Equal(noon()) {
		t.Error("a clock that is not repeated is said once")
	}
}

// TestSnooze: what is due is always said; what is overdue is put off for two weeks at
// most, and rings when that is over, and goes on as before.
func TestSnooze(t *testing.T) {
	p, _ := pillow(t)
	h := time.Hour
	i := reportedAs(t, p, incidents.Opening{Source: "github"})
	due := i.ReportedAt.Add(72 * h)
	for _, c := range []struct {
		key        string
		now, until time.Duration // after it is due
		refused    string
	}{
		{"acknowledgement", -40 * h, -h, ""},
		{"acknowledgement", -40 * h, 0, ""},
		{"acknowledgement", -40 * h, 1, "snooze-beyond"},
		{"acknowledgement", -40 * h, -40 * h, "snooze-past"},
		{"acknowledgement", h, 336*h + h, ""},
		{"acknowledgement", h, 336*h + h + 1, "snooze-too-long"},
		{"embargo", 0, h, "clock-stopped"},
		{"nonsense", 0, h, "clock-stopped"},
	} {
		now, until := due.Add(c.now), due.Add(c.until)
		j, e, err := incidents.SnoozeClock(p, i, c.key, until, incidents.Seal("busy"), "bob", now)
		refused(t, err, c.refused)
		if err != nil {
			continue
		}
		same(t, "the entry", e.Text, "busy")
		k := clock(t, p, j, c.key)
		if e.Kind != "snoozed" || len(i.Snoozes) != 0 || !k.Quiet.Equal(until) || !k.NextRung(now).Equal(until) || !k.Due.Equal(due) {
			t.Errorf("%v: %+v, %+v", c.until, k, e)
		}
		if !k.LastRung(until.Add(-1)).IsZero() || !k.LastRung(until).Equal(until) {
			t.Errorf("%v: the last before is %v, then %v", c.until, k.LastRung(until.Add(-1)), k.LastRung(until))
		}
		if next, want := k.NextRung(until), clock(t, p, i, c.key).NextRung(until); !next.Equal(want) {
			t.Errorf("%v: after that it rings at %v, want %v", c.until, next, want)
		}
		if k.FirstRung(now).Before(until) {
			t.Errorf("%v: reckoned anew it is said at %v", c.until, k.FirstRung(now))
		}
	}
}

// TestMovedClockIsNotPutOff: what was put off is the clock as it was; one that moved
// since rings.
func TestMovedClockIsNotPutOff(t *testing.T) {
	p, _ := pillow(t)
	i := embargoed(reportedAs(t, p, incidents.Opening{Severity: "high"}), incidents.EmbargoSet)
	i, _, err := incidents.SnoozeClock(p, i, "embargo", noon().Add(9*24*time.Hour), incidents.Sealed{}, "bob", noon())
	refused(t, err, "")
	moved, _, err := incidents.MoveEmbargo(p, i, incidents.When{At: noon().Add(4 * 24 * time.Hour)}, incidents.Sealed{}, "bob", noon())
	refused(t, err, "")
	if c := clock(t, p, moved, "embargo"); !c.Quiet.IsZero() || c.NextRung(noon()).Sub(noon()) != 24*time.Hour {
		t.Errorf("moved, and quiet until %v", c.Quiet)
	}
	back, _, err := incidents.MoveEmbargo(p, moved, incidents.When{At: i.Embargo.At}, incidents.Sealed{}, "bob", noon())
	refused(t, err, "")
	if c := clock(t, p, back, "embargo"); !c.Quiet.IsZero() {
		t.Error("moved away and back it does not ring again")
	}
}

// TestSkippedStepEndsItsClock: what waits for a step that is left out would wait for
// ever. What waits for something else goes on.
func TestSkippedStepEndsItsClock(t *testing.T) {
	p, _ := pillow(t)
	i := embargoed(reportedAs(t, p, incidents.Opening{Severity: "high", Source: "scanning"}), incidents.EmbargoSet)
	for key, clocks := range map[string][2]string{"request-cve": {"cve-request", "severity"}, "notify-distros": {"distros", "embargo"}} {
		j, _, err := incidents.SkipStep(p, i, key, incidents.Seal("not needed"), "bob", noon())
		refused(t, err, "")
		if clock(t, p, i, clocks[0]).Key == "" || clock(t, p, j, clocks[0]).Key != "" {
			t.Errorf("%s is left out, and %s runs on", key, clocks[0])
		}
		if clock(t, p, i, clocks[1]).Key != clock(t, p, j, clocks[1]).Key {
			t.Errorf("%s is left out, and that ends %s", key, clocks[1])
		}
		back, _, err := incidents.UndoStep(p, j, key, "bob", noon())
		refused(t, err, "")
		if clock(t, p, back, clocks[0]).Key == "" {
			t.Errorf("%s is open again, and %s does not run", key, clocks[0])
		}
	}
	// The acknowledgement is promised: leaving its step out does not end that.
	waits := reportedAs(t, p, incidents.Opening{Source: "github"})
	j, _, err := incidents.SkipStep(p, waits, "acknowledge", incidents.Seal("no address"), "bob", noon())
	refused(t, err, "")
	if clock(t, p, j, "acknowledgement").Key == "" {
		t.Error("72 hours are over for nobody")
	}
}

// TestTriageBegins: level and CVE are due a day after the reporter was answered, or
// after the opening where nobody outside waits: nothing found by a machine lies silent.
func TestTriageBegins(t *testing.T) {
	p, _ := pillow(t)
	for source, begun := range map[string]bool{"github": false, "scanning": true} {
		i := reportedAs(t, p, incidents.Opening{Source: source})
		for _, key := range []string{"severity", "cve-request"} {
			if c := clock(t, p, i, key); (c.Key != "") != begun || begun && c.Due.Sub(noon()) != 24*time.Hour {
				t.Errorf("%s, %s: %+v", source, key, c)
			}
		}
	}
}
