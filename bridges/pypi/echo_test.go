package pypi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/internal/chattest/echo"
)

// TestEchoIsNotTold: the version that was asked for is part of no error, whatever comes
// back in place of an answer. Until it is out it is nobody's business.
func TestEchoIsNotTold(t *testing.T) {
	for name, format := range map[string]string{
		"an address":   "HTTP/1.1 301 Moved\r\nLocation: http://x%%zz/%s\r\nContent-Length: 0\r\n\r\n",
		"another path": "HTTP/1.1 301 Moved\r\nLocation: /%%zz%s\r\nContent-Length: 0\r\n\r\n",
		"no HTTP":      "%s\r\n\r\n",
		"no header":    "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
	} {
		p, err := New(Config{Base: echo.Start(t, format, func(r *http.Request) string { return r.URL.Path }), Project: "pillow", Loopback: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Release(t.Context(), "12.3.1")
		_, answer := errors.AsType[*Error](err)
		if all := fmt.Sprintf("%v %+v %#v %q", err, err, err, err); !answer || strings.Contains(all, "12.3.1") {
			t.Errorf("%s: %s", name, all)
		}
	}
}

// TestUnreachable: an error of the way there names the host at most.
func TestUnreachable(t *testing.T) {
	for base, want := range map[string]string{
		"https://pypi.invalid": "", // what a resolver says of it, if there is one, is its own business
		"http://127.0.0.1:1":   "dial tcp 127.0.0.1:1: connection refused",
	} {
		p, err := New(Config{Base: base, Project: "pillow", Loopback: true, Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Release(t.Context(), "12.3.1")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "12.3.1") {
			t.Errorf("%s: %v", base, err)
		}
	}
}
