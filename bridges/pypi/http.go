package pypi

import (
	"context"
	"fmt"
	"io"
	"net/http"
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
		return answer{}, &Error{Status: a.status, Retry: bridges.RetryAfter(a.header, p.c.Now())}
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
