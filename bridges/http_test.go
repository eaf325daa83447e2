package bridges

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPlainError: words are kept of those kinds alone that quote nothing of the other
// side; of all others the kind stays, and not a word.
func TestPlainError(t *testing.T) {
	const sealed = "SEALED-words"
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: err}
	}
	odd := errors.New("malformed HTTP response " + sealed)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"not HTTP":          {odd, "no answer that can be read"},
		"not HTTP, wrapped": {fmt.Errorf("net/http: %s: %w", sealed, odd), "no answer that can be read"},
		"ends too early":    {fmt.Errorf("malformed %s: %w", sealed, io.ErrUnexpectedEOF), "unexpected EOF"},
		"ends at once":      {io.EOF, "EOF"},
		"refused":           {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "dial tcp 192.0.2.1:443: connection refused"},
		"behind a proxy":    {&net.OpError{Op: "proxyconnect", Net: "tcp", Err: odd}, "proxyconnect tcp: no answer that can be read"},
		"reset":             {fmt.Errorf("%s: %w", sealed, syscall.ECONNRESET), "connection reset by peer"},
		"no such host":      {&net.DNSError{Err: "no such host", Name: "pypi.example.org", IsNotFound: true}, "lookup pypi.example.org: no such host"},
		"no such host, odd": {&net.DNSError{Err: sealed, Name: "pypi.example.org"}, "lookup pypi.example.org: it failed"},
		"in time":           {&url.Error{Op: "Post", URL: "https://example.org/" + sealed, Err: context.DeadlineExceeded}, "no answer in time"},
		"stopped":           {fmt.Errorf("%s: %w", sealed, context.Canceled), "context canceled"},
		"no TLS":            {http.ErrSchemeMismatch, "http: server gave HTTP response to HTTPS client"},
		"not TLS":           {tls.RecordHeaderError{Msg: sealed}, "what answers does not speak TLS"},
		"an alert":          {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, "remote error: tls: handshake failure"},
		"another's":         {x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{sealed}}, Host: "example.org"}, "its certificate is for another host"},
		"nobody's":          {x509.UnknownAuthorityError{Cert: &x509.Certificate{}}, "its certificate is of an authority that is not trusted"},
		"expired":           {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: sealed}}, "its certificate has expired, or is not valid yet"},
		"not for servers":   {x509.CertificateInvalidError{Reason: x509.NameMismatch, Detail: sealed}, "its certificate is not valid"},
	} {
		got := PlainError(c.err)
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "error", got)
		for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb, got)
			fmt.Fprintf(&b, verb, struct{ err error }{got})
			fmt.Fprintf(&b, verb, fmt.Errorf("asking: %w", got))
		}
		if got.Error() != c.want || strings.Contains(b.String(), sealed) {
			t.Errorf("%s: %q\n%s", name, got, b.String())
		}
		if inner := c.err; !errors.Is(got, errors.Unwrap(got)) || errors.Unwrap(got) == nil {
			t.Errorf("%s hides %v from those who ask for its kind", name, inner)
		}
		if again := PlainError(fmt.Errorf("%s: %w", sealed, got)); again.Error() != c.want {
			t.Errorf("%s, once more: %q", name, again)
		}
	}
	if err := PlainError(nil); err != nil {
		t.Error(err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 12, 3, 14, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		reset, after string
		want         time.Duration
	}{
		"nothing":           {"", "", -1},
		"nonsense":          {"soon", "-5", -1},
		"seconds":           {"", "30", 30 * time.Second},
		"a date":            {"", now.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		"the later of two":  {now.Add(time.Minute).Format(time.RFC3339), "90", 90 * time.Second},
		"the other way":     {now.Add(time.Hour).Format(time.RFC3339Nano), "90", time.Hour},
		"for ever":          {"9999-12-31T23:59:59Z", "", 24 * time.Hour},
		"for ever, seconds": {"", "2147483647", 24 * time.Hour},
		"past":              {now.Add(-time.Minute).Format(time.RFC3339), "", -time.Minute},
	} {
		h := http.Header{}
		h.Set("X-RateLimit-Reset", c.reset)
		h.Set("Retry-After", c.after)
		if got := RetryAfter(h, now); name[0] == 'n' != got.IsZero() || !got.IsZero() && !got.Equal(now.Add(c.want)) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
