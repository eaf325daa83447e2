package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/bridges"
)

// session is one connection to the server. The standard library's client greets,
// upgrades and logs in; the envelope and the mail are ours, since the library
// asks for extensions that we do not need, and does not tell a mail that broke off
// from one whose answer was lost.
type session struct {
	ctx    context.Context
	config Config
	raw    net.Conn // below TLS: its deadlines count for both
	stop   func() bool
	client *smtp.Client
	data   interface {
		Write([]byte) (int, error)
		Close() error
	}
}

// open connects, with TLS and logged in. An error is a *Failure.
func (s *Sender) open(ctx context.Context) (*session, error) {
	raw, err := (&net.Dialer{Timeout: s.config.Dial}).DialContext(ctx, "tcp", s.config.Server)
	if err != nil {
		return nil, early(ctx, "connecting", err)
	}
	// Whatever waits on the connection ends with the context.
	c := &session{ctx: ctx, config: s.config, raw: &bounded{Conn: raw, left: maxAnswers}}
	c.stop = context.AfterFunc(ctx, func() { _ = raw.Close() })
	if err := c.greet(s); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *session) greet(s *Sender) error {
	conn := c.raw
	if s.config.Security == ImplicitTLS {
		t := tls.Client(c.raw, s.tls)
		if err := c.within(s.config.Dial, t.Handshake); err != nil {
			return early(c.ctx, "TLS", err)
		}
		conn = t
	}
	err := c.within(s.config.Command, func() (err error) {
		c.client, err = smtp.NewClient(conn, s.host)
		return err
	})
	if err != nil {
		return early(c.ctx, "greeting", err)
	}
	hello := s.config.Hello
	if hello == "" {
		hello = literal(c.raw.LocalAddr())
	}
	if err := c.within(s.config.Command, func() error { return c.client.Hello(hello) }); err != nil {
		return early(c.ctx, "EHLO", err)
	}
	if s.config.Security == StartTLS {
		if err := c.upgrade(s); err != nil {
			return err
		}
	}
	return c.login(s)
}

// upgrade turns the connection into TLS, or ends it: somebody in between may have
// taken the offer out (RFC 3207 section 6).
func (c *session) upgrade(s *Sender) error {
	if ok, _ := c.client.Extension("STARTTLS"); !ok {
		return notSent("STARTTLS", errors.New("it offers no TLS, so nothing was sent"))
	}
	// It reads nothing on that was sent before the handshake.
	if err := c.within(s.config.Dial, func() error { return c.client.StartTLS(s.tls) }); err != nil {
		return early(c.ctx, "STARTTLS", err)
	}
	return nil
}

// login says who we are, by PLAIN alone: everything is TLS by now, and more would
// only be another way to be led astray.
func (c *session) login(s *Sender) error {
	if s.config.User == "" {
		return nil
	}
	_, mechanisms := c.client.Extension("AUTH")
	if !slices.Contains(strings.Fields(strings.ToUpper(mechanisms)), "PLAIN") {
		return notSent("login", errors.New("it offers no login by PLAIN"))
	}
	plain := smtp.PlainAuth("", s.config.User, s.config.Password, s.host)
	if err := c.within(s.config.Command, func() error { return c.client.Auth(plain) }); err != nil {
		return early(c.ctx, "login", err)
	}
	return nil
}

// envelope names the sender and all recipients (RFC 5321 section 3.3), and asks to
// send the mail. Every recipient is asked about, so that all that are wrong are
// told at once.
func (c *session) envelope(from string, to []string, size int) error {
	extra := ""
	if ok, most := c.client.Extension("SIZE"); ok { // RFC 1870
		if n, err := strconv.Atoi(most); err == nil && n > 0 && size > n {
			return refusal("size", fmt.Errorf("the mail has %d bytes, and it takes %d", size, n))
		}
		extra = " SIZE=" + strconv.Itoa(size)
	}
	if err := c.command(250, "MAIL FROM:<%s>%s", from, extra); err != nil {
		return failure(c.ctx, "sender", err)
	}
	var worst *Failure
	var refused []string
	for _, a := range to {
		err := c.command(25, "RCPT TO:<%s>", a)
		if err == nil {
			continue
		}
		f := failure(c.ctx, "recipients", err)
		if f.Code == 0 || f.Code == 421 { // the connection is gone
			return f
		}
		refused = append(refused, a)
		if worst == nil || f.Code > worst.Code {
			worst = f
		}
	}
	if worst != nil {
		worst.Refused = refused
		return worst
	}
	if err := c.command(354, "DATA"); err != nil {
		return failure(c.ctx, "DATA", err)
	}
	return nil
}

// content sends the mail but for its end, without which no server may deliver it
// (RFC 5321 section 4.1.1.4): what fails here was not sent.
func (c *session) content(data []byte) error {
	const piece = 16 << 10
	c.data = c.client.Text.DotWriter()
	for chunk := range slices.Chunk(data, piece) {
		err := c.within(c.config.Command, func() error {
			_, err := c.data.Write(chunk)
			return err
		})
		if err != nil {
			return failure(c.ctx, "content", err)
		}
	}
	// What is still in our own buffer must not go out together with the end.
	if err := c.within(c.config.Command, c.client.Text.W.Flush); err != nil {
		return failure(c.ctx, "content", err)
	}
	if err := c.ctx.Err(); err != nil { // the last moment to turn back
		return notSent("content", err)
	}
	return nil
}

// end sends the end of the mail and waits for the answer. Only an answer tells the
// outcome; without one it is unknown.
func (c *session) end() (string, error) {
	var text string
	err := c.within(c.config.Accept, func() error {
		if err := c.data.Close(); err != nil {
			return err
		}
		var err error
		_, text, err = c.client.Text.ReadResponse(2)
		return err
	})
	if err == nil {
		return bridges.Clean(text, maxSaid), nil
	}
	f := failure(c.ctx, "acceptance", err)
	if f.Code < 400 || f.Code > 599 {
		f.Code, f.kind = 0, nil
		if f.cause == nil {
			f.cause = errors.New("its answer is not SMTP")
		}
	}
	return "", f
}

// command sends one command and wants an answer that begins with these digits.
func (c *session) command(want int, format string, args ...any) error {
	return c.within(c.config.Command, func() error {
		if err := c.client.Text.PrintfLine(format, args...); err != nil {
			return err
		}
		_, _, err := c.client.Text.ReadResponse(want)
		return err
	})
}

// within lets a step take that long, however slowly its bytes come.
func (c *session) within(d time.Duration, step func() error) error {
	if err := c.raw.SetDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	return step()
}

// quit takes leave. What comes of it changes nothing, so it is not waited for long.
func (c *session) quit() {
	const patience = 3 * time.Second
	_ = c.within(min(c.config.Command, patience), func() error { return c.client.Quit() })
}

func (c *session) close() {
	c.stop()
	_ = c.raw.Close()
}

// literal is an address as a name for EHLO (RFC 5321 sections 4.1.3 and 4.1.4).
func literal(a net.Addr) string {
	host, _, _ := net.SplitHostPort(a.String())
	host, _, _ = strings.Cut(host, "%")
	if strings.Contains(host, ":") {
		host = "IPv6:" + host
	}
	return "[" + host + "]"
}

// maxAnswers is far more than a whole conversation of a server's has.
const maxAnswers = 1 << 20

// bounded is a connection that ends when the server talks without end.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("it talks without end")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
