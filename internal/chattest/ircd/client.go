package ircd

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Client is a person at the other end: a raw IRC connection that answers PING and
// keeps every line it gets, with tags.
type Client struct {
	Nick string
	conn net.Conn
	wmu  sync.Mutex

	mu    sync.Mutex
	lines []string
	at    []time.Time
	next  int // the first line that Expect has not looked at yet
	err   error
	grew  chan struct{}
	fence int
}

// capsWanted is what a full client asks for.
const capsWanted = "message-tags server-time account-tag account-notify extended-join echo-message batch"

// Dial connects and registers; with an account it logs in as it. It fails the
// test when that does not work.
func (s *Server) Dial(t testing.TB, addr, nick, account string) *Client {
	t.Helper()
	c, err := s.dial(addr, nick, account)
	if err != nil {
		t.Fatalf("client %s: %v", nick, err)
	}
	t.Cleanup(c.Close)
	return c
}

func (s *Server) dial(addr, nick, account string) (*Client, error) {
	c, err := s.connect(addr, nick, "")
	if err != nil {
		return nil, err
	}
	if err := c.register(account); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (s *Server) connect(addr, nick, cert string) (*Client, error) {
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	conf := &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFiles(cert))
		if err != nil {
			return nil, err
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, conf)
	if err != nil {
		return nil, err
	}
	c := &Client{Nick: nick, conn: conn, grew: make(chan struct{})}
	go c.read()
	return c, nil
}

func (c *Client) register(account string) error {
	c.Send("CAP LS 302")
	c.Send("NICK " + c.Nick)
	c.Send("USER " + c.Nick + " 0 * :" + c.Nick)
	caps := capsWanted
	if account != "" {
		caps += " sasl"
	}
	if _, err := c.Wait(` CAP \S+ LS :`, 10*time.Second); err != nil {
		return err
	}
	c.Send("CAP REQ :" + caps)
	if line, err := c.Wait(` CAP \S+ (ACK|NAK) `, 10*time.Second); err != nil || strings.Contains(line, " NAK ") {
		return errors.Join(err, errors.New(line))
	}
	if account != "" {
		c.Send("AUTHENTICATE PLAIN")
		if _, err := c.Wait(`AUTHENTICATE :?\+`, 10*time.Second); err != nil {
			return err
		}
		c.Send("AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte(account+"\x00"+account+"\x00"+Password(account))))
		if line, err := c.Wait(` 90[3-8] `, 10*time.Second); err != nil || !strings.Contains(line, " 903 ") {
			return errors.Join(err, errors.New(line))
		}
	}
	c.Send("CAP END")
	line, err := c.Wait(` (376|422|432|433|465) |^ERROR`, 20*time.Second)
	if err == nil && !regexp.MustCompile(` (376|422) `).MatchString(line) {
		err = errors.New(line)
	}
	return err
}

func (c *Client) read() {
	r := bufio.NewReaderSize(c.conn, 1<<16)
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if rest, ok := strings.CutPrefix(line, "PING"); ok {
			c.Send("PONG" + rest)
			continue
		}
		c.mu.Lock()
		if line != "" {
			c.lines = append(c.lines, line)
			c.at = append(c.at, time.Now())
		}
		c.err = err
		close(c.grew)
		c.grew = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Send sends a raw line.
func (c *Client) Send(line string) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, _ = c.conn.Write([]byte(line + "\r\n"))
}

// Sendf sends a raw line.
func (c *Client) Sendf(format string, args ...any) { c.Send(fmt.Sprintf(format, args...)) }

// Privmsg says something.
func (c *Client) Privmsg(target, text string) { c.Send("PRIVMSG " + target + " :" + text) }

// Join joins a channel and waits until that is done.
func (c *Client) Join(t testing.TB, channel string) {
	t.Helper()
	c.Send("JOIN " + channel)
	name, _, _ := strings.Cut(channel, " ")
	c.Expect(t, ` 366 \S+ `+regexp.QuoteMeta(name)+` `, 10*time.Second)
}

// Wait waits for a line that matches, among those not looked at yet.
func (c *Client) Wait(pattern string, within time.Duration) (string, error) {
	rx := regexp.MustCompile(pattern)
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		c.mu.Lock()
		for c.next < len(c.lines) {
			line := c.lines[c.next]
			c.next++
			if rx.MatchString(line) {
				c.mu.Unlock()
				return line, nil
			}
		}
		err, grew := c.err, c.grew
		c.mu.Unlock()
		if err != nil {
			return "", fmt.Errorf("waiting for %q: %w", pattern, err)
		}
		select {
		case <-grew:
		case <-limit.C:
			return "", fmt.Errorf("no line matching %q within %s; the last ones are:\n%s", pattern, within, c.tail())
		}
	}
}

// Expect is Wait that fails the test.
func (c *Client) Expect(t testing.TB, pattern string, within time.Duration) string {
	t.Helper()
	line, err := c.Wait(pattern, within)
	if err != nil {
		t.Fatalf("%s: %v", c.Nick, err)
	}
	return line
}

// Fence waits until the server has dealt with everything that was sent on this
// connection, and this client has seen what came of it.
func (c *Client) Fence(t testing.TB) {
	t.Helper()
	c.mu.Lock()
	c.fence++
	key := fmt.Sprintf("fence-%d", c.fence)
	from := c.next
	c.mu.Unlock()
	c.Send("PING " + key)
	c.Expect(t, `PONG .*`+key+`$`, 20*time.Second)
	c.mu.Lock()
	c.next = from // a fence looks at nothing
	c.mu.Unlock()
}

// Lines are all lines that match, from the beginning.
func (c *Client) Lines(pattern string) []string {
	rx := regexp.MustCompile(pattern)
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, line := range c.lines {
		if rx.MatchString(line) {
			out = append(out, line)
		}
	}
	return out
}

// Times are when the matching lines came.
func (c *Client) Times(pattern string) []time.Time {
	rx := regexp.MustCompile(pattern)
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []time.Time
	for i, line := range c.lines {
		if rx.MatchString(line) {
			out = append(out, c.at[i])
		}
	}
	return out
}

func (c *Client) tail() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines[max(0, len(c.lines)-12):], "\n")
}

// Oper makes the client a network operator.
func (c *Client) Oper(t testing.TB, s *Server) {
	t.Helper()
	c.Send("OPER " + s.OperName + " " + s.OperSecret)
	c.Expect(t, ` 381 `, 10*time.Second)
}

// Close ends the connection.
func (c *Client) Close() {
	c.Send("QUIT :bye")
	_ = c.conn.Close()
}

// Text is what a PRIVMSG or NOTICE line says.
func Text(line string) string {
	if strings.HasPrefix(line, "@") {
		_, line, _ = strings.Cut(line, " ")
	}
	_, text, _ := strings.Cut(line[1:], " :")
	return text
}

// register makes one account, with its certificate.
func (s *Server) register(account string) error {
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		cert := account
		if file, _ := s.CertFiles(account); !exists(file) {
			cert = "" // registered later on, without one
		}
		c, err := s.connect(s.Relaxed, account, cert)
		if err != nil {
			return err
		}
		last = c.enrol(account, cert != "")
		c.Close()
		if last == nil {
			return nil
		}
	}
	return fmt.Errorf("registering %s: %w", account, last)
}

func (c *Client) enrol(account string, cert bool) error {
	c.Send("NICK " + c.Nick)
	c.Send("USER " + c.Nick + " 0 * :" + c.Nick)
	if line, err := c.Wait(` (376|422|43.) `, 10*time.Second); err != nil || strings.Contains(line, " 43") {
		return errors.Join(err, errors.New(line))
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c.Privmsg("NickServ", "REGISTER "+Password(account)+" "+account+"@irc.test")
		line, err := c.Wait(`(?i)now registered|is registered to|already registered| 401 `, 10*time.Second)
		if err != nil {
			return err
		}
		if strings.Contains(line, " 401 ") { // services are not linked yet
			<-time.After(100 * time.Millisecond)
			continue
		}
		if cert && !strings.Contains(line, "already") {
			c.Privmsg("NickServ", "CERT ADD")
			if _, err := c.Wait(`(?i)added|already`, 10*time.Second); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("services did not come up")
}

// Crowd connects somebody without capabilities or account, as cheaply as can be.
// It may be called from many goroutines.
func (s *Server) Crowd(t testing.TB, addr, nick string) *Client {
	c, err := s.connect(addr, nick, "")
	if err == nil {
		c.Send("NICK " + nick)
		c.Send("USER " + nick + " 0 * :" + nick)
		_, err = c.Wait(` (376|422) `, 60*time.Second)
	}
	if err != nil {
		t.Errorf("client %s: %v", nick, err)
		return nil
	}
	t.Cleanup(c.Close)
	return c
}
