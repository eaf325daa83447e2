package incidents_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

func advisory() incidents.Advisory {
	return incidents.Advisory{
		GHSA: incidents.Seal("GHSA-2345-6789-cfgh"), State: incidents.AdvisoryDraft, Title: incidents.Seal("Overflow in the decoder"),
		Description: incidents.Seal("Open this file."), Severity: incidents.Seal("high"), Comments: 0, Packages: 1,
		Affected: incidents.Seal(">= 10.3.0, < 12.3.1"), Fixed: incidents.Seal("12.3.1"), Reported: true, Author: incidents.Seal("erin"),
		Created: time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC), CWEs: []incidents.Sealed{incidents.Seal("CWE-787")},
		Credits:       []incidents.AdvisoryCredit{{Login: incidents.Seal("erin"), Type: "reporter", State: "pending"}},
		Collaborators: []incidents.Sealed{incidents.Seal("erin")}, Teams: []incidents.Sealed{incidents.Seal("core")},
	}
}

func shown(s incidents.Sealed) string { return s.Reveal(fullClearance()) }

// TestAdvisoryChanges: each kind of change is told once, and nothing is where nothing
// changed.
func TestAdvisoryChanges(t *testing.T) {
	if got := incidents.AdvisoryChanges(advisory(), advisory()); len(got) != 0 {
		t.Errorf("nothing changed: %+v", got)
	}
	for want, change := range map[string]func(a *incidents.Advisory){
		"accepted":             func(a *incidents.Advisory) { a.State = incidents.AdvisoryTriage }, // undone below
		"published":            func(a *incidents.Advisory) { a.State = incidents.AdvisoryPublished },
		"closed":               func(a *incidents.Advisory) { a.State = incidents.AdvisoryClosed },
		"cve":                  func(a *incidents.Advisory) { a.CVE = incidents.Seal("CVE-2026-12345") },
		"severity":             func(a *incidents.Advisory) { a.Severity = incidents.Seal("low") },
		"vector":               func(a *incidents.Advisory) { a.Vector = incidents.Seal("CVSS:3.1/...") },
		"title":                func(a *incidents.Advisory) { a.Title = incidents.Seal("another") },
		"description":          func(a *incidents.Advisory) { a.Description = incidents.Seal("another") },
		"affected":             func(a *incidents.Advisory) { a.Affected = incidents.Seal("< 2") },
		"fixed":                func(a *incidents.Advisory) { a.Fixed = incidents.Seal("2") },
		"cwe":                  func(a *incidents.Advisory) { a.CWEs = nil },
		"fork":                 func(a *incidents.Advisory) { a.Fork = incidents.Seal("x/y") },
		"credit-accepted":      func(a *incidents.Advisory) { a.Credits[0].State = "accepted" },
		"credit-declined":      func(a *incidents.Advisory) { a.Credits[0].State = "declined" },
		"credit-removed":       func(a *incidents.Advisory) { a.Credits = nil },
		"credit-changed":       func(a *incidents.Advisory) { a.Credits[0].Type = "finder" },
		"collaborator-added":   func(a *incidents.Advisory) { a.Collaborators = append(a.Collaborators, incidents.Seal("frank")) },
		"collaborator-removed": func(a *incidents.Advisory) { a.Collaborators = nil },
		"team-removed":         func(a *incidents.Advisory) { a.Teams = nil },
		"comment":              func(a *incidents.Advisory) { a.Comments = 2 },
	} {
		old, now := advisory(), advisory()
		change(&now)
		if want == "accepted" {
			old, now = now, old
		}
		got := incidents.AdvisoryChanges(old, now)
		if len(got) != 1 || got[0].What != want {
			t.Errorf("%s: %+v", want, got)
			continue
		}
		e := incidents.AdvisoryEntry(got[0], old.Created)
		if !strings.HasPrefix(shown(e.Text), want) || strings.Contains(shown(e.Text), "erin") || strings.Contains(shown(e.Text), "frank") {
			t.Errorf("%s: the record says %q", want, shown(e.Text))
		}
	}
	unknown := advisory()
	unknown.Comments = -1
	if got := incidents.AdvisoryChanges(unknown, advisory()); len(got) != 0 {
		t.Errorf("that GitHub counts comments now is no news: %+v", got)
	}
}

// TestAdvisoryIsKept: what facts hold of an advisory is all of it.
func TestAdvisoryIsKept(t *testing.T) {
	want := advisory()
	got := incidents.AdvisoryOf(want.Facts())
	if changes := incidents.AdvisoryChanges(want, got); len(changes) != 0 || got.Created != want.Created || !got.Author.Same(want.Author) || !got.GHSA.Same(want.GHSA) || got.Packages != 1 || !got.Reported {
		t.Errorf("%+v: %+v", changes, got)
	}
}

// TestSync: which side changed is told by what both had before.
func TestSync(t *testing.T) {
	plan, _ := pillow(t)
	i := reportedAs(t, plan, incidents.Opening{})
	i.Title, i.Level, i.Affected, i.Fixed, i.CWE = incidents.Seal("Overflow in the decoder"), "high", incidents.Seal(">=10.3.0, <12.3.1"), incidents.Seal("12.3.1"), incidents.Seal("CWE-787")
	state := func(a incidents.Advisory, agreed incidents.Agreed) map[string]string {
		out := map[string]string{}
		for _, b := range incidents.CompareAdvisory(i, a, incidents.Seal("Open this file.\r\n"), agreed) {
			out[b.Field] = b.State
		}
		return out
	}
	for field, s := range state(advisory(), nil) {
		want := incidents.SyncSame
		if field == "cve" {
			want = incidents.SyncNone
		}
		if s != want {
			t.Errorf("%s is %s", field, s)
		}
	}
	agreed := incidents.AgreedOf(advisory())
	a := advisory()
	a.Title = incidents.Seal("as GitHub has it")
	if s := state(a, agreed)["title"]; s != incidents.SyncTheirs {
		t.Errorf("changed on GitHub: %s", s)
	}
	if s := state(a, nil)["title"]; s != incidents.SyncConflict {
		t.Errorf("different, and nothing was agreed: %s", s)
	}
	i.Title = incidents.Seal("as we have it")
	if s := state(advisory(), agreed)["title"]; s != incidents.SyncOurs {
		t.Errorf("changed here: %s", s)
	}
	if s := state(a, agreed)["title"]; s != incidents.SyncConflict {
		t.Errorf("changed on both sides: %s", s)
	}
	a.CVE = incidents.Seal("CVE-2026-12345")
	if s := state(a, agreed)["cve"]; s != incidents.SyncTheirs {
		t.Errorf("a CVE that came: %s", s)
	}
	i.CVE = incidents.Seal("CVE-2026-54321")
	if s := state(a, agreed)["cve"]; s != incidents.SyncConflict {
		t.Errorf("two CVEs: %s", s)
	}
	// A person took GitHub's word: both are the same again, and that is agreed.
	out, _, _, err := incidents.Pull(plan, i, a, "title", "alice", noon())
	if err != nil || !out.Title.Same(a.Title) {
		t.Fatal(err)
	}
	i = out
	agreed = incidents.Meet(i, a, incidents.Sealed{}, agreed)
	if !agreed["title"].Same(a.Title) {
		t.Errorf("agreed on %q", shown(agreed["title"]))
	}
	_, _, words, err := incidents.Pull(plan, i, a, "description", "alice", noon())
	if err != nil || !words.Same(a.Description) {
		t.Errorf("the words of a draft: %v %q", err, shown(words))
	}
	a.CVE = incidents.Seal("CVE-x")
	if _, _, _, err := incidents.Pull(plan, i, a, "cve", "alice", noon()); err == nil {
		t.Error("what is no CVE was taken")
	}
}

// TestMoved: a push overwrites only what whoever asked for it saw.
func TestMoved(t *testing.T) {
	act := incidents.AdvisoryAct{
		Kind: incidents.ActPush, By: "alice", Want: incidents.Agreed{"title": incidents.Seal("ours"), "fixed": incidents.Seal("12.3.1")},
		Expect: incidents.Agreed{"title": advisory().Title, "fixed": incidents.Seal("12.3.0")},
	}
	act = incidents.AdvisoryActOf(act.Facts())
	if got := act.Moved(advisory()); len(got) != 0 { // the version is as wanted already
		t.Errorf("%+v", got)
	}
	if act.Done(advisory()) {
		t.Error("the title is not as wanted")
	}
	a := advisory()
	a.Title = incidents.Seal("somebody else's")
	if got := act.Moved(a); len(got) != 1 || got[0].Field != "title" {
		t.Errorf("%+v", got)
	}
	a.Title = incidents.Seal("ours")
	if len(act.Moved(a)) != 0 || !act.Done(a) {
		t.Error("it is done")
	}
}

// TestPreflight: every cause of a refusal is found before.
func TestPreflight(t *testing.T) {
	if got := incidents.Preflight(advisory(), nil); len(got) != 1 || got[0].What != incidents.LackCredit || got[0].Hard {
		t.Errorf("ready but for a credit: %+v", got)
	}
	for want, change := range map[string]func(a *incidents.Advisory){
		incidents.LackState:       func(a *incidents.Advisory) { a.State = incidents.AdvisoryTriage },
		incidents.LackTitle:       func(a *incidents.Advisory) { a.Title = incidents.Sealed{} },
		incidents.LackDescription: func(a *incidents.Advisory) { a.Description = incidents.Sealed{} },
		incidents.LackSeverity:    func(a *incidents.Advisory) { a.Severity = incidents.Sealed{} },
		incidents.LackPackage:     func(a *incidents.Advisory) { a.Packages = 0 },
		incidents.LackFixed:       func(a *incidents.Advisory) { a.Gaps = 1 },
	} {
		a := advisory()
		change(&a)
		got := incidents.Preflight(a, nil)
		if !slices.ContainsFunc(got, func(l incidents.Lack) bool { return l.What == want && l.Hard }) {
			t.Errorf("%s: %+v", want, got)
		}
	}
}

// TestGitHubRange: what people say, as GitHub takes it; what is not clear is refused.
func TestGitHubRange(t *testing.T) {
	for typed, want := range map[string]string{
		"10.3.0 to 12.3.0": ">= 10.3.0, <= 12.3.0", ">=10.3.0,<12.1.1": ">= 10.3.0, < 12.1.1", "< 12.3.1": "< 12.3.1", "12.3.0": "= 12.3.0",
		"12.3.0 and earlier": "<= 12.3.0", "before 12.3.1": "< 12.3.1", "10.3.0 - 12.3.0.": ">= 10.3.0, <= 12.3.0", "== 1.0": "= 1.0", "since 11.0": ">= 11.0",
		"10.3.0 up to before 12.3.1": ">= 10.3.0, < 12.3.1",
	} {
		if got, ok := incidents.GitHubRange(typed); !ok || got != want {
			t.Errorf("%q: %q %v", typed, got, ok)
		}
	}
	for _, typed := range []string{"", "none", "all", "10.3.0, 12.3.0", "everything with libtiff", "12.x", "< 12.3.1, except 11", ">= 1, < 2, < 3", "before the fix 12.3.1"} {
		if got, ok := incidents.GitHubRange(typed); ok {
			t.Errorf("%q became %q", typed, got)
		}
	}
}

// TestOpenReported: the 72 hours count from the report, nobody leads, and who reported
// it is personal data.
func TestOpenReported(t *testing.T) {
	plan, _ := pillow(t)
	at := advisory().Created.Add(5 * time.Minute)
	i, entries, err := incidents.OpenReported(plan, incidents.Opening{N: 8, Handle: "INC-8", Codename: "quiet harbour"}, advisory(), at)
	if err != nil {
		t.Fatal(err)
	}
	if !i.ReportedAt.Equal(advisory().Created) || i.Lead(plan) != "" || shown(i.GHSA) != shown(advisory().GHSA) || shown(i.Source) != "github" || i.Level != "" {
		t.Errorf("%+v", i)
	}
	if shown(i.Reporter.Name) != "erin" || i.Reporter.Credit.Empty() == false {
		t.Error("who reported it is noted, how to credit them is asked")
	}
	for _, e := range entries {
		if strings.Contains(shown(e.Text), "erin") || e.Who != incidents.GitHub {
			t.Errorf("%+v %s", e, shown(e.Text))
		}
	}
	long := advisory()
	long.Title, long.Created = incidents.Seal(strings.Repeat("ü\n", 400)), at.Add(time.Hour)
	i, _, err = incidents.OpenReported(plan, incidents.Opening{N: 8}, long, at)
	if title := shown(i.Title); err != nil || len(title) > 300 || strings.Contains(title, "\n") || i.ReportedAt.After(at) {
		t.Errorf("%d %v", len(title), err)
	}
}

// TestLogins are those that GitHub has.
func TestLogins(t *testing.T) {
	for _, ok := range []string{"erin", "Erin-2", "a"} {
		if !incidents.IsLogin(ok) {
			t.Error(ok)
		}
	}
	for _, no := range []string{"", "-a", "a-", "a--b", "a_b", "a b", "@erin", strings.Repeat("a", 40), "é"} {
		if incidents.IsLogin(no) {
			t.Error(no)
		}
	}
}
