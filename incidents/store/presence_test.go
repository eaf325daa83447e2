package store

import (
	"errors"
	"testing"
	"time"

	"tocsin/incidents"
)

func (d *desk) heardOf(person string) (at time.Time) {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		all, err := tx.HeardOf()
		at = all[person]
		return err
	})
	return at
}

func TestSeen(t *testing.T) {
	d := newDesk(t)
	see := func(at time.Time) { d.do(func(tx *Tx) error { return tx.Seen("alice", at) }) }
	for _, c := range []struct {
		name string
		sent time.Time
		want time.Time
	}{
		{"a message that came late", monday().Add(-5 * time.Hour), monday().Add(-5 * time.Hour)},
		{"an older one after it", monday().Add(-9 * time.Hour), monday().Add(-5 * time.Hour)},
		{"one from a clock that runs ahead", monday().Add(time.Hour), monday()},
		{"one without a time", time.Time{}, monday()},
	} {
		see(c.sent)
		if got := d.heardOf("alice"); !got.Equal(c.want) {
			t.Errorf("%s: heard at %v, want %v", c.name, got, c.want)
		}
	}
	d.now = monday().Add(-time.Hour) // the machine's clock was ahead
	if got := d.heardOf("alice"); got.After(d.now) {
		t.Errorf("heard at %v, which is to come", got)
	}
	see(d.now.Add(-time.Minute))
	if got := d.heardOf("alice"); !got.Equal(d.now.Add(-time.Minute)) {
		t.Errorf("heard at %v", got)
	}
	if got := d.heardOf("bob"); !got.IsZero() {
		t.Errorf("bob was heard at %v", got)
	}
}

func (d *desk) absences(after time.Time) (out []incidents.Absence) {
	d.t.Helper()
	d.do(func(tx *Tx) (err error) {
		out, err = tx.Absences(after)
		return err
	})
	return out
}

func TestAbsences(t *testing.T) {
	d := newDesk(t)
	day := func(n int) time.Time { return monday().AddDate(0, 0, n) }
	put := func(person string, from, until int) (instead int) {
		d.do(func(tx *Tx) (err error) {
			instead, err = tx.PutAway(incidents.Absence{Person: person, From: day(from), Until: day(until)}, person)
			return err
		})
		return instead
	}
	back := func(person string) (ok bool) {
		d.do(func(tx *Tx) (err error) {
			_, ok, err = tx.EndAway(person)
			return err
		})
		return ok
	}
	is := func(what string, want ...incidents.Absence) {
		t.Helper()
		got := d.absences(d.now)
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
		for k := range want {
			if got[k] != want[k] {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	if back("alice") {
		t.Error("back, and was never away")
	}
	put("alice", 5, 10)
	put("bob", 1, 3)
	if n := put("alice", 20, 30); n != 0 {
		t.Errorf("%d absences are taken back by one of another time", n)
	}
	if n := put("alice", 6, 12); n != 1 {
		t.Errorf("%d absences are taken back by another of the same time", n)
	}
	a6, a20, b1 := incidents.Absence{Person: "alice", From: day(6), Until: day(12)}, incidents.Absence{Person: "alice", From: day(20), Until: day(30)},
		incidents.Absence{Person: "bob", From: day(1), Until: day(3)}
	is("all", b1, a6, a20)
	d.now = day(8)
	is("a week later", a6, a20)
	if !back("alice") {
		t.Error("alice is away, and is not back")
	}
	is("back", a20)
	if got := d.absences(day(7)); len(got) != 2 || !got[0].Until.Equal(day(8)) {
		t.Errorf("as it was: %v", got)
	}
	if !back("alice") {
		t.Error("the absence to come is not taken back")
	}
	is("taken back")
	d.reopen()
	is("after a restart")
}

func TestReviewsAreOneAtATime(t *testing.T) {
	d := newDesk(t)
	start := func() error {
		return d.Update(t.Context(), func(tx *Tx) error { return tx.StartReview("alice") })
	}
	must(t, start())
	if start() == nil {
		t.Error("two reviews are open")
	}
	here := func(person string) (ok bool) {
		d.do(func(tx *Tx) (err error) {
			ok, err = tx.Here(person)
			return err
		})
		return ok
	}
	if !here("bob") || here("bob") {
		t.Error("bob is here once")
	}
	d.do(func(tx *Tx) error { return tx.EndReview("bob", incidents.Seal("well")) })
	if here("carol") {
		t.Error("carol is here for a review that is over")
	}
	d.do(func(tx *Tx) error {
		v, err := tx.Review()
		if v.Open() || v.EndedBy != "bob" || len(v.Here) != 1 || !v.Note.Same(incidents.Seal("well")) {
			t.Errorf("%+v", v)
		}
		return err
	})
	must(t, start())
}

func TestTokensAndChecks(t *testing.T) {
	d := newDesk(t)
	name := incidents.Seal("upload")
	d.do(func(tx *Tx) error { return tx.PutToken(incidents.Token{Name: name, Expires: monday(), By: "alice"}) })
	d.do(func(tx *Tx) error {
		return tx.PutToken(incidents.Token{Name: name, Expires: monday().Add(time.Hour), By: "bob"})
	})
	d.do(func(tx *Tx) error {
		all, err := tx.Tokens()
		if len(all) != 1 || all[0].By != "bob" || !all[0].Expires.Equal(monday().Add(time.Hour)) {
			t.Errorf("%+v", all)
		}
		return err
	})
	for _, want := range []bool{true, false} {
		d.do(func(tx *Tx) error {
			ok, err := tx.DropToken(name)
			if ok != want {
				t.Errorf("dropped: %v", ok)
			}
			return err
		})
	}
	d.do(func(tx *Tx) error { return tx.CheckContact("debian", "alice", incidents.Seal("first")) })
	d.now = d.now.Add(time.Hour)
	d.do(func(tx *Tx) error { return tx.CheckContact("debian", "bob", incidents.Sealed{}) })
	d.do(func(tx *Tx) error {
		all, err := tx.Checked()
		if c := all["debian"]; len(all) != 1 || c.By != "bob" || !c.At.Equal(d.now) || !c.Note.Empty() {
			t.Errorf("%+v", all)
		}
		return err
	})
}

// TestAliveIsNotedAfterAFailure: what was rolled back is not known.
func TestAliveIsNotedAfterAFailure(t *testing.T) {
	d := newDesk(t)
	d.now = d.now.Add(time.Hour)
	broken := errors.New("it is broken")
	for _, fn := range []func(*Tx) error{(*Tx).Alive, (*Tx).Listen} {
		err := d.Update(t.Context(), func(tx *Tx) error { return errors.Join(fn(tx), broken) })
		if !errors.Is(err, broken) || !d.alive.IsZero() || !d.listening.IsZero() {
			t.Errorf("%v: alive at %v, listening since %v", err, d.alive, d.listening)
		}
	}
	d.do((*Tx).Alive)
	d.do(func(tx *Tx) error {
		at, err := tx.metaInstant(aliveKey)
		if !at.Equal(d.now) {
			t.Errorf("it was there at %v", at)
		}
		return err
	})
}
