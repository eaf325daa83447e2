package incidents_test

import (
	"slices"
	"testing"
	"time"

	"tocsin/incidents"
)

// reportedAs is an incident of the Pillow plan that alice opened at noon, an hour
// after the report.
func reportedAs(t testing.TB, p incidents.Plan, o incidents.Opening) incidents.Incident {
	t.Helper()
	o.N, o.Handle, o.Codename, o.Reported = 1, "INC-1", "quiet harbour", incidents.When{At: noon().Add(-time.Hour), Zone: "UTC"}
	i, _, err := incidents.OpenIncident(p, o, "alice", noon())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// done is a step that bob did after so long.
func done(i incidents.Incident, after time.Duration, keys ...string) incidents.Incident {
	steps := map[string]incidents.Deed{}
	for k, d := range i.Steps {
		steps[k] = d
	}
	for _, k := range keys {
		steps[k] = incidents.Deed{State: incidents.StepDone, At: noon().Add(after), Who: "bob"}
	}
	i.Steps = steps
	return i
}

// embargoed is an incident whose embargo is in this state, its moment ten days on.
func embargoed(i incidents.Incident, state string) incidents.Incident {
	i.Embargo = incidents.Embargo{State: state, At: noon().Add(240 * time.Hour), Zone: "UTC"}
	if i.Embargo.Over() {
		i.Embargo.EndedAt = noon().Add(2 * time.Hour)
	}
	return i
}

// every is a schedule that comes each so often.
type every time.Duration

func (e every) Next(t time.Time) time.Time { return t.Truncate(time.Duration(e)).Add(time.Duration(e)) }

// TestEvents: each event that plan.toml can name happens, at the instant that is
// said of it, and does not happen to an incident to which it did not.
func TestEvents(t *testing.T) {
	p, _ := pillow(t)
	p.Schedules = []incidents.ScheduleRule{{Key: incidents.Readiness, Times: every(90 * 24 * time.Hour)}}
	plain := reportedAs(t, p, incidents.Opening{Source: "github"})
	machine := reportedAs(t, p, incidents.Opening{Source: "scanning"})
	none := incidents.Incident{Roles: map[string]string{}}
	h := time.Hour
	with := func(change func(*incidents.Incident)) incidents.Incident {
		i := plain
		change(&i)
		return i
	}
	all := map[string]string{"lead": "alice", "patch": "bob", "release": "carol", "comms": "dana"}
	answered := with(func(i *incidents.Incident) { i.AckAt = noon().Add(3 * h) })
	for _, c := range []struct {
		event    string
		yes      incidents.Incident
		after    time.Duration // noon
		no       incidents.Incident
		noPeriod bool // it happens to every incident
	}{
		{event: "reported", yes: plain, after: -h, noPeriod: true},
		{event: "opened", yes: plain, noPeriod: true},
		{event: "reporter", yes: plain, after: -h, no: machine},
		{event: "acknowledged", yes: answered, after: 3 * h, no: plain},
		{event: "begun", yes: answered, after: 3 * h, no: plain},
		{event: "begun", yes: machine, no: plain},
		{event: "updated", yes: answered, after: 3 * h, no: plain},
		{event: "updated", yes: with(func(i *incidents.Incident) { i.AckAt, i.UpdateAt = noon(), noon().Add(5*h) }), after: 5 * h, no: plain},
		{event: "leveled", yes: with(func(i *incidents.Incident) { i.Level, i.LevelAt = "low", noon().Add(h) }), after: h, no: plain},
		{event: "cve", yes: with(func(i *incidents.Incident) { i.CVE, i.CVEAt = incidents.Seal("CVE-2026-1234"), noon().Add(h) }), after: h, no: plain},
		{
			event: "late-cve", yes: with(func(i *incidents.Incident) {
				i.CVE, i.CVEAt, i.Release.LiveAt = incidents.Seal("CVE-2026-1234"), noon().Add(2*h), noon().Add(h)
			}), after: 2 * h,
			no: with(func(i *incidents.Incident) {
				i.CVE, i.CVEAt, i.Release.LiveAt = incidents.Seal("CVE-2026-1234"), noon(), noon().Add(h)
			}),
		},
		{event: "late-cve", yes: done(with(func(i *incidents.Incident) { i.CVE, i.CVEAt = incidents.Seal("CVE-2026-1234"), noon().Add(2*h) }), h, "wheels"), after: 2 * h, no: plain},
		{event: "advisory", yes: with(func(i *incidents.Incident) { i.GHSA = incidents.Seal("GHSA-2345-6789-cfgh") }), no: plain},
		{
			event: "advisory-public", yes: with(func(i *incidents.Incident) {
				i.Advisory = incidents.Advisory{State: incidents.AdvisoryPublished, Published: noon().Add(h)}
			}), after: h, no: with(func(i *incidents.Incident) { i.Advisory.State = incidents.AdvisoryDraft }),
		},
		{event: "tracked", yes: with(func(i *incidents.Incident) { i.Track = incidents.Seal("standard") }), no: plain},
		{event: "reach", yes: with(func(i *incidents.Incident) { i.Reach = incidents.Seal("yes") }), no: plain},
		{event: "not-reachable", yes: with(func(i *incidents.Incident) { i.Reach = incidents.Seal("no") }), no: with(func(i *incidents.Incident) { i.Reach = incidents.Seal("yes") })},
		{event: "agreed", yes: with(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: "agreed", At: noon(), AgreedAt: noon().Add(h)}
		}), after: h, no: embargoed(plain, "set")},
		{event: "embargo", yes: embargoed(plain, "agreed"), after: 240 * h, no: embargoed(plain, "proposed")},
		{event: "embargo", yes: embargoed(plain, "moved"), after: 240 * h, no: embargoed(plain, "lifted")},
		{event: "set", yes: embargoed(plain, "set"), no: embargoed(plain, "agreed")},
		{event: "set", yes: embargoed(plain, "lifted"), no: plain},
		{event: "over", yes: embargoed(plain, "lifted"), after: 2 * h, no: embargoed(plain, "moved")},
		{event: "broken", yes: embargoed(plain, "broken"), after: 2 * h, no: embargoed(plain, "lifted")},
		{event: "untold", yes: with(func(i *incidents.Incident) {
			*i = embargoed(*i, "moved")
			i.AckAt, i.Embargo.MovedAt = noon().Add(h), noon().Add(3*h)
		}), after: 3 * h, no: embargoed(plain, "moved")},
		{event: "disclosed", yes: embargoed(plain, "broken"), after: 2 * h, no: embargoed(plain, "lifted")},
		{event: "disclosed", yes: done(plain, 4*h, "publish"), after: 4 * h, no: done(plain, 4*h, "tag", "wheels", "watch")},
		{event: "disclosed", yes: done(plain, 4*h, "announce"), after: 4 * h, no: plain},
		{event: "wild", yes: with(func(i *incidents.Incident) { i.WildAt = noon().Add(h) }), after: h, no: plain},
		{event: "public", yes: with(func(i *incidents.Incident) { i.PublicAt = noon().Add(h) }), after: h, no: plain},
		{event: "released", yes: with(func(i *incidents.Incident) { i.Release.LiveAt = noon().Add(h) }), after: h, no: plain},
		{event: "reporter-date", yes: with(func(i *incidents.Incident) { i.PolicyAt = noon().Add(h) }), after: h, no: plain},
		{event: "quarterly", yes: plain, after: every(90 * 24 * h).Next(noon()).Sub(noon()), noPeriod: true},
		{event: "staffed", yes: with(func(i *incidents.Incident) { i.Roles = all }), no: plain},
		{event: "unled", yes: with(func(i *incidents.Incident) { i.Roles = nil }), no: plain},
		{event: "lead-heard", yes: plain, no: none},
		{event: "lead-heard", yes: with(func(i *incidents.Incident) { i.LeadHeard = noon().Add(7 * h) }), after: 7 * h, no: none},
		{event: "lead-away", yes: with(func(i *incidents.Incident) { i.LeadAway = noon().Add(48 * h) }), after: 48 * h, no: plain},
		{event: "handoff", yes: with(func(i *incidents.Incident) { i.Handoff = incidents.Handoff{To: "bob", At: noon().Add(h)} }), after: h, no: plain},
		{event: "closed", yes: with(func(i *incidents.Incident) { i.Phase, i.ClosedAt = incidents.Closed, noon().Add(9*h) }), after: 9 * h, no: plain},
		{event: "step:reproduce", yes: done(plain, h, "reproduce"), after: h, no: plain},
		{event: "step:severity", yes: with(func(i *incidents.Incident) { i.Level, i.LevelAt = "low", noon().Add(h) }), after: h, no: plain},
		{event: "step:nonsense", yes: incidents.Incident{}, after: -1, no: plain},
		{event: "nonsense", yes: incidents.Incident{}, after: -1, no: plain},
	} {
		at, ok := incidents.Happened(p, c.yes, c.event)
		if known := c.after != -1; ok != known || (known && !at.Equal(noon().Add(c.after))) {
			t.Errorf("%s: %t at %v, want %v", c.event, ok, at, noon().Add(c.after))
		}
		if _, ok := incidents.Happened(p, c.no, c.event); ok && !c.noPeriod {
			t.Errorf("%s happened to an incident to which it did not", c.event)
		}
	}
	p.Schedules = nil
	if _, ok := incidents.Happened(p, plain, "quarterly"); ok {
		t.Error("a plan without quarterly releases has one")
	}
}

// TestEventsAreListed: what is listed is known, and nothing else is.
func TestEventsAreListed(t *testing.T) {
	p, _ := pillow(t)
	p.Schedules = []incidents.ScheduleRule{{Key: incidents.Readiness, Times: every(time.Hour)}}
	happened := map[string]bool{}
	full := reportedAs(t, p, incidents.Opening{Source: "github", Severity: "high"})
	full.AckAt, full.CVEAt, full.WildAt, full.PublicAt, full.PolicyAt, full.LeadAway = noon(), noon().Add(time.Hour), noon(), noon(), noon(), noon()
	full.CVE, full.Track, full.Reach, full.Release.LiveAt = incidents.Seal("CVE-2026-1234"), incidents.Seal("upstream"), incidents.Seal("no"), noon()
	full.Handoff.To, full.Roles = "bob", map[string]string{"lead": "alice", "patch": "bob", "release": "carol", "comms": "dana"}
	full.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: noon(), AgreedAt: noon(), MovedAt: noon().Add(time.Hour)}
	full.GHSA, full.Advisory = incidents.Seal("GHSA-2345-6789-cfgh"), incidents.Advisory{State: incidents.AdvisoryPublished, Published: noon()}
	over := embargoed(full, incidents.EmbargoBroken)
	over.Phase, over.Roles = incidents.Closed, nil
	for _, i := range []incidents.Incident{full, over} {
		for _, e := range incidents.Events() {
			if _, ok := incidents.Happened(p, i, e); ok {
				happened[e] = true
			}
		}
	}
	for k, e := range incidents.Events() {
		if !happened[e] {
			t.Errorf("the event %q is listed and never happens", e)
		}
		if slices.Contains(incidents.Events()[:k], e) {
			t.Errorf("the event %q is listed twice", e)
		}
	}
}

// TestEmptyRoles: a role that one source has is left out, for it would tell the
// source.
func TestEmptyRoles(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Source: "tidelift"})
	if got := incidents.EmptyRoles(p, i); !slices.Equal(got, []string{"Patch Owner", "Release Manager", "Communications Owner"}) {
		t.Errorf("nobody has %q", got)
	}
}
