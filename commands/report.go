package commands

import (
	"maps"
	"slices"
	"strings"

	"tocsin/incidents"
	"tocsin/templates"
)

// How much of the record a report tells, and how many incidents the figures are of.
const (
	reportEntries  = 2000
	statsIncidents = 10000
)

func report() Command {
	return Command{
		Words: "report", About: One, Needs: Notices, Reads: true, Proves: true,
		Does: "write an incident's report: facts, timeline, times, what was skipped and why, who was told when", Example: "!report INC-7",
		Run: func(c *Call) (Reply, error) {
			if err := c.forReports(); err != nil {
				return Reply{}, err
			}
			entries, err := c.Tx.Timeline(c.I.N, reportEntries)
			if err != nil {
				return Reply{}, err
			}
			agreed, err := c.Tx.Agreements(c.I.N)
			return Reply{Template: "report", Facts: incidents.Report(*c.plan, c.I, entries, agreed, c.now)}, err
		},
	}
}

func reportPublic() Command {
	return Command{
		Words: "report public", About: One, Needs: Notices, Reads: true, Proves: true,
		Does: "write the report that everybody may read, once the details are public", Example: "!report public INC-7",
		Run: func(c *Call) (Reply, error) {
			if err := c.forReports(); err != nil {
				return Reply{}, err
			}
			if err := incidents.MayPublish(*c.plan, c.I); err != nil {
				return Reply{}, err
			}
			entries, err := c.Tx.Timeline(c.I.N, reportEntries)
			if err != nil {
				return Reply{}, err
			}
			f := incidents.PublicReport(*c.plan, c.I, entries, c.now)
			return Reply{Template: "report/public", Facts: f}, c.publishable("report/public", f)
		},
	}
}

// forReports refuses where not everything about the incident may be heard: a report
// is nothing else.
func (c *Call) forReports() error {
	if !c.clear(c.I.N).Clearance.Full() {
		return incidents.Refuse("report-private", "handle", c.I.Handle)
	}
	return nil
}

// publishable holds a text that everybody may read against the lint of such texts. What
// stops a draft stops it; so does what may name a person, since nobody approves it.
func (c *Call) publishable(template string, f incidents.Facts) error {
	clearance := c.clear(c.I.N).Clearance
	text, err := c.Book.Render(template, f, clearance)
	if err != nil {
		return err
	}
	ctx, err := c.lintContext(incidents.DraftFacts(*c.plan, c.I, c.now), use{})
	if err != nil {
		return err
	}
	// As they are written, too: as Markdown, a name may look otherwise.
	written := maps.Clone(f)
	if fresh, _ := f["fresh"].(bool); fresh { // then the report leaves them out
		delete(written, "details")
	}
	body := text.Text + "\n\n" + strings.ReplaceAll(incidents.Neutral(strings.Join(sealedIn(written, clearance), "\n")), "\ufffd", "")
	kind := templates.DraftKind{Key: "report", Name: "public report", Channel: templates.ByPost, Audience: templates.ForPublic, Public: true}
	found := []incidents.Facts{}
	for _, one := range templates.Lint(templates.Draft{Kind: kind, Body: incidents.Seal(body)}, ctx) {
		if one.Level == templates.LintError || one.Rule == "person-word" || one.Rule == "reporter-part" {
			found = append(found, incidents.Facts{"told": one.Told})
		}
	}
	if len(found) > 0 {
		return incidents.Refuse("report-held", "handle", c.I.Handle, "found", found)
	}
	return nil
}

// sealedIn gives the sealed texts in facts, also those in lists of facts.
func sealedIn(f incidents.Facts, clearance incidents.Clearance) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(f)) {
		switch v := f[key].(type) {
		case incidents.Sealed:
			if text := v.Reveal(clearance); text != "" {
				out = append(out, text)
			}
		case []incidents.Facts:
			for _, one := range v {
				out = append(out, sealedIn(one, clearance)...)
			}
		}
	}
	return out
}

func stats() Command {
	return Command{
		Words: "stats", About: Every, Needs: Notices, Reads: true,
		Does: "count all incidents, and how long they took to acknowledge, triage, fix and disclose",
		Run: func(c *Call) (Reply, error) {
			all, err := c.Tx.List("all", statsIncidents)
			if err != nil {
				return Reply{}, err
			}
			turns, err := c.Tx.Turns()
			return Reply{Template: "stats", Facts: incidents.Stats(*c.plan, all, turns, c.now)}, err
		},
	}
}
