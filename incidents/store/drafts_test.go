package store

import (
	"testing"

	"tocsin/incidents"
)

// TestFactsForDraftsAreKept: the facts that only drafts are made from come back as
// they were, also from a file of before there were any.
func TestFactsForDraftsAreKept(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	if !i.GHSA.Empty() || !i.Library.Empty() {
		t.Error("a new incident has facts that nobody set")
	}
	d.change(i.N, func(i *incidents.Incident) {
		i.GHSA, i.Library = incidents.Seal("GHSA-cfh3-3jmp-rvhc"), incidents.Seal("libwebp")
	})
	d.reopen()
	d.do(func(tx *Tx) error {
		got, err := tx.Incident(i.N)
		if !got.GHSA.Same(incidents.Seal("GHSA-cfh3-3jmp-rvhc")) || !got.Library.Same(incidents.Seal("libwebp")) {
			t.Error("they are not what they were")
		}
		return err
	})
}
