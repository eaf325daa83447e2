package templates

import (
	"strings"
	"time"

	"tocsin/incidents"
)

// releaseFacts puts in what the templates of releases and tags are given: a release
// that carries two incidents whose embargoes differ, or one of which little is known.
func releaseFacts(p incidents.Plan, f incidents.Facts, name string, many bool, seal func(string) incidents.Sealed) {
	refusal := strings.HasPrefix(name, "refusals/release-") || name == "refusals/step-by-release" || name == "refusals/bad-handles"
	if !strings.HasPrefix(name, "release/") && !strings.HasPrefix(name, "tag/") && !refusal {
		return
	}
	r := incidents.Release{N: 1, Version: seal("12.3.1"), PlannedAt: now(), PlannedBy: "dana"}
	a, b := rich(seal), poor()
	a.Phase, a.Release = incidents.Releasing, r
	a.Steps["tag"] = incidents.Deed{State: incidents.StepDone, At: now().Add(-47 * time.Minute), Who: "dana"}
	a.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: now().Add(48 * time.Hour)}
	b.N, b.Handle, b.Codename, b.Release = 8, "INC-8", "amber anchor", r
	list := []incidents.Incident{a, b}
	if !many {
		list, r.PlannedAt = nil, time.Time{}
	}
	if name == "release/live" || name == "release/undone" && many {
		r.LiveAt = now().Add(-time.Hour)
	}
	if name == "release/yanked" || name == "release/state" && !many {
		r.YankedAt, r.YankedBy, r.YankedWhy = now(), "bob", seal("it crashes on import")
	}
	rel := incidents.ReleaseFacts(p, r, list, now())
	if many {
		steps, _ := rel["steps"].([]incidents.Facts)
		steps[0]["state"], steps[0]["left"], steps[0]["who"], steps[0]["at"] = "done", []string{}, "dana", now()
		rel["steps"] = steps[:3]
	}
	for k, v := range incidents.CheckFacts(p, r, list, checkFor(name, many, seal), now()) {
		rel[k] = v
	}
	for k, v := range rel {
		f[k] = v
	}
	f["again"], f["halted"] = many, many
	f["changed"], f["assumed"], f["releases"] = rel["handles"], many, []incidents.Facts{}
	f["why"], f["until"], f["step"], f["say"], f["example"] = "embargo", now(), incidents.Seal("tag"), seal("release live 12.3.1"), "INC-7 INC-8"
	tag := incidents.Facts{"tag": seal("12.3.1"), "sha": seal("5e2f4d1b"), "at": now(), "who": "dana"}
	f["tag"], f["sha"], f["recorded"], f["verdict"], f["tags"] = tag["tag"], tag["sha"], seal("0f1e2d3c"), "ok", []incidents.Facts{tag, tag}
	if many {
		f["releases"] = []incidents.Facts{rel, rel}
	} else {
		f["changed"] = []string{"INC-7"}
		f["why"], f["until"], f["verdict"], f["tags"] = "no-embargo", time.Time{}, "unknown", []incidents.Facts{}
	}
	if strings.HasPrefix(name, "release/embargo") || name == "release/incidents" && many {
		one, _ := rel["incidents"].([]incidents.Facts)
		for k, v := range append(one, incidents.Facts{"embargodated": false, "embargoover": false, "embargo": "proposed"})[0] {
			f[k] = v
		}
	}
}

// checkFor is a release's look-up that is under way, or one that found nothing.
func checkFor(name string, many bool, seal func(string) incidents.Sealed) incidents.ReleaseCheck {
	c := incidents.ReleaseCheck{Release: 1, N: 1, State: incidents.CheckLooking, By: "dana", BegunAt: now().Add(-30 * time.Minute)}
	if name == "release/deaf" || name == "release/missed" && !many {
		c.DeafSince = now().Add(-2 * time.Hour)
	}
	if !many {
		return c
	}
	c.LookedAt, c.Found = now(), incidents.Found{
		There: true, Have: 63, Want: 87, Missing: seal("win_arm64; macosx arm64 (cp313)"), Guessed: true,
		Lacks: []incidents.Sealed{seal("There is no source distribution yet")}, ProvenBy: seal("GitHub python-pillow/Pillow"),
	}
	switch name {
	case "release/wrong", "release/alarms":
		c.Found.Wrong = []incidents.Sealed{seal("pillow-12.3.1.tar.gz was published by GitHub mallory/Pillow"), seal("its digest is another one than before")}
	case "release/pulled":
		c.Found.Yanked = seal("87 of 87 files: it crashes on import")
	case "release/yanked":
		c.State = incidents.CheckGaveUp
	}
	return c
}
