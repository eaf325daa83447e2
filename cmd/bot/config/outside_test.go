package config

import (
	"strings"
	"testing"
)

// TestOutside: what is wrong with mail and Mastodon is told with its line, whether or
// not anything is sent.
func TestOutside(t *testing.T) {
	const (
		mailHead = "[mail]\n"
		tootHead = "[mastodon]\n"
		token    = "token_file = \"secrets/libera-password\"\n"
	)
	add := func(name, text, want string) row { return one(name, "", text, want) }
	playRows(t, base, []row{
		{"mail with nothing", "", mailHead + "send = true\n", []string{
			`config.toml:19: mail.server: is missing; write host:port, such as mail.example.org:587`,
			`config.toml:19: mail.from: is missing; write for example security@example.org, or Pillow security <security@example.org>`,
		}},
		add("mail in words", mailHead+"send = \"true\"\n", `20:1: mail.send: must be true or false without quotes, not text`),
		add("server without a port", mailHead+"server = \"mail.example.org\"\n", `20: mail.server: "mail.example.org" is not a host and a port; write host:port, such as mail.example.org:587`),
		add("mail in clear", mailHead+"security = \"none\"\n", `20: mail.security: "none" is not one of the words that can stand here; use "starttls" or "tls"`),
		add("password for nobody", mailHead+"password_file = \"secrets/libera-password\"\n", `19: mail.user: is missing, so nobody would use the password; name the user`),
		add("user without a password", mailHead+"send = true\nserver = \"mail.example.org:587\"\nfrom = \"a@example.org\"\nuser = \"desk\"\n",
			`19: mail.password_file: is missing; write the secret into a file of its own and name that here, or name an environment variable with password_env`),
		add("from nobody", mailHead+"from = \"Pillow\"\n", `20: mail.from: "Pillow" is not an address of mail: it is not one address such as alice@example.org or Alice <alice@example.org>; write for example security@example.org, or Pillow security <security@example.org>`),
		add("from a host that is none", mailHead+"from = \"Pillow <desk@exa_mple.org>\"\n", `20: mail.from: "Pillow <desk@exa_mple.org>" is not an address of mail: what stands after the @ is not the name of a host; write an international name as xn--; write for example security@example.org, or Pillow security <security@example.org>`),
		add("no key there", mailHead+"from = \"a@example.org\"\nkeys = [\"keys/none.asc\"]\n", `21: mail.keys: there is no such file; a relative path begins in "DIR"`),
		add("to self without keys", mailHead+"also_to_self = true\n", `20: mail.also_to_self: needs the key of the from address among the keys; name its file there`),
		add("signing as nobody", mailHead+"sign_key = \"secrets/libera-password\"\n", `19: mail.from: is missing; write for example security@example.org, or Pillow security <security@example.org>`),
		add("signing with a key that others read", mailHead+"from = \"a@example.org\"\nsign_key = \"secrets/open-key.pem\"\n", `21: mail.sign_key: others than the bot may read or change this file; run: chmod 600 DIR/secrets/open-key.pem`),
		add("passphrase for nothing", mailHead+"sign_passphrase_file = \"secrets/libera-password\"\n", `20: mail.sign_passphrase_file: is the passphrase of a key that is not named; write sign_key, or leave this out`),
		{"Mastodon with nothing", "", tootHead + "send = true\n", []string{
			`config.toml:19: mastodon.instance: is missing; write for example https://mastodon.example.org`,
			`config.toml:19: mastodon.token_file: is missing; write the secret into a file of its own and name that here, or name an environment variable with token_env`,
		}},
		add("token in the file", tootHead+"token = \"x\"\n", `20:1: mastodon.token: secrets never stand in the configuration; write it into a file of its own and name that with token_file, or name an environment variable with token_env`),
		add("instance in clear", tootHead+token+"instance = \"http://mastodon.example.org\"\n", `21: mastodon.instance: "http://mastodon.example.org" is not encrypted, so the token could be read on the way; write https://, since http:// is for this machine only`),
		add("instance with an account", tootHead+"instance = \"https://pillow:x@mastodon.example.org\"\n", `20: mastodon.instance: an account or a password cannot stand in the address; write for example https://mastodon.example.org`),
		add("instance with a path", tootHead+"instance = \"https://mastodon.example.org/@pillow\"\n", `20: mastodon.instance: an account or a password cannot stand in the address; write for example https://mastodon.example.org`),
		add("language in words", tootHead+"language = \"English\"\n", `20: mastodon.language: "English" is not a language's code; write for example en`),
		add("posts to followers", tootHead+"visibility = \"private\"\n", `20: mastodon.visibility: "private" is not one of the words that can stand here; use "public" or "unlisted"`),
	})
}

// TestNothingIsSentByDefault: a file that says nothing of it lets the bot send nothing.
func TestNothingIsSentByDefault(t *testing.T) {
	c, ps, _ := load(t, base)
	if len(ps) > 0 || c.Mail.Send || c.Mastodon.Send || c.Mail.Security != "starttls" || c.Mastodon.Visibility != "public" {
		t.Errorf("%v %+v", ps, c)
	}
	c, ps, _ = load(t, base+strings.Join([]string{
		"[mail]", "send = true", `server = "mail.example.org:465"`, `security = "tls"`, `user = "desk"`, `password_file = "secrets/libera-password"`, `from = "a@example.org"`,
		"[mastodon]", "send = true", `instance = "https://mastodon.example.org/"`, `token_file = "secrets/libera-password"`, "",
	}, "\n"))
	if len(ps) > 0 || !c.Mail.Send || c.Mail.Password.Empty() || !c.Mastodon.Send || c.Mastodon.Instance != "https://mastodon.example.org" || c.Mastodon.Token.Empty() {
		t.Errorf("%v %+v", ps, c)
	}
}
