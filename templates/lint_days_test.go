package templates

import (
	"slices"
	"testing"

	"tocsin/incidents"
)

func dayCases() []lintCase {
	var out []lintCase
	for _, day := range []string{
		"tomorrow", "**to**morrow", "today", "tonight", "yesterday", "last week", "next Tuesday", "on Tuesday", "Tuesday at 14:00 UTC", "next week", "this weekend", "at the end of the month",
		"in 14 days", "in two weeks", "within a week", "after 90 days", "in the next few days", "two weeks from now", "in the coming days", "a week later",
		"June 1", "1 June", "june 1st", "the 1st of June", "Jan. 25", "on 25 Jan", "25-Jan", "May 5 at 14:00 UTC", "March 3", "Dec\n3", "in January", "mid-January", "by the end of June",
		"on the 3rd", "until the 3rd at 14:00 UTC", "12/03/2026", "3/12/26",
	} {
		out = append(out, lintCase{rule: "loose-day", kind: "distro", bad: true, edit: swap("Proof of concept:", "It becomes public "+day+".\nProof of concept:")},
			lintCase{rule: "loose-day-word", kind: "upstream", bad: true, body: "Please keep it private until then: " + day + "."})
	}
	for _, day := range []string{
		"Thursday 2026-12-03 14:00 UTC", "Thu, 2026-12-03", "on Thursday, 3 December 2026", "December 3rd, 2026", "3 December 2026", "3-Dec-2026", "on the 3rd of December 2026",
		"in December 2026", "by Dec. 3, 2026", "on 2026-12-03", "you may 5 times", "a march 3 times", "at 1/2 of it", "in version 12", "the 4th byte", "on the 2nd call", "in a day-long test",
		"Sundays", "in 12.1.1", "dec 10 is hex a", "after three weeks of fuzzing",
	} {
		out = append(out, lintCase{rule: "loose-day", kind: "distro", edit: swap("Proof of concept:", "It becomes public "+day+".\nProof of concept:")})
	}
	return append(out, []lintCase{
		{rule: "loose-day", kind: "distro"},
		{rule: "loose-day", kind: "distro", edit: swap("Proof of concept:", "It was found on Tuesday. The patch follows tomorrow.\nProof of concept:")},
		{rule: "loose-day-word", kind: "distro", bad: true, edit: swap("Proof of concept:", "It was found on Tuesday.\nProof of concept:"), also: tells("on Tuesday")},
		{rule: "loose-day", kind: "distro", bad: true, edit: swap("Proof of concept:", "Disclosure: Jan. 25. Thanks.\nProof of concept:"), also: tells(": Jan. 25.")},
		{rule: "loose-day", kind: "distro", bad: true, edit: swap("Proof of concept:", "The embargo ends next Tuesday, June 2.\nProof of concept:"), also: tells(": June 2.")},
		{rule: "loose-day-word", kind: "distro"},
		{rule: "loose-day-word", kind: "ack"},
		{rule: "loose-day-word", kind: "update", bad: true, body: "We write again next week."},
		{rule: "loose-day-word", kind: "mastodon"},
		{rule: "loose-day-word", kind: "mastodon", bad: true, body: "We released it today.", also: tells("today")},
		{rule: "loose-day-word", kind: "compromise", fits: true, bad: true, change: func(i *incidents.Incident) { i.Period = incidents.Seal("yesterday") }},
	}...)
}

func leftCases() []lintCase {
	var out []lintCase
	for _, left := range []string{
		"TODO", "TODO: say more", "(TODO)", "TO-DO", "XXX", "XXXXX", "FIXME", "Lorem ipsum dolor", "<...>", "<…>", `\<...\>`, "<???>", "<your name here>", "<insert summary>",
		"<fill in>", "{{.cve}}", "{{ .cve }}", `{{need . "cve"}}`, "**TODO**", "_TODO_",
	} {
		out = append(out, lintCase{rule: "leftover", kind: "update", bad: true, body: "Hi Erin, " + left + "\nThe Pillow team"})
	}
	for _, fine := range []string{
		"what is there to do", "a todo list", "the file xxx.psd", "`TODO`", "MAXXXL", "vector<...>", "[...]", "Erin <erin@example.org>", "{{ x }}", "\n```\n// TODO\n```\n", "\n    # XXX: see below\n", "TODO_LIST",
	} {
		out = append(out, lintCase{rule: "leftover", kind: "update", body: "Hi Erin, " + fine})
	}
	return append(out, lintCase{rule: "leftover", kind: "update"}, lintCase{rule: "leftover", kind: "ack", bad: true, subject: "Re: TODO", also: tells("TODO")})
}

// TestNoDraftIsLoose: what is made from the facts names no day loosely, and leaves
// nothing to be filled in but what is missing.
func TestNoDraftIsLoose(t *testing.T) {
	b := book(t)
	for _, k := range b.DraftKinds() {
		for _, f := range (lintCase{kind: k.Key}).found(t, b) {
			if slices.Contains([]string{"loose-day", "loose-day-word", "leftover"}, f.Rule) {
				t.Errorf("%s: %s", k.Key, f.Told.Reveal(clearances()["full"]))
			}
		}
	}
}
