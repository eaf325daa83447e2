package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
)

// TestMarker is the promise that nothing embargoed leaves a room that is not
// proven private: every sealed field holds a marker, every command and every
// reminder is said at every clearance and every log level is on. The marker
// comes out at full only.
func TestMarker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMarkedDesk(t)
		defer func() { d.note(d.close()) }()
		full := channel("#full")
		d.says(full, "alice", "!incident open --type qzxtype --source qzxsource --reported 1h ago qzx-title",
			"!incident open --severity "+otherVector+" wvy-other")
		d.fill()
		d.reported()
		d.passes("7d") // every rung, and repeats when it is overdue
		d.awayFor(t, "irc")
		d.says(full, "alice", "!ack sent INC-1 --via qzx-via", "!incident close INC-1 qzxoutcome qzx-closing")
		d.checkFilled()
		d.says(full, "alice", "!incident show INC-1", "!timeline INC-1 100", "!fact show INC-1", "!severity show INC-1", "!release show 31337.7.7")
		d.checkHeard(t)
		d.checkSaid()
		d.sendOutside(t)
		d.openRooms(t)
		d.nets["irc"].lines = 5 // from here on long answers go to who asked, directly
		rooms := []bridges.Room{full}
		for _, name := range []string{"#lowered", "#notice", "#none", "#own1", "#own2", "#unknown"} {
			rooms = append(rooms, channel(name))
		}
		for _, r := range append(rooms, direct("irc", "alice"), direct("safe", "alice"), direct("mute", "alice")) {
			d.visit(r)
			d.checkSaid()
		}
		d.visitMatrix(t)
		d.fill()
		d.checkKept()
		d.says(full, "alice", "!forget reporter INC-1")
		d.checkErased(t)
		d.suspended(t)
		d.troubles(t)
		d.checkSaid()
		d.checkKept()
	})
}

// checkHeard sees that the markers do come out at full: else nothing is tested.
func (d *markedDesk) checkHeard(t *testing.T) {
	var all strings.Builder
	templates := map[string]bool{}
	for _, h := range d.said {
		if h.full == both {
			all.WriteString(h.Text + "\n")
		}
		for _, words := range []string{"is due now", "I was away", "was due", "hears notices only from now on", "(again)"} {
			templates[words] = templates[words] || strings.Contains(h.Text, words)
		}
	}
	for name, m := range markers(t) {
		switch name {
		case "Type", "Source", "Outcome", "ScoreLevel", "Track":
			m = strings.Replace(m, "qzx", "Qzx ", 1) // its name is said, never its key
		}
		if !strings.Contains(all.String(), m) {
			t.Errorf("%s does not come out at full: %q", name, m)
		}
	}
	for words, said := range templates {
		if !said {
			t.Errorf("nothing was said with %q: a kind of reminder or notice is not tested", words)
		}
	}
}

// awayFor has a network away over two reminders, and back again with lines of
// which nobody knows whether they arrived.
func (d *markedDesk) awayFor(t *testing.T, network string) {
	e := d.nets[network]
	e.say = fmt.Errorf("%w: away", bridges.ErrNotSent)
	d.passes("30h")
	e.say = errors.New("cut off")
	d.passes("2h")
	e.say = nil
	d.Event(t.Context(), bridges.Event{Kind: bridges.Up, Network: network})
	d.passes("2h")
	e.prove = errors.New("the server does not answer")
	d.says(channel("#notice"), "alice", "!incident show INC-1")
	e.prove = nil
	d.passes("2h")
	e.say = fmt.Errorf("%w: banned", bridges.ErrRefused)
	d.says(channel("#full"), "alice", "!incident show INC-1")
	e.say = nil
	d.Event(t.Context(), bridges.Event{Kind: bridges.Down, Network: network, Told: "the line was cut"})
	d.Event(t.Context(), bridges.Event{Kind: bridges.Trouble, Network: network, Room: channel("#full"), Told: "kicked"})
	// The plan was edited meanwhile, and the bot starts anew in the middle of a line.
	d.inOrder = false
	d.says(channel("#notice"), "alice", "!incident show INC-1", "!timeline INC-1 100")
	d.note(d.close())
	c := d.clock
	c.moveTo(c.Now().AddDate(0, 0, 2))
	d.start("plan two", c)
}

// suspended has a room lose its clearance between a line and its answer.
func (d *markedDesk) suspended(t *testing.T) {
	d.fill()
	d.checkSaid()
	full, safe := channel("#full"), direct("safe", "bob")
	d.inOrder = false
	d.says(full, "alice", "!incident show INC-1", "!timeline INC-1 100", "!fact show INC-1")
	d.says(safe, "bob", "!incident show INC-1", "!incident list", "!timeline", "!incident show INC-99", "!role list", "!help")
	d.says(channel("#notice"), "carol", "!suspend bob")
	was := d.full
	d.full = nil // nobody hears anything more
	d.inOrder = true
	d.drain()
	for _, h := range d.said {
		if got := regexp.MustCompile(`INC-[1-6]\b`).FindString(h.Text); h.Room == safe && got != "" {
			t.Errorf("bob is suspended, and heard of %s: %s", got, h.Text)
		}
	}
	d.says(full, "alice", "!incident show INC-1", "!timeline INC-1 100")
	d.passes("25h")
	d.checkSaid()
	d.full = was
	d.obeyAgain("bob")
	d.checkSaid()
}

// obeyAgain ends a suspension, by two people.
func (d *markedDesk) obeyAgain(person string) {
	full, before := channel("#full"), len(d.said)
	d.says(full, "alice", "!unsuspend "+person)
	for _, h := range d.said[before:] {
		if code := regexp.MustCompile(`!approve (\w{5})`).FindStringSubmatch(h.Text); code != nil {
			d.says(full, "carol", "!approve "+code[1])
		}
	}
}

// troubles has our own errors happen: each is logged, answered, and quotes
// nothing.
func (d *markedDesk) troubles(t *testing.T) {
	full := channel("#full")
	d.fill()
	d.sql(t, `ALTER TABLE role RENAME TO lost`)
	d.says(full, "alice", "!incident note INC-1 qzx-typed", "!fact set INC-1 cve CVE-2026-7777777", "!incident show INC-1")
	d.sql(t, `ALTER TABLE lost RENAME TO role`)
	failed := 0
	for _, h := range d.said {
		if strings.Contains(h.Text, "That failed, and nothing was changed.") {
			failed++
		}
	}
	if failed != 3 {
		t.Errorf("%d commands failed, not 3", failed)
	}
	d.inOrder = false
	d.says(full, "alice", "!incident show INC-1")
	d.sql(t, `UPDATE outbox SET facts = '{"title":{"q":"qzx-title"}}' WHERE state = 'due'`) // a damaged row
	d.inOrder = true
	d.says(full, "alice", "!incident show INC-1", "!incident note INC-1 qzx-typed")
	d.passes("1h")
	d.sql(t, `UPDATE outbox SET facts = '{}' WHERE state = 'due'`)
	d.passes("2h")
	before := len(d.errs)
	d.note(d.close())
	d.says(full, "alice", "!incident note INC-1 qzx-typed", "!incident show INC-1")
	d.Event(t.Context(), bridges.Event{Kind: bridges.Trouble, Network: "irc", Room: full, Told: "kicked"})
	if len(d.errs) == before {
		t.Error("a closed store gave no error")
	}
	d.start("plan two", d.clock)
}

// sql changes the file behind the bot's back.
func (d *markedDesk) sql(t *testing.T, query string) {
	t.Helper()
	db, err := sql.Open("sqlite3", d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// checkErased sees that no byte of the file holds the reporter any more.
func (d *markedDesk) checkErased(t *testing.T) {
	for _, path := range []string{d.path, d.path + "-wal"} {
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, m := range []string{"qzx-contact", "qzx-credit", "qzx-guest"} { // the name was typed elsewhere too
			if strings.Contains(string(b), m) {
				t.Errorf("%s holds %q after the reporter was forgotten", filepath.Base(path), m)
			}
		}
	}
}

// sealedFields finds every field of type Sealed.
func sealedFields(path string, v reflect.Value) map[string]incidents.Sealed {
	out := map[string]incidents.Sealed{}
	for k := range v.NumField() {
		name := path + v.Type().Field(k).Name
		switch f := v.Field(k); {
		case f.Type() == reflect.TypeFor[incidents.Sealed]():
			out[name] = f.Interface().(incidents.Sealed)
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
			for n, s := range sealedFields(name+".", f) {
				out[n] = s
			}
		}
	}
	return out
}

// leak gives the secret that a text holds, in any case; "" when it holds none.
func leak(text string, secrets []string) string {
	for _, s := range secrets {
		if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
			return s
		}
	}
	return ""
}

// sealedColumns reads from the schema which columns hold sealed text, as
// "table.column".
func sealedColumns(t *testing.T) map[string]bool {
	paths, err := filepath.Glob("../../incidents/store/schema/*.sql")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no schema: %v", err)
	}
	out := map[string]bool{}
	create, column := regexp.MustCompile(`^CREATE TABLE (\w+)`), regexp.MustCompile(`^  (\w+) +(TEXT|BLOB|INTEGER)`)
	alter := regexp.MustCompile(`^ALTER TABLE (\w+) ADD (?:COLUMN )?(\w+)`)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		table, below := "", false
		for line := range strings.SplitSeq(string(text), "\n") {
			_, comment, _ := strings.Cut(line, "--")
			says := strings.Contains(comment, "sealed")
			if m := create.FindStringSubmatch(line); m != nil {
				table, below = m[1], false
			} else if m := alter.FindStringSubmatch(line); m != nil {
				out[m[1]+"."+m[2]] = says
			} else if m := column.FindStringSubmatch(line); m != nil {
				below = below || strings.Contains(comment, "sealed, and all below")
				out[table+"."+m[1]] = below || says
			}
		}
	}
	for _, must := range []string{"incident.title", "incident.ack_via", "timeline.text", "personal.value", "outbox.facts", "approval.act"} {
		if !out[must] {
			t.Errorf("the schema does not say that %s is sealed", must)
		}
	}
	for _, never := range []string{"outbox.error", "timeline.plain", "outbox.key", "heard.id", "incident.level"} {
		if out[never] {
			t.Errorf("the schema says that %s is sealed", never)
		}
	}
	return out
}

// dumpFile gives every value of every column of a database, as text.
func dumpFile(t *testing.T, path string) map[string][]string {
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string][]string{}
	for _, table := range strings.Fields(queryText(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`)) {
		for _, column := range strings.Fields(queryText(t, db, `SELECT name FROM pragma_table_info(?)`, table)) {
			rows, err := db.Query(fmt.Sprintf(`SELECT coalesce(CAST(%q AS TEXT), '') FROM %q`, column, table))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var v string
				if err := rows.Scan(&v); err != nil {
					t.Fatal(err)
				}
				out[table+"."+column] = append(out[table+"."+column], v)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

func queryText(t *testing.T, db *sql.DB, query string, args ...any) string {
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}
