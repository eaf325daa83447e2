package github

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"tocsin/bridges"
	fake "tocsin/internal/chattest/github"
)

// TestLife goes through the life of an advisory, by every call of ours.
func TestLife(t *testing.T) {
	r := start(t, fake.Options{Score: func(string) float64 { return 8.7 }}, admin)
	ctx := t.Context()
	id := r.report()
	all, err := r.ListAdvisories(ctx, nil)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	a := all[0]
	if a.ID != id || a.State != "triage" || !a.Reported || a.Accepted || a.Author != "dana" || !a.Created.Equal(r.now()) || a.Summary != "A "+marker || a.Comments != -1 {
		t.Errorf("%+v", reflect.ValueOf(a))
	}
	if a, err = r.UpdateAdvisory(ctx, id, Change{State: to("draft")}); err != nil || a.State != "draft" || !a.Accepted {
		t.Fatal(a.State, err)
	}
	vector := newDraft().Vector
	a, err = r.UpdateAdvisory(ctx, id, Change{
		Summary: to("Better"), Vector: &vector, Vulnerabilities: to(pillow()), CWEs: to([]string{"CWE-787"}),
		Credits: to([]Credit{{Login: "dana", Type: "finder"}}), Users: to([]string{"bob"}), Teams: to([]string{"core"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.Summary != "Better" || a.Description != "Open the "+marker+" file" || a.V4 != (Score{Vector: vector, Score: 8.7}) || a.V3.Vector != "" || a.Severity != "high" ||
		!reflect.DeepEqual(a.Vulnerabilities, pillow()) || !slices.Equal(a.CWEs, []string{"CWE-787"}) || !slices.Equal(a.Users, []string{"bob"}) || !slices.Equal(a.Teams, []string{"core"}) ||
		!slices.Equal(a.Credits, []Credit{{Login: "dana", Type: "finder", State: "pending"}}) {
		t.Errorf("%+v", reflect.ValueOf(a))
	}
	r.server.AcceptCredit(id, "dana", true)

	if err := r.RequestCVE(ctx, id); err != nil || !r.server.Requested(id) {
		t.Fatal(err)
	}
	r.server.AssignCVE(id, "CVE-2026-48123")

	f, err := r.CreateFork(ctx, id)
	if err != nil || f.Name != "python-pillow/Pillow-ghsa"+id[4:] {
		t.Fatal(f.Name, err)
	}
	if a, err = r.GetAdvisory(ctx, id); err != nil || a.Fork.Name != "" || a.CVE != "CVE-2026-48123" || a.Credits[0].State != "accepted" {
		t.Error(a.Fork.Name, a.CVE, err)
	}
	r.pass(5 * time.Minute)
	before := len(r.server.Asked())
	if again, err := r.CreateFork(ctx, id); err != nil || again != f || len(r.server.Asked()) != before+1 {
		t.Error("a second private fork was asked for", err)
	}

	if _, seen, err := r.GlobalAdvisory(ctx, id); seen || err != nil {
		t.Error(seen, err)
	}
	if a, err = r.UpdateAdvisory(ctx, id, Change{State: to("published")}); err != nil || a.State != "published" || a.Publisher != "alice" || a.Published.IsZero() || a.Fork.Name != "" {
		t.Fatal(a.State, err)
	}
	r.server.Review(id)
	if g, seen, err := r.GlobalAdvisory(ctx, id); !seen || err != nil || g.CVE != "CVE-2026-48123" || g.Type != "reviewed" || g.Severity != "high" || g.Published.IsZero() || !g.Withdrew.IsZero() {
		t.Error(seen, err)
	}
	_, err = r.UpdateAdvisory(ctx, id, Change{State: to("draft")})
	if e := problem(t, err); e.Kind != Invalid || e.Told() != "Validation Failed; Invalid state transition from `published` to `draft`." || outcome(err) != "refused" {
		t.Error(err, e.Told())
	}
}

func TestCreate(t *testing.T) {
	r := start(t, fake.Options{})
	a, err := r.CreateAdvisory(t.Context(), newDraft())
	if err != nil || a.State != "draft" || a.Reported || a.Author != "tocsin-bot" || !reflect.DeepEqual(a.Vulnerabilities, pillow()) {
		t.Fatal(err)
	}
	d := newDraft()
	d.Vector, d.Severity, d.CVE = "", "high", "CVE-2026-48124"
	if a, err = r.CreateAdvisory(t.Context(), d); err != nil || a.Severity != "high" || a.CVE != d.CVE || a.V4.Vector != "" {
		t.Error(err)
	}
	_, err = r.UpdateAdvisory(t.Context(), a.ID, Change{Vector: to("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.UpdateAdvisory(t.Context(), a.ID, Change{Severity: to("low")})
	if e := problem(t, err); e.Kind != Invalid || e.Told() != "Validation Failed; Cannot update severity value when CVSS is set." {
		t.Error(err, e.Told())
	}
}

// TestOldVector: a field that later versions of the API have lost is read, and what is null is not missed.
func TestOldVector(t *testing.T) {
	r := start(t, fake.Options{})
	id := r.report()
	r.server.Fail(fake.Fault{Status: 200, Body: `{"ghsa_id":"` + id + `","state":"draft","cvss":{"vector_string":"CVSS:3.1/AV:N","score":7.5},"summary":"x","collaborating_teams":[{"slug":"core"}],"author":null,"private_fork":null,"vulnerabilities":[{"package":null,"patched_versions":null}]}`})
	a, err := r.GetAdvisory(t.Context(), id)
	if err != nil || a.V3.Score != 7.5 || !slices.Equal(a.Teams, []string{"core"}) || len(a.Vulnerabilities) != 1 {
		t.Error(err)
	}
}

func TestReporting(t *testing.T) {
	for _, off := range []bool{false, true} {
		r := start(t, fake.Options{NoReporting: off})
		if on, err := r.ReportingEnabled(t.Context()); err != nil || on == off {
			t.Error(on, err)
		}
	}
}

func TestComments(t *testing.T) {
	r := start(t, fake.Options{})
	id := r.report()
	_, err := r.Comments(t.Context(), id, time.Time{})
	if !errors.Is(err, ErrNoComments) || problem(t, err).Kind != NotFound {
		t.Error(err)
	}
	if _, err := r.AddComment(t.Context(), id, marker); !errors.Is(err, ErrNoComments) || outcome(err) != "refused" {
		t.Error(err)
	}
	r.server.Change(func(o *fake.Options) { o.Comments = true })
	for range 150 {
		r.server.Comment(id, "dana", "Any news about the "+marker+"?")
	}
	r.pass(time.Hour)
	c, err := r.AddComment(t.Context(), id, "Thanks")
	if err != nil || c.ID == 0 || c.Author != "tocsin-bot" || c.Body != "Thanks" || !c.Created.Equal(r.now()) {
		t.Fatal(err)
	}
	if all, err := r.Comments(t.Context(), id, time.Time{}); err != nil || len(all) != 151 || all[150] != c {
		t.Error(len(all), err)
	}
	if late, err := r.Comments(t.Context(), id, r.now().Add(-time.Minute)); err != nil || len(late) != 1 {
		t.Error(len(late), err)
	}
	if a, err := r.GetAdvisory(t.Context(), id); err != nil || a.Comments != 151 {
		t.Error(a.Comments, err)
	}
}

func TestAlerts(t *testing.T) {
	r := start(t, fake.Options{})
	ctx := t.Context()
	for range 130 {
		r.server.Alert("libwebp", "high", "A "+marker)
		r.server.Scan("cpp/overflow", "critical", "A "+marker)
	}
	r.server.Alert("libtiff", "low", "small")
	r.server.Scan("py/style", "", "long line")
	var deps, code Seen
	got, err := r.DependabotAlerts(ctx, "high", &deps)
	if err != nil || len(got) != 130 || got[0].Level != "high" || got[0].Package != "libwebp" || got[0].GHSA == "" || got[0].Created.IsZero() {
		t.Error(len(got), err)
	}
	scans, err := r.CodeAlerts(ctx, "medium", &code)
	if err != nil || len(scans) != 130 || scans[0].Rule != "cpp/overflow" || scans[0].Tool != "CodeQL" || scans[0].Level != "critical" {
		t.Error(len(scans), err)
	}
	if low, err := r.DependabotAlerts(ctx, "low", nil); err != nil || len(low) != 131 {
		t.Error(len(low), err)
	}
	cost := r.server.Counted()
	if again, err := r.DependabotAlerts(ctx, "high", &deps); err != nil || len(again) != 0 {
		t.Error(len(again), err)
	}
	if again, err := r.CodeAlerts(ctx, "medium", &code); err != nil || len(again) != 0 || r.server.Counted() != cost {
		t.Error(len(again), err, r.server.Counted()-cost)
	}
	if _, err := r.CodeAlerts(ctx, "awful", nil); problem(t, err).Kind != Unusable {
		t.Error(err)
	}
	r.server.Change(func(o *fake.Options) { o.NoAlerts = true })
	_, err = r.DependabotAlerts(ctx, "high", nil)
	if e := problem(t, err); e.Kind != Forbidden || e.Needs != "dependabot_alerts=read" {
		t.Error(err)
	}
}

func TestRights(t *testing.T) {
	expires := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	r := start(t, fake.Options{Tokens: map[string]fake.Token{
		"reader-token": {Login: "tocsin-bot", Role: fake.Manager, Read: true, Expires: expires},
		"writer-token": {Login: "alice", Role: fake.Admin, ClassicScopes: "repo"},
	}})
	got, err := r.Rights(t.Context(), false)
	if err != nil || got != (Rights{Reports: true, Names: "repository_advisories=read", Expires: expires}) {
		t.Errorf("%+v %v", got, err)
	}
	got, err = r.Rights(t.Context(), true)
	if err != nil || got != (Rights{Admin: true, Push: true, Needs: "repository_advisories=read", Names: "repository_advisories=read", Scopes: "repo"}) {
		t.Errorf("%+v %v", got, err)
	}
	r.server.Revoke("writer-token")
	if _, err = r.Rights(t.Context(), true); problem(t, err).Kind != Revoked {
		t.Error(err)
	}
}

// TestForbidden: who may not, and what they are told that they need.
func TestForbidden(t *testing.T) {
	r := start(t, fake.Options{}, func(c *Config) { c.Writer = "reader-token" })
	id := r.report()
	_, err := r.UpdateAdvisory(t.Context(), id, Change{State: to("draft")})
	if e := problem(t, err); e.Kind != Forbidden || e.Needs != "repository_advisories=write" || outcome(err) != "refused" {
		t.Error(err)
	}
	discreet(t, err)
	stranger := start(t, fake.Options{}, func(c *Config) { c.Reader, c.Writer = "public-token", "public-token" })
	id = stranger.report()
	if all, err := stranger.ListAdvisories(t.Context(), nil); err != nil || len(all) != 0 {
		t.Error(len(all), err)
	}
	if _, err := stranger.GetAdvisory(t.Context(), id); problem(t, err).Kind != NotFound || outcome(err) != "" {
		t.Error(err)
	}
	_, err = stranger.CreateFork(t.Context(), id)
	if problem(t, err).Kind != NotFound || outcome(err) != "not sent" {
		t.Error(err, outcome(err))
	}
}

// TestReadOnly: without a token that writes nothing is even tried.
func TestReadOnly(t *testing.T) {
	r := start(t, fake.Options{}, func(c *Config) { c.Writer = "" })
	id := r.report()
	for name, err := range writes(r, id) {
		if !errors.Is(err, ErrReadOnly) || !errors.Is(err, bridges.ErrRefused) {
			t.Error(name, err)
		}
	}
	if _, err := r.Rights(t.Context(), true); !errors.Is(err, ErrReadOnly) || r.Writes() {
		t.Error(err)
	}
	if n := len(r.server.Asked()); n != 0 {
		t.Error(n, "requests went out")
	}
}

// writes makes every write there is.
func writes(r rig, id string) map[string]error {
	out := map[string]error{}
	_, out["create"] = r.CreateAdvisory(r.Context(), newDraft())
	_, out["update"] = r.UpdateAdvisory(r.Context(), id, Change{Summary: to(marker)})
	out["cve"] = r.RequestCVE(r.Context(), id)
	_, out["fork"] = r.CreateFork(r.Context(), id)
	_, out["comment"] = r.AddComment(r.Context(), id, marker)
	return out
}
