package store

import (
	"errors"
	"testing"
	"time"

	"tocsin/incidents"
)

// midnights is a calendar of every midnight.
type midnights struct{}

func (midnights) Next(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(24 * time.Hour) }

func calendarDesk(t *testing.T) *desk {
	d := newDesk(t)
	d.plan.Schedules = []incidents.ScheduleRule{{Key: incidents.Digest, Times: midnights{}}}
	return d
}

// strike takes what rings now.
func (d *desk) strike() (out []incidents.Turn) {
	d.t.Helper()
	d.do(func(tx *Tx) (err error) {
		out, err = tx.Strike()
		return err
	})
	return out
}

func (d *desk) nextStrike() (at time.Time) {
	d.t.Helper()
	d.do(func(tx *Tx) (err error) {
		at, err = tx.NextStrike()
		return err
	})
	return at
}

func TestAScheduleRingsOnceOverRestarts(t *testing.T) {
	d := calendarDesk(t)
	if got := d.strike(); len(got) != 0 || !d.nextStrike().Equal(monday().Truncate(24*time.Hour).Add(24*time.Hour)) {
		t.Fatalf("at first %+v, next %v", got, d.nextStrike())
	}
	for day := 1; day <= 5; day++ {
		at := monday().Truncate(24*time.Hour).AddDate(0, 0, day)
		d.now = at.Add(-time.Millisecond)
		d.reopen()
		if got := d.strike(); len(got) != 0 {
			t.Fatalf("a moment before %v: %+v", at, got)
		}
		d.now = at
		d.reopen()
		lost := errors.New("the machine lost power")
		err := d.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.Strike()
			return errors.Join(err, lost)
		})
		if !errors.Is(err, lost) {
			t.Fatal(err)
		}
		d.reopen()
		if got := d.strike(); len(got) != 1 || got[0].Number != day || !got[0].Rung.Equal(at) {
			t.Fatalf("at %v: %+v", at, got)
		}
		d.reopen()
		d.do((*Tx).Mend)
		if got := d.strike(); len(got) != 0 {
			t.Fatalf("twice at %v: %+v", at, got)
		}
	}
	d.now = d.now.Add(77 * time.Hour)
	d.do((*Tx).Mend) // a start looks for clocks that are wrong: what was missed is none
	if got := d.strike(); len(got) != 1 || got[0].Number != 6 || !got[0].Rung.Equal(d.now.Truncate(24*time.Hour)) {
		t.Errorf("after an outage: %+v", got)
	}
}

func TestAScheduleOfAMachineWhoseClockWasWrong(t *testing.T) {
	d := calendarDesk(t)
	d.strike()
	d.now = monday().AddDate(1, 0, 0)
	if got := d.strike(); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	d.now = monday().Add(time.Hour)
	d.do((*Tx).Mend)
	if got := d.nextStrike(); !got.Equal(monday().Truncate(24 * time.Hour).Add(24 * time.Hour)) {
		t.Errorf("next %v", got)
	}
	d.now = monday().Add(24 * time.Hour)
	if got := d.strike(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	d.now = d.now.Truncate(24 * time.Hour).Add(-time.Second)
	d.do((*Tx).Mend)
	d.now = d.now.Add(10 * time.Second)
	if got := d.strike(); len(got) != 0 {
		t.Errorf("a second back says it twice: %+v", got)
	}
}

// TestAScheduleThatThePlanHasNoMore does not keep the bot awake, nor does a review
// in a plan without one fail.
func TestAScheduleThatThePlanHasNoMore(t *testing.T) {
	d := calendarDesk(t)
	d.strike()
	d.plan.Schedules = nil
	if got := d.nextStrike(); !got.IsZero() {
		t.Errorf("next %v", got)
	}
	d.now = d.now.AddDate(0, 1, 0)
	d.do((*Tx).Mend)
	if got := d.strike(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	d.do(func(tx *Tx) error { return tx.StartReview("alice") })
}
