package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// advisory is one that is kept.
type advisory struct {
	id, cve, state, summary, description, severity string
	vector                                         string
	score                                          float64
	cwes                                           []string
	vulnerabilities                                []vulnerability
	credits                                        []credit
	users, teams                                   []string
	author, publisher                              string
	reported, accepted                             bool
	created, updated, published, closed, withdrawn time.Time
	requested                                      bool      // a CVE
	forkAt                                         time.Time // from when the private fork is there; zero: none was asked for
	openPull                                       bool      // there is an open pull request in it
	global                                         time.Time // since when it is in the global database
	comments                                       []comment
}

type pkg struct {
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
}

type vulnerability struct {
	Package   pkg      `json:"package"`
	Affected  *string  `json:"vulnerable_version_range"`
	Patched   *string  `json:"patched_versions"`
	Functions []string `json:"vulnerable_functions"`
}

type credit struct {
	Login string `json:"login"`
	Type  string `json:"type"`
	state string
}

type comment struct {
	id          int
	login, body string
	at          time.Time
}

// input is the body of a request that makes or changes an advisory.
type input struct {
	Summary         *string          `json:"summary"`
	Description     *string          `json:"description"`
	CVE             *string          `json:"cve_id"`
	Vulnerabilities *[]vulnerability `json:"vulnerabilities"`
	CWEs            *[]string        `json:"cwe_ids"`
	Credits         *[]credit        `json:"credits"`
	Severity        *string          `json:"severity"`
	Vector          *string          `json:"cvss_vector_string"`
	State           *string          `json:"state"`
	Users           *[]string        `json:"collaborating_users"`
	Teams           *[]string        `json:"collaborating_teams"`
	Fork            *bool            `json:"start_private_fork"`
}

// read reads a body that has no other fields than these; why is GitHub's word where
// it does not.
func read(body []byte, fields []string) (in input, status int, why string) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil {
		return in, 400, "Problems parsing JSON"
	}
	for name := range raw {
		if !slices.Contains(fields, name) {
			return in, 422, fmt.Sprintf("Invalid request.\n\n%q is not a permitted key.", name)
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, 422, "Invalid request.\n\n" + err.Error()
	}
	return in, 0, ""
}

// fieldsOf lists what a kind of request may have.
func fieldsOf(kind string) []string {
	all := []string{"summary", "description", "vulnerabilities", "cwe_ids", "severity", "cvss_vector_string"}
	return append(all, map[string][]string{
		"report": {"start_private_fork"},
		"create": {"cve_id", "credits", "start_private_fork"},
		"update": {"cve_id", "credits", "state", "collaborating_users", "collaborating_teams"},
	}[kind]...)
}

// wrong says what GitHub does not take of it.
func (in input) wrong(s *Server) string {
	const mostSummary, mostDescription = 1024, 65535
	long := func(p *string, most int) bool { return p != nil && (*p == "" || utf8.RuneCountInString(*p) > most) }
	like := func(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
	switch {
	case long(in.Summary, mostSummary):
		return "Summary is too long (maximum is 1024 characters) or blank"
	case long(in.Description, mostDescription):
		return "Description is too long (maximum is 65535 characters) or blank"
	case in.CVE != nil && !like(`^CVE-[0-9]{4}-[0-9]{4,19}$`, *in.CVE):
		return "CVE is invalid"
	case in.Severity != nil && in.Vector != nil:
		return "You must choose between setting severity or cvss_vector_string"
	case in.Severity != nil && !slices.Contains([]string{"low", "medium", "high", "critical"}, *in.Severity):
		return fmt.Sprintf("%q is not a valid severity", *in.Severity)
	case in.Vector != nil && !like(`^CVSS:(3\.[01]|4\.0)(/[A-Z]{1,3}:[A-Za-z]+)+$`, *in.Vector):
		return "CVSS vector string is invalid"
	case in.State != nil && !slices.Contains([]string{"published", "closed", "draft"}, *in.State):
		return fmt.Sprintf("%q is not a member of [\"published\", \"closed\", \"draft\"].", *in.State)
	case in.Vulnerabilities != nil && len(*in.Vulnerabilities) == 0:
		return "Advisory must have at least one vulnerability"
	}
	if in.Vulnerabilities != nil {
		for _, v := range *in.Vulnerabilities {
			if !slices.Contains(ecosystems(), v.Package.Ecosystem) {
				return fmt.Sprintf("%q is not a valid ecosystem", v.Package.Ecosystem)
			}
		}
	}
	if in.CWEs != nil {
		for _, c := range *in.CWEs {
			if !like(`^CWE-[1-9][0-9]{0,4}$`, c) {
				return "CWE not found"
			}
		}
	}
	if in.Credits != nil {
		for _, c := range *in.Credits {
			if !slices.Contains(creditTypes(), c.Type) || nobody(c.Login) {
				return "Credit is invalid"
			}
		}
	}
	if in.Users != nil && slices.ContainsFunc(*in.Users, nobody) {
		return "Collaborating user not found"
	}
	return ""
}

// nobody reports whether there is no such user: no login, or one that begins with
// "no-such-".
func nobody(login string) bool {
	return !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`).MatchString(login) || strings.HasPrefix(login, "no-such-")
}

func ecosystems() []string {
	return strings.Fields("rubygems npm pip maven nuget composer go rust erlang actions pub other swift")
}

func creditTypes() []string {
	return strings.Fields("analyst finder reporter coordinator remediation_developer remediation_reviewer remediation_verifier tool sponsor other")
}

// move is whether an advisory can go from one state to another by the API. Triage to
// published and published to closed are documented nowhere, and refused here.
func move(from, to string) bool {
	return from == to || slices.Contains([]string{"triage draft", "triage closed", "draft closed", "draft published", "closed draft"}, from+" "+to)
}

// unready says why an advisory cannot be published.
func (a *advisory) unready() string {
	switch {
	case a.openPull:
		return "Cannot publish an advisory with an open pull request in its temporary private fork"
	case a.severity == "":
		return "Severity can't be blank"
	case a.description == "" || a.summary == "":
		return "Description can't be blank"
	case len(a.vulnerabilities) == 0:
		return "Advisory must have at least one vulnerability"
	case slices.ContainsFunc(a.vulnerabilities, func(v vulnerability) bool { return v.Package.Ecosystem == "" || v.Package.Name == "" }):
		return "Affected product must have an ecosystem and a package name"
	}
	return ""
}

// apply changes an advisory, or says why not and leaves it as it is.
func (a *advisory) apply(s *Server, in input, who string) string {
	if why := in.wrong(s); why != "" {
		return why
	}
	if in.Severity != nil && a.vector != "" {
		return "Cannot update severity value when CVSS is set."
	}
	b := *a
	for to, from := range map[*string]*string{&b.summary: in.Summary, &b.description: in.Description, &b.cve: in.CVE, &b.severity: in.Severity} {
		if from != nil {
			*to = *from
		}
	}
	if in.Vector != nil {
		b.vector, b.score = *in.Vector, s.o.Score(*in.Vector)
		b.severity = band(b.score)
	}
	for to, from := range map[*[]string]*[]string{&b.cwes: in.CWEs, &b.users: in.Users, &b.teams: in.Teams} {
		if from != nil {
			*to = slices.Clone(*from)
		}
	}
	if in.Vulnerabilities != nil {
		b.vulnerabilities = slices.Clone(*in.Vulnerabilities)
	}
	if in.Credits != nil {
		b.credits = nil
		for _, c := range *in.Credits {
			c.state = "pending"
			if k := slices.IndexFunc(a.credits, func(old credit) bool { return old.Login == c.Login }); k >= 0 {
				c.state = a.credits[k].state
			}
			b.credits = append(b.credits, c)
		}
	}
	if in.State != nil && *in.State != b.state {
		if !move(b.state, *in.State) {
			return fmt.Sprintf("Invalid state transition from `%s` to `%s`.", b.state, *in.State)
		}
		if why := b.unready(); *in.State == "published" && why != "" {
			return why
		}
		b.enter(*in.State, who, s.now())
	}
	b.updated = s.now()
	*a = b
	return ""
}

// enter is what comes with a state.
func (a *advisory) enter(state, who string, now time.Time) {
	if a.state == "triage" && state == "draft" {
		a.accepted = true
	}
	a.state, a.closed = state, time.Time{}
	switch state {
	case "closed":
		a.closed = now
	case "published": // it takes the fork along
		a.published, a.publisher, a.forkAt = now, who, time.Time{}
	}
}

func band(score float64) string {
	const medium, high, critical = 4.0, 7.0, 9.0
	switch {
	case score >= critical:
		return "critical"
	case score >= high:
		return "high"
	case score >= medium:
		return "medium"
	}
	return "low"
}
