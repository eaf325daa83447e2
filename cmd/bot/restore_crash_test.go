package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/incidents/store"
)

// headOf gives the head of a file's record.
func headOf(t *testing.T, path string) string {
	t.Helper()
	_, v, err := readDesk(context.Background(), path)
	must(t, err)
	return v.Head
}

// TestACrashInARestoreLeavesTheOldOrSaysSo ends a restore at each of its steps: what is
// there then is the old state, whole, or the bot refuses it and says to restore again,
// which goes on and loses nothing of what was there.
func TestACrashInARestoreLeavesTheOldOrSaysSo(t *testing.T) {
	from := t.TempDir()
	wantRan(t, from, "!incident open Old\n", 0, "INC-1", "-db", "a.db")
	wantRan(t, from, "", 0, "Done", "backup", "-db", "a.db", "a.tar")
	steps := 0
	for n := 1; ; n++ {
		dir := t.TempDir()
		text, err := os.ReadFile(filepath.Join(from, "a.tar"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "a.tar"), text, 0o600))
		wantRan(t, dir, "!incident open New\n", 0, "INC-1", "-db", "a.db")
		path := filepath.Join(dir, "a.db")
		old := headOf(t, path)
		step, crashed := crashAt(t, dir, n, "restore", "-db", "a.db", "a.tar")
		if !crashed {
			break
		}
		steps++
		got := bot(t, dir, "!ping\n", "-db", "a.db")
		switch refused := strings.Contains(got.err, "say bot restore again with the same backup"); {
		case got.code == exitOK && !refused:
			if step != "ended" && headOf(t, path) != old {
				t.Errorf("after a crash at %q the bot starts on another record", step)
			}
		case got.code != exitFailed || !refused:
			t.Errorf("after a crash at %q: exit %d: %s%s", step, got.code, got.out, got.err)
		}
		for _, verb := range []string{"verify", "backup"} { // nobody takes half a restore for a whole one
			args := []string{verb, "-db", "a.db"}
			if verb == "backup" {
				args = append(args, "half.tar")
			}
			if again := bot(t, dir, "", args...); (again.code == exitOK) != (got.code == exitOK) {
				t.Errorf("after a crash at %q: %s exits with %d: %s%s", step, verb, again.code, again.out, again.err)
			}
		}
		wantRan(t, dir, "", 0, "Done.", "restore", "-db", "a.db", "a.tar")
		wantRan(t, dir, "!incident list\n", 0, "Old", "-db", "a.db")
		kept := false
		aside, err := filepath.Glob(path + ".before-restore-*Z")
		must(t, err)
		for _, name := range aside {
			kept = kept || headOf(t, name) == old || strings.Contains(bot(t, dir, "!incident list all\n", "-db", name).out, "New")
		}
		if !kept {
			t.Errorf("after a crash at %q and another restore nothing is left of what was there: %v", step, aside)
		}
		left, err := filepath.Glob(path + ".restor*")
		if err != nil || len(left) > 0 {
			t.Errorf("after a crash at %q there is %v", step, left)
		}
	}
	if steps < 6 {
		t.Errorf("only %d steps", steps)
	}
}

// TestABackupThatIsEndedLeavesNothing, at whichever step.
func TestABackupThatIsEndedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	wantRan(t, dir, "!incident open A title\n", 0, "INC-1", "-db", "a.db")
	t.Chdir(dir)
	for n := 1; n <= 4; n++ {
		ctx, stop := context.WithCancel(context.Background())
		out, k := &output{}, 0
		p := program{in: strings.NewReader(""), out: out, err: out, env: func(string) (string, bool) { return "", false }}
		p.failpoint = func(string) {
			if k++; k == n {
				stop()
			}
		}
		if code := p.run(ctx, []string{"backup", "-db", "a.db", "out.tar"}); code != exitFailed || !strings.Contains(out.String(), "nothing of it is left") {
			t.Errorf("ended at step %d: exit %d: %s", n, code, out)
		}
		stop()
		if got := folder(t, dir); len(got) != 1 || got[0] != "a.db" {
			t.Errorf("ended at step %d it left %v", n, got)
		}
		if _, ok, err := store.LastBackup("a.db"); ok || err != nil {
			t.Errorf("ended at step %d it was noted: %v", n, err)
		}
	}
}

// TestALogOfChangesIsNotAppliedToWhatIsRestored: the old file's log, of a bot that was
// killed, goes aside with it.
func TestALogOfChangesIsNotAppliedToWhatIsRestored(t *testing.T) {
	dir := t.TempDir()
	wantRan(t, dir, "!incident open Old\n", 0, "INC-1", "-db", "a.db")
	wantRan(t, dir, "", 0, "Done", "backup", "-db", "a.db", "a.tar")
	w := newWorld(t, dir)
	must(t, w.start(filepath.Join(dir, "killed", "a.db")))
	ops := []*op{{id: "m1", net: "den", who: "alice", text: "!incident open In the log only"}}
	w.do(ops, 0)
	w.copyFile(filepath.Join(dir, "a.db")) // as a kill leaves it
	w.stop()
	if info, err := os.Stat(filepath.Join(dir, "a.db-wal")); err != nil || info.Size() == 0 {
		t.Fatalf("there is no log: %v", err)
	}
	wantRan(t, dir, "", 0, "Done.", "restore", "-db", "a.db", "a.tar")
	said := wantRan(t, dir, "!incident list\n", 0, "Old", "-db", "a.db")
	if strings.Contains(said, "In the log only") {
		t.Errorf("the old log was applied:\n%s", said)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "a.db.before-restore-*Z"))
	if err != nil || len(aside) != 1 {
		t.Fatalf("%v %v", aside, err)
	}
	wantRan(t, dir, "!incident list\n", 0, "In the log only", "-db", aside[0])
}
