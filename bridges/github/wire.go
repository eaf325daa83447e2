package github

import (
	"regexp"
	"time"

	"tocsin/bridges"
)

// Advisory is one as it is on GitHub. Texts are as people wrote them: not cleaned,
// may be hostile.
type Advisory struct {
	sealed

	ID, CVE, URL         string // the CVE may be ""
	State                string // triage, draft, published, closed, withdrawn
	Summary, Description string
	Severity             string // critical, high, medium, low, ""
	V3, V4               Score
	CWEs                 []string
	Vulnerabilities      []Vulnerability
	Credits              []Credit
	Users, Teams         []string // collaborators, by login and by slug
	Author, Publisher    string   // logins
	Reported             bool     // it began as a private report
	Accepted             bool     // and that was accepted
	Fork                 Fork     // the temporary private fork, if there is one
	Comments             int      // how many; -1: GitHub does not say
	Created, Updated     time.Time
	Published, Closed    time.Time // zero: never
	Withdrawn            time.Time
}

// Score is a CVSS vector and the score that GitHub reckons for it.
type Score struct {
	sealed

	Vector string
	Score  float64
}

// Vulnerability is one package that is affected.
type Vulnerability struct {
	sealed

	Ecosystem, Package string   // "pip", "pillow"
	Affected           string   // ">= 10.3.0, < 12.1.1"
	Patched            string   // "12.1.1"
	Functions          []string // that are vulnerable
}

// Credit is somebody to be thanked, by their login.
type Credit struct {
	sealed

	Login, Type string
	State       string // pending, accepted, declined; "" where it is to be written
}

// Fork is a repository.
type Fork struct {
	sealed

	Name, URL string // "python-pillow/Pillow-ghsa-xxxx-xxxx-xxxx"
}

type wireUser struct {
	Login string `json:"login"`
}

type wireFork struct {
	Name string `json:"full_name"`
	URL  string `json:"html_url"`
}

func (w wireFork) fork() Fork { return Fork{Name: w.Name, URL: bridges.WebAddress(w.URL)} }

type wirePackage struct {
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
}

type wireVulnerability struct {
	Package   wirePackage `json:"package"`
	Affected  string      `json:"vulnerable_version_range,omitempty"`
	Patched   string      `json:"patched_versions,omitempty"`
	Functions []string    `json:"vulnerable_functions,omitempty"`
}

type wireCredit struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

type wireScore struct {
	Vector string  `json:"vector_string"`
	Score  float64 `json:"score"`
}

// wireAdvisory is what we read of an advisory; what else there is is not looked at.
type wireAdvisory struct {
	ID          string    `json:"ghsa_id"`
	CVE         string    `json:"cve_id"`
	URL         string    `json:"html_url"`
	State       string    `json:"state"`
	Summary     string    `json:"summary"`
	Description string    `json:"description"`
	Severity    string    `json:"severity"`
	CVSS        wireScore `json:"cvss"` // gone in later versions of the API
	Scores      struct {
		V3 wireScore `json:"cvss_v3"`
		V4 wireScore `json:"cvss_v4"`
	} `json:"cvss_severities"`
	CWEs            []string            `json:"cwe_ids"`
	Vulnerabilities []wireVulnerability `json:"vulnerabilities"`
	Credits         []struct {
		User  wireUser `json:"user"`
		Type  string   `json:"type"`
		State string   `json:"state"`
	} `json:"credits_detailed"`
	Users []wireUser `json:"collaborating_users"`
	Teams []struct {
		Slug string `json:"slug"`
	} `json:"collaborating_teams"`
	Author     wireUser `json:"author"`
	Publisher  wireUser `json:"publisher"`
	Submission *struct {
		Accepted bool `json:"accepted"`
	} `json:"submission"`
	Fork      wireFork  `json:"private_fork"`
	Comments  *int      `json:"comments"`
	Created   time.Time `json:"created_at"`
	Updated   time.Time `json:"updated_at"`
	Published time.Time `json:"published_at"`
	Closed    time.Time `json:"closed_at"`
	Withdrawn time.Time `json:"withdrawn_at"`
}

// advisory reads one; false when it cannot be one.
func (w wireAdvisory) advisory() (Advisory, bool) {
	out := Advisory{
		ID: w.ID, CVE: w.CVE, URL: bridges.WebAddress(w.URL), State: w.State, Summary: w.Summary, Description: w.Description, Severity: w.Severity,
		V3: Score{Vector: w.Scores.V3.Vector, Score: w.Scores.V3.Score}, V4: Score{Vector: w.Scores.V4.Vector, Score: w.Scores.V4.Score},
		CWEs: w.CWEs, Author: w.Author.Login, Publisher: w.Publisher.Login, Fork: w.Fork.fork(), Comments: -1,
		Created: w.Created.UTC(), Updated: w.Updated.UTC(), Published: w.Published.UTC(), Closed: w.Closed.UTC(), Withdrawn: w.Withdrawn.UTC(),
	}
	if out.V3.Vector == "" && out.V4.Vector == "" {
		out.V3 = Score{Vector: w.CVSS.Vector, Score: w.CVSS.Score}
	}
	if w.Submission != nil {
		out.Reported, out.Accepted = true, w.Submission.Accepted
	}
	if w.Comments != nil {
		out.Comments = *w.Comments
	}
	for _, v := range w.Vulnerabilities {
		out.Vulnerabilities = append(out.Vulnerabilities, Vulnerability{Ecosystem: v.Package.Ecosystem, Package: v.Package.Name, Affected: v.Affected, Patched: v.Patched, Functions: v.Functions})
	}
	for _, c := range w.Credits {
		out.Credits = append(out.Credits, Credit{Login: c.User.Login, Type: c.Type, State: c.State})
	}
	for _, u := range w.Users {
		out.Users = append(out.Users, u.Login)
	}
	for _, t := range w.Teams {
		out.Teams = append(out.Teams, t.Slug)
	}
	return out, goodID(w.ID) && w.State != ""
}

// goodID reports whether a text can be an advisory's identifier. GitHub's own
// examples have letters in it that real ones never have.
func goodID(s string) bool { return regexp.MustCompile(`^GHSA(-[0-9A-Za-z]{4}){3}$`).MatchString(s) }
