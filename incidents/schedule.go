package incidents

import "time"

// Schedule gives the first instant after another one at which something of the
// calendar is due; the zero time when none comes. It is reckoned in UTC.
type Schedule interface {
	Next(after time.Time) time.Time
}

// ScheduleRule is something that is due by the calendar, and not for one incident.
type ScheduleRule struct {
	Key     string
	Name    string
	Section string
	Times   Schedule
	Repeat  time.Duration // how often it is said again until it is done; 0: it is said once
}

// The schedules that the bot knows what to do at.
const (
	Readiness = "readiness" // the quarterly review (plan, section 1.3)
	Digest    = "digest"    // what is open, daily
)

// ScheduleKeys lists the schedules that a plan may have.
func ScheduleKeys() []string { return []string{Readiness, Digest} }

// Schedule finds a schedule by key.
func (p Plan) Schedule(key string) (ScheduleRule, bool) {
	return one(p.Schedules, key, func(r ScheduleRule) string { return r.Key })
}

// NextQuarterly gives the plan's next quarterly date after an instant (section
// 1.3): when the readiness review and the next scheduled release are due. False
// when the plan has none.
func (p Plan) NextQuarterly(after time.Time) (time.Time, bool) {
	r, ok := p.Schedule(Readiness)
	if !ok {
		return time.Time{}, false
	}
	at := r.Times.Next(after.UTC())
	return at, !at.IsZero()
}

// Turn is where a schedule stands.
type Turn struct {
	Key    string
	Number int       // how often it rang; the same number never rings twice
	Due    time.Time // the newest instant of the calendar that it rang for; zero before the first
	Rung   time.Time // what it rang for last: Due, or a repetition of it
	Next   time.Time // when it rings next; zero when never
	Done   bool      // what was due at Due was done
}

// farBack bounds how much of the calendar is walked through after an outage.
const farBack = 400 * 24 * time.Hour

// last gives the newest instant of the calendar after one instant and not after
// now; zero when there is none.
func (r ScheduleRule) last(after, now time.Time) (at time.Time) {
	if old := now.Add(-farBack); after.Before(old) {
		after = old
	}
	for next := r.Times.Next(after); !next.IsZero() && !next.After(now); next = r.Times.Next(next) {
		at = next
	}
	return at
}

// First gives the turn of a schedule that is new: it waits for the next instant of
// the calendar.
func (r ScheduleRule) First(now time.Time) Turn { return Turn{Key: r.Key, Next: r.Times.Next(now)} }

// Ring gives the turn after now, and whether something is to be said. After an
// outage only the newest instant counts; the older ones are overtaken by it.
func (r ScheduleRule) Ring(t Turn, now time.Time) (Turn, bool) {
	if t.Next.IsZero() || now.Before(t.Next) {
		return t, false
	}
	due := r.last(t.since(), now)
	switch {
	case !due.IsZero():
		t.Due, t.Rung, t.Done = due, due, false
	case t.Due.IsZero() || t.Done || r.Repeat == 0: // the plan was changed meanwhile: that instant is in it no more
		t.Next = r.Times.Next(now)
		return t, false
	}
	t.Number++
	t.Next = r.Times.Next(now)
	if r.Repeat > 0 {
		n := now.Sub(t.Due) / r.Repeat
		t.Rung = t.Due.Add(n * r.Repeat)
		t.Next = nextOf(t.Next, t.Due.Add((n+1)*r.Repeat))
	}
	return t, true
}

// since gives the instant after which the calendar has not been said yet.
func (t Turn) since() time.Time {
	if t.Due.IsZero() {
		return t.Next.Add(-time.Second) // a calendar knows whole seconds
	}
	return t.Due
}

// Finish gives the turn when what is due is done at now: it rings for the next
// instant of the calendar.
func (r ScheduleRule) Finish(t Turn, now time.Time) Turn {
	if due := r.last(t.since(), now); !t.Next.IsZero() && !due.IsZero() {
		t.Due = due
	}
	t.Done, t.Next = true, r.Times.Next(now)
	return t
}

// smallStep is how far a machine's clock may be put back without anything being
// said again.
const smallStep = 2 * time.Hour

// Mend gives the turn when the machine's clock may have been wrong, or the plan is
// another one: what it rang for in what is now far ahead rings again when it comes,
// and what is due by the calendar is never later than the calendar has it. A small
// step back says nothing twice.
func (r ScheduleRule) Mend(t Turn, now time.Time) Turn {
	if t.Rung.After(now.Add(smallStep)) {
		t.Rung = t.Due
	}
	if t.Due.After(now.Add(smallStep)) {
		t.Due, t.Rung, t.Done = time.Time{}, time.Time{}, false
	}
	from := now
	if t.Rung.After(now) {
		from = t.Rung
	}
	next := r.Times.Next(from)
	if r.Repeat > 0 && !t.Done && !t.Due.IsZero() {
		next = nextOf(next, t.Due.Add((max(from.Sub(t.Due), 0)/r.Repeat+1)*r.Repeat))
	}
	if t.Next.IsZero() || t.Next.After(now) { // else it is due, and rings
		t.Next = next
	}
	return t
}

func nextOf(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
