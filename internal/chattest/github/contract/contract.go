// Package contract holds what the GitHub of the tests is asked and answers against
// GitHub's own description of its API, where that is there: beside the repository, in
// shared/github. Nothing but tests imports it.
package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"tocsin/internal/chattest/github"
)

// Contract is the description.
type Contract struct{ router routers.Router }

// ErrMissing is that the description is not there.
var ErrMissing = errors.New("GitHub's description is not there: shared/github/advisories-openapi.json beside the repository")

// Load reads the description. It looks from the working folder upwards for the
// repository.
func Load() (*Contract, error) {
	dir, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "..", "shared", "github", "advisories-openapi.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("reading GitHub's description: %w", err)
	}
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation()) // GitHub's examples do not match
	if err != nil {
		return nil, fmt.Errorf("reading GitHub's description: %w", err)
	}
	return &Contract{router}, nil
}

// Check says how an exchange is not as described. What GitHub has refused need not
// be well-formed, and calls that are not described are not looked at: comments.
func (c *Contract) Check(x github.Exchange) error {
	ctx := context.Background()
	r, err := http.NewRequestWithContext(ctx, x.Method, "https://api.github.com"+x.Path+"?"+x.Query, bytes.NewReader(x.Body))
	if err != nil {
		return err
	}
	r.Header = x.Sent.Clone()
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return nil // not described
	}
	call := x.Method + " " + x.Path + ": "
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
	if err := openapi3filter.ValidateRequest(ctx, in); err != nil && x.Status < http.StatusMultipleChoices {
		return fmt.Errorf("%sthe request: %w", call, err)
	}
	if route.Operation.Responses.Value(strconv.Itoa(x.Status)) == nil {
		if slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, x.Status) {
			return nil // everywhere
		}
		return fmt.Errorf("%sthe status %d is not described", call, x.Status)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: x.Status, Header: x.Answered, Body: io.NopCloser(bytes.NewReader(x.Answer))}
	if err := openapi3filter.ValidateResponse(ctx, out); err != nil {
		return fmt.Errorf("%sthe answer: %w", call, err)
	}
	return nil
}
