package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/console"
	"tocsin/cmd/bot/archive"
	"tocsin/incidents/store"
)

// deskConfig is a configuration of a desk on IRC; it is never served.
const deskConfig = `
[project]
name = "Pillow"
prefix = %q

[state]
file = "desk.db"

[[person]]
name = "alice"
zone = "Europe/Helsinki"
accounts = ["libera:alice"]

[[irc]]
name = "libera"
server = "irc.example.org:6697"
nick = "tocsin"
account = "tocsin"
sasl = "plain"
password_file = "password"

[[irc.room]]
channel = "#desk"
desk = true
clearance = "notice"
`

// wantRan runs the program and holds its exit code and what it says against what is
// wanted.
func wantRan(t *testing.T, dir, in string, code int, says string, args ...string) string {
	t.Helper()
	got := bot(t, dir, in, args...)
	if got.code != code || !strings.Contains(got.out+got.err, says) {
		t.Fatalf("%v: exit %d, want %d with %q:\n%s%s", args, got.code, code, says, got.out, got.err)
	}
	return got.out + got.err
}

// folder gives the names in a folder, but for the logs of SQLite's and locks.
func folder(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	must(t, err)
	var out []string
	for _, e := range list {
		if name := e.Name(); !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") && !strings.HasSuffix(name, ".lock") {
			out = append(out, name)
		}
	}
	return out
}

// TestBackupAndRestore goes the whole way of a rehearsal: a backup while the bot runs
// and is talked to, more talk, a restore, and what the bot says then.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	wantRan(t, dir, "!incident open Heap overflow\n!incident note kept by the backup\n", 0, "INC-1", "-db", "a.db")
	r, err := openRehearsal(t.Context(), rehearsalOptions{
		dbPath: filepath.Join(dir, "a.db"), in: strings.NewReader(""), out: &output{}, log: quiet(), clock: &clock{},
	})
	must(t, err)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		for n := 0; err == nil; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
				err = r.Message(context.Background(), bridges.Message{
					ID: fmt.Sprint("m", n), Room: console.Room(), Name: "alice", From: bridges.Account{Network: console.Network, ID: "alice"},
					Text: "!incident note while it is copied", At: time.Now(),
				})
			}
		}
		done <- err
	}()
	said := wantRan(t, dir, "", 0, "read back and verified", "backup", "-db", "a.db", "out.tar")
	close(stop)
	must(t, <-done)
	if !strings.Contains(said, "desk.db: the desk, ") || !strings.Contains(said, "in the clear") || strings.Contains(said, "Heap") {
		t.Errorf("it says: %s", said)
	}
	if info, err := os.Stat(filepath.Join(dir, "out.tar")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if at, ok, err := store.LastBackup(filepath.Join(dir, "a.db")); !ok || err != nil || time.Since(at) > time.Minute {
		t.Errorf("noted: %v %v %v", at, ok, err)
	}
	wantRan(t, dir, "", 1, "out.tar is there already and is left as it is", "backup", "-db", "a.db", "out.tar")
	wantRan(t, dir, "", 1, "in use by another tocsin", "restore", "-db", "a.db", "out.tar")
	must(t, r.close())
	wantRan(t, dir, "!incident open After the backup\n", 0, "INC-2", "-db", "a.db")
	if got := folder(t, dir); !slices.Equal(got, []string{"a.db", "a.db.backup", "out.tar"}) {
		t.Errorf("there are %v", got)
	}

	said = wantRan(t, dir, "", 0, "Done.", "restore", "-db", "a.db", "out.tar")
	_, aside, _ := strings.Cut(said, "What was there is ")
	aside, _, _ = strings.Cut(aside, " now.")
	wantRan(t, dir, "", 0, "the record is whole", "verify", filepath.Join(dir, filepath.Base(aside)))
	wantRan(t, dir, "", 0, "the record is whole", "verify", "a.db")
	said = wantRan(t, dir, "!incident list\n!timeline 3\n", 0, "I was restored from a backup of", "-db", "a.db")
	if strings.Contains(said, "After the backup") || strings.Contains(said, "is open: Heap") ||
		!strings.Contains(said, "1 incident is open here, INC-1 is the newest") || !strings.Contains(said, "tocsin was restored from a backup of") {
		t.Errorf("after a restore:\n%s", said)
	}
	if first, _, _ := strings.Cut(said[strings.Index(said, "<"):], "\n"); !strings.Contains(first, "I was restored") {
		t.Errorf("it begins with %q", first)
	}
	if again := wantRan(t, dir, "!ping\n", 0, "Here", "-db", "a.db"); strings.Contains(again, "I was restored") {
		t.Errorf("it says so again:\n%s", again)
	}
	if got := folder(t, dir); !slices.Equal(got, []string{"a.db", "a.db.backup", filepath.Base(aside), "out.tar"}) {
		t.Errorf("there are %v", got)
	}
}

// TestWhatIsNotRestored: each backup that does not fit is refused, with what would
// work, and everything is as it was.
func TestWhatIsNotRestored(t *testing.T) {
	dir := t.TempDir()
	wantRan(t, dir, "!incident open A rehearsal\n", 0, "INC-1", "-db", "a.db")
	wantRan(t, dir, "", 0, "Done", "backup", "-db", "a.db", "a.tar")
	must(t, os.WriteFile(filepath.Join(dir, "password"), []byte("p\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "desk.toml"), fmt.Appendf(nil, deskConfig, "INC"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "other.toml"), fmt.Appendf(nil, deskConfig, "PIL"), 0o600))
	st, err := store.Open(t.Context(), filepath.Join(dir, "desk.db"), store.Options{Prefix: "INC"})
	must(t, errors.Join(err, st.Close()))
	said := wantRan(t, dir, "", 0, "Done", "backup", "-config", "desk.toml", "desk.tar")
	if !strings.Contains(said, "Not in it, so keep them elsewhere: the configuration and the secrets") {
		t.Errorf("it says: %s", said)
	}
	good, err := os.ReadFile(filepath.Join(dir, "a.tar"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "cut.tar"), good[:len(good)/2], 0o600))
	changed := bytes.Replace(good, []byte("A rehearsal"), []byte("A rehEArsal"), 1)
	must(t, os.WriteFile(filepath.Join(dir, "changed.tar"), changed, 0o600))
	repack(t, dir, "a.tar", "newer.tar", func(m *archive.Manifest) { m.Schema = store.Version() + 1 }, nil)
	repack(t, dir, "a.tar", "head.tar", func(m *archive.Manifest) { m.Head = strings.Repeat("0", 64) }, nil)
	repack(t, dir, "a.tar", "kind.tar", func(m *archive.Manifest) { m.Rehearsal = false }, nil)
	repack(t, dir, "a.tar", "part.tar", func(m *archive.Manifest) { m.Parts[0].Kind = "something new" }, nil)
	repack(t, dir, "a.tar", "desks.tar", func(m *archive.Manifest) { m.Parts = nil }, nil)
	repack(t, dir, "a.tar", "broken.tar", nil, func(b []byte) []byte { return append(b[:5000:5000], make([]byte, len(b)-5000)...) })
	before := folder(t, dir)
	was, err := os.ReadFile(filepath.Join(dir, "a.db"))
	must(t, err)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-config", "desk.toml", "a.tar"}, 1, "it is a rehearsal's, and a real desk does not take it"},
		{[]string{"-db", "a.db", "desk.tar"}, 1, "it is a real desk's, and a rehearsal does not take it"},
		{[]string{"-config", "other.toml", "desk.tar"}, 1, "its incidents are called INC-1 and so on, and the configuration says PIL"},
		{[]string{"-db", "a.db", "cut.tar"}, 1, "it was cut"},
		{[]string{"-db", "a.db", "changed.tar"}, 1, "desk.db is not as it was written"},
		{[]string{"-db", "a.db", "newer.tar"}, 1, "made by a newer tocsin"},
		{[]string{"-db", "a.db", "head.tar"}, 1, "another one than the manifest says"},
		{[]string{"-db", "a.db", "kind.tar"}, 1, "another one than the manifest says"},
		{[]string{"-db", "a.db", "part.tar"}, 1, "use the tocsin that made it"},
		{[]string{"-db", "a.db", "desks.tar"}, 1, "has no desk in it"},
		{[]string{"-db", "a.db", "broken.tar"}, 1, "desk.db in it: "},
		{[]string{"-db", "a.db", "a.db"}, 1, "no whole backup of a tocsin"},
		{[]string{"-db", "a.db", "typo.tar"}, 1, "there is no such file"},
		{[]string{"-config", "typo.toml", "a.tar"}, 2, "typo.toml"},
		{[]string{"-db", "a.db"}, 2, "Say from which file"},
	} {
		wantRan(t, dir, "", c.code, c.says, append([]string{"restore"}, c.args...)...)
		now, err := os.ReadFile(filepath.Join(dir, "a.db"))
		if got := folder(t, dir); err != nil || !bytes.Equal(was, now) || !slices.Equal(got, before) {
			t.Errorf("%v left %v: %v", c.args, got, err)
		}
	}
	wantRan(t, dir, "", 2, "Say into which file", "backup", "-db", "a.db")
	wantRan(t, dir, "", 2, "there is no such file", "backup", "-db", "typo.db", "x.tar")
	wantRan(t, dir, "", 1, "cannot be read", "backup", "-db", "password", "x.tar")
	if got := folder(t, dir); !slices.Equal(got, before) {
		t.Errorf("there are %v", got)
	}
}

// repack makes another archive of one, as somebody could who makes them.
func repack(t *testing.T, dir, from, to string, manifest func(*archive.Manifest), desk func([]byte) []byte) {
	t.Helper()
	work := t.TempDir()
	f, err := os.Open(filepath.Join(dir, from))
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	m, err := archive.Read(f, info.Size(), work)
	must(t, err)
	if desk != nil {
		path := filepath.Join(work, deskName)
		text, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, desk(text), 0o600))
		m.Parts[0], err = archive.Measure(m.Parts[0], path)
		must(t, err)
	}
	if manifest != nil {
		manifest(&m)
	}
	must(t, writeArchive(filepath.Join(dir, to), m, work))
}

// errCrash is what a test ends the program with.
var errCrash = errors.New("the program ended here")

// crashAt runs the program and ends it at its n-th step; false when it has fewer.
func crashAt(t *testing.T, dir string, n int, args ...string) (step string, crashed bool) {
	t.Helper()
	t.Chdir(dir)
	out, k := &output{}, 0
	p := program{in: strings.NewReader(""), out: out, err: out, env: func(string) (string, bool) { return "", false }}
	p.failpoint = func(name string) {
		if step, k = name, k+1; k == n {
			panic(errCrash)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); !ok || !errors.Is(err, errCrash) {
				panic(r)
			}
			crashed = true
		}
	}()
	if code := p.run(context.Background(), args); code != exitOK {
		t.Fatalf("%v: exit %d: %s", args, code, out)
	}
	return step, false
}
