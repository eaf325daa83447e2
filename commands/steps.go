package commands

import (
	"slices"
	"strings"
	"time"

	"tocsin/incidents"
)

func todo() Command {
	return Command{
		Words: "todo", About: One, Needs: Notices, Reads: true,
		Does: "the checklist: of the present phase, of another one, or all of it", Example: "!todo INC-7 releasing",
		Args: []Arg{{Name: "phase", Kind: Word, OneOf: append(phaseNames(), "all"), Optional: true}},
		Run: func(c *Call) (Reply, error) {
			phase := incidents.Phase(c.Str("phase"))
			shown := string(phase)
			switch phase {
			case "":
				phase, shown = c.I.Phase, string(c.I.Phase)
			case "all":
				phase = ""
			}
			steps := incidents.StepsOf(*c.plan, c.I, phase)
			done := 0
			for _, s := range steps {
				if incidents.StateOf(*c.plan, c.I, s).State != incidents.StepOpen {
					done++
				}
			}
			return c.card("todo", "shown", shown, "steps", incidents.StepFacts(*c.plan, c.I, steps, c.now), "count", len(steps), "closed", done), nil
		},
	}
}

func phaseNames() []string {
	var out []string
	for _, p := range incidents.Phases() {
		out = append(out, string(p))
	}
	return out
}

// stepArg is a step, which is sealed: it tells what sort of incident it is.
func stepArg() Arg { return Arg{Name: "step", Kind: Word, Sealed: true} }

func stepDone() Command {
	return Command{
		Words: "done", About: One, Needs: Notices,
		Does: "note that a step of the checklist is done", Example: "!done INC-7 reproduce on 12.2.0 and main",
		Args: []Arg{stepArg(), {Name: "evidence", Kind: Text, Optional: true, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			return c.stepped("step/done", func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
				return incidents.DoStep(*c.plan, i, c.Str("step"), c.Sealed("evidence"), c.Who.Name, c.now)
			})
		},
	}
}

func stepSkip() Command {
	return Command{
		Words: "skip", About: One, Needs: Notices,
		Does: "leave a step of the checklist out, and say why", Example: "!skip INC-7 tidelift it came from them",
		Args: []Arg{stepArg(), {Name: "reason", Kind: Text, Sealed: true, Max: maxText}},
		Run: func(c *Call) (Reply, error) {
			return c.stepped("step/skipped", func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
				return incidents.SkipStep(*c.plan, i, c.Str("step"), c.Sealed("reason"), c.Who.Name, c.now)
			})
		},
	}
}

func stepUndo() Command {
	return Command{
		Words: "undo", About: One, Needs: Notices,
		Does: "take back that a step was done or skipped", Example: "!undo INC-7 reproduce",
		Args: []Arg{stepArg()},
		Run: func(c *Call) (Reply, error) {
			return c.stepped("step/undone", func(i incidents.Incident) (incidents.Incident, incidents.Entry, error) {
				return incidents.UndoStep(*c.plan, i, c.Str("step"), c.Who.Name, c.now)
			})
		},
	}
}

// stepped keeps what a rule made of a step and shows the step. A step that is done
// once for a release is done for all of its incidents.
func (c *Call) stepped(template string, rule func(incidents.Incident) (incidents.Incident, incidents.Entry, error)) (Reply, error) {
	i, e, err := rule(c.I)
	if err != nil {
		return Reply{}, err
	}
	s, _ := c.plan.Step(small(c.Str("step")))
	others, err := c.alongside(s, rule)
	if err == nil {
		err = c.save(i, e)
	}
	if err != nil {
		return Reply{}, err
	}
	step := incidents.StepFacts(*c.plan, c.I, []incidents.Step{s}, c.now)[0]
	todo, err := c.nextSteps(2)
	return c.card(template, "step", step, "others", others, "todo", todo), err
}

func incidentPhase() Command {
	return Command{
		Words: "incident phase", About: OneOpen, Needs: Notices,
		Does: "move an incident to a phase by hand; it moves by itself when its steps are done", Example: "!incident phase INC-7 fixing the fix was not complete",
		Args: []Arg{
			{Name: "phase", Kind: Word, OneOf: phaseNames()[:5]},
			{Name: "reason", Kind: Text, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.SetPhase(c.I, c.Str("phase"), c.Sealed("reason"), c.Who.Name, c.now)
			if err == nil {
				err = c.keep(i, e)
			}
			return c.card("incident/phase"), err
		},
	}
}

func incidentTrack() Command {
	return Command{
		Words: "incident track", About: OneOpen, Needs: Notices,
		Does: "choose the track, which the type and the level propose", Example: "!incident track INC-7 standard the fix is small and nobody needs a warning",
		Args: []Arg{
			{Name: "track", Kind: Key, Of: "track", Sealed: true},
			{Name: "reason", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.ChooseTrack(*c.plan, c.I, c.Str("track"), c.Sealed("reason"), c.Who.Name, c.now)
			if err == nil {
				err = c.save(i, e)
			}
			return c.card("incident/track"), err
		},
	}
}

func incidentReachable() Command {
	return Command{
		Words: "incident reachable", About: OneOpen, Needs: Notices,
		Does:    "say whether a bundled library's bug is reachable through our API, and why",
		Example: "!incident reachable INC-7 no we never call that decoder",
		Args: []Arg{
			{Name: "answer", Kind: Word, OneOf: []string{"yes", "no"}, Sealed: true},
			{Name: "rationale", Kind: Text, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.SetReach(*c.plan, c.I, c.Str("answer") == "yes", c.Sealed("rationale"), c.Who.Name, c.now)
			if err == nil {
				err = c.save(i, e)
			}
			if err != nil {
				return Reply{}, err
			}
			sent, err := c.Tx.Sendings(c.I.N)
			wrong := []incidents.Facts{}
			if c.Str("answer") == "yes" {
				for _, s := range incidents.Withdrawn(*c.plan, sent) {
					wrong = append(wrong, incidents.SendingFacts(s))
				}
			}
			return c.card("incident/reachable", "wrong", wrong), err
		},
	}
}

// switched is what a rule makes of "on" or "off".
type switched func(i incidents.Incident, on bool, why incidents.Sealed, who string, now time.Time) (incidents.Incident, incidents.Entry, error)

// onOff is a command that says whether something is so.
func onOff(words, does, example, template string, rule switched) Command {
	return Command{
		Words: words, About: OneOpen, Needs: Notices, Does: does, Example: example,
		Args: []Arg{
			{Name: "on|off", Kind: Word, OneOf: []string{"on", "off"}, Sealed: true},
			{Name: "why", Kind: Text, Optional: true, Sealed: true, Max: maxText},
		},
		Run: func(c *Call) (Reply, error) {
			i, e, err := rule(c.I, c.Str("on|off") == "on", c.Sealed("why"), c.Who.Name, c.now)
			if err != nil {
				return Reply{}, err
			}
			before := incidents.TrackOf(*c.plan, c.I).Key
			err = c.save(i, e)
			after := incidents.TrackOf(*c.plan, c.I)
			return c.card(template, "tracked", incidents.Seal(changed(before, after.Key))), err
		},
	}
}

func changed(before, after string) string {
	if before != after {
		return after
	}
	return ""
}

func incidentWild() Command {
	return onOff("incident wild", "say that it is exploited in the wild, or not after all: what changes then",
		"!incident wild INC-7 on a honeypot caught it", "incident/wild", incidents.SetWild)
}

func incidentPublic() Command {
	return onOff("incident public", "say that the report is public already, or not after all: what changes then",
		"!incident public INC-7 on it was filed as an issue", "incident/public", incidents.SetPublic)
}

func updateSent() Command {
	return Command{
		Words: "update sent", About: OneOpen, Needs: Notices,
		Does: "note that the reporter was told how it stands", Example: "!update sent INC-7 --via email",
		Args: []Arg{{Name: "HOW", Flag: "--via", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle}},
		Run: func(c *Call) (Reply, error) {
			i, e, err := incidents.NoteUpdate(*c.plan, c.I, c.Sealed("HOW"), c.Who.Name, c.now)
			if err == nil {
				err = c.save(i, e)
			}
			return c.card("update/sent"), err
		},
	}
}

func reporterPolicy() Command {
	name := strings.Join(incidents.Policies(), "|") + "|date"
	return Command{
		Words: "reporter policy", About: OneOpen, Needs: Notices,
		Does: "note when the reporter publishes: none, p0 (Project Zero), certcc, or a date", Example: "!reporter policy INC-7 p0",
		Args: []Arg{{Name: name, Kind: OneLine, Sealed: true, Max: maxTitle}},
		Run: func(c *Call) (Reply, error) {
			policy := small(c.Str(name))
			var w incidents.When
			if !slices.Contains(incidents.Policies(), policy) {
				var err error
				if w, err = incidents.ReadWhen(policy, c.now, c.Who.Zone, c.plan.Hour); err != nil {
					return Reply{}, incidents.Refuse("policy-form")
				}
				policy = "date"
			}
			i, e, err := incidents.SetPolicy(c.I, policy, w.At, c.Who.Name, c.now)
			if err == nil {
				err = c.save(i, e)
			}
			return c.card("reporter/policy", "policy", incidents.Seal(policy), "at", i.PolicyAt, "assumed", w.HourAssumed), err
		},
	}
}

// alongside does the same to the other incidents of the release, for a step that is
// done once for all of them, and gives the handles of those that the room may hear of.
func (c *Call) alongside(s incidents.Step, rule func(incidents.Incident) (incidents.Incident, incidents.Entry, error)) ([]string, error) {
	handles := []string{}
	if !s.Release || c.I.Release.N == 0 {
		return handles, nil
	}
	r, err := c.Tx.ReleaseOf(c.I.N)
	if err != nil {
		return handles, err
	}
	others, err := c.Tx.Carried(r)
	if err != nil {
		return handles, err
	}
	changed, entries, err := incidents.Alongside(*c.plan, c.I, others, s, rule)
	if no, ok := incidents.AsRefusal(err); ok && no.Key == "release-locked" {
		handle, _ := no.Args["handle"].(string)
		if n, _ := c.handle(handle); c.clear(n).Clearance.None() { // here there is no other incident
			return handles, incidents.Refuse("release-step-desk", "step", incidents.Seal(s.Key))
		}
	}
	for k, i := range changed {
		if err == nil {
			err = c.saveBeside(others, i, false, entries[k])
		}
		if !c.clear(i.N).Clearance.None() {
			handles = append(handles, i.Handle)
		}
	}
	return handles, err
}

// saveBeside keeps another incident than the call's, as save does: before are the
// incidents as they were. quiet says that the desks hear of it otherwise.
func (c *Call) saveBeside(before []incidents.Incident, i incidents.Incident, quiet bool, entries ...incidents.Entry) error {
	var was incidents.Incident
	for _, b := range before {
		if b.N == i.N {
			was = b
		}
	}
	i, moved := incidents.Advance(*c.plan, was, i, c.Who.Name, c.now)
	entries = append(entries, moved...)
	i, err := c.Tx.Save(i, entries...)
	c.also = append(c.also, told{about: i, said: entries, quiet: quiet})
	return err
}
