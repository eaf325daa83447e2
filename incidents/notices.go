package incidents

import (
	"slices"
	"time"
)

// Notice is somebody outside who is told of an incident, or was (plan, section 9.3).
// Who it is, is sealed: it tells what sort of incident it is.
type Notice struct {
	ID      Sealed // a key of the plan's map, or for who was added the name in small letters
	Name    Sealed // of who was added; empty: the plan has it
	Contact Sealed // likewise
	AddedBy string
	AddedAt time.Time
	SentAt  time.Time // when they were told first; zero: not yet
	SentBy  string
	Via     Sealed
	Note    Sealed
	More    []Telling // when they were told again, as it was noted
	HeardAt time.Time // when they answered last; zero: not yet
	HeardBy string    // who noted it
	Answer  Sealed
}

// Telling is one time that somebody outside was told.
type Telling struct {
	At        time.Time
	By        string
	Via, Note Sealed
}

// last gives when they were told last; zero: not yet.
func (n Notice) last() time.Time {
	at := n.SentAt
	for _, t := range n.More {
		at = later(at, t.At)
	}
	return at
}

// told gives what was noted of somebody with one more time that they were told: what
// was noted first stays.
func (n Notice) told(t Telling) Notice {
	if n.SentAt.IsZero() {
		n.SentAt, n.SentBy, n.Via, n.Note = t.At, t.By, t.Via, t.Note
		return n
	}
	n.More = append(slices.Clone(n.More), t)
	return n
}

// The states of somebody who is to be told.
const (
	NoticeOpen     = ""
	NoticeSent     = "sent"
	NoticeAnswered = "answered"
)

// Listener is somebody outside as the list of notices shows them: from the plan, by
// what was noted of them, or both.
type Listener struct {
	Downstream
	Notice
	Added  bool   // a person added them to this incident
	Meant  bool   // the plan says to tell them, of an incident like this one
	State  string // NoticeOpen, NoticeSent or NoticeAnswered
	At     time.Time
	Who    string
	ByStep bool      // they were told by the step that tells them
	List   bool      // the list reaches them, as things are: no mail of their own is needed
	Alone  bool      // a distribution that the list does not reach, while it is told of this
	Wait   bool      // not before the embargo is over: they can only be told in public
	Last   time.Time // when they were told last
	Stale  bool      // they were told of another date than the one that holds
}

// Meant reports whether the plan says to tell somebody of an incident, by its level
// and track. Nobody is told of a bundled library's bug that is not reachable: its
// rationale is public (9.2.5).
func (d Downstream) Meant(p Plan, i Incident) bool {
	return within(d.Levels, i.Level) && within(d.Tracks, TrackOf(p, i).Key) && !i.Reach.Same(Seal("no"))
}

// Audience lists who is to hear of an incident, or was told: in the plan's order,
// then who was added.
func Audience(p Plan, i Incident) []Listener {
	var out []Listener
	var seen []Sealed
	for _, d := range p.Map.Downstream {
		n, _ := i.notice(Seal(d.Key))
		l := Listener{Downstream: d, Notice: n, Meant: d.Meant(p, i)}
		l.stand(p, i)
		if l.Meant || l.State != NoticeOpen {
			out = append(out, l)
		}
		seen = append(seen, Seal(d.Key))
	}
	for _, n := range i.Notices {
		if !slices.ContainsFunc(seen, n.ID.Same) {
			l := Listener{Notice: n, Added: true}
			l.stand(p, i)
			out = append(out, l)
		}
	}
	return out
}

// stand reckons how it stands with a listener.
func (l *Listener) stand(p Plan, i Incident) {
	n, private := l.Notice, !i.Embargo.Over() && i.PublicAt.IsZero()
	if !n.SentAt.IsZero() {
		l.State, l.At, l.Who = NoticeSent, n.SentAt, n.SentBy
	}
	l.Last = n.last()
	if told, d := l.byStep(p, i); told && d.At.After(l.Last) {
		l.State, l.At, l.Who, l.ByStep, l.Last = NoticeSent, d.At, d.Who, true, d.At
	}
	l.Stale = i.Embargo.stale(l.Last)
	if !n.HeardAt.IsZero() && !n.HeardAt.Before(l.Last) {
		l.State, l.At, l.Who = NoticeAnswered, n.HeardAt, n.HeardBy
	}
	mailed := private && TrackOf(p, i).Embargo
	l.List, l.Alone = l.Listed && mailed, l.Kind == Distribution && !l.Listed && mailed
	l.Wait = !l.Added && !l.Early && (i.Embargo.Dated() || mailed)
}

// byStep reports whether the step that tells a listener was done for this incident.
func (l *Listener) byStep(p Plan, i Incident) (bool, Deed) {
	s, ok := p.Step(l.Step)
	if !ok || !l.Meant {
		return false, Deed{}
	}
	d := StateOf(p, i, s)
	return d.State == StepDone, d
}

// notice finds what was noted of somebody by their ID.
func (i Incident) notice(id Sealed) (Notice, bool) {
	for _, n := range i.Notices {
		if n.ID.Same(id) {
			return n, true
		}
	}
	return Notice{ID: id}, false
}

// withNotice copies, so that an incident that was loaded is never half changed.
func (i Incident) withNotice(n Notice) Incident {
	out := slices.Clone(i.Notices)
	if k := slices.IndexFunc(out, func(have Notice) bool { return have.ID.Same(n.ID) }); k >= 0 {
		out[k] = n
	} else {
		out = append(out, n)
	}
	i.Notices = out
	return i
}

// listener finds who is meant by a name: in the plan's map, else among those who were
// added. It gives also what the record calls them.
func (i Incident) listener(p Plan, typed string) (n Notice, name Sealed, ok bool) {
	if d, known := p.Map.Neighbour(typed); known {
		n, _ = i.notice(Seal(d.Key))
		return n, Seal(d.Name), true
	}
	n, ok = i.notice(Seal(bare(typed)))
	return n, n.Name, ok
}

// AddNotice adds somebody who is not in the plan's map to those who are told.
func AddNotice(p Plan, i Incident, name string, contact Sealed, who string, now time.Time) (Incident, Entry, error) {
	if bare(name) == "" {
		return i, Entry{}, Refuse("empty")
	}
	if _, have, ok := i.listener(p, name); ok {
		return i, Entry{}, Refuse("notice-known", "handle", i.Handle, "name", have)
	}
	i = i.withNotice(Notice{ID: Seal(bare(name)), Name: Seal(name), Contact: contact, AddedBy: who, AddedAt: now})
	return i, Entry{Kind: "notice-added", Who: who, At: now, Text: joinSealed(", ", Seal(name), contact)}, nil
}

// SendNotice notes that somebody outside was told, at an instant that may be past. They
// can be told again: again says that they had been told.
func SendNotice(p Plan, i Incident, typed string, t Telling, now time.Time) (out Incident, e Entry, again bool, err error) {
	n, name, ok := i.listener(p, typed)
	if !ok {
		return i, Entry{}, false, Refuse("notice-unknown", "handle", i.Handle)
	}
	if err := CheckSentAt(i, t.At, now); err != nil {
		return i, Entry{}, false, err
	}
	return i.withNotice(n.told(t)), tellingEntry(name, t, now), !n.SentAt.IsZero(), nil
}

func tellingEntry(name Sealed, t Telling, now time.Time) Entry {
	e := Entry{Kind: "notice-sent", Who: t.By, At: now, Text: joinSealed(": ", joinSealed(" via ", name, t.Via), t.Note)}
	if !t.At.Equal(now) {
		e.Plain = SayInstant(t.At)
	}
	return e
}

// AnswerNotice notes that somebody who was told answered.
func AnswerNotice(p Plan, i Incident, typed string, note Sealed, who string, now time.Time) (Incident, Entry, error) {
	n, name, ok := i.listener(p, typed)
	if !ok {
		return i, Entry{}, Refuse("notice-unknown", "handle", i.Handle)
	}
	k := slices.IndexFunc(Audience(p, i), func(l Listener) bool { return l.Notice.ID.Same(n.ID) && l.State != NoticeOpen })
	if k < 0 {
		return i, Entry{}, Refuse("notice-not-sent", "handle", i.Handle, "name", name)
	}
	n.HeardAt, n.HeardBy, n.Answer = now, who, note
	return i.withNotice(n), Entry{Kind: "notice-answered", Who: who, At: now, Text: joinSealed(": ", name, note)}, nil
}

func tellingFacts(all []Telling) []Facts {
	out := []Facts{}
	for _, t := range all {
		out = append(out, Facts{"at": t.At, "who": t.By, "via": t.Via, "note": t.Note})
	}
	return out
}

// ListenerFacts gives the facts of who is told, for templates. All of it is sealed
// but when and by whom of the project.
func ListenerFacts(p Plan, i Incident, all []Listener) []Facts {
	out := []Facts{}
	for _, l := range all {
		f := Facts{
			"key": Seal(l.Key), "name": Seal(l.Downstream.Name), "kind": Seal(l.Kind), "package": Seal(l.Package), "contact": Seal(l.Downstream.Contact),
			"state": l.State, "at": l.At, "who": l.Who, "bystep": sealedIf(l.ByStep), "list": sealedIf(l.List), "alone": sealedIf(l.Alone), "wait": sealedIf(l.Wait),
			"via": l.Via, "note": l.Note, "answer": Sealed{}, "added": sealedIf(l.Added), "meant": sealedIf(l.Meant), "if": Seal(l.If),
			"until": i.Embargo.At, "dated": i.Embargo.Dated(), "sentat": l.SentAt, "stale": sealedIf(l.Stale), "more": tellingFacts(l.More),
		}
		if l.Added {
			f["key"], f["name"], f["contact"] = l.ID, l.Notice.Name, l.Notice.Contact
		}
		if l.State == NoticeAnswered {
			f["answer"] = l.Answer
		}
		if l.ByStep {
			f["via"], f["note"], f["more"] = Sealed{}, Sealed{}, []Facts{}
		}
		out = append(out, f)
	}
	return out
}

// NoticeOf gives the ID of who is meant by a name, under seal; empty when nobody is.
func NoticeOf(p Plan, i Incident, typed string) Sealed {
	n, _, ok := i.listener(p, typed)
	if !ok {
		return Sealed{}
	}
	return n.ID
}
