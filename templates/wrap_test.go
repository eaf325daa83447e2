package templates

import (
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func TestWrap(t *testing.T) {
	long := "https://example.org/" + strings.Repeat("x", 80)
	vector := "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
	for _, c := range []struct{ name, text, want string }{
		{"short", "one two", "one two"},
		{"at a blank", "one two three", "one two\nthree"},
		{"what is broken stays so", "one\n\ntwo", "one\n\ntwo"},
		{"an address stays whole", "see " + long + " for it", "see\n" + long + "\nfor it"},
		{"a vector stays whole", "it is " + vector, "it is\n" + vector},
		{"code between backquotes", "say `pip install -U x` now", "say\n`pip install -U x`\nnow"},
		{"a placeholder", "v <missing: a b c> now", "v\n<missing: a b c>\nnow"},
		{"code by blanks", "    a b c d e f g h", "    a b c d e f g h"},
		{"code between fences", "```\na b c d e f g h\n```", "```\na b c d e f g h\n```"},
		{"an item of a list", "- one two three", "- one two\n  three"},
		{"a numbered one", "10. one two three", "10. one\n    two\n    three"},
		{"what is quoted", "> one two three", "> one two\n> three"},
		{"a range begins no quotation", "to >= 10.3.0, < 12", "to >=\n10.3.0, <\n12"},
		{"nor a dash a list", "one and - two", "one and -\ntwo"},
		{"a heading", "one two three four\n^^^^^^^^^^^^^^^^^^", "one two three four\n^^^^^^^^^^^^^^^^^^"},
		{"wide letters count twice", "漢字漢 字漢字", "漢字漢\n字漢字"},
	} {
		if got := Wrap(c.text, 10); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// checkWrap holds what Wrap promises of any text.
func checkWrap(t interface{ Fatalf(string, ...any) }, text string, width int) {
	got := Wrap(text, width)
	// Quotation signs are set anew on each line, so they are left out here.
	bare := func(s string) []string { return strings.Fields(strings.ReplaceAll(s, ">", " ")) }
	if !slices.Equal(bare(text), bare(got)) {
		t.Fatalf("%q became %q", text, got)
	}
	if again := Wrap(got, width); again != got {
		t.Fatalf("%q, wrapped again, became %q", got, again)
	}
	code := false
	lines := strings.Split(got, "\n")
	for k, line := range lines {
		code = code != strings.HasPrefix(line, fence)
		first, _ := front(line)
		free := code || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t") || strings.HasPrefix(line, fence) || k+1 < len(lines) && underlines(lines[k+1])
		if !free && uniseg.StringWidth(line) > width && len(units(line[len(first):])) > 1 {
			t.Fatalf("the line %q of %q is wider than %d and could be broken", line, got, width)
		}
		if strings.HasSuffix(line, " ") {
			t.Fatalf("the line %q of %q ends with a blank", line, got)
		}
	}
}

func TestWrapAnyText(t *testing.T) {
	word := rapid.OneOf(
		rapid.StringMatching(`[a-z.,]{1,12}`),
		rapid.SampledFrom([]string{
			"-", "*", ">", ">=", "#", "1.", "`a", "b`", "```", "<missing: a, say b c>", "https://example.org/a-long-way/to-say-it", "\n", "\n\n", "\n- ", "\n> ", "\n    ",
			"\t", "\n====\n", "漢字", "👩‍👩‍👧", "é", "", "\u00a0",
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		checkWrap(t, strings.Join(rapid.SliceOf(word).Draw(t, "words"), " "), rapid.IntRange(8, 80).Draw(t, "width"))
	})
}

func FuzzWrap(f *testing.F) {
	for _, text := range []string{"", "a b", "- a\n> b", "```\nx\n", "<missing: a b>", "a\n===", "`a b", "    x y", "> > a b c"} {
		f.Add(text, 12)
	}
	f.Fuzz(func(t *testing.T, text string, width int) {
		checkWrap(t, text, 8+(width%100+100)%100)
	})
}
