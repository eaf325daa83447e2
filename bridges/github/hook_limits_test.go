package github

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// zeros is a body of zeros. It notes how much of it was taken.
type zeros struct{ left, taken int64 }

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), z.left)
	if n == 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	z.left, z.taken = z.left-n, z.taken+n
	return int(n), nil
}

// TestHookTakesLongBodies: up to GitHub's limit, without keeping them.
func TestHookTakesLongBodies(t *testing.T) {
	const most = 25 << 20
	r := listen(t, func(c *HookConfig) { c.Arrive = time.Minute })
	r.firstWake()
	long := func(id string, size int64, declared bool) *http.Request {
		m := hmac.New(sha256.New, []byte(hookSecret))
		if size <= most+1 {
			io.Copy(m, &zeros{left: size})
		}
		q := delivery(id, "")
		q.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(m.Sum(nil)))
		q.Body, q.ContentLength, q.GetBody = io.NopCloser(&zeros{left: size}), -1, nil
		if declared {
			q.ContentLength = size
		}
		return q
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if code := r.post(long("most", most, true), nil); code != 202 || !r.isNews() {
		t.Errorf("a body of 25 MB: %d", code)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > most/4 {
		t.Errorf("a body of 25 MB took %d bytes", took)
	}
	if code := r.post(long("more", most+1, false), nil); code != 413 || r.isNews() {
		t.Errorf("a byte more: %d", code)
	}
	endless := long("endless", 1<<50, false)
	if code := r.post(endless, nil); code != 413 || r.isNews() {
		t.Errorf("a body without an end: %d", code)
	}
	if code := r.post(signed("after"), nil); code != 202 || !r.isNews() {
		t.Errorf("afterwards: %d", code)
	}
}

// talk writes the beginning of a request, then a byte each time nothing came for a
// moment, until the other end has said everything and closed.
func (r hookRig) talk(start, more string) string {
	r.Helper()
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, start); err != nil {
		r.Fatal(err)
	}
	var said []byte
	for until := time.Now().Add(patience); time.Now().Before(until); {
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		part := make([]byte, 4096)
		n, err := c.Read(part)
		said = append(said, part[:n]...)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			io.WriteString(c, more) // whether it is still heard is what is asked
		case err != nil:
			line, _, _ := strings.Cut(string(said), "\r\n")
			return line
		}
	}
	return "no end"
}

// headers are those of a request with a signature, whose body is still to come.
func headers(length string, more ...string) string {
	return "POST /github HTTP/1.1\r\nHost: example.org\r\nX-GitHub-Delivery: raw\r\n" + strings.Join(append(more, "Content-Length: "+length), "\r\n") + "\r\n\r\n"
}

// TestHookJudgesBeforeTheBody: what can be refused by its headers is, whatever comes
// or does not come then.
func TestHookJudgesBeforeTheBody(t *testing.T) {
	r := listen(t, func(c *HookConfig) { c.Arrive = time.Hour })
	for text, want := range map[string]string{
		headers("100"): "HTTP/1.1 401 Unauthorized",
		headers("26214401", "X-Hub-Signature-256: "+hookSum): "HTTP/1.1 413 Request Entity Too Large",
		strings.Replace(headers("100"), "/github", "/", 1):   "HTTP/1.1 404 Not Found",
		strings.Replace(headers("100"), "POST", "PATCH", 1):  "HTTP/1.1 405 Method Not Allowed",
		"OPTIONS * HTTP/1.1\r\nHost: example.org\r\n\r\n":    "HTTP/1.1 404 Not Found",
	} {
		c, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, text)
		c.SetReadDeadline(time.Now().Add(patience))
		got := make([]byte, len(want))
		if n, err := io.ReadFull(c, got); string(got[:n]) != want {
			t.Errorf("%q, %v; want %s", got[:n], err, want)
		}
		c.Close()
	}
}

// TestHookCutsOffWhoIsSlow: whether they send nothing, or a byte now and then.
func TestHookCutsOffWhoIsSlow(t *testing.T) {
	r := listen(t, func(c *HookConfig) { c.Arrive = 800 * time.Millisecond })
	for _, row := range []struct{ name, start, more, want string }{
		{"nothing", "", "", ""},
		{"half a header", "POST /github HTTP/1.1\r\nHost: exam", "", ""},
		{"headers by the byte", "POST /github HTTP/1.1\r\nX-Long: ", "a", ""},
		{"no body", headers("1000", "X-Hub-Signature-256: "+hookSum), "", "HTTP/1.1 408 Request Timeout"},
		{"a body by the byte", headers("1000", "X-Hub-Signature-256: "+hookSum), "a", "HTTP/1.1 408 Request Timeout"},
	} {
		if got := r.talk(row.start, row.more); got != row.want {
			t.Errorf("%s: %q; want %q", row.name, got, row.want)
		}
	}
	if len(r.woken) > 0 || r.isNews() {
		t.Error("that was news")
	}
	if got := r.talk("POST /github HTTP/1.1\r\nX-Long: "+strings.Repeat("a", 64<<10), ""); got != "HTTP/1.1 431 Request Header Fields Too Large" {
		t.Errorf("a header without an end: %q", got)
	}
}

// TestHookHasSoMuchRoom: who comes when it is full is heard when somebody left.
func TestHookHasSoMuchRoom(t *testing.T) {
	r := listen(t, func(c *HookConfig) { c.Most, c.Arrive = 2, time.Hour })
	var idle [2]net.Conn
	for i := range idle {
		c, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle[i] = c
	}
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := signed("third").Write(c); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	got := make([]byte, len("HTTP/1.1 202"))
	if n, err := c.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the third of two was answered: %q, %v", got[:n], err)
	}
	idle[0].Close()
	c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, got); string(got) != "HTTP/1.1 202" {
		t.Errorf("%q, %v", got, err)
	}
}
