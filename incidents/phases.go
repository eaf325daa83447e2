package incidents

import (
	"slices"
	"time"
)

// Phases lists the phases in order.
func Phases() []Phase { return []Phase{Reported, Triage, Fixing, Releasing, Recovering, Closed} }

// Advance moves the phase on when the change from before to now did what it still
// waited for: each move is an entry. A phase that was set by hand stays until
// something is done in it. An incident is closed by word only.
func Advance(p Plan, before, i Incident, who string, now time.Time) (Incident, []Entry) {
	var moved []Entry
	all := Phases()
	for i.Open() {
		at := slices.Index(all, i.Phase)
		if at+1 >= len(all)-1 || len(StepsOf(p, i, i.Phase)) == 0 && !passes(p, i) || len(required(p, i, i.Phase)) > 0 {
			break
		}
		if len(moved) == 0 && before.N != 0 && before.Phase == i.Phase && len(required(p, before, before.Phase)) == 0 && sameSteps(p, before, i) {
			break // nothing was waited for: somebody put it here
		}
		i.Phase = all[at+1]
		moved = append(moved, Entry{Kind: "phase", Who: who, At: now, Plain: string(i.Phase)})
	}
	return i, moved
}

// Announced gives the entries that are announced: of phases that were passed through in one
// go, the last.
func Announced(entries []Entry) []Entry {
	var out []Entry
	for k, e := range entries {
		if e.Kind == "phase" && k+1 < len(entries) && entries[k+1].Kind == "phase" {
			continue
		}
		out = append(out, e)
	}
	return out
}

// passes reports whether a phase without a step is passed through: only where the
// plan has steps, and none of this phase is this incident's.
func passes(p Plan, i Incident) bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Phase == i.Phase })
}

// sameSteps reports whether the same steps of the phase are done as before.
func sameSteps(p Plan, before, i Incident) bool {
	closed := func(i Incident) (out []string) {
		for _, s := range StepsOf(p, i, i.Phase) {
			if StateOf(p, i, s).State != StepOpen {
				out = append(out, s.Key)
			}
		}
		return out
	}
	return slices.Equal(closed(before), closed(i))
}

// SetPhase moves an incident to a phase by hand, with the reason.
func SetPhase(i Incident, phase string, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	to := Phase(phase)
	switch {
	case to == Closed:
		return i, Entry{}, Refuse("phase-closed", "handle", i.Handle)
	case !slices.Contains(Phases(), to):
		return i, Entry{}, Refuse("unknown-key", "kind", "phase", "keys", []string{"reported", "triage", "fixing", "releasing", "recovering"})
	case i.Phase == to:
		return i, Entry{}, Refuse("phase-same", "handle", i.Handle, "phase", phase)
	}
	i.Phase = to
	return i, Entry{Kind: "phase", Who: who, At: now, Plain: phase, Text: why}, nil
}
