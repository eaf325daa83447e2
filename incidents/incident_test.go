package incidents_test

import (
	"reflect"
	"testing"
	"time"

	"tocsin/incidents"
)

func TestOpenIncident(t *testing.T) {
	p, early := testPlan(), incidents.When{At: noon().Add(-5 * time.Hour), Zone: "Europe/Paris"}
	const high = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:H" // 8.1
	for _, c := range []struct {
		name, refused, level, score string
		o                           incidents.Opening
		entries                     []string
	}{
		{"nothing known", "", "", "", incidents.Opening{}, []string{"opened"}},
		{"a level", "", "high", "", incidents.Opening{Severity: "High"}, []string{"opened", "severity"}},
		{"a vector", "", "high", "high", incidents.Opening{Severity: high}, []string{"opened", "severity"}},
		{"a floor", "", "critical", "", incidents.Opening{Type: "ci"}, []string{"opened", "severity"}},
		{"a floor and a lower level", "", "critical", "", incidents.Opening{Type: "ci", Severity: "low"}, []string{"opened", "severity"}},
		{"a floor and a vector", "", "critical", "high", incidents.Opening{Type: "ci", Severity: high}, []string{"opened", "severity"}},
		{"an unknown type", "unknown-key", "", "", incidents.Opening{Type: "x"}, nil},
		{"an unknown source", "unknown-key", "", "", incidents.Opening{Source: "x"}, nil},
		{"an unknown level", "unknown-level", "", "", incidents.Opening{Severity: "x"}, nil},
		{"a report in the future", "reported-in-future", "", "", incidents.Opening{Reported: incidents.When{At: noon().Add(time.Second)}}, nil},
		{"a report before", "", "", "", incidents.Opening{Reported: early}, []string{"opened"}},
	} {
		i, entries, err := incidents.OpenIncident(p, c.o, "alice", noon())
		refused(t, err, c.refused)
		var kinds []string
		for _, e := range entries {
			kinds = append(kinds, e.Kind)
			if e.Who != "alice" || !e.At.Equal(noon()) {
				t.Errorf("%s: an entry of %s at %s", c.name, e.Who, e.At)
			}
		}
		if !reflect.DeepEqual(kinds, c.entries) {
			t.Errorf("%s: entries %v, want %v", c.name, kinds, c.entries)
		}
		if err != nil {
			continue
		}
		if i.Level != c.level || i.Phase != incidents.Reported || i.Lead(p) != "alice" || i.Opener != "alice" || i.PlanHash != "hash" {
			t.Errorf("%s: %+v", c.name, i)
		}
		same(t, c.name+": the score's level", i.ScoreLevel, c.score)
		if at := c.o.Reported.At; !at.IsZero() && (!i.ReportedAt.Equal(at) || i.ReportedZone != "Europe/Paris" || !i.OpenedAt.Equal(noon())) {
			t.Errorf("%s: reported %s, opened %s", c.name, i.ReportedAt, i.OpenedAt)
		}
	}
}

func TestCloseAndReopen(t *testing.T) {
	p, i, why := testPlan(), opened(t, incidents.Opening{}), incidents.Seal("because")
	_, _, err := incidents.Close(p, i, "nonsense", why, "bob", noon())
	refused(t, err, "unknown-key")
	_, _, err = incidents.Reopen(i, why, "bob", noon())
	refused(t, err, "not-closed")

	closed, e, err := incidents.Close(p, i, "fixed", why, "bob", noon())
	refused(t, err, "")
	if closed.Open() || closed.Phase != incidents.Closed || !closed.ClosedAt.Equal(noon()) || e.Kind != "closed" || e.Plain != "" {
		t.Errorf("closed: %+v, %+v", closed, e)
	}
	same(t, "the outcome", closed.Outcome, "fixed")
	same(t, "the reason", closed.Closing, "because")
	same(t, "the entry", e.Text, "fixed and disclosed: because")
	if len(incidents.Clocks(p, closed)) != 0 {
		t.Error("clocks run on a closed incident")
	}
	_, _, err = incidents.Close(p, closed, "fixed", why, "bob", noon())
	refused(t, err, "already-closed")

	again, e, err := incidents.Reopen(closed, why, "carol", noon())
	refused(t, err, "")
	if again.Phase != incidents.Reported || !again.ClosedAt.IsZero() || !again.Outcome.Empty() || !again.Closing.Empty() || e.Kind != "reopened" {
		t.Errorf("reopened: %+v, %+v", again, e)
	}
	if len(incidents.Clocks(p, again)) != 1 {
		t.Error("the acknowledgement does not run again")
	}
	closed.AckAt = noon()
	if again, _, _ = incidents.Reopen(closed, why, "carol", noon()); again.Phase != incidents.Triage {
		t.Errorf("the reporter was answered, and it is %s again", again.Phase)
	}
}

func TestAcknowledge(t *testing.T) {
	i := opened(t, incidents.Opening{})
	for _, c := range []struct {
		at      time.Duration
		refused string
	}{
		{0, ""}, {time.Hour, ""}, {2 * time.Hour, ""}, {2*time.Hour + 1, "acknowledged-in-future"}, {-1, "acknowledged-before-report"},
	} {
		j, e, err := incidents.Acknowledge(i, incidents.Seal("email"), noon().Add(c.at), "bob", noon().Add(2*time.Hour))
		refused(t, err, c.refused)
		if err != nil {
			continue
		}
		if j.Phase != incidents.Triage || !j.AckAt.Equal(noon().Add(c.at)) || e.Kind != "acknowledged" || len(incidents.Clocks(testPlan(), j)) != 0 {
			t.Errorf("%v: %+v, %+v", c.at, j, e)
		}
		same(t, "how", j.AckVia, "email")
		_, _, err = incidents.Acknowledge(j, incidents.Sealed{}, noon(), "carol", noon())
		refused(t, err, "already-acknowledged")
	}
	i.Phase = incidents.Fixing
	if j, _, _ := incidents.Acknowledge(i, incidents.Sealed{}, noon(), "bob", noon()); j.Phase != incidents.Fixing {
		t.Errorf("answering the reporter brought it back to %s", j.Phase)
	}
}

func TestSetFact(t *testing.T) {
	for _, c := range []struct{ name, value, want, refused string }{
		{"summary", "a\nb", "a\nb", ""},
		{"details", "d", "d", ""},
		{"affected", "< 12.1.1", "< 12.1.1", ""},
		{"fixed", "12.1.1", "12.1.1", ""},
		{"cwe", "cwe-787", "CWE-787", ""},
		{"cwe", "CWE-0787", "", "bad-cwe"},
		{"cwe", "CWE-123456", "", "bad-cwe"},
		{"cwe", "787", "", "bad-cwe"},
		{"cwe", "CWE-", "", "bad-cwe"},
		{"cve", "cve-2026-25990", "CVE-2026-25990", ""},
		{"cve", "CVE-2026-123", "", "bad-cve"},
		{"cve", "CVE-26-1234", "", "bad-cve"},
		{"cve", "CVE-2026-1234x", "", "bad-cve"},
		{"cve", "CVE-2026-12345678901234567890", "", "bad-cve"},
		{"cve", "CVE-٢٠٢٦-1234", "", "bad-cve"},
		{"ghsa", "ghsa-CFH3-3jmp-rvhc", "GHSA-cfh3-3jmp-rvhc", ""},
		{"ghsa", "GHSA-abcd-1234-efgh", "", "bad-ghsa"},
		{"ghsa", "GHSA-cfh3-3jmp", "", "bad-ghsa"},
		{"ghsa", "GHSA-cfh3-3jmp-rvhcc", "", "bad-ghsa"},
		{"ghsa", "GHSAcfh3--3jmp-rvhc", "", "bad-ghsa"},
		{"library", "libwebp", "libwebp", ""},
		{"nonsense", "x", "", "unknown-key"},
	} {
		i, e, err := incidents.SetFact(incidents.Incident{}, c.name, c.value, "alice", noon())
		refused(t, err, c.refused)
		if err != nil {
			continue
		}
		got := map[string]incidents.Sealed{"summary": i.Summary, "details": i.Details, "affected": i.Affected, "fixed": i.Fixed, "cwe": i.CWE, "cve": i.CVE, "ghsa": i.GHSA, "library": i.Library}[c.name]
		same(t, c.name, got, c.want)
		same(t, c.name+"'s entry", e.Text, c.want)
		if e.Plain != c.name {
			t.Errorf("every room hears %q of %s", e.Plain, c.name)
		}
	}
	for _, name := range incidents.FactNames() {
		if _, _, err := incidents.SetFact(incidents.Incident{}, name, "CVE-2026-1234", "alice", noon()); err != nil && name != "cwe" && name != "ghsa" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReporter(t *testing.T) {
	s := incidents.Seal
	i, e := incidents.SetReporter(incidents.Incident{Handle: "INC-1"}, incidents.Reporter{Name: s("Erin"), Contact: s("erin@example.org")}, "alice", noon())
	if len(e.Personal) != 2 || e.Plain != "" || !e.Text.Empty() {
		t.Errorf("the entry holds personal data elsewhere than in its place: %+v", e)
	}
	i, e = incidents.SetReporter(i, incidents.Reporter{Name: s("Erin"), Credit: s("Erin of Example Labs")}, "alice", noon())
	if len(e.Personal) != 1 || e.Personal[0].Field != "credit" {
		t.Errorf("what stays as it was is recorded again: %+v", e)
	}
	same(t, "the contact", i.Reporter.Contact, "erin@example.org")
	i, e, err := incidents.ForgetReporter(i, false, "bob", noon())
	refused(t, err, "")
	if !i.Reporter.Empty() || e.Kind != "forgot" || !e.Text.Empty() || len(e.Personal) != 0 {
		t.Errorf("forgotten: %+v, %+v", i.Reporter, e)
	}
	_, _, err = incidents.ForgetReporter(i, false, "bob", noon())
	refused(t, err, "no-reporter")
}
