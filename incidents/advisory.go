package incidents

import (
	"slices"
	"strings"
	"time"
)

// The states of an advisory on GitHub.
// https://docs.github.com/code-security/security-advisories
const (
	AdvisoryTriage    = "triage" // a private report that nobody accepted yet
	AdvisoryDraft     = "draft"
	AdvisoryPublished = "published"
	AdvisoryClosed    = "closed"
	AdvisoryWithdrawn = "withdrawn"
)

// Advisory is a security advisory of the repository on GitHub, as it was when it was
// looked at. Its state and times are of the incident too, and told under seal only.
type Advisory struct {
	GHSA, URL          Sealed
	Incident           int // whose it is; 0: nobody's yet
	State              string
	Title, Description Sealed
	Severity           Sealed // critical, high, medium, low
	Vector             Sealed // CVSS, the newest version that it has, canonical where it is well-formed
	Score              Sealed // that GitHub reckons, "8.7"
	CVE                Sealed
	CWEs               []Sealed
	Affected, Fixed    Sealed // of our package: ">= 10.3.0, < 12.1.1" and "12.1.1"
	Packages           int    // how many packages or ranges it names
	Gaps               int    // and how many of them without what is affected, or what is fixed
	Functions          bool   // it names vulnerable functions
	Credits            []AdvisoryCredit
	Collaborators      []Sealed // logins
	Teams              []Sealed // slugs
	Author             Sealed   // login of who reported or made it
	Reported, Accepted bool     // it began as a private report, and that was accepted
	Fork               Sealed   // name of its temporary private fork
	Comments           int      // -1: GitHub does not say
	Created, Published time.Time
	SeenAt             time.Time // when it was looked at, UTC
	Parted             bool      // who reported it was forgotten: no login is kept of it

	Agreed     Agreed    // what it and its incident had in common last
	GlobalAt   time.Time // since when it is in the global database, reviewed
	GlobalTold int       // how often it was told that it is not there
}

// AdvisoryCredit is somebody to be thanked in an advisory.
type AdvisoryCredit struct {
	Login Sealed
	Type  string // "reporter", "finder" ...
	State string // pending, accepted, declined
}

// Facts gives an advisory as the store keeps it, and as templates say it.
func (a Advisory) Facts() Facts {
	credits, cwes, users, teams := []Facts{}, []Facts{}, []Facts{}, []Facts{}
	for _, c := range a.Credits {
		credits = append(credits, Facts{"login": c.Login, "type": Seal(c.Type), "state": Seal(c.State)})
	}
	for to, from := range map[*[]Facts][]Sealed{&cwes: a.CWEs, &users: a.Collaborators, &teams: a.Teams} {
		for _, s := range from {
			*to = append(*to, Facts{"text": s})
		}
	}
	return Facts{
		"ghsa": a.GHSA, "url": a.URL, "advisorystate": Seal(a.State), "title": a.Title, "description": a.Description, "severity": a.Severity,
		"vector": a.Vector, "score": a.Score, "cve": a.CVE, "cwes": cwes, "affected": a.Affected, "fixed": a.Fixed, "packages": a.Packages, "gaps": a.Gaps,
		"functions": a.Functions, "credits": credits, "collaborators": users, "teams": teams, "author": a.Author, "wasreport": a.Reported,
		"accepted": a.Accepted, "fork": a.Fork, "comments": a.Comments, "created": a.Created, "published": a.Published, "seenat": a.SeenAt,
		"parted": a.Parted,
	}
}

// AdvisoryOf gives the advisory of facts that the store kept.
func AdvisoryOf(f Facts) Advisory {
	s := func(name string) Sealed { v, _ := f[name].(Sealed); return v }
	b := func(name string) bool { v, _ := f[name].(bool); return v }
	n := func(name string) int { v, _ := f[name].(int); return v }
	at := func(name string) time.Time { v, _ := f[name].(time.Time); return v }
	list := func(name string) (out []Sealed) {
		all, _ := f[name].([]Facts)
		for _, one := range all {
			t, _ := one["text"].(Sealed)
			out = append(out, t)
		}
		return out
	}
	a := Advisory{
		GHSA: s("ghsa"), URL: s("url"), State: word(s("advisorystate")), Title: s("title"), Description: s("description"), Severity: s("severity"),
		Vector: s("vector"), Score: s("score"), CVE: s("cve"), CWEs: list("cwes"), Affected: s("affected"), Fixed: s("fixed"), Packages: n("packages"), Gaps: n("gaps"),
		Functions: b("functions"), Collaborators: list("collaborators"), Teams: list("teams"), Author: s("author"), Reported: b("wasreport"),
		Accepted: b("accepted"), Fork: s("fork"), Comments: n("comments"), Created: at("created"), Published: at("published"), SeenAt: at("seenat"),
		Parted: b("parted"),
	}
	credits, _ := f["credits"].([]Facts)
	for _, c := range credits {
		login, _ := c["login"].(Sealed)
		kind, _ := c["type"].(Sealed)
		state, _ := c["state"].(Sealed)
		a.Credits = append(a.Credits, AdvisoryCredit{Login: login, Type: word(kind), State: word(state)})
	}
	return a
}

// word opens what is one of a few words of ours.
func word(s Sealed) string {
	if s.p == nil {
		return ""
	}
	return (*s.p)()
}

// Ended reports whether nothing is done in an advisory any more.
func (a Advisory) Ended() bool {
	return a.State == AdvisoryPublished || a.State == AdvisoryClosed || a.State == AdvisoryWithdrawn
}

// Part takes away who reported an advisory, and everybody else by name.
func (a Advisory) Part() Advisory {
	a.Author, a.Credits, a.Collaborators, a.Parted = Sealed{}, nil, nil, true
	return a
}

// AdvisoryNews is one thing that changed in an advisory on GitHub.
type AdvisoryNews struct {
	What     string // "title", "severity", "cve", "credit-accepted" ...: its words are the template advisory/news/<what>
	From, To Sealed
	Who      Sealed // a login: personal
	Count    int
}

// AdvisoryChanges lists what changed from one look at an advisory to the next, the
// weightiest first.
func AdvisoryChanges(old, now Advisory) []AdvisoryNews {
	var out []AdvisoryNews
	add := func(n AdvisoryNews) { out = append(out, n) }
	if old.State != now.State {
		what := now.State
		if old.State == AdvisoryTriage && now.State == AdvisoryDraft {
			what = "accepted"
		}
		add(AdvisoryNews{What: what, From: Seal(old.State), To: Seal(now.State)})
	}
	for _, f := range []struct {
		what     string
		from, to Sealed
	}{
		{"cve", old.CVE, now.CVE},
		{"severity", old.Severity, now.Severity},
		{"vector", old.Vector, now.Vector},
		{"title", old.Title, now.Title},
		{"affected", old.Affected, now.Affected},
		{"fixed", old.Fixed, now.Fixed},
		{"cwe", joinSealed(", ", old.CWEs...), joinSealed(", ", now.CWEs...)},
		{"fork", old.Fork, now.Fork},
	} {
		if !f.from.Same(f.to) {
			add(AdvisoryNews{What: f.what, From: f.from, To: f.to})
		}
	}
	if !old.Description.Same(now.Description) {
		add(AdvisoryNews{What: "description"})
	}
	out = append(out, creditNews(old, now)...)
	out = append(out, peopleNews("collaborator", old.Collaborators, now.Collaborators, true)...)
	out = append(out, peopleNews("team", old.Teams, now.Teams, false)...)
	if more := now.Comments - max(old.Comments, 0); now.Comments > 0 && more > 0 && old.Comments >= 0 {
		add(AdvisoryNews{What: "comment", Count: more})
	}
	return out
}

func creditNews(old, now Advisory) []AdvisoryNews {
	var out []AdvisoryNews
	find := func(all []AdvisoryCredit, login Sealed) (AdvisoryCredit, bool) {
		k := slices.IndexFunc(all, func(c AdvisoryCredit) bool { return c.Login.Same(login) })
		if k < 0 {
			return AdvisoryCredit{}, false
		}
		return all[k], true
	}
	for _, c := range now.Credits {
		was, had := find(old.Credits, c.Login)
		switch {
		case had && was.State == c.State && was.Type == c.Type:
		case had && was.State != c.State && (c.State == "accepted" || c.State == "declined"):
			out = append(out, AdvisoryNews{What: "credit-" + c.State, Who: c.Login, To: Seal(c.Type)})
		case !had:
			out = append(out, AdvisoryNews{What: "credit-added", Who: c.Login, To: Seal(c.Type)})
		default:
			out = append(out, AdvisoryNews{What: "credit-changed", Who: c.Login, To: Seal(c.Type)})
		}
	}
	for _, c := range old.Credits {
		if _, has := find(now.Credits, c.Login); !has {
			out = append(out, AdvisoryNews{What: "credit-removed", Who: c.Login, To: Seal(c.Type)})
		}
	}
	return out
}

func peopleNews(what string, old, now []Sealed, personal bool) []AdvisoryNews {
	var out []AdvisoryNews
	less := func(a, b []Sealed, verb string) {
		for _, s := range a {
			if !slices.ContainsFunc(b, s.Same) {
				n := AdvisoryNews{What: what + "-" + verb}
				if personal {
					n.Who = s
				} else {
					n.To = s
				}
				out = append(out, n)
			}
		}
	}
	less(now, old, "added")
	less(old, now, "removed")
	return out
}

// GitHub is who did what was done on GitHub, in the record.
const GitHub = "GitHub"

// AdvisoryEntry puts something that changed in an advisory on record. Logins can be
// erased.
func AdvisoryEntry(n AdvisoryNews, now time.Time) Entry {
	parts := []Sealed{Seal(n.What)}
	if n.What != "description" && !(n.From.Empty() && n.To.Empty()) {
		was, is := n.From, n.To
		if was.Empty() {
			was = Seal("none")
		}
		if is.Empty() {
			is = Seal("none")
		}
		switch {
		case n.From.Empty() && n.Who.Empty():
			parts = append(parts, is)
		case n.Who.Empty():
			parts = append(parts, joinSealed(" → ", was, is))
		default:
			parts = append(parts, is)
		}
	}
	e := Entry{Kind: "advisory", Who: GitHub, At: now, Text: joinSealed(": ", parts...)}
	if !n.Who.Empty() {
		e.Personal = []Personal{{Field: "login", Value: n.Who}}
	}
	return e
}

// mostNews is how many changes are said in one message. All are on record.
const mostNews = 20

// NewsFacts gives the facts of what changed, for templates.
func NewsFacts(all []AdvisoryNews) []Facts {
	out := []Facts{}
	if left := len(all) - mostNews; left > 0 {
		all = append(slices.Clone(all[:mostNews]), AdvisoryNews{What: "more", Count: left})
	}
	for _, n := range all {
		out = append(out, Facts{"what": Seal(n.What), "from": n.From, "to": n.To, "login": n.Who, "count": n.Count})
	}
	return out
}

// OpenReported opens an incident for a private report that came in on GitHub: nobody
// leads it yet, and the 72 hours count from when it was reported (plan, 6.1 and 7.1.1).
func OpenReported(p Plan, o Opening, a Advisory, now time.Time) (Incident, []Entry, error) {
	o.Title, o.Unled = titleOf(a), true
	o.Reported = When{At: a.Created, Zone: "UTC"}
	if a.Created.After(now) { // its clock is not ours
		o.Reported.At = now
	}
	for _, s := range p.Sources {
		if s.Private && a.Reported {
			o.Source = s.Key
		}
	}
	i, entries, err := OpenIncident(p, o, GitHub, now)
	if err != nil {
		return i, nil, err
	}
	i, e := LinkAdvisory(i, a, GitHub, now)
	entries = append(entries, e)
	i.Details = a.Description
	if id := word(a.CVE); isCVE(id) {
		i.CVE, i.CVEAt = a.CVE, now
	}
	if a.Reported && !a.Author.Empty() {
		var r Entry
		i, r = SetReporter(i, Reporter{Name: a.Author, Contact: Seal("the advisory on GitHub")}, GitHub, now)
		entries = append(entries, r)
	}
	return i, entries, nil
}

// maxReportTitle is how much of a report's title becomes the incident's, in bytes: as
// much as anybody may type.
const maxReportTitle = 300

func titleOf(a Advisory) Sealed {
	return mapSealed(a.Title, func(text string) string {
		text = strings.Join(strings.Fields(text), " ")
		if len(text) <= maxReportTitle {
			return text
		}
		return strings.ToValidUTF8(text[:maxReportTitle-len("…")], "") + "…"
	})
}

// LinkAdvisory makes an advisory an incident's own.
func LinkAdvisory(i Incident, a Advisory, who string, now time.Time) (Incident, Entry) {
	i.GHSA = a.GHSA
	return i, Entry{Kind: "advisory-linked", Who: who, At: now, Text: a.GHSA}
}

// TakeCVE takes a CVE that came in the advisory into an incident that has none. It
// gives false where it has another one: then a person has to look.
func TakeCVE(i Incident, a Advisory, now time.Time) (Incident, []Entry, bool) {
	switch {
	case a.CVE.Empty() || i.CVE.Same(a.CVE):
		return i, nil, true
	case !i.CVE.Empty() || !isCVE(word(a.CVE)):
		return i, nil, false
	}
	i, e, err := SetFact(i, "cve", word(a.CVE), GitHub, now)
	return i, []Entry{e}, err == nil
}
