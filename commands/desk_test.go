package commands

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// testDesk is a desk on a real file, and its answers.
type testDesk struct {
	*Desk
	t    testing.TB
	path string
	now  time.Time
	n    int
	log  bytes.Buffer
}

func monday() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

func newDesk(t testing.TB, path string) *testDesk {
	t.Helper()
	d := &testDesk{t: t, path: path, now: monday()}
	plan, err := templates.ReadPlan(templates.Builtin(), "plans/pillow/plan.toml")
	if err != nil {
		t.Fatal(err)
	}
	book, err := templates.NewBook()
	if err != nil {
		t.Fatal(err)
	}
	var people []incidents.Person
	for _, name := range []string{"alice", "bob", "carol", "dana"} {
		people = append(people, incidents.Person{Name: name, Zone: time.UTC, Accounts: []incidents.Account{
			{Network: "irc", ID: name}, {Network: "matrix", ID: mxid(name)},
		}})
	}
	get := func() *incidents.Plan { return plan }
	st, err := store.Open(t.Context(), path, store.Options{Prefix: "INC", Now: func() time.Time { return d.now }, Plan: get})
	if err != nil {
		t.Fatal(err)
	}
	d.Desk = &Desk{
		Store: st, Plan: get, Roster: incidents.NewRoster(people...), Book: book, Prefix: "INC", Table: Table(),
		Approve: func(string) bool { return true }, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Desks: []Place{{"irc", "#full"}, {"irc", "#notice"}},
	}
	return d
}

func fresh(t testing.TB) *testDesk {
	d := newDesk(t, filepath.Join(t.TempDir(), "c.db"))
	t.Cleanup(func() { d.Store.Close() })
	return d
}

// line is what somebody says in a room, and what is proven of it.
func (d *testDesk) line(asks, who, text string) Line {
	d.n++
	l := Line{Grant: incidents.Grant{Network: incidents.OnIRC, Asks: asks, Desk: true}}
	l.Message = bridges.Message{
		ID: fmt.Sprintf("m%d", d.n), Room: bridges.Room{Network: "irc", ID: "#" + asks}, Text: text, Name: who,
		From: bridges.Account{Network: "irc", ID: who}, At: d.now,
	}
	for _, name := range []string{"tls", "authenticated", "plain", "peer-tls", "secret", "closed", "registered-only", "tls-only", "identified"} {
		l.Proof.Checks = append(l.Proof.Checks, incidents.Check{Name: name, OK: true})
	}
	l.Proof.Readers = []incidents.Reader{{Person: "alice", Name: "alice"}, {Person: "bob", Name: "bob"}}
	return l
}

// answer gives the row that answers a line; false when there is none.
func (d *testDesk) answerTo(l Line) (store.Row, bool) {
	d.t.Helper()
	if err := d.Handle(context.Background(), l); err != nil {
		d.t.Fatalf("%.200q was not dealt with: %v", l.Text, err)
	}
	var answer store.Row
	err := d.Store.Update(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.DueRows("irc", nil, 100)
		for _, r := range rows {
			if r.Key == AnswerKey(l.Message) {
				answer = r
			}
			if err == nil {
				err = tx.Finish(r.ID, store.Sent, "", "")
			}
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return answer, answer.Key != ""
}

// say gives the template that answers a line of alice's, and its words at what
// the room may hear.
func (d *testDesk) say(asks, text string) (template, words string) {
	d.t.Helper()
	l := d.line(asks, "alice", text)
	r, ok := d.answerTo(l)
	if !ok {
		return "", ""
	}
	doc, err := d.Book.Render(r.Template, r.Facts, incidents.Clear(l.Grant, l.Proof, r.Incident, func(string) bool { return false }).Clearance)
	if err != nil {
		d.t.Fatalf("%.200q: %v", text, err)
	}
	return r.Template, doc.Text
}

// dump gives everything in the file but what was heard and what is to be said.
func (d *testDesk) dump() string {
	d.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+d.path+"?mode=ro")
	if err != nil {
		d.t.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	for _, table := range []string{
		"meta", "incident", "role", "release", "release_incident", "tag", "timeline", "personal", "clock", "approval", "suspension",
	} {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			d.t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			d.t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for k := range values {
				values[k] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				d.t.Fatal(err)
			}
			out.WriteString(table)
			for _, v := range values {
				fmt.Fprintf(&out, "|%v", *v.(*any))
			}
			out.WriteByte('\n')
		}
		if err := rows.Close(); err != nil {
			d.t.Fatal(err)
		}
	}
	return out.String()
}

// incident loads incident n.
func (d *testDesk) incident(n int) (i incidents.Incident) {
	d.t.Helper()
	err := d.Store.Update(context.Background(), func(tx *store.Tx) (err error) { i, err = tx.Incident(n); return err })
	if err != nil {
		d.t.Fatal(err)
	}
	return i
}

// holds checks a sealed text without opening it.
func (d *testDesk) holds(what string, s incidents.Sealed, want string) {
	d.t.Helper()
	if !s.Same(incidents.Seal(want)) {
		v, _ := s.Value()
		d.t.Errorf("%s is %q, want %q", what, v, want)
	}
}

// bytesHold reports whether any file of the database holds a text.
func (d *testDesk) bytesHold(text string) bool {
	d.t.Helper()
	paths, err := filepath.Glob(d.path + "*")
	if err != nil || len(paths) == 0 {
		d.t.Fatalf("no files: %v", err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			d.t.Fatal(err)
		}
		if bytes.Contains(bytes.ToLower(b), []byte(strings.ToLower(text))) {
			return true
		}
	}
	return false
}

// TestNothingTypedIsKept: sealed text that is typed where only notices may be
// heard is refused, and no byte of it is in the file.
func TestNothingTypedIsKept(t *testing.T) {
	d := fresh(t)
	d.say("full", "!incident open Heap overflow")
	const secret = "qzxsecret"
	for _, text := range []string{
		"!incident open " + secret, `!incident open --severity high "` + secret + `"`, "!incident open --severity " + secret, "!incident open --type " + secret,
		"!incident open --reported 5h ago " + secret, "!incident open --" + secret + " x", "!incident open --severity CVSS:4.0/" + secret, "!incident open “" + secret,
		"!incident note " + secret, "!incident note INC-1 " + secret, "!incident note INC-99 " + secret, "!incident title " + secret, "!incident close " + secret,
		"!incident close fixed " + secret, "!incident reopen " + secret, "!severity set high " + secret, "!severity set " + secret, "!severity score " + secret,
		"!reporter set " + secret, "!reporter set x --contact " + secret, "!reporter set x --credit " + secret, "!fact set affected " + secret, "!fact set " + secret,
		"!ack sent --via " + secret, "!ack sent --at " + secret, "!role assign patch " + secret, "!role take " + secret, "!approve " + secret, "!suspend " + secret,
		"!help " + secret, "!" + secret, "!incident " + secret, "!timeline " + secret, "!incident list " + secret, "!incident show " + secret, "!incident show INC-" + secret,
	} {
		before := d.dump()
		template, words := d.say("notice", text)
		if !strings.HasPrefix(template, "refusals/") || strings.Contains(words, secret) {
			t.Errorf("%s: %s: %s", text, template, words)
		}
		if d.dump() != before {
			t.Errorf("%s changed something", text)
		}
	}
	if d.bytesHold(secret) {
		t.Error("the file holds what was typed where it may not be heard")
	}
	if !d.bytesHold("Heap overflow") {
		t.Error("the file holds nothing at all: this test looks in the wrong place")
	}
	if strings.Contains(d.log.String(), secret) {
		t.Errorf("the log holds it: %s", d.log.String())
	}
}

// TestStrangers: who is not on the roster gets no answer, and neither does what
// is no command.
func TestStrangers(t *testing.T) {
	d := fresh(t)
	before := d.dump()
	for _, who := range []string{"mallory", "", "Alice", "alice ", "ali"} {
		if r, ok := d.answerTo(d.line("full", who, "!incident open x")); ok {
			t.Errorf("%q was answered with %s", who, r.Template)
		}
	}
	for _, text := range []string{"", "!", "!!", "!!!incident open x", "! incident open", "incident open x", "!1", "!?", "?!ping", "\u200b!ping", "!\u202eping"} {
		if template, _ := d.say("full", text); template != "" {
			t.Errorf("%q was answered with %s", text, template)
		}
	}
	if d.dump() != before {
		t.Error("something changed")
	}
	l := d.line("full", "alice", "!incident open once")
	d.answerTo(l)
	d.answerTo(l)
	if n := strings.Count(d.dump(), "\nincident|"); n > 1 {
		t.Errorf("one message opened %d incidents", n)
	}
}
