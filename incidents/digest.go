package incidents

import (
	"slices"
	"time"
)

// DigestLines is how many incidents a digest tells of at most.
const DigestLines = 10

// DigestCard gives the facts of a digest: what is open, the most urgent first, at
// most so many. open is how many there are in all.
func DigestCard(p Plan, list []Incident, open, most int, now time.Time) Facts {
	var all []Facts
	for _, i := range list {
		i.Reporter = Reporter{} // it is about no incident: !forget would not find it
		all = append(all, digestLine(Card(p, i, now)))
	}
	slices.SortStableFunc(all, func(a, b Facts) int { return a["first"].(time.Time).Compare(b["first"].(time.Time)) })
	all = all[:min(len(all), most)]
	return Facts{"open": open, "incidents": all, "left": open - len(all)}
}

// digestLine puts what is overdue, and what is due next, onto an incident's card.
func digestLine(f Facts) Facts {
	clocks, _ := f["clocks"].([]Facts)
	late, next := []Facts{}, []Facts{}
	first := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) // nothing is due: it comes last
	for _, c := range clocks {
		due, _ := c["due"].(time.Time)
		if due.Before(first) {
			first = due
		}
		switch overdue, _ := c["overdue"].(bool); {
		case overdue:
			late = append(late, c)
		case len(next) == 0 || due.Before(next[0]["due"].(time.Time)):
			next = []Facts{c}
		}
	}
	return f.With("late", late).With("next", next).With("first", first)
}
