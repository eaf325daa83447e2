package templates

import (
	"strings"
	"testing"
)

// TestMarkdown: what people typed is shown as it was typed, and does nothing.
func TestMarkdown(t *testing.T) {
	for typed, want := range map[string]string{
		"":                             "",
		"a plain word":                 "a plain word",
		"versions 12.3.1 to 12.4":      "versions 12.3.1 to 12.4",
		"< 12.3.1":                     `\< 12.3.1`,
		"*bold* _too_ ~~gone~~":        `\*bold\* \_too\_ \~\~gone\~\~`,
		"<script>alert(1)</script>":    `\<script\>alert(1)\</script\>`,
		"[a](b) ![c](d)":               `\[a\](b) !\[c\](d)`,
		"a | b":                        `a \| b`,
		"&lt; $x$ \\":                  `\&lt; \$x\$ \\`,
		"# a heading":                  `\# a heading`,
		"- an item":                    `\- an item`,
		"1. an item":                   `1\. an item`,
		"1) an item":                   `1\) an item`,
		"12.3. was it":                 "12.3. was it",
		"=====":                        `\=====`,
		"two - three":                  "two - three",
		"see https://example.org/a_b,": "see `https://example.org/a_b`,",
		"(www.example.org)":            "(`www.example.org`)",
		"ask @alice, or #17; GH-3.":    "ask `@alice`, or `#17`; `GH-3`.",
		"org/repo#17":                  "`org/repo#17`",
		"erin@example.org":             "`erin@example.org`",
		"`code`":                       "\\`code\\`",
		"@`x`":                         "`` @`x` ``",
		"a\nb\tc":                      "a b c",
		"do it (!tag record): now":     "do it (`!tag record`): now",
		"it is (!done, x) <b>":         "it is (`!done, x`) \\<b\\>",
		"(!done `a` b) and (!x":        "(`!done` \\`a\\` b) and (`!x`",
	} {
		if got := markdownLine(typed); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
	for typed, want := range map[string]string{
		"one":                       "> one",
		"one\n\n# two\n    three\n": "> one\n>\n> \\# two\n> three",
		"```\ncode\n```":            "> \\`\\`\\`\n> code\n> \\`\\`\\`",
	} {
		if got := markdownQuote(typed); got != want {
			t.Errorf("%q is quoted as %q, want %q", typed, got, want)
		}
	}
	for typed, want := range map[string]string{"": "", "a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "``a": "``` ``a ```", "a\nb": "`a b`"} {
		if got := markdownCode(typed); got != want {
			t.Errorf("%q as code is %q, want %q", typed, got, want)
		}
	}
}

// FuzzMarkdown: no line begins with what was typed, and no line break comes of it.
func FuzzMarkdown(f *testing.F) {
	f.Add("a *b* `c` <d> @e #1\n- f\n1. g")
	f.Fuzz(func(t *testing.T, typed string) {
		if line := markdownLine(typed); strings.ContainsAny(line, "\n\t") {
			t.Errorf("%q becomes %q", typed, line)
		}
		for line := range strings.SplitSeq(markdownQuote(typed), "\n") {
			if !strings.HasPrefix(line, ">") {
				t.Errorf("%q leaves its quote: %q", typed, line)
			}
		}
	})
}
