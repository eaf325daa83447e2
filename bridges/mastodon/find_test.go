package mastodon

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	fake "tocsin/internal/chattest/mastodon"
)

// TestNeverTwice: a post of unknown outcome is found, in whatever way it was lost.
func TestNeverTwice(t *testing.T) {
	for name, fault := range map[string]fake.Fault{
		"cut":  {Path: "POST /api/v1/statuses", Cut: true},
		"504":  {Path: "POST /api/v1/statuses", After: true, Status: 504, Body: "<html>"},
		"hang": {Path: "POST /api/v1/statuses", After: true, Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, fake.Options{Known: []string{"Carol@example.org"}}, func(c *Config) { c.Timeout = 2 * time.Second })
			since := r.now()
			if _, err := r.Find(t.Context(), release(), since); !errors.Is(err, bridges.ErrNoTrace) {
				t.Fatalf("before it was posted: %v", err)
			}
			r.server.Fail(fault)
			if _, err := r.Post(t.Context(), release()); outcome(err) != "unknown" {
				t.Fatal(err)
			}
			r.pass(90 * time.Minute)
			p, err := r.Find(t.Context(), release(), since)
			if err != nil || p.ID != r.server.Statuses()[0].ID || !p.At.Equal(since) {
				t.Errorf("%+v %v", p, err)
			}
		})
	}
}

// TestRoundTrip: what Mastodon makes of a text is recognised.
func TestRoundTrip(t *testing.T) {
	r := start(t, fake.Options{MaxCharacters: 5000, Known: []string{"alice", "Bob@example.org"}})
	for i, text := range []string{
		"One line",
		"Two\nlines",
		"Two\n\nparagraphs\n\n\n\nand a gap",
		"  blanks   in front, behind and   between  ",
		"\ttabs\tand\u00a0hard blanks",
		"<b>a & b</b> &amp; &lt;p&gt; \"c\" 'd' &notit; a < b > c",
		"https://www.example.org/",
		"See https://pillow.example.org/a/very/long/path/that/is/cut?x=1&y=2#z. Or (http://example.org/a_b)!",
		"https://example.org/1 https://example.org/2\nhttps://example.org/3",
		"@alice @Alice @bob@example.org @carol@example.org, @dana@example.net.",
		"mail carol@example.org, see https://social.example.org/@alice and https://social.example.org/@bob@example.org/1",
		"#Pillow #12 #a_b C# &#39;",
		"Ends in three dots... and … https://example.org/...",
		"👩‍👩‍👧 e\u0301 日本語 \u202b",
		"CVE-2026-0001: 12.3.1 -> 12.3.2 :blobcat:",
	} {
		s := Status{Key: fmt.Sprint(i), Text: text, Visibility: "public"}
		p, err := r.Post(t.Context(), s)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if found, err := r.Find(t.Context(), s, r.now()); err != nil || found.ID != p.ID {
			t.Errorf("%q: %+v %v", text, found, err)
		}
		s.Text += "s"
		if _, err := r.Find(t.Context(), s, r.now()); !errors.Is(err, bridges.ErrNoTrace) {
			t.Errorf("%q is not what was posted: %v", s.Text, err)
		}
	}
}

func TestFindIsNotFooled(t *testing.T) {
	s := release()
	for name, c := range map[string]struct {
		there fake.Status
		want  error
	}{
		"another text":             {fake.Status{Text: "12.3.1 is out"}, bridges.ErrNoTrace},
		"a shorter text":           {fake.Status{Text: s.Text[:40]}, bridges.ErrNoTrace},
		"with a warning":           {fake.Status{Text: s.Text, Spoiler: "x"}, bridges.ErrNoTrace},
		"to oneself":               {fake.Status{Text: s.Text, Visibility: "direct"}, bridges.ErrNoTrace},
		"a boost":                  {fake.Status{Text: s.Text, Reblog: true}, bridges.ErrNoTrace},
		"long ago":                 {fake.Status{Text: s.Text, At: newWatch().now().Add(-time.Hour)}, bridges.ErrNoTrace},
		"by hand":                  {fake.Status{Text: s.Text}, nil},
		"quietly":                  {fake.Status{Text: s.Text, Visibility: "unlisted"}, nil},
		"a clock that is behind":   {fake.Status{Text: s.Text, At: newWatch().now().Add(-2 * time.Minute)}, nil},
		"edited, and other words":  {fake.Status{Text: "x", Edited: newWatch().now()}, bridges.ErrCantSay},
		"edited, and the same":     {fake.Status{Text: s.Text, Edited: newWatch().now()}, nil},
		"edited, but from earlier": {fake.Status{Text: "x", Edited: newWatch().now(), At: newWatch().now().Add(-time.Hour)}, bridges.ErrNoTrace},
	} {
		r := start(t, fake.Options{})
		r.server.Add(c.there)
		if _, err := r.Find(t.Context(), s, r.now()); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFindPages: it looks as far back as it has to, and no further.
func TestFindPages(t *testing.T) {
	r := start(t, fake.Options{Limit: 1000})
	s, since := release(), r.now()
	want := r.server.Add(fake.Status{Text: s.Text})
	for i := range 100 {
		r.pass(time.Second)
		r.server.Add(fake.Status{Text: fmt.Sprint("one more ", i)})
	}
	if p, err := r.Find(t.Context(), s, since); err != nil || p.ID != want {
		t.Errorf("%+v %v", p, err)
	}
	pages := func() (n int) {
		for _, a := range r.server.Asked() {
			if strings.HasSuffix(a, "/statuses") {
				n++
			}
		}
		return n
	}
	if pages() != 3 {
		t.Errorf("%d pages", pages())
	}
	other := s
	other.Text = "never posted"
	if _, err := r.Find(t.Context(), other, r.now()); !errors.Is(err, bridges.ErrNoTrace) || pages() != 6 {
		t.Errorf("%v after %d pages", err, pages()) // five minutes back is all of it
	}
	r.pass(time.Hour)
	r.server.Add(fake.Status{Text: "the newest"})
	if _, err := r.Find(t.Context(), other, r.now()); !errors.Is(err, bridges.ErrNoTrace) || pages() != 7 {
		t.Errorf("%v after %d pages", err, pages())
	}
	if p, err := r.Find(t.Context(), s, time.Time{}); err != nil || p.ID != want {
		t.Errorf("%+v %v", p, err)
	}
	for i := range 400 {
		r.server.Add(fake.Status{Text: fmt.Sprint("many more ", i)})
	}
	if _, err := r.Find(t.Context(), s, time.Time{}); !errors.Is(err, bridges.ErrCantSay) {
		t.Errorf("beyond what it looks at: %v", err)
	}
}

// TestFindFails: a question without an answer is not a post that is not there.
func TestFindFails(t *testing.T) {
	list := "GET /api/v1/accounts/109000000000000007/statuses"
	type f = fake.Fault
	endless := f{Path: list, Status: 200, Body: `[]`, Header: http.Header{"Link": {`<https://evil.example.org/?max_id=5>; rel="next"`}}}
	for name, c := range map[string]struct {
		faults []f
		want   error
		kind   Kind
	}{
		"401":            {[]f{{Path: list, Status: 401}}, nil, BadToken},
		"403":            {[]f{{Path: list, Status: 403}}, bridges.ErrCantSay, Forbidden},
		"404":            {[]f{{Path: list, Status: 404}}, bridges.ErrCantSay, Missing},
		"429":            {[]f{{Path: list, Status: 429}}, nil, Limited},
		"500":            {[]f{{Path: list, Status: 500}}, nil, Failing},
		"cut":            {[]f{{Path: list, Cut: true}}, nil, Silent},
		"a page":         {[]f{{Path: list, Status: 200, Body: "<html>"}}, nil, Strange},
		"an object":      {[]f{{Path: list, Status: 200, Body: "{}"}}, nil, Strange},
		"nothing":        {[]f{{Path: list, Status: 200, Body: "null"}}, nil, Strange},
		"no account":     {[]f{{Path: "GET /api/v1/accounts/verify_credentials", Status: 200, Body: `{"id":"../x","acct":"a"}`}}, nil, Strange},
		"odd statuses":   {[]f{{Path: list, Status: 200, Body: `[{"id":{},"content":[]}]`}}, bridges.ErrCantSay, 0},
		"a Link in ring": {[]f{endless, endless, endless}, bridges.ErrCantSay, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, fake.Options{})
			r.server.Fail(c.faults...)
			_, err := r.Find(t.Context(), release(), r.now())
			discreet(t, err)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || kindOf(err) != c.kind {
				t.Fatalf("%v", err)
			}
			for _, never := range []error{bridges.ErrNoTrace, bridges.ErrNotSent, bridges.ErrRefused} {
				if errors.Is(err, never) {
					t.Errorf("%v is taken for %v", err, never)
				}
			}
		})
	}
}
