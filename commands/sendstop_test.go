package commands

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// queued is a text that two people approved, with the row that carries it.
func (d *testDesk) queued(kind string, part, parts, first int) (s incidents.Sending, row store.Row) {
	d.t.Helper()
	d.do(func(tx *store.Tx) (err error) {
		s = incidents.Sending{
			Incident: 1, Kind: kind, Way: incidents.ByMail, Reporter: true, To: incidents.Seal("erin@example.org"), Body: incidents.Seal("Hi"), Part: part, Parts: parts, First: first,
			AskedBy: "alice", Second: "bob", State: incidents.SendQueued,
		}
		if s.ID, err = tx.AddSending(s); err == nil && part == 1 {
			err = tx.QueueCarry(s)
		}
		if err == nil {
			row, _, err = tx.CarryRow(s)
		}
		return err
	})
	return s, row
}

// state gives how it stands with a text.
func (d *testDesk) state(id int) (state string) {
	d.t.Helper()
	d.do(func(tx *store.Tx) error {
		all, err := tx.Sendings(1)
		for _, s := range all {
			if s.ID == id {
				state = s.State
			}
		}
		return err
	})
	return state
}

// TestSendStop: one maintainer stops what waits; what is being sent at the moment
// nobody can, and what was tried with unknown outcome is not tried again, and not said
// to be stopped.
func TestSendStop(t *testing.T) {
	d := drafting(t)
	is := func(typed, template string, parts ...string) {
		t.Helper()
		got, words := d.say("full", typed)
		if got != template {
			t.Errorf("%s: %s, want %s: %s", typed, got, template, words)
		}
		for _, p := range parts {
			if !strings.Contains(words, p) {
				t.Errorf("%s: %s, want %q in it", typed, words, p)
			}
		}
	}
	is("!send stop", "refusals/send-nothing")

	s, _ := d.queued("ack", 1, 1, 0)
	is("!sent ack --via email", "refusals/sent-waits", "!send stop INC-1 ack", "twice")
	is("!sent update --via email", "sent/noted")
	is("!incident close duplicate", "refusals/close-waits", "!send stop INC-1 ack")
	is("!send stop update", "refusals/send-nothing")
	is("!send stop ack", "send/stopped", "is stopped", "alice and bob")
	if got := d.state(s.ID); got != incidents.SendRefused {
		t.Errorf("what was stopped is %q", got)
	}
	is("!timeline 1", "timeline", "stopped a text before it was sent", "ack")
	is("!send stop ack", "refusals/send-nothing", "not sent")

	// While it is being tried nobody can; afterwards it depends on what is known.
	s, row := d.queued("ack", 1, 1, 0)
	d.do(func(tx *store.Tx) error { return tx.Trying(row.ID, tx.Now().Add(time.Minute)) })
	is("!send stop ack", "refusals/send-in-flight", "at this very moment")
	if got := d.state(s.ID); got != incidents.SendQueued {
		t.Errorf("what is under way is %q", got)
	}
	d.do(func(tx *store.Tx) error { return tx.TryAgain(row.ID, store.Unknown, "timeout") })
	is("!sent ack --via email", "refusals/sent-waits")
	is("!send stop ack", "send/stopped", "may have arrived")
	if got := d.state(s.ID); got != incidents.SendUnknown {
		t.Errorf("what was tried is %q", got)
	}
	is("!timeline 1", "timeline", "it may have been sent before that")
	is("!sent ack --via email", "sent/noted", "!ack sent")

	// A try that surely failed leaves nothing behind.
	s, row = d.queued("update", 1, 1, 0)
	d.do(func(tx *store.Tx) error { return tx.Trying(row.ID, tx.Now().Add(time.Minute)) })
	d.do(func(tx *store.Tx) error { return tx.TryAgain(row.ID, store.Due, "no route") })
	is("!send stop", "send/stopped", "is stopped")
	if got := d.state(s.ID); got != incidents.SendRefused {
		t.Errorf("what surely was not sent is %q", got)
	}

	// A thread ends with the part that waits: what is out stays out.
	first, _ := d.queued("update", 1, 2, 0)
	second, _ := d.queued("update", 2, 2, first.ID)
	d.do(func(tx *store.Tx) error {
		return tx.EndSending(first.ID, incidents.SendSent, incidents.Seal("1"), incidents.Sealed{})
	})
	is("!send stop update", "send/stopped", "from post 2 of 2 on", "is out")
	if a, b := d.state(first.ID), d.state(second.ID); a != incidents.SendSent || b != incidents.SendRefused {
		t.Errorf("the parts are %q and %q", a, b)
	}
}

// TestApproveNeedsACode: who approves says what they read. Only in a rehearsal it can be
// left out, while one request of somebody else's waits.
func TestApproveNeedsACode(t *testing.T) {
	d := drafting(t)
	_, words, _ := d.hear(d.mx("!desk", 0, "alice", "!send INC-1 ack"))
	_, after, _ := strings.Cut(words, "!approve ")
	d.do(func(tx *store.Tx) error { // as the outbox does when all of it was said
		return errors.Join(tx.Showing(after[:5], "matrix", "!desk", true, true), tx.Shown(after[:5], "matrix", "!desk"))
	})
	d.is(d.mx("!desk", 0, "bob", "!approve"), "refusals/approve-code")
	d.Rehearsal = true
	d.is(d.mx("!desk", 0, "alice", "!approve"), "refusals/approve-none")
	d.is(d.mx("!desk", 0, "bob", "!approve"), "send/queued")
	d.is(d.mx("!desk", 0, "bob", "!approve"), "refusals/approve-none")
	for range 2 {
		d.is(d.mx("!desk", 0, "alice", "!send INC-1 update"), "send/asked")
	}
	d.is(d.mx("!desk", 0, "bob", "!approve"), "refusals/approve-several")
}

// TestSendStopRequest: a request that nobody approved is withdrawn by its kind or its
// code, and what stops none of several names them.
func TestSendStopRequest(t *testing.T) {
	d := drafting(t)
	code := func(typed string) string {
		t.Helper()
		template, words := d.say("full", typed)
		_, after, ok := strings.Cut(words, "!approve ")
		if template != "send/asked" && template != "send/asked/preview" || !ok {
			t.Fatalf("%s: %s: %s", typed, template, words)
		}
		return after[:5]
	}
	one := code("!send ack")
	if template, words := d.say("full", "!send stop ack"); template != "send/stopped" || !strings.Contains(words, one) {
		t.Errorf("%s: %s", template, words)
	}
	if template, words := d.say("full", "!approve "+one); template != "refusals/approval-done" || !strings.Contains(words, "withdrawn") {
		t.Errorf("%s: %s", template, words)
	}
	one = code("!send ack")
	two := code("!send ack")
	if template, words := d.say("full", "!send stop"); template != "refusals/send-several" || !strings.Contains(words, one) || !strings.Contains(words, two) {
		t.Errorf("%s: %s", template, words)
	}
	if template, words := d.say("full", "!send stop "+strings.ToLower(two)); template != "send/stopped" || !strings.Contains(words, two) {
		t.Errorf("%s: %s", template, words)
	}
	if template, words := d.say("full", "!incident close duplicate"); template != "incident/closed" || !strings.Contains(words, "cannot be approved any more") {
		t.Errorf("%s: %s", template, words)
	}
}

// TestSendStopWhich: where texts of one kind wait for different people, nobody's is
// stopped that was not meant, and nobody's keeps another from being sent by hand.
func TestSendStopWhich(t *testing.T) {
	d := drafting(t)
	ids := map[string]int{}
	wait := func(who, to string, part, parts, first int) int {
		d.do(func(tx *store.Tx) error {
			s := incidents.Sending{
				Incident: 1, Kind: "downstream", Way: incidents.ByMail, To: incidents.Seal(to), For: incidents.Seal(who), Body: incidents.Seal("Hi"), Part: part, Parts: parts, First: first,
				AskedBy: "alice", Second: "bob", State: incidents.SendQueued,
			}
			var err error
			if s.ID, err = tx.AddSending(s); err == nil && part == 1 {
				err = tx.QueueCarry(s)
			}
			ids[who+to] = s.ID
			return err
		})
		return ids[who+to]
	}
	is := func(typed, template string, parts ...string) {
		t.Helper()
		got, words := d.say("full", typed)
		if got != template {
			t.Errorf("%s: %s, want %s: %s", typed, got, template, words)
		}
		for _, p := range parts {
			if !strings.Contains(words, p) {
				t.Errorf("%s: %s, want %q in it", typed, words, p)
			}
		}
	}
	foo, bar, quoted, list := wait("Foo", "foo@example.org", 1, 1, 0), wait("Bar", "bar@example.org", 1, 1, 0), wait(`O"Brien`, "o@example.org", 1, 1, 0), wait("", "list@example.org", 1, 1, 0)
	is("!sent downstream --via email --to Kivy", "refusals/sent-waits", "list@example.org") // it may be that one
	is("!send stop", "refusals/send-several", `downstream --for "Foo"`, `downstream --for "Bar"`, `downstream --for O"Brien`, `downstream --for "list@example.org"`)
	is("!send stop downstream", "refusals/send-several")
	is("!send stop downstream --for list@example.org", "send/stopped", "Still waiting", `downstream --for "Foo"`)
	is("!send stop downstream --for list@example.org", "refusals/send-nothing")
	is(`!sent downstream --via email --for "Bar"`, "refusals/sent-waits", `!send stop INC-1 downstream --for "Bar"`)
	is(`!sent downstream --via email --to bar@example.org`, "refusals/sent-waits")
	is(`!sent downstream --via email --to Kivy`, "sent/noted")
	is(`!send stop INC-1 downstream --for bar`, "send/stopped", `downstream for Bar`)
	is(`!send stop downstream --for O"Brien`, "send/stopped", `downstream --for "Foo"`)
	is(`!send stop downstream`, "send/stopped", "for Foo")
	for _, id := range []int{foo, bar, quoted, list} {
		if got := d.state(id); got != incidents.SendRefused {
			t.Errorf("text %d is %q", id, got)
		}
	}
	// A thread that was out in part is on record as that.
	first := wait("", "a@example.org", 1, 2, 0)
	wait("", "b@example.org", 2, 2, first)
	d.do(func(tx *store.Tx) error {
		return tx.EndSending(first, incidents.SendSent, incidents.Seal("1"), incidents.Sealed{})
	})
	is("!send stop downstream", "send/stopped", "from post 2 of 2 on", "is out")
	is("!timeline 1", "timeline", "1 of 2 posts went out")
}

// TestSendStopNamesTheRest: the same text may be asked for twice, and who stops one hears
// of the other.
func TestSendStopNamesTheRest(t *testing.T) {
	d := drafting(t)
	d.queued("ack", 1, 1, 0)
	_, words := d.say("full", "!send ack")
	_, after, ok := strings.Cut(words, "!approve ")
	if !ok {
		t.Fatal(words)
	}
	if template, words := d.say("full", "!send stop ack"); template != "send/stopped" || !strings.Contains(words, "Still waiting: `"+after[:5]+"`") && !strings.Contains(words, "Still waiting: "+after[:5]) {
		t.Errorf("%s: %s", template, words)
	}
}
