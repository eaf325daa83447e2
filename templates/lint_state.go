package templates

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/incidents"
)

// stateRules hold a text against the state of its incident: whether it may go out now,
// and whether what it says is so. What each kind of text waits for:
//
//	nothing is public while an embargo holds, or one has to come (plan, 7.4)
//	mastodon                a release with the fix that is live (plan, section 8)
//	oss-security, advisory  the same (plan, 7.3.4 and 7.4.4), unless it is known or exploited outside already: then they
//	                        go out at once (policy of the distros lists; CERT Guide, active exploitation). Where the
//	                        list was told the post is due with the end of the embargo: a person chooses between that
//	                        moment and the wheels some hours later (policy of the distros lists)
//	release-notes           no more than the embargo: they go in with the release
//	leak                    that something leaked, is public or is exploited
//	not-reachable           that somebody said so, with the reason (plan, 9.2.5)
//	compromise              no release: what users have to do cannot wait for one (plan, 7.5.4); nor does any other
//	                        warning of one, and none tells people to upgrade before a release with the fix is live
func stateRules() []rule {
	urgent := func(t *checked) bool { return t.has("urgent") }
	due := func(t *checked) bool { return isMail(t) && isPublic(t) && t.has("due") }
	awaits := func(t *checked) bool {
		if t.has("compromise") && !isAdvisory(t) {
			return false
		}
		return isMastodon(t) || !urgent(t) && (isAdvisory(t) || isMail(t) && isPublic(t) && !due(t))
	}
	is := func(keys ...string) func(*checked) bool {
		return func(t *checked) bool { return slices.Contains(keys, t.kind.Key) }
	}
	private := func(t *checked) bool { return !isPublic(t) && !isDistros(t) }
	compromised := func(t *checked) bool { return t.has("compromise") }
	return []rule{
		{"early", LintError, "Nothing is public before the embargo is over", func(t *checked) bool { return isPublic(t) && early(t) }, func(t *checked) []string {
			return []string{endsBy(t)}
		}},
		{"not-live", LintError, "It comes after the release, and no release with the fix is live", func(t *checked) bool { return awaits(t) && !t.ctx.Private }, func(t *checked) []string {
			switch {
			case t.has("yanked"):
				return []string{t.facts["release"] + " is yanked, so another one has to be: `!release plan <version>`"}
			case t.has("released"):
				return nil
			case early(t):
				return when(true) // what is to be done first is told by the rule before
			}
			return []string{"once it is, say `!release live <version>`"}
		}},
		{"advisory-live", LintWarning, "No release with the fix is live: users cannot upgrade yet", func(t *checked) bool { return isAdvisory(t) && urgent(t) }, func(*checked) []string {
			return when(true)
		}},
		{"list-live", LintWarning, "No release with the fix is live. The list was told, so this post is due now: it can wait for the wheels for some hours, and not for days", func(t *checked) bool { return due(t) && !urgent(t) }, func(*checked) []string {
			return when(true)
		}},
		{"no-leak", LintError, "It speaks of what leaked, and nothing did: if it did, say `!embargo broken <what leaked>` or `!incident public on`", is("leak"), func(t *checked) []string {
			return when(!t.has("leaked") && !t.has("wild"))
		}},
		{"no-compromise", LintError, "It is for a compromise, and this is none: if it is one, say `!incident track compromise <why>`", is("compromise"), func(t *checked) []string {
			return when(t.facts["compromise"] == "")
		}},
		{"reachable", LintError, "It says that the code cannot be reached, and nobody found so", is("not-reachable", "decline-not-reachable"), func(t *checked) []string {
			switch {
			case t.facts["reach"] == "no":
				return nil
			case !t.has("bundled"): // there the other one is refused
				return []string{"if it is a library's bug and that is so, say `!incident track upstream <why>`, and then `!incident reachable no <why>`"}
			}
			return []string{"if it is so, say `!incident reachable no <why>`"}
		}},
		{"library-public", LintWarning, "A public issue is public at once: is the library's CVE public, with its own advisory", is("not-reachable"), func(t *checked) []string {
			return when(!t.has("public") && !t.has("disclosed") && !t.has("leaked"))
		}},
		{"bad-upgrade", LintError, "It tells people to upgrade, and no release with the fix is live: an upgrade can install what was tampered with", compromised, func(t *checked) []string {
			return when(!t.has("safe") && (t.says(t.facts["upgrade"]) || regexp.MustCompile(`(?i)\bpip3? install (?:--upgrade|-U)\b`).MatchString(t.all())))
		}},
		{"none-files", LintError, "It says that no release is affected, and names files that were tampered with: `!fact set affected <versions>`, or take the files out", compromised, func(t *checked) []string {
			return when(t.has("noaffected") && t.has("files") && t.says(t.facts["files"]))
		}},
		{"affected-form", LintError, "What is affected names no version: `!fact set affected 10.3.0 to 12.3.0`", nil, func(t *checked) []string {
			named := t.facts["affected"]
			known := len(incidents.VersionsIn(named)) > 0 || regexp.MustCompile(`(?i)\b(?:all|every|any|each)\b|\d`).MatchString(named)
			return whenThose(!known && t.says(named), []string{named})
		}},
		{"declined", LintError, "It declines the report, and that is not how things are", isDecline, contradictions},
		{"decline", LintWarning, "It declines the report, and there is", isDecline, doubts},
		{"fixed-live", LintError, "The fixed version is not the one that is live", saysFixed, func(t *checked) []string {
			live := t.facts["release"]
			if !t.has("released") || live == "" || slices.ContainsFunc(incidents.VersionsIn(t.facts["fixed"]), func(v string) bool { return incidents.SameVersion(v, live) }) {
				return nil
			}
			return []string{"the fact is " + t.facts["fixed"] + ", and live is " + live + ", so say `!fact set fixed " + live + "`"}
		}},
		{"fixed-affected", LintError, "The fixed version is among those that are affected", saysFixed, func(t *checked) []string {
			fixed := incidents.Latest(incidents.VersionsIn(t.facts["fixed"])) // where older branches get a fix too, theirs are
			return whenThose(incidents.Affects(t.facts["affected"], fixed), []string{fixed + " is in " + t.facts["affected"]})
		}},
		{"stale-private", LintWarning, "It asks for silence, and it is public already", func(t *checked) bool { return private(t) && (t.has("published") || t.has("leaked")) }, func(t *checked) []string {
			return regexp.MustCompile(`(?i)\b(?:keep|treat)\s[^.]{0,40}\b(?:private|confidential|secret)\b|\bnot (?:yet )?public\b|\bupcoming\b|\bunder embargo\b`).FindAllString(flat(t.all()), -1)
		}},
		{"half-moment", LintWarning, "It names the day of the disclosure without weekday, time and UTC, as in " + momentLike, private, func(t *checked) []string {
			own := dates(folded(t.facts["embargo"]))
			if len(own) == 0 || t.has("over") || len(moments(folded(t.all()))) > 0 {
				return nil
			}
			var out []string
			for _, d := range dates(folded(t.all())) {
				if d.day == own[0].day {
					out = append(out, d.written)
				}
			}
			return out
		}},
	}
}

// endsBy says how an embargo ends, or how it begins where it has to come.
func endsBy(t *checked) string {
	switch {
	case t.has("proposed"):
		return "it is proposed; `!embargo set` sets it, and `!embargo lift <reason>` ends it when its moment comes"
	case t.has("embargo"):
		return "`!embargo lift <reason>` ends it, or `!embargo broken <what leaked>` if something did"
	}
	return "none is set; `!embargo set <when>` sets one. If it needs none, say `!incident track standard <reason>`"
}

// ownMoments gives the instants that a text about this incident can name.
func ownMoments(t *checked) []time.Time {
	var out []time.Time
	for _, fact := range []string{"embargo", "published", "leaked", "ended", "pocby"} {
		out = append(out, moments(t.facts[fact])...)
	}
	return out
}

// isDecline: the texts that the plan's outcomes name.
func isDecline(t *checked) bool {
	return slices.Contains(strings.Fields(t.facts["declines"]), t.kind.Key)
}

// saysFixed: the texts that name the fixed version.
func saysFixed(t *checked) bool { return t.says(t.facts["fixed"]) }

// contradictions lists what a report that is declined cannot have.
func contradictions(t *checked) []string {
	var out []string
	if !t.has("open") && t.has("outcome") && t.facts["outcomedraft"] != t.kind.Key {
		out = append(out, "it was closed as "+t.facts["outcomename"])
	}
	if slices.Contains([]string{"decline-not-a-vulnerability", "decline-out-of-scope"}, t.kind.Key) {
		if t.has("cve") {
			out = append(out, "it has a CVE, "+t.facts["cve"])
		}
		if t.has("published") {
			out = append(out, "you disclosed it, "+t.facts["published"])
		}
	}
	return out
}

// doubts lists what a report that is declined hardly ever has.
func doubts(t *checked) []string {
	var out []string
	add := func(so bool, what string) {
		if so {
			out = append(out, what)
		}
	}
	add(t.has("grave"), "the level "+t.facts["level"])
	add(t.has("cve"), "a CVE, "+t.facts["cve"])
	add(t.has("requested"), "a CVE that was requested")
	add(t.has("embargo") && !t.has("over"), "an embargo, "+t.facts["embargo"])
	add(t.has("release"), "a release that carries a fix, "+t.facts["release"])
	add(t.has("wild"), "that it is exploited")
	return out
}
