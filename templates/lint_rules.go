package templates

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/incidents"
)

// rules is the lint. Each rule has cases that pass and cases that do not in
// lint_test.go.
func rules() []rule {
	var out []rule
	for _, some := range [][]rule{textRules(), idRules(), subjectRules(), dateRules(), dayRules(), leftRules(), listRules(), stateRules(), publicRules(), peopleRules(), patchRules()} {
		out = append(out, some...)
	}
	return out
}

// textRules: what any text has to be.
func textRules() []rule {
	return []rule{
		{"missing", LintError, "A fact is missing", nil, func(t *checked) []string {
			if len(t.missing) > 0 {
				return t.missing
			}
			return t.unfilled
		}},
		{"empty", LintError, "There is no text, or no subject", nil, func(t *checked) []string {
			return when(strings.TrimSpace(t.body) == "" || isMail(t) && strings.TrimSpace(t.subject) == "")
		}},
		{"subject-line", LintError, "A subject is one line", nil, func(t *checked) []string {
			return when(strings.ContainsAny(t.subject, "\r\n"))
		}},
		// Control characters command a terminal, and those that are not seen hide what
		// is written. Source: RFC 5322, section 2.3; Unicode Technical Report 36.
		{"characters", LintError, "It holds characters that cannot be sent, or are not seen", nil, func(t *checked) []string {
			return when(incidents.Neutral(t.all()) != strings.ReplaceAll(t.all(), "\t", " ") || strings.ContainsRune(t.all(), '\ufffd'))
		}},
		{"html", LintError, "It holds HTML, and mail is plain text (distros and oss-security list policy)", isMail, func(t *checked) []string {
			return when(incidents.HasHTML(t.all()))
		}},
		{"columns", LintWarning, fmt.Sprintf("Lines are wider than %d columns", Columns), isMail, func(t *checked) []string {
			return differing(t.body, Wrap(t.body, Columns))
		}},
	}
}

// subjectRules: a subject is never encrypted (RFC 3156), and the distributions' list
// bounces mail without its tag.
func subjectRules() []rule {
	veiled := func(t *checked) bool {
		return isMail(t) && !isPublic(t) && !isDistros(t) && early(t)
	}
	return []rule{
		{"vs-tag", LintError, "The subject has no [vs]: the list bounces it (policy of the distros lists)", isDistros, func(t *checked) []string {
			return when(!strings.Contains(t.subject, "[vs]"))
		}},
		{"vs-id", LintError, "The subject names an id, and it is never encrypted", isDistros, func(t *checked) []string {
			return anyIDs(t.subject)
		}},
		{"vs-class", LintError, "The subject names the kind of bug, and it is never encrypted", isDistros, func(t *checked) []string {
			return bugWords(t.subject)
		}},
		{"open-subject", LintWarning, "The subject gives it away, and it is never encrypted", veiled, func(t *checked) []string {
			return append(anyIDs(t.subject), bugWords(t.subject)...)
		}},
		{
			"subject-says", LintWarning, "A subject is never encrypted, and this one says what the report is about: change it with `!draft edit --subject`", veiled,
			func(t *checked) []string {
				return when(slices.ContainsFunc([]string{"title", "summary", "details"}, func(fact string) bool { return quotes(t.subject, t.facts[fact], 3) }))
			},
		},
		{"public-vs", LintError, "[vs] is the tag of the private lists, and this is public", isPublic, func(t *checked) []string {
			return when(strings.Contains(strings.ToLower(t.subject), "[vs]"))
		}},
		{
			"oss-subject", LintWarning, "A subject for oss-security begins with the id and names the project", func(t *checked) bool { return isMail(t) && isPublic(t) },
			func(t *checked) []string {
				return when(!strings.HasPrefix(t.subject, t.facts["id"]) || !strings.Contains(t.subject, t.facts["project"]))
			},
		},
	}
}

// dateRules: when it becomes public, so that nobody has to ask.
func dateRules() []rule {
	private := func(t *checked) bool { return !isPublic(t) }
	return []rule{
		{
			"moment", LintError, "The disclosure is not named with weekday, date, time and UTC, as in " + momentLike + " (policy of the distros lists)", isDistros,
			func(t *checked) []string {
				return when(len(moments(t.all())) == 0 && !slices.Contains(t.missing, "moment of the disclosure"))
			},
		},
		{"weekday", LintError, "A weekday does not fit its date", nil, func(t *checked) []string { return wrongDays(folded(t.all())) }},
		{"own-moment", LintError, "It names another moment than that of the embargo", private, func(t *checked) []string {
			var out []string
			for _, at := range moments(folded(t.all())) {
				if !slices.ContainsFunc(ownMoments(t), at.Equal) {
					out = append(out, incidents.SayMoment(at))
				}
			}
			return out
		}},
		{"other-date", LintWarning, "It has a date that is not the embargo's: the list reads one date, that of the disclosure", isDistros, otherDates},
		{"window", LintError, "The disclosure is more than 14 days after now, and the list takes no longer embargo", isDistros, func(t *checked) []string {
			return late(t, func(at time.Time) bool { return at.Sub(t.ctx.Now) > incidents.DistrosMost })
		}},
		{
			"past", LintError, "The disclosure is not ahead any more", func(t *checked) bool { return private(t) && !t.has("over") && !t.has("disclosed") && !t.has("leaked") },
			func(t *checked) []string {
				return late(t, func(at time.Time) bool { return !at.After(t.ctx.Now) })
			},
		},
	}
}

// late lists the moments of a text of which something is so.
func late(t *checked, so func(time.Time) bool) []string {
	var out []string
	for _, at := range moments(folded(t.all())) {
		if so(at) {
			out = append(out, incidents.SayMoment(at))
		}
	}
	return out
}

// otherDates lists the dates of a text, to the day or to the month, that are neither the
// embargo's nor of what has been, as the facts have it.
func otherDates(t *checked) []string {
	var own []string
	for _, fact := range []string{"embargo", "reported", "acked", "released", "disclosed"} {
		for _, d := range dates(folded(t.facts[fact])) {
			own = append(own, d.day)
		}
	}
	own = append(own, t.ctx.Now.UTC().Format(time.DateOnly))
	var out []string
	for _, d := range dates(folded(t.all())) {
		// A month alone is the embargo's if the embargo's day is in it.
		if !slices.ContainsFunc(own, func(o string) bool { return o == d.day || len(d.day) == len("2006-01") && strings.HasPrefix(o, d.day) }) && !among(out, d.written) {
			out = append(out, d.written)
		}
	}
	return out
}

// listRules: what the lists for security take. Source: policy of the distros lists
// and of oss-security, oss-security.openwall.org/wiki/mailing-lists.
func listRules() []rule {
	return []rule{
		{"one-list", LintError, "It goes to more than one list", isMail, func(t *checked) []string {
			found := listsAmong(t.ctx.Recipients)
			return whenThose(len(found) > 1, found)
		}},
		{"which-list", LintError, "That list is not for this text", isMail, func(t *checked) []string {
			var out []string
			for _, l := range listsAmong(t.ctx.Recipients) {
				private := slices.Contains(lists()[:2], l)
				if isDistros(t) && !private || !isDistros(t) && (!toLists(t) || l != lists()[2]) {
					out = append(out, l)
				}
			}
			return out
		}},
		{"distros-public", LintError, "It is public already: it goes to oss-security instead", isDistros, func(t *checked) []string {
			return when(t.has("public") || t.has("disclosed") || t.has("over"))
		}},
		{"distro-whole", LintError, "The letter lacks what A.2 lists", isDistros, letterLacks},
		{
			"poc-attached", LintWarning, "It speaks of something that is attached, and no patch was uploaded: whoever sends it has to add it by hand", func(t *checked) bool { return t.kind.Patches && len(t.ctx.Patches) == 0 && !t.has("patched") },
			func(t *checked) []string {
				return regexp.MustCompile(`(?i)\battach(?:ed|ment)\b`).FindAllString(t.body, 1)
			},
		},
		{"distros-level", LintWarning, "The list is for what is at least of medium severity", isDistros, func(t *checked) []string {
			return when(t.facts["levelkey"] == "low" || t.facts["levelkey"] == "")
		}},
		{"distros-agreed", LintWarning, "The reporter has not agreed to the date", isDistros, func(t *checked) []string {
			return when(t.has("waits") && !t.has("agreed"))
		}},
		{
			"poc-date", LintWarning, "A proof of concept was shared with the list: say when it will be published", func(t *checked) bool { return isMail(t) && isPublic(t) && t.has("pocby") },
			func(t *checked) []string { return when(!t.says(t.facts["pocby"])) },
		},
	}
}

// letterLacks lists what the letter to the distributions has to have and this one has not
// (plan, A.2). What is missing as a fact is told once.
func letterLacks(t *checked) []string {
	var out []string
	want := func(is bool, fact, what string) {
		if !is && !slices.Contains(t.missing, fact) {
			out = append(out, what)
		}
	}
	want(regexp.MustCompile(`(?i)\b(?:confidential|embargoed|do not (?:share|disclose|publish)|private until)\b`).MatchString(t.body), "", "that it is to be kept confidential")
	want(t.says(t.facts["affected"]), "affected versions", "the affected versions")
	want(t.says(t.facts["fixed"]), "fixed version", "the fixed version")
	want(t.says(t.facts["level"]) || t.says(t.facts["score"]), "level of severity", "the severity")
	said := quotes(t.body, t.facts["summary"], 5) || quotes(t.body, t.facts["details"], 5) || regexp.MustCompile(`(?i)\b(?:summary|details):\s*\S.{20}`).MatchString(t.body)
	want(said, "summary", "a summary: some words in a row of the fact summary or details, or a line \"Summary: ...\"")
	return out
}

// when is a finding that has nothing to quote.
func when(wrong bool) []string {
	if wrong {
		return []string{""}
	}
	return nil
}

func whenThose(wrong bool, found []string) []string {
	if wrong {
		return found
	}
	return nil
}
