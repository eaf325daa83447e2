package templates

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// state is what an incident can be in, as people bring it there.
type state struct {
	name   string
	change func(*incidents.Incident)
}

func states() []state {
	s := incidents.Seal
	before := func(i *incidents.Incident) {
		*i = draftIncident(s, false)
		i.Embargo, i.Release = incidents.Embargo{}, incidents.Release{}
	}
	unlive := func(i *incidents.Incident) {
		i.Release.LiveAt = time.Time{}
		delete(i.Steps, "publish")
	}
	return []state{
		{"before any embargo", before},
		{"a date is proposed", func(i *incidents.Incident) {
			*i = draftIncident(s, false)
			i.Embargo.State, i.Embargo.AgreedAt = incidents.EmbargoProposed, time.Time{}
		}},
		{"under embargo", func(i *incidents.Incident) { *i = draftIncident(s, false) }},
		{"lifted, not live", func(i *incidents.Incident) { *i = draftIncident(s, true); unlive(i) }},
		{"lifted, live", func(i *incidents.Incident) { *i = draftIncident(s, true); delete(i.Steps, "publish") }},
		{"disclosed", func(i *incidents.Incident) { *i = draftIncident(s, true) }},
		{"broken, not live", func(i *incidents.Incident) {
			*i = draftIncident(s, true)
			unlive(i)
			i.Embargo.State = incidents.EmbargoBroken
		}},
		{"public, no embargo", func(i *incidents.Incident) { before(i); i.PublicAt = now().Add(-time.Hour) }},
		{"public, under embargo", func(i *incidents.Incident) { *i = draftIncident(s, false); i.PublicAt = now().Add(-time.Hour) }},
		{"exploited, no embargo", func(i *incidents.Incident) { before(i); i.WildAt = now().Add(-time.Hour) }},
		{"exploited, under embargo", func(i *incidents.Incident) { *i = draftIncident(s, false); i.WildAt = now().Add(-time.Hour) }},
		{"standard, not live", func(i *incidents.Incident) { before(i); i.Level = "medium" }},
		{"standard, live", func(i *incidents.Incident) {
			before(i)
			i.Level, i.Release = "medium", incidents.Release{N: 1, Version: s("12.1.1"), LiveAt: now().Add(-time.Hour)}
		}},
	}
}

// otherStates are those that only some letters tell apart.
func otherStates() []state {
	s := incidents.Seal
	compromise := func(i *incidents.Incident) {
		*i = draftIncident(s, false)
		i.Track, i.Embargo, i.Release, i.Steps = s("compromise"), incidents.Embargo{}, incidents.Release{}, nil
		i.Affected, i.Fixed, i.Period = s("12.3.0"), s("12.3.1"), s("2026-11-20 08:00 UTC to 2026-11-21 12:00 UTC")
		i.CVE, i.GHSA, i.Vector, i.Score = incidents.Sealed{}, incidents.Sealed{}, incidents.Sealed{}, incidents.Sealed{}
	}
	return []state{
		{"the date moved", func(i *incidents.Incident) {
			*i = draftIncident(s, false)
			i.Embargo.State, i.Embargo.MovedAt, i.Embargo.AgreedAt = incidents.EmbargoMoved, now(), time.Time{}
			i.Steps["notify-distros"] = incidents.Deed{State: incidents.StepDone, At: now().Add(-time.Hour)}
		}},
		{"the date moved, and they heard", func(i *incidents.Incident) {
			*i = draftIncident(s, false)
			i.Embargo.State, i.Embargo.MovedAt, i.Embargo.AgreedAt = incidents.EmbargoMoved, now().Add(-2*time.Hour), time.Time{}
			i.Steps["notify-distros"], i.UpdateAt = incidents.Deed{State: incidents.StepDone, At: now().Add(-time.Hour)}, now().Add(-time.Hour)
		}},
		{"a compromise, under embargo", func(i *incidents.Incident) {
			compromise(i)
			i.Embargo = draftIncident(s, false).Embargo
		}},
		{"lifted, live, in triage", func(i *incidents.Incident) { *i = draftIncident(s, true); i.Phase = incidents.Triage }},
		{"disclosed, no release, in triage", func(i *incidents.Incident) {
			*i = draftIncident(s, true)
			i.Phase, i.Release = incidents.Triage, incidents.Release{}
		}},
		{"a compromise", compromise},
		{"a compromise, mended", func(i *incidents.Incident) {
			compromise(i)
			i.Release = incidents.Release{N: 1, Version: s("12.3.1"), LiveAt: now().Add(-time.Hour)}
		}},
		{"a compromise of no release", func(i *incidents.Incident) { compromise(i); i.Affected, i.Advice = s("none"), s("none") }},
	}
}

// TestWhatGoesOutWhen is the table of what may go out in which state, by the plan: "no"
// is stopped by the rule that is named, "yes" by no rule about the state.
func TestWhatGoesOutWhen(t *testing.T) {
	kinds := []string{"mastodon", "oss-security", "advisory", "release-notes", "leak", "compromise", "not-reachable", "distro"}
	table := map[string]string{
		"before any embargo":       "early     early     early     early early   yes   yes   yes", // the last two are on tracks that take no embargo by themselves
		"a date is proposed":       "early     early     early     early early   early early yes",
		"under embargo":            "early     early     early     early early   early early yes",
		"lifted, not live":         "not-live  yes       not-live  yes   no-leak yes   yes   distros-public", // the list was told: it is asked about
		"lifted, live":             "yes       yes       yes       yes   no-leak yes   yes   distros-public",
		"disclosed":                "yes       yes       yes       yes   no-leak yes   yes   distros-public",
		"broken, not live":         "not-live  yes       yes       yes   yes     yes   yes   distros-public",
		"public, no embargo":       "not-live  yes       yes       yes   yes     yes   yes   distros-public",
		"public, under embargo":    "early     early     early     early early   early early distros-public",
		"exploited, no embargo":    "not-live  yes       yes       yes   yes     yes   yes   yes",
		"exploited, under embargo": "early  early     early     early early   early early yes",
		"standard, not live":       "not-live  not-live  not-live  yes   no-leak yes   yes   yes",
		"standard, live":           "yes       yes       yes       yes   no-leak yes   yes   yes",
	}
	about := []string{"early", "not-live", "no-leak", "no-compromise", "reachable", "distros-public", "past"}
	for _, st := range states() {
		want := strings.Fields(table[st.name])
		for k, kind := range kinds {
			i := incidents.Incident{}
			st.change(&i)
			switch kind { // what only some incidents are
			case "compromise":
				i.Track = incidents.Seal("compromise")
			case "not-reachable":
				i.Track, i.Reach, i.ReachWhy = incidents.Seal("upstream"), incidents.Seal("no"), incidents.Seal("We never call it.")
			}
			f := incidents.DraftFacts(*pillow(t), i, now())
			got := "yes"
			for _, found := range Lint(draft(t, book(t), kind, f), lintFor(f)) {
				if found.Level == LintError && slices.Contains(about, found.Rule) && got == "yes" {
					got = found.Rule
				}
			}
			if got != want[k] {
				t.Errorf("%s, %s: %s, want %s", st.name, kind, got, want[k])
			}
		}
	}
}

// TestLettersFollowTheState: letters to those who are told before ask for silence while
// there is something to be silent about, and name the moments in full.
func TestLettersFollowTheState(t *testing.T) {
	const private = "keep it private until|confidential|It is not public yet|upcoming|as agreed|We propose|Which one would suit"
	for _, c := range []struct{ state, kind, says, not string }{
		{"before any embargo", "update", "working on a fix", private},
		{"before any embargo", "upstream", "in private. Please treat it as confidential|Private security report|No date is set", ""},
		{"before any embargo", "downstream", "upcoming security release|confidential until our advisory is out|once it is released", ""},
		{"a date is proposed", "update", "We propose Thursday 2026-12-03 14:00 UTC|keep it private until then", "as agreed"},
		{"a date is proposed", "upstream", "We plan to disclose it on Thursday 2026-12-03 14:00 UTC", ""},
		{"under embargo", "update", "The disclosure is on Thursday 2026-12-03 14:00 UTC, as agreed. Please keep it private", "We propose"},
		{"under embargo", "upstream", "agreed for Thursday 2026-12-03 14:00 UTC|keep it private until then", "We plan"},
		{"under embargo", "downstream", "confidential until Thursday 2026-12-03 14:00 UTC|upcoming|(not released yet)", ""},
		{"lifted, not live", "update", "The embargo ended on Wednesday 2026-11-25", private},
		{"lifted, not live", "upstream", "ended on Wednesday 2026-11-25", private},
		{"lifted, not live", "downstream", "The embargo ended on Wednesday 2026-11-25|once it is released", "confidential"},
		{"lifted, live", "downstream", "Pillow: security release|require Pillow 12.1.1 or newer, and", private},
		{"disclosed", "update", "We disclosed it on Wednesday 2026-11-25", private},
		{"disclosed", "upstream", "We disclosed it on Wednesday 2026-11-25|Security report for", private},
		{"disclosed", "downstream", "We disclosed it on Wednesday 2026-11-25", private},
		{"broken, not live", "update", "It became known in public on Wednesday 2026-11-25", private},
		{"broken, not live", "upstream", "It became known in public on Wednesday 2026-11-25", private},
		{"broken, not live", "downstream", "It became known in public on Wednesday 2026-11-25|security issue", private},
		{"public, no embargo", "update", "It became known in public on Wednesday 2026-11-25", private},
		{"public, no embargo", "upstream", "It became known in public on Wednesday 2026-11-25", private},
		{"public, no embargo", "downstream", "It became known in public on Wednesday 2026-11-25", private},
		{"public, under embargo", "update", "It became known in public on Wednesday 2026-11-25", private},
		{"public, under embargo", "downstream", "It became known in public on Wednesday 2026-11-25", private},
		{"standard, not live", "downstream", "upcoming security release", ""},
		{"broken, not live", "leak", "We are working on a release that fixes it", "please upgrade."},
		{"broken, not live", "oss-security", "none released yet; it will be 12.1.1|No release with the fix is out yet", "Upgrade to Pillow"},
		{"lifted, live", "oss-security", "Upgrade to Pillow 12.1.1. No known workaround.", "none released yet"},
		{"broken, not live", "advisory", "Fixed version:** none released yet; it will be 12.1.1|No release with the fix is out yet|- Known in public since: Wednesday 2026-11-25|- Fixed: not yet", "missing|pip install|- Disclosed"},
		{"lifted, live", "advisory", "Fixed version:** 12.1.1|pip install|- Disclosed: 2026-11-25", "missing|Known in public|exploited"},
		{"exploited, no embargo", "advisory", "code in it. **Exploited:** it is being exploited in the wild.|none released yet", "missing|- Disclosed"},
		{"exploited, no embargo", "oss-security", "code in it. It is being exploited in the wild.", ""},
		{"exploited, no embargo", "downstream", "code in it. It is being exploited in the wild.", ""},
		{"exploited, no embargo", "update", "We know that it is being exploited in the wild.", ""},
		{"exploited, no embargo", "mastodon", "It is being exploited in the wild. Affected:", ""},
		{"exploited, under embargo", "distro", "code in it. It is being exploited in the wild. Details:", ""},
		{"under embargo", "distro", "once it is released", "exploited|moved"},
		{"the date moved", "distro", "The date has moved since our mail before this one", ""},
		{"the date moved", "update", "The date has moved. We propose Thursday 2026-12-03", "as agreed"},
		{"the date moved, and they heard", "distro", "embargoed notification", "has moved"},
		{"the date moved, and they heard", "update", "We propose Thursday", "has moved"},
		{"a compromise, under embargo", "downstream", "confidential until Thursday 2026-12-03 14:00 UTC", "pip install"},
		{"lifted, live", "update", "The fix is released: Pillow 12.1.1 is out", "looking into it"},
		{"lifted, live, in triage", "update", "The fix is released: Pillow 12.1.1 is out|We disclosed it", "looking into it"},
		{"disclosed, no release, in triage", "update", "We disclosed it", "looking into it|released"},
		{"before any embargo", "upstream", "an issue that seems to be in your code|whether you can confirm it, and in which version", "whether you request a CVE"},
		{"public, no embargo", "upstream", "We write about CVE-2026-25990, which is public", "confidential|told of an issue|whether you request a CVE"},
		{"a compromise", "downstream", "Pillow: security incident|a compromise of it|Affected: Pillow 12.3.0.|Do not install these versions|replace them", "upcoming|confidential|pip install|12.3.1|missing"},
		{"a compromise", "mastodon", "Do not install Pillow 12.3.0: it was tampered with.|replace the secrets", "fixes a security issue|pip install|12.3.1|missing"},
		{"a compromise", "oss-security", "Affected: Pillow 12.3.0|Do not install these versions", "CVE-|CVSS|pip install|12.3.1|missing|exploited"},
		{"a compromise", "compromise", "install a release anew", "pip install|12.3.1|missing"},
		{"a compromise, mended", "downstream", "Install Pillow 12.3.1 in its place: python3 -m pip install --upgrade Pillow", "missing"},
		{"a compromise, mended", "mastodon", "Install Pillow 12.3.1 in its place", "missing"},
		{"a compromise of no release", "compromise", "no release of Pillow that we know of|Nothing, as far as we know.", "missing|none"},
		{"a compromise of no release", "downstream", "no release of Pillow that we know of|Nothing, as far as we know.", "Do not install|missing"},
		{"before any embargo", "decline-not-a-vulnerability", "so we are closing the report.|for doing so in private", "as one"},
		{"public, no embargo", "decline-not-a-vulnerability", "report it.", "in private"},
		{"before any embargo", "decline-duplicate", "known to us already", "working on it"},
		{"before any embargo", "decline-duplicate", "Please keep it private", ""},
		{"public, no embargo", "decline-duplicate", "", "keep it private"},
	} {
		all := append(states(), otherStates()...)
		k := slices.IndexFunc(all, func(s state) bool { return s.name == c.state })
		i := incidents.Incident{}
		all[k].change(&i)
		f := incidents.DraftFacts(*pillow(t), i, now())
		d := draft(t, book(t), c.kind, f)
		text := flat(d.Subject.Reveal(clearances()["full"]) + " " + d.Body.Reveal(clearances()["full"]))
		for _, s := range strings.Split(c.says, "|") {
			if !strings.Contains(text, flat(s)) {
				t.Errorf("%s of what is %s does not say %q:\n%s", c.kind, c.state, s, text)
			}
		}
		for _, s := range strings.Split(c.not, "|") {
			if s != "" && strings.Contains(text, flat(s)) {
				t.Errorf("%s of what is %s says %q:\n%s", c.kind, c.state, s, text)
			}
		}
		for _, found := range Lint(d, lintFor(f)) {
			if slices.Contains([]string{"own-moment", "past", "stale-private", "half-moment", "weekday"}, found.Rule) {
				t.Errorf("%s of what is %s: %s %s", c.kind, c.state, found.Rule, found.Told.Reveal(clearances()["full"]))
			}
		}
	}
}

// TestFactsThatAreSaid: what is said of a workaround, a CVE, a proof of concept and the
// reporter's wishes is a fact, or is asked for, or is left out.
func TestFactsThatAreSaid(t *testing.T) {
	type change = func(*incidents.Incident, incidents.Facts)
	seal := incidents.Seal
	does := func(f func(*incidents.Incident)) change {
		return func(i *incidents.Incident, _ incidents.Facts) { f(i) }
	}
	done := incidents.Deed{State: incidents.StepDone, At: now()}
	for _, c := range []struct {
		kind, says, not string
		change          change
	}{
		{"distro", "No known workaround.", "missing", nil},
		{"distro", "<missing: workaround, say !fact set workaround none>", "No known workaround", does(func(i *incidents.Incident) { i.Workaround = incidents.Sealed{} })},
		{"distro", "Upgrade to Pillow 12.1.1 once it is released. Do not open PSD files.", "No known workaround", does(func(i *incidents.Incident) { i.Workaround = seal("Do not open PSD files.") })},
		{"oss-security", "Upgrade to Pillow 12.1.1.", "workaround", does(func(i *incidents.Incident) { i.Workaround = incidents.Sealed{} })},
		{"oss-security", "No known workaround.", "", nil},
		{"advisory", "**Workaround:** Do not open PSD files.", "", does(func(i *incidents.Incident) { i.Workaround = seal("Do not open PSD files.") })},
		{"advisory", "", "workaround", does(func(i *incidents.Incident) { i.Workaround = incidents.Sealed{} })},
		{"advisory", "**Vector:** CVSS:4.0/AV:N|**Weakness:** CWE-787", "", nil},
		{"advisory", "", "Weakness", does(func(i *incidents.Incident) { i.CWE = incidents.Sealed{} })},
		{"distro", "Weakness: CWE-787", "", nil},
		{"distro", "CVE: none assigned yet", "requested", does(func(i *incidents.Incident) { i.CVE = incidents.Sealed{} })},
		{"distro", "CVE: requested, not assigned yet", "none assigned", does(func(i *incidents.Incident) { i.CVE, i.Steps["request-cve"] = incidents.Sealed{}, done })},
		{"advisory", "none assigned yet (GHSA-cfh3-3jmp-rvhc)", "requested", does(func(i *incidents.Incident) { i.CVE = incidents.Sealed{} })},
		{"advisory", "requested, not assigned yet (GHSA-cfh3-3jmp-rvhc)", "", does(func(i *incidents.Incident) { i.CVE, i.Steps["request-cve"] = incidents.Sealed{}, done })},
		{"distro", "See the regression test in the attached patch.", "", nil},
		{"distro", "See the attached patch.", "regression", does(func(i *incidents.Incident) { i.Steps = nil })},
		{"distro", "<missing: proof of concept, or a patch, say !fact set poc none>", "attached", func(_ *incidents.Incident, f incidents.Facts) { f["patched"] = incidents.Sealed{} }},
		{"distro", "None is shared.", "attached", func(i *incidents.Incident, f incidents.Facts) { i.PoC, f["patched"] = seal("none"), incidents.Sealed{} }},
		{"distro", "Proof of concept: Open tests/x.psd.", "attached", does(func(i *incidents.Incident) { i.PoC = seal("Open tests/x.psd.") })},
		{"ack", "", "credited|Questions:", does(func(i *incidents.Incident) { i.Policy = seal("p0") })},
		{"ack", "own write-up", "credited|disclosure date", nil},
		{"ack", "credited|disclosure date in mind", "", does(func(i *incidents.Incident) { i.Reporter.Credit, i.Embargo = incidents.Sealed{}, incidents.Embargo{} })},
		{"update", "How would you like to be credited", "", does(func(i *incidents.Incident) { i.Reporter.Credit = incidents.Sealed{} })},
		{"update", "", "credited", nil},
		{"ack", "Re: your security report to Pillow (2026-11-20)", "PSD", nil},
		{"decline-not-reachable", "We never call it.", "number of channels", does(func(i *incidents.Incident) {
			i.Track, i.Reach, i.ReachWhy = seal("upstream"), seal("no"), seal("We never call it.")
		})},
		{"not-reachable", "<missing: why it is not reachable, say !incident reachable no", "number of channels", does(func(i *incidents.Incident) { i.Track, i.Reach = seal("upstream"), seal("no") })},
		{"not-reachable", "say !incident track upstream", "", nil},
		{"advisory", "Fixed version:** <missing", "soon", does(func(i *incidents.Incident) { i.Fixed = seal("soon") })},
		{"advisory", "Affected versions:** Pillow <missing", "?", does(func(i *incidents.Incident) { i.Affected = seal("?") })},
		{"advisory", "- Disclosed: <missing: date of the disclosure, say !release live 12.1.1>", "!embargo set", does(func(i *incidents.Incident) { i.Release.LiveAt, i.Steps = time.Time{}, nil })},
		{"advisory", "- Disclosed: <missing: date of the disclosure, say !embargo set", "", does(func(i *incidents.Incident) {
			*i = draftIncident(seal, false)
			i.Embargo = incidents.Embargo{}
		})},
		{"distro", "<missing: moment of the disclosure, say !draft oss-security>", "!embargo set", does(func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoBroken, EndedAt: now()}
		})},
		{"compromise", "Affected:** no release of Pillow that we know of|Rotate your keys.", "Remove it|upgrade", does(func(i *incidents.Incident) {
			i.Affected, i.Advice, i.Period = seal("none"), seal("Rotate your keys."), seal("on 2026-11-20")
		})},
		{"compromise", "install a release anew that is not among those above", "missing: fixed|upgrade", does(func(i *incidents.Incident) { i.Fixed, i.Period = incidents.Sealed{}, seal("on 2026-11-20") })},
		{"compromise", "say !fact set summary A token of our CI was stolen", "crafted", does(func(i *incidents.Incident) { i.Track, i.Summary = seal("compromise"), incidents.Sealed{} })},
		{"compromise", "When:** <missing: from when until when, say !fact set period", "", nil},
		{"mastodon", "fixes a regression: Out-of-bounds", "security issue|advisories", does(func(i *incidents.Incident) { i.Track = seal("regression") })},
	} {
		kind, _ := book(t).DraftKind(c.kind)
		i := draftIncident(seal, kind.Public)
		extra := incidents.Facts{"patched": seal("yes")}
		if c.change != nil {
			c.change(&i, extra)
		}
		f := incidents.DraftFacts(*pillow(t), i, now())
		f["patched"] = extra["patched"]
		d := draft(t, book(t), c.kind, f)
		text := flat(d.Subject.Reveal(clearances()["full"]) + " " + d.Body.Reveal(clearances()["full"]))
		for _, s := range strings.Split(c.says, "|") {
			if !strings.Contains(text, flat(s)) {
				t.Errorf("%s does not say %q:\n%s", c.kind, s, text)
			}
		}
		for _, s := range strings.Split(c.not, "|") {
			if s != "" && strings.Contains(text, flat(s)) {
				t.Errorf("%s says %q:\n%s", c.kind, s, text)
			}
		}
	}
}

func stateCases() []lintCase {
	embargoed := func(i *incidents.Incident) { *i = draftIncident(incidents.Seal, false) }
	unlive := func(i *incidents.Incident) { i.Release.LiveAt, i.Steps = time.Time{}, nil }
	broken := func(i *incidents.Incident) { unlive(i); i.Embargo.State = incidents.EmbargoBroken }
	affected := func(affected, fixed string) func(*incidents.Incident) {
		return func(i *incidents.Incident) {
			i.Affected, i.Fixed, i.Release.Version = incidents.Seal(affected), incidents.Seal(fixed), incidents.Seal(fixed)
		}
	}
	compromised := func(i *incidents.Incident) {
		unlive(i)
		i.Track, i.Affected, i.Fixed, i.Embargo = incidents.Seal("compromise"), incidents.Seal("12.3.0"), incidents.Seal("12.3.1"), incidents.Embargo{}
		i.CVE, i.GHSA, i.Vector, i.Score = incidents.Sealed{}, incidents.Sealed{}, incidents.Sealed{}, incidents.Sealed{}
		i.Period = incidents.Seal("2026-11-20 08:00 UTC to 2026-11-21 12:00 UTC")
	}
	fixed := func(fixed string) func(*incidents.Incident) {
		return func(i *incidents.Incident) { i.Fixed = incidents.Seal(fixed) }
	}
	closed := func(outcome string) func(*incidents.Incident) {
		return func(i *incidents.Incident) { i.Phase, i.Outcome = incidents.Closed, incidents.Seal(outcome) }
	}
	return []lintCase{
		{rule: "early", kind: "advisory"},
		{rule: "early", kind: "distro"}, // it is not public
		{rule: "early", kind: "advisory", bad: true, change: embargoed, also: tells("`!embargo lift <reason>`")},
		{rule: "early", kind: "leak", bad: true, change: embargoed},
		{rule: "early", kind: "release-notes", bad: true, change: func(i *incidents.Incident) { embargoed(i); i.Embargo.State = incidents.EmbargoProposed }, also: tells("it is proposed")},
		{rule: "early", kind: "mastodon", bad: true, change: func(i *incidents.Incident) { i.Embargo = incidents.Embargo{} }, also: tells("`!incident track standard <reason>`")}, // one has to come
		{rule: "early", kind: "mastodon", change: func(i *incidents.Incident) { i.Level, i.Embargo = "medium", incidents.Embargo{} }},
		{rule: "early", kind: "release-notes", change: func(i *incidents.Incident) { i.Track, i.Embargo = incidents.Seal("standard"), incidents.Embargo{} }},
		{rule: "early", kind: "leak", change: func(i *incidents.Incident) { i.Embargo.State = incidents.EmbargoBroken }},
		{rule: "not-live", kind: "mastodon"},
		{rule: "not-live", kind: "mastodon", bad: true, change: unlive, also: tells("`!release live <version>`")},
		{rule: "not-live", kind: "mastodon", bad: true, change: broken},
		{rule: "not-live", kind: "mastodon", bad: true, change: func(i *incidents.Incident) { i.Release.YankedAt = now() }, also: tells("12.1.1 is yanked")},
		{rule: "not-live", kind: "leak", change: unlive},
		{rule: "not-live", kind: "oss-security"},
		{rule: "not-live", kind: "oss-security", bad: true, change: unlive},
		{rule: "not-live", kind: "oss-security", change: broken},
		{rule: "not-live", kind: "advisory", bad: true, change: unlive},
		{rule: "not-live", kind: "advisory", bad: true, change: embargoed},
		{rule: "not-live", kind: "release-notes", change: unlive},
		{rule: "advisory-live", kind: "advisory"},
		{rule: "list-live", kind: "oss-security"},
		{rule: "list-live", kind: "oss-security", bad: true, change: func(i *incidents.Incident) { i.Release.LiveAt = time.Time{} }},
		{rule: "advisory-live", kind: "advisory", bad: true, change: broken},
		{rule: "no-leak", kind: "leak", fits: true},
		{rule: "no-leak", kind: "leak", fits: true, change: func(i *incidents.Incident) { i.Embargo, i.WildAt = incidents.Embargo{}, now() }},
		{rule: "no-leak", kind: "leak", bad: true, change: unlive},
		{rule: "no-compromise", kind: "compromise", fits: true},
		{rule: "no-compromise", kind: "compromise", bad: true},
		{rule: "reachable", kind: "not-reachable", fits: true},
		{rule: "reachable", kind: "decline-not-reachable", fits: true},
		{rule: "reachable", kind: "not-reachable", bad: true, also: tells("`!incident track upstream <why>`, and then `!incident reachable no <why>`")},
		{rule: "reachable", kind: "not-reachable", bad: true, change: func(i *incidents.Incident) { i.Type = incidents.Seal("bundled-library") }, also: tells("if it is so, say `!incident reachable no <why>`")},
		{rule: "library-public", kind: "not-reachable", bad: true, change: func(i *incidents.Incident) { i.Steps = nil; i.Level, i.Embargo = "medium", incidents.Embargo{} }},
		{rule: "library-public", kind: "not-reachable", change: func(i *incidents.Incident) { i.PublicAt = now() }},
		{rule: "not-live", kind: "mastodon", change: compromised},
		{rule: "not-live", kind: "oss-security", change: compromised},
		{rule: "missing", kind: "oss-security", change: compromised}, // it has no CVE, no vector and no release
		{rule: "missing", kind: "mastodon", change: compromised},
		{rule: "missing", kind: "downstream", change: compromised},
		{rule: "missing", kind: "oss-security", change: func(i *incidents.Incident) { compromised(i); i.Period = incidents.Sealed{} }, bad: true, also: tells("from when until when")},
		{rule: "bad-upgrade", kind: "mastodon"},
		{rule: "bad-upgrade", kind: "downstream", change: compromised},
		{rule: "bad-upgrade", kind: "downstream", change: compromised, bad: true, body: "Say pip install -U Pillow."},
		{rule: "bad-upgrade", kind: "mastodon", change: compromised, bad: true, body: "python3 -m pip install --upgrade Pillow"},
		{rule: "bad-upgrade", kind: "mastodon", change: func(i *incidents.Incident) { compromised(i); i.Release.LiveAt = now() }, body: "pip install -U Pillow"},
		{rule: "bad-upgrade", kind: "mastodon", bad: true, change: func(i *incidents.Incident) { compromised(i); i.Release.LiveAt, i.Release.YankedAt = now(), now() }, body: "pip install -U Pillow"},
		{rule: "none-files", kind: "compromise", fits: true},
		{rule: "none-files", kind: "compromise", fits: true, bad: true, change: func(i *incidents.Incident) { i.Affected = incidents.Seal("none") }},
		{rule: "affected-form", kind: "advisory"},
		{rule: "affected-form", kind: "advisory", bad: true, change: func(i *incidents.Incident) { i.Affected = incidents.Seal("bananas") }, also: tells("bananas")},
		{rule: "affected-form", kind: "advisory", change: func(i *incidents.Incident) { i.Affected = incidents.Seal("all releases") }},
		{rule: "affected-form", kind: "leak", change: func(i *incidents.Incident) { i.Affected = incidents.Seal("bananas") }}, // it does not name it
		{rule: "upgrade", kind: "advisory", change: broken},
		{rule: "reachable", kind: "decline-not-reachable", fits: true, bad: true, change: func(i *incidents.Incident) { i.Reach = incidents.Seal("yes") }},
		{rule: "declined", kind: "decline-not-a-vulnerability", fits: true},
		{rule: "declined", kind: "decline-not-a-vulnerability", bad: true, also: tells("CVE-2026-25990")},
		{rule: "declined", kind: "decline-out-of-scope", bad: true},
		{rule: "declined", kind: "decline-out-of-scope", bad: true, out: true, change: func(i *incidents.Incident) { i.CVE = incidents.Sealed{} }, also: tells("you disclosed it, Wednesday")},
		{rule: "declined", kind: "decline-duplicate"},
		{rule: "declined", kind: "decline-duplicate", fits: true, change: closed("duplicate")},
		{rule: "declined", kind: "decline-duplicate", fits: true, bad: true, change: closed("out-of-scope"), also: tells("it was closed as out of scope")},
		{rule: "declined", kind: "decline-duplicate", fits: true, bad: true, change: closed("fixed")},
		{rule: "declined", kind: "update", change: closed("fixed")},
		{rule: "decline", kind: "decline-duplicate", fits: true},
		{rule: "decline", kind: "decline-duplicate", bad: true, also: tells("the level High; a CVE, CVE-2026-25990; an embargo, Thursday 2026-12-03 14:00 UTC")},
		{rule: "decline", kind: "decline-duplicate", fits: true, bad: true, change: func(i *incidents.Incident) { i.Level = "critical" }},
		{rule: "decline", kind: "decline-duplicate", fits: true, bad: true, change: func(i *incidents.Incident) { i.CVE = incidents.Seal("CVE-2026-25990") }},
		{rule: "decline", kind: "decline-duplicate", fits: true, bad: true, change: func(i *incidents.Incident) {
			i.Embargo = incidents.Embargo{State: incidents.EmbargoProposed, At: now().Add(99 * time.Hour)}
		}},
		{rule: "fixed-live", kind: "advisory"},
		{rule: "fixed-live", kind: "advisory", change: fixed("11.4.2 and v12.1.1")},
		{rule: "fixed-live", kind: "advisory", change: func(i *incidents.Incident) {
			i.Fixed, i.Release.Version = incidents.Seal("12.2"), incidents.Seal("12.2.0")
		}},
		{rule: "fixed-live", kind: "advisory", change: func(i *incidents.Incident) { fixed("12.2.0")(i); unlive(i) }},
		{rule: "fixed-live", kind: "advisory", bad: true, change: fixed("12.1.2"), also: tells("`!fact set fixed 12.1.1`")},
		{rule: "fixed-live", kind: "release-notes", bad: true, change: fixed("12.1.1rc1")},
		{rule: "fixed-live", kind: "leak", change: func(i *incidents.Incident) { broken(i); i.Fixed = incidents.Seal("9.9") }}, // it does not name it
		{rule: "fixed-affected", kind: "advisory"},
		{rule: "fixed-affected", kind: "advisory", change: affected("12.2.0 to 12.3.0", "12.3.1")},
		{rule: "fixed-affected", kind: "advisory", change: affected("all before 12.3.1", "1.2.3.post1, 12.3.1")},
		{rule: "fixed-affected", kind: "advisory", change: affected(">= 2.0, < 12.3.1", "2.0rc1")},
		{rule: "fixed-affected", kind: "advisory", bad: true, change: affected("12.2.0 to 12.3.0", "12.3.0"), also: tells("12.3.0 is in 12.2.0 to 12.3.0")},
		{rule: "fixed-affected", kind: "distro", bad: true, change: affected(">= 2.0, < 12.3.1", "12.3.0")},
		{rule: "stale-private", kind: "update"},
		{rule: "stale-private", kind: "update", out: true},
		{rule: "stale-private", kind: "update", body: "Please keep it private."},
		{rule: "stale-private", kind: "update", out: true, bad: true, body: "Please keep all of it\nprivate.", also: tells("keep all of it private")},
		{rule: "stale-private", kind: "downstream", bad: true, subject: "an upcoming release", change: func(i *incidents.Incident) { i.PublicAt = now() }},
		{rule: "half-moment", kind: "update"},
		{rule: "half-moment", kind: "update", bad: true, body: "We disclose it on 2026-12-03.", also: tells("2026-12-03")},
		{rule: "half-moment", kind: "downstream", bad: true, body: "until December 3, 2026"},
		{rule: "half-moment", kind: "update", body: "We looked at it on 2026-11-24."},
		{rule: "half-moment", kind: "update", body: "on Thursday 2026-12-03 14:00 UTC, that is on 2026-12-03"},
	}
}
