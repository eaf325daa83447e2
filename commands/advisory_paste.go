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
	if slices.ContainsFunc(waiting, func(w incidents.AdvisoryAct) bool { return w.Kind == act.Kind }) {
		return Reply{}, incidents.Refuse("advisory-queued")
	}
	if !c.GitHub.Writes {
		url := a.URL
		if url.Empty() {
			url = incidents.Seal("https://github.com/" + c.GitHub.Repository + "/security/advisories/new")
		}
		return c.card("advisory/paste", "act", incidents.Seal(act.Kind), "url", url, "fields", incidents.BothFacts(fields), "login", act.Login,
			"credit", incidents.Seal(act.Credit), "command", incidents.Seal(c.paste(a, act))), nil
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

// paste gives the command that does the same by hand, with GitHub's own tool.
// https://cli.github.com/manual/gh_api
func (c *Call) paste(a incidents.Advisory, act incidents.AdvisoryAct) string {
	path := "repos/" + c.GitHub.Repository + "/security-advisories"
	if act.Kind != incidents.ActCreate {
		path += "/" + c.open(a.GHSA)
	}
	switch act.Kind {
	case incidents.ActCVE:
		return "gh api -X POST " + path + "/cve"
	case incidents.ActFork:
		return "gh api -X POST " + path + "/forks"
	case incidents.ActCreate:
		return "gh api -X POST " + path + " --input advisory.json"
	}
	words := []string{"gh api -X PATCH " + path}
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
		for _, k := range append(slices.Clone(a.Credits), incidents.AdvisoryCredit{Login: act.Login, Type: act.Credit}) {
			add("credits[][login]", c.open(k.Login))
			add("credits[][type]", k.Type)
		}
	case incidents.ActPush:
		names := map[string]string{"title": "summary", "description": "description", "cve": "cve_id"}
		for _, f := range incidents.AdvisoryFields() {
			want, ok := act.Want[f]
			switch {
			case !ok:
			case names[f] != "":
				add(names[f], c.open(want))
			case f == "severity" && incidents.LooksLikeVector(c.open(want)):
				add("cvss_vector_string", c.open(want))
			case f == "severity":
				add("severity", c.open(want))
			case f == "affected" && a.Packages <= 1: // the list is replaced: of several packages it is for GitHub's pages
				add("vulnerabilities[][package][ecosystem]", c.GitHub.Ecosystem)
				add("vulnerabilities[][package][name]", c.GitHub.Package)
				add("vulnerabilities[][vulnerable_version_range]", c.open(want))
				fixed, ok := act.Want["fixed"]
				if !ok {
					fixed = a.Fixed
				}
				add("vulnerabilities[][patched_versions]", c.open(fixed))
			case f == "cwe":
				for _, s := range append(slices.Clone(a.CWEs), want) {
					add("cwe_ids[]", c.open(s))
				}
			}
		}
	}
	return strings.Join(words, " ")
}

// quoted gives a word as a shell takes it whole.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
