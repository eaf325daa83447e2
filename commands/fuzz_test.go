package commands

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/incidents"
)

// furnished is the file of a desk with something of everything, to start from.
func furnished(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.db")
	d := newDesk(t, path)
	for _, text := range []string{
		"!incident open --type vulnerability --source github Heap overflow", "!incident open --type ci Stolen token", "!incident open Closed one",
		"!severity set INC-1 CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:H", "!reporter set INC-1 Erin --contact erin@example.org",
		"!fact set INC-1 cve CVE-2026-25990", "!role assign INC-1 patch bob", "!incident close INC-3 duplicate", "!suspend dana",
	} {
		if template, words := d.say("full", text); strings.HasPrefix(template, "refusals/") || template == "failed" {
			t.Fatalf("%s: %s", text, words)
		}
	}
	if err := d.Store.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzLine: any line of a maintainer gets a whole answer or none. It never
// panics, is never our own error, and changes nothing when it is refused or
// where only notices may be typed and it is sealed.
func FuzzLine(f *testing.F) {
	for _, c := range Table() {
		f.Add("!"+c.Words, true)
		f.Add("!"+c.Words+" INC-1 x y", true)
		if c.Example != "" {
			f.Add(c.Example, true)
			f.Add(c.Example, false)
		}
	}
	for _, s := range []string{
		"!incident open --reported 2026-11-20 14:00 Europe/Paris “Heap overflow”", "!incident open --reported 0001-01-01 x", "!incident open --reported 9999d ago x",
		"!ack sent INC-1 --via email --at 1h ago", "!severity set INC-2 low because", "!severity set INC-1 low", "!incident close INC-1 fixed done",
		"!incident reopen INC-3 again", "!role take INC-1 lead", "!role assign INC-1 lead bob", "!unsuspend dana", "!forget reporter INC-1",
		"!fact set INC-1 details a\nb\tc", "!timeline INC-1 1000", "!help —x", "!incident note INC-1 “x", "!approve ABCDE", "!room\u2028x", "!help \xff\x00\u202e@room<b>",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	file := furnished(f)
	var d *testDesk
	lines := 0
	restart := func(t testing.TB) {
		if d != nil {
			d.Store.Close()
			os.RemoveAll(filepath.Dir(d.path))
		}
		dir, err := os.MkdirTemp("", "tocsin-fuzz-")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "f.db")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		d, lines = newDesk(t, path), 0
	}
	f.Cleanup(func() {
		if d != nil {
			d.Store.Close()
			os.RemoveAll(filepath.Dir(d.path))
		}
	})
	clean := ""
	f.Fuzz(func(t *testing.T, text string, private bool) {
		if d == nil || lines > 500 || d.t == nil {
			restart(t)
			clean = d.dump()
		}
		d.t = t
		lines++
		if changed := checkLine(t, d, clean, text, private); changed {
			d.Store.Close()
			os.RemoveAll(filepath.Dir(d.path))
			d = nil
		}
	})
}

// checkLine says a line and checks its answer; it reports whether it changed
// anything.
func checkLine(t *testing.T, d *testDesk, before, text string, private bool) bool {
	asks := "notice"
	if private {
		asks = "full"
	}
	l := d.line(asks, "alice", text)
	r, answered := d.answerTo(l)
	after := d.dump()
	if d.log.Len() > 0 || r.Template == "failed" {
		t.Fatalf("%q failed: %s", text, d.log.String())
	}
	if !answered || strings.HasPrefix(r.Template, "refusals/") {
		if after != before {
			t.Fatalf("%q was answered by %q, and changed something:\n%s\n%s", text, r.Template, before, after)
		}
		if !answered {
			return false
		}
	}
	for _, c := range []incidents.Clearance{clearanceOf("full"), clearanceOf("notice"), {}} {
		doc, err := d.Book.Render(r.Template, r.Facts, c)
		if err != nil || strings.TrimSpace(doc.Text) == "" || strings.Contains(doc.Text, "<no value>") {
			t.Fatalf("%q at %s: %q, %v", text, c, doc.Text, err)
		}
	}
	if r.Template == "approval/asked" {
		code, _ := r.Facts["code"].(string)
		if asks == "full" {
			d.shown("#full", code)
		}
		agreed, ok := d.answerTo(d.line(asks, "bob", "!approve "+code))
		if !ok || agreed.Template == "failed" || agreed.Template == "approval/asked" || strings.HasPrefix(agreed.Template, "refusals/") {
			t.Fatalf("%q was asked for, and could not be approved: %s %v", text, agreed.Template, agreed.Facts)
		}
	}
	return after != before
}

// clearanceOf gives a clearance as the rule makes it.
func clearanceOf(asks string) incidents.Clearance {
	g := incidents.Grant{Network: incidents.OnConsole}
	if asks != "full" {
		g = incidents.Grant{Network: incidents.OnIRC, Asks: asks}
	}
	return incidents.Clear(g, incidents.Proof{}, incidents.All, func(string) bool { return false }).Clearance
}
