package templates

import (
	"mime"
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
		{"patch-coded", LintWarning, "A patch has parts that are written in signs, and they were not read", patched, func(t *checked) []string {
			var out []string
			for _, p := range t.ctx.Patches {
				for _, found := range coded(t.open(p.Body)) {
					out = append(out, t.open(p.Name)+": "+flat(found))
				}
			}
			return out
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
// and the lines that it adds. What it removes, and what stands around it, is public; but
// a hunk that ends before its counts do is none, and all of it is read.
// Source: GNU diffutils, Detailed Description of Unified Format.
func added(patch string) string {
	counts := regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@`)
	lines := func(count string) int { // of a side of a hunk
		if n, err := strconv.Atoi(count); err == nil {
			return n
		}
		return 1
	}
	var out, outside, hunk, fresh strings.Builder
	before, after := 0, 0 // lines that the hunk still has
	for line := range strings.Lines(patch) {
		switch {
		case line[0] == '+' && after > 0:
			fresh.WriteString(line[1:])
			after--
		case line[0] == '-' && before > 0:
			before--
		case (line[0] == ' ' || strings.Trim(line, "\r\n") == "") && before > 0 && after > 0:
			before, after = before-1, after-1
		case line[0] == '\\' && (before > 0 || after > 0): // "No newline at end of file"
		default:
			outside.WriteString(hunk.String())
			hunk.Reset()
			fresh.Reset()
			if m := counts.FindStringSubmatch(line); m != nil {
				before, after = lines(m[1]), lines(m[2])
			} else {
				before, after = 0, 0
				outside.WriteString(line)
			}
			continue
		}
		hunk.WriteString(line)
		if before <= 0 && after <= 0 {
			out.WriteString(decoded(outside.String()) + fresh.String())
			outside.Reset()
			hunk.Reset()
			fresh.Reset()
		}
	}
	return out.String() + decoded(outside.String()+hunk.String())
}

// encodedWord is how a header holds letters that are not ASCII. Source: RFC 2047.
const encodedWord = `=\?[^?\s]+\?[BbQq]\?[^?\n]*\?=`

// decoded gives what stands around the hunks of a patch, and after each line what it
// means where letters of it are written in signs, as git does in headers and in the
// names of files. A header goes on in lines that are set in.
func decoded(text string) string {
	between := regexp.MustCompile(`\?=\s+=\?`)
	word, bytes := regexp.MustCompile(encodedWord), regexp.MustCompile(`(?:\\[0-3][0-7]{2})+`)
	return regexp.MustCompile(`(?m)^.+(?:\n[ \t].*)*`).ReplaceAllStringFunc(text, func(line string) string {
		plain := between.ReplaceAllString(strings.NewReplacer("\r", "", "\n", "").Replace(line), "?==?")
		plain = word.ReplaceAllStringFunc(plain, func(w string) string {
			if s, err := new(mime.WordDecoder).Decode(w); err == nil {
				return s
			}
			return w
		})
		plain = bytes.ReplaceAllStringFunc(plain, func(b string) string {
			if s, err := strconv.Unquote(`"` + b + `"`); err == nil {
				return strings.ToValidUTF8(s, "\ufffd")
			}
			return b
		})
		if plain == strings.NewReplacer("\r", "", "\n", "").Replace(line) {
			return line
		}
		return line + "\n" + plain
	})
}

// coded lists what of a patch cannot be read: a file that is not text, a mail whose
// body is written in signs, and a header in letters that are not known.
// Source: RFC 2045, section 6; git-diff, --binary.
func coded(patch string) []string {
	out := regexp.MustCompile(`(?im)^(?:GIT binary patch|Content-Transfer-Encoding:\s*(?:base64|quoted-printable))`).FindAllString(patch, -1)
	for _, w := range regexp.MustCompile(encodedWord).FindAllString(patch, -1) {
		if _, err := new(mime.WordDecoder).Decode(w); err != nil {
			out = append(out, w)
		}
	}
	return out
}
