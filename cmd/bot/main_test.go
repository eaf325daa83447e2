package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ran is what a run of the program came to.
type ran struct {
	code     int
	out, err string
}

// bot runs the program in a folder, as from a shell.
func bot(t *testing.T, dir, in string, args ...string) ran {
	t.Helper()
	t.Chdir(dir)
	var out, errs output
	p := program{in: strings.NewReader(in), out: &out, err: &errs, env: func(string) (string, bool) { return "", false }}
	code := p.run(context.Background(), args)
	return ran{code, out.String(), errs.String()}
}

// TestCommandLine: each word of the program, right and wrong, its exit code, and
// what it says.
func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, in string
		args     []string
		code     int
		says     string
	}{
		{"a rehearsal by a pipe", "!ping\n/quit\n!ping\n", []string{"-db", "a.db"}, 0, "<tocsin> Here, "},
		{"a rehearsal that is gone on with", "!incident open A title\n!suspend carol\n/wait 25h\n", []string{"-db", "a.db"}, 0, "A title"},
		{"and once more", "!incident list\n", []string{"-db", "a.db"}, 0, "Its clock was moved"},
		{"the record is whole", "", []string{"verify", "-db", "a.db"}, 0, "the record is whole, 2 entries"},
		{"the same by its name", "", []string{"verify", "a.db"}, 0, "the record is whole"},
		{"somebody is obeyed again", "", []string{"unsuspend", "carol", "-db", "a.db"}, 0, "carol is obeyed again."},
		{"who is obeyed already", "", []string{"unsuspend", "-db", "a.db", "carol"}, 1, "carol is not suspended."},
		{"nobody is named", "", []string{"unsuspend", "-db", "a.db"}, 2, "Say whom"},
		{"a file that is not there", "", []string{"unsuspend", "-db", "typo.db", "carol"}, 2, "there is no such file"},
		{"a record that is not there", "", []string{"verify", "-db", "typo.db"}, 2, "there is no such file"},
		{"a configuration to start from", "", []string{"init"}, 0, "Wrote config.toml"},
		{"nothing is overwritten", "", []string{"init"}, 1, "is there already and is left as it is"},
		{"a configuration without its secret", "", []string{"check"}, 2, "config.toml:95: irc.password_file: there is no such file"},
		{"a configuration that is not there", "", []string{"check", "-config", "no.toml"}, 2, "no.toml"},
		{"a login before there is a configuration", "", []string{"login", "matrix", "-config", "no.toml"}, 2, "no.toml:1: this file cannot be read"},
		{"both files", "", []string{"-db", "a.db", "-config", "config.toml"}, 2, "not both"},
		{"an unknown word", "", []string{"frobnicate"}, 2, `There is no "frobnicate".`},
		{"a word too many", "", []string{"init", "a", "b"}, 2, `There is nothing to do with "b".`},
		{"an unknown flag", "", []string{"-frobnicate"}, 2, "flag provided but not defined"},
		{"the version", "", []string{"version"}, 0, "tocsin "},
		{"help", "", []string{"help"}, 0, "bot login matrix"},
	} {
		got := bot(t, dir, c.in, c.args...)
		if got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
			t.Errorf("%s: exit %d, want %d with %q:\n%s%s", c.name, got.code, c.code, c.says, got.out, got.err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "typo.db")); err == nil {
		t.Error("a mistyped name became a file")
	}
}

// TestForeignFiles: what is not ours is left as it is, and says so.
func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "junk.db"), []byte(strings.Repeat("no database at all. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", filepath.Join(dir, "theirs.db"))
	if err == nil {
		_, err = db.Exec(`CREATE TABLE x (y)`)
	}
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{"junk.db": "name another file", "theirs.db": "another program's database"} {
		if got := bot(t, dir, "!ping\n", "-db", file); got.code != exitFailed || !strings.Contains(got.err, says) {
			t.Errorf("%s: exit %d: %s", file, got.code, got.err)
		}
	}
}

// TestOneBotAFile: a second bot on the same file is refused.
func TestOneBotAFile(t *testing.T) {
	dir := t.TempDir()
	r, err := openRehearsal(t.Context(), rehearsalOptions{
		dbPath: filepath.Join(dir, "a.db"), in: strings.NewReader(""), out: &output{}, log: quiet(), clock: &clock{},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if got := bot(t, dir, "!ping\n", "-db", "a.db"); got.code != exitFailed || !strings.Contains(got.err, "in use by another tocsin") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}
