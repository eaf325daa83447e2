package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
)

// TestLoginForReal: the verbs against a homeserver, as the README says them.
func TestLoginForReal(t *testing.T) {
	hs := dendrite.Start(t, dendrite.Options{})
	hs.Register(t, "tocsin", "password-9vX")
	hs.Register(t, "bob", "bobs-password")
	dir := matrixFolder(t, strings.NewReplacer("https://matrix.example.org", hs.URL(), ":example.org", ":"+hs.Name()).Replace(matrixFile))
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code int, args ...string) string {
		t.Helper()
		got := bot(t, dir, "", args...)
		if got.code != code || strings.Contains(got.out+got.err, "9vX") {
			t.Fatalf("%q: exit %d, want %d:\n%s%s", args, got.code, code, got.out, got.err)
		}
		return got.out + got.err
	}
	write("wrong", "another password\n")
	if said := run(exitFailed, "login", "matrix", "-password-file", "wrong"); !strings.Contains(said, "does not accept this password") {
		t.Error(said)
	}
	if said := run(exitOK, "check"); !strings.Contains(said, "matrix has no device yet") {
		t.Error(said)
	}
	said := run(exitOK, "login", "matrix", "-password-file", "password")
	device := regexp.MustCompile(`its device is (\w+);`).FindStringSubmatch(said)
	key := regexp.MustCompile(`(?m)^  (\w{4}(?: \w{1,4})+)$`).FindStringSubmatch(said)
	if device == nil || key == nil {
		t.Fatal(said)
	}
	if said := run(exitOK, "check"); strings.Contains(said, "no device") {
		t.Error(said)
	}
	if said := run(exitOK, "login", "matrix"); !strings.Contains(said, "its device is still "+device[1]+";") || strings.Contains(said, key[1]) {
		t.Error(said)
	}
	if said := run(exitFailed, "trust", "bob"); !strings.Contains(said, "has no identity") {
		t.Error(said)
	}
	if err := os.Rename(filepath.Join(dir, "matrix"), filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	if said := run(exitFailed, "login", "matrix", "-password-file", "password"); !strings.Contains(said, "recovery key") {
		t.Error(said)
	}
	write("key", key[1]+"\n")
	if said := run(exitOK, "login", "matrix", "-recovery-key-file", "key"); !strings.Contains(said, "verified") || strings.Contains(said, key[1]) {
		t.Error(said)
	}
}
