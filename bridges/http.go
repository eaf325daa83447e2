package bridges

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"time"
)

// PlainError makes an error of net/http fit for a log: errors there quote the address
// that was asked, and what came back. Only words of kinds that quote neither are kept,
// and timeouts are said in ours. Is and As find the error itself; no verb prints it.
func PlainError(err error) error {
	if err == nil {
		return nil
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return &plain{words(err), func() error { return err }}
}

// plain is an error with other words. The error itself is behind a function, which fmt
// never calls: not for a field of something else, and not for a verb that does not fit.
type plain struct {
	words string
	cause func() error
}

// Error gives the words.
func (p *plain) Error() string { return p.words }

// Unwrap gives the error itself.
func (p *plain) Unwrap() error { return p.cause() }

// Format prints the words, with any verb.
func (p *plain) Format(f fmt.State, verb rune) { Print(f, verb, p.words) }

// Print is the Format of what shows these words whatever the verb, and else nothing.
func Print(f fmt.State, verb rune, words string) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", words)
		return
	}
	io.WriteString(f, words)
}

// words says what kind of error it is. What is quoted is ours: the host of the
// configuration, and numbers.
func words(err error) string {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "no answer in time"
	}
	if text := certificate(err); text != "" {
		return text
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		text := op.Op
		if op.Net != "" {
			text += " " + op.Net
		}
		if op.Addr != nil {
			text += " " + op.Addr.String()
		}
		return text + ": " + words(op.Err)
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		if d.IsNotFound {
			return "lookup " + d.Name + ": no such host"
		}
		return "lookup " + d.Name + ": it failed"
	}
	for _, known := range []error{
		context.Canceled, io.ErrUnexpectedEOF, io.EOF, net.ErrClosed, os.ErrDeadlineExceeded, http.ErrSchemeMismatch,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	for ; err != nil; err = errors.Unwrap(err) {
		switch reflect.ValueOf(err).Kind() { // a number has nothing to quote: syscall.Errno, an alert of TLS
		case reflect.Uintptr, reflect.Uint8:
			return err.Error()
		}
	}
	return "no answer that can be read"
}

// certificate says what is wrong with TLS at the other end, which chose the names in its
// certificate.
func certificate(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another host"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is of an authority that is not trusted"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "its certificate has expired, or is not valid yet"
	}
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || invalid {
		return "its certificate is not valid"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "what answers does not speak TLS"
	}
	return ""
}

// NewHTTP makes a client that trusts TLS only: roots, or whom the system trusts where
// that is nil.
//
// Every request has a connection of its own. On one that is used again net/http repeats
// a request by itself when it breaks, and a POST too when it has an Idempotency-Key, so
// that two at once could both be done.
func NewHTTP(roots *x509.CertPool) *http.Client {
	const dial, shake, most = 10 * time.Second, 10 * time.Second, 3
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: dial}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    shake,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true,
		},
		// A redirect is followed on the same host only, and with a question only: a
		// token is for that host, and what is done twice is two.
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			first := before[0]
			if first.Method != http.MethodGet || len(before) > most || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// RetryAfter says when an answer allows another try, UTC; zero when it does not say.
// Retry-After is seconds or a date; Mastodon gives the moment in X-RateLimit-Reset, and
// what stands in front of it the other: the later one counts.
// https://docs.joinmastodon.org/api/rate-limits/
func RetryAfter(h http.Header, now time.Time) time.Time {
	const most = 24 * time.Hour
	at, err := time.Parse(time.RFC3339, h.Get("X-RateLimit-Reset"))
	after := h.Get("Retry-After")
	if seconds, wrong := strconv.ParseUint(after, 10, 31); wrong == nil {
		if by := now.Add(time.Duration(seconds) * time.Second); err != nil || by.After(at) {
			at, err = by, nil
		}
	} else if by, wrong := http.ParseTime(after); wrong == nil && (err != nil || by.After(at)) {
		at, err = by, nil
	}
	switch {
	case err != nil:
		return time.Time{}
	case at.After(now.Add(most)): // a clock that is wrong must not silence us for ever
		at = now.Add(most)
	}
	return at.UTC()
}

// Skew asks who answers at an address how far their clock is before ours, to a second.
// Whatever they answer else is not read. The error quotes nothing of theirs.
func Skew(ctx context.Context, address string, now func() time.Time) (time.Duration, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return 0, PlainError(err)
	}
	q.Header.Set("User-Agent", "tocsin")
	c := NewHTTP(nil)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Do(q)
	if err != nil {
		return 0, PlainError(err)
	}
	_ = res.Body.Close()
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, errors.New("the answer has no date")
	}
	return at.Sub(now()).Round(time.Second), nil
}

// Loopback reports whether a host is this machine itself.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
