package incidents_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestStopped: what two people approved goes out only while both are obeyed, while all
// it rests on is as it was, and not long after.
func TestStopped(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	i := incidents.Incident{N: 1, Level: "high", CVE: incidents.Seal("CVE-2026-11111")}
	s := incidents.Sending{AskedBy: "alice", Second: "bob", At: at, Basis: incidents.Basis(i)}
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
		if got := incidents.Stopped(s, i, c.obeyed, at.Add(c.after)); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("after %v: %q, want %q", c.after, got, c.want)
		}
	}
}

// TestBasis: a text rests on the facts, the reporter, the embargo and the release, and
// not on what people do beside.
func TestBasis(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	start := incidents.Incident{
		N: 1, Level: "high", CVE: incidents.Seal("CVE-2026-11111"), Reporter: incidents.Reporter{Contact: incidents.Seal("erin@example.org")},
		Embargo: incidents.Embargo{State: incidents.EmbargoLifted, At: at, EndedAt: at}, Release: incidents.Release{N: 1, Version: incidents.Seal("12.3.1"), LiveAt: at},
	}
	s := incidents.Sending{AskedBy: "alice", Second: "bob", At: at, Basis: incidents.Basis(start)}
	all := func(string) bool { return true }
	for name, c := range map[string]struct {
		change func(i *incidents.Incident)
		stops  bool
	}{
		"a CVE":            {func(i *incidents.Incident) { i.CVE = incidents.Seal("CVE-2026-22222") }, true},
		"a contact":        {func(i *incidents.Incident) { i.Reporter.Contact = incidents.Seal("dana@example.org") }, true},
		"an embargo":       {func(i *incidents.Incident) { i.Embargo.State, i.Embargo.EndedAt = incidents.EmbargoSet, time.Time{} }, true},
		"its moment":       {func(i *incidents.Incident) { i.Embargo.At = at.Add(time.Hour) }, true},
		"a yanked release": {func(i *incidents.Incident) { i.Release.YankedAt = at }, true},
		"a level":          {func(i *incidents.Incident) { i.Level = "low" }, true},
		"a summary":        {func(i *incidents.Incident) { i.Summary = incidents.Seal("It crashes.") }, true},
		"a step": {func(i *incidents.Incident) {
			i.Steps = map[string]incidents.Deed{"review": {State: incidents.StepDone}}
			i.Version++
		}, false},
		"a lead":    {func(i *incidents.Incident) { i.Roles = map[string]string{"lead": "carol"}; i.Version++ }, false},
		"an answer": {func(i *incidents.Incident) { i.AckAt = at; i.Version++ }, false},
	} {
		i := start
		c.change(&i)
		if got := incidents.Stopped(s, i, all, at.Add(time.Minute)); (got != "") != c.stops {
			t.Errorf("%s: %q", name, got)
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
