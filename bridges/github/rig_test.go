package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	fake "tocsin/internal/chattest/github"
	"tocsin/internal/chattest/github/contract"
)

// marker is in every text that is under embargo here.
const marker = "heap-overflow-marker"

// watch is a clock that a test moves; waiting moves it too.
type watch struct {
	mu     sync.Mutex
	at     time.Time
	waited []time.Duration
}

func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *watch) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *watch) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.waited = w.at.Add(d), append(w.waited, d)
	return ctx.Err()
}

type rig struct {
	*testing.T
	*Client
	*watch
	server *fake.Server
}

// described is GitHub's description, read once; nil where it is not there.
var described = sync.OnceValues(contract.Load)

// start starts a GitHub and a client of it.
func start(t *testing.T, o fake.Options, change ...func(*Config)) rig {
	t.Helper()
	w := &watch{at: time.Date(2026, 12, 3, 14, 0, 0, 0, time.UTC)}
	o.Now = w.now
	if d, err := described(); err == nil {
		const most = 100 << 10 // a page of a hundred shows no more than one of ten, and takes a second
		o.Check = func(x fake.Exchange) {
			if len(x.Answer) > most {
				return
			}
			if err := d.Check(x); err != nil {
				t.Error(err)
			}
		}
	} else if !errors.Is(err, contract.ErrMissing) {
		t.Fatal(err)
	}
	s := fake.Start(o)
	t.Cleanup(s.Close)
	c := Config{
		Base: s.URL, Repository: "python-pillow/Pillow", Reader: "reader-token", Writer: "writer-token",
		Loopback: true, Now: w.now, Wait: w.wait, Timeout: 20 * time.Second,
	}
	for _, f := range change {
		f(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return rig{T: t, Client: m, watch: w, server: s}
}

// TestDescription says loudly when nothing was held against GitHub's description.
func TestDescription(t *testing.T) {
	if _, err := described(); errors.Is(err, contract.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

func admin(c *Config) { c.Reader, c.Writer = "admin-token", "admin-token" }

// report has somebody report a hole.
func (r rig) report() string {
	r.Helper()
	id, err := r.server.Report(fake.Report{Login: "dana", Summary: "A " + marker, Description: "Open the " + marker + " file"})
	if err != nil {
		r.Fatal(err)
	}
	return id
}

// draft is a report that was accepted.
func (r rig) draft() string {
	r.Helper()
	id := r.report()
	if _, err := r.UpdateAdvisory(r.Context(), id, Change{State: to("draft")}); err != nil {
		r.Fatal(err)
	}
	return id
}

func to[T any](v T) *T { return &v }

func pillow() []Vulnerability {
	return []Vulnerability{{Ecosystem: "pip", Package: "pillow", Affected: ">= 10.3.0, < 12.1.1", Patched: "12.1.1", Functions: []string{"PIL.Image.open"}}}
}

func newDraft() Draft {
	return Draft{
		Summary: "A " + marker, Description: "Open the " + marker + " file", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N",
		Vulnerabilities: pillow(), CWEs: []string{"CWE-787"}, Credits: []Credit{{Login: "dana", Type: "finder"}},
	}
}

// outcome is what an error means for a write.
func outcome(err error) string {
	var all []string
	for _, one := range []struct {
		is   error
		name string
	}{{bridges.ErrNotSent, "not sent"}, {bridges.ErrRefused, "refused"}, {ErrUnknown, "unknown"}} {
		if errors.Is(err, one.is) {
			all = append(all, one.name)
		}
	}
	return strings.Join(all, " and ")
}

func problem(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("not an error of ours: %v", err)
	}
	return e
}

// discreet fails when a value says what it must not, however it is printed.
func discreet(t *testing.T, v any) {
	t.Helper()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "in", struct{ V any }{v})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	encoded, _ := json.Marshal(v)
	said := log.String() + string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		said += fmt.Sprintf(verb, v) + fmt.Sprintf(verb, struct{ V any }{v})
	}
	for _, word := range []string{marker, fmt.Sprintf("%x", marker), fmt.Sprintf("%X", marker), "GHSA-", "reader-token", "writer-token", "127.0.0.1"} {
		if strings.Contains(said, word) {
			t.Errorf("it says %q: %.600s", word, said)
		}
	}
}
