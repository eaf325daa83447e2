package incidents

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanLine(t *testing.T) {
	for typed, want := range map[string]string{
		"Heap overflow in SgiRleDecode":          "",
		"  blanks around \n":                     "blanks around",
		"std::vector<int> and < 12.1.1":          "",
		"<dana@example.org>":                     "",
		"a < b, x <= y, <- and <3":               "",
		"roommates @roommate":                    "",
		"the @everyone of Discord":               "",
		"Łukasz, 王小明, عمر, नमस्ते":               "",
		"family 👨\u200d👩\u200d👧, ❤\ufe0f\u200d🔥": "",
		"dark hand 👩🏽\u200d💻 and 🏳\ufe0f\u200d🌈": "",
		"<template-of-mine>, <bold>":             "",
	} {
		if want == "" {
			want = typed
		}
		if got, err := CleanLine(typed, 200); err != nil || got != want {
			t.Errorf("%q: got %q, %v", typed, got, err)
		}
	}
}

func TestCleanLineRefuses(t *testing.T) {
	for _, c := range []struct{ typed, key string }{
		{"", "empty"},
		{" \t\u00a0 ", "empty"},
		{"\u3000\u2800", "empty"},
		{"bad \xff byte", "not-utf8"},
		{"\xed\xa0\x80", "not-utf8"},
		{strings.Repeat("x", 201), "too-long"},
		{"two\nlines", "one-line"},
		{"two\r\nlines", "one-line"},
		{"two\u2028lines", "one-line"},
		{"a\tb", "control-characters"},
		{"nul\x00", "control-characters"},
		{"\x1b[31mred", "control-characters"},
		{"\x02bold", "control-characters"},
		{"del\x7f", "control-characters"},
		{"c1 \u009b", "control-characters"},
		{"txt\u202egpj", "hidden-characters"},
		{"a\u2066b", "hidden-characters"},
		{"a\u200eb", "hidden-characters"},
		{"a\u061cb", "hidden-characters"},
		{"zero\u200bwidth", "hidden-characters"},
		{"zero\u200dwidth", "hidden-characters"},
		{"👨\u200d", "hidden-characters"},
		{"👨\u200dx", "hidden-characters"},
		{"x\u200d👨", "hidden-characters"},
		{"👨\u200d\u200d👩", "hidden-characters"},
		{"\ufeffbom", "hidden-characters"},
		{"a\u2060b", "hidden-characters"},
		{"soft\u00adhyphen", "hidden-characters"},
		{"tag \U000e0041", "hidden-characters"},
		{"own \ue000", "hidden-characters"},
		{"vs \U000e0101", "hidden-characters"},
		{"none \ufdd0", "hidden-characters"},
		{"filler \u3164", "hidden-characters"},
		{"@room", "room-mention"},
		{"look, @Room: now", "room-mention"},
		{"bob@ROOM.example", "room-mention"},
		{"@@room", "room-mention"},
		{"<b>", "html"},
		{"<IMG src=x>", "html"},
		{"</a>", "html"},
		{"<script", "html"},
		{"<br/>", "html"},
		{"<<i>", "html"},
		{"</mx-reply>", "html"},
	} {
		_, err := CleanLine(c.typed, 200)
		wantRefusal(t, err, c.key, nil)
	}
	_, err := CleanLine("alice", 4)
	wantRefusal(t, err, "too-long", Facts{"max": 4, "length": 5})
}

func TestCleanText(t *testing.T) {
	got, err := CleanText("\r\nfirst\r\n\tsecond <b> @room\r\n\r\n", 100)
	if want := "first\n\tsecond <b> @room"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	for typed, key := range map[string]string{
		"": "empty", "\n\n": "empty", "a\rb": "control-characters", "a\x07": "control-characters", "a\u2028b": "hidden-characters",
		"a\u202eb": "hidden-characters", "\xff": "not-utf8", strings.Repeat("x", 101): "too-long", "a\u0085b": "control-characters",
	} {
		_, err := CleanText(typed, 100)
		wantRefusal(t, err, key, nil)
	}
}

func TestPlainName(t *testing.T) {
	if got, err := PlainName(" Carol O’Neill (@carol) ", 50); err != nil || got != "Carol O’Neill (@carol)" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, typed := range []string{"@room", "@everyone", "x @Here", "@channel", "@all"} {
		_, err := PlainName(typed, 50)
		wantRefusal(t, err, "room-mention", nil)
	}
	if _, err := PlainName("dana@allexample.org", 50); err != nil {
		t.Error(err)
	}
}

func TestNeutral(t *testing.T) {
	for text, want := range map[string]string{
		"plain\nlines":          "plain\nlines",
		"a\r\nb\rc\td":          "a\nb\ufffdc d",
		"\x1b[2J\x00\x7f\u009b": "\ufffd[2J\ufffd\ufffd\ufffd",
		"\xff\xfe":              "\ufffd\ufffd",
		"txt\u202egpj":          "txt\ufffdgpj",
		"👨\u200d👩 x\u200dy":     "👨\u200d👩 x\ufffdy",
		"\U000e0041\ue000":      "\ufffd\ufffd",
		"a\u2028b\u2029c":       "a\ufffdb\ufffdc",
		"\u0600 is seen":        "\u0600 is seen",
	} {
		if got := Neutral(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"alice", "a\tb", "\u202e", "👨\u200d👩", "<b>", "@room", "\xff", "x\u200d", "a\r\nb"} {
		f.Add(seed)
	}
	commands := func(r rune) bool {
		return r != '\n' && unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}
	f.Fuzz(func(t *testing.T, typed string) {
		out := Neutral(typed)
		if !utf8.ValidString(out) || strings.ContainsFunc(out, commands) || Neutral(out) != out {
			t.Errorf("Neutral(%q) is %q", typed, out)
		}
		if line, err := CleanLine(typed, 100); err == nil {
			again, err := CleanLine(line, 100)
			if err != nil || again != line || Neutral(line) != line || strings.Contains(line, "\n") || len(line) > 100 {
				t.Errorf("CleanLine(%q) is %q", typed, line)
			}
		} else if _, ok := AsRefusal(err); !ok {
			t.Errorf("not a refusal: %v", err)
		}
		if text, err := CleanText(typed, 100); err == nil {
			again, err := CleanText(text, 100)
			if err != nil || again != text || Neutral(text) != strings.ReplaceAll(text, "\t", " ") {
				t.Errorf("CleanText(%q) is %q", typed, text)
			}
		}
		if name, err := PlainName(typed, 100); err == nil && Neutral(name) != name {
			t.Errorf("PlainName(%q) is %q", typed, name)
		}
	})
}
