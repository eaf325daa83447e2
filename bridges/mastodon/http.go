package mastodon

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"tocsin/bridges"
)

// mostBytes is more than any answer of ours has: a page of 40 long statuses.
const mostBytes = 4 << 20

// request is what is asked.
type request struct {
	method, path string
	query, form  url.Values
	key          string // Idempotency-Key
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask makes one request and reads the whole answer. An error is an *Error, and the
// answer is then empty. Only that of a post says whether something was delivered:
// a question that was not asked must not be taken for a post that is not there.
func (m *Client) ask(ctx context.Context, r request) (answer, error) {
	a, err := m.exchange(ctx, r)
	if err != nil && r.method != http.MethodPost {
		err.outcome = nil
	}
	if err != nil {
		return answer{}, err
	}
	return a, nil
}

func (m *Client) exchange(ctx context.Context, r request) (answer, *Error) {
	ctx, cancel := context.WithTimeout(ctx, m.c.Timeout)
	defer cancel()
	// Nothing was written before there was a connection, and afterwards nobody
	// knows how much was read at the other end.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	failed := func(err error) (answer, *Error) {
		e := &Error{Kind: Silent, cause: bridges.PlainError(err)}
		if !connected.Load() {
			e.Kind, e.outcome = Unreachable, bridges.ErrNotSent
		}
		return answer{}, e
	}
	address := m.c.Instance + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.method == http.MethodPost {
		body = strings.NewReader(r.form.Encode())
	}
	q, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return failed(err)
	}
	q.Header.Set("Authorization", "Bearer "+m.c.Token)
	q.Header.Set("User-Agent", m.c.Agent)
	q.Header.Set("Accept", "application/json")
	if r.method == http.MethodPost {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Idempotency-Key", r.key)
		q.GetBody = nil // nobody but us sends it again
	}
	res, err := m.http.Do(q)
	if err != nil {
		return failed(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	a.body, err = io.ReadAll(io.LimitReader(res.Body, mostBytes+1))
	switch {
	case a.status < 200 || a.status > 299:
		return answer{}, m.judge(a)
	case err != nil:
		return failed(err)
	case len(a.body) > mostBytes:
		return answer{}, strange(a.status)
	}
	return a, nil
}
