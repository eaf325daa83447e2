package templates

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestDraftFits: which texts are listed first, by track and by what happened.
func TestDraftFits(t *testing.T) {
	s, p := incidents.Seal, *pillow(t)
	triage := func(change func(*incidents.Incident)) incidents.Incident {
		i := incidents.Incident{Phase: incidents.Triage, Level: "medium", Source: s("researcher"), ReportedAt: now().Add(-time.Hour), OpenedAt: now(), AckAt: now()}
		change(&i)
		return i
	}
	for _, c := range []struct {
		name, fits string
		i          incidents.Incident
	}{
		{"reported", "ack decline-already-fixed decline-duplicate decline-not-a-vulnerability decline-out-of-scope advisory mastodon release-notes", triage(func(i *incidents.Incident) {
			i.Phase, i.Level, i.AckAt = incidents.Reported, "", time.Time{}
		})},
		{"by a scanner", "advisory downstream mastodon release-notes", triage(func(i *incidents.Incident) { i.Source = s("scanning") })},
		{"fixing", "advisory downstream mastodon release-notes update", triage(func(i *incidents.Incident) { i.Phase = incidents.Fixing })},
		{"embargoed", "advisory distro downstream mastodon release-notes update", draftIncidentOf(func(i *incidents.Incident) { i.Library = incidents.Sealed{} })},
		{"the list was told", "advisory distro downstream mastodon oss-security release-notes update", draftIncidentOf(func(i *incidents.Incident) {
			i.Library, i.Steps = incidents.Sealed{}, map[string]incidents.Deed{"notify-distros": {State: incidents.StepDone, At: now()}}
		})},
		{"broken", "advisory downstream leak mastodon oss-security release-notes update", draftIncidentOf(func(i *incidents.Incident) {
			i.Library, i.Embargo.State, i.Embargo.EndedAt = incidents.Sealed{}, incidents.EmbargoBroken, now()
		})},
		{"exploited", "advisory downstream mastodon oss-security release-notes update", triage(func(i *incidents.Incident) { i.Phase, i.WildAt = incidents.Fixing, now() })},
		{"a library's bug", "advisory downstream mastodon release-notes update upstream", triage(func(i *incidents.Incident) { i.Phase, i.Type = incidents.Fixing, s("bundled-library") })},
		{"not reachable", "decline-already-fixed decline-duplicate decline-not-a-vulnerability decline-not-reachable decline-out-of-scope not-reachable update", triage(func(i *incidents.Incident) {
			i.Type, i.Reach = s("bundled-library"), s("no")
		})},
		{"a compromise", "compromise downstream mastodon oss-security update", triage(func(i *incidents.Incident) { i.Phase, i.Type = incidents.Fixing, s("supply-chain") })},
		{"a regression", "mastodon release-notes update", triage(func(i *incidents.Incident) { i.Phase, i.Type = incidents.Fixing, s("regression") })},
		{"declined", "decline-duplicate", triage(func(i *incidents.Incident) { i.Phase, i.Outcome = incidents.Closed, s("duplicate") })},
		{"done", "advisory downstream mastodon release-notes", triage(func(i *incidents.Incident) { i.Phase, i.Outcome = incidents.Closed, s("fixed") })},
	} {
		var got []string
		for _, k := range book(t).DraftKinds() {
			if incidents.DraftFits(p, c.i, k.Key) {
				got = append(got, k.Key)
			}
		}
		want := strings.Fields(c.fits)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
	if !incidents.DraftFits(p, incidents.Incident{}, "our-own-letter") {
		t.Error("a project's own draft does not fit")
	}
}

func draftIncidentOf(change func(*incidents.Incident)) incidents.Incident {
	i := draftIncident(incidents.Seal, false)
	change(&i)
	return i
}
