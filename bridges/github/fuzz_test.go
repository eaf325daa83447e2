package github

import (
	"net/http"
	"strings"
	"testing"
	"unicode"

	fake "tocsin/internal/chattest/github"
)

// FuzzAnswer: whatever comes back, as a success or as a failure, it is an advisory
// with an identifier or an error that quotes nothing.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"ghsa_id":"GHSA-2222-2222-2222","state":"draft","comments":3,"vulnerabilities":[{"package":null}]}`, `[{"ghsa_id":null}]`, `null`, `[null]`, `{"message":"x","errors":["y",{"code":7}]}`, "\xff{",
	} {
		f.Add(200, body, "")
		f.Add(422, body, `<http://x/y>; rel="next"`)
		f.Add(403, body, `<>; rel="next", <`)
	}
	s := fake.Start(fake.Options{})
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, status int, body, link string) {
		if status < 200 || status > 599 || strings.ContainsFunc(link, unicode.IsControl) {
			return
		}
		c, err := New(Config{Base: s.URL, Repository: "python-pillow/Pillow", Reader: "reader-token", Loopback: true})
		if err != nil {
			t.Fatal(err)
		}
		s.Fail(fake.Fault{Status: status, Body: body + " ", Header: http.Header{"Link": {link}}}, fake.Fault{Status: status, Body: body + " "})
		all, err := c.ListAdvisories(t.Context(), nil)
		for _, a := range all {
			if !goodID(a.ID) || a.State == "" {
				t.Errorf("%q is an advisory", a.ID)
			}
		}
		a, second := c.GetAdvisory(t.Context(), "GHSA-2222-2222-2222")
		if second == nil && a.ID != "GHSA-2222-2222-2222" {
			t.Errorf("%q is another one", a.ID)
		}
		for _, err := range []error{err, second} {
			if err == nil {
				continue
			}
			problem(t, err)
			const most = 100
			if text := err.Error(); len(text) > most || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("%q", text)
			}
		}
		for { // what was not asked for
			if _, err := c.ReportingEnabled(t.Context()); err == nil || problem(t, err).Kind == Limited {
				break
			}
		}
	})
}
