package commands

import (
	"context"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// TestAStepTakenBackStopsWhatWaits: a post that waits for its server says that a release
// is live. Whoever takes that back takes the post back too.
func TestAStepTakenBackStopsWhatWaits(t *testing.T) {
	d := fresh(t)
	d.Ways = func(way string) (Way, bool) {
		return Way{From: func([]string) (string, error) { return "@pillow@mastodon.example.org", nil }}, way == incidents.ByMastodon
	}
	for _, text := range []string{
		"!incident open --source github --type vulnerability --severity low A crafted file is read for ever", "!ack sent --via email",
		"!fact set affected 10.0 to 12.3.0", "!fact set fixed 12.3.1", "!fact set cve CVE-2026-12345", "!fact set ghsa GHSA-cfh3-3jmp-rvhc",
		"!fact set summary A crafted file makes the decoder loop for ever.", "!done wheels", "!send mastodon",
	} {
		d.say("full", text)
	}
	var code string
	d.do(func(tx *store.Tx) error {
		all, err := tx.OpenApprovals(1)
		if len(all) > 0 {
			code = all[0]
		}
		return err
	})
	l := d.line("full", "bob", "!approve "+code)
	d.do(func(tx *store.Tx) error { // as if all of it had been said there
		a, _, err := tx.Approval(code)
		if err == nil {
			err = tx.Showing(code, a.Network, a.Room, true, true)
		}
		if err == nil {
			err = tx.Shown(code, a.Network, a.Room)
		}
		return err
	})
	if err := d.Handle(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	stopped := func() (why string) {
		t.Helper()
		d.do(func(tx *store.Tx) error {
			all, err := tx.Sendings(1)
			if len(all) != 1 || all[0].State != incidents.SendQueued {
				t.Fatalf("%d texts wait", len(all))
			}
			i, _ := tx.Incident(1)
			why = incidents.Stopped(*d.Plan(), all[0], i, func(string) bool { return true }, d.now.Add(time.Minute))
			return err
		})
		return why
	}
	if why := stopped(); why != "" {
		t.Fatalf("it does not go out: %s", why)
	}
	d.say("full", "!undo wheels")
	if stopped() == "" {
		t.Error("it goes out though no release is live")
	}
}
