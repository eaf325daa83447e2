package irc

import (
	"encoding/base64"
	"net"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
)

func TestMockIsOrdinary(t *testing.T) {
	t.Parallel()
	m := newMock(t, allCaps, nil)
	b := up(t, m.config())
	b.mustSay(t, "#desk", "hello")
	p, err := b.Prove(t.Context(), b.room("#desk"))
	if err != nil || len(p.Members) != 1 {
		t.Errorf("%+v %v", p, err)
	}
}

func TestNeverWithoutLogin(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		caps string
		on   func(c *mockConn, line string) bool
	}{
		"CAP REQ refused": {allCaps, func(c *mockConn, line string) bool {
			if list, ok := strings.CutPrefix(line, "CAP REQ "); ok {
				c.send(":mock CAP * NAK %s", list)
				return true
			}
			return false
		}},
		"SASL ignored": {allCaps, func(c *mockConn, line string) bool {
			if strings.HasPrefix(line, "AUTHENTICATE") {
				c.send(":mock 001 %s :hello", c.nick)
				c.send(":mock 422 %s :no motd", c.nick)
				return true
			}
			return false
		}},
		"other account": {allCaps, func(c *mockConn, line string) bool {
			if strings.HasPrefix(line, "AUTHENTICATE") && c.asked {
				c.send(":mock 900 %s %s!u@h somebody :you are somebody", c.nick, c.nick)
				c.send(":mock 903 %s :fine", c.nick)
				return true
			}
			return false
		}},
		"no CAP at all": {allCaps, func(c *mockConn, line string) bool {
			if strings.HasPrefix(line, "USER") {
				c.send(":mock 001 %s :hello", c.nick)
				c.send(":mock 422 %s :no motd", c.nick)
			}
			return strings.HasPrefix(line, "CAP")
		}},
		"no sasl":             {strings.Replace(allCaps, "sasl=PLAIN,EXTERNAL ", "", 1), nil},
		"no fitting sasl":     {strings.Replace(allCaps, "PLAIN,", "", 1), nil},
		"no account-tag":      {strings.Replace(allCaps, "account-tag ", "", 1), nil},
		"no message-tags":     {strings.Replace(allCaps, "message-tags ", "", 1), nil},
		"login never answers": {allCaps, func(_ *mockConn, line string) bool { return strings.HasPrefix(line, "AUTHENTICATE") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			joined := make(chan struct{}, 100)
			m := newMock(t, one.caps, func(c *mockConn, line string) bool {
				if strings.HasPrefix(line, "JOIN") || strings.Contains(line, "PRIVMSG") {
					joined <- struct{}{}
				}
				return one.on != nil && one.on(c, line)
			})
			b := run(t, m.config())
			m.visits(3) // it has given up twice
			if len(joined) > 0 || b.in.count(bridges.Up, "") > 0 {
				t.Error("went on without being logged in")
			}
		})
	}
}

func TestLogoutEndsTheConnection(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"ACCOUNT": ":%s!u@h ACCOUNT *",
		"901":     ":mock 901 %s x!u@h :you are logged out",
		"CAP DEL": ":mock CAP %s DEL :account-tag",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, allCaps, func(c *mockConn, got string) bool {
				if strings.HasSuffix(got, ":now") {
					c.send(line, c.nick)
					c.send("@account=alice :alice!u@h PRIVMSG #desk :!command")
					return true
				}
				return false
			})
			c := m.config()
			c.Tuning.Echo = time.Hour // so that nothing else ends it
			b := up(t, c)
			if _, err := b.say("#desk", "now"); err == nil {
				t.Error("said without being logged in")
			}
			b.in.event(t, bridges.Down, "was lost", 1, 10*time.Second)
			b.in.event(t, bridges.Up, "Connected", 2, 10*time.Second)
			if strings.Contains(b.in.texts(), "command") {
				t.Error("obeyed on a connection that is not trusted")
			}
		})
	}
}

func TestLongPassword(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 292, 293, 600} {
		m := newMock(t, allCaps, nil)
		c := m.config()
		c.Password = strings.Repeat("p", n)
		up(t, c)
		m.mu.Lock()
		got, err := base64.StdEncoding.DecodeString(m.conns[0].secret)
		m.mu.Unlock()
		if want := "bot\x00bot\x00" + c.Password; err != nil || string(got) != want {
			t.Errorf("password of %d bytes: got %d, want %d, %v", n, len(got), len(want), err)
		}
	}
}

func TestWithoutLabels(t *testing.T) {
	t.Parallel()
	m := newMock(t, "sasl=PLAIN message-tags account-tag server-time", func(c *mockConn, line string) bool {
		if strings.HasPrefix(line, "@label") {
			t.Errorf("a label that was not agreed on: %q", line)
		}
		if strings.HasSuffix(line, ":refuse me") {
			c.send(":mock 404 %s #desk :no", c.nick)
			return true
		}
		return false
	})
	b := up(t, m.config())
	b.mustSay(t, "#desk", "one\ntwo\nthree")
	if _, err := b.say("#desk", "refuse me"); !isNotSent(err) { // muted: it stays to be said
		t.Errorf("refused: %v", err)
	}
	b.mustSay(t, "#desk", "fine again")
	if _, err := b.Prove(t.Context(), b.room("#desk")); err != nil {
		t.Error(err)
	}
	b.mustSay(t, "alice", "direct")
}

func TestWithoutWhox(t *testing.T) {
	t.Parallel()
	m := newMock(t, "sasl=PLAIN message-tags account-tag server-time account-notify extended-join nowhox", func(_ *mockConn, line string) bool {
		if strings.Contains(line, "WHO ") {
			t.Errorf("asked for what is not there: %q", line)
		}
		return false
	})
	b := up(t, m.config())
	b.mustSay(t, "alice", "direct")
	p, err := b.Prove(t.Context(), bridges.Room{Network: "rig", ID: "alice", Direct: true})
	if err != nil || len(p.Members) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRefusedAndUnknown(t *testing.T) {
	t.Parallel()
	m := newMock(t, allCaps, func(c *mockConn, line string) bool {
		label, _, _ := strings.Cut(line, " ")
		switch {
		case strings.HasSuffix(line, ":refuse me"):
			c.send("%s :mock 404 %s #desk :no", label, c.nick)
		case strings.HasSuffix(line, ":lose me"):
			_ = c.Close()
		case strings.HasSuffix(line, ":in a batch"):
			c.send("%s :mock BATCH +1 labeled-response", label)
			c.send("@batch=1 :mock 301 %s alice :is away", c.nick)
			c.send("@batch=1;msgid=m1 :%s!u@h PRIVMSG #desk :in a batch", c.nick)
			c.send(":mock BATCH -1")
		default:
			return false
		}
		return true
	})
	b := up(t, m.config())
	out := func(text string) bridges.Outgoing {
		return bridges.Outgoing{Key: text, Room: b.room("#desk"), Text: text}
	}
	for text, want := range map[string]error{"refuse me": bridges.ErrNotSent, "in a batch": nil, "part one\nrefuse me": errAny} {
		r, err := b.Say(t.Context(), out(text))
		if want == errAny {
			if err == nil || isRefused(err) || isNotSent(err) {
				t.Errorf("%q: %v", text, err)
			}
			_, err = b.Find(t.Context(), out(text))
			if !isCantSay(err) {
				t.Errorf("find %q: %v", text, err)
			}
			continue
		}
		if want == nil && (err != nil || r.ID != "m1") || want != nil && !isNotSent(err) {
			t.Errorf("%q: %+v %v", text, r, err)
		}
		found, err := b.Find(t.Context(), out(text))
		if want == nil && (err != nil || found != r) || want != nil && !isNoTrace(err) {
			t.Errorf("find %q: %+v %v", text, found, err)
		}
	}
	_, err := b.Say(t.Context(), out("lose me"))
	if err == nil || isNotSent(err) || isRefused(err) {
		t.Errorf("the outcome is unknown, and we got %v", err)
	}
	if _, err := b.Find(t.Context(), out("lose me")); !isCantSay(err) {
		t.Errorf("find: %v", err)
	}
	if _, err := b.Find(t.Context(), out("never said")); !isCantSay(err) {
		t.Errorf("find: %v", err)
	}
	b.in.event(t, bridges.Up, "Connected", 2, 10*time.Second)
}

func TestOddLinesDoNoHarm(t *testing.T) {
	t.Parallel()
	m := newMock(t, allCaps, func(c *mockConn, line string) bool {
		if strings.HasSuffix(line, ":odd") {
			for _, odd := range []string{
				"", " ", ":", "@", "@ ", "@a=b", "@a=b :", ":x", ": ", "PRIVMSG", ":a!b@c PRIVMSG", ":a!b@c PRIVMSG #desk",
				"PRIVMSG #desk :\x01VERSION\x01", "@account=alice PRIVMSG #desk :!no source", ":mock MODE", ":mock 353", ":mock 354 a", ":mock 366",
				":mock 900", ":mock 001x", ":a!b@c KICK", ":a!b@c KICK #desk", ":a!b@c NICK", ":a!b@c JOIN", ":a!b@c INVITE x", "BATCH", "BATCH +",
				":mock 404", ":a!b@c ACCOUNT", ":a!b@c QUIT", "CAP", "CAP * DEL", "CAP * LS :sasl", "CAP * NEW :sts=port=1", "TAGMSG", "PONG", "PING",
			} {
				c.send("%s", odd)
			}
		}
		return false
	})
	b := up(t, m.config())
	b.mustSay(t, "#desk", "odd")
	b.mustSay(t, "#desk", "still here")
	if n := b.in.count(bridges.Down, ""); n != 0 || strings.Contains(b.in.texts(), "no source") {
		t.Errorf("lost %d connections, heard %q", n, b.in.texts())
	}
}

func TestMessagesThatAreNotFromNow(t *testing.T) {
	t.Parallel()
	m := newMock(t, allCaps, func(c *mockConn, line string) bool {
		if strings.HasSuffix(line, ":go") {
			now := time.Now().UTC()
			stamp := func(d time.Duration) string { return now.Add(d).Format("2006-01-02T15:04:05.000Z") }
			c.send("@account=alice;time=%s :alice!u@h PRIVMSG #desk :!old", stamp(-2*time.Minute))
			c.send("@account=alice;time=%s :alice!u@h PRIVMSG #desk :!future", stamp(2*time.Minute))
			c.send("@account=alice;batch=b1 :alice!u@h PRIVMSG #desk :!batch")
			c.send("@account=alice;draft/relaymsg=op :bob/x!u@h PRIVMSG #desk :!relayed")
			c.send("@account= :alice!u@h PRIVMSG #desk :!empty")
			c.send("@account=alice :alice PRIVMSG #desk :!no host")
			c.send("@account=alice :alice!u@h PRIVMSG #elsewhere :!elsewhere")
			c.send("@account=alice :alice!u@h PRIVMSG somebody :!somebody")
			c.send("@account=Ali[ce;msgid=one;time=%s :alice!u@h PRIVMSG #DESK :!good", stamp(0))
			c.send("@account=alice;msgid=one :alice!u@h PRIVMSG #desk :!again")
			c.send("@account=alice :alice!u@h PRIVMSG #desk :!done")
		}
		return false
	})
	b := up(t, m.config())
	b.mustSay(t, "#desk", "go")
	b.in.heard(t, "!done")
	if got := b.in.texts(); got != "!good\n!done" {
		t.Errorf("heard %q", got)
	}
	if m := b.in.heard(t, "!good"); m.From.ID != "ali[ce" || m.ID != "one" || m.Room.ID != "#desk" {
		t.Errorf("heard %+v", m)
	}
}

func TestKickByAnyNickDoesNotSilenceUs(t *testing.T) {
	t.Parallel()
	m := newMock(t, allCaps, func(c *mockConn, line string) bool {
		if strings.HasSuffix(line, ":kick me") {
			c.send(":\u00e9milie!u@h JOIN #desk emilie :x")
			c.send(":\u00c9MILIE!u@h JOIN #desk emilie2 :x")
			c.send(":\u00e9milie!u@h KICK #desk %s :x", c.nick)
		}
		return false
	})
	b := up(t, m.config())
	b.mustSay(t, "#desk", "kick me")
	b.in.event(t, bridges.Up, "Back in #desk", 1, 10*time.Second)
	b.mustSay(t, "#desk", "not silent")
	p, err := b.Prove(t.Context(), b.room("#desk"))
	if err != nil || len(p.Members) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	m := newMock(t, allCaps, func(*mockConn, string) bool { return true })
	c := m.config()
	c.Tuning.Register = 300 * time.Millisecond
	b := run(t, c)
	m.visits(3)
	if _, err := b.say("#desk", "x"); !isNotSent(err) {
		t.Errorf("said: %v", err)
	}
}

func TestPortThatIsNotTLS(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan int, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 3)
			n, _ := c.Read(b)
			if n > 0 && b[0] == 0x16 { // a TLS handshake
				n = 0
			}
			got <- n
			defer c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	m := newMock(t, allCaps, nil)
	c := m.config()
	c.Server, c.Tuning.Handshake = "localhost:"+port, 200*time.Millisecond
	run(t, c)
	for range 2 { // it gives up in time, and tries again
		select {
		case n := <-got:
			if n != 0 {
				t.Error("something was said in the clear")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it waits for ever")
		}
	}
}

func TestBudgetFollowsOurPrefix(t *testing.T) {
	t.Parallel()
	host, name := strings.Repeat("long.", 36)+"example", "#"+strings.Repeat("d", 60)
	m := newMock(t, allCaps, func(c *mockConn, line string) bool {
		if strings.HasSuffix(line, ":go") {
			c.send(":%s!u@h CHGHOST user %s", c.nick, host)
		}
		if _, said, ok := strings.Cut(line, "PRIVMSG "); ok {
			if n := len(":" + c.nick + "!user@" + host + " PRIVMSG " + said + "\r\n"); n > 512 {
				t.Errorf("a line of %d bytes", n)
			}
		}
		return false
	})
	c := m.config()
	c.Channels[0].Name = name
	b := up(t, c)
	b.mustSay(t, name, "go")
	b.mustSay(t, name, strings.Repeat("word ", 300))
}
