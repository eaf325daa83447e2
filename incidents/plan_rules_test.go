package incidents_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// testPlan is a plan with one of everything that rules tell apart.
func testPlan() incidents.Plan {
	h := time.Hour
	return incidents.Plan{
		Name: "Pillow", Hash: "hash", Hour: 14,
		Types:    []incidents.Type{{Key: "vulnerability", Name: "Vulnerability"}, {Key: "ci", Name: "CI compromise", Floor: "critical"}},
		Sources:  []incidents.Source{{Key: "github", Name: "GitHub", Reporter: true}, {Key: "scanning", Name: "Scanning"}},
		Roles:    []incidents.Role{{Key: "patch", Name: "Patch Owner"}, {Key: "lead", Name: "Lead", Lead: true}},
		Outcomes: []incidents.Outcome{{Key: "fixed", Name: "fixed and disclosed"}},
		Levels: []incidents.Level{
			{Key: "critical", Name: "Critical", From: 90, To: 100},
			{Key: "high", Name: "High", From: 70, To: 89},
			{Key: "medium", Name: "Medium", From: 40, To: 69},
			{Key: "low", Name: "Low", From: 1, To: 39},
		},
		Clocks: []incidents.ClockRule{{
			Key: "acknowledgement", Name: "Acknowledgement", From: "reported", When: []string{"reporter"}, Until: []string{"acknowledged"}, Due: 72 * h,
			Rungs: []time.Duration{24 * h, 48 * h, 66 * h, 72 * h}, Repeat: 24 * h, Role: "lead",
		}},
	}
}

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// opened is an incident that alice opened at noon.
func opened(t testing.TB, o incidents.Opening) incidents.Incident {
	t.Helper()
	o.N, o.Handle, o.Codename = 1, "INC-1", "quiet harbour"
	i, _, err := incidents.OpenIncident(testPlan(), o, "alice", noon())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// refused checks that a rule said no with a key; "" for yes.
func refused(t testing.TB, err error, key string) {
	t.Helper()
	no, ok := incidents.AsRefusal(err)
	switch {
	case key == "" && err == nil:
	case !ok || no.Key != key:
		t.Errorf("got %v, want the refusal %q", err, key)
	}
}

func same(t testing.TB, what string, s incidents.Sealed, want string) {
	t.Helper()
	if !s.Same(incidents.Seal(want)) {
		t.Errorf("%s is %q, not %q", what, s.Reveal(fullClearance()), want)
	}
}

func TestPlanFinds(t *testing.T) {
	p := testPlan()
	for kind, want := range map[string][]string{
		"type": {"vulnerability", "ci"}, "source": {"github", "scanning"}, "role": {"patch", "lead"},
		"level": {"critical", "high", "medium", "low"}, "outcome": {"fixed"}, "clock": {"acknowledgement"}, "track": nil, "step": nil, "nonsense": nil,
	} {
		if got := p.Keys(kind); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
	if p.LeadRole().Key != "lead" || (incidents.Plan{}).LeadRole().Key != "" {
		t.Error("the lead's role is the one with Lead")
	}
	none := incidents.Incident{}
	if p.TypeOf(none).Key != "" || p.SourceOf(none).Key != "" {
		t.Error("an incident without type and source has some")
	}
	i := incidents.Incident{Type: incidents.Seal("ci"), Source: incidents.Seal("scanning")}
	if p.TypeOf(i).Name != "CI compromise" || p.SourceOf(i).Name != "Scanning" {
		t.Error("the type and the source of an incident are found by their keys")
	}
}

// TestLevelFor: every score has the level of section 5 and 0.0 has none.
func TestLevelFor(t *testing.T) {
	for tenths, want := range map[int]string{
		0: "", 1: "low", 39: "low", 40: "medium", 69: "medium", 70: "high", 89: "high", 90: "critical", 100: "critical", 101: "",
	} {
		l, ok := testPlan().LevelFor(tenths)
		if l.Key != want || ok != (want != "") {
			t.Errorf("%d tenths: %q, want %q", tenths, l.Key, want)
		}
	}
}

// TestCardSeals: what a template is given is sealed but for handle, codename,
// phase, level, roles, times, and the names of clocks.
func TestCardSeals(t *testing.T) {
	plain := map[string]bool{
		"handle": true, "codename": true, "phase": true, "level": true, "levelkey": true, "target": true, "lead": true, "opener": true,
		// These are for templates to choose by, behind .full.
		"open": true, "acknowledged": true, "differs": true, "floor": true, "known": true, "taken": true,
		"opened": true, "reported": true, "ackat": true, "closedat": true, "now": true, "roles": true, "clocks": true,
		"embargo": true, "embargodated": true, "embargoover": true, "agreed": true, "undone": true,
		"embargoat": true, "agreedat": true, "endedat": true, "asked": true, "askedby": true, "askeduntil": true,
	}
	for name, v := range incidents.Card(testPlan(), opened(t, incidents.Opening{}), noon()) {
		if _, ok := v.(incidents.Sealed); ok == plain[name] {
			t.Errorf("%s is a %T", name, v)
		}
	}
}

// TestRungCard: the words of a reminder know whether it is early, now or late.
func TestRungCard(t *testing.T) {
	p, i := testPlan(), opened(t, incidents.Opening{})
	c := incidents.Clocks(p, i)[0]
	for _, x := range []struct {
		rung, now     time.Duration
		late          bool
		left          string
		over, atOnce  bool
		who, clockkey string
	}{
		{24 * time.Hour, 24*time.Hour + time.Second, false, "2 d", false, false, "alice", "acknowledgement"},
		{72 * time.Hour, 72*time.Hour + time.Second, false, "0 min", false, true, "alice", "acknowledgement"},
		{96 * time.Hour, 96 * time.Hour, false, "1 d", true, false, "alice", "acknowledgement"},
		{66 * time.Hour, 71 * time.Hour, true, "1 h", false, false, "alice", "acknowledgement"},
		{72 * time.Hour, 75 * time.Hour, true, "3 h", true, false, "alice", "acknowledgement"},
	} {
		f := incidents.RungCard(p, i, c, noon().Add(x.rung), noon().Add(x.now), x.late)
		got := []any{f["left"], f["overdue"], f["moment"], f["who"], f["clockkey"], f["late"]}
		if f["moment"] == true {
			got[0] = x.left // nothing is left, and nobody says so
		}
		if want := []any{x.left, x.over, x.atOnce, x.who, x.clockkey, x.late}; !reflect.DeepEqual(got, want) {
			t.Errorf("rung %v at %v: %v, want %v", x.rung, x.now, got, want)
		}
	}
}

// TestRulesNameNoMoreThanEveryPlanHas: what stands by its key in a rule is wanted of every
// plan when it is read.
func TestRulesNameNoMoreThanEveryPlanHas(t *testing.T) {
	named := regexp.MustCompile(`"(step):([a-z-]+)"|\.(Step|ClockRule|Track|Level|Type|Source|Outcome)\("([a-z-]+)"\)|(Track|Level)(?:Of\([^()]*\)\.Key)? [!=]= "([a-z-]+)"`)
	found := 0
	for _, dir := range []string{".", "store", "outbox", "../commands", "../templates", "../cmd/bot"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				kind, key := strings.ToLower(m[1]+m[3]+m[5]), m[2]+m[4]+m[6]
				if found++; !slices.Contains(incidents.Needed(), [2]string{kind, key}) {
					t.Errorf("%s names the %s %q, which no plan has to have", f, kind, key)
				}
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d names were found", found)
	}
}
