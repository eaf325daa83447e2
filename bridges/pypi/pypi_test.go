package pypi

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	fake "tocsin/internal/chattest/pypi"

	"github.com/google/go-cmp/cmp"
)

func ours() fake.Publisher {
	return fake.Publisher{Kind: "GitHub", Repository: "python-pillow/Pillow", Workflow: "wheels.yml", Environment: "release-pypi"}
}

// start starts an index and a client that asks it about Pillow.
func start(t *testing.T) (*Client, *fake.Server) {
	t.Helper()
	s := fake.Start("pillow")
	t.Cleanup(s.Close)
	p, err := New(Config{Base: s.URL, Project: "Pillow", Agent: "tocsin (security@example.org)", Loopback: true, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func TestConfig(t *testing.T) {
	if p, err := New(Config{Project: "Zope.Interface_x"}); err != nil || p.name != "zope-interface-x" || p.c.Base != DefaultBase {
		t.Error(err)
	}
	for name, c := range map[string]Config{
		"no project":           {},
		"a path":               {Project: "../pillow"},
		"no TLS":               {Project: "pillow", Base: "http://pypi.example.org", Loopback: true},
		"loopback, not a test": {Project: "pillow", Base: "http://127.0.0.1:1"},
		"a password":           {Project: "pillow", Base: "https://alice:secret@pypi.example.org"},
		"a host only":          {Project: "pillow", Base: "pypi.example.org"},
		"an agent of two":      {Project: "pillow", Agent: "a\r\nX: y"},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFills: a release that fills up over time, until it is live.
func TestFills(t *testing.T) {
	p, s := start(t)
	want := Expect{Count: 87, Publisher: Publisher{Kind: "GitHub", Repository: "python-pillow/pillow", Workflow: "wheels.yml", Environment: "release-pypi"}}
	if _, err := p.Release(t.Context(), "12.3.1"); !errors.Is(err, ErrAbsent) {
		t.Fatal(err)
	}
	files := fake.Wheels("Pillow", "12.3.1", false)
	s.Upload("12.3.1", ours(), files[:63]...)
	r, err := p.Release(t.Context(), "12.3.1")
	if err != nil || len(r.Files) != 63 {
		t.Fatalf("%d %v", len(r.Files), err)
	}
	evidence, err := p.Evidence(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := Compare(r, evidence, want); got.Have != 63 || got.Want != 87 || got.Sdist || got.Live(want) || got.Alarming() || len(got.Unproven)+len(got.NoProvenance) != 0 {
		t.Errorf("%+v", got)
	}
	if again, err := p.Release(t.Context(), "12.3.1"); err != nil || len(again.Files) != 63 || s.Asked()[len(s.Asked())-1].Status != http.StatusNotModified {
		t.Errorf("%d %v: what has not changed costs the index nothing", len(again.Files), err)
	}
	before := len(s.Asked())
	s.Upload("12.3.1", ours(), files...)
	if r, err = p.Release(t.Context(), "12.3.1"); err != nil || len(r.Files) != 87 {
		t.Fatalf("%d %v", len(r.Files), err)
	}
	if evidence, err = p.Evidence(t.Context(), r, evidence); err != nil || len(evidence) != 87 {
		t.Fatal(err)
	}
	if n := len(s.Asked()) - before; n != 1+87-63 {
		t.Errorf("%d questions for what was new", n)
	}
	got := Compare(r, evidence, want)
	if !got.Live(want) || got.Alarming() || len(got.Missing) != 0 || len(got.Publishers) != 1 {
		t.Errorf("%+v", got)
	}
	f := r.Files[0]
	if want := (File{Name: files[0].Name, SHA256: fake.Digest(files[0].Name), Kind: "bdist_wheel", Size: f.Size, Uploaded: time.Date(2026, 12, 3, 14, 42, 0, 0, time.UTC)}); f != want || f.Size == 0 {
		t.Errorf("%+v", f)
	}
	for _, a := range s.Asked() {
		wants := "application/json"
		if strings.HasPrefix(a.Path, "/integrity/") {
			wants = "application/vnd.pypi.integrity.v1+json"
		}
		if a.Agent != "tocsin (security@example.org)" || a.Accept != wants {
			t.Fatalf("%+v", a)
		}
	}
	s.Yank("12.3.1", "broken \x1b[2J", false)
	r, err = p.Release(t.Context(), "12.3.1")
	if got := Compare(r, evidence, want); err != nil || got.Live(want) || len(got.Yanked) != 87 || got.Yanked[0].Reason != "broken [2J" {
		t.Errorf("%+v %v", got.Yanked, err)
	}
}

func TestProvenance(t *testing.T) {
	p, s := start(t)
	const name = "pillow-12.3.1.tar.gz"
	s.Upload("12.3.1", ours(), fake.File{Name: name})
	s.Upload("12.3.1", fake.Publisher{}, fake.File{Name: "pillow-12.3.1-py3-none-any.whl"})
	got, err := p.Provenance(t.Context(), "12.3.1", name)
	want := Provenance{[]Bundle{{
		Publisher: Publisher{Kind: "GitHub", Repository: "python-pillow/Pillow", Workflow: "wheels.yml", Environment: "release-pypi"},
		Statements: []Statement{{
			[]Subject{{name, fake.Digest(name)}},
		}},
	}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(diff, err)
	}
	if _, err := p.Provenance(t.Context(), "12.3.1", "pillow-12.3.1-py3-none-any.whl"); !errors.Is(err, ErrNoProvenance) {
		t.Error(err)
	}
	s.Disable(true)
	if _, err := p.Provenance(t.Context(), "12.3.1", name); !errors.Is(err, ErrDisabled) {
		t.Error(err)
	}
	r, _ := p.Release(t.Context(), "12.3.1")
	if e, err := p.Evidence(t.Context(), r, nil); !errors.Is(err, ErrDisabled) || len(e) != 0 {
		t.Errorf("%+v %v", e, err)
	}
	asked := len(s.Asked())
	for _, bad := range [][2]string{{"12.3.1/..", name}, {"", name}, {"12..1", name}, {"12.3.1", "../" + name}, {"12.3.1", "a b"}, {"12.3.1", ""}} {
		if _, err := p.Provenance(t.Context(), bad[0], bad[1]); err == nil || strings.Contains(err.Error(), "..") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := p.Release(t.Context(), "../../x"); err == nil || len(s.Asked()) != asked {
		t.Error(err)
	}
}

// TestFaults: no answer is not an answer that something is missing.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  fake.Fault
		status int
	}{
		"429":        {fake.Fault{Status: 429, Body: "marker", Header: http.Header{"Retry-After": {"60"}}}, 429},
		"500":        {fake.Fault{Status: 500, Body: "marker"}, 500},
		"503":        {fake.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}}, 503},
		"cut":        {fake.Fault{Cut: true}, 0},
		"a page":     {fake.Fault{Status: 200, Body: "<html>marker"}, 200},
		"no list":    {fake.Fault{Status: 200, Body: `{"info":{},"urls":"marker"}`}, 200},
		"an array":   {fake.Fault{Status: 200, Body: `[]`}, 200},
		"endless":    {fake.Fault{Status: 200, Body: strings.Repeat("marker  ", 1<<20+1)}, 200},
		"304 unsaid": {fake.Fault{Status: 304}, 304},
		"away":       {fake.Fault{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example.org/pypi/pillow/12.3.1/json"}}}, 302},
		"in a ring":  {fake.Fault{Status: 302, Header: http.Header{"Location": {"http://127.0.0.1:1/"}}}, 302},
	} {
		p, s := start(t)
		now := time.Date(2026, 12, 3, 14, 0, 0, 0, time.UTC)
		p.c.Now = func() time.Time { return now }
		s.Upload("12.3.1", ours(), fake.File{Name: "pillow-12.3.1.tar.gz"})
		s.Fail(c.fault, c.fault)
		_, err := p.Release(t.Context(), "12.3.1")
		_, err2 := p.Provenance(t.Context(), "12.3.1", "pillow-12.3.1.tar.gz")
		for _, err := range []error{err, err2} {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Status != c.status || errors.Is(err, ErrAbsent) || errors.Is(err, ErrNoProvenance) || strings.Contains(err.Error(), "marker") {
				t.Errorf("%s: %v", name, err)
			} else if c.fault.Header.Get("Retry-After") != "" && !e.Retry.Equal(now.Add(time.Minute)) {
				t.Errorf("%s: %v", name, e.Retry)
			}
		}
		if r, err := p.Release(t.Context(), "12.3.1"); err != nil || len(r.Files) != 1 {
			t.Errorf("after %s: %v", name, err)
		}
	}
	p, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Release(ctx, "12.3.1"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	c := Config{Base: s.URL, Project: "pillow"}
	p, _ := New(c)
	if _, err := p.Release(t.Context(), "1"); err == nil || errors.Is(err, ErrAbsent) {
		t.Error(err)
	}
	c.Roots = x509.NewCertPool()
	c.Roots.AddCert(s.Certificate())
	p, _ = New(c)
	if _, err := p.Release(t.Context(), "1"); !errors.Is(err, ErrAbsent) {
		t.Error(err)
	}
}
