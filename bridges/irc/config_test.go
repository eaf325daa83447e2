package irc

import (
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	good := func() Config {
		return Config{
			Name: "rig", Server: "irc.example:6697", Nick: "tocsin", Account: "tocsin", SASL: "plain", Password: "x",
			Profile: "inspircd", Channels: []Channel{{Name: "#desk"}},
		}
	}
	for want, change := range map[string]func(*Config){
		"":                   func(*Config) {},
		"no name":            func(c *Config) { c.Name = "" },
		"host:port":          func(c *Config) { c.Server = "irc.example" },
		"not a nick":         func(c *Config) { c.Nick = "a b" },
		"not a user":         func(c *Config) { c.User = "a b" },
		"real name":          func(c *Config) { c.RealName = "a\nb" },
		"account":            func(c *Config) { c.Account = "" },
		"neither":            func(c *Config) { c.SASL = "" },
		"needs a password":   func(c *Config) { c.Password = "" },
		"not text":           func(c *Config) { c.Password = "a\x00b" },
		"a certificate":      func(c *Config) { c.SASL = "external" },
		"profile":            func(c *Config) { c.Profile = "hybrid" },
		"channel \"desk\"":   func(c *Config) { c.Channels[0].Name = "desk" },
		"channel \"#a,#b\"":  func(c *Config) { c.Channels[0].Name = "#a,#b" },
		"key of #desk":       func(c *Config) { c.Channels[0].Key = "a b" },
		"twice":              func(c *Config) { c.Channels = append(c.Channels, Channel{Name: "#DESK"}) },
		"no such file":       func(c *Config) { c.CAFile = "/nonexistent/ca.pem" },
		"holds no":           func(c *Config) { c.CAFile = "config.go" },
		"no such file or di": func(c *Config) { c.SASL, c.CertFile, c.KeyFile = "external", "/nonexistent", "/nonexistent" },
	} {
		c := good()
		change(&c)
		b, err := New(c)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
		if err == nil && (b.Network() != "rig" || b.Limits().Lines != 5 || b.Limits().Files) {
			t.Errorf("%q %+v", b.Network(), b.Limits())
		}
	}
}

func TestConfigRefusesALibraryThatLogs(t *testing.T) {
	t.Setenv("GIRC_DEBUG", "1")
	if _, err := New(Config{Name: "rig", Server: "irc.example:6697"}); err == nil || !strings.Contains(err.Error(), "GIRC_DEBUG") {
		t.Errorf("%v", err)
	}
}

func TestBackoff(t *testing.T) {
	for n := range 100 {
		d := backoff(2*time.Second, 5*time.Minute, n)
		full := 5 * time.Minute
		if n < 8 {
			full = 2 * time.Second << n
		}
		if d > full || d < full*2/3-1 {
			t.Errorf("failure %d waits %s", n, d)
		}
	}
}

func TestChunks(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 399: 1, 400: 2, 401: 2, 800: 3, 801: 3} {
		got := chunks(strings.Repeat("x", n))
		if len(got) != want || len(strings.TrimSuffix(strings.Join(got, ""), "+")) != n {
			t.Errorf("%d bytes in %d pieces", n, len(got))
		}
	}
}
