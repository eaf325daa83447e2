package store

import (
	"testing"
	"time"

	"tocsin/incidents"
)

// change saves an incident after a change.
func (d *desk) change(n int, fn func(*incidents.Incident)) {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		i, err := tx.Incident(n)
		if err != nil {
			return err
		}
		fn(&i)
		_, err = tx.Save(i, incidents.Entry{Kind: "noted", Who: "alice", At: tx.Now()})
		return err
	})
}

// ring takes what rings now, at most one, and notes that it has its rows.
func (d *desk) ring() (out Ring, ok bool) {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		all, err := tx.Ringing()
		if err != nil || len(all) == 0 {
			return err
		}
		if len(all) > 1 {
			d.t.Fatalf("%d clocks ring", len(all))
		}
		out, ok = all[0], true
		return tx.Rung(out)
	})
	return out, ok
}

func (d *desk) next() (at time.Time) {
	d.t.Helper()
	d.do(func(tx *Tx) (err error) {
		at, err = tx.NextRung()
		return err
	})
	return at
}

func TestAClockRingsAtEachRungAndDailyWhenOverdue(t *testing.T) {
	d := newDesk(t)
	d.add()
	for day := 1; day <= 6; day++ {
		want := monday().Add(time.Duration(day) * 24 * time.Hour)
		if got := d.next(); !got.Equal(want) {
			t.Fatalf("the next rung is at %v, want %v", got, want)
		}
		d.now = want.Add(-time.Millisecond)
		if _, ok := d.ring(); ok {
			t.Fatalf("it rings a moment before %v", want)
		}
		d.now = want
		r, ok := d.ring()
		if !ok || !r.Rung.Equal(want) || r.Generation != 1 || r.Clock.Role != "lead" {
			t.Fatalf("at %v rings %+v, %v", want, r, ok)
		}
		if _, ok := d.ring(); ok {
			t.Fatalf("it rings twice at %v", want)
		}
	}
}

func TestAfterAnOutageOnlyTheNewestRungRings(t *testing.T) {
	d := newDesk(t)
	d.add()
	d.now = monday().Add(5*24*time.Hour + time.Minute)
	if r, ok := d.ring(); !ok || !r.Rung.Equal(monday().Add(5*24*time.Hour)) {
		t.Errorf("rings %+v, %v", r, ok)
	}
	if r, ok := d.ring(); ok {
		t.Errorf("and also %v", r.Rung)
	}
}

func TestAClockKeepsItsPlaceWhileNothingMovesIt(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.now = monday().Add(25 * time.Hour)
	rang, _ := d.ring()
	next := d.next()
	d.change(i.N, func(i *incidents.Incident) { i.Title = incidents.Seal("another title") })
	d.reopen()
	if got := d.next(); !got.Equal(next) {
		t.Errorf("the next rung moved from %v to %v", next, got)
	}
	if _, ok := d.ring(); ok {
		t.Error("a rung that rang rings again")
	}
	d.do(func(tx *Tx) error {
		_, runs, err := tx.Clock(i.N, "acknowledgement", rang.Generation)
		if !runs {
			t.Error("a reminder that waits to be said would be taken for overtaken")
		}
		return err
	})
}

// TestAClockMovedAwayAndBackRingsAgain: the generation tells a rung from the same
// one before it was moved.
func TestAClockMovedAwayAndBackRingsAgain(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.now = monday().Add(24 * time.Hour)
	first, ok := d.ring()
	if !ok {
		t.Fatal("nothing rings")
	}
	d.change(i.N, func(i *incidents.Incident) { i.ReportedAt = i.ReportedAt.Add(time.Hour) })
	d.do(func(tx *Tx) error {
		_, runs, err := tx.Clock(i.N, "acknowledgement", first.Generation)
		if runs {
			t.Error("the clock from before it was moved still counts")
		}
		return err
	})
	d.change(i.N, func(i *incidents.Incident) { i.ReportedAt = monday().Add(-time.Hour) })
	d.change(i.N, func(i *incidents.Incident) { i.ReportedAt = monday() })
	d.now = monday().Add(48 * time.Hour)
	second, ok := d.ring()
	if !ok || second.Generation != first.Generation+3 {
		t.Errorf("after three moves rings %+v, %v", second, ok)
	}
}

func TestAClockThatStoppedIsSilentAndStartsAnew(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.change(i.N, func(i *incidents.Incident) { i.Phase = incidents.Closed })
	if at := d.next(); !at.IsZero() {
		t.Errorf("a closed incident rings at %v", at)
	}
	d.now = monday().Add(80 * time.Hour)
	if _, ok := d.ring(); ok {
		t.Error("a closed incident rings")
	}
	d.change(i.N, func(i *incidents.Incident) { i.Phase = incidents.Reported })
	r, ok := d.ring()
	if !ok || r.Generation != 2 || !r.Rung.Equal(d.now) {
		t.Errorf("an incident that is overdue when it is taken up again rings %+v, %v", r, ok)
	}
}

func TestAnotherPlanReckonsOpenIncidentsOnce(t *testing.T) {
	d := newDesk(t)
	open, closed := d.add(), d.add()
	d.change(closed.N, func(i *incidents.Incident) { i.Phase = incidents.Closed })
	d.plan = onePlan()
	d.plan.Hash = "second"
	d.plan.Clocks[0].Due, d.plan.Clocks[0].Rungs = 2*time.Hour, []time.Duration{time.Hour, 2 * time.Hour}
	for _, want := range []int{1, 0} {
		d.do(func(tx *Tx) error {
			n, _, err := tx.Reckon("second")
			if n != want {
				t.Errorf("%d incidents were reckoned, want %d", n, want)
			}
			return err
		})
	}
	if got := d.next(); !got.Equal(monday().Add(time.Hour)) {
		t.Errorf("the next rung is at %v", got)
	}
	d.do(func(tx *Tx) error {
		i, err := tx.Incident(open.N)
		if i.PlanHash != "second" || i.Version != open.Version+1 {
			t.Errorf("plan %s, version %d", i.PlanHash, i.Version)
		}
		log, err2 := tx.Timeline(open.N, 1)
		if len(log) != 1 || log[0].Kind != "reckoned" {
			t.Errorf("the record says %+v", log)
		}
		_ = err2
		return err
	})
}
