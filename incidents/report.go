package incidents

import (
	"slices"
	"strings"
	"time"
)

// Consent is who agreed to an embargo's date, and in which words.
type Consent struct {
	At         time.Time
	Date       string // that they agreed to
	Who, Quote Sealed
}

// Report gives the facts of an incident's report at the instant now: what it was, when
// what was done and by whom, how long it took, what was left out and why, who was told
// when. entries are its record, oldest first; agreed is what was agreed on its embargo.
func Report(p Plan, i Incident, entries []Entry, agreed []Consent, now time.Time) Facts {
	f := Card(p, i, now)
	var consents []Facts
	for _, a := range agreed {
		consents = append(consents, Facts{"at": a.At, "date": a.Date, "who": a.Who, "quote": a.Quote})
	}
	for k, v := range NewFacts(
		"markdown", true, "project", p.Name, "neutral", i.Phase.Neutral(), "component", libraryName(p, i), "agreements", consents,
		"milestones", known(i, milestoneFacts(Milestones(p, i, entries, now), true)), "stays", stayFacts(Stays(i, entries)),
		"entries", entryFacts(entries, nil), "embargoes", entryFacts(entries, func(e Entry) bool { return strings.HasPrefix(e.Kind, "embargo-") }),
		"heard", ListenerFacts(p, i, slices.DeleteFunc(Audience(p, i), func(l Listener) bool { return l.State == NoticeOpen })),
		"unheard", ListenerFacts(p, i, slices.DeleteFunc(Audience(p, i), func(l Listener) bool { return l.State != NoticeOpen })),
		"updates", entryFacts(entries, func(e Entry) bool { return e.Kind == "updated" }),
		"wildat", i.WildAt, "publicat", i.PublicAt, "policyat", i.PolicyAt, "cveat", i.CVEAt,
	) {
		f[k] = v
	}
	var skipped, done, left []Step
	for _, s := range StepsOf(p, i, "") {
		switch StateOf(p, i, s).State {
		case StepSkipped:
			skipped = append(skipped, s)
		case StepDone:
			done = append(done, s)
		default:
			if !s.Optional {
				left = append(left, s)
			}
		}
	}
	f["skipped"], f["steps"], f["leftopen"] = StepFacts(p, i, skipped, now), StepFacts(p, i, done, now), StepFacts(p, i, left, now)
	return f
}

// libraryName gives the plan's name of the library that an incident is about.
func libraryName(p Plan, i Incident) Sealed {
	if u := meant(p.Map.Upstream, i.Library, func(u Upstream) string { return u.Key }); u.Key != "" {
		return Seal(u.Name)
	}
	return i.Library
}

// milestoneFacts gives the milestones that an incident has, with their targets or
// without.
func milestoneFacts(all []Milestone, targets bool) []Facts {
	out := []Facts{}
	for _, m := range all {
		if m.Applies {
			f := Facts{"key": m.Key, "at": m.At, "took": SaySpan(m.Took), "due": m.Due, "late": m.Late, "reached": !m.At.IsZero()}
			if !targets {
				f["due"], f["late"] = time.Time{}, false
			}
			out = append(out, f)
		}
	}
	return out
}

// known says of an incident that leaked that it became known, and not that the project
// disclosed it.
func known(i Incident, all []Facts) []Facts {
	for _, f := range all {
		if f["key"] == Disclosed && i.Embargo.State == EmbargoBroken {
			f["key"] = "known"
		}
	}
	return all
}

func stayFacts(all []Stay) []Facts {
	out := []Facts{}
	for _, s := range all {
		out = append(out, Facts{"phase": string(s.Phase), "neutral": s.Phase.Neutral(), "since": s.Since})
	}
	return out
}

// entryFacts gives entries for a text that leaves the desk. keep picks them; nil: all.
func entryFacts(entries []Entry, keep func(Entry) bool) []Facts {
	out := []Facts{}
	for _, e := range entries {
		if keep != nil && !keep(e) {
			continue
		}
		out = append(out, Facts{"at": e.At, "who": e.Who, "kind": e.Kind, "plain": e.Plain, "text": e.Text, "handle": ""})
	}
	return out
}

// publicKinds are the entries of the record that a public report tells of, without
// what was typed with them.
func publicKinds() []string {
	return []string{
		"opened", "acknowledged", "severity", "phase", "embargo-proposed", "embargo-agreed", "embargo-set", "embargo-moved",
		"embargo-lifted", "embargo-broken", "reopened", "closed",
	}
}

// MayPublish refuses a public report while the details are private: before the embargo
// is over, and until the advisory is out, or, where the track has no step that
// discloses, the release with the fix.
func MayPublish(p Plan, i Incident) error {
	if i.Embargo.Dated() {
		return Refuse("report-embargoed", "handle", i.Handle, "at", i.Embargo.At)
	}
	if _, out := i.publishedAt(p); out { // that it leaked is no word of the project
		return nil
	}
	at := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Discloses && Applies(p, i, s) })
	if at >= 0 {
		return Refuse("report-undisclosed", "handle", i.Handle, "step", Seal(p.Steps[at].Key))
	}
	if _, live := i.releasedAt(p); !live {
		return Refuse("report-undisclosed", "handle", i.Handle, "step", Sealed{})
	}
	return nil
}

// PublicReport gives the facts of the report that everybody may read. In it are no
// handle, codename, room, contact, reason or note, roles in place of people, and the
// reporter only by the credit that they agreed to. What people typed to be published,
// such as summary and details, is in it as it is: a lint has to look at it.
func PublicReport(p Plan, i Incident, entries []Entry, now time.Time) Facts {
	level, _ := p.Level(i.Level)
	told := []Facts{}
	for _, l := range Audience(p, i) {
		if l.State == NoticeOpen || l.Added {
			continue // who was added may be a person
		}
		at := l.SentAt
		if l.ByStep || at.IsZero() {
			at = l.At
		}
		told = append(told, Facts{"name": Seal(l.Downstream.Name), "at": at})
	}
	shown := entryFacts(entries, func(e Entry) bool { return slices.Contains(publicKinds(), e.Kind) })
	for k := range shown {
		who, _ := shown[k]["who"].(string)
		shown[k]["who"], shown[k]["text"] = roleOf(p, i, who), Sealed{}
		if plain, _ := shown[k]["plain"].(string); shown[k]["kind"] == "phase" {
			shown[k]["plain"] = Phase(plain).Neutral()
		}
	}
	credit := i.Reporter.Credit
	if anonymous(credit) {
		credit = Sealed{}
	}
	disclosed, ok := Happened(p, i, "disclosed")
	if !ok {
		disclosed = i.Embargo.EndedAt
	}
	fresh := p.Outside.FreshDays > 0 && now.Before(disclosed.AddDate(0, 0, p.Outside.FreshDays)) // plan, section 8
	unreachable := Sealed{}
	if i.Reach.Same(Seal("no")) {
		unreachable = i.ReachWhy
	}
	return Facts{
		"unreachable": unreachable, "period": i.Period, "files": i.Files, "workaround": saidOf(i.Workaround), "advice": saidOf(i.Advice),
		"markdown": true, "project": p.Name, "now": now, "title": i.Title, "cve": i.CVE, "ghsa": i.GHSA, "fresh": fresh, "cwe": i.CWE, "summary": i.Summary, "details": i.Details,
		"affected": i.Affected, "fixed": i.Fixed, "level": Seal(level.Name), "score": i.Score, "vector": i.Vector, "credit": credit,
		"component": libraryName(p, i), "wild": sealedIf(!i.WildAt.IsZero()), "reported": i.ReportedAt, "disclosedat": disclosed,
		"milestones": known(i, milestoneFacts(Milestones(p, i, entries, now), false)), "entries": shown, "told": told,
	}
}

// roleOf gives what a person is in an incident: the name of their role, or that they
// are a maintainer.
func roleOf(p Plan, i Incident, person string) string {
	for _, r := range p.Roles {
		if i.Roles[r.Key] == person && person != "" {
			return "the " + r.Name
		}
	}
	return "a maintainer"
}
