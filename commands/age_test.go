package commands

import (
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// TestWhatIsOldIsNotObeyed: what changes something is refused once it is older
// than the limit, and changes nothing; what only reads is always answered.
func TestWhatIsOldIsNotObeyed(t *testing.T) {
	const most = 10 * time.Minute
	for _, c := range Table() {
		for _, age := range []struct {
			name string
			old  time.Duration
			ok   bool
		}{
			{"just now", 0, true},
			{"exactly at the limit", most, true},
			{"a moment older", most + time.Millisecond, false},
			{"a day old", 24 * time.Hour, false},
			{"from a clock that runs ahead", -time.Hour, true},
		} {
			d := hosted(t)
			d.desk("!incident open --severity low a title", "incident/opened")
			d.hasRoom(1)
			d.MaxAge = func(network string) time.Duration {
				if network != "matrix" {
					t.Errorf("asked for %s", network)
				}
				return most
			}
			l := d.mx("!desk", 0, "alice", typed(c, "INC-1"))
			l.At = d.now.Add(-age.old)
			before := d.dump()
			r, words, others := d.hear(l)
			refused := r.Template == "refusals/too-old"
			if r.Template == "" || refused == (age.ok || c.Reads || c.Words == "suspend") {
				t.Errorf("%s, %s: answered with %q", l.Text, age.name, r.Template)
			}
			if refused && (d.dump() != before || len(others) > 0 || !strings.Contains(words, "say it again") || r.Tone != int(bridges.Hint)) {
				t.Errorf("%s, %s: refused, and yet: %q, %v", l.Text, age.name, words, others)
			}
			if c.Reads && (d.dump() != before || len(others) > 0) {
				t.Errorf("%s only reads, and changed something: %v", l.Text, others)
			}
			d.Store.Close()
		}
	}
}

func TestWithoutALimitOrATimeNothingIsTooOld(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	note := func(at time.Time) Line {
		l := d.mx("!desk", 0, "alice", "!incident note something")
		l.At = at
		return l
	}
	old := d.now.AddDate(-1, 0, 0)
	d.is(note(old), "incident/noted")
	d.MaxAge = func(string) time.Duration { return 0 }
	d.is(note(old), "incident/noted")
	d.MaxAge = func(string) time.Duration { return time.Minute }
	d.is(note(old), "refusals/too-old", "365 d ago")
	d.is(note(time.Time{}), "incident/noted")
	l := d.mx("!desk", 0, "alice", "!frobnicate")
	l.At = old
	d.is(l, "refusals/unknown-command")
}

// TestAnOldLineIsNotObeyedWhenItComesAgain, though it would not be too old for
// another limit then: it was answered.
func TestAnOldLineIsAnsweredOnce(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	d.MaxAge = func(string) time.Duration { return time.Minute }
	l := d.mx("!desk", 0, "alice", "!incident note something")
	l.At = d.now.Add(-time.Hour)
	d.is(l, "refusals/too-old")
	d.MaxAge = nil
	d.is(l, "")
}

// TestWhatIsDoubtfulIsNotObeyed, whatever it is, and its author is told why and
// what to do; nobody else is.
func TestWhatIsDoubtfulIsNotObeyed(t *testing.T) {
	for doubt, want := range map[bridges.Doubt]string{bridges.Plain: "refusals/doubt-plain", bridges.Unsigned: "refusals/doubt-unsigned"} {
		d := hosted(t)
		d.desk("!incident open a title", "incident/opened")
		d.hasRoom(1)
		before := d.dump()
		for _, c := range Table() {
			for _, room := range []struct {
				id  string
				own int
			}{{"!desk", 0}, {"!own1", 1}} {
				l := d.mx(room.id, room.own, "alice", typed(c, "INC-1"))
				l.Doubt = doubt
				r, words, others := d.hear(l)
				if r.Template != want || len(others) > 0 || r.Tone != int(bridges.Hint) || r.Asker != mxid("alice") {
					t.Errorf("%s: answered with %+v, and %v", l.Text, r, others)
				}
				if strings.Contains(words, "INC-1") || words == "" {
					t.Errorf("%s: %q", l.Text, words)
				}
			}
		}
		if d.dump() != before {
			t.Error("something changed")
		}
		l := d.mx("!desk", 0, "alice", "!incident note once")
		l.Doubt = doubt
		d.is(l, want)
		l.Doubt = bridges.NoDoubt // the same message, when its key came later: it was dealt with
		d.is(l, "")
		d.do(func(tx *store.Tx) error { return tx.Suspend("bob", "carol") })
		l = d.mx("!desk", 0, "bob", "!incident note once")
		l.Doubt = doubt
		d.is(l, "")
		d.Store.Close()
	}
}

// TestAThreadTellsWhichIncidentIsMeant: a handle that is typed counts most, then
// the room's own incident, then what is replied to, then the thread.
func TestAThreadTellsWhichIncidentIsMeant(t *testing.T) {
	d := hosted(t)
	opened := func(title string) (message, answer string) {
		l := d.mx("!desk", 0, "alice", "!incident open "+title)
		d.is(l, "incident/opened")
		return l.ID, "$" + AnswerKey(l.Message)
	}
	m1, a1 := opened("one")
	m2, a2 := opened("two")
	opened("three")
	l := d.mx("!desk", 0, "alice", "!incident list")
	d.is(l, "incident/list")
	list := "$" + AnswerKey(l.Message)
	own := d.hasRoom(3)
	noted := func(n int) string { return "Noted on " + incidents.HandleOf("INC", n) }
	for _, c := range []struct {
		name          string
		room          int
		text          string
		about, thread string
		template      string
		words         string
	}{
		{"a reply to the answer", 0, "!incident note x", a1, "", "incident/noted", noted(1)},
		{"a reply to what was answered", 0, "!incident note x", m2, "", "incident/noted", noted(2)},
		{"a thread of the answer", 0, "!incident note x", "", a2, "incident/noted", noted(2)},
		{"a thread of what was answered", 0, "!incident note x", "", m1, "incident/noted", noted(1)},
		{"a reply within another thread", 0, "!incident note x", a1, a2, "incident/noted", noted(1)},
		{"a reply to something else within a thread", 0, "!incident note x", list, a2, "incident/noted", noted(2)},
		{"a handle in another thread", 0, "!incident note INC-3 x", a1, a2, "incident/noted", noted(3)},
		{"the own room", 3, "!incident note x", "", "", "incident/noted", noted(3)},
		{"the own room, a reply", 3, "!incident note x", a1, a2, "incident/noted", noted(3)},
		{"no thread", 0, "!incident note x", "", "", "refusals/which-incident", "INC-2"},
		{"a thread about none", 0, "!incident note x", "", list, "refusals/which-incident", "INC-2"},
		{"a thread of somebody's words", 0, "!incident note x", "$of-bob", "$of-bob", "refusals/which-incident", "INC-2"},
		{"what may be about none", 0, "!timeline", a1, "", "timeline", "INC-1"},
		{"a handle that nobody opened", 0, "!incident note INC-9 x", a1, "", "refusals/no-such-incident", ""},
		{"what is about no incident", 0, "!ping", a1, "", "ping", ""},
	} {
		room := "!desk"
		if c.room != 0 {
			room = own
		}
		l := d.mx(room, c.room, "alice", c.text)
		l.About, l.Thread = c.about, c.thread
		r, words, _ := d.hear(l)
		if r.Template != c.template || !strings.Contains(words, c.words) {
			t.Errorf("%s: %s: %s", c.name, r.Template, words)
		}
		if r.Thread != c.thread || r.ReplyTo != l.ID {
			t.Errorf("%s: answered in thread %q, to %q", c.name, r.Thread, r.ReplyTo)
		}
	}
	d.desk("!incident close INC-1 duplicate", "incident/closed")
	l = d.mx("!desk", 0, "alice", "!severity set high")
	l.Thread = a1
	d.is(l, "refusals/is-closed", "INC-1 is closed")
	l = d.line("full", "alice", "!incident note x") // the same id on another network is another message
	l.Thread = a2
	d.is(l, "refusals/which-incident")
}

// TestAThreadAboutSeveralTellsNothing.
func TestAThreadAboutSeveralTellsNothing(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open one", "incident/opened")
	d.desk("!incident open two", "incident/opened")
	d.do(func(tx *store.Tx) error {
		for n := 1; n <= 2; n++ {
			err := tx.Queue(store.Row{Key: incidents.HandleOf("k", n), Kind: Say, Network: "matrix", Room: "!desk", ReplyTo: "$both", Template: "ping", Incident: n, Facts: incidents.Facts{}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	l := d.mx("!desk", 0, "alice", "!incident note x")
	l.Thread = "$both"
	d.is(l, "refusals/which-incident")
}
