package templates

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/incidents"
)

// draftIncident is one of which everything is known that drafts can tell, under
// embargo or after it.
func draftIncident(seal func(string) incidents.Sealed, out bool) incidents.Incident {
	day := 24 * time.Hour
	i := incidents.Incident{
		N: 7, Handle: "INC-7", Codename: "quiet harbour", Phase: incidents.Fixing, Level: "high",
		Type: incidents.Seal("vulnerability"), Source: incidents.Seal("researcher"), Title: seal("Out-of-bounds write in the PSD decoder"),
		Vector: seal("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"), Score: incidents.Seal("CVSS-B 8.6"), ScoreLevel: incidents.Seal("high"),
		Summary:  seal("A crafted PSD image makes the decoder write past the end of a row, which can crash the process or run code in it."),
		Details:  seal("The number of channels is read from the file and is not compared with that of the mode. Each channel more is written behind the row."),
		Affected: seal(">= 10.3.0, < 12.1.1"), Fixed: seal("12.1.1"), CWE: seal("CWE-787"), CVE: seal("CVE-2026-25990"), GHSA: seal("GHSA-cfh3-3jmp-rvhc"),
		Library: seal("libwebp"), Opener: "alice", OpenedAt: now().Add(-4 * day), ReportedAt: now().Add(-5 * day), ReportedZone: "UTC", AckAt: now().Add(-3 * day),
		Roles:    map[string]string{"lead": "alice", "patch": "bob"},
		Reporter: incidents.Reporter{Name: seal("Erin Example"), Contact: seal("erin@example.org"), Credit: seal("Erin of Example Labs")},
		Embargo:  incidents.Embargo{State: incidents.EmbargoSet, At: time.Date(2026, 12, 3, 14, 0, 0, 0, time.UTC), Zone: "UTC", AgreedAt: now().Add(-day)},
		Release:  incidents.Release{Version: seal("12.1.1")}, Workaround: incidents.Seal("none"),
		Steps: map[string]incidents.Deed{"test": {State: incidents.StepDone, At: now(), Who: "bob"}},
	}
	if out {
		i.Phase, i.Embargo.State, i.Embargo.At, i.Embargo.EndedAt = incidents.Recovering, incidents.EmbargoLifted, now().Add(-2*time.Hour), now().Add(-2*time.Hour)
		i.Release.LiveAt = now().Add(-time.Hour)
		i.Steps = map[string]incidents.Deed{}
		for _, key := range []string{"notify-distros", "share-poc", "publish"} {
			i.Steps[key] = incidents.Deed{State: incidents.StepDone, At: now().Add(-time.Hour), Who: "dana"}
		}
	}
	return i
}

// fitting is draftIncident in the state that a kind of draft is for, with the facts
// that only some have.
func fitting(seal func(string) incidents.Sealed, k DraftKind) incidents.Incident {
	i := draftIncident(seal, k.Public)
	upstream := func() {
		i.Type, i.Reach, i.ReachWhy = incidents.Seal("bundled-library"), incidents.Seal("no"), seal("We never call that decoder: our build leaves its format out.")
	}
	switch {
	case strings.HasPrefix(k.Key, "decline-"):
		i.Phase, i.Level, i.CVE, i.Embargo, i.Release = incidents.Triage, "low", incidents.Sealed{}, incidents.Embargo{}, incidents.Release{}
		if k.Key == "decline-not-reachable" {
			upstream()
		}
	case k.Key == "not-reachable":
		upstream()
	case k.Key == "leak":
		i.Phase, i.Embargo.State, i.Release.LiveAt, i.Steps = incidents.Fixing, incidents.EmbargoBroken, time.Time{}, nil
	case k.Key == "compromise":
		i.Type, i.Affected, i.Fixed = incidents.Seal("supply-chain"), seal("12.1.0"), incidents.Sealed{}
		i.Period, i.Files = seal("2026-11-20 08:00 UTC to 2026-11-21 12:00 UTC"), seal("pillow-12.1.0-cp313-cp313-win_amd64.whl, sha256 0123…cdef")
		i.Advice, i.Release.LiveAt = seal("- If you installed it on Windows in that time, take the machine off the network."), time.Time{}
		i.Summary, i.Details = seal("A token of our CI was stolen, and one wheel was replaced with it."), seal("The wheel sends environment variables to a server.")
		for _, key := range []string{"revoke-publisher", "revoke-pypi", "revoke-github", "revoke-ci", "audit-tags"} {
			i.Steps[key] = incidents.Deed{State: incidents.StepDone, At: now()}
		}
	}
	return i
}

// lintFor gives a context in which only the text itself can be wrong.
func lintFor(f incidents.Facts) LintContext {
	zone := time.UTC
	return LintContext{
		Clearance: clearances()["full"], Facts: f, Now: now(), Prefix: "INC", Codenames: []string{"quiet harbour", "amber anchor"},
		Rooms:  []string{"#tocsin-desk", "!abc:example.org", "security desk"},
		People: []incidents.Person{{Name: "alice", Zone: zone, Accounts: []incidents.Account{{Network: "matrix", ID: "@alice:example.org"}}}, {Name: "bob"}, {Name: "carol"}, {Name: "will"}},
	}
}

func draft(t testing.TB, b *Book, kind string, f incidents.Facts) Draft {
	t.Helper()
	d, err := b.Draft(kind, f, clearances()["full"])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// shown writes a draft as the golden files hold it.
func shown(d Draft, findings []Finding) string {
	full := clearances()["full"]
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s, by %s\n", d.Kind.Audience, d.Kind.Name, d.Kind.Channel)
	if !d.Subject.Empty() {
		fmt.Fprintf(&out, "Subject: %s\n", d.Subject.Reveal(full))
	}
	fmt.Fprintf(&out, "\n%s\n", d.Body.Reveal(full))
	for _, n := range d.Note {
		fmt.Fprintf(&out, "-- note: %s\n", n)
	}
	for _, m := range d.Missing {
		fmt.Fprintf(&out, "-- missing: %s: %s\n", m.What, m.Say.Reveal(full))
	}
	for _, f := range findings {
		fmt.Fprintf(&out, "-- %s %s: %s\n", f.Level, f.Rule, f.Told.Reveal(full))
	}
	return out.String()
}

// TestGoldenDrafts holds every draft, with everything known and with nothing known,
// and what the lint says of it, against testdata/drafts. Run it with -update and read
// the difference.
func TestGoldenDrafts(t *testing.T) {
	p, b := *pillow(t), book(t)
	known := map[string]bool{}
	for _, k := range b.DraftKinds() {
		for name, i := range map[string]incidents.Incident{
			k.Key + "-full": fitting(incidents.Seal, k),
			k.Key + "-none": {Phase: incidents.Reported, Handle: "INC-7", ReportedAt: now(), OpenedAt: now()},
		} {
			f := incidents.DraftFacts(p, i, now())
			if strings.HasSuffix(name, "-full") {
				f["patched"] = incidents.Seal("yes")
			}
			d := draft(t, b, k.Key, f)
			findings := Lint(d, lintFor(f))
			got := shown(d, findings)
			if strings.HasSuffix(name, "-full") && (Blocks(findings) || len(d.Missing) > 0) {
				t.Errorf("%s: everything is known, and it cannot be approved:\n%s", name, got)
			}
			path := filepath.Join("testdata", "drafts", name+".txt")
			known[path] = true
			if update() {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || got != string(want) {
				t.Errorf("%s: %v\n%s", path, err, got)
			}
		}
	}
	paths, _ := filepath.Glob(filepath.Join("testdata", "drafts", "*"))
	for _, path := range paths {
		if !known[path] {
			t.Errorf("%s is of no draft", path)
		}
	}
}

// TestPlanHasItsDrafts: every outcome that the plan has a draft for has one, those
// that decline a report have one, and the bot may mail to the few only.
func TestPlanHasItsDrafts(t *testing.T) {
	p, b := *pillow(t), book(t)
	if err := b.CheckDrafts(p); err != nil {
		t.Error(err)
	}
	for _, o := range p.Outcomes {
		if declines := o.Key != "fixed" && o.Key != "contained"; declines != (o.Draft == "decline-"+o.Key) {
			t.Errorf("outcome %s has the draft %q", o.Key, o.Draft)
		}
	}
	does := map[string]string{}
	for _, s := range p.Steps {
		if s.Draft != "" {
			does[s.Draft] = s.Key
		}
	}
	for draft, step := range map[string]string{"ack": "acknowledge", "distro": "notify-distros", "oss-security": "oss-security", "mastodon": "announce"} {
		if does[draft] != step {
			t.Errorf("sending %s does the step %q", draft, does[draft])
		}
	}
	for k := range p.Steps { // one that is not there, and one that the reporter is not told by
		if p.Steps[k].Key == "announce" {
			q := p
			q.Steps = slices.Clone(p.Steps)
			q.Steps[k].Draft = "nonsense"
			if err := b.CheckDrafts(q); err == nil || !strings.Contains(err.Error(), "step announce") {
				t.Errorf("a step with a draft that is not there: %v", err)
			}
		}
		if p.Steps[k].Key == "acknowledge" {
			q := p
			q.Steps = slices.Clone(p.Steps)
			q.Steps[k].Draft = "distro"
			if err := b.CheckDrafts(q); err == nil || !strings.Contains(err.Error(), "step acknowledge") {
				t.Errorf("an acknowledgement that is no draft for the reporter: %v", err)
			}
		}
	}
	p.Outcomes[0].Draft = "advisory"
	p.Outcomes[1].Draft = "nonsense"
	if err := b.CheckDrafts(p); err == nil || strings.Count(err.Error(), "there is no draft") != 2 {
		t.Errorf("a draft that is none for the reporter, and one that is not there: %v", err)
	}
	for _, k := range b.DraftKinds() {
		may := strings.HasPrefix(k.Key, "decline-") || slices.Contains([]string{"ack", "update", "upstream", "downstream"}, k.Key)
		if k.Mail != may {
			t.Errorf("%s: mail is %v", k.Key, k.Mail)
		}
	}
	for _, key := range []string{"ack", "update", "distro", "advisory", "mastodon", "release-notes", "upstream", "downstream", "oss-security", "leak", "not-reachable", "compromise"} {
		if k, ok := b.DraftKind(key); !ok || k.Key != key {
			t.Errorf("there is no draft %s", key)
		}
	}
}

// TestDraftsInThePlansWords holds the drafts of appendix A against its words.
func TestDraftsInThePlansWords(t *testing.T) {
	words := map[string][]string{
		"ack": {
			"Hi Erin Example,", "Thank you for taking the time to report this issue. We appreciate it.",
			"We have received your report and will review it as soon as possible. We will keep you updated on our progress.", "Questions:",
			"- How would you like to be credited in the advisory? (name, handle, organisation, or anonymous)",
			"- Do you plan to publish your own write-up or advisory? If so, do you have a disclosure date in mind?",
			"We apply coordinated disclosure principles to all vulnerability reports. If you have any questions or concerns at any point, please reply to this thread.",
			"Thank you again, The Pillow team",
		},
		"distro": {
			"This is an embargoed notification of a vulnerability in Pillow. Please keep this information confidential until the disclosure date listed below.",
			"CVE: CVE-2026-25990", "Affected versions: Pillow >= 10.3.0, < 12.1.1", "Fixed version: 12.1.1", "Severity: High (CVSS 8.6: CVSS:4.0/AV:N",
			"Reporter: Erin of Example Labs", "Public disclosure date: Thursday 2026-12-03 14:00 UTC", "Summary:", "Proof of concept:", "Remediation:",
			"Upgrade to Pillow 12.1.1 once it is released. No known workaround.",
			"Please do not share this information, issue public patches, or make user communications before the disclosure date. We will notify this list immediately if the date changes.",
			"— The Pillow maintainers",
		},
		"advisory": {
			"**Summary:** A crafted", "**CVE:** CVE-2026-25990", "**Affected versions:** Pillow >= 10.3.0, < 12.1.1", "**Fixed version:** 12.1.1",
			"**Severity:** High (CVSS 8.6)", "**Reporter:** Erin of Example Labs", "**Details:** The number", "**Remediation:** ``` python3 -m pip install --upgrade Pillow ```",
			"**Timeline:** - Reported: 2026-11-20 - Fixed: 2026-12-03 - Disclosed: 2026-12-03",
		},
	}
	i := draftIncident(incidents.Seal, false)
	i.Reporter.Credit, i.Embargo = incidents.Sealed{}, incidents.Embargo{}
	asks := incidents.DraftFacts(*pillow(t), i, now()) // who is asked is not known yet
	b, f := book(t), incidents.DraftFacts(*pillow(t), draftIncident(incidents.Seal, false), now())
	f["patched"] = incidents.Seal("yes")
	for kind, sentences := range words {
		d := draft(t, b, kind, f)
		if kind == "ack" {
			d = draft(t, b, kind, asks)
		}
		text := strings.Join(strings.Fields(shown(d, nil)), " ")
		for _, s := range sentences {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", kind, s, text)
			}
		}
	}
}

// TestMissingFact: a placeholder names the fact and the command, in so many words.
func TestMissingFact(t *testing.T) {
	i := draftIncident(incidents.Seal, false)
	i.Fixed = incidents.Sealed{}
	f := incidents.DraftFacts(*pillow(t), i, now())
	missed := 0
	for _, k := range book(t).DraftKinds() {
		d := draft(t, book(t), k.Key, f)
		body := d.Body.Reveal(clearances()["full"])
		if has := strings.Contains(body, "<missing: fixed version, say !fact set fixed 12.3.1>"); has != slices.ContainsFunc(d.Missing, func(l Lack) bool { return l.What == "fixed version" }) {
			t.Errorf("%s misses %v, and says\n%s", k.Key, d.Missing, body)
		} else if has {
			missed++
		}
	}
	if missed == 0 {
		t.Error("no draft misses it")
	}
}

// TestOwnDrafts: a project's own file stands in the place of ours, and can be one more.
func TestOwnDrafts(t *testing.T) {
	head := "name: x\nchannel: mail\naudience: reporter\npublic: no\nmail: yes\nupgrade: no\nsource: us\n---\n"
	own := fstest.MapFS{
		"drafts/ack.tmpl":    {Data: []byte(head + `{{define "subject"}}Thanks{{end}}Dear {{need . "reporter"}}, thanks.`)},
		"drafts/thanks.tmpl": {Data: []byte(strings.ReplaceAll(head, "\n", "\r\n") + `{{define "subject"}}Thanks{{end}}Thanks.`)},
		"drafts/README":      {Data: []byte("nothing")},
	}
	b, err := NewBookWith(own)
	if err != nil {
		t.Fatal(err)
	}
	f := incidents.DraftFacts(*pillow(t), draftIncident(incidents.Seal, false), now())
	if got := draft(t, b, "ack", f).Body.Reveal(clearances()["full"]); got != "Dear Erin Example, thanks." {
		t.Errorf("ack says %q", got)
	}
	if got := draft(t, b, "thanks", f).Body.Reveal(clearances()["full"]); got != "Thanks." {
		t.Errorf("thanks says %q", got)
	}
	if len(b.DraftKinds()) != len(book(t).DraftKinds())+1 {
		t.Errorf("%d drafts", len(b.DraftKinds()))
	}
	if _, err := b.Draft("nonsense", f, clearances()["full"]); err == nil {
		t.Error("there is a draft nonsense")
	}
}

// TestBadDrafts: what is wrong in a file is said when the bot starts, with its line.
func TestBadDrafts(t *testing.T) {
	head := "name: x\nchannel: mail\naudience: reporter\npublic: no\nmail: yes\nupgrade: no\nsource: us\n---\n"
	subject := `{{define "subject"}}s{{end}}`
	public := strings.NewReplacer("reporter", "public", "public: no", "public: yes", "mail: yes", "mail: no")
	for _, c := range []struct{ name, text, want string }{
		{"no header", "hello", "drafts/bad.tmpl:1: "},
		{"unknown key", "colour: red\n" + head + subject, "drafts/bad.tmpl:1: the header knows"},
		{"twice", "name: y\n" + head + subject, "drafts/bad.tmpl:2: "},
		{"no value", strings.Replace(head, "channel: mail", "channel:", 1) + subject, "drafts/bad.tmpl:2: "},
		{"bad value", strings.Replace(head, "channel: mail", "channel: pigeon", 1) + subject, "drafts/bad.tmpl:2: channel is one of"},
		{"not said", strings.Replace(head, "public: no\n", "", 1) + subject, "the header does not say public"},
		{"neither section nor source", strings.Replace(head, "source: us\n", "", 1) + subject, "either the section"},
		{"public to the reporter", strings.Replace(head, "public: no", "public: yes", 1) + subject, "public is yes for"},
		{"not public in public", strings.Replace(head, "channel: mail", "channel: post", 1) + subject, "only mail is not public"},
		{"mailed to the distributions", strings.Replace(head, "reporter", "distros", 1) + subject, "the bot mails nothing"},
		{"no subject", head + "x", "mail, an advisory and a post have"},
		{"a subject on Mastodon", strings.Replace(public.Replace(head), "channel: mail", "channel: mastodon", 1) + subject, "have none"},
		{"not closed", head + subject + "\nx\n{{if .cve}}", "drafts/bad.tmpl:11: "},
		{"no such function", head + subject + "\nx\n{{shout .cve}}", "drafts/bad.tmpl:11: "},
		{"no such fact", head + subject + "\nx\n{{if .cve}}{{.cvee}}{{end}}", "drafts/bad.tmpl:11:"},
		{"no such need", head + subject + "\nx\n{{if .cve}}{{need . \"handle\"}}{{end}}", "drafts/bad.tmpl:11:"},
		{"no such fact in a note", head + subject + "{{define \"note\"}}\n{{.handle}}{{end}}", "drafts/bad.tmpl:10:"},
		{"another definition", head + subject + `{{define "footer"}}{{end}}`, `it defines "footer"`},
		{"a need that is reckoned", head + subject + `{{need . .cve}}`, "is named so"},
	} {
		_, err := NewBookWith(fstest.MapFS{"drafts/bad.tmpl": {Data: []byte(c.text)}})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "drafts/bad.tmpl:") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := NewBookWith(fstest.MapFS{"drafts/Bad name.tmpl": {Data: []byte(head + subject)}}); err == nil {
		t.Error("a name with a blank was taken")
	}
}

// TestDraftsAreForFullClearanceOnly: a marker in every sealed field comes out of no
// draft below full, nor of one that is printed, nor of an error, nor of a note.
func TestDraftsAreForFullClearanceOnly(t *testing.T) {
	const marker = "qzx"
	p, b := *pillow(t), book(t)
	i := draftIncident(incidents.Seal, true)
	marked := reflect.ValueOf(&i).Elem()
	for _, v := range []reflect.Value{marked, marked.FieldByName("Reporter"), marked.FieldByName("Release")} {
		for k := range v.NumField() {
			if v.Field(k).Type() == reflect.TypeOf(incidents.Sealed{}) {
				v.Field(k).Set(reflect.ValueOf(incidents.Seal(fmt.Sprintf("%s-%s", marker, v.Type().Field(k).Name))))
			}
		}
	}
	f := incidents.DraftFacts(p, i, now()).With("recipient", incidents.Seal(marker))
	ctx := lintFor(f)
	ctx.Quotes, ctx.IDs = []incidents.Sealed{incidents.Seal(marker + " is what they said")}, []incidents.Sealed{incidents.Seal(marker)}
	shownAt := 0
	for _, k := range b.DraftKinds() {
		for _, name := range []string{"notice", "none"} {
			d, err := b.Draft(k.Key, f, clearances()[name])
			if text := fmt.Sprintf("%+v %#v %v", d, d, err); err == nil || strings.Contains(text, marker) {
				t.Errorf("%s at %s: %s", k.Key, name, text)
			}
		}
		d := draft(t, b, k.Key, f)
		if strings.Contains(d.Body.Reveal(clearances()["full"]), marker) {
			shownAt++
		}
		findings := Lint(d, ctx)
		if text := fmt.Sprintf("%+v %#v %+v %#v %q", d, d, findings, findings, d.Note); strings.Contains(text, marker) {
			t.Errorf("%s is printed with what is sealed: %s", k.Key, text)
		}
		low := ctx
		low.Clearance = clearances()["notice"]
		if got := Lint(d, low); len(got) != 1 || got[0].Rule != "clearance" || !Blocks(got) {
			t.Errorf("%s is checked below full: %v", k.Key, got)
		}
	}
	if shownAt < len(b.DraftKinds())/2 {
		t.Errorf("only %d drafts show a marker to full clearance: this test looks in the wrong places", shownAt)
	}
	// What fails while it is rendered quotes nothing.
	bad := badLater(t, `{{define "subject"}}s{{end}}{{if .title}}{{slice .title 0 99999}}{{end}}`)
	if _, err := bad.render(f, clearances()["full"]); err == nil || strings.Contains(err.Error(), marker) {
		t.Errorf("the error is %v", err)
	}
}

// badLater reads a file of which only rendering it with facts shows that it is bad.
func badLater(t *testing.T, words string) draftFile {
	t.Helper()
	d, err := parseDraft("drafts/bad.tmpl", "name: x\nchannel: mail\naudience: reporter\npublic: no\nmail: yes\nupgrade: no\nsource: us\n---\n"+
		strings.Replace(words, "{{if .title}}", `{{if eq .title "qzx-Title"}}`, 1))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
