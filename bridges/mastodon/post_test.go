package mastodon

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	fake "tocsin/internal/chattest/mastodon"

	"github.com/google/go-cmp/cmp"
)

func TestConfig(t *testing.T) {
	good := Config{Name: "fosstodon", Instance: "https://fosstodon.example.org/", Token: "secret-1"}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"no name":              func(c *Config) { c.Name = "" },
		"no token":             func(c *Config) { c.Token = "" },
		"a token with a line":  func(c *Config) { c.Token = "secret-1\nx" },
		"no address":           func(c *Config) { c.Instance = "" },
		"a host only":          func(c *Config) { c.Instance = "fosstodon.example.org" },
		"a path":               func(c *Config) { c.Instance += "api" },
		"a query":              func(c *Config) { c.Instance += "?x=secret-1" },
		"a password":           func(c *Config) { c.Instance = "https://alice:secret-1@example.org" },
		"no TLS":               func(c *Config) { c.Instance = "http://example.org"; c.Loopback = true },
		"loopback, not a test": func(c *Config) { c.Instance = "http://127.0.0.1:1" },
		"another scheme":       func(c *Config) { c.Instance = "ftp://example.org" },
		"an agent of two":      func(c *Config) { c.Agent = "a\r\nX: y" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "secret-1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	m, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	post, told := Status{Key: "k", Text: "secret", Visibility: "public"}, &Error{Kind: Invalid, Told: "secret"}
	var all strings.Builder
	for _, v := range []any{good, &good, m, post, &post, told} {
		slog.New(slog.NewTextHandler(&all, nil)).Info("x", "c", v)
		slog.New(slog.NewJSONHandler(&all, nil)).Info("x", "c", v)
		fmt.Fprintf(&all, "%v %+v %#v %s %q %d %v %#v\n", v, v, v, v, v, v, []any{v}, struct{ V any }{v})
	}
	if strings.Contains(all.String(), "secret") || !strings.Contains(all.String(), "mastodon fosstodon") {
		t.Errorf("it tells a token or a text: %s", all.String())
	}
}

func TestAccountAndInstance(t *testing.T) {
	r := start(t, fake.Options{MaxCharacters: 1500})
	a, err := r.Account(t.Context())
	if want := (Account{ID: a.ID, Acct: "pillow", Name: "The pillow project", URL: "https://social.example.org/@pillow"}); err != nil || a != want {
		t.Errorf("%+v %v", a, err)
	}
	in, err := r.Instance(t.Context())
	if want := (Instance{Domain: "social.example.org", Version: "4.5.2", MaxCharacters: 1500, PerURL: 23}); err != nil || in != want {
		t.Errorf("%+v %v", in, err)
	}
	if got := a.Handle(in.Domain); got != "@pillow@social.example.org" {
		t.Error(got)
	}
	old := start(t, fake.Options{Version1: true, MaxCharacters: 700})
	if in, err := old.Instance(t.Context()); err != nil || in.MaxCharacters != 700 || in.Version != "3.5.3" {
		t.Errorf("%+v %v", in, err)
	}
	if want := []string{"GET /api/v2/instance", "GET /api/v1/instance"}; !cmp.Equal(old.server.Asked(), want) {
		t.Error(old.server.Asked())
	}
	r.server.Fail(fake.Fault{Path: "GET /api/v2/instance", Status: 500})
	if _, err := r.Instance(t.Context()); kindOf(err) != Failing {
		t.Errorf("a failing instance is not an old one: %v", err)
	}
}

func TestReadInstance(t *testing.T) {
	for body, want := range map[string]Instance{
		`{"domain":"a.example"}`: {"a.example", "", 500, 23},
		`{"domain":"a.example","configuration":{"statuses":{"max_characters":"5000","characters_reserved_per_url":30}}}`: {"a.example", "", 5000, 30},
		`{"domain":"a.example","configuration":{"statuses":{"max_characters":-1,"characters_reserved_per_url":0}}}`:      {"a.example", "", 500, 23},
		`{"domain":"a.example","configuration":{"statuses":{"max_characters":99999999999}}}`:                             {"a.example", "", 500, 23},
		`{"domain":"a.example","configuration":[]}`:                                                                      {"a.example", "", 500, 23},
		`{"domain":7,"uri":"https://b.example","max_toot_chars":1024,"version":"2.7\u0000"}`:                             {"", "2.7", 1024, 23},
		`{"uri":"https://b.example","max_toot_chars":1024}`:                                                              {"b.example", "", 1024, 23},
		`{"uri":"a.example/\u202e","version":"1"}`:                                                                       {"", "1", 500, 23},
	} {
		if got, ok := readInstance([]byte(body)); strings.Contains(body, `"domain":7`) {
			if got.MaxCharacters != want.MaxCharacters || !ok {
				t.Errorf("%s: %+v", body, got)
			}
		} else if got != want || !ok {
			t.Errorf("%s: %+v %v", body, got, ok)
		}
	}
	for _, body := range []string{``, `{}`, `[]`, `"x"`, `null`, `<html>`, `{"domain":"a.example"`} {
		if got, ok := readInstance([]byte(body)); ok {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestPost(t *testing.T) {
	r := start(t, fake.Options{})
	first, err := r.Post(t.Context(), release())
	if err != nil {
		t.Fatal(err)
	}
	if first.Visibility != "public" || !first.At.Equal(r.now()) || first.URL != "https://social.example.org/@pillow/"+first.ID {
		t.Errorf("%+v", first)
	}
	reply := Status{Key: "7/post/2", Text: "And more.", Visibility: "unlisted", InReplyTo: first.ID}
	if _, err := r.Post(t.Context(), reply); err != nil {
		t.Fatal(err)
	}
	got := r.server.Statuses()
	if len(got) != 2 || got[0].Text != release().Text || got[0].Language != "en" || got[0].Scheduled || got[1].InReplyTo != first.ID ||
		got[1].Spoiler != "" || got[1].Visibility != "unlisted" || got[0].Key == got[1].Key || strings.Contains(got[0].Key, "post") || len(got[0].Key) != 64 {
		t.Errorf("%+v", got)
	}
	// The same key: the same status for an hour, and a new one after.
	if again, err := r.Post(t.Context(), release()); err != nil || again.ID != first.ID {
		t.Errorf("%+v %v", again, err)
	}
	r.pass(time.Hour)
	if again, err := r.Post(t.Context(), release()); err != nil || again.ID == first.ID {
		t.Errorf("%+v %v: after an hour only Find can tell", again, err)
	}
	silenced := start(t, fake.Options{Silenced: true})
	if p, err := silenced.Post(t.Context(), release()); err != nil || p.Visibility != "unlisted" {
		t.Errorf("%+v %v", p, err)
	}
}

// TestUnusable: what no instance takes does not leave the machine.
func TestUnusable(t *testing.T) {
	r := start(t, fake.Options{})
	for name, change := range map[string]func(*Status){
		"no key":           func(s *Status) { s.Key = "" },
		"no text":          func(s *Status) { s.Text = " \n\t" },
		"a control":        func(s *Status) { s.Text = "marker\x00" },
		"a return":         func(s *Status) { s.Text = "marker\r\nmarker" },
		"not UTF-8":        func(s *Status) { s.Text = "marker\xff" },
		"endless":          func(s *Status) { s.Text = strings.Repeat("marker", 1<<18) },
		"no visibility":    func(s *Status) { s.Visibility = "" },
		"wrong visibility": func(s *Status) { s.Visibility = "marker" },
		"no language":      func(s *Status) { s.Language = "marker" },
		"no id":            func(s *Status) { s.InReplyTo = "../marker" },
	} {
		s := release()
		change(&s)
		_, err := r.Post(t.Context(), s)
		if kindOf(err) != Unusable || outcome(err) != "refused" {
			t.Errorf("%s: %v", name, err)
		}
		discreet(t, err)
	}
	if len(r.server.Asked()) != 0 {
		t.Error(r.server.Asked())
	}
}

// TestRefused: Mastodon's own ways to say no.
func TestRefused(t *testing.T) {
	r := start(t, fake.Options{})
	for name, c := range map[string]struct {
		change func(*Status)
		kind   Kind
		told   string
	}{
		"too long": {func(s *Status) { s.Text = strings.Repeat("é", 501) }, Invalid, "Validation failed: Text character limit of 500 exceeded"},
		"no reply": {func(s *Status) { s.InReplyTo = "7" }, Missing, "The post you are trying to reply to does not appear to exist."},
	} {
		s := release()
		c.change(&s)
		_, err := r.Post(t.Context(), s)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != c.kind || e.Told != c.told || outcome(err) != "refused" {
			t.Errorf("%s: %+v", name, err)
		}
		if strings.Contains(err.Error(), e.Told) {
			t.Errorf("%s: %v says what the server said", name, err)
		}
	}
	r.server.SetToken("another")
	_, err := r.Post(t.Context(), release())
	if kindOf(err) != BadToken || outcome(err) != "not sent" {
		t.Error(err)
	}
	narrow := start(t, fake.Options{Scopes: []string{"read:statuses"}})
	_, err = narrow.Post(t.Context(), release())
	if kindOf(err) != Forbidden || outcome(err) != "refused" {
		t.Error(err)
	}
	if n := len(r.server.Statuses()) + len(narrow.server.Statuses()); n != 0 {
		t.Errorf("%d posts", n)
	}
}

// TestFaults: what each way of failing means for a post.
func TestFaults(t *testing.T) {
	html := "<html>marker " + token + "</html>"
	own := `{"error":"marker \u0007\u202e` + strings.Repeat("x", 400) + `"}`
	type f = fake.Fault
	for name, c := range map[string]struct {
		fault f
		kind  Kind
		want  string
	}{
		"400":                    {f{Status: 400, Body: own}, Invalid, "refused"},
		"401 of a proxy":         {f{Status: 401, Body: html}, BadToken, "not sent"},
		"403 of a proxy":         {f{Status: 403, Body: html}, Strange, "not sent"},
		"404 of a proxy":         {f{Status: 404, Body: html}, Missing, "not sent"},
		"408":                    {f{Status: 408, Body: own}, Strange, "unknown"},
		"410":                    {f{Status: 410, Body: own}, Missing, "refused"},
		"413 of a proxy":         {f{Status: 413, Body: html}, Strange, "not sent"},
		"418":                    {f{Status: 418, Body: own}, Strange, "refused"},
		"422":                    {f{Status: 422, Body: own}, Invalid, "refused"},
		"500":                    {f{Status: 500, Body: own}, Failing, "unknown"},
		"502":                    {f{Status: 502, Body: html}, Failing, "unknown"},
		"503":                    {f{Status: 503, Body: own}, Failing, "unknown"},
		"504 after it was done":  {f{Status: 504, Body: html, After: true}, Failing, "unknown"},
		"301":                    {f{Status: 301, Location: "https://elsewhere.example.org/"}, Moved, "refused"},
		"303":                    {f{Status: 303, Location: "/marker"}, Strange, "unknown"},
		"307 to itself":          {f{Status: 307, Location: "/api/v1/statuses"}, Moved, "refused"},
		"200 and a page":         {f{Status: 200, Body: html}, Strange, "unknown"},
		"200 and no id":          {f{Status: 200, Body: `{"id":null,"content":"marker"}`}, Strange, "unknown"},
		"200 and put off":        {f{Status: 200, Body: `{"id":"1","scheduled_at":"2026-12-03T15:00:00Z"}`}, Strange, "unknown"},
		"200 without an end":     {f{Status: 200, Body: `{"x":"` + strings.Repeat("marker", 1<<20) + `"}`}, Strange, "unknown"},
		"cut after it was done":  {f{Cut: true}, Silent, "unknown"},
		"a body that hides a 7F": {f{Status: 422, Body: `{"error":"a\u007fb"}`}, Invalid, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, fake.Options{})
			r.server.Fail(c.fault)
			_, err := r.Post(t.Context(), release())
			discreet(t, err)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != c.kind || outcome(err) != c.want {
				t.Fatalf("%v, %s", err, outcome(err))
			}
			if strings.ContainsFunc(e.Told, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) || len([]rune(e.Told)) > 200 || strings.Contains(e.Told, token) {
				t.Errorf("told %q", e.Told)
			}
			if asked := r.server.Asked(); len(asked) != 1 {
				t.Errorf("one post asked %q", asked)
			}
		})
	}
}

func TestTokenIsNotTold(t *testing.T) {
	r := start(t, fake.Options{})
	r.server.Fail(fake.Fault{Status: 422, Body: `{"error":"bad ` + token + `"}`})
	_, err := r.Post(t.Context(), release())
	if e, ok := errors.AsType[*Error](err); !ok || e.Told != "" || e.Kind != Invalid {
		t.Errorf("%+v", err)
	}
}

func TestPatience(t *testing.T) {
	r := start(t, fake.Options{Limit: 1})
	for range 2 {
		_, _ = r.Instance(t.Context())
	}
	_, err := r.Post(t.Context(), release())
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Limited || outcome(err) != "not sent" || !e.Retry.Equal(r.now().Add(5*time.Minute)) {
		t.Fatalf("%+v", err)
	}
	r.pass(5 * time.Minute)
	if _, err := r.Post(t.Context(), release()); err != nil {
		t.Error(err)
	}
}

// TestTimeouts: before a connection nothing is sent; after it nobody knows.
func TestTimeouts(t *testing.T) {
	r := start(t, fake.Options{}, func(c *Config) { c.Timeout = time.Second })
	r.server.Fail(fake.Fault{After: true, Hang: true})
	_, err := r.Post(t.Context(), release())
	if kindOf(err) != Silent || outcome(err) != "unknown" || !errors.Is(err, context.DeadlineExceeded) || len(r.server.Statuses()) != 1 {
		t.Error(err)
	}
	discreet(t, err)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := start(t, fake.Options{}, func(c *Config) { c.Instance = "http://" + l.Addr().String() })
	l.Close()
	if _, err := gone.Post(t.Context(), release()); kindOf(err) != Unreachable || outcome(err) != "not sent" {
		t.Error(err)
	}
	// Somebody answers the door and never shakes hands.
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	mute := start(t, fake.Options{}, func(c *Config) { c.Instance, c.Timeout = "https://"+deaf.Addr().String(), 300*time.Millisecond })
	if _, err := mute.Post(t.Context(), release()); kindOf(err) != Unreachable || outcome(err) != "not sent" || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Post(ctx, release()); outcome(err) != "not sent" || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// Stopped while it waits for the answer.
	waits := start(t, fake.Options{})
	waits.server.Fail(fake.Fault{After: true, Hang: true})
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { _, err := waits.Post(ctx, release()); done <- err }()
	<-waits.server.Hanging()
	cancel()
	if err := <-done; outcome(err) != "unknown" {
		t.Error(err)
	}
}

// TestTLS: a certificate that nobody vouches for gets nothing.
func TestTLS(t *testing.T) {
	r := start(t, fake.Options{TLS: true})
	_, err := r.Post(t.Context(), release())
	if kindOf(err) != Unreachable || outcome(err) != "not sent" || len(r.server.Asked()) != 0 {
		t.Error(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(r.server.Certificate())
	c := r.c
	c.Roots = roots
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Post(t.Context(), release()); err != nil {
		t.Error(err)
	}
}

// TestRedirects: a question follows on the same host only.
func TestRedirects(t *testing.T) {
	other := start(t, fake.Options{})
	r := start(t, fake.Options{})
	r.server.Fail(fake.Fault{Status: 302, Location: other.server.URL + "/api/v1/accounts/verify_credentials"})
	if _, err := r.Account(t.Context()); kindOf(err) != Moved || errors.Is(err, bridges.ErrRefused) {
		t.Error(err)
	}
	if len(other.server.Asked()) != 0 {
		t.Error("the token went to another host")
	}
	r.server.Fail(fake.Fault{Status: 302, Location: "/api/v1/accounts/verify_credentials"})
	if _, err := r.Account(t.Context()); err != nil {
		t.Error(err)
	}
	var loop []fake.Fault
	for range 10 {
		loop = append(loop, fake.Fault{Status: 302, Location: "/api/v1/accounts/verify_credentials"})
	}
	r.server.Fail(loop...)
	if _, err := r.Account(t.Context()); kindOf(err) != Moved {
		t.Error(err)
	}
}
