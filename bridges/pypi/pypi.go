// Package pypi asks a Python package index what is there of a release: which
// files, with which digests, yanked or not, and who is said to have published
// them. It reads, and nothing else: nothing is installed or downloaded from there,
// and the index has no interface to yank or to delete.
//
// The interfaces are https://docs.pypi.org/api/json/ and
// https://docs.pypi.org/api/integrity/.
package pypi

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"tocsin/bridges"
)

// DefaultBase is the index that is asked where the configuration names no other.
const DefaultBase = "https://pypi.org"

// Config says what to ask about, and where.
type Config struct {
	Base     string         // address of the index; "": DefaultBase
	Project  string         // as people write it, "Pillow"
	Agent    string         // User-Agent with a way to reach whoever runs this, which the index asks for; "": "tocsin"
	Timeout  time.Duration  // for one request and its answer; 0: 30 s
	Loopback bool           // for tests: http:// is taken when it leads to this machine
	Roots    *x509.CertPool // whom TLS trusts; nil: whom the system trusts
	Now      func() time.Time
}

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
	c.Base = strings.TrimRight(c.Base, "/")
	u, err := url.Parse(c.Base)
	const hint = "write for example https://pypi.example.org"
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("the index is not an address; " + hint)
	case u.Scheme == "http" && !(c.Loopback && bridges.Loopback(u.Hostname())):
		return errors.New("the index's address has no TLS; " + hint)
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the index's address does not begin with https://; " + hint)
	case !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`).MatchString(c.Project):
		return errors.New("the project is not the name of one")
	case strings.ContainsFunc(c.Agent, unicode.IsControl):
		return errors.New("the user agent holds a control character")
	}
	return nil
}

// Client asks about one project. It may be used by several goroutines.
type Client struct {
	c    Config
	name string // of the project, as the index writes it
	http *http.Client

	mu   sync.Mutex
	seen map[string]seen // by version
}

// seen is the last answer about a version, for as long as it is still right.
type seen struct {
	etag    string
	release Release
}

// New makes a client. It talks to nobody yet.
func New(c Config) (*Client, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("pypi: %w", err)
	}
	// https://packaging.python.org/en/latest/specifications/name-normalization/
	name := strings.ToLower(regexp.MustCompile(`[-_.]+`).ReplaceAllString(c.Project, "-"))
	return &Client{c: c, name: name, http: bridges.NewHTTP(c.Roots), seen: map[string]seen{}}, nil
}

// Errors that are answers.
var (
	ErrAbsent       = errors.New("it is not on the index")
	ErrNoProvenance = errors.New("the file has no provenance")
	ErrDisabled     = errors.New("the index gives no provenance at present")
)

// File is one file of a release.
type File struct {
	Name     string
	SHA256   string    // 64 small hexadecimal digits; "" when the index gave none
	Kind     string    // bdist_wheel, sdist
	Size     int64     // bytes
	Uploaded time.Time // UTC; zero when the index did not say
	Yanked   bool
	Reason   string // why it is yanked, cleaned
}

// Release is what is there of one version.
type Release struct {
	Version string
	Files   []File // in the order of upload where that is known
}

// Release asks which files of a version are there now. ErrAbsent: not one yet. An
// index is behind a cache: a fresh file can show some minutes late. Ask every 30
// seconds or less often; a version that has not changed costs the index nothing.
func (p *Client) Release(ctx context.Context, version string) (Release, error) {
	if !goodVersion(version) {
		return Release{}, errors.New("asking for a release: that is not a version")
	}
	p.mu.Lock()
	last := p.seen[version]
	p.mu.Unlock()
	a, err := p.get(ctx, "/pypi/"+p.name+"/"+url.PathEscape(version)+"/json", "application/json", last.etag)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound {
			err = ErrAbsent
		}
		return Release{}, fmt.Errorf("asking for a release: %w", err)
	}
	if a.status == http.StatusNotModified {
		r := last.release
		r.Files = append([]File(nil), r.Files...)
		return r, nil
	}
	r, ok := readRelease(a.body, version)
	if !ok {
		return Release{}, fmt.Errorf("asking for a release: %w", &Error{Status: a.status})
	}
	p.remember(version, seen{a.header.Get("ETag"), r})
	r.Files = append([]File(nil), r.Files...)
	return r, nil
}

// remember keeps a few versions: a release check is about one or two.
func (p *Client) remember(version string, s seen) {
	const most, longest = 16, 200
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, version)
	if s.etag == "" || len(s.etag) > longest {
		return
	}
	if len(p.seen) >= most {
		clear(p.seen)
	}
	p.seen[version] = s
}

// Provenance asks who published a file. ErrNoProvenance and ErrDisabled are answers.
func (p *Client) Provenance(ctx context.Context, version, file string) (Provenance, error) {
	if !goodVersion(version) || !goodName(file) {
		return Provenance{}, errors.New("asking who published a file: that is not a file of a release")
	}
	const kind = "application/vnd.pypi.integrity.v1+json"
	a, err := p.get(ctx, "/integrity/"+p.name+"/"+url.PathEscape(version)+"/"+url.PathEscape(file)+"/provenance", kind, "")
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			switch e.Status {
			case http.StatusNotFound:
				err = ErrNoProvenance
			case http.StatusForbidden:
				err = ErrDisabled
			}
		}
		return Provenance{}, fmt.Errorf("asking who published a file: %w", err)
	}
	v, ok := readProvenance(a.body)
	if !ok {
		return Provenance{}, fmt.Errorf("asking who published a file: %w", &Error{Status: a.status})
	}
	return v, nil
}

// Evidence asks for the provenance of every file that known does not have yet, one
// after the other, and gives known and new together. Where it fails it gives what
// it has so far, so that the next call goes on from there. That a file has none is
// asked again every time: it can be a cache that is late.
func (p *Client) Evidence(ctx context.Context, r Release, known map[string]Evidence) (map[string]Evidence, error) {
	out := map[string]Evidence{}
	for _, f := range r.Files {
		if e, ok := known[f.Name]; ok && e.State == Given {
			out[f.Name] = e
		}
	}
	for _, f := range r.Files {
		if _, ok := out[f.Name]; ok {
			continue
		}
		v, err := p.Provenance(ctx, r.Version, f.Name)
		switch {
		case err == nil:
			out[f.Name] = Evidence{State: Given, Provenance: v}
		case errors.Is(err, ErrNoProvenance):
			out[f.Name] = Evidence{State: None}
		default:
			return out, err
		}
	}
	return out, nil
}

// goodVersion reports whether a text can be a version in an address.
// https://packaging.python.org/en/latest/specifications/version-specifiers/
func goodVersion(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+!_-]{0,63}$`).MatchString(s) && !strings.Contains(s, "..")
}

// goodName reports whether a text can be the name of a file on an index.
func goodName(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+!_-]{0,254}$`).MatchString(s) && !strings.Contains(s, "..")
}
