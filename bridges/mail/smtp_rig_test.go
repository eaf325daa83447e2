package mail

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/smtpd"
)

func rigConfig(s *smtpd.Server, security string) Config {
	c := Config{Server: s.StartTLS, Security: security, CAFile: s.CA, User: smtpd.User, Password: smtpd.Password, Hello: "bot.example.org"}
	if security == ImplicitTLS {
		c.Server = s.TLS
	}
	return c
}

func rigSender(t testing.TB, s *smtpd.Server, security string) *Sender {
	t.Helper()
	out, err := NewSender(rigConfig(s, security))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// delivered is a mail as we gave it: without what the server put in front, and
// with the line ends of mail.
func delivered(t testing.TB, data []byte) string {
	t.Helper()
	text := string(data)
	at := strings.Index(text, "\nDate: ")
	if !strings.HasPrefix(text, "Received: ") || at < 0 {
		t.Fatalf("not what the server should have stored:\n%s", text)
	}
	return strings.ReplaceAll(text[at+1:], "\n", "\r\n")
}

// TestRealServer: mail arrives with every recipient as it was given, by both ways
// to TLS.
func TestRealServer(t *testing.T) {
	t.Parallel()
	s := smtpd.Start(t)
	m := plain(t)
	m.To = []string{"Erin <erin@example.org>", "bob@example.org", "carol@example.org"}
	m.Subject = "Grüße: " + strings.Repeat("lang ", 40) + "."
	m.Text = ".\n..\nFrom here\n\n.dot\n" + strings.Repeat("Zeile mit ü. \n", 4000)
	m.Attachments = []Attachment{{Name: "a.patch", Data: bytes.Repeat([]byte("-a\r\n+b \n"), 20000)}}
	l := build(t, m, Protection{})
	for i, security := range []string{StartTLS, ImplicitTLS} {
		sender := rigSender(t, s, security)
		said, err := sender.Send(t.Context(), l.From, l.To, l.Data)
		if err != nil || !strings.Contains(said, "OK") {
			t.Fatalf("%s: %q, %v", security, said, err)
		}
		for _, who := range []string{"erin", "bob", "carol"} {
			for _, got := range s.Wait(t, who, i+1) {
				if delivered(t, got) != string(l.Data) {
					t.Errorf("%s: %s got another mail:\n%s", security, who, got)
				}
			}
		}
	}
	got := read(t, s.Wait(t, "erin", 1)[0])
	if got.text != m.Text || !bytes.Equal(got.files[0].Data, m.Attachments[0].Data) {
		t.Error("text or patch arrived changed")
	}
	if received := got.head.Get("Received"); !strings.Contains(received, "bot.example.org") || !strings.Contains(received, "esmtpsa") {
		t.Errorf("not named, not encrypted or not logged in: %s", received)
	}
}

func TestRealServerRefuses(t *testing.T) {
	t.Parallel()
	s := smtpd.Start(t)
	l := build(t, plain(t), Protection{})
	big := plain(t)
	big.Text = strings.Repeat("a line\n", 200000)
	marked := func(word string) []byte { return append([]byte("X-Test: "+word+"\r\n"), l.Data...) }
	for name, c := range map[string]struct {
		change  func(*Config)
		to      []string
		data    []byte
		step    string
		code    int
		kind    error
		refused int
	}{
		"nobody":            {to: []string{"erin@example.org", "nobody@example.org"}, step: "recipients", code: 550, kind: bridges.ErrRefused, refused: 1},
		"later":             {to: []string{"later@example.org", "erin@example.org"}, step: "recipients", code: 451, kind: bridges.ErrNotSent, refused: 1},
		"nobody and later":  {to: []string{"later@example.org", "nobody@example.org"}, step: "recipients", code: 550, kind: bridges.ErrRefused, refused: 2},
		"content":           {data: marked("refuse"), step: "acceptance", code: 550, kind: bridges.ErrRefused},
		"content, later":    {data: marked("later"), step: "acceptance", code: 451, kind: bridges.ErrNotSent},
		"size":              {data: build(t, big, Protection{}).Data, step: "size", kind: bridges.ErrRefused},
		"password":          {change: func(c *Config) { c.Password = "wrong" }, step: "login", code: 535, kind: bridges.ErrNotSent},
		"no login":          {change: func(c *Config) { c.User, c.Password = "", "" }, step: "sender", code: 550, kind: bridges.ErrRefused},
		"unknown authority": {change: func(c *Config) { c.CAFile = "" }, step: "STARTTLS", kind: bridges.ErrNotSent},
		"unknown, all TLS":  {change: func(c *Config) { c.Server, c.Security, c.CAFile = s.TLS, ImplicitTLS, "" }, step: "TLS", kind: bridges.ErrNotSent},
		"not at this port":  {change: func(c *Config) { c.Security = ImplicitTLS }, step: "TLS", kind: bridges.ErrNotSent},
		"nothing listens":   {change: func(c *Config) { c.Server = closedPort(t) }, step: "connecting", kind: bridges.ErrNotSent},
	} {
		t.Run(name, func(t *testing.T) {
			conf := rigConfig(s, StartTLS)
			if c.change != nil {
				c.change(&conf)
			}
			sender, err := NewSender(conf)
			if err != nil {
				t.Fatal(err)
			}
			to, data := c.to, c.data
			if to == nil {
				to = []string{"dana@example.org"}
			}
			if data == nil {
				data = l.Data
			}
			_, err = sender.Send(t.Context(), l.From, to, data)
			f := failed(t, err, c.step, c.code, c.kind)
			if len(f.Refused) != c.refused {
				t.Errorf("refused are %v", f.Refused)
			}
		})
	}
	for _, who := range []string{"dana", "erin", "later"} {
		if n := len(s.Mailbox(t, who)); n != 0 {
			t.Errorf("%s got %d mails", who, n)
		}
	}
}

func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// failed holds an error to what was expected, and to telling no address and
// nothing that the server said.
func failed(t testing.TB, err error, step string, code int, kind error) *Failure {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("not a Failure: %v", err)
	}
	if f.Step != step || f.Code != code {
		t.Errorf("it failed at %s with %d, not at %s with %d: %v", f.Step, f.Code, step, code, err)
	}
	for _, k := range []error{bridges.ErrNotSent, bridges.ErrRefused} {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("%q: %v (it is %v)", k, errors.Is(err, k), err)
		}
	}
	for _, hidden := range append([]string{"@", "hush", smtpd.Password}, f.Refused...) {
		if strings.Contains(err.Error(), hidden) {
			t.Errorf("the error tells %q: %v", hidden, err)
		}
	}
	return f
}

func TestRealServerManyAtOnce(t *testing.T) {
	t.Parallel()
	s := smtpd.Start(t)
	sender := rigSender(t, s, ImplicitTLS)
	var all sync.WaitGroup
	const n = 6
	for range n {
		all.Go(func() {
			l := build(t, plain(t), Protection{})
			if _, err := sender.Send(t.Context(), l.From, l.To, l.Data); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.Wait(t, "erin", n)
}
