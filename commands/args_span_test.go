package commands

import "testing"

// TestTimeSpan: a reason may begin with a word that looks like a zone's abbreviation.
func TestTimeSpan(t *testing.T) {
	for text, want := range map[string]int{
		"tue 08:00 it is earlier":       2,
		"tue 08:00 IT wants it earlier": 2,
		"tue 08:00 best we can do":      2,
		"tue 08:00 met with the lists":  2,
		"tue 08:00 wet":                 2,
		"tue 08:00 CVE came":            2,
		"tue 08:00 est it is earlier":   3,
		"tue 08:00 CEST more":           3,
		"tue 08:00 MET more":            3,
		"tue 08:00 WEST more":           3,
		"tue 08:00 JST more":            3,
		"tue 08:00 Europe/Paris more":   3,
		"in 3 days because":             3,
	} {
		words := split(text)
		if got := timeSpan(words); got != want {
			t.Errorf("%q: the time has %d words, want %d", text, got, want)
		}
	}
}
