package mastodon

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/chattest/echo"
)

// TestEchoIsNotTold: what an instance, or a proxy in front of it, sends back in place of
// an answer is part of no error.
func TestEchoIsNotTold(t *testing.T) {
	for name, format := range map[string]string{
		"an address":   "HTTP/1.1 302 Found\r\nLocation: /%%zz%s\r\nContent-Length: 0\r\n\r\n",
		"no HTTP":      "%s\r\n\r\n",
		"no header":    "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"no number":    "HTTP/1.1 %s\r\n\r\n",
		"no length":    "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"no encoding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"no such size": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
	} {
		m, err := New(Config{Name: "fosstodon", Instance: echo.Start(t, format, func(r *http.Request) string { return r.FormValue("status") }), Token: token, Loopback: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Post(t.Context(), Status{Key: "k", Text: "SEALED-words", Visibility: "public"})
		if all := fmt.Sprintf("%v %+v %#v %q", err, err, err, err); outcome(err) != "unknown" || strings.Contains(all, "SEALED") {
			t.Errorf("%s: %s: %s", name, outcome(err), all)
		}
	}
}
