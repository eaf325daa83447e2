package bridges

import (
	"errors"
	"fmt"
	"net"
	"net/url"
)

// PlainError takes what net/http puts around an error, which repeats the address, and
// says timeouts in our words.
func PlainError(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return fmt.Errorf("no answer in time%w", hidden{err})
	}
	return err
}

// hidden carries a cause without its words.
type hidden struct{ err error }

func (h hidden) Error() string { return "" }
func (h hidden) Unwrap() error { return h.err }

// Loopback reports whether a host is this machine itself.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
