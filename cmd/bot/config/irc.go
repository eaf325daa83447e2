package config

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// allIRC checks the IRC networks.
func (c *checker) allIRC(ts []ircTable) []IRC {
	var out []IRC
	for i, t := range ts {
		path := item("irc", i)
		c.network(path+".name", t.Name, "libera", network{fold: foldIRC, wrong: wrongIRCAccount})
		out = append(out, c.irc(path, t))
	}
	return out
}

func (c *checker) irc(path string, t ircTable) IRC {
	at := func(key string) string { return path + "." + key }
	n := IRC{
		Name: t.Name, Server: t.Server, Nick: t.Nick, Account: t.Account,
		SASL: t.SASL, Profile: t.Profile, MayApprove: t.MayApprove, Direct: t.Direct,
	}
	c.server(at("server"), t.Server, "irc.libera.chat:6697")
	if t.CAFile != "" {
		n.CAFile = c.authority(at("ca_file"), t.CAFile)
	}
	c.nick(at("nick"), t.Nick)
	if wrong := wrongIRCAccount(t.Account); t.Account != "" && wrong != "" {
		c.add(at("account"), "%s %s", quote(t.Account), wrong)
	}
	if c.oneOf(at("sasl"), t.SASL, "plain", "external") {
		c.login(path, t, &n)
	}
	c.oneOf(at("profile"), t.Profile, "solanum", "inspircd", "ergo", "unreal", "")
	c.oneOf(at("direct"), t.Direct, "none", "notice", "full")
	channels := map[string]int{}
	for i, r := range t.Room {
		n.Rooms = append(n.Rooms, c.room(item(at("room"), i), r, channels))
	}
	return n
}

// login checks the keys of one way to log in and refuses those of the other:
// a password that is there but not used would be taken for protection.
func (c *checker) login(path string, t ircTable, n *IRC) {
	unused := func(other string, keys ...string) {
		for _, key := range keys {
			if at := path + "." + key; c.has(at) {
				c.add(at, "is used with sasl = %s only; leave it out, or change sasl", quote(other))
			}
		}
	}
	if t.SASL == "plain" {
		unused("external", "cert_file", "key_file")
		var from string
		n.Password, from = c.secret(path, "password", t.PasswordFile, t.PasswordEnv, true)
		if strings.ContainsAny(n.Password.Reveal(), "\x00\r\n") {
			c.add(from, "the secret holds what IRC cannot carry: a zero byte or a line break; use another one")
		}
		if n.Account == "" {
			n.Account = t.Nick
		}
		return
	}
	unused("plain", "password_file", "password_env")
	n.CertFile, n.KeyFile = c.certificate(path, t)
}

func (c *checker) certificate(path string, t ircTable) (certFile, keyFile string) {
	certPath, keyPath := path+".cert_file", path+".key_file"
	certThere := c.required(certPath, t.CertFile, "name the file with the bot's certificate, in PEM form")
	keyThere := c.required(keyPath, t.KeyFile, "name the file with the certificate's private key, in PEM form")
	found := false
	if certThere {
		abs, info := c.existing(certPath, t.CertFile)
		certFile, found = abs, info != nil
	}
	if keyThere {
		abs, ok := c.private(keyPath, t.KeyFile)
		keyFile, found = abs, found && ok
	}
	if !found {
		return "", ""
	}
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		c.add(certPath, "this is not a certificate in PEM form that belongs to the key in key_file; name two files that belong together")
	}
	return certFile, keyFile
}

// authority finds the file with the certificates to trust.
func (c *checker) authority(path, name string) string {
	abs, info := c.existing(path, name)
	if info == nil {
		return ""
	}
	const most = 16 << 20 // the system's own bundle is well below this
	if info.Size() > most {
		c.add(path, "%s is too large for a file of certificates; name another one", quotePath(abs))
		return ""
	}
	pem, err := os.ReadFile(abs)
	switch {
	case err != nil:
		c.add(path, "the file cannot be read: %s", reason(err))
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		c.add(path, "%s holds no certificate in PEM form; name a file that does", quotePath(abs))
	}
	return abs
}

func (c *checker) server(path, server, example string) {
	hint := "write host:port, such as " + example
	if !c.required(path, server, hint) {
		return
	}
	host, port, err := net.SplitHostPort(server)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || notNumber != nil || number == 0 || !regexp.MustCompile(`^[A-Za-z0-9._:-]+$`).MatchString(host) {
		c.add(path, "%s is not a host and a port; %s", quote(server), hint)
	}
}

func (c *checker) nick(path, nick string) {
	letters := "A-Za-z" + regexp.QuoteMeta("[]\\`_^{|}")
	if !regexp.MustCompile(`^[` + letters + `][` + letters + `0-9-]{0,29}$`).MatchString(nick) {
		c.add(path, "%s cannot be a nick; use letters, digits, - and _, beginning with a letter, 30 at most", quote(nick))
	}
}

func (c *checker) room(path string, t roomTable, channels map[string]int) Room {
	at := func(key string) string { return path + "." + key }
	r := Room{Channel: t.Channel, Desk: t.Desk, Clearance: t.Clearance, Notices: t.Notices}
	if c.required(at("channel"), t.Channel, `write for example channel = "#pillow-security"`) {
		c.channel(at("channel"), t.Channel, channels)
	}
	c.oneOf(at("clearance"), t.Clearance, "none", "notice", "full")
	var from string
	r.Key, from = c.secret(path, "key", t.KeyFile, t.KeyEnv, false)
	if strings.ContainsFunc(r.Key.Reveal(), notInMiddle) || strings.HasPrefix(r.Key.Reveal(), ":") {
		c.add(from, "the secret holds what IRC cannot carry in a channel key: a blank, a comma or a control character, or a colon at its beginning; use another one")
	}
	return r
}

func (c *checker) channel(path, name string, channels map[string]int) {
	const most = 64 // bytes; servers allow from 50 to 64
	folded := foldIRC(name)
	switch first, twice := channels[folded]; {
	case !strings.HasPrefix(name, "#") || len(name) < 2 || len(name) > most || strings.ContainsFunc(name, notInMiddle):
		c.add(path, "%s cannot be a channel; use a # and a name without blanks, commas or control characters, %d bytes at most", quote(name), most)
	case twice:
		c.add(path, "%s is the room on line %d already; name each channel once", quote(name), first)
	default:
		channels[folded] = c.line(path)
	}
}

// notInMiddle reports what cannot stand in a parameter of an IRC command, and
// what looks like a blank without being one.
func notInMiddle(r rune) bool {
	return r == ',' || unicode.IsSpace(r) || unicode.IsControl(r) || !unicode.IsPrint(r)
}

// foldIRC makes an account equal to itself in other letter cases. Which of the
// other characters are equal too is the server's to say, so those stay as they
// are.
func foldIRC(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, id)
}

// wrongIRCAccount says what is wrong with a services account. A server writes *
// for somebody who is not logged in: as an account on the roster it would be
// everybody.
func wrongIRCAccount(id string) string {
	if strings.HasPrefix(id, ":") || strings.ContainsAny(id, "*?!@") || strings.ContainsFunc(id, notInMiddle) {
		return "is not a services account; write the name that the network's services know, without blanks and not a mask"
	}
	return ""
}
