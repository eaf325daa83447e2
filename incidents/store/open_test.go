package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// desk is a store under test, with a time that is set.
type desk struct {
	*Store
	t    *testing.T
	path string
	now  time.Time
	plan *incidents.Plan
}

// monday is when tests begin.
func monday() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// onePlan has one role and one clock: acknowledge within 72 hours.
func onePlan() *incidents.Plan {
	return &incidents.Plan{
		Hash: "first", Roles: []incidents.Role{{Key: "lead", Lead: true}},
		Clocks: []incidents.ClockRule{{
			Key: "acknowledgement", From: "reported", Due: 72 * time.Hour, Repeat: 24 * time.Hour, Role: "lead",
			Rungs: []time.Duration{24 * time.Hour, 48 * time.Hour, 72 * time.Hour},
		}},
	}
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, path: filepath.Join(t.TempDir(), "t.db"), now: monday(), plan: onePlan()}
	d.open()
	t.Cleanup(func() { d.Close() })
	return d
}

func (d *desk) open() {
	d.t.Helper()
	s, err := Open(context.Background(), d.path, Options{
		Prefix: "INC", Now: func() time.Time { return d.now }, Plan: func() *incidents.Plan { return d.plan },
	})
	must(d.t, err)
	d.Store = s
}

func (d *desk) reopen() {
	d.t.Helper()
	must(d.t, d.Close())
	d.open()
}

func (d *desk) do(fn func(tx *Tx) error) {
	d.t.Helper()
	must(d.t, d.Update(context.Background(), fn))
}

// add keeps an incident that alice opened.
func (d *desk) add() (i incidents.Incident) {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		n, handle, codename, err := tx.NextIncident()
		if err != nil {
			return err
		}
		var entries []incidents.Entry
		o := incidents.Opening{N: n, Handle: handle, Codename: codename, Title: incidents.Seal("a title")}
		i, entries, err = incidents.OpenIncident(*d.plan, o, "alice", tx.Now())
		if err == nil {
			i, err = tx.Add(i, entries...)
		}
		return err
	})
	return i
}

// raw changes the file as somebody could who has it.
func (d *desk) raw(statements ...string) {
	d.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+d.path)
	must(d.t, err)
	defer db.Close()
	for _, q := range statements {
		_, err := db.Exec(q)
		must(d.t, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEverySchemaMigrates starts from an empty file of each released schema,
// brings it up to date, and works with it.
func TestEverySchemaMigrates(t *testing.T) {
	names, err := schemaFiles()
	must(t, err)
	for version := range len(names) + 1 {
		t.Run(fmt.Sprintf("from schema %d", version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "t.db")
			db, err := sql.Open("sqlite3", "file:"+path+"?_foreign_keys=on")
			must(t, err)
			for _, name := range names[:version] {
				text, err := schemas.ReadFile(name)
				must(t, err)
				_, err = db.Exec(string(text))
				must(t, err)
			}
			_, err = db.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, version))
			must(t, err)
			must(t, db.Close())
			d := &desk{t: t, path: path, now: monday(), plan: onePlan()}
			d.open()
			defer d.Close()
			d.add()
			var have int
			must(t, d.db.QueryRow(`PRAGMA user_version`).Scan(&have))
			if have != Version() {
				t.Errorf("the file is of schema %d after all, want %d", have, Version())
			}
			d.foreignKeysHold()
		})
	}
}

func (d *desk) foreignKeysHold() {
	d.t.Helper()
	rows, err := d.db.Query(`PRAGMA foreign_key_check`)
	must(d.t, err)
	defer rows.Close()
	if rows.Next() {
		d.t.Error("a row points to nothing")
	}
	must(d.t, rows.Err())
	var on int
	must(d.t, d.db.QueryRow(`PRAGMA foreign_keys`).Scan(&on))
	if on != 1 {
		d.t.Error("foreign keys are not enforced")
	}
}

// TestAFileThatIsNotOursIsLeftAsItWas: here the schema's tables are
// there already, though the file says otherwise.
func TestAFileThatIsNotOursIsLeftAsItWas(t *testing.T) {
	d := newDesk(t)
	d.add()
	must(t, d.Close())
	d.raw(`PRAGMA user_version = 0`)
	if _, err := Open(context.Background(), d.path, Options{}); err == nil || !strings.Contains(err.Error(), "another program's database") {
		t.Fatalf("it was opened, or not said why not: %v", err)
	}
	d.raw(fmt.Sprintf(`PRAGMA user_version = %d`, Version()))
	d.open()
	if v, err := d.Verify(context.Background()); err != nil || v.Entries != 1 {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

func TestAFileOfANewerProgramIsRefused(t *testing.T) {
	d := newDesk(t)
	must(t, d.Close())
	d.raw(fmt.Sprintf(`PRAGMA user_version = %d`, Version()+1))
	for _, readOnly := range []bool{false, true} {
		_, err := Open(context.Background(), d.path, Options{ReadOnly: readOnly})
		if err == nil || !strings.Contains(err.Error(), "newer tocsin") {
			t.Errorf("read only %v: %v", readOnly, err)
		}
	}
}

func TestTheFileAndItsLogAreTheOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	d := &desk{t: t, path: filepath.Join(dir, "t.db"), now: monday(), plan: onePlan()}
	d.open()
	defer func() { d.Close() }()
	check := func() {
		t.Helper()
		d.add()
		for _, tail := range []string{"", "-wal", "-shm", ".lock"} {
			i, err := os.Stat(d.path + tail)
			must(t, err)
			if i.Mode().Perm() != 0o600 {
				t.Errorf("t.db%s has mode %v", tail, i.Mode().Perm())
			}
		}
	}
	check()
	i, err := os.Stat(dir)
	must(t, err)
	if i.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v", i.Mode().Perm())
	}
	must(t, d.Close())
	must(t, os.Chmod(d.path, 0o644)) // somebody copied it about
	d.open()
	check()
}

func TestASecondBotOnTheSameFileIsRefused(t *testing.T) {
	d := newDesk(t)
	_, err := Open(context.Background(), d.path, Options{})
	if err == nil || !strings.Contains(err.Error(), "is in use by another tocsin; stop that one, or name another file") {
		t.Fatalf("got %v", err)
	}
	look, err := Open(context.Background(), d.path, Options{ReadOnly: true})
	must(t, err)
	must(t, look.Close())
	d.reopen()
}

func TestARehearsalAndADeskDoNotShareAFile(t *testing.T) {
	for _, first := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "t.db")
		s, err := Open(context.Background(), path, Options{Rehearsal: first})
		must(t, err)
		must(t, s.Close())
		_, err = Open(context.Background(), path, Options{Rehearsal: !first})
		var m Mismatch
		if !errors.As(err, &m) || m.FileIsRehearsal != first {
			t.Errorf("a file of rehearsal %v was opened for the other: %v", first, err)
		}
		s, err = Open(context.Background(), path, Options{Rehearsal: first})
		must(t, err) // the refusal let it go
		must(t, s.Close())
	}
}

func TestWhatFailsInATransactionLeavesNothing(t *testing.T) {
	d := newDesk(t)
	broken := errors.New("broken")
	err := d.Update(context.Background(), func(tx *Tx) error {
		if first, err := tx.Heard("irc", "m1", "alice"); err != nil || !first {
			t.Errorf("heard: %v, %v", first, err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	for k, want := range []bool{true, false} {
		d.do(func(tx *Tx) error {
			first, err := tx.Heard("irc", "m1", "alice")
			if first != want {
				t.Errorf("time %d: first is %v", k, first)
			}
			return err
		})
	}
	d.reopen()
	d.do(func(tx *Tx) error {
		again, err := tx.Heard("irc", "m1", "alice")
		other, err2 := tx.Heard("matrix", "m1", "alice")
		if again || !other {
			t.Errorf("after a restart: m1 of irc is new: %v; m1 of matrix is new: %v", again, other)
		}
		return errors.Join(err, err2)
	})
}
