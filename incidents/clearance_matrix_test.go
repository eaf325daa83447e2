package incidents_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

func matrixChecks() []string {
	return []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"}
}

const erin = "@erin:example.org"

func onMatrix(id string) incidents.Account { return incidents.Account{Network: "matrix", ID: id} }

// inMatrix gives a proof with every check of Matrix but those that failed, read by
// people of the roster, and by accounts that are not on it.
func inMatrix(failed []string, readers ...string) incidents.Proof {
	var p incidents.Proof
	for _, name := range matrixChecks() {
		c := incidents.Check{Name: name, OK: !slices.Contains(failed, name), Told: "about " + name}
		if !c.OK {
			c.Mend = "mend " + name
		}
		p.Checks = append(p.Checks, c)
	}
	for _, name := range readers {
		r := incidents.Reader{Person: name, Name: name, Account: onMatrix("@" + name + ":example.org")}
		if strings.HasPrefix(name, "@") {
			r = incidents.Reader{Name: name, Account: onMatrix(name)}
		}
		p.Readers = append(p.Readers, r)
	}
	return p
}

func TestClearOnMatrix(t *testing.T) {
	desk := incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Desk: true}
	notices := incidents.Grant{Network: incidents.OnMatrix, Asks: "notice", Desk: true}
	own := incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Incident: 7}
	direct := incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Direct: true}
	good := inMatrix(nil, "alice", "bob")
	guests := []incidents.Account{onMatrix(erin)}
	withErin := inMatrix(nil, "alice", erin)
	for _, c := range []struct {
		name    string
		grant   incidents.Grant
		proof   incidents.Proof
		subject int
		out     string // who is suspended
		want    string
		why     string // part of the reason
	}{
		{"the desk, proven", desk, good, 1, "", "full", ""},
		{"the desk, about all incidents", desk, good, incidents.All, "", "full", ""},
		{"the desk, nothing proven", desk, incidents.Proof{}, 1, "", "notice", "not looked up"},
		{"the desk, what IRC proves", desk, proven(nil, "alice"), 1, "", "notice", "not looked up"},
		{"the desk, a stranger reads", desk, inMatrix(nil, "alice", "@mallory:example.org"), 1, "", "notice", "@mallory:example.org is not on the roster"},
		{"the desk, somebody invited by e-mail", desk, addReader(good, incidents.Reader{Name: "somebody invited by e-mail"}), 1, "", "notice", "invited by e-mail"},
		{"the desk, somebody suspended reads", desk, good, 1, "bob", "notice", "bob is suspended"},
		{"the desk, that hears notices", notices, good, 1, "", "notice", "the configuration"},
		{"the own room", own, good, 7, "", "full", ""},
		{"the own room, about another incident", own, good, 8, "", "none", "one incident only"},
		{"the own room, about all", own, good, incidents.All, "", "none", "one incident only"},
		{"the own room, a stranger reads", own, withErin, 7, "", "notice", erin + " is not on the roster"},
		{"the own room, a guest reads", own, withErin.Admit(guests), 7, "", "full", ""},
		{"the own room, a guest and a stranger", own, inMatrix(nil, erin, "@mallory:example.org").Admit(guests), 7, "", "notice", "@mallory:example.org is"},
		{"the own room, a guest, another incident", own, withErin.Admit(guests), 8, "", "none", "one incident only"},
		{"the own room, a guest, a check failed", own, inMatrix([]string{"history"}, erin).Admit(guests), 7, "", "notice", "about history"},
		{"the own room, a guest, somebody suspended", own, withErin.Admit(guests), 7, "alice", "notice", "alice is suspended"},
		{"the desk, a guest of an incident", desk, withErin.Admit(guests), 7, "", "notice", erin + " is not on the roster"},
		{"another incident's own room", incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Incident: 8}, withErin.Admit(nil), 8, "", "notice", erin + " is not on the roster"},
		{"direct, proven", direct, inMatrix(nil, "alice"), 1, "", "full", ""},
		{"direct, not encrypted", direct, inMatrix([]string{"encrypted"}, "alice"), 1, "", "notice", "about encrypted"},
		{"direct, suspended", direct, inMatrix(nil, "alice"), 1, "alice", "none", "suspended or not on the roster"},
		{"direct, a stranger", direct, inMatrix(nil, erin), 1, "", "none", "suspended or not on the roster"},
		{"direct, a guest", direct, inMatrix(nil, erin).Admit(guests), 1, "", "none", "suspended or not on the roster"},
		{"direct, a third one listens", direct, inMatrix(nil, "alice", "@mallory:example.org"), 1, "", "none", "suspended or not on the roster"},
		{"direct, nobody there", direct, inMatrix(nil), 1, "", "none", "suspended or not on the roster"},
	} {
		v := incidents.Clear(c.grant, c.proof, c.subject, func(p string) bool { return p == c.out })
		if v.Clearance.String() != c.want || !strings.Contains(v.Why, c.why) || (c.why == "") != (v.Why == "") {
			t.Errorf("%s: %s because %q, want %s because of %q", c.name, v.Clearance, v.Why, c.want, c.why)
		}
	}
}

func addReader(p incidents.Proof, r incidents.Reader) incidents.Proof {
	p.Readers = append(slices.Clone(p.Readers), r)
	return p
}

// TestClearOnMatrixByEachCheck: each check that failed or was not made lowers a
// room to notices, whoever reads there, and the verdict says which one and how to
// mend it.
func TestClearOnMatrixByEachCheck(t *testing.T) {
	for _, g := range []incidents.Grant{
		{Network: incidents.OnMatrix, Asks: "full", Desk: true},
		{Network: incidents.OnMatrix, Asks: "full", Incident: 7},
		{Network: incidents.OnMatrix, Asks: "full", Direct: true},
	} {
		for k, name := range matrixChecks() {
			p := inMatrix([]string{name}, "alice")
			v := incidents.Clear(g, p, 7, nobody)
			if bad := v.Failed(); v.Clearance.String() != "notice" || len(bad) != 1 || bad[0].Name != name || bad[0].Mend != "mend "+name ||
				!strings.Contains(v.Why, "about "+name) {
				t.Errorf("%+v, %s failed: %s, %v, %q", g, name, v.Clearance, bad, v.Why)
			}
			p.Checks = slices.Delete(p.Checks, k, k+1)
			v = incidents.Clear(g, p, 7, nobody)
			if bad := v.Failed(); v.Clearance.String() != "notice" || len(bad) != 1 || bad[0].Name != name || bad[0].Mend == "" {
				t.Errorf("%+v, %s not made: %s, %v", g, name, v.Clearance, bad)
			}
		}
	}
}

// TestAGuestIsOneInTheOwnRoomOnly: whatever is proven and whoever was let in, no
// room but the incident's own hears everything with somebody there who is not on
// the roster, and that only about this incident.
func TestAGuestIsOneInTheOwnRoomOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := []string{"alice", "bob", erin, "@frank:example.org", "@mallory:example.org"}
		readers := rapid.SliceOf(rapid.SampledFrom(people)).Draw(t, "readers")
		let := rapid.SliceOf(rapid.SampledFrom([]string{erin, "@frank:example.org", "", "@ERIN:example.org"})).Draw(t, "let in")
		network := rapid.SampledFrom([]string{"matrix", "other"}).Draw(t, "network of the guests")
		g := incidents.Grant{
			Network: rapid.SampledFrom([]incidents.Network{incidents.OnMatrix, incidents.OnIRC}).Draw(t, "network"), Asks: "full",
			Incident: rapid.IntRange(0, 2).Draw(t, "own room of"), Direct: rapid.Bool().Draw(t, "direct"),
		}
		subject := rapid.IntRange(0, 2).Draw(t, "subject")
		var guests []incidents.Account
		for _, id := range let {
			guests = append(guests, incidents.Account{Network: network, ID: id})
		}
		p := inMatrix(nil, readers...)
		before := len(p.Readers)
		v := incidents.Clear(g, p.Admit(guests), subject, nobody)
		for _, r := range readers {
			known := !strings.HasPrefix(r, "@")
			guest := g.Incident != 0 && g.Incident == subject && network == "matrix" && slices.Contains(let, r)
			if v.Clearance.Full() && !known && !guest {
				t.Fatalf("full for %+v about %d, read by %s, let in %v on %s", g, subject, r, let, network)
			}
		}
		for k, r := range p.Readers {
			if r.Guest || len(p.Readers) != before || r.Name != readers[k] {
				t.Fatal("letting guests in changed the proof that was given")
			}
		}
	})
}

func TestAdmitComparesExactly(t *testing.T) {
	for _, c := range []struct {
		name          string
		reader, guest incidents.Account
		want          bool
	}{
		{"the same", onMatrix(erin), onMatrix(erin), true},
		{"another case", onMatrix("@Erin:example.org"), onMatrix(erin), false},
		{"another server", onMatrix("@erin:example.com"), onMatrix(erin), false},
		{"a longer name", onMatrix("@erin2:example.org"), onMatrix(erin), false},
		{"a blank behind", onMatrix(erin + " "), onMatrix(erin), false},
		{"another network", incidents.Account{Network: "other", ID: erin}, onMatrix(erin), false},
		{"nobody and an erased one", incidents.Account{Network: "matrix"}, onMatrix(""), false},
		{"nobody at all", incidents.Account{}, incidents.Account{}, false},
	} {
		p := incidents.Proof{Readers: []incidents.Reader{{Name: "somebody", Account: c.reader}}}
		if got := p.Admit([]incidents.Account{c.guest}).Readers[0].Guest; got != c.want {
			t.Errorf("%s: a guest: %t, want %t", c.name, got, c.want)
		}
		roster := incidents.NewRoster(incidents.Person{Name: "erin", Accounts: []incidents.Account{c.guest}})
		if _, got := roster.ByAccount(c.reader); got != c.want {
			t.Errorf("%s: on the roster: %t, want %t", c.name, got, c.want)
		}
	}
}

func TestMatrixID(t *testing.T) {
	long := "@" + strings.Repeat("a", 255-len("@:example.org")) + ":example.org"
	for id, want := range map[string]bool{
		"@erin:example.org":       true,
		"@erin:example.org:8448":  true,
		"@erin:[2001:db8::1]":     true,
		"@erin:hs.test":           true,
		"@erin:localhost":         true,
		"@Erin.E_2=/+-:host":      true, // of old, a name could have capital letters, and more
		"@er/in:example.org":      true,
		long:                      true,
		"@a" + long[1:]:           false,
		"":                        false,
		"@":                       false,
		"@:":                      false,
		"@erin":                   false,
		"@erin:":                  false,
		"@:example.org":           false,
		"erin:example.org":        false,
		"erin@example.org":        false,
		"@erin@example.org":       false,
		"@erin:exa mple.org":      false,
		"@erin:example.org ":      false,
		"@erin:example.org,":      false,
		"@erin:example.org.":      false,
		"@erin:example.org:":      false,
		"@erin:example.org>":      false,
		"<@erin:example.org>":     false,
		"@erin:example.org/path":  false,
		"@erin:ex@mple.org":       false,
		"@erin:example.org\n":     false,
		"@er\x00in:example.org":   false,
		"@érin:example.org":       false,
		"@erin:ex\u202eample.org": false,
		"#room:example.org":       false,
		"!room:example.org":       false,
		"@erin:example.org?via=x": false,
	} {
		if got := incidents.MatrixID(id); got != want {
			t.Errorf("%q: %t, want %t", id, got, want)
		}
	}
}
