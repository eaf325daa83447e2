package incidents_test

import (
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
	for _, from := range incidents.Starts() {
		if p.Clocks[0].From = from; len(incidents.Clocks(p, early)) != 1 {
			t.Errorf("the start %q is listed and runs no clock", from)
		}
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
