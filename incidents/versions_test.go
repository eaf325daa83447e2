package incidents_test

import (
	"fmt"
	"testing"

	"tocsin/incidents"
)

// TestVersionsIn: versions as people write them are read, and words for not knowing
// one are none.
func TestVersionsIn(t *testing.T) {
	for text, want := range map[string]string{
		"12.3.1": "[12.3.1]", "2.0rc1": "[2.0rc1]", "1.2.3.post1": "[1.2.3.post1]", "v12.3.1": "[v12.3.1]", "13": "[13]", "12.3.1 and 11.4.2": "[12.3.1 11.4.2]",
		"Pillow 12.3.1.": "[12.3.1]", "(12.3.1)": "[12.3.1]", "12.4.0b2, 12.3.1": "[12.4.0b2 12.3.1]",
		"soon": "[]", "TBD": "[]", "?": "[]", "": "[]", "12.x": "[]", "12.*": "[]", "python3": "[]", "the next one": "[]", "x.y.z": "[]", "1a2b3c4d": "[]",
	} {
		if got := fmt.Sprint(incidents.VersionsIn(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestAffects: a fixed version that is called affected too is found, and no other is.
func TestAffects(t *testing.T) {
	for _, c := range []struct {
		affected, version string
		want              bool
	}{
		{">= 2.0, < 12.3.1", "12.3.1", false},
		{">= 2.0, < 12.3.1", "12.3.0", true},
		{">= 2.0, < 12.3.1", "12.3.1rc1", true},
		{">= 2.0, < 12.3.1", "1.9", false},
		{">= 10.3.0 and < 12.1.1", "12.1.1", false},
		{"12.2.0 to 12.3.0", "12.3.1", false},
		{"12.2.0 to 12.3.0", "12.3.0", true},
		{"12.2.0 - 12.3", "12.3.0", true},
		{"12.2.0-12.3.0", "12.2.1", true},
		{"12.2.0–12.3.0", "12.3.0.post1", false},
		{"from 10.3.0 through 12.3.0", "12.3.0", true},
		{"from 10.3.0 up to 12.3.1", "12.3.1", false},
		{"from 10.3.0 up to and including 12.3.0", "12.3.0", true},
		{"all before 12.3.1", "12.3.1", false},
		{"all before 12.3.1", "12.3.0", true},
		{"prior to 12.3.1", "12.2", true},
		{"< 12.3.1", "12.3.1.post1", false},
		{"<= 12.3.0", "12.3.0", true},
		{"≤ 12.3.0", "12.3.1", false},
		{"12.3.0 and earlier", "12.3.0", true},
		{"12.3.0 and older", "12.3.1", false},
		{"10.3.0 and newer", "12.3.1", false},
		{"10.3.0 and later", "10.3.0", false},
		{"10.3.0+", "12.3.1", false},
		{">= 10.3.0", "12.3.1", false},
		{"since 10.3", "12.3.1", false},
		{"12.2.0, 12.3.0", "12.3.0", true},
		{"12.2.0 and 12.3.0", "12.3.1", false},
		{"12.3.1", "12.3.1", true},
		{"== 12.3.1", "v12.3.1", true},
		{"10.0 to 10.4, 12.0 to 12.3", "11.0", false},
		{"10.0 to 10.4, 12.0 to 12.3", "12.1", true},
		{">= 10.0, < 10.4; >= 12.0, < 12.3.1", "11.0", false},
		{">= 10.0, < 10.4; >= 12.0, < 12.3.1", "12.3", true},
		{"all before 12.3.1 except 11.4.2", "11.4.2", false}, // it is not read
		{"all versions", "12.3.1", false},
		{"12.x", "12.3.1", false},
		{"2.0rc1 to 2.0", "2.0rc1", true},
		{"2.0rc1 to 2.0", "2.0b1", false},
		{"2.0rc1 to 2.0", "2.0.1", false},
		{"", "12.3.1", false},
	} {
		if got := incidents.Affects(c.affected, c.version); got != c.want {
			t.Errorf("%q affects %s: %v", c.affected, c.version, got)
		}
	}
}

// TestLatest orders versions as pip does.
func TestLatest(t *testing.T) {
	order := []string{"1.9", "2.0a1", "2.0b1", "2.0rc1", "2.0rc2", "2.0", "2.0.post1", "2.0.1", "2.10", "12"}
	for k := range order {
		if got := incidents.Latest(order[:k+1]); got != order[k] {
			t.Errorf("of %v %s is the latest", order[:k+1], got)
		}
	}
	if !incidents.SameVersion("v12.3.0-RC1", "12.3rc1") || !incidents.SameVersion("12.3", "12.3.0") || incidents.SameVersion("12.3", "12.3.1") || incidents.Latest(nil) != "" {
		t.Error("two spellings of one version differ, or two versions are one")
	}
}

// FuzzAffects: whatever people type as versions, it is read to its end.
func FuzzAffects(f *testing.F) {
	f.Add(">= 2.0, < 12.3.1", "12.3.1")
	f.Add("12.2.0 to 12.3.0 and earlier", "v2.0-rc1.post3")
	f.Add("..~-1", "\xff")
	f.Fuzz(func(_ *testing.T, affected, version string) {
		incidents.Affects(affected, version)
		incidents.VersionsIn(affected)
	})
}

// TestFactsNotKnown: a word for not knowing a fact is refused as its value.
func TestFactsNotKnown(t *testing.T) {
	for _, c := range []struct {
		name, value string
		good        bool
	}{
		{"fixed", "12.3.1", true},
		{"fixed", "12.3.1 and 11.4.2", true},
		{"fixed", "2.0rc1", true},
		{"fixed", "soon", false},
		{"fixed", "TBD", false},
		{"fixed", "?", false},
		{"affected", "all before 12.3.1", true},
		{"affected", "all versions", true},
		{"affected", "none", true},
		{"affected", "12.x", true},
		{"affected", "tbd", false},
		{"affected", "?", false},
		{"affected", "not yet known", false},
		{"affected", "n/a", false},
	} {
		if _, _, err := incidents.SetFact(incidents.Incident{}, c.name, c.value, "alice", noon()); (err == nil) != c.good {
			t.Errorf("%s %s: %v", c.name, c.value, err)
		}
	}
}

// TestRemoveFact: a fact can be taken away again, and all that was kept with it.
func TestRemoveFact(t *testing.T) {
	good := map[string]string{"cwe": "CWE-787", "cve": "CVE-2026-25990", "ghsa": "GHSA-cfh3-3jmp-rvhc"}
	for _, name := range incidents.FactNames() {
		value := good[name]
		if value == "" {
			value = "12.3.1"
		}
		i, _, err := incidents.SetFact(incidents.Incident{}, name, value, "alice", noon())
		if err != nil {
			t.Fatal(err)
		}
		set := incidents.Basis(testPlan(), i)
		i, e, err := incidents.RemoveFact(i, name, "bob", noon())
		if err != nil || e.Kind != "fact-removed" || e.Plain != name || e.Who != "bob" || !i.CVEAt.IsZero() {
			t.Errorf("%s: %+v %v", name, e, err)
		}
		if got := incidents.Basis(testPlan(), i); !got.Same(incidents.Basis(testPlan(), incidents.Incident{})) || got.Same(set) {
			t.Errorf("%s: a text that was approved does not rest on it, or it is still there", name)
		}
		if _, _, err := incidents.RemoveFact(i, name, "bob", noon()); err == nil {
			t.Errorf("%s was taken away twice", name)
		}
	}
	if _, _, err := incidents.RemoveFact(incidents.Incident{}, "colour", "bob", noon()); err == nil {
		t.Error("what is no fact was taken away")
	}
}
