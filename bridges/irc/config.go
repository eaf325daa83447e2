package irc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lrstanley/girc"
)

// How a connection can end, apart from the plain ways.
var (
	errCertificate = errors.New("the server's certificate is not trusted")
	errLogin       = errors.New("our login was refused")
	errServices    = errors.New("the network offers no login that we can use")
	errBanned      = errors.New("the server has banned us")
)

// complete fills in what was left out and says what is wrong.
func (c *Config) complete() error {
	if c.User == "" {
		c.User = c.Nick
	}
	if c.RealName == "" {
		c.RealName = c.Nick
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Tuning.complete()
	host, port, err := net.SplitHostPort(c.Server)
	debug, _ := strconv.ParseBool(os.Getenv("GIRC_DEBUG"))
	switch {
	case debug:
		return errors.New("GIRC_DEBUG is set: it would write what people say to the log; unset it")
	case c.Name == "":
		return errors.New("the network has no name")
	case err != nil || host == "" || port == "":
		return fmt.Errorf("server %q is not host:port", c.Server)
	case !girc.IsValidNick(c.Nick):
		return fmt.Errorf("nick %q is not a nick", c.Nick)
	case !girc.IsValidUser(c.User):
		return fmt.Errorf("user %q is not a user name", c.User)
	case clean(c.RealName) != c.RealName || len(c.RealName) > 200:
		return errors.New("the real name has control characters or is too long")
	case !plainTarget(c.Account):
		return errors.New("account is needed: without one of our own nothing can be proven")
	}
	switch c.Profile {
	case "", "inspircd", "solanum", "ergo", "unreal":
	default:
		return fmt.Errorf("profile %q is none of inspircd, solanum, ergo, unreal", c.Profile)
	}
	return errors.Join(c.login(), c.rooms())
}

// login checks what SASL needs.
func (c *Config) login() error {
	switch c.SASL {
	case "plain":
		if c.Password == "" {
			return errors.New("sasl plain needs a password")
		}
		if strings.ContainsRune(c.Password, 0) || !utf8.ValidString(c.Password) || len(c.Password) > 4096 {
			return errors.New("the password is not text, or longer than 4096 bytes")
		}
	case "external":
		if c.CertFile == "" || c.KeyFile == "" {
			return errors.New("sasl external needs a certificate and its key")
		}
	default:
		return fmt.Errorf("sasl %q is neither plain nor external", c.SASL)
	}
	return nil
}

// rooms checks the channels.
func (c *Config) rooms() error {
	seen := map[string]bool{}
	for _, ch := range c.Channels {
		if !channelName(ch.Name) || clean(ch.Name) != ch.Name || len(ch.Name) > 64 {
			return fmt.Errorf("channel %q is not a channel's name", ch.Name)
		}
		if ch.Key != "" && (!plainTarget(ch.Key) || clean(ch.Key) != ch.Key || len(ch.Key) > 64) {
			return fmt.Errorf("the key of %s cannot be sent", ch.Name)
		}
		if seen[rfc1459.fold(ch.Name)] {
			return fmt.Errorf("channel %s is there twice", ch.Name)
		}
		seen[rfc1459.fold(ch.Name)] = true
	}
	return nil
}

// channelName says whether s can be a channel.
func channelName(s string) bool {
	return len(s) > 1 && strings.ContainsRune("#&+", rune(s[0])) && plainTarget(s)
}

func (t *Tuning) complete() {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&t.BackoffBase, 2*time.Second)
	set(&t.BackoffMax, 5*time.Minute)
	set(&t.Steady, 10*time.Minute)
	set(&t.Refused, 30*time.Minute)
	set(&t.Handshake, 15*time.Second)
	set(&t.Register, time.Minute)
	set(&t.Idle, 30*time.Second)
	set(&t.Dead, 90*time.Second)
	set(&t.Echo, 30*time.Second)
	set(&t.NickRetry, time.Minute)
	set(&t.JoinBase, time.Minute)
	set(&t.JoinMax, 30*time.Minute)
	set(&t.Interval, time.Second)
	set(&t.Skew, time.Minute)
	set(&t.Fresh, 5*time.Second)
	if t.Burst == 0 {
		t.Burst = 8
	}
	if len(t.Kicked) == 0 {
		t.Kicked = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}
	}
}

// dialer makes the TLS connections. There is no way to skip the checks.
type dialer struct {
	server  string
	timeout time.Duration
	tls     *tls.Config
}

func newDialer(c Config) (dialer, error) {
	host, _, _ := net.SplitHostPort(c.Server)
	d := dialer{server: c.Server, timeout: c.Tuning.Handshake, tls: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return d, err
		}
		d.tls.RootCAs = x509.NewCertPool()
		if !d.tls.RootCAs.AppendCertsFromPEM(pem) {
			return d, fmt.Errorf("%s holds no certificate", c.CAFile)
		}
	}
	if c.SASL == "external" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return d, err
		}
		// Certificates would be held back from a server that names other
		// authorities, and a self-signed one is what most accounts are tied to.
		d.tls.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	return d, nil
}

// connect dials and shakes hands, each within the time given.
func (d dialer) connect(ctx context.Context) (net.Conn, error) {
	tcp, err := (&net.Dialer{Timeout: d.timeout}).DialContext(ctx, "tcp", d.server)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn := tls.Client(tcp, d.tls)
	if err := conn.HandshakeContext(within); err != nil {
		_ = tcp.Close()
		var cert *tls.CertificateVerificationError
		if errors.As(err, &cert) {
			return nil, fmt.Errorf("%w: %w", errCertificate, err)
		}
		return nil, fmt.Errorf("tls: %w", err)
	}
	return conn, nil
}

// chunks is a SASL answer cut as the protocol wants it: pieces of 400 bytes, and
// a "+" after the last when that is full.
func chunks(answer string) []string {
	var out []string
	for len(answer) >= 400 {
		out, answer = append(out, answer[:400]), answer[400:]
	}
	if answer == "" {
		answer = "+"
	}
	return append(out, answer)
}

// answer is what AUTHENTICATE is answered with.
func (c *Config) answer() []string {
	if c.SASL == "external" {
		return []string{"+"}
	}
	return chunks(base64.StdEncoding.EncodeToString([]byte(c.Account + "\x00" + c.Account + "\x00" + c.Password)))
}

// backoff doubles base up to limit and takes away up to a third at random, so that
// many clients of a server that comes back do not all come at once.
func backoff(base, limit time.Duration, failures int) time.Duration {
	d := limit
	if failures < 20 && base<<failures < limit {
		d = base << failures
	}
	return d - time.Duration(rand.Int64N(int64(d)/3+1))
}

// sleep waits, and says whether it was not ended by ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
