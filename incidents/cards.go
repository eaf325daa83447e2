package incidents

import (
	"slices"
	"strings"
	"time"
)

// Card gives the facts that describe an incident at the instant now, for
// templates.
func Card(p Plan, i Incident, now time.Time) Facts {
	level, _ := p.Level(i.Level)
	o := Facts{}
	for _, out := range p.Outcomes {
		if i.Outcome.Same(Seal(out.Key)) {
			o = Facts{"name": Seal(out.Name)}
		}
	}
	var scored Sealed
	for _, l := range p.Levels {
		if i.ScoreLevel.Same(Seal(l.Key)) {
			scored = Seal(l.Name)
		}
	}
	f := Facts{
		"handle": i.Handle, "codename": i.Codename, "phase": string(i.Phase), "open": i.Open(),
		"level": level.Name, "levelkey": i.Level, "target": level.Target, "lead": i.Lead(p),
		"opener": i.Opener, "opened": i.OpenedAt, "reported": i.ReportedAt,
		"acknowledged": !i.AckAt.IsZero(), "ackat": i.AckAt, "closedat": i.ClosedAt,
		"title": i.Title, "type": Seal(p.TypeOf(i).Name), "source": Seal(p.SourceOf(i).Name),
		"vector": i.Vector, "score": i.Score, "scorelevel": scored,
		"differs": !i.Vector.Empty() && !i.ScoreLevel.Same(Seal(i.Level)),
		"reason":  i.Reason, "floor": p.TypeOf(i).Floor != "",
		"summary": i.Summary, "details": i.Details, "affected": i.Affected, "fixed": i.Fixed,
		"cwe": i.CWE, "cve": i.CVE, "ghsa": i.GHSA, "component": i.Library, "outcome": o["name"], "closing": i.Closing, "ackvia": i.AckVia,
		"workaround": i.Workaround, "poc": i.PoC, "period": i.Period, "exposed": i.Files, "advice": i.Advice,
		"reporter": i.Reporter.Name, "contact": i.Reporter.Contact, "credit": i.Reporter.Credit,
		"known": !i.Reporter.Empty(),
		"taken": len(i.Roles) > 0,
		"roles": roleFacts(p, i), "clocks": clockFacts(p, i, now), "now": now,
		"track": Seal(TrackOf(p, i).Name), "trackkey": Seal(TrackOf(p, i).Key), "reach": i.Reach, "reachwhy": i.ReachWhy,
		"wild": sealedIf(!i.WildAt.IsZero()), "public": sealedIf(!i.PublicAt.IsZero()), "release": i.Release.Version,
		"mailed":  sealedIf(happened(p, i, "step:notify-distros")),
		"embargo": i.Embargo.State, "embargoat": i.Embargo.At, "embargodated": i.Embargo.Dated(), "embargoover": i.Embargo.Over(),
		"agreed": !i.Embargo.AgreedAt.IsZero(), "agreedat": i.Embargo.AgreedAt, "endedat": i.Embargo.EndedAt,
		"asked": "", "askedby": i.Handoff.By, "askeduntil": i.Handoff.At.Add(HandoffLife),
		"undone": len(OpenSteps(p, i, i.Phase)),
	}
	if i.Handoff.Pending(now) {
		f["asked"] = i.Handoff.To
	}
	if f["outcome"] == nil {
		f["outcome"] = Sealed{}
	}
	return f
}

func happened(p Plan, i Incident, event string) bool {
	_, ok := Happened(p, i, event)
	return ok
}

// sealedIf gives a sealed "yes", or nothing.
func sealedIf(so bool) Sealed {
	if so {
		return Seal("yes")
	}
	return Sealed{}
}

// StepFacts gives the facts of steps: which they are is sealed, because they tell
// what sort of incident it is.
func StepFacts(p Plan, i Incident, steps []Step, now time.Time) []Facts {
	out, clocks := []Facts{}, Clocks(p, i)
	for _, s := range steps {
		d, l := StateOf(p, i, s), lockOf(p, i, s, clocks, now)
		r, _ := p.Role(s.Role)
		f := Facts{
			"key": Seal(s.Key), "name": Seal(s.Name), "section": Seal(s.Section), "role": Seal(r.Name), "person": i.Roles[s.Role],
			"state": d.State, "at": d.At, "who": d.Who, "note": d.Note, "optional": s.Optional, "extra": s.Extra, "source": Seal(s.Source),
			"lock": "", "until": l.Until, "lockclock": l.Clock, "after": Sealed{}, "phase": string(s.Phase), "due": dueOf(p, s, clocks),
			"once": s.Release && i.Release.N != 0, "contact": Sealed{},
		}
		if c, ok := p.Contact(s.Contact); ok {
			f["contact"] = joinSealed(": ", Seal(c.Name), Seal(c.Reach))
		}
		if d.State == StepOpen {
			f["lock"] = l.Why
			f["after"] = joinKeys(l.After)
		}
		out = append(out, f)
	}
	return out
}

func joinKeys(steps []Step) Sealed {
	var keys []Sealed
	for _, s := range steps {
		keys = append(keys, Seal(s.Key))
	}
	return joinSealed(", ", keys...)
}

// dueOf gives until when a step is to be done: the first due of the clocks that it
// stops, of those that run; the zero time when none runs.
func dueOf(p Plan, s Step, clocks []Clock) time.Time {
	var due time.Time
	for _, c := range clocks {
		r, _ := p.ClockRule(c.Key)
		if stops(r, s) && (due.IsZero() || c.Due.Before(due)) {
			due = c.Due
		}
	}
	return due
}

// stops reports whether a step, or what completes it, stops a clock.
func stops(r ClockRule, s Step) bool {
	return slices.Contains(r.Until, "step:"+s.Key) || (s.By != "" && slices.Contains(r.Until, s.By))
}

func roleFacts(p Plan, i Incident) []Facts {
	var out []Facts
	for _, r := range p.Roles {
		out = append(out, Facts{"key": r.Key, "name": r.Name, "person": i.Roles[r.Key], "does": r.Does})
	}
	return out
}

// clockFacts gives the clocks that run, what is due first first.
func clockFacts(p Plan, i Incident, now time.Time) []Facts {
	var out []Facts
	for _, c := range soonest(Clocks(p, i)) {
		if c.Ended(now) {
			continue
		}
		r, _ := p.ClockRule(c.Key)
		f := Facts{
			"key": c.Key, "name": r.Name, "due": c.Due, "overdue": !now.Before(c.Due), "left": SaySpan(c.Due.Sub(now).Abs()),
			"who": roleHolder(i, c.Role), "next": c.NextRung(now), "quiet": time.Time{}, "section": r.Section, "extra": r.Extra,
			"does": Seal(r.Does), "say": Seal(SayOf(r, i.Handle)),
		}
		if now.Before(c.Quiet) {
			f["quiet"] = c.Quiet
		}
		out = append(out, f)
	}
	return out
}

// roleHolder gives who has a role; "heir" is who was asked to take the lead over.
func roleHolder(i Incident, role string) string {
	if role == "heir" {
		return i.Handoff.To
	}
	return i.Roles[role]
}

// SayOf gives what stops a clock as it is typed.
func SayOf(r ClockRule, handle string) string { return strings.ReplaceAll(r.Say, "{handle}", handle) }

// ClockName gives the generic name of a clock: it says nothing about the incident.
func (p Plan) ClockName(key string) string {
	for _, c := range p.Clocks {
		if c.Key == key {
			return c.Name
		}
	}
	return key
}

// RungCard gives the facts of a reminder as things are now. rung is the instant
// it was due to be said; late says that it is said after that.
func RungCard(p Plan, i Incident, c Clock, rung, now time.Time, late bool) Facts {
	if !late {
		now = rung // "in 1 d", not "in 23 h 59 min", a moment after the rung
	}
	r, _ := p.ClockRule(c.Key)
	return Card(p, i, now).With("clock", p.ClockName(c.Key)).With("clockkey", c.Key).With("due", c.Due).
		With("left", SaySpan(c.Due.Sub(now).Abs())).With("overdue", now.After(c.Due)).With("moment", now.Equal(c.Due)).
		With("rung", rung).With("late", late).With("who", roleHolder(i, c.Role)).With("does", Seal(r.Does)).With("say", Seal(SayOf(r, i.Handle))).
		With("everybody", !c.All.IsZero() && !rung.Before(c.All))
}
