package templates

import (
	"strings"
	"testing"

	"tocsin/incidents"
)

// TestPillowOutside holds what drafts have to know of the project against section 8
// of its plan.
func TestPillowOutside(t *testing.T) {
	want := incidents.Outside{
		Upgrade:    "python3 -m pip install --upgrade Pillow",
		Advisories: "https://github.com/python-pillow/Pillow/security/advisories", FreshDays: 7,
	}
	if got := pillow(t).Outside; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestBadOutside: what drafts could not be made from is an error that names the place.
func TestBadOutside(t *testing.T) {
	for _, c := range []struct{ old, new, names string }{
		{`fresh_days = 7`, `fresh_days = -1`, "outside: fresh_days"},
		{`fresh_days = 7`, `fresh_days = 91`, "outside: fresh_days"},
		{`fresh_days = 7`, `fresh = 7`, `the key "outside.fresh"`},
		{`advisories = "https://`, `advisories = "http://`, "outside: advisories"},
		{`/security/advisories"`, `/security/advisories/"`, "outside: advisories"},
		{`upgrade = "python3`, `upgrade = "a\nb`, "outside: upgrade"},
		{`draft = "decline-duplicate"`, `drafts = "x"`, `the key "outcome.drafts"`},
	} {
		text := readPillow(t)
		changed := strings.Replace(text, c.old, c.new, 1)
		if changed == text {
			t.Fatalf("plan.toml has no %s", c.old)
		}
		if _, err := parsePlan("plan.toml", []byte(changed)); err == nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: %v, want %q", c.new, err, c.names)
		}
	}
}

func readPillow(t *testing.T) string {
	t.Helper()
	text, err := builtin.ReadFile("plans/pillow/plan.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
