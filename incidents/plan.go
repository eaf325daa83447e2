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

// Type finds a type by key.
func (p Plan) Type(key string) (Type, bool) {
	for _, t := range p.Types {
		if t.Key == key {
			return t, true
		}
	}
	return Type{}, false
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
	for _, s := range p.Sources {
		if s.Key == key {
			return s, true
		}
	}
	return Source{}, false
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
	for _, r := range p.Roles {
		if r.Key == key {
			return r, true
		}
	}
	return Role{}, false
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
	for _, l := range p.Levels {
		if l.Key == key {
			return l, true
		}
	}
	return Level{}, false
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
	for _, o := range p.Outcomes {
		if o.Key == key {
			return o, true
		}
	}
	return Outcome{}, false
}

// KeyOf gives the key of a thing in the plan that was named by its key or by its
// name, in small or capital letters; what is neither comes back as it was.
func (p Plan) KeyOf(kind, named string) string {
	named = strings.ToLower(named)
	for k, name := range p.names(kind) {
		if strings.ToLower(name) == named {
			return p.Keys(kind)[k]
		}
	}
	return named
}

// names lists the names of a kind of thing, in the order of Keys.
func (p Plan) names(kind string) []string {
	var out []string
	switch kind {
	case "type":
		for _, t := range p.Types {
			out = append(out, t.Name)
		}
	case "source":
		for _, s := range p.Sources {
			out = append(out, s.Name)
		}
	case "role":
		for _, r := range p.Roles {
			out = append(out, r.Name)
		}
	case "outcome":
		for _, o := range p.Outcomes {
			out = append(out, o.Name)
		}
	}
	return out
}

// Keys lists the keys of a kind of thing in the plan: types, sources, roles,
// levels or outcomes.
func (p Plan) Keys(kind string) []string {
	var out []string
	switch kind {
	case "type":
		for _, t := range p.Types {
			out = append(out, t.Key)
		}
	case "source":
		for _, s := range p.Sources {
			out = append(out, s.Key)
		}
	case "role":
		for _, r := range p.Roles {
			out = append(out, r.Key)
		}
	case "level":
		for _, l := range p.Levels {
			out = append(out, l.Key)
		}
	case "outcome":
		for _, o := range p.Outcomes {
			out = append(out, o.Key)
		}
	}
	return out
}
