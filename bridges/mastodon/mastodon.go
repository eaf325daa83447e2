// Package mastodon posts to one account on a Mastodon instance, and finds out
// whether a post of unknown outcome is there. It knows no incidents and holds
// nothing back: what may be posted, and that two people wanted it, is settled
// before.
//
// A post is never scheduled on the server: text under embargo would lie on
// somebody else's machine before its time.
//
// The API is https://docs.joinmastodon.org/methods/statuses/#create and the pages
// beside it. The token needs write:statuses to post, read:statuses to look, and
// profile or read:accounts to say whose it is.
package mastodon

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"tocsin/bridges"
)

// Config says where an account is and how to get at it.
type Config struct {
	Name     string         // what the configuration calls it
	Instance string         // base address, "https://fosstodon.org"
	Token    string         // of the account; secret: neither printed nor part of an error
	Agent    string         // User-Agent; "": "tocsin"
	Timeout  time.Duration  // for one request and its answer; 0: 30 s
	Loopback bool           // for tests: http:// is taken when it leads to this machine
	Roots    *x509.CertPool // whom TLS trusts; nil: whom the system trusts
	Now      func() time.Time
}

// Format prints no token, with any verb.
func (c Config) Format(f fmt.State, verb rune) { bridges.Print(f, verb, "mastodon "+c.Name) }

// LogValue gives no token to package slog.
func (c Config) LogValue() slog.Value { return slog.StringValue("mastodon " + c.Name) }

// Format prints no token, with any verb.
func (m *Client) Format(f fmt.State, verb rune) { m.c.Format(f, verb) }

// LogValue gives no token to package slog.
func (m *Client) LogValue() slog.Value { return m.c.LogValue() }

// complete fills in what was left out and says what is wrong. What may be a
// password in an address is not repeated.
func (c *Config) complete() error {
	if c.Agent == "" {
		c.Agent = "tocsin"
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Instance = strings.TrimRight(c.Instance, "/")
	u, err := url.Parse(c.Instance)
	const hint = "write for example https://mastodon.example.org"
	switch {
	case c.Name == "":
		return errors.New("the account has no name")
	case err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("the instance is not an address; " + hint)
	case u.Scheme == "http" && !(c.Loopback && bridges.Loopback(u.Hostname())):
		return errors.New("the instance's address has no TLS; " + hint)
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the instance's address does not begin with https://; " + hint)
	case c.Token == "":
		return errors.New("the token is missing")
	case strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token holds a blank or what no header can carry")
	case strings.ContainsFunc(c.Agent, unicode.IsControl):
		return errors.New("the user agent holds a control character")
	}
	return nil
}

// Client speaks for one account. It may be used by several goroutines, and keeps
// no connection open between requests.
type Client struct {
	c    Config
	http *http.Client

	mu   sync.Mutex
	mine string // the account's id, once it is known
}

// New makes a client. It talks to nobody yet.
func New(c Config) (*Client, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("%s: %w", bridges.Clean(c.Name, 40), err)
	}
	return &Client{c: c, http: bridges.NewHTTP(c.Roots)}, nil
}

// Account is who would post.
type Account struct {
	ID   string // the instance's own
	Acct string // "pillow", without the instance for an account of its own
	Name string // display name, cleaned; anybody may have the same
	URL  string // of the profile, "" when it is not a web address
}

// Handle is how the whole world writes the account, "@pillow@fosstodon.org". The
// domain is Instance's, which can be another one than the API's.
func (a Account) Handle(domain string) string {
	if domain == "" || strings.Contains(a.Acct, "@") {
		return "@" + a.Acct
	}
	return "@" + a.Acct + "@" + domain
}

// Account asks whose token it is.
// https://docs.joinmastodon.org/methods/accounts/#verify_credentials
func (m *Client) Account(ctx context.Context) (Account, error) {
	a, err := m.ask(ctx, request{method: http.MethodGet, path: "/api/v1/accounts/verify_credentials"})
	if err != nil {
		return Account{}, fmt.Errorf("reading the account: %w", err)
	}
	var w struct {
		ID   loose `json:"id"`
		Acct loose `json:"acct"`
		Name loose `json:"display_name"`
		URL  loose `json:"url"`
	}
	if !bridges.Decode(a.body, &w) || !goodID(string(w.ID)) || w.Acct == "" {
		return Account{}, fmt.Errorf("reading the account: %w", strange(a.status))
	}
	m.mu.Lock()
	m.mine = string(w.ID)
	m.mu.Unlock()
	return Account{ID: string(w.ID), Acct: bridges.Clean(string(w.Acct), 200), Name: bridges.Clean(string(w.Name), 100), URL: bridges.WebAddress(string(w.URL))}, nil
}

// me is the account's id, asked for once: a token never changes its account.
func (m *Client) me(ctx context.Context) (string, error) {
	m.mu.Lock()
	id := m.mine
	m.mu.Unlock()
	if id != "" {
		return id, nil
	}
	a, err := m.Account(ctx)
	return a.ID, err
}

// What an instance allows that says nothing else, and what no instance allows.
// https://docs.joinmastodon.org/user/posting/#text
const (
	defaultCharacters = 500
	defaultPerURL     = 23
	mostCharacters    = 1_000_000
)

// Instance is what an instance says of itself.
type Instance struct {
	Domain        string // for handles
	Version       string // of its software
	MaxCharacters int    // grapheme clusters of a post and its warning together
	PerURL        int    // what every link counts, however long it is
}

// Instance asks what the instance allows: by the second version of the question,
// or by the first where the second is unknown (before Mastodon 4.0).
// https://docs.joinmastodon.org/methods/instance/#v2
func (m *Client) Instance(ctx context.Context) (Instance, error) {
	var odd *Error
	a, err := m.ask(ctx, request{method: http.MethodGet, path: "/api/v2/instance"})
	in, ok := readInstance(a.body)
	if err == nil && ok {
		return in, nil
	}
	if errors.As(err, &odd) && odd.Kind != Missing && odd.Kind != Strange {
		return Instance{}, fmt.Errorf("reading what the instance allows: %w", err)
	}
	a, err = m.ask(ctx, request{method: http.MethodGet, path: "/api/v1/instance"})
	if err != nil {
		return Instance{}, fmt.Errorf("reading what the instance allows: %w", err)
	}
	if in, ok = readInstance(a.body); !ok {
		return Instance{}, fmt.Errorf("reading what the instance allows: %w", strange(a.status))
	}
	return in, nil
}

// readInstance reads both versions: the second has a domain where the first has a
// uri. Some forks have had max_toot_chars only.
func readInstance(body []byte) (Instance, bool) {
	var w struct {
		Domain  loose  `json:"domain"`
		URI     loose  `json:"uri"`
		Version loose  `json:"version"`
		Toot    number `json:"max_toot_chars"`
		Conf    struct {
			Statuses struct {
				Most   number `json:"max_characters"`
				PerURL number `json:"characters_reserved_per_url"`
			} `json:"statuses"`
		} `json:"configuration"`
	}
	if !bridges.Decode(body, &w) || w.Domain == "" && w.URI == "" && w.Version == "" {
		return Instance{}, false
	}
	in := Instance{MaxCharacters: defaultCharacters, PerURL: defaultPerURL, Version: bridges.Clean(string(w.Version), 60)}
	for _, n := range []number{w.Conf.Statuses.Most, w.Toot} {
		if n > 0 && n <= mostCharacters {
			in.MaxCharacters = int(n)
			break
		}
	}
	if n := w.Conf.Statuses.PerURL; n > 0 && n <= mostCharacters {
		in.PerURL = int(n)
	}
	domain := string(w.Domain)
	if domain == "" { // some write an address there
		domain = strings.TrimPrefix(string(w.URI), "https://")
	}
	if len(domain) <= 253 && !strings.ContainsFunc(domain, func(r rune) bool { return !domainRune(r) }) {
		in.Domain = domain
	}
	return in, true
}

func domainRune(r rune) bool {
	return r == '.' || r == '-' || r == ':' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
