package incidents

import "time"

// HandoffLife is how long somebody has to accept the lead.
const HandoffLife = time.Hour

// LeadSilence is how long the lead of a Critical incident may be silent before any
// other maintainer may take over (plan, 7.1.6).
const LeadSilence = 24 * time.Hour

// Handoff is a lead who asked somebody to take over, and waits for the answer.
type Handoff struct {
	To   string
	From string // the lead then, or "" while nobody led
	By   string // who asked
	At   time.Time
}

// Pending reports whether it can be accepted at the instant now.
func (h Handoff) Pending(now time.Time) bool { return h.To != "" && now.Before(h.At.Add(HandoffLife)) }

// Heard gives when the lead was heard of last: since they took the lead they were.
func (i Incident) Heard() time.Time { return later(i.LeadSince, i.LeadHeard) }

// Silence gives since when the lead's silence counts: since they were heard, but not
// while nobody was told of it, before the incident had its level, or while the bot was
// away and could hear nobody.
func (i Incident) Silence() time.Time { return later(i.Heard(), later(i.LevelAt, i.Listening)) }

// LeadSilent reports whether the lead of a Critical incident has been silent for so
// long that any other maintainer may take over.
func LeadSilent(p Plan, i Incident, now time.Time) bool {
	return p.critical(i.Level) && i.Lead(p) != "" && now.Sub(i.Silence()) >= LeadSilence
}

// TakeNeedsConsent reports whether who may not take the lead alone: somebody else
// has it, and is not silent by the rule.
func TakeNeedsConsent(p Plan, i Incident, who string, now time.Time) bool {
	lead := i.Lead(p)
	return lead != "" && lead != who && !LeadSilent(p, i, now) && !(i.Handoff.Pending(now) && i.Handoff.To == who)
}

// TakeLead makes who the lead: of an incident that nobody leads, with the consent
// of the lead or of a second maintainer (agreed), or because the lead is silent.
func TakeLead(p Plan, i Incident, who string, agreed bool, now time.Time) (Incident, Entry, error) {
	lead := i.Lead(p)
	switch {
	case lead == who:
		return i, Entry{}, Refuse("has-role", "person", who, "role", p.LeadRole().Name)
	case TakeNeedsConsent(p, i, who, now) && !agreed:
		return i, Entry{}, Refuse("lead-consent", "lead", lead, "person", who)
	}
	return newLead(p, i, who, now)
}

// newLead makes a person the lead; its entry names the one before.
func newLead(p Plan, i Incident, person string, now time.Time) (Incident, Entry, error) {
	before := i.Lead(p)
	i.Roles = withRole(i.Roles, p.LeadRole().Key, person)
	i.LeadSince, i.LeadHeard, i.Handoff = now, now, Handoff{}
	return i, Entry{Kind: "led", Who: person, At: now, Plain: before}, nil
}

// OfferLead asks a person to take the lead. Until they accept, within the hour, the
// lead stays where it is. by is the lead, anybody while nobody leads, or anybody
// with a second maintainer's consent (agreed).
func OfferLead(p Plan, i Incident, person, by string, agreed bool, now time.Time) (Incident, Entry, error) {
	lead := i.Lead(p)
	switch {
	case lead == person:
		return i, Entry{}, Refuse("has-role", "person", person, "role", p.LeadRole().Name)
	case lead != "" && lead != by && !agreed:
		return i, Entry{}, Refuse("lead-consent", "lead", lead, "person", person)
	case i.Handoff.Pending(now) && i.Handoff.To == person:
		return i, Entry{}, Refuse("handoff-pending", "person", person, "until", i.Handoff.At.Add(HandoffLife))
	}
	i.Handoff = Handoff{To: person, From: lead, By: by, At: now}
	return i, Entry{Kind: "offered", Who: by, At: now, Plain: person}, nil
}

// AcceptLead takes the lead that who was asked to take.
func AcceptLead(p Plan, i Incident, who string, now time.Time) (Incident, Entry, error) {
	h := i.Handoff
	switch {
	case h.To != who:
		return i, Entry{}, Refuse("handoff-none", "handle", i.Handle)
	case !h.Pending(now):
		return i, Entry{}, Refuse("handoff-late", "handle", i.Handle, "lead", i.Lead(p))
	}
	return newLead(p, i, who, now)
}

// DeclineLead says no to it: the lead stays where it is.
func DeclineLead(i Incident, who string, now time.Time) (Incident, Entry, error) {
	if i.Handoff.To != who || !i.Handoff.Pending(now) {
		return i, Entry{}, Refuse("handoff-none", "handle", i.Handle)
	}
	i.Handoff = Handoff{}
	return i, Entry{Kind: "declined", Who: who, At: now}, nil
}
