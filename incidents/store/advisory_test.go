package store

import (
	"testing"
	"time"

	"tocsin/incidents"
)

// TestAnAdvisoryIsKept, with what was agreed, and is an incident's.
func TestAnAdvisoryIsKept(t *testing.T) {
	d := newDesk(t)
	n := d.add().N
	at := time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)
	want := incidents.Advisory{
		GHSA: incidents.Seal("GHSA-2345-6789-cfgh"), Incident: n, State: "draft", Author: incidents.Seal("erin"), Created: at, GlobalAt: at, GlobalTold: 1,
		Credits: []incidents.AdvisoryCredit{{Login: incidents.Seal("erin"), Type: "reporter", State: "pending"}}, Agreed: incidents.Agreed{"title": incidents.Seal("a title")},
	}
	d.do(func(tx *Tx) error { return tx.SaveAdvisory(want) })
	var got incidents.Advisory
	var ok bool
	d.do(func(tx *Tx) (err error) {
		got, ok, err = tx.AdvisoryOf(n)
		return err
	})
	if !ok || got.State != "draft" || !got.GlobalAt.Equal(at) || got.GlobalTold != 1 || !got.Agreed["title"].Same(want.Agreed["title"]) || len(got.Credits) != 1 {
		t.Errorf("%v %+v", ok, got)
	}
	// Who reported it is forgotten here too, and is not learned again by the next look.
	d.do(func(tx *Tx) error { return tx.Forget(n) })
	d.do(func(tx *Tx) (err error) {
		if got, ok, err = tx.Advisory(want.GHSA); err == nil {
			want.Parted = got.Parted
			err = tx.SaveAdvisory(want)
		}
		return err
	})
	d.do(func(tx *Tx) (err error) {
		got, _, err = tx.Advisory(want.GHSA)
		return err
	})
	if !got.Parted || !got.Author.Empty() || len(got.Credits) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestAnActIsKept with where its answer goes, until it is done or erased.
func TestAnActIsKept(t *testing.T) {
	d := newDesk(t)
	n := d.add().N
	act := incidents.AdvisoryAct{Kind: incidents.ActCredit, GHSA: incidents.Seal("GHSA-2345-6789-cfgh"), Login: incidents.Seal("erin"), Credit: "finder", By: "alice"}
	row := Row{}
	d.do(func(tx *Tx) error {
		return tx.QueueAct(n, "act/1", act, Row{Network: "net", Room: "!desk", ReplyTo: "$1"})
	})
	d.do(func(tx *Tx) error {
		rows, err := tx.DueRows(GitHub, nil, 10)
		if err == nil && len(rows) == 1 {
			row = rows[0]
		}
		return err
	})
	d.do(func(tx *Tx) error {
		got, answer, err := tx.ActOf(row)
		if got.Kind != act.Kind || !got.Login.Same(act.Login) || got.Credit != "finder" || got.By != "alice" || answer.Room != "!desk" || answer.ReplyTo != "$1" || answer.Incident != n {
			t.Errorf("%+v %+v", got, answer)
		}
		for of, want := range map[int]int{0: 1, n: 1, n + 1: 0} {
			if acts, err := tx.PendingActs(of); len(acts) != want || err != nil {
				t.Errorf("%d: %+v %v", of, acts, err)
			}
		}
		return err
	})
	d.do(func(tx *Tx) error { return tx.Forget(n) })
	d.do(func(tx *Tx) error {
		got, _, err := tx.ActOf(row)
		if got.Kind != "" {
			t.Errorf("%+v", got)
		}
		return err
	})
}
