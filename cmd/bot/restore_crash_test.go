package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/incidents"
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

// bothStores makes a desk's file and a Matrix account's keys that say a word, as a bot
// leaves them that was killed: with their logs of changes.
func bothStores(t *testing.T, dir, word string) {
	t.Helper()
	text := matrixPeople + fmt.Sprintf(matrixNet, "https://hs.test") + fmt.Sprintf(matrixRoom, "!desk:hs.test")
	must(t, os.WriteFile(filepath.Join(dir, "config.toml"), []byte(text), 0o600))
	must(t, os.MkdirAll(filepath.Join(dir, "rig"), 0o700))
	made := t.TempDir()
	st, err := store.Open(t.Context(), filepath.Join(made, "desk.db"), store.Options{Prefix: "INC"})
	must(t, err)
	must(t, st.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.Keep("rig", map[string]string{"word": word}), tx.Record(incidents.Entry{Kind: "noted", Who: word, At: tx.Now()}))
	}))
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(made, "crypto.db")+"?_journal_mode=WAL")
	must(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE word (word TEXT); INSERT INTO word VALUES (?)`, word)
	must(t, err)
	for name, to := range map[string]string{"desk.db": dir, "crypto.db": filepath.Join(dir, "rig")} {
		for _, tail := range []string{"", "-wal"} {
			must(t, copyFile(filepath.Join(made, name+tail), filepath.Join(to, name+tail)))
		}
	}
	must(t, errors.Join(db.Close(), st.Close()))
}

// wordOf gives the word of a copy of a Matrix account's keys, or of a desk's file.
func wordOf(t *testing.T, path, query string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=rw")
	must(t, err)
	defer db.Close()
	word := ""
	must(t, db.QueryRow(query).Scan(&word))
	return word
}

// TestACrashInARestoreOfBothStores ends a restore of a desk and its Matrix keys at each
// step: never is one old and the other new where the bot would start, and in the end
// both are restored, and both old ones stand aside.
func TestACrashInARestoreOfBothStores(t *testing.T) {
	const desk, keys = `SELECT value FROM kept WHERE key = 'word'`, `SELECT word FROM word`
	from := t.TempDir()
	bothStores(t, from, "backup")
	wantRan(t, from, "", 0, "matrix-1.db: the keys of @tocsin:hs.test on rig", "backup", "a.tar")
	text, err := os.ReadFile(filepath.Join(from, "a.tar"))
	must(t, err)
	steps := 0
	for n := 1; ; n++ {
		dir := t.TempDir()
		bothStores(t, dir, "newer")
		must(t, os.WriteFile(filepath.Join(dir, "a.tar"), text, 0o600))
		step, crashed := crashAt(t, dir, n, "restore", "a.tar")
		if crashed {
			steps++
			got := bot(t, dir, "", "verify")
			switch {
			case got.code == exitOK:
				if d, k := wordOf(t, filepath.Join(dir, "desk.db"), desk), wordOf(t, filepath.Join(dir, "rig", "crypto.db"), keys); d != k {
					t.Errorf("after a crash at %q the desk is the %s one and the keys are the %s ones", step, d, k)
				}
			case !strings.Contains(got.err, "say bot restore again"):
				t.Errorf("after a crash at %q: %s", step, got.err)
			}
			wantRan(t, dir, "", 0, "Done.", "restore", "a.tar")
		}
		for path, query := range map[string]string{"desk.db": desk, filepath.Join("rig", "crypto.db"): keys} {
			path = filepath.Join(dir, path)
			if word := wordOf(t, path, query); word != "backup" {
				t.Errorf("after a crash at %q and a restore %s is the %s one", step, path, word)
			}
			aside, err := filepath.Glob(path + ".before-restore-*Z")
			must(t, err)
			if len(aside) == 0 || wordOf(t, aside[0], query) != "newer" {
				t.Errorf("after a crash at %q and a restore %v stand aside", step, aside)
			}
			left, err := filepath.Glob(path + ".restor*")
			if err != nil || len(left) > 0 {
				t.Errorf("after a crash at %q and a restore there is %v", step, left)
			}
		}
		if !crashed {
			break
		}
	}
	if steps < 10 {
		t.Errorf("only %d steps", steps)
	}
}
