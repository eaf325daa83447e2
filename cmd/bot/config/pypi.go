package config

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/pypi"
	"tocsin/incidents"
)

// PyPI is the package index that is asked what is there of a release.
type PyPI struct {
	Base      string // https://host, perhaps with a path; http://host on this machine only
	Project   string
	Expect    int            // files of a version that is complete
	ExpectFor map[string]int // the same, by version in its normal form
	Like      string         // a complete version to compare with, or ""
	Every     time.Duration
	NoSource  bool
	Publisher Publisher
}

// Publisher is who publishes; what is "" is not asked for.
type Publisher struct{ Repository, Workflow, Environment string }

// pypi checks the table, when it is there.
func (c *checker) pypi(t pypiTable) *PyPI {
	if !c.has("pypi") || c.bad["pypi"] {
		return nil
	}
	out := &PyPI{
		Base: strings.TrimRight(t.Base, "/"), Project: t.Project, Expect: t.Expect, NoSource: t.NoSource,
		Publisher: Publisher(t.Publisher), ExpectFor: map[string]int{},
	}
	c.address("pypi.base", t.Base, "an index", "say what is there", "https://pypi.org")
	if c.required("pypi.project", t.Project, `write for example project = "pillow"`) &&
		!regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`).MatchString(t.Project) {
		c.add("pypi.project", "%s is not the name of a project there", quote(t.Project))
	}
	switch {
	case !c.has("pypi.expect"):
		c.add("pypi.expect", "is missing; write for example expect = 87")
	case t.Expect < 1 || t.Expect > pypi.MostFiles:
		c.add("pypi.expect", "%d is no number of files; write one from 1 to %d", t.Expect, pypi.MostFiles)
	}
	for i, text := range t.ExpectFor {
		c.expectFor(item("pypi.expect_for", i), text, out.ExpectFor)
	}
	if t.Like != "" {
		out.Like = c.version("pypi.like", t.Like)
	}
	out.Every = c.every("pypi.every", t.Every, leastPyPI, "2m")
	c.publisher("pypi.publisher", t.Publisher)
	return out
}

// address checks one that has a default. What it is of, what others could do where it
// is not encrypted, and an example are for the one who reads of it. What may be a
// password in it is not repeated.
func (c *checker) address(path, address, of, others, example string) {
	hint := "write it like " + example + ", or leave the line out"
	u, err := url.Parse(address)
	switch {
	case c.bad[path]:
	case strings.Contains(address, "@"):
		c.add(path, "an account or a password cannot stand in the address; %s", hint)
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(address, "?#") || !goodServer(strings.ToLower(u.Host)):
		c.add(path, "%s is not %s's address; %s", quote(address), of, hint)
	case u.Scheme == "http" && !bridges.Loopback(u.Hostname()):
		c.add(path, "%s is not encrypted, so others could %s; write https://, since http:// is for this machine only", quote(address), others)
	case u.Scheme != "https" && u.Scheme != "http":
		c.add(path, "%s is not %s's address; %s", quote(address), of, hint)
	}
}

func (c *checker) version(path, text string) string {
	v, err := incidents.ReadVersion(text)
	if err != nil {
		c.add(path, "%s is not a version; write it like 12.3.0", quote(text))
	}
	return v
}

func (c *checker) expectFor(path, text string, into map[string]int) {
	version, number, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	v, wrong := incidents.ReadVersion(version)
	switch _, twice := into[v]; {
	case err != nil || wrong != nil || n < 1 || n > pypi.MostFiles:
		c.add(path, `%s is not a version and its number of files; write version:files, such as "13.0.0:78"`, quote(text))
	case twice:
		c.add(path, "%s is named twice; keep one of the two", v)
	default:
		into[v] = n
	}
}

// leastPyPI is how often to ask at most: an index wants no more than a question each
// 30 s.
const leastPyPI = 30 * time.Second

// every reads how often to ask, from least to an hour.
func (c *checker) every(path, text string, least time.Duration, example string) time.Duration {
	span, err := time.ParseDuration(text)
	if err != nil || span < least || span > time.Hour {
		c.add(path, "%s is not a span from %s to 1h; write for example %s", quote(text), least, example)
	}
	return span
}

// publisher checks what the provenance is held against: a name that cannot be one
// would make every release an alarm.
func (c *checker) publisher(path string, t publisherTable) {
	for _, part := range []struct{ key, value, form, example string }{
		{"repository", t.Repository, `^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`, "python-pillow/Pillow"},
		{"workflow", t.Workflow, `^[A-Za-z0-9._-]+\.ya?ml$`, "wheels.yml"},
		{"environment", t.Environment, `^[^\x00-\x1f]{1,200}$`, "release-pypi"},
	} {
		at := path + "." + part.key
		if c.has(at) && !regexp.MustCompile(part.form).MatchString(part.value) {
			c.add(at, "%s cannot be that; write for example %s = %q", quote(part.value), part.key, part.example)
		}
	}
	if c.has(path) && !c.bad[path] && t.Repository == "" && !c.has(path+".repository") {
		c.add(path, `names no repository; write for example repository = "python-pillow/Pillow", or leave the table out`)
	}
}
