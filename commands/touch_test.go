package commands

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// touches has something done to a message and gives what is queued for that.
func (d *testDesk) touches(kind bridges.TouchKind, id, who, target, sign string) []store.Row {
	d.t.Helper()
	d.waiting()
	err := d.Touch(context.Background(), bridges.Touch{
		ID: id, Kind: kind, Room: bridges.Room{Network: "matrix", ID: "!desk"}, From: bridges.Account{Network: "matrix", ID: mxid(who)},
		Target: target, Sign: sign, At: d.now,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.waiting()
}

func TestAnEditChangesNothingAndIsNotedOnce(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	l := d.mx("!desk", 0, "alice", "!severity set INC-1 high")
	d.is(l, "severity/set")
	before := d.incident(1)
	rows := d.touches(bridges.Edited, "$e1", "alice", l.ID, "")
	if len(rows) != 1 || rows[0].Template != "edited" || rows[0].ReplyTo != l.ID || rows[0].Tone != int(bridges.Hint) || rows[0].Asker != mxid("alice") ||
		rows[0].Room != "!desk" || !rows[0].Harmless {
		t.Errorf("hinted: %+v", rows)
	}
	if rows := d.touches(bridges.Edited, "$e1", "alice", l.ID, ""); len(rows) != 0 {
		t.Errorf("the same edit once more: %+v", rows)
	}
	d.touches(bridges.Edited, "$e2", "alice", l.ID, "")
	d.touches(bridges.Edited, "$e2", "bob", l.ID, "")
	if e := d.kindsOf(1, "edited"); len(e) != 1 || e[0].Who != "alice" || !e[0].Text.Empty() || e[0].Plain != "" {
		t.Errorf("on record: %+v", e)
	}
	if rows := d.touches(bridges.Redacted, "$r1", "bob", l.ID, ""); len(rows) != 0 {
		t.Errorf("a redaction is answered: %+v", rows)
	}
	d.touches(bridges.Redacted, "$r1", "bob", l.ID, "")
	if e := d.kindsOf(1, "redacted"); len(e) != 1 || e[0].Who != "bob" {
		t.Errorf("on record: %+v", e)
	}
	if after := d.incident(1); after.Level != "high" || after.Version != before.Version {
		t.Errorf("it changed: %+v", after)
	}
	d.is(l, "") // the edited command does not come again either
	// A command about no incident.
	l = d.mx("!desk", 0, "alice", "!ping")
	d.is(l, "ping")
	d.touches(bridges.Edited, "$e3", "alice", l.ID, "")
	if all := d.record(0); all[len(all)-1].Kind != "edited" || all[len(all)-1].Incident != 0 {
		t.Errorf("on record: %+v", all[len(all)-1])
	}
	if _, err := d.Store.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestWhatIsDoneToOtherThingsIsNothing: what was never obeyed, what we said, and
// what strangers and suspended people do.
func TestWhatIsDoneToOtherThingsIsNothing(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	done := d.mx("!desk", 0, "alice", "!incident note x")
	d.is(done, "incident/noted")
	talk := d.mx("!desk", 0, "alice", "good morning")
	d.is(talk, "")
	d.is(d.mx("!desk", 0, "carol", "!suspend bob"), "suspended")
	unheard := d.mx("!desk", 0, "bob", "!incident note from bob")
	d.is(unheard, "")
	d.do(func(tx *store.Tx) error { // a message that could not be read: it was answered, not obeyed
		return tx.Queue(store.Row{Key: "unreadable", Kind: Say, Network: "matrix", Room: "!desk", ReplyTo: "$unreadable", Template: "ping", Facts: incidents.Facts{}, Harmless: true})
	})
	ignored := map[string]int{}
	d.Ignored = func(why string) { ignored[why]++ }
	before, n := d.dump(), 0
	for _, kind := range []bridges.TouchKind{bridges.Edited, bridges.Redacted, bridges.Reacted} {
		for _, c := range []struct{ who, target string }{
			{"alice", talk.ID},
			{"alice", "$of-nobody"},
			{"alice", ""},
			{"alice", "$" + AnswerKey(done.Message)},
			{"alice", unheard.ID},
			{"alice", "$unreadable"},
			{"bob", done.ID},
			{"mallory", done.ID},
			{"", done.ID},
		} {
			n++
			if rows := d.touches(kind, fmt.Sprint("$t", n), c.who, c.target, "✅"); len(rows) != 0 {
				t.Errorf("%v of %q by %q: %+v", kind, c.target, c.who, rows)
			}
		}
	}
	if got := d.dump(); got != before {
		t.Errorf("something changed:\n%s\n%s", before, got)
	}
	if ignored["suspended"] != 3 || ignored["not on the roster"] != 6 {
		t.Errorf("counted: %v", ignored)
	}
	// What a suspended person did is not noted later either, when it is not said again.
	if len(d.kindsOf(1, "edited")) != 0 {
		t.Error("noted")
	}
}

// reminded says a reminder of an incident in the desk, and one that waits
// elsewhere.
func (d *testDesk) reminded(n int, rung time.Time, id string) {
	d.t.Helper()
	d.waiting()
	d.do(func(tx *store.Tx) error {
		for k, place := range []string{"!desk", "#elsewhere"} {
			key := fmt.Sprintf("rung/%d/%s/%d", n, id, k)
			err := tx.Queue(store.Row{
				Key: key, Kind: Say, Network: []string{"matrix", "irc"}[k], Room: place, Template: "rung", Incident: n,
				Clock: "acknowledgement", Generation: 1, Rung: rung,
			})
			if err != nil {
				return err
			}
		}
		rows, err := tx.DueRows("matrix", nil, 10)
		for _, r := range rows {
			if err == nil && r.Kind == Say && r.Clock != "" {
				err = tx.Finish(r.ID, store.Sent, id, "")
			}
		}
		return err
	})
}

// due gives the reminders that wait.
func (d *testDesk) due() (n int) {
	d.t.Helper()
	d.do(func(tx *store.Tx) error {
		rows, err := tx.DueRows("irc", nil, 100)
		for _, r := range rows {
			if r.Clock != "" {
				n++
			}
		}
		return err
	})
	return n
}

func TestASignOnAReminderSaysHeard(t *testing.T) {
	for sign, want := range map[string]bool{
		"✅": true, "✅\ufe0f": true, "": false, "✔": false, "✔️": false, "👍": false, "❌": false, "✅✅": false, "✅ ": false, "\ufe0f✅": false,
		"heard": false, "!heard": false, "☑️": false, "✅\ufe0f\ufe0f": false,
	} {
		d := hosted(t)
		d.desk("!incident open a title", "incident/opened")
		rung := monday().Add(24 * time.Hour)
		d.reminded(1, rung, "$r1")
		if d.due() != 1 {
			t.Fatal("no reminder waits elsewhere")
		}
		err := d.Touch(context.Background(), bridges.Touch{
			ID: "$s1", Kind: bridges.Reacted, Room: bridges.Room{Network: "matrix", ID: "!desk"},
			From: bridges.Account{Network: "matrix", ID: mxid("bob")}, Target: "$r1", Sign: sign,
		})
		if err != nil {
			t.Fatal(err)
		}
		e := d.kindsOf(1, "heard")
		if (len(e) == 1) != want || (d.due() == 0) != want {
			t.Errorf("%q: on record %+v; waiting %d", sign, e, d.due())
		}
		if want && (e[0].Who != "bob" || e[0].Plain != "the Acknowledgement to the reporter") {
			t.Errorf("%q: on record %+v", sign, e[0])
		}
		if rows := d.touches(bridges.Reacted, "$s2", "bob", "$r1", sign); len(rows) != 0 && want || len(d.kindsOf(1, "heard")) != len(e) {
			t.Errorf("%q once more: %v", sign, rows)
		}
		d.Store.Close()
	}
}

// TestASignOnSomethingElseSaysNothing: on an answer, say, that speaks of an
// incident with a reminder.
func TestASignOnSomethingElseSaysNothing(t *testing.T) {
	d := hosted(t)
	l := d.mx("!desk", 0, "alice", "!incident open a title")
	d.is(l, "incident/opened")
	d.reminded(1, monday().Add(24*time.Hour), "$r1")
	before := d.dump()
	for k, target := range []string{l.ID, "$" + AnswerKey(l.Message), "$nothing", ""} {
		err := d.Touch(context.Background(), bridges.Touch{
			ID: fmt.Sprint("$s", k), Kind: bridges.Reacted, Room: bridges.Room{Network: "matrix", ID: "!desk"},
			From: bridges.Account{Network: "matrix", ID: mxid("bob")}, Target: target, Sign: "✅",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if d.dump() != before || d.due() != 1 {
		t.Errorf("something changed; waiting %d", d.due())
	}
}

func TestHeardInWords(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open one", "incident/opened")
	d.desk("!heard", "refusals/no-reminder", "no reminder of INC-1")
	d.desk("!incident open two", "incident/opened")
	first, second := monday().Add(24*time.Hour), monday().Add(48*time.Hour)
	d.reminded(1, first, "$r1")
	d.reminded(1, second, "$r2")
	d.reminded(2, first, "$q1")
	reply := func(who, text, about string) Line {
		l := d.mx("!desk", 0, who, text)
		l.About = about
		return l
	}
	d.is(reply("alice", "!heard", "$r1"), "heard", "alice heard the reminder of INC-1", "Acknowledgement to the reporter", "The clock runs on")
	d.is(reply("alice", "!heard", "$r1"), "refusals/heard-already")
	d.is(reply("alice", "!heard", "$r2"), "heard")                           // another reminder of the same clock
	d.is(reply("bob", "!heard INC-2", "$r1"), "heard", "INC-2")              // a handle counts more
	d.is(reply("carol", "!heard INC-1", ""), "heard", "INC-1")               // the newest one
	d.is(reply("carol", "!heard INC-1", "$r2"), "refusals/heard-already")    // which that was
	d.is(reply("carol", "!heard", "$r1"), "heard", "INC-1")                  // an older one
	d.is(d.line("notice", "dana", "!heard INC-1"), "heard", "dana", "INC-1") // on a network without signs
	if e := d.kindsOf(1, "heard"); len(e) != 5 {
		t.Errorf("on record: %+v", e)
	}
	if e := d.kindsOf(2, "heard"); len(e) != 1 || e[0].Who != "bob" {
		t.Errorf("on record: %+v", e)
	}
	// The clock runs on.
	d.do(func(tx *store.Tx) error {
		_, runs, err := tx.Clock(1, "acknowledgement", 1)
		if !runs {
			t.Error("a clock stopped because somebody heard it")
		}
		return err
	})
	d.desk("!incident close INC-2 duplicate", "incident/closed")
	d.desk("!heard INC-2", "refusals/is-closed")
}

// TestTheSignIsExplained where people look for it.
func TestTheSignIsExplained(t *testing.T) {
	if does := heard().Does; !strings.Contains(does, heardSign) {
		t.Errorf("!help heard does not show the sign: %s", does)
	}
}
