package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/cmd/bot/config"
	"tocsin/templates"
)

// TestAnOwnPlan: a project's directory overrides the built-in plan, and what is
// wrong in it stops the start with its place.
func TestAnOwnPlan(t *testing.T) {
	plan, err := fs.ReadFile(templates.Builtin(), "plans/pillow/plan.toml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "ours"), 0o700); err != nil {
		t.Fatal(err)
	}
	ours := strings.Replace(string(plan), `name = "Pillow"`, `name = "Ours"`, 1)
	write("ours/plan.toml", ours+"\n[[outcome]]\nkey = \"wont-fix\"\nname = \"will not be fixed\"\n")
	write("password", "secret\n")
	write("config.toml", strings.Replace(fmt.Sprintf(ircConfig, "irc.example.org:6697", ""), `name = "Pillow"`, "name = \"Ours\"\nplan = \"ours\"", 1))
	c, err := config.Load(filepath.Join(dir, "config.toml"), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	p, err := planOf(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Outcome("wont-fix"); !ok || p.Name != "Ours" {
		t.Errorf("the plan is %s", p.Name)
	}
	write("ours/plan.toml", strings.Replace(ours, `key = "ci"`, "key = \"ci\"\nflor = \"high\"", 1))
	if got := bot(t, dir, "", "check"); got.code != exitUsage || !strings.Contains(got.err, "plan.toml") || !strings.Contains(got.err, "line ") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}
