package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/bridges"
)

const advisories = "security-advisories"

// ListAdvisories reads the advisories of every state that the reading token may
// see, the newest first. With a Seen it gives only those of pages that are not as
// they were, and costs nothing when there are none; nil reads all.
//
// A token without the right to see unpublished ones gets the published ones, and no
// error: Rights tells the difference.
// https://docs.github.com/rest/security-advisories/repository-advisories#list-repository-security-advisories
func (c *Client) ListAdvisories(ctx context.Context, seen *Seen) ([]Advisory, error) {
	// By creation: a page's neighbours stay the same when one of its own changes.
	var out []Advisory
	err := walk(ctx, c, fmt.Sprintf("%s?sort=created&direction=desc&per_page=%d", c.part(advisories), perPage), seen, func(w wireAdvisory) bool {
		a, ok := w.advisory()
		out = append(out, a)
		return ok
	})
	if err != nil {
		return nil, fmt.Errorf("listing the advisories: %w", err)
	}
	return out, nil
}

// GetAdvisory reads one.
func (c *Client) GetAdvisory(ctx context.Context, id string) (Advisory, error) {
	a, err := c.advisory(ctx, request{method: http.MethodGet}, id)
	if err != nil {
		return Advisory{}, fmt.Errorf("reading an advisory: %w", err)
	}
	return a, nil
}

// CreateAdvisory makes a draft.
// https://docs.github.com/rest/security-advisories/repository-advisories#create-a-repository-security-advisory
func (c *Client) CreateAdvisory(ctx context.Context, d Draft) (Advisory, error) {
	body, err := d.body()
	if err != nil {
		return Advisory{}, fmt.Errorf("creating an advisory: %w", err)
	}
	a, err := c.advisory(ctx, request{method: http.MethodPost, path: c.part(advisories), body: body}, "")
	if err != nil {
		return Advisory{}, fmt.Errorf("creating an advisory: %w", err)
	}
	return a, nil
}

// UpdateAdvisory changes the fields that are given, and no other. A list is replaced
// whole: read it before.
// https://docs.github.com/rest/security-advisories/repository-advisories#update-a-repository-security-advisory
func (c *Client) UpdateAdvisory(ctx context.Context, id string, ch Change) (Advisory, error) {
	body, err := ch.body()
	if err != nil {
		return Advisory{}, fmt.Errorf("changing an advisory: %w", err)
	}
	a, err := c.advisory(ctx, request{method: http.MethodPatch, body: body}, id)
	if err != nil {
		return Advisory{}, fmt.Errorf("changing an advisory: %w", err)
	}
	return a, nil
}

// advisory asks for what is answered with an advisory.
func (c *Client) advisory(ctx context.Context, r request, id string) (Advisory, error) {
	if r.path == "" {
		if !goodID(id) {
			return Advisory{}, unusable("that is not the identifier of an advisory")
		}
		r.path = c.part(advisories, id)
	}
	a, err := c.ask(ctx, r)
	if err != nil {
		return Advisory{}, err
	}
	var w wireAdvisory
	out, ok := Advisory{}, json.Unmarshal(a.body, &w) == nil
	if ok {
		out, ok = w.advisory()
	}
	if !ok || id != "" && out.ID != id {
		return Advisory{}, strange(a)
	}
	return out, nil
}

// RequestCVE asks GitHub for a CVE. It comes days or weeks later, in the advisory;
// asking twice does not help.
// https://docs.github.com/rest/security-advisories/repository-advisories#request-a-cve-for-a-repository-security-advisory
func (c *Client) RequestCVE(ctx context.Context, id string) error {
	_, err := c.post(ctx, id, "cve")
	if err != nil {
		return fmt.Errorf("requesting a CVE: %w", err)
	}
	return nil
}

// CreateFork gives an advisory its temporary private fork, or the one that it has.
// A new one can take five minutes until it is there.
// https://docs.github.com/rest/security-advisories/repository-advisories#create-a-temporary-private-fork
func (c *Client) CreateFork(ctx context.Context, id string) (Fork, error) {
	if !c.Writes() { // before a question that would be of no use
		return Fork{}, fmt.Errorf("creating a private fork: %w", readOnly())
	}
	a, err := c.GetAdvisory(ctx, id)
	if err != nil {
		return Fork{}, fmt.Errorf("creating a private fork: %w: %w", bridges.ErrNotSent, err)
	}
	if a.Fork.Name != "" {
		return a.Fork, nil
	}
	answer, err := c.post(ctx, id, "forks")
	if err != nil {
		return Fork{}, fmt.Errorf("creating a private fork: %w", err)
	}
	var w wireFork
	if json.Unmarshal(answer.body, &w) != nil || w.Name == "" {
		return Fork{}, fmt.Errorf("creating a private fork: %w", strange(answer))
	}
	return w.fork(), nil
}

// post asks for something that has no arguments.
func (c *Client) post(ctx context.Context, id, what string) (answer, error) {
	if !goodID(id) {
		return answer{}, unusable("that is not the identifier of an advisory")
	}
	return c.ask(ctx, request{method: http.MethodPost, path: c.part(advisories, id, what)})
}

// ReportingEnabled reports whether people can report privately.
// https://docs.github.com/rest/repos/repos#check-if-private-vulnerability-reporting-is-enabled-for-a-repository
func (c *Client) ReportingEnabled(ctx context.Context) (bool, error) {
	a, err := c.ask(ctx, request{method: http.MethodGet, path: c.part("private-vulnerability-reporting")})
	if err != nil {
		return false, fmt.Errorf("reading whether people can report privately: %w", err)
	}
	var w struct {
		Enabled *bool `json:"enabled"`
	}
	if json.Unmarshal(a.body, &w) != nil || w.Enabled == nil {
		return false, fmt.Errorf("reading whether people can report privately: %w", strange(a))
	}
	return *w.Enabled, nil
}

// Global is an advisory in the global database, which the world reads.
type Global struct {
	sealed

	ID, CVE, URL                  string
	Type                          string // reviewed, unreviewed, malware
	Severity                      string
	Published, Reviewed, Withdrew time.Time // zero: never
}

// GlobalAdvisory looks for an advisory in the global database; seen is whether it is
// there.
// https://docs.github.com/rest/security-advisories/global-advisories#get-a-global-security-advisory
func (c *Client) GlobalAdvisory(ctx context.Context, id string) (g Global, seen bool, err error) {
	if !goodID(id) {
		return Global{}, false, fmt.Errorf("reading the global database: %w", unusable("that is not the identifier of an advisory"))
	}
	a, err := c.ask(ctx, request{method: http.MethodGet, path: "advisories/" + id})
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound && e.told != "" {
		return Global{}, false, nil
	}
	if err != nil {
		return Global{}, false, fmt.Errorf("reading the global database: %w", err)
	}
	var w struct {
		ID        string    `json:"ghsa_id"`
		CVE       string    `json:"cve_id"`
		URL       string    `json:"html_url"`
		Type      string    `json:"type"`
		Severity  string    `json:"severity"`
		Published time.Time `json:"published_at"`
		Reviewed  time.Time `json:"github_reviewed_at"`
		Withdrawn time.Time `json:"withdrawn_at"`
	}
	if json.Unmarshal(a.body, &w) != nil || w.ID != id {
		return Global{}, false, fmt.Errorf("reading the global database: %w", strange(a))
	}
	return Global{
		ID: w.ID, CVE: w.CVE, URL: bridges.WebAddress(w.URL), Type: w.Type, Severity: w.Severity,
		Published: w.Published.UTC(), Reviewed: w.Reviewed.UTC(), Withdrew: w.Withdrawn.UTC(),
	}, true, nil
}
