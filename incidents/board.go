package incidents

import "time"

// boardClocks is how many clocks a board shows.
const boardClocks = 3

// boardSteps is how many open steps a board names.
const boardSteps = 4

// Board gives the facts of an incident's board at the instant now: what everybody
// who joins has to see first.
func Board(p Plan, i Incident, now time.Time) Facts {
	f := Card(p, i, now)
	clocks := clockFacts(p, i, now)
	if len(clocks) > boardClocks {
		clocks = clocks[:boardClocks]
	}
	var nobody []string
	if i.Open() {
		nobody = EmptyRoles(p, i)
	}
	todo := OpenSteps(p, i, i.Phase)
	return f.With("clocks", clocks).With("nobody", nobody).With("more", max(0, len(todo)-boardSteps)).
		With("todo", StepFacts(p, i, todo[:min(len(todo), boardSteps)], now))
}

// Has reports whether a person has a role in the incident.
func (i Incident) Has(person string) bool {
	for _, have := range i.Roles {
		if have == person {
			return true
		}
	}
	return false
}
