package incidents

import (
	"slices"
	"time"
)

// WatchEvery gives how long to wait until GitHub is looked at again: as often as it was
// configured, or less often where looks cost so much that more than a tenth of what may
// be asked in an hour went into them. cost is what the last look cost, limit what may be
// asked in an hour, 0 while that is not known.
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
func WatchEvery(every time.Duration, cost, limit int) time.Duration {
	if limit <= 0 || cost <= 0 {
		return every
	}
	share := max(limit/10, 1)
	return max(every, time.Hour*time.Duration(cost)/time.Duration(share))
}

// GlobalMost is how long after its publishing an advisory is looked for in the global
// database.
const GlobalMost = 60 * 24 * time.Hour

// GlobalRung gives how often it is to have been told that a published advisory is not in
// the global database: after 72 hours, which is what GitHub says the review takes, after
// a week, and after each week from then on.
// https://docs.github.com/code-security/security-advisories/working-with-global-security-advisories-from-the-github-advisory-database/about-the-github-advisory-database
func GlobalRung(a Advisory, now time.Time) int {
	const review, week = 72 * time.Hour, 7 * 24 * time.Hour
	switch d := now.Sub(a.Published); {
	case a.Published.IsZero() || d < review:
		return 0
	case d < week:
		return 1
	default:
		return 1 + int(d/week)
	}
}

// AdvisoryShown notes what follows for an incident from its advisory being public: the
// step that publishes it is done. early says that an embargo holds: then nothing is done
// by itself, and people have to decide what it means.
func AdvisoryShown(p Plan, i Incident, a Advisory, now time.Time) (out Incident, entries []Entry, early bool) {
	s, ok := publishing(p, i)
	if a.State != AdvisoryPublished || !ok || StateOf(p, i, s).State != StepOpen {
		return i, nil, false
	}
	if Embargoed(p, i) {
		return i, nil, true
	}
	at := a.Published
	if at.IsZero() || at.After(now) {
		at = now
	}
	i.Steps = withDeed(i.Steps, s.Key, Deed{State: StepDone, At: at, Who: GitHub, Note: Seal("it is public on GitHub")})
	return i, []Entry{{Kind: "step-done", Who: GitHub, At: now, Text: joinSealed(": ", Seal(s.Key), Seal("it is public on GitHub"))}}, false
}

// publishing gives the step that publishes the advisory, where the incident has one.
func publishing(p Plan, i Incident) (Step, bool) {
	for _, s := range p.Steps {
		if s.Draft == "advisory" && s.Discloses && Applies(p, i, s) {
			return s, true
		}
	}
	return Step{}, false
}

// AdvisoryAsked notes that a CVE was requested in the advisory (plan, 7.1.5): the step
// that asks for it is done.
func AdvisoryAsked(p Plan, i Incident, who string, now time.Time) (Incident, []Entry) {
	for _, s := range p.Steps {
		if s.By == "cve" && Applies(p, i, s) && StateOf(p, i, s).State == StepOpen {
			i.Steps = withDeed(i.Steps, s.Key, Deed{State: StepDone, At: now, Who: who, Note: Seal("in the advisory")})
			return i, []Entry{{Kind: "step-done", Who: who, At: now, Text: joinSealed(": ", Seal(s.Key), Seal("in the advisory"))}}
		}
	}
	return i, nil
}

// CheckPublish refuses to publish an advisory before its time: while an embargo holds,
// before the steps that come before it are done, and before a version with the fix is
// live, unless two people say why (0.15 of the field's facts: there is no unpublish).
func CheckPublish(p Plan, i Incident, anyway Sealed, now time.Time) error {
	s, ok := publishing(p, i)
	if !ok {
		return Refuse("publish-no-step", "handle", i.Handle)
	}
	if i.Phase == Closed {
		return Refuse("is-closed", "handle", i.Handle)
	}
	if Embargoed(p, i) {
		return refuseLocked(i, s, LockOf(p, i, s, now))
	}
	live := Live(i)
	if !live && anyway.Empty() {
		return Refuse("publish-not-live", "handle", i.Handle, "version", firstSealed(i.Release.Version, i.Fixed))
	}
	if before := stepsBefore(p, i, s); len(before) > 0 {
		return refuseLocked(i, s, Lock{Why: "after", After: before})
	}
	l := LockOf(p, i, s, now)
	waits := l.Why == "after" && !slices.ContainsFunc(l.After, func(b Step) bool { return b.By != "released" })
	if l.Why != "" && (live || !waits) { // the word of two stands for a live version, and for no other step
		return refuseLocked(i, s, l)
	}
	return nil
}

// stepsBefore lists the steps of the plan that come before another one and are neither
// done nor left out, but the one that waits for a live version.
func stepsBefore(p Plan, i Incident, last Step) []Step {
	var out []Step
	for _, s := range p.Steps {
		if s.Key == last.Key {
			break
		}
		if s.Phase != "" && !s.Optional && s.By != "released" && Applies(p, i, s) && StateOf(p, i, s).State == StepOpen {
			out = append(out, s)
		}
	}
	return out
}

// Live reports whether a version with an incident's fix is there to be installed.
func Live(i Incident) bool { return !i.Release.LiveAt.IsZero() && i.Release.YankedAt.IsZero() }

// CVEAsked gives who requested a CVE and when; false while nobody did.
func CVEAsked(p Plan, i Incident) (Deed, bool) {
	for _, s := range p.Steps {
		if d := i.Steps[s.Key]; s.By == "cve" && d.State == StepDone {
			return d, true
		}
	}
	return Deed{}, false
}

// ReadGHSA reads an identifier of an advisory, as people type it.
func ReadGHSA(typed string) (string, bool) { return asGHSA(typed) }

// CreditTypes are the ways to be thanked that GitHub knows.
func CreditTypes() []string {
	return []string{"analyst", "finder", "reporter", "coordinator", "remediation_developer", "remediation_reviewer", "remediation_verifier", "tool", "sponsor", "other"}
}
