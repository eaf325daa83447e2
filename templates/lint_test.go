package templates

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// lintCase is a text, and whether a rule has something against it.
type lintCase struct {
	rule string
	bad  bool
	kind string // of the draft that is changed
	out  bool   // the incident is disclosed and its release live; by itself that is so for what is public

	fits    bool // or it is in the state that the draft is for
	change  func(*incidents.Incident)
	context func(*LintContext)
	subject string                   // in the place of the draft's, where it is not empty
	body    string                   // likewise
	edit    *strings.Replacer        // or what is replaced in the draft's body
	also    func(*testing.T, string) // holds what the rule tells
}

func swap(old, with string) *strings.Replacer { return strings.NewReplacer(old, with) }

// found gives what the rules have against the text of a case.
func (c lintCase) found(t *testing.T, b *Book) []Finding {
	t.Helper()
	full := clearances()["full"]
	k, ok := b.DraftKind(c.kind)
	if !ok {
		t.Fatalf("there is no draft %s", c.kind)
	}
	i := draftIncident(incidents.Seal, c.out || k.Public)
	if c.fits {
		i = fitting(incidents.Seal, k)
	}
	if c.change != nil {
		c.change(&i)
	}
	f := incidents.DraftFacts(*pillow(t), i, now()).With("patched", incidents.Seal("yes"))
	d := draft(t, b, c.kind, f)
	if c.subject != "" {
		d.Subject = incidents.Seal(c.subject)
	}
	if c.body != "" {
		d.Body = incidents.Seal(c.body)
	}
	if c.edit != nil {
		before := d.Body.Reveal(full)
		after := c.edit.Replace(before)
		if before == after {
			t.Errorf("%s: nothing was replaced in\n%s", c.rule, before)
		}
		d.Body = incidents.Seal(after)
	}
	ctx := lintFor(f)
	if c.context != nil {
		c.context(&ctx)
	}
	return Lint(d, ctx)
}

// TestLint tries every rule with texts that it takes and texts that it does not.
func TestLint(t *testing.T) {
	b := book(t)
	passes, fails := map[string]int{}, map[string]int{}
	for _, c := range lintCases() {
		findings := c.found(t, b)
		at := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == c.rule })
		if (at >= 0) != c.bad {
			t.Errorf("%s of %s %q %q: %v, want %v", c.rule, c.kind, c.subject, c.body, at >= 0, c.bad)
			continue
		}
		if c.bad {
			fails[c.rule]++
			if c.also != nil {
				c.also(t, findings[at].Told.Reveal(clearances()["full"]))
			}
		} else {
			passes[c.rule]++
		}
	}
	for k, r := range LintRules() {
		if passes[r.Key] == 0 || fails[r.Key] == 0 {
			t.Errorf("the rule %s has %d texts that pass and %d that do not", r.Key, passes[r.Key], fails[r.Key])
		}
		if r.Says == "" || strings.HasSuffix(r.Says, ".") || (r.Level != LintError && r.Level != LintWarning) {
			t.Errorf("the rule %+v", r)
		}
		if slices.ContainsFunc(LintRules()[:k], func(o LintRule) bool { return o.Key == r.Key }) {
			t.Errorf("the rule %s is there twice", r.Key)
		}
	}
}

// tells wants a finding to quote something.
func tells(what string) func(*testing.T, string) {
	return func(t *testing.T, told string) {
		if !strings.Contains(told, what) {
			t.Errorf("it tells %q, without %q", told, what)
		}
	}
}

func lintCases() []lintCase {
	var out []lintCase
	for _, some := range [][]lintCase{textCases(), idCases(), subjectCases(), dateCases(), dayCases(), leftCases(), listCases(), stateCases(), publicCases(), peopleCases(), seenCases(), patchCases()} {
		out = append(out, some...)
	}
	return out
}

func textCases() []lintCase {
	return []lintCase{
		{rule: "missing", kind: "ack"},
		{rule: "missing", kind: "distro", body: "Affected: < 12.1.1, by Erin <erin@example.org>, a vector<int>"},
		{rule: "missing", kind: "ack", bad: true, change: func(i *incidents.Incident) { i.Reporter.Name = incidents.Sealed{} }, also: tells("name of the reporter")},
		{rule: "missing", kind: "ack", bad: true, body: "Hi <missing: name of the reporter, say !reporter set Erin>,"},
		{rule: "missing", kind: "distro", bad: true, body: "CVE: <CVE-XXXX-XXXXX>"},
		{rule: "missing", kind: "distro", bad: true, body: `until \<DATE TIME UTC\>`},
		{rule: "empty", kind: "ack"},
		{rule: "empty", kind: "ack", bad: true, body: " \n"},
		{rule: "empty", kind: "ack", bad: true, subject: " "},
		{rule: "empty", kind: "mastodon"}, // it has no subject
		{rule: "subject-line", kind: "ack"},
		{rule: "subject-line", kind: "ack", bad: true, subject: "a\nBcc: somebody@example.org"},
		{rule: "characters", kind: "distro"},
		{rule: "characters", kind: "distro", body: "naïve — 漢字 👩‍👩‍👧\n\tcode"},
		{rule: "characters", kind: "distro", bad: true, body: "a\x1b[31m"},
		{rule: "characters", kind: "distro", bad: true, body: "a\r\nb"},
		{rule: "characters", kind: "mastodon", bad: true, body: "a\u200bb"},
		{rule: "characters", kind: "mastodon", bad: true, body: "a\xffb"},
		{rule: "html", kind: "distro"},
		{rule: "html", kind: "distro", body: "a vector<int>, < 12.1.1, <alice@example.org>"},
		{rule: "html", kind: "distro", bad: true, body: "<p>Hello"},
		{rule: "html", kind: "advisory", body: "<b>Markdown takes some</b>"},
		{rule: "columns", kind: "distro"},
		{rule: "columns", kind: "distro", body: "    " + strings.Repeat("code ", 30)},
		{rule: "columns", kind: "distro", body: "https://example.org/" + strings.Repeat("x", 80)},
		{rule: "columns", kind: "distro", bad: true, body: strings.Repeat("word ", 20)},
		{rule: "columns", kind: "advisory", body: strings.Repeat("word ", 20)},
	}
}

func idCases() []lintCase {
	var out []lintCase
	for _, id := range []string{
		"_CVE-2026-99999_", "*CVE-2026-99999*", "`CVE-2026-99999`", "CVE 2026-99999", "CVE\n2026-99999", "CVE-\n2026-99999", "CVE\u20112026\u201199999",
		"CVE\u22122026\u221299999", "CVE\uff0d2026\uff0d99999", "\uff23\uff36\uff25-2026-99999", "\u0421VE-2026-99999", "CVE:2026-99999", "CVE_2026_99999",
		"#CVE202699999", "CVE2026-99999", "**CVE**-2026-99999", "C**V**E-2026-99999", `CVE\-2026\-99999`, "&#67;VE-2026-99999", "C\u00adVE-2026-99999", "cve/2026/99999", "CVEs 2026-99999",
	} {
		out = append(out, lintCase{rule: "id-own", kind: "mastodon", bad: true, body: "Upgrade. See " + id + ".", also: tells("CVE-2026-99999")})
	}
	for _, id := range []string{"GHSA 2222-3333-4444", "_GHSA-2222-3333-4444_", "GHSA_2222_3333_4444", "GHSA: 2222 3333\n4444", "GHSA\u20112222\u20113333\u20114444"} {
		out = append(out, lintCase{rule: "id-own", kind: "mastodon", bad: true, body: "Upgrade. See " + id + ".", also: tells("GHSA-2222-3333-4444")})
	}
	return append(out, []lintCase{
		{rule: "id-form", kind: "advisory"},
		{rule: "id-form", kind: "advisory", body: "cve-2026-25990 and ghsa-CFH3-3jmp-rvhc."},
		{rule: "id-form", kind: "advisory", bad: true, body: "CVE-2026-123", also: tells("CVE-2026-123")},
		{rule: "id-form", kind: "advisory", bad: true, body: "CVE-26-25990"},
		{rule: "id-form", kind: "advisory", bad: true, body: "GHSA-abcd-1234-efgh"},
		{rule: "id-form", kind: "advisory", bad: true, body: "CVE‑2026‑25990"}, // with hyphens that are none
		{rule: "id-form", kind: "distro", bad: true, subject: "[vs] CVE-2026-1"},
		{rule: "id-form", kind: "mastodon", bad: true, body: "_CVE-2026-1_", also: tells("CVE-2026-1")},
		{rule: "id-form", kind: "mastodon", bad: true, body: "CVE\u22122026\u221225990"},
		{rule: "id-form", kind: "mastodon", body: "#CVE_2026_25990, _CVE-2026-25990_, CVE\n2026-25990"}, // its own, so that nothing is given away
		{rule: "id-own", kind: "mastodon", body: "#CVE_2026_25990, _CVE-2026-25990_, CVE 2026-25990, GHSA cfh3-3jmp-rvhc"},
		{rule: "id-own", kind: "mastodon", body: "CVE, 2026-12-03 14:00 UTC; CVEs of 2026; GHSA of the month"},
		{rule: "id-own", kind: "advisory"},
		{rule: "id-own", kind: "release-notes", body: ":cve:`2026-25990`"},
		{rule: "id-own", kind: "release-notes", bad: true, body: ":cve:`2021-25289`", also: tells("CVE-2021-25289")},
		{rule: "id-own", kind: "advisory", bad: true, body: "CVE-2021-25289 and CVE-2026-25990"},
		{rule: "id-own", kind: "mastodon", bad: true, body: "https://example.org/GHSA-2222-3333-4444"},
		{rule: "id-own", kind: "release-notes", body: "CVE-2026-33333", context: func(c *LintContext) { c.IDs = []incidents.Sealed{incidents.Seal("CVE-2026-33333")} }},
		{rule: "id-own", kind: "advisory", bad: true, change: func(i *incidents.Incident) { i.CVE = incidents.Sealed{} }, body: "CVE-2026-25990"},
		{rule: "id-year", kind: "advisory", bad: true, body: "CVE_2021_25289"},
		{rule: "id-year", kind: "advisory", body: "CVE-2025-25990"},
		{rule: "id-year", kind: "advisory", bad: true, body: "CVE-2021-25289"},
		{rule: "id-year", kind: "advisory", bad: true, body: "CVE-2027-25289"},
	}...)
}

func subjectCases() []lintCase {
	out := []lintCase{
		{rule: "vs-tag", kind: "distro"},
		{rule: "vs-tag", kind: "distro", bad: true, subject: "[EMBARGOED] Pillow: upcoming security release"},
		{rule: "vs-tag", kind: "upstream", subject: "Pillow"},
		{rule: "vs-id", kind: "distro"},
		{rule: "vs-id", kind: "distro", bad: true, subject: "[vs] [EMBARGOED] Pillow security issue — CVE-2026-25990 — disclosure 2026-12-03", also: tells("CVE-2026-25990")},
		{rule: "vs-id", kind: "distro", bad: true, subject: "[vs] GHSA-cfh3-3jmp-rvhc"},
		{rule: "vs-class", kind: "distro"},
		{rule: "vs-class", kind: "distro", subject: "[vs] Pillow: security release, disclosure Thursday 2026-12-03 14:00 UTC, please read"},
		{rule: "open-subject", kind: "ack"},
		{rule: "open-subject", kind: "ack", bad: true, subject: "Re: [Security] Out-of-bounds write in the PSD decoder", also: tells("Out-of-bounds")},
		{rule: "open-subject", kind: "ack", subject: "Re: your report"},
		{rule: "open-subject", kind: "ack", out: true, subject: "Re: Out-of-bounds write"}, // it is public by now
		{rule: "open-subject", kind: "upstream"},
		{rule: "open-subject", kind: "upstream", bad: true, subject: "CVE-2026-25990"},
		{rule: "subject-says", kind: "ack"},
		{rule: "subject-says", kind: "ack", bad: true, subject: "Re: [Security] Out-of-bounds write in the PSD decoder", also: tells("`!draft edit --subject`")},
		{rule: "subject-says", kind: "ack", subject: "Re: your report, and the decoder"},
		{rule: "subject-says", kind: "ack", out: true, subject: "Re: [Security] Out-of-bounds write in the PSD decoder"},
		{rule: "subject-says", kind: "update"},
		{rule: "subject-says", kind: "update", bad: true, subject: "Re: _out of bounds_ reading"},
		{rule: "subject-says", kind: "update", subject: "Re: out of memory"},
		{rule: "subject-says", kind: "upstream"},
		{rule: "subject-says", kind: "upstream", bad: true, subject: "A write in the PSD reader"},
		{rule: "subject-says", kind: "downstream"},
		{rule: "subject-says", kind: "downstream", bad: true, subject: "Pillow: bounds write\u2014in it"},
		{rule: "subject-says", kind: "decline-duplicate"},
		{rule: "subject-says", kind: "decline-duplicate", bad: true, subject: "About it: a quick brown fox", change: func(i *incidents.Incident) { i.Summary = incidents.Seal("The quick brown fox jumps.") }},
		{rule: "subject-says", kind: "ack", subject: "Re: Overflow", change: func(i *incidents.Incident) { i.Title = incidents.Seal("Overflow") }},
		{rule: "public-vs", kind: "oss-security"},
		{rule: "public-vs", kind: "oss-security", bad: true, subject: "[vs] CVE-2026-25990: Pillow: x"},
		{rule: "oss-subject", kind: "oss-security"},
		{rule: "oss-subject", kind: "oss-security", bad: true, subject: "Pillow: CVE-2026-25990"},
		{rule: "oss-subject", kind: "oss-security", bad: true, subject: "CVE-2026-25990: x"},
	}
	for _, word := range []string{
		"heap buffer overflow", "integer underflow", "Out-of-Bounds write", "out of bounds read", "OOB", "use-after-free", "UAF", "double free", "RCE",
		"remote code execution", "arbitrary write", "denial of service", "DoS", "infinite loop", "decompression bomb", "command injection", "path traversal",
		"type confusion", "memory corruption", "privilege escalation", "information leak", "uninitialised memory", "NULL pointer", "crash", "exploited", "CWE-787",
		"backdoor", "supply-chain", "0day", "heap_overflow", "_overflow_", "Heapoverflow", "over\u2010flow", "crashing", "crashed", "memory-safety", "cr\u0430sh", "overflowing",
	} {
		out = append(out, lintCase{rule: "vs-class", kind: "distro", bad: true, subject: "[vs] Pillow: " + word + " in a decoder"})
	}
	for _, id := range []string{"CVE 2026-25990", "_CVE-2026-25990_", "CVE_2026_25990", "CVE\u22122026\u221225990", "GHSA cfh3-3jmp-rvhc", "CVE-XXXX"} {
		out = append(out, lintCase{rule: "vs-id", kind: "distro", bad: true, subject: "[vs] Pillow: " + id})
	}
	return out
}

func dateCases() []lintCase {
	at := func(at time.Time) func(*incidents.Incident) {
		return func(i *incidents.Incident) { i.Embargo.At = at }
	}
	var out []lintCase
	for _, date := range []string{
		"2027-01-25 14:00 UTC", "January 25th 2027", "Jan. 25, 2027", "Mon 25 Jan 2027 14:00 UTC", "the 25th of January 2027", "January 2027", "Monday 2027-01-25 14:00 CET",
		"2027-01-25T14:00Z", "_2027-01-25_", "2027\u201101\u201125", "2027/01/25", "25-Jan-2027", "4 OCT 2027", "AUGUST 2027", "December 4, 2026", "4 December 2026",
	} {
		out = append(out, lintCase{rule: "other-date", kind: "distro", bad: true, edit: swap("Proof of concept:", "In truth: "+date+".\nProof of concept:")})
	}
	return append(out, []lintCase{
		{rule: "own-moment", kind: "distro", bad: true, edit: swap("Proof of concept:", "_Monday 2027-01-25 14:00 UTC_\nProof of concept:"), also: tells("2027-01-25")},
		{rule: "moment", kind: "distro"},
		{rule: "moment", kind: "distro", change: func(i *incidents.Incident) { i.Embargo = incidents.Embargo{} }}, // it is missing, and that is told once
		{rule: "moment", kind: "distro", edit: swap("Thursday 2026-12-03 14:00 UTC", "Thu,\n2026-12-03 at 14:00 UTC")},
		{rule: "moment", kind: "distro", bad: true, edit: swap("Thursday 2026-12-03 14:00 UTC", "2026-12-03 14:00 UTC")},
		{rule: "moment", kind: "distro", bad: true, edit: swap("Thursday 2026-12-03 14:00 UTC", "Thursday 2026-12-03")},
		{rule: "moment", kind: "distro", bad: true, edit: swap("Thursday 2026-12-03 14:00 UTC", "Thursday 2026-12-03 14:00 CET")},
		{rule: "moment", kind: "distro", bad: true, edit: swap("Thursday 2026-12-03 14:00 UTC", "in 7 days")},
		{rule: "weekday", kind: "distro"},
		{rule: "weekday", kind: "distro", bad: true, edit: swap("Thursday 2026", "Friday 2026"), also: tells("Friday 2026-12-03")},
		{rule: "weekday", kind: "update", bad: true, body: "on Mon 2026-12-03"},
		{rule: "weekday", kind: "update", bad: true, body: "on Thu 2026-02-30"},
		{rule: "own-moment", kind: "distro"},
		{rule: "own-moment", kind: "distro", bad: true, edit: swap("14:00 UTC", "15:00 UTC"), also: tells("15:00 UTC")},
		{rule: "own-moment", kind: "update", bad: true, change: func(i *incidents.Incident) { i.Embargo = incidents.Embargo{} }, body: "Thursday 2026-12-03 14:00 UTC"},
		{rule: "other-date", kind: "distro"},
		{rule: "other-date", kind: "distro", edit: swap("Proof of concept:", "It is public on 3 December 2026, December 3rd, 2026, in Dec 2026. Today is "+now().Format(time.DateOnly)+".\nProof of concept:")},
		{rule: "other-date", kind: "distro", edit: swap("Proof of concept:", "CVE-2026-25990, 12.1.1, 2 of 2027, the decoder 2027, marked 2027, you may 20260, March on\nProof of concept:")},
		{rule: "other-date", kind: "update", body: "2027-01-25"},
		{rule: "window", kind: "distro"},
		{rule: "window", kind: "distro", change: at(now().Add(14 * 24 * time.Hour))},
		{rule: "window", kind: "distro", bad: true, change: at(now().Add(14*24*time.Hour + time.Minute))},
		{rule: "window", kind: "upstream", change: at(now().Add(20 * 24 * time.Hour))},
		{rule: "past", kind: "distro"},
		{rule: "past", kind: "distro", bad: true, change: at(now())},
		{rule: "past", kind: "update", change: func(i *incidents.Incident) { i.PublicAt = now().Add(-time.Hour) }},
		{rule: "own-moment", kind: "update", out: true}, // when it was disclosed
		{rule: "own-moment", kind: "upstream", change: func(i *incidents.Incident) { i.PublicAt = now().Add(-time.Hour) }},
	}...)
}

func listCases() []lintCase {
	to := func(recipients ...string) func(*LintContext) {
		return func(c *LintContext) { c.Recipients = recipients }
	}
	low := func(i *incidents.Incident) { i.Level = "low" }
	return []lintCase{
		{rule: "one-list", kind: "distro", context: to("linux-distros@vs.openwall.org")},
		{rule: "one-list", kind: "distro", context: to("secalert@example.org", "security@example.org")},
		{rule: "one-list", kind: "distro", bad: true, context: to("Linux distros <linux-distros@vs.openwall.org>", "DISTROS@vs.openwall.org")},
		{rule: "one-list", kind: "oss-security", bad: true, context: to("oss-security", "linux-distros")},
		{rule: "which-list", kind: "distro", context: to("linux-distros@vs.openwall.org")},
		{rule: "which-list", kind: "oss-security", context: to("oss-security@lists.openwall.com")},
		{rule: "which-list", kind: "distro", bad: true, context: to("oss-security@lists.openwall.com")},
		{rule: "which-list", kind: "oss-security", bad: true, context: to("linux-distros@vs.openwall.org")},
		{rule: "which-list", kind: "downstream", bad: true, context: to("linux-distros")},
		{rule: "which-list", kind: "distro", context: to("distros@vs.openwall.org.")},
		{rule: "which-list", kind: "distro", bad: true, context: to("linux-distros@openwall.org")},
		{rule: "which-list", kind: "distro", bad: true, context: to("distros+x@vs.openwall.org"), also: tells("distros+x@vs.openwall.org")},
		{rule: "which-list", kind: "distro", bad: true, context: to("Announce <announce@lists.openwall.com>")},
		{rule: "which-list", kind: "ack", bad: true, context: to("OSS-Security@OpenWall.com")},
		{rule: "which-list", kind: "ack", context: to("somebody@notopenwall.org", "openwall.org@example.org", "openwall.com")},
		{rule: "which-list", kind: "oss-security", bad: true, context: to("oss-security@openwall.com")},
		{rule: "distros-public", kind: "distro"},
		{rule: "distros-public", kind: "distro", bad: true, out: true},
		{rule: "distros-public", kind: "distro", bad: true, change: func(i *incidents.Incident) { i.PublicAt = now() }},
		{rule: "distro-whole", kind: "distro"},
		{rule: "distro-whole", kind: "distro", change: func(i *incidents.Incident) { i.Affected = incidents.Sealed{} }}, // what is missing is told once
		{rule: "distro-whole", kind: "distro", bad: true, body: "Hello.", also: tells("confidential; the affected versions; the fixed version; the severity; a summary")},
		{rule: "distro-whole", kind: "distro", bad: true, edit: swap("12.1.1", "soon"), change: func(i *incidents.Incident) { i.Affected = incidents.Seal("10.3.0 and newer") }, also: tells("the fixed version")},
		{rule: "distro-whole", kind: "distro", body: "Confidential: Pillow >= 10.3.0, < 12.1.1, fixed in 12.1.1, High. Summary: a decoder writes out of bounds."},
		{rule: "poc-attached", kind: "distro"},
		{rule: "poc-attached", kind: "distro", bad: true, body: "Proof of concept: attached.", context: func(c *LintContext) { c.Facts = c.Facts.With("patched", incidents.Sealed{}) }, also: tells("attached")},
		{rule: "poc-attached", kind: "distro", body: "Proof of concept: none.", context: func(c *LintContext) { c.Facts = c.Facts.With("patched", incidents.Sealed{}) }},
		{rule: "distros-level", kind: "distro"},
		{rule: "distros-level", kind: "distro", bad: true, change: low},
		{rule: "distros-agreed", kind: "distro"},
		{rule: "distros-agreed", kind: "distro", bad: true, change: func(i *incidents.Incident) { i.Embargo.AgreedAt = time.Time{} }},
		{rule: "distros-agreed", kind: "distro", change: func(i *incidents.Incident) {
			i.Source, i.Embargo.AgreedAt = incidents.Seal("scanning"), time.Time{} // nobody outside waits
		}},
		{rule: "poc-date", kind: "oss-security"},
		{rule: "poc-date", kind: "oss-security", bad: true, body: "Hello, upgrade."},
		{rule: "poc-date", kind: "oss-security", body: "Hello, upgrade.", change: func(i *incidents.Incident) { i.Steps = nil }},
	}
}

// TestLintTells: what stops a text comes first, a finding says what is wrong, and a
// long list is cut.
func TestLintTells(t *testing.T) {
	c := lintCase{kind: "advisory", body: "CVE-2020-1111 CVE-2020-1112 CVE-2020-1113 CVE-2020-1114 CVE-2020-1115 CVE-2020-1116 CVE-2020-1117"}
	findings := c.found(t, book(t))
	warned := false
	for _, f := range findings {
		if f.Level == LintError && warned {
			t.Errorf("%s comes after a warning", f.Rule)
		}
		warned = warned || f.Level == LintWarning
	}
	at := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == "id-own" })
	want := "An id is not of this incident: CVE-2020-1111; CVE-2020-1112; CVE-2020-1113; CVE-2020-1114; CVE-2020-1115; and 2 more."
	if got := findings[at].Told.Reveal(clearances()["full"]); got != want || !warned || !Blocks(findings) {
		t.Errorf("%q, want %q", got, want)
	}
	if Blocks(nil) || Blocks([]Finding{{Level: LintWarning}}) {
		t.Error("a warning stops a text")
	}
}
