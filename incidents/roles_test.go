package incidents_test

import (
	"testing"

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
		{"another takes the lead alone", "lead", "bob", "bob", false, "lead-consent"},
		{"another gives the lead alone", "lead", "bob", "carol", false, "lead-consent"},
		{"two people relieve the lead", "lead", "bob", "bob", true, ""},
		{"to who has it", "lead", "alice", "bob", true, "has-role"},
		{"no role", "chef", "bob", "alice", true, "unknown-key"},
	} {
		i := opened(t, incidents.Opening{})
		j, e, err := incidents.AssignRole(p, i, c.role, c.person, c.who, c.agreed, noon())
		refused(t, err, c.refused)
		if i.Lead(p) != "alice" || len(i.Roles) != 1 {
			t.Errorf("%s: the incident that was loaded is changed: %v", c.name, i.Roles)
		}
		if err == nil && (j.Roles[c.role] != c.person || e.Kind != "assigned" || e.Who != c.who) {
			t.Errorf("%s: %v, %+v", c.name, j.Roles, e)
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
	if incidents.LeadNeedsConsent(p, incidents.Incident{}, "lead", "bob") {
		t.Error("the first lead needs nobody's consent")
	}
}

// TestExactlyOneLead: after the first one took it an incident always has exactly
// one lead, and it changes by the lead's own word or by two people's only.
func TestExactlyOneLead(t *testing.T) {
	p := testPlan()
	people := rapid.SampledFrom([]string{"alice", "bob", "carol", "dana"})
	roles := rapid.SampledFrom([]string{"lead", "patch", "chef"})
	rapid.Check(t, func(rt *rapid.T) {
		i := opened(t, incidents.Opening{})
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			before, who := i.Lead(p), people.Draw(rt, "who")
			agreed := rapid.Bool().Draw(rt, "agreed")
			var j incidents.Incident
			var err error
			if rapid.Bool().Draw(rt, "assign") {
				j, _, err = incidents.AssignRole(p, i, roles.Draw(rt, "role"), people.Draw(rt, "person"), who, agreed, noon())
			} else {
				j, _, err = incidents.DropRole(p, i, roles.Draw(rt, "role"), who, noon())
			}
			if err == nil {
				i = j
			}
			if i.Lead(p) == "" {
				rt.Fatal("nobody leads")
			}
			if i.Lead(p) != before && before != who && !agreed {
				rt.Fatalf("%s took the lead from %s alone", who, before)
			}
		}
	})
}
