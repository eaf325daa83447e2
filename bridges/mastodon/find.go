package mastodon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/bridges"
)

// How far Find looks back, and how far the instance's clock may be off ours.
const (
	pageSize = 40
	mostPage = 10
	skew     = 5 * time.Minute
)

// Find tells whether a Post of unknown outcome arrived: it looks for the same words
// among the account's own statuses, as far back as the first try or, with a since
// of zero, as far as it looks at all.
//
// bridges.ErrNoTrace: it is not there. bridges.ErrCantSay: it may be there (one was
// edited in the meantime, there are too many, the token may not look); a person
// has to look then, because a post that is repeated cannot be taken back. Any
// other error: ask again.
//
// A request that the instance is still working on is not there yet: leave it a
// minute before you believe ErrNoTrace.
// https://docs.joinmastodon.org/methods/accounts/#statuses
func (m *Client) Find(ctx context.Context, s Status, since time.Time) (Posted, error) {
	p, err := m.find(ctx, s, since)
	if e, ok := errors.AsType[*Error](err); ok && (e.Kind == Forbidden || e.Kind == Missing || e.Kind == Moved) {
		err = fmt.Errorf("%w: %w", bridges.ErrCantSay, &Error{Kind: e.Kind, Status: e.Status, Told: e.Told})
	}
	if err != nil {
		return Posted{}, fmt.Errorf("looking for the post: %w", err)
	}
	return p, nil
}

func (m *Client) find(ctx context.Context, s Status, since time.Time) (Posted, error) {
	me, err := m.me(ctx)
	if err != nil {
		return Posted{}, err
	}
	seek := newSought(s, since)
	var doubt bool
	for page, before := 0, ""; page < mostPage; page++ {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}, "exclude_reblogs": {"true"}}
		if before != "" {
			query.Set("max_id", before)
		}
		a, err := m.ask(ctx, request{method: http.MethodGet, path: "/api/v1/accounts/" + url.PathEscape(me) + "/statuses", query: query})
		if err != nil {
			return Posted{}, err
		}
		var list []wireStatus
		if !bridges.Decode(a.body, &list) || list == nil {
			return Posted{}, strange(a.status)
		}
		found, old, odd := seek.among(list)
		if found != nil {
			return found.posted(), nil
		}
		doubt = doubt || odd
		next := older(a.header, list)
		switch {
		case (old || next == "") && doubt:
			return Posted{}, bridges.ErrCantSay
		case old || next == "":
			return Posted{}, bridges.ErrNoTrace
		case next == before:
			return Posted{}, bridges.ErrCantSay
		}
		before = next
	}
	return Posted{}, bridges.ErrCantSay
}

// sought is what is looked for.
type sought struct {
	same       func(string) string
	text       string
	visibility string
	since      time.Time
}

func newSought(s Status, since time.Time) sought {
	same := folder()
	k := sought{same: same, text: same(s.Text), visibility: s.Visibility}
	if !since.IsZero() {
		k.since = since.Add(-skew)
	}
	return k
}

// among looks through one page, newest first: is it there, does the page reach back
// to before the first try, and is there one that may have been it before somebody
// edited it, or that cannot be read.
func (k sought) among(list []wireStatus) (found *wireStatus, old, doubt bool) {
	for i, w := range list {
		if !w.Created.IsZero() && w.Created.Before(k.since) {
			old = true
			continue
		}
		switch {
		case !goodID(string(w.ID)):
			doubt = true
		case k.same(Plain(string(w.Content))) == k.text && k.same(string(w.Spoiler)) == "" && k.heard(string(w.Visibility)):
			return &list[i], old, doubt
		case !w.Edited.IsZero():
			doubt = true
		}
	}
	return nil, old, doubt
}

// heard reports whether a status has the audience that was meant. A moderator can
// have made the account's public posts unlisted.
func (k sought) heard(visibility string) bool {
	return visibility == "" || visibility == k.visibility || k.visibility == "public" && visibility == "unlisted"
}

// older finds where the next page begins: in the Link header, or after the last
// status where a full page came without one. Only the id is taken, so that an
// answer cannot send us elsewhere.
// https://docs.joinmastodon.org/api/guidelines/#pagination
func older(h http.Header, list []wireStatus) string {
	links := h.Values("Link")
	for _, link := range strings.Split(strings.Join(links, ","), ",") {
		address, rest, ok := strings.Cut(strings.TrimSpace(link), ">")
		if !ok || !strings.HasPrefix(address, "<") || !strings.Contains(rest, `rel="next"`) && !strings.Contains(rest, "rel=next") {
			continue
		}
		if u, err := url.Parse(address[1:]); err == nil && goodID(u.Query().Get("max_id")) {
			return u.Query().Get("max_id")
		}
	}
	if len(links) == 0 && len(list) >= pageSize && goodID(string(list[len(list)-1].ID)) {
		return string(list[len(list)-1].ID)
	}
	return ""
}
