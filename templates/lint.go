package templates

import (
	"fmt"
	"strings"
	"time"

	"tocsin/incidents"
)

// The levels of a finding.
const (
	LintError   = "error"   // the text cannot be approved
	LintWarning = "warning" // whoever approves it has to have thought of it
)

// LintContext is everything that the rules need besides the text.
type LintContext struct {
	// Clearance of whoever asks. The text is opened with it: below full nothing can
	// be checked, and that is an error.
	Clearance incidents.Clearance
	Facts     incidents.Facts // that incidents.DraftFacts gives for the incident as it is now
	Now       time.Time

	Patches    []Patch            // that go with it
	Recipients []string           // addresses that it goes to; none: not known yet
	IDs        []incidents.Sealed // ids of others that are meant, as in the notes of a release with several fixes
	Quotes     []incidents.Sealed // what the reporter said or wrote, as it is on record
	Limits     Limits             // of the Mastodon instance; the zero value: UsualLimits
	Thread     bool               // it is to be split into a thread

	Prefix    string             // of handles: "INC"
	Codenames []string           // of all incidents
	Rooms     []string           // names, aliases and ids of the bot's rooms
	People    []incidents.Person // of the roster
	Meant     []string           // names of people that may be named
	Private   bool               // it goes where only those read it who may: into an advisory that is not published
}

// Patch is a change to the code that goes with a text.
type Patch struct{ Name, Body incidents.Sealed }

// Finding is what a rule has against a text. What it tells may quote the text, so it
// is sealed.
type Finding struct {
	Rule  string
	Level string
	Told  incidents.Sealed
}

// OfPatch reports whether it is about a patch that goes with the text.
func (f Finding) OfPatch() bool { return strings.HasPrefix(f.Rule, "patch-") }

// LintRule is a rule of the lint, for people to read.
type LintRule struct{ Key, Level, Says string }

// LintRules lists the rules in their order.
func LintRules() []LintRule {
	var out []LintRule
	for _, r := range rules() {
		out = append(out, LintRule{r.key, r.level, r.says})
	}
	return out
}

// Blocks reports whether one of the findings stops an approval.
func Blocks(findings []Finding) bool {
	for _, f := range findings {
		if f.Level == LintError {
			return true
		}
	}
	return false
}

// Lint holds a draft against the rules: first what stops it, then what it asks. A
// draft that somebody has edited is checked as it is now.
func Lint(d Draft, ctx LintContext) []Finding {
	if !ctx.Clearance.Full() {
		return []Finding{{"clearance", LintError, incidents.Seal("A text can be checked only where everything may be heard.")}}
	}
	t := &checked{ctx: ctx, kind: d.Kind, facts: map[string]string{}}
	for _, l := range d.Missing {
		t.missing = append(t.missing, l.What)
	}
	t.subject, t.body = t.open(d.Subject), t.open(d.Body)
	t.unfilled = placeholders(t.all())
	t.subject, t.body = filled(t.subject), filled(t.body)
	t.read()
	for k, v := range ctx.Facts.Opened(ctx.Clearance) {
		t.facts[k], _ = v.(string)
	}
	if t.ctx.Limits == (Limits{}) {
		t.ctx.Limits = UsualLimits()
	}
	t.readPatches()
	var out []Finding
	for _, level := range []string{LintError, LintWarning} {
		for _, r := range rules() {
			if r.level != level || (r.on != nil && !r.on(t)) {
				continue
			}
			if found := r.find(t); len(found) > 0 {
				out = append(out, Finding{r.key, r.level, incidents.Seal(tell(r.says, found))})
			}
		}
	}
	return out
}

// tell says what a rule wants, and what it found instead.
func tell(says string, found []string) string {
	const most = 5
	var quoted []string
	for k, f := range found {
		if f == "" {
			continue
		}
		if k == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(found)-most))
			break
		}
		quoted = append(quoted, f)
	}
	if len(quoted) == 0 {
		return says + "."
	}
	return says + ": " + strings.Join(quoted, "; ") + "."
}

// rule is one thing that a text has to be, or may not be.
type rule struct {
	key   string
	level string
	says  string                    // what is wrong, as a sentence without its full stop
	on    func(*checked) bool       // the texts it is for; nil: all
	find  func(t *checked) []string // what is wrong in it, for people; an empty string adds nothing to says
}

// checked is a text with what is known about it, all of it opened.
type checked struct {
	ctx           LintContext
	kind          DraftKind
	subject, body string
	missing       []string
	unfilled      []string // placeholders, which are not in subject and body any more: what is in them is an example
	facts         map[string]string

	plain string // subject and body in their normal form, see spelled
	low   string // the same in small letters
	words string // its words alone

	patches []*checked // what is new in them; the body
	unread  []string   // names of patches of which something was left out
}

// read derives the forms of a text from it.
func (t *checked) read() {
	t.plain = spelled(t.all())
	t.low = strings.ToLower(t.plain)
	t.words = letters(t.low)
}

func (t *checked) open(s incidents.Sealed) string {
	return s.Reveal(t.ctx.Clearance)
}

// all is subject and body.
func (t *checked) all() string { return t.subject + "\n" + t.body }

// has reports whether a fact is known.
func (t *checked) has(fact string) bool { return t.facts[fact] != "" }

// says reports whether the text has a passage, however it is wrapped and written in
// capital letters.
func (t *checked) says(passage string) bool {
	return passage != "" && strings.Contains(flat(t.all()), flat(passage))
}

// flat gives a text in small letters with one blank between its words.
func flat(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// The texts that rules are for.

func isPublic(t *checked) bool   { return t.kind.Public }
func isDistros(t *checked) bool  { return t.kind.Audience == ForDistros }
func isMail(t *checked) bool     { return t.kind.Channel == ByMail }
func isMastodon(t *checked) bool { return t.kind.Channel == ByMastodon }
func isAdvisory(t *checked) bool { return t.kind.Channel == ByAdvisory }

// toLists: the distributions' lists and oss-security.
func toLists(t *checked) bool { return isDistros(t) || isMail(t) && isPublic(t) }

// others: everybody but the reporter.
func others(t *checked) bool { return t.kind.Audience != ForReporter }

// many: what many read, of whom we know few.
func many(t *checked) bool { return isPublic(t) || isDistros(t) }

// early: nothing of it may be public yet.
func early(t *checked) bool { return t.has("locked") && !t.ctx.Private }
