package incidents

import (
	"slices"
	"strings"
	"time"
)

// Events lists what plan.toml can name as having happened, besides the steps,
// which are named "step:KEY".
//
//	reported       the report came: always
//	reporter       somebody outside waits to hear
//	opened         it was opened here: always
//	acknowledged   the reporter was answered
//	begun          likewise, or the opening where nobody outside waits
//	updated        the reporter was told how it stands, or answered
//	leveled        it has a level
//	cve            it has a CVE
//	advisory       it has an advisory on GitHub
//	advisory-public  that is published
//	late-cve       the CVE came after the release
//	tracked        a person chose the track
//	reach          somebody said whether it is reachable
//	not-reachable  and that it is not
//	agreed         the reporter agreed to the embargo's date
//	embargo        an embargo's date is agreed or set: the instant is that date
//	set            an embargo's date is set, which it stays when it is over
//	over           the embargo was lifted or broken
//	broken         it was broken
//	untold         somebody outside knows of another date than the one that holds: the
//	               instant is when it became another, by a move or an early lift
//	disclosed      it is public: by a step that discloses, or by a broken embargo
//	wild           it is exploited in the wild
//	public         the report is public
//	released       a version with the fix is live
//	reporter-date  the reporter said when they publish: the instant is that
//	quarterly      the instant is the first quarterly release after the opening
//	staffed        no role is empty
//	unled          nobody leads: the instant is the opening
//	lead-heard     somebody leads: the instant is when they were heard of last
//	lead-away      the lead is going to be away: the instant is when
//	handoff        somebody was asked to take the lead over
//	closed         it was closed
func Events() []string {
	return []string{
		"reported", "reporter", "opened", "acknowledged", "begun", "updated", "leveled", "cve", "advisory", "advisory-public", "late-cve", "tracked", "reach",
		"not-reachable", "agreed", "embargo", "set", "over", "broken", "untold", "disclosed", "wild", "public", "released",
		"reporter-date", "quarterly", "staffed", "unled", "lead-heard", "lead-away", "handoff", "closed",
	}
}

// Happened gives when an event happened to an incident; false when it did not.
// It is a pure function of the two.
func Happened(p Plan, i Incident, event string) (time.Time, bool) {
	at, ok := i.instantOf(p, event)
	if ok && at.IsZero() {
		at = i.OpenedAt // it is so, and since when was not noted
	}
	return at, ok
}

// instantOf gives the zero time for what is so, and since when was not noted.
func (i Incident) instantOf(p Plan, event string) (time.Time, bool) {
	if key, ok := strings.CutPrefix(event, "step:"); ok {
		s, known := p.Step(key)
		if !known {
			return time.Time{}, false
		}
		d := StateOf(p, i, s)
		return d.At, d.State == StepDone
	}
	set := func(t time.Time) (time.Time, bool) { return t, !t.IsZero() }
	switch event {
	case "reported":
		return i.ReportedAt, true
	case "opened":
		return i.OpenedAt, true
	case "reporter":
		s := p.SourceOf(i)
		return i.ReportedAt, s.Key == "" || s.Reporter
	case "acknowledged":
		return set(i.AckAt)
	case "begun":
		if _, waits := i.instantOf(p, "reporter"); !waits {
			return i.OpenedAt, true
		}
		return set(i.AckAt)
	case "updated":
		return set(later(i.AckAt, i.UpdateAt))
	case "leveled":
		return i.LevelAt, i.Level != ""
	case "cve":
		return i.CVEAt, !i.CVE.Empty()
	case "advisory":
		return time.Time{}, !i.GHSA.Empty()
	case "advisory-public":
		return i.Advisory.Published, i.Advisory.State == AdvisoryPublished
	case "late-cve":
		live, ok := i.releasedAt(p)
		return i.CVEAt, ok && !i.CVE.Empty() && i.CVEAt.After(live)
	case "tracked":
		return time.Time{}, !i.Track.Empty()
	case "reach":
		return time.Time{}, !i.Reach.Empty()
	case "not-reachable":
		return time.Time{}, i.Reach.Same(Seal("no"))
	case "wild":
		return set(i.WildAt)
	case "public":
		return set(i.PublicAt)
	case "released":
		return set(i.Release.LiveAt)
	case "reporter-date":
		return set(i.PolicyAt)
	case "quarterly":
		return p.NextQuarterly(i.OpenedAt)
	case "closed":
		return i.ClosedAt, !i.Open()
	}
	if at, ok, known := i.leadEvent(p, event); known {
		return at, ok
	}
	return i.embargoEvent(p, event)
}

func (i Incident) leadEvent(p Plan, event string) (at time.Time, ok, known bool) {
	switch event {
	case "staffed":
		return i.OpenedAt, len(EmptyRoles(p, i)) == 0, true
	case "unled":
		return i.OpenedAt, i.Lead(p) == "", true
	case "lead-heard":
		return i.Silence(), i.Lead(p) != "", true
	case "lead-away":
		return i.LeadAway, i.Lead(p) != "" && !i.LeadAway.IsZero(), true
	case "handoff":
		return i.Handoff.At, i.Handoff.To != "", true
	}
	return time.Time{}, false, false
}

func (i Incident) embargoEvent(p Plan, event string) (time.Time, bool) {
	e := i.Embargo
	switch event {
	case "agreed":
		return e.AgreedAt, !e.AgreedAt.IsZero()
	case "embargo":
		return e.At, e.Dated()
	case "set":
		return time.Time{}, e.State == EmbargoSet || e.State == EmbargoMoved || e.Over()
	case "over":
		return e.EndedAt, e.Over()
	case "broken":
		return e.EndedAt, e.State == EmbargoBroken
	case "untold": // of a broken one the checklist says whom to tell
		for _, t := range WhoWasTold(p, i, i.Sent) {
			if t.Stale && e.State != EmbargoBroken {
				return e.changedAt(), true
			}
		}
	case "disclosed":
		if e.State == EmbargoBroken {
			return e.EndedAt, true
		}
		return i.publishedAt(p)
	}
	return time.Time{}, false
}

// publishedAt gives when the project itself disclosed it.
func (i Incident) publishedAt(p Plan) (time.Time, bool) {
	for _, s := range p.Steps {
		if !s.Discloses {
			continue // looked at first: no step can be done by what it does itself
		}
		if d := StateOf(p, i, s); d.State == StepDone {
			return d.At, true
		}
	}
	return time.Time{}, false
}

// leakedAt gives since when it is known outside otherwise than by the project: it
// leaked, or the report is public.
func (i Incident) leakedAt() (time.Time, bool) {
	at, leaked := i.PublicAt, !i.PublicAt.IsZero()
	if e := i.Embargo; e.State == EmbargoBroken && (!leaked || e.EndedAt.Before(at)) {
		at, leaked = e.EndedAt, true
	}
	return at, leaked
}

// releasedAt gives when a version with the fix was live, by the release or by
// word of whoever did that step.
func (i Incident) releasedAt(p Plan) (time.Time, bool) {
	if !i.Release.LiveAt.IsZero() {
		return i.Release.LiveAt, true
	}
	for _, s := range p.Steps {
		if s.By == "released" {
			d := i.Steps[s.Key]
			return d.At, d.State == StepDone
		}
	}
	return time.Time{}, false
}

// EmptyRoles lists the names of roles that nobody has. A role for one source is
// left out: it would tell the source.
func EmptyRoles(p Plan, i Incident) []string {
	var out []string
	for _, r := range p.Roles {
		if _, perSource := p.Source(r.Key); i.Roles[r.Key] == "" && !perSource {
			out = append(out, r.Name)
		}
	}
	return out
}

func allHappened(p Plan, i Incident, events []string) bool {
	for _, e := range events {
		if _, ok := Happened(p, i, e); !ok {
			return false
		}
	}
	return true
}

func anyHappened(p Plan, i Incident, events []string) bool {
	return slices.ContainsFunc(events, func(e string) bool {
		_, ok := Happened(p, i, e)
		return ok
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// within reports whether one of a list is meant: an empty list means all.
func within(list []string, one string) bool { return len(list) == 0 || slices.Contains(list, one) }
