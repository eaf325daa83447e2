package incidents

import (
	"strings"
	"time"
)

// Plan is a project's incident response plan as data: what kinds of incident
// there are, who does what, what is due when. Package templates reads it from a
// file; everything else is given it as a value.
type Plan struct {
	Name     string // the project's name, "Pillow"
	Hash     string // of the file it was read from
	Hour     int    // the hour, UTC, that a date without a time takes
	Types    []Type
	Sources  []Source
	Roles    []Role
	Levels   []Level // from the highest to the lowest
	Outcomes []Outcome
	Clocks   []ClockRule
}

// Type is a type of incident (plan, section 2).
type Type struct {
	Key     string
	Name    string
	Section string
	Floor   string // the level it has whatever was scored (section 5), or ""
}

// Source is a way in which incidents come to light (section 6).
type Source struct {
	Key      string
	Name     string
	Section  string
	Reporter bool // somebody outside waits for an acknowledgement
}

// Role is something that one person does in an incident (section 4).
type Role struct {
	Key     string
	Name    string
	Does    string
	Section string
	Lead    bool // the one role that, once taken, is never empty
}

// Level is a level of severity (section 5).
type Level struct {
	Key     string
	Name    string
	From    int // lowest CVSS score in tenths: 90 is 9.0
	To      int // highest, in tenths
	Means   string
	Target  string
	Section string
}

// Outcome is a way in which an incident can end.
type Outcome struct {
	Key  string
	Name string
}

// ClockRule says when something is due and when to remind of it.
type ClockRule struct {
	Key     string
	Name    string // generic: it says nothing about the incident
	Section string
	From    string // the instant that it counts from: "reported"
	Due     time.Duration
	Rungs   []time.Duration // after From, in rising order, the last one being Due
	Repeat  time.Duration   // how often it is said again when overdue
	Role    string          // whom it concerns
}

// one finds a thing of the plan by its key.
func one[T any](all []T, key string, of func(T) string) (T, bool) {
	for _, t := range all {
		if of(t) == key {
			return t, true
		}
	}
	var none T
	return none, false
}

// Type finds a type by key.
func (p Plan) Type(key string) (Type, bool) {
	return one(p.Types, key, func(t Type) string { return t.Key })
}

// TypeOf gives the type of an incident; the zero Type when it has none.
func (p Plan) TypeOf(i Incident) Type {
	for _, t := range p.Types {
		if i.Type.Same(Seal(t.Key)) {
			return t
		}
	}
	return Type{}
}

// Source finds a source by key.
func (p Plan) Source(key string) (Source, bool) {
	return one(p.Sources, key, func(s Source) string { return s.Key })
}

// SourceOf gives the source of an incident; the zero Source when it has none.
func (p Plan) SourceOf(i Incident) Source {
	for _, s := range p.Sources {
		if i.Source.Same(Seal(s.Key)) {
			return s
		}
	}
	return Source{}
}

// Role finds a role by key.
func (p Plan) Role(key string) (Role, bool) {
	return one(p.Roles, key, func(r Role) string { return r.Key })
}

// LeadRole gives the role that is never empty once taken.
func (p Plan) LeadRole() Role {
	for _, r := range p.Roles {
		if r.Lead {
			return r
		}
	}
	return Role{}
}

// Level finds a level by key.
func (p Plan) Level(key string) (Level, bool) {
	return one(p.Levels, key, func(l Level) string { return l.Key })
}

// LevelFor gives the level that a CVSS score, in tenths, maps to; false for a
// score that no level covers, which 0.0 is in section 5.
func (p Plan) LevelFor(tenths int) (Level, bool) {
	for _, l := range p.Levels {
		if tenths >= l.From && tenths <= l.To {
			return l, true
		}
	}
	return Level{}, false
}

// Outcome finds an outcome by key.
func (p Plan) Outcome(key string) (Outcome, bool) {
	return one(p.Outcomes, key, func(o Outcome) string { return o.Key })
}

// term is a word of the plan: how it is typed, and how it is shown.
type term struct{ key, name string }

// terms lists the words of a kind of thing: type, source, role, level or outcome.
func (p Plan) terms(kind string) []term {
	var out []term
	switch kind {
	case "type":
		for _, t := range p.Types {
			out = append(out, term{t.Key, t.Name})
		}
	case "source":
		for _, s := range p.Sources {
			out = append(out, term{s.Key, s.Name})
		}
	case "role":
		for _, r := range p.Roles {
			out = append(out, term{r.Key, r.Name})
		}
	case "level":
		for _, l := range p.Levels {
			out = append(out, term{l.Key, l.Name})
		}
	case "outcome":
		for _, o := range p.Outcomes {
			out = append(out, term{o.Key, o.Name})
		}
	}
	return out
}

// Keys lists the keys of a kind of thing in the plan: types, sources, roles,
// levels or outcomes, each named in the singular.
func (p Plan) Keys(kind string) []string {
	var out []string
	for _, t := range p.terms(kind) {
		out = append(out, t.key)
	}
	return out
}

// KeyOf gives the key of a thing in the plan that was named by its key or by its
// name, in small or capital letters; what is neither comes back in small letters.
func (p Plan) KeyOf(kind, named string) string {
	named = strings.ToLower(named)
	for _, t := range p.terms(kind) {
		if strings.ToLower(t.name) == named {
			return t.key
		}
	}
	return named
}
