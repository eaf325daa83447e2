package templates

import (
	"strings"
	"time"

	"tocsin/incidents"
)

// advisoryFacts puts in what the templates of advisories on GitHub are given: one of
// which much is known, or one that is new.
func advisoryFacts(p incidents.Plan, f incidents.Facts, name string, many bool, seal func(string) incidents.Sealed) {
	refusal := strings.HasPrefix(name, "refusals/advisory-") || strings.HasPrefix(name, "refusals/publish-") || strings.HasPrefix(name, "refusals/cve-")
	if !strings.HasPrefix(name, "advisory/") && !strings.HasPrefix(name, "github/") && !refusal {
		return
	}
	a := incidents.Advisory{
		GHSA: seal("GHSA-2345-6789-cfgh"), URL: seal("https://github.com/python-pillow/Pillow/security/advisories/GHSA-2345-6789-cfgh"),
		State: incidents.AdvisoryTriage, Title: seal("Overflow in the decoder"), Created: now(), SeenAt: now(), Reported: true, Author: seal("erin"),
	}
	i := poor()
	if many {
		i = rich(seal)
		a.State, a.Accepted, a.Severity, a.Vector, a.Score = incidents.AdvisoryDraft, true, seal("high"), seal("CVSS:4.0/AV:N"), seal("8.7")
		a.CVE, a.CWEs, a.Affected, a.Fixed, a.Fork = seal("CVE-2026-12345"), []incidents.Sealed{seal("CWE-787"), seal("CWE-125")}, seal("< 12.3.1"), seal("12.3.1"), seal("python-pillow/Pillow-ghsa")
		a.Credits = []incidents.AdvisoryCredit{{Login: seal("erin"), Type: "reporter", State: "accepted"}, {Login: seal("frank"), Type: "finder", State: "pending"}}
		a.Collaborators, a.Teams, a.Comments = []incidents.Sealed{seal("erin"), seal("frank")}, []incidents.Sealed{seal("core")}, 3
	}
	i.Phase = incidents.Triage
	for k, v := range incidents.Card(p, i, now()) {
		f[k] = v
	}
	for k, v := range a.Facts() {
		f["gh "+k] = v
		if k != "title" || name != "advisory/reported" {
			f[k] = v
		}
	}
	old := incidents.Advisory{State: incidents.AdvisoryTriage, Title: seal("Overflow"), Collaborators: []incidents.Sealed{seal("dana")}, Credits: []incidents.AdvisoryCredit{{Login: seal("gina"), Type: "tool"}}}
	news := incidents.AdvisoryChanges(old, a)
	if !many {
		news = news[:1]
	}
	open := a.Facts()
	open["handle"] = "INC-8"
	fields := []incidents.Both{{Field: "title", Ours: seal("our title"), Theirs: seal("their title"), State: incidents.SyncConflict}, {Field: "cve", State: incidents.SyncNone}}
	lacks := []incidents.Lack{{What: incidents.LackState, Hard: true}}
	if many {
		for _, s := range []string{incidents.SyncSame, incidents.SyncOurs, incidents.SyncTheirs} {
			fields = append(fields, incidents.Both{Field: "severity", Ours: seal("high"), Theirs: seal("low"), State: s})
		}
		for _, what := range []string{"title", "description", "severity", "package", "fixed", "changed", "credit"} {
			lacks = append(lacks, incidents.Lack{What: what, Count: 2})
		}
	}
	for k, v := range incidents.NewFacts(
		"news", incidents.NewsFacts(news), "fields", incidents.BothFacts(fields), "lacks", incidents.LackFacts(lacks), "repository", "python-pillow/Pillow",
		"open", []incidents.Facts{open}, "advisories", []incidents.Facts{open}, "left", 2, "count", 12, "last", now(), "deaf", now(), "clash", many, "early", many, "took", many, "movedto", "",
		"theirs", seal("CVE-2026-54321"), "there", many, "globaltype", seal("reviewed"), "since", "3 d", "from", seal("dependabot"), "first", !many,
		"alerts", []incidents.Facts{{"level": seal("high"), "package": seal("numpy"), "title": seal("a bug"), "id": seal("CVE-2026-1"), "url": seal("https://example.org/1")}},
		"level", "high", "act", incidents.Seal("push"), "by", "alice", "second", "", "login", seal("erin"), "credit", seal("finder"), "already", !many, "ours", seal("CVSS-B 8.6"),
		"differ", many, "differs", 2, "kind", "limited", "until", now(), "needs", "repository_advisories=write", "told", seal("Bad credentials"), "person", "alice",
		"ago", "2 min", "lacking", many, "drafted", many, "field", "title", "command", seal("gh api -X PATCH repos/python-pillow/Pillow/security-advisories/GHSA-2345-6789-cfgh"),
		"who", "alice", "code", "K7QFM", "expires", now(), "override", seal("it is exploited"), "liveat", now(), "missing", []incidents.Facts{},
		"errors", []incidents.Facts{{"told": seal("It names a codename.")}}, "warnings", []incidents.Facts{}, "at", now(), "version", seal("12.3.1"), "for", "5 h", "blocked", many,
	) {
		f[k] = v
	}
	if !many {
		f["deaf"] = time.Time{}
		f["kind"], f["until"], f["override"], f["version"], f["handle"] = "revoked", time.Time{}, incidents.Sealed{}, incidents.Sealed{}, "INC-7"
	}
	switch name {
	case "advisory/first":
		if !many {
			f["open"], f["count"], f["left"] = []incidents.Facts{}, 0, 0
		}
	case "advisory/publish-asked", "advisory/publish-what", "advisory/publish-asked/preview":
		f["command"], f["shown"], f["description"] = "!advisory publish", "", seal("The decoder trusts the file.")
	case "github/deaf":
		f["since"] = now()
	case "advisory/change":
		f["what"], f["to"] = seal(news[0].What), seal("draft")
		f["from"] = seal("triage")
	case "advisory/was":
		f["to"] = seal("12.3.1")
	case "advisory/lack":
		f["what"] = seal("state")
	case "advisory/field":
		f["sync"], f["ours"] = seal(incidents.SyncConflict), seal("our title")
	case "refusals/advisory-create-lacks":
		f["missing"] = []incidents.Facts{{"text": seal("!incident title INC-7 <text>")}}
	}
}
