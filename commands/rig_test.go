package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

func mxid(name string) string { return "@" + name + ":example.org" }

// hosted is a desk with a network where rooms can be made.
func hosted(t testing.TB) *testDesk {
	d := fresh(t)
	d.Hosts = []string{"matrix"}
	return d
}

// mx is what somebody says in a Matrix room that is proven private: the desk, or
// the own room of an incident.
func (d *testDesk) mx(room string, incident int, who, text string) Line {
	d.n++
	l := Line{Grant: incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Incident: incident, Desk: incident == 0}}
	l.Message = bridges.Message{
		ID: fmt.Sprintf("$m%d", d.n), Room: bridges.Room{Network: "matrix", ID: room}, Text: text, Name: who,
		From: bridges.Account{Network: "matrix", ID: mxid(who)}, At: d.now,
	}
	for _, name := range []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"} {
		l.Proof.Checks = append(l.Proof.Checks, incidents.Check{Name: name, OK: true})
	}
	for _, p := range []string{"alice", "bob", "carol"} {
		l.Proof.Readers = append(l.Proof.Readers, incidents.Reader{Person: p, Name: p, Account: incidents.Account{Network: "matrix", ID: mxid(p)}})
	}
	return l
}

func (d *testDesk) do(fn func(tx *store.Tx) error) {
	d.t.Helper()
	if err := d.Store.Update(context.Background(), fn); err != nil {
		d.t.Fatal(err)
	}
}

// waiting takes every row that waits and notes it as sent, with "$" and its key
// for an id.
func (d *testDesk) waiting() (out []store.Row) {
	d.t.Helper()
	d.do(func(tx *store.Tx) error {
		for _, network := range []string{"irc", "matrix", "other"} {
			rows, err := tx.DueRows(network, nil, 100)
			for _, r := range rows {
				err = errors.Join(err, tx.Finish(r.ID, store.Sent, "$"+r.Key, ""))
			}
			if err != nil {
				return err
			}
			out = append(out, rows...)
		}
		return nil
	})
	return out
}

// hear has a line obeyed and gives its answer with its words, and what else it
// brought about. There is no answer when the template is "".
func (d *testDesk) hear(l Line) (answer store.Row, words string, others []store.Row) {
	d.t.Helper()
	d.waiting()
	if err := d.Handle(context.Background(), l); err != nil {
		d.t.Fatalf("%.200q was not dealt with: %v", l.Text, err)
	}
	for _, r := range d.waiting() {
		if r.Key == AnswerKey(l.Message) {
			answer, words = r, d.words(l, r)
		} else {
			others = append(others, r)
		}
	}
	return answer, words, others
}

// words gives what the room of a line hears of a row.
func (d *testDesk) words(l Line, r store.Row) string {
	d.t.Helper()
	var v incidents.Verdict
	d.do(func(tx *store.Tx) error {
		guests, err := tx.Guests(l.Grant.Incident)
		v = incidents.Clear(l.Grant, l.Proof.Admit(guests), r.Incident, func(string) bool { return false })
		return err
	})
	if v.Clearance.None() && !r.Harmless {
		return ""
	}
	doc, err := d.Book.Render(r.Template, r.Facts, v.Clearance)
	if err != nil {
		d.t.Fatalf("%s: %v", r.Template, err)
	}
	return doc.Text
}

// is has a line obeyed and checks the template of its answer and some of its words.
func (d *testDesk) is(l Line, template string, parts ...string) []store.Row {
	d.t.Helper()
	r, words, others := d.hear(l)
	if r.Template != template {
		d.t.Errorf("%q: answered with %q (%s), want %q", l.Text, r.Template, words, template)
	}
	for _, p := range parts {
		if !strings.Contains(words, p) {
			d.t.Errorf("%q: answered %q, want %q in it", l.Text, words, p)
		}
	}
	return others
}

// desk has alice say something in the Matrix desk.
func (d *testDesk) desk(text, template string, parts ...string) []store.Row {
	d.t.Helper()
	return d.is(d.mx("!desk", 0, "alice", text), template, parts...)
}

// hasRoom gives an incident its own room.
func (d *testDesk) hasRoom(n int) (room string) {
	d.t.Helper()
	room = fmt.Sprintf("!own%d", n)
	d.do(func(tx *store.Tx) error { return tx.PutRoom(store.Room{Incident: n, Network: "matrix", ID: room}) })
	d.waiting()
	return room
}

// record gives the kinds of an incident's entries, newest last.
func (d *testDesk) record(n int) (out []incidents.Entry) {
	d.t.Helper()
	d.do(func(tx *store.Tx) (err error) {
		out, err = tx.Timeline(n, 1000)
		return err
	})
	return out
}

// kindsOf gives the entries of a kind.
func (d *testDesk) kindsOf(n int, kind string) []incidents.Entry {
	d.t.Helper()
	return slices.DeleteFunc(d.record(n), func(e incidents.Entry) bool { return e.Kind != kind })
}

// code gives the code of the newest request.
func code(words string) string {
	_, rest, _ := strings.Cut(words, "!approve ")
	return rest[:min(5, len(rest))]
}

// shown notes, as the outbox does, that all of a request was said in a room.
func (d *testDesk) shown(room, code string) {
	d.t.Helper()
	d.do(func(tx *store.Tx) error {
		for _, network := range []string{"irc", "matrix"} {
			if err := errors.Join(tx.Showing(code, network, room, true, true), tx.Shown(code, network, room)); err != nil {
				return err
			}
		}
		return nil
	})
}

// kinds gives what rows of a kind are for, as "template room person person".
func kinds(rows []store.Row, kind string) (out []string) {
	for _, r := range rows {
		if r.Kind == kind {
			out = append(out, strings.TrimSpace(strings.Join(append([]string{r.Template, r.Room}, r.Mentions...), " ")))
		}
	}
	return out
}

func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// typed gives a line that says a command with every argument that it must have,
// about an incident.
func typed(c Command, handle string) string {
	out := "!" + c.Words
	if c.About == One || c.About == OneOpen || c.About == MaybeOne {
		out += " " + handle
	}
	for _, a := range c.Args {
		if a.Optional || a.Flag != "" {
			continue
		}
		out += " " + sample(a)
	}
	return strings.TrimSpace(out)
}

func sample(a Arg) string {
	switch {
	case a.Kind == Key:
		return map[string]string{"role": "patch", "outcome": "duplicate", "type": "ci", "source": "scanning", "level": "high", "contact": "debian"}[a.Of]
	case a.OneOf != nil:
		return a.OneOf[0]
	case a.Name == "account":
		return mxid("erin")
	case a.Kind == Version:
		return "12.3.1"
	case a.Kind == Hash:
		return strings.Repeat("0f", 20)
	case a.Kind == Handles:
		return "INC-1"
	case a.Kind == Word:
		return "QQQQQ"
	case a.Kind == Person:
		return "bob"
	case a.Kind == When:
		return "5h ago"
	case a.Kind == Count:
		return "3"
	case a.Kind == Severity:
		return "high"
	case a.Kind == Vector:
		return "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	default:
		return "xyz"
	}
}
