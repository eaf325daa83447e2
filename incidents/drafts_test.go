package incidents_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

func draftPlan() incidents.Plan {
	return incidents.Plan{
		Name: "Pillow", Hour: 14,
		Outside:  incidents.Outside{Upgrade: "pip install --upgrade Pillow", Advisories: "https://example.org/advisories", FreshDays: 7},
		Levels:   []incidents.Level{{Key: "high", Name: "High", From: 70, To: 89}},
		Tracks:   []incidents.Track{{Key: "embargoed", Levels: []string{"high"}, Embargo: true}, {Key: "standard", Standard: true}},
		Outcomes: []incidents.Outcome{{Key: "duplicate", Name: "duplicate of another report", Draft: "decline-duplicate"}},
		Steps: []incidents.Step{
			{Key: "revoke", First: true, Tracks: []string{"standard"}}, {Key: "notify-distros"}, {Key: "share-poc"}, {Key: "oss-security"}, {Key: "wheels", By: "released"}, {Key: "publish", Discloses: true}, {Key: "request-cve", By: "cve"},
		},
	}
}

// TestDraftFacts: what drafts are made from, at full clearance.
func TestDraftFacts(t *testing.T) {
	s := incidents.Seal
	at := time.Date(2026, 12, 3, 14, 0, 0, 0, time.UTC)
	base := incidents.Incident{Phase: incidents.Fixing, OpenedAt: noon(), ReportedAt: noon()}
	with := func(change func(*incidents.Incident)) incidents.Incident {
		i := base
		change(&i)
		return i
	}
	for _, c := range []struct {
		name, fact, want string
		i                incidents.Incident
	}{
		{"without a CVE, the GHSA is its name", "id", "GHSA-cfh3-3jmp-rvhc", with(func(i *incidents.Incident) { i.GHSA = s("GHSA-cfh3-3jmp-rvhc") })},
		{"with one, it is that", "id", "CVE-2026-25990", with(func(i *incidents.Incident) { i.GHSA, i.CVE = s("GHSA-cfh3-3jmp-rvhc"), s("CVE-2026-25990") })},
		{"the advisory's address", "link", "https://example.org/advisories/GHSA-cfh3-3jmp-rvhc", with(func(i *incidents.Incident) { i.GHSA = s("GHSA-cfh3-3jmp-rvhc") })},
		{"the score's number", "score", "8.7", with(func(i *incidents.Incident) { i.Score = s("CVSS-B 8.7") })},
		{"a credit is consent", "consent", "yes", with(func(i *incidents.Incident) { i.Reporter.Credit = s("Erin of Example Labs") })},
		{"and to that only", "credit", "Erin of Example Labs", with(func(i *incidents.Incident) { i.Reporter.Credit = s("Erin of Example Labs") })},
		{"a name is no credit", "credit", "", with(func(i *incidents.Incident) { i.Reporter.Name = s("Erin") })},
		{"nor consent", "consent", "", with(func(i *incidents.Incident) { i.Reporter.Name = s("Erin") })},
		{"anonymous is no name", "credit", "", with(func(i *incidents.Incident) { i.Reporter.Credit = s("Anonymous.") })},
		{"but an answer", "anonymous", "yes", with(func(i *incidents.Incident) { i.Reporter.Credit = s("anonymous") })},
		{"the embargo's moment", "embargo", "Thursday 2026-12-03 14:00 UTC", with(func(i *incidents.Incident) { i.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: at} })},
		{"until then nothing is public", "locked", "yes", with(func(i *incidents.Incident) { i.Embargo = incidents.Embargo{State: incidents.EmbargoProposed, At: at} })},
		{"nor where one is to come", "locked", "yes", with(func(i *incidents.Incident) { i.Level = "high" })},
		{"afterwards it may be", "locked", "", with(func(i *incidents.Incident) {
			i.Level, i.Embargo = "high", incidents.Embargo{State: incidents.EmbargoLifted, At: at, EndedAt: noon()}
		})},
		{"without one too", "locked", "", base},
		{"the fix comes on its date", "fixedon", "2026-12-03", with(func(i *incidents.Incident) { i.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: at} })},
		{"or when it came", "fixedon", noon().Format("2006-01-02"), with(func(i *incidents.Incident) { i.Release.LiveAt = noon() })},
		{"and else nobody knows", "fixedon", "", base},
		{"what leaked is disclosed", "disclosedon", noon().Format("2006-01-02"), with(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoBroken, At: at, EndedAt: noon()}
		})},
		{"it is fresh for a week", "fresh", "yes", with(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoBroken, At: at, EndedAt: noon().AddDate(0, 0, -6)}
		})},
		{"and not longer", "fresh", "", with(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoBroken, At: at, EndedAt: noon().AddDate(0, 0, -7)}
		})},
		{"a proof of concept has a moment, not later than seven days", "pocby", "Monday 2026-11-30 00:00 UTC", with(func(i *incidents.Incident) {
			i.Steps = map[string]incidents.Deed{"share-poc": {State: incidents.StepDone, At: noon()}, "oss-security": {State: incidents.StepDone, At: noon()}}
		})},
		{"what we published", "published", incidents.SayMoment(noon()), with(func(i *incidents.Incident) {
			i.Steps = map[string]incidents.Deed{"publish": {State: incidents.StepDone, At: noon()}}
		})},
		{"what leaked is not published by us", "published", "", with(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoBroken, EndedAt: noon()}
		})},
		{"it leaked", "leaked", incidents.SayMoment(noon()), with(func(i *incidents.Incident) {
			i.Embargo, i.PublicAt = incidents.Embargo{State: incidents.EmbargoBroken, EndedAt: noon()}, noon().Add(time.Hour)
		})},
		{"or was public before", "leaked", incidents.SayMoment(noon().Add(-time.Hour)), with(func(i *incidents.Incident) {
			i.Embargo, i.PublicAt = incidents.Embargo{State: incidents.EmbargoBroken, EndedAt: noon()}, noon().Add(-time.Hour)
		})},
		{"lifted is not leaked", "leaked", "", with(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoLifted, EndedAt: noon()}
		})},
		{"but over", "ended", incidents.SayMoment(noon()), with(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoLifted, EndedAt: noon()}
		})},
		{"what is used and has no fix is urgent", "urgent", "yes", with(func(i *incidents.Incident) { i.WildAt = noon() })},
		{"with a fix it is not", "urgent", "", with(func(i *incidents.Incident) { i.WildAt, i.Release.LiveAt = noon(), noon() })},
		{"no workaround is known", "workaround", "", with(func(i *incidents.Incident) { i.Workaround = s("None.") })},
		{"and that is known", "noworkaround", "yes", with(func(i *incidents.Incident) { i.Workaround = s("None.") })},
		{"nobody looked for one", "noworkaround", "", base},
		{"a word for not knowing it is no version", "fixed", "", with(func(i *incidents.Incident) { i.Fixed = s("soon") })},
		{"nor are they affected", "affected", "", with(func(i *incidents.Incident) { i.Affected = s("?") })},
		{"why it is not reachable", "reachwhy", "never called", with(func(i *incidents.Incident) { i.Reach, i.ReachWhy = s("no"), s("never called") })},
		{"why it is", "reachwhy", "", with(func(i *incidents.Incident) { i.Reach, i.ReachWhy = s("yes"), s("by any file") })},
		{"a CVE that was requested", "requested", "yes", with(func(i *incidents.Incident) {
			i.Steps = map[string]incidents.Deed{"request-cve": {State: incidents.StepDone, At: noon()}}
		})},
		{"and came", "requested", "", with(func(i *incidents.Incident) {
			i.CVE, i.Steps = s("CVE-2026-25990"), map[string]incidents.Deed{"request-cve": {State: incidents.StepDone, At: noon()}}
		})},
		{"the draft of its outcome", "outcomedraft", "decline-duplicate", with(func(i *incidents.Incident) { i.Outcome = s("duplicate") })},
		{"it is grave", "grave", "yes", with(func(i *incidents.Incident) { i.Level = "high" })},
		{"or not", "grave", "", with(func(i *incidents.Incident) { i.Level = "low" })},
		{"nothing was revoked", "revoked", "", base},
		{"it was", "revoked", "yes", with(func(i *incidents.Incident) {
			i.Steps = map[string]incidents.Deed{"revoke": {State: incidents.StepDone, At: noon()}}
		})},
		{"what was skipped was not done", "revoked", "", with(func(i *incidents.Incident) {
			i.Steps = map[string]incidents.Deed{"revoke": {State: incidents.StepSkipped, At: noon()}}
		})},
		{"how it ended", "outcomename", "duplicate of another report", with(func(i *incidents.Incident) { i.Outcome = s("duplicate") })},
		{"a bundled library", "component", "libwebp", with(func(i *incidents.Incident) { i.Library = s("libwebp") })},
	} {
		got := incidents.DraftFacts(draftPlan(), c.i, noon()).Opened(fullClearance())
		if got[c.fact] != c.want {
			t.Errorf("%s: %s is %q, want %q", c.name, c.fact, got[c.fact], c.want)
		}
	}
}

// TestDraftFactsAreSealed: below full nothing of an incident is in them but its
// phase and level.
func TestDraftFactsAreSealed(t *testing.T) {
	i := holders()["Incident"].(incidents.Incident)
	i.Release.Version = incidents.Seal(marker)
	f := incidents.DraftFacts(draftPlan(), i, noon())
	for _, c := range []incidents.Clearance{noticeClearance(), {}} {
		if text := fmt.Sprintf("%v %+v %#v", f, f.Opened(c), f.Opened(c)); strings.Contains(text, marker) {
			t.Errorf("at %s it says %s", c, text)
		}
	}
	plain := []string{"project", "upgrade", "advisories", "phase", "level", "levelkey"}
	for k, v := range f {
		if _, sealed := v.(incidents.Sealed); !sealed && !strings.Contains(strings.Join(plain, " "), k) {
			t.Errorf("%s is %T, and not sealed", k, v)
		}
	}
}
