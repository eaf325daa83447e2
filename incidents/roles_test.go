package incidents_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

func TestRoles(t *testing.T) {
	p := testPlan()
	for _, c := range []struct {
		name, role, person, who string
		agreed                  bool
		refused                 string
	}{
		{"anybody gives a role that nobody has", "patch", "bob", "carol", false, ""},
		{"the lead hands over", "lead", "bob", "alice", false, ""},
		{"the lead asks nobody twice", "lead", "dana", "alice", false, "handoff-pending"},
		{"another takes the lead alone", "lead", "bob", "bob", false, "lead-consent"},
		{"another gives the lead alone", "lead", "bob", "carol", false, "lead-consent"},
		{"two people relieve the lead", "lead", "bob", "bob", true, ""},
		{"who was asked takes it", "lead", "dana", "dana", false, ""},
		{"two people ask somebody", "lead", "bob", "carol", true, ""},
		{"to who has it", "lead", "alice", "bob", true, "has-role"},
		{"no role", "chef", "bob", "alice", true, "unknown-key"},
	} {
		i := opened(t, incidents.Opening{})
		i.Handoff = incidents.Handoff{To: "dana", From: "alice", By: "alice", At: noon().Add(-time.Minute)}
		j, e, err := incidents.AssignRole(p, i, c.role, c.person, c.who, c.agreed, noon())
		refused(t, err, c.refused)
		if i.Lead(p) != "alice" || len(i.Roles) != 1 {
			t.Errorf("%s: the incident that was loaded is changed: %v", c.name, i.Roles)
		}
		kind, has := "assigned", c.person
		if c.role == "lead" && c.person == c.who {
			kind = "led"
		} else if c.role == "lead" { // until they accept, the lead stays where it is
			kind, has = "offered", "alice"
		}
		if err == nil && (j.Roles[c.role] != has || e.Kind != kind || e.Who != c.who || kind == "offered" && j.Handoff.To != c.person) {
			t.Errorf("%s: %v, %+v", c.name, j.Roles, e)
		}
		if alone := c.refused == "lead-consent"; incidents.AssignNeedsConsent(p, i, c.role, c.person, c.who, noon()) != (alone || c.agreed && c.refused == "") {
			t.Errorf("%s: whether it needs a second person", c.name)
		}
	}
	i := opened(t, incidents.Opening{})
	i.Roles["patch"] = "bob"
	for _, c := range []struct{ role, who, refused string }{
		{"patch", "bob", ""}, {"patch", "alice", "role-of-another"}, {"lead", "alice", "lead-drop"}, {"lead", "bob", "lead-drop"}, {"chef", "bob", "unknown-key"},
	} {
		j, e, err := incidents.DropRole(p, i, c.role, c.who, noon())
		refused(t, err, c.refused)
		if err == nil && (j.Roles["patch"] != "" || i.Roles["patch"] != "bob" || e.Kind != "dropped") {
			t.Errorf("%s drops %s: %v, %+v", c.who, c.role, j.Roles, e)
		}
	}
	delete(i.Roles, "patch")
	_, _, err := incidents.DropRole(p, i, "patch", "bob", noon())
	refused(t, err, "role-empty")
	if incidents.AssignNeedsConsent(p, incidents.Incident{}, "lead", "bob", "bob", noon()) || incidents.AssignNeedsConsent(p, incidents.Incident{}, "lead", "bob", "alice", noon()) {
		t.Error("the first lead needs nobody's consent")
	}
}

// TestExactlyOneLead: after the first one took it an incident always has exactly
// one lead, and it changes by the lead's own word or by two people's only, and to
// nobody who did not take it.
func TestExactlyOneLead(t *testing.T) {
	p := testPlan()
	people := rapid.SampledFrom([]string{"alice", "bob", "carol", "dana"})
	roles := rapid.SampledFrom([]string{"lead", "patch", "chef"})
	rapid.Check(t, func(rt *rapid.T) {
		i, now := opened(t, incidents.Opening{Severity: rapid.SampledFrom([]string{"critical", "low"}).Draw(rt, "level")}), noon()
		asked := map[string]time.Time{} // whom the lead, or two people, asked to lead, and when
		for range rapid.IntRange(1, 20).Draw(rt, "acts") {
			before, who, person := i.Lead(p), people.Draw(rt, "who"), people.Draw(rt, "person")
			agreed := rapid.Bool().Draw(rt, "agreed")
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "half hours")) * time.Hour / 2)
			silent := i.Level == "critical" && now.Sub(i.Heard()) >= 24*time.Hour
			var j incidents.Incident
			var err error
			switch rapid.IntRange(0, 5).Draw(rt, "act") {
			case 0, 1:
				j, _, err = incidents.AssignRole(p, i, roles.Draw(rt, "role"), person, who, agreed, now)
			case 2:
				j, _, err = incidents.DropRole(p, i, roles.Draw(rt, "role"), who, now)
			case 3:
				j, _, err = incidents.AcceptLead(p, i, who, now)
			case 4:
				j, _, err = incidents.DeclineLead(i, who, now)
			default:
				j = i
				if before == who {
					j.LeadHeard = now
				}
			}
			if err == nil {
				if j.Handoff.To != "" && j.Handoff != i.Handoff {
					if before != who && !agreed {
						rt.Fatalf("%s offered the lead of %s alone", who, before)
					}
					asked[j.Handoff.To] = now
				}
				i = j
			}
			switch after := i.Lead(p); {
			case after == "":
				rt.Fatal("nobody leads")
			case after == before:
			case after != who:
				rt.Fatalf("%s made %s the lead, who did not say so", who, after)
			case !agreed && !silent && !now.Before(asked[who].Add(time.Hour)):
				rt.Fatalf("%s took the lead from %s alone", who, before)
			default:
				asked = map[string]time.Time{}
			}
		}
	})
}
