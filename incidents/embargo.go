package incidents

import (
	"slices"
	"strings"
	"time"
)

// The states of an embargo; "" while there is none.
const (
	EmbargoProposed = "proposed" // a date was proposed to the reporter
	EmbargoAgreed   = "agreed"   // who was asked agreed to it, and it is not set yet
	EmbargoSet      = "set"
	EmbargoMoved    = "moved"
	EmbargoLifted   = "lifted"
	EmbargoBroken   = "broken"
)

// Embargo is the time until which an incident's details are kept private (plan,
// section 3 and 7.4). It ends by word, not by time.
type Embargo struct {
	State    string
	At       time.Time // the moment of disclosure, UTC
	Zone     string    // the zone it was given in
	AgreedAt time.Time // when the reporter agreed to this moment; zero: not yet
	EndedAt  time.Time // when it was lifted or broken
	MovedAt  time.Time // when it got another date than the one that people had been told; zero: it did not
}

// Dated reports whether its moment counts: it is agreed, set or moved, and not over.
func (e Embargo) Dated() bool {
	return e.State == EmbargoAgreed || e.State == EmbargoSet || e.State == EmbargoMoved
}

// Embargoed reports whether an incident is kept private until a word ends it: a date
// holds, or its track wants one.
func Embargoed(p Plan, i Incident) bool {
	return i.Embargo.Dated() || TrackOf(p, i).Embargo && !i.Embargo.Over()
}

// Over reports whether it was lifted or broken.
func (e Embargo) Over() bool { return e.State == EmbargoLifted || e.State == EmbargoBroken }

// What is longest. Sources: plan, 7.4.2 (up to 90 days); linux-distros list policy,
// oss-security.openwall.org/wiki/mailing-lists/distros (14 days, under 7 preferred).
const (
	EmbargoMost      = 90 * 24 * time.Hour
	DistrosMost      = 14 * 24 * time.Hour
	DistrosPreferred = 7 * 24 * time.Hour
)

// Caution is something to think of before a date is kept, by a key whose words
// are in the template "embargo/cautions".
type Caution string

// The cautions.
const (
	CautionFriday   Caution = "friday"   // who has to install it is about to leave
	CautionWeekend  Caution = "weekend"  //
	CautionHolidays Caution = "holidays" // the days around new year
	CautionDistros  Caution = "distros"  // more than the distributions' list takes, from now
	CautionAgree    Caution = "agree"    // the reporter has not agreed to it
	CautionReporter Caution = "reporter" // after the reporter's own date
	CautionWild     Caution = "wild"     // it is exploited already
	CautionPublic   Caution = "public"   // the report is public
	CautionSoon     Caution = "soon"     // less than a day ahead
	CautionTold     Caution = "told"     // the list was told, and more than 14 days before
)

// Cautions lists what speaks against a moment, as things are at the instant now.
func Cautions(p Plan, i Incident, at, now time.Time) []Caution {
	var out []Caution
	add := func(when bool, c Caution) {
		if when {
			out = append(out, c)
		}
	}
	day := at.UTC().Weekday()
	add(day == time.Friday, CautionFriday)
	add(day == time.Saturday || day == time.Sunday, CautionWeekend)
	add(aroundNewYear(at), CautionHolidays)
	add(at.Sub(now) < 24*time.Hour, CautionSoon)
	mailed, told := Happened(p, i, "step:notify-distros")
	add(!told && TrackOf(p, i).Embargo && at.Sub(now) > DistrosMost, CautionDistros)
	add(told && at.Sub(mailed) > DistrosMost, CautionTold)
	_, waits := Happened(p, i, "reporter")
	add(waits && (i.Embargo.AgreedAt.IsZero() || !i.Embargo.At.Equal(at)), CautionAgree)
	add(!i.PolicyAt.IsZero() && at.After(i.PolicyAt), CautionReporter)
	add(!i.WildAt.IsZero(), CautionWild)
	add(!i.PublicAt.IsZero(), CautionPublic)
	return out
}

// ListToTell gives the step by which the distributions' list is told, while that is still
// to be done: there is a date, at least a proposed one, and those whom the list reaches are
// to hear of an incident of this level and track.
func ListToTell(p Plan, i Incident) (Step, bool) {
	for _, s := range p.Steps {
		if s.Gate != "window" || i.Embargo.State == "" || i.Embargo.Over() || !Applies(p, i, s) || StateOf(p, i, s).State != StepOpen {
			continue
		}
		reached := slices.DeleteFunc(slices.Clone(p.Map.Downstream), func(d Downstream) bool { return d.Step != s.Key })
		if len(reached) == 0 || slices.ContainsFunc(reached, func(d Downstream) bool { return d.Meant(p, i) }) {
			return s, true
		}
	}
	return Step{}, false
}

// aroundNewYear reports whether nobody is at work to install anything: from
// December 20th to January 6th.
func aroundNewYear(at time.Time) bool {
	_, m, d := at.UTC().Date()
	return (m == time.December && d >= 20) || (m == time.January && d <= 6)
}

// SensibleDates gives n moments for a disclosure: Tuesdays to Thursdays at the
// plan's hour, not around new year, from five days after now.
func SensibleDates(hour, n int, now time.Time) []time.Time {
	var out []time.Time
	for k := 5; len(out) < n; k++ {
		y, m, d := now.UTC().AddDate(0, 0, k).Date()
		at := time.Date(y, m, d, hour, 0, 0, 0, time.UTC)
		if wd := at.Weekday(); wd >= time.Tuesday && wd <= time.Thursday && !aroundNewYear(at) {
			out = append(out, at)
		}
	}
	return out
}

// checkMoment refuses a moment that cannot be one.
func checkMoment(p Plan, at, now time.Time) error {
	if !at.After(now) {
		return Refuse("embargo-past", "dates", sayDates(p, now))
	}
	if at.Sub(now) > EmbargoMost {
		return Refuse("embargo-too-long", "days", int(EmbargoMost/(24*time.Hour)), "last", now.Add(EmbargoMost))
	}
	return nil
}

func sayDates(p Plan, now time.Time) []string {
	var out []string
	for _, at := range SensibleDates(p.Hour, 3, now) {
		out = append(out, SayInstant(at))
	}
	return out
}

// ProposeEmbargo notes the date that is proposed to the reporter (plan, 7.4.2). A
// date that was agreed is moved, and not proposed anew: what it locks stays locked.
func ProposeEmbargo(p Plan, i Incident, w When, who string, now time.Time) (Incident, Entry, error) {
	e := i.Embargo
	switch {
	case e.Dated():
		return i, Entry{}, Refuse("embargo-is-set", "handle", i.Handle, "at", e.At)
	case e.Over():
		return i, Entry{}, Refuse("embargo-is-over", "handle", i.Handle, "state", e.State, "at", e.EndedAt)
	}
	if err := checkMoment(p, w.At, now); err != nil {
		return i, Entry{}, err
	}
	moved := e.MovedAt
	if e.State != "" && !w.At.Equal(e.At) {
		moved = now // whoever was told of the first one has to hear
	}
	i.Embargo = Embargo{State: EmbargoProposed, At: w.At, Zone: w.Zone, MovedAt: moved}
	return i, Entry{Kind: "embargo-proposed", Who: who, At: now, Plain: SayInstant(w.At)}, nil
}

// ByReporter reports whether who agreed to a date is who reported it: by the name that
// is on record, or by the word "reporter". Where nobody outside waits to hear, whoever
// agrees is the one who has to.
func ByReporter(p Plan, i Incident, by Sealed) bool {
	if _, waits := Happened(p, i, "reporter"); !waits || by.p == nil {
		return !waits
	}
	who := strings.TrimSpace((*by.p)())
	name := i.Reporter.Name
	return strings.EqualFold(who, "reporter") || !name.Empty() && strings.EqualFold(who, strings.TrimSpace((*name.p)()))
}

// AgreeEmbargo notes that the reporter, or somebody else, agreed to the date: by whom
// and in which words is personal, and can be erased. Nobody agrees for the reporter.
func AgreeEmbargo(p Plan, i Incident, by, quote Sealed, who string, now time.Time) (Incident, Entry, error) {
	e := i.Embargo
	switch {
	case e.State == "":
		return i, Entry{}, Refuse("embargo-none", "handle", i.Handle)
	case e.Over():
		return i, Entry{}, Refuse("embargo-is-over", "handle", i.Handle, "state", e.State, "at", e.EndedAt)
	}
	if e.State == EmbargoProposed {
		i.Embargo.State = EmbargoAgreed
	}
	kind := "embargo-consent"
	if ByReporter(p, i, by) {
		kind = "embargo-agreed"
		if e.AgreedAt.IsZero() {
			i.Embargo.AgreedAt = now
		}
	}
	told := []Personal{{Field: "agreed", Value: by}}
	if !quote.Empty() {
		told = append(told, Personal{Field: "quote", Value: quote})
	}
	return i, Entry{Kind: kind, Who: who, At: now, Plain: SayInstant(e.At), Personal: told}, nil
}

// SetEmbargo sets the date. A zero When takes the one that was proposed or agreed.
func SetEmbargo(p Plan, i Incident, w When, who string, now time.Time) (Incident, Entry, error) {
	e := i.Embargo
	switch {
	case e.State == EmbargoSet || e.State == EmbargoMoved:
		return i, Entry{}, Refuse("embargo-is-set", "handle", i.Handle, "at", e.At)
	case e.Over():
		return i, Entry{}, Refuse("embargo-is-over", "handle", i.Handle, "state", e.State, "at", e.EndedAt)
	case w.At.IsZero() && e.State == "":
		return i, Entry{}, Refuse("embargo-no-date", "dates", sayDates(p, now))
	case w.At.IsZero():
		w = When{At: e.At, Zone: e.Zone}
	}
	if err := checkMoment(p, w.At, now); err != nil {
		return i, Entry{}, err
	}
	agreed := e.AgreedAt
	if !w.At.Equal(e.At) {
		agreed = time.Time{} // it was another date that they agreed to
	}
	i.Snoozes = awoken(p, i.Snoozes)
	moved := e.MovedAt
	if e.State != "" && !w.At.Equal(e.At) {
		moved = now
	}
	i.Embargo = Embargo{State: EmbargoSet, At: w.At, Zone: w.Zone, AgreedAt: agreed, MovedAt: moved}
	return i, Entry{Kind: "embargo-set", Who: who, At: now, Plain: SayInstant(w.At)}, nil
}

// MoveEmbargo sets another date, with the reason. The reporter's agreement was to
// the old one.
func MoveEmbargo(p Plan, i Incident, w When, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	e := i.Embargo
	switch {
	case e.Over():
		return i, Entry{}, Refuse("embargo-is-over", "handle", i.Handle, "state", e.State, "at", e.EndedAt)
	case !e.Dated():
		return i, Entry{}, Refuse("embargo-none", "handle", i.Handle)
	case w.At.Equal(e.At):
		return i, Entry{}, Refuse("nothing-new", "handle", i.Handle)
	}
	if err := checkMoment(p, w.At, now); err != nil {
		return i, Entry{}, err
	}
	if w.At.After(e.At) && w.At.Sub(i.OpenedAt) > EmbargoMost {
		return i, Entry{}, Refuse("embargo-too-long", "days", int(EmbargoMost/(24*time.Hour)), "last", i.OpenedAt.Add(EmbargoMost))
	}
	i.Snoozes = awoken(p, i.Snoozes)
	i.Embargo = Embargo{State: EmbargoMoved, At: w.At, Zone: w.Zone, MovedAt: now}
	return i, Entry{Kind: "embargo-moved", Who: who, At: now, Plain: SayInstant(w.At), Text: why}, nil
}

// MoveNeedsSecond reports whether setting or moving the embargo to a moment needs a
// second person: to an earlier one than it has it does, or lifting it early would
// need none.
func MoveNeedsSecond(i Incident, at time.Time) bool {
	return i.Embargo.Dated() && !at.IsZero() && at.Before(i.Embargo.At)
}

// awoken gives what is put off without the clocks of the embargo: its moment is
// another one, and so are they, also when it comes back to an old one.
func awoken(p Plan, all map[string]Snooze) map[string]Snooze {
	out := map[string]Snooze{}
	for key, s := range all {
		if r, _ := p.ClockRule(key); r.From != "embargo" {
			out[key] = s
		}
	}
	return out
}

// Unfixed reports whether nobody could install a fix if everything were public now: the
// checklist has a release, it has not come to that, and none is planned or live.
func Unfixed(p Plan, i Incident) bool {
	if _, live := i.releasedAt(p); live || i.Release.N != 0 || slices.Index(Phases(), i.Phase) >= slices.Index(Phases(), Releasing) {
		return false
	}
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.By == "released" && Applies(p, i, s) })
}

// LiftNeedsSecond reports whether lifting the embargo now needs a second person:
// before its moment it does (plan, 7.4; it cannot be undone).
func LiftNeedsSecond(i Incident, now time.Time) bool {
	return i.Embargo.Dated() && now.Before(i.Embargo.At)
}

// LiftEmbargo ends it.
func LiftEmbargo(i Incident, why Sealed, who string, now time.Time) (Incident, Entry, error) {
	e := i.Embargo
	switch {
	case e.Over():
		return i, Entry{}, Refuse("embargo-is-over", "handle", i.Handle, "state", e.State, "at", e.EndedAt)
	case !e.Dated():
		return i, Entry{}, Refuse("embargo-none", "handle", i.Handle)
	}
	i.Embargo.State, i.Embargo.EndedAt = EmbargoLifted, now
	return i, Entry{Kind: "embargo-lifted", Who: who, At: now, Text: why}, nil
}

// BreakEmbargo notes that something leaked: disclosure is now. It needs one person,
// and a date need not have been set: what is known outside is not kept back.
func BreakEmbargo(i Incident, what Sealed, who string, now time.Time) (Incident, Entry, error) {
	if e := i.Embargo; e.Over() {
		return i, Entry{}, Refuse("embargo-is-over", "handle", i.Handle, "state", e.State, "at", e.EndedAt)
	}
	i.Embargo.State, i.Embargo.EndedAt = EmbargoBroken, now
	return i, Entry{Kind: "embargo-broken", Who: who, At: now, Text: what}, nil
}
