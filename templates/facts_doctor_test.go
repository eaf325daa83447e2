package templates

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// findings gives each finding in the ways that it is said, the one that is ok first where
// there is one.
func findings(seal func(string) incidents.Sealed) []incidents.Finding {
	find, ok, warn, fail, unknown := incidents.Find, incidents.FindingOK, incidents.FindingWarn, incidents.FindingFail, incidents.FindingUnknown
	const day, gb = 24 * time.Hour, 1 << 30
	alice := incidents.Person{Name: "alice", Accounts: []incidents.Account{{Network: "irc", ID: "alice"}}}
	bob, carol := incidents.Person{Name: "bob", Accounts: alice.Accounts}, incidents.Person{Name: "carol"}
	granted := incidents.Grant{Network: incidents.OnMatrix, Asks: "full"}
	verdict := func(n incidents.Network, asks string) incidents.Verdict {
		return incidents.Clear(incidents.Grant{Network: n, Asks: asks}, incidents.Proof{}, incidents.All, func(string) bool { return false })
	}
	lowered := incidents.Verdict{Grant: granted, Readers: 3, Clearance: clearances()["notice"], Why: "Anyone can join", Checks: []incidents.Check{
		{Name: "invite-only", Told: "Anyone can join.", Mend: "Let only invited people join, in the room's settings."},
	}}
	stranger := incidents.Verdict{Grant: granted, Readers: 4, Clearance: clearances()["notice"], Why: "@mallory:evil.example is not on the roster"}
	out := []incidents.Finding{
		find("rehearsal", ok), find("config", ok, "networks", 2, "people", 4), find("config", warn, "networks", 2, "people", 4), find("config", fail, "networks", 0, "people", 0),
		find("plan", ok, "name", "Pillow"), find("plan", warn, "name", "Pillow"), find("plan", fail, "name", ""),
		find("templates", ok, "broken", ""), find("templates", fail, "broken", "did/noted"),
		find("state", ok, "problem", "", "file", ""),
	}
	for _, problem := range []string{"absent", "mode", "older", "wal", "rehearsal", "newer", "restoring", "unreadable"} {
		out = append(out, find("state", fail, "problem", problem, "file", "/srv/desk.db"))
	}
	out = append(out,
		find("record", ok, "entries", 12), find("record", fail, "entries", 0),
		incidents.FindDisk(30*gb, 100*gb), incidents.FindDisk(gb/2, 100*gb), incidents.FindDisk(gb/20, 100*gb),
		incidents.FindBackup(now().Add(-day), true, now()), incidents.FindBackup(now().Add(-9*day), true, now()), incidents.FindBackup(time.Time{}, false, now()),
		incidents.FindSkew("api.github.com", 2*time.Second), incidents.FindSkew("api.github.com", 2*time.Minute), incidents.FindSkew("api.github.com", -time.Hour), incidents.FindNoClock(),
	)
	out = append(out, incidents.FindCredentials([]incidents.Token{{Expires: now().Add(90 * day)}, {Expires: now().Add(90 * day)}}, now())...)
	out = append(out, incidents.FindCredentials(nil, now())...)
	out = append(out, incidents.FindCredentials([]incidents.Token{{Name: seal("old-upload"), Expires: now().Add(-day)}, {Name: seal("new-upload"), Expires: now().Add(3 * day)}}, now())...)
	out = append(out,
		find("keys", ok, "count", 2), find("keys", warn, "count", 0),
		find("key", warn, "name", "0123456789ABCDEF", "why", "expires within 30 days"), find("key", fail, "name", "0123456789ABCDEF", "why", "is expired"),
	)
	out = append(out, incidents.FindRoster(incidents.NewRoster(alice, bob), []string{"irc"}, nil)...)
	out = append(out, incidents.FindRoster(incidents.NewRoster(alice, bob, carol), []string{"irc"}, map[string]bool{"alice": true, "bob": true})...)
	out = append(out,
		incidents.FindRoom("irc #desk", verdict(incidents.OnConsole, "full")), incidents.FindRoom("irc #desk", verdict(incidents.OnIRC, "notice")),
		incidents.FindRoom("irc #news", verdict(incidents.OnIRC, "none")), incidents.FindRoom("matrix !desk:example.org", lowered),
		incidents.FindRoom("matrix !desk:example.org", stranger), incidents.FindNoProof("irc #desk"),
		find("room-asks", unknown, "network", "irc"),
	)
	out = append(out, incidents.FindAccounts("matrix", nil, nil, nil, 4)...)
	out = append(out, incidents.FindAccounts("matrix", []string{"alice"}, []string{"bob", "carol"}, []string{"dana"}, 4)...)
	out = append(out, incidents.FindAccounts("matrix", []string{"alice", "bob"}, []string{"carol"}, nil, 3)...)
	out = append(out, incidents.FindSeen("irc", nil, 3), incidents.FindSeen("irc", []string{"dana"}, 3), incidents.FindSeen("irc", []string{"carol", "dana"}, 3),
		find("device", ok, "network", "matrix", "problem", "", "why", ""), find("device", fail, "network", "matrix", "problem", "none", "why", ""),
		find("device", fail, "network", "matrix", "problem", "refused", "why", ""), find("device", fail, "network", "matrix", "problem", "away", "why", "HTTP 502"),
		find("reach", ok, "name", "mail", "why", "", "let", true), find("reach", ok, "name", "PyPI", "why", "", "let", false), find("reach", fail, "name", "mail", "why", "login: 535", "let", true),
		incidents.FindExpiry("token", "reading", time.Time{}, now()), incidents.FindExpiry("token", "reading", now().Add(90*day), now()),
		incidents.FindExpiry("token", "reading", now().Add(3*day), now()), incidents.FindExpiry("token", "writing", now().Add(-3*day), now()),
		incidents.FindExpiry("certificate", "irc", now().Add(90*day), now()), incidents.FindExpiry("certificate", "irc", now().Add(3*day), now()),
		incidents.FindExpiry("certificate", "irc", now().Add(-3*day), now()),
		find("rights", ok, "name", "writing"), find("rights", warn, "name", "writing"),
		find("legible", ok, "name", "reading", "needs", "", "sure", false), find("legible", ok, "name", "reading", "needs", "", "sure", true),
		find("legible", fail, "name", "reading", "needs", ""), find("legible", fail, "name", "reading", "needs", "repository_advisories=read"),
		find("alerts", ok, "which", "", "needs", ""), find("alerts", warn, "which", "Dependabot", "needs", ""),
		find("alerts", warn, "which", "code scanning", "needs", "security_events=read"),
		find("github", fail, "name", "reading", "why", "GitHub does not take the token (401): make a new one"),
		find("reporting", ok, "why", ""), find("reporting", fail, "why", ""), find("reporting", unknown, "why", "GitHub cannot be reached"),
		find("silent", unknown, "what", "record", "seconds", 10, "way", "say `bot verify`"), find("silent", unknown, "what", "mail", "seconds", 10, "way", ""), incidents.FindUnseen("roster", "say !doctor again"),
	)
	return out
}

// doctorFacts gives the facts of what the doctor says. A finding alone is said as the
// first of its kind, and as the last one: those are parts of an answer that only a room
// which may hear everything gets, so nothing in them is sealed here.
func doctorFacts(name string, many bool, seal func(string) incidents.Sealed) incidents.Facts {
	all := findings(seal)
	key, alone := strings.CutPrefix(name, "finding/")
	if name == "doctor/line" {
		key, alone = "disk", true
	}
	if !many && !alone {
		all = slices.DeleteFunc(all, func(f incidents.Finding) bool { return f.State != incidents.FindingOK })
	}
	if alone {
		all = slices.DeleteFunc(findings(seal), func(f incidents.Finding) bool { return f.Key != key })
		one := all[0]
		if many {
			one = all[len(all)-1]
		}
		f := one.Facts.With("kind", one.Key).With("state", one.State)
		if key == "credential" {
			f["name"] = "upload"
		}
		return f
	}
	if strings.HasPrefix(name, "doctor") {
		return incidents.DoctorCard(all).With("again", many).With("lines", 30)
	}
	return nil
}

// TestFindings: whatever can be found has its words, in one line, and is said in this
// package's tests; below full how many is said and not which.
func TestFindings(t *testing.T) {
	b := book(t)
	all := findings(incidents.Seal)
	for _, key := range incidents.FindingKeys() {
		if !b.Has("finding/" + key) {
			t.Errorf("there are no words for %s", key)
		}
		if !slices.ContainsFunc(all, func(f incidents.Finding) bool { return f.Key == key }) {
			t.Errorf("%s is not said here", key)
		}
	}
	for _, f := range all {
		doc, err := b.Render("doctor", incidents.DoctorCard([]incidents.Finding{f}), clearances()["full"])
		if err != nil || doc.Lines != 2 || !slices.Contains(incidents.FindingKeys(), f.Key) {
			t.Errorf("%s: %v: %s", f.Key, err, doc.Text)
		}
	}
	doc, err := b.Render("doctor", incidents.DoctorCard(all), clearances()["notice"])
	if err != nil || doc.Lines != 2 {
		t.Fatal(doc.Text, err)
	}
	for _, word := range []string{"alice", "bob", "token", "matrix", "FAIL"} {
		if strings.Contains(doc.Text, word) {
			t.Errorf("a room that hears notices is told of %s: %s", word, doc.Text)
		}
	}
}
