package templates

import (
	"strings"
	"time"

	"tocsin/incidents"
)

// planFacts gives what the templates of steps, clocks, the embargo and the lead ask
// for besides. Those of one family are told of an incident that is not closed.
func planFacts(p incidents.Plan, i incidents.Incident, name string, many bool, seal func(string) incidents.Sealed) incidents.Facts {
	f := incidents.Facts{}
	if name != "suspended" && !strings.HasPrefix(name, "incident/") && name != "board" {
		i.Phase = incidents.Triage
	}
	family, kind, _ := strings.Cut(name, "/")
	switch family {
	case "clock", "next", "embargo", "step", "lead", "todo", "update", "phase":
		f = incidents.Card(p, i, now())
	}
	if name == "board" || name == "lead/brief" {
		f = incidents.Board(p, i, now())
	}
	steps := incidents.StepFacts(p, i, incidents.StepsOf(p, i, ""), now())
	todo := todoFacts(p, i)
	if !many {
		steps, todo = []incidents.Facts{}, []incidents.Facts{}
	}
	if name == "refusals/close-open" {
		return incidents.NewFacts("handle", "INC-7", "outcome", incidents.Seal("fixed"), "steps", incidents.Seal("publish, announce"), "count", 2)
	}
	later := time.Time{}
	if many {
		later = now().Add(72 * time.Hour)
	}
	f["lost"] = []incidents.Facts{}
	if many {
		f["lost"] = []incidents.Facts{{"handle": "INC-7", "clocks": incidents.Seal("embargo, roles")}}
	}
	f["latername"], f["laterat"], f["awayuntil"] = incidents.Seal("Tell the distributions"), later, later
	if name == "rungs" {
		line := incidents.Facts{"handle": "INC-7", "codename": "quiet harbour", "clock": "Embargo", "due": now(), "overdue": many, "left": "2 h", "who": "alice"}
		return incidents.NewFacts("count", 12, "incidents", 7, "lines", []incidents.Facts{line, line}, "more", 10, "away", many, "now", now())
	}
	for k, v := range incidents.NewFacts(
		"steps", steps, "others", []string{"INC-8"}, "tracked", incidents.Sealed{}, "policy", incidents.Seal("p0"),
		"heard", i.Heard(), "ago", "2 h", "silent", !many, "free", i.Heard().Add(incidents.LeadSilence), "away", i.LeadAway, "back", i.LeadReturn,
		"knows", []string{"alice", "bob"}, "outsiders", outsiders(true, seal), "opener", "alice",
		"until", now().Add(30*time.Minute), "days", 90, "dates", []string{"Tue 2026-12-01 14:00 UTC", "Wed 2026-12-02 14:00 UTC"},
		"step", incidents.Seal("reproduce"), "after", incidents.Seal("wheels"), "lockclock", "Embargo", "how", "open", "state", incidents.StepDone,
	) {
		f[k] = v
	}
	if name != "board" {
		f["todo"] = todo
	}
	switch {
	case family == "embargo":
		embargoFacts(f, i, kind, many, seal)
	case name == "clock/all", name == "next/all":
		f["incidents"] = []incidents.Facts{}
		if many {
			f["incidents"] = []incidents.Facts{
				incidents.Card(p, i, now()).With("todo", todo),
				incidents.Card(p, incidents.Incident{Handle: "INC-8", Codename: "amber anchor", Phase: incidents.Recovering, OpenedAt: now(), AckAt: now()}, now()).
					With("todo", []incidents.Facts{}),
			}
		}
	case name == "lead/brief":
		f["guests"], f["sendings"] = 2, outsideFacts(p, i, "draft/list", many, seal)["earlier"]
		if !many {
			f["guests"], f["knows"], f["outsiders"] = 0, []string{}, []incidents.Facts{}
		}
	case name == "todo":
		f["shown"], f["count"], f["closed"] = "all", len(steps), 7
		if !many {
			f["shown"], f["closed"] = "triage", 0
		}
	case name == "phase/moved":
		f["plain"] = "fixing"
	case family == "did":
		if plain, ok := didPlain()[kind]; ok {
			f["plain"] = plain
		}
	case strings.HasPrefix(name, "step/"):
		stepFacts(f, p, i, kind, many)
	case strings.HasPrefix(name, "refusals/"):
		f["clock"] = "Update to the reporter"
		if !many {
			f["lead"] = ""
		}
		if kind == "step-closed" && !many {
			f["who"], f["at"] = "", time.Time{}
		}
		if kind == "step-locked" || kind == "snooze-too-long" || kind == "embargo-too-long" {
			f["last"], f["why"] = now().Add(14*24*time.Hour), "after"
		}
		if kind == "step-locked" && !many {
			f["why"] = "window"
		}
		if kind == "step-by-itself" {
			f["how"] = "severity set"
		}
		if kind == "lead-consent" && !many {
			f["lead"] = "alice"
		}
	}
	switch {
	case name == "incident/reachable" && !many:
		f["reach"], f["wrong"] = incidents.Seal("no"), []incidents.Facts{}
	case name == "incident/reachable":
		f["reach"], f["wrong"] = incidents.Seal("yes"), outsideFacts(p, i, "draft/list", many, seal)["earlier"]
	case many && (name == "incident/wild" || name == "incident/public"):
		f["tracked"] = incidents.Seal("standard")
	case name == "reporter/policy" && !many:
		f["at"], f["policy"] = time.Time{}, incidents.Seal("none")
	case name == "step/also" && !many:
		f["others"] = []string{}
	}
	return f
}

// todoFacts are those of what is to be done, as the commands make them.
func todoFacts(p incidents.Plan, i incidents.Incident) []incidents.Facts {
	var out []incidents.Facts
	for _, t := range incidents.Next(p, i, now()) {
		say := "done " + i.Handle + " " + t.Step.Key
		if t.Rule.Key != "" {
			say = incidents.SayOf(t.Rule, i.Handle)
		}
		out = append(out, incidents.Facts{
			"who": t.Who, "due": t.Due, "overdue": !t.Due.IsZero() && !now().Before(t.Due), "clock": t.Rule.Name, "handle": i.Handle,
			"key": incidents.Seal(t.Step.Key), "name": incidents.Seal(t.Step.Name), "section": incidents.Seal(t.Step.Section),
			"say": incidents.Seal(say), "does": incidents.Seal(t.Rule.Does),
		})
	}
	return out
}

func embargoFacts(f incidents.Facts, i incidents.Incident, kind string, many bool, seal func(string) incidents.Sealed) {
	f["made"], f["name"], f["printed"] = "file", "appointment-7.ics", incidents.Sealed{}
	if !many {
		f["made"], f["printed"] = "printed", incidents.Seal("BEGIN:VCALENDAR\nEND:VCALENDAR")
	}
	window := i.Embargo.At.Add(-incidents.DistrosMost)
	for k, v := range incidents.NewFacts(
		"cautions", incidents.Seal(" friday weekend holidays soon distros told agree reporter wild public "),
		"local", []string{"alice Thu 18:30 CET", "bob Fri 2026-12-04 04:30 AEDT"}, "assumed", many, "left", "8 d 8 h", "past", false,
		"listsay", incidents.Seal("sent INC-7 distro --via email --to <list>"), "by", seal("Mallory"), "byreporter", many, "unfixed", many, "outsiders", outsiders(many, seal),
		"onlist", true, "window", window, "windowopen", many, "preferred", window.Add(7*24*time.Hour), "preferredopen", false, "second", "",
		"agreements", []incidents.Facts{{"who": seal("Erin"), "date": incidents.SayInstant(now()), "quote": seal("the 3rd suits me"), "at": now()}, {"who": seal("Erin"), "date": incidents.SayInstant(now()), "quote": incidents.Sealed{}, "at": now()}},
		"atonce", []incidents.Facts{{"name": incidents.Seal("Tell Tidelift that the embargo is over"), "key": incidents.Seal("leak-tidelift")}},
	) {
		f[k] = v
	}
	state := map[string]string{"proposed": incidents.EmbargoProposed, "agreed": incidents.EmbargoAgreed, "lifted": incidents.EmbargoLifted, "broken": incidents.EmbargoBroken, "moved": incidents.EmbargoMoved}[kind]
	if state != "" {
		e := incidents.Embargo{State: state}
		f["embargo"], f["embargodated"], f["embargoover"], f["endedat"] = state, e.Dated(), e.Over(), now()
	}
	if many {
		f["second"] = "dana"
		return
	}
	f["embargoat"], f["window"], f["preferred"] = now().Add(20*24*time.Hour), now().Add(6*24*time.Hour), now().Add(13*24*time.Hour)
	f["left"], f["cautions"], f["agreements"], f["local"] = "20 d", incidents.Seal("  "), []incidents.Facts{}, []string{}
	if kind == "broken" {
		f["atonce"] = []incidents.Facts{}
	}
}

// didPlain is what every room hears of an entry of the record.
func didPlain() map[string]string {
	const date = "Thu 2026-12-03 14:00 UTC"
	return map[string]string{
		"embargo-proposed": date, "embargo-agreed": date, "embargo-consent": date, "embargo-set": date, "embargo-moved": date,
		"offered": "bob", "phase": "fixing", "snoozed": `"Update to the reporter" until ` + date,
	}
}

// stepFacts are those of one step where a template is of one.
func stepFacts(f incidents.Facts, p incidents.Plan, i incidents.Incident, kind string, many bool) {
	key := "publish"
	if !many {
		key = "reproduce"
	}
	s, _ := p.Step(key)
	step := incidents.StepFacts(p, i, []incidents.Step{s}, now())[0]
	f["step"] = step
	if kind == "by" || kind == "lock" {
		for k, v := range step {
			f[k] = v
		}
	}
}

// outsiders are people outside who were told.
func outsiders(stale bool, seal func(string) incidents.Sealed) []incidents.Facts {
	return incidents.ToldFacts([]incidents.Told{
		{Reporter: true, At: now(), Stale: stale, Say: incidents.Seal("update sent INC-7")},
		{Name: seal("Alpine Linux"), At: now(), Stale: stale, Say: seal("notify sent INC-7 alpine")},
		{Step: "notify-distros", At: now(), Stale: stale, Say: incidents.Seal("sent INC-7 distro --via <how>")},
		{Name: seal("Kivy"), At: now()},
	})
}
