package incidents

import (
	"testing"
	"time"
)

// TestFindingsAreJudged: what is ok, what is to be looked at and what fails, on both
// sides of each border.
func TestFindingsAreJudged(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	const day, mb, gb = 24 * time.Hour, 1 << 20, 1 << 30
	alice := Person{Name: "alice", Accounts: []Account{{"irc", "alice"}}}
	bob := Person{Name: "bob", Accounts: []Account{{"irc", "bob"}, {"matrix", "@bob:example.org"}}}
	full := Verdict{Grant: Grant{Asks: "full"}, Clearance: Clearance{level: 2}}
	lowered := Verdict{Grant: Grant{Asks: "full"}, Clearance: Clearance{level: 1}}
	asked := Verdict{Grant: Grant{Asks: "notice"}, Clearance: Clearance{level: 1}}
	for name, c := range map[string]struct {
		got  []Finding
		want string
	}{
		"a clock that is right":            {[]Finding{FindSkew("x", 30*time.Second)}, FindingOK},
		"a clock that is behind":           {[]Finding{FindSkew("x", 31*time.Second)}, FindingWarn},
		"a clock that is ahead":            {[]Finding{FindSkew("x", -5*time.Minute)}, FindingWarn},
		"a clock that is far ahead":        {[]Finding{FindSkew("x", -301*time.Second)}, FindingFail},
		"a large disk":                     {[]Finding{FindDisk(5*gb, 100*gb)}, FindingOK},
		"a large disk that is nearly full": {[]Finding{FindDisk(5*gb-1, 100*gb)}, FindingWarn},
		"a small disk":                     {[]Finding{FindDisk(gb, 2*gb)}, FindingOK},
		"a small disk that fills up":       {[]Finding{FindDisk(gb-1, 2*gb)}, FindingWarn},
		"a full disk":                      {[]Finding{FindDisk(100*mb-1, 2*gb)}, FindingFail},
		"a backup":                         {[]Finding{FindBackup(now.Add(-7*day), true, now)}, FindingOK},
		"an old backup":                    {[]Finding{FindBackup(now.Add(-7*day-time.Second), true, now)}, FindingWarn},
		"no backup":                        {[]Finding{FindBackup(time.Time{}, false, now)}, FindingWarn},
		"what never expires":               {[]Finding{FindExpiry("token", "x", time.Time{}, now)}, FindingOK},
		"what expires later":               {[]Finding{FindExpiry("token", "x", now.Add(30*day+1), now)}, FindingOK},
		"what expires soon":                {[]Finding{FindExpiry("token", "x", now.Add(30*day), now)}, FindingWarn},
		"what expires now":                 {[]Finding{FindExpiry("token", "x", now, now)}, FindingFail},
		"no credential":                    {FindCredentials(nil, now), FindingOK},
		"two credentials": {
			FindCredentials([]Token{{Expires: now.Add(-1)}, {Expires: now.Add(90 * day)}, {Expires: now.Add(day)}}, now), FindingFail + FindingWarn,
		},
		"a proven room":       {[]Finding{FindRoom("x", full)}, FindingOK},
		"a room that is not":  {[]Finding{FindRoom("x", lowered)}, FindingFail},
		"a room for notices":  {[]Finding{FindRoom("x", asked)}, FindingOK},
		"a room unseen":       {[]Finding{FindNoProof("x")}, FindingFail},
		"a team":              {FindRoster(NewRoster(alice, bob), []string{"irc"}, nil), FindingOK},
		"one without account": {FindRoster(NewRoster(alice, bob), []string{"irc", "matrix", "matrix"}, nil), FindingWarn + FindingOK},
		"one suspended":       {FindRoster(NewRoster(alice, bob), []string{"irc"}, map[string]bool{"bob": true}), FindingWarn + FindingFail},
		"accounts":            {FindAccounts("matrix", nil, nil, nil, 3), FindingOK},
		"accounts in trouble": {FindAccounts("matrix", []string{"alice"}, []string{"bob"}, []string{"dana"}, 3), FindingFail + FindingFail + FindingUnknown},
		"all are seen":        {[]Finding{FindSeen("irc", nil, 3)}, FindingOK},
		"one is not":          {[]Finding{FindSeen("irc", []string{"dana"}, 3)}, FindingUnknown},
	} {
		got := ""
		for _, f := range c.got {
			got += f.State
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestDoctorCard: what fails comes first, and which it is cannot be read off the facts.
func TestDoctorCard(t *testing.T) {
	found := []Finding{Find("a", FindingOK), Find("b", FindingUnknown), Find("c", FindingFail, "name", "x"), Find("d", FindingWarn), Find("e", FindingFail, "name", Seal("y"))}
	f := DoctorCard(found)
	order := ""
	for _, line := range f["findings"].([]Facts) {
		order += line["kind"].(string)
		for k, v := range line {
			if _, text := v.(string); text && k != "kind" {
				t.Errorf("%s is told", k)
			}
		}
	}
	if order != "cedba" || f[FindingFail] != 2 || f[FindingWarn] != 1 || f[FindingUnknown] != 1 || f[FindingOK] != 1 || f["all"] != 5 {
		t.Errorf("%s %v", order, f)
	}
	if !Ill(found) || Ill(found[:2]) {
		t.Error("whether anything fails is not told right")
	}
}
