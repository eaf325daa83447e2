package templates

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/incidents"
)

func pillow(t testing.TB) *incidents.Plan {
	t.Helper()
	p, err := ReadPlan(Builtin(), "plans/pillow/plan.toml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPillowsPlan holds plan.toml against what Pillow's plan says in words.
func TestPillowsPlan(t *testing.T) {
	p := pillow(t)
	if p.Name != "Pillow" || p.Hour != 14 || len(p.Hash) != 64 {
		t.Errorf("%q, hour %d, hash %q", p.Name, p.Hour, p.Hash)
	}
	for kind, want := range map[string][]string{
		"type":    {"vulnerability", "bundled-library", "supply-chain", "ci", "regression"}, // section 2
		"role":    {"lead", "patch", "release", "comms", "tidelift"},                        // section 4
		"level":   {"critical", "high", "medium", "low"},                                    // section 5
		"source":  {"github", "tidelift", "researcher", "scanning", "distro", "user"},       // section 6
		"outcome": {"fixed", "contained", "not-a-vulnerability", "not-reachable", "duplicate", "out-of-scope", "already-fixed"},
	} {
		if got := p.Keys(kind); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
	scores := map[string][2]int{"critical": {90, 100}, "high": {70, 89}, "medium": {40, 69}, "low": {1, 39}}
	for _, l := range p.Levels {
		if got := [2]int{l.From, l.To}; got != scores[l.Key] || l.Section != "5" || l.Means == "" || l.Target == "" {
			t.Errorf("level %s: %v, %+v", l.Key, got, l)
		}
	}
	for _, x := range p.Types { // section 5: always Critical regardless of CVSS
		if floor := map[string]string{"supply-chain": "critical", "ci": "critical"}[x.Key]; x.Floor != floor || x.Section != "2" {
			t.Errorf("type %s: floor %q, want %q; section %s", x.Key, x.Floor, floor, x.Section)
		}
	}
	for k, s := range p.Sources { // nobody outside waits for a scanner to be answered
		if s.Reporter != (s.Key != "scanning") || s.Section != "6."+string(rune('1'+k)) {
			t.Errorf("source %+v", s)
		}
	}
	if p.LeadRole().Key != "lead" {
		t.Errorf("the lead is %+v", p.LeadRole())
	}
}

// TestPlanHash: an edited plan is another plan.
func TestPlanHash(t *testing.T) {
	text := pillowText(t)
	q, err := parsePlan("plan.toml", append([]byte(text), "# edited\n"...))
	if err != nil || q.Hash == pillow(t).Hash {
		t.Errorf("an edited plan has the same hash: %v", err)
	}
}

func pillowText(t testing.TB) string {
	t.Helper()
	f, err := builtin.ReadFile("plans/pillow/plan.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(f)
}

// TestBadPlans: a plan that makes no sense is an error that names the place.
func TestBadPlans(t *testing.T) {
	for _, c := range []struct{ old, new, names string }{
		{`name = "Pillow"`, ``, "name is missing"},
		{`embargo = true`, ``, "no [[track]] has embargo = true; the one on which nothing goes out"},
		{`key = "notify-distros"`, `key = "tell-distros"`, `there is no [[step]] with key = "notify-distros"; every plan has one, under any name`},
		{`key = "oss-security"`, `key = "post"`, `there is no [[step]] with key = "oss-security"`},
		{`key = "share-poc"`, `key = "share"`, `there is no [[step]] with key = "share-poc"`},
		{`key = "tag"`, `key = "push"`, `there is no [[step]] with key = "tag"`},
		{"[[clock]]\nkey = \"watch\"", "[[clock]]\nkey = \"look\"", `there is no [[clock]] with key = "watch"`},
		{`hour = 14`, `hour = 24`, "hour"},
		{`hour = 14`, `hour = -1`, "hour"},
		{`hour = 14`, `hour = "two"`, "line 5"},
		{`hour = 14`, `ours = 14`, `line 5: the key "ours"`},
		{`floor = "critical" # section 5:`, `flor = "critical" #`, `line 22: the key "type.flor"`},
		{`floor = "critical" # section 5:`, `floor = "dire" #`, "type supply-chain"},
		{`key = "ci"`, `key = "regression"`, `type "regression" is there twice`},
		{`key = "ci"`, `key = "C I"`, `type "C I"`},
		{`key = "ci"`, ``, `type ""`},
		{`key = "patch"`, `key = "lead"`, `role "lead" is there twice`},
		{`lead = true`, ``, "lead = true"},
		{`does = "cuts the point release"`, `lead = true`, "lead = true, not 2"},
		{`to = 8.9`, `to = 9.0`, "level high"},
		{`from = 7.0`, `from = 8.95`, "level high"},
		{`to = 10.0`, `to = 10.1`, "level critical"},
		{`from = 0.1`, `from = -0.1`, "level low"},
		{`due = "72h"`, `due = "three days"`, "clock acknowledgement: due"},
		{`due = "72h"`, `due = "73h"`, "clock acknowledgement: rungs"},
		{`rungs = ["24h", "48h"`, `rungs = ["48h", "24h"`, "clock acknowledgement: rungs"},
		{`rungs = ["24h", "48h"`, `rungs = ["24h", "24h"`, "clock acknowledgement: rungs"},
		{`rungs = ["24h", "48h"`, `rungs = ["-24h", "48h"`, "clock acknowledgement: rungs"},
		{`rungs = ["24h", "48h", "66h", "72h"]`, `rungs = []`, "clock acknowledgement: rungs"},
		{`rungs = ["24h"`, `rungs = ["soon"`, "clock acknowledgement: a rung"},
		{`repeat = "24h"`, `repeat = "0s"`, "clock acknowledgement: repeat"},
		{`repeat = "24h"`, ``, "clock acknowledgement: repeat"},
		{`from = "reported"`, `from = "then"`, `clock acknowledgement: "then" is no event; there are step:KEY and reported, reporter,`},
		{`role = "lead"`, `role = "cook"`, `step acknowledge: "cook" is no role`},
		{`[[clock]]
key = "severity"`, `[[clock]]
key = "cve"`, `clock "cve" is there twice`},
		{`does = "When the reporter was answered"`, `everyone = "soon"`, "clock acknowledgement: everyone"},
		{`repeat = "0h"`, `repeat = "-1h"`, "clock handoff: repeat"},
		{`from = "handoff"`, `from = "opened"`, "clock handoff: repeat is at least a minute"},
		{`role = "heir"`, `role = "cook"`, `clock handoff: "cook" is no role`},
		{`until = ["acknowledged"]`, `until = ["answered"]`, `clock acknowledgement: "answered" is no event`},
		{`until = ["step:watch"]`, `until = ["step:look"]`, `clock watch: "look" is no step`},
		{`when = ["step:share-poc"]
until`, `when = ["step:poc"]
until`, `clock poc: "poc" is no step`},
		{`levels = ["medium", "low"]
due`, `levels = ["minor"]
due`, `clock quarterly: "minor" is no level`},
		{`tracks = ["embargoed"]
due`, `tracks = ["secret"]
due`, `clock distros: "secret" is no track`},
		{`outcomes = ["fixed", "contained"]
due`, `outcomes = ["won"]
due`, `clock retrospective: "won" is no outcome`},
		{`draft = "distro"`, `draft = "ack"`, `step notify-distros: the draft "ack" does step acknowledge already`},
		{`by = "leveled"`, "by = \"leveled\"\ndraft = \"leak\"", `step severity: a draft does a step that is done by word`},
		{`does = "When the reporter was answered"`, "does = \"it\"\ndraft = \"leak\"", `clock acknowledgement: a draft begins a clock anew that counts from "updated"`},
		{`source = "A.1 promises to keep the reporter updated"`, ``, "clock update: what is extra names its source"},
		{`types = ["bundled-library"]`, `types = ["library"]`, `track upstream: "library" is no type`},
		{`levels = ["critical", "high"]
unless`, `levels = ["grave"]
unless`, `track embargoed: "grave" is no level`},
		{`unless = ["wild", "public"]`, `unless = ["leaked"]`, `track embargoed: "leaked" is no event`},
		{`key = "standard"`, `key = "upstream"`, `track "upstream" is there twice`},
		{`tracks = ["standard", "embargoed", "regression"]
`, `tracks = ["secret"]
`, `step reproduce: "secret" is no track`},
		{`by = "acknowledged"`, `by = "answered"`, `step acknowledge: "answered" is no event`},
		{`by = "acknowledged"`, `by = "step:acknowledge"`, "step acknowledge: by is an event, and no step"},
		{`after = ["publish"]`, `after = ["release"]`, `step advisory-published: "release" is no step`},
		{`after = ["notify-distros"]`, `after = ["share-poc"]`, `step share-poc: after names a step that stands before it, and "share-poc" does not`},
		{`after = ["notify-distros"]`, `after = ["publish"]`, `step share-poc: after names`},
		{`when = ["late-cve"]`, `when = ["late"]`, `step backfill-cve: "late" is no event`},
		{`when = ["broken"]`, `unless = ["leak"]`, `step leak-assess: "leak" is no event`},
		{`not_role = "patch"`, `not_role = "author"`, `step review: "author" is no role`},
		{`gate = "window"`, `gate = "door"`, "step notify-distros: gate"},
		{`gate = "clock:watch"`, `gate = "clock:look"`, `step watch: "look" is no clock`},
		{`phase = "fixing"`, `phase = "mending"`, `step fix: phase "mending" is none of`},
		{`section = "7.1.1"`, ``, "step acknowledge: name and section"},
		{`source = "a changed workflow publishes with the project's own identity"`, ``, "step audit-workflows: what is extra"},
		{`outcomes = ["fixed", "contained"]
optional`, `outcomes = ["won"]
optional`, `step retrospective: "won" is no outcome`},
		{`key = "reproduce"`, `key = "severity"`, `step "severity" is there twice`},
		{`optional = true`, `optional = "yes"`, "line "},
		{`discloses = true`, `publishes = true`, `the key "step.publishes" is not known`},
		{`[[clock]]
key = "acknowledgement"`, `[[clock]]
key = ""`, "clock"},
		{`[[type]]`, `[[type]`, "line 8"},
	} {
		text := strings.Replace(pillowText(t), c.old, c.new, 1)
		if text == pillowText(t) {
			t.Fatalf("%q is not in the plan any more", c.old)
		}
		_, err := ReadPlan(fstest.MapFS{"plan.toml": {Data: []byte(text)}}, "plan.toml")
		if err == nil || !strings.HasPrefix(err.Error(), "plan.toml: ") || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s -> %s: %v; want an error of plan.toml with %q", c.old, c.new, err, c.names)
		}
	}
	twice := pillowText(t) + pillowText(t)[strings.Index(pillowText(t), "[[clock]]"):]
	if _, err := parsePlan("plan.toml", []byte(twice)); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("a clock that is there twice: %v", err)
	}
	if _, err := parsePlan("plan.toml", nil); err == nil || !strings.Contains(err.Error(), "there is no [[type]]") {
		t.Errorf("an empty plan: %v", err)
	}
	if _, err := ReadPlan(fstest.MapFS{}, "plan.toml"); err == nil || !strings.Contains(err.Error(), "plan.toml") {
		t.Errorf("no plan: %v", err)
	}
}

// smallPlan has one of everything, so that a change to it is soon another plan.
const smallPlan = `name = "x"
hour = 1
[[type]]
key = "t"
[[role]]
key = "l"
lead = true
[[source]]
key = "s"
[[level]]
key = "v"
from = 1
to = 2
[[outcome]]
key = "o"
[[track]]
key = "k"
unless = ["step:a"]
[[step]]
key = "a"
name = "a"
section = "1"
phase = "reported"
by = "embargo"
[[step]]
key = "b"
name = "b"
section = "1"
phase = "triage"
after = ["a"]
gate = "clock:c"
when = ["set"]
[[clock]]
key = "c"
from = "embargo"
until = ["step:b"]
due = "-1h"
rungs = ["-2h", "-1h"]
repeat = "1m"
role = "l"`

// FuzzPlan: whatever is in the file, reading it ends, and a plan that is read can be
// gone through: its clocks have rungs that can be walked and are never silent when
// overdue, its steps wait for no circle, and its phases end before closed.
func FuzzPlan(f *testing.F) {
	f.Add(pillowText(f))
	f.Add("")
	f.Add("name = \"x\"\n[[clock]]\ndue = \"-1h\"\nrungs = [\"-1h\"]\nrepeat = \"1m\"")
	f.Add("[[level]]\nfrom = nan\nto = inf")
	f.Add("hour = 99999999999999999999")
	f.Add(smallPlan)
	f.Add(strings.Replace(pillowText(f), `by = "acknowledged"`, `by = "step:acknowledge"`, 1))
	f.Add(strings.Replace(pillowText(f), `unless = ["wild", "public"]`, `unless = ["step:confirm-track", "disclosed", "late-cve", "begun"]`, 1))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlan("plan.toml", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "plan.toml: ") {
				t.Fatalf("an error that names no file: %v", err)
			}
			return
		}
		for _, kind := range p.Keys("type") {
			i, _, err := incidents.OpenIncident(*p, incidents.Opening{N: 1, Handle: "INC-1", Type: kind}, "alice", now())
			if err != nil {
				t.Fatal(err)
			}
			walkClocks(t, *p, i, true)
			i.Embargo = incidents.Embargo{State: incidents.EmbargoSet, At: now().Add(20 * 24 * time.Hour)}
			i.Level = p.Levels[0].Key
			walkSteps(t, *p, i)
		}
	})
}

func walkClocks(t *testing.T, p incidents.Plan, i incidents.Incident, fresh bool) {
	for _, c := range incidents.Clocks(p, i) {
		if fresh && c.Due.Before(now()) {
			t.Fatalf("the clock %s is due before it starts", c.Key)
		}
		at := now().Add(-time.Second)
		for range 20 {
			next := c.NextRung(at)
			if !next.After(at) {
				t.Fatalf("after %v comes %v", at, next)
			}
			if next.Equal(incidents.Never()) {
				if r, _ := p.ClockRule(c.Key); r.From != "handoff" {
					t.Fatalf("the clock %s is silent when it is overdue", c.Key)
				}
				break
			}
			at = next
		}
	}
}

// walkSteps does whatever can be done, until nothing can.
func walkSteps(t *testing.T, p incidents.Plan, i incidents.Incident) {
	for moved := true; moved; {
		moved = false
		for _, s := range incidents.StepsOf(p, i, "") {
			before := i
			done, _, err := incidents.DoStep(p, i, s.Key, incidents.Sealed{}, "alice", now())
			if _, no := incidents.AsRefusal(err); err != nil && !no {
				t.Fatal(err)
			}
			if err == nil {
				i, _ = incidents.Advance(p, before, done, "alice", now())
				moved = true
			}
			if !i.Open() {
				t.Fatal("it closed by itself")
			}
		}
	}
	walkClocks(t, p, i, false)
	incidents.Board(p, i, now())
	incidents.Next(p, i, now())
}

// TestAnotherPlansNames: the rules go by what the plan says of a track and of the highest
// level, whatever these are called.
func TestAnotherPlansNames(t *testing.T) {
	text := pillowText(t)
	for _, c := range []struct{ old, new string }{{"embargoed", "kept-back"}, {"standard", "plain"}, {"critical", "worst"}} {
		text = strings.ReplaceAll(text, `"`+c.old+`"`, `"`+c.new+`"`)
	}
	lines := strings.Split(strings.Replace(text, `key = "upstream"`, `key = "library"`, 1), "\n")
	for k, line := range lines {
		if strings.HasPrefix(line, "tracks = ") {
			lines[k] = strings.ReplaceAll(line, `"upstream"`, `"library"`)
		}
	}
	p, err := parsePlan("plan.toml", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	i := incidents.Incident{N: 1, Level: "worst", Phase: incidents.Releasing, ReportedAt: now, OpenedAt: now}
	if got := incidents.TrackOf(*p, i); got.Key != "kept-back" || !got.Embargo {
		t.Errorf("it is on %+v", got)
	}
	gates := 0
	for _, s := range p.Steps {
		if s.Gate != "embargo" || !incidents.Applies(*p, i, s) {
			continue
		}
		gates++
		if l := incidents.LockOf(*p, i, s, now); l.Why != "no-embargo" {
			t.Errorf("%s is open while no date is agreed: %+v", s.Key, l)
		}
	}
	if gates == 0 {
		t.Error("no step has that gate")
	}
	if locked, _ := incidents.DraftFacts(*p, i, now)["locked"].(incidents.Sealed); locked.Empty() {
		t.Error("its drafts are not locked")
	}
	i.Level, i.Embargo = "low", incidents.Embargo{State: incidents.EmbargoSet, At: now.Add(time.Hour)}
	if got := incidents.TrackOf(*p, i).Key; got != "kept-back" {
		t.Errorf("with a date it is on %q", got)
	}
	i.Type = incidents.Seal("bundled-library")
	if _, _, err := incidents.SetReach(*p, i, true, incidents.Seal("why"), "alice", now); err != nil {
		t.Errorf("%s: %v", incidents.TrackOf(*p, i).Key, err)
	}
	led := incidents.Incident{Level: "worst", Roles: map[string]string{"lead": "alice"}, LeadSince: now, LevelAt: now}
	if !incidents.LeadSilent(*p, led, now.Add(incidents.LeadSilence)) {
		t.Error("nobody may take over from a lead who is silent")
	}
}
