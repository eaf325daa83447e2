package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tocsin/bridges"
	"tocsin/bridges/github"
)

// GitHub is the repository whose advisories and alerts are watched.
type GitHub struct {
	Base      string // of the API: https://host, perhaps with a path; http://host on this machine only
	Owner     string // "python-pillow"
	Repo      string // "Pillow"
	Reader    Secret
	Writer    Secret        // or the zero Secret: what would be written is given to paste
	Every     time.Duration // from 10 s to an hour
	Alerts    string        // the lowest level of an alert that is shown: "low", "medium", "high" or "critical"; "": none is
	Publish   bool          // !advisory publish may publish
	Ecosystem string        // one of github.Ecosystems()
	Package   string
	Webhook   *Webhook // nil: GitHub is only asked
}

// Webhook is where GitHub says that there is something new.
type Webhook struct {
	Listen string // address:port
	Path   string // begins with /
	Secret Secret // 16 characters or more
}

// github checks the table, when it is there.
func (c *checker) github(t githubTable) *GitHub {
	if !c.has("github") || c.bad["github"] {
		return nil
	}
	at := func(key string) string { return "github." + key }
	out := &GitHub{Base: strings.TrimRight(t.Base, "/"), Alerts: t.Alerts, Publish: t.Publish, Ecosystem: t.Ecosystem, Package: t.Package}
	c.address(at("base"), t.Base, "an API", "read the tokens on the way", github.DefaultBase)
	const hint = `write for example repository = "python-pillow/Pillow"`
	if c.required(at("repository"), t.Repository, hint) && !github.IsRepository(t.Repository) {
		c.add(at("repository"), "%s is not an owner and a name; %s", quote(t.Repository), hint)
	}
	out.Owner, out.Repo, _ = strings.Cut(t.Repository, "/")
	out.Reader = c.token("token", t.TokenFile, t.TokenEnv, true)
	out.Writer = c.token("write_token", t.WriteTokenFile, t.WriteTokenEnv, false)
	if t.Publish && !c.has(at("write_token_file")) && !c.has(at("write_token_env")) && !c.bad[at("write_token_file")] && !c.bad[at("write_token_env")] {
		c.add(at("publish"), "needs a token that writes; name its file with write_token_file, or write publish = false")
	}
	out.Every = c.every(at("every"), t.Every, leastGitHub, "60s")
	if c.oneOf(at("alerts"), t.Alerts, append([]string{"off"}, github.Severities()...)...) && t.Alerts == "off" {
		out.Alerts = ""
	}
	c.oneOf(at("ecosystem"), t.Ecosystem, github.Ecosystems()...)
	switch {
	case !c.has(at("package")):
		out.Package = strings.ToLower(out.Repo)
	case c.bad[at("package")]:
	case len(t.Package) > 200 || t.Package == "" || strings.ContainsFunc(t.Package, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		c.add(at("package"), `%s is not the name of a package; write for example package = "pillow", or leave the line out`, quote(t.Package))
	}
	out.Webhook = c.webhook("github.webhook", t.Webhook)
	return out
}

// leastGitHub is how often to ask at most. An hour has 5,000 questions for a token,
// and each round asks several.
const leastGitHub = 10 * time.Second

// token reads one, and checks that a header can carry it.
func (c *checker) token(base, file, env string, needed bool) Secret {
	s, from := c.secret("github", base, file, env, needed)
	if !github.IsToken(s.Reveal()) {
		c.add(from, "the secret holds a blank or another character that no token of GitHub has; put only the token there")
	}
	return s
}

// webhook checks the table, when it is there.
func (c *checker) webhook(path string, t webhookTable) *Webhook {
	if !c.has(path) || c.bad[path] {
		return nil
	}
	at := func(key string) string { return path + "." + key }
	c.listen(at("listen"), t.Listen, t.Public || c.bad[at("public")])
	if !regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`).MatchString(t.Path) || len(t.Path) > 200 {
		c.add(at("path"), "%s is not the path of an address; write for example /github", quote(t.Path))
	}
	s, from := c.secret(path, "secret", t.SecretFile, t.SecretEnv, true)
	if n := len(s.Reveal()); n > 0 && n < github.ShortestHookSecret {
		c.add(from, "the secret is so short that it could be guessed; use %d characters or more, such as those of: openssl rand -hex 32", github.ShortestHookSecret)
	}
	return &Webhook{Listen: t.Listen, Path: t.Path, Secret: s}
}

// listen checks an address of this machine to listen on. One that others reach has to
// be wanted in so many words.
func (c *checker) listen(path, address string, public bool) {
	const hint = "write address:port, such as 127.0.0.1:8795"
	host, port, err := net.SplitHostPort(address)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	isAddress := host == "" || host == "localhost" || net.ParseIP(host) != nil
	switch {
	case c.bad[path]:
	case err != nil || notNumber != nil || number == 0 || !isAddress:
		c.add(path, "%s is not an address and a port; %s", quote(address), hint)
	case !bridges.Loopback(host) && !public:
		c.add(path, "%s can be reached from other machines; write 127.0.0.1:%d and let a proxy do TLS, or public = true if it has to be so", quote(address), number)
	}
}
