package templates

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func TestMastodonLength(t *testing.T) {
	long := "https://example.org/" + strings.Repeat("x", 80)
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"nothing", "", 0},
		{"letters", "Pillow 12.3.1", 13},
		{"an emoji of several characters is one", "👩‍👩‍👧‍👦", 1},
		{"a flag is one", "🇫🇮", 1},
		{"a letter with its accent is one", "e\u0301", 1},
		{"a line break is one", "a\nb", 3},
		{"a link is 23", long, 23},
		{"also a short one", "https://a.de", 23},
		{"and in capital letters", "HTTPS://EXAMPLE.ORG/", 23},
		{"two links", long + " " + long, 47},
		{"what ends a sentence is not of the link", "(see " + long + ").", 30},
		{"an address without https:// is no link", "example.org/a", 13},
		{"nor one without a dot", "http://localhost/abc", 20},
		{"nor one within a word", "xhttps://example.org", 20},
		{"of a mention the name counts", "@alice@fosstodon.org", 6},
		{"a mention without a server", "@alice hello", 12},
		{"an address of mail is no mention", "alice@example.org", 17},
		{"a mention in brackets", "(@alice@example.org)", 8},
		{"a link with a mention in it is a link", "https://example.org/@alice@example.org", 23},
		{"a mention and a link", "@alice@example.org https://example.org/a", 6 + 1 + 23},
		{"what is no mention hides none", "a@b @alice@example.org", 4 + 6},
	} {
		if got := MastodonLength(c.text, UsualLimits()); got != c.want {
			t.Errorf("%s: %q is %d, want %d", c.name, c.text, got, c.want)
		}
	}
	if got := MastodonLength(long, Limits{Characters: 500, Link: 30}); got != 30 {
		t.Errorf("an instance that counts 30 for a link: %d", got)
	}
}

func TestSplitThread(t *testing.T) {
	link := "https://example.org/advisories/1"
	for _, c := range []struct {
		name, text string
		most       int
		want       []string
	}{
		{"what fits is one post", "one two", 30, []string{"one two"}},
		{"at a paragraph", "one two three\n\nfour five six", 15, []string{"one two three", "four five six"}},
		{"at a line", "one two three\nfour five six", 15, []string{"one two three", "four five six"}},
		{"at a sentence", "One two. Three four five.", 18, []string{"One two.", "Three four five."}},
		{"at a word", "one two three four", 9, []string{"one two", "three", "four"}},
		{"within a word", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"never within a link", "see " + link + " now", 25, []string{"see", link, "now"}},
		{"not even where no link fits", "a " + link, 20, []string{"a", link}},
		{"nor within an emoji", "👩‍👩‍👧👩‍👩‍👧", 1, []string{"👩‍👩‍👧", "👩‍👩‍👧"}},
	} {
		if got := SplitThread(c.text, Limits{c.most, 23}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// checkSplit holds what SplitThread and MastodonLength promise of any text.
func checkSplit(t interface{ Fatalf(string, ...any) }, text string, most int) {
	l := Limits{most, 23}
	if n := MastodonLength(text, Limits{most, 0}); n < 0 || n > utf8.RuneCountInString(text) {
		t.Fatalf("%q counts %d", text, n)
	}
	if !strings.ContainsAny(text, "@:") && MastodonLength(text, l) != uniseg.GraphemeClusterCount(text) {
		t.Fatalf("%q has neither link nor mention, and counts %d", text, MastodonLength(text, l))
	}
	bare := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	parts := SplitThread(text, l)
	if got := bare(strings.Join(parts, "")); got != bare(text) {
		t.Fatalf("%q became %q", text, parts)
	}
	for _, p := range parts {
		// One cluster, such as a letter with many accents, is one; an address stays whole.
		if n := MastodonLength(p, l); n > most && !strings.Contains(p, "://") {
			t.Fatalf("%q of %q counts %d of %d", p, parts, n, most)
		}
	}
}

func TestSplitAnyText(t *testing.T) {
	word := rapid.OneOf(rapid.StringMatching(`[a-zé.!]{1,15}`), rapid.SampledFrom([]string{
		"https://example.org/a/b", "@alice@example.org", "@bob", "👩‍👩‍👧", "\n", "\n\n", "🇫🇮", "e\u0301", "x@y", "://", "a:",
	}))
	rapid.Check(t, func(t *rapid.T) {
		checkSplit(t, strings.Join(rapid.SliceOf(word).Draw(t, "words"), rapid.SampledFrom([]string{" ", ""}).Draw(t, "between")), rapid.IntRange(1, 60).Draw(t, "most"))
	})
}

func FuzzMastodon(f *testing.F) {
	for _, text := range []string{"", "a", "https://example.org/a.", "@a@b.c", "👩‍👩‍👧", "a. b\n\nc", "://x", "@a-.-b@c"} {
		f.Add(text, 10)
	}
	f.Fuzz(func(t *testing.T, text string, most int) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		checkSplit(t, text, 1+(most%500+500)%500)
	})
}
