package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestWhatARoomWasShownIsKept: all of a request, in its own room, in every try that
// may have arrived.
func TestWhatARoomWasShownIsKept(t *testing.T) {
	const room = "#desk"
	showing := func(whole, fresh bool) func(*Tx) error {
		return func(tx *Tx) error { return tx.Showing("ABCDE", "irc", room, whole, fresh) }
	}
	arrived := func(tx *Tx) error { return tx.Shown("ABCDE", "irc", room) }
	all, some, again := showing(true, true), showing(false, true), showing(true, false)
	for name, c := range map[string]struct {
		steps []func(*Tx) error
		want  bool
	}{
		"nothing was said":               {nil, false},
		"it was only tried":              {[]func(*Tx) error{all}, false},
		"it arrived, nobody knows what":  {[]func(*Tx) error{arrived}, false},
		"all of it was said":             {[]func(*Tx) error{all, arrived}, true},
		"tried twice":                    {[]func(*Tx) error{all, again, arrived}, true},
		"less was said":                  {[]func(*Tx) error{some, arrived}, false},
		"less may have been said before": {[]func(*Tx) error{some, again, arrived}, false},
		"less surely did not arrive":     {[]func(*Tx) error{some, all, arrived}, true},
		"less was said at last":          {[]func(*Tx) error{all, showing(false, false), arrived}, false},
		"once shown it stays shown":      {[]func(*Tx) error{all, arrived, some, arrived}, true},
		"in another room": {[]func(*Tx) error{
			func(tx *Tx) error { return tx.Showing("ABCDE", "irc", "bob", true, true) },
			func(tx *Tx) error { return tx.Shown("ABCDE", "irc", "bob") },
		}, false},
		"on another network": {[]func(*Tx) error{
			func(tx *Tx) error { return tx.Showing("ABCDE", "oftc", room, true, true) },
			func(tx *Tx) error { return tx.Shown("ABCDE", "oftc", room) },
		}, false},
		"it was voided": {[]func(*Tx) error{all, func(tx *Tx) error { return tx.EndApproval("ABCDE", "voided", "") }, arrived}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.do(func(tx *Tx) error {
				a := incidents.Approval{Code: "ABCDE", Asker: "alice", Act: incidents.Seal("x"), Network: "irc", Room: room, Expires: tx.Now().Add(time.Hour)}
				b := a
				b.Code, b.Shown = "FGHJK", true
				return errors.Join(tx.Ask(a), tx.Ask(b))
			})
			for _, step := range c.steps {
				d.do(step)
				d.reopen()
			}
			d.do(func(tx *Tx) error {
				a, ok, err := tx.Approval("ABCDE")
				b, _, err2 := tx.Approval("FGHJK")
				if !ok || a.Shown != c.want || !b.Shown {
					t.Errorf("shown: %t, want %t; what hides nothing: %t", a.Shown, c.want, b.Shown)
				}
				return errors.Join(err, err2)
			})
		})
	}
}

// ofSchema is a desk that is not open, with a file of an older schema.
func ofSchema(t *testing.T, version int) *desk {
	t.Helper()
	d := &desk{t: t, path: filepath.Join(t.TempDir(), "t.db"), now: monday(), plan: onePlan()}
	names, err := schemaFiles()
	must(t, err)
	for _, name := range names[:version] {
		text, err := schemas.ReadFile(name)
		must(t, err)
		d.raw(string(text))
	}
	d.raw(fmt.Sprintf(`PRAGMA user_version = %d`, version))
	return d
}

// TestNoHashOfAnActIsKept, also not in the file of an older program: who erased the act
// erased what it could be guessed from.
func TestNoHashOfAnActIsKept(t *testing.T) {
	const sum = "5ca1ab1e5ca1ab1e5ca1ab1e"
	d := ofSchema(t, 12)
	d.raw(`INSERT INTO approval (code, asker, act, version, hash, network, room, expires, done, done_by, shown)
		VALUES ('ABCDE', 'alice', 'guest allow', 0, '` + sum + `', 'irc', '#desk', 0, '', '', 'yes')`)
	d.open()
	defer func() { d.Close() }()
	d.do(func(tx *Tx) error {
		if a, ok, err := tx.Approval("ABCDE"); err != nil || !ok || !a.Act.Same(incidents.Seal("guest allow")) || !a.Shown {
			t.Errorf("%+v, %v, %v", a, ok, err)
		}
		return nil
	})
	for _, tail := range []string{"", "-wal"} {
		if text, err := os.ReadFile(d.path + tail); err != nil || bytes.Contains(text, []byte(sum)) {
			t.Errorf("t.db%s has the hash still: %v", tail, err)
		}
	}
}
