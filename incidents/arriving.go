package incidents

import (
	"slices"
	"time"
)

// Completion is what the plan connects with the sending of a text: the step that it
// does, or the clock that it begins anew.
type Completion struct {
	Say   string    // the command that would have said so, without the incident: "ack sent", "done announce"; "" when nothing is connected with it
	Step  Step      // the step, where it is one
	Done  bool      // it is done by this
	Since time.Time // it was done before, since then; zero: it was not
	Lock  Lock      // what keeps the step open though the text was sent
	First bool      // nothing is done yet, because the acknowledgement comes first
	Early bool      // the distributions' list was told before its window
}

// CompletionOf gives what the plan connects with a kind of text, for an incident as it
// is now.
func CompletionOf(p Plan, i Incident, kind string) Completion {
	for _, s := range p.Steps {
		if kind == "" || s.Draft != kind || !Applies(p, i, s) {
			continue
		}
		if how := HowTo(s); how != "" {
			return Completion{Say: how, Step: s}
		}
		return Completion{Say: "done " + s.Key, Step: s}
	}
	for _, r := range p.Clocks {
		if kind != "" && r.Draft == kind {
			return Completion{Say: "update sent"}
		}
	}
	return Completion{}
}

// Arrival is what came of a text that was sent.
type Arrival struct {
	Incident
	Entries      []Entry
	Along        []Incident // other incidents of the release for which it did the same
	AlongEntries []Entry    // one for each of them
	Completion
	Told Sealed // who of those who are to hear of it was told by it, by name
}

// Arrive gives the incident after a text reached people outside at an instant, with
// what the plan connects with that: the reporter was answered or told how it stands, or
// a step was done, for the others of the release too where it is done once for all of
// them. Where that cannot be, the text is on record as sent all the same.
func Arrive(p Plan, i Incident, others []Incident, s Sending, at, now time.Time) (Arrival, error) {
	a := Arrival{Incident: i, Entries: []Entry{NoteSent(s, now)}}
	connected := CompletionOf(p, i, s.Kind)
	again := Step{}
	for _, step := range p.Steps { // also where it is none any more, because the embargo is over
		if s.Kind != "" && step.Draft == s.Kind && StateOf(p, i, step).State == StepDone {
			again = step // who was told by it is told once more
		}
	}
	i, names, told := tell(p, i, s, again, at, now)
	s.DoneAt, s.Subject, s.Body = at, Sealed{}, Sealed{}
	i.Sent = append([]Sending{s}, slices.DeleteFunc(slices.Clone(i.Sent), func(o Sending) bool { return s.ID != 0 && o.ID == s.ID })...)
	a.Incident, a.Told, a.Entries = i, joinSealed(", ", names...), append(a.Entries, told...)
	if !i.Open() {
		return a, nil // nobody waits for it
	}
	a.Completion = connected
	if a.Say == "" {
		return a, nil
	}
	how := Seal(s.Way)
	if s.Way == "" {
		how = s.How
	}
	if shareAddress(i.Reporter.Contact, how) {
		how = Sealed{} // it can be erased where the text is on record, and nowhere else
	}
	rule := func(o Incident) (Incident, Entry, error) { return noteUpdate(p, o, how, at, s.AskedBy, now) }
	switch {
	case a.Step.By == "acknowledged":
		rule = func(o Incident) (Incident, Entry, error) { return Acknowledge(o, how, at, s.AskedBy, now) }
	case a.Step.Key != "":
		evidence := firstSealed(s.Address(), how)
		a.Early = LockOf(p, i, a.Step, at).onlyWindow(a.Step)
		rule = func(o Incident) (Incident, Entry, error) {
			return doStep(p, o, a.Step.Key, evidence, at, true, s.AskedBy, now)
		}
	}
	done, e, err := rule(i)
	if err == nil && a.Step.Release {
		a.Along, a.AlongEntries, err = Alongside(p, i, others, a.Step, rule)
	}
	if no, refused := AsRefusal(err); refused {
		a.Early = false
		return a.open(p, i, no, now), nil
	}
	if err != nil {
		return a, err
	}
	a.Incident, a.Entries, a.Done = done, append(a.Entries, e), true
	return a, nil
}

// open tells why nothing was done by a text.
func (a Arrival) open(p Plan, i Incident, no *Refusal, now time.Time) Arrival {
	switch no.Key {
	case "already-acknowledged":
		a.Since = i.AckAt
	case "step-closed":
		a.Since = firstTime(StateOf(p, i, a.Step).At, i.OpenedAt)
	case "acknowledge-first":
		a.First = true
	case "nobody-waits", "acknowledged-before-report", "acknowledged-in-future":
		a.Completion = Completion{}
	case "release-locked":
		a.Lock.Why, _ = no.Args["why"].(string)
		a.Lock.Until, _ = no.Args["until"].(time.Time)
	default:
		a.Lock = LockOf(p, i, a.Step, now)
	}
	return a
}

func firstTime(all ...time.Time) time.Time {
	for _, at := range all {
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// CheckSentAt refuses an instant at which nothing can have been sent.
func CheckSentAt(i Incident, at, now time.Time) error {
	switch {
	case at.After(now):
		return Refuse("sent-in-future")
	case at.Before(i.ReportedAt):
		return Refuse("sent-before-report", "handle", i.Handle, "reported", i.ReportedAt)
	}
	return nil
}

// CompletionFacts gives what there is to say of what a text that was sent at an instant
// did.
func CompletionFacts(c Completion, at time.Time) Facts {
	return Facts{
		"then": Seal(c.Say), "did": sealedIf(c.Done), "since": c.Since, "first": sealedIf(c.First), "early": sealedIf(c.Early),
		"step": Seal(c.Step.Key), "lock": c.Lock.Why, "until": c.Lock.Until, "after": joinKeys(c.Lock.After), "publicby": at.Add(DistrosMost),
	}
}
