package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/incidents"
)

// TestACopyIsWholeWhileTheFileIsWritten copies a file again and again while its owner
// writes to it without a pause: each copy is one moment of it, and neither waits for
// the other.
func TestACopyIsWholeWhileTheFileIsWritten(t *testing.T) {
	d := newDesk(t)
	i := d.add()
	ctx, stop := context.WithCancel(context.Background())
	wrote, done := make(chan int), make(chan error, 1)
	go func() {
		var err error
		n := 0
		for ; err == nil && ctx.Err() == nil; n++ {
			err = d.Update(context.Background(), func(tx *Tx) error {
				row := Row{Key: fmt.Sprint("row/", n), Kind: "say", Network: "irc", Room: "#desk", Facts: incidents.Facts{}, Incident: i.N}
				e := incidents.Entry{Incident: i.N, Kind: "noted", Who: "alice", At: tx.Now(), Text: incidents.Seal(strings.Repeat("x", 2000))}
				return errors.Join(tx.Record(e), tx.Queue(row))
			})
			select {
			case wrote <- n:
			default:
			}
		}
		done <- err
	}()
	last := 0
	for n := range 5 {
		<-wrote // it goes on writing
		to := filepath.Join(t.TempDir(), "copy.db")
		must(t, Copy(ctx, d.path, to))
		must(t, Intact(ctx, to))
		info, err := os.Stat(to)
		must(t, err)
		if info.Mode() != 0o600 {
			t.Errorf("its mode is %v", info.Mode())
		}
		c, err := Open(ctx, to, Options{ReadOnly: true})
		must(t, err)
		v, err := c.Verify(ctx)
		must(t, err)
		about, err := c.About(ctx)
		must(t, errors.Join(err, c.Close()))
		// The entry and the row of one transaction are both in it, or neither.
		if about.Seq != v.Entries || about.Head != v.Head || about.Row != about.Seq-1 || about.Schema != Version() || about.Rehearsal {
			t.Errorf("%+v of %+v", about, v)
		}
		if v.Entries <= last {
			t.Errorf("copy %d has %d entries after %d: the bot was held up", n, v.Entries, last)
		}
		last = v.Entries
	}
	stop()
	must(t, <-done)
}

// TestCopyOverwritesNothing, and what is not there is not copied.
func TestCopyOverwritesNothing(t *testing.T) {
	d := newDesk(t)
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := Copy(context.Background(), d.path+"x", to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	must(t, os.WriteFile(to, []byte("theirs"), 0o600))
	if err := Copy(context.Background(), d.path, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there: %v", err)
	}
	got, err := os.ReadFile(to)
	if err != nil || string(got) != "theirs" {
		t.Errorf("it is %q now, %v", got, err)
	}
}

// TestNothingIsOpenedInTheMiddleOfARestore, to write or to read, and who restores again
// learns by which word things were moved aside.
func TestNothingIsOpenedInTheMiddleOfARestore(t *testing.T) {
	d := newDesk(t)
	must(t, d.Close())
	for k, given := range []string{"first", "second"} {
		if word, err := BeginRestore(d.path, given); err != nil || word != "first" {
			t.Errorf("%d: %q, %v", k, word, err)
		}
		for _, readOnly := range []bool{false, true} {
			if _, err := Open(context.Background(), d.path, Options{ReadOnly: readOnly}); !errors.Is(err, ErrRestoring) {
				t.Errorf("opened, for reading only %v: %v", readOnly, err)
			}
		}
	}
	l, err := Lock(d.path) // who was refused holds nothing
	must(t, err)
	must(t, l.Close())
	must(t, EndRestore(d.path))
	d.open()
	if word, err := BeginRestore(d.path, "third"); err != nil || word != "third" {
		t.Errorf("%q, %v", word, err)
	}
}

// TestTheLastBackupIsNoted beside a file that another process has.
func TestTheLastBackupIsNoted(t *testing.T) {
	d := newDesk(t)
	if _, ok, err := LastBackup(d.path); ok || err != nil {
		t.Errorf("before any: %v %v", ok, err)
	}
	for _, at := range []time.Time{monday(), monday().Add(time.Hour)} {
		must(t, NoteBackup(d.path, at.In(time.FixedZone("", 3600))))
		if got, ok, err := LastBackup(d.path); !ok || err != nil || !got.Equal(at) {
			t.Errorf("%v %v %v", got, ok, err)
		}
	}
	must(t, os.WriteFile(d.path+".backup", []byte("yesterday"), 0o600))
	if _, _, err := LastBackup(d.path); err == nil || !strings.Contains(err.Error(), "the next one writes it anew") {
		t.Errorf("%v", err)
	}
}
