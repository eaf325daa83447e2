package incidents

import "time"

// changedAt gives when an embargo became another one than those had been told who were
// told of it: it got another date, was lifted before its moment, or broken. It is the
// zero time when it did not. A lift does not tell who still holds an earlier date.
func (e Embargo) changedAt() time.Time {
	switch {
	case e.State == EmbargoBroken, e.State == EmbargoLifted && e.EndedAt.Before(e.At):
		return e.EndedAt
	}
	return e.MovedAt
}

// stale reports whether who was told last at an instant does not know how it stands.
func (e Embargo) stale(last time.Time) bool { return !last.IsZero() && last.Before(e.changedAt()) }

// Told is somebody outside who was told of an incident, with the command that notes that
// they were told again.
type Told struct {
	Name     Sealed // empty for the reporter, and for those of a step that nobody of the map is told by
	Reporter bool
	Step     string    // that told them, where there is no name
	At       time.Time // when they were told last
	Stale    bool      // of another date than the one that holds
	Say      Sealed
}

// WhoWasTold lists who outside was told of an incident, by all that is on record:
// the reporter, those whom a step of the checklist tells at once, everybody else of the
// notices, and whoever else a text was sent to.
func WhoWasTold(p Plan, i Incident, sent []Sending) []Told {
	var out []Told
	if happened(p, i, "reporter") && !i.AckAt.IsZero() {
		at := i.reporterToldAt()
		say := joinSealed(" ", Seal("update sent"), Seal(i.Handle))
		out = append(out, Told{Reporter: true, At: at, Stale: i.Embargo.stale(at), Say: say})
	}
	group, steps := map[string]int{}, map[string]bool{}
	for _, l := range Audience(p, i) {
		name := l.Notice.Name
		if !l.Added {
			name = Seal(l.Downstream.Name)
		}
		if l.State == NoticeOpen {
			continue
		}
		byStep, _ := l.byStep(p, i) // one text told all of them
		one := l.Step + l.Last.Format(time.RFC3339Nano)
		if at, have := group[one]; have && byStep {
			out[at].Name = joinSealed(", ", out[at].Name, name)
			continue
		}
		t := Told{Name: name, At: l.Last, Stale: l.Stale, Say: joinSealed(" ", Seal("notify sent"), Seal(i.Handle), l.ID)}
		if s, _ := p.Step(l.Step); byStep {
			group[one], steps[l.Step] = len(out), true
			if s.Draft != "" {
				t.Say = Seal("sent " + i.Handle + " " + s.Draft + " --via <how>")
			}
		}
		out = append(out, t)
	}
	for _, s := range p.Steps {
		d := StateOf(p, i, s)
		if steps[s.Key] || s.Gate != "window" || d.State != StepDone || noticed(p, i, s) {
			continue
		}
		at := d.At
		for _, o := range sent {
			if o.Kind == s.Draft && o.State != SendRefused && o.State != SendQueued {
				at = later(at, o.DoneAt)
			}
		}
		out = append(out, Told{Step: s.Key, At: at, Stale: i.Embargo.stale(at), Say: Seal("sent " + i.Handle + " " + s.Draft + " --via <how>")})
	}
	return append(out, toldByText(p, i, sent)...)
}

// noticed reports whether somebody whom a step tells was noted as told by hand since.
func noticed(p Plan, i Incident, s Step) bool {
	for _, l := range Audience(p, i) {
		if l.Step == s.Key && l.State != NoticeOpen {
			return true
		}
	}
	return false
}

// reporterToldAt gives when the reporter heard last how it stands.
func (i Incident) reporterToldAt() time.Time {
	return later(later(i.AckAt, i.UpdateAt), i.Embargo.AgreedAt)
}

// toldByText lists to whom else texts were sent in private: those that a step does are
// told of there, and what everybody can read is told to nobody.
func toldByText(p Plan, i Incident, sent []Sending) []Told {
	var out []Told
	for _, s := range sent { // the newest comes first
		whom := firstSealed(s.For, s.To)
		if s.Reporter || s.Way == ByMastodon || whom.Empty() || s.State == SendRefused || s.State == SendQueued ||
			CompletionOf(p, i, s.Kind).Say != "" || draftOfStep(p, s.Kind) || len(listenersOf(p, i, s)) > 0 {
			continue
		}
		known := false
		for _, t := range out {
			known = known || t.Name.Same(whom)
		}
		if !known {
			say := joinSealed("", Seal("sent "+i.Handle+" "+s.Kind), mapSealed(s.For, func(name string) string { return " --for " + Typed(name) }), Seal(" --via <how>"), toOf(s))
			out = append(out, Told{Name: whom, At: s.DoneAt, Stale: i.Embargo.stale(s.DoneAt), Say: say})
		}
	}
	return out
}

// toOf gives the flag that says to whom a text goes, where nothing else says whom it is for.
func toOf(s Sending) Sealed {
	if !s.For.Empty() {
		return Sealed{}
	}
	return mapSealed(s.To, func(whom string) string { return " --to " + Typed(whom) })
}

func draftOfStep(p Plan, kind string) bool {
	for _, s := range p.Steps {
		if s.Draft == kind {
			return true
		}
	}
	return false
}

// listenersOf gives those of the notices to whom a text went: who was named, or whose
// address it was sent to.
func listenersOf(p Plan, i Incident, s Sending) []Listener {
	var out []Listener
	if s.Reporter {
		return nil
	}
	for _, l := range everybody(p, i) {
		contact := l.Notice.Contact
		if !l.Added {
			contact = Seal(l.Downstream.Contact)
		}
		if l.called(p, i, s.For) || l.called(p, i, s.To) || shareAddress(contact, s.To) {
			out = append(out, l)
		}
	}
	return out
}

// everybody lists those of the plan's map, whoever is to be told, and who was added.
func everybody(p Plan, i Incident) []Listener {
	var out []Listener
	for _, d := range p.Map.Downstream {
		n, _ := i.notice(Seal(d.Key))
		out = append(out, Listener{Downstream: d, Notice: n, Meant: d.Meant(p, i)})
	}
	for _, n := range i.Notices {
		if !n.AddedAt.IsZero() {
			out = append(out, Listener{Notice: n, Added: true})
		}
	}
	return out
}

// called reports whether a name means a listener.
func (l Listener) called(p Plan, i Incident, name Sealed) bool {
	if name.p == nil {
		return false
	}
	n, _, ok := i.listener(p, (*name.p)())
	return ok && n.ID.Same(l.Notice.ID)
}

// tell notes whom of the notices a text told that was sent, with their names and an entry: who was named
// or written to, and again those whom its step had told.
func tell(p Plan, i Incident, s Sending, again Step, at, now time.Time) (Incident, []Sealed, []Entry) {
	how := firstSealed(s.How, Seal(s.Way))
	t := Telling{At: at, By: s.AskedBy, Via: how, Note: Seal(s.Kind)}
	if s.Reporter {
		t.Via = Sealed{} // what was noted of the reporter can be erased, and this cannot
	}
	told := listenersOf(p, i, s)
	for _, l := range everybody(p, i) {
		if again.Key != "" && l.Step == again.Key && l.Meant {
			told = append(told, l)
		}
	}
	var names, done []Sealed
	for _, l := range told {
		n, _ := i.notice(l.Notice.ID)
		if containsSealed(done, n.ID) {
			continue
		}
		name := n.Name
		if !l.Added {
			name = Seal(l.Downstream.Name)
		}
		if again.Key != "" && n.SentAt.IsZero() { // the step was the first time
			d := StateOf(p, i, again)
			n = n.told(Telling{At: d.At, By: d.Who})
		}
		i = i.withNotice(n.told(t))
		names, done = append(names, name), append(done, n.ID)
	}
	if len(names) == 0 {
		return i, nil, nil
	}
	return i, names, []Entry{tellingEntry(joinSealed(", ", names...), t, now)}
}

func containsSealed(all []Sealed, one Sealed) bool {
	for _, s := range all {
		if s.Same(one) {
			return true
		}
	}
	return false
}

// ToldFacts gives who was told, for templates.
func ToldFacts(all []Told) []Facts {
	out := []Facts{}
	for _, t := range all {
		out = append(out, Facts{"name": t.Name, "isreporter": sealedIf(t.Reporter), "step": Seal(t.Step), "at": t.At, "stale": sealedIf(t.Stale), "say": t.Say})
	}
	return out
}
