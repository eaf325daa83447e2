package incidents

import (
	"sort"
	"strings"
	"time"
)

// boardClocks is how many clocks a board shows.
const boardClocks = 3

// Board gives the facts of an incident's board at the instant now: what everybody
// who joins has to see first, and nothing that is sealed.
func Board(p Plan, i Incident, now time.Time) Facts {
	f := Card(p, i, now)
	clocks, _ := f["clocks"].([]Facts)
	sort.SliceStable(clocks, func(a, b int) bool {
		x, _ := clocks[a]["due"].(time.Time)
		y, _ := clocks[b]["due"].(time.Time)
		return x.Before(y)
	})
	if len(clocks) > boardClocks {
		clocks = clocks[:boardClocks]
	}
	return f.With("clocks", clocks).With("todo", OpenSteps(p, i))
}

// OpenSteps lists what the plan asks for first and is not done: to answer the
// reporter (7.1, step 1), to assess the level (7.1, step 3), to fill the roles
// (section 4). It is empty for a closed incident.
func OpenSteps(p Plan, i Incident) []string {
	if !i.Open() {
		return nil
	}
	var out []string
	if len(Clocks(p, i)) > 0 && i.AckAt.IsZero() {
		out = append(out, "answer the reporter")
	}
	if i.Level == "" {
		out = append(out, "set the level")
	}
	var nobody []string
	for _, r := range p.Roles {
		if _, perSource := p.Source(r.Key); i.Roles[r.Key] == "" && !perSource { // a role for one source would tell the source
			nobody = append(nobody, r.Name)
		}
	}
	if len(nobody) > 0 {
		out = append(out, "find who is "+strings.Join(nobody, ", "))
	}
	return out
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
