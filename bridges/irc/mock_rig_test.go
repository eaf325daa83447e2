package irc

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/chattest/ircd"
)

// mock is a small server for what no real one can be made to do.
type mock struct {
	caps string
	// on sees each line first; true means that it was dealt with.
	on func(c *mockConn, line string) bool

	t    *testing.T
	addr string
	ca   string
	l    net.Listener
	wg   sync.WaitGroup

	came chan struct{} // one for each connection

	mu    sync.Mutex
	conns []*mockConn
}

// mockConn is one connection to it.
type mockConn struct {
	net.Conn
	nick   string
	asked  bool // AUTHENTICATE with the mechanism came
	secret string
}

func (c *mockConn) send(format string, args ...any) {
	_, _ = fmt.Fprintf(c, format+"\r\n", args...)
}

const allCaps = "sasl=PLAIN,EXTERNAL message-tags account-tag server-time account-notify extended-join batch echo-message labeled-response"

func newMock(t *testing.T, caps string, on func(*mockConn, string) bool) *mock {
	t.Helper()
	m := &mock{caps: caps, on: on, t: t, came: make(chan struct{}, 1000)}
	by, err := ircd.NewAuthority("mock")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := by.Issue("localhost", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	m.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(m.ca, by.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	m.l, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(m.l.Addr().String())
	m.addr = "localhost:" + port
	m.wg.Go(m.accept)
	t.Cleanup(func() {
		_ = m.l.Close()
		m.mu.Lock()
		for _, c := range m.conns {
			_ = c.Close()
		}
		m.mu.Unlock()
		m.wg.Wait()
	})
	return m
}

func (m *mock) accept() {
	for {
		conn, err := m.l.Accept()
		if err != nil {
			return
		}
		c := &mockConn{Conn: conn}
		m.mu.Lock()
		m.conns = append(m.conns, c)
		m.mu.Unlock()
		m.came <- struct{}{}
		m.wg.Go(func() {
			r := bufio.NewScanner(c)
			for r.Scan() {
				if line := r.Text(); m.on == nil || !m.on(c, line) {
					m.reply(c, line)
				}
			}
			_ = c.Close()
		})
	}
}

// visits waits until somebody has connected n times.
func (m *mock) visits(n int) {
	m.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for range n {
		select {
		case <-m.came:
		case <-limit.C:
			m.t.Fatal("it does not try again")
		}
	}
}

// reply does what an ordinary server does.
func (m *mock) reply(c *mockConn, line string) {
	tags := ""
	if strings.HasPrefix(line, "@") {
		tags, line, _ = strings.Cut(line, " ")
		tags += " "
	}
	word := strings.Fields(line)
	switch word[0] {
	case "CAP":
		switch word[1] {
		case "LS":
			c.send(":mock CAP * LS :%s", m.caps)
		case "REQ":
			_, list, _ := strings.Cut(line, ":")
			c.send(":mock CAP * ACK :%s", list)
		case "END":
			c.send(":mock 001 %s :hello", c.nick)
			whox := "WHOX"
			if strings.Contains(m.caps, "nowhox") {
				whox = "MONITOR=1"
			}
			c.send(":mock 005 %s CASEMAPPING=rfc1459 "+whox+" PREFIX=(ov)@+ :are supported by this server", c.nick)
			c.send(":mock 422 %s :no motd", c.nick)
		}
	case "NICK":
		c.nick = word[1]
	case "AUTHENTICATE":
		if !c.asked {
			c.asked = true
			c.send("AUTHENTICATE +")
			return
		}
		c.secret += strings.TrimSuffix(word[1], "+")
		if len(word[1]) < 400 {
			c.send(":mock 900 %s %s!u@h bot :you are bot", c.nick, c.nick)
			c.send(":mock 903 %s :fine", c.nick)
		}
	case "JOIN":
		c.send(":%s!u@h JOIN %s bot :me", c.nick, word[1])
		c.send(":alice!u@h JOIN %s alice :alice", word[1])
		c.send(":mock 353 %s = %s :%s @alice", c.nick, word[1], c.nick)
		c.send(":mock 366 %s %s :end", c.nick, word[1])
	case "WHOIS":
		c.send("%s:mock 311 %s %s u h * :real", tags, c.nick, word[1])
		c.send("%s:mock 330 %s %s %s :is logged in as", tags, c.nick, word[1], word[1])
		c.send("%s:mock 318 %s %s :end", tags, c.nick, word[1])
	case "WHO":
		_, token, _ := strings.Cut(word[2], ",")
		c.send("%s:mock 354 %s %s alice alice", tags, c.nick, token)
		c.send("%s:mock 315 %s %s :end", tags, c.nick, word[1])
	case "PING":
		c.send(":mock PONG mock %s", word[1])
	case "MODE":
		c.send("%s:mock 324 %s %s +nt", tags, c.nick, word[1])
	case "PRIVMSG":
		if strings.Contains(m.caps, "echo-message") {
			c.send("%s:%s!u@h %s", tags, c.nick, line)
		}
	}
}

func (m *mock) config() Config {
	c := config(&ircd.Server{Relaxed: m.addr, CA: m.ca}, "#desk")
	c.Tuning.Register = 2 * time.Second
	return c
}
