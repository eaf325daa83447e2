package incidents

import "time"

// Clock is something due for an incident, derived from it and the plan and
// never typed in.
type Clock struct {
	Key    string
	Due    time.Time
	Rungs  []time.Time // when to remind, in rising order; the last one is Due
	Repeat time.Duration
	Role   string
}

// Clocks derives what is due. It is a pure function of the incident and the
// plan; the store keeps what it says in the transaction of every change.
func Clocks(p Plan, i Incident) []Clock {
	var out []Clock
	for _, r := range p.Clocks {
		from, ok := startOf(p, i, r)
		if !ok {
			continue
		}
		c := Clock{Key: r.Key, Due: from.Add(r.Due), Repeat: r.Repeat, Role: r.Role}
		for _, d := range r.Rungs {
			c.Rungs = append(c.Rungs, from.Add(d))
		}
		out = append(out, c)
	}
	return out
}

// startOf gives the instant from which a clock runs, and whether it runs.
func startOf(p Plan, i Incident, r ClockRule) (time.Time, bool) {
	if !i.Open() {
		return time.Time{}, false
	}
	switch r.From {
	case "reported": // acknowledgement, plan 7.1.1: counts from the report, not from its opening here
		s := p.SourceOf(i)
		waits := s.Key == "" || s.Reporter
		return i.ReportedAt, waits && i.AckAt.IsZero()
	default:
		return time.Time{}, false
	}
}

// Starts lists the instants that a plan's clocks may count from.
func Starts() []string { return []string{"reported"} }

// NextRung gives the first rung of a clock after t: the ladder's, then one each
// Repeat after Due, for ever.
func (c Clock) NextRung(t time.Time) time.Time {
	for _, r := range c.Rungs {
		if r.After(t) {
			return r
		}
	}
	n := t.Sub(c.Due)/c.Repeat + 1
	return c.Due.Add(n * c.Repeat)
}

// LastRung gives the newest rung at or before t, or the zero time when none is.
func (c Clock) LastRung(t time.Time) time.Time {
	if t.Before(c.Due) {
		var last time.Time
		for _, r := range c.Rungs {
			if !r.After(t) {
				last = r
			}
		}
		return last
	}
	return c.Due.Add(t.Sub(c.Due) / c.Repeat * c.Repeat)
}

// FirstRung gives when a clock that starts to run at now is said first: at once
// when it is overdue already, else at its next rung.
func (c Clock) FirstRung(now time.Time) time.Time {
	if !now.Before(c.Due) {
		return now
	}
	return c.NextRung(now)
}
