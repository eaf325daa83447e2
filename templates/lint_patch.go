package templates

import (
	"regexp"
	"strconv"
	"strings"
)

// maxPatchWords is how much of the patches that go with a text is checked, in bytes: a
// fix with its test is a few thousand.
const maxPatchWords = 128 << 10

// patchRules: whoever gets a patch reads its author, its message and what it adds.
func patchRules() []rule {
	patched := func(t *checked) bool { return len(t.patches) > 0 }
	each := func(t *checked, find func(*checked) []string) []string {
		var out []string
		for _, p := range t.patches {
			for _, found := range find(p) {
				out = append(out, strings.TrimSuffix(p.subject+": "+found, ": "))
			}
		}
		return out
	}
	return []rule{
		{"patch-id", LintError, "A patch names an id that is not of this incident", patched, func(t *checked) []string { return each(t, foreignIDs) }},
		{"patch-reporter", LintError, "A patch names the reporter, a contact of theirs or their words, and they have not agreed to that", func(t *checked) bool { return patched(t) && others(t) }, func(t *checked) []string {
			return each(t, reporterNamed)
		}},
		{"patch-desk", LintError, "A patch holds a handle, a codename or a room of the maintainers", patched, func(t *checked) []string {
			return each(t, func(p *checked) []string {
				return append(append(handlesIn(p), named(p, p.ctx.Codenames)...), roomsIn(p)...)
			})
		}},
		{"patch-person", LintWarning, "A patch names a maintainer elsewhere than as its author or reviewer", func(t *checked) bool { return patched(t) && many(t) }, func(t *checked) []string {
			return each(t, func(p *checked) []string {
				// Who wrote, reviewed and signed a change is said in lines of their own.
				signed := regexp.MustCompile(`(?im)^[ \t]*(?:from|author|commit|to|cc|[a-z-]+-by):.*$`)
				unsigned := &checked{ctx: p.ctx, facts: p.facts, body: signed.ReplaceAllString(p.body, "")}
				unsigned.read()
				return append(peopleIn(unsigned, false), peopleIn(unsigned, true)...)
			})
		}},
		{"patch-long", LintWarning, "A patch is long, and was read only in part", patched, func(t *checked) []string { return t.unread }},
	}
}

// readPatches has the patches that go with a text checked, their names too.
func (t *checked) readPatches() {
	if !t.kind.Patches {
		return
	}
	left := maxPatchWords
	for _, p := range t.ctx.Patches {
		one := &checked{ctx: t.ctx, kind: t.kind, facts: t.facts, subject: t.open(p.Name), body: added(t.open(p.Body))}
		if len(one.body) > left {
			one.body = strings.ToValidUTF8(one.body[:left], "")
			t.unread = append(t.unread, one.subject)
		}
		left -= len(one.body)
		one.read()
		t.patches = append(t.patches, one)
	}
}

// added gives what is new in a patch: its header and message, the names of its files,
// and the lines that it adds. What it removes, and what stands around it, is public.
// Source: GNU diffutils, Detailed Description of Unified Format.
func added(patch string) string {
	hunk := regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@`)
	lines := func(count string) int { // of a side of a hunk
		if n, err := strconv.Atoi(count); err == nil {
			return n
		}
		return 1
	}
	var out strings.Builder
	before, after := 0, 0 // lines that the hunk still has
	for line := range strings.Lines(patch) {
		switch {
		case before <= 0 && after <= 0:
			if m := hunk.FindStringSubmatch(line); m != nil {
				before, after = lines(m[1]), lines(m[2])
			} else {
				out.WriteString(line)
			}
		case strings.HasPrefix(line, "+"):
			out.WriteString(line[1:])
			after--
		case strings.HasPrefix(line, "-"):
			before--
		case strings.HasPrefix(line, `\`): // "No newline at end of file"
		default:
			before, after = before-1, after-1
		}
	}
	return out.String()
}
