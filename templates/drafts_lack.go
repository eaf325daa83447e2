package templates

import "tocsin/incidents"

// Lack is a fact that a draft needs and that is not known.
type Lack struct {
	What string           // what it is called
	Say  incidents.Sealed // the command that mends it; empty when there is none
}

// mendOf gives what a fact is called and the command that mends it, for the state that
// an incident is in: a command that is refused there helps nobody. false when no
// template can need the fact.
func mendOf(facts map[string]any, name string) (what, say string, ok bool) {
	is := func(fact string) bool { text, _ := facts[fact].(string); return text != "" }
	how, ok := mends()[name]
	what, say = how[0], how[1]
	over := is("over") || is("leaked") || is("disclosed")
	switch {
	case name == "embargo" && over:
		say = "!draft oss-security" // it is public already
	case (name == "fixedon" || name == "disclosedon") && !over && is("embargoed"):
		say = mends()["embargo"][1]
	case (name == "fixedon" || name == "disclosedon") && is("release"):
		text, _ := facts["release"].(string)
		say = "!release live " + text
	case is("compromise") && name == "summary":
		say = "!fact set summary A token of our CI was stolen, and one wheel was replaced with it."
	case is("compromise") && name == "details":
		say = "!fact set details The wheel sends environment variables to a server."
	case name == "reachwhy" && !is("bundled"):
		say = "!incident track upstream It is a bug of the library."
	}
	return what, say, ok
}

// mends gives for each fact that a draft can need what it is called, and a command
// that sets it.
func mends() map[string][2]string {
	return map[string][2]string{
		"title":       {"title", "!incident title Out-of-bounds write in the PSD decoder"},
		"summary":     {"summary", "!fact set summary A crafted image makes the decoder write out of bounds."},
		"details":     {"details", "!fact set details The decoder does not check the length of a row."},
		"affected":    {"affected versions", "!fact set affected 10.3.0 to 12.3.0"},
		"fixed":       {"fixed version", "!fact set fixed 12.3.1"},
		"cve":         {"CVE", "!fact set cve CVE-2026-25990"},
		"ghsa":        {"GHSA", "!fact set ghsa GHSA-cfh3-3jmp-rvhc"},
		"id":          {"CVE or GHSA", "!fact set cve CVE-2026-25990"},
		"link":        {"address of the advisory", "!fact set ghsa GHSA-cfh3-3jmp-rvhc"},
		"cwe":         {"CWE", "!fact set cwe CWE-787"},
		"vector":      {"CVSS vector", "!severity set CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"},
		"score":       {"CVSS score", "!severity set CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"},
		"level":       {"level of severity", "!severity set high"},
		"component":   {"library", "!fact set library libwebp"},
		"reporter":    {"name of the reporter", "!reporter set Erin"},
		"credit":      {"credit", `!reporter set Erin --credit "Erin of Example Labs"`},
		"embargo":     {"moment of the disclosure", "!embargo set 2026-12-03 14:00"},
		"fixedon":     {"date of the fix", "!release live 12.3.1"},
		"disclosedon": {"date of the disclosure", "!release live 12.3.1"},
		"workaround":  {"workaround", "!fact set workaround none"},
		"poc":         {"proof of concept, or a patch", "!fact set poc none"},
		"period":      {"from when until when", "!fact set period 2026-11-20 08:00 UTC to 2026-11-21 12:00 UTC"},
		"advice":      {"what users have to do", "!fact set advice Nothing, as far as we know."},
		"reachwhy":    {"why it is not reachable", "!incident reachable no We never call that decoder."},
		"upgrade":     {"command that upgrades", "so in [outside] of plan.toml"},
		"advisories":  {"address of the advisories", "so in [outside] of plan.toml"},
	}
}
