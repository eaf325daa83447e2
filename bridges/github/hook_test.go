package github

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestHookAnswers: only what is signed and new wakes, and the code says no more than
// it has to.
func TestHookAnswers(t *testing.T) {
	r := listen(t)
	r.firstWake()
	header := func(key string, values ...string) func(*http.Request) {
		return func(q *http.Request) { q.Header[http.CanonicalHeaderKey(key)] = values }
	}
	method := func(m string) func(*http.Request) { return func(q *http.Request) { q.Method = m } }
	path := func(p string) func(*http.Request) { return func(q *http.Request) { q.URL.Path = p } }
	const sig = "X-Hub-Signature-256"
	old := hmac.New(sha1.New, []byte(hookSecret))
	io.WriteString(old, "x")
	for i, row := range []struct {
		name   string
		change func(*http.Request)
		code   int
		news   bool
	}{
		{"an advisory", nil, 202, true},
		{"a global advisory", header("X-GitHub-Event", "security_advisory"), 202, true},
		{"an alert of Dependabot", header("X-GitHub-Event", "dependabot_alert"), 202, true},
		{"an alert of code scanning", header("X-GitHub-Event", "code_scanning_alert"), 202, true},
		{"an event that nobody knows", header("X-GitHub-Event", "star"), 202, true},
		{"no event", header("X-GitHub-Event"), 202, true},
		{"a question", func(q *http.Request) { q.URL.RawQuery = "a=b" }, 202, true},
		{"a ping", header("X-GitHub-Event", "ping"), 200, false},
		{"GET", method(http.MethodGet), 405, false},
		{"PUT", method(http.MethodPut), 405, false},
		{"HEAD", method(http.MethodHead), 405, false},
		{"OPTIONS", method(http.MethodOptions), 405, false},
		{"another path", path("/"), 404, false},
		{"a path below", path("/github/"), 404, false},
		{"a path that would be the same", path("/x/../github"), 404, false},
		{"no signature", header(sig), 401, false},
		{"an empty signature", header(sig, ""), 401, false},
		{"the old signature only", func(q *http.Request) {
			q.Header.Del(sig)
			q.Header.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(old.Sum(nil)))
		}, 401, false},
		{"the old signature in the new one's place", header(sig, "sha1="+hex.EncodeToString(old.Sum(nil))), 401, false},
		{"the signature of another secret", func(q *http.Request) { q.Header.Set(sig, sum("another secret's words", "x")) }, 401, false},
		{"the signature of another body", header(sig, hookSum), 401, false},
		{"a signature without its kind", func(q *http.Request) { q.Header.Set(sig, q.Header.Get(sig)[len("sha256="):]) }, 401, false},
		{"a signature that is short", func(q *http.Request) { q.Header.Set(sig, q.Header.Get(sig)[:len("sha256=")+62]) }, 401, false},
		{"a signature that is long", func(q *http.Request) { q.Header.Set(sig, q.Header.Get(sig)+"00") }, 401, false},
		{"a signature of other letters", func(q *http.Request) { q.Header.Set(sig, q.Header.Get(sig)[:70]+"g") }, 401, false},
		{"two signatures", func(q *http.Request) { q.Header[sig] = []string{q.Header.Get(sig), hookSum} }, 401, false},
		{"no id", header("X-GitHub-Delivery"), 400, false},
		{"an id that is none", header("X-GitHub-Delivery", "a b"), 400, false},
		{"an id without an end", header("X-GitHub-Delivery", strings.Repeat("a", 65)), 400, false},
	} {
		code := r.post(signed("answers-"+strconv.Itoa(i)), row.change)
		if news := r.isNews(); code != row.code || news != row.news {
			t.Errorf("%s: %d, news: %v; want %d, %v", row.name, code, news, row.code, row.news)
		}
	}
	if code := r.post(delivery("page", "Hello, World!"), header(sig, hookSum)); code != 202 || !r.isNews() {
		t.Errorf("what GitHub's page signs: %d", code)
	}
	if len(r.woken) > 0 {
		t.Error("it woke again before a day was over")
	}
}

// TestHookKnowsDeliveriesAgain: by their id, and since that is not signed, by their
// signature.
func TestHookKnowsDeliveriesAgain(t *testing.T) {
	r := listen(t)
	r.firstWake()
	for _, row := range []struct {
		name string
		q    *http.Request
		code int
		news bool
	}{
		{"new", delivery("a", "body of a"), 202, true},
		{"again", delivery("a", "body of a"), 202, false},
		{"again, with another id", delivery("b", "body of a"), 202, false},
		{"again, with another body", delivery("a", "body of c"), 202, false},
		{"forged", func() *http.Request {
			q := delivery("d", "body of d")
			q.Header.Set("X-Hub-Signature-256", hookSum)
			return q
		}(), 401, false},
		{"what was forged before", delivery("d", "body of d"), 202, true},
		{"the body of a ping", func() *http.Request {
			q := delivery("e", "body of e")
			q.Header.Set("X-GitHub-Event", "ping")
			return q
		}(), 200, false},
		{"the body of a ping as something else", delivery("f", "body of e"), 202, false},
	} {
		code := r.post(row.q, nil)
		if news := r.isNews(); code != row.code || news != row.news {
			t.Errorf("%s: %d, news: %v; want %d, %v", row.name, code, news, row.code, row.news)
		}
	}
}

func TestHookForgetsTheOldest(t *testing.T) {
	h, err := NewHook(HookConfig{Path: "/", Secret: hookSecret, Wake: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	is := func(i int) bool { return h.knows(fmt.Sprint("id", i), fmt.Sprint("sum", i)) }
	for i := range mostDeliveries {
		if is(i) {
			t.Fatal(i, "was there before")
		}
	}
	if !is(0) || is(mostDeliveries) || !is(1) || is(0) || !is(mostDeliveries) {
		t.Error("it does not forget the oldest one, and only that")
	}
	if len(h.known) != 2*mostDeliveries || len(h.order) != 2*mostDeliveries {
		t.Errorf("%d, %d are known", len(h.known), len(h.order))
	}
}

// TestHookWakesNowAndThen: at once, then once for all that came meanwhile.
func TestHookWakesNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var woken atomic.Int32
		log := &diary{}
		h, err := NewHook(HookConfig{Path: "/", Secret: hookSecret, Wake: func() { woken.Add(1) }, Log: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { h.work(ctx) })
		after := func(d time.Duration, want int32) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := woken.Load(); got != want {
				t.Errorf("woken %d times; want %d", got, want)
			}
		}
		after(time.Hour, 0)
		h.news()
		after(0, 1)
		for range 1000 {
			h.news()
		}
		after(4*time.Second, 1)
		after(time.Second, 2)
		after(time.Hour, 2)
		h.news()
		after(0, 3)
		if log.String() != "" {
			t.Errorf("where nothing was heard it logged %s", log)
		}
		h.count("news")
		h.count("forged")
		h.count("news")
		after(time.Minute, 3)
		h.count("news")
		cancel()
		wg.Wait()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.HasSuffix(lines[0], `msg="the webhook was called" forged=1 news=2`) || !strings.HasSuffix(lines[1], ` news=1`) {
			t.Errorf("it logged %s", log)
		}
	})
}

// TestHookLogsNothingOfIt: the log has counts, and no word of what was sent or by whom.
func TestHookLogsNothingOfIt(t *testing.T) {
	r := listen(t)
	r.firstWake()
	marked := func(q *http.Request) {
		for _, key := range slices.Collect(maps.Keys(q.Header)) {
			if key != "X-Hub-Signature-256" && key != "X-Github-Delivery" {
				q.Header.Set(key, marker)
			}
		}
		q.URL.RawQuery = marker + "=" + marker
	}
	r.post(delivery(marker, marker), marked)
	r.post(delivery(marker, marker), marked)
	r.post(delivery("other", marker), func(q *http.Request) { marked(q); q.Header.Set("X-Hub-Signature-256", marker) })
	r.post(delivery("other", marker), func(q *http.Request) { marked(q); q.Header.Set("X-Hub-Signature-256", hookSum) })
	r.post(delivery("other", marker), func(q *http.Request) { marked(q); q.URL.Path = "/" + marker })
	r.post(delivery("other", marker), func(q *http.Request) { marked(q); q.Method = http.MethodDelete })
	r.post(delivery(marker+" x", marker+"!"), marked)
	r.talk(marker+"\r\n\r\n", "")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	log := r.log.String()
	if !strings.Contains(log, "elsewhere=1 forged=1 method=1 nameless=1 news=2 repeated=1 unsigned=1\n") {
		t.Errorf("it logged %s", log)
	}
	for _, never := range []string{marker, hookSecret, "example.org", "Hookshot", "757107ea"} {
		if strings.Contains(log, never) {
			t.Errorf("%q is in the log:\n%s", never, log)
		}
	}
}

func TestHookTellsWhyItCannotListen(t *testing.T) {
	r := listen(t)
	for listen, want := range map[string]string{
		r.address:        "webhook: another program listens on " + r.address + "; end that one, or write another port with listen",
		"192.0.2.1:8795": "webhook: nothing can listen on 192.0.2.1:8795: cannot assign requested address; write another address with listen",
	} {
		h, err := NewHook(HookConfig{Listen: listen, Path: "/", Secret: hookSecret, Wake: func() {}})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Run(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

// TestHookEnds: and cuts off everybody who is still there.
func TestHookEnds(t *testing.T) {
	r := listen(t, func(c *HookConfig) { c.Most, c.Arrive = 2, time.Hour })
	var there []net.Conn
	for _, text := range []string{"POST", headers("100", "X-Hub-Signature-256: "+hookSum, "Expect: 100-continue"), "nobody has room for this one"} {
		c, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(2 * patience))
		io.WriteString(c, text)
		there = append(there, c)
	}
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n" // the body is waited for
	if n, err := io.ReadFull(there[1], make([]byte, len(goOn))); err != nil {
		t.Fatal(n, err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for i, c := range there {
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d is not cut off", i)
		}
	}
	if c, err := net.Dial("tcp", r.address); err == nil {
		c.Close()
		t.Error("it listens still")
	}
}

func TestHookConfig(t *testing.T) {
	good := HookConfig{Listen: "127.0.0.1:8795", Path: "/github", Secret: hookSecret, Wake: func() {}}
	for want, change := range map[string]func(*HookConfig){
		"webhook: the path does not begin with /; write for example /github":                  func(c *HookConfig) { c.Path = "github" },
		"webhook: the secret is so short that it could be guessed; use 16 characters or more": func(c *HookConfig) { c.Secret = hookSecret[:15] },
		"webhook: there is nobody to wake":                                                    func(c *HookConfig) { c.Wake = nil },
	} {
		c := good
		change(&c)
		if _, err := NewHook(c); err == nil || err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
	h, err := NewHook(good)
	if err != nil {
		t.Fatal(err)
	}
	log := &diary{}
	slog.New(slog.NewJSONHandler(log, nil)).Info("x", "c", good, "h", h)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", good, good, good, good), fmt.Sprintf("%v %+v %#v %s", h, h, h, h), log.String()} {
		if strings.Contains(text, "Everybody") || !strings.Contains(text, "webhook at 127.0.0.1:8795/github") {
			t.Error(text)
		}
	}
}
