package incidents_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

func roomChecks() []string {
	return []string{"tls", "authenticated", "plain", "secret", "closed", "registered-only", "tls-only", "identified"}
}

// provenAlso is proven with one more check.
func provenAlso(name string, missing []string, readers ...string) incidents.Proof {
	p := proven(missing, readers...)
	p.Checks = append(p.Checks, incidents.Check{Name: name, OK: true, Told: name})
	return p
}

// proven gives a proof with every check but those named, read by people.
func proven(missing []string, readers ...string) incidents.Proof {
	var p incidents.Proof
	for _, name := range roomChecks() {
		if !slices.Contains(missing, name) {
			p.Checks = append(p.Checks, incidents.Check{Name: name, OK: true, Told: name})
		}
	}
	for _, r := range readers {
		if r == "mallory" {
			p.Readers = append(p.Readers, incidents.Reader{Name: "mallory"}) // nobody of the roster
		} else {
			p.Readers = append(p.Readers, incidents.Reader{Person: r, Name: r})
		}
	}
	return p
}

func TestClear(t *testing.T) {
	irc := func(asks string) incidents.Grant { return incidents.Grant{Network: incidents.OnIRC, Asks: asks} }
	own := incidents.Grant{Network: incidents.OnIRC, Asks: "full", Incident: 7}
	dm := func(asks string) incidents.Grant {
		return incidents.Grant{Network: incidents.OnIRC, Asks: asks, Direct: true}
	}
	good := proven(nil, "alice", "bob")
	for _, c := range []struct {
		name    string
		grant   incidents.Grant
		proof   incidents.Proof
		subject int
		out     string // who is suspended
		want    string
	}{
		{"everything proven", irc("full"), good, 1, "", "full"},
		{"nobody but the bot", irc("full"), proven(nil), 1, "", "full"},
		{"nothing proven", irc("full"), incidents.Proof{}, 1, "", "notice"},
		{"a stranger reads", irc("full"), proven(nil, "alice", "mallory"), 1, "", "notice"},
		{"somebody suspended reads", irc("full"), good, 1, "bob", "notice"},
		{"somebody else is suspended", irc("full"), good, 1, "carol", "full"},
		{"only notices are granted", irc("notice"), good, 1, "", "notice"},
		{"nothing is granted", irc("none"), good, 1, "", "none"},
		{"the grant is no word we know", irc("Full"), good, 1, "", "none"},
		{"not in the configuration", incidents.Grant{Asks: "none"}, good, 1, "", "none"},
		{"its own incident", own, good, 7, "", "full"},
		{"another incident", own, good, 8, "", "none"},
		{"all incidents, in a room of one", own, good, incidents.All, "", "none"},
		{"its own incident, a stranger reads", own, proven(nil, "mallory"), 7, "", "notice"},
		{"direct, proven", dm("full"), provenAlso("peer-tls", []string{"plain", "secret", "closed", "registered-only", "tls-only"}, "alice"), 1, "", "full"},
		{"direct, no TLS", dm("full"), proven([]string{"tls"}, "alice"), 1, "", "notice"},
		{"direct, notices", dm("notice"), proven(nil, "alice"), 1, "", "notice"},
		{"direct, none", dm("none"), proven(nil, "alice"), 1, "", "none"},
		{"direct, suspended", dm("full"), proven(nil, "alice"), 1, "alice", "none"},
		{"direct, a stranger", dm("full"), proven(nil, "mallory"), 1, "", "none"},
		{"direct, nobody there", dm("full"), proven(nil), 1, "", "none"},
		{"direct notices, suspended", dm("notice"), proven(nil, "alice"), 1, "alice", "none"},
		{"the console", incidents.Grant{Network: incidents.OnConsole, Asks: "full"}, incidents.Proof{}, 1, "", "full"},
		{"an unknown network asks for all", incidents.Grant{Network: "pigeon", Asks: "full"}, good, 1, "", "none"},
		{"an unknown network asks for notices", incidents.Grant{Network: "pigeon", Asks: "notice"}, good, 1, "", "none"},
		{"no network at all", incidents.Grant{Asks: "full"}, good, 1, "", "none"},
		{"an unknown network, direct", incidents.Grant{Network: "pigeon", Asks: "full", Direct: true}, proven(nil, "alice"), 1, "", "none"},
	} {
		v := incidents.Clear(c.grant, c.proof, c.subject, func(p string) bool { return p == c.out })
		if v.Clearance.String() != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.name, v.Clearance, c.want, v.Why)
		}
		if lowered := c.want != "full" && c.grant.Asks == "full"; lowered && v.Why == "" {
			t.Errorf("%s: nobody is told why it was lowered", c.name)
		}
		if c.want == "full" && v.Why != "" {
			t.Errorf("%s: full, yet %q", c.name, v.Why)
		}
		if v.Readers != len(c.proof.Readers) && !strings.Contains(c.name, "another") {
			t.Errorf("%s: %d readers, want %d", c.name, v.Readers, len(c.proof.Readers))
		}
	}
}

// TestClearMissingCheck: each single check that is missing or failed lowers a
// room, and the verdict names it.
func TestClearMissingCheck(t *testing.T) {
	g := incidents.Grant{Network: incidents.OnIRC, Asks: "full"}
	for _, name := range roomChecks() {
		failed := proven(nil, "alice")
		for k := range failed.Checks {
			if failed.Checks[k].Name == name {
				failed.Checks[k].OK, failed.Checks[k].Told = false, "it is not "+name
			}
		}
		for what, p := range map[string]incidents.Proof{"missing": proven([]string{name}, "alice"), "failed": failed} {
			v := incidents.Clear(g, p, 1, nobody)
			bad := v.Failed()
			if v.Clearance.String() != "notice" || len(bad) != 1 || bad[0].Name != name || v.Why == "" {
				t.Errorf("%s %s: %s, %v, %q", name, what, v.Clearance, bad, v.Why)
			}
		}
	}
}

// TestClearNeverRises: whatever a bridge proves, a room hears no more than its
// grant, and no more with a proof that is worse.
func TestClearNeverRises(t *testing.T) {
	rank := map[string]int{"none": 0, "notice": 1, "full": 2}
	rapid.Check(t, func(t *rapid.T) {
		g := incidents.Grant{
			Network:  rapid.SampledFrom([]incidents.Network{incidents.OnIRC, incidents.OnMatrix, "", "pigeon"}).Draw(t, "network"),
			Asks:     rapid.SampledFrom([]string{"full", "notice", "none", ""}).Draw(t, "asks"),
			Direct:   rapid.Bool().Draw(t, "direct"),
			Incident: rapid.IntRange(0, 2).Draw(t, "incident"),
		}
		missing := rapid.SliceOfDistinct(rapid.SampledFrom(roomChecks()), rapid.ID).Draw(t, "missing")
		readers := rapid.SliceOf(rapid.SampledFrom([]string{"alice", "bob", "mallory"})).Draw(t, "readers")
		subject := rapid.IntRange(0, 2).Draw(t, "subject")
		v := incidents.Clear(g, proven(missing, readers...), subject, nobody)
		if rank[v.Clearance.String()] > rank[g.Asks] {
			t.Fatalf("%s for a room that asks for %q", v.Clearance, g.Asks)
		}
		if v.Clearance.Full() && (slices.Contains(readers, "mallory") || (g.Incident != 0 && g.Incident != subject)) {
			t.Fatalf("full for %+v, read by %v, about %d", g, readers, subject)
		}
		worse := incidents.Clear(g, proven(append(missing, "tls", "identified"), append(readers, "mallory")...), subject, nobody)
		if rank[worse.Clearance.String()] > rank[v.Clearance.String()] || worse.Clearance.Full() {
			t.Fatalf("a worse proof gives %s, the better one %s", worse.Clearance, v.Clearance)
		}
		suspended := incidents.Clear(g, proven(missing, append(readers, "bob")...), subject, func(p string) bool { return p == "bob" })
		if suspended.Clearance.Full() {
			t.Fatal("full, though somebody suspended can read")
		}
	})
}
