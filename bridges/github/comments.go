package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Comment is what somebody said below an advisory. Texts are as people wrote them.
type Comment struct {
	sealed

	ID               int64
	Author, Body     string
	Created, Updated time.Time
}

type wireComment struct {
	ID      int64     `json:"id"`
	User    wireUser  `json:"user"`
	Author  wireUser  `json:"author"`
	Body    string    `json:"body"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

func (w wireComment) comment() Comment {
	author := w.User.Login
	if author == "" {
		author = w.Author.Login
	}
	return Comment{ID: w.ID, Author: author, Body: w.Body, Created: w.Created.UTC(), Updated: w.Updated.UTC()}
}

// Comments reads those that were made or changed since, all with a zero since. The
// interface is a public preview: ErrNoComments where it is not there.
// https://github.blog/changelog/2026-10-02-repository-security-advisory-comments-api-in-public-preview
func (c *Client) Comments(ctx context.Context, id string, since time.Time) ([]Comment, error) {
	if !goodID(id) {
		return nil, fmt.Errorf("reading the comments: %w", unusable("that is not the identifier of an advisory"))
	}
	query := url.Values{"per_page": {strconv.Itoa(perPage)}}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339))
	}
	var out []Comment
	err := walk(ctx, c, c.part(advisories, id, "comments")+"?"+query.Encode(), nil, func(w wireComment) bool {
		out = append(out, w.comment())
		return w.ID != 0
	})
	if err != nil {
		return nil, fmt.Errorf("reading the comments: %w", absent(err))
	}
	return out, nil
}

// AddComment says something below an advisory. After an ErrUnknown read the comments
// before you say it again.
func (c *Client) AddComment(ctx context.Context, id, body string) (Comment, error) {
	const most = 65536
	switch {
	case !goodID(id):
		return Comment{}, fmt.Errorf("commenting: %w", unusable("that is not the identifier of an advisory"))
	case strings.TrimSpace(body) == "" || !utf8.ValidString(body) || utf8.RuneCountInString(body) > most:
		return Comment{}, fmt.Errorf("commenting: %w", unusable("the comment is empty, or longer than 65536 characters"))
	}
	a, err := c.ask(ctx, request{method: http.MethodPost, path: c.part(advisories, id, "comments"), body: map[string]string{"body": body}})
	if err != nil {
		return Comment{}, fmt.Errorf("commenting: %w", absent(err))
	}
	var w wireComment
	if json.Unmarshal(a.body, &w) != nil || w.ID == 0 {
		return Comment{}, fmt.Errorf("commenting: %w", strange(a))
	}
	return w.comment(), nil
}

// absent says so where the interface is not there. GitHub says the same for an
// advisory that the token may not see.
func absent(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == NotFound {
		return fmt.Errorf("%w: %w", ErrNoComments, err)
	}
	return err
}
