package mastodon

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestLength: https://docs.joinmastodon.org/user/posting/#text
func TestLength(t *testing.T) {
	for _, c := range []struct {
		text, spoiler string
		want          int
	}{
		{"", "", 0},
		{"abc", "de", 5},
		{"👩‍👩‍👧 e\u0301", "", 3},
		{"@a@b.example", "", 2},
		{"Thanks @alice@example.org, and @bob.", "", len("Thanks @alice, and @bob.")},
		{"https://example.org/" + strings.Repeat("x", 200) + " http://a.example", "", 23 + 1 + 23},
		{"(https://example.org/a_b).", "", 23 + 3},
		{"example.org carol@example.org", "", len("example.org carol@example.org")},
	} {
		if got := Length(c.text, c.spoiler); got != c.want {
			t.Errorf("%q: %d, not %d", c.text, got, c.want)
		}
	}
}

func TestRender(t *testing.T) {
	s := Start(Options{Known: []string{"alice", "bob@example.net"}})
	defer s.Close()
	for text, want := range map[string]string{
		"a & <b> 'c'\nd\n\n\n\"e\"": `<p>a &amp; &lt;b&gt; &#39;c&#39;<br />d</p><p>&quot;e&quot;</p>`,
		"https://www.example.org/a-long-path/to/something/else?x=1&y": `<p><a href="https://www.example.org/a-long-path/to/something/else?x=1&amp;y" target="_blank" rel="nofollow noopener noreferrer" translate="no">` +
			`<span class="invisible">https://www.</span><span class="ellipsis">example.org/a-long-path/to/som</span><span class="invisible">ething/else?x=1&amp;y</span></a></p>`,
		"@Alice, @bob@example.net @dana@example.org": `<p><span class="h-card" translate="no"><a href="https://social.example.org/@alice" class="u-url mention">@<span>alice</span></a></span>, ` +
			`<span class="h-card" translate="no"><a href="https://example.net/@bob" class="u-url mention">@<span>bob</span></a></span> @dana@example.org</p>`,
		"#Pillow C#": `<p><a href="https://social.example.org/tags/Pillow" class="mention hashtag" rel="tag">#<span>Pillow</span></a> C#</p>`,
	} {
		if got := s.render(text); got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestStrict: what the documentation refuses.
func TestStrict(t *testing.T) {
	s := Start(Options{})
	defer s.Close()
	ask := func(token string, form url.Values) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/v1/statuses", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, strings.TrimSpace(string(body))
	}
	const good = "token-of-pillow"
	soon := time.Now().Add(time.Minute).Format(time.RFC3339)
	for name, c := range map[string]struct {
		token string
		form  url.Values
		code  int
		body  string
	}{
		"no token":    {"", url.Values{"status": {"a"}}, 401, "authenticated user"},
		"wrong token": {"x", url.Values{"status": {"a"}}, 401, "The access token is invalid"},
		"blank":       {good, url.Values{"status": {" "}}, 422, "Text can't be blank"},
		"too long":    {good, url.Values{"status": {strings.Repeat("a", 300)}, "spoiler_text": {strings.Repeat("a", 201)}}, 422, "Text character limit of 500 exceeded"},
		"visibility":  {good, url.Values{"status": {"a"}, "visibility": {"everybody"}}, 422, "Visibility is not included in the list"},
		"reply":       {good, url.Values{"status": {"a"}, "in_reply_to_id": {"1"}}, 404, "does not appear to exist"},
		"too soon":    {good, url.Values{"status": {"a"}, "scheduled_at": {soon}}, 422, "must be in the future"},
		"good":        {good, url.Values{"status": {strings.Repeat("é", 500)}, "visibility": {"unlisted"}, "language": {"de"}}, 200, `"visibility":"unlisted"`},
	} {
		if code, body := ask(c.token, c.form); code != c.code || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	if all := s.Statuses(); len(all) != 1 || all[0].Language != "de" {
		t.Errorf("%+v", all)
	}
}
