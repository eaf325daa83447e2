package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// githubRows are about the repository on GitHub. It begins on line 19.
func githubRows() []row {
	const (
		whole = "[github]\nrepository = \"python-pillow/Pillow\"\ntoken_env = \"GOOD\"\n"
		hook  = whole + "[github.webhook]\nsecret_env = \"GOOD\"\n"
	)
	add := func(name, lines, want string) row { return one("github: "+name, "", whole+lines, want) }
	hooked := func(name, lines, want string) row { return one("webhook: "+name, "", hook+lines, want) }
	return []row{
		{"github: nothing", "", "[github]\n", []string{
			`config.toml:19: github.repository: is missing; write for example repository = "python-pillow/Pillow"`,
			`config.toml:19: github.token_file: is missing; write the secret into a file of its own and name that here, or name an environment variable with token_env`,
		}},
		one("github: two of it", "", "[[github]]\nrepository = \"a/b\"\n", `19:3: github: must be one table: write its keys under [github], not as a list of 1 tables`),
		one("github: the repository's address", "", "[github]\nrepository = \"https://github.com/python-pillow/Pillow\"\ntoken_env = \"GOOD\"\n",
			`20: github.repository: "https://github.com/python-pillow/Pillow" is not an owner and a name; write for example repository = "python-pillow/Pillow"`),
		one("github: a repository that leads elsewhere", "", "[github]\nrepository = \"python-pillow/..\"\ntoken_env = \"GOOD\"\n",
			`20: github.repository: "python-pillow/.." is not an owner and a name; write for example repository = "python-pillow/Pillow"`),
		one("github: no owner", "", "[github]\nrepository = \"Pillow\"\ntoken_env = \"GOOD\"\n", `20: github.repository: "Pillow" is not an owner and a name; write for example repository = "python-pillow/Pillow"`),
		one("github: the token itself", "", "[github]\nrepository = \"a/b\"\ntoken = \""+password+"\"\n",
			`21:1: github.token: secrets never stand in the configuration; write it into a file of its own and name that with token_file, or name an environment variable with token_env`),
		one("github: a token that others read", "", "[github]\nrepository = \"a/b\"\ntoken_file = \"secrets/open\"\n",
			`21: github.token_file: others than the bot may read or change this file; run: chmod 600 DIR/secrets/open`),
		one("github: two tokens in one file", "", "[github]\nrepository = \"a/b\"\ntoken_file = \"secrets/two words\"\n",
			`21: github.token_file: the secret holds a blank or another character that no token of GitHub has; put only the token there`),
		add("the token twice", "token_file = \"secrets/libera-password\"\n", `21: github.token_env: token_file is there too, on line 22; keep one of the two`),
		add("the token itself that writes", "write_token = \""+password+"\"\n",
			`22:1: github.write_token: secrets never stand in the configuration; write it into a file of its own and name that with write_token_file, or name an environment variable with write_token_env`),
		add("a token that writes and is not there", "write_token_env = \"MISSING\"\n", `22: github.write_token_env: the environment variable named here is not set; set it for the bot's process`),
		add("not encrypted", "base = \"http://github.example.org/api/v3\"\n", `22: github.base: "http://github.example.org/api/v3" is not encrypted, so others could read the tokens on the way; write https://, since http:// is for this machine only`),
		add("no address", "base = \"api.github.com\"\n", `22: github.base: "api.github.com" is not an API's address; write it like https://api.github.com, or leave the line out`),
		add("an account in the address", "base = \"https://me:hunter2@github.example.org\"\n", `22: github.base: an account or a password cannot stand in the address; write it like https://api.github.com, or leave the line out`),
		add("a number for an address", "base = 1\n", `22:1: github.base: must be text in double quotes, not a number`),
		add("too often", "every = \"9s\"\n", `22: github.every: "9s" is not a span from 10s to 1h; write for example 60s`),
		add("too seldom", "every = \"61m\"\n", `22: github.every: "61m" is not a span from 10s to 1h; write for example 60s`),
		add("a number for a span", "every = 60\n", `22:1: github.every: must be text in double quotes, not a number`),
		add("a level of the web page", "alerts = \"moderate\"\n", `22: github.alerts: "moderate" is not one of the words that can stand here; use "off", "low", "medium", "high" or "critical"`),
		add("no level", "alerts = \"\"\n", `22: github.alerts: "" is not one of the words that can stand here; use "off", "low", "medium", "high" or "critical"`),
		add("publishing without a token", "publish = true\n", `22: github.publish: needs a token that writes; name its file with write_token_file, or write publish = false`),
		add("an ecosystem in other words", "ecosystem = \"PyPI\"\n", `22: github.ecosystem: "PyPI" is not one of the words that can stand here; use "rubygems", "npm", "pip", "maven", "nuget", "composer", "go", "rust", "erlang", "actions", "pub", "other" or "swift"`),
		add("an empty package", "package = \"\"\n", `22: github.package: "" is not the name of a package; write for example package = "pillow", or leave the line out`),
		add("a package in words", "package = \"the imaging library\"\n", `22: github.package: "the imaging library" is not the name of a package; write for example package = "pillow", or leave the line out`),
		add("misspelt", "alert = \"low\"\n", `22:1: github.alert: there is no such key; did you mean alerts?`),
		add("a webhook without a secret", "[github.webhook]\n", `22: github.webhook.secret_file: is missing; write the secret into a file of its own and name that here, or name an environment variable with secret_env`),
		add("a webhook with a short secret", "[github.webhook]\nsecret_file = \"secrets/short\"\n",
			`23: github.webhook.secret_file: the secret is so short that it could be guessed; use 16 characters or more, such as those of: openssl rand -hex 32`),
		add("a webhook with its secret in the file", "[github.webhook]\nsecret = \""+password+"\"\n",
			`23:1: github.webhook.secret: secrets never stand in the configuration; write it into a file of its own and name that with secret_file, or name an environment variable with secret_env`),
		add("a webhook that is on", "webhook = true\n", `22:1: github.webhook: must be one table: write its keys under [github.webhook], not as true or false`),
		hooked("everywhere", "listen = \"0.0.0.0:8795\"\n", `24: github.webhook.listen: "0.0.0.0:8795" can be reached from other machines; write 127.0.0.1:8795 and let a proxy do TLS, or public = true if it has to be so`),
		hooked("everywhere, in short", "listen = \":80\"\n", `24: github.webhook.listen: ":80" can be reached from other machines; write 127.0.0.1:80 and let a proxy do TLS, or public = true if it has to be so`),
		hooked("another address, said not to be public", "listen = \"192.0.2.1:80\"\npublic = false\n", `24: github.webhook.listen: "192.0.2.1:80" can be reached from other machines; write 127.0.0.1:80 and let a proxy do TLS, or public = true if it has to be so`),
		hooked("public in other words", "listen = \"192.0.2.1:80\"\npublic = \"yes\"\n", `25:1: github.webhook.public: must be true or false without quotes, not text`),
		hooked("no port", "listen = \"127.0.0.1\"\n", `24: github.webhook.listen: "127.0.0.1" is not an address and a port; write address:port, such as 127.0.0.1:8795`),
		hooked("any port", "listen = \"127.0.0.1:0\"\n", `24: github.webhook.listen: "127.0.0.1:0" is not an address and a port; write address:port, such as 127.0.0.1:8795`),
		hooked("a host's name", "public = true\nlisten = \"desk.example.org:8795\"\n", `25: github.webhook.listen: "desk.example.org:8795" is not an address and a port; write address:port, such as 127.0.0.1:8795`),
		hooked("no path", "path = \"\"\n", `24: github.webhook.path: "" is not the path of an address; write for example /github`),
		hooked("every path", "path = \"/\"\n", `24: github.webhook.path: "/" is not the path of an address; write for example /github`),
		hooked("a path upwards", "path = \"/a/../b\"\n", `24: github.webhook.path: "/a/../b" is not the path of an address; write for example /github`),
		hooked("an address for a path", "path = \"https://desk.example.org/github\"\n", `24: github.webhook.path: "https://desk.example.org/github" is not the path of an address; write for example /github`),
		hooked("a path with a question", "path = \"/github?x\"\n", `24: github.webhook.path: "/github?x" is not the path of an address; write for example /github`),
	}
}

func TestGitHub(t *testing.T) {
	open := func(t *testing.T, text string) *GitHub {
		t.Helper()
		cfg, ps, _ := load(t, base+text)
		if ps != nil {
			t.Fatal(ps)
		}
		return cfg.GitHub
	}
	same := cmp.Comparer(func(a, b Secret) bool { return a.Reveal() == b.Reveal() })
	if g := open(t, ""); g != nil {
		t.Errorf("a file that says nothing of it has %+v", g)
	}
	want := &GitHub{
		Base: "https://api.github.com", Owner: "python-pillow", Repo: "Pillow", Reader: newSecret(password), Every: time.Minute,
		Alerts: "high", Ecosystem: "pip", Package: "pillow",
	}
	if diff := cmp.Diff(want, open(t, "[github]\nrepository = \"python-pillow/Pillow\"\ntoken_file = \"secrets/libera-password\"\n"), same); diff != "" {
		t.Error(diff)
	}
	want = &GitHub{
		Base: "http://127.0.0.1:8080/api/v3", Owner: "python-pillow", Repo: "Pillow", Reader: newSecret(password), Writer: newSecret(password),
		Every: 10 * time.Second, Publish: true, Ecosystem: "npm", Package: "@pillow/core",
		Webhook: &Webhook{Listen: "[::]:8795", Path: "/hooks/pillow", Secret: newSecret(password)},
	}
	if diff := cmp.Diff(want, open(t, `[github]
base = "http://127.0.0.1:8080/api/v3/"
repository = "python-pillow/Pillow"
token_env = "GOOD"
write_token_env = "GOOD"
every = "10s"
alerts = "off"
publish = true
ecosystem = "npm"
package = "@pillow/core"
[github.webhook]
listen = "[::]:8795"
public = true
path = "/hooks/pillow"
secret_file = "secrets/libera-password"
`), same); diff != "" {
		t.Error(diff)
	}
	g := open(t, "[github]\nrepository = \"a/b\"\ntoken_env = \"GOOD\"\nevery = \"1h\"\n[github.webhook]\nsecret_env = \"GOOD\"\n")
	if diff := cmp.Diff(&Webhook{Listen: "127.0.0.1:8795", Path: "/github", Secret: newSecret(password)}, g.Webhook, same); diff != "" || g.Every != time.Hour {
		t.Error(diff, g.Every)
	}
}

// TestGitHubOfTheExample: what the example shows behind a # is good once it is switched on
// and its secrets are there.
func TestGitHubOfTheExample(t *testing.T) {
	_, text, found := strings.Cut(string(Example()), "# [github]\n")
	text, _, ended := strings.Cut(text, "\n\n# What the bot tells")
	if !found || !ended {
		t.Fatal("the example has no such table")
	}
	lines := []string{"[github]"}
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "# ")
		key, _, isKey := strings.Cut(line, " = ")
		if isKey && !strings.Contains(key, " ") && !strings.HasSuffix(key, "_env") || strings.HasPrefix(line, "[") {
			if strings.HasSuffix(key, "_file") {
				line = key + ` = "secrets/libera-password"`
			}
			lines = append(lines, line)
		}
	}
	cfg, ps, _ := load(t, base+strings.Join(lines, "\n"))
	if ps != nil {
		t.Fatalf("%v\n%s", ps, strings.Join(lines, "\n"))
	}
	if g := cfg.GitHub; g.Repo != "Pillow" || g.Package != "pillow" || g.Writer.Empty() || g.Webhook == nil || g.Webhook.Listen != "127.0.0.1:8795" {
		t.Errorf("%+v", g)
	}
}
