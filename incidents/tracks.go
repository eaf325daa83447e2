package incidents

import (
	"slices"
	"time"
)

// TrackOf gives the track of an incident: the one that somebody chose, else the
// plan's first that fits its type and level. Where the plan would have it released
// without an embargo and one was agreed or set, it is on the embargoed track.
func TrackOf(p Plan, i Incident) Track {
	for _, t := range p.Tracks {
		if i.Track.Same(Seal(t.Key)) {
			return t
		}
	}
	kind := p.TypeOf(i).Key
	for _, t := range p.Tracks {
		fits := len(t.Types) == 0 || (kind != "" && within(t.Types, kind))
		if fits && within(t.Levels, i.Level) && !anyHappened(p, i, t.Unless) {
			k := slices.IndexFunc(p.Tracks, func(t Track) bool { return t.Embargo })
			if k >= 0 && t.Standard && i.Embargo.Dated() {
				return p.Tracks[k]
			}
			return t
		}
	}
	return Track{}
}

// ChooseTrack puts an incident on a track by a person's word (plan, sections 7.3 to
// 7.5 and 9.2).
func ChooseTrack(p Plan, i Incident, track string, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	t, ok := p.Track(track)
	if !ok {
		return i, Entry{}, Refuse("unknown-key", "kind", "track", "keys", p.Keys("track"))
	}
	if TrackOf(p, i).Key != t.Key && why.Empty() {
		return i, Entry{}, Refuse("track-needs-reason", "handle", i.Handle)
	}
	i.Track = Seal(t.Key)
	if !t.Bundled {
		i.Reach, i.ReachWhy = Sealed{}, Sealed{} // it was asked of a bundled library's bug
	}
	return i, Entry{Kind: "tracked", Who: who, At: now, Text: joinSealed(": ", Seal(t.Name), why)}, nil
}

// SetReach notes whether a bundled library's bug is reachable through the project's
// API, and why (plan, 9.2.1 and 9.2.5).
func SetReach(p Plan, i Incident, yes bool, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	if len(p.Tracks) > 0 && !TrackOf(p, i).Bundled {
		return i, Entry{}, Refuse("not-upstream", "handle", i.Handle)
	}
	answer := "no"
	if yes {
		answer = "yes"
	}
	i.Reach, i.ReachWhy = Seal(answer), why
	return i, Entry{Kind: "reached", Who: who, At: now, Text: joinSealed(": ", i.Reach, why)}, nil
}

// Withdrawn gives what was sent that says that a bug is not reachable: once it is, that
// is wrong where it stands. sent is what was sent, the newest first.
func Withdrawn(p Plan, sent []Sending) []Sending {
	var kinds []string
	for _, s := range p.Steps {
		if slices.Contains(s.When, "not-reachable") && s.Draft != "" {
			kinds = append(kinds, s.Draft)
		}
	}
	for _, o := range p.Outcomes {
		if o.Key == "not-reachable" {
			kinds = append(kinds, o.Draft)
		}
	}
	var out []Sending
	for _, s := range sent {
		if slices.Contains(kinds, s.Kind) && s.State != SendRefused && s.State != SendQueued {
			out = append(out, s)
		}
	}
	return out
}

// SetWild notes that a bug is exploited in the wild, or that it is not after all.
func SetWild(i Incident, on bool, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	if on == !i.WildAt.IsZero() {
		return i, Entry{}, Refuse("nothing-new", "handle", i.Handle)
	}
	e := Entry{Kind: "wild", Who: who, At: now, Text: joinSealed(": ", Seal("not exploited after all"), why)}
	if i.WildAt = (time.Time{}); on {
		i.WildAt = now
		e.Text = joinSealed(": ", Seal("exploited in the wild"), why)
	}
	if i.Policy.Same(Seal("p0")) {
		i.PolicyAt = projectZero(i)
	}
	return i, e, nil
}

// SetPublic notes that a report is public already (plan, 6.6), or not after all.
func SetPublic(i Incident, on bool, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	if on == !i.PublicAt.IsZero() {
		return i, Entry{}, Refuse("nothing-new", "handle", i.Handle)
	}
	e := Entry{Kind: "public", Who: who, At: now, Text: joinSealed(": ", Seal("not public after all"), why)}
	if i.PublicAt = (time.Time{}); on {
		i.PublicAt = now
		e.Text = joinSealed(": ", Seal("the report is public"), why)
	}
	return i, e, nil
}

// NoteUpdate notes that the reporter was told how it stands.
func NoteUpdate(p Plan, i Incident, via Sealed, who string, now time.Time) (Incident, Entry, error) {
	return noteUpdate(p, i, via, now, who, now)
}

// noteUpdate is NoteUpdate of what was said to the reporter at an instant, which may be
// past: what they were told since then stays.
func noteUpdate(p Plan, i Incident, via Sealed, at time.Time, who string, now time.Time) (Incident, Entry, error) {
	if _, waits := Happened(p, i, "reporter"); !waits {
		return i, Entry{}, Refuse("nobody-waits", "handle", i.Handle)
	}
	if i.AckAt.IsZero() {
		return i, Entry{}, Refuse("acknowledge-first", "handle", i.Handle)
	}
	i.UpdateAt = later(i.UpdateAt, at)
	e := Entry{Kind: "updated", Who: who, At: now, Text: via}
	if !at.Equal(now) {
		e.Plain = SayInstant(at)
	}
	return i, e, nil
}

// The policies of reporters that are known by name. Project Zero publishes 90 days
// after its report, CERT/CC after 45.
// Sources: googleprojectzero.blogspot.com, Vulnerability Disclosure Policy; CERT/CC
// vulnerability disclosure policy.
const (
	projectZeroDays = 90
	projectZeroWild = 7 // exploited in the wild
	certccDays      = 45
)

// projectZero gives when Project Zero publishes. What is exploited is counted from
// the report, or from when it became known where the days from the report are over.
func projectZero(i Incident) time.Time {
	at := i.ReportedAt.Add(projectZeroDays * 24 * time.Hour)
	if i.WildAt.IsZero() {
		return at
	}
	const wild = projectZeroWild * 24 * time.Hour
	early := i.ReportedAt.Add(wild)
	if early.Before(i.WildAt) {
		early = i.WildAt.Add(wild)
	}
	if early.Before(at) {
		return early
	}
	return at
}

// Policies lists what a reporter's policy can be called besides a date: SetPolicy knows
// each.
func Policies() []string { return []string{"none", "p0", "certcc"} }

// SetPolicy notes when the reporter means to publish: by a policy, "none", or a
// date of their own ("date").
func SetPolicy(i Incident, policy string, date time.Time, who string, now time.Time) (Incident, Entry, error) {
	switch policy {
	case "none":
		i.Policy, i.PolicyAt = Sealed{}, time.Time{}
	case "p0":
		i.Policy, i.PolicyAt = Seal(policy), projectZero(i)
	case "certcc":
		i.Policy, i.PolicyAt = Seal(policy), i.ReportedAt.Add(certccDays*24*time.Hour)
	case "date":
		if !date.After(now) {
			return i, Entry{}, Refuse("policy-past")
		}
		i.Policy, i.PolicyAt = Seal(policy), date
	default:
		return i, Entry{}, Refuse("policy-form")
	}
	e := Entry{Kind: "policy", Who: who, At: now, Text: Seal(policy)}
	if !i.PolicyAt.IsZero() {
		e.Plain = SayInstant(i.PolicyAt)
	}
	return i, e, nil
}
