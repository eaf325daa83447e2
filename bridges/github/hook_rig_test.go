package github

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// hookSecret and hookSum, the signature of "Hello, World!", are those of GitHub's page
// about signatures.
const (
	hookSecret = "It's a Secret to Everybody"
	hookSum    = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
)

// patience is how long a test waits for what has to come.
const patience = 10 * time.Second

// diary is a log that is read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

type hookRig struct {
	*testing.T
	*Hook
	address string
	woken   chan struct{}
	log     *diary
	stop    func() error // ends it, and gives what Run gave
}

// listen starts a hook that wakes once: what comes afterwards stays in its channel,
// where a test can see it.
func listen(t *testing.T, change ...func(*HookConfig)) hookRig {
	t.Helper()
	r := hookRig{T: t, woken: make(chan struct{}, 1), log: &diary{}}
	c := HookConfig{
		Listen: "127.0.0.1:0", Path: "/github", Secret: hookSecret, Wake: func() { r.woken <- struct{}{} }, Calm: 24 * time.Hour,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if r.Hook, err = NewHook(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Hook.Run(ctx) }()
	select {
	case at := <-r.at:
		r.address = at.String()
	case err := <-ended:
		t.Fatal(err)
	}
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("it does not end")
		}
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// firstWake sends the delivery that wakes.
func (r hookRig) firstWake() {
	r.Helper()
	if got := r.post(signed("first"), nil); got != http.StatusAccepted {
		r.Fatal(got)
	}
	select {
	case <-r.woken:
	case <-time.After(patience):
		r.Fatal("nobody was woken")
	}
}

// isNews reports whether somebody would be woken now, and forgets it.
func (r hookRig) isNews() bool {
	select {
	case <-r.wake:
		return true
	default:
		return false
	}
}

func sum(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	io.WriteString(m, body)
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// delivery is one as GitHub sends it.
func delivery(id, body string) *http.Request {
	q, err := http.NewRequest(http.MethodPost, "http://example.org/github", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	q.Header.Set("User-Agent", "GitHub-Hookshot/044aadd")
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-GitHub-Event", "repository_advisory")
	q.Header.Set("X-GitHub-Delivery", id)
	q.Header.Set("X-Hub-Signature-256", sum(hookSecret, body))
	return q
}

// signed is a delivery with an id and a body of its own.
func signed(id string) *http.Request { return delivery(id, `{"action":"reported","id":"`+id+`"}`) }

// send sends a request to the hook.
func (r hookRig) send(q *http.Request) (*http.Response, error) {
	q.URL.Host, q.Host = r.address, ""
	client := http.Client{Timeout: 3 * patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(q)
	if err == nil {
		defer res.Body.Close()
		if said, err := io.ReadAll(res.Body); err != nil || len(said) > 0 {
			r.Errorf("it said %q, %v", said, err)
		}
	}
	return res, err
}

func (r hookRig) post(q *http.Request, change func(*http.Request)) int {
	r.Helper()
	if change != nil {
		change(q)
	}
	res, err := r.send(q)
	if err != nil {
		r.Fatal(err)
	}
	if allowed := res.Header.Get("Allow"); (res.StatusCode == http.StatusMethodNotAllowed) != (allowed == "POST") {
		r.Errorf("%d allows %q", res.StatusCode, allowed)
	}
	return res.StatusCode
}
