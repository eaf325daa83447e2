package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestPillowsClocks holds the clocks of plan.toml against what was asked for: what
// each counts from, when it is due and reminded of, and how often when overdue.
func TestPillowsClocks(t *testing.T) {
	want := []struct{ key, from, due, rungs, repeat, until, who string }{
		{"acknowledgement", "reported", "72h", "24h 48h 66h 72h", "24h", "acknowledged", "lead"}, // 7.1.1
		{"severity", "begun", "24h", "20h 24h", "24h", "leveled not-reachable", "lead"},          // 7.1.3
		{"cve-request", "begun", "24h", "20h 24h", "24h", "step:request-cve not-reachable", "comms"},
		{"cve", "step:request-cve", "35d", "3d 14d 35d", "7d", "cve", "comms"},
		{"embargo", "embargo", "0", "-14d -7d -3d -24h -4h -1h 0", "1h", "over", "lead"},
		{"distros", "embargo", "-24h", "-14d -7d -3d -24h", "12h", "step:notify-distros over public", "comms"},
		{"oss-security", "over", "1h", "1h", "12h", "step:oss-security", "comms"},
		{"untold", "untold", "2h", "1h 2h", "12h", "", "comms"}, // A.2
		{"publication", "over", "24h", "4h 12h 24h", "12h", "disclosed not-reachable", "comms"},
		{"poc", "step:oss-security", "7d", "3d 6d 7d", "24h", "step:publish-poc", "comms"},
		{"watch", "step:wheels", "72h", "12h 24h 36h 48h 60h 72h", "24h", "step:watch", "lead"}, // 7.6.4
		{"update", "updated", "7d", "6d 7d", "24h", "disclosed not-reachable", "lead"},
		{"reporter-date", "reporter-date", "0", "-14d -7d -3d -24h 0", "24h", "disclosed", "lead"},
		{"wild", "wild", "7d", "24h 3d 5d 7d", "24h", "disclosed", "lead"},
		{"quarterly", "quarterly", "0", "-14d -7d -24h 0", "24h", "step:wheels not-reachable", "release"}, // section 5
		{"roles", "opened", "12h", "12h", "24h", "staffed", "lead everybody from 12h"},
		{"no-lead", "unled", "1h", "1h", "1h", "", "lead everybody from 1h"},
		{"lead", "lead-heard", "24h", "12h 20h 24h", "6h", "", "lead everybody from 20h"}, // 7.1.6
		{"handoff", "handoff", "1h", "30m 1h", "0", "", "heir"},
		{"stand-in", "lead-away", "0", "-2d -24h -2h 0", "24h", "", "lead"},
		{"late-cve", "closed", "14d", "14d", "14d", "cve", "comms"},
		{"retrospective", "closed", "7d", "7d", "24h", "step:retrospective", "lead"},
	}
	p := pillow(t)
	for k, c := range p.Clocks {
		if k >= len(want) || want[k].key != c.Key {
			t.Fatalf("clock %d is %s", k, c.Key)
		}
		w := want[k]
		who := c.Role
		if c.All {
			who += " everybody from " + span(c.Everyone)
		}
		got := []string{c.From, span(c.Due), spans(c.Rungs), span(c.Repeat), strings.Join(c.Until, " "), who}
		if list := []string{w.from, spanned(w.due), spanned(w.rungs), spanned(w.repeat), w.until, w.who}; !slices.Equal(got, list) {
			t.Errorf("clock %s: %q, want %q", c.Key, got, list)
		}
		if c.Name == "" || c.Section == "" || c.Does == "" || c.Say == "" || !strings.Contains(c.Say, "{handle}") {
			t.Errorf("clock %s says not what stops it: %+v", c.Key, c)
		}
	}
	if len(p.Clocks) != len(want) {
		t.Errorf("%d clocks, want %d", len(p.Clocks), len(want))
	}
	for key, tracks := range map[string][]string{"cve-request": {"standard", "embargoed"}, "distros": {"embargoed"}, "embargo": nil} {
		if c, _ := p.ClockRule(key); !slices.Equal(c.Tracks, tracks) {
			t.Errorf("clock %s runs on %q", key, c.Tracks)
		}
	}
	for key, levels := range map[string][]string{"quarterly": {"medium", "low"}, "roles": {"critical", "high"}, "lead": {"critical"}} {
		if c, _ := p.ClockRule(key); !slices.Equal(c.Levels, levels) {
			t.Errorf("clock %s runs at %q", key, c.Levels)
		}
	}
}

// span writes a length of time in hours, or minutes under one.
func span(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

func spans(list []time.Duration) string {
	var out []string
	for _, d := range list {
		out = append(out, span(d))
	}
	return strings.Join(out, " ")
}

// spanned reads "3d 24h" as "72h 24h".
func spanned(text string) string {
	var out []string
	for _, w := range strings.Fields(text) {
		if n := 0; strings.HasSuffix(w, "d") {
			if _, err := fmt.Sscanf(w, "%dd", &n); err != nil {
				return err.Error()
			}
			w = fmt.Sprintf("%dh", n*24)
		}
		if w == "0" {
			w = "0h"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

// TestPillowsSteps: each numbered step of 7.1 to 7.6 and 9.2 is in the checklist, in
// the phase where it belongs, and done by whose it is.
func TestPillowsSteps(t *testing.T) {
	p := pillow(t)
	numbered := map[string][]string{}
	for _, s := range p.Steps {
		for section := range strings.SplitSeq(s.Section, ", ") {
			if !s.Extra {
				numbered[section] = append(numbered[section], s.Key)
			}
		}
		if r, ok := p.Role(s.Role); s.Role != "" && (!ok || r.Key == "tidelift") {
			t.Errorf("step %s is for %q: a role that one source has tells the source", s.Key, s.Role)
		}
	}
	for section, keys := range map[string][]string{
		"7.1.1": {"acknowledge"},
		"7.1.2": {"reproduce"},
		"7.1.3": {"severity"},
		"7.1.4": {"advisory"},
		"7.1.5": {"request-cve"},
		"7.1.6": {"escalate-upstream", "escalate-legal", "escalate-lead"},
		"7.2.1": {"fix"},
		"7.2.2": {"test"},
		"7.2.3": {"review"},
		"7.3.1": {"merge"},
		"7.3.2": {"commit-ids"},
		"7.3.3": {"tag", "wheels"},
		"7.3.4": {"publish"},
		"7.4.1": {"local-tests"},
		"7.4.2": {"agree-embargo", "set-embargo"},
		"7.4.3": {"notify-distros"},
		"7.4.4": {"commit-ids", "tag", "wheels", "publish"},
		"7.5.1": {"revoke-pypi", "revoke-github", "revoke-ci"},
		"7.5.2": {"audit-tags", "audit-wheels"},
		"7.5.3": {"yank"},
		"7.5.4": {"compromise-advisory"},
		"7.6.1": {"verify"},
		"7.6.2": {"yanked"},
		"7.6.3": {"resume"},
		"7.6.4": {"watch"},
		"7.6.5": {"advisory-published"},
		"9.2.1": {"reachable"},
		"9.2.2": {"treat-as-own"},
		"9.2.3": {"library"},
		"9.2.4": {"upstream-reference"},
		"9.2.5": {"rationale"},
	} {
		if !slices.Equal(numbered[section], keys) {
			t.Errorf("section %s: %q, want %q", section, numbered[section], keys)
		}
	}
	for key, by := range map[string]string{
		"acknowledge": "acknowledged", "severity": "leveled", "request-cve": "cve", "wheels": "released", "reachable": "reach",
		"agree-embargo": "agreed", "set-embargo": "set", "confirm-track": "tracked", "treat-as-own": "leveled",
	} {
		if s, _ := p.Step(key); s.By != by {
			t.Errorf("step %s is completed by %q, want %q", key, s.By, by)
		}
	}
	if s, _ := p.Step("watch"); s.Gate != "clock:watch" || !slices.Equal(s.After, []string{"wheels"}) {
		t.Errorf("the watch of 7.6.4 does not take its 72 hours: %+v", s)
	}
	if s, _ := p.Step("review"); s.NotRole != "patch" || s.Optional {
		t.Errorf("the review of 7.2.3 can be done by the patch owner: %+v", s)
	}
}

// TestPillowsEscalation: 7.1.6 is a step for each of its three cases, with whom to
// turn to.
func TestPillowsEscalation(t *testing.T) {
	p := pillow(t)
	for key, contact := range map[string]string{"escalate-upstream": "upstream", "escalate-legal": "sponsor", "escalate-lead": "maintainers"} {
		s, ok := p.Step(key)
		if !ok || s.Contact != contact || !s.Optional || len(s.Tracks) != 0 {
			t.Errorf("step %s: %+v", key, s)
		}
	}
	if s, _ := p.Step("escalate-lead"); !slices.Equal(s.Levels, []string{"critical"}) {
		t.Errorf("7.1.6 speaks of Critical incidents: %q", s.Levels)
	}
}

// TestRevokeFirst: a compromise begins with revoking, in the plan's order, before
// everything else; what is looked into comes after.
func TestRevokeFirst(t *testing.T) {
	p := pillow(t)
	i, _, err := incidents.OpenIncident(*p, incidents.Opening{N: 1, Handle: "INC-1", Type: "supply-chain"}, "alice", now())
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, s := range incidents.OpenSteps(*p, i, incidents.Triage) {
		open = append(open, s.Key)
	}
	first := []string{"revoke-publisher", "revoke-pypi", "revoke-github", "revoke-ci"}
	if len(open) < 8 || !slices.Equal(open[:4], first) {
		t.Fatalf("a compromise begins with %q", open)
	}
	for _, key := range []string{"audit-workflows", "audit-tags", "audit-wheels"} {
		if s, _ := p.Step(key); !slices.Equal(s.After, first) {
			t.Errorf("%s comes after %q", key, s.After)
		}
	}
	if s, _ := p.Step("yank"); len(s.After) != 0 || s.Gate != "" {
		t.Error("a tampered release is yanked at once, and nothing locks that")
	}
}

// TestGated: whatever makes a fix or a bug public waits for the embargo, and the
// distributions' list for its window.
func TestGated(t *testing.T) {
	for _, s := range pillow(t).Steps {
		public := slices.Contains([]string{"merge", "commit-ids", "tag", "wheels", "publish", "oss-security", "tidelift", "announce", "rationale", "compromise-advisory", "publish-poc"}, s.Key)
		if (s.Gate == "embargo") != public {
			t.Errorf("step %s has the gate %q", s.Key, s.Gate)
		}
		if s.Discloses && s.Gate != "embargo" {
			t.Errorf("step %s discloses and waits for nothing", s.Key)
		}
		if once := slices.Contains([]string{"merge", "commit-ids", "tag", "wheels", "announce", "verify", "yanked", "resume"}, s.Key); s.Release != once {
			t.Errorf("step %s is done once for a release: %t", s.Key, s.Release)
		}
	}
}

// TestPillowsTracks: type and level propose the track, from the first that fits.
func TestPillowsTracks(t *testing.T) {
	p := pillow(t)
	if got, want := p.Keys("track"), []string{"compromise", "upstream", "regression", "embargoed", "standard"}; !slices.Equal(got, want) {
		t.Errorf("tracks: %v, want %v", got, want)
	}
	for _, c := range []struct{ kind, level, want, section string }{
		{"supply-chain", "", "compromise", "7.5"},
		{"ci", "", "compromise", "7.5"},
		{"bundled-library", "high", "upstream", "9.2"},
		{"regression", "critical", "regression", "2"},
		{"vulnerability", "critical", "embargoed", "7.4"},
		{"vulnerability", "high", "embargoed", "7.4"},
		{"vulnerability", "medium", "standard", "7.3"},
		{"vulnerability", "low", "standard", "7.3"},
		{"", "", "standard", "7.3"},
	} {
		i, _, err := incidents.OpenIncident(*p, incidents.Opening{N: 1, Type: c.kind, Severity: c.level}, "alice", now())
		if err != nil {
			t.Fatal(err)
		}
		if got := incidents.TrackOf(*p, i); got.Key != c.want || got.Section != c.section {
			t.Errorf("%s, %s: %s of %s, want %s", c.kind, c.level, got.Key, got.Section, c.want)
		}
	}
}
