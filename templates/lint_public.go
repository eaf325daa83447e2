package templates

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tocsin/incidents"
)

// idRules: a wrong id has been published before, and is hard to take back.
func idRules() []rule {
	return []rule{
		{"id-form", LintError, "An id is not well-formed", nil, func(t *checked) []string {
			return badIDs(t.all())
		}},
		{"id-own", LintError, "An id is not of this incident", nil, foreignIDs},
		{"id-year", LintWarning, "A CVE is of a year before the last one, or of one to come", nil, func(t *checked) []string {
			var out []string
			this := t.ctx.Now.UTC().Year()
			for _, id := range ids(t.plain) {
				if rest, ok := strings.CutPrefix(id, "CVE-"); ok {
					if year, _ := strconv.Atoi(rest[:4]); year < this-1 || year > this {
						out = append(out, id)
					}
				}
			}
			return out
		}},
	}
}

// foreignIDs lists the ids of a text that are neither of the incident nor of others
// that are meant.
func foreignIDs(t *checked) []string {
	own := []string{t.facts["cve"], t.facts["ghsa"]}
	for _, s := range t.ctx.IDs {
		own = append(own, t.open(s))
	}
	var out []string
	for _, id := range ids(t.plain) {
		if !among(own, id) {
			out = append(out, id)
		}
	}
	return out
}

// publicRules: what everybody reads (plan, section 8).
func publicRules() []rule {
	return []rule{
		{"unassessed", LintWarning, "It has no level yet, so whether it takes an embargo is not decided", isPublic, func(t *checked) []string {
			return when(t.facts["levelkey"] == "" && !t.has("over") && !t.has("disclosed"))
		}},
		{"mention", LintWarning, "It mentions accounts, which calls them", func(t *checked) bool { return isPublic(t) && !isMail(t) }, func(t *checked) []string {
			return mentions(t.body)
		}},
		{"advisory-whole", LintError, "The advisory lacks what section 8 lists", isAdvisory, lacking},
		{"advisory-cve", LintWarning, "The advisory has no CVE", isAdvisory, func(t *checked) []string { return when(!t.says(t.facts["cve"])) }},
		{"upgrade", LintError, "It does not say how to upgrade", func(t *checked) bool { return isAdvisory(t) && t.kind.Upgrade && !t.has("urgent") }, func(t *checked) []string {
			return when(!t.says(t.facts["upgrade"]))
		}},
		{"upgrade-word", LintWarning, "It does not say that users should upgrade", func(t *checked) bool { return t.kind.Upgrade && !isAdvisory(t) && !t.has("compromise") }, func(t *checked) []string {
			return when(!t.says(t.facts["upgrade"]) && !regexp.MustCompile(`(?i)\b(upgrade|update|install|require)\b`).MatchString(t.body))
		}},
		// What the lists were told has to be posted with all detail, so mail is left out.
		{
			"fresh", LintWarning, "It is fresh: are details wanted that would help an attacker (section 8)", func(t *checked) bool { return isPublic(t) && !isMail(t) && t.has("fresh") },
			func(t *checked) []string {
				found := slices.DeleteFunc(exploitWords(t.body), func(w string) bool { return t.has("wild") && low(w) == "exploited" })
				if quotes(t.body, t.facts["details"], 8) {
					found = append(found, "the details are in it")
				}
				if quotes(t.body, t.facts["poc"], 5) {
					found = append(found, "what shows the bug is in it")
				}
				return found
			},
		},
		{"length", LintError, "It is too long for Mastodon", isMastodon, func(t *checked) []string {
			parts := []string{t.body}
			if t.ctx.Thread {
				parts = SplitThread(t.body, t.ctx.Limits)
			}
			for _, p := range parts {
				if n := MastodonLength(p, t.ctx.Limits); n > t.ctx.Limits.Characters {
					return []string{fmt.Sprintf("%d of %d characters", n, t.ctx.Limits.Characters)}
				}
			}
			return nil
		}},
	}
}

// lacking lists what an advisory has to have and this one has not (plan, section 8).
func lacking(t *checked) []string {
	var out []string
	want := func(is bool, what string) {
		if !is {
			out = append(out, what)
		}
	}
	is := func(so bool, missing string) bool { return so || slices.Contains(t.missing, missing) } // what is missing is told once
	want(is(t.says(t.facts["cve"]) || t.says(t.facts["ghsa"]), "CVE or GHSA"), "the CVE, or the GHSA while there is none")
	want(is(t.says(t.facts["score"]), "CVSS score"), "the CVSS score")
	want(is(t.says(t.facts["affected"]), "affected versions"), "the affected versions")
	want(is(t.says(t.facts["fixed"]) || t.has("urgent") && !t.has("fixed"), "fixed version"), "the fixed version")
	want(is(quotes(t.body, t.facts["summary"], 5) || regexp.MustCompile(`(?i)summary:?[*\s]*\S.{20}`).MatchString(t.body), "summary"), "the nature of the vulnerability: some words in a row of the fact summary, or a line \"Summary: ...\" that says it")
	if t.has("credit") {
		want(t.says(t.facts["credit"]), "the credit to the reporter")
	} else {
		want(t.says("reported privately") || t.says("anonymous"), `who reported it: "reported privately"`)
	}
	return out
}

// peopleRules: who may be named, and what is of the maintainers alone.
func peopleRules() []rule {
	return []rule{
		{"reporter", LintError, "It names the reporter, a contact of theirs or their words, and they have not agreed to that", others, reporterNamed},
		{"reporter-part", LintWarning, "It may name the reporter, who has not agreed to that", others, func(t *checked) []string {
			return whenThose(organisation(t.facts["reporter"]), reporterParts(t))
		}},
		{"handle", LintError, "It holds a handle of the maintainers", nil, handlesIn},
		{"codename", LintError, "It holds a codename of the maintainers", nil, func(t *checked) []string { return named(t, t.ctx.Codenames) }},
		{"room", LintError, "It names a room of the maintainers", nil, roomsIn},
		{"person", LintError, "It names a maintainer who is not meant to be named", many, func(t *checked) []string { return peopleIn(t, false) }},
		{"person-word", LintWarning, "It may name a maintainer who is not meant to be named", many, func(t *checked) []string { return peopleIn(t, true) }},
	}
}

// handlesIn lists the handles of incidents in a text.
func handlesIn(t *checked) []string {
	if t.ctx.Prefix == "" {
		return nil
	}
	return handles(t.plain, t.ctx.Prefix)
}

// roomsIn lists the rooms that a text names.
func roomsIn(t *checked) []string {
	var out []string
	for _, room := range t.ctx.Rooms {
		// A room that is called "security" is meant only where it is written as one.
		if regexp.MustCompile(`^[\pL\pN]*$`).MatchString(room) {
			room = "#" + room
		}
		if utf8.RuneCountInString(room) > 2 && holdsWord(t.low, low(room)) {
			out = append(out, room)
		}
	}
	return out
}

// reporterNamed lists where a text names the reporter, and that it has their words.
func reporterNamed(t *checked) []string {
	out := reporterIn(t)
	if len(out) == 0 && !organisation(t.facts["reporter"]) {
		out = reporterParts(t)
	}
	for _, q := range t.ctx.Quotes {
		if quotes(t.all(), t.open(q), 5) {
			out = append(out, "their words")
		}
	}
	return out
}

// reporterIn lists where a text names the reporter, or a contact of theirs, otherwise
// than they asked to be named.
func reporterIn(t *checked) []string {
	var out []string
	credit := low(t.facts["credit"])
	is := func(s string, found bool) {
		if found && !strings.Contains(credit, low(s)) {
			out = append(out, s)
		}
	}
	name, contact := t.facts["reporter"], t.facts["contact"]
	is(name, holdsName(t.words, name))
	is(contact, holdsWord(t.low, low(contact)) || holdsAddress(t.low, contact) && !holdsAddress(credit, contact))
	return out
}

// reporterParts lists the parts of the reporter's name that a text holds, written as a
// name is, and the name of their address written as an account is.
func reporterParts(t *checked) []string {
	local, _, _ := strings.Cut(strings.TrimPrefix(t.facts["contact"], "@"), "@")
	var out []string
	for _, part := range append(strings.Fields(t.facts["reporter"]), "@"+local) {
		part = strings.Trim(part, ".,()\"'")
		if utf8.RuneCountInString(part) > 2 && holdsWord(t.plain, folded(part)) && !holdsWord(low(t.facts["credit"]), low(part)) && !holdsWord(t.facts["project"], part) {
			out = append(out, part)
		}
	}
	return out
}

// peopleIn lists the people of the roster that a text names and that are not meant:
// those that it surely names, or, by maybe, those of whom only a capital letter or
// the place in a piece of code tells.
func peopleIn(t *checked, maybe bool) []string {
	text := low(spelled(unjoined(t.all())))
	surely := low(spelled(unpathed(unjoined(t.all()))))
	var out []string
	for _, p := range t.ctx.People {
		names := []string{p.Name}
		for _, a := range p.Accounts {
			names = append(names, a.ID)
		}
		for _, name := range names {
			if among(t.ctx.Meant, name) || among(t.ctx.Meant, p.Name) || holdsWord(low(t.facts["credit"]), low(name)) {
				continue
			}
			found, unsure := holdsWord(text, low(name)), !holdsWord(surely, low(name))
			switch {
			case among(commonWords(), name):
				found = holdsWord(t.plain, strings.ToUpper(name[:1])+name[1:]) || strings.Contains(t.low, "@"+low(name))
				unsure = true
			case len(strings.Fields(letters(low(name)))) > 1: // a name with an underscore in it, too
				found = holdsWord(t.low, low(name)) || name == p.Name && holdsName(t.words, name)
				unsure = false
			}
			if found && unsure == maybe && !among(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// named lists the codenames that a text holds, whatever stands between their words.
func named(t *checked, all []string) []string {
	var out []string
	for _, s := range all {
		if holdsName(t.words, s) || holdsName(t.words, strings.ReplaceAll(s, " ", "")) {
			out = append(out, s)
		}
	}
	return out
}

// goodID reports whether an id is one that could have been given. Source: CVE
// Record Format, cveId; GitHub Docs, GHSA IDs.
func goodID(id string) bool {
	name := "cve"
	if strings.HasPrefix(strings.ToUpper(id), "GHSA") {
		name = "ghsa"
	}
	_, _, err := incidents.SetFact(incidents.Incident{}, name, id, "", noTime())
	return err == nil
}
