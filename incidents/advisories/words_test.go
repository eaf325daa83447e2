package advisories

import (
	"slices"
	"testing"

	"tocsin/bridges/github"
	"tocsin/incidents"
)

// TestCreditTypes: what people can say is what GitHub takes.
func TestCreditTypes(t *testing.T) {
	if !slices.Equal(incidents.CreditTypes(), github.CreditTypes()) {
		t.Errorf("%q and %q", incidents.CreditTypes(), github.CreditTypes())
	}
}
