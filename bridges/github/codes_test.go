package github

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	fake "tocsin/internal/chattest/github"
)

// TestCodes: what each way of failing means for a write and for a question.
func TestCodes(t *testing.T) {
	own := `{"message":"` + marker + ` \u202e","errors":[{"code":"custom","field":"x","message":"why"},"and why",{"code":"missing_field","field":"summary"}],"documentation_url":"https://docs.github.com"}`
	html := "<html>" + marker + "</html>"
	type f = fake.Fault
	h := func(name, value string) http.Header { return http.Header{http.CanonicalHeaderKey(name): {value}} }
	for name, c := range map[string]struct {
		fault f
		kind  Kind
		want  string
	}{
		"400":                     {f{Status: 400, Body: own}, Invalid, "refused"},
		"401":                     {f{Status: 401}, Revoked, "not sent"},
		"401 of a proxy":          {f{Status: 401, Body: html}, Revoked, "not sent"},
		"403":                     {f{Status: 403, Body: own}, Forbidden, "refused"},
		"403 of a proxy":          {f{Status: 403, Body: html}, Forbidden, "not sent"},
		"404":                     {f{Status: 404, Body: own}, NotFound, "refused"},
		"404 of a proxy":          {f{Status: 404, Body: html}, NotFound, "not sent"},
		"408":                     {f{Status: 408, Body: html}, Strange, "unknown"},
		"409":                     {f{Status: 409, Body: own}, Invalid, "refused"},
		"410":                     {f{Status: 410, Body: own}, NotFound, "refused"},
		"413 of a proxy":          {f{Status: 413, Body: html}, Strange, "not sent"},
		"418":                     {f{Status: 418, Body: own}, Strange, "refused"},
		"422":                     {f{Status: 422, Body: own}, Invalid, "refused"},
		"429":                     {f{Status: 429, Body: own}, Limited, "not sent"},
		"500":                     {f{Status: 500, Body: own}, Server, "unknown"},
		"502 of a proxy":          {f{Status: 502, Body: html}, Server, "unknown"},
		"503":                     {f{Status: 503, Body: own, Header: h("Retry-After", "30")}, Server, "unknown"},
		"504 after it was done":   {f{Status: 504, Body: html, After: true}, Server, "unknown"},
		"302 to another host":     {f{Status: 302, Location: "https://elsewhere.example.org/"}, Moved, "refused"},
		"303":                     {f{Status: 303, Location: "https://elsewhere.example.org/"}, Strange, "unknown"},
		"307 to another host":     {f{Status: 307, Location: "https://elsewhere.example.org/"}, Moved, "refused"},
		"304 that was not asked":  {f{Status: 304, Body: " "}, Strange, "unknown"},
		"200 and a page":          {f{Status: 200, Body: html}, Strange, "unknown"},
		"200 and another one":     {f{Status: 200, Body: `{"ghsa_id":"GHSA-2222-2222-2222","state":"draft"}`}, Strange, "unknown"},
		"200 and a wrong type":    {f{Status: 200, Body: `{"ghsa_id":7,"state":"draft","summary":"` + marker + `"}`}, Strange, "unknown"},
		"200 without an end":      {f{Status: 200, Body: `{"x":"` + strings.Repeat(marker, mostBytes/len(marker)+1) + `"}`}, Strange, "unknown"},
		"422 without an end":      {f{Status: 422, Body: `{"message":"` + strings.Repeat(marker, mostFailure/len(marker)+1) + `"}`}, Invalid, "not sent"},
		"cut after it was done":   {f{Cut: true}, Silent, "unknown"},
		"slow after it was done":  {f{Slow: true}, Silent, "unknown"},
		"silent after it is done": {f{Hang: true, After: true}, Silent, "unknown"},
		"silent before":           {f{Hang: true}, Silent, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, fake.Options{}, func(c *Config) {
				if strings.HasPrefix(name, "s") {
					c.Timeout = 300 * time.Millisecond
				}
			})
			id := r.report()
			r.server.Fail(c.fault)
			_, err := r.UpdateAdvisory(t.Context(), id, Change{Summary: to("The " + marker)})
			e := problem(t, err)
			if e.Kind != c.kind || outcome(err) != c.want {
				t.Errorf("a write: %v, %s", err, outcome(err))
			}
			discreet(t, err)
			discreet(t, e)
			if strings.ContainsRune(e.Told(), 0x202e) || len([]rune(e.Told())) > 1000 || name == "422" && e.Told() != marker+" ; why; and why; summary missing_field" {
				t.Errorf("told %q", e.Told())
			}
			if n := len(r.server.Asked()); n != 1 {
				t.Errorf("a write asked %d times", n)
			}
			r.pass(time.Hour)
			r.server.Fail(c.fault)
			_, err = r.GetAdvisory(t.Context(), id)
			if problem(t, err).Kind != c.kind || outcome(err) != "" {
				t.Errorf("a question: %v, %q", err, outcome(err))
			}
			discreet(t, err)
		})
	}
}

// TestDone: after an unknown outcome looking tells what happened.
func TestDone(t *testing.T) {
	for name, c := range map[string]struct {
		fault fake.Fault
		done  bool
	}{
		"before": {fake.Fault{Status: 502}, false},
		"after":  {fake.Fault{Status: 502, After: true}, true},
		"cut":    {fake.Fault{Cut: true}, true},
	} {
		r := start(t, fake.Options{})
		id := r.report()
		r.server.Fail(c.fault)
		if _, err := r.UpdateAdvisory(t.Context(), id, Change{Summary: to("New")}); !errors.Is(err, ErrUnknown) {
			t.Error(name, err)
		}
		if a, err := r.GetAdvisory(t.Context(), id); err != nil || (a.Summary == "New") != c.done {
			t.Error(name, err)
		}
	}
}

// TestTokenIsNotTold: not even by Told.
func TestTokenIsNotTold(t *testing.T) {
	r := start(t, fake.Options{})
	for _, token := range []string{"reader-token", "writer-token"} {
		r.server.Fail(fake.Fault{Status: 422, Body: `{"message":"bad ` + token + `"}`})
		if _, err := r.UpdateAdvisory(t.Context(), r.report(), Change{Summary: to("x")}); problem(t, err).Told() != "" || problem(t, err).Kind != Invalid {
			t.Error(err)
		}
	}
	discreet(t, r.c)
}

// TestNeeds: only what looks like permissions is repeated.
func TestNeeds(t *testing.T) {
	r := start(t, fake.Options{})
	for given, want := range map[string]string{
		"repository_advisories=write; metadata=read": "repository_advisories=write; metadata=read",
		"<b>" + marker:            "",
		strings.Repeat("a", 1000): "",
	} {
		r.server.Fail(fake.Fault{Status: 403, Header: http.Header{"X-Accepted-Github-Permissions": {given}}})
		if _, err := r.GetAdvisory(t.Context(), r.report()); problem(t, err).Needs != want {
			t.Errorf("%q: %v", given, err)
		}
	}
}

// TestUnreachable: before there is a connection nothing is sent.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := start(t, fake.Options{}, func(c *Config) { c.Base = "http://" + l.Addr().String() })
	l.Close()
	if err := gone.RequestCVE(t.Context(), gone.report()); problem(t, err).Kind != Unreachable || outcome(err) != "not sent" {
		t.Error(err)
	}
	// Somebody answers the door and never shakes hands.
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	mute := start(t, fake.Options{}, func(c *Config) { c.Base, c.Timeout = "https://"+deaf.Addr().String(), 300*time.Millisecond })
	err = mute.RequestCVE(t.Context(), mute.report())
	if problem(t, err).Kind != Unreachable || outcome(err) != "not sent" || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	discreet(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := start(t, fake.Options{})
	if err := r.RequestCVE(ctx, r.report()); outcome(err) != "not sent" || !errors.Is(err, context.Canceled) || len(r.server.Asked()) != 0 {
		t.Error(err)
	}
}

// TestNonsense: what is no HTTP can quote what came back.
func TestNonsense(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 4096))
		_, _ = c.Write([]byte("HTTP/1.1 " + marker + " no\r\n\r\n"))
		c.Close()
	}()
	r := start(t, fake.Options{}, func(c *Config) { c.Base = "http://" + l.Addr().String() })
	_, err = r.GetAdvisory(t.Context(), r.report())
	if problem(t, err).Kind != Silent {
		t.Error(err)
	}
	discreet(t, err)
}

// TestTLS: a certificate that nobody vouches for gets nothing.
func TestTLS(t *testing.T) {
	r := start(t, fake.Options{TLS: true})
	if err := r.RequestCVE(t.Context(), r.report()); problem(t, err).Kind != Unreachable || outcome(err) != "not sent" || len(r.server.Asked()) != 0 {
		t.Error(err)
	}
	c := r.c
	c.Roots = x509.NewCertPool()
	c.Roots.AddCert(r.server.Certificate())
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.RequestCVE(t.Context(), r.report()); err != nil {
		t.Error(err)
	}
}

// TestConfig: what is refused before anything is asked.
func TestConfig(t *testing.T) {
	good := Config{Repository: "python-pillow/Pillow", Reader: "a-token"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"no TLS":             func(c *Config) { c.Base = "http://127.0.0.1:1" },
		"has no TLS":         func(c *Config) { c.Base, c.Loopback = "http://api.example.org", true },
		"not an address":     func(c *Config) { c.Base = "https://user:secret@api.example.org" },
		"begin with https":   func(c *Config) { c.Base = "ftp://api.example.org" },
		"owner and a name":   func(c *Config) { c.Repository = "Pillow" },
		"an owner and":       func(c *Config) { c.Repository = "python-pillow/.." },
		"reads is missing":   func(c *Config) { c.Reader = "" },
		"holds a blank":      func(c *Config) { c.Writer = "secret\n" },
		"the user agent hol": func(c *Config) { c.Agent = "a\r\nb" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
