package incidents

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Phase is where an incident is on its way.
type Phase string

// The phases, in order.
const (
	Reported   Phase = "reported"
	Triage     Phase = "triage"
	Fixing     Phase = "fixing"
	Releasing  Phase = "releasing"
	Recovering Phase = "recovering"
	Closed     Phase = "closed"
)

// Incident is one report and all that follows, as it is now.
//
// Handle, codename, phase, level, roles and times may be heard at clearance
// notice; everything else is sealed.
type Incident struct {
	N        int    // its number
	Handle   string // "INC-7"
	Codename string // "quiet harbour": says nothing
	Version  int    // counts every change
	PlanHash string // of the plan it was last reckoned with

	Phase Phase
	Level string // a key of the plan's levels, or "" while nobody assessed it

	Type       Sealed
	Source     Sealed
	Title      Sealed
	Vector     Sealed // canonical CVSS vector
	Score      Sealed // "CVSS-B 8.7"
	ScoreLevel Sealed // the level that the score maps to
	Reason     Sealed // why the level is not the score's
	Summary    Sealed
	Details    Sealed
	Affected   Sealed
	Fixed      Sealed
	CWE        Sealed
	CVE        Sealed
	Outcome    Sealed
	Closing    Sealed // why it was closed
	AckVia     Sealed // how the reporter was answered

	Opener       string
	OpenedAt     time.Time // UTC, as all of these
	ReportedAt   time.Time
	ReportedZone string    // the zone in which the time of the report was typed
	AckAt        time.Time // zero while the reporter was not answered
	ClosedAt     time.Time

	Roles    map[string]string // role key to person
	Reporter Reporter

	GHSA    Sealed // the advisory's identifier on GitHub
	Library Sealed // the bundled library whose bug it is

	// Facts that not every incident has. "none" is said of what there is not.
	Workaround Sealed    // what helps until the upgrade
	PoC        Sealed    // what shows the bug, for those who are told before
	Period     Sealed    // of a compromise: from when until when
	Files      Sealed    // of a compromise: which files, with their digests
	Advice     Sealed    // of a compromise: what users have to do
	Track      Sealed    // the key of a track that somebody chose, or empty: by the plan
	LevelAt    time.Time // when the level was set last
	CVEAt      time.Time // when the CVE was noted
	WildAt     time.Time // when it was said to be exploited in the wild; zero: it is not
	PublicAt   time.Time // when it was said that the report is public; zero: it is not
	UpdateAt   time.Time // when the reporter was told last how it stands, after the acknowledgement
	Reach      Sealed    // whether a bundled library's bug is reachable: "yes", "no" or empty
	ReachWhy   Sealed    // and why
	Policy     Sealed    // the reporter's own policy: "p0", "certcc", "date" or empty
	PolicyAt   time.Time // when the reporter will publish by it
	Embargo    Embargo
	Handoff    Handoff
	LeadSince  time.Time
	Steps      map[string]Deed   // what became of steps, by key
	Snoozes    map[string]Snooze // clocks that were put off, by key
	Notices    []Notice          // who outside was told, or is to be
	Sent       []Sending         // what went out to people outside or may have, newest first, without its words

	// What is kept elsewhere and told here, for the rules.
	Advisory   Advisory  // as it was seen on GitHub last; its zero value when it was not
	Release    Release   // that carries the fix; its zero value when none does
	LeadHeard  time.Time // when the lead was heard of last, anywhere
	Listening  time.Time // since when the bot has been there to hear them
	LeadAway   time.Time // from when the lead will be away, or is; zero: not that is known
	LeadReturn time.Time // until when
}

// Reporter is personal data: who told the project, how to reach them, how they
// want to be credited. It can be erased.
type Reporter struct {
	Name    Sealed
	Contact Sealed
	Credit  Sealed
}

// Empty reports whether nothing is known of the reporter.
func (r Reporter) Empty() bool { return r.Name.Empty() && r.Contact.Empty() && r.Credit.Empty() }

// Open reports whether the incident is not closed.
func (i Incident) Open() bool { return i.Phase != Closed }

// Lead gives the lead's name, or "" while nobody took it.
func (i Incident) Lead(p Plan) string { return i.Roles[p.LeadRole().Key] }

// Opening is what is known when an incident is opened.
type Opening struct {
	N        int
	Handle   string
	Codename string
	Type     string // a key of the plan, or "": the plan's first
	Source   string // a key of the plan, or ""
	Severity string // a level or a vector, or ""
	Title    Sealed
	Reported When // zero: now
	Unled    bool // nobody leads yet: else who opens it does
}

// OpenIncident opens an incident. Who opens it leads it (plan, section 4) until
// another is assigned.
func OpenIncident(p Plan, o Opening, who string, now time.Time) (Incident, []Entry, error) {
	i := Incident{
		N: o.N, Handle: o.Handle, Codename: o.Codename, PlanHash: p.Hash,
		Phase: Reported, Title: o.Title, Opener: who, OpenedAt: now, ReportedAt: now, ReportedZone: "UTC",
		Roles: map[string]string{p.LeadRole().Key: who}, LeadSince: now,
	}
	if o.Unled {
		i.Roles, i.LeadSince = map[string]string{}, time.Time{}
	}
	if o.Type != "" {
		t, ok := p.Type(o.Type)
		if !ok {
			return i, nil, Refuse("unknown-key", "kind", "type", "keys", p.Keys("type"))
		}
		i.Type = Seal(t.Key)
	}
	if o.Source != "" {
		s, ok := p.Source(o.Source)
		if !ok {
			return i, nil, Refuse("unknown-key", "kind", "source", "keys", p.Keys("source"))
		}
		i.Source = Seal(s.Key)
	}
	if !o.Reported.At.IsZero() {
		if o.Reported.At.After(now) {
			return i, nil, Refuse("reported-in-future")
		}
		i.ReportedAt, i.ReportedZone = o.Reported.At, o.Reported.Zone
	}
	opened := Entry{Kind: "opened", Who: who, At: now, Text: o.Title}
	floor := p.TypeOf(i).Floor
	if floor != "" && !LooksLikeVector(o.Severity) {
		// The same kind of entry as for a level that was typed: that it came with
		// the type would tell the type.
		i.Level, i.LevelAt = floor, now
		e := Entry{Kind: "severity", Who: who, At: now, Plain: p.levelName(floor), Text: Seal("by its type")}
		return i, []Entry{opened, e}, nil
	}
	if o.Severity == "" {
		return i, []Entry{opened}, nil
	}
	i, e, err := SetSeverity(p, i, o.Severity, Sealed{}, who, now)
	if err != nil {
		return i, nil, err
	}
	return i, []Entry{opened, e}, nil
}

func (p Plan) levelName(key string) string {
	if l, ok := p.Level(key); ok {
		return l.Name
	}
	return ""
}

// Close ends an incident with an outcome of the plan. Not while an embargo's moment
// counts, which is lifted by those whom that needs, and not with steps that the plan
// asks for left open, unless somebody says why.
func Close(p Plan, i Incident, outcome string, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	if !i.Open() {
		return i, Entry{}, Refuse("already-closed", "handle", i.Handle)
	}
	o, ok := p.Outcome(outcome)
	if !ok {
		return i, Entry{}, Refuse("unknown-key", "kind", "outcome", "keys", p.Keys("outcome"))
	}
	if i.Embargo.Dated() {
		return i, Entry{}, Refuse("close-embargo", "handle", i.Handle, "at", i.Embargo.At)
	}
	if open := unfinished(p, i, o); len(open) > 0 && why.Empty() {
		return i, Entry{}, Refuse("close-open", "handle", i.Handle, "outcome", Seal(o.Key), "steps", joinKeys(open), "count", len(open))
	}
	i.Phase, i.ClosedAt, i.Outcome, i.Closing = Closed, now, Seal(o.Key), why
	return i, Entry{Kind: "closed", Who: who, At: now, Text: joinSealed(": ", Seal(o.Name), why)}, nil
}

// unfinished lists the steps that an incident which ends so leaves open: all that the
// plan asks for when it was dealt with, and those that apply at once however it ends.
func unfinished(p Plan, i Incident, o Outcome) []Step {
	var out []Step
	for _, s := range StepsOf(p, i, "") {
		if !s.Optional && StateOf(p, i, s).State == StepOpen && (o.Draft == "" || s.Phase == "" || slices.Contains(s.When, "not-reachable")) {
			out = append(out, s)
		}
	}
	return out
}

// Reopen takes a closed incident up again, in triage or, when the reporter was
// never answered, as reported.
func Reopen(i Incident, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	if i.Open() {
		return i, Entry{}, Refuse("not-closed", "handle", i.Handle)
	}
	i.Phase = Reported
	if !i.AckAt.IsZero() {
		i.Phase = Triage
	}
	i.ClosedAt, i.Outcome, i.Closing = time.Time{}, Sealed{}, Sealed{}
	return i, Entry{Kind: "reopened", Who: who, At: now, Text: why}, nil
}

// Retitle changes the title.
func Retitle(i Incident, title Sealed, who string, now time.Time) (Incident, Entry, error) {
	i.Title = title
	return i, Entry{Kind: "titled", Who: who, At: now, Text: title}, nil
}

// FactNames lists what !fact can set.
func FactNames() []string {
	return []string{"summary", "details", "affected", "fixed", "cwe", "cve", "ghsa", "library", "workaround", "poc", "period", "files", "advice"}
}

// isCVE reports whether id is CVE-, a year and four to nineteen digits (CVE
// Record Format, cveId).
func isCVE(id string) bool {
	rest, ok := strings.CutPrefix(id, "CVE-")
	year, number, ok2 := strings.Cut(rest, "-")
	return ok && ok2 && onlyDigits(year, 4, 4) && onlyDigits(number, 4, 19)
}

// isCWE reports whether id is CWE- and up to five digits.
func isCWE(id string) bool {
	number, ok := strings.CutPrefix(id, "CWE-")
	return ok && onlyDigits(number, 1, 5) && number[0] != '0'
}

// asGHSA gives an identifier of a GitHub advisory as GitHub writes it: GHSA- in
// capital letters, and three groups of four from 23456789cfghjmpqrvwx in small
// ones. Source: GitHub Docs, About the GitHub Advisory database, GHSA IDs.
func asGHSA(typed string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(typed), "ghsa")
	if !ok || len(rest) != 15 {
		return "", false
	}
	for k, c := range []byte(rest) {
		if k%5 == 0 && c != '-' || k%5 != 0 && strings.IndexByte("23456789cfghjmpqrvwx", c) < 0 {
			return "", false
		}
	}
	return "GHSA" + rest, true
}

func onlyDigits(s string, least, most int) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

// SetFact sets one of the facts that drafts are made from. A CVE, CWE or GHSA
// identifier must be well-formed, lower case is understood; a fixed version has to be
// one, and not a word for not knowing it.
func SetFact(i Incident, name, value, who string, now time.Time) (Incident, Entry, error) {
	fact := factOf(&i, name)
	if fact == nil {
		return i, Entry{}, Refuse("unknown-key", "kind", "fact", "keys", FactNames())
	}
	switch name {
	case "affected":
		if notKnown(value) {
			return i, Entry{}, Refuse("bad-affected")
		}
	case "fixed":
		if len(VersionsIn(value)) == 0 {
			return i, Entry{}, Refuse("bad-fixed")
		}
	case "cwe":
		value = strings.ToUpper(value)
		if !isCWE(value) {
			return i, Entry{}, Refuse("bad-cwe")
		}
	case "cve":
		value = strings.ToUpper(value)
		if !isCVE(value) {
			return i, Entry{}, Refuse("bad-cve")
		}
		if i.CVEAt.IsZero() {
			i.CVEAt = now
		}
	case "ghsa":
		id, ok := asGHSA(value)
		if !ok {
			return i, Entry{}, Refuse("bad-ghsa")
		}
		value = id
	}
	*fact = Seal(value)
	return i, Entry{Kind: "fact", Who: who, At: now, Plain: name, Text: Seal(value)}, nil
}

// SetReporter notes who told the project. What is left empty stays as it was.
func SetReporter(i Incident, r Reporter, who string, now time.Time) (Incident, Entry) {
	var told []Personal
	set := func(field string, have *Sealed, got Sealed) {
		if !got.Empty() && !have.Same(got) {
			*have = got
			told = append(told, Personal{Field: field, Value: got})
		}
	}
	set("name", &i.Reporter.Name, r.Name)
	set("contact", &i.Reporter.Contact, r.Contact)
	set("credit", &i.Reporter.Credit, r.Credit)
	return i, Entry{Kind: "reporter", Who: who, At: now, Personal: told}
}

// ForgetReporter erases the reporter's personal data. guests says that there is
// some of guests who left, which goes with it.
func ForgetReporter(i Incident, guests bool, who string, now time.Time) (Incident, Entry, error) {
	if i.Reporter.Empty() && !guests {
		return i, Entry{}, Refuse("no-reporter", "handle", i.Handle)
	}
	i.Reporter = Reporter{}
	return i, Entry{Kind: "forgot", Who: who, At: now}, nil
}

// Acknowledge notes that the reporter was answered (plan, 7.1.1).
func Acknowledge(i Incident, via Sealed, at time.Time, who string, now time.Time) (Incident, Entry, error) {
	switch {
	case !i.AckAt.IsZero():
		return i, Entry{}, Refuse("already-acknowledged", "handle", i.Handle, "at", i.AckAt)
	case at.After(now):
		return i, Entry{}, Refuse("acknowledged-in-future")
	case at.Before(i.ReportedAt):
		return i, Entry{}, Refuse("acknowledged-before-report", "reported", i.ReportedAt)
	}
	i.AckAt, i.AckVia = at, via
	if i.Phase == Reported {
		i.Phase = Triage
	}
	e := Entry{Kind: "acknowledged", Who: who, At: now, Text: via}
	if !at.Equal(now) {
		e.Plain = SayInstant(at)
	}
	return i, e, nil
}

// joinSealed joins texts under one seal, leaving out the empty ones.
func joinSealed(sep string, parts ...Sealed) Sealed {
	var out []string
	for _, s := range parts {
		if s.p != nil {
			out = append(out, (*s.p)())
		}
	}
	return Seal(strings.Join(out, sep))
}

// HandleOf makes a handle from the prefix of the configuration and a number.
func HandleOf(prefix string, n int) string { return fmt.Sprintf("%s-%d", prefix, n) }
