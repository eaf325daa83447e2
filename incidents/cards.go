package incidents

import "time"

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
		"cwe": i.CWE, "cve": i.CVE, "outcome": o["name"], "closing": i.Closing, "ackvia": i.AckVia,
		"reporter": i.Reporter.Name, "contact": i.Reporter.Contact, "credit": i.Reporter.Credit,
		"known": !i.Reporter.Empty(),
		"taken": len(i.Roles) > 0,
		"roles": roleFacts(p, i), "clocks": clockFacts(p, i, now), "now": now,
	}
	if f["outcome"] == nil {
		f["outcome"] = Sealed{}
	}
	return f
}

func roleFacts(p Plan, i Incident) []Facts {
	var out []Facts
	for _, r := range p.Roles {
		out = append(out, Facts{"key": r.Key, "name": r.Name, "person": i.Roles[r.Key], "does": r.Does})
	}
	return out
}

func clockFacts(p Plan, i Incident, now time.Time) []Facts {
	var out []Facts
	for _, c := range Clocks(p, i) {
		out = append(out, Facts{"key": c.Key, "name": p.ClockName(c.Key), "due": c.Due, "overdue": !now.Before(c.Due)})
	}
	return out
}

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
	return Card(p, i, now).With("clock", p.ClockName(c.Key)).With("clockkey", c.Key).With("due", c.Due).
		With("left", SaySpan(c.Due.Sub(now).Abs())).With("overdue", now.After(c.Due)).With("moment", now.Equal(c.Due)).
		With("rung", rung).With("late", late).With("who", i.Roles[c.Role])
}
