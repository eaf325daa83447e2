package incidents_test

import (
	"testing"

	"tocsin/incidents"
)

// TestCheckRecipient: a text for the reporter goes to the contact that is noted, whole
// and not to an address that is only a part of it.
func TestCheckRecipient(t *testing.T) {
	for _, c := range []struct{ contact, address, want string }{
		{"erin@example.org", "erin@example.org", ""},
		{"Erin <Erin@Example.org>", "erin@example.org", ""},
		{"erin@example.org, or mailto:erin@labs.example.org.", "erin@labs.example.org", ""},
		{"erin@example.org", "in@example.org", "send-elsewhere"},
		{"erin@example.org", "erin@example.or", "send-elsewhere"},
		{"erin@example.org.uk", "erin@example.org", "send-elsewhere"},
		{"erin@example.org", "mallory@example.org", "send-elsewhere"},
		{"", "erin@example.org", ""},
		{"in the advisory on GitHub, @erin", "erin@example.org", ""},
	} {
		i := incidents.Incident{N: 1, Handle: "INC-1", Reporter: incidents.Reporter{Contact: incidents.Seal(c.contact)}}
		err := incidents.CheckRecipient(i, "ack", c.address)
		if no, _ := incidents.AsRefusal(err); (no == nil) != (c.want == "") || no != nil && no.Key != c.want {
			t.Errorf("%q for %q: %v", c.address, c.contact, err)
		}
	}
}

// TestReaches: what went to the reporter's address is theirs, whatever kind of text it
// is and however it was noted.
func TestReaches(t *testing.T) {
	r := incidents.Reporter{Name: incidents.Seal("Erin Example"), Contact: incidents.Seal("erin@example.org")}
	for _, c := range []struct {
		s    incidents.Sending
		want bool
	}{
		{incidents.Sending{Reporter: true}, true},
		{incidents.Sending{To: incidents.Seal("linux-distros, Erin <erin@example.org>")}, true},
		{incidents.Sending{Via: incidents.Seal("email; copy to erin@example.org")}, true},
		{incidents.Sending{To: incidents.Seal("linux-distros@vs.openwall.org")}, false},
		{incidents.Sending{For: incidents.Seal("erin  example")}, true},
		{incidents.Sending{To: incidents.Seal("linux-distros; Erin Example <e@example.org>")}, true},
		{incidents.Sending{For: incidents.Seal("ERIN@example.org")}, true},
		{incidents.Sending{For: incidents.Seal("Erin Example Foundation")}, false},
		{incidents.Sending{For: incidents.Seal(", ")}, false},
		{incidents.Sending{}, false},
	} {
		if got := incidents.Reaches(r, c.s); got != c.want {
			t.Errorf("%+v: %v", c.s, got)
		}
	}
	if incidents.Reaches(incidents.Reporter{}, incidents.Sending{To: incidents.Seal("erin@example.org")}) {
		t.Error("nobody is noted, and it reaches them")
	}
}

// TestMayBeFor: what waits is in the way of what may be the same, and of nothing else.
func TestMayBeFor(t *testing.T) {
	seal := incidents.Seal
	foo := incidents.Sending{For: seal("Foo"), To: seal("foo@example.org")}
	list := incidents.Sending{To: seal("list@example.org")}
	for _, c := range []struct {
		s           incidents.Sending
		forWhom, to string
		want        bool
	}{
		{s: foo, want: true},
		{s: foo, forWhom: "foo", want: true},
		{s: foo, to: "FOO", want: true},
		{s: foo, to: "Foo <foo@example.org>", want: true},
		{s: foo, forWhom: "Bar"},
		{s: foo, to: "Bar"},
		{s: foo, to: "bar@example.org"},
		{s: list, to: "bar@example.org"},
		{s: list, to: "the list", want: true},
		{s: list, forWhom: "the list", want: true},
		{s: incidents.Sending{Reporter: true, For: seal("Erin")}, forWhom: "Foo", want: true},
	} {
		if got := c.s.MayBeFor(seal(c.forWhom), seal(c.to)); got != c.want {
			t.Errorf("%+v, for %q to %q: %v", c.s, c.forWhom, c.to, got)
		}
	}
}

// TestTyped: a hint reads back as the name that it is of.
func TestTyped(t *testing.T) {
	for name, want := range map[string]string{
		"Foo": `"Foo"`, "Foo  Bar": `"Foo Bar"`, `O"Brien`: `O"Brien`, "O'Brien": `"O'Brien"`, `Sean O"Brien`: `"Sean OBrien"`, `"Q"`: `"Q"`,
	} {
		if got := incidents.Typed(name); got != want {
			t.Errorf("%s is typed as %s, want %s", name, got, want)
		}
	}
}
