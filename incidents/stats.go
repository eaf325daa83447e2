package incidents

import (
	"slices"
	"strconv"
	"time"
)

// Span is how long the incidents took that reached a milestone.
type Span struct {
	Key     string
	Reached int           // that many did
	Waiting int           // open ones that did not yet
	Median  time.Duration // of those that did; of an even number the lower one in the middle
	Worst   time.Duration // likewise
	Aimed   int           // that many have a target
	Late    int           // of these, that many missed it
}

// Spans reckons the times of incidents, in the order of MilestoneKeys. records are the
// entries of each one's record, by its number.
func Spans(p Plan, all []Incident, records map[int][]Entry, now time.Time) []Span {
	keys := MilestoneKeys()
	out := make([]Span, len(keys))
	took := make([][]time.Duration, len(keys))
	for _, i := range all {
		for k, m := range Milestones(p, i, records[i.N], now) {
			s := &out[k]
			switch {
			case !m.At.IsZero():
				s.Reached++
				took[k] = append(took[k], m.Took)
			case m.Applies:
				s.Waiting++
			}
			if m.Applies && !m.Due.IsZero() {
				s.Aimed++
				if m.Late {
					s.Late++
				}
			}
		}
	}
	for k, spans := range took {
		out[k].Key = keys[k]
		if len(spans) > 0 {
			slices.Sort(spans)
			out[k].Median, out[k].Worst = spans[(len(spans)-1)/2], spans[len(spans)-1]
		}
	}
	return out
}

// Stats gives the facts of what all incidents have in common. How many there are of a
// type, a source or an outcome is sealed: where there are few it tells of one.
func Stats(p Plan, all []Incident, records map[int][]Entry, now time.Time) Facts {
	open, unleveled := 0, 0
	for _, i := range all {
		if i.Open() {
			open++
		}
		if i.Level == "" {
			unleveled++
		}
	}
	var spans []Facts
	for _, s := range Spans(p, all, records, now) {
		share := 0
		if s.Aimed > 0 {
			share = (s.Late*100 + s.Aimed/2) / s.Aimed
		}
		spans = append(spans, Facts{
			"key": s.Key, "reached": s.Reached, "waiting": s.Waiting, "median": SaySpan(s.Median), "worst": SaySpan(s.Worst),
			"aimed": s.Aimed, "late": s.Late, "share": share,
			"plain": s.Key == Acknowledged || s.Key == Assessed, // the others tell how closed ones ended
		})
	}
	levels := []Facts{}
	for _, l := range p.Levels {
		n := 0
		for _, i := range all {
			if i.Level == l.Key {
				n++
			}
		}
		if n > 0 {
			levels = append(levels, Facts{"name": l.Name, "count": n})
		}
	}
	return Facts{
		"count": len(all), "open": open, "levels": levels, "unleveled": unleveled, "spans": spans, "now": now,
		"types": tally(p.terms("type"), all, func(i Incident) Sealed { return i.Type }), "sources": tally(p.terms("source"), all, func(i Incident) Sealed { return i.Source }),
		"outcomes": tally(p.terms("outcome"), all, func(i Incident) Sealed { return i.Outcome }),
	}
}

// tally counts incidents by one of the plan's words; those of none are left out.
func tally(words []term, all []Incident, of func(Incident) Sealed) []Facts {
	out := []Facts{}
	for _, w := range words {
		n := 0
		for _, i := range all {
			if of(i).Same(Seal(w.key)) {
				n++
			}
		}
		if n > 0 {
			out = append(out, Facts{"name": Seal(w.name), "count": Seal(strconv.Itoa(n))})
		}
	}
	return out
}
