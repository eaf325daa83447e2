package mastodon

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tocsin/bridges"
)

func TestPlain(t *testing.T) {
	for content, want := range map[string]string{
		"":                             "",
		"<p>One</p>":                   "One",
		"<p>One<br />two<br>three</p>": "One\ntwo\nthree",
		"<p>One</p><p>two</p>":         "One\n\ntwo",
		"<P CLASS='x'>a &lt;b&gt; &amp;amp; &quot;c&quot; &#39;d&#x27;</P>": `a <b> &amp; "c" 'd'`,
		`<p><a href="https://www.example.org/a" rel="me"><span class="invisible">https://www.</span><span class="ellipsis">example.org</span><span class="invisible">/a</span></a>.</p>`: "https://www.example.org/a.",
		`<a href="https://example.org/long?a=1&amp;b=2">example.org/lo…</a>`:                                                 "https://example.org/long?a=1&b=2",
		`<span class="h-card"><a class="u-url mention" href="https://example.org/@alice">@<span>alice…</span></a></span> hi`: "@alice… hi",

		`a <a href="x">b <a href="y">c</a> d`:          "a b c d",
		`<a href="https://example.org">open…`:          "https://example.org",
		`I <3 you & a<b`:                               "I <3 you & a<b",
		`a <`:                                          "a <",
		`a <b title="x > y">c</b>`:                     "a c",
		`it<i>'s</i> <b class=it's>5</b> > 4`:          "it's 5 > 4",
		`a<!-- no > no -->b<!doctype x>c<!-- open`:     "abc<!-- open",
		`<ul><li>a</li><li>b</li></ul>c`:               "a\n\nb\n\nc",
		`hi <img src="x" alt=":blobcat:" /> there`:     "hi :blobcat: there",
		`&nbsp;&copy&#0;&#xD800;&unknown;`:             "\u00a0©\ufffd\ufffd&unknown;",
		`<a href=https://example.org/z class=x>z…</a>`: "https://example.org/z",
	} {
		if got := Plain(content); got != want {
			t.Errorf("%s\n got %q\nwant %q", content, got, want)
		}
	}
}

// TestPlainIsQuick: hostile markup takes no longer than its length says.
func TestPlainIsQuick(t *testing.T) {
	for _, bad := range []string{"<a", "<a href='", "<!--", "<a href=\"x\"", "</p", "<a>", "<a =\"", "<p>", "&", "<a href=x ", "< ", "<br ="} {
		began := time.Now()
		_ = Plain(strings.Repeat(bad, mostBytes/len(bad)))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q again and again takes %v", bad, took)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"<p>a<br>b</p>", `<a href="x>y">z…</a>`, "<!-- x", "&amp;&#x0;<", `<a class="mention" href=x>@<span>b</span></a>`} {
		f.Add(s)
	}
	fold := folder()
	f.Fuzz(func(t *testing.T, s string) {
		got := Plain(s)
		// An entity is never shorter than two thirds of its text, and a link's
		// address stands in its tag once.
		if len(got) > 3*len(s)+8 {
			t.Errorf("%q becomes %q", s, got)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%q becomes %q, which is not UTF-8", s, got)
		}
		if strings.ContainsAny(fold(got), "\n\t\r") || len(fold(got)) > 2*len(got) { // a small letter can be longer than its capital
			t.Errorf("%q is folded to %q", got, fold(got))
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","content":"<p>a</p>","created_at":"2026-12-03T14:00:00.000Z","edited_at":null}`, `[{"id":1},{"id":"2","url":"javascript:x"}]`,
		`{"domain":"a.example","configuration":{"statuses":{"max_characters":500}}}`, `{"error":"\u0000x"}`, `[[[[`, `{"id":{}}`,
	} {
		f.Add([]byte(s))
	}
	m := &Client{c: Config{Token: "t0k"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		if in, ok := readInstance(body); ok && (in.MaxCharacters < 1 || in.MaxCharacters > mostCharacters || in.PerURL < 1 || in.PerURL > mostCharacters || strings.ContainsAny(in.Domain+in.Version, "\x00\r\n\x1b")) {
			t.Errorf("%+v", in)
		}
		if told, _ := m.told(body); strings.ContainsAny(told, "\x00\r\n\x1b\u202e") || len([]rune(told)) > 200 || strings.Contains(told, "t0k") || !utf8.ValidString(told) {
			t.Errorf("told %q", told)
		}
		var list []wireStatus
		if bridges.Decode(body, &list) {
			found, _, _ := newSought(Status{Text: "a", Visibility: "public"}, time.Time{}).among(list)
			if found != nil && (!goodID(found.posted().ID) || strings.HasPrefix(found.posted().URL, "javascript")) {
				t.Errorf("%+v", found)
			}
		}
		var one wireStatus
		if bridges.Decode(body, &one) && !json.Valid(body) {
			t.Error("not JSON, and read")
		}
	})
}
