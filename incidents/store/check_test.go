package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/incidents"
)

// TestALookUpIsKept, the newest one of each release, with its row: one for each.
func TestALookUpIsKept(t *testing.T) {
	d := newDesk(t)
	d.add()
	r := incidents.Release{Version: incidents.Seal("12.3.1"), Carries: []int{1}}
	d.do(func(tx *Tx) (err error) {
		if c, err := tx.ReleaseCheck(1); err != nil || c.State != "" || c.N != 0 {
			t.Errorf("%+v, %v", c, err)
		}
		r, err = tx.SaveRelease(r)
		return err
	})
	want := incidents.ReleaseCheck{
		Release: r.N, N: 2, State: incidents.CheckLooking, By: "dana", BegunAt: monday(), LookedAt: monday().Add(time.Hour), Misses: 3,
		DeafSince: monday().Add(2 * time.Hour), DeafTold: true, GoneSince: monday().Add(3 * time.Hour), ToldAt: monday().Add(4 * time.Hour),
		Told: incidents.Seal("a"), ToldWrong: incidents.Seal("b"), ToldYank: incidents.Seal("c"),
		Found: incidents.Found{There: true, Have: 63, Want: 87, Missing: incidents.Seal("d"), Known: incidents.Seal("e f")},
	}
	for _, c := range []incidents.ReleaseCheck{{Release: r.N, N: 1, BegunAt: monday()}, want} {
		d.do(func(tx *Tx) error {
			if err := tx.SaveReleaseCheck(c); err != nil {
				return err
			}
			return tx.QueueLookUp(c)
		})
	}
	d.reopen()
	d.do(func(tx *Tx) error {
		got, err := tx.ReleaseCheck(r.N)
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b incidents.Sealed) bool { return a.Same(b) })); diff != "" {
			t.Error(diff)
		}
		return err
	})
	rows := d.lookUps()
	if len(rows) != 2 || rows[1].Kind != LookUp || rows[1].Generation != 2 || rows[1].Facts["release"] != r.N || rows[0].Room != rows[1].Room {
		t.Fatalf("%+v", rows)
	}
	last := rows[1].ID
	d.do(func(tx *Tx) error {
		if err := tx.Trying(last, tx.Now().Add(time.Minute)); err != nil {
			return err
		}
		return tx.LookAgain(last, tx.Now().Add(time.Hour), time.Time{})
	})
	if rows := d.lookUps(); len(rows) != 1 {
		t.Errorf("it is looked up before its time: %+v", rows)
	}
	d.do(func(tx *Tx) error { return tx.Hurry(Index) })
	if rows := d.lookUps(); len(rows) != 2 {
		t.Errorf("what nobody asked to wait is not hurried: %+v", rows)
	}
	d.do(func(tx *Tx) error {
		if err := tx.LookAgain(last, tx.Now().Add(time.Hour), tx.Now().Add(time.Hour)); err != nil {
			return err
		}
		return tx.Hurry(Index)
	})
	if rows := d.lookUps(); len(rows) != 1 {
		t.Errorf("it is hurried before the index wants it: %+v", rows)
	}
	d.do(func(tx *Tx) error {
		if n, err := tx.Waiting(); err != nil || n != 0 {
			t.Errorf("%d rows could not be said, %v", n, err)
		}
		return tx.QueueLookUp(want) // at once
	})
	if rows := d.lookUps(); len(rows) != 2 || rows[1].Tries != 0 && rows[0].Tries != 0 {
		t.Errorf("%+v", rows)
	}
}

// TestALookUpOfAnOlderFileGoesOn, on the lane that it has now; what goes to a network that
// somebody called so stays there.
func TestALookUpOfAnOlderFileGoesOn(t *testing.T) {
	d := ofSchema(t, 13)
	for _, kind := range []string{LookUp, "say"} {
		d.raw(`INSERT INTO outbox (key, kind, network, room, direct, reply_to, thread, asker, mentions, tone, template, facts, harmless,
			clock, generation, rung, due, next_try, tries, trying, state, sent_id, error)
			VALUES ('` + kind + `', '` + kind + `', 'pypi', 'release 1', 0, '', '', '', '', 0, '', '{}', 0, '', 1, 0, 0, 0, 0, 0, 'due', '', '')`)
	}
	d.open()
	defer func() { d.Close() }()
	if rows := d.lookUps(); len(rows) != 1 || rows[0].Kind != LookUp {
		t.Errorf("%+v", rows)
	}
}

func (d *desk) lookUps() (out []Row) {
	d.t.Helper()
	d.do(func(tx *Tx) (err error) {
		out, err = tx.DueRows(Index, nil, 10)
		return err
	})
	return out
}

// TestAppointments: one seed for each incident, kept, and a number that grows with each
// change of the embargo.
func TestAppointments(t *testing.T) {
	d := newDesk(t)
	d.add()
	d.add()
	get := func(n int) (seed string, sequence int) {
		d.do(func(tx *Tx) (err error) {
			seed, sequence, err = tx.Appointment(n)
			return err
		})
		return seed, sequence
	}
	record := func(kinds ...string) {
		d.do(func(tx *Tx) error {
			for _, k := range kinds {
				if err := tx.Record(incidents.Entry{Incident: 1, At: tx.Now(), Who: "alice", Kind: k}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	one, sequence := get(1)
	two, _ := get(2)
	if len(one) != 32 || one == two || sequence != 0 {
		t.Errorf("%d characters, sequence %d", len(one), sequence)
	}
	for k, kind := range []string{"embargo-proposed", "embargo-set", "embargo-moved", "embargo-lifted"} {
		record(kind, "noted")
		d.reopen()
		if seed, sequence := get(1); seed != one || sequence != k {
			t.Errorf("after %s the sequence is %d, and the seed is another one: %v", kind, sequence, seed != one)
		}
	}
	if _, sequence := get(2); sequence != 0 {
		t.Error(fmt.Sprint("the other's sequence is ", sequence))
	}
}
