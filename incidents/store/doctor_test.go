package store

import (
	"context"
	"os"
	"testing"
)

// TestShapeAndClaim: how the file is kept can be seen while a bot has it open, and
// nobody opens it while somebody else claims it.
func TestShapeAndClaim(t *testing.T) {
	d := newDesk(t)
	look, err := Open(context.Background(), d.path, Options{ReadOnly: true})
	must(t, err)
	defer look.Close()
	if s, err := look.Shape(context.Background()); err != nil || s != (Shape{Version: Version(), Logs: true}) {
		t.Errorf("%+v, %v", s, err)
	}
	release, running, err := Claim(d.path)
	must(t, err)
	if !running {
		t.Error("nobody is seen to have it open")
	}
	release() // there is nothing to release
	must(t, d.Close())
	release, running, err = Claim(d.path)
	must(t, err)
	if running {
		t.Error("somebody is seen to have it open")
	}
	if other, err := Open(context.Background(), d.path, Options{}); err == nil {
		must(t, other.Close())
		t.Error("it is opened while it is claimed")
	}
	release()
	d.open()
	if _, running, err := Claim(t.TempDir() + "/none.db"); running || err != nil {
		t.Errorf("where there is no file: %v, %v", running, err)
	}
	if _, err := os.Stat(t.TempDir() + "/none.db.lock"); err == nil {
		t.Error("looking made a file")
	}
}
