// Package github talks to one repository's security advisories on GitHub: it reads
// them, changes them, asks for a CVE and for a private fork, and reads the alerts
// beside them. It knows no incidents and decides nothing: what may be written, and
// that two people wanted it, is settled before.
//
// What it reads is under embargo. Its types print as "[sealed]" whatever the verb,
// and an error holds nothing of an answer in its text.
//
// The API is https://docs.github.com/rest/security-advisories/repository-advisories
// and the pages beside it.
package github

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"tocsin/bridges"
)

// DefaultBase is where GitHub's API is.
const DefaultBase = "https://api.github.com"

// APIVersion is the one that we were written for; GitHub is told so each time.
const APIVersion = "2022-11-28"

// Config says which repository, and how to get at it.
type Config struct {
	Base       string // of the API; "": DefaultBase
	Repository string // "python-pillow/Pillow"
	Reader     string // a token that reads advisories; secret: neither printed nor part of an error
	Writer     string // a token that writes them; "": this client writes nothing
	Agent      string // User-Agent; "": "tocsin"
	Timeout    time.Duration
	Loopback   bool           // for tests: http:// is taken when it leads to this machine
	Roots      *x509.CertPool // whom TLS trusts; nil: whom the system trusts
	Now        func() time.Time
	Wait       func(ctx context.Context, d time.Duration) error // nil: as long as it says
}

// Format prints no token, with any verb.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, "github "+c.Repository) }

// LogValue gives no token to package slog.
func (c Config) LogValue() slog.Value { return slog.StringValue("github " + c.Repository) }

func (c *Config) complete() error {
	if c.Base == "" {
		c.Base = DefaultBase
	}
	if c.Agent == "" {
		c.Agent = "tocsin"
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	u, err := url.Parse(c.Base)
	const hint = "write for example https://api.github.com"
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("the base is not an address; " + hint)
	case u.Scheme == "http" && !(c.Loopback && bridges.Loopback(u.Hostname())):
		return errors.New("the base has no TLS; " + hint)
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the base does not begin with https://; " + hint)
	case !IsRepository(c.Repository):
		return errors.New("the repository is not an owner and a name; write for example python-pillow/Pillow")
	case c.Reader == "":
		return errors.New("the token that reads is missing")
	case !IsToken(c.Reader) || !IsToken(c.Writer):
		return errors.New("a token holds a blank or what no header can carry")
	case strings.ContainsFunc(c.Agent, unicode.IsControl):
		return errors.New("the user agent holds a control character")
	}
	return nil
}

// IsRepository reports whether a text is an owner and a name, such as
// "python-pillow/Pillow".
func IsRepository(text string) bool {
	_, name, _ := strings.Cut(text, "/")
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`).MatchString(text) && name != "." && name != ".."
}

// IsToken reports whether a header can carry a token; "" is none, and it can.
func IsToken(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Client talks about one repository. It may be used by several goroutines; their
// requests go out one after the other, as GitHub asks for. Both tokens share one
// limit, as they do at GitHub when they are one person's.
type Client struct {
	c    Config
	base *url.URL
	repo string // path of the repository, from base
	http *http.Client

	queue   chan struct{} // holds one while somebody asks
	wrote   time.Time     // of whoever holds the queue: when it wrote last
	strikes int           // the same: answers in a row that said to wait and not how long

	mu    sync.Mutex
	until time.Time // no request before this
	rate  Rate
	skew  time.Duration
	dated bool // skew is known
}

// New makes a client. It talks to nobody yet.
func New(c Config) (*Client, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("github: %w", err)
	}
	base, err := url.Parse(strings.TrimRight(c.Base, "/") + "/")
	if err != nil {
		return nil, errors.New("github: the base is not an address")
	}
	return &Client{c: c, base: base, repo: "repos/" + c.Repository, http: newHTTP(c), queue: make(chan struct{}, 1)}, nil
}

// Writes reports whether there is a token that writes.
func (c *Client) Writes() bool { return c.c.Writer != "" }

// sealed is part of what holds text under embargo: it makes every way to print,
// log or encode it give "[sealed]".
type sealed struct{}

const hidden = "[sealed]"

// Format makes every verb of package fmt print "[sealed]".
func (sealed) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalJSON gives "[sealed]" to package json.
func (sealed) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
