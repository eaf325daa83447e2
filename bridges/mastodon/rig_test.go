package mastodon

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	fake "tocsin/internal/chattest/mastodon"
)

const token = "token-of-pillow"

// watch is a clock that a test moves.
type watch struct {
	mu sync.Mutex
	at time.Time
}

func newWatch() *watch { return &watch{at: time.Date(2026, 12, 3, 14, 0, 0, 0, time.UTC)} }

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

type rig struct {
	*testing.T
	*Client
	*watch
	server *fake.Server
}

// start starts an instance and a client of it.
func start(t *testing.T, o fake.Options, change ...func(*Config)) rig {
	t.Helper()
	w := newWatch()
	o.Now = w.now
	s := fake.Start(o)
	t.Cleanup(s.Close)
	c := Config{Name: "fosstodon", Instance: s.URL, Token: token, Loopback: true, Now: w.now, Timeout: 20 * time.Second}
	for _, f := range change {
		f(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return rig{T: t, Client: m, watch: w, server: s}
}

func release() Status {
	return Status{
		Key: "7/post/1", Visibility: "public", Language: "en",
		Text: "Pillow 12.3.1 is out & fixes a <hole>.\n\nUpgrade: https://pillow.example.org/releasenotes/12.3.1.html#security\nThanks, @carol@example.org! #Pillow",
	}
}

// outcome is what an error means for a post.
func outcome(err error) string {
	switch {
	case err == nil:
		return "posted"
	case errors.Is(err, bridges.ErrNotSent) && errors.Is(err, bridges.ErrRefused):
		return "both"
	case errors.Is(err, bridges.ErrNotSent):
		return "not sent"
	case errors.Is(err, bridges.ErrRefused):
		return "refused"
	}
	return "unknown"
}

func kindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}

// discreet fails when an error says what it must not.
func discreet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, word := range append(strings.Fields(release().Text), token, "127.0.0.1", "marker") {
		if len(word) > 4 && strings.Contains(err.Error(), word) {
			t.Errorf("the error %q says %q", err, word)
		}
	}
}
