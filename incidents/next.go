package incidents

import (
	"slices"
	"time"
)

// Todo is one thing that is to be done now.
type Todo struct {
	Step Step      // a step of the checklist, or
	Rule ClockRule // a clock that no open step stops
	Who  string    // whose it is, or "": anybody
	Due  time.Time // until when; zero: no clock says
}

// Next gives what is to be done now in an incident, by whom, until when: the steps
// of its phase that nothing locks, and what clocks ask for besides, the most urgent
// first.
func Next(p Plan, i Incident, now time.Time) []Todo {
	var out []Todo
	var stopped []string
	clocks := soonest(Clocks(p, i))
	for _, s := range OpenSteps(p, i, i.Phase) {
		if s.Optional {
			continue // its clock asks, should it have one
		}
		for _, r := range p.Clocks {
			if stops(r, s) {
				stopped = append(stopped, r.Key)
			}
		}
		if lockOf(p, i, s, clocks, now).Why == "" {
			out = append(out, Todo{Step: s, Who: i.Roles[s.Role], Due: dueOf(p, s, clocks)})
		}
	}
	for _, c := range clocks {
		r, _ := p.ClockRule(c.Key)
		if slices.Contains(stopped, c.Key) || now.Before(c.Quiet) || !asks(c, now) {
			continue
		}
		out = append(out, Todo{Rule: r, Who: roleHolder(i, c.Role), Due: c.Due})
	}
	// What is due comes by its instant, what is due within a day before all the rest,
	// which stays in the plan's order.
	slices.SortStableFunc(out, func(a, b Todo) int {
		x, y := a.urgent(now), b.urgent(now)
		switch {
		case x && y:
			return a.Due.Compare(b.Due)
		case x:
			return -1
		case y:
			return 1
		default:
			return 0
		}
	})
	return out
}

func (t Todo) urgent(now time.Time) bool {
	return !t.Due.IsZero() && t.Due.Sub(now) < 24*time.Hour
}

// askAhead is how long before it is due a clock asks for something to be done.
const askAhead = 72 * time.Hour

// asks reports whether a clock asks for something by now: it is overdue, or due before
// long and its first rung has come.
func asks(c Clock, now time.Time) bool {
	return !c.Ended(now) && (!now.Before(c.Due) || c.Due.Sub(now) <= askAhead && !c.LastRung(now).IsZero())
}
