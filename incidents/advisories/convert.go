package advisories

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/bridges/github"
	"tocsin/incidents"
)

// taken gives an advisory of GitHub's as the desk keeps it. Of the packages that it
// names, what is affected is told of ours.
func (h *Desk) taken(a github.Advisory) incidents.Advisory {
	out := incidents.Advisory{
		GHSA: incidents.Seal(a.ID), URL: incidents.Seal(a.URL), State: a.State, Title: text(a.Summary), Description: text(a.Description),
		Severity: incidents.Seal(a.Severity), CVE: incidents.Seal(strings.ToUpper(a.CVE)), Packages: len(a.Vulnerabilities), Author: incidents.Seal(a.Author),
		Reported: a.Reported, Accepted: a.Accepted, Fork: incidents.Seal(a.Fork.Name), Comments: a.Comments,
		Created: a.Created, Published: a.Published, SeenAt: h.Now(),
	}
	score := a.V4
	if score.Vector == "" {
		score = a.V3
	}
	out.Vector = incidents.Seal(canonical(score.Vector))
	if score.Vector != "" {
		out.Score = incidents.Seal(fmt.Sprintf("%.1f", score.Score))
	}
	for _, id := range a.CWEs {
		out.CWEs = append(out.CWEs, incidents.Seal(id))
	}
	for _, v := range a.Vulnerabilities {
		if v.Affected == "" || v.Patched == "" {
			out.Gaps++
		}
	}
	if k := h.ours(a.Vulnerabilities); k >= 0 {
		v := a.Vulnerabilities[k]
		out.Affected, out.Fixed, out.Functions = text(v.Affected), text(v.Patched), len(v.Functions) > 0
	}
	for _, c := range a.Credits {
		out.Credits = append(out.Credits, incidents.AdvisoryCredit{Login: incidents.Seal(c.Login), Type: c.Type, State: c.State})
	}
	for _, u := range a.Users {
		out.Collaborators = append(out.Collaborators, incidents.Seal(u))
	}
	for _, slug := range a.Teams {
		out.Teams = append(out.Teams, incidents.Seal(slug))
	}
	return out
}

// text takes what somebody wrote.
func text(s string) incidents.Sealed {
	return incidents.Seal(strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD")))
}

// canonical writes a vector as we do: GitHub has kept some with a stroke at the end, or
// in another order. What cannot be read stays as it is.
func canonical(vector string) string {
	if s, err := incidents.ReadVector(strings.TrimRight(vector, "/")); err == nil {
		return s.Vector
	}
	return vector
}

// ours finds what an advisory says of our package; -1: nothing. Of several ranges it is
// the first one.
func (h *Desk) ours(all []github.Vulnerability) int {
	return slices.IndexFunc(all, func(v github.Vulnerability) bool {
		return v.Ecosystem == h.Ecosystem && strings.EqualFold(v.Package, h.Package)
	})
}

// opened gives a text that only GitHub may be told.
func opened(s incidents.Sealed) string {
	v, _ := s.Value()
	t, _ := v.(string)
	return t
}

// change is what GitHub is sent to make fields of an advisory as they are wanted. Lists
// are those of now, with what is wanted in them: what is there stays.
func (h *Desk) change(now github.Advisory, want incidents.Agreed) github.Change {
	var ch github.Change
	str := func(name string) *string {
		v, ok := want[name]
		if !ok {
			return nil
		}
		s := opened(v)
		return &s
	}
	ch.Summary, ch.Description, ch.CVE = str("title"), str("description"), str("cve")
	if s := str("severity"); s != nil {
		if incidents.LooksLikeVector(*s) { // GitHub takes one of the two
			ch.Vector = s
		} else {
			ch.Severity = s
		}
	}
	if s := str("cwe"); s != nil && !slices.Contains(now.CWEs, *s) {
		list := append(slices.Clone(now.CWEs), *s)
		ch.CWEs = &list
	}
	affected, fixed := str("affected"), str("fixed")
	if affected != nil || fixed != nil {
		list := slices.Clone(now.Vulnerabilities)
		k := h.ours(list)
		if k < 0 {
			list, k = append(list, github.Vulnerability{Ecosystem: h.Ecosystem, Package: h.Package}), len(list)
		}
		if affected != nil {
			list[k].Affected = *affected
		}
		if fixed != nil {
			list[k].Patched = *fixed
		}
		ch.Vulnerabilities = &list
	}
	return ch
}

// draft is what GitHub is sent to make an advisory.
func (h *Desk) draft(want incidents.Agreed) github.Draft {
	ch := h.change(github.Advisory{}, want)
	d := github.Draft{}
	for to, from := range map[*string]*string{
		&d.Summary: ch.Summary, &d.Description: ch.Description, &d.CVE: ch.CVE, &d.Severity: ch.Severity, &d.Vector: ch.Vector,
	} {
		if from != nil {
			*to = *from
		}
	}
	if ch.Vulnerabilities != nil {
		d.Vulnerabilities = *ch.Vulnerabilities
	} else {
		d.Vulnerabilities = []github.Vulnerability{{Ecosystem: h.Ecosystem, Package: h.Package}}
	}
	if ch.CWEs != nil {
		d.CWEs = *ch.CWEs
	}
	return d
}
