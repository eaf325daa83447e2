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
	s := incidents.Sending{AskedBy: "alice", Second: "bob", At: at, Basis: incidents.Basis(testPlan(), i)}
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
		if got := incidents.Stopped(testPlan(), s, i, c.obeyed, at.Add(c.after)); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
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
	s := incidents.Sending{AskedBy: "alice", Second: "bob", At: at, Basis: incidents.Basis(testPlan(), start)}
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
		if got := incidents.Stopped(testPlan(), s, i, all, at.Add(time.Minute)); (got != "") != c.stops {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestBasisOfSteps: what a text says of a step is not so any more when that is taken
// back, and the text does not go out.
func TestBasisOfSteps(t *testing.T) {
	p := testPlan()
	for _, key := range []string{"test", "review", "request-cve", "notify-distros", "audit-tags", "audit-wheels", "share-poc", "oss-security"} {
		p.Steps = append(p.Steps, incidents.Step{Key: key, Phase: incidents.Fixing})
	}
	p.Steps = append(p.Steps,
		incidents.Step{Key: "revoke", First: true, Phase: incidents.Fixing}, incidents.Step{Key: "wheels", By: "released", Phase: incidents.Fixing},
		incidents.Step{Key: "publish", Discloses: true, Phase: incidents.Fixing})
	at := noon()
	for key, stops := range map[string]bool{
		"test": true, "review": false, "request-cve": true, "notify-distros": true, "audit-tags": true, "audit-wheels": true, "share-poc": true,
		"oss-security": false, "revoke": true, "wheels": true, "publish": true,
	} {
		i := incidents.Incident{N: 1, OpenedAt: at}
		s := incidents.Sending{AskedBy: "alice", Second: "bob", At: at, Basis: incidents.Basis(p, done(i, time.Hour, key))}
		if got := incidents.Stopped(p, s, i, func(string) bool { return true }, at.Add(time.Minute)); (got != "") != stops {
			t.Errorf("%s taken back: %q", key, got)
		}
	}
	shared := done(incidents.Incident{N: 1, OpenedAt: at}, time.Hour, "share-poc") // by when it has to be public goes by the post
	if incidents.Basis(p, shared).Same(incidents.Basis(p, done(shared, 2*time.Hour, "share-poc", "oss-security"))) {
		t.Error("the same before the post and after it")
	}
}

// sendingPlan is a plan in which texts do something when they are sent.
func sendingPlan() incidents.Plan {
	p := testPlan()
	p.Steps = []incidents.Step{
		{Key: "acknowledge", Name: "Answer", Phase: incidents.Reported, By: "acknowledged", Draft: "ack"},
		{Key: "tell-list", Name: "Tell the list", Phase: incidents.Fixing, Gate: "window", Draft: "distro"},
		{Key: "post", Name: "Post", Phase: incidents.Releasing, Gate: "embargo", Draft: "oss-security"},
		{Key: "toot", Name: "Toot", Phase: incidents.Releasing, Release: true, Gate: "embargo", Draft: "mastodon"},
	}
	p.Clocks = append(p.Clocks, incidents.ClockRule{Key: "update", Name: "Update", From: "updated", Due: 168 * time.Hour, Draft: "update"})
	return p
}

// TestArrive: what reaches the reporter counts as their answer, once and while somebody
// waits for it; whatever belongs to them is no text of the record.
func TestArrive(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	p := sendingPlan()
	arrive := func(i incidents.Incident, s incidents.Sending, at, now time.Time) incidents.Arrival {
		t.Helper()
		a, err := incidents.Arrive(p, i, nil, s, at, now)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	i := incidents.Incident{N: 1, Phase: incidents.Reported, ReportedAt: at.Add(-time.Hour)}
	s := incidents.Sending{
		Incident: 1, Kind: "ack", Way: incidents.ByMail, Reporter: true, To: incidents.Seal("erin@example.org"), Hash: incidents.Seal(strings.Repeat("0a", 32)),
		AskedBy: "alice", Second: "bob", SentID: incidents.Seal("17 https://example.org/17"),
	}
	update := s
	update.Kind = "update"
	if got := arrive(i, update, at, at); !got.First || got.Done || len(got.Entries) != 1 || !got.UpdateAt.IsZero() {
		t.Errorf("an update before the acknowledgement: %+v", got.Completion)
	}
	got := arrive(i, s, at, at)
	if !got.Done || got.Say != "ack sent" || !got.AckAt.Equal(at) || got.Phase != incidents.Triage || len(got.Entries) != 2 || got.Entries[1].Kind != "acknowledged" {
		t.Errorf("%+v", got)
	}
	e := got.Entries[0]
	if e.Kind != "sent" || e.Plain != "" || !e.Text.Same(incidents.Seal("ack")) || len(e.Personal) != 1 ||
		!e.Personal[0].Value.Same(incidents.Seal("mail (0a0a0a0a0a0a) https://example.org/17, approved by bob, to erin@example.org")) {
		t.Errorf("the record holds %q", e.Personal[0].Value.Reveal(fullClearance()))
	}
	if again := arrive(got.Incident, s, at.Add(time.Hour), at.Add(time.Hour)); again.Done || !again.Since.Equal(at) || len(again.Entries) != 1 {
		t.Errorf("a second acknowledgement did %+v", again.Completion)
	}
	// What was said to the reporter before counts from then, and takes nothing back.
	late := at.Add(50 * time.Hour)
	got = arrive(got.Incident, update, late.Add(-2*time.Hour), late)
	if !got.Done || got.Say != "update sent" || !got.UpdateAt.Equal(late.Add(-2*time.Hour)) || got.Entries[1].Plain == "" {
		t.Errorf("%+v", got)
	}
	if got = arrive(got.Incident, update, late.Add(-20*time.Hour), late); !got.UpdateAt.Equal(late.Add(-2 * time.Hour)) {
		t.Errorf("an older update moved the clock to %v", got.UpdateAt)
	}
	i.Phase = incidents.Closed
	if got := arrive(i, s, at, at); got.Done || !got.AckAt.IsZero() {
		t.Errorf("of what is closed it did %+v", got.Completion)
	}
	s.Kind, s.Reporter = "downstream", false
	if got := arrive(i, s, at, at); got.Say != "" || len(got.Entries[0].Personal) != 0 || !strings.HasPrefix(got.Entries[0].Text.Reveal(fullClearance()), "downstream: mail") {
		t.Errorf("%+v", got)
	}
}

// TestArriveDoesSteps: a text does the step that the plan connects with it. That the
// list was told before its window is a fact; what an embargo locks stays open.
func TestArriveDoesSteps(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	p := sendingPlan()
	set := incidents.Embargo{State: incidents.EmbargoSet, At: at.Add(20 * 24 * time.Hour)}
	soon := incidents.Embargo{State: incidents.EmbargoSet, At: at.Add(5 * 24 * time.Hour)}
	over := incidents.Embargo{State: incidents.EmbargoLifted, At: at, EndedAt: at}
	for _, c := range []struct {
		name, kind string
		embargo    incidents.Embargo
		done       bool
		early      bool
		lock       string
	}{
		{"the list, in its window", "distro", soon, true, false, ""},
		{"the list, too early", "distro", set, true, true, ""},
		{"the list, without a date", "distro", incidents.Embargo{}, true, true, ""},
		{"a post under embargo", "oss-security", soon, false, false, "embargo"},
		{"a post after it", "oss-security", over, true, false, ""},
		{"a toot under embargo", "mastodon", soon, false, false, "embargo"},
	} {
		i := incidents.Incident{N: 1, Phase: incidents.Fixing, ReportedAt: at.Add(-time.Hour), Embargo: c.embargo}
		s := incidents.Sending{Incident: 1, Kind: c.kind, AskedBy: "alice", State: incidents.SendByHand, Via: incidents.Seal("email"), DoneAt: at.Add(-time.Minute)}
		got, err := incidents.Arrive(p, i, nil, s, s.DoneAt, at)
		if err != nil || got.Done != c.done || got.Early != c.early || got.Lock.Why != c.lock {
			t.Errorf("%s: %+v %v", c.name, got.Completion, err)
		}
		d := incidents.StateOf(p, got.Incident, got.Step)
		if c.done != (d.State == incidents.StepDone) || c.done && !d.At.Equal(s.DoneAt) || got.Entries[0].Plain == "" {
			t.Errorf("%s: %+v %+v", c.name, d, got.Entries)
		}
		if c.done {
			if again, err := incidents.Arrive(p, got.Incident, nil, s, at, at); err != nil || again.Done || !again.Since.Equal(s.DoneAt) || again.Early {
				t.Errorf("%s, again: %+v %v", c.name, again.Completion, err)
			}
		}
	}
	// Of a release it is done for all of it, or for none.
	free := incidents.Incident{N: 1, Handle: "INC-1", Phase: incidents.Releasing, ReportedAt: at, Embargo: over}
	other := incidents.Incident{N: 2, Handle: "INC-2", Phase: incidents.Releasing, ReportedAt: at, Embargo: over}
	s := incidents.Sending{Incident: 1, Kind: "mastodon", AskedBy: "alice", Way: incidents.ByMastodon}
	if got, err := incidents.Arrive(p, free, []incidents.Incident{other}, s, at, at); err != nil || !got.Done || len(got.Along) != 1 || len(got.AlongEntries) != 1 {
		t.Errorf("%+v %v", got, err)
	}
	other.Embargo = soon
	if got, err := incidents.Arrive(p, free, []incidents.Incident{other}, s, at, at); err != nil || got.Done || len(got.Along) != 0 || got.Lock.Why != "embargo" || len(got.Entries) != 1 {
		t.Errorf("locked by another: %+v %v", got, err)
	}
}

// TestCheckSentAt: nothing was sent in the future, nor before the report.
func TestCheckSentAt(t *testing.T) {
	now := noon()
	i := incidents.Incident{N: 1, ReportedAt: now.Add(-time.Hour)}
	refused(t, incidents.CheckSentAt(i, now, now), "")
	refused(t, incidents.CheckSentAt(i, now.Add(time.Second), now), "sent-in-future")
	refused(t, incidents.CheckSentAt(i, now.Add(-2*time.Hour), now), "sent-before-report")
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
