package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// How a connection becomes a TLS one.
const (
	StartTLS    = "starttls" // it begins in the clear and is upgraded (RFC 3207), usually on port 587
	ImplicitTLS = "tls"      // it is TLS from the first byte (RFC 8314), usually on port 465
)

// Config is a mail server that takes our mail. There is no way to use one without
// TLS, or to skip the check of its certificate.
type Config struct {
	Server   string // host:port; the certificate has to be the host's
	Security string // StartTLS or ImplicitTLS
	CAFile   string // certificates to trust instead of the system's, or ""
	User     string // "": no login
	Password string
	Hello    string // our own name for EHLO; "": the address of our end of the connection

	// Zero is what RFC 5321 section 4.5.3.2 asks for. A server that is given up on
	// too early after the last byte may have taken the mail all the same.
	Dial    time.Duration // to connect, and for the TLS handshake; 30 s
	Command time.Duration // for each command and each piece of the mail; 5 min
	Accept  time.Duration // from the end of the mail to the server's answer; 10 min
}

// Sender gives mail to one server, each on a connection of its own. It can be used
// from several goroutines.
type Sender struct {
	config Config
	host   string
	tls    *tls.Config
}

// NewSender checks the configuration. It connects to nothing.
func NewSender(c Config) (*Sender, error) {
	host, port, err := net.SplitHostPort(c.Server)
	switch {
	case err != nil || host == "" || port == "":
		return nil, errors.New("the mail server is not host:port")
	case c.Security != StartTLS && c.Security != ImplicitTLS:
		return nil, fmt.Errorf("the mail server's security is neither %s nor %s", StartTLS, ImplicitTLS)
	case (c.User == "") != (c.Password == ""):
		return nil, errors.New("the mail server's login needs both user and password")
	case !loginText(c.User) || !loginText(c.Password):
		return nil, errors.New("the mail server's user or password is not text, or longer than 255 bytes")
	case c.Hello != "" && !isHostname(c.Hello):
		return nil, errors.New("our name for the mail server is not the name of a host")
	}
	set := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	set(&c.Dial, 30*time.Second)
	set(&c.Command, 5*time.Minute)
	set(&c.Accept, 10*time.Minute)
	s := &Sender{config: c, host: host, tls: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		s.tls.RootCAs = x509.NewCertPool()
		if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", c.CAFile)
		}
	}
	return s, nil
}

// loginText is what fits into the one line of AUTH PLAIN (RFC 4616 section 2).
func loginText(s string) bool {
	return len(s) <= 255 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Send gives a mail to the server for everybody in to, or for nobody: one refused
// recipient ends it before the mail is sent. It returns what the server said when
// it took the mail, in which most name the mail in their queue.
//
// An error is a *Failure. It wraps bridges.ErrNotSent when the mail was surely not
// taken and may be later, bridges.ErrRefused when the server will not take it as
// it is, and neither when the connection was lost between the last byte of the
// mail and the server's answer. SMTP has no way to ask what became of such a mail
// (RFC 5321 section 4.5.3.2.6 and RFC 1047): the outcome stays unknown, nothing
// may try again by itself, and a person has to find out, from the mail server's
// log or from the recipient. The same Message-ID then makes a repeat recognisable.
//
// That a server took a mail does not mean that it arrived: what comes back later
// goes to the envelope's from.
func (s *Sender) Send(ctx context.Context, from string, to []string, data []byte) (string, error) {
	if err := checkEnvelope(from, to); err != nil {
		return "", refusal("envelope", err)
	}
	if err := checkWire(data); err != nil {
		return "", refusal("content", err)
	}
	c, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	defer c.close()
	if err := c.envelope(from, to, len(data)); err != nil {
		c.quit()
		return "", err
	}
	if err := c.content(data); err != nil {
		return "", err
	}
	said, err := c.end()
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Code != 0 { // it still answers
		c.quit()
	}
	return said, err
}

// Probe connects, with TLS and logged in where that is configured, and takes leave. An
// error is a *Failure.
func (s *Sender) Probe(ctx context.Context) error {
	c, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	c.quit()
	return nil
}

func checkEnvelope(from string, to []string) error {
	if _, err := parseBare(from); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if len(to) == 0 || len(to) > maxRecipients {
		return fmt.Errorf("there have to be 1 to %d recipients", maxRecipients)
	}
	for i, a := range to {
		if _, err := parseBare(a); err != nil {
			return fmt.Errorf("recipient %d: %w", i+1, err)
		}
	}
	return nil
}

// checkWire holds what is sent to what every server takes without extensions (RFC
// 5321 sections 2.3.7, 2.3.8 and 4.5.3.1.6): a bare CR or LF is how mail is
// smuggled, and 8 bits need a server that says it takes them.
func checkWire(data []byte) error {
	if !bytes.HasSuffix(data, []byte("\r\n")) || !bytes.Contains(data, []byte("\r\n\r\n")) {
		return errors.New("it is not a whole mail")
	}
	for line := range bytes.SplitSeq(data, []byte("\r\n")) {
		if len(line) > maxLine {
			return fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
		if bytes.ContainsFunc(line, func(r rune) bool { return r == '\r' || r == '\n' || r == 0 || r > '\x7f' }) {
			return errors.New("it has a bare line break or is not 7 bit")
		}
	}
	return nil
}
