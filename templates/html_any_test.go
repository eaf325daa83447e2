package templates

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"tocsin/incidents"
)

// poisoned gives facts in which every text is another one.
func poisoned(v any, key string, other func(string) string) any {
	switch v := v.(type) {
	case incidents.Facts:
		out := incidents.Facts{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = poisoned(v[k], k, other)
		}
		return out
	case []incidents.Facts:
		out := []incidents.Facts{}
		for _, f := range v {
			out = append(out, poisoned(f, key, other).(incidents.Facts))
		}
		return out
	case []string:
		out := []string{}
		for _, s := range v {
			out = append(out, other(s))
		}
		return out
	case incidents.Sealed:
		return incidents.Seal(other("text"))
	case string:
		if key == "kind" { // it says which words are meant
			return v
		}
		return other(v)
	default:
		return v
	}
}

// before gives what a template says without any marks, as plain text alone was
// made before there was HTML.
func before(t *rapid.T, b *Book, name string, f incidents.Facts, c incidents.Clearance) string {
	var nested func(v any) any
	nested = func(v any) any {
		switch v := v.(type) {
		case incidents.Facts:
			m := map[string]any{"full": c.Full()}
			for k := range v {
				m[k] = nested(v[k])
			}
			return m
		case []incidents.Facts:
			list := make([]any, len(v))
			for i := range v {
				list[i] = nested(v[i])
			}
			return list
		default:
			return v
		}
	}
	var raw strings.Builder
	if err := b.all.Lookup(name).Execute(&raw, nested(f.Opened(c))); err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.SplitSeq(incidents.Neutral(raw.String()), "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// typed draws what somebody may have typed.
func typed(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.SampledFrom(append(strings.Fields(nasty()), "\x01", "\x02", "\x03", "\r", "\r\n", "\n", "\n\n", "\n  ", "\t", " ", "\u00a0", "\u200b", "\u202e", "\u2028",
			"<b>", "</b>", "<code>", "</code", "<!--", "-->", "<![CDATA[", "]]>", "<?x", "&", "&#64;", "&amp", "<br/>", "<ul><li>", "`", "*", "'", "\"", "\xff", "\x00",
			"\U0001f469", "\u200d", "e\u0301", "例。例え", "пример.рф", "भारत.भारत", "xn--e1afmkfd.xn--p1ai", "\ufffe")),
		rapid.StringN(0, 6, -1),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(strings.Split("@#!$+:./-_aA1 <>&.\x01", "")), 1, 8), func(s []string) string { return strings.Join(s, "") }),
	)
	return strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "typed"), "")
}

// TestHTMLOfAnything: whatever every single fact is, the HTML is sound, and the
// text is what it was before there was HTML.
func TestHTMLOfAnything(t *testing.T) {
	p := *pillow(t)
	b, links := book(t), newLinkers()
	unmarked, err := newBook("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	full, kinds := clearances()["full"], map[string]incidents.Facts{}
	for _, name := range b.Names() {
		kinds[name] = factsFor(p, name, true, incidents.Seal)
		if _, err := b.Render(name, kinds[name], full); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(b.Names()).Draw(t, "name")
		f := poisoned(kinds[name], "", func(string) string { return typed(t) }).(incidents.Facts)
		doc, err := b.Render(name, f, full)
		if err == nil {
			err = links.check(doc)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := before(t, unmarked, name, f, full); doc.Text != want || doc.Lines != strings.Count(want, "\n")+1 {
			t.Fatalf("%s says\n%q, and said\n%q", name, doc.Text, want)
		}
	})
}

// TestMarksOfPeople: a mark that somebody typed is like any other character that
// is not let through.
func TestMarksOfPeople(t *testing.T) {
	p := *pillow(t)
	b := book(t)
	for _, name := range b.Names() {
		f := factsFor(p, name, true, incidents.Seal)
		docs := [2]Document{}
		for k, evil := range []string{marks + "x" + marks, "\ufffd\ufffd\ufffdx\ufffd\ufffd\ufffd"} {
			var err error
			docs[k], err = b.Render(name, poisoned(f, "", func(s string) string { return s + evil }).(incidents.Facts), clearances()["full"])
			if err != nil {
				t.Fatal(err)
			}
		}
		if docs[0] != docs[1] {
			t.Errorf("%s: a mark that was typed does something:\n%s", name, docs[0].HTML)
		}
	}
	type odd struct{ A string }
	for _, v := range []any{odd{marks}, []any{marks}, map[string]string{"a": marks}, errors.New(marks), time.Second} {
		if s := fmt.Sprint(plain(v, true)); strings.ContainsAny(s, marks) {
			t.Errorf("a mark passes in a %T", v)
		}
	}
}

// FuzzHTML: whatever a template gives, and wherever its marks stand, the HTML is
// sound.
func FuzzHTML(f *testing.F) {
	f.Add("\x02INC-7 \"quiet harbour\"\x02 is open.\n\x03one\n  more\n\n\x03two\nNext: \x01!help\x01.")
	f.Add(nasty())
	f.Add("!!\x01\x02\x010 ev\x01\x01il.example")
	f.Add("\x01a\n\x03b\x02\n\n  c\x01d.com\x02\n\x03")
	f.Add("\r\x01\n\n \x02 \n")
	links := newLinkers()
	f.Fuzz(func(t *testing.T, raw string) {
		doc := shape(raw)
		if err := links.check(doc); err != nil {
			t.Fatal(err)
		}
		for _, r := range doc.HTML {
			if unicode.IsControl(r) {
				t.Fatalf("%U in %q", r, doc.HTML)
			}
		}
	})
}

// TestHTMLIsFast: no text is worth a long time to whoever sends it.
func TestHTMLIsFast(t *testing.T) {
	for _, part := range []string{"!", "1:", "1.", ".", "a ", "a\n", "@ ", "\n", " ", "(", ")", "\u3002", "<", "localhos", "\n  ", "\x01", "\x02a", "\x03a\n", "\ufffd"} {
		start := time.Now()
		shape(strings.Repeat(part, 200_000/len(part)))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("200 kB of %q take %v", part, took)
		}
	}
}

// BenchmarkRender is long answers and a short one.
func BenchmarkRender(b *testing.B) {
	bk := book(b)
	full := clearances()["full"]
	for _, name := range []string{"incident/show", "timeline", "incident/noted"} {
		f := factsFor(*pillow(b), name, true, incidents.Seal)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bk.Render(name, f, full); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
