package incidents

import "time"

// AssignRole gives a role to a person. The lead is taken or offered instead: see
// TakeLead and OfferLead. After the first one took it an incident always has exactly
// one.
func AssignRole(p Plan, i Incident, role, person, who string, agreed bool, now time.Time) (Incident, Entry, error) {
	r, ok := p.Role(role)
	switch {
	case !ok:
		return i, Entry{}, Refuse("unknown-key", "kind", "role", "keys", p.Keys("role"))
	case i.Roles[role] == person:
		return i, Entry{}, Refuse("has-role", "person", person, "role", r.Name)
	case r.Lead && person == who:
		return TakeLead(p, i, who, agreed, now)
	case r.Lead:
		return OfferLead(p, i, person, who, agreed, now)
	}
	i.Roles = withRole(i.Roles, role, person)
	return i, Entry{Kind: "assigned", Who: who, At: now, Plain: r.Name + " to " + person}, nil
}

// AssignNeedsConsent reports whether who may not give this role to a person alone:
// it is the lead's, somebody else has it, and they are not silent by the rule.
func AssignNeedsConsent(p Plan, i Incident, role, person, who string, now time.Time) bool {
	if role != p.LeadRole().Key {
		return false
	}
	if person == who {
		return TakeNeedsConsent(p, i, who, now)
	}
	lead := i.Lead(p)
	return lead != "" && lead != who && lead != person
}

// DropRole takes a role from the person who has it. The lead cannot be dropped,
// only handed over.
func DropRole(p Plan, i Incident, role, who string, now time.Time) (Incident, Entry, error) {
	r, ok := p.Role(role)
	switch {
	case !ok:
		return i, Entry{}, Refuse("unknown-key", "kind", "role", "keys", p.Keys("role"))
	case i.Roles[role] == "":
		return i, Entry{}, Refuse("role-empty", "role", r.Name)
	case r.Lead:
		return i, Entry{}, Refuse("lead-drop", "key", r.Key)
	case i.Roles[role] != who:
		return i, Entry{}, Refuse("role-of-another", "role", r.Name, "key", r.Key, "person", i.Roles[role])
	}
	i.Roles = withRole(i.Roles, role, "")
	return i, Entry{Kind: "dropped", Who: who, At: now, Plain: r.Name}, nil
}

// withRole copies, so that an incident that was loaded is never half changed.
func withRole(roles map[string]string, role, person string) map[string]string {
	out := make(map[string]string, len(roles)+1)
	for k, v := range roles {
		out[k] = v
	}
	if person == "" {
		delete(out, role)
	} else {
		out[role] = person
	}
	return out
}
