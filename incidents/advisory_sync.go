package incidents

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AdvisoryFields lists what an incident and its advisory both hold, in the order in
// which it is shown.
func AdvisoryFields() []string {
	return []string{"title", "description", "severity", "cwe", "affected", "fixed", "cve"}
}

// The states of a field that both hold.
const (
	SyncSame     = "same"
	SyncOurs     = "ours"     // we changed it since both were the same, or GitHub has none: push
	SyncTheirs   = "theirs"   // it changed on GitHub, or we have none: pull
	SyncConflict = "conflict" // both changed: a person picks
	SyncNone     = "none"     // neither has it
)

// Both is a field that an incident and its advisory hold.
type Both struct {
	Field        string
	Ours, Theirs Sealed
	State        string
}

// Agreed is what both sides had the last time that they were the same, by field.
type Agreed map[string]Sealed

// CompareAdvisory holds an incident against its advisory, field by field. description
// is the text that would be published, and empty where it lacks something.
func CompareAdvisory(i Incident, a Advisory, description Sealed, agreed Agreed) []Both {
	var out []Both
	for _, name := range AdvisoryFields() {
		b := Both{Field: name, Ours: ourField(i, name, description), Theirs: theirField(a, name)}
		base, known := agreed[name]
		switch {
		case b.Ours.Empty() && b.Theirs.Empty():
			b.State = SyncNone
		case sameField(i, a, name, b.Ours, b.Theirs):
			b.State = SyncSame
		case b.Ours.Empty():
			b.State = SyncTheirs
		case b.Theirs.Empty() && (!known || base.Empty()):
			b.State = SyncOurs
		case known && sameText(b.Theirs, base):
			b.State = SyncOurs
		case known && sameText(b.Ours, base):
			b.State = SyncTheirs
		default:
			b.State = SyncConflict
		}
		out = append(out, b)
	}
	return out
}

// Meet gives what both sides agree on after a look: fields that are the same now take
// the place of what was agreed before.
func Meet(i Incident, a Advisory, description Sealed, agreed Agreed) Agreed {
	out := Agreed{}
	for name, v := range agreed {
		out[name] = v
	}
	for _, b := range CompareAdvisory(i, a, description, agreed) {
		if b.State == SyncSame {
			out[b.Field] = b.Theirs
		}
	}
	return out
}

// AgreedOf gives what an advisory says, as what is agreed: at the moment when an
// incident is made from it.
func AgreedOf(a Advisory) Agreed {
	out := Agreed{}
	for _, name := range AdvisoryFields() {
		out[name] = theirField(a, name)
	}
	return out
}

func ourField(i Incident, name string, description Sealed) Sealed {
	switch name {
	case "title":
		return i.Title
	case "description":
		return description
	case "severity":
		return firstSealed(i.Vector, Seal(i.Level))
	case "cwe":
		return i.CWE
	case "affected":
		return rangeOf(knownOf(saidOf(i.Affected)))
	case "fixed":
		return versionOf(i.Fixed)
	case "cve":
		return i.CVE
	}
	return Sealed{}
}

func theirField(a Advisory, name string) Sealed {
	switch name {
	case "title":
		return a.Title
	case "description":
		return a.Description
	case "severity":
		return firstSealed(a.Vector, a.Severity)
	case "cwe":
		return joinSealed(", ", a.CWEs...)
	case "affected":
		return a.Affected
	case "fixed":
		return a.Fixed
	case "cve":
		return a.CVE
	}
	return Sealed{}
}

// sameField compares as GitHub keeps things: a title that was cut is the same one, of
// several weaknesses ours is one, and a level says no more than the vector it comes of.
func sameField(i Incident, a Advisory, name string, ours, theirs Sealed) bool {
	switch name {
	case "title":
		return sameText(ours, theirs) || ours.Same(titleOf(a))
	case "cwe":
		return slices.ContainsFunc(a.CWEs, ours.Same)
	case "severity":
		return ours.Same(theirs) || i.Vector.Empty() && a.Severity.Same(ours)
	case "affected":
		return sameText(ours, rangeOf(theirs))
	}
	return sameText(ours, theirs)
}

// sameText compares texts but for how their lines end and what is blank around them.
func sameText(a, b Sealed) bool {
	clean := func(text string) string {
		var lines []string
		for _, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
			lines = append(lines, strings.TrimRight(line, " \t"))
		}
		return strings.TrimSpace(strings.Join(lines, "\n"))
	}
	return mapSealed(a, clean).Same(mapSealed(b, clean))
}

// Pull takes a field of the advisory into the incident, by the same rule as by hand.
// Where it gives words, these take the place of the draft of the advisory.
func Pull(p Plan, i Incident, a Advisory, field, who string, now time.Time) (out Incident, e Entry, words Sealed, err error) {
	theirs := theirField(a, field)
	if !slices.Contains(AdvisoryFields(), field) {
		return i, e, words, Refuse("unknown-key", "kind", "field", "keys", AdvisoryFields())
	}
	if theirs.Empty() {
		return i, e, words, Refuse("advisory-pull-none", "handle", i.Handle, "field", field)
	}
	switch field {
	case "title":
		out, e, err = Retitle(i, titleOf(a), who, now)
	case "description":
		if a.State == AdvisoryTriage { // it is the report
			out, e, err = SetFact(i, "details", word(theirs), who, now)
			return out, e, words, err
		}
		return i, Entry{Kind: "draft-edited", Who: who, At: now, Text: Seal("advisory, as on GitHub")}, theirs, nil
	case "severity":
		out, e, err = SetSeverity(p, i, word(theirs), Seal("as on GitHub"), who, now)
	case "cwe":
		out, e, err = SetFact(i, "cwe", word(a.CWEs[0]), who, now)
	default:
		out, e, err = SetFact(i, field, word(theirs), who, now)
	}
	return out, e, words, err
}

// The kinds of acts on an advisory.
const (
	ActOpen         = "open" // makes an incident of it: nothing is written on GitHub
	ActCreate       = "create"
	ActPush         = "push"
	ActCVE          = "cve"
	ActFork         = "fork"
	ActCollaborator = "collaborator"
	ActCredit       = "credit"
	ActAccept       = "accept"
	ActPublish      = "publish"
	ActClose        = "close"
)

// AdvisoryAct is one thing that is to be done on GitHub.
type AdvisoryAct struct {
	Kind   string
	GHSA   Sealed // empty: it is to be made
	Want   Agreed // push and create: what the fields are to be
	Expect Agreed // push, publish: what they are, as whoever asked for it saw them
	Login  Sealed // collaborator, credit
	Credit string // credit: its type
	By     string
	Second string // who approved it, or ""
	Fixed  Sealed // publish: why it may go out before a version is live; empty: it is live
}

// Say names an act for the record, without whom it is about: "push: title, severity".
func (a AdvisoryAct) Say() Sealed {
	var fields []string
	for _, name := range AdvisoryFields() {
		if _, ok := a.Want[name]; ok {
			fields = append(fields, name)
		}
	}
	return joinSealed(": ", Seal(a.Kind), Seal(strings.Join(fields, ", ")))
}

// Facts gives an act as its row keeps it.
func (a AdvisoryAct) Facts() Facts {
	f := Facts{"kind": a.Kind, "ghsa": a.GHSA, "login": a.Login, "credit": Seal(a.Credit), "by": a.By, "second": a.Second, "override": a.Fixed}
	for prefix, all := range map[string]Agreed{"want ": a.Want, "expect ": a.Expect} {
		for name, v := range all {
			f[prefix+name] = v
		}
	}
	return f
}

// AdvisoryActOf gives the act of a row's facts.
func AdvisoryActOf(f Facts) AdvisoryAct {
	s := func(name string) Sealed { v, _ := f[name].(Sealed); return v }
	t := func(name string) string { v, _ := f[name].(string); return v }
	a := AdvisoryAct{Kind: t("kind"), GHSA: s("ghsa"), Login: s("login"), Credit: word(s("credit")), By: t("by"), Second: t("second"), Fixed: s("override")}
	for prefix, to := range map[string]*Agreed{"want ": &a.Want, "expect ": &a.Expect} {
		for name, v := range f {
			if field, ok := strings.CutPrefix(name, prefix); ok {
				if *to == nil {
					*to = Agreed{}
				}
				(*to)[field], _ = v.(Sealed)
			}
		}
	}
	return a
}

// ExpectOf gives all that goes out when an advisory is published, as it was seen.
func ExpectOf(a Advisory) Agreed {
	out := AgreedOf(a)
	out["packages"] = Seal(strconv.Itoa(a.Packages))
	return out
}

// Moved lists the fields of a push, or of what is to be published, that are not as
// whoever asked for it saw them: somebody changed them on GitHub since, and nothing is
// overwritten, and nothing goes out, that nobody saw.
func (a AdvisoryAct) Moved(now Advisory) []Both {
	var out []Both
	is, want := ExpectOf(now), a.Want
	if a.Kind == ActPublish {
		want = a.Expect
	}
	for _, name := range append(AdvisoryFields(), "packages") {
		ours, asked := want[name]
		theirs := is[name]
		if asked && !sameText(theirs, a.Expect[name]) && !sameText(theirs, ours) {
			b := Both{Field: name, Ours: ours, Theirs: theirs, State: SyncConflict}
			if name == "description" {
				b.Ours, b.Theirs = Sized(ours), Sized(theirs)
			}
			out = append(out, b)
		}
	}
	return out
}

// Sized says how long a text is instead of saying it.
func Sized(s Sealed) Sealed {
	if s.Empty() {
		return s
	}
	return Seal("a text of " + strconv.Itoa(s.Length()) + " characters")
}

// Done reports whether an advisory is as an act wants it: then it was done.
func (a AdvisoryAct) Done(now Advisory) bool {
	switch a.Kind {
	case ActPush, ActCreate:
		for name, want := range a.Want {
			theirs := theirField(now, name)
			if name == "cwe" && slices.ContainsFunc(now.CWEs, want.Same) {
				continue
			}
			if !sameText(theirs, want) {
				return false
			}
		}
		return true
	case ActFork:
		return !now.Fork.Empty()
	case ActCollaborator:
		return slices.ContainsFunc(now.Collaborators, func(s Sealed) bool { return sameLogin(s, a.Login) })
	case ActCredit:
		return slices.ContainsFunc(now.Credits, func(c AdvisoryCredit) bool { return sameLogin(c.Login, a.Login) && c.Type == a.Credit })
	case ActAccept:
		return now.State == AdvisoryDraft || now.State == AdvisoryPublished
	case ActPublish:
		return now.State == AdvisoryPublished
	case ActClose:
		return now.State == AdvisoryClosed
	}
	return false // whether a CVE was asked for is not told
}

// Explains reports whether a change is what an act does.
func (a AdvisoryAct) Explains(n AdvisoryNews) bool {
	switch a.Kind {
	case ActPush:
		_, ok := a.Want[map[string]string{"vector": "severity"}[n.What]]
		_, same := a.Want[n.What]
		return ok || same
	case ActFork:
		return n.What == "fork"
	case ActCollaborator:
		return n.What == "collaborator-added" && sameLogin(n.Who, a.Login)
	case ActCredit:
		return strings.HasPrefix(n.What, "credit-") && sameLogin(n.Who, a.Login)
	case ActAccept:
		return n.What == "accepted"
	case ActPublish:
		return n.What == AdvisoryPublished
	case ActClose:
		return n.What == AdvisoryClosed
	}
	return false
}

// ScoresDiffer reports whether GitHub reckons another score for the incident's vector
// than we do, beyond how they are rounded.
func ScoresDiffer(i Incident, a Advisory) bool {
	ours, err := strconv.ParseFloat(word(lastWord(i.Score)), 64)
	theirs, err2 := strconv.ParseFloat(word(a.Score), 64)
	return err == nil && err2 == nil && math.Abs(ours-theirs) > 0.049
}

// sameLogin compares logins as GitHub does, which has no two that differ in case only.
func sameLogin(a, b Sealed) bool {
	low := func(s string) string { return strings.ToLower(s) }
	return mapSealed(a, low).Same(mapSealed(b, low))
}

// IsLogin reports whether a text can be a login of GitHub's: letters, digits and single
// hyphens, 39 at most.
func IsLogin(text string) bool {
	if text == "" || len(text) > 39 || strings.HasPrefix(text, "-") || strings.HasSuffix(text, "-") || strings.Contains(text, "--") {
		return false
	}
	for _, r := range text {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') {
			return false
		}
	}
	return true
}

// BothFacts gives the facts of fields that are compared.
func BothFacts(all []Both) []Facts {
	out := []Facts{}
	for _, b := range all {
		out = append(out, Facts{"field": b.Field, "ours": b.Ours, "theirs": b.Theirs, "sync": Seal(b.State)})
	}
	return out
}

// What keeps an advisory from being published on GitHub, by the keys that templates
// have words for: each one is a refusal with 422. Sources: the API's description, and
// what maintainers met.
const (
	LackState       = "state"
	LackTitle       = "title"
	LackDescription = "description"
	LackSeverity    = "severity"
	LackPackage     = "package"
	LackFixed       = "fixed"   // not refused, but then the world is alerted without a fix
	LackCredit      = "credit"  // not refused: only accepted credits show
	LackUnsaid      = "changed" // ours and theirs differ
	LackDraft       = "draft"   // ours lacks something, so that its text is none that we agreed on
)

// Lack is one thing that keeps an advisory from being published, or that whoever
// publishes it has to know.
type Lack struct {
	What  string
	Hard  bool // GitHub would refuse it
	Count int
}

// Preflight lists what is wrong with an advisory that is about to be published.
func Preflight(a Advisory, both []Both) []Lack {
	var out []Lack
	hard := func(what string, is bool) {
		if is {
			out = append(out, Lack{What: what, Hard: true})
		}
	}
	hard(LackState, a.State != AdvisoryDraft)
	hard(LackTitle, a.Title.Empty())
	hard(LackDescription, a.Description.Empty())
	hard(LackSeverity, a.Severity.Empty() && a.Vector.Empty())
	hard(LackPackage, a.Packages == 0 || a.Affected.Empty())
	hard(LackFixed, a.Fixed.Empty() || a.Gaps > 0)
	n := 0
	for _, b := range both {
		if b.State != SyncSame && b.State != SyncNone {
			n++
		}
	}
	if n > 0 {
		out = append(out, Lack{What: LackUnsaid, Hard: true, Count: n})
	}
	pending := 0
	for _, c := range a.Credits {
		if c.State == "pending" {
			pending++
		}
	}
	if pending > 0 {
		out = append(out, Lack{What: LackCredit, Count: pending})
	}
	return out
}

// LackFacts gives the facts of what keeps an advisory from being published.
func LackFacts(all []Lack) []Facts {
	out := []Facts{}
	for _, l := range all {
		out = append(out, Facts{"what": Seal(l.What), "hard": l.Hard, "count": l.Count})
	}
	return out
}
