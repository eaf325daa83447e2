package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"tocsin/commands"
	"tocsin/internal/chattest"
)

// TestGeneratedReadme holds the README's transcript and table of commands
// against the transcript that is played and the table that is obeyed. With
// -update it writes them.
func TestGeneratedReadme(t *testing.T) {
	const path = "../../README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	chat, err := os.ReadFile("testdata/readme.chat")
	if err != nil {
		t.Fatal(err)
	}
	want := between(t, string(text), "transcript", "```\n"+string(chat)+"```\n")
	want = between(t, want, "commands", commandTable())
	if want == string(text) {
		return
	}
	if !chattest.Update() {
		t.Fatal("README.md is not as it is generated; say: make generate")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// between puts a text between two marks.
func between(t *testing.T, text, name, middle string) string {
	t.Helper()
	open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(text, open)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md has lost its marks for %s", name)
	}
	return before + open + middle + end + after
}

func commandTable() string {
	var out strings.Builder
	out.WriteString("| say | to |\n|---|---|\n")
	for _, c := range commands.Table() {
		fmt.Fprintf(&out, "| `%s` | %s |\n", strings.ReplaceAll(c.Usage(), "|", "\\|"), c.Does)
	}
	return out.String()
}
