package config

import (
	"net/url"
	"regexp"
	"strings"

	"tocsin/bridges"
	"tocsin/bridges/mail"
)

// mail checks how mail goes to people outside. What is there is checked whether or
// not the bot sends: who switches it on has a file that works.
func (c *checker) mail(t mailTable) Mail {
	at := func(key string) string { return "mail." + key }
	m := Mail{Send: t.Send, Server: t.Server, Security: t.Security, User: t.User, From: t.From, AlsoToSelf: t.AlsoToSelf}
	if t.Send || c.has(at("server")) {
		c.server(at("server"), t.Server, "mail.example.org:587")
	}
	c.oneOf(at("security"), t.Security, "starttls", "tls")
	if c.has(at("ca_file")) {
		m.CAFile = c.authority(at("ca_file"), t.CAFile)
	}
	m.Password, _ = c.secret("mail", "password", t.PasswordFile, t.PasswordEnv, t.Send && t.User != "")
	if t.User == "" && !m.Password.Empty() {
		c.add(at("user"), "is missing, so nobody would use the password; name the user")
	}
	if t.Send || c.has(at("from")) || c.has(at("keys")) || c.has(at("sign_key")) {
		c.from(at("from"), t.From)
	}
	for i, name := range t.Keys {
		if abs, info := c.existing(item(at("keys"), i), name); info != nil {
			m.Keys = append(m.Keys, abs)
		}
	}
	if t.AlsoToSelf && len(t.Keys) == 0 {
		c.add(at("also_to_self"), "needs the key of the from address among the keys; name its file there")
	}
	if c.has(at("sign_key")) {
		m.SignKey, _ = c.private(at("sign_key"), t.SignKey)
	}
	var from string
	m.Passphrase, from = c.secret("mail", "sign_passphrase", t.SignPassphraseFile, t.SignPassphraseEnv, false)
	if !m.Passphrase.Empty() && !c.has(at("sign_key")) {
		c.add(from, "is the passphrase of a key that is not named; write sign_key, or leave this out")
	}
	return m
}

// from checks an address of our own.
func (c *checker) from(path, address string) {
	const hint = "write for example security@example.org, or Pillow security <security@example.org>"
	if !c.required(path, address, hint) {
		return
	}
	if err := mail.CheckAddress(address); err != nil {
		c.add(path, "%s is not an address of mail: %s; %s", quote(address), err, hint)
	}
}

func (c *checker) mastodon(t mastodonTable) Mastodon {
	at := func(key string) string { return "mastodon." + key }
	m := Mastodon{Send: t.Send, Instance: strings.TrimRight(t.Instance, "/"), Language: t.Language, Visibility: t.Visibility}
	if t.Send || c.has(at("instance")) {
		c.instance(at("instance"), t.Instance)
	}
	m.Token, _ = c.secret("mastodon", "token", t.TokenFile, t.TokenEnv, t.Send)
	if !regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z]{2,4})?$`).MatchString(t.Language) {
		c.add(at("language"), "%s is not a language's code; write for example en", quote(t.Language))
	}
	c.oneOf(at("visibility"), t.Visibility, "public", "unlisted")
	return m
}

// instance checks the address of an instance. What may be a password in it is not
// repeated.
func (c *checker) instance(path, address string) {
	const hint = "write for example https://mastodon.example.org"
	if !c.required(path, address, hint) {
		return
	}
	u, err := url.Parse(strings.TrimRight(address, "/"))
	switch {
	case strings.Contains(address, "@"):
		c.add(path, "an account or a password cannot stand in the address; %s", hint)
	case err != nil || u.Host == "" || u.Path != "" || strings.ContainsAny(address, "?#"):
		c.add(path, "%s is not an instance's address; %s", quote(address), hint)
	case u.Scheme == "http" && !bridges.Loopback(u.Hostname()):
		c.add(path, "%s is not encrypted, so the token could be read on the way; write https://, since http:// is for this machine only", quote(address))
	case u.Scheme != "https" && u.Scheme != "http":
		c.add(path, "%s is not an instance's address; %s", quote(address), hint)
	}
}
