package store

import (
	"context"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestNoticesAreKept: who was told, and which library it is about, also after a
// restart.
func TestNoticesAreKept(t *testing.T) {
	d := newDesk(t)
	d.plan.Map.Downstream = []incidents.Downstream{{Key: "alpine", Name: "Alpine Linux", Kind: incidents.Distribution}}
	i, other := d.add(), d.add()
	change := func(rule func(incidents.Incident, time.Time) (incidents.Incident, incidents.Entry, error)) {
		t.Helper()
		d.do(func(tx *Tx) error {
			have, err := tx.Incident(i.N)
			if err != nil {
				return err
			}
			j, e, err := rule(have, tx.Now())
			if err == nil {
				i, err = tx.Save(j, e)
			}
			return err
		})
		d.now = d.now.Add(time.Hour)
		d.reopen()
	}
	change(func(i incidents.Incident, now time.Time) (incidents.Incident, incidents.Entry, error) {
		return incidents.SetFact(i, "library", "libtiff", "alice", now)
	})
	change(func(i incidents.Incident, now time.Time) (incidents.Incident, incidents.Entry, error) {
		return incidents.AddNotice(*d.plan, i, "FreeBSD", incidents.Seal("secteam@freebsd.org"), "carol", now)
	})
	change(func(i incidents.Incident, now time.Time) (incidents.Incident, incidents.Entry, error) {
		i, e, _, err := incidents.SendNotice(*d.plan, i, "alpine", incidents.Telling{At: now, By: "carol", Via: incidents.Seal("email"), Note: incidents.Seal("with the patch")}, now)
		return i, e, err
	})
	change(func(i incidents.Incident, now time.Time) (incidents.Incident, incidents.Entry, error) {
		i, e, _, err := incidents.SendNotice(*d.plan, i, "freebsd", incidents.Telling{At: now, By: "carol"}, now)
		return i, e, err
	})
	change(func(i incidents.Incident, now time.Time) (incidents.Incident, incidents.Entry, error) {
		return incidents.AnswerNotice(*d.plan, i, "freebsd", incidents.Seal("thank you"), "dana", now)
	})
	change(func(i incidents.Incident, now time.Time) (incidents.Incident, incidents.Entry, error) {
		i, e, again, err := incidents.SendNotice(*d.plan, i, "alpine", incidents.Telling{At: now, By: "dana", Via: incidents.Seal("phone"), Note: incidents.Seal("again")}, now)
		if !again {
			t.Error("nobody knows that Alpine was told before")
		}
		return i, e, err
	})
	d.do(func(tx *Tx) error {
		got, err := tx.Incident(i.N)
		if err != nil {
			return err
		}
		at := func(h int) time.Time { return monday().Add(time.Duration(h) * time.Hour) }
		want := []incidents.Notice{
			{
				ID: incidents.Seal("freebsd"), Name: incidents.Seal("FreeBSD"), Contact: incidents.Seal("secteam@freebsd.org"), AddedBy: "carol", AddedAt: at(1),
				SentAt: at(3), SentBy: "carol", HeardAt: at(4), HeardBy: "dana", Answer: incidents.Seal("thank you"),
			},
			{ID: incidents.Seal("alpine"), SentAt: at(2), SentBy: "carol", Via: incidents.Seal("email"), Note: incidents.Seal("with the patch"), More: []incidents.Telling{{At: at(5), By: "dana", Via: incidents.Seal("phone"), Note: incidents.Seal("again")}}},
		}
		if len(got.Notices) != len(want) {
			t.Fatalf("%d notices are kept", len(got.Notices))
		}
		for k, n := range got.Notices {
			if !sameNotice(n, want[k]) || !n.Name.Same(want[k].Name) || !n.Contact.Same(want[k].Contact) || n.AddedBy != want[k].AddedBy || !n.AddedAt.Equal(want[k].AddedAt) {
				t.Errorf("notice %d is not as it was", k)
			}
		}
		if m := got.Notices[1].More; len(m) != 1 || !m[0].At.Equal(at(5)) || m[0].By != "dana" || !m[0].Via.Same(incidents.Seal("phone")) || !m[0].Note.Same(incidents.Seal("again")) {
			t.Errorf("told again: %+v", m)
		}
		if !got.Library.Same(incidents.Seal("libtiff")) {
			t.Error("the library is lost")
		}
		if o, err := tx.Incident(other.N); err != nil || len(o.Notices) != 0 || !o.Library.Empty() {
			t.Errorf("another incident has them as well: %v", err)
		}
		open, err := tx.OpenOf("libtiff")
		if err != nil || len(open) != 1 || open[0].N != i.N {
			t.Errorf("open incidents of it: %d, %v", len(open), err)
		}
		open, err = tx.OpenOf("zlib")
		if err != nil || len(open) != 0 {
			t.Errorf("open incidents of another: %d, %v", len(open), err)
		}
		return err
	})
	if _, err := d.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestTurns gives what times are taken from, and nothing that was typed.
func TestTurns(t *testing.T) {
	d := newDesk(t)
	d.plan.Levels = []incidents.Level{{Key: "high", Name: "High", From: 70, To: 89}}
	d.plan.Outcomes = []incidents.Outcome{{Key: "fixed", Name: "fixed"}}
	i, _ := d.add(), d.add()
	d.now = d.now.Add(time.Hour)
	d.do(func(tx *Tx) error {
		j, e, err := incidents.SetSeverity(*d.plan, i, "high", incidents.Seal("a reason"), "bob", tx.Now())
		if err != nil {
			return err
		}
		k, f, err := incidents.Close(*d.plan, j, "fixed", incidents.Seal("a reason"), "alice", tx.Now().Add(time.Hour))
		if err == nil {
			_, err = tx.Save(k, e, f)
		}
		return err
	})
	d.reopen()
	d.do(func(tx *Tx) error {
		turns, err := tx.Turns()
		if err != nil || len(turns) != 1 || len(turns[i.N]) != 2 {
			t.Fatalf("%d of the incidents have %d: %v", len(turns), len(turns[i.N]), err)
		}
		one, two := turns[i.N][0], turns[i.N][1]
		if one.Kind != "severity" || one.Plain != "High" || !one.At.Equal(monday().Add(time.Hour)) || two.Kind != "closed" || !one.Text.Empty() || !two.Text.Empty() {
			t.Errorf("%+v, %+v", one, two)
		}
		return nil
	})
}
