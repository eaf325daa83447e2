package incidents_test

import (
	"testing"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

const (
	vectorHigh = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:H" // 8.1
	vectorZero = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N" // 0.0
)

func TestSetSeverity(t *testing.T) {
	type want struct{ refused, level, score, reason, plain, text string }
	for _, c := range []struct {
		name, kind, before, typed, why string
		want                           want
	}{
		{"a level", "", "", "high", "", want{"", "high", "", "", "High", ""}},
		{"in any case", "", "", "CRITICAL", "", want{"", "critical", "", "", "Critical", ""}},
		{"a level with a reason", "", "", "low", "hard to reach", want{"", "low", "", "hard to reach", "Low", "hard to reach"}},
		{"no level", "", "", "extreme", "", want{refused: "unknown-level"}},
		{"nothing", "", "", "", "", want{refused: "unknown-level"}},
		{"a vector", "", "", vectorHigh, "", want{"", "high", "high", "", "High", vectorHigh + "; CVSS 3.1 8.1"}},
		{"a vector with a reason", "", "", vectorHigh, "so", want{"", "high", "high", "so", "High", vectorHigh + "; CVSS 3.1 8.1; so"}},
		{"a bad vector", "", "", vectorHigh + "/XX:Y", "", want{refused: "cvss-unknown-metric"}},
		{"a score that has no level", "", "", vectorZero, "", want{refused: "score-none"}},
		{"the score's own level", "", vectorHigh, "high", "", want{"", "high", "high", "", "High", ""}},
		{"another than the score's, without a reason", "", vectorHigh, "low", "", want{refused: "level-needs-reason"}},
		{"another than the score's, with one", "", vectorHigh, "low", "not reachable", want{"", "low", "high", "not reachable", "Low", "not reachable"}},
		{"the floor", "ci", "", "critical", "", want{"", "critical", "", "", "Critical", ""}},
		{"below the floor", "ci", "", "high", "", want{refused: "level-floor"}},
		{"below the floor with a reason", "ci", "", "high", "because", want{refused: "level-floor"}},
		{"a vector below the floor", "ci", "", vectorHigh, "", want{"", "critical", "high", "", "Critical", vectorHigh + "; CVSS 3.1 8.1"}},
		{"0.0 with a floor", "ci", "", vectorZero, "", want{"", "critical", "", "", "Critical", vectorZero + "; CVSS 3.1 0.0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := opened(t, incidents.Opening{Type: c.kind, Severity: c.before})
			i, e, err := incidents.SetSeverity(testPlan(), before, c.typed, incidents.Seal(c.why), "bob", noon())
			refused(t, err, c.want.refused)
			if err != nil {
				if i.Level != before.Level || !i.Vector.Same(before.Vector) || !i.Reason.Same(before.Reason) {
					t.Error("it was refused, and changed all the same")
				}
				return
			}
			if i.Level != c.want.level || e.Plain != c.want.plain || e.Kind != "severity" || e.Who != "bob" {
				t.Errorf("level %q, entry %+v", i.Level, e)
			}
			same(t, "the score's level", i.ScoreLevel, c.want.score)
			same(t, "the reason", i.Reason, c.want.reason)
			same(t, "the entry", e.Text, c.want.text)
		})
	}
}

// TestSeverityKeepsFloor: whatever is typed in whatever order, a type with a
// floor keeps its level, and a level other than the score's has a reason.
func TestSeverityKeepsFloor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"", "vulnerability", "ci"}).Draw(rt, "type")
		i := opened(t, incidents.Opening{Type: kind})
		typed := rapid.SampledFrom([]string{"critical", "high", "medium", "low", "x", vectorHigh, vectorZero, plain31vector})
		for range rapid.IntRange(1, 6).Draw(rt, "times") {
			why := incidents.Seal(rapid.SampledFrom([]string{"", "because"}).Draw(rt, "why"))
			j, _, err := incidents.SetSeverity(testPlan(), i, typed.Draw(rt, "typed"), why, "bob", noon())
			if err == nil {
				i = j
			}
			floor := testPlan().TypeOf(i).Floor
			if floor != "" && i.Level != floor {
				rt.Fatalf("a %s incident is %s", kind, i.Level)
			}
			if floor == "" && !i.Vector.Empty() && !i.ScoreLevel.Same(incidents.Seal(i.Level)) && i.Reason.Empty() {
				rt.Fatalf("the level %s differs from the score's without a reason", i.Level)
			}
		}
	})
}

const plain31vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H" // 8.8
