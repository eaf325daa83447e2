package dendrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// maxBody is the largest request or answer that the proxy carries, in bytes.
const maxBody = 64 << 20

// Action is what the proxy does with a request.
type Action int

// What a rule can do.
const (
	Pass       Action = iota // let it through: to count and to wait for
	BadGateway               // 502, without JSON
	TooMany                  // 429 M_LIMIT_EXCEEDED with Rule.RetryAfter as retry_after_ms
	Forbid                   // 403 M_FORBIDDEN
	NoToken                  // 401 M_UNKNOWN_TOKEN
	Hang                     // hold it until the rule ends, then do as if there had been none
	Cut                      // close the connection without an answer
)

// Rule says which requests are troubled, and how. The newest rule that fits a
// request counts.
type Rule struct {
	Method     string        // "": any
	Path       string        // part of the path, decoded; "": any
	Body       string        // part of the request's body; "": any
	Times      int           // how many requests; 0: all until the rule ends
	After      bool          // the server gets the request and answers; then the answer is lost or held
	Do         Action        //
	RetryAfter time.Duration // for TooMany
	// Rewrite, when not nil, changes what the server answers (with Do: Pass). It may run in
	// many goroutines at once.
	Rewrite func(status int, body []byte) (int, []byte)
}

// Request is a request that the proxy has seen. Its body is not kept.
type Request struct {
	Method, Path, Query string
	At                  time.Time
	Status              int    // what the client was answered; 0: nothing (yet)
	Reached             bool   // the server has answered it
	Did                 Action // what a rule did
}

// Proxy stands between clients and a homeserver, and does as its rules say.
type Proxy struct {
	front  *httptest.Server
	server *Server
	out    *http.Transport

	mu       sync.Mutex
	rules    []*Trouble
	requests []*Request
	watch    []func(Request, []byte)
	grew     chan struct{}
}

// Trouble is a rule at work.
type Trouble struct {
	rule  Rule
	proxy *Proxy
	left  int // -1: no limit
	hits  int
	ended chan struct{}
}

// NewProxy starts a proxy before a server; it ends with the test.
func NewProxy(t testing.TB, s *Server) *Proxy {
	p := &Proxy{server: s, grew: make(chan struct{}), out: &http.Transport{
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, ResponseHeaderTimeout: 3 * time.Minute, DisableCompression: true,
		DisableKeepAlives: true, // a kept connection to a server that was killed would be an error of ours
	}}
	p.front = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.front.Config.ReadHeaderTimeout = time.Minute
	p.front.Start()
	t.Cleanup(func() {
		p.Clear()
		p.front.CloseClientConnections()
		p.front.Close()
		p.out.CloseIdleConnections()
	})
	return p
}

// URL is the proxy's address, to be used as the homeserver's.
func (p *Proxy) URL() string { return p.front.URL }

// Trouble adds a rule.
func (p *Proxy) Trouble(r Rule) *Trouble {
	m := &Trouble{rule: r, proxy: p, left: r.Times, ended: make(chan struct{})}
	if r.Times == 0 {
		m.left = -1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, m)
	return m
}

// End takes the rule away. Requests that hang go on.
func (m *Trouble) End() {
	m.proxy.mu.Lock()
	defer m.proxy.mu.Unlock()
	m.end()
}

func (m *Trouble) end() {
	m.proxy.rules = slices.DeleteFunc(m.proxy.rules, func(o *Trouble) bool { return o == m })
	select {
	case <-m.ended:
	default:
		close(m.ended)
	}
}

// Hits is how many requests the rule has met.
func (m *Trouble) Hits() int {
	m.proxy.mu.Lock()
	defer m.proxy.mu.Unlock()
	return m.hits
}

// Wait waits until the rule has met n requests, half a minute at most. With After
// that means that the server has answered them.
func (m *Trouble) Wait(t testing.TB, n int) {
	t.Helper()
	m.proxy.until(t, fmt.Sprintf("%d requests for %s %s", n, m.rule.Method, m.rule.Path), func() bool { return m.hits >= n })
}

// Clear takes all rules away.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range slices.Clone(p.rules) {
		m.end()
	}
}

// CutAll closes all connections that clients have.
func (p *Proxy) CutAll() { p.front.CloseClientConnections() }

// Watch has a function called with each request and its body before it is passed
// on. It may run in many goroutines at once.
func (p *Proxy) Watch(f func(r Request, body []byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = append(p.watch, f)
}

// Requests are those with this method ("" for any) and this part of the path, oldest first.
func (p *Proxy) Requests(method, path string) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fitting(method, path)
}

func (p *Proxy) fitting(method, path string) []Request {
	var out []Request
	for _, r := range p.requests {
		if (method == "" || r.Method == method) && strings.Contains(r.Path, path) {
			out = append(out, *r)
		}
	}
	return out
}

// WaitFor waits until n requests with this method and part of the path have been
// answered by the server, half a minute at most.
func (p *Proxy) WaitFor(t testing.TB, method, path string, n int) {
	t.Helper()
	p.until(t, fmt.Sprintf("%d answers to %s %s", n, method, path), func() bool {
		return len(slices.DeleteFunc(p.fitting(method, path), func(r Request) bool { return !r.Reached })) >= n
	})
}

// until waits for a condition, which is looked at under the lock.
func (p *Proxy) until(t testing.TB, what string, met func() bool) {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for {
		p.mu.Lock()
		ok, grew := met(), p.grew
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-grew:
		case <-limit.C:
			t.Fatalf("the proxy did not see %s within half a minute", what)
		}
	}
}

// note changes what is known, and wakes those who wait.
func (p *Proxy) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.grew)
	p.grew = make(chan struct{})
}

// pick finds the rule for a request, and uses it up.
func (p *Proxy) pick(r *http.Request, body []byte) *Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range slices.Backward(p.rules) {
		if m.left == 0 || (m.rule.Method != "" && m.rule.Method != r.Method) || !strings.Contains(r.URL.Path, m.rule.Path) ||
			!bytes.Contains(body, []byte(m.rule.Body)) {
			continue
		}
		if m.left > 0 {
			m.left--
		}
		return m
	}
	return nil
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	seen := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, At: time.Now()}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		cut(w)
		return
	}
	m := p.pick(r, body)
	rule := Rule{}
	if m != nil {
		rule = m.rule
	}
	seen.Did = rule.Do
	var watch []func(Request, []byte)
	p.note(func() { p.requests = append(p.requests, seen); watch = slices.Clone(p.watch) })
	for _, f := range watch {
		f(*seen, body)
	}
	hit := func() {
		if m != nil {
			p.note(func() { m.hits++ })
		}
	}
	if !rule.After {
		hit()
		if p.act(w, r, m, seen) {
			return
		}
	}
	status, header, answer, err := p.forward(r, body)
	if err == nil {
		p.note(func() { seen.Reached = true })
	}
	if rule.After {
		hit()
		if p.act(w, r, m, seen) {
			return
		}
	}
	switch {
	case err != nil && r.Context().Err() != nil:
		return // the client has gone
	case err != nil:
		p.answer(w, seen, http.StatusBadGateway, nil, nil)
		return
	}
	if rule.Rewrite != nil {
		status, answer = rule.Rewrite(status, answer)
	}
	p.answer(w, seen, status, header, answer)
}

// act does what a rule says, and reports whether the request is dealt with.
func (p *Proxy) act(w http.ResponseWriter, r *http.Request, m *Trouble, seen *Request) bool {
	if m == nil {
		return false
	}
	refuse := func(status int, format string, args ...any) bool {
		p.answer(w, seen, status, http.Header{"Content-Type": {"application/json"}}, fmt.Appendf(nil, format, args...))
		return true
	}
	switch m.rule.Do {
	case BadGateway:
		p.answer(w, seen, http.StatusBadGateway, http.Header{"Content-Type": {"text/html"}}, []byte("<html>502 Bad Gateway</html>"))
		return true
	case TooMany:
		return refuse(http.StatusTooManyRequests, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":%d}`, m.rule.RetryAfter.Milliseconds())
	case Forbid:
		return refuse(http.StatusForbidden, `{"errcode":"M_FORBIDDEN","error":"forbidden by the proxy"}`)
	case NoToken:
		return refuse(http.StatusUnauthorized, `{"errcode":"M_UNKNOWN_TOKEN","error":"unknown token"}`)
	case Cut:
		cut(w)
		return true
	case Hang:
		select {
		case <-m.ended:
		case <-r.Context().Done():
			return true
		}
	}
	return false
}

// forward asks the server. A hanging server ends with the client's patience.
func (p *Proxy) forward(r *http.Request, body []byte) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, p.server.URL()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header = r.Header.Clone()
	for _, h := range []string{"Accept-Encoding", "Connection", "Keep-Alive", "Transfer-Encoding"} {
		req.Header.Del(h)
	}
	res, err := p.out.RoundTrip(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err == nil && len(answer) > maxBody {
		err = errors.New("the answer is too large")
	}
	return res.StatusCode, res.Header, answer, err
}

func (p *Proxy) answer(w http.ResponseWriter, seen *Request, status int, header http.Header, body []byte) {
	p.note(func() { seen.Status = status })
	for k, v := range header {
		if k != "Content-Length" && k != "Connection" && k != "Transfer-Encoding" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// cut closes the connection.
func cut(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			_ = c.Close()
		}
	}
}
