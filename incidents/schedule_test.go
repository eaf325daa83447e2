package incidents

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// each is a calendar of every so many hours since 1970.
type each time.Duration

func (e each) Next(after time.Time) time.Time {
	return after.Add(time.Nanosecond).Add(time.Duration(e) - time.Nanosecond).Truncate(time.Duration(e))
}

func morningOf(d int, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, time.UTC) }

func TestAScheduleRingsOnce(t *testing.T) {
	r := ScheduleRule{Key: Digest, Times: each(24 * time.Hour)}
	u := r.First(morningOf(23, 9))
	if !u.Next.Equal(morningOf(24, 0)) {
		t.Fatalf("first %v", u.Next)
	}
	if _, rings := r.Ring(u, morningOf(24, 0).Add(-time.Millisecond)); rings {
		t.Error("it rings a moment early")
	}
	u, rings := r.Ring(u, morningOf(24, 0))
	if !rings || !u.Rung.Equal(morningOf(24, 0)) || !u.Next.Equal(morningOf(25, 0)) || u.Number != 1 {
		t.Errorf("%+v, %v", u, rings)
	}
	if _, rings := r.Ring(u, morningOf(24, 23)); rings {
		t.Error("it rings twice")
	}
	u, rings = r.Ring(u, morningOf(28, 5)) // off for days
	if !rings || !u.Rung.Equal(morningOf(28, 0)) || !u.Next.Equal(morningOf(29, 0)) || u.Number != 2 {
		t.Errorf("after an outage: %+v, %v", u, rings)
	}
}

func TestAScheduleIsRepeatedUntilItIsDone(t *testing.T) {
	r := ScheduleRule{Key: Readiness, Times: each(10 * 24 * time.Hour), Repeat: 24 * time.Hour}
	u := r.First(morningOf(23, 9))
	due := u.Next
	for day := range 3 {
		var rings bool
		at := due.Add(time.Duration(day) * 24 * time.Hour)
		if u, rings = r.Ring(u, at); !rings || !u.Rung.Equal(at) || !u.Due.Equal(due) || !u.Next.Equal(at.Add(24*time.Hour)) {
			t.Fatalf("day %d: %+v, %v", day, u, rings)
		}
	}
	u, rings := r.Ring(u, due.Add(5*24*time.Hour+time.Hour))
	if !rings || !u.Rung.Equal(due.Add(5*24*time.Hour)) {
		t.Errorf("after an outage: %+v, %v", u, rings)
	}
	u = r.Finish(u, due.Add(5*24*time.Hour+2*time.Hour))
	if !u.Done || !u.Next.Equal(due.Add(10*24*time.Hour)) {
		t.Errorf("done: %+v", u)
	}
	if u, rings = r.Ring(u, u.Next); !rings || u.Done || !u.Due.Equal(due.Add(10*24*time.Hour)) {
		t.Errorf("the next one: %+v, %v", u, rings)
	}
	// Done after it was due and before it rang: that was for this date.
	u = r.Finish(r.First(morningOf(23, 9)), due.Add(time.Minute))
	if u, rings = r.Ring(u, due.Add(2*time.Minute)); rings || !u.Next.Equal(due.Add(10*24*time.Hour)) {
		t.Errorf("%+v, %v", u, rings)
	}
	// Done the day before: it was for the date before.
	u = r.Finish(r.First(morningOf(23, 9)), due.Add(-24*time.Hour))
	if _, rings = r.Ring(u, due); !rings {
		t.Error("a review of the day before counts for this date")
	}
}

// TestAMachinesClockPutRight: whatever it rang for while its clock was far ahead
// rings again when it comes, and a second back says nothing twice.
func TestAMachinesClockPutRight(t *testing.T) {
	r := ScheduleRule{Key: Digest, Times: each(24 * time.Hour)}
	u, _ := r.Ring(r.First(morningOf(23, 9)), morningOf(24, 0))
	back := r.Mend(u, morningOf(24, 0).Add(-time.Second))
	if !back.Next.Equal(morningOf(25, 0)) {
		t.Errorf("a second back: %+v", back)
	}
	ahead, _ := r.Ring(u, morningOf(24, 0).AddDate(1, 0, 0))
	back = r.Mend(ahead, morningOf(24, 9))
	if !back.Next.Equal(morningOf(25, 0)) {
		t.Errorf("a year back: %+v", back)
	}
	if u, rings := r.Ring(back, morningOf(25, 0)); !rings || !u.Rung.Equal(morningOf(25, 0)) || u.Number != ahead.Number+1 {
		t.Errorf("%+v, %v", u, rings)
	}
	r = ScheduleRule{Key: Readiness, Times: each(100 * 24 * time.Hour), Repeat: 24 * time.Hour}
	u = r.First(morningOf(23, 9))
	due := u.Next
	u, _ = r.Ring(u, due)
	ahead, _ = r.Ring(u, due.Add(30*24*time.Hour))
	back = r.Mend(ahead, due.Add(time.Hour))
	if !back.Next.Equal(due.Add(24*time.Hour)) || !back.Due.Equal(due) {
		t.Errorf("a month back: %+v", back)
	}
}

// TestNoScheduleIsLostOrSaidTwice, however long the bot was off and however often
// it was started: each instant of the calendar is said, or a newer one is, and none
// twice.
func TestNoScheduleIsLostOrSaidTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		hours := rapid.SampledFrom([]int{1, 7, 24, 240}).Draw(rt, "every")
		r := ScheduleRule{Key: Digest, Times: each(time.Duration(hours) * time.Hour)}
		if rapid.Bool().Draw(rt, "repeated") {
			r.Repeat = 24 * time.Hour
		}
		now := morningOf(23, 9)
		began := now
		u := r.First(now)
		var said []time.Time
		done := time.Time{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 100*60).Draw(rt, "minutes")) * time.Minute)
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				u = r.Mend(u, now)
			case 1:
				u, done = r.Finish(u, now), now
			}
			var rings bool
			if u, rings = r.Ring(u, now); rings {
				said = append(said, u.Rung)
			}
			if n := len(said); n > 1 && !said[n-1].After(said[n-2]) {
				rt.Fatalf("%v is said after %v", said[n-1], said[n-2])
			}
			if u.Next.IsZero() || !u.Next.After(now) {
				rt.Fatalf("at %v it rings next at %v", now, u.Next)
			}
			due := r.last(began, now)
			if due.IsZero() || !done.Before(due) {
				continue
			}
			if len(said) == 0 || said[len(said)-1].Before(due) {
				rt.Fatalf("%v passed, and the last that was said is %v", due, said)
			}
			if newest := due.Add(now.Sub(due) / (24 * time.Hour) * 24 * time.Hour); r.Repeat > 0 && !said[len(said)-1].Equal(newest) {
				rt.Fatalf("overdue since %v, at %v the last that was said is %v", due, now, said[len(said)-1])
			}
		}
	})
}
