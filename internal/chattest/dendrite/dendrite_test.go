package dendrite_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
)

const (
	versions = "/_matrix/client/versions"
	password = "correct horse battery"
)

// call makes a request; body "" means GET.
func call(t *testing.T, c *http.Client, url, token, body string) (int, string, error) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func TestServerKeepsItsData(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	c := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	alice := s.Register(t, "alice", password)
	if alice != "@alice:"+s.Name() {
		t.Errorf("the account is %q", alice)
	}
	token, device := s.Login(t, alice, password)
	whoami := func() string {
		_, text, err := call(t, c, s.URL()+"/_matrix/client/v3/account/whoami", token, "")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	url, pid := s.URL(), s.PID()
	s.Restart(t)
	if got := whoami(); !strings.Contains(got, device) || s.URL() != url || s.PID() == pid {
		t.Errorf("after a restart at %s: %s", s.URL(), got)
	}
	s.Kill(t)
	if _, _, err := call(t, c, url+versions, "", ""); err == nil || s.PID() != 0 {
		t.Errorf("a killed server answers, or has the process %d", s.PID())
	}
	s.Restart(t)
	if got := whoami(); !strings.Contains(got, device) {
		t.Errorf("after a crash: %s", got)
	}
	s.Freeze(t)
	short := &http.Client{Timeout: 100 * time.Millisecond}
	if _, _, err := call(t, short, url+versions, "", ""); err == nil {
		t.Error("a frozen server answers")
	}
	s.Thaw(t)
	if got := whoami(); !strings.Contains(got, device) {
		t.Errorf("after the thaw: %s", got)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{RateLimit: true, Threshold: 3, Cooloff: 60_000})
	for range 4 {
		status, text, err := call(t, http.DefaultClient, s.URL()+"/_matrix/client/v3/login", "", `{"type":"m.login.password"}`)
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusTooManyRequests && strings.Contains(text, "retry_after_ms") {
			return
		}
	}
	t.Error("the server has no limit")
}

func TestProxy(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	p := dendrite.NewProxy(t, s)
	c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	want := func(status int, part string) {
		t.Helper()
		got, text, err := call(t, c, p.URL()+versions, "", "")
		if err != nil || got != status || !strings.Contains(text, part) {
			t.Errorf("%d %q, %v; want %d and %q", got, text, err, status, part)
		}
	}
	want(200, "v1.2")
	p.Trouble(dendrite.Rule{Path: "versions", Do: dendrite.BadGateway, Times: 1})
	want(502, "")
	want(200, "v1.2")
	p.Trouble(dendrite.Rule{Method: "PUT", Do: dendrite.BadGateway})
	p.Trouble(dendrite.Rule{Path: "nothing", Do: dendrite.BadGateway})
	p.Trouble(dendrite.Rule{Body: "nobody says this", Do: dendrite.BadGateway})
	want(200, "v1.2")
	p.Trouble(dendrite.Rule{Do: dendrite.TooMany, RetryAfter: 1500 * time.Millisecond, Times: 1})
	want(429, `"retry_after_ms":1500`)
	p.Trouble(dendrite.Rule{Do: dendrite.Forbid, Times: 1})
	want(403, "M_FORBIDDEN")
	p.Trouble(dendrite.Rule{Do: dendrite.NoToken, Times: 1})
	want(401, "M_UNKNOWN_TOKEN")
	p.Trouble(dendrite.Rule{Times: 1, Rewrite: func(status int, body []byte) (int, []byte) {
		return status, []byte(strings.ReplaceAll(string(body), "v1.2", "v9.9"))
	}})
	want(200, "v9.9")
	p.Trouble(dendrite.Rule{Do: dendrite.Cut, Times: 1})
	if _, _, err := call(t, c, p.URL()+versions, "", ""); err == nil {
		t.Error("a cut connection answers")
	}
	if n := len(p.Requests("GET", "versions")); n != 9 {
		t.Errorf("%d requests were seen", n)
	}
	last := p.Requests("", "")[8]
	if last.Status != 0 || last.Reached || last.Did != dendrite.Cut {
		t.Errorf("the last request: %+v", last)
	}
}

// TestProxyLosesAnswers: the request was done, and its answer is lost.
func TestProxyLosesAnswers(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	p := dendrite.NewProxy(t, s)
	alice := s.Register(t, "alice", password)
	token, _ := s.Login(t, alice, password)
	var mu sync.Mutex
	var bodies []string
	p.Watch(func(_ dendrite.Request, body []byte) { mu.Lock(); bodies = append(bodies, string(body)); mu.Unlock() })
	lost := p.Trouble(dendrite.Rule{Method: "POST", Path: "createRoom", After: true, Do: dendrite.Cut, Times: 1})
	c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if _, _, err := call(t, c, p.URL()+"/_matrix/client/v3/createRoom", token, `{"name":"Response"}`); err == nil {
		t.Error("the answer was not lost")
	}
	lost.Wait(t, 1)
	_, rooms, err := call(t, c, p.URL()+"/_matrix/client/v3/joined_rooms", token, "")
	if err != nil || !strings.Contains(rooms, "!") {
		t.Errorf("the room was not made: %s, %v", rooms, err)
	}
	mu.Lock()
	if len(bodies) != 2 || bodies[0] != `{"name":"Response"}` {
		t.Errorf("bodies: %q", bodies)
	}
	mu.Unlock()

	held := p.Trouble(dendrite.Rule{Path: "versions", Do: dendrite.Hang})
	done := make(chan error, 1)
	go func() {
		_, _, err := call(t, c, p.URL()+versions, "", "")
		done <- err
	}()
	held.Wait(t, 1)
	select {
	case err := <-done:
		t.Errorf("a request that hangs was answered: %v", err)
	default:
	}
	held.End()
	if err := <-done; err != nil {
		t.Errorf("it did not go on: %v", err)
	}
	p.WaitFor(t, "GET", "versions", 1)
}
