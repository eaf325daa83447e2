package incidents_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestStopped: what two people approved goes out only while both are obeyed, and not
// long after.
func TestStopped(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	s := incidents.Sending{AskedBy: "alice", Second: "bob", At: at}
	all := func(string) bool { return true }
	but := func(name string) func(string) bool { return func(p string) bool { return p != name } }
	for _, c := range []struct {
		obeyed func(string) bool
		after  time.Duration
		want   string
	}{
		{all, 0, ""},
		{all, incidents.CarryLife, ""},
		{all, incidents.CarryLife + time.Second, "it could not be sent for 6 h"},
		{but("alice"), 0, "alice is not obeyed any more"},
		{but("bob"), 0, "bob is not obeyed any more"},
	} {
		if got := incidents.Stopped(s, c.obeyed, at.Add(c.after)); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("after %v: %q, want %q", c.after, got, c.want)
		}
	}
}

// TestArrive: what reaches the reporter counts as their answer, once and while somebody
// waits for it; whatever belongs to them is no text of the record.
func TestArrive(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	p := testPlan()
	i := incidents.Incident{N: 1, Phase: incidents.Reported, ReportedAt: at.Add(-time.Hour)}
	s := incidents.Sending{
		Incident: 1, Kind: "ack", Way: incidents.ByMail, Reporter: true, To: incidents.Seal("erin@example.org"), Hash: incidents.Seal(strings.Repeat("0a", 32)),
		AskedBy: "alice", Second: "bob", SentID: incidents.Seal("17 https://example.org/17"),
	}
	got, entries, completed := incidents.Arrive(p, i, s, at)
	if completed != "ack sent" || !got.AckAt.Equal(at) || got.Phase != incidents.Triage || len(entries) != 2 || entries[1].Kind != "acknowledged" {
		t.Errorf("%+v %+v %q", got, entries, completed)
	}
	e := entries[0]
	if e.Kind != "sent" || e.Plain != "" || !e.Text.Same(incidents.Seal("ack")) || len(e.Personal) != 1 ||
		!e.Personal[0].Value.Same(incidents.Seal("mail (0a0a0a0a0a0a) https://example.org/17, approved by bob, to erin@example.org")) {
		t.Errorf("the record holds %q", e.Personal[0].Value.Reveal(fullClearance()))
	}
	if _, entries, completed = incidents.Arrive(p, got, s, at); completed != "" || len(entries) != 1 {
		t.Errorf("a second acknowledgement did %q: %+v", completed, entries)
	}
	i.Phase = incidents.Closed
	if got, _, completed = incidents.Arrive(p, i, s, at); completed != "" || !got.AckAt.IsZero() {
		t.Errorf("of what is closed it did %q", completed)
	}
	s.Kind, s.Reporter = "downstream", false
	if _, entries, completed = incidents.Arrive(p, i, s, at); completed != "" || len(entries[0].Personal) != 0 || !strings.HasPrefix(entries[0].Text.Reveal(fullClearance()), "downstream: mail") {
		t.Errorf("%+v %q", entries, completed)
	}
}

// TestTextHash: no two texts have one hash, however they are cut.
func TestTextHash(t *testing.T) {
	seal, seen := incidents.Seal, map[string]bool{}
	for _, parts := range [][]incidents.Sealed{{}, {{}}, {seal("ab")}, {seal("a"), seal("b")}, {seal("ab"), {}}, {{}, seal("ab")}, {seal("b"), seal("a")}} {
		h := incidents.TextHash(parts...).Reveal(fullClearance())
		if len(h) != 64 || seen[h] {
			t.Errorf("%d parts: %s", len(parts), h)
		}
		seen[h] = true
	}
	h := incidents.TextHash(seal("ab"))
	if got := incidents.ShortHash(h).Reveal(fullClearance()); len(got) != 12 || !incidents.HashIs(h, strings.ToUpper(h.Reveal(fullClearance()))) || incidents.HashIs(h, got) || incidents.HashIs(incidents.Sealed{}, "x") {
		t.Errorf("shown as %s", got)
	}
}
