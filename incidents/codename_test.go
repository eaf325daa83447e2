package incidents_test

import (
	"fmt"
	"regexp"
	"testing"

	"tocsin/incidents"
)

// TestCodename: two small words that do not repeat within the first 1024, and
// are not the same ones for every project.
func TestCodename(t *testing.T) {
	plain := regexp.MustCompile(`^[a-z]+ [a-z]+$`)
	firsts := map[string]bool{}
	for k := range 200 {
		seed := fmt.Sprintf("seed %d", k)
		seen := map[string]int{}
		for n := range 1024 {
			name := incidents.Codename(seed, n)
			if before, twice := seen[name]; twice {
				t.Fatalf("%s: incidents %d and %d are both %q", seed, before, n, name)
			}
			if !plain.MatchString(name) {
				t.Fatalf("%s: incident %d is %q", seed, n, name)
			}
			seen[name] = n
		}
		if got, want := incidents.Codename(seed, 1024), incidents.Codename(seed, 0)+" 2"; got != want {
			t.Errorf("%s: after 1024 comes %q, want %q", seed, got, want)
		}
		firsts[incidents.Codename(seed, 1)] = true
	}
	if len(firsts) < 100 {
		t.Errorf("200 seeds give only %d names for the first incident", len(firsts))
	}
}
