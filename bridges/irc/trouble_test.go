package irc

import (
	"context"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/ircd"
)

func TestKick(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("kick")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	c := config(s, ch)
	c.Tuning.JoinMax = time.Minute // so that two kicks in a row are one trouble
	b := up(t, c)
	a.Send("KICK " + ch + " " + b.cfg.Nick + " :!do something\x02")
	e := b.in.event(t, bridges.Trouble, "kicked from "+ch, 1, 10*time.Second)
	if strings.Contains(e.Told, "do something") || !strings.Contains(e.Told, a.Nick) {
		t.Errorf("told %q", e.Told)
	}
	b.in.event(t, bridges.Up, "Back in "+ch, 1, 10*time.Second)
	b.fence(t, a, ch)
	b.mustSay(t, ch, "back")
	a.Send("KICK " + ch + " " + b.cfg.Nick)
	b.in.event(t, bridges.Down, "no longer in "+ch, 2, 10*time.Second)
	if _, err := b.say(ch, "x"); err != nil && !isNotSent(err) {
		t.Errorf("while out: %v", err)
	}
	b.in.event(t, bridges.Up, "Back in "+ch, 2, 10*time.Second)
	if n := b.in.count(bridges.Trouble, "kicked"); n != 1 {
		t.Errorf("the desk was told %d times", n)
	}
}

func TestChannelsThatDoNotLetUsIn(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	for name, one := range map[string]struct{ set, unset, told string }{
		"banned":      {"+b *!*@*", "-b *!*@*", "we are banned"},
		"full":        {"+l 1", "-l", "it is full"},
		"invite-only": {"+i", "-i", "invite-only"},
		"key":         {"+k sesame", "-k sesame", "its key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := channel("closed")
			a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
			a.Join(t, ch)
			a.Send("MODE " + ch + " " + one.set)
			a.Fence(t)
			b := up(t, config(s, ch))
			b.in.event(t, bridges.Trouble, one.told, 1, 10*time.Second)
			if _, err := b.say(ch, "x"); !isNotSent(err) {
				t.Errorf("said: %v", err)
			}
			if _, err := b.Prove(context.Background(), b.room(ch)); !isNotSent(err) {
				t.Errorf("proved: %v", err)
			}
			a.Send("MODE " + ch + " " + one.unset)
			b.in.event(t, bridges.Up, "Back in "+ch, 1, 10*time.Second)
			b.mustSay(t, ch, "in")
			if n := b.in.count(bridges.Trouble, "cannot get into"); n != 1 {
				t.Errorf("the desk was told %d times", n)
			}
		})
	}
	t.Run("key in the configuration", func(t *testing.T) {
		t.Parallel()
		ch := channel("keyed")
		a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
		a.Join(t, ch)
		a.Send("MODE " + ch + " +k sesame")
		a.Fence(t)
		c := config(s, ch)
		c.Channels[0].Key = "sesame"
		b := up(t, c)
		b.mustSay(t, ch, "in")
	})
}

func TestInvite(t *testing.T) {
	t.Parallel()
	s, ch, other := sharedServer(t), channel("invite"), channel("other")
	c := config(s, ch)
	c.InviteFrom = []string{"Alice"}
	c.Tuning.JoinBase, c.Tuning.JoinMax = time.Hour, time.Hour
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	m := s.Dial(t, s.Relaxed, nick("mallory"), "mallory")
	a.Join(t, ch)
	m.Join(t, other)
	m.Join(t, ch)
	a.Send("MODE " + ch + " +io " + m.Nick)
	a.Fence(t)
	b := up(t, c)
	b.in.event(t, bridges.Trouble, "invite-only", 1, 10*time.Second)
	m.Send("INVITE " + b.cfg.Nick + " " + other)
	m.Fence(t)
	m.Send("INVITE " + b.cfg.Nick + " " + ch)
	m.Privmsg(b.cfg.Nick, "come in")
	b.in.heard(t, "come in")
	b.mustSay(t, "mallory", "no") // had we sent a JOIN, it would have gone before this
	m.Send("NAMES " + ch)
	if line := m.Expect(t, ` 353 \S+ . `+ch, 5*time.Second); strings.Contains(line, b.cfg.Nick) {
		t.Error("followed an invitation by somebody who may not invite us")
	}
	a.Send("INVITE " + b.cfg.Nick + " " + ch)
	b.in.event(t, bridges.Up, "Back in "+ch, 1, 10*time.Second)
	m.Send("NAMES " + other)
	if line := m.Expect(t, ` 353 \S+ . `+other, 5*time.Second); strings.Contains(line, b.cfg.Nick) {
		t.Error("followed an invitation to a channel that is not configured")
	}
}

func TestPulledElsewhere(t *testing.T) {
	t.Parallel()
	s, ch, other := sharedServer(t), channel("home"), channel("away")
	b := up(t, config(s, ch))
	o := s.Dial(t, s.Relaxed, nick("oper"), "")
	o.Oper(t, s)
	o.Join(t, other)
	o.Send("SAJOIN " + b.cfg.Nick + " " + other)
	o.Expect(t, `:`+b.cfg.Nick+`!\S+ PART :?`+other, 10*time.Second)
}

func TestKill(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("kill")
	b := up(t, config(s, ch))
	o := s.Dial(t, s.Relaxed, nick("oper"), "")
	o.Oper(t, s)
	o.Send("KILL " + b.cfg.Nick + " :go away")
	b.in.event(t, bridges.Down, "was lost", 1, 10*time.Second)
	if _, err := b.say(ch, "x"); err != nil && !isNotSent(err) {
		t.Errorf("while down: %v", err)
	}
	b.in.event(t, bridges.Up, "Connected", 2, 15*time.Second)
	b.mustSay(t, ch, "back")
}

func TestEmptyChannelHasLostItsModes(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("empty")
	b := up(t, config(s, ch))
	if e := b.in.event(t, bridges.Trouble, "lost its modes", 1, 10*time.Second); e.Room != b.room(ch) {
		t.Errorf("told %+v", e)
	}
}

func TestNickIsTaken(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("nick")
	c := config(s, ch)
	squatter := s.Dial(t, s.Relaxed, c.Nick, "")
	b := up(t, c)
	b.in.event(t, bridges.Trouble, "is not ours", 1, 10*time.Second)
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b.fence(t, a, ch)
	b.mustSay(t, ch, "by another name")
	a.Expect(t, `:`+c.Nick+`\d\d!\S+ PRIVMSG `+ch, 5*time.Second)
	squatter.Send("NICK " + nick("moved"))
	a.Expect(t, `:`+c.Nick+`\d\d!\S+ NICK :?`+c.Nick+`$`, 10*time.Second)
	b.mustSay(t, ch, "myself again")
	a.Expect(t, `:`+c.Nick+`!\S+ PRIVMSG `+ch+` :myself again`, 5*time.Second)
	a.Privmsg(c.Nick, "direct to my old new nick")
	b.in.heard(t, "direct to my old new nick")
}

func TestNickOfOurAccountIsTakenBack(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot"}})
	c := config(s, "#desk")
	c.Nick = "bot" // grouped with the account, so services can give it back
	c.Tuning.NickRetry = time.Hour
	squatter := s.Dial(t, s.Relaxed, "bot", "")
	b := up(t, c)
	b.in.event(t, bridges.Trouble, "is not ours", 1, 10*time.Second)
	squatter.Expect(t, ` NICK :?Guest| KILL |^ERROR`, 15*time.Second)
	w := s.Dial(t, s.Relaxed, "watcher", "")
	w.Join(t, "#desk")
	b.mustSay(t, "#desk", "it is me")
	w.Expect(t, `:bot!\S+ PRIVMSG #desk :it is me`, 10*time.Second)
}

func TestNickIsHeldByServices(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("held")
	c := config(s, ch)
	o := s.Dial(t, s.Relaxed, nick("oper"), "")
	o.Oper(t, s)
	o.Join(t, ch)
	o.Send("QLINE " + c.Nick + " 1h :reserved") // the server answers 432, as it does for services
	o.Fence(t)
	b := up(t, c)
	b.mustSay(t, ch, "by another name")
	o.Expect(t, `:`+c.Nick+`\d\d!\S+ PRIVMSG `+ch, 5*time.Second)
	o.Send("QLINE " + c.Nick)
	o.Expect(t, `:`+c.Nick+`\d\d!\S+ NICK :?`+c.Nick+`$`, 10*time.Second)
}

func TestBannedFromTheServer(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot"}})
	c := config(s, "#desk")
	c.User = "tocsinuser"
	c.Tuning.Refused = time.Second
	o := s.Dial(t, s.Relaxed, "oper", "")
	o.Oper(t, s)
	b := up(t, c)
	o.Send("KLINE tocsinuser@* 1h :no bots, visit our page")
	e := b.in.event(t, bridges.Trouble, "has banned us", 1, 15*time.Second)
	if strings.Contains(e.Told, "page") {
		t.Errorf("told %q", e.Told)
	}
	o.Send("KLINE tocsinuser@*")
	b.in.event(t, bridges.Up, "Connected", 2, 30*time.Second)
}

func newServer(t *testing.T, o ircd.Options) *ircd.Server {
	t.Helper()
	return ircd.Start(t, o)
}
