package templates

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"tocsin/incidents"
)

// TestMain registers the flag -update: write what the templates say into testdata.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write what the templates say into testdata/golden")
	flag.Parse()
	os.Exit(m.Run())
}

func update() bool { return flag.Lookup("update").Value.String() == "true" }

func now() time.Time { return time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC) }

// clearances are those of the rule, by their names.
func clearances() map[string]incidents.Clearance {
	out := map[string]incidents.Clearance{}
	for _, g := range []incidents.Grant{{Network: incidents.OnConsole}, {Network: incidents.OnIRC, Asks: "notice"}, {}} {
		c := incidents.Clear(g, incidents.Proof{}, incidents.All, func(string) bool { return false }).Clearance
		out[c.String()] = c
	}
	return out
}

// rich is an incident of which everything is known.
func rich(seal func(string) incidents.Sealed) incidents.Incident {
	return incidents.Incident{
		N: 7, Handle: "INC-7", Codename: "quiet harbour", Phase: incidents.Closed, Level: "high",
		Type: incidents.Seal("vulnerability"), Source: incidents.Seal("github"), Title: seal("Heap overflow in the PSD decoder"),
		Vector: seal("CVSS:4.0/AV:N"), Score: seal("CVSS-B 5.3"), ScoreLevel: incidents.Seal("medium"), Reason: seal("it is easy to reach"),
		Summary: seal("A crafted image overflows the heap."), Details: seal("The length is not checked."),
		Affected: seal("11.0 to 12.1"), Fixed: seal("12.1.1"), CWE: seal("CWE-787"), CVE: seal("CVE-2026-25990"), GHSA: seal("GHSA-cfh3-3jmp-rvhc"), Library: seal("libwebp"),
		Outcome: incidents.Seal("fixed"), Closing: seal("released"), AckVia: seal("email"),
		Opener: "alice", OpenedAt: now().Add(-48 * time.Hour), ReportedAt: now().Add(-49 * time.Hour), ReportedZone: "UTC",
		AckAt: now().Add(-20 * time.Hour), ClosedAt: now(),
		Roles:    map[string]string{"lead": "alice", "patch": "bob"},
		Reporter: incidents.Reporter{Name: seal("Erin"), Contact: seal("erin@example.org"), Credit: seal("Erin of Example Labs")},
		LevelAt:  now().Add(-19 * time.Hour), LeadSince: now().Add(-48 * time.Hour), LeadHeard: now().Add(-2 * time.Hour),
		LeadAway: now().Add(48 * time.Hour), LeadReturn: now().Add(120 * time.Hour), WildAt: now().Add(-time.Hour), PublicAt: now().Add(-time.Hour),
		Embargo: incidents.Embargo{State: incidents.EmbargoSet, At: now().Add(200 * time.Hour), Zone: "UTC", AgreedAt: now().Add(-5 * time.Hour)},
		Handoff: incidents.Handoff{To: "carol", From: "alice", By: "alice", At: now().Add(-20 * time.Minute)},
		Steps: map[string]incidents.Deed{
			"reproduce":      {State: incidents.StepDone, At: now().Add(-18 * time.Hour), Who: "bob", Note: seal("on 12.2.0")},
			"notify-distros": {State: incidents.StepDone, At: now().Add(-3 * time.Hour), Who: "dana"},
			"tidelift":       {State: incidents.StepSkipped, At: now().Add(-3 * time.Hour), Who: "dana", Note: seal("it came from them")},
		},
	}
}

// poor is one of which nothing is known but that it is.
func poor() incidents.Incident {
	return incidents.Incident{N: 7, Handle: "INC-7", Codename: "quiet harbour", Phase: incidents.Reported, OpenedAt: now(), ReportedAt: now()}
}

// facts gives everything that any template may ask for. What is typed by people
// goes through seal; text is what the bot itself says.
func facts(p incidents.Plan, i incidents.Incident, many bool, seal func(string) incidents.Sealed) incidents.Facts {
	open := i
	if many {
		open.Phase, open.AckAt = incidents.Fixing, time.Time{}
	}
	f := incidents.Card(p, i, now())
	for k, v := range incidents.RungCard(p, open, incidents.Clock{Key: "acknowledgement", Due: now().Add(24 * time.Hour), Role: "lead"}, now(), now(), many) {
		if k == "clock" || k == "clockkey" || k == "due" || k == "left" || k == "overdue" || k == "moment" || k == "rung" || k == "late" || k == "clocks" ||
			k == "does" || k == "say" {
			f[k] = v
		}
	}
	entry := incidents.Facts{"at": now(), "who": "alice", "kind": "noted", "plain": "", "text": seal("a note"), "handle": "INC-7"}
	if !many {
		entry["text"], entry["handle"] = incidents.Sealed{}, ""
	}
	more := incidents.Facts{
		"account": "alice", "act": seal("incident note INC-7 a note"), "at": now(), "asked": many, "code": "K7QFM", "command": "!incident show",
		"console": !many, "direct": many, "id": "!abc:example.org", "own": false, "clearance": "notice", "why": "somebody reads along", "desk": true, "asks": "full",
		"count": 2, "closed": 1, "entries": []incidents.Facts{entry, entry}, "example": "!incident show INC-7", "expires": now(),
		"fact": "affected", "first": "14:00", "second": many, "flag": "--type", "from": "02:00", "to": "03:00", "hours": 14, "how": "open", "kind": "type", "plain": "patch to bob",
		"keys": []string{"a", "b", "c"}, "last": 2200, "length": 400, "max": 300, "lines": 9, "local": "Wed 11:30",
		"mend": "let it go", "metric": "AV", "metrics": "AV, AC", "n": 1, "name": "Patch Owner", "names": []string{"alice", "bob"}, "near": "incident show",
		"network": "irc", "noun": "incident", "nouns": []string{"!help", "!incident open|list"}, "other": "3.1", "place": 3, "person": "bob", "role": "Patch Owner", "key": "patch",
		"before": "carol", "readers": 3, "checks": []incidents.Facts{{"name": "tls", "ok": true, "told": "TLS", "mend": ""}, {"name": "secret", "ok": false, "told": "the channel can be listed", "mend": "set +s"}},
		"strangers": []string{"mallory"}, "admitted": 1, "intruders": []incidents.Facts{{"name": seal("@mallory:evil.example")}}, "reordered": many, "room": "irc #desk", "start": "CVSS:4.0/", "text": seal("a note"), "told": "it is back", "took": "2 d",
		"understood": "4.0 and 3.1", "usage": "!incident show [INC-n]", "values": "N, A, L or P", "vectored": many, "verbs": []string{"open", "list"}, "version": "4.0",
		"left": 3, "self": false, "shown": "", "assumed": true, "unanswered": true, "declines": many, "codes": []string{"K7QFM", "D6VC4"}, "unapproved": []incidents.Facts{{"draft": incidents.Seal("ack"), "asker": "alice"}}, "voided": 2, "leads": []string{"INC-7"}, "waiting": 2, "which": "open", "more": many, "who": "bob", "years": 10, "zone": "Europe/Paris", "by": "carol", "far": "2026-12-03 14:00",
		"incident": "INC-7", "age": "2 h", "people": []string{"alice", "bob"}, "missing": []string{"carol"},
		"guests": []incidents.Facts{{"account": seal("@erin:example.org")}},
		"means":  seal("a heap overflow"), "args": []incidents.Facts{{"name": "type", "keys": []string{"a", "b"}}},
	}
	for k, v := range more {
		f[k] = v
	}
	if !many {
		for _, k := range []string{"why", "mend", "before", "example", "plain"} {
			f[k] = ""
		}
		for _, k := range []string{"strangers", "leads", "people", "missing"} {
			f[k] = []string{}
		}
		f["incident"], f["guests"], f["intruders"], f["count"], f["admitted"] = "", []incidents.Facts{}, []incidents.Facts{}, 0, 0
		f["text"], f["means"], f["checks"], f["args"] = incidents.Sealed{}, incidents.Sealed{}, []incidents.Facts{}, []incidents.Facts{}
		f["unapproved"] = []incidents.Facts{}
		f["voided"], f["waiting"], f["readers"], f["left"], f["self"], f["assumed"], f["unanswered"], f["shown"] = 0, 0, 1, 1, true, false, false, "role take INC-7 lead"
	}
	return f
}

// factsFor gives the facts of one template: some names mean something else there.
func factsFor(p incidents.Plan, name string, many bool, seal func(string) incidents.Sealed) incidents.Facts {
	i := poor()
	if many {
		i = rich(seal)
	}
	return factsOf(p, i, name, many, seal)
}

func factsOf(p incidents.Plan, i incidents.Incident, name string, many bool, seal func(string) incidents.Sealed) incidents.Facts {
	f := facts(p, i, many, seal)
	for k, v := range planFacts(p, i, name, many, seal) {
		f[k] = v
	}
	open := []string{}
	if many {
		open = []string{"INC-7 quiet harbour", "INC-8 amber anchor"}
	}
	switch {
	case name == "choose", strings.HasPrefix(name, "refusals/") && strings.HasSuffix(name, "-incident"), name == "refusals/which-patch":
		f["open"] = open
	case name == "incident/list":
		f["incidents"], f["left"] = []incidents.Facts{}, 0
		if many {
			f["incidents"], f["left"] = []incidents.Facts{incidents.Card(p, i, now()), incidents.Card(p, poor(), now())}, 3
		}
	case name == "help/one":
		f["does"] = "show an incident"
	case name == "role/assigned":
		f["does"] = "writes and tests the fix"
	case name == "help/some":
		f["commands"] = []incidents.Facts{{"usage": "!incident show [INC-n]", "does": "show an incident"}, {"usage": "!incident list", "does": "list them"}}
	case name == "unsuspended", strings.HasPrefix(name, "refusals/when-"):
		f["second"] = "dana"
	case name == "restored":
		f["taken"], f["at"], f["n"], f["last"], f["dropped"], f["voided"] = now().Add(-26*time.Hour), now(), 2, "INC-8", 3, 1
		f["acts"] = []string{"INC-7"}
		f["texts"] = []incidents.Facts{{"handle": "INC-7", "draft": incidents.Seal("ack"), "to": seal("erin@example.org"), "way": incidents.Seal("mail")}}
		if !many {
			f["n"], f["last"], f["dropped"], f["voided"], f["texts"] = 0, "", 0, 0, []incidents.Facts{}
			f["acts"] = []string{}
		}
	case name == "ack/sent":
		f["ackat"] = now()
	case name == "refusals/level-needs-reason":
		f["level"], f["score"] = "low", seal("CVSS-B 8.7")
	case name == "timeline" && !many:
		f["entries"], f["handle"] = []incidents.Facts{}, ""
	case name == "announce":
		f["kind"] = "noted"
	}
	releaseFacts(p, f, name, many, seal)
	advisoryFacts(p, f, name, many, seal)
	for k, v := range readyFacts(p, name, many, seal) {
		f[k] = v
	}
	for k, v := range doctorFacts(name, many, seal) {
		f[k] = v
	}
	reportFacts(p, i, f, name, many, seal)
	for k, v := range outsideFacts(p, i, name, many, seal) {
		f[k] = v
	}
	return f
}

// said renders a template in each way.
func said(t testing.TB, p incidents.Plan, b *Book, name string) string {
	var out strings.Builder
	for _, much := range []string{"much known", "little known"} {
		for _, c := range []string{"full", "notice", "none"} {
			doc, err := b.Render(name, factsFor(p, name, much == "much known", incidents.Seal), clearances()[c])
			if err != nil {
				t.Fatal(err)
			}
			if doc.Lines != strings.Count(doc.Text, "\n")+1 {
				t.Errorf("%s: %d lines, and it says %d", name, strings.Count(doc.Text, "\n")+1, doc.Lines)
			}
			fmt.Fprintf(&out, "-- %s, %s --\n%s\n", c, much, doc.Text)
		}
	}
	return out.String()
}

func book(t testing.TB) *Book {
	t.Helper()
	b, err := NewBook()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func goldenPath(name string) string {
	return filepath.Join("testdata", "golden", strings.ReplaceAll(name, "/", "_")+".txt")
}

// TestGolden holds what every template says against testdata/golden. Run it with
// -update and read the difference.
func TestGolden(t *testing.T) {
	p := *pillow(t)
	b := book(t)
	known := map[string]bool{}
	for _, name := range b.Names() {
		got := said(t, p, b, name)
		known[goldenPath(name)] = true
		if update() {
			if err := os.MkdirAll("testdata/golden", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(goldenPath(name), []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(goldenPath(name))
		if err != nil || string(want) != got {
			t.Errorf("%s says something else than its golden file (%v):\n%s\nwant\n%s", name, err, got, want)
		}
	}
	paths, err := filepath.Glob("testdata/golden/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !known[path] {
			t.Errorf("%s is of no template", path)
		}
	}
}

// TestSound: what the bot says is whole, sounds as it should, and below full
// holds nothing that is sealed.
func TestSound(t *testing.T) {
	p := *pillow(t)
	b := book(t)
	for _, name := range b.Names() {
		text := said(t, p, b, name)
		for _, bad := range []string{"<no value>", "%!", "map[", "\t", "  \n", "  .", " ,", " ..\n", "[]", "{{", "0001-01-01", "<nil>"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s says %q:\n%s", name, bad, text)
			}
		}
		if exclaims := strings.ReplaceAll(text, "!", "\x00"); strings.Contains(exclaims, "\x00 ") || strings.Contains(exclaims, "\x00\n") || strings.Contains(exclaims, "\x00\x00") {
			t.Errorf("%s exclaims:\n%s", name, text)
		}
		for part := range strings.SplitSeq(text, "-- ") {
			if (strings.HasPrefix(part, "notice") || strings.HasPrefix(part, "none")) && strings.Contains(part, "[sealed]") {
				t.Errorf("%s says [sealed] where it should say nothing:\n%s", name, part)
			}
		}
	}
	if _, err := b.Render("nonsense", nil, incidents.Clearance{}); err == nil {
		t.Error("a template that is not there is rendered")
	}
	_, err := b.Render("whoami", incidents.Facts{"person": "qzx"}, incidents.Clearance{})
	if err == nil || strings.Contains(err.Error(), "qzx") {
		t.Errorf("a missing fact: %v", err)
	}
}

// TestHiddenBelowFull: below full a template says the same whatever is sealed:
// the type, the score and all the rest cannot be told from its words.
func TestHiddenBelowFull(t *testing.T) {
	p := *pillow(t)
	b := book(t)
	other := func(s string) incidents.Sealed { return incidents.Seal("another " + s) }
	for _, name := range b.Names() {
		for _, c := range []string{"notice", "none"} {
			one, err := b.Render(name, factsFor(p, name, true, incidents.Seal), clearances()[c])
			if err != nil {
				t.Fatal(err)
			}
			two, _ := b.Render(name, factsFor(p, name, true, other), clearances()[c])
			if one.Text != two.Text {
				t.Errorf("%s at %s tells what is sealed:\n%s\n%s", name, c, one.Text, two.Text)
			}
		}
	}
	// Neither what sort of incident it is, nor whence it came, nor how it is released. The
	// names of clocks say nothing, so each one runs here whatever the track is.
	for k := range p.Clocks {
		p.Clocks[k].Tracks = nil
	}
	for _, name := range b.Names() {
		same := map[string]string{}
		for _, kind := range p.Keys("type") {
			for _, source := range []string{"github", "researcher", ""} {
				i := rich(incidents.Seal)
				i.Type, i.Source = incidents.Seal(kind), incidents.Seal(source)
				i.Track, i.Reach = incidents.Seal(map[string]string{"researcher": "standard"}[source]), incidents.Seal(map[string]string{"github": "yes"}[source])
				doc, err := b.Render(name, factsOf(p, i, name, true, incidents.Seal), clearances()["notice"])
				if err != nil {
					t.Fatal(err)
				}
				same[doc.Text] = kind
			}
		}
		if len(same) != 1 {
			t.Errorf("%s tells at notice what sort of incident it is: %q", name, same)
		}
	}
	for name, words := range map[string][]string{
		"refusals/not-upstream":       {"library", "type"},
		"refusals/nobody-waits":       {"waits", "source"},
		"refusals/level-floor":        {"type", "section 5"},     // the type is sealed, also that it is one of two
		"refusals/level-needs-reason": {"score", "severity set"}, // that there is one; and a reason is not typed there
	} {
		doc, err := b.Render(name, factsFor(p, name, true, incidents.Seal), clearances()["notice"])
		for _, w := range words {
			if err != nil || strings.Contains(doc.Text, w) {
				t.Errorf("%s tells of the %s at notice: %s %v", name, w, doc.Text, err)
			}
		}
	}
}

// TestHostileText: what people type adds no lines where there is one line for
// it, and no control characters anywhere.
func TestHostileText(t *testing.T) {
	p := *pillow(t)
	b := book(t)
	hostile := func(s string) incidents.Sealed {
		if strings.HasPrefix(s, "CVSS") || s == "a heap overflow" {
			return incidents.Seal(s) // reckoned, or of the plan: nobody typed it
		}
		return incidents.Seal(s + "\r\nalice: !approve K7QFM\n\n\x1b[31m\u202e\u2028\x00\x07\u200b\U000e0041 @room \xff")
	}
	for _, name := range b.Names() {
		plain, err := b.Render(name, factsFor(p, name, true, incidents.Seal), clearances()["full"])
		if err != nil {
			t.Fatal(err)
		}
		doc, err := b.Render(name, factsFor(p, name, true, hostile), clearances()["full"])
		if err != nil {
			t.Fatal(err)
		}
		doc.Text, _, _ = strings.Cut(doc.Text, "\n--------") // below that rule is a draft's text, word for word
		plain.Text, _, _ = strings.Cut(plain.Text, "\n--------")
		if strings.Count(doc.Text, "\n") != strings.Count(plain.Text, "\n") && name != "fact/show" && !strings.HasPrefix(name, "report") {
			t.Errorf("%s: text that was typed adds lines:\n%s", name, doc.Text)
		}
		for _, line := range strings.Split(doc.Text, "\n") {
			if strings.HasPrefix(line, "alice:") {
				t.Errorf("%s: text that was typed begins a line:\n%s", name, doc.Text)
			}
		}
		for _, r := range doc.Text {
			if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
				t.Errorf("%s lets %U through", name, r)
			}
		}
	}
}
