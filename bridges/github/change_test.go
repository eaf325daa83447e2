package github

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	fake "tocsin/internal/chattest/github"
)

// TestUnusable: what GitHub would refuse is not sent, and not quoted.
func TestUnusable(t *testing.T) {
	r := start(t, fake.Options{})
	id := r.report()
	edit := func(f func(v *Vulnerability)) Change { v := pillow(); f(&v[0]); return Change{Vulnerabilities: &v} }
	for name, ch := range map[string]Change{
		"nothing":            {},
		"no title":           {Summary: to(" ")},
		"a long title":       {Summary: to(strings.Repeat("é", 1025))},
		"no text":            {Description: to("")},
		"a long text":        {Description: to(strings.Repeat("x", 65536))},
		"not UTF-8":          {Summary: to("\xff" + marker)},
		"short CVE":          {CVE: to("CVE-2026-123")},
		"small CVE":          {CVE: to("cve-2026-48123")},
		"no CVE":             {CVE: to("")},
		"both":               {Severity: to("high"), Vector: to("CVSS:3.1/AV:N")},
		"severity":           {Severity: to("moderate")},
		"no severity":        {Severity: to("")},
		"a slash at the end": {Vector: to("CVSS:4.0/AV:N/AC:L/")},
		"CVSS 2":             {Vector: to("AV:N/AC:L/Au:N/C:N/I:N/A:C")},
		"state":              {State: to("triage")},
		"withdrawn":          {State: to("withdrawn")},
		"no packages":        {Vulnerabilities: to([]Vulnerability{})},
		"ecosystem":          edit(func(v *Vulnerability) { v.Ecosystem = "php" }),
		"no package":         edit(func(v *Vulnerability) { v.Package = "" }),
		"CWE":                {CWEs: to([]string{"787"})},
		"credit":             {Credits: to([]Credit{{Login: "dana", Type: "hero"}})},
		"nobody":             {Credits: to([]Credit{{Login: "Dana " + marker, Type: "finder"}})},
		"user":               {Users: to([]string{"@dana"})},
		"team":               {Teams: to([]string{"the core"})},
	} {
		_, err := r.UpdateAdvisory(t.Context(), id, ch)
		if problem(t, err).Kind != Unusable || outcome(err) != "refused" {
			t.Errorf("%s: %v", name, err)
		}
		discreet(t, err)
	}
	empty := newDraft()
	empty.Vulnerabilities = nil
	if _, err := r.CreateAdvisory(t.Context(), empty); problem(t, err).Kind != Unusable {
		t.Error(err)
	}
	for _, bad := range []string{"", "GHSA-2222-2222", "../../user", "GHSA-2222-2222-2222/cve", "ghsa-2222-2222-2222"} {
		for name, err := range writes(r, bad) {
			if name != "create" && problem(t, err).Kind != Unusable {
				t.Errorf("%s %q: %v", name, bad, err)
			}
		}
		if _, err := r.Comments(t.Context(), bad, time.Time{}); problem(t, err).Kind != Unusable {
			t.Error(bad, err)
		}
		if _, _, err := r.GlobalAdvisory(t.Context(), bad); problem(t, err).Kind != Unusable {
			t.Error(bad, err)
		}
	}
	for _, text := range []string{"", " \n", marker + "\xff", strings.Repeat("x", 65537)} {
		_, err := r.AddComment(t.Context(), id, text)
		if problem(t, err).Kind != Unusable {
			t.Error(err)
		}
		discreet(t, err)
	}
	for _, a := range r.server.Asked() {
		if a.Call != "POST /repos/python-pillow/Pillow/security-advisories" { // writes made them
			t.Errorf("%+v went out", a)
		}
	}
}

// TestOnlyWhatIsGiven: no other field is sent, also none that is empty.
func TestOnlyWhatIsGiven(t *testing.T) {
	for want, ch := range map[string]Change{
		`{"summary":"a"}`:            {Summary: to("a")},
		`{"state":"closed"}`:         {State: to("closed")},
		`{"collaborating_users":[]}`: {Users: to([]string(nil))},
		`{"credits":[]}`:             {Credits: to([]Credit{})},
		`{"cwe_ids":["CWE-787"],"vulnerabilities":[{"package":{"ecosystem":"pip","name":"pillow"},"vulnerable_version_range":"\u003c 2"}]}`: {
			CWEs: to([]string{"CWE-787"}), Vulnerabilities: to([]Vulnerability{{Ecosystem: "pip", Package: "pillow", Affected: "< 2"}}),
		},
	} {
		body, err := ch.body()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(body); string(got) != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

// TestSealed: what is under embargo is in no print, log or encoding of our types.
func TestSealed(t *testing.T) {
	r := start(t, fake.Options{Comments: true}, admin)
	id := r.draft()
	r.server.Comment(id, "dana", marker)
	r.server.Alert("libwebp", "high", marker)
	a, err := r.GetAdvisory(t.Context(), id)
	if err != nil || a.Summary != "A "+marker {
		t.Fatal(err)
	}
	fork, err := r.CreateFork(t.Context(), id)
	if err != nil || fork.Name == "" {
		t.Fatal(err)
	}
	comments, err := r.Comments(t.Context(), id, time.Time{})
	if err != nil || len(comments) != 1 {
		t.Fatal(err)
	}
	alerts, err := r.DependabotAlerts(t.Context(), "low", nil)
	if err != nil || len(alerts) != 1 {
		t.Fatal(err)
	}
	v := Vulnerability{Package: marker}
	for _, one := range []any{
		a, []Advisory{a}, fork, comments, alerts, newDraft(), Change{Summary: to(marker)}, v, []Vulnerability{v}, Credit{Login: marker}, Score{Vector: marker}, Global{ID: id},
	} {
		discreet(t, one)
	}
}
