package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"tocsin/incidents"
)

// DraftKind is a kind of text for somebody outside: what the header of its file says.
type DraftKind struct {
	Key      string // the name of its file without .tmpl, and what people type
	Name     string
	Channel  string // see Channels
	Audience string // see Audiences
	Public   bool   // everybody can read it
	Mail     bool   // the bot may mail it, where the configuration lets it
	Upgrade  bool   // it tells of a fix, so it has to say that one should upgrade
	Patches  bool   // the incident's patches go with it
	Section  string // of the plan
	Source   string // who asks for it, when the plan does not
}

// The channels that a draft can be for.
const (
	ByMail     = "mail"     // plain text, wrapped at Columns
	ByMastodon = "mastodon" // counted as Mastodon counts
	ByAdvisory = "advisory" // Markdown, for a GitHub Security Advisory
	ByPost     = "post"     // Markdown, for a public issue or a page
	ByNotes    = "notes"    // reStructuredText, for the release notes; wrapped at Columns
)

// The audiences that a draft can be for.
const (
	ForReporter   = "reporter"
	ForDistros    = "distros"
	ForUpstream   = "upstream"
	ForDownstream = "downstream"
	ForPublic     = "public"
)

// Channels lists what a draft can be for, as its header names it.
func Channels() []string { return []string{ByMail, ByMastodon, ByAdvisory, ByPost, ByNotes} }

// Audiences lists whom a draft can be for, as its header names them.
func Audiences() []string {
	return []string{ForReporter, ForDistros, ForUpstream, ForDownstream, ForPublic}
}

// wrapped reports whether its lines are wrapped: GitHub and Mastodon show a line
// break in a text as one.
func (k DraftKind) wrapped() bool { return k.Channel == ByMail || k.Channel == ByNotes }

// Draft is a text for somebody outside, made from an incident's facts.
type Draft struct {
	Kind    DraftKind
	Subject incidents.Sealed // empty where there is none; one line
	Body    incidents.Sealed // lines separated by "\n"; none at the end
	Note    []string         // to the maintainers, not part of the text; says nothing of the facts
	Missing []Lack           // facts that it needs and that are not known
}

// draftFile is a file of drafts/, ready to be rendered.
type draftFile struct {
	kind DraftKind
	file string // its name, for errors
	body *template.Template
}

// DraftKinds lists the kinds of drafts there are, by key.
func (b *Book) DraftKinds() []DraftKind {
	var out []DraftKind
	for _, d := range b.drafts {
		out = append(out, d.kind)
	}
	return out
}

// DraftKind finds a kind by key.
func (b *Book) DraftKind(key string) (DraftKind, bool) {
	for _, d := range b.drafts {
		if d.kind.Key == key {
			return d.kind, true
		}
	}
	return DraftKind{}, false
}

// CheckDrafts wants a draft for each outcome, step and clock of a plan that names one.
func (b *Book) CheckDrafts(p incidents.Plan) error {
	var errs []error
	for _, o := range p.Outcomes {
		if k, ok := b.DraftKind(o.Draft); o.Draft != "" && (!ok || k.Audience != ForReporter) {
			errs = append(errs, fmt.Errorf("outcome %s: there is no draft %q for the reporter", o.Key, o.Draft))
		}
	}
	for _, s := range p.Steps {
		if k, ok := b.DraftKind(s.Draft); s.Draft != "" && (!ok || s.By == "acknowledged" && k.Audience != ForReporter) {
			errs = append(errs, fmt.Errorf("step %s: there is no draft %q for it", s.Key, s.Draft))
		}
	}
	for _, c := range p.Clocks {
		if k, ok := b.DraftKind(c.Draft); c.Draft != "" && (!ok || k.Audience != ForReporter) {
			errs = append(errs, fmt.Errorf("clock %s: there is no draft %q for the reporter", c.Key, c.Draft))
		}
	}
	return errors.Join(errs...)
}

// Draft makes a draft from the facts that incidents.DraftFacts gives. It is for full
// clearance only: below that there is an error and nothing else. A fact that is
// missing is named in the text where it belongs, with the command that sets it.
func (b *Book) Draft(kind string, f incidents.Facts, c incidents.Clearance) (Draft, error) {
	if !c.Full() {
		return Draft{}, errors.New("a draft is for full clearance only")
	}
	for _, d := range b.drafts {
		if d.kind.Key == kind {
			return d.render(f, c)
		}
	}
	return Draft{}, fmt.Errorf("there is no draft %q", kind)
}

// missingKey is where a template's facts hold the list of what was missing. No
// template can name it.
const missingKey = " missing"

func (d draftFile) render(f incidents.Facts, c incidents.Clearance) (Draft, error) {
	facts, _ := plain(f.Opened(c), true).(map[string]any)
	var missing []Lack
	facts[missingKey] = &missing
	subject, err := d.execute("subject", facts)
	if err != nil {
		return Draft{}, err
	}
	body, err := d.execute("", facts)
	if err != nil {
		return Draft{}, err
	}
	// A note is no sealed text. So its facts are those of an audience that may hear
	// nothing: it can ask whether there is one, and cannot say it.
	hints, _ := plain(f.Opened(incidents.Clearance{}), false).(map[string]any)
	hints[missingKey] = new([]Lack)
	note, err := d.execute("note", hints)
	if err != nil {
		return Draft{}, err
	}
	if body = tidy(body); d.kind.wrapped() {
		body = Wrap(body, Columns)
	}
	out := Draft{Kind: d.kind, Subject: incidents.Seal(strings.Join(strings.Fields(incidents.Neutral(subject)), " ")), Body: incidents.Seal(body), Missing: missing}
	for line := range strings.SplitSeq(note, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out.Note = append(out.Note, line)
		}
	}
	return out, nil
}

// execute runs one part of a file: its text (""), "subject" or "note".
func (d draftFile) execute(part string, facts map[string]any) (string, error) {
	t := d.body
	if part != "" {
		if t = d.body.Lookup(part); t == nil {
			return "", nil
		}
	}
	var out strings.Builder
	if err := t.Execute(&out, facts); err != nil {
		return "", errors.New(cause(err))
	}
	return out.String(), nil
}

// tidy makes a text that can be sent: neutral, without blank lines at its ends or
// two in a row, without blanks at the ends of lines. What is code stays as it is,
// but for those blanks.
func tidy(raw string) string {
	var out []string
	code := false
	for line := range strings.SplitSeq(incidents.Neutral(raw), "\n") {
		line = strings.TrimRight(line, " ")
		if strings.HasPrefix(line, fence) {
			code = !code
		}
		if line == "" && !code && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// draftFuncs are what the words of drafts can use besides the facts.
func draftFuncs() template.FuncMap {
	return template.FuncMap{
		"need": need,
		"underline": func(text, with string) string {
			return strings.Repeat(with, utf8.RuneCountInString(text))
		},
	}
}

// need gives a fact, or says that it is missing and how to mend that.
func need(facts map[string]any, name string) (string, error) {
	if text, _ := facts[name].(string); text != "" {
		return text, nil
	}
	what, say, ok := mendOf(facts, name)
	if !ok {
		return "", fmt.Errorf("no command sets the fact %q", name)
	}
	if list, ok := facts[missingKey].(*[]Lack); ok && !slices.ContainsFunc(*list, func(l Lack) bool { return l.What == what }) {
		l := Lack{What: what}
		if strings.HasPrefix(say, "!") {
			l.Say = incidents.Seal(say)
		}
		*list = append(*list, l)
	}
	return fmt.Sprintf("<missing: %s, say %s>", what, say), nil
}

// Posts gives a text as it would be posted on Mastodon, where something may be posted
// in a thread in several parts, and the length of each as Mastodon counts. It opens the
// text: below full clearance there is nothing.
func (d Draft) Posts(thread bool, l Limits, c incidents.Clearance) (posts []incidents.Sealed, lengths []int) {
	if !c.Full() {
		return nil, nil
	}
	if l == (Limits{}) {
		l = UsualLimits()
	}
	body := d.Body.Reveal(c)
	parts := []string{body}
	if thread {
		parts = SplitThread(body, l)
	}
	for _, part := range parts {
		posts, lengths = append(posts, incidents.Seal(part)), append(lengths, MastodonLength(part, l))
	}
	return posts, lengths
}
