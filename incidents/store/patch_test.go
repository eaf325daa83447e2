package store

import (
	"errors"
	"testing"

	"tocsin/incidents"
)

// TestPatchesAreKept: byte for byte, over a restart, one for each name; what was
// approved with a text is given out with it while it is that, and never another.
func TestPatchesAreKept(t *testing.T) {
	d := newDesk(t)
	i, other := d.add(), d.add()
	seal := incidents.Seal
	const body = "--- a\r\n+++ b\n+ü \t\n\\ No newline"
	patch := func(name, text string) incidents.Patch {
		p, err := incidents.NewPatch(i.N, seal(name), seal(text), "alice", d.now)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	s := incidents.Sending{Incident: i.N, Kind: "update", Way: incidents.ByMail, To: seal("erin@example.org"), Body: seal("b"), Hash: seal("h"), Part: 1, Parts: 1, AskedBy: "alice", State: incidents.SendQueued}
	d.do(func(tx *Tx) (err error) {
		for _, p := range []incidents.Patch{patch("b.patch", "--- x\n+++ y\n"), patch("b.patch", body), patch("a.diff", body+"!")} {
			if err := tx.PutPatch(p); err != nil {
				return err
			}
		}
		if s.ID, err = tx.AddSending(s); err != nil {
			return err
		}
		list, err := tx.Patches(i.N)
		return errors.Join(err, tx.Enclose(s.ID, list))
	})
	d.reopen()
	files := func(tx *Tx) []Enclosed {
		c, err := tx.Cargo(s)
		if errors.Is(err, ErrOtherPatches) {
			if c.Body != "b" || len(c.To) != 1 || c.Files != nil {
				t.Errorf("with other patches: %+v", c)
			}
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		return c.Files
	}
	d.do(func(tx *Tx) error {
		list, err := tx.Patches(i.N)
		if err != nil || len(list) != 2 || !list[0].Name.Same(seal("a.diff")) || !list[1].Body.Same(seal(body)) || list[1].Size != len(body) || list[1].By != "alice" || list[1].At.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
		if none, err := tx.Patches(other.N); len(none) != 0 || err != nil {
			t.Errorf("another incident's: %+v %v", none, err)
		}
		if got := files(tx); len(got) != 2 || got[1].Name != "b.patch" || string(got[1].Data) != body {
			t.Errorf("it goes with %q", got)
		}
		if err := tx.PutPatch(patch("c.patch", body)); err != nil || len(files(tx)) != 2 {
			t.Errorf("one that came later goes with it too: %v", err)
		}
		if err := tx.PutPatch(patch("b.patch", body+"\n")); err != nil || files(tx) != nil {
			t.Errorf("another of that name goes with it: %v", err)
		}
		if err := tx.PutPatch(patch("b.patch", body)); err != nil || len(files(tx)) != 2 {
			t.Errorf("the same again: %v", err)
		}
		if err := tx.DropPatch(list[0]); err != nil || files(tx) != nil {
			t.Errorf("one that is gone: %v", err)
		}
		if some, err := tx.TextsToForget(i.N); err != nil || !some {
			t.Errorf("nothing to forget: %v", err)
		}
		return tx.Forget(i.N)
	})
	d.reopen()
	d.do(func(tx *Tx) error {
		var left int
		err := tx.row(`SELECT (SELECT count(*) FROM patch) + (SELECT count(*) FROM enclosure)`).Scan(&left)
		if left != 0 {
			t.Errorf("%d are left when the reporter is forgotten", left)
		}
		return err
	})
}
