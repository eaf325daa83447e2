package github

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	api "github.com/google/go-github/v62/github"

	"tocsin/bridges"
)

// What an answer may have: a page of 100 advisories with 65,535 characters each, of
// which JSON writes some in six bytes, and a failure.
const (
	mostBytes   = 64 << 20
	mostFailure = 1 << 20
)

var errTooLong = errors.New("the answer has no end")

// newHTTP makes a client whose answers end where they are too long.
func newHTTP(c Config) *http.Client {
	h := bridges.NewHTTP(c.Roots)
	h.Transport = capped{h.Transport}
	return h
}

// capped ends an answer that is too long.
type capped struct{ next http.RoundTripper }

func (c capped) RoundTrip(q *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	most := int64(mostBytes)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		most = mostFailure
	}
	res.Body = &shortened{res.Body, most}
	return res, nil
}

type shortened struct {
	io.ReadCloser
	left int64
}

func (s *shortened) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errTooLong
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}

// request is what is asked. Whatever is not a GET is a write, and goes by the token
// that writes.
type request struct {
	method, path string // path is from the base; or a whole address on the same host
	body         any
	etag         string
	writer       bool // a question is asked by the token that writes, too
}

func (r request) write() bool { return r.method != http.MethodGet }

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	expires time.Time // of the token; zero when GitHub did not say
	wrote   bool      // it is the answer to a write
}

// ask makes one request when its turn comes, and reads the whole answer. An error is
// an *Error; 304 is an answer where an etag was given.
func (c *Client) ask(ctx context.Context, r request) (answer, error) {
	a, err := c.inTurn(ctx, r)
	if err == nil {
		return a, nil
	}
	if !r.write() {
		err.outcome = nil
	}
	return answer{}, err
}

func (c *Client) inTurn(ctx context.Context, r request) (answer, *Error) {
	const between = time.Second // writes, as GitHub asks for
	if (r.write() || r.writer) && c.c.Writer == "" {
		return answer{}, readOnly()
	}
	before := func(err error) (answer, *Error) {
		return answer{}, &Error{Kind: Unreachable, outcome: bridges.ErrNotSent, cause: bridges.PlainError(err)}
	}
	select {
	case c.queue <- struct{}{}:
	case <-ctx.Done():
		return before(ctx.Err())
	}
	defer func() { <-c.queue }()
	if until := c.Until(); c.c.Now().Before(until) {
		return answer{}, &Error{Kind: Limited, Until: until, outcome: bridges.ErrNotSent}
	}
	if d := c.wrote.Add(between).Sub(c.c.Now()); r.write() && d > 0 && d <= between {
		if err := c.c.Wait(ctx, d); err != nil {
			return before(err)
		}
	}
	a, err := c.exchange(ctx, r)
	if r.write() {
		c.wrote = c.c.Now()
	}
	if err == nil {
		c.strikes = 0
	}
	return a, err
}

func (c *Client) exchange(ctx context.Context, r request) (answer, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()
	// Nothing was written before there was a connection, and afterwards nobody
	// knows how much was read at the other end.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	failed := func(err error) (answer, *Error) {
		e := &Error{Kind: Silent, cause: bridges.PlainError(err), outcome: ErrUnknown}
		if !connected.Load() {
			e.Kind, e.outcome = Unreachable, bridges.ErrNotSent
		}
		return answer{}, e
	}
	// One for each request: it remembers limits by another clock than ours.
	hub := api.NewClient(c.http)
	hub.BaseURL, hub.UserAgent = c.base, c.c.Agent
	q, err := hub.NewRequest(r.method, r.path, r.body, api.WithVersion(APIVersion))
	if err != nil || q.URL.Scheme != c.base.Scheme || q.URL.Host != c.base.Host { // a page that leads elsewhere, or nowhere
		return answer{}, &Error{Kind: Moved, outcome: bridges.ErrRefused}
	}
	token := c.c.Reader
	if r.write() || r.writer {
		token = c.c.Writer
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Accept", "application/vnd.github+json")
	if r.etag != "" {
		q.Header.Set("If-None-Match", r.etag)
	}
	q.GetBody = nil // nobody but us sends it again
	var body bytes.Buffer
	res, err := hub.Do(ctx, q, &body)
	if res == nil || res.Response == nil {
		return failed(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: body.Bytes(), expires: res.TokenExpiration.UTC(), wrote: r.write()}
	c.note(a)
	accepted, ok := errors.AsType[*api.AcceptedError](err) // 202, which go-github takes for an error
	switch {
	case ok:
		a.body = accepted.Raw
	case a.status == http.StatusNotModified && r.etag != "":
	case a.status < 200 || a.status > 299:
		a.body, _ = io.ReadAll(res.Body) // go-github has put back what it read
		return answer{}, c.judge(a)
	case errors.Is(err, errTooLong):
		return answer{}, strange(a)
	case err != nil:
		return failed(err)
	}
	return a, nil
}

// next finds the address of the next page. It is not looked into: GitHub says that
// it is opaque.
// https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
func next(h http.Header) string {
	const longest = 4096
	for _, m := range regexp.MustCompile(`<([^<>]*)>([^<]*)`).FindAllStringSubmatch(strings.Join(h.Values("Link"), ","), -1) {
		if strings.Contains(m[2], `rel="next"`) && len(m[1]) <= longest {
			return m[1]
		}
	}
	return ""
}

// part is a path below the repository, of words that are escaped.
func (c *Client) part(words ...string) string {
	for i, w := range words {
		words[i] = url.PathEscape(w)
	}
	return c.repo + "/" + strings.Join(words, "/")
}
