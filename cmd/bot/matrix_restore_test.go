package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
)

// TestMatrixRestore backs a bot up while it talks on a real homeserver, lets it talk on,
// and restores it on what is left of it: the desk hears of the gap first and once, no
// old line comes again, and everybody can read and be read.
func TestMatrixRestore(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, carol, desk := team(t, srv)
	d := newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open Heap overflow"), "INC-1")
	wants(t, says(bob, desk, "!incident note kept by the backup"), "INC-1")

	code, said := d.run("backup", "-config", d.path("config.toml"), d.path("b.tar"))
	if code != exitOK || !strings.Contains(said, "matrix-1.db: the keys of "+botID+" on rig") || !strings.Contains(said, "Done") {
		t.Fatalf("the backup gave %d: %s", code, said)
	}
	for _, secret := range []string{"session.json", "pickle.key"} {
		path := filepath.Join(d.dir, "rig", secret)
		text, err := os.ReadFile(path)
		must(t, err)
		backup, err := os.ReadFile(d.path("b.tar"))
		must(t, err)
		if !strings.Contains(said, path) || strings.Contains(string(backup), strings.TrimSpace(string(text))) {
			t.Errorf("%s is in the backup, or it does not say that it is not: %s", secret, said)
		}
	}

	// What the restored bot will not know: answers, a room key of carol's, one-time keys.
	wants(t, says(bob, desk, "!incident open Another one"), "INC-2")
	wants(t, says(carol, desk, "!incident note INC-2 after the backup"), "INC-2")
	wants(t, says(alice, desk, "!suspend carol"), "carol is suspended")
	d.settled()
	d.end()
	alice.Shown(desk)
	before := map[string]bool{}
	for _, h := range alice.In(desk) {
		before[h.ID] = true
	}
	must(t, os.Rename(d.path("desk.db"), d.path("lost.db")))
	for _, tail := range []string{"-wal", "-shm"} {
		_ = os.Remove(d.path("desk.db" + tail))
	}

	code, said = d.run("restore", "-config", d.path("config.toml"), d.path("b.tar"))
	if code != exitOK || !strings.Contains(said, "Done") || !strings.Contains(said, "crypto.db.before-restore-") {
		t.Fatalf("the restore gave %d: %s", code, said)
	}
	d.start()
	gap := alice.WaitText(desk, "I was restored from a backup of")
	wants(t, gap, "INC-1 is the newest that I know")
	bob.WaitText(desk, "I was restored from a backup of")
	carol.WaitText(desk, "I was restored from a backup of")

	// Who was known at the backup is read at once.
	list := says(alice, desk, "!incident list")
	wants(t, list, "INC-1")
	if strings.Contains(list.Text, "INC-2") {
		t.Errorf("it knows what it cannot: %s", list.Text)
	}
	wants(t, says(bob, desk, "!timeline"), "was restored from a backup of")

	// carol's suspension was said in the gap, and is the one thing that still counts: the
	// room's key that it was said with is known.
	if shown := says(alice, desk, "!incident show INC-1"); strings.Contains(shown.Text, "Heap") {
		t.Errorf("with carol suspended the desk hears: %s", shown.Text)
	}
	count := d.look()
	if n := count(`SELECT count(*) FROM suspension WHERE person = 'carol' AND lifted_at IS NULL`); n != 1 {
		t.Errorf("carol is suspended %d times", n)
	}
	// A device that it has never seen takes one of its one-time keys.
	fresh := alice.NewDevice(true)
	wants(t, says(fresh, desk, "!ping"), "Here")
	alice.Shown(desk)
	gaps := 0
	for _, h := range alice.In(desk) {
		if strings.Contains(h.Text, "I was restored from") {
			gaps++
		}
		if h.Sender == botID && !before[h.ID] && (strings.Contains(h.Text, "INC-2") || strings.Contains(h.Text, "is open: Heap")) {
			t.Errorf("it says again: %s", h.Text)
		}
	}
	if gaps != 1 {
		t.Errorf("the desk hears %d times of the gap", gaps)
	}
	d.settled()
	d.end()
	d.start()
	wants(t, says(alice, desk, "!ping"), "Here")
}
