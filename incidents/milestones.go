package incidents

import (
	"slices"
	"time"
)

// Neutral gives the name of a phase as the standards have it, for texts that leave the
// desk. Source: ISO/IEC 30111:2019, the phases of vulnerability handling.
func (p Phase) Neutral() string {
	switch p {
	case Reported:
		return "receipt"
	case Triage:
		return "verification"
	case Fixing:
		return "remediation development"
	case Releasing:
		return "release"
	case Recovering:
		return "post-release"
	default:
		return string(p)
	}
}

// The milestones of an incident, all counted from the report.
const (
	Acknowledged = "acknowledge" // the reporter was answered
	Assessed     = "triage"      // it got its first level, or was closed without one
	Fixed        = "fix"         // a version with the fix was live
	Disclosed    = "disclose"    // it was public by our own doing
)

// MilestoneKeys lists them in order.
func MilestoneKeys() []string { return []string{Acknowledged, Assessed, Fixed, Disclosed} }

// Milestone is when something was reached that the time is taken of.
type Milestone struct {
	Key     string
	Applies bool          // it was reached, or is to be
	At      time.Time     // zero: not yet
	Took    time.Duration // since the report; until now while it is not reached
	Due     time.Time     // until when the plan, or what was agreed, wanted it; zero: no target
	Late    bool          // it was reached after that, or is not and it is past
}

// Milestones takes the times of an incident. entries are those of its record; of the
// kinds, only severity and closed count.
func Milestones(p Plan, i Incident, entries []Entry, now time.Time) []Milestone {
	var out []Milestone
	for _, key := range MilestoneKeys() {
		m := Milestone{Key: key}
		var events []string
		switch key {
		case Acknowledged:
			m.At, events = i.AckAt, []string{"acknowledged"}
			m.Applies = happened(p, i, "reporter")
		case Assessed:
			m.At, events = assessedAt(entries), []string{"leveled"}
			m.Applies = true
		case Fixed:
			m.At, _ = i.releasedAt(p)
			events = []string{"released"}
			for _, s := range p.Steps {
				if s.By == "released" {
					events = append(events, "step:"+s.Key)
				}
			}
			m.Applies = i.Open()
		case Disclosed:
			m.At, _ = Happened(p, i, "disclosed")
			events = []string{"disclosed", "over"}
			m.Applies = i.Open()
		}
		m.Applies = m.Applies || !m.At.IsZero()
		until := m.At
		if until.IsZero() {
			until = now
		}
		m.Took = max(0, until.Sub(i.ReportedAt))
		if m.Applies {
			var grace time.Duration
			m.Due, grace = target(p, i, events)
			m.Late = !m.Due.IsZero() && until.After(m.Due.Add(grace))
		}
		out = append(out, m)
	}
	return out
}

// assessedAt gives when a level was set first, or when it was closed without one.
func assessedAt(entries []Entry) time.Time {
	for _, e := range entries {
		if e.Kind == "severity" || e.Kind == "closed" {
			return e.At
		}
	}
	return time.Time{}
}

// embargoGrace is how long after an embargo's moment a disclosure is not late: the fix
// is pushed at that moment, its wheels take two to three hours, and the advisory comes
// after them (plan, 7.4.4; releases of Pillow in 2026).
const embargoGrace = 4 * time.Hour

// target gives until when the plan's clocks want that one of these events happens: the
// earliest of those that count from what happens to an incident once; the zero time
// when there is none. What is done within the grace after it is not late.
func target(p Plan, i Incident, events []string) (due time.Time, grace time.Duration) {
	for _, r := range p.Clocks {
		stops := slices.ContainsFunc(r.Until, func(e string) bool { return slices.Contains(events, e) })
		if !stops || !within(r.Tracks, TrackOf(p, i).Key) || !within(r.Levels, i.Level) || !allHappened(p, i, r.When) {
			continue
		}
		at, ok, late := time.Time{}, false, time.Duration(0)
		switch r.From {
		case "embargo":
			e := i.Embargo
			at, late = e.At, embargoGrace
			ok = r.Due == 0 && !e.At.IsZero() && (e.Dated() || e.State == EmbargoLifted)
		case "reported", "opened", "acknowledged", "begun", "wild", "reporter-date", "quarterly":
			at, ok = Happened(p, i, r.From)
		}
		if at = at.Add(r.Due); ok && (due.IsZero() || at.Before(due)) {
			due, grace = at, late
		}
	}
	return due, grace
}

// Stay is a phase with when it began.
type Stay struct {
	Phase Phase
	Since time.Time
}

// Stays tells from the record when an incident came into which phase.
func Stays(i Incident, entries []Entry) []Stay {
	out := []Stay{{Reported, i.OpenedAt}}
	answered := false
	for _, e := range entries {
		last := out[len(out)-1].Phase
		to := last
		switch e.Kind {
		case "phase":
			to = Phase(e.Plain)
		case "acknowledged":
			answered = true
			if last == Reported {
				to = Triage
			}
		case "closed":
			to = Closed
		case "reopened":
			if to = Reported; answered {
				to = Triage
			}
		}
		if to != last {
			out = append(out, Stay{to, e.At})
		}
	}
	return out
}
