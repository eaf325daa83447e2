package templates

import (
	"strings"
	"time"

	"tocsin/incidents"
)

// reportFacts puts in what the templates of notices, dependencies and reports are
// given: of an incident that is over, or of one of which little is known.
func reportFacts(p incidents.Plan, i incidents.Incident, f incidents.Facts, name string, many bool, seal func(string) incidents.Sealed) {
	family, kind, _ := strings.Cut(strings.TrimPrefix(name, "refusals/"), "/")
	put := func(from incidents.Facts) {
		for k, v := range from {
			f[k] = v
		}
	}
	switch {
	case family == "deps":
		put(depFacts(many, seal))
		listed(f, kind, many)
		return
	case name == "milestone":
		put(incidents.NewFacts("key", incidents.Fixed))
		return
	case name == "stats":
		put(statsFacts(p, i, many))
		return
	case strings.HasPrefix(name, "refusals/report-"), strings.HasPrefix(name, "refusals/notice-"):
		put(incidents.NewFacts("name", seal("Alpine Linux"), "found", []incidents.Facts{{"told": seal("It holds a handle of the maintainers: INC-7.")}}))
		return
	case name == "refusals/unknown-library":
		put(incidents.NewFacts("keys", []string{"libtiff", "zlib"}))
		return
	case family != "notify" && family != "report":
		return
	}
	i = told(i, many, seal)
	one := incidents.ListenerFacts(p, i, incidents.Audience(p, i))
	put(incidents.NewFacts("listeners", one, "told", 2, "all", len(one), "bylist", 3, "one", one[0].With("sentat", now()), "again", many))
	if !many {
		put(incidents.NewFacts("told", 0, "bylist", 0))
	}
	switch kind {
	case "":
		put(incidents.Report(p, i, record(many, seal), []incidents.Consent{{At: now(), Date: incidents.SayInstant(now()), Who: seal("Erin"), Quote: seal("the 3rd suits me")}}, now()))
	case "public":
		put(incidents.PublicReport(p, i, record(many, seal), now()))
	case "times":
		put(incidents.PublicReport(p, i, record(many, seal), now()))
	case "line", "state", "reach", "listener":
		put(one[len(one)-1])
	case "step":
		put(incidents.StepFacts(p, i, p.Steps[:1], now())[0])
	}
}

// told gives an incident of which distributions were told, or none.
func told(i incidents.Incident, many bool, seal func(string) incidents.Sealed) incidents.Incident {
	if !many {
		return i
	}
	i.Track, i.Library = incidents.Seal("embargoed"), incidents.Seal("libtiff")
	i.Embargo = incidents.Embargo{State: incidents.EmbargoLifted, At: now().Add(-2 * time.Hour), EndedAt: now().Add(-2 * time.Hour)}
	i.Steps = map[string]incidents.Deed{
		"notify-distros": {State: incidents.StepDone, At: now().Add(-30 * time.Hour), Who: "carol"},
		"reproduce":      {State: incidents.StepSkipped, At: now().Add(-40 * time.Hour), Who: "alice", Note: seal("the test shows it")},
	}
	i.Notices = []incidents.Notice{
		{ID: incidents.Seal("alpine"), SentAt: now().Add(-20 * time.Hour), SentBy: "carol", Via: seal("email"), HeardAt: now().Add(-10 * time.Hour), HeardBy: "dana", Answer: seal("thank you")},
		{ID: incidents.Seal("freebsd"), Name: seal("FreeBSD"), Contact: seal("secteam@freebsd.org"), AddedBy: "carol", AddedAt: now(), SentAt: now(), SentBy: "carol", Via: seal("email"), Note: seal("with the patch")},
	}
	return i
}

func record(many bool, seal func(string) incidents.Sealed) []incidents.Entry {
	out := []incidents.Entry{{Kind: "opened", Who: "alice", At: now().Add(-48 * time.Hour), Text: seal("Heap overflow in the PSD decoder")}}
	if many {
		out = append(out, incidents.Entry{Kind: "severity", Who: "bob", At: now().Add(-40 * time.Hour), Plain: "High"},
			incidents.Entry{Kind: "embargo-set", Who: "alice", At: now().Add(-30 * time.Hour), Plain: "Wed 2026-11-25 07:30 UTC"},
			incidents.Entry{Kind: "updated", Who: "alice", At: now().Add(-20 * time.Hour), Text: seal("email")},
			incidents.Entry{Kind: "phase", Who: "alice", At: now().Add(-10 * time.Hour), Plain: "fixing", Text: seal("a reason")},
			incidents.Entry{Kind: "noted", Who: "dana", At: now().Add(-5 * time.Hour), Text: seal("a note")},
			incidents.Entry{Kind: "closed", Who: "alice", At: now(), Text: seal("released")})
	}
	return out
}

func statsFacts(p incidents.Plan, i incidents.Incident, many bool) incidents.Facts {
	if !many {
		return incidents.Stats(p, nil, nil, now())
	}
	return incidents.Stats(p, []incidents.Incident{i, poor()}, map[int][]incidents.Entry{7: record(true, incidents.Seal)}, now())
}

func depFacts(many bool, seal func(string) incidents.Sealed) incidents.Facts {
	one := incidents.Facts{
		"key": "zlib", "name": "zlib", "purpose": "Deflate compression", "need": "", "home": "https://zlib.net/", "tracker": "https://zlib.net/", "section": "9.1",
		"versions": []string{"zlib-ng 2.3.3"}, "bundled": true, "known": true,
	}
	two := one.With("key", "xz").With("name", "liblzma / xz-utils").With("versions", []string{})
	f := one.With("open", []incidents.Facts{{"handle": incidents.Seal("INC-7"), "codename": incidents.Seal("quiet harbour"), "phase": incidents.Seal("fixing"), "title": seal("Heap overflow")}})
	if !many {
		f = two.With("known", false).With("home", "").With("tracker", "").With("need", "Optional").With("open", []incidents.Facts{})
	}
	return f
}

// listed puts in what the lists of dependencies are given.
func listed(f incidents.Facts, kind string, many bool) {
	one := incidents.NewFacts("key", f["key"], "name", f["name"], "purpose", f["purpose"], "need", "Optional", "versions", f["versions"], "known", many, "version", "1.2", "as", "zlib-ng")
	list, names := []incidents.Facts{one, one}, []string{"aom", "raqm"}
	if !many {
		list, names = []incidents.Facts{}, []string{}
	}
	if kind == "list" {
		f["bundled"], f["python"] = list, list
	}
	f["file"], f["count"], f["agreed"], f["unmapped"], f["unlisted"], f["renamed"] = "dependencies.json", 17, 15, list, names, list
}
