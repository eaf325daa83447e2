package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"tocsin/bridges"
)

// Errors that an *Error can wrap, besides bridges.ErrNotSent and bridges.ErrRefused.
var (
	ErrUnknown    = errors.New("it may have been done") // of a write: look before you write again
	ErrReadOnly   = errors.New("there is no token that may write")
	ErrNoComments = errors.New("GitHub has no interface to comments here")
)

// Kind is what went wrong.
type Kind int

// The kinds. What each means for a write is in brackets: surely not done and worth
// another try, refused, or unknown.
const (
	Unusable    Kind = iota + 1 // it was not sent: we know that it would be refused (refused)
	Unreachable                 // no connection (not sent)
	Silent                      // the request went out and no whole answer came back (unknown)
	Revoked                     // 401: the token is wrong, expired, or was taken back (not sent)
	Forbidden                   // 403: Needs says which permission is missing (refused)
	NotFound                    // 404, 410: also what the token may not see (refused)
	Invalid                     // 400, 409, 422: Told says why (refused)
	Limited                     // 403, 429: not before Until (not sent)
	Server                      // 5xx (unknown)
	Moved                       // the answer leads to another address (refused)
	Strange                     // an answer that GitHub would not give
)

// Error is how a request failed. That of a write wraps one of bridges.ErrNotSent,
// bridges.ErrRefused and ErrUnknown; that of a question that was asked wraps none. Its
// text, by any verb, holds nothing that GitHub said or that was to be written.
type Error struct {
	Kind   Kind
	Status int       // the answer's, 0 when there was none
	Needs  string    // Forbidden, NotFound: the permissions that GitHub names, "repository_advisories=write"; may be ""
	Until  time.Time // Limited: UTC; Server: may be zero

	told           string // it may quote what is under embargo
	outcome, cause error
}

// Told is what GitHub said, one cleaned line; may be "". It can quote what was
// written: it is sealed text.
func (e *Error) Told() string { return e.told }

// Error gives one sentence.
func (e *Error) Error() string {
	text := map[Kind]string{
		Unusable:    "GitHub would not take this",
		Unreachable: "GitHub cannot be reached",
		Silent:      "GitHub was asked and gave no whole answer",
		Revoked:     "GitHub does not take the token",
		Forbidden:   "the token may not do that",
		NotFound:    "GitHub shows the token no such thing",
		Invalid:     "GitHub finds it wrong",
		Limited:     "GitHub asks for patience",
		Server:      "GitHub fails",
		Moved:       "GitHub sends us to another address",
		Strange:     "the answer is not GitHub's",
	}[e.Kind]
	if e.Status != 0 {
		text += fmt.Sprintf(" (%d)", e.Status)
	}
	if e.Needs != "" {
		text += ", it needs " + e.Needs
	}
	// After a request went out an error of net/http can quote what came back.
	if n, ok := errors.AsType[net.Error](e.cause); e.cause != nil && (e.Kind != Silent || ok && n.Timeout()) {
		text += ": " + e.cause.Error()
	}
	return text
}

// Format makes every verb print the sentence, and nothing of what was told.
func (e *Error) Format(f fmt.State, verb rune) {
	bridges.Print(f, verb, e.Error())
}

// Unwrap gives what it means for a write, and the cause.
func (e *Error) Unwrap() []error {
	var out []error
	for _, err := range []error{e.outcome, e.cause} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// unusable is what is not sent at all. The reason quotes nothing.
func unusable(why string) *Error {
	return &Error{Kind: Unusable, outcome: bridges.ErrRefused, cause: errors.New(why)}
}

func readOnly() *Error {
	return &Error{Kind: Unusable, outcome: bridges.ErrRefused, cause: ErrReadOnly}
}

// strange is an answer that says success and cannot be read.
func strange(a answer) *Error {
	e := &Error{Kind: Strange, Status: a.status}
	if a.wrote {
		e.outcome = ErrUnknown
	}
	return e
}

// judge makes an error of an answer that is not a success. What GitHub itself
// refuses comes with a JSON message; other answers of 4xx are of something in front
// of it, so that the same may be taken another time.
func (c *Client) judge(a answer) *Error {
	told, own, secondary := c.told(a.body)
	e := &Error{Status: a.status, Kind: Strange, told: told, outcome: ErrUnknown}
	if until, ok := c.patience(a, secondary); ok {
		e.Kind, e.Until, e.outcome = Limited, until, bridges.ErrNotSent
		return e
	}
	switch s := a.status; {
	case s == http.StatusUnauthorized:
		e.Kind, e.outcome = Revoked, bridges.ErrNotSent
	case s >= 500:
		e.Kind, e.Until = Server, after(a.header, c.c.Now())
	case s == http.StatusRequestTimeout, s == http.StatusSeeOther, s == http.StatusNotModified:
	case s >= 300 && s < 400:
		e.Kind, e.outcome = Moved, bridges.ErrRefused
	case s >= 400:
		if e.outcome = bridges.ErrRefused; !own {
			e.outcome = bridges.ErrNotSent
		}
		switch s {
		case http.StatusForbidden:
			e.Kind = Forbidden
		case http.StatusNotFound, http.StatusGone:
			e.Kind = NotFound
		case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
			e.Kind = Invalid
		}
		if e.Kind == Forbidden || e.Kind == NotFound {
			e.Needs = needs(a.header)
		}
	}
	return e
}

// needs reads which permissions a call asks for. Anything that does not look like
// them is not repeated.
// https://docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
func needs(h http.Header) string {
	const most = 200
	s := h.Get("X-Accepted-GitHub-Permissions")
	if len(s) > most || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r == '_' || r == '=' || r == ',' || r == ';' || r == ' ')
	}) {
		return ""
	}
	return s
}

// told reads what GitHub says of a failure, whether it is in GitHub's form, and
// whether it is about a secondary limit. What repeats a token is not told.
// https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
func (c *Client) told(body []byte) (text string, own, secondary bool) {
	const most = 1000
	var w struct {
		Message string            `json:"message"`
		URL     string            `json:"documentation_url"`
		Errors  []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &w) != nil || w.Message == "" {
		return "", false, false
	}
	all := []string{w.Message}
	for _, raw := range w.Errors {
		var one struct{ Field, Code, Message string }
		var line string
		if json.Unmarshal(raw, &line) != nil && json.Unmarshal(raw, &one) == nil {
			if line = one.Message; line == "" {
				line = one.Field + " " + one.Code
			}
		}
		all = append(all, line)
	}
	text = strings.Join(all, "; ")
	secondary = strings.Contains(w.Message, "secondary rate limit") || strings.HasSuffix(w.URL, "secondary-rate-limits") || strings.HasSuffix(w.URL, "#abuse-rate-limits")
	if strings.Contains(text, c.c.Reader) || c.c.Writer != "" && strings.Contains(text, c.c.Writer) {
		return "", true, secondary
	}
	return bridges.Clean(text, most), true, secondary
}
