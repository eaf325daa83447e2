package templates

import (
	"strings"

	"tocsin/incidents"
)

func publicCases() []lintCase {
	long := strings.Repeat("word ", 101)
	return []lintCase{
		{rule: "unassessed", kind: "leak"},
		{rule: "unassessed", kind: "leak", bad: true, change: func(i *incidents.Incident) { i.Level, i.Embargo, i.Steps = "", incidents.Embargo{}, nil }},
		{rule: "mention", kind: "mastodon"},
		{rule: "mention", kind: "mastodon", body: "Write to security@example.org, see https://example.org/@pillow"},
		{rule: "mention", kind: "mastodon", bad: true, body: "Thanks to @erin@example.org.", also: tells("@erin@example.org")},
		{rule: "mention", kind: "advisory", bad: true, body: "(@erin)"},
		{rule: "mention", kind: "advisory", bad: true, body: "by _@erin_", also: tells("@erin")},
		{rule: "advisory-whole", kind: "advisory"},
		{rule: "advisory-whole", kind: "advisory", change: func(i *incidents.Incident) { i.CVE = incidents.Sealed{} }}, // the GHSA is its name
		{rule: "advisory-whole", kind: "advisory", change: func(i *incidents.Incident) { i.Reporter = incidents.Reporter{} }},
		{rule: "advisory-whole", kind: "advisory", bad: true, edit: swap("CVE-2026-25990", "soon"), also: tells("the CVE")},
		{rule: "advisory-whole", kind: "advisory", bad: true, edit: swap("8.6", "high"), also: tells("score")},
		{rule: "advisory-whole", kind: "advisory", bad: true, edit: swap(">= 10.3.0", "some"), also: tells("affected")},
		{rule: "advisory-whole", kind: "advisory", bad: true, edit: swap("**Fixed version:** 12.1.1", "fixed"), change: func(i *incidents.Incident) { i.Affected = incidents.Seal("10.3.0 and newer") }, also: tells("fixed version")},
		{rule: "advisory-whole", kind: "advisory", bad: true, edit: swap("Erin of Example Labs", "somebody"), also: tells("credit")},
		{rule: "advisory-whole", kind: "advisory", bad: true, body: "CVE-2026-25990, 8.6, >= 10.3.0, < 12.1.1, Erin of Example Labs", also: tells("nature")},
		{rule: "advisory-whole", kind: "advisory", bad: true, change: func(i *incidents.Incident) { i.Reporter.Credit = incidents.Seal("anonymous") }, edit: swap("reported privately", "x"), also: tells("privately")},
		{rule: "advisory-whole", kind: "advisory", change: func(i *incidents.Incident) { i.Fixed, i.Summary = incidents.Sealed{}, incidents.Sealed{} }}, // what is missing is told once
		{rule: "advisory-cve", kind: "advisory"},
		{rule: "advisory-cve", kind: "advisory", bad: true, change: func(i *incidents.Incident) { i.CVE = incidents.Sealed{} }},
		{rule: "upgrade", kind: "advisory"},
		{rule: "upgrade", kind: "advisory", bad: true, edit: swap("pip install --upgrade", "pip")},
		{rule: "upgrade-word", kind: "mastodon"},
		{rule: "upgrade-word", kind: "distro"},
		{rule: "upgrade-word", kind: "oss-security", bad: true, body: "Hello."},
		{rule: "upgrade-word", kind: "leak", body: "Hello."},
		{rule: "fresh", kind: "mastodon"},
		{rule: "fresh", kind: "advisory", bad: true, also: tells("details")},
		{rule: "fresh", kind: "mastodon", bad: true, body: "There is a proof of concept.", also: tells("proof of concept")},
		{rule: "fresh", kind: "mastodon", bad: true, body: `Open b"\x38\x42\x50\x53\x00" with it.`},
		{rule: "fresh", kind: "mastodon", bad: true, body: "Open the file tests/x.psd with it.", change: func(i *incidents.Incident) { i.PoC = incidents.Seal("open the file tests/x.psd") }, also: tells("what shows the bug")},
		{rule: "fresh", kind: "mastodon", body: "It is being exploited.", change: func(i *incidents.Incident) { i.WildAt = now() }},
		{rule: "fresh", kind: "mastodon", bad: true, body: "It is being exploited."},
		{rule: "fresh", kind: "oss-security"}, // the list wants all of it
		{rule: "fresh", kind: "advisory", change: func(i *incidents.Incident) {
			i.Embargo.EndedAt = now().AddDate(0, 0, -8)
			i.Steps = map[string]incidents.Deed{"publish": {State: incidents.StepDone, At: now().AddDate(0, 0, -8)}}
		}},
		{rule: "length", kind: "mastodon"},
		{rule: "length", kind: "mastodon", bad: true, body: long, also: tells("505 of 500")},
		{rule: "length", kind: "mastodon", body: long, context: func(c *LintContext) { c.Thread = true }},
		{rule: "length", kind: "mastodon", body: long, context: func(c *LintContext) { c.Limits = Limits{1000, 23} }},
		{rule: "length", kind: "advisory", body: long},
	}
}

func peopleCases() []lintCase {
	anonymous := func(i *incidents.Incident) { i.Reporter.Credit = incidents.Seal("anonymous") }
	unasked := func(i *incidents.Incident) { i.Reporter.Credit = incidents.Sealed{} }
	said := func(c *LintContext) {
		c.Quotes = []incidents.Sealed{incidents.Seal("I found it while fuzzing the decoders at night.")}
	}
	x := func(i *incidents.Incident) {
		i.Reporter = incidents.Reporter{Name: incidents.Seal("x_ploit"), Contact: incidents.Seal("erin_smith@example.org")}
	}
	var out []lintCase
	spellings := func(rule, kind string, change func(*incidents.Incident), all ...string) {
		for _, s := range all {
			out = append(out, lintCase{rule: rule, kind: kind, bad: true, change: change, body: "Upgrade. See " + s + "."})
		}
	}
	spellings("handle", "mastodon", nil, "INC-7", "_INC-7_", "INC\u20117", "INC\u22127", "INC 7", "INC7", "INC-\n7", "INC_7", "**INC**-7", `INC\-7`, "INC #7", "\u0406NC-7")
	spellings("codename", "mastodon", nil, "_quiet harbour_", "quiet-harbour", "quiet *harbour*", "quiet h\u0430rbour", "quiet\u00a0harbour", "QUIET_HARBOUR",
		"#QuietHarbour", "quiet\u00adharbour", "qu**iet** harbour")
	spellings("person", "mastodon", nil, "_alice_", "**alice**", "al**ice**", "\u0430lice", "@alice", "Alice\u2019s", "\uff41lice", "al\u00edce", "_@alice:example.org_", "al<b>ice</b>")
	spellings("room", "mastodon", nil, "_#tocsin-desk_", "#tocsin\u2011desk", "_security desk_")
	spellings("reporter", "mastodon", anonymous, "_Erin Example_", "Erin-Example", "_erin@example.org_", "erin (at) example.org", "erin [at] example [dot] org", "erin at example dot org", "\u0415rin")
	spellings("reporter", "mastodon", x, "x_ploit", "_x_ploit_", `x\_ploit`, "X-Ploit", "erin_smith@example.org", `erin\_smith@example.org`, "@erin_smith")
	return append(out, []lintCase{
		{rule: "reporter", kind: "advisory"},
		{rule: "reporter", kind: "ack"}, // it is to them
		{rule: "reporter", kind: "ack", change: anonymous},
		{rule: "reporter", kind: "advisory", change: anonymous},
		{rule: "reporter", kind: "advisory", bad: true, change: unasked, body: "Reported by Erin Example.", also: tells("Erin Example")},
		{rule: "reporter", kind: "distro", bad: true, change: anonymous, body: "Reported by Erin."},
		{rule: "reporter", kind: "upstream", bad: true, change: anonymous, body: "Reported by Erin."},
		{rule: "reporter", kind: "advisory", body: "Reported by Erin of Example Labs."},
		{rule: "reporter", kind: "advisory", bad: true, body: "Reported by Erin Example."}, // not how they asked to be named
		{rule: "reporter", kind: "advisory", bad: true, body: "Ask erin@example.org.", also: tells("erin@example.org")},
		{rule: "reporter", kind: "advisory", body: "It is erinaceous.", change: unasked},
		{rule: "reporter", kind: "advisory", body: "It was found while fuzzing.", context: said},
		{rule: "reporter", kind: "advisory", bad: true, body: "They say: I found it,\nwhile fuzzing the decoders.", context: said, also: tells("their words")},
		{rule: "reporter", kind: "advisory", bad: true, change: anonymous, body: "Thanks to @erin."},
		{rule: "reporter", kind: "advisory", body: "A security update of the Pillow project.", change: func(i *incidents.Incident) {
			i.Reporter = incidents.Reporter{Name: incidents.Seal("Pillow Fans Security"), Contact: incidents.Seal("security@example.org")}
		}},
		{rule: "reporter", kind: "advisory", bad: true, body: "Found by Pillow Fans\nSecurity.", change: func(i *incidents.Incident) {
			i.Reporter = incidents.Reporter{Name: incidents.Seal("Pillow Fans Security")}
		}},
		{rule: "reporter-part", kind: "advisory"},
		{rule: "reporter-part", kind: "advisory", bad: true, body: "Found by Fans.", change: func(i *incidents.Incident) {
			i.Reporter = incidents.Reporter{Name: incidents.Seal("Pillow Fans Security")}
		}},
		{rule: "handle", kind: "advisory"},
		{rule: "handle", kind: "advisory", bad: true, body: "See inc-7."},
		{rule: "handle", kind: "ack", bad: true, subject: "INC-7"},
		{rule: "codename", kind: "advisory", body: "a quiet place, a harbour"},
		{rule: "codename", kind: "advisory", bad: true, body: "Quiet\nHarbour"},
		{rule: "codename", kind: "mastodon", bad: true, body: "amber anchor"},
		{rule: "room", kind: "advisory"},
		{rule: "room", kind: "advisory", bad: true, body: "Ask in #tocsin-desk."},
		{rule: "room", kind: "advisory", body: "A security desk", context: func(c *LintContext) { c.Rooms = []string{"security"} }},
		{rule: "room", kind: "advisory", bad: true, body: "In #security", context: func(c *LintContext) { c.Rooms = []string{"security"} }},
		{rule: "room", kind: "advisory", bad: true, body: "At the security desk"},
		{rule: "room", kind: "upstream", bad: true, body: "Ask in !abc:example.org."},
		{rule: "person", kind: "advisory"},
		{rule: "person", kind: "advisory", body: "malice and alices"},
		{rule: "person", kind: "advisory", bad: true, body: "Alice fixed it.", also: tells("alice")},
		{rule: "person", kind: "distro", bad: true, body: "@alice:example.org"},
		{rule: "person", kind: "ack", body: "Alice"},
		{rule: "person", kind: "advisory", body: "Alice fixed it.", context: func(c *LintContext) { c.Meant = []string{"Alice"} }},
		{rule: "person", kind: "advisory", body: "Found by Carol.", change: func(i *incidents.Incident) { i.Reporter.Credit = incidents.Seal("Carol of the Pillow team") }},
		{rule: "person-word", kind: "advisory", body: "We will say more."},
		{rule: "person-word", kind: "advisory", bad: true, body: "Ask _Will_."},
		{rule: "person-word", kind: "advisory", bad: true, body: "Ask Will."},
		{rule: "handle", kind: "advisory", body: "by Example, Inc. 7 versions; incl. 7; zinc-7; 2 inc"},
		{rule: "codename", kind: "advisory", body: "quieter harbours"},
		{rule: "reporter", kind: "mastodon", change: x, body: "an exploit of Smith"},
		{rule: "reporter", kind: "mastodon", body: "Erin of Example Labs, erin_of_x at example.com"},
	}...)
}
