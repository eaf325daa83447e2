package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	fake "tocsin/internal/chattest/github"
)

// TestPrimary: nothing is asked until the hour is over, by our clock.
func TestPrimary(t *testing.T) {
	r := start(t, fake.Options{})
	id := r.report()
	r.server.Mistake(3 * time.Hour) // GitHub's clock is not ours
	r.pass(20 * time.Minute)
	r.server.Exhaust("tocsin-bot")
	_, err := r.GetAdvisory(t.Context(), id)
	at := time.Date(2026, 12, 3, 15, 0, 0, 0, time.UTC)
	if e := problem(t, err); e.Kind != Limited || !e.Until.Equal(at) || outcome(err) != "" {
		t.Fatal(err, e.Until)
	}
	for name, err := range writes(r, id) {
		if e := problem(t, err); e.Kind != Limited || outcome(err) != "not sent" || !e.Until.Equal(at) {
			t.Error(name, err)
		}
	}
	if n := len(r.server.Asked()); n != 1 || !r.Until().Equal(at) {
		t.Error(n, "requests went out")
	}
	if skew, known := r.Skew(); !known || skew != 3*time.Hour {
		t.Error(skew, known)
	}
	r.pass(40 * time.Minute)
	if _, err := r.GetAdvisory(t.Context(), id); err != nil {
		t.Error(err)
	}
}

// TestLast: the last request of the hour is no failure, and no other goes out.
func TestLast(t *testing.T) {
	r := start(t, fake.Options{Limit: 3})
	id := r.report()
	for range 3 {
		if _, err := r.GetAdvisory(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.GetAdvisory(t.Context(), id); problem(t, err).Kind != Limited || len(r.server.Asked()) != 3 {
		t.Error(err)
	}
	if got := r.Rate(); got != (Rate{3, 0, 3, time.Date(2026, 12, 3, 15, 0, 0, 0, time.UTC)}) {
		t.Errorf("%+v", got)
	}
}

func TestSecondary(t *testing.T) {
	r := start(t, fake.Options{})
	id := r.report()
	refused := func(want time.Duration) {
		t.Helper()
		_, err := r.GetAdvisory(t.Context(), id)
		e := problem(t, err)
		if e.Kind != Limited || !e.Until.Equal(r.now().Add(want)) {
			t.Errorf("not %v: %v until %v", want, err, e.Until)
		}
		r.pass(want)
	}
	r.server.Secondary(90 * time.Second)
	refused(90 * time.Second)
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		r.server.Secondary(0)
		refused(want * time.Minute)
	}
	if _, err := r.GetAdvisory(t.Context(), id); err != nil {
		t.Error(err)
	}
	r.server.Secondary(0)
	refused(time.Minute)
	r.server.Fail(fake.Fault{Status: http.StatusTooManyRequests})
	refused(2 * time.Minute)
	r.server.Fail(fake.Fault{Status: http.StatusForbidden, Header: http.Header{"Retry-After": {"99999999"}}})
	refused(24 * time.Hour)
}

// TestPatience reads what answers say about when.
func TestPatience(t *testing.T) {
	r := start(t, fake.Options{})
	now := r.now()
	unix := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	for name, c := range map[string]struct {
		after, left, reset string
		want               time.Duration
	}{
		"seconds":          {"30", "", "", 30 * time.Second},
		"a date":           {now.Add(time.Hour).Format(http.TimeFormat), "", "", time.Hour},
		"both":             {"30", "0", unix(time.Hour), 30 * time.Second},
		"reset":            {"", "0", unix(time.Hour), time.Hour},
		"reset is past":    {"", "0", unix(-time.Hour), time.Second},
		"reset for ever":   {"", "0", unix(1000 * time.Hour), 24 * time.Hour},
		"some are left":    {"", "7", unix(time.Hour), time.Minute},
		"nonsense":         {"soon", "0", "later", time.Minute},
		"less than none":   {"-5", "", "", time.Minute},
		"seconds for ever": {"2147483647", "", "", 24 * time.Hour},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.after)
		h.Set("X-RateLimit-Remaining", c.left)
		h.Set("X-RateLimit-Reset", c.reset)
		m, err := New(r.c)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := m.patience(answer{status: 429, header: h}, false); !ok || !at.Equal(now.Add(c.want)) {
			t.Errorf("%s: %v", name, at)
		}
	}
}

func TestRateLimit(t *testing.T) {
	r := start(t, fake.Options{})
	if _, err := r.GetAdvisory(t.Context(), r.report()); err != nil {
		t.Fatal(err)
	}
	want := Rate{5000, 4999, 1, time.Date(2026, 12, 3, 15, 0, 0, 0, time.UTC)}
	if got, err := r.RateLimit(t.Context()); err != nil || got != want || r.Rate() != want || r.server.Counted() != 1 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestSpacing: a second between writes, none between questions.
func TestSpacing(t *testing.T) {
	r := start(t, fake.Options{}, admin)
	id := r.draft()
	for range 3 {
		if _, err := r.GetAdvisory(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.waited) != 0 {
		t.Error(r.waited)
	}
	_ = r.RequestCVE(t.Context(), id)
	r.pass(400 * time.Millisecond)
	_ = r.RequestCVE(t.Context(), id)
	r.pass(time.Second)
	_ = r.RequestCVE(t.Context(), id)
	if !slices.Equal(r.waited, []time.Duration{time.Second, 600 * time.Millisecond}) {
		t.Error(r.waited)
	}
}

// TestSerial: whoever asks, one request is out at a time.
func TestSerial(t *testing.T) {
	const patience, n = 200 * time.Millisecond, 3
	r := start(t, fake.Options{}, func(c *Config) { c.Timeout = patience })
	id := r.report()
	begun := time.Now()
	var all sync.WaitGroup
	for range n {
		r.server.Fail(fake.Fault{Hang: true})
		all.Go(func() {
			if _, err := r.GetAdvisory(t.Context(), id); problem(t, err).Kind != Silent {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if took := time.Since(begun); took < n*patience {
		t.Errorf("%d requests without an answer took %v together", n, took)
	}
}

func TestWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := wait(ctx, time.Nanosecond); err != nil {
		t.Error(err)
	}
	cancel()
	if err := wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r := start(t, fake.Options{}, func(c *Config) { c.Wait = func(context.Context, time.Duration) error { return context.Canceled } })
	id := r.report()
	if err := r.RequestCVE(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := r.RequestCVE(t.Context(), id); outcome(err) != "not sent" || len(r.server.Asked()) != 1 {
		t.Error(err)
	}
}

// TestVersion: the version of the API is pinned, also on the pages that follow.
func TestVersion(t *testing.T) {
	r := start(t, fake.Options{})
	for n := range 101 {
		if _, err := r.server.Report(fake.Report{Summary: fmt.Sprint(n), Description: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.ListAdvisories(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	_, err := r.CreateAdvisory(t.Context(), newDraft())
	if err != nil {
		t.Fatal(err)
	}
	from := map[string]bool{}
	for k, a := range r.server.Asked() {
		if from[a.From] {
			t.Error("a connection was used again")
		}
		from[a.From] = true
		if want := map[bool]string{true: "reader-token", false: "writer-token"}[k < 2]; a.Version != APIVersion || a.Token != want {
			t.Errorf("%+v", a)
		}
	}
}
