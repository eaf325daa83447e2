package commands

import (
	"context"
	"testing"

	"tocsin/incidents/store"
)

// TestAFloodOfOnePersonIsRefusedOnce, and a suspension is heard all the same.
func TestAFloodOfOnePersonIsRefusedOnce(t *testing.T) {
	d := fresh(t)
	d.Most = func(string) int { return 5 }
	for range 9 {
		if err := d.Handle(context.Background(), d.line("notice", "alice", "!ping")); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Handle(context.Background(), d.line("notice", "alice", "!suspend bob")); err != nil {
		t.Fatal(err)
	}
	if err := d.Handle(context.Background(), d.line("notice", "carol", "!ping")); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	err := d.Store.Update(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.DueRows("irc", nil, 100)
		for _, r := range rows {
			got[r.Asker+" "+r.Template]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int{"alice ping": 5, "alice refusals/slow-down": 1, "alice suspended": 1, "carol ping": 1} {
		if got[what] != n {
			t.Errorf("%s: %d, want %d; all: %v", what, got[what], n, got)
		}
	}
}
