package mail

import (
	"bufio"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tocsin/internal/chattest/ircd"
)

// fake is a mail server that does what a test says. It lives as long as the test.
type fake struct {
	addr, ca string
	tls      *tls.Config // a certificate for localhost
	mu       sync.Mutex
	heard    []string // every line of every connection, the mail's too
}

// talk is the server's side of one connection.
type talk struct {
	f    *fake
	conn net.Conn
	r    *bufio.Reader
}

// newFake starts a server; serve has one connection each time, which is closed
// when it returns. hosts are in the certificate.
func newFake(t testing.TB, serve func(*talk), hosts ...string) *fake {
	t.Helper()
	authority, err := ircd.NewAuthority("test authority")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.Issue("mail", hosts...)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	f := &fake{addr: "localhost:" + port, ca: filepath.Join(t.TempDir(), "ca.pem"), tls: &tls.Config{Certificates: []tls.Certificate{pair}}}
	if err := os.WriteFile(f.ca, authority.PEM, 0o644); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				serve(&talk{f, conn, bufio.NewReader(conn)})
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return f
}

// say sends lines.
func (c *talk) say(lines ...string) {
	_, _ = c.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
}

// hear reads a line; false at the end of the connection.
func (c *talk) hear() (string, bool) {
	line, err := c.r.ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line != "" {
		c.f.mu.Lock()
		c.f.heard = append(c.f.heard, line)
		c.f.mu.Unlock()
	}
	return line, err == nil
}

// upgrade makes the connection a TLS one.
func (c *talk) upgrade() bool {
	t := tls.Server(c.conn, c.f.tls)
	c.conn, c.r = t, bufio.NewReader(t)
	return t.Handshake() == nil
}

// hang waits until the client is gone.
func (c *talk) hang() {
	for {
		if _, ok := c.hear(); !ok {
			return
		}
	}
}

func (f *fake) lines() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.heard, "\n")
}

// script is a server that does everything right, apart from some answers: the
// first word of a command (and "greeting", and "." for the end of the mail) to
// what is said or done instead. An action returns whether the server goes on.
type script map[string]func(*talk) bool

func answer(lines ...string) func(*talk) bool {
	return func(c *talk) bool { c.say(lines...); return true }
}

func cut(*talk) bool { return false }

func hang(c *talk) bool { c.hang(); return false }

func (s script) do(c *talk, what, usual string) bool {
	if f, ok := s[what]; ok {
		return f(c)
	}
	if usual != "" {
		c.say(usual)
	}
	return true
}

func (s script) serve(c *talk) {
	if s.do(c, "greeting", "220 mail.example.org ESMTP") {
		s.commands(c)
	}
}

func (s script) commands(c *talk) {
	secure := false
	for {
		line, ok := c.hear()
		if !ok {
			return
		}
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch word {
		case "EHLO":
			what, usual := "EHLO", "250-mail.example.org\r\n250-SIZE\r\n250 STARTTLS"
			if secure {
				what, usual = "EHLO again", "250-mail.example.org\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 AUTH LOGIN PLAIN"
			}
			ok = s.do(c, what, usual)
		case "STARTTLS":
			if ok = s.do(c, word, "220 go on"); ok && s[word] == nil {
				ok, secure = c.upgrade(), true
			}
		case "AUTH":
			ok = s.do(c, word, "235 welcome")
		case "DATA":
			if ok = s.do(c, word, "354 go on"); ok && s[word] == nil {
				ok = s.content(c)
			}
		case "QUIT":
			s.do(c, word, "221 bye")
			return
		default:
			ok = s.do(c, word, "250 2.0.0 fine")
		}
		if !ok {
			return
		}
	}
}

func (s script) content(c *talk) bool {
	for {
		line, ok := c.hear()
		if !ok {
			return false
		}
		if line == "." {
			return s.do(c, ".", "250 2.0.0 OK queued as ABC")
		}
		if f, ok := s["content"]; ok {
			return f(c)
		}
	}
}
