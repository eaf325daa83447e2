package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/internal/chattest/ircd"
)

// TestDoctorEnds: what hangs is not known in its time, whether or not it can be stopped,
// what is said too late is not told, and no more than a few checks are at work at once.
func TestDoctorEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at atomic.Int32
		never := make(chan struct{})
		ok := func(name string) []incidents.Finding { return one(incidents.Find(name, incidents.FindingOK)) }
		checks := []check{
			{what: "hangs", way: "ask", look: func(ctx context.Context) []incidents.Finding { <-ctx.Done(); return ok("late") }},
			{what: "deaf", last: 2 * time.Second, look: func(context.Context) []incidents.Finding { <-never; return ok("late") }},
		}
		for range 20 {
			checks = append(checks, check{what: "slow", look: func(context.Context) []incidents.Finding {
				if n := at.Add(1); n > checksAtOnce {
					t.Errorf("%d checks are at work at once", n)
				}
				defer at.Add(-1)
				time.Sleep(time.Second)
				return ok("slow")
			}})
		}
		began, count := time.Now(), map[string]int{}
		for _, f := range newDoctor(checks).Examine(t.Context()) {
			count[f.Key+f.State]++
			if f.Key == "silent" && f.Facts["what"] == "hangs" && (f.Facts["seconds"] != 10 || f.Facts["way"] != "ask") {
				t.Errorf("%+v", f)
			}
		}
		if len(count) != 2 || count["slowok"] != 20 || count["silentunknown"] != 2 {
			t.Errorf("found %v", count)
		}
		if took := time.Since(began); took < checkFor || took > 2*checkFor { // it may have begun last
			t.Errorf("it took %s", took)
		}
		close(never)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if found := newDoctor(checks[:1]).Examine(ctx); len(found) > 1 {
			t.Errorf("one that was stopped found %v", found)
		}
	})
}

// doctorAt runs the doctor from the shell.
func doctorAt(t *testing.T, dir string) (int, string) {
	t.Helper()
	var out output
	p := program{in: strings.NewReader(""), out: &out, err: &out, env: func(string) (string, bool) { return "", false }}
	code := p.run(t.Context(), []string{"doctor", "-config", filepath.Join(dir, "config.toml")})
	return code, out.String()
}

// TestDoctorOnIRC: from the shell while the bot is away, beside it, and in its rooms.
func TestDoctorOnIRC(t *testing.T) {
	srv := ircd.Start(t, ircd.Options{})
	alice := srv.Dial(t, srv.Relaxed, "alice", "alice")
	alice.Join(t, "#private")
	alice.Join(t, "#desk")
	alice.Send("MODE #private +siRz")
	alice.Send("MODE #private +I bot!*@*")
	alice.Send("MODE #private +I tocsin!*@*")
	alice.Fence(t)
	d := startDesk(t, srv)
	alice.Expect(t, `:tocsin!\S+ JOIN #private`, soon)
	ready(t, alice)
	look := func(code int, says ...string) {
		t.Helper()
		got, out := doctorAt(t, d.dir)
		if got != code {
			t.Errorf("exit %d, want %d:\n%s", got, code, out)
		}
		for _, s := range says {
			if !strings.Contains(out, s) {
				t.Errorf("it does not say %q:\n%s", s, out)
			}
		}
		if strings.Contains(out, ircd.Password("bot")) {
			t.Errorf("a password is told:\n%s", out)
		}
	}
	look(exitOK, "Nothing fails", "unknown  rooms on rig: the bot is running", "ok       record: whole", "warn     backup: there never was one")

	alice.Privmsg("#desk", "!doctor")
	alice.Expect(t, `PRIVMSG #desk :Looking, this can take half a minute\.`, soon)
	alice.Expect(t, `PRIVMSG #desk :Nothing fails, 1 to look at, 2 not known; \d+ ok\.`, soon)
	alice.Expect(t, `PRIVMSG #desk :Which they are is for where everything may be heard`, soon)
	alice.Privmsg("#private", "!doctor")
	alice.Expect(t, `PRIVMSG #private :unknown +accounts on rig: bob, carol are in no room`, soon)
	alice.Expect(t, `PRIVMSG #private :ok +room #desk on rig: hears notices only, as configured`, soon)
	alice.Expect(t, `PRIVMSG #private :ok +room #private on rig: proven private, 1 person can read there`, soon)
	d.end()

	if err := store.NoteBackup(filepath.Join(d.dir, "desk.db"), time.Now().Add(-50*time.Hour)); err != nil {
		t.Fatal(err)
	}
	alice.Fence(t)
	look(exitOK, "ok       room #private on rig: proven private", "ok       rig: answers, and lets us in", "bob, carol are in no room", "ok       backup: the last one is 2 d 2 h old")
	if d.start(); true { // and nobody is in its way
		ready(t, alice)
	}
	d.end()
	alice.Send("MODE #private -s")
	alice.Fence(t)
	if err := os.Chmod(filepath.Join(d.dir, "desk.db"), 0o644); err != nil {
		t.Fatal(err)
	}
	look(exitFailed, "2 of ", "FAIL     room #private on rig: it may hear everything and is not proven private", "/mode #private +s", "FAIL     state: others can read the file")
}

// TestDoctorAtNothing: a server that is away, or takes another password, fails, and says
// so in words of ours.
func TestDoctorAtNothing(t *testing.T) {
	srv := ircd.Start(t, ircd.Options{})
	alice := srv.Dial(t, srv.Relaxed, "alice", "alice")
	d := startDesk(t, srv)
	ready(t, alice)
	d.end()
	if err := os.WriteFile(filepath.Join(d.dir, "password"), []byte("another-password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := doctorAt(t, d.dir)
	if code != exitFailed || !strings.Contains(out, "FAIL     rig: rig refused our login") || strings.Contains(out, "another-password") {
		t.Errorf("exit %d: %s", code, out)
	}
	path := filepath.Join(d.dir, "config.toml")
	c, err := config.Load(path, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	plan, err := planOf(c)
	if err != nil {
		t.Fatal(err)
	}
	p := patient{c: c, file: path, sum: sumOf(path), plan: plan, inside: true}
	for _, one := range []struct{ more, config, plan string }{
		{"", incidents.FindingOK, incidents.FindingOK}, {"\n# edited\n", incidents.FindingWarn, incidents.FindingOK}, {"\nnonsense = 1\n", incidents.FindingFail, ""},
	} {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, append(data, one.more...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := p.configuration(t.Context())
		if got[0].State != one.config || len(got) > 1 && got[1].State != one.plan || (len(got) > 1) != (one.plan != "") {
			t.Errorf("after %q: %+v", one.more, got)
		}
	}
	for _, args := range [][]string{{"doctor", "-db", "x.db"}, {"doctor", "-config", "none.toml"}, {"doctor", "me"}} {
		if got := bot(t, t.TempDir(), "", args...); got.code != exitUsage {
			t.Errorf("%v: exit %d: %s%s", args, got.code, got.out, got.err)
		}
	}
}
