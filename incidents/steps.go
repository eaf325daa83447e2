package incidents

import (
	"slices"
	"strings"
	"time"
)

// The states of a step.
const (
	StepOpen    = ""
	StepDone    = "done"
	StepSkipped = "skipped"
)

// Deed is what became of a step.
type Deed struct {
	State string
	At    time.Time // zero: it was done by itself, and since when was not noted
	Who   string
	Note  Sealed // evidence, or why it was skipped
	Along int    // the other incident of the release that it was said of; 0: this one
}

// StateOf gives what became of a step: what somebody said of it, else whether what
// completes it by itself has happened.
func StateOf(p Plan, i Incident, s Step) Deed {
	if d, ok := i.Steps[s.Key]; ok {
		return d
	}
	if s.By != "" {
		if at, ok := i.instantOf(p, s.By); ok {
			return Deed{State: StepDone, At: at}
		}
	}
	return Deed{}
}

// Applies reports whether a step is one of an incident's, as it is now.
func Applies(p Plan, i Incident, s Step) bool {
	if len(s.Outcomes) > 0 && !slices.ContainsFunc(s.Outcomes, func(o string) bool { return i.Outcome.Same(Seal(o)) }) {
		return false
	}
	return within(s.Tracks, TrackOf(p, i).Key) && within(s.Levels, i.Level) &&
		allHappened(p, i, s.When) && !anyHappened(p, i, s.Unless)
}

// StepsOf lists an incident's steps in the plan's order, of one phase or of all
// (""). Those of no phase, and those that come before everything else, are among
// the present phase's.
func StepsOf(p Plan, i Incident, phase Phase) []Step {
	var out []Step
	for _, s := range p.Steps {
		now := phase == i.Phase && i.Open() && (s.Phase == "" || (s.First && slices.Index(Phases(), s.Phase) > slices.Index(Phases(), phase)))
		if (phase == "" || s.Phase == phase || now) && Applies(p, i, s) {
			out = append(out, s)
		}
	}
	return out
}

// OpenSteps lists what is not done and not skipped of a phase, in order; steps that
// come before everything else come first.
func OpenSteps(p Plan, i Incident, phase Phase) []Step {
	var first, rest []Step
	for _, s := range StepsOf(p, i, phase) {
		switch {
		case StateOf(p, i, s).State != StepOpen:
		case s.First || (s.Phase == "" && !s.Optional):
			first = append(first, s)
		default:
			rest = append(rest, s)
		}
	}
	return append(first, rest...)
}

// required lists the open steps that hold up a phase.
func required(p Plan, i Incident, phase Phase) []Step {
	return slices.DeleteFunc(OpenSteps(p, i, phase), func(s Step) bool { return s.Optional || s.Phase != phase })
}

// Lock is why a step cannot be done yet.
type Lock struct {
	Why   string    // "embargo", "no-embargo", "window", "clock" or "after"; "" when nothing locks it
	Until time.Time // when it opens, where that is known
	After []Step    // "after": the steps that come before it
	Clock string    // "clock": the name of the clock
}

// LockOf gives what locks a step at the instant now.
func LockOf(p Plan, i Incident, s Step, now time.Time) Lock {
	return lockOf(p, i, s, Clocks(p, i), now)
}

// lockOf is LockOf of an incident with these clocks.
func lockOf(p Plan, i Incident, s Step, clocks []Clock, now time.Time) Lock {
	e := i.Embargo
	switch {
	case s.Gate == "embargo" && e.Dated():
		return Lock{Why: "embargo", Until: e.At}
	case s.Gate == "embargo" && TrackOf(p, i).Embargo && !e.Over():
		return Lock{Why: "no-embargo"}
	}
	var before []Step
	for _, key := range s.After {
		if b, ok := p.Step(key); ok && Applies(p, i, b) && StateOf(p, i, b).State == StepOpen {
			before = append(before, b)
		}
	}
	key, isClock := strings.CutPrefix(s.Gate, "clock:")
	switch {
	case len(before) > 0:
		return Lock{Why: "after", After: before}
	case s.Gate == "window" && !e.Dated() && !e.Over():
		return Lock{Why: "no-embargo"}
	case s.Gate == "window" && e.Dated() && now.Before(e.At.Add(-DistrosMost)):
		return Lock{Why: "window", Until: e.At.Add(-DistrosMost)}
	case isClock:
		for _, c := range clocks {
			if c.Key == key && now.Before(c.Due) {
				return Lock{Why: "clock", Until: c.Due, Clock: p.ClockName(key)}
			}
		}
	}
	return Lock{}
}

// findStep gives a step that applies, by key.
func findStep(p Plan, i Incident, key string) (Step, error) {
	s, ok := p.Step(strings.ToLower(key))
	if !ok || !Applies(p, i, s) {
		return s, Refuse("unknown-step", "handle", i.Handle)
	}
	return s, nil
}

// refuseLocked says why a step cannot be done yet and until when.
func refuseLocked(i Incident, s Step, l Lock) error {
	var after []string
	for _, b := range l.After {
		after = append(after, b.Key)
	}
	return Refuse("step-locked", "handle", i.Handle, "step", Seal(s.Key), "why", l.Why, "until", l.Until,
		"after", Seal(strings.Join(after, ", ")), "clock", l.Clock)
}

// DoStep notes that a step was done, with evidence where there is some.
func DoStep(p Plan, i Incident, key string, evidence Sealed, who string, now time.Time) (Incident, Entry, error) {
	return doStep(p, i, key, evidence, now, false, who, now)
}

// doStep is DoStep of what was done at an instant, which may be past. What happened all
// the same, though the distributions' list was to be told later, counts as done (fact).
func doStep(p Plan, i Incident, key string, evidence Sealed, at time.Time, fact bool, who string, now time.Time) (Incident, Entry, error) {
	s, err := findStep(p, i, key)
	if err != nil {
		return i, Entry{}, err
	}
	if d := StateOf(p, i, s); d.State != StepOpen {
		return i, Entry{}, Refuse("step-closed", "handle", i.Handle, "step", Seal(s.Key), "state", d.State, "at", d.At, "who", d.Who)
	}
	if l := LockOf(p, i, s, now); l.Why != "" && !(fact && l.onlyWindow(s)) {
		return i, Entry{}, refuseLocked(i, s, l)
	}
	if err := notBy(p, i, s, who); err != nil {
		return i, Entry{}, err
	}
	if how := HowTo(s); how != "" {
		return i, Entry{}, Refuse("step-by-itself", "handle", i.Handle, "step", Seal(s.Key), "how", how)
	}
	if say := SayLive(i, s); !say.Empty() {
		return i, Entry{}, Refuse("step-by-release", "step", Seal(s.Key), "say", say)
	}
	i.Steps = withDeed(i.Steps, s.Key, Deed{State: StepDone, At: at, Who: who, Note: evidence})
	e := Entry{Kind: "step-done", Who: who, At: now, Text: joinSealed(": ", Seal(s.Key), evidence)}
	if !at.Equal(now) {
		e.Plain = SayInstant(at)
	}
	return i, e, nil
}

// onlyWindow reports whether what locks a step is nothing but the window of the
// distributions' list: who mailed it before that has to hear what follows, and it is no
// less mailed.
func (l Lock) onlyWindow(s Step) bool {
	return s.Gate == "window" && (l.Why == "window" || l.Why == "no-embargo")
}

// SayNow gives what completes a step as it is typed now.
func SayNow(i Incident, s Step) Sealed {
	if live := SayLive(i, s); !live.Empty() {
		return live
	}
	how := HowTo(s)
	switch {
	case how == "":
		return Seal("done " + i.Handle + " " + s.Key)
	case s.By == "agreed" && i.Embargo.State == "":
		return Seal("embargo propose " + i.Handle + " <when>")
	}
	more := map[string]string{
		"agreed": " <who> [quote]", "set": " [when]", "leveled": " <level or vector>", "reach": " <yes or no> <why>", "tracked": " <track>",
	}[s.By]
	return Seal(how + " " + i.Handle + more)
}

// SayTold gives what is typed once a step's text was sent by hand.
func (s Step) SayTold(i Incident) Sealed {
	if s.Draft == "" {
		return Seal("done " + i.Handle + " " + s.Key)
	}
	return Seal("sent " + i.Handle + " " + s.Draft + " --via email --to <list>")
}

// HowTo gives the command that completes a step that is done by what is noted and
// not by a word; "" for every other.
func HowTo(s Step) string {
	return map[string]string{
		"agreed": "embargo agree", "set": "embargo set", "leveled": "severity set", "reach": "incident reachable",
		"tracked": "incident track", "acknowledged": "ack sent",
	}[s.By]
}

// SayLive gives what is typed to complete a step by the release that an incident is
// in; nothing when it is completed otherwise.
func SayLive(i Incident, s Step) Sealed {
	if r := i.Release; s.By == "released" && r.N != 0 && r.YankedAt.IsZero() {
		return joinSealed(" ", Seal("release live"), r.Version)
	}
	return Sealed{}
}

// notBy refuses who has the role that may not do a step, nor leave it out, and who
// did a step of that role: it is their work too, whoever has the role now.
func notBy(p Plan, i Incident, s Step, who string) error {
	if s.NotRole == "" {
		return nil
	}
	has := i.Roles[s.NotRole] == who
	for _, other := range p.Steps {
		d := i.Steps[other.Key]
		has = has || (other.Role == s.NotRole && d.State == StepDone && d.Who == who)
	}
	if !has {
		return nil
	}
	r, _ := p.Role(s.NotRole)
	return Refuse("step-not-by", "handle", i.Handle, "role", r.Name, "person", who)
}

// SkipStep notes that a step is left out, and why. A locked step can be skipped:
// what is left out harms no embargo. A clock that runs until the step is done ends
// with it.
func SkipStep(p Plan, i Incident, key string, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	s, err := findStep(p, i, key)
	if err != nil {
		return i, Entry{}, err
	}
	if d := StateOf(p, i, s); d.State != StepOpen {
		return i, Entry{}, Refuse("step-closed", "handle", i.Handle, "step", Seal(s.Key), "state", d.State, "at", d.At, "who", d.Who)
	}
	if err := notBy(p, i, s, who); err != nil {
		return i, Entry{}, err
	}
	i.Steps = withDeed(i.Steps, s.Key, Deed{State: StepSkipped, At: now, Who: who, Note: why})
	return i, Entry{Kind: "step-skipped", Who: who, At: now, Text: joinSealed(": ", Seal(s.Key), why)}, nil
}

// UndoStep takes back what was said of a step. What happened by itself is taken
// back where it was said.
func UndoStep(p Plan, i Incident, key, who string, now time.Time) (Incident, Entry, error) {
	s, ok := p.Step(strings.ToLower(key))
	if !ok {
		return i, Entry{}, Refuse("unknown-step", "handle", i.Handle)
	}
	if _, said := i.Steps[s.Key]; !said {
		if StateOf(p, i, s).State != StepOpen {
			return i, Entry{}, Refuse("step-undo-itself", "handle", i.Handle, "step", Seal(s.Key))
		}
		return i, Entry{}, Refuse("step-open", "handle", i.Handle, "step", Seal(s.Key))
	}
	i.Steps = withDeed(i.Steps, s.Key, Deed{})
	return i, Entry{Kind: "step-undone", Who: who, At: now, Text: Seal(s.Key)}, nil
}

// withDeed copies, so that an incident that was loaded is never half changed.
func withDeed(steps map[string]Deed, key string, d Deed) map[string]Deed {
	out := make(map[string]Deed, len(steps)+1)
	for k, v := range steps {
		out[k] = v
	}
	if d.State == StepOpen {
		delete(out, key)
	} else {
		out[key] = d
	}
	return out
}
