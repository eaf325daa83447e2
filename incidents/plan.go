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
	Outside  Outside
	Tracks   []Track
	Steps    []Step // in order
	Clocks   []ClockRule

	Sections    []Section // of its text, in order; none when only the data is known
	Definitions []Definition
	Support     []Support
	Contacts    []Contact
	Schedules   []ScheduleRule

	Map DepMap // what it stands on and who stands on it (section 9)
}

// Track is a way through the plan: it decides which steps and clocks apply.
type Track struct {
	Key     string
	Name    string
	Section string
	Types   []string // the types of incident it is for; none: all
	Levels  []string // the levels it is for; none: all, also while there is none
	Unless  []string // events after which it does not fit by itself

	Embargo  bool // what is on it is kept back until an embargo is over, also while no date is agreed
	Standard bool // without an embargo; once a date is agreed it is on the track above
	Bundled  bool // it asks whether a bundled library's bug is reachable (9.2.1)

	Compromise bool // of a release, an account or CI, and not of a bug (7.5)
	Regression bool // of a bug that is not about security (2)
}

// Needed lists what the rules name, and every plan has for that: kinds and keys.
func Needed() [][2]string {
	return [][2]string{
		{"step", "notify-distros"},
		{"step", "share-poc"},
		{"step", "oss-security"},
		{"step", "tag"},
		{"clock", watchClock},
		{"step", "request-cve"},
		{"step", "test"},
		{"step", "audit-tags"},
		{"step", "audit-wheels"},
	}
}

// Step is one line of the plan's checklist.
type Step struct {
	Key       string
	Name      string
	Section   string
	Phase     Phase    // "": of no phase; it applies at once
	Role      string   // who does it; "": anybody
	NotRole   string   // who may not do it
	Tracks    []string // where it applies; none: everywhere
	Levels    []string
	Outcomes  []string // how the incident has to have ended
	When      []string // events that all have to have happened
	Unless    []string // events of which none may have happened
	By        string   // the event that completes it by itself, or ""
	After     []string // steps that come before it
	Gate      string   // what locks it: "embargo", "window" or "clock:KEY"; or ""
	Contact   string   // whom it turns to: a contact of the plan
	Draft     string   // the kind of text for people outside that does it when it is sent, or ""
	First     bool     // it comes before everything else
	Optional  bool     // it holds up no phase
	Release   bool     // it is done once for all incidents of a release
	Discloses bool     // when it is done, the incident is public
	Extra     bool     // it is not in the plan
	Source    string   // who asks for it then
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
	Private  bool // private reports on GitHub are of it
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
	Key   string
	Name  string
	Draft string // the draft that tells the reporter, or ""
}

// Outside is what drafts for everybody outside have to know of the project.
type Outside struct {
	Upgrade    string // the command that upgrades (section 8)
	Advisories string // the address of its advisories, without a slash at the end (section 8)
	FreshDays  int    // how long after the disclosure details are better left out (section 8); 0: never
}

// ClockRule says when something is due and when to remind of it.
type ClockRule struct {
	Key      string
	Name     string // generic: it says nothing about the incident
	Section  string
	From     string          // the event that it counts from
	When     []string        // events that all have to have happened
	Until    []string        // events of which one stops it
	Tracks   []string        // where it runs; none: everywhere
	Levels   []string        // and at which levels
	Outcomes []string        // and how the incident has to have ended
	Due      time.Duration   // after From; negative: before it
	Rungs    []time.Duration // likewise, in rising order, the last one being Due
	Repeat   time.Duration   // how often it is said again when overdue; 0: never
	Role     string          // whom it concerns
	Everyone time.Duration   // from this rung on it concerns every maintainer; see All
	All      bool            // whether Everyone is meant
	Does     string          // when it stops, in words
	Say      string          // what to say then; {handle} stands for the incident
	Draft    string          // the kind of text to the reporter that begins it anew when it is sent, or ""
	Extra    bool
	Source   string
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

// meant finds a thing of the plan by its key, which is sealed; the zero value when there
// is none.
func meant[T any](all []T, key Sealed, of func(T) string) T {
	for _, t := range all {
		if key.Same(Seal(of(t))) {
			return t
		}
	}
	var none T
	return none
}

// Type finds a type by key.
func (p Plan) Type(key string) (Type, bool) {
	return one(p.Types, key, func(t Type) string { return t.Key })
}

// TypeOf gives the type of an incident; the zero Type when it has none.
func (p Plan) TypeOf(i Incident) Type {
	return meant(p.Types, i.Type, func(t Type) string { return t.Key })
}

// Source finds a source by key.
func (p Plan) Source(key string) (Source, bool) {
	return one(p.Sources, key, func(s Source) string { return s.Key })
}

// SourceOf gives the source of an incident; the zero Source when it has none.
func (p Plan) SourceOf(i Incident) Source {
	return meant(p.Sources, i.Source, func(s Source) string { return s.Key })
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

// critical reports whether a level is the highest: that of which 7.1.6 speaks.
func (p Plan) critical(level string) bool { return len(p.Levels) > 0 && p.Levels[0].Key == level }

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

// Track finds a track by key.
func (p Plan) Track(key string) (Track, bool) {
	return one(p.Tracks, key, func(t Track) string { return t.Key })
}

// Step finds a step by key.
func (p Plan) Step(key string) (Step, bool) {
	return one(p.Steps, key, func(s Step) string { return s.Key })
}

// ClockRule finds the rule of a clock by key.
func (p Plan) ClockRule(key string) (ClockRule, bool) {
	return one(p.Clocks, key, func(c ClockRule) string { return c.Key })
}

// terms lists the words of a kind of thing: type, source, role, level, outcome,
// track, step, clock or contact.
func (p Plan) terms(kind string) []term {
	switch kind {
	case "type":
		return termsOf(p.Types, func(x Type) term { return term{x.Key, x.Name} })
	case "source":
		return termsOf(p.Sources, func(x Source) term { return term{x.Key, x.Name} })
	case "role":
		return termsOf(p.Roles, func(x Role) term { return term{x.Key, x.Name} })
	case "level":
		return termsOf(p.Levels, func(x Level) term { return term{x.Key, x.Name} })
	case "outcome":
		return termsOf(p.Outcomes, func(x Outcome) term { return term{x.Key, x.Name} })
	case "track":
		return termsOf(p.Tracks, func(x Track) term { return term{x.Key, x.Name} })
	case "step":
		return termsOf(p.Steps, func(x Step) term { return term{x.Key, x.Name} })
	case "clock":
		return termsOf(p.Clocks, func(x ClockRule) term { return term{x.Key, x.Name} })
	case "contact":
		return termsOf(p.Contacts, func(x Contact) term { return term{x.Key, x.Name} })
	}
	return nil
}

func termsOf[T any](all []T, of func(T) term) []term {
	var out []term
	for _, x := range all {
		out = append(out, of(x))
	}
	return out
}

// Keys lists the keys of a kind of thing in the plan: types, sources, roles,
// levels, outcomes, tracks, steps, clocks or contacts, each named in the singular.
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
