package incidents_test

import (
	"testing"
	"time"

	"tocsin/incidents"
)

// TestHandoff: who was asked accepts within the hour; until then, and when they do
// not, the lead stays where it is.
func TestHandoff(t *testing.T) {
	p := testPlan()
	i := opened(t, incidents.Opening{})
	offered, e, err := incidents.OfferLead(p, i, "bob", "alice", false, noon())
	refused(t, err, "")
	if offered.Lead(p) != "alice" || e.Kind != "offered" || e.Plain != "bob" || !offered.Handoff.Pending(noon()) {
		t.Errorf("%+v, %+v", offered.Handoff, e)
	}
	for _, c := range []struct {
		who     string
		after   time.Duration
		refused string
	}{
		{"bob", 0, ""},
		{"bob", time.Hour - 1, ""},
		{"bob", time.Hour, "handoff-late"},
		{"carol", 0, "handoff-none"},
		{"alice", 0, "handoff-none"},
	} {
		now := noon().Add(c.after)
		j, e, err := incidents.AcceptLead(p, offered, c.who, now)
		refused(t, err, c.refused)
		if err == nil && (j.Lead(p) != "bob" || j.Handoff.To != "" || !j.LeadSince.Equal(now) || e.Kind != "led" || e.Who != "bob" || e.Plain != "alice") {
			t.Errorf("%s accepts after %v: %+v, %+v", c.who, c.after, j.Roles, e)
		}
		no := c.refused
		if no == "handoff-late" {
			no = "handoff-none"
		}
		k, e, err := incidents.DeclineLead(offered, c.who, now)
		refused(t, err, no)
		if err == nil && (k.Lead(p) != "alice" || k.Handoff.To != "" || e.Kind != "declined") {
			t.Errorf("%s declines: %+v, %+v", c.who, k.Roles, e)
		}
	}
	if again, _, err := incidents.OfferLead(p, offered, "bob", "alice", false, noon().Add(time.Hour)); err != nil || !again.Handoff.Pending(noon().Add(time.Hour)) {
		t.Errorf("asked again when the hour is over: %v", err)
	}
	taken, _, err := incidents.TakeLead(p, offered, "bob", false, noon())
	refused(t, err, "") // taking what was offered is accepting it
	if taken.Lead(p) != "bob" {
		t.Error("what was offered is not taken")
	}
	_, _, err = incidents.OfferLead(p, i, "alice", "alice", false, noon())
	refused(t, err, "has-role")
}

// TestSilentLead is 7.1.6: of a Critical incident any other maintainer takes over after
// 24 hours of silence, and of no other.
func TestSilentLead(t *testing.T) {
	p := testPlan()
	for _, c := range []struct {
		level   string
		heard   time.Duration // after the opening
		after   time.Duration
		refused string
	}{
		{"critical", 0, 24*time.Hour - 1, "lead-consent"},
		{"critical", 0, 24 * time.Hour, ""},
		{"critical", 2 * time.Hour, 24 * time.Hour, "lead-consent"},
		{"critical", 2 * time.Hour, 26 * time.Hour, ""},
		{"high", 0, 240 * time.Hour, "lead-consent"},
		{"", 0, 240 * time.Hour, "lead-consent"},
	} {
		i := opened(t, incidents.Opening{Severity: c.level})
		if c.heard != 0 {
			i.LeadHeard = noon().Add(c.heard)
		}
		now := noon().Add(c.after)
		j, _, err := incidents.TakeLead(p, i, "bob", false, now)
		refused(t, err, c.refused)
		if silent := incidents.LeadSilent(p, i, now); silent != (c.refused == "") || incidents.TakeNeedsConsent(p, i, "bob", now) == silent {
			t.Errorf("%s, heard after %v: silent at %v: %t", c.level, c.heard, c.after, silent)
		}
		if err == nil && incidents.LeadSilent(p, j, now) {
			t.Error("who just took it is silent")
		}
	}
}

// TestNobodyLeads: an incident can be opened without a lead; anybody takes it, alone,
// or is asked to.
func TestNobodyLeads(t *testing.T) {
	p := testPlan()
	i := opened(t, incidents.Opening{Unled: true, Severity: "critical"})
	if i.Lead(p) != "" || incidents.LeadSilent(p, i, noon().Add(1000*time.Hour)) || incidents.TakeNeedsConsent(p, i, "bob", noon()) {
		t.Errorf("%+v", i.Roles)
	}
	offered, _, err := incidents.OfferLead(p, i, "bob", "carol", false, noon())
	refused(t, err, "")
	late, _, err := incidents.AcceptLead(p, offered, "bob", noon().Add(time.Hour))
	refused(t, err, "handoff-late")
	if late.Lead(p) != "" {
		t.Error("the offer falls back to nobody")
	}
	j, e, err := incidents.TakeLead(p, offered, "dana", false, noon())
	refused(t, err, "")
	if j.Lead(p) != "dana" || j.Handoff.To != "" || e.Plain != "" {
		t.Errorf("%+v, %+v", j, e)
	}
	_, _, err = incidents.TakeLead(p, j, "dana", true, noon())
	refused(t, err, "has-role")
}

// TestLeadClocks: nobody leads, and the desk is asked each hour; the lead of a Critical
// one is silent, and after 20 hours everybody hears it; an offer is over after an hour,
// and says nothing more.
func TestLeadClocks(t *testing.T) {
	p, _ := pillow(t)
	h := time.Hour
	i := reportedAs(t, p, incidents.Opening{Severity: "critical", Unled: true})
	c := clock(t, p, i, "no-lead")
	if c.Due.Sub(noon()) != h || c.NextRung(noon().Add(h)).Sub(noon()) != 2*h || c.All.After(c.Due) || clock(t, p, i, "lead").Key != "" {
		t.Errorf("nobody leads: %+v", c)
	}
	i, _, err := incidents.TakeLead(p, i, "bob", false, noon().Add(h))
	refused(t, err, "")
	c = clock(t, p, i, "lead")
	if clock(t, p, i, "no-lead").Key != "" || c.Due.Sub(noon()) != 25*h || c.Rungs[0].Sub(noon()) != 13*h || c.All.Sub(noon()) != 21*h {
		t.Errorf("bob leads: %+v", c)
	}
	i.LeadHeard = noon().Add(10 * h)
	if got := clock(t, p, i, "lead").Due.Sub(noon()); got != 34*h {
		t.Errorf("a word of the lead moves it to %v", got)
	}
	i, _, err = incidents.OfferLead(p, i, "carol", "bob", false, noon().Add(11*h))
	refused(t, err, "")
	c = clock(t, p, i, "handoff")
	if c.Due.Sub(noon()) != 12*h || !c.NextRung(c.Due).Equal(incidents.Never()) || !c.Ended(c.Due) || c.Ended(c.Due.Add(-1)) {
		t.Errorf("carol is asked: %+v", c)
	}
	f := incidents.RungCard(p, i, c, c.Due, c.Due, false)
	if f["who"] != "carol" || f["moment"] != true {
		t.Errorf("whom it concerns: %v", f["who"])
	}
	_, _, err = incidents.SnoozeClock(p, i, "handoff", noon().Add(20*h), incidents.Sealed{}, "bob", noon().Add(13*h))
	refused(t, err, "clock-stopped")
}
