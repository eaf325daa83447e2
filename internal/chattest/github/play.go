package github

import (
	"errors"
	"slices"
)

// Report is what somebody reports privately.
type Report struct{ Login, Summary, Description, Vector string }

// ErrOff is that people cannot report privately.
var ErrOff = errors.New("private reporting is off")

// Report reports, as somebody who is not the bot, and gives the identifier.
func (s *Server) Report(r Report) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.NoReporting {
		return "", ErrOff
	}
	if r.Login == "" {
		r.Login = "dana"
	}
	in := input{Summary: &r.Summary, Description: &r.Description}
	if r.Vector != "" {
		in.Vector = &r.Vector
	}
	a := &advisory{state: "triage", author: r.Login, reported: true, credits: []credit{{r.Login, "reporter", "pending"}}}
	if why := s.keep(in, a); why != "" {
		return "", errors.New(why)
	}
	return a.id, nil
}

// change changes an advisory by another hand than the bot's; false: there is none.
func (s *Server) change(id string, f func(a *advisory)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.find(id)
	if a == nil {
		return false
	}
	f(a)
	a.updated = s.now()
	return true
}

// Set moves an advisory to a state, as on GitHub's own pages: whether the API allows
// it or not.
func (s *Server) Set(id, state, who string) bool {
	return s.change(id, func(a *advisory) {
		a.enter(state, who, s.now())
		if state == "withdrawn" {
			a.withdrawn = s.now()
		}
	})
}

// Rename gives an advisory another identifier, for tests that have to know it before.
func (s *Server) Rename(id, other string) bool {
	return s.change(id, func(a *advisory) { a.id = other })
}

// Edit changes title, description and vector; "" is left as it is.
func (s *Server) Edit(id, summary, description, vector string) bool {
	return s.change(id, func(a *advisory) {
		for to, v := range map[*string]string{&a.summary: summary, &a.description: description} {
			if v != "" {
				*to = v
			}
		}
		if vector != "" {
			a.vector, a.score = vector, s.o.Score(vector)
			a.severity = band(a.score)
		}
	})
}

// AssignCVE is GitHub's answer to a request for a CVE, days later.
func (s *Server) AssignCVE(id, cve string) bool {
	return s.change(id, func(a *advisory) { a.cve, a.requested = cve, false })
}

// RefuseCVE is the other one: GitHub says so in a comment, and in no field.
func (s *Server) RefuseCVE(id, why string) bool {
	return s.change(id, func(a *advisory) { a.requested = false; s.comment(a, "github-staff", why) })
}

// Requested reports whether a CVE was asked for and has not come.
func (s *Server) Requested(id string) (yes bool) {
	s.locked(func() { a := s.find(id); yes = a != nil && a.requested })
	return yes
}

// AcceptCredit is that somebody accepts to be thanked, or with false declines.
func (s *Server) AcceptCredit(id, login string, yes bool) bool {
	return s.change(id, func(a *advisory) {
		for k := range a.credits {
			if a.credits[k].Login == login {
				a.credits[k].state = map[bool]string{true: "accepted", false: "declined"}[yes]
			}
		}
	})
}

// Collaborate adds a collaborator to an advisory.
func (s *Server) Collaborate(id, login string) bool {
	return s.change(id, func(a *advisory) {
		if !slices.Contains(a.users, login) {
			a.users = append(a.users, login)
		}
	})
}

// Comment says something below an advisory.
func (s *Server) Comment(id, login, body string) bool {
	return s.change(id, func(a *advisory) { s.comment(a, login, body) })
}

// OpenPull opens a pull request in the private fork, or with false merges it.
func (s *Server) OpenPull(id string, open bool) bool {
	return s.change(id, func(a *advisory) { a.openPull = open })
}

// Review takes an advisory into the global database.
func (s *Server) Review(id string) bool {
	return s.change(id, func(a *advisory) { a.global = s.now() })
}

// State tells where an advisory is; "" when there is none.
func (s *Server) State(id string) (state string) {
	s.locked(func() {
		if a := s.find(id); a != nil {
			state = a.state
		}
	})
	return state
}

// Alert adds an alert of Dependabot about a package, and gives its number.
func (s *Server) Alert(pkg, level, title string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, now := len(s.alerts)+1, moment(s.now())
	affected := object{"package": object{"ecosystem": "pip", "name": pkg}, "severity": level, "vulnerable_version_range": "< 2", "first_patched_version": object{"identifier": "2"}}
	at := "https://github.com/" + s.o.Owner + "/" + s.o.Repo + "/security/dependabot/1"
	s.alerts = append(s.alerts, object{
		"number": n, "state": "open", "url": at, "html_url": at, "created_at": now, "updated_at": now, "dismissed_at": nil, "dismissed_by": nil,
		"dismissed_reason": nil, "dismissed_comment": nil, "fixed_at": nil, "security_vulnerability": affected,
		"dependency": object{"package": affected["package"], "manifest_path": "requirements.txt", "scope": "runtime"},
		"security_advisory": object{
			"ghsa_id": ghsa(100_000 + n), "cve_id": nil, "summary": title, "description": title, "severity": level, "vulnerabilities": []object{affected},
			"cvss": object{"vector_string": nil, "score": 0}, "cwes": []object{}, "identifiers": []object{}, "references": []object{},
			"published_at": now, "updated_at": now, "withdrawn_at": nil,
		},
	})
	return n
}

// Scan adds an alert of code scanning; level "" is one about the quality of code.
func (s *Server) Scan(rule, level, title string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, now := len(s.scans)+1, moment(s.now())
	at := "https://github.com/" + s.o.Owner + "/" + s.o.Repo + "/security/code-scanning/1"
	s.scans = append(s.scans, object{
		"number": n, "state": "open", "url": at, "html_url": at, "instances_url": at, "created_at": now, "updated_at": now, "fixed_at": nil,
		"dismissed_at": nil, "dismissed_by": nil, "dismissed_reason": nil, "dismissed_comment": nil,
		"rule":                 object{"id": rule, "severity": "error", "security_severity_level": orNil(level), "description": title, "name": rule},
		"tool":                 object{"name": "CodeQL", "guid": nil, "version": "2.23.0"},
		"most_recent_instance": object{"ref": "refs/heads/main", "state": "open", "commit_sha": "0000000000000000000000000000000000000000"},
	})
	return n
}
