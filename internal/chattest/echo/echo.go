// Package echo is a server that sends back what it was asked, in place of an answer.
package echo

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// Start answers one request with what is taken from it, by a format for that, and
// gives its address. It ends with the test.
func Start(t testing.TB, format string, taken func(r *http.Request) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			fmt.Fprintf(c, format, taken(r))
		}
	}()
	return "http://" + l.Addr().String()
}
