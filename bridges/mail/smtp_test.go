package mail

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
)

func fakeConfig(f *fake) Config {
	return Config{
		Server: f.addr, Security: StartTLS, CAFile: f.ca, User: "desk", Password: "pass-desk", Hello: "bot.example.org",
		Dial: 5 * time.Second, Command: 5 * time.Second, Accept: 5 * time.Second,
	}
}

// sendTo sends to erin and bob with a server that follows a script.
func sendTo(t testing.TB, s script, change func(*Config), hosts ...string) (string, *fake, error) {
	t.Helper()
	if hosts == nil {
		hosts = []string{"localhost"}
	}
	f := newFake(t, s.serve, hosts...)
	conf := fakeConfig(f)
	if change != nil {
		change(&conf)
	}
	sender, err := NewSender(conf)
	if err != nil {
		t.Fatal(err)
	}
	l := build(t, plain(t), Protection{})
	said, err := sender.Send(t.Context(), l.From, []string{"erin@example.org", "bob@example.org"}, l.Data)
	return said, f, err
}

// TestConversation pins what is said, in which order, and that nothing of use goes
// out before TLS.
func TestConversation(t *testing.T) {
	t.Parallel()
	said, f, err := sendTo(t, nil, nil)
	if err != nil || said != "2.0.0 OK queued as ABC" {
		t.Fatalf("%q, %v", said, err)
	}
	want := `EHLO bot.example.org
STARTTLS
EHLO bot.example.org
AUTH PLAIN AGRlc2sAcGFzcy1kZXNr
MAIL FROM:<security@example.org>
RCPT TO:<erin@example.org>
RCPT TO:<bob@example.org>
DATA
`
	if got := f.lines(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nwe have it.\n.\nQUIT") {
		t.Errorf("it heard\n%s", got)
	}
	if _, f, err = sendTo(t, nil, func(c *Config) { c.Hello = "" }); err != nil || !strings.HasPrefix(f.lines(), "EHLO [127.0.0.1]\n") {
		t.Errorf("without a name: %v\n%s", err, f.lines())
	}
}

// TestFailures: every way to fail has its outcome. Only what is lost after the end
// of the mail is unknown.
func TestFailures(t *testing.T) {
	t.Parallel()
	const hush = "hush erin@example.org"
	garbage := answer("hush this is no SMTP")
	for name, c := range map[string]struct {
		s    script
		step string
		code int
		kind error
	}{
		"421 at once":           {script{"greeting": answer("421 4.3.2 " + hush)}, "greeting", 421, bridges.ErrNotSent},
		"554 at once":           {script{"greeting": answer("554 " + hush)}, "greeting", 554, bridges.ErrNotSent},
		"cut at once":           {script{"greeting": cut}, "greeting", 0, bridges.ErrNotSent},
		"not SMTP":              {script{"greeting": garbage}, "greeting", 0, bridges.ErrNotSent},
		"EHLO refused":          {script{"EHLO": answer("550 " + hush), "HELO": answer("550 " + hush)}, "EHLO", 550, bridges.ErrNotSent},
		"only HELO":             {script{"EHLO": answer("502 " + hush)}, "STARTTLS", 0, bridges.ErrNotSent},
		"no STARTTLS":           {script{"EHLO": answer("250-mail", "250 AUTH PLAIN")}, "STARTTLS", 0, bridges.ErrNotSent},
		"454 for TLS":           {script{"STARTTLS": answer("454 4.7.0 " + hush)}, "STARTTLS", 454, bridges.ErrNotSent},
		"502 for TLS":           {script{"STARTTLS": answer("502 " + hush)}, "STARTTLS", 502, bridges.ErrNotSent},
		"no TLS after all":      {script{"STARTTLS": answer("220 go on", "250 hush")}, "STARTTLS", 0, bridges.ErrNotSent},
		"only LOGIN":            {script{"EHLO again": answer("250-mail", "250 AUTH LOGIN")}, "login", 0, bridges.ErrNotSent},
		"no login":              {script{"EHLO again": answer("250 mail")}, "login", 0, bridges.ErrNotSent},
		"535":                   {script{"AUTH": answer("535 5.7.8 " + hush)}, "login", 535, bridges.ErrNotSent},
		"454 at login":          {script{"AUTH": answer("454 4.7.0 " + hush)}, "login", 454, bridges.ErrNotSent},
		"cut at login":          {script{"AUTH": cut}, "login", 0, bridges.ErrNotSent},
		"sender 451":            {script{"MAIL": answer("451 " + hush)}, "sender", 451, bridges.ErrNotSent},
		"sender 550":            {script{"MAIL": answer("550-5.7.1 hush", "550 5.7.1 "+hush)}, "sender", 550, bridges.ErrRefused},
		"recipient 550":         {script{"RCPT": answer("550 5.1.1 " + hush)}, "recipients", 550, bridges.ErrRefused},
		"recipient 450":         {script{"RCPT": answer("450 " + hush)}, "recipients", 450, bridges.ErrNotSent},
		"recipient 421":         {script{"RCPT": answer("421 " + hush)}, "recipients", 421, bridges.ErrNotSent},
		"cut at recipient":      {script{"RCPT": cut}, "recipients", 0, bridges.ErrNotSent},
		"DATA 451":              {script{"DATA": answer("451 " + hush)}, "DATA", 451, bridges.ErrNotSent},
		"DATA 554":              {script{"DATA": answer("554 " + hush)}, "DATA", 554, bridges.ErrRefused},
		"DATA 250":              {script{"DATA": answer("250 " + hush)}, "DATA", 250, bridges.ErrNotSent},
		"cut at DATA":           {script{"DATA": cut}, "DATA", 0, bridges.ErrNotSent},
		"451 at the end":        {script{".": answer("451 4.3.0 " + hush)}, "acceptance", 451, bridges.ErrNotSent},
		"421 at the end":        {script{".": answer("421 " + hush)}, "acceptance", 421, bridges.ErrNotSent},
		"554 at the end":        {script{".": answer("554 5.7.1 " + hush)}, "acceptance", 554, bridges.ErrRefused},
		"cut after the end":     {script{".": cut}, "acceptance", 0, nil},
		"garbage after the end": {script{".": garbage}, "acceptance", 0, nil},
		"354 after the end":     {script{".": answer("354 " + hush)}, "acceptance", 0, nil},
		"half an answer":        {script{".": func(c *talk) bool { _, _ = c.conn.Write([]byte("25")); return false }}, "acceptance", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, f, err := sendTo(t, c.s, nil)
			got := failed(t, err, c.step, c.code, c.kind)
			if got.Code != 0 && !strings.Contains(got.Said, "hush") {
				t.Errorf("who asks for what it said gets %q", got.Said)
			}
			if c.step != "acceptance" && slices.Contains(strings.Split(f.lines(), "\n"), ".") {
				t.Errorf("the mail went out:\n%s", f.lines())
			}
			if c.step == "STARTTLS" && strings.Contains(f.lines(), "AUTH") {
				t.Errorf("it logged in without TLS:\n%s", f.lines())
			}
		})
	}
}

// TestCutWithinTheMail: a mail whose end was never sent was not sent.
func TestCutWithinTheMail(t *testing.T) {
	t.Parallel()
	f := newFake(t, script{"content": cut}.serve, "localhost")
	sender, err := NewSender(fakeConfig(f))
	if err != nil {
		t.Fatal(err)
	}
	m := plain(t)
	m.Text = strings.Repeat("more than any buffer on the way holds\n", 400000)
	l := build(t, m, Protection{})
	_, err = sender.Send(t.Context(), l.From, l.To, l.Data)
	failed(t, err, "content", 0, bridges.ErrNotSent)
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{"192.0.2.1:25": "[192.0.2.1]", "[2001:db8::1]:25": "[IPv6:2001:db8::1]", "[fe80::1%eth0]:25": "[IPv6:fe80::1]"} {
		if got := literal(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))); got != want {
			t.Errorf("%s is %s", addr, got)
		}
	}
}

// TestSomeRefused: one recipient's no keeps the mail from all, and all that are
// refused are named to who asks.
func TestSomeRefused(t *testing.T) {
	t.Parallel()
	n := 0
	s := script{"RCPT": func(c *talk) bool {
		if n++; n == 1 {
			c.say("250 fine")
		} else {
			c.say("550 5.1.1 hush")
		}
		return true
	}}
	_, f, err := sendTo(t, s, nil)
	got := failed(t, err, "recipients", 550, bridges.ErrRefused)
	if len(got.Refused) != 1 || got.Refused[0] != "bob@example.org" || got.Enhanced != "5.1.1" {
		t.Errorf("%+v", got)
	}
	if strings.Contains(f.lines(), "DATA") || !strings.HasSuffix(f.lines(), "QUIT") {
		t.Errorf("it heard\n%s", f.lines())
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	implicit := func(c *Config) { c.Security = ImplicitTLS }
	atOnce := script{"greeting": func(c *talk) bool {
		if !c.upgrade() {
			return false
		}
		c.say("220 mail")
		return true
	}, "EHLO": answer("250-mail", "250 AUTH PLAIN")}
	if _, _, err := sendTo(t, atOnce, implicit); err != nil {
		t.Errorf("all is right, and %v", err)
	}
	_, _, err := sendTo(t, atOnce, implicit, "mail.example.net")
	failed(t, err, "TLS", 0, bridges.ErrNotSent)
	_, f, err := sendTo(t, nil, nil, "mail.example.net")
	failed(t, err, "STARTTLS", 0, bridges.ErrNotSent)
	if strings.Contains(f.lines(), "AUTH") {
		t.Error("it logged in with another's certificate")
	}
	old := func(c *talk) bool { c.f.tls.MaxVersion = 0x0302; c.say("220 go on"); return c.upgrade() }
	_, _, err = sendTo(t, script{"STARTTLS": old}, nil)
	failed(t, err, "STARTTLS", 0, bridges.ErrNotSent)
}

// TestTimeouts: every step has an end. A server that drips is no exception.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	short := func(c *Config) { c.Dial, c.Command, c.Accept = time.Second, 300*time.Millisecond, 300*time.Millisecond }
	drip := func(c *talk) bool {
		for range 1000 {
			if _, err := c.conn.Write([]byte("250-x\r\n")); err != nil {
				return false
			}
			time.Sleep(10 * time.Millisecond)
		}
		return false
	}
	flood := func(c *talk) bool {
		for {
			if _, err := c.conn.Write([]byte("250-" + strings.Repeat("x", 4000) + "\r\n")); err != nil {
				return false
			}
		}
	}
	for name, c := range map[string]struct {
		s    script
		step string
		kind error
	}{
		"greeting":   {script{"greeting": hang}, "greeting", bridges.ErrNotSent},
		"EHLO":       {script{"EHLO": hang}, "EHLO", bridges.ErrNotSent},
		"STARTTLS":   {script{"STARTTLS": hang}, "STARTTLS", bridges.ErrNotSent},
		"login":      {script{"AUTH": hang}, "login", bridges.ErrNotSent},
		"recipients": {script{"RCPT": hang}, "recipients", bridges.ErrNotSent},
		"DATA":       {script{"DATA": hang}, "DATA", bridges.ErrNotSent},
		"end":        {script{".": hang}, "acceptance", nil},
		"drip":       {script{"MAIL": drip}, "sender", bridges.ErrNotSent},
		"flood":      {script{"MAIL": flood}, "sender", bridges.ErrNotSent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			_, _, err := sendTo(t, c.s, short)
			failed(t, err, c.step, 0, c.kind)
			if d := time.Since(begun); d > 4*time.Second {
				t.Errorf("it took %s", d)
			}
		})
	}
	// A goodbye that does not come changes nothing.
	if _, _, err := sendTo(t, script{"QUIT": hang}, short); err != nil {
		t.Errorf("no goodbye: %v", err)
	}
}

// TestContextEnds: whoever waits is let go at once, before the end of the mail
// with the certainty that it was not sent, after it without.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	for what, kind := range map[string]error{"greeting": bridges.ErrNotSent, "STARTTLS": bridges.ErrNotSent, "RCPT": bridges.ErrNotSent, ".": nil} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := newFake(t, script{what: func(c *talk) bool { cancel(); return hang(c) }}.serve, "localhost")
			sender, err := NewSender(fakeConfig(f))
			if err != nil {
				t.Fatal(err)
			}
			l := build(t, plain(t), Protection{})
			_, err = sender.Send(ctx, l.From, l.To, l.Data)
			if !errors.Is(err, context.Canceled) || errors.Is(err, bridges.ErrNotSent) != (kind != nil) || errors.Is(err, bridges.ErrRefused) {
				t.Error(err)
			}
		})
	}
	f := newFake(t, script{}.serve, "localhost")
	sender, err := NewSender(fakeConfig(f))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := build(t, plain(t), Protection{})
	if _, err := sender.Send(ctx, l.From, l.To, l.Data); !errors.Is(err, context.Canceled) || !errors.Is(err, bridges.ErrNotSent) {
		t.Error(err)
	}
}

// TestNothingOfOursIsSentBroken: what is no mail, and who is no recipient, never
// gets to the network.
func TestNothingOfOursIsSentBroken(t *testing.T) {
	t.Parallel()
	sender, err := NewSender(Config{Server: closedPort(t), Security: StartTLS})
	if err != nil {
		t.Fatal(err)
	}
	good := string(build(t, plain(t), Protection{}).Data)
	erin := []string{"erin@example.org"}
	for name, c := range map[string]struct {
		from string
		to   []string
		data string
		step string
	}{
		"from with a command": {"a@example.org>\r\nRCPT TO:<dana@example.org", erin, good, "envelope"},
		"from with options":   {"a@example.org> SIZE=1", erin, good, "envelope"},
		"from with a name":    {"A <a@example.org>", erin, good, "envelope"},
		"no from":             {"", erin, good, "envelope"},
		"nobody":              {"a@example.org", nil, good, "envelope"},
		"to with a command":   {"a@example.org", []string{"b@example.org\r\nDATA"}, good, "envelope"},
		"bare LF":             {"a@example.org", erin, good + "x\n.\nMAIL\r\n", "content"},
		"bare CR":             {"a@example.org", erin, good + "x\r.\r\n", "content"},
		"8 bit":               {"a@example.org", erin, good + "ä\r\n", "content"},
		"not UTF-8":           {"a@example.org", erin, good + "\xff\r\n", "content"},
		"long line":           {"a@example.org", erin, good + strings.Repeat("x", 999) + "\r\n", "content"},
		"no end":              {"a@example.org", erin, good + "x", "content"},
		"no body":             {"a@example.org", erin, "Subject: x\r\n", "content"},
		"nothing":             {"a@example.org", erin, "", "content"},
	} {
		_, err := sender.Send(t.Context(), c.from, c.to, []byte(c.data))
		var f *Failure
		if !errors.As(err, &f) || f.Step != c.step || !errors.Is(err, bridges.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewSender(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"no port":          {Server: "mail.example.org", Security: StartTLS},
		"no host":          {Server: ":587", Security: StartTLS},
		"no security":      {Server: "mail.example.org:25"},
		"plain":            {Server: "mail.example.org:25", Security: "plain"},
		"half a login":     {Server: "mail.example.org:25", Security: StartTLS, User: "desk"},
		"password alone":   {Server: "mail.example.org:25", Security: StartTLS, Password: "hush"},
		"NUL in password":  {Server: "mail.example.org:25", Security: StartTLS, User: "desk", Password: "hush\x00"},
		"no such file":     {Server: "mail.example.org:25", Security: StartTLS, CAFile: "/nowhere"},
		"no certificate":   {Server: "mail.example.org:25", Security: StartTLS, CAFile: file(t, 0o644, []byte("hush"))},
		"name with a line": {Server: "mail.example.org:25", Security: StartTLS, Hello: "hush\r\nMAIL"},
	} {
		if _, err := NewSender(c); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := NewSender(Config{Server: "mail.example.org:587", Security: StartTLS})
	if err != nil || s.config.Accept != 10*time.Minute || s.tls.ServerName != "mail.example.org" || s.tls.InsecureSkipVerify {
		t.Errorf("%+v, %v", s, err)
	}
}
