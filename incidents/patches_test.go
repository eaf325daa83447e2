package incidents

import (
	"strings"
	"testing"
)

func TestIsDiff(t *testing.T) {
	for text, want := range map[string]bool{
		"diff --git a/x b/x\n":                      true,
		"From 0\nSubject: x\n\n---\ndiff --git a b": true,
		"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n":   true,
		"--- a/x\r\n+++ b/x\r\n":                    true,
		"text before\n--- a\n+++ b":                 true,
		"":                                          false,
		"a diff --git b":                            false,
		"--- a\nbetween\n+++ b\n":                   false,
		"+++ b\n--- a\n":                            false,
		"---\n+++\n":                                false,
		"#!/bin/sh\nrm\n":                           false,
		"diff --git a b\n\xff":                      false,
		"diff --git a b\nGIT binary patch\x00":      false,
		"<svg>--- a\n+++ b</svg>":                   false,
		"diff --git a/ü b/ü\n+ä “quoted”\t\f trailing ": true,
	} {
		if got := IsDiff(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestPatchName(t *testing.T) {
	for name, want := range map[string]string{
		"fix.patch": "fix.patch", "0001-Fix.DIFF": "0001-Fix.DIFF", "../../etc/fix.patch": "fix.patch", `C:\x\fix.diff`: "fix.diff",
		"für Erin.patch": "f_r_Erin.patch", "": "unnamed.patch", ".patch": "unnamed.patch", "..diff": "unnamed.diff", "a\r\nb.patch": "a__b.patch",
		"notes.txt": "notes.txt.patch", "-rf.patch": "rf.patch", `a"; x="b.patch`: "a___x__b.patch", "a/": "unnamed.patch",
		strings.Repeat("x", 500) + ".patch": strings.Repeat("x", 74) + ".patch",
	} {
		if got := PatchName(name); got != want || PatchName(got) != got || !NamesPatch(got) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestPatches: what is too large or no diff is refused, and so is one too many; one of
// a name that is there takes its place.
func TestPatches(t *testing.T) {
	const diff = "--- a\n+++ b\n"
	fits := Seal(diff + strings.Repeat("x", PatchBytes-len(diff)))
	p, err := NewPatch(1, Seal("fix.patch"), fits, "alice", tuesday)
	if err != nil || p.Size != PatchBytes || SaySize(p.Size) != "256 KiB" {
		t.Errorf("%d bytes: %v", p.Size, err)
	}
	for key, body := range map[string]Sealed{"patch-large": mapSealed(fits, func(s string) string { return s + "x" }), "patch-no-diff": Seal("x"), "": {}} {
		_, err := NewPatch(1, Seal("fix.patch"), body, "alice", tuesday)
		if no, ok := AsRefusal(err); !ok || key != "" && no.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	var have []Patch
	for k := range MostPatches {
		p.Name = Seal(string(rune('a'+k)) + ".patch")
		replaces, e, err := AddPatch(have, p)
		if replaces || err != nil || e.Kind != "patch" || len(e.Personal) != 1 || !e.Personal[0].Value.Same(p.Name) {
			t.Errorf("number %d: %v %+v %v", k, replaces, e, err)
		}
		have = append(have, p)
	}
	if replaces, _, err := AddPatch(have, p); !replaces || err != nil {
		t.Errorf("the same name again: %v %v", replaces, err)
	}
	p.Name = Seal("one-more.patch")
	if _, _, err := AddPatch(have, p); err == nil {
		t.Error("one too many is kept")
	}
	for n, want := range map[int]string{0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1024: "1 KiB", 1025: "2 KiB"} {
		if got := SaySize(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
