package commands

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// onGitHub has something done to an advisory, or says what to paste where there is no token
// that writes.
func (c *Call) onGitHub(a incidents.Advisory, act incidents.AdvisoryAct, fields []incidents.Both) (Reply, error) {
	waiting, err := c.Tx.PendingActs(c.I.N)
	if err != nil {
		return Reply{}, err
	}
	if slices.ContainsFunc(waiting, func(w incidents.AdvisoryAct) bool { return w.Kind == act.Kind && w.Login.Same(act.Login) }) {
		return Reply{}, incidents.Refuse("advisory-queued")
	}
	if !c.GitHub.Writes {
		url := a.URL
		if url.Empty() {
			url = incidents.Seal("https://github.com/" + c.GitHub.Repository + "/security/advisories/new")
		}
		draft, _, err := c.described(a.State != incidents.AdvisoryPublished)
		return c.card("advisory/paste", "drafted", act.Want["description"].Same(draft), "act", incidents.Seal(act.Kind), "url", url, "fields", incidents.BothFacts(fields), "login", act.Login,
			"credit", incidents.Seal(act.Credit), "command", incidents.Seal(c.paste(a, act))), err
	}
	if err := c.act(act); err != nil {
		return Reply{}, err
	}
	e := incidents.Entry{Kind: "advisory-asked", Who: c.Who.Name, At: c.now, Text: act.Say()}
	if !act.Login.Empty() {
		e.Personal = []incidents.Personal{{Field: "login", Value: act.Login}}
	}
	if err := c.Tx.Record(withIncident(e, c.I.N)); err != nil {
		return Reply{}, err
	}
	return c.card("advisory/asking", "act", incidents.Seal(act.Kind), "login", act.Login, "credit", incidents.Seal(act.Credit), "fields", incidents.BothFacts(fields)), nil
}

func withIncident(e incidents.Entry, n int) incidents.Entry {
	e.Incident = n
	return e
}

// act queues what is to be done on GitHub; its answer comes where it was asked for.
func (c *Call) act(a incidents.AdvisoryAct) error {
	a.By = c.Who.Name
	l := c.Line
	answer := store.Row{Network: l.Room.Network, Room: l.Room.ID, Direct: l.Room.Direct, ReplyTo: l.ID, Thread: l.Thread, Asker: l.From.ID}
	return c.Tx.QueueAct(c.I.N, fmt.Sprintf("act/%s/%s", l.Room.Network, l.ID), a, answer)
}

// paste gives the command that does the same by hand, with GitHub's own tool; "" where
// none does. A description is in a file of its own.
// https://cli.github.com/manual/gh_api
func (c *Call) paste(a incidents.Advisory, act incidents.AdvisoryAct) string {
	method, path := "PATCH", "repos/"+c.GitHub.Repository+"/security-advisories"
	if act.Kind != incidents.ActCreate {
		path += "/" + c.open(a.GHSA)
	}
	switch act.Kind {
	case incidents.ActCVE:
		return "gh api -X POST " + path + "/cve"
	case incidents.ActFork:
		return "gh api -X POST " + path + "/forks"
	case incidents.ActCreate:
		method = "POST"
	}
	words := []string{"gh api -X " + method + " " + path}
	add := func(name, value string) {
		words = append(words, "-f "+quoted(name+"="+value))
	}
	switch act.Kind {
	case incidents.ActAccept:
		add("state", incidents.AdvisoryDraft)
	case incidents.ActPublish:
		add("state", incidents.AdvisoryPublished)
	case incidents.ActClose:
		add("state", incidents.AdvisoryClosed)
	case incidents.ActCollaborator: // the list is replaced: those who are on it stay
		for _, s := range append(slices.Clone(a.Collaborators), act.Login) {
			add("collaborating_users[]", c.open(s))
		}
	case incidents.ActCredit:
		others := slices.DeleteFunc(slices.Clone(a.Credits), func(k incidents.AdvisoryCredit) bool { return k.Login.Same(act.Login) })
		for _, k := range append(others, incidents.AdvisoryCredit{Login: act.Login, Type: act.Credit}) {
			add("credits[][login]", c.open(k.Login))
			add("credits[][type]", k.Type)
		}
	case incidents.ActCreate, incidents.ActPush:
		names := map[string]string{"title": "summary", "cve": "cve_id"}
		for _, f := range incidents.AdvisoryFields() {
			want, ok := act.Want[f]
			switch {
			case !ok:
			case names[f] != "":
				add(names[f], c.open(want))
			case f == "description":
				words = append(words, "-F description=@description.md")
			case f == "severity" && incidents.LooksLikeVector(c.open(want)):
				add("cvss_vector_string", c.open(want))
			case f == "severity":
				add("severity", c.open(want))
			case f == "cwe":
				for _, s := range append(slices.Clone(a.CWEs), want) {
					add("cwe_ids[]", c.open(s))
				}
			}
		}
		affected, ranged := act.Want["affected"]
		fixed, released := act.Want["fixed"]
		switch {
		case !ranged && !released && act.Kind == incidents.ActPush:
		case a.Packages > 1: // the list is replaced: of several packages it is for GitHub's pages
			return ""
		default:
			if !ranged {
				affected = a.Affected
			}
			if !released {
				fixed = a.Fixed
			}
			add("vulnerabilities[][package][ecosystem]", c.GitHub.Ecosystem)
			add("vulnerabilities[][package][name]", c.GitHub.Package)
			if !affected.Empty() {
				add("vulnerabilities[][vulnerable_version_range]", c.open(affected))
			}
			if !fixed.Empty() {
				add("vulnerabilities[][patched_versions]", c.open(fixed))
			}
		}
	}
	return strings.Join(words, " ")
}

// quoted gives a word as a shell takes it whole.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
