package templates

import (
	"net/url"
	"slices"
	"strings"

	"tocsin/incidents"
)

// checkParts holds tracks, steps and clocks against what the rules know.
func checkParts(p *incidents.Plan, bad func(string, ...any)) {
	c := partChecker{p, bad}
	for _, t := range p.Tracks {
		what := "track " + t.Key
		c.keys(what, "type", t.Types)
		c.keys(what, "level", t.Levels)
		c.events(what, t.Unless)
	}
	if !slices.ContainsFunc(p.Tracks, func(t incidents.Track) bool { return t.Embargo }) {
		bad("no [[track]] has embargo = true; the one on which nothing goes out before the embargo is over needs it, whatever its key")
	}
	for _, n := range incidents.Needed() {
		if kind, key := n[0], n[1]; !slices.Contains(p.Keys(kind), key) {
			bad("there is no [[%s]] with key = %q; every plan has one, under any name, because rules speak of it", kind, key)
		}
	}
	for _, s := range p.Steps {
		c.step(s)
	}
	for _, k := range p.Clocks {
		c.clock(k)
	}
	c.drafts()
}

type partChecker struct {
	p   *incidents.Plan
	bad func(string, ...any)
}

// keys wants every key of a list to be one of the plan's.
func (c partChecker) keys(what, kind string, keys []string) {
	for _, k := range keys {
		if !slices.Contains(c.p.Keys(kind), k) {
			c.bad("%s: %q is no %s", what, k, kind)
		}
	}
}

// events wants every event of a list to be one that the rules know.
func (c partChecker) events(what string, events []string) {
	for _, e := range events {
		if key, ok := strings.CutPrefix(e, "step:"); ok {
			c.keys(what, "step", []string{key})
		} else if !slices.Contains(incidents.Events(), e) {
			c.bad("%s: %q is no event; there are step:KEY and %s", what, e, strings.Join(incidents.Events(), ", "))
		}
	}
}

func (c partChecker) step(s incidents.Step) {
	what := "step " + s.Key
	c.keys(what, "track", s.Tracks)
	c.keys(what, "level", s.Levels)
	c.keys(what, "outcome", s.Outcomes)
	c.after(what, s)
	c.events(what, s.When)
	c.events(what, s.Unless)
	if s.By != "" {
		c.events(what, []string{s.By})
	}
	if s.By == "disclosed" {
		c.bad("%s: no step is done by %q, which steps do", what, s.By)
	}
	if strings.HasPrefix(s.By, "step:") {
		c.bad("%s: by is an event, and no step", what)
	}
	for _, role := range []string{s.Role, s.NotRole} {
		if role != "" {
			c.keys(what, "role", []string{role})
		}
	}
	if s.Name == "" || s.Section == "" {
		c.bad("%s: name and section are missing", what)
	}
	if s.Extra && s.Source == "" {
		c.bad("%s: what is extra names its source", what)
	}
	if s.Contact != "" {
		c.keys(what, "contact", []string{s.Contact})
	}
	if s.Draft != "" && s.By != "" && s.By != "acknowledged" {
		c.bad("%s: a draft does a step that is done by word, or by the acknowledgement, and not one that is done by %q", what, s.By)
	}
	if s.Phase != "" && !slices.Contains(incidents.Phases(), s.Phase) {
		c.bad("%s: phase %q is none of %v", what, s.Phase, incidents.Phases())
	}
	if key, ok := strings.CutPrefix(s.Gate, "clock:"); ok {
		c.keys(what, "clock", []string{key})
	} else if !slices.Contains([]string{"", "embargo", "window"}, s.Gate) {
		c.bad(`%s: gate is "embargo", "window" or "clock:KEY"`, what)
	}
}

// drafts wants every draft to do one thing at most when it is sent.
func (c partChecker) drafts() {
	does := map[string]string{}
	one := func(what, draft string) {
		if draft != "" && does[draft] != "" {
			c.bad("%s: the draft %q does %s already", what, draft, does[draft])
		}
		does[draft] = what
	}
	for _, s := range c.p.Steps {
		one("step "+s.Key, s.Draft)
	}
	for _, k := range c.p.Clocks {
		one("clock "+k.Key, k.Draft)
	}
}

// after wants the steps that come before a step to stand before it, so that none
// waits for itself.
func (c partChecker) after(what string, s incidents.Step) {
	c.keys(what, "step", s.After)
	keys := c.p.Keys("step")
	for _, key := range s.After {
		if at := slices.Index(keys, key); at >= slices.Index(keys, s.Key) {
			c.bad("%s: after names a step that stands before it, and %q does not", what, key)
		}
	}
}

func (c partChecker) clock(k incidents.ClockRule) {
	what := "clock " + k.Key
	c.events(what, append([]string{k.From}, k.When...))
	c.events(what, k.Until)
	c.keys(what, "track", k.Tracks)
	c.keys(what, "level", k.Levels)
	c.keys(what, "outcome", k.Outcomes)
	if k.Role != "heir" { // who was asked to take the lead over
		c.keys(what, "role", []string{k.Role})
	}
	if k.Extra && k.Source == "" {
		c.bad("%s: what is extra names its source", what)
	}
	if k.Draft != "" && k.From != "updated" {
		c.bad(`%s: a draft begins a clock anew that counts from "updated", and no other`, what)
	}
	if k.Repeat == 0 && k.From != "handoff" {
		c.bad("%s: repeat is at least a minute, for what is overdue is said again; only a handoff ends by itself", what)
	}
	ahead := slices.Contains([]string{"embargo", "reporter-date", "quarterly", "lead-away"}, k.From)
	for i, r := range k.Rungs {
		if i > 0 && r <= k.Rungs[i-1] {
			c.bad("%s: rungs rise", what)
		}
		if r <= 0 && !ahead {
			c.bad("%s: rungs come after it began; only what counts from a date ahead has some before", what)
		}
	}
	if len(k.Rungs) == 0 || k.Rungs[len(k.Rungs)-1] != k.Due {
		c.bad("%s: rungs end with due", what)
	}
}

// checkOutside holds what drafts are made from against what they rely on.
func checkOutside(p *incidents.Plan, bad func(string, ...any)) {
	o := p.Outside
	if _, err := incidents.CleanLine(o.Upgrade, 200); o.Upgrade != "" && err != nil {
		bad("outside: upgrade is one line, at most 200 letters")
	}
	if u, err := url.Parse(o.Advisories); o.Advisories != "" && (err != nil || u.Scheme != "https" || u.Host == "" || strings.HasSuffix(o.Advisories, "/")) {
		bad("outside: advisories is an address that begins with https:// and has no slash at the end")
	}
	if o.FreshDays < 0 || o.FreshDays > 90 {
		bad("outside: fresh_days is a number of days, 0 to 90")
	}
}
