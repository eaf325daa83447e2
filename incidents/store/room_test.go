package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tocsin/incidents"
)

// dump gives every row of the tables of schema 1, as text.
func dump(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, table := range []string{
		"meta", "incident", "role", "release", "release_incident", "timeline", "personal", "clock", "outbox", "heard", "approval", "suspension",
	} {
		rows, err := db.Query(`SELECT * FROM ` + table)
		must(t, err)
		cols, err := rows.Columns()
		must(t, err)
		for rows.Next() {
			vals, ptrs := make([]any, len(cols)), make([]any, len(cols))
			for k := range vals {
				ptrs[k] = &vals[k]
			}
			must(t, rows.Scan(ptrs...))
			out[table] = append(out[table], fmt.Sprintln(vals...))
		}
		must(t, errors.Join(rows.Err(), rows.Close()))
	}
	return out
}

// TestAFileOfSchema1KeepsEverything: a bot that was at work before there were
// rooms goes on where it was.
func TestAFileOfSchema1KeepsEverything(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.add()
	d.reported(i, "Erin", "erin@example.org")
	d.do(func(tx *Tx) error {
		first, err := tx.Heard("irc", "m1", "alice")
		if !first {
			t.Error("heard before")
		}
		return errors.Join(err,
			tx.Queue(Row{Key: "answer/irc/m1", Kind: "say", Network: "irc", Room: "#desk", ReplyTo: "m1", Template: "incident/noted", Incident: i.N, Facts: incidents.Facts{"x": incidents.Seal("y")}}),
			tx.Queue(Row{Key: "answer/irc/m2", Kind: "say", Network: "irc", Room: "#desk", ReplyTo: "m2", Template: "ping", Facts: incidents.Facts{}}),
			tx.Finish(1, Sent, "id-1", ""), tx.Suspend("bob", "alice"),
			tx.Record(incidents.Entry{Kind: "suspended", Who: "alice", At: tx.Now(), Plain: "bob"}),
			tx.Ask(incidents.Approval{Code: "ABCDE", Asker: "alice", Act: incidents.Seal("role take INC-1 lead"), Incident: i.N, Expires: tx.Now()}))
	})
	want := dump(t, d.db)
	head, err := d.Verify(context.Background())
	must(t, err)
	must(t, d.Close())

	old := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite3", "file:"+old)
	must(t, err)
	db.SetMaxOpenConns(1)
	names, err := schemaFiles()
	must(t, err)
	first, err := schemas.ReadFile(names[0])
	must(t, err)
	_, err = db.Exec(string(first) + `; PRAGMA user_version = 1; ATTACH '` + d.path + `' AS new`)
	must(t, err)
	for table := range want {
		var columns string // those that there were then
		must(t, db.QueryRow(`SELECT group_concat(name, ', ') FROM pragma_table_info(?, 'main')`, table).Scan(&columns))
		have := columns
		if table == "approval" {
			have = strings.Replace(columns, "hash", "'a hash'", 1) // which is kept no more
		}
		_, err := db.Exec(fmt.Sprintf(`INSERT INTO main.%s (%s) SELECT %s FROM new.%s`, table, columns, have, table))
		must(t, err)
	}
	must(t, db.Close())

	m := &desk{t: t, path: old, now: monday(), plan: onePlan()}
	m.open()
	defer m.Close()
	if got := dump(t, m.db); !reflect.DeepEqual(got, want) {
		t.Errorf("the file holds other things than before:\n%v\n%v", got, want)
	}
	if v, err := m.Verify(context.Background()); err != nil || v != head {
		t.Errorf("the record: %+v, %v; before %+v", v, err, head)
	}
	m.foreignKeysHold()
	m.do(func(tx *Tx) error {
		n, err := tx.Concerned("irc", "id-1")
		if n != i.N {
			t.Errorf("what was said before the migration is about %d", n)
		}
		again, _, ok, err2 := tx.Obeyed("irc", "m1")
		if again != i.N || !ok {
			t.Errorf("what was obeyed before the migration is about %d, %t", again, ok)
		}
		return errors.Join(err, err2, tx.PutRoom(Room{Incident: i.N, Network: "matrix", ID: "!r"}))
	})
	m.reopen()
	m.foreignKeysHold()
}

func matrixRoom(n int, id string) Room { return Room{Incident: n, Network: "matrix", ID: id} }

// keys gives the keys of the rows that wait, in order.
func (d *desk) keys(network string) (out []string) {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		rows, err := tx.DueRows(network, nil, 100)
		for _, r := range rows {
			out = append(out, r.Key)
		}
		return err
	})
	return out
}

func TestGuests(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	erin, frank := incidents.Account{Network: "matrix", ID: "@erin:example.org"}, incidents.Account{Network: "matrix", ID: "@frank:example.org"}
	is := func(n int, want ...incidents.Account) {
		t.Helper()
		d.do(func(tx *Tx) error {
			got, err := tx.Guests(n)
			if !slices.Equal(got, want) {
				t.Errorf("guests of %d: %v, want %v", n, got, want)
			}
			return err
		})
	}
	add := func(n int, a incidents.Account, want bool) {
		t.Helper()
		d.do(func(tx *Tx) error {
			got, err := tx.AddGuest(n, a, "alice and bob")
			if got != want {
				t.Errorf("letting %v in: %t", a, got)
			}
			return err
		})
	}
	end := func(n int, a incidents.Account, want bool) {
		t.Helper()
		d.do(func(tx *Tx) error {
			got, err := tx.EndGuest(n, a, "carol")
			if got != want {
				t.Errorf("taking %v out: %t", a, got)
			}
			return err
		})
	}
	is(one.N)
	end(one.N, erin, false)
	add(one.N, erin, true)
	add(one.N, erin, false)
	add(one.N, incidents.Account{Network: "other", ID: erin.ID}, true)
	add(one.N, frank, true)
	d.reopen()
	is(one.N, erin, incidents.Account{Network: "other", ID: erin.ID}, frank)
	is(two.N)
	is(0)
	end(two.N, erin, false)
	end(one.N, incidents.Account{Network: "matrix", ID: "@Erin:example.org"}, false)
	end(one.N, erin, true)
	end(one.N, erin, false)
	is(one.N, incidents.Account{Network: "other", ID: erin.ID}, frank)
	add(one.N, erin, true) // let in again
	is(one.N, incidents.Account{Network: "other", ID: erin.ID}, frank, erin)
}

// TestForgettingReachesGuests: who was a guest and is none any more leaves
// nothing on the disk but that there was one; who still is one stays in.
func TestForgettingReachesGuests(t *testing.T) {
	d := newDesk(t)
	i, other := d.add(), d.add()
	d.reported(i, "Erin", "erin@mail.example.org")
	erin, frank := incidents.Account{Network: "matrix", ID: "@erin-was-here:example.org"}, incidents.Account{Network: "matrix", ID: "@frank:example.org"}
	elsewhere := incidents.Account{Network: "matrix", ID: "@grace:example.org"}
	act := "guest allow INC-1 " + erin.ID + " a reason"
	d.do(func(tx *Tx) error {
		_, err := tx.AddGuest(i.N, erin, "alice and bob")
		_, err2 := tx.AddGuest(i.N, frank, "alice and bob")
		_, err3 := tx.AddGuest(other.N, elsewhere, "alice and bob")
		_, err4 := tx.EndGuest(i.N, erin, "alice")
		_, err5 := tx.EndGuest(other.N, elsewhere, "alice")
		j, err6 := tx.Incident(i.N)
		_, err7 := tx.Save(j, incidents.Entry{Kind: "guest-left", Who: "alice", At: tx.Now(), Personal: []incidents.Personal{{Field: "guest", Value: incidents.Seal(erin.ID)}}})
		return errors.Join(err, err2, err3, err4, err5, err6, err7,
			tx.Record(incidents.Entry{Incident: i.N, Kind: "asked", Who: "alice", At: tx.Now(), Personal: []incidents.Personal{{Field: "act", Value: incidents.Seal(act)}}}),
			tx.Ask(incidents.Approval{Code: "ABCDE", Asker: "alice", Act: incidents.Seal(act), Incident: i.N, Expires: tx.Now()}),
			tx.EndApproval("ABCDE", "approved", "bob"),
			tx.Queue(Row{Key: "remove/1/matrix/m1", Kind: "remove", Network: "matrix", Room: "!a", Incident: i.N, Asker: erin.ID}),
			tx.Queue(Row{Key: "room/guest/1", Kind: "say", Network: "matrix", Room: "!a", Template: "room/guest", Incident: i.N, Facts: incidents.Facts{"account": incidents.Seal(erin.ID)}}),
			tx.Queue(Row{Key: "answer/matrix/m1", Kind: "say", Network: "matrix", Room: "!a", Template: "guest/removed", Incident: i.N, Asker: "@alice:example.org", Facts: incidents.Facts{}}),
			tx.Finish(1, Sent, "", ""), tx.Finish(3, Sent, "$x", ""))
	})
	onDisk := func(text string) bool {
		b := readAll(t, d.path)
		return strings.Contains(b, text)
	}
	if !onDisk(erin.ID) || !onDisk(frank.ID) {
		t.Fatal("this test looks in the wrong place")
	}
	d.forget(i.N)
	for range 2 {
		if onDisk("erin-was-here") {
			t.Error("the file or its log still holds who was a guest")
		}
		if !onDisk(frank.ID) || !onDisk(elsewhere.ID) {
			t.Error("others were forgotten, too")
		}
		d.do(func(tx *Tx) error {
			got, err := tx.Guests(i.N)
			if !slices.Equal(got, []incidents.Account{frank}) {
				t.Errorf("the guests are %v", got)
			}
			return err
		})
		if v, err := d.Verify(context.Background()); err != nil || v.Erased != 4 {
			t.Errorf("verify: %+v, %v", v, err)
		}
		d.reopen()
	}
	var asker string
	must(t, d.db.QueryRow(`SELECT asker FROM outbox WHERE key = 'answer/matrix/m1'`).Scan(&asker))
	if asker != "@alice:example.org" {
		t.Errorf("who asked for an answer is %q", asker)
	}
}

// TestWhoWasRemovedIsNotKeptWithTheRow: it may end after the reporter was forgotten.
func TestWhoWasRemovedIsNotKeptWithTheRow(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	d.do(func(tx *Tx) error {
		return errors.Join(
			tx.Queue(Row{Key: "remove/1/matrix/m1", Kind: "remove", Network: "matrix", Room: "!a", Incident: i.N, Asker: "@erin:example.org"}),
			tx.Queue(Row{Key: "say", Kind: "say", Network: "matrix", Room: "!a", Template: "ping", Incident: i.N, Asker: "@alice:example.org"}))
	})
	d.do(func(tx *Tx) error {
		rows, err := tx.DueRows("matrix", nil, 9)
		if len(rows) != 2 || rows[0].Asker != "@erin:example.org" {
			t.Errorf("before it is done: %+v", rows)
		}
		return errors.Join(err, tx.Finish(1, Sent, "", ""), tx.Finish(2, Sent, "", ""))
	})
	var a, b string
	must(t, d.db.QueryRow(`SELECT asker FROM outbox WHERE id = 1`).Scan(&a))
	must(t, d.db.QueryRow(`SELECT asker FROM outbox WHERE id = 2`).Scan(&b))
	if a != "" || b != "@alice:example.org" {
		t.Errorf("after: %q, %q", a, b)
	}
}
