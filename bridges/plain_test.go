package bridges

import "testing"

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "",
		" a \t b\r\n c ":                        "a b c",
		"broken \x1b[2J\a":                      "broken [2J",
		"a\u202eb\u200bc\u00ad\ufeff\ue000d":    "abcd",
		"line\u2028break\u0085and\u00a0another": "line break and another",
		"not \xff UTF-8 \ufffd":                 "not ? UTF-8",
		"Grüße, 日本 👩":                           "Grüße, 日本 👩",
		"exactly ten characters":                "exactly t…",
	} {
		most := 30
		if want == "exactly t…" {
			most = 10
		}
		if got := Clean(text, most); got != want || Clean(got, most) != got {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	for body, want := range map[string]bool{
		`{"a":"x","n":1}`: true, `{"a":[],"n":1}`: true, `{}`: true, `null`: true, `[]`: false, `"x"`: false, `{"a":"x"`: false, ``: false, `<html>`: false,
	} {
		var v struct {
			A string
			N int
		}
		if got := Decode([]byte(body), &v); got != want || body[:min(4, len(body))] == `{"a"` && want && v.N != 1 {
			t.Errorf("%s: %v, %+v", body, got, v)
		}
	}
}
