package incidents_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

// told is what a rule gives.
type told struct {
	i   incidents.Incident
	e   incidents.Entry
	err error
}

func tell(i incidents.Incident, e incidents.Entry, err error) told { return told{i, e, err} }

// anyAct draws something that people do, in any state. What they type is marked.
func anyAct(t *rapid.T, p incidents.Plan, i incidents.Incident, now time.Time) (string, told) {
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, what) }
	who, person := pick("who", "alice", "bob", "carol", "dana"), pick("person", "alice", "bob", "carol", "dana")
	typed, agreed, on := incidents.Seal(marker), rapid.Bool().Draw(t, "agreed"), rapid.Bool().Draw(t, "on")
	when := incidents.When{At: now.Add(time.Duration(rapid.IntRange(-30, 2300).Draw(t, "when")) * time.Hour), Zone: "UTC"}
	var open []string
	for _, s := range incidents.StepsOf(p, i, "") {
		open = append(open, s.Key)
	}
	key := pick("step", append(open, p.Keys("step")...)...)
	acts := map[string]func() told{
		"acknowledge": func() told { return tell(incidents.Acknowledge(i, typed, now, who, now)) },
		"severity": func() told {
			return tell(incidents.SetSeverity(p, i, pick("level", p.Keys("level")...), typed, who, now))
		},
		"cve": func() told { return tell(incidents.SetFact(i, "cve", "CVE-2026-1234", who, now)) },
		"track": func() told {
			return tell(incidents.ChooseTrack(p, i, pick("track", p.Keys("track")...), typed, who, now))
		},
		"reach":  func() told { return tell(incidents.SetReach(p, i, on, typed, who, now)) },
		"wild":   func() told { return tell(incidents.SetWild(i, on, typed, who, now)) },
		"public": func() told { return tell(incidents.SetPublic(i, on, typed, who, now)) },
		"update": func() told { return tell(incidents.NoteUpdate(p, i, typed, who, now)) },
		"policy": func() told {
			return tell(incidents.SetPolicy(i, pick("policy", "none", "p0", "certcc", "date"), when.At, who, now))
		},
		"propose": func() told { return tell(incidents.ProposeEmbargo(p, i, when, who, now)) },
		"agree":   func() told { return tell(incidents.AgreeEmbargo(p, i, typed, typed, who, now)) },
		"set":     func() told { return tell(incidents.SetEmbargo(p, i, when, who, now)) },
		"set it":  func() told { return tell(incidents.SetEmbargo(p, i, incidents.When{}, who, now)) },
		"move":    func() told { return tell(incidents.MoveEmbargo(p, i, when, typed, who, now)) },
		"lift":    func() told { return tell(incidents.LiftEmbargo(i, typed, who, now)) },
		"break":   func() told { return tell(incidents.BreakEmbargo(i, typed, who, now)) },
		"do":      func() told { return tell(incidents.DoStep(p, i, key, typed, who, now)) },
		"do one":  func() told { return tell(incidents.DoStep(p, i, key, typed, who, now)) },
		"do it":   func() told { return tell(incidents.DoStep(p, i, key, typed, who, now)) },
		"skip":    func() told { return tell(incidents.SkipStep(p, i, key, typed, who, now)) },
		"undo":    func() told { return tell(incidents.UndoStep(p, i, key, who, now)) },
		"snooze": func() told {
			until := now.Add(time.Duration(rapid.IntRange(-1, 400).Draw(t, "until")) * time.Hour)
			return tell(incidents.SnoozeClock(p, i, pick("clock", p.Keys("clock")...), until, typed, who, now))
		},
		"take":    func() told { return tell(incidents.TakeLead(p, i, who, agreed, now)) },
		"offer":   func() told { return tell(incidents.OfferLead(p, i, person, who, agreed, now)) },
		"accept":  func() told { return tell(incidents.AcceptLead(p, i, who, now)) },
		"decline": func() told { return tell(incidents.DeclineLead(i, who, now)) },
		"assign": func() told {
			return tell(incidents.AssignRole(p, i, pick("role", p.Keys("role")...), person, who, agreed, now))
		},
		"drop": func() told { return tell(incidents.DropRole(p, i, pick("role", p.Keys("role")...), who, now)) },
		"phase": func() told {
			return tell(incidents.SetPhase(i, pick("phase", "reported", "triage", "fixing", "releasing", "recovering", "closed"), typed, who, now))
		},
		"close": func() told {
			return tell(incidents.Close(p, i, pick("outcome", p.Keys("outcome")...), typed, who, now))
		},
		"reopen": func() told { return tell(incidents.Reopen(i, typed, who, now)) },
		"heard":  func() told { i.LeadHeard = now; return told{i: i, e: incidents.Entry{Kind: "noted"}} },
		"away":   func() told { i.LeadAway = when.At; return told{i: i, e: incidents.Entry{Kind: "noted"}} },
		"live":   func() told { i.Release.LiveAt = now; return told{i: i, e: incidents.Entry{Kind: "noted"}} },
	}
	act := rapid.SampledFrom(slices.Sorted(maps.Keys(acts))).Draw(t, "act")
	return act, acts[act]()
}

// TestAnyOrder: whatever people do in whatever order, and however long they wait.
func TestAnyOrder(t *testing.T) {
	p, _ := pillow(t)
	p.Schedules = []incidents.ScheduleRule{{Key: incidents.Readiness, Times: every(91 * 24 * time.Hour)}}
	rapid.Check(t, func(t *rapid.T) {
		now := noon()
		i, _, err := incidents.OpenIncident(p, incidents.Opening{
			N: 1, Handle: "INC-1", Type: rapid.SampledFrom(append(p.Keys("type"), "")).Draw(t, "type"),
			Source: rapid.SampledFrom(append(p.Keys("source"), "")).Draw(t, "source"), Unled: rapid.Bool().Draw(t, "unled"),
		}, "alice", now)
		if err != nil {
			t.Fatal(err)
		}
		i, _ = incidents.Advance(p, incidents.Incident{}, i, "alice", now)
		for range rapid.IntRange(1, 40).Draw(t, "acts") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 20, 60, 300, 1440, 5000, 20000}).Draw(t, "minutes")) * time.Minute)
			before, kept := i, fmt.Sprint(i.Roles, i.Steps, i.Snoozes)
			act, x := anyAct(t, p, i, now)
			if fmt.Sprint(before.Roles, before.Steps, before.Snoozes) != kept {
				t.Fatalf("%s changed what was loaded", act)
			}
			if x.err != nil {
				if _, no := incidents.AsRefusal(x.err); !no {
					t.Fatal(x.err)
				}
				continue
			}
			if !slices.Contains(incidents.Kinds(), x.e.Kind) || strings.Contains(x.e.Plain, marker) {
				t.Fatalf("%s: the entry %+v", act, x.e)
			}
			i = x.i
			if act != "phase" && act != "reopen" {
				i = moveOn(t, p, before, i, now)
			}
			oneLead(t, p, act, before, i)
			keptEmbargo(t, act, before, i)
			keptLocks(t, p, act, before, i, now)
			keptClocks(t, p, i, now)
		}
	})
}

// moveOn: the phase goes on and not back, never to closed, and not again for nothing.
func moveOn(t *rapid.T, p incidents.Plan, before, i incidents.Incident, now time.Time) incidents.Incident {
	j, moved := incidents.Advance(p, before, i, "alice", now)
	all := incidents.Phases()
	if from, to := slices.Index(all, i.Phase), slices.Index(all, j.Phase); to-from != len(moved) || (j.Phase == incidents.Closed && i.Open()) {
		t.Fatalf("from %s to %s with %v", i.Phase, j.Phase, moved)
	}
	if _, again := incidents.Advance(p, j, j, "alice", now); len(again) != 0 {
		t.Fatalf("nothing happened, and it moves on from %s by %v", j.Phase, again)
	}
	return j
}

// oneLead: from the first taking on there is always exactly one.
func oneLead(t *rapid.T, p incidents.Plan, act string, before, i incidents.Incident) {
	if before.Lead(p) != "" && i.Lead(p) == "" {
		t.Fatalf("%s: nobody leads after %s", act, before.Lead(p))
	}
	if before.Lead(p) != i.Lead(p) && (i.Handoff != incidents.Handoff{} || i.LeadSince.Before(before.LeadSince)) {
		t.Fatalf("%s: a new lead, and %+v", act, i.Handoff)
	}
}

// keptEmbargo: what is over stays over; what is agreed or set ends by word only.
func keptEmbargo(t *rapid.T, act string, before, i incidents.Incident) {
	was, is := before.Embargo, i.Embargo
	next := map[string][]string{
		"": {"proposed", "set", "broken"}, "proposed": {"proposed", "agreed", "set", "broken"}, "agreed": {"set", "moved", "lifted", "broken"},
		"set": {"moved", "lifted", "broken"}, "moved": {"moved", "lifted", "broken"},
	}
	switch {
	case was == is:
	case was.Over():
		t.Fatalf("%s: an embargo that is over comes back: %+v, %+v", act, was, is)
	case was.State != is.State && !slices.Contains(next[was.State], is.State):
		t.Fatalf("%s: from %s to %s", act, was.State, is.State)
	case was.Dated() && !is.Dated() && act != "lift" && act != "break":
		t.Fatalf("%s ended the embargo", act)
	case was.Dated() && !was.At.Equal(is.At) && act != "set" && act != "move":
		t.Fatalf("%s moved the embargo", act)
	}
}

// keptLocks: what is locked was not done, and nothing that makes it public is done
// before the embargo is over.
func keptLocks(t *rapid.T, p incidents.Plan, act string, before, i incidents.Incident, now time.Time) {
	for key, d := range i.Steps {
		s, _ := p.Step(key)
		if d.State != incidents.StepDone || before.Steps[key].State == incidents.StepDone {
			continue
		}
		if l := incidents.LockOf(p, before, s, now); l.Why != "" || !incidents.Applies(p, before, s) {
			t.Fatalf("%s: %s is done, and was locked by %q", act, key, l.Why)
		}
		if s.Gate == "embargo" && before.Embargo.Dated() {
			t.Fatalf("%s: %s is done under embargo", act, key)
		}
		if s.NotRole != "" && d.Who == before.Roles[s.NotRole] {
			t.Fatalf("%s: %s is done by its %s", act, key, s.NotRole)
		}
	}
}

// keptClocks: each clock whose conditions hold runs, once, and rings again; no other
// one does.
func keptClocks(t *rapid.T, p incidents.Plan, i incidents.Incident, now time.Time) {
	clocks := map[string]incidents.Clock{}
	for _, c := range incidents.Clocks(p, i) {
		if _, twice := clocks[c.Key]; twice {
			t.Fatalf("the clock %s runs twice", c.Key)
		}
		clocks[c.Key] = c
	}
	so := func(event string) bool { _, ok := incidents.Happened(p, i, event); return ok }
	for _, r := range p.Clocks {
		from, runs := incidents.Happened(p, i, r.From)
		runs = runs && i.Open() != (r.From == "closed")
		runs = runs && (len(r.Tracks) == 0 || slices.Contains(r.Tracks, incidents.TrackOf(p, i).Key))
		runs = runs && (len(r.Levels) == 0 || slices.Contains(r.Levels, i.Level))
		runs = runs && (len(r.Outcomes) == 0 || slices.ContainsFunc(r.Outcomes, func(o string) bool { return i.Outcome.Same(incidents.Seal(o)) }))
		for _, e := range r.When {
			runs = runs && so(e)
		}
		for _, e := range r.Until {
			runs = runs && !so(e) && i.Steps[strings.TrimPrefix(e, "step:")].State != incidents.StepSkipped
		}
		c, have := clocks[r.Key]
		if have != runs || have && !c.Due.Equal(from.Add(r.Due)) {
			t.Fatalf("the clock %s runs: %t, %+v; want %t", r.Key, have, c, runs)
		}
		if !have || c.Ended(now) {
			continue
		}
		next := c.NextRung(now)
		quiet := now.Before(c.Quiet)
		switch {
		case !next.After(now):
			t.Fatalf("the clock %s rings next at %v, and it is %v", r.Key, next, now)
		case quiet && (!next.Equal(c.Quiet) || c.Quiet.Sub(now) > 14*24*time.Hour && c.Quiet.After(c.Due)):
			t.Fatalf("the clock %s is quiet until %v, and rings at %v", r.Key, c.Quiet, next)
		case !quiet && !now.Before(c.Due) && next.Sub(now) > c.Repeat:
			t.Fatalf("the clock %s is overdue, and silent until %v", r.Key, next)
		case !quiet && now.Before(c.Due) && next.After(c.Due):
			t.Fatalf("the clock %s is due %v, and silent until %v", r.Key, c.Due, next)
		}
	}
}

// TestDaylightSavingMovesNothing: a date that was typed in a zone is an instant; its
// rungs are hours before it, however many clocks are turned meanwhile, and in whatever
// zone the instant is written.
func TestDaylightSavingMovesNothing(t *testing.T) {
	p, _ := pillow(t)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"Europe/Paris", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"}).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"), 10, 0, 0, 0, time.UTC)
		local := now.In(zone).AddDate(0, 0, rapid.IntRange(1, 60).Draw(t, "ahead"))
		w, err := incidents.ReadWhen(local.Format("2006-01-02")+" 16:00 "+name, now, nil, p.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.At.In(zone).Format("2006-01-02 15:04"); got != local.Format("2006-01-02")+" 16:00" {
			t.Fatalf("it is %s there", got)
		}
		i, _, err := incidents.OpenIncident(p, incidents.Opening{N: 1, Handle: "INC-1", Severity: "high"}, "alice", now)
		if err != nil {
			t.Fatal(err)
		}
		i, _, err = incidents.SetEmbargo(p, i, w, "alice", now)
		if err != nil {
			t.Fatal(err)
		}
		other := i
		for _, at := range []*time.Time{&other.OpenedAt, &other.ReportedAt, &other.LevelAt, &other.LeadSince, &other.Embargo.At} {
			*at = at.In(zone)
		}
		one, two := incidents.Clocks(p, i), incidents.Clocks(p, other)
		for k, c := range one {
			if !c.Due.Equal(two[k].Due) || !c.NextRung(now).Equal(two[k].NextRung(now.In(zone))) {
				t.Fatalf("%s: %v in UTC, %v in %s", c.Key, c.Due, two[k].Due, name)
			}
			r, _ := p.ClockRule(c.Key)
			for n, rung := range c.Rungs {
				if c.Due.Sub(rung) != r.Due-r.Rungs[n] || c.Due.Sub(two[k].Rungs[n]) != r.Due-r.Rungs[n] {
					t.Fatalf("%s: a rung %v before it is due, want %v", c.Key, c.Due.Sub(rung), r.Due-r.Rungs[n])
				}
			}
		}
	})
}
