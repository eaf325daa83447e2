package github

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

const (
	perPage  = 100 // what GitHub gives at most
	mostPage = 200
)

// Seen is what is remembered of a list from one look to the next, so that GitHub
// can answer that a page has not changed, which costs nothing. It belongs to the
// token that looked: for another one begin with a fresh Seen. What it holds came
// from GitHub: it is not to be said or logged.
type Seen struct{ Pages []SeenPage }

// SeenPage is one page: its address, GitHub's tag for what it held, and the address
// of the page after it, "" for the last.
type SeenPage struct{ URL, ETag, Next string }

// walk goes through the pages of a list, and gives take those that changed. Seen is
// changed only when all of them were read: a walk that breaks is made again whole.
func walk[T any](ctx context.Context, c *Client, first string, seen *Seen, take func(T) bool) error {
	if seen == nil {
		seen = &Seen{}
	}
	var pages []SeenPage
	for at := first; ; {
		var page SeenPage
		if k := slices.IndexFunc(seen.Pages, func(p SeenPage) bool { return p.URL == at }); k >= 0 {
			page = seen.Pages[k]
		}
		a, err := c.ask(ctx, request{method: http.MethodGet, path: at, etag: page.ETag})
		if err != nil {
			return err
		}
		if a.status != http.StatusNotModified {
			var list []T
			if json.Unmarshal(a.body, &list) != nil || list == nil {
				return strange(a)
			}
			for _, one := range list {
				if !take(one) {
					return strange(a)
				}
			}
			page = SeenPage{URL: at, ETag: a.header.Get("ETag"), Next: next(a.header)}
			if page.Next == "" && len(list) >= perPage {
				page.ETag = "" // one more and it has a page after it, without having changed itself
			}
		}
		pages = append(pages, page)
		if page.Next == "" {
			seen.Pages = pages
			return nil
		}
		if len(pages) >= mostPage || slices.ContainsFunc(pages, func(p SeenPage) bool { return p.URL == page.Next }) {
			return strange(a)
		}
		at = page.Next
	}
}
