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

func TestARoomIsAskedForOnce(t *testing.T) {
	d := hosted(t)
	d.Hosts = nil
	d.desk("!incident open a title", "incident/opened")
	before := d.dump()
	d.desk("!incident room INC-1", "refusals/no-host", "[[matrix]]")
	if d.dump() != before {
		t.Error("a refusal changed something")
	}
	d.Hosts = []string{"other", "matrix"}
	others := d.is(d.mx("!desk", 0, "bob", "!incident room INC-1"), "room/asked", "is being made on matrix", "Asked in: alice, bob.")
	same(t, "queued", kinds(others, "room"), "a room for INC-1 bob")
	if e := d.kindsOf(1, "room"); len(e) != 1 || e[0].Who != "bob" || !e[0].Text.Empty() {
		t.Errorf("on record: %+v", e)
	}
	d.Hosts = []string{"other"}
	d.desk("!incident close INC-1 duplicate", "incident/closed")
	d.desk("!incident room INC-1", "refusals/is-closed")
	d.desk("!incident reopen INC-1 again", "incident/reopened")
	// From a network without rooms the first one that has them makes it.
	others = d.is(d.line("full", "alice", "!incident room INC-1"), "room/asked", "on other", "No account there: alice.")
	if rows := kinds(others, "room"); len(rows) != 1 {
		t.Errorf("queued: %q", rows)
	}
}

func TestARoomThatIsBeingMadeIsNotAskedForAgain(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	handle := func(text string) string {
		l := d.mx("!desk", 0, "alice", text)
		if err := d.Handle(context.Background(), l); err != nil {
			t.Fatal(err)
		}
		template := ""
		d.do(func(tx *store.Tx) error {
			rows, err := tx.DueRows("matrix", nil, 100)
			for _, r := range rows {
				if r.Key == AnswerKey(l.Message) {
					template = r.Template
				}
			}
			return err
		})
		return template
	}
	if got := handle("!incident room INC-1"); got != "room/asked" {
		t.Errorf("first: %s", got)
	}
	if got := handle("!incident room INC-1"); got != "room/asked" {
		t.Errorf("while it waits: %s", got)
	}
	if n := len(d.kindsOf(1, "room")); n != 1 {
		t.Errorf("on record %d times", n)
	}
	d.waiting() // it ended, without a room: refused, say
	if got := handle("!incident room INC-1"); got != "room/asked" {
		t.Errorf("after it ended: %s", got)
	}
	rows := d.waiting()
	if len(kinds(rows, "room")) != 1 || rows[0].Key == "" {
		t.Errorf("queued %+v", rows)
	}
}

func TestARoomThatIsThereAsksPeopleIn(t *testing.T) {
	d := hosted(t)
	d.Roster = incidents.NewRoster(append(d.Roster.People(), incidents.Person{
		Name: "erin", Zone: time.UTC, Accounts: []incidents.Account{{Network: "irc", ID: "erin"}},
	})...)
	d.desk("!incident open a title", "incident/opened")
	d.desk("!role assign INC-1 patch bob", "role/assigned")
	d.desk("!role assign INC-1 release erin", "role/assigned")
	d.desk("!role assign INC-1 comms dana", "role/assigned")
	own := d.hasRoom(1)
	d.is(d.line("full", "alice", "!suspend dana"), "suspended")
	others := d.is(d.mx("!desk", 0, "carol", "!incident room INC-1"), "room/there", "alice, bob, carol are asked in", "No account there: erin.")
	same(t, "asked in", kinds(others, "invite"), own+" alice bob carol")
	same(t, "made", kinds(others, "room"))
	// Who gets a role is asked in, and called.
	r, _, others := d.hear(d.mx(own, 1, "alice", "!role assign comms carol"))
	same(t, "asked in", kinds(others, "invite"), own+" carol")
	same(t, "called", r.Mentions, "carol")
	r, _, others = d.hear(d.mx(own, 1, "bob", "!role take comms"))
	same(t, "asked in", kinds(others, "invite"), own+" bob")
	same(t, "called for a role they take themselves", r.Mentions)
	// What is done is announced in the own room as well, unless it was said there.
	others = d.desk("!incident note INC-1 a note", "incident/noted")
	same(t, "announced", kinds(others, Say), "announce #full", "announce #notice", "announce "+own)
	others = d.is(d.mx(own, 1, "alice", "!incident note another"), "incident/noted")
	same(t, "announced", kinds(others, Say), "announce #full", "announce #notice")
	same(t, "the board", kinds(others, "board"), "board "+own)
}

func TestARoomByLevel(t *testing.T) {
	d := hosted(t)
	d.RoomsFor = func(network string) []string {
		return map[string][]string{"matrix": {"critical", "high"}}[network]
	}
	for _, c := range []struct {
		text string
		want int
	}{
		{"!incident open --severity high a title", 1},
		{"!incident open --severity low a title", 0},
		{"!incident open a title", 0},
		{"!incident open --type ci a title", 1}, // critical by its type
		{"!severity set INC-2 critical", 1},
		{"!severity set INC-3 medium", 0},
	} {
		l := d.mx("!desk", 0, "alice", c.text)
		r, words, others := d.hear(l)
		if got := kinds(others, "room"); len(got) != c.want || strings.HasPrefix(r.Template, "refusals/") {
			t.Errorf("%s: %s: rooms %q", c.text, words, got)
		}
		others = d.is(d.line("full", "bob", "!incident note INC-1 x"), "incident/noted")
		same(t, "a note asks for", kinds(others, "room"))
	}
	own := d.hasRoom(1)
	others := d.desk("!severity set INC-1 critical", "severity/set")
	same(t, "with a room", kinds(others, "room"))
	same(t, "its board", kinds(others, "board"), "board "+own)
	d.Hosts = nil
	others = d.desk("!severity set INC-3 critical", "severity/set")
	same(t, "without a network for rooms", kinds(others, "room"))
	d.Hosts, d.RoomsFor = []string{"matrix"}, nil
	others = d.desk("!severity set INC-3 high", "severity/set")
	same(t, "when the configuration asks for none", kinds(others, "room"))
}

// TestARoomByLevelIsAskedForOnceWhileItIsBeingMade, also when the level changes
// meanwhile.
func TestARoomByLevelIsAskedForOnceWhileItIsBeingMade(t *testing.T) {
	d := hosted(t)
	d.RoomsFor = func(string) []string { return []string{"critical", "high"} }
	for _, text := range []string{"!incident open --severity high a title", "!severity set INC-1 critical", "!severity set INC-1 high"} {
		if err := d.Handle(context.Background(), d.mx("!desk", 0, "alice", text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := kinds(d.waiting(), "room"); len(got) != 1 {
		t.Errorf("queued %q", got)
	}
}

func TestAClosedIncidentSaysFarewellInItsRoom(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	others := d.desk("!incident close INC-1 duplicate", "incident/closed")
	same(t, "without a room", kinds(others, Say), "announce #full", "announce #notice")
	d.desk("!incident reopen INC-1 again", "incident/reopened")
	own := d.hasRoom(1)
	others = d.desk("!incident close INC-1 duplicate", "incident/closed")
	same(t, "with one", kinds(others, Say), "announce #full", "announce #notice", "room/farewell "+own, "announce "+own)
	same(t, "its board", kinds(others, "board"), "board "+own)
}

// TestAnOwnRoomSpeaksOfItsIncidentOnly: whatever is said in it, about another
// incident or about all, no word of another one comes back, and nothing of the
// other one changes.
func TestAnOwnRoomSpeaksOfItsIncidentOnly(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open first-title", "incident/opened")
	d.is(d.mx("!desk", 0, "bob", "!incident open wvy-title"), "incident/opened")
	d.desk("!severity set INC-2 critical wvy-reason", "severity/set")
	d.desk("!reporter set INC-2 wvy-name", "reporter/set")
	own, other := d.hasRoom(1), d.hasRoom(2)
	second := d.incident(2)
	secrets := []string{"INC-2", second.Codename, "wvy", other}
	asked := d.guest(other, 2, "alice", mxid("frank"))
	unchanged := func() string {
		var out []string
		for l := range strings.SplitSeq(d.dump(), "\n") {
			if strings.HasPrefix(l, "incident|2|") || strings.HasPrefix(l, "role|2|") || strings.HasPrefix(l, "personal|") && strings.Contains(l, "wvy") {
				out = append(out, l)
			}
		}
		return fmt.Sprint(out, len(d.record(2)), d.guests(2))
	}
	before := unchanged()
	check := func(l Line) {
		t.Helper()
		r, words, others := d.hear(l)
		if r.Template == "" {
			t.Errorf("%s: no answer", l.Text)
		}
		if r.Room != own || r.Direct || words == "" {
			t.Errorf("%s: %s is not answered in the room: %+v", l.Text, r.Template, r)
		}
		told := []string{words}
		for _, o := range others {
			if o.Room == own && o.Kind == Say {
				told = append(told, d.words(l, o), strings.Join(o.Mentions, " "), o.Key)
			}
		}
		for _, s := range secrets {
			if strings.Contains(strings.Join(told, "\n"), s) {
				t.Errorf("%s: %s holds %q: %s", l.Text, r.Template, s, strings.Join(told, "\n"))
			}
		}
		if r.Incident != 1 && !r.Harmless {
			t.Errorf("%s: %s is about %d", l.Text, r.Template, r.Incident)
		}
	}
	for _, c := range Table() {
		if c.Words == "suspend" {
			continue // below: it is obeyed
		}
		check(d.mx(own, 1, "alice", typed(c, "INC-2")))
		check(d.mx(own, 1, "alice", typed(c, "INC-99")))
		check(d.mx(own, 1, "alice", "!"+c.Words))
		l := d.mx(own, 1, "alice", strings.Replace(typed(c, "INC-2"), "INC-2 ", "", 1))
		l.Thread = "$answer/matrix/$m2"
		if c.Words != "incident close" && c.Words != "incident reopen" {
			check(l) // in a thread that is about the other one
		}
	}
	check(d.mx(own, 1, "carol", "!approve "+asked))
	check(d.mx(own, 1, "alice", "!suspend bob")) // who leads the other one
	if got := unchanged(); got != before {
		t.Errorf("the other incident changed:\n%s\n%s", before, got)
	}
	d.is(d.mx(own, 1, "alice", "!incident list"), "refusals/room-one-incident", "for INC-1 only")
	_, words, _ := d.hear(d.mx("!desk", 0, "carol", "!incident list"))
	if !strings.Contains(words, "INC-2") {
		t.Error("the desk does not hear of the other one either: this test looks in the wrong place")
	}
}

// TestSuspendingInAnOwnRoom: it is obeyed, answered there, and undone there by two.
func TestSuspendingInAnOwnRoom(t *testing.T) {
	d := hosted(t)
	d.is(d.mx("!desk", 0, "bob", "!incident open a title"), "incident/opened")
	own := d.hasRoom(1)
	others := d.is(d.mx(own, 1, "alice", "!suspend bob"), "suspended", "bob is suspended", "They lead INC-1")
	same(t, "announced", kinds(others, Say), "announce #full", "announce #notice")
	d.is(d.mx(own, 1, "bob", "!incident show"), "")
	// With a suspended person there the room hears notices: what is asked for is
	// no sealed text.
	_, words, _ := d.hear(d.mx(own, 1, "alice", "!unsuspend bob"))
	d.is(d.mx(own, 1, "alice", "!approve "+code(words)), "refusals/approval-self")
	d.is(d.mx("!desk", 0, "carol", "!approve "+code(words)), "refusals/approval-elsewhere")
	d.is(d.mx(own, 1, "carol", "!approve "+code(words)), "unsuspended", "bob is obeyed again, by word of alice and carol")
	d.is(d.mx(own, 1, "bob", "!incident show"), "incident/show", "a title")
}

func TestTheDeskSpeaksDirectlyOfWhatAnUnknownRoomAsks(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	l := d.mx("!somewhere", 0, "alice", "!incident show INC-1")
	l.Grant = incidents.Grant{Asks: "none"}
	r, _, _ := d.hear(l)
	if r.Template != "refusals/room-unknown" || !r.Direct || r.Room != mxid("alice") || r.Tone != int(bridges.Hint) {
		t.Errorf("answered with %+v", r)
	}
}
