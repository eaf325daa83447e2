package commands

import (
	"context"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// guest asks for a guest and gives the code.
func (d *testDesk) guest(own string, n int, who, id string) string {
	d.t.Helper()
	_, words, _ := d.hear(d.mx(own, n, who, "!guest allow "+id+" she can test the fix"))
	if code(words) == "" || !strings.Contains(words, "asks for !guest allow "+incidents.HandleOf("INC", n)+" "+id+" she can test the fix") {
		d.t.Fatalf("asked: %s", words)
	}
	d.shown(own, code(words))
	return code(words)
}

func (d *testDesk) guests(n int) (out []string) {
	d.t.Helper()
	d.do(func(tx *store.Tx) error {
		all, err := tx.Guests(n)
		for _, a := range all {
			out = append(out, a.Network+" "+a.ID)
		}
		return err
	})
	return out
}

func TestAGuestIsLetInByTwo(t *testing.T) {
	d := hosted(t)
	erin := mxid("erin")
	d.desk("!incident open a title", "incident/opened")
	d.desk("!incident open another", "incident/opened")
	d.desk("!guest allow INC-1 "+erin+" why", "refusals/no-room", "!incident room INC-1")
	d.desk("!guest remove INC-1 "+erin, "refusals/no-room")
	own := d.hasRoom(1)
	d.desk("!guest allow INC-2 "+erin+" why", "refusals/no-room", "INC-2")
	for _, id := range []string{"erin", "@erin", "erin@example.org", "@erin:", "#room:example.org", "@erin:example.org,", "“@erin:example.org"} {
		if r, words, _ := d.hear(d.mx(own, 1, "alice", "!guest allow "+id+" why")); r.Template != "refusals/guest-account" && r.Template != "refusals/open-quote" {
			t.Errorf("%q: %s: %s", id, r.Template, words)
		}
	}
	d.is(d.mx(own, 1, "alice", "!guest allow "+mxid("bob")+" why"), "refusals/guest-on-roster", "!incident room INC-1")
	d.is(d.mx(own, 1, "alice", "!guest allow "+erin), "refusals/usage")
	// Who asks cannot approve, nor can another room.
	c := d.guest(own, 1, "alice", erin)
	same(t, "before it is approved", d.guests(1))
	d.is(d.mx(own, 1, "alice", "!approve "+c), "refusals/approval-self")
	d.is(d.mx("!desk", 0, "bob", "!approve "+c), "refusals/approval-elsewhere")
	others := d.is(d.mx(own, 1, "bob", "!approve "+c), "guest/allowed", erin+" may read in the room of INC-1")
	same(t, "guests", d.guests(1), "matrix "+erin)
	same(t, "asked in", kinds(others, "invite"), own)
	same(t, "told", kinds(others, Say), "announce #full", "announce #notice", "room/guest "+own)
	d.is(d.mx(own, 1, "bob", "!approve "+c), "refusals/approval-done")
	d.is(d.mx(own, 1, "carol", "!guest list"), "guest/list", "1 guest of INC-1", erin)
	d.is(d.mx("!desk", 0, "carol", "!guest list INC-1"), "guest/list", erin)
	// A guest reads, and the room still hears everything; elsewhere their name is
	// not said where notices are heard.
	with := d.mx(own, 1, "alice", "!incident show")
	with.Proof.Readers = append(with.Proof.Readers, incidents.Reader{Name: erin, Account: incidents.Account{Network: "matrix", ID: erin}})
	d.is(with, "incident/show", "a title")
	_, words, _ := d.hear(d.line("notice", "alice", "!guest list INC-1"))
	if strings.Contains(words, "erin") || !strings.Contains(words, "1 guest") {
		t.Errorf("where notices are heard: %s", words)
	}
	// Once more, by the same way.
	d.is(d.mx(own, 1, "alice", "!guest allow "+erin+" again"), "refusals/guest-already")
	if n := len(d.kindsOf(1, "guest")); n != 1 {
		t.Errorf("on record %d times", n)
	}
}

func TestAGuestIsTakenOutByOne(t *testing.T) {
	d := hosted(t)
	erin, interrupted := mxid("erin"), 0
	d.Interrupt = func() { interrupted++ }
	d.desk("!incident open a title", "incident/opened")
	own := d.hasRoom(1)
	d.is(d.mx(own, 1, "bob", "!approve "+d.guest(own, 1, "alice", erin)), "guest/allowed")
	d.is(d.mx(own, 1, "bob", "!guest remove "+mxid("frank")), "refusals/guest-unknown")
	d.is(d.mx(own, 1, "bob", "!guest remove erin"), "refusals/guest-account")
	if interrupted != 0 {
		t.Error("nobody hears less yet")
	}
	d.desk("!incident close INC-1 duplicate", "incident/closed")
	others := d.is(d.mx(own, 1, "bob", "!guest remove "+erin), "guest/removed", erin+" is taken out") // also then
	if len(others) == 0 || interrupted != 1 {
		t.Errorf("interrupted %d times; %v", interrupted, others)
	}
	for _, r := range others {
		if r.Kind == "remove" && (r.Room != own || r.Asker != erin) {
			t.Errorf("removed: %+v", r)
		}
	}
	same(t, "removed", kinds(others, "remove"), own)
	same(t, "guests", d.guests(1))
	d.is(d.mx(own, 1, "bob", "!guest remove "+erin), "refusals/guest-unknown")
	d.is(d.mx(own, 1, "bob", "!guest list"), "guest/list", "has no guests")
	d.desk("!guest allow INC-1 "+erin+" why", "refusals/is-closed")
	d.desk("!incident reopen INC-1 again", "incident/reopened")
	d.is(d.mx(own, 1, "carol", "!approve "+d.guest(own, 1, "bob", erin)), "guest/allowed") // let in again
	same(t, "guests", d.guests(1), "matrix "+erin)
}

// TestWhatChangedSinceVoidsAGuest: the approval runs all gates again.
func TestWhatChangedSinceVoidsAGuest(t *testing.T) {
	erin := mxid("erin")
	for name, c := range map[string]struct {
		meanwhile func(d *testDesk, own string)
		line      func(l *Line)
		want      string
	}{
		"a note was added": {func(d *testDesk, own string) {
			d.is(d.mx(own, 1, "carol", "!incident note x"), "incident/noted")
		}, nil, "refusals/approval-changed"},
		"it was closed": {func(d *testDesk, _ string) {
			d.desk("!incident close INC-1 duplicate", "incident/closed")
		}, nil, "refusals/approval-changed"},
		"an hour passed": {func(d *testDesk, _ string) {
			d.now = d.now.Add(time.Hour)
		}, nil, "refusals/approval-expired"},
		"who asked is suspended": {func(d *testDesk, _ string) {
			d.is(d.line("full", "carol", "!suspend alice"), "suspended")
		}, nil, "refusals/approval-done"},
		"the account is on the roster now": {func(d *testDesk, _ string) {
			d.Roster = incidents.NewRoster(append(d.Roster.People(), incidents.Person{Name: "erin", Accounts: []incidents.Account{{Network: "matrix", ID: erin}}})...)
		}, nil, "refusals/guest-on-roster"},
		"a stranger reads there": {nil, func(l *Line) {
			l.Proof.Readers = append(l.Proof.Readers, incidents.Reader{Name: mxid("mallory")})
		}, "refusals/approval-elsewhere"},
		"nothing is proven": {nil, func(l *Line) { l.Proof = incidents.Proof{} }, "refusals/approval-elsewhere"},
		"nothing":           {nil, nil, "guest/allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			d := hosted(t)
			d.desk("!incident open a title", "incident/opened")
			own := d.hasRoom(1)
			code := d.guest(own, 1, "alice", erin)
			if c.meanwhile != nil {
				c.meanwhile(d, own)
			}
			l := d.mx(own, 1, "bob", "!approve "+code)
			if c.line != nil {
				c.line(&l)
			}
			others := d.is(l, c.want)
			if want := c.want == "guest/allowed"; (len(d.guests(1)) == 1) != want || (len(kinds(others, "invite")) > 0) != want {
				t.Errorf("the guests are %v; asked in: %v", d.guests(1), kinds(others, "invite"))
			}
		})
	}
}

// TestAGuestIsTypedWhereEverythingIsHeardOnly: elsewhere nothing of it is kept.
func TestAGuestIsTypedWhereEverythingIsHeardOnly(t *testing.T) {
	d := hosted(t)
	d.desk("!incident open a title", "incident/opened")
	own := d.hasRoom(1)
	lowered := func(text string) Line {
		l := d.mx(own, 1, "alice", text)
		l.Proof.Readers = append(l.Proof.Readers, incidents.Reader{Name: mxid("mallory")})
		return l
	}
	for _, text := range []string{"!guest allow " + mxid("qzx") + " qzx", "!guest remove " + mxid("qzx"), "!guest allow INC-1 qzx"} {
		d.is(lowered(text), "refusals/typed-here")
		d.is(d.line("notice", "alice", strings.Replace(text, "INC-1 ", "", 1)), "refusals/typed-here")
	}
	if d.bytesHold("qzx") {
		t.Error("the file holds what was typed where it may not be heard")
	}
}

// TestForgettingAGuest leaves no byte of them, whatever was said and approved.
func TestForgettingAGuest(t *testing.T) {
	d := hosted(t)
	id := "@grace-of-the-examples:example.org"
	d.desk("!incident open a title", "incident/opened")
	d.desk("!reporter set INC-1 Grace", "reporter/set")
	own := d.hasRoom(1)
	d.guest(own, 1, "bob", id) // never approved
	d.is(d.mx(own, 1, "bob", "!approve "+d.guest(own, 1, "alice", id)), "guest/allowed")
	d.is(d.mx(own, 1, "bob", "!guest remove "+id), "guest/removed")
	if !d.bytesHold(id) {
		t.Error("this test looks in the wrong place")
	}
	d.desk("!forget reporter INC-1", "reporter/forgot")
	if d.bytesHold(id) {
		t.Error("the file holds the guest who was forgotten")
	}
	if _, err := d.Store.Verify(context.Background()); err != nil {
		t.Error(err)
	}
	for _, kind := range []string{"asked", "approved", "guest", "guest-left"} {
		if len(d.kindsOf(1, kind)) == 0 {
			t.Errorf("the record lost its %s", kind)
		}
	}
}
