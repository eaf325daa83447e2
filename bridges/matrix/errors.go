package matrix

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"tocsin/bridges"

	"maunium.net/go/mautrix"
)

// definite says whether the homeserver itself refused, so that nothing was done. A
// proxy's error page, a rate limit and a failing server are not that.
func definite(err error) bool {
	code, errcode := status(err)
	return errcode != "" && code >= 400 && code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout
}

// absent says whether the homeserver told that we are not in a room, or that there
// is no such room.
func absent(err error) bool {
	return errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound)
}

// unheard says whether a request never left this machine.
func unheard(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// marked carries the cause of a sentence that says it all, without any words.
type marked struct{ err error }

func mark(err error) error      { return &marked{err} }
func (m *marked) Error() string { return "" }
func (m *marked) Unwrap() error { return m.err }

// effect is what a failed request to change something means: surely not done, never
// to be done, or unknown.
func effect(what string, err error) error {
	plain := fmt.Errorf("%s: %w", what, plainError(err))
	code, _ := status(err)
	switch {
	case err == nil:
		return nil
	case tokenDead(err), code == http.StatusTooManyRequests, unheard(err):
		return fmt.Errorf("%w: %w", bridges.ErrNotSent, plain)
	case definite(err):
		return fmt.Errorf("%w: %w", bridges.ErrRefused, plain)
	}
	return plain
}
