package incidents

import (
	"slices"
	"strings"
	"time"
)

// Clock is something due for an incident, derived from it and the plan and
// never typed in.
type Clock struct {
	Key    string
	Due    time.Time
	Rungs  []time.Time   // when to remind, in rising order; the last one is Due
	Repeat time.Duration // and again when overdue; 0: never
	Quiet  time.Time     // it was put off: nothing is said before this; zero: it was not
	Role   string        // whom it concerns
	All    time.Time     // from this rung on it concerns everybody; zero: never
}

// Snooze puts a clock off.
type Snooze struct {
	Until time.Time
	Due   time.Time // of the clock when it was put off: one that moved is not
	Who   string
	Why   Sealed
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
		if r.All {
			c.All = from.Add(r.Everyone)
		}
		if s, ok := i.Snoozes[r.Key]; ok && s.Due.Equal(c.Due) {
			c.Quiet = s.Until
		}
		out = append(out, c)
	}
	return out
}

// startOf gives the instant from which a clock runs, and whether it runs. Of a
// closed incident only those run that count from its closing.
func startOf(p Plan, i Incident, r ClockRule) (time.Time, bool) {
	if i.Open() == (r.From == "closed") {
		return time.Time{}, false
	}
	if len(r.Tracks) > 0 && !slices.Contains(r.Tracks, TrackOf(p, i).Key) || !within(r.Levels, i.Level) {
		return time.Time{}, false
	}
	if len(r.Outcomes) > 0 && !slices.ContainsFunc(r.Outcomes, func(o string) bool { return i.Outcome.Same(Seal(o)) }) {
		return time.Time{}, false
	}
	from, ok := Happened(p, i, r.From)
	return from, ok && allHappened(p, i, r.When) && !anyHappened(p, i, r.Until) && !leftOut(i, r.Until)
}

// leftOut reports whether one of these events is a step that somebody left out by
// word: what waits for it would wait for ever.
func leftOut(i Incident, events []string) bool {
	return slices.ContainsFunc(events, func(e string) bool {
		key, ok := strings.CutPrefix(e, "step:")
		return ok && i.Steps[key].State == StepSkipped
	})
}

// Never is an instant that does not come: when a clock that is not repeated rings
// next.
func Never() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

// soonest sorts clocks by when they are due.
func soonest(clocks []Clock) []Clock {
	slices.SortStableFunc(clocks, func(a, b Clock) int { return a.Due.Compare(b.Due) })
	return clocks
}

// Ended reports whether a clock has nothing more to say: it is over, and not
// repeated.
func (c Clock) Ended(now time.Time) bool { return c.Repeat == 0 && !now.Before(c.Due) }

// NextRung gives the first rung of a clock after t: the ladder's, then one each
// Repeat after Due, for ever. One that was put off rings next when that is over.
func (c Clock) NextRung(t time.Time) time.Time {
	if t.Before(c.Quiet) {
		return c.Quiet
	}
	for _, r := range c.Rungs {
		if r.After(t) {
			return r
		}
	}
	if c.Repeat == 0 {
		return Never()
	}
	n := t.Sub(c.Due)/c.Repeat + 1
	return c.Due.Add(n * c.Repeat)
}

// LastRung gives the newest rung at or before t, or the zero time when none is.
func (c Clock) LastRung(t time.Time) time.Time {
	if t.Before(c.Quiet) {
		return time.Time{}
	}
	var last time.Time
	if !c.Quiet.IsZero() {
		last = c.Quiet
	}
	if t.Before(c.Due) {
		for _, r := range c.Rungs {
			if !r.After(t) {
				last = later(last, r)
			}
		}
		return last
	}
	if c.Repeat == 0 {
		return later(last, c.Due)
	}
	return later(last, c.Due.Add(t.Sub(c.Due)/c.Repeat*c.Repeat))
}

// FirstRung gives when a clock that starts to run at now is said first: at once
// when it is overdue already, else at its next rung. One that is never repeated
// is not said any more when it is over.
func (c Clock) FirstRung(now time.Time) time.Time {
	if !now.Before(c.Due) && c.Repeat != 0 && !now.Before(c.Quiet) {
		return now
	}
	return c.NextRung(now)
}

// snoozeMost is how long a clock that is overdue can be put off at once.
const snoozeMost = 14 * 24 * time.Hour

// forOthers reports whether a clock tells others of a silence: who is silent, or
// anybody, must not keep it from them.
func forOthers(p Plan, key string) bool {
	r, _ := p.ClockRule(key)
	return r.From == "lead-heard" || r.From == "handoff"
}

// SnoozeClock puts a clock off until an instant: before it is due at most until
// then, since what is due is always said; afterwards for two weeks at most.
func SnoozeClock(p Plan, i Incident, key string, until time.Time, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	var c Clock
	for _, have := range Clocks(p, i) {
		if have.Key == key {
			c = have
		}
	}
	switch {
	case c.Key == "" || c.Ended(now):
		return i, Entry{}, Refuse("clock-stopped", "clock", p.ClockName(key), "handle", i.Handle)
	case !until.After(now):
		return i, Entry{}, Refuse("snooze-past")
	case now.Before(c.Due) && forOthers(p, key):
		return i, Entry{}, Refuse("snooze-lead")
	case now.Before(c.Due) && until.After(c.Due):
		return i, Entry{}, Refuse("snooze-beyond", "clock", p.ClockName(key), "due", c.Due)
	case until.Sub(now) > snoozeMost:
		return i, Entry{}, Refuse("snooze-too-long", "last", now.Add(snoozeMost))
	}
	out := make(map[string]Snooze, len(i.Snoozes)+1)
	for k, s := range i.Snoozes {
		out[k] = s
	}
	out[key] = Snooze{Until: until, Due: c.Due, Who: who, Why: why}
	i.Snoozes = out
	return i, Entry{Kind: "snoozed", Who: who, At: now, Plain: `"` + p.ClockName(key) + `" until ` + SayInstant(until), Text: why}, nil
}
