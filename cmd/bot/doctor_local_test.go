package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/internal/chattest/ircd"
)

// TestDoctorSeesWhatEnds: keys of mail that are over, or soon will be, and the bot's own
// certificate.
func TestDoctorSeesWhatEnds(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	ca, err := ircd.NewAuthority("test authority")
	must(t, err)
	cert, _, err := ca.Issue("bot") // it lives for a day
	must(t, err)
	keys := map[string]string{}
	for name, days := range map[string]int{"good": 0, "over": 5, "soon": 40} {
		keys[name] = write(name, armored(t, pgpKey(t, name+"@example.org", days), false, ""))
	}
	look := func(names ...string) string {
		c := &config.Config{Mail: config.Mail{From: "security@example.org"}, IRC: []config.IRC{{Name: "libera", CertFile: write("cert.pem", string(cert))}, {Name: "other"}}}
		for _, n := range names {
			c.Mail.Keys = append(c.Mail.Keys, keys[n])
		}
		p := patient{c: c, now: (&clock{}).Now}
		var err error
		p.l, err = newLetters(c.Mail, p.now)
		must(t, err)
		return found(t, []check{{look: func(context.Context) []incidents.Finding { return append(p.keys(), p.certificates()...) }}})
	}
	for _, c := range []struct {
		keys []string
		says string
	}{
		{[]string{"good"}, "ok       mail keys: 1 key, usable"},
		{[]string{"good", "soon"}, " cannot be used any more in 30 days"},
		{[]string{"good", "over"}, "FAIL     mail key: "},
		{nil, "warn     mail keys: none"},
	} {
		if got := look(c.keys...); !strings.Contains(got, c.says) || !strings.Contains(got, "warn     certificate of libera: expires ") || strings.Contains(got, "other") {
			t.Errorf("%v: it does not say %q:\n%s", c.keys, c.says, got)
		}
	}
}

// TestDoctorSeesTheState: each thing that can be wrong with the file, and a record that
// somebody changed.
func TestDoctorSeesTheState(t *testing.T) {
	sqlite := func(query string) func(path string) {
		return func(path string) {
			db, err := sql.Open("sqlite3", path)
			must(t, err)
			_, err = db.Exec(query)
			must(t, err)
			must(t, db.Close())
		}
	}
	for name, c := range map[string]struct {
		rehearsal bool
		harm      func(path string)
		says      []string
	}{
		"a good one": {false, func(string) {}, []string{"ok       state", "ok       record: whole, 1 entry"}},
		"none":       {false, func(path string) { must(t, os.Remove(path)) }, []string{"warn     state: there is no file yet", "Nothing fails, 1 to look at; 0 ok."}},
		"others read it": {
			false, func(path string) { must(t, os.Chmod(path, 0o640)) },
			[]string{"FAIL     state: others can read the file", "ok       record"},
		},
		"older":         {false, sqlite(`PRAGMA user_version = 3`), []string{"warn     state: the file is of an older version"}},
		"newer":         {false, sqlite(`PRAGMA user_version = 999`), []string{"FAIL     state: the file was written by a newer Tocsin"}},
		"a rehearsal's": {true, func(string) {}, []string{"FAIL     state: the file is a rehearsal's"}},
		"no log":        {false, sqlite(`PRAGMA journal_mode = DELETE`), []string{"warn     state: the file does not keep its log"}},
		"no database":   {false, func(path string) { must(t, os.WriteFile(path, []byte(strings.Repeat("junk ", 1000)), 0o600)) }, []string{"FAIL     state: the file cannot be read"}},
		"a broken record": {
			false, sqlite(`DROP TRIGGER timeline_keeps; UPDATE timeline SET who = 'mallory'`),
			[]string{"ok       state", "FAIL     record: NOT as it was written"},
		},
	} {
		path := filepath.Join(t.TempDir(), "desk.db")
		st, err := store.Open(t.Context(), path, store.Options{Rehearsal: c.rehearsal})
		must(t, err)
		must(t, st.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Record(incidents.Entry{Kind: "unsuspended", Who: "alice", Plain: "bob", At: time.Now()})
		}))
		must(t, st.Close())
		c.harm(path)
		p := patient{c: &config.Config{State: config.State{File: path}}, now: (&clock{}).Now}
		got := found(t, []check{{look: p.state}, {look: func(ctx context.Context) []incidents.Finding { return record(ctx, path, false) }}})
		for _, says := range c.says {
			if !strings.Contains(got, says) {
				t.Errorf("%s: it does not say %q:\n%s", name, says, got)
			}
		}
	}
}
