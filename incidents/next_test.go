package incidents_test

import (
	"slices"
	"testing"
	"time"

	"tocsin/incidents"
)

// asked lists what is to be done, steps by their keys and clocks in brackets.
func asked(todo []incidents.Todo) []string {
	out := []string{}
	for _, t := range todo {
		if t.Rule.Key != "" {
			out = append(out, "["+t.Rule.Key+"]")
		} else {
			out = append(out, t.Step.Key)
		}
	}
	return out
}

// TestNext: what is to be done now is what nothing locks, what is due first first.
func TestNext(t *testing.T) {
	p, _ := pillow(t)
	h := time.Hour
	low := reportedAs(t, p, incidents.Opening{Severity: "low", Source: "github"})
	low.Roles = map[string]string{"lead": "alice", "comms": "dana"}
	triage, _, _ := incidents.Acknowledge(low, incidents.Sealed{}, noon(), "alice", noon())
	high := reportedAs(t, p, incidents.Opening{Severity: "high", Source: "scanning"})
	high.Roles = map[string]string{"lead": "alice", "patch": "bob", "release": "carol", "comms": "dana"}
	high = done(high, 0, "request-cve")
	high.Phase = incidents.Releasing
	wild := triage
	wild.WildAt = noon()
	released := done(triage, 0, "wheels", "request-cve")
	released.Phase = incidents.Recovering
	closed, _, _ := incidents.Close(p, triage, "fixed", incidents.Seal("all is done"), "alice", noon())
	behind := low
	behind.Phase = incidents.Triage
	for _, c := range []struct {
		name string
		i    incidents.Incident
		now  time.Duration
		want []string
	}{
		{"reported", low, 0, []string{"acknowledge"}},
		{"triage, the plan's order", triage, 0, []string{"reproduce", "advisory", "request-cve"}},
		{"locked until the embargo ends", embargoed(high, "set"), 0, []string{}},
		{"a day before it ends", embargoed(high, "set"), 217 * h, []string{"[distros]", "[embargo]"}},
		{"and when it is lifted", embargoed(high, "lifted"), 3 * h, []string{"merge", "commit-ids", "tag", "wheels"}},
		{"exploited: that first", wild, 0, []string{"mitigation", "reproduce", "advisory", "request-cve"}},
		{"while it is watched", released, 13 * h, []string{"verify", "yanked", "resume"}},
		{"when the watch is over", released, 72 * h, []string{"watch", "verify", "yanked", "resume"}},
		{"closed", closed, 0, []string{}},
		{"closed, and nobody looked back", closed, 8 * 24 * h, []string{"[retrospective]"}},
		{"moved on by hand, and nobody answered", behind, 30 * h, []string{"reproduce", "advisory", "request-cve", "[acknowledgement]"}},
	} {
		got := asked(incidents.Next(p, c.i, noon().Add(c.now)))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	todo := incidents.Next(p, triage, noon())
	if todo[2].Step.Key != "request-cve" || !todo[2].Due.Equal(noon().Add(24*h)) || todo[2].Who != "dana" || todo[0].Who != "alice" || !todo[0].Due.IsZero() {
		t.Errorf("by whom and until when: %+v", todo)
	}
	if first := incidents.Next(p, triage, noon().Add(h))[0]; first.Step.Key != "request-cve" {
		t.Errorf("what is due within a day is not first: %s", first.Step.Key)
	}
}

// TestNextIsQuietWhatIsPutOff: a clock that was put off asks for nothing until then,
// and asks again.
func TestNextIsQuietWhatIsPutOff(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Severity: "high", Source: "scanning"})
	i.Phase = incidents.Fixing
	now, until := noon().Add(20*time.Hour), noon().Add(40*time.Hour)
	if got := asked(incidents.Next(p, i, now)); !slices.Contains(got, "[roles]") {
		t.Fatalf("%q", got)
	}
	i, _, err := incidents.SnoozeClock(p, i, "roles", until, incidents.Seal("on holiday"), "alice", now)
	refused(t, err, "")
	if got := asked(incidents.Next(p, i, until.Add(-1))); slices.Contains(got, "[roles]") {
		t.Errorf("put off, and asked for: %q", got)
	}
	if got := asked(incidents.Next(p, i, until)); !slices.Contains(got, "[roles]") {
		t.Errorf("it was put off and is not asked for again: %q", got)
	}
}
