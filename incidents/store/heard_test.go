package store

import (
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// readAll gives the bytes of the file and of its log.
func readAll(t *testing.T, path string) string {
	t.Helper()
	var out strings.Builder
	for _, tail := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + tail)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		out.Write(b)
	}
	return out.String()
}

func TestKept(t *testing.T) {
	d := newDesk(t)
	keep := func(network string, values map[string]string) {
		t.Helper()
		d.do(func(tx *Tx) error { return tx.Keep(network, values) })
	}
	is := func(network, prefix string, want map[string]string) {
		t.Helper()
		d.do(func(tx *Tx) error {
			got, err := tx.Kept(network, prefix)
			if !maps.Equal(got, want) {
				t.Errorf("%s %q: %v, want %v", network, prefix, got, want)
			}
			return err
		})
	}
	is("matrix", "", nil)
	keep("matrix", map[string]string{"since": "s1", "pending/$a": "x", "pending/$b": "y", "pen%": "z"})
	keep("other", map[string]string{"since": "o1"})
	keep("matrix", map[string]string{"since": "s2", "pending/$a": "", "never": ""})
	d.reopen()
	is("matrix", "", map[string]string{"since": "s2", "pending/$b": "y", "pen%": "z"})
	is("matrix", "pending/", map[string]string{"pending/$b": "y"})
	is("matrix", "pen%", map[string]string{"pen%": "z"}) // no pattern
	is("matrix", "PEN", nil)
	is("other", "", map[string]string{"since": "o1"})
	keep("matrix", nil)
	err := d.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.Keep("matrix", map[string]string{"since": "s3"}), errors.New("broken"))
	})
	if err == nil {
		t.Error("no error")
	}
	is("matrix", "since", map[string]string{"since": "s2"})
}

// said queues a row and finishes it as sent with an id.
func (d *desk) said(r Row, id string) {
	d.t.Helper()
	d.do(func(tx *Tx) error {
		r.Kind, r.Network, r.Room = "say", "matrix", "!desk"
		if err := tx.Queue(r); err != nil {
			return err
		}
		var n int
		if err := tx.row(`SELECT id FROM outbox WHERE key = ?`, r.Key).Scan(&n); err != nil {
			return err
		}
		return tx.Finish(n, Sent, id, "")
	})
}

func TestWhatAMessageIsAbout(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	heard := func(id, person string) {
		d.do(func(tx *Tx) error { _, err := tx.Heard("matrix", id, person); return err })
	}
	heard("m1", "alice")
	d.said(Row{Key: "answer/matrix/m1", ReplyTo: "m1", Incident: one.N}, "$a1")
	d.said(Row{Key: "edited/m1", ReplyTo: "m1"}, "$h1")
	heard("m2", "alice")
	d.said(Row{Key: "answer/matrix/m2", ReplyTo: "m2"}, "$a2") // about none
	heard("m3", "alice")
	d.said(Row{Key: "answer/matrix/m3", ReplyTo: "m3", Incident: one.N}, "$a3")
	d.said(Row{Key: "more/m3", ReplyTo: "m3", Incident: two.N}, "$b3")               // about both
	d.said(Row{Key: "unreadable/m4", ReplyTo: "m4", Incident: 0}, "$a4")             // never heard
	d.said(Row{Key: "announce/1", Incident: two.N}, "$announce")                     // nobody's answer
	d.said(Row{Key: "announce/2", Incident: two.N}, "")                              // without an id
	heard("m5", Nobody)                                                              // of somebody suspended
	d.said(Row{Key: "stray/m5", ReplyTo: "m5", Incident: one.N}, "$a5")              // yet there is a row
	d.said(Row{Key: "twice/1", ReplyTo: "$a1", Incident: one.N}, "$a1-of-elsewhere") // a reply to our own message
	for _, c := range []struct {
		network, id string
		concerned   int
		obeyed      int // -1: not obeyed
	}{
		{"matrix", "m1", one.N, one.N},
		{"matrix", "$a1", one.N, -1},
		{"matrix", "$h1", 0, -1},
		{"matrix", "m2", 0, 0},
		{"matrix", "$a2", 0, -1},
		{"matrix", "m3", 0, one.N},
		{"matrix", "$b3", two.N, -1},
		{"matrix", "m4", 0, -1},
		{"matrix", "m5", one.N, -1},
		{"matrix", "$announce", two.N, -1},
		{"matrix", "", 0, -1},
		{"matrix", "$nothing", 0, -1},
		{"irc", "m1", 0, -1},
		{"irc", "$a1", 0, -1},
	} {
		d.do(func(tx *Tx) error {
			n, err := tx.Concerned(c.network, c.id)
			if n != c.concerned {
				t.Errorf("%s %q is about %d, want %d", c.network, c.id, n, c.concerned)
			}
			o, _, ok, err2 := tx.Obeyed(c.network, c.id)
			if ok != (c.obeyed >= 0) || ok && o != c.obeyed {
				t.Errorf("%s %q was obeyed: %t, about %d, want %d", c.network, c.id, ok, o, c.obeyed)
			}
			return errors.Join(err, err2)
		})
	}
}

// TestQuestionsAboutOneMessageDoNotWalkTheOutbox, which is never shortened.
func TestQuestionsAboutOneMessageDoNotWalkTheOutbox(t *testing.T) {
	d := newDesk(t)
	for _, q := range []string{
		`SELECT coalesce(incident, 0) FROM outbox o WHERE network = 'a' AND reply_to = 'b' AND reply_to <> ''`,
		`SELECT incident FROM outbox WHERE network = 'a' AND sent_id = 'b' AND sent_id <> '' AND incident IS NOT NULL`,
		`SELECT incident FROM outbox WHERE network = 'a' AND sent_id = 'b' AND sent_id <> '' AND clock <> '' ORDER BY id DESC LIMIT 1`,
		`SELECT incident FROM outbox WHERE incident = 1 AND clock <> '' AND state = 'sent' ORDER BY rung DESC, id DESC LIMIT 1`,
		`UPDATE outbox SET error = '' WHERE incident = 1 AND clock = 'x' AND clock <> '' AND rung = 1 AND state = 'due' AND tries = 0`,
		`SELECT count(*) FROM outbox WHERE kind = 'room' AND incident = 1`,
		`SELECT count(*) FROM outbox WHERE key = 'x' AND state IN ('due', 'unknown')`,
	} {
		rows, err := d.db.Query(`EXPLAIN QUERY PLAN ` + q)
		must(t, err)
		for rows.Next() {
			var a, b, c int
			var what string
			must(t, rows.Scan(&a, &b, &c, &what))
			if strings.HasPrefix(what, "SCAN") {
				t.Errorf("%s: %s", q, what)
			}
		}
		must(t, errors.Join(rows.Err(), rows.Close()))
	}
}

func TestAnswered(t *testing.T) {
	d := newDesk(t)
	is := func(when string, wantHeard, wantWaits bool) {
		t.Helper()
		d.do(func(tx *Tx) error {
			heard, waits, err := tx.Answered("matrix", "m1", "answer/matrix/m1")
			if heard != wantHeard || waits != wantWaits {
				t.Errorf("%s: heard %t, waits %t", when, heard, waits)
			}
			return err
		})
	}
	is("before it came", false, false)
	d.do(func(tx *Tx) error {
		_, err := tx.Heard("matrix", "m1", "alice")
		return errors.Join(err, tx.Queue(Row{Key: "answer/matrix/m1", Kind: "say", Network: "matrix", Room: "!d", Template: "ping", Facts: incidents.Facts{}}))
	})
	is("its answer is due", true, true)
	d.do(func(tx *Tx) error { return tx.TryAgain(1, Unknown, "") })
	is("nobody knows", true, true)
	d.do(func(tx *Tx) error { return tx.Finish(1, Sent, "$x", "") })
	is("it was said", true, false)
}

// rung queues a reminder, and says it when it has an id.
func (d *desk) rung(key string, i incidents.Incident, clock string, generation int, at time.Time, id string) {
	d.t.Helper()
	r := Row{Key: key, Kind: "say", Network: "matrix", Room: "!desk", Template: "rung", Incident: i.N, Clock: clock, Generation: generation, Rung: at}
	if id != "" {
		d.said(r, id)
		return
	}
	d.do(func(tx *Tx) error { return tx.Queue(r) })
}

func TestReminders(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	first, second := monday().Add(24*time.Hour), monday().Add(48*time.Hour)
	last := func(n int, want time.Time, ok bool) {
		t.Helper()
		d.do(func(tx *Tx) error {
			r, have, err := tx.LastReminder(n)
			if have != ok || ok && (!r.Rung.Equal(want) || r.Incident != n) {
				t.Errorf("the last reminder of %d: %+v, %t", n, r, have)
			}
			return err
		})
	}
	d.rung("waits", one, "acknowledgement", 1, second, "")
	last(one.N, time.Time{}, false)
	d.rung("r1", one, "acknowledgement", 1, first, "$r1")
	last(one.N, first, true)
	d.rung("r2", one, "acknowledgement", 1, second, "$r2")
	d.rung("late", one, "acknowledgement", 1, first, "$late") // an older one that was said later
	last(one.N, second, true)
	last(two.N, time.Time{}, false)
	d.said(Row{Key: "answer/matrix/m1", ReplyTo: "m1", Incident: one.N}, "$answer")
	for id, want := range map[string]time.Time{"$r1": first, "$r2": second, "$answer": {}, "": {}, "$none": {}} {
		d.do(func(tx *Tx) error {
			r, ok, err := tx.ReminderSaid("matrix", id)
			if ok == want.IsZero() || ok && (r != Reminder{one.N, "acknowledgement", 1, want}) {
				t.Errorf("%q was the reminder %+v, %t", id, r, ok)
			}
			if _, ok, err := tx.ReminderSaid("irc", id); ok || err != nil {
				t.Errorf("%q on another network: %v", id, err)
			}
			return err
		})
	}
}

// TestHearing overtakes what waits to say that very reminder elsewhere and was
// never tried, and nothing else.
func TestHearing(t *testing.T) {
	d := newDesk(t)
	one, two := d.add(), d.add()
	at, later := monday().Add(24*time.Hour), monday().Add(48*time.Hour)
	d.rung("said", one, "acknowledgement", 1, at, "$r1")
	d.rung("same", one, "acknowledgement", 1, at, "")
	d.rung("same, tried", one, "acknowledgement", 1, at, "")
	d.rung("same, unknown", one, "acknowledgement", 1, at, "")
	d.rung("a later rung", one, "acknowledgement", 1, later, "")
	d.rung("another generation", one, "acknowledgement", 2, at, "")
	d.rung("another clock", one, "embargo", 1, at, "")
	d.rung("another incident", two, "acknowledgement", 1, at, "")
	d.do(func(tx *Tx) error {
		return errors.Join(tx.Trying(3, tx.Now()), tx.TryAgain(3, Due, ""), tx.Trying(4, tx.Now()), tx.TryAgain(4, Unknown, ""))
	})
	hear := func(person string, want bool) {
		t.Helper()
		d.do(func(tx *Tx) error {
			got, err := tx.Hear(Reminder{one.N, "acknowledgement", 1, at}, person)
			if got != want {
				t.Errorf("%s hears it: %t", person, got)
			}
			return err
		})
	}
	hear("alice", true)
	hear("alice", false)
	hear("bob", true)
	d.reopen()
	hear("bob", false)
	states := map[string]string{}
	rows, err := d.db.Query(`SELECT key, state FROM outbox`)
	must(t, err)
	for rows.Next() {
		var k, s string
		must(t, rows.Scan(&k, &s))
		states[k] = s
	}
	must(t, errors.Join(rows.Err(), rows.Close()))
	for key, want := range map[string]string{
		"said": Sent, "same": Overtaken, "same, tried": Due, "same, unknown": Unknown, "a later rung": Due,
		"another generation": Due, "another clock": Due, "another incident": Due,
	} {
		if states[key] != want {
			t.Errorf("%s: %s, want %s", key, states[key], want)
		}
	}
}
