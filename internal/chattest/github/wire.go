package github

import (
	"fmt"
	"strings"
	"time"
)

// repoID is the repository's number.
const repoID = "3271"

// ghsa makes the n-th identifier, of the letters that GitHub uses.
func ghsa(n int) string {
	const letters = "23456789cfghjmpqrvwx"
	const length, golden = 12, 0x9E3779B97F4A7C15 // neighbours do not look alike
	x, id := uint64(n)*golden, []byte{}
	for range length {
		id = append(id, letters[x%uint64(len(letters))])
		x /= uint64(len(letters))
	}
	return fmt.Sprintf("GHSA-%s-%s-%s", id[0:4], id[4:8], id[8:12])
}

// orNil is nothing where there is nothing.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// addresses are the many fields of an object that are addresses.
func addresses(o object, at, fields string) object {
	for _, f := range strings.Fields(fields) {
		o[f] = at
		if short, ok := strings.CutSuffix(f, "_url"); ok {
			o[f] = at + "/" + short
		}
	}
	return o
}

func (s *Server) user(login string) any {
	if login == "" {
		return nil
	}
	return addresses(object{"login": login, "id": 1 + len(login), "node_id": "U_1", "gravatar_id": "", "type": "User", "site_admin": false},
		"https://api.github.com/users/"+login, "url html_url avatar_url followers_url following_url gists_url starred_url subscriptions_url organizations_url repos_url events_url received_events_url")
}

func (s *Server) users(logins []string) []any {
	out := []any{}
	for _, l := range logins {
		out = append(out, s.user(l))
	}
	return out
}

func (s *Server) forkName(a *advisory) string { return s.o.Repo + "-" + strings.ToLower(a.id) }

// simple is the short form of a repository.
func (s *Server) simple(name string) object {
	full := s.o.Owner + "/" + name
	o := addresses(object{
		"id": 3271, "node_id": "R_1", "name": name, "full_name": full, "owner": s.user(s.o.Owner), "private": s.o.Private || name != s.o.Repo,
		"description": nil, "fork": name != s.o.Repo,
	}, "https://api.github.com/repos/"+full, `url archive_url assignees_url blobs_url branches_url collaborators_url comments_url commits_url compare_url contents_url
		contributors_url deployments_url downloads_url events_url forks_url git_commits_url git_refs_url git_tags_url hooks_url issue_comment_url issue_events_url
		issues_url keys_url labels_url languages_url merges_url milestones_url notifications_url pulls_url releases_url stargazers_url statuses_url subscribers_url
		subscription_url tags_url teams_url trees_url`)
	o["html_url"] = "https://github.com/" + full
	return o
}

// repository is the long form, as it is shown to somebody.
func (s *Server) repository(name string, who Token) object {
	o := addresses(s.simple(name), "https://github.com/"+s.o.Owner+"/"+name, "clone_url git_url ssh_url svn_url")
	for _, f := range strings.Fields("forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count network_count subscribers_count") {
		o[f] = 0
	}
	for _, f := range strings.Fields("has_issues has_projects has_wiki has_pages has_discussions archived disabled") {
		o[f] = false
	}
	for _, f := range strings.Fields("pushed_at created_at updated_at") {
		o[f] = "2012-07-24T21:38:39Z"
	}
	for _, f := range strings.Fields("homepage language license mirror_url") {
		o[f] = nil
	}
	o["default_branch"] = "main"
	may := func(r Role) bool { return who.Role >= r }
	o["permissions"] = object{"admin": may(Admin), "maintain": may(Admin), "push": may(Admin), "triage": may(Manager), "pull": true}
	return o
}

// scores are the fields of a vector: "cvss" knows version 3 only.
func (a *advisory) scores(o object) {
	none := object{"vector_string": nil, "score": nil}
	v3, v4 := none, none
	if one := (object{"vector_string": a.vector, "score": a.score}); strings.HasPrefix(a.vector, "CVSS:4") {
		v4 = one
	} else if a.vector != "" {
		v3 = one
	}
	o["cvss"], o["cvss_severities"] = v3, object{"cvss_v3": v3, "cvss_v4": v4}
	cwes := []object{}
	for _, c := range a.cwes {
		cwes = append(cwes, object{"cwe_id": c, "name": "Weakness " + c})
	}
	o["cwes"] = cwes
	ids := []object{{"type": "GHSA", "value": a.id}}
	if a.cve != "" {
		ids = append(ids, object{"type": "CVE", "value": a.cve})
	}
	o["identifiers"] = ids
}

// wire is an advisory in the fields that GitHub's description has.
func (s *Server) wire(a *advisory) object {
	credits, detailed := []object{}, []object{}
	for _, c := range a.credits {
		credits = append(credits, object{"login": c.Login, "type": c.Type})
		detailed = append(detailed, object{"user": s.user(c.Login), "type": c.Type, "state": c.state})
	}
	teams := []any{}
	for _, t := range a.teams {
		teams = append(teams, addresses(object{"id": 7, "node_id": "T_1", "name": t, "slug": t, "description": nil, "permission": "pull", "parent": nil, "type": "organization"},
			"https://api.github.com/teams/"+t, "url html_url members_url repositories_url"))
	}
	vulnerabilities := []object{}
	for _, v := range a.vulnerabilities {
		functions := append([]string{}, v.Functions...)
		vulnerabilities = append(vulnerabilities, object{
			"package": object{"ecosystem": v.Package.Ecosystem, "name": orNil(v.Package.Name)}, "vulnerable_version_range": v.Affected, "patched_versions": v.Patched,
			"vulnerable_functions": functions,
		})
	}
	o := object{
		"ghsa_id": a.id, "cve_id": orNil(a.cve), "url": "https://api.github.com/repos/" + s.o.Owner + "/" + s.o.Repo + "/security-advisories/" + a.id,
		"html_url": "https://github.com/" + s.o.Owner + "/" + s.o.Repo + "/security/advisories/" + a.id,
		"summary":  a.summary, "description": orNil(a.description), "severity": orNil(a.severity), "author": s.user(a.author), "publisher": s.user(a.publisher),
		"state": a.state, "created_at": moment(a.created), "updated_at": moment(a.updated), "published_at": moment(a.published),
		"closed_at": moment(a.closed), "withdrawn_at": moment(a.withdrawn), "submission": nil, "vulnerabilities": vulnerabilities,
		"cwe_ids": append([]string{}, a.cwes...), "credits": credits, "credits_detailed": detailed,
		"collaborating_users": s.users(a.users), "collaborating_teams": teams, "private_fork": nil,
	}
	if a.reported {
		o["submission"] = object{"accepted": a.accepted}
	}
	if !a.forkAt.IsZero() && !s.now().Before(a.forkAt) {
		o["private_fork"] = s.simple(s.forkName(a))
	}
	a.scores(o)
	return o
}

// wireGlobal is an advisory in the global database: only accepted credits show.
func (s *Server) wireGlobal(a *advisory) object {
	credits := []object{}
	for _, c := range a.credits {
		if c.state == "accepted" {
			credits = append(credits, object{"user": s.user(c.Login), "type": c.Type})
		}
	}
	vulnerabilities := []object{}
	for _, v := range a.vulnerabilities {
		vulnerabilities = append(vulnerabilities, object{"package": v.Package, "vulnerable_version_range": v.Affected, "first_patched_version": v.Patched, "vulnerable_functions": []string{}})
	}
	o := object{
		"ghsa_id": a.id, "cve_id": orNil(a.cve), "url": "https://api.github.com/advisories/" + a.id, "html_url": "https://github.com/advisories/" + a.id,
		"repository_advisory_url": "https://api.github.com/repos/" + s.o.Owner + "/" + s.o.Repo + "/security-advisories/" + a.id,
		"summary":                 a.summary, "description": a.description, "type": "reviewed", "severity": a.severity, "source_code_location": "https://github.com/" + s.o.Owner + "/" + s.o.Repo,
		"references": []string{}, "published_at": moment(a.published), "updated_at": moment(a.global), "github_reviewed_at": moment(a.global), "nvd_published_at": nil,
		"withdrawn_at": moment(a.withdrawn), "vulnerabilities": vulnerabilities, "credits": credits,
	}
	a.scores(o)
	return o
}

// wireComment has the fields that comments have elsewhere on GitHub: the preview's
// are not described in public.
func (s *Server) wireComment(k comment) object {
	return object{"id": k.id, "node_id": "C_1", "user": s.user(k.login), "body": k.body, "created_at": moment(k.at), "updated_at": moment(k.at)}
}

func levelOf(alert object) string {
	o, _ := alert["security_advisory"].(object)
	return str(o["severity"])
}
