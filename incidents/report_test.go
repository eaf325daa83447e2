package incidents_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

func entry(kind, who, plain string, after time.Duration) incidents.Entry {
	return incidents.Entry{Kind: kind, Who: who, At: noon().Add(after), Plain: plain, Text: incidents.Seal("typed " + kind)}
}

// TestMilestones: what is taken the time of, what is wanted, and what is late.
func TestMilestones(t *testing.T) {
	const h = time.Hour
	p, _ := pillow(t)
	high := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "high"}) // it was reported an hour before noon
	answered := high
	answered.AckAt = noon().Add(2 * h)
	whole := embargoed(done(done(answered, 240*h, "wheels"), 240*h+30*time.Minute, "publish"), incidents.EmbargoLifted)
	late := done(whole, 250*h, "publish")
	late.AckAt = noon().Add(100 * h)
	wrong := answered
	wrong.Phase, wrong.ClosedAt = incidents.Closed, noon().Add(5*h)
	scan := reportedAs(t, p, incidents.Opening{Source: "scanning"})
	level := []incidents.Entry{entry("severity", "bob", "High", 3*h), entry("severity", "bob", "Low", 9*h)}
	for _, c := range []struct {
		name    string
		i       incidents.Incident
		entries []incidents.Entry
		now     time.Duration
		want    string
	}{
		{"nothing is done", high, nil, h, "acknowledge? triage? fix? disclose?"},
		{"nobody was answered in time", high, nil, 72 * h, "acknowledge?! triage? fix? disclose?"},
		{"answered", answered, level, 5 * h, "acknowledge 3 h triage 4 h fix? disclose?"},
		{"over", whole, level, 300 * h, "acknowledge 3 h triage 4 h fix 10 d 1 h disclose 10 d 1 h"},
		{"over, and late", late, level, 300 * h, "acknowledge 4 d 5 h! triage 4 h fix 10 d 1 h disclose 10 d 11 h!"},
		{"no vulnerability", wrong, []incidents.Entry{entry("closed", "alice", "", 5*h)}, 300 * h, "acknowledge 3 h triage 6 h"},
		{"nobody waits", scan, nil, 100 * h, "triage? fix? disclose?"},
	} {
		var got []string
		for _, m := range incidents.Milestones(p, c.i, c.entries, noon().Add(c.now)) {
			said := m.Key + "?"
			if !m.At.IsZero() {
				said = m.Key + " " + incidents.SaySpan(m.Took)
			}
			if m.Late && m.Key != incidents.Assessed {
				said += "!"
			}
			if m.Applies {
				got = append(got, said)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, strings.Join(got, " "), c.want)
		}
	}
}

// TestStays: when it came into which phase, also when it was taken up again.
func TestStays(t *testing.T) {
	const h = time.Hour
	i := opened(t, incidents.Opening{})
	entries := []incidents.Entry{
		entry("opened", "alice", "", 0), entry("acknowledged", "alice", "", h), entry("phase", "alice", "fixing", 2*h), entry("noted", "alice", "", 3*h),
		entry("closed", "alice", "", 4*h), entry("reopened", "alice", "", 5*h), entry("phase", "alice", "releasing", 6*h), entry("phase", "alice", "recovering", 7*h),
	}
	var got []string
	for _, s := range incidents.Stays(i, entries) {
		got = append(got, fmt.Sprintf("%s %v", s.Phase.Neutral(), s.Since.Sub(noon()).Hours()))
	}
	want := "receipt 0, verification 1, remediation development 2, closed 4, verification 5, release 6, post-release 7"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestMayPublish: nothing is public before it is disclosed.
func TestMayPublish(t *testing.T) {
	p, _ := pillow(t)
	i := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "high"})
	dated := done(embargoed(i, incidents.EmbargoSet), 0, "publish")
	refused(t, incidents.MayPublish(p, i), "report-undisclosed")
	refused(t, incidents.MayPublish(p, embargoed(i, incidents.EmbargoProposed)), "report-undisclosed")
	refused(t, incidents.MayPublish(p, embargoed(i, incidents.EmbargoAgreed)), "report-embargoed")
	refused(t, incidents.MayPublish(p, dated), "report-embargoed")
	refused(t, incidents.MayPublish(p, embargoed(i, incidents.EmbargoLifted)), "report-undisclosed")
	refused(t, incidents.MayPublish(p, embargoed(done(i, 0, "wheels"), incidents.EmbargoLifted)), "report-undisclosed")
	compromise := reportedAs(t, p, incidents.Opening{Type: "supply-chain", Severity: "high"})
	if no, _ := incidents.AsRefusal(incidents.MayPublish(p, compromise)); !incidents.Seal("compromise-advisory").Same(no.Args["step"].(incidents.Sealed)) {
		t.Errorf("a compromise: %v", no)
	}
	silent := p // a plan in which no step discloses
	silent.Steps = slices.Clone(p.Steps)
	for k := range silent.Steps {
		silent.Steps[k].Discloses = false
	}
	refused(t, incidents.MayPublish(silent, i), "report-undisclosed")
	if err := incidents.MayPublish(silent, done(i, 0, "wheels")); err != nil {
		t.Errorf("released: %v", err)
	}
	broken := embargoed(i, incidents.EmbargoBroken) // that it leaked is no word of the project
	refused(t, incidents.MayPublish(p, broken), "report-undisclosed")
	keys := ""
	for _, f := range incidents.PublicReport(p, broken, nil, noon().Add(day))["milestones"].([]incidents.Facts) {
		keys += f["key"].(string) + " "
	}
	if !strings.Contains(keys, "known") || strings.Contains(keys, "disclose") {
		t.Errorf("what leaked is said to be disclosed: %s", keys)
	}
	for name, ok := range map[string]incidents.Incident{
		"lifted, and published": done(embargoed(i, incidents.EmbargoLifted), 0, "publish"), "broken, and published": done(broken, 0, "publish"), "published": done(i, 0, "publish"),
	} {
		if err := incidents.MayPublish(p, ok); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// secretive is an incident in which every word is marked that the public report must
// not have.
func secretive(t *testing.T, p incidents.Plan) (incidents.Incident, []incidents.Entry) {
	i := done(embargoed(reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "high", Source: "researcher"}), incidents.EmbargoLifted), 0, "notify-distros")
	i.Roles = map[string]string{"lead": "alice", "comms": "carol"}
	i.Reporter = incidents.Reporter{Name: incidents.Seal("Erin"), Contact: incidents.Seal("erin@example.org")}
	i.Reason, i.Closing, i.AckVia, i.Outcome = incidents.Seal("secret"), incidents.Seal("secret"), incidents.Seal("secret"), incidents.Seal("fixed")
	i.Steps["reproduce"] = incidents.Deed{State: incidents.StepSkipped, At: noon(), Who: "dana", Note: incidents.Seal("secret")}
	i.Notices = []incidents.Notice{
		{ID: incidents.Seal("alpine"), SentAt: noon(), SentBy: "carol", Via: incidents.Seal("secret"), Note: incidents.Seal("secret")},
		{ID: incidents.Seal("frank"), Name: incidents.Seal("secret Frank"), Contact: incidents.Seal("secret"), SentAt: noon(), SentBy: "carol"},
	}
	i.Summary = incidents.Seal("a summary that is meant to be read")
	var entries []incidents.Entry
	for _, k := range incidents.Kinds() {
		e := entry(k, "bob", map[bool]string{true: "secret", false: ""}[k != "severity" && k != "phase" && k != "acknowledged" && !strings.HasPrefix(k, "embargo-")], 0)
		e.Text = incidents.Seal("secret " + k)
		entries = append(entries, e)
	}
	return i, entries
}

// TestPublicReport: what is the desk's own is not in the report that everybody may
// read, whatever is on record; nor is the reporter without their word.
func TestPublicReport(t *testing.T) {
	p, book := pillow(t)
	i, entries := secretive(t, p)
	full := incidents.Clear(incidents.Grant{Network: incidents.OnConsole}, incidents.Proof{}, 1, func(string) bool { return false }).Clearance
	said := func(i incidents.Incident) string {
		doc, err := book.Render("report/public", incidents.PublicReport(p, i, entries, noon().Add(48*time.Hour)), full)
		if err != nil {
			t.Fatal(err)
		}
		return doc.Text
	}
	text := said(i)
	for _, bad := range []string{"secret", "Erin", "erin@", "INC-1", "quiet harbour", "alice", "bob", "carol", "dana", "Frank"} {
		if strings.Contains(text, bad) {
			t.Errorf("it tells %q:\n%s", bad, text)
		}
	}
	for _, good := range []string{"reported privately", "a summary that is meant to be read", "a maintainer opened the incident", "Alpine Linux: ", "Debian / Ubuntu: "} {
		if !strings.Contains(text, good) {
			t.Errorf("it does not tell %q:\n%s", good, text)
		}
	}
	i.Reporter.Credit = incidents.Seal("Erin of Example Labs")
	if !strings.Contains(said(i), "- Reporter: Erin of Example Labs\n") {
		t.Errorf("the credit is missing:\n%s", said(i))
	}
	i.Reporter.Credit = incidents.Seal("Anonymous")
	if !strings.Contains(said(i), "- Reporter: reported privately\n") {
		t.Errorf("who wants to be anonymous is:\n%s", said(i))
	}
	other := i
	other.Level, other.Reach, other.ReachWhy = "", incidents.Seal("no"), incidents.Seal("We never call it.")
	if text := said(other); !strings.Contains(text, "- Not reachable through our API: We never call it") || strings.Contains(text, "Severity") {
		t.Errorf("what cannot be reached:\n%s", text)
	}
	other = i
	other.Period, other.Files, other.Advice, other.Workaround = incidents.Seal("from June 1 to June 3, 2026"), incidents.Seal("pillow-12.3.0.whl"), incidents.Seal("Replace it."), incidents.Seal("none")
	if text := said(other); !strings.Contains(text, "What was tampered with: `pillow-12.3.0.whl`") || !strings.Contains(text, "## What users should do") || strings.Contains(text, "Workaround") {
		t.Errorf("a compromise:\n%s", text)
	}
	// The private one has all of it.
	doc, err := book.Render("report", incidents.Report(p, i, entries, nil, noon().Add(48*time.Hour)), full)
	for _, good := range []string{"Erin", "secret Frank", "INC-1", "`reproduce`", "secret noted", "carol"} {
		if err != nil || !strings.Contains(doc.Text, good) {
			t.Errorf("the private report does not tell %q: %v\n%s", good, err, doc.Text)
		}
	}
	if strings.Contains(doc.Text, "erin@") {
		t.Error("a report, which is kept outside, has the reporter's contact")
	}
}

// TestSpans: the figures over all incidents.
func TestSpans(t *testing.T) {
	const h = time.Hour
	p, _ := pillow(t)
	var all []incidents.Incident
	for n, after := range []time.Duration{h, 3 * h, 100 * h, 0} { // the last one was not answered
		i := reportedAs(t, p, incidents.Opening{Type: "vulnerability", Severity: "high"})
		if i.N = n + 1; after != 0 {
			i.AckAt = i.ReportedAt.Add(after)
		}
		all = append(all, i)
	}
	records := map[int][]incidents.Entry{1: {entry("severity", "bob", "High", 0)}}
	s := incidents.Spans(p, all, records, noon().Add(200*h))
	if a := s[0]; a.Key != incidents.Acknowledged || a.Reached != 3 || a.Waiting != 1 || a.Median != 3*h || a.Worst != 100*h || a.Aimed != 4 || a.Late != 2 {
		t.Errorf("acknowledged: %+v", a)
	}
	if a := s[1]; a.Reached != 1 || a.Waiting != 3 || a.Median != h {
		t.Errorf("assessed: %+v", a)
	}
	if f := incidents.Stats(p, all, records, noon()); f["open"] != 4 || f["count"] != 4 {
		t.Errorf("%v", f)
	}
	if f := incidents.Stats(p, nil, nil, noon()); f["count"] != 0 {
		t.Errorf("no incident: %v", f)
	}
}
