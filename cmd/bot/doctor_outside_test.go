package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/internal/chattest/github"
	"tocsin/internal/chattest/mastodon"
	"tocsin/internal/chattest/pypi"
	"tocsin/internal/chattest/smtpd"
)

// atGitHub is a desk that watches a repository.
func atGitHub(t *testing.T, url, reader, writer string) patient {
	t.Helper()
	g := &config.GitHub{Base: url, Owner: "python-pillow", Repo: "Pillow", Alerts: "high", Reader: secretOf(t, reader)}
	if writer != "" {
		g.Writer = secretOf(t, writer)
	}
	return patient{c: &config.Config{GitHub: g}, now: (&clock{}).Now, log: quiet()}
}

// found says what the checks of a patient find.
func found(t *testing.T, checks []check) string {
	t.Helper()
	var out output
	if err := (program{out: &out}).sayFindings(newDoctor(checks).Examine(t.Context())); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestDoctorAtGitHub: what can be known of the tokens, the reporting and the clock, and
// nothing of a token or of GitHub's words.
func TestDoctorAtGitHub(t *testing.T) {
	const secretive = "words-of-the-server"
	for name, c := range map[string]struct {
		reader, writer string
		trouble        func(*github.Server)
		says           []string
	}{
		"a security manager": {"reader-token", "writer-token", nil, []string{
			"ok       GitHub, reading token: lists private reports; whether it sees all of them shows with the first one",
			"ok       GitHub, reading token: no end of it is known", "ok       GitHub, private reporting: on", "ok       GitHub, alerts: the reading token sees them", "ok       clock: right, by 127.0.0.1",
			"warn     GitHub, writing token: its account does not administer the repository", "Nothing fails, 1 to look at; ",
		}},
		"an administrator": {"reader-token", "admin-token", nil, []string{
			"ok       GitHub, writing token: lists private reports\n", "ok       GitHub, writing token: its account administers the repository", "Nothing fails; ",
		}},
		"a token that was taken back": {"reader-token", "writer-token", func(s *github.Server) { s.Revoke("writer-token") }, []string{
			"FAIL     GitHub, writing token: GitHub does not take the token (401): make a new one", "ok       GitHub, reading token",
		}},
		"no permission": {"reader-token", "", func(s *github.Server) {
			s.Change(func(o *github.Options) { o.Tokens["reader-token"] = github.Token{Login: "x", Role: github.Manager} })
		}, []string{"FAIL     GitHub, reading token: cannot list private reports: give it "}},
		"a token that ends soon": {"reader-token", "", func(s *github.Server) {
			s.Change(func(o *github.Options) {
				o.Tokens["reader-token"] = github.Token{Login: "x", Role: github.Manager, Read: true, Expires: time.Now().Add(50 * time.Hour)}
			})
		}, []string{"warn     GitHub, reading token: expires ", "in 2 d"}},
		"no reporting": {"reader-token", "", func(s *github.Server) { s.Change(func(o *github.Options) { o.NoReporting = true }) }, []string{
			"FAIL     GitHub, private reporting: off",
		}},
		"no alerts": {"reader-token", "", func(s *github.Server) { s.Change(func(o *github.Options) { o.NoAlerts = true }) }, []string{
			"warn     GitHub, alerts: the reading token may not see those of Dependabot",
		}},
		"a private repository": {"reader-token", "", func(s *github.Server) { s.Change(func(o *github.Options) { o.Private = true }) }, []string{
			"warn     GitHub, reading token: the repository is private",
		}},
		"a clock that is off": {"reader-token", "", func(s *github.Server) { s.Mistake(time.Hour) }, []string{"FAIL     clock: ", "behind of 127.0.0.1"}},
		"nothing is left to ask": {"reader-token", "", func(s *github.Server) { s.Exhaust("tocsin-bot") }, []string{
			"unknown  GitHub, reading token: ", "GitHub asks for patience",
		}},
		"a failure": {"reader-token", "", func(s *github.Server) {
			s.Fail(github.Fault{Path: "GET /repos/python-pillow/Pillow", Status: 500, Body: `{"message":"` + secretive + `"}`})
		}, []string{"unknown  GitHub, reading token: ", "GitHub fails (500); look again later"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := github.Start(github.Options{})
			defer s.Close()
			if c.trouble != nil {
				c.trouble(s)
			}
			got := found(t, atGitHub(t, s.URL, c.reader, c.writer).outsideChecks())
			for _, says := range c.says {
				if !strings.Contains(got, says) {
					t.Errorf("it does not say %q:\n%s", says, got)
				}
			}
			for _, secret := range []string{"reader-token", "writer-token", "admin-token", secretive} {
				if strings.Contains(got, secret) {
					t.Errorf("it tells %q:\n%s", secret, got)
				}
			}
		})
	}
}

// TestDoctorAtAServerThatHangs: it is not known in time, whatever hangs.
func TestDoctorAtAServerThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := atGitHub(t, "http://"+l.Addr().String(), "reader-token", "")
	p.c.Mail = config.Mail{Send: true, Server: l.Addr().String(), Security: "starttls", From: "security@example.org"}
	p.c.Mastodon = config.Mastodon{Send: true, Instance: p.c.GitHub.Base, Token: p.c.GitHub.Reader}
	p.c.PyPI = &config.PyPI{Base: p.c.GitHub.Base, Project: "pillow"}
	if p.l, err = newLetters(p.c.Mail, p.now); err != nil {
		t.Fatal(err)
	}
	checks := p.outsideChecks()
	for i := range checks {
		checks[i].last = time.Second
	}
	began := time.Now()
	got := found(t, checks)
	if n := strings.Count(got, "unknown  "); n != 7 || !strings.Contains(got, "no answer within 1 s") {
		t.Errorf("%d are not known:\n%s", n, got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestDoctorAtMail: a server that lets us in or not, in words of ours.
func TestDoctorAtMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "554 words-of-the-server\r\n")
			_ = c.Close()
		}
	}()
	p := patient{c: &config.Config{Mail: config.Mail{Send: true, Server: l.Addr().String(), Security: "starttls", From: "security@example.org"}}, now: (&clock{}).Now}
	got := found(t, []check{{what: "mail", look: p.mail}})
	if !strings.Contains(got, "FAIL     mail: greeting: it answered 554") || strings.Contains(got, "words-of-the-server") {
		t.Error(got)
	}
}

// TestDoctorIsLetIn: a real mail server, an instance and an index that take what is
// configured, and one secret that they do not.
func TestDoctorIsLetIn(t *testing.T) {
	post, index, s := mastodon.Start(mastodon.Options{}), pypi.Start("pillow"), smtpd.Start(t)
	defer post.Close()
	defer index.Close()
	c := &config.Config{
		Mail: config.Mail{
			Send: true, Server: s.StartTLS, Security: "starttls", CAFile: s.CA, User: smtpd.User, Password: secretOf(t, smtpd.Password), From: "dana@example.org",
		},
		Mastodon: config.Mastodon{Send: true, Instance: post.URL, Token: secretOf(t, "the-token")},
		PyPI:     &config.PyPI{Base: index.URL, Project: "pillow"},
	}
	post.SetToken("the-token")
	p := patient{c: c, now: (&clock{}).Now, log: quiet()}
	var err error
	if p.l, err = newLetters(c.Mail, p.now); err != nil {
		t.Fatal(err)
	}
	got := found(t, append(p.outsideChecks(), check{look: func(context.Context) []incidents.Finding { return p.keys() }}))
	for _, says := range []string{
		"Nothing fails, 1 to look at; 4 ok.", "ok       mail: answers, and lets us in", "ok       Mastodon: answers, and lets us in", "ok       PyPI: answers\n",
		"ok       clock: right", "warn     mail keys: none, so letters go out in the clear",
	} {
		if !strings.Contains(got, says) {
			t.Errorf("it does not say %q:\n%s", says, got)
		}
	}
	for _, a := range index.Asked() {
		if a.Path != "/" && !strings.HasSuffix(a.Path, "/0/json") {
			t.Errorf("the index was asked for %s", a.Path)
		}
	}
	post.SetToken("another")
	c.Mail.Password = secretOf(t, "another")
	got = found(t, p.outsideChecks())
	for _, says := range []string{"2 of 4 things fail", "FAIL     mail: login: it answered 535", "FAIL     Mastodon: reading the account: the instance does not take the token (401)"} {
		if !strings.Contains(got, says) {
			t.Errorf("it does not say %q:\n%s", says, got)
		}
	}
}
