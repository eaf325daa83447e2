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

// Rights is what a token may, as far as GitHub tells without anything being written.
// Whether somebody is a security manager is not told.
type Rights struct {
	Admin, Push bool      // of the token's account, on the repository
	Private     bool      // the repository is: GitHub gives no CVE then
	Reports     bool      // private reports were listed without a refusal
	Needs       string    // where they were not: the permission that GitHub names
	Names       string    // what GitHub names for that question, also when it was answered
	Scopes      string    // of a classic token; "" for others
	Expires     time.Time // UTC; zero: never, or GitHub does not say
}

// Rights looks what the reading token may, or the one that writes.
func (c *Client) Rights(ctx context.Context, writer bool) (Rights, error) {
	a, err := c.ask(ctx, request{method: http.MethodGet, path: c.repo, writer: writer})
	if err != nil {
		return Rights{}, fmt.Errorf("reading what the token may: %w", err)
	}
	var w struct {
		Name        string `json:"full_name"`
		Private     bool   `json:"private"`
		Permissions struct{ Admin, Push bool }
	}
	if json.Unmarshal(a.body, &w) != nil || w.Name == "" {
		return Rights{}, fmt.Errorf("reading what the token may: %w", strange(a))
	}
	r := Rights{Admin: w.Permissions.Admin, Push: w.Permissions.Push, Private: w.Private, Scopes: bridges.Clean(a.header.Get("X-OAuth-Scopes"), 200), Expires: a.expires}
	a, err = c.ask(ctx, request{method: http.MethodGet, path: c.part(advisories) + "?state=triage&per_page=1", writer: writer})
	e, refused := errors.AsType[*Error](err)
	switch {
	case refused && (e.Kind == Forbidden || e.Kind == NotFound):
		r.Needs, r.Names = e.Needs, e.Needs
	case err != nil:
		return Rights{}, fmt.Errorf("reading what the token may: %w", err)
	default:
		r.Reports, r.Names = true, needs(a.header)
	}
	return r, nil
}
