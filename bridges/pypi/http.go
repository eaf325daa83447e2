package pypi

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"tocsin/bridges"
)

// Error is an answer that is none, or no answer. Its text holds nothing that the
// index said.
type Error struct {
	Status int       // of the answer; 0 when there was none; 200 when it was not the index's
	Retry  time.Time // not before this, UTC; zero when the index did not say
	cause  error
}

// Error gives one sentence.
func (e *Error) Error() string {
	switch {
	case e.cause != nil:
		return "the index did not answer: " + e.cause.Error()
	case e.Status == http.StatusTooManyRequests:
		return "the index asks for patience (429)"
	case e.Status >= 500:
		return fmt.Sprintf("the index fails (%d)", e.Status)
	}
	return fmt.Sprintf("the answer is not an index's (%d)", e.Status)
}

// Unwrap gives the network's own error.
func (e *Error) Unwrap() error { return e.cause }

// mostBytes is more than any answer has: a large project's has 100 kB.
const mostBytes = 8 << 20

func newHTTP(c Config) *http.Client {
	const dial, shake, most = 10 * time.Second, 10 * time.Second, 3
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: dial}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
			TLSHandshakeTimeout:    shake,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true, // nothing is left behind, and there are seconds between two questions
		},
		// An index sends to the usual spelling of a name or a version; another
		// host is not the one that was to be asked.
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			if first := before[0]; len(before) > most || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// get asks one question. An error is an *Error; 304 is an answer where etag is not "".
func (p *Client) get(ctx context.Context, path, accept, etag string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.c.Timeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.c.Base+path, nil)
	if err != nil {
		return answer{}, &Error{cause: bridges.PlainError(err)}
	}
	q.Header.Set("Accept", accept)
	q.Header.Set("User-Agent", p.c.Agent)
	if etag != "" {
		q.Header.Set("If-None-Match", etag)
	}
	res, err := p.http.Do(q)
	if err != nil {
		return answer{}, &Error{cause: bridges.PlainError(err)}
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.status == http.StatusNotModified && etag != "" {
		return a, nil
	}
	if a.status != http.StatusOK {
		return answer{}, &Error{Status: a.status, Retry: retry(a.header, p.c.Now())}
	}
	a.body, err = io.ReadAll(io.LimitReader(res.Body, mostBytes+1))
	switch {
	case err != nil:
		return answer{}, &Error{cause: bridges.PlainError(err)}
	case len(a.body) > mostBytes:
		return answer{}, &Error{Status: a.status}
	}
	return a, nil
}

// retry reads Retry-After, which is seconds or a date.
func retry(h http.Header, now time.Time) time.Time {
	const most = 24 * time.Hour
	after := h.Get("Retry-After")
	at, err := http.ParseTime(after)
	if seconds, wrong := strconv.ParseUint(after, 10, 31); wrong == nil {
		at, err = now.Add(time.Duration(seconds)*time.Second), nil
	}
	switch {
	case err != nil:
		return time.Time{}
	case at.After(now.Add(most)): // a clock that is wrong must not stop the check for ever
		at = now.Add(most)
	}
	return at.UTC()
}
