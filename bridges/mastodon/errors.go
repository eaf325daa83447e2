package mastodon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tocsin/bridges"
)

// Kind is what went wrong.
type Kind int

// The kinds. What each means for a post is in brackets: surely not there and worth
// another try, refused, or unknown.
const (
	Unusable    Kind = iota + 1 // it was not sent: we know that it would be refused (refused)
	Unreachable                 // no connection: no such host, nobody answers, TLS fails (not sent)
	Silent                      // the request went out and no whole answer came back (unknown)
	BadToken                    // 401: the token is wrong, or was taken back (not sent)
	Forbidden                   // 403: the token or the account may not do that (refused)
	Missing                     // 404, 410: also a status to reply to that is not there (refused)
	Invalid                     // 400, 422: Told says why (refused)
	Limited                     // 429: not before Retry (not sent)
	Failing                     // 5xx (unknown)
	Moved                       // 3xx: the configured address is not the API's (refused)
	Strange                     // an answer that Mastodon would not give
)

// Error is how a request failed. It wraps bridges.ErrNotSent or bridges.ErrRefused,
// or neither: then a post may or may not be there. Its text holds nothing that a
// server said or that was to be posted.
type Error struct {
	Kind   Kind
	Status int       // the answer's, 0 when there was none
	Told   string    // what the instance said, one cleaned line that may be shown to people; may be ""
	Retry  time.Time // Limited, Failing: not before this, UTC; zero when it did not say

	outcome, cause error
}

// Error gives one sentence.
func (e *Error) Error() string {
	text := map[Kind]string{
		Unusable:    "this cannot be posted",
		Unreachable: "the instance cannot be reached",
		Silent:      "the instance was asked and gave no whole answer",
		BadToken:    "the instance does not take the token",
		Forbidden:   "the token or the account may not do that",
		Missing:     "the instance has no such thing",
		Invalid:     "the instance finds it wrong",
		Limited:     "the instance asks for patience",
		Failing:     "the instance fails",
		Moved:       "the instance's API is at another address",
		Strange:     "the answer is not Mastodon's",
	}[e.Kind]
	if e.Status != 0 {
		text += fmt.Sprintf(" (%d)", e.Status)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Format prints the sentence, with any verb.
func (e *Error) Format(f fmt.State, verb rune) { bridges.Print(f, verb, e.Error()) }

// Unwrap gives what it means for a post, and the network's own error.
func (e *Error) Unwrap() []error {
	var out []error
	for _, err := range []error{e.outcome, e.cause} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// strange is an answer that says success and cannot be read.
func strange(status int) *Error { return &Error{Kind: Strange, Status: status} }

// judge makes an error of an answer that is not a success.
//
// What Mastodon itself refuses comes with a JSON error; other answers of 4xx are
// of something in front of it, so that the same may be taken another time. After a
// 5xx or a 408 nobody knows what was done: Mastodon keeps a status first and
// delivers it after.
func (m *Client) judge(a answer) *Error {
	told, own := m.told(a.body)
	e := &Error{Status: a.status, Told: told, Kind: Strange}
	switch s := a.status; {
	case s == http.StatusUnauthorized:
		e.Kind, e.outcome = BadToken, bridges.ErrNotSent
	case s == http.StatusTooManyRequests:
		e.Kind, e.outcome = Limited, bridges.ErrNotSent
		e.Retry = bridges.RetryAfter(a.header, m.c.Now())
	case s >= 500:
		e.Kind = Failing
		e.Retry = bridges.RetryAfter(a.header, m.c.Now())
	case s == http.StatusRequestTimeout || s == http.StatusSeeOther:
	case s >= 300 && s < 400:
		e.Kind, e.outcome = Moved, bridges.ErrRefused
	case s >= 400 && !own:
		e.outcome = bridges.ErrNotSent
		if s == http.StatusNotFound || s == http.StatusGone {
			e.Kind = Missing
		}
	case s >= 400:
		e.outcome = bridges.ErrRefused
		e.Kind = map[int]Kind{
			http.StatusForbidden: Forbidden, http.StatusNotFound: Missing, http.StatusGone: Missing,
			http.StatusBadRequest: Invalid, http.StatusUnprocessableEntity: Invalid,
		}[s]
		if e.Kind == 0 {
			e.Kind = Strange
		}
	}
	return e
}

// told reads {"error": ...} of an answer, and whether it is of that form. What
// repeats the token is not told.
// https://docs.joinmastodon.org/entities/Error/
func (m *Client) told(body []byte) (text string, own bool) {
	const most = 200
	var w struct {
		Error       loose `json:"error"`
		Description loose `json:"error_description"`
	}
	if json.Unmarshal(body, &w) != nil || w.Error == "" {
		return "", false
	}
	text = string(w.Error)
	if w.Description != "" { // OAuth's own errors: the first is a code then
		text = string(w.Description)
	}
	if strings.Contains(text, m.c.Token) {
		return "", true
	}
	return bridges.Clean(text, most), true
}
