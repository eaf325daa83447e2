package templates

import (
	"strings"
	"time"

	"tocsin/incidents"
)

// readyFacts gives the facts of what is about the plan's text, readiness and who is
// here.
func readyFacts(p incidents.Plan, name string, many bool, seal func(string) incidents.Sealed) incidents.Facts {
	switch {
	case name == "digest":
		list := []incidents.Incident{poor()}
		if many {
			open := rich(seal)
			open.Phase, open.AckAt = incidents.Fixing, time.Time{}
			list = append(list, open)
		}
		return incidents.DigestCard(p, list, 2*len(list), 10, now()).With("rung", now().Add(-time.Hour)).With("late", many)
	case name == "readiness/due":
		return incidents.Facts{"overdue": many, "due": now().Add(-50 * time.Hour), "left": "2 d 2 h", "late": many, "rung": now(), "open": many, "began": now(), "by": "alice"}
	case strings.HasPrefix(name, "readiness/"):
		s := incidents.State{People: []string{"alice", "bob"}}
		if name == "readiness/done" {
			s.Review = incidents.Review{ID: 1, By: "alice", At: now()}
		}
		if many {
			s.Review = incidents.Review{ID: 1, By: "alice", At: now().Add(-5 * time.Hour), EndedBy: "bob", EndedAt: now(), Note: seal("all is well"), Here: map[string]time.Time{"alice": now()}}
			s.Checked = map[string]incidents.Checked{
				"debian": {By: "bob", At: now().AddDate(0, -1, 0), Note: seal("they answer")}, "ubuntu": {By: "bob", At: now().AddDate(-1, 0, 0)},
			}
			s.Tokens = []incidents.Token{
				{Name: seal("old-upload"), Expires: now().Add(-time.Hour)},
				{Name: seal("new-upload"), Expires: now().Add(50 * time.Hour)},
				{Name: seal("far-upload"), Expires: now().AddDate(1, 0, 0)},
			}
			s.Broken, s.Lacks = []string{"draft/reply"}, []incidents.Facts{{"person": "bob", "networks": []string{"irc"}}}
		}
		f := incidents.ReadinessCard(p, s, now())
		for k, v := range (incidents.Facts{
			"key": "debian", "name": "Debian security team", "reach": "security@example.org", "token": seal("upload"),
			"expires": now(), "expired": many, "assumed": many,
		}) {
			f[k] = v
		}
		return f
	case strings.HasPrefix(name, "away/"):
		list := []incidents.Facts{}
		if many {
			list = append(list, incidents.Facts{"person": "alice", "from": now(), "until": now().Add(50 * time.Hour), "now": true},
				incidents.Facts{"person": "bob", "from": now().Add(50 * time.Hour), "until": now().Add(90 * time.Hour), "now": false})
		}
		return incidents.Facts{
			"person": "alice", "from": now(), "until": now().Add(50 * time.Hour), "instead": many, "away": list, "began": many,
			"local": strings.Repeat("Wed 2026-11-25 11:30 to Fri 2026-11-27 13:30 in Europe/Helsinki", map[bool]int{true: 1}[many]),
		}
	case strings.HasPrefix(name, "plan/"), strings.HasPrefix(name, "define/"), name == "support", name == "here",
		name == "refusals/define-unknown", name == "refusals/review-open":
		some := []incidents.Facts{{"number": "7", "title": "Response Process"}, {"number": "7.4", "title": "Embargoed Release"}}
		f := incidents.Facts{
			"project": "Pillow", "sections": some, "number": "7.4", "title": "Embargoed Release", "text": "For Critical:\n\n1. Prepare `patches`.\n   - *test* them",
			"below": []incidents.Facts{}, "also": some, "term": "Embargo", "means": "a period", "terms": []string{"Incident", "Embargo"}, "first": "incident",
			"support": []incidents.Facts{{"branch": "main", "status": "security fixes are applied"}, {"branch": "older", "status": "none"}},
			"person":  "alice", "review": many, "near": "embargo", "began": now(), "by": "alice",
		}
		if !many {
			f["number"], f["text"], f["below"], f["also"], f["near"] = "", "", some, []incidents.Facts{}, ""
		}
		return f
	}
	return nil
}
