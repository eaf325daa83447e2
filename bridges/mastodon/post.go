package mastodon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tocsin/bridges"
)

// Status is what is to be posted.
type Status struct {
	Key        string // the same for every try of the same post, never used for another one
	Text       string // plain; lines end in "\n"
	Visibility string // public, unlisted ("quiet public"), private or direct; has to be said
	Language   string // ISO 639, "en"; "": the account's
	InReplyTo  string // id of the status that it replies to, or ""
}

// Format prints nothing of the text, with any verb.
func (Status) Format(f fmt.State, verb rune) { bridges.Print(f, verb, "a post") }

// LogValue gives nothing of the text to package slog.
func (Status) LogValue() slog.Value { return slog.StringValue("a post") }

// Visibilities are the audiences that a post can have.
// https://docs.joinmastodon.org/entities/Status/#visibility
func Visibilities() []string { return []string{"public", "unlisted", "private", "direct"} }

// Posted is a status that is there.
type Posted struct {
	ID         string
	URL        string    // "" when it is not a web address
	At         time.Time // when the instance says it was made, UTC; may be zero
	Visibility string    // as it is there: an instance can make a public post unlisted
}

// Post posts a status. An error that wraps neither bridges.ErrNotSent nor
// bridges.ErrRefused means that it may be there: ask Find, and only then post
// again, with the same Key.
//
// For an hour the instance itself knows the key and answers a repetition with the
// status that is there.
// https://docs.joinmastodon.org/methods/statuses/#create
func (m *Client) Post(ctx context.Context, s Status) (Posted, error) {
	if err := s.check(); err != nil {
		return Posted{}, fmt.Errorf("posting: %w", &Error{Kind: Unusable, outcome: bridges.ErrRefused, cause: err})
	}
	form := url.Values{"status": {s.Text}, "visibility": {s.Visibility}}
	for name, value := range map[string]string{"language": s.Language, "in_reply_to_id": s.InReplyTo} {
		if value != "" {
			form.Set(name, value)
		}
	}
	a, err := m.ask(ctx, request{method: http.MethodPost, path: "/api/v1/statuses", form: form, key: idempotency(s.Key)})
	if err != nil {
		return Posted{}, fmt.Errorf("posting: %w", err)
	}
	var w wireStatus
	if !bridges.Decode(a.body, &w) || !goodID(string(w.ID)) || w.Scheduled != "" {
		return Posted{}, fmt.Errorf("posting: %w", strange(a.status))
	}
	return w.posted(), nil
}

// idempotency is what the instance gets to see of a key: nothing.
func idempotency(key string) string {
	sum := sha256.Sum256([]byte("tocsin mastodon status\x00" + key))
	return hex.EncodeToString(sum[:])
}

// check says what no instance would take, or what would be posted as something
// else than was agreed. It never quotes.
func (s Status) check() error {
	const most = 1 << 20 // bytes, of which every character has one at least
	switch {
	case s.Key == "":
		return fmt.Errorf("it has no key")
	case !utf8.ValidString(s.Text) || len(s.Text) > most:
		return fmt.Errorf("the text is not UTF-8, or too long for any instance")
	case strings.TrimSpace(s.Text) == "":
		return fmt.Errorf("there is no text")
	case strings.ContainsFunc(s.Text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }):
		return fmt.Errorf("the text holds a control character")
	case !slices.Contains(Visibilities(), s.Visibility):
		return fmt.Errorf("the visibility is none of public, unlisted, private and direct")
	case s.Language != "" && !regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z]{2,4})?$`).MatchString(s.Language):
		return fmt.Errorf("the language is no code such as en")
	case s.InReplyTo != "" && !goodID(s.InReplyTo):
		return fmt.Errorf("the status to reply to has no id")
	}
	return nil
}
