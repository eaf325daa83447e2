package commands

import (
	"slices"
	"strings"

	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// Way is what the configuration lets the bot send by itself, one of incidents.Ways.
type Way struct {
	// From says from which account something is sent to these addresses, and what has
	// to be known of how: "security@example.org, encrypted". It is "" while the account
	// could not be looked up; the error is a refusal.
	From   func(to []string) (string, error)
	Limits templates.Limits // of the Mastodon instance; the zero value: the usual ones
}

// text is a draft as it stands for an incident now.
type text struct {
	templates.Draft
	forWhom  incidents.Sealed
	own      bool // the words are somebody's own, in place of the draft's
	words    store.Words
	facts    incidents.Facts
	findings []templates.Finding
	patches  []incidents.Patch // that go with it
	hash     incidents.Sealed  // of all of it
}

// use says what a text is checked for.
type use struct {
	to     []string
	thread bool
	limits templates.Limits
	// private: it goes into an advisory that is not published.
	private bool
}

// draftArg is the kind of a draft, which is sealed: it tells what sort of incident it
// is.
func draftArg() Arg { return Arg{Name: "kind", Kind: Word, Of: "draft", Sealed: true} }

// forArg is whom a draft is for, where several get one of the same kind.
func forArg() Arg {
	return Arg{Name: "NAME", Flag: "--for", Kind: OneLine, Optional: true, Sealed: true, Max: maxTitle}
}

// decline is what people type for the draft of an outcome, whichever it is.
const decline = "decline"

// draftKind finds the kind of a draft that was typed; the outcome is for decline only.
func (c *Call) draftKind(outcome string) (templates.DraftKind, error) {
	key := small(c.Str("kind"))
	if key == decline {
		for _, o := range c.plan.Outcomes {
			if o.Draft != "" && (o.Key == outcome || outcome == "" && c.I.Outcome.Same(incidents.Seal(o.Key))) {
				key = o.Draft
			}
		}
	}
	k, ok := c.Book.DraftKind(key)
	if ok {
		return k, nil
	}
	var declines []string
	for _, o := range c.plan.Outcomes {
		if o.Draft != "" {
			declines = append(declines, o.Key)
		}
	}
	if key == decline {
		return k, incidents.Refuse("draft-outcome", "handle", c.I.Handle, "outcomes", declines)
	}
	return k, incidents.Refuse("draft-unknown", "kinds", c.kinds())
}

// kinds lists the kinds of drafts there are, whatever the incident is.
func (c *Call) kinds() []string {
	var out []string
	for _, k := range c.Book.DraftKinds() {
		out = append(out, k.Key)
	}
	return out
}

// kindTyped finds the kind of a draft that was typed where no outcome is: "decline" is the
// draft of the incident's outcome, or else the only one of its kind that somebody put
// own words into.
func (c *Call) kindTyped() (templates.DraftKind, error) {
	k, err := c.draftKind("")
	if no, ok := incidents.AsRefusal(err); !ok || no.Key != "draft-outcome" {
		return k, err
	}
	var all, fit []string
	for _, o := range c.plan.Outcomes {
		if o.Draft == "" {
			continue
		}
		_, own, err := c.Tx.Words(c.I.N, o.Draft, c.Sealed("NAME"))
		if err != nil {
			return k, err
		}
		if all = append(all, o.Draft); own {
			fit = append(fit, o.Draft)
		}
	}
	if len(fit) != 1 {
		return k, incidents.Refuse("draft-which-decline", "declines", all)
	}
	k, _ = c.Book.DraftKind(fit[0])
	return k, nil
}

// text makes a draft from the incident's facts, or takes the words that somebody put
// in its place, and holds it against the lint.
func (c *Call) text(k templates.DraftKind, u use) (text, error) {
	clearance := c.clear(c.I.N).Clearance
	t := text{forWhom: c.Sealed("NAME"), facts: incidents.DraftFacts(*c.plan, c.I, c.now)}
	t.facts["recipient"] = t.forWhom
	var err error
	if k.Patches {
		if t.patches, err = c.Tx.Patches(c.I.N); err != nil {
			return t, err
		}
		if len(t.patches) > 0 {
			t.facts["patched"] = incidents.Seal("yes")
		}
	}
	if t.Draft, err = c.Book.Draft(k.Key, t.facts, clearance); err != nil {
		return t, err
	}
	if t.words, t.own, err = c.Tx.Words(c.I.N, k.Key, t.forWhom); err != nil {
		return t, err
	}
	if t.own { // what is missing in them shows as it does in a draft
		t.Subject, t.Body, t.Missing = t.words.Subject, t.words.Body, nil
	}
	ctx, err := c.lintContext(t.facts, u)
	if err != nil {
		return t, err
	}
	parts := []incidents.Sealed{incidents.Seal(k.Key), t.Subject, t.Body}
	for _, p := range t.patches {
		parts = append(parts, p.Name, p.Hash)
		ctx.Patches = append(ctx.Patches, templates.Patch{Name: p.Name, Body: p.Body})
	}
	t.findings, t.hash = templates.Lint(t.Draft, ctx), incidents.TextHash(parts...)
	return t, nil
}

// lintContext gives what a text of the incident is checked with, besides the text.
func (c *Call) lintContext(f incidents.Facts, u use) (templates.LintContext, error) {
	ctx := templates.LintContext{
		Clearance: c.clear(c.I.N).Clearance, Facts: f, Now: c.now, Recipients: u.to, Limits: u.limits, Thread: u.thread, Private: u.private,
		Prefix: c.Prefix, Rooms: slices.Clone(c.RoomNames), People: c.Roster.People(),
	}
	for _, d := range c.Desks {
		ctx.Rooms = append(ctx.Rooms, d.Room)
	}
	rooms, err := c.Tx.Rooms()
	if err != nil {
		return ctx, err
	}
	for _, r := range rooms {
		ctx.Rooms = append(ctx.Rooms, r.ID)
	}
	if ctx.Codenames, err = c.Tx.Codenames(); err != nil {
		return ctx, err
	}
	if ctx.IDs, err = c.idsBeside(); err != nil {
		return ctx, err
	}
	agreed, err := c.Tx.Agreements(c.I.N)
	for _, a := range agreed {
		if !a.Quote.Empty() {
			ctx.Quotes = append(ctx.Quotes, a.Quote)
		}
	}
	return ctx, err
}

// idsBeside gives the ids of the other incidents of the incident's release that may be
// named to everybody.
func (c *Call) idsBeside() ([]incidents.Sealed, error) {
	if c.I.Release.N == 0 {
		return nil, nil
	}
	r, err := c.Tx.ReleaseOf(c.I.N)
	if err != nil {
		return nil, err
	}
	carried, err := c.Tx.Carried(r)
	var out []incidents.Sealed
	for _, i := range carried {
		if i.N != c.I.N {
			out = append(out, incidents.OpenIDs(*c.plan, i, c.now)...)
		}
	}
	return out, err
}

// facts gives what is shown of a text, besides the incident.
func (t text) shown() incidents.Facts {
	f := incidents.Facts{
		"draft": incidents.Seal(t.Kind.Key), "says": incidents.Seal(t.Kind.Name), "channel": incidents.Seal(t.Kind.Channel), "for": t.forWhom,
		"section": incidents.Seal(t.Kind.Section), "origin": incidents.Seal(t.Kind.Source), "hash": incidents.ShortHash(t.hash),
		"subject": t.Subject, "body": t.Body, "own": t.own, "wroteby": t.words.By, "wroteat": t.words.At,
		"errors": t.found(templates.LintError), "warnings": t.found(templates.LintWarning), "blocked": templates.Blocks(t.findings),
		"mails": t.Kind.Mail, "posts": t.Kind.Channel == templates.ByMastodon,
		"patches": incidents.PatchFacts(t.patches),
	}
	notes := []incidents.Facts{}
	for _, n := range t.Note {
		notes = append(notes, incidents.Facts{"text": incidents.Seal(n)})
	}
	missing := []incidents.Facts{}
	for _, m := range t.Missing {
		missing = append(missing, incidents.Facts{"what": incidents.Seal(m.What), "mend": m.Say})
	}
	f["notes"], f["missing"] = notes, missing
	return f
}

// found gives the findings of a level; what is missing is a list of its own.
func (t text) found(level string) []incidents.Facts {
	out := []incidents.Facts{}
	for _, f := range t.findings {
		if f.Level == level && (f.Rule != "missing" || len(t.Missing) == 0) {
			out = append(out, incidents.Facts{"told": f.Told})
		}
	}
	return out
}

// rules names what the lint found, in its order.
func (t text) rules() string {
	var out []string
	for _, f := range t.findings {
		out = append(out, f.Rule)
	}
	return strings.Join(out, " ")
}

// open gives a sealed text of the incident to who may hear it.
func (c *Call) open(s incidents.Sealed) string {
	if !c.clear(c.I.N).Clearance.Full() {
		return ""
	}
	return s.Reveal(c.clear(c.I.N).Clearance)
}
