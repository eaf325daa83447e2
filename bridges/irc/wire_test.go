package irc

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// rejoin puts parts together again and says what is wrong, or "".
func rejoin(text string, parts []string) string {
	rest := text
	for i, p := range parts {
		if i > 0 {
			if !strings.HasPrefix(p, more) {
				return "a later part does not start with dots"
			}
			p = strings.TrimPrefix(p, more)
			if !strings.HasPrefix(rest, p) {
				rest = strings.TrimPrefix(rest, " ")
			}
		}
		if !strings.HasPrefix(rest, p) {
			return "a part is not what was to be said"
		}
		rest = rest[len(p):]
	}
	if rest != "" {
		return "the end is missing"
	}
	return ""
}

func TestSplitKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(
			rapid.StringN(0, 30, 60), rapid.StringMatching(`[a-z]{1,12} {1,3}`), rapid.StringMatching(`https://[a-z/=;~-]{5,90} `),
			rapid.SampledFrom([]string{"\u6f0f", "e\u0301", "\U0001F468\u200D\U0001F469", "\U0001F1EB\U0001F1EE", " ", strings.Repeat("a\u0301\u0302", 30)}))
		text := strings.TrimRight(clean(strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "pieces"), "")), " ")
		size := rapid.IntRange(minText, maxText).Draw(t, "size")
		parts := split(text, size)
		for _, p := range parts {
			if len(p) > size || !utf8.ValidString(p) {
				t.Fatalf("part of %d bytes (of %d): %q", len(p), size, p)
			}
		}
		if why := rejoin(text, parts); why != "" {
			t.Fatalf("%s: %q -> %q", why, text, parts)
		}
	})
}

func TestSplitKeepsCharactersAndAddresses(t *testing.T) {
	for _, unit := range []string{"e\u0301", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F1EB\U0001F1EE", "\U0001F44D\U0001F3FD", "\u6f0f", "\u0928\u093F"} {
		text := strings.Repeat(unit, 80)
		for size := minText; size < 100; size++ {
			for _, p := range split(text, size) {
				if rest := strings.ReplaceAll(strings.TrimPrefix(p, more), unit, ""); rest != "" {
					t.Fatalf("size %d: a character was cut: %q", size, p)
				}
			}
		}
	}
	url := "https://example.org/a/very/long/way?x=1&y=2"
	for lead := range 80 {
		text := strings.Repeat("ab ", lead) + url + " end"
		if joined := strings.Join(split(text, 80), "\n"); !strings.Contains(joined, url) {
			t.Fatalf("the address was cut: %q", joined)
		}
	}
}

func TestCheckWireRefusesMistakes(t *testing.T) {
	const prefix = "tocsin!tocsin@host.example"
	for line, ok := range map[string]bool{
		"PRIVMSG #desk :hello":                             true,
		"JOIN #desk key":                                   true,
		"PRIVMSG #desk,#other :hello":                      false,
		"PRIVMSG #desk evil :hello":                        false,
		"PRIVMSG #desk :":                                  false,
		"PRIVMSG #desk hello":                              false,
		"NOTICE  :x":                                       false,
		"PRIVMSG #desk :a\x01b":                            false,
		"PRIVMSG #desk :a\x00b":                            false,
		"PRIVMSG #desk :a\r\nQUIT":                         false,
		"PRIVMSG #desk :a\xffb":                            false,
		"PRIVMSG #desk :" + strings.Repeat("x", 480):       false,
		"WHO #" + strings.Repeat("x", 600):                 false,
		"":                                                 false,
		"PRIVMSG #desk :" + strings.Repeat("x", 510-43):    false,
		"PRIVMSG #desk :" + strings.Repeat("x", 510-28-15): true,
	} {
		if err := checkWire(line, prefix); (err == nil) != ok {
			t.Errorf("%.40q: %v", line, err)
		}
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		m    string
		a, b string
		same bool
	}{
		{"ascii", "Alice", "aLICE", true},
		{"ascii", "a[]\\~", "a{}|^", false},
		{"rfc1459", "a[]\\~", "a{}|^", true},
		{"strict-rfc1459", "a[]\\", "a{}|", true},
		{"strict-rfc1459", "~", "^", false},
		{"rfc7613", "a[", "a{", false},
		{"", "\u00C4", "\u00E4", false},
	} {
		m := casemapOf(c.m)
		if (m.fold(c.a) == m.fold(c.b)) != c.same {
			t.Errorf("%s: %s and %s", c.m, c.a, c.b)
		}
	}
}

// TestParagraphsStayApart: one line without words between them, and none around.
func TestParagraphsStayApart(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb": "a|b", "a\n\nb": "a|\u00a0|b", "\n\na\n \n\n\t\nb\n\n": "a|\u00a0|b", "a\r\n\r\nb\n\n\nc": "a|\u00a0|b|\u00a0|c", " \n": "", "a\n\n!b": "a|\u00a0|> !b",
	} {
		if got := strings.Join(cleanLines(text), "|"); got != want {
			t.Errorf("%q is said as %q, want %q", text, got, want)
		}
	}
}

func FuzzWire(f *testing.F) {
	f.Add("hello", 300)
	f.Add("a\x00b\r\nQUIT\x02\u202E\u200B\xff", 60)
	f.Add(strings.Repeat("\u6f0f", 300), 61)
	f.Add("!x\n/y\n\n "+strings.Repeat("z\u0301", 300), 100)
	f.Fuzz(func(t *testing.T, text string, size int) {
		prefix := "tocsin!tocsin@" + strings.Repeat("h", 63)
		limit := budget(prefix, "PRIVMSG", "#desk")
		if size < minText || size > limit {
			size = limit
		}
		for _, line := range cleanLines(text) {
			for _, p := range split(line, size) {
				wire := "PRIVMSG #desk :" + p
				if err := checkWire(wire, prefix); err != nil {
					t.Fatalf("%v: %q", err, wire)
				}
				if len(":"+prefix+" "+wire+"\r\n") > 512 || strings.HasPrefix(p, "!") || strings.HasPrefix(p, "/") {
					t.Fatalf("%q", wire)
				}
				for _, r := range p {
					if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x200B || r == 0x2028 || r == 0x2029 {
						t.Fatalf("%U in %q", r, p)
					}
				}
			}
		}
	})
}
