package templates

import (
	"strings"
	"testing"

	"tocsin/incidents"
)

// patchCases: a patch that goes with a letter is read as the letter is, but for what it
// takes away and what stands around that.
func patchCases() []lintCase {
	var out []lintCase
	with := func(rule, kind string, bad bool, body string, more ...func(*lintCase)) {
		c := lintCase{rule: rule, kind: kind, bad: bad, context: func(c *LintContext) {
			c.Patches = []Patch{{incidents.Seal("one.diff"), incidents.Seal("--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n")}, {incidents.Seal("fix.patch"), incidents.Seal(body)}}
		}}
		if bad {
			c.also = tells(": fix.patch")
		}
		for _, m := range more {
			m(&c)
		}
		out = append(out, c)
	}
	unasked := func(c *lintCase) { c.change = func(i *incidents.Incident) { i.Reporter.Credit = incidents.Sealed{} } }
	patch := func(message, hunk string) string {
		return "From 5e2f4d1b Mon Sep 17 00:00:00 2001\nFrom: Alice <alice@example.org>\nDate: Mon, 23 Nov 2026 09:00:00 +0000\nSubject: [PATCH] Check the length\n\n" + message +
			"\n---\n psd.c | 2 +-\n\ndiff --git a/psd.c b/psd.c\n--- a/psd.c\n+++ b/psd.c\n@@ -1,3 +1,3 @@ read\n" + hunk + "\n-- \n2.39.5\n"
	}
	plain := " one\n-two\n+three\n four"
	for _, key := range []string{"patch-id", "patch-reporter", "patch-desk", "patch-person", "patch-coded", "patch-long"} {
		with(key, "distro", false, patch("It was not checked.\n\nReviewed-by: Bob <bob@example.org>\nCo-authored-by: carol <carol@example.org>\nSigned-off-by: Alice", plain))
		out = append(out, lintCase{rule: key, kind: "distro"})
	}
	with("patch-id", "distro", false, patch("Fixes CVE-2026-25990.", plain))
	with("patch-id", "distro", true, patch("Fixes CVE-2026-99999.", plain))
	with("patch-id", "upstream", true, patch("", " one\n-two\n+/* CVE_2026_99999 */\n four"))
	with("patch-id", "distro", false, patch("", " CVE-2019-1111\n-CVE-2019-1112\n+three\n four")) // what was there is public
	with("patch-id", "distro", true, patch("", plain)+patch("Fixes CVE-2026-99999.", plain))      // one of several
	with("patch-id", "distro", true, "--- a\n+++ b\n@@@ -1 +1 @@@\n+CVE-2026-99999\n")            // of a form that is not known
	with("patch-id", "ack", false, patch("Fixes CVE-2026-99999.", plain))                         // none goes with it
	with("patch-reporter", "distro", true, patch("Reported-by: Erin Example <erin@example.org>", plain), unasked)
	with("patch-reporter", "distro", false, patch("Reported-by: Erin of Example Labs", plain))
	with("patch-reporter", "downstream", true, patch("", " one\n-two\n+/* thanks to Erin */\n four"), unasked)
	with("patch-reporter", "update", false, patch("Reported-by: Erin Example <erin@example.org>", plain), unasked) // it is to them
	with("patch-reporter", "distro", true, strings.Replace(patch("", plain), "Alice <alice@", "Erin <erin@", 1), unasked)
	with("patch-desk", "distro", true, patch("See INC-7.", plain))
	with("patch-desk", "update", true, patch("", " one\n-two\n+quiet_harbour = 1\n four"))
	with("patch-desk", "upstream", true, patch("As said in #tocsin-desk", plain))
	with("patch-desk", "distro", true, "diff --git a/INC-7.txt b/INC-7.txt\n")
	with("patch-person", "distro", true, patch("Alice found why.", plain))
	with("patch-person", "distro", false, patch("", " one\n-two\n+alice_init()\n four"))
	with("patch-person", "upstream", false, patch("Alice found why.", plain))
	with("patch-long", "distro", true, patch(strings.Repeat("word ", maxPatchWords/5), plain))
	for _, from := range []string{ // as git writes it
		"=?UTF-8?q?J=C3=BCrgen=20Gro=C3=9Fmann?= <jg@example.net>", "=?utf-8?B?SsO8cmdlbiBHcm/Dn21hbm4=?= <jg@example.net>", "=?ISO-8859-1?q?J=FCrgen_Gro=DFmann?= <jg@example.net>",
		"=?UTF-8?q?J=C3=BCrgen?=\n =?UTF-8?q?=20Gro=C3=9Fmann?= <jg@example.net>", "=?UTF-8?q?J=C3=BCrgen?= =?UTF-8?q?_Gro=C3=9Fmann?=",
		"=?? =?UTF-8?q?J=C3=BCrgen=20Gro=C3=9Fmann?=", "a\r\nSubject: =?UTF-8?q?Gr=C3=BC=C3=9Fe?=, found by\r\n =?UTF-8?q?J=C3=BCrgen?=\r\n\tGroßmann",
		"a\n\ndiff --git \"a/J\\303\\274rgen Gro\\303\\237mann.c\"",
	} {
		with("patch-reporter", "distro", true, strings.Replace(patch("", plain), "Alice <alice@example.org>", from, 1), unasked, func(c *lintCase) {
			c.change = func(i *incidents.Incident) {
				i.Reporter = incidents.Reporter{Name: incidents.Seal("Jürgen Großmann"), Contact: incidents.Seal("@jg77"), Credit: incidents.Seal("anonymous")}
			}
		})
	}
	// A hunk that claims more lines than it has hides nothing.
	for _, next := range []string{"From 5e2f4d1c Mon Sep 17\nFrom: Erin Example <erin@example.org>\n", "diff --git a/Erin.c b/Erin.c\n", "Erin Example", " Erin Example", "\n Erin Example"} {
		with("patch-reporter", "distro", true, strings.Replace(patch("", plain), "-1,3 +1,3", "-1,90 +1,91", 1)+next, unasked)
	}
	with("patch-reporter", "distro", false, strings.Replace(patch("", plain), "@@ read", "@@ erin", 1), unasked) // the function around it is public
	with("patch-coded", "distro", true, patch("", plain)+"diff --git a/x b/x\nGIT binary patch\nliteral 6\nNcmYe~O5$SR0ssUq0O9}u\n", unasked)
	for _, how := range []string{"base64", "Quoted-Printable", "\r\n base64"} {
		with("patch-coded", "distro", true, strings.Replace(patch("", plain), "\nDate:", "\nContent-transfer-encoding: "+how+"\nDate:", 1))
	}
	with("patch-coded", "distro", true, strings.Replace(patch("", plain), "Alice", "=?gb2312?B?vPI=?=", 1))
	with("patch-coded", "distro", false, strings.Replace(patch("", " one\n-two\n+GIT binary patch\n four"), "\nDate:", "\nContent-Transfer-Encoding: 8bit\nDate:", 1))
	with("patch-coded", "ack", false, "GIT binary patch\n")
	with("patch-desk", "distro", true, patch("", plain), func(c *lintCase) {
		c.also = tells(": INC-7.patch: INC-7")
		c.context = func(c *LintContext) {
			c.Patches = []Patch{{incidents.Seal("INC-7.patch"), incidents.Seal(patch("", plain))}}
		}
	})
	return out
}

// TestAddedOfAPatch: what a patch brings, by the counts of its hunks.
func TestAddedOfAPatch(t *testing.T) {
	for patch, want := range map[string]string{
		"": "",
		"message\n\n--- a\n+++ b\n@@ -1,2 +1,2 @@\n a\n-b\n+c\nfoot\n":               "message\n\n--- a\n+++ b\nc\nfoot\n",
		"@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n--- next\n":              "b\n--- next\n",
		"@@ -1,9 +1,9 @@\n a\n-b\n+c\ndiff --git a/x b/x\n@@ -1 +1 @@\n-d\n+e\n":     " a\n-b\n+c\ndiff --git a/x b/x\ne\n",
		"@@ -1,9 +1,9 @@\n a\n+c\n":                                                  " a\n+c\n",
		"@@ -0,0 +1,2 @@\n+a\n b\n@@ -1 +1 @@\n-c\n+d\n":                             "+a\n b\nd\n",
		"From: =?utf-8?q?=C3=A4?=\n =?utf-8?q?b?= c\n":                               "From: =?utf-8?q?=C3=A4?=\n =?utf-8?q?b?= c\nFrom: äb c\n",
		"@@ -0,0 +1,2 @@\n+a\n++b\n+ not in it any more\n":                           "a\n+b\n+ not in it any more\n",
		"@@ -1,3 +1,2 @@\n a\n\n-c\nfoot\n":                                          "foot\n", // a blank line whose blank was lost
		"--- a\n+++ b\n@@ -1 +0,0 @@\n-a\n@@ -9 +8 @@\n-x\n+y\ndiff --git a/x b/x\n": "--- a\n+++ b\ny\ndiff --git a/x b/x\n",
	} {
		if got := added(patch); got != want {
			t.Errorf("%q brings %q, want %q", patch, got, want)
		}
	}
}
