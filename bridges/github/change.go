package github

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Draft is an advisory to be made. Severity and Vector exclude each other.
type Draft struct {
	sealed

	Summary, Description, CVE, Severity, Vector string
	Vulnerabilities                             []Vulnerability
	CWEs                                        []string
	Credits                                     []Credit
}

// Change is what to change of an advisory; nil is left as it is. Severity and Vector
// exclude each other. Each list is the whole new one.
type Change struct {
	sealed

	Summary, Description, CVE, Severity, Vector *string
	State                                       *string // published, closed, draft
	Vulnerabilities                             *[]Vulnerability
	CWEs                                        *[]string
	Credits                                     *[]Credit
	Users, Teams                                *[]string // collaborators, by login and by slug
}

// Ecosystems are those that GitHub knows.
func Ecosystems() []string {
	return []string{"rubygems", "npm", "pip", "maven", "nuget", "composer", "go", "rust", "erlang", "actions", "pub", "other", "swift"}
}

// CreditTypes are the ways to be thanked that GitHub knows.
func CreditTypes() []string {
	return []string{"analyst", "finder", "reporter", "coordinator", "remediation_developer", "remediation_reviewer", "remediation_verifier", "tool", "sponsor", "other"}
}

// Severities are from the lowest to the highest.
func Severities() []string { return []string{"low", "medium", "high", "critical"} }

// body is what is sent.
func (d Draft) body() (map[string]any, error) {
	ch := Change{Summary: &d.Summary, Description: &d.Description, Vulnerabilities: &d.Vulnerabilities}
	for to, from := range map[**string]*string{&ch.CVE: &d.CVE, &ch.Severity: &d.Severity, &ch.Vector: &d.Vector} {
		if *from != "" {
			*to = from
		}
	}
	if len(d.CWEs) > 0 {
		ch.CWEs = &d.CWEs
	}
	if len(d.Credits) > 0 {
		ch.Credits = &d.Credits
	}
	return ch.body()
}

// body is what is sent: the fields that are given, once they are as GitHub wants
// them.
func (ch Change) body() (map[string]any, error) {
	if why := ch.wrong(); why != "" {
		return nil, unusable(why)
	}
	out := map[string]any{}
	for name, v := range map[string]*string{"summary": ch.Summary, "description": ch.Description, "cve_id": ch.CVE, "severity": ch.Severity, "cvss_vector_string": ch.Vector, "state": ch.State} {
		if v != nil {
			out[name] = *v
		}
	}
	for name, v := range map[string]*[]string{"cwe_ids": ch.CWEs, "collaborating_users": ch.Users, "collaborating_teams": ch.Teams} {
		if v != nil {
			out[name] = append([]string{}, *v...)
		}
	}
	if ch.Vulnerabilities != nil {
		list := []wireVulnerability{}
		for _, v := range *ch.Vulnerabilities {
			list = append(list, wireVulnerability{wirePackage{v.Ecosystem, v.Package}, v.Affected, v.Patched, v.Functions})
		}
		out["vulnerabilities"] = list
	}
	if ch.Credits != nil {
		list := []wireCredit{}
		for _, c := range *ch.Credits {
			list = append(list, wireCredit{c.Login, c.Type})
		}
		out["credits"] = list
	}
	if len(out) == 0 {
		return nil, unusable("nothing is to be changed")
	}
	return out, nil
}

// wrong says what GitHub would refuse. It never quotes.
func (ch Change) wrong() string {
	const mostSummary, mostDescription = 1024, 65535
	text := func(s *string, most int) bool {
		return s == nil || utf8.ValidString(*s) && strings.TrimSpace(*s) != "" && utf8.RuneCountInString(*s) <= most
	}
	among := func(s *string, list []string) bool { return s == nil || slices.Contains(list, *s) }
	like := func(s, pattern string) bool { return regexp.MustCompile(`^(` + pattern + `)$`).MatchString(s) }
	every := func(list *[]string, pattern string) bool {
		return list == nil || !slices.ContainsFunc(*list, func(s string) bool { return !like(s, pattern) })
	}
	switch {
	case !text(ch.Summary, mostSummary):
		return "the summary is empty, or longer than 1024 characters"
	case !text(ch.Description, mostDescription):
		return "the description is empty, or longer than 65535 characters"
	case ch.CVE != nil && !like(*ch.CVE, `CVE-[0-9]{4}-[0-9]{4,19}`):
		return "the CVE is none"
	case ch.Severity != nil && ch.Vector != nil:
		return "severity and vector exclude each other: give the vector only"
	case !among(ch.Severity, Severities()):
		return "the severity is none of low, medium, high and critical"
	case ch.Vector != nil && !like(*ch.Vector, `CVSS:(3\.0|3\.1|4\.0)(/[A-Z]{1,3}:[A-Za-z]{1,6})+`):
		return "the vector is none of CVSS 3 or 4 in its canonical form"
	case !among(ch.State, []string{"published", "closed", "draft"}):
		return "the state is none of draft, closed and published"
	case !every(ch.CWEs, `CWE-[1-9][0-9]{0,4}`):
		return "a CWE is none"
	case !every(ch.Users, loginPattern):
		return "a collaborator has no login"
	case !every(ch.Teams, `[A-Za-z0-9._-]{1,100}`):
		return "a team has no slug"
	}
	if ch.Vulnerabilities != nil {
		if len(*ch.Vulnerabilities) == 0 {
			return "there has to be one affected package at least"
		}
		for _, v := range *ch.Vulnerabilities {
			if !slices.Contains(Ecosystems(), v.Ecosystem) || strings.TrimSpace(v.Package) == "" {
				return "an affected package has no name, or an ecosystem that GitHub does not know"
			}
		}
	}
	if ch.Credits != nil {
		for _, c := range *ch.Credits {
			if !like(c.Login, loginPattern) || !slices.Contains(CreditTypes(), c.Type) {
				return "a credit has no login, or a type that GitHub does not know"
			}
		}
	}
	return ""
}

// loginPattern is a user's, also of a company's managed users and of an app.
const loginPattern = `[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?`
