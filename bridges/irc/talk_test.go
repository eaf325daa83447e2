package irc

import (
	"context"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/ircd"
)

func TestHearsSaysProves(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("desk")
	b := up(t, config(s, ch))
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	a.Privmsg(ch, "!next")
	m := b.in.heard(t, "!next")
	if m.From != (bridges.Account{Network: "rig", ID: "alice"}) || m.Room != b.room(ch) || m.ID == "" || m.Name != a.Nick {
		t.Errorf("heard %+v", m)
	}
	r := b.mustSay(t, ch, "Nothing to do.")
	if r.ID == "" {
		t.Error("no message id came back")
	}
	a.Expect(t, `PRIVMSG `+ch+` :Nothing to do\.$`, 5*time.Second)

	a.Privmsg(b.cfg.Nick, "hello")
	m = b.in.heard(t, "hello")
	if m.Room != (bridges.Room{Network: "rig", ID: "alice", Direct: true}) {
		t.Errorf("direct: %+v", m)
	}
	b.mustSay(t, "alice", "for you")
	a.Expect(t, `PRIVMSG `+a.Nick+` :for you$`, 5*time.Second)

	p, err := b.Prove(context.Background(), b.room(ch))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{
		"tls": true, "authenticated": true, "plain": true, "secret": false, "closed": false,
		"registered-only": false, "tls-only": false, "identified": true,
	}
	for _, c := range p.Checks {
		if ok, known := want[c.Name]; !known || ok != c.OK || c.Told == "" || (c.Mend == "") != c.OK {
			t.Errorf("check %+v", c)
		}
		delete(want, c.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing checks %v", want)
	}
	if len(p.Members) != 1 || p.Members[0].Account.ID != "alice" {
		t.Errorf("members %+v", p.Members)
	}
}

func TestProofFollowsModesAndPeople(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("proof")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b := up(t, config(s, ch))
	facts := func() map[string]bool {
		t.Helper()
		p, err := b.Prove(context.Background(), b.room(ch))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, c := range p.Checks {
			out[c.Name] = c.OK
		}
		return out
	}
	a.Send("MODE " + ch + " +sizR")
	a.Fence(t)
	for name, ok := range facts() {
		if !ok {
			t.Errorf("%s should be fine now", name)
		}
	}
	a.Send("MODE " + ch + " -szRi+k key")
	a.Fence(t)
	got := facts()
	if got["secret"] || got["tls-only"] || got["registered-only"] || !got["closed"] {
		t.Errorf("after the modes were removed: %v", got)
	}
	eve := s.Dial(t, s.Relaxed, nick("eve"), "")
	eve.Join(t, ch+" key")
	b.fence(t, a, ch)
	if facts()["identified"] {
		t.Error("somebody without an account was not noticed")
	}
	// What was proven for alice alone is not said while somebody else is there.
	_, err := b.Say(context.Background(), bridges.Outgoing{
		Room: b.room(ch), Text: "for alice", Readers: []bridges.Account{{Network: "rig", ID: "alice"}},
	})
	if !isNotSent(err) {
		t.Errorf("said to somebody who was not proven to read: %v", err)
	}
	eve.Send("PART " + ch)
	eve.Fence(t)
	b.fence(t, a, ch)
	if !facts()["identified"] {
		t.Error("everybody is identified again")
	}
	a.Send("PRIVMSG NickServ :LOGOUT")
	a.Expect(t, ` (901|900) |logged out`, 10*time.Second)
	carol := s.Dial(t, s.Relaxed, nick("carol"), "carol")
	carol.Join(t, ch+" key")
	b.fence(t, carol, ch)
	if facts()["identified"] {
		t.Error("a logout was not noticed")
	}
}

func TestExternal(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("ext")
	c := config(s, ch)
	c.SASL, c.Password = "external", ""
	c.CertFile, c.KeyFile = s.CertFiles("bot")
	b := up(t, c)
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b.fence(t, a, ch)
	b.mustSay(t, ch, "here")
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	c := config(s, channel("wrong"))
	c.Password = "not the password"
	b := run(t, c)
	b.in.event(t, bridges.Trouble, "refused our login", 1, 20*time.Second)
	if _, err := b.say("#x", "x"); !isNotSent(err) {
		t.Errorf("said: %v", err)
	}
	if b.in.count(bridges.Up, "") != 0 {
		t.Error("came up without being logged in")
	}
}

func TestCertificatesThatAreNotTrusted(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	for name, change := range map[string]func(*Config){
		"other authority": func(c *Config) { c.Server = s.Rogue },
		"other name":      func(c *Config) { c.Server = strings.Replace(s.Relaxed, "localhost", "127.0.0.2", 1) },
		"system's roots":  func(c *Config) { c.CAFile = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(s, channel("ca"))
			change(&c)
			b := run(t, c)
			if name == "other name" { // nothing listens there, or its certificate does not fit
				if _, err := b.say("#x", "x"); !isNotSent(err) {
					t.Errorf("said: %v", err)
				}
				return
			}
			b.in.event(t, bridges.Trouble, "certificate", 1, 10*time.Second)
		})
	}
}

func TestWhoSaidIt(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("who")
	b := up(t, config(s, ch))
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b.fence(t, a, ch)
	was := a.Nick
	a.Send("NICK " + nick("other"))
	a.Expect(t, ` NICK `, 5*time.Second)
	eve := s.Dial(t, s.Relaxed, was, "") // the nick that alice had a moment ago
	eve.Join(t, ch)
	eve.Privmsg(ch, "!spoofed nick")
	eve.Send("@account=alice;+account=alice PRIVMSG " + ch + " :!forged tag")
	eve.Privmsg(b.cfg.Nick, "!spoofed direct")
	eve.Send("NOTICE " + ch + " :!notice")
	eve.Fence(t)
	a.Privmsg(ch, "!renamed")
	if m := b.in.heard(t, "!renamed"); m.From.ID != "alice" {
		t.Errorf("renamed alice is %+v", m)
	}
	a.Send("NOTICE " + ch + " :!notice of alice")
	a.Send("PRIVMSG @" + ch + " :!to operators")
	a.Privmsg(ch, "\x01ACTION !acts\x01")
	a.Send("PRIVMSG NickServ :LOGOUT")
	a.Expect(t, ` 901 |logged out`, 10*time.Second)
	a.Privmsg(ch, "!after logout")
	a.Fence(t)
	carol := s.Dial(t, s.Relaxed, nick("carol"), "carol")
	carol.Join(t, ch)
	b.fence(t, carol, ch)
	for _, bad := range []string{"spoofed", "forged", "notice", "operators", "acts", "after logout"} {
		if strings.Contains(b.in.texts(), bad) {
			t.Errorf("heard what nobody may be taken to have said: %q", bad)
		}
	}
	if b.dropped.sum() == 0 {
		t.Error("nothing was counted")
	}
	a.Privmsg("NickServ", "IDENTIFY alice "+ircd.Password("alice"))
	a.Expect(t, ` 900 |identified`, 10*time.Second)
	a.Privmsg(ch, "!logged in again")
	if m := b.in.heard(t, "!logged in again"); m.From.ID != "alice" {
		t.Errorf("alice is %+v", m)
	}
}

func TestHistoryIsNotObeyed(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("hist")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	a.Send("MODE " + ch + " +H 20:1h")
	a.Privmsg(ch, "!old command")
	a.Fence(t)
	b := up(t, config(s, ch))
	b.fence(t, a, ch)
	if strings.Contains(b.in.texts(), "old command") {
		t.Error("an old command was obeyed")
	}
	if b.dropped.sum() == 0 {
		t.Error("the server replayed nothing, so this tests nothing")
	}
}

func TestDirectOnlyToTheAccount(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("dm")
	b := up(t, config(s, ch))
	d := s.Dial(t, s.Relaxed, nick("dana"), "dana")
	d.Privmsg(b.cfg.Nick, "psst") // no common channel: nobody tells us what becomes of that nick
	b.in.heard(t, "psst")
	b.mustSay(t, "dana", "first")
	d.Expect(t, `:first$`, 5*time.Second)
	was := d.Nick
	d.Send("NICK " + nick("gone"))
	d.Expect(t, ` NICK `, 5*time.Second)
	m := s.Dial(t, s.Relaxed, was, "mallory")
	if _, err := b.say("dana", "secret"); !isNotSent(err) {
		t.Errorf("said to a nick that changed hands: %v", err)
	}
	m.Fence(t)
	if got := m.Lines(`secret`); len(got) > 0 {
		t.Errorf("mallory got %v", got)
	}
	d.Join(t, ch) // now dana can be found again
	carol := s.Dial(t, s.Relaxed, nick("carol"), "carol")
	carol.Join(t, ch)
	b.fence(t, carol, ch)
	b.mustSay(t, "dana", "found you")
	d.Expect(t, `:found you$`, 5*time.Second)
	p, err := b.Prove(context.Background(), bridges.Room{Network: "rig", ID: "dana", Direct: true})
	if err != nil || len(p.Members) != 1 || p.Members[0].Account.ID != "dana" || len(p.Checks) != 4 || !p.Checks[1].OK || p.Checks[2].Name != "peer-tls" || !p.Checks[2].OK {
		t.Errorf("proof %+v, %v", p, err)
	}
	if _, err := b.say("nobody", "x"); !isNotSent(err) {
		t.Errorf("said to nobody: %v", err)
	}
}

func TestTones(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("tone")
	c := config(s, ch)
	c.Channels[0].Notice = true
	b := up(t, c)
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b.fence(t, a, ch)
	alice := bridges.Account{Network: "rig", ID: "alice"}
	dana := bridges.Account{Network: "rig", ID: "dana"}
	for _, one := range []struct {
		tone     bridges.Tone
		mentions []bridges.Account
		want     string
	}{
		{bridges.Answer, nil, `PRIVMSG ` + ch + ` :words$`},
		{bridges.Alert, []bridges.Account{alice, dana}, `PRIVMSG ` + ch + ` :` + a.Nick + `: words$`},
		{bridges.Routine, nil, `NOTICE ` + ch + ` :words$`},
		{bridges.Hint, []bridges.Account{alice}, `NOTICE ` + a.Nick + ` :words$`},
		{bridges.Hint, []bridges.Account{dana}, `PRIVMSG ` + ch + ` :words$`},
	} {
		if _, err := b.Say(context.Background(), bridges.Outgoing{Room: b.room(ch), Text: "words", Tone: one.tone, Mentions: one.mentions}); err != nil {
			t.Fatal(err)
		}
		a.Expect(t, one.want, 5*time.Second)
	}
}

func TestNobodyGetsAnAutomaticReply(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("ctcp")
	b := up(t, config(s, ch))
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	for _, word := range []string{"VERSION", "TIME", "FINGER", "SOURCE", "PING 1", "USERINFO", "CLIENTINFO", "DCC CHAT chat 1 1", "NONSENSE"} {
		a.Privmsg(b.cfg.Nick, "\x01"+word+"\x01")
		a.Privmsg(ch, "\x01"+word+"\x01")
	}
	b.fence(t, a, ch)
	b.mustSay(t, ch, "still here")
	a.Expect(t, `still here`, 5*time.Second)
	if got := a.Lines(`^(@\S+ )?:` + b.cfg.Nick + `!\S+ (NOTICE|PRIVMSG) ` + a.Nick); len(got) > 0 {
		t.Errorf("replied %q", got)
	}
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("evil")
	b := up(t, config(s, ch))
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b.mustSay(t, ch, "a\x00b\rQUIT :gone\x02bold\x0304red\u202Eback\u200Bx\u2028y\x01z\xffend")
	got := ircd.Text(a.Expect(t, `PRIVMSG `+ch+` :a`, 5*time.Second))
	if want := "a\uFFFDb QUIT :gone\uFFFDbold\uFFFD04red\uFFFDback\uFFFDx y\uFFFDz\uFFFDend"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	b.mustSay(t, ch, "!op mallory\n/quit")
	a.Expect(t, ` :> !op mallory$`, 5*time.Second)
	a.Expect(t, ` :> /quit$`, 5*time.Second)
	if _, err := b.say("#other", "x"); !isRefused(err) {
		t.Errorf("a channel that is not configured: %v", err)
	}
	two := bridges.Outgoing{Room: b.room(ch + ",#other"), Text: "x"}
	if _, err := b.Say(context.Background(), two); !isRefused(err) {
		t.Errorf("two targets: %v", err)
	}
	if _, err := b.say(ch, " \n\t\n"); !isRefused(err) {
		t.Errorf("nothing: %v", err)
	}
	b.mustSay(t, ch, "still here")
}

func TestLongText(t *testing.T) {
	t.Parallel()
	t.Run("channel with a short name", func(t *testing.T) { longText(t, channel("long")) })
	t.Run("channel with a long name", func(t *testing.T) { longText(t, channel(strings.Repeat("long", 13))) })
}

func longText(t *testing.T, ch string) {
	t.Parallel()
	s := sharedServer(t)
	b := up(t, config(s, ch))
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	url := "https://example.org/" + strings.Repeat("a-b/c=d;e~f|", 20)
	for _, text := range []string{
		strings.TrimSpace(strings.Repeat("eleven words ", 60)),
		strings.Repeat("\u6f0f\u6d1e", 100),
		strings.Repeat("see ", 50) + url + " please",
		strings.Repeat("x", 1200),
	} {
		b.mustSay(t, ch, text)
		b.mustSay(t, ch, "end")
		var said []string
		for {
			line := ircd.Text(a.Expect(t, `PRIVMSG `+ch, 5*time.Second))
			if line == "end" {
				break
			}
			said = append(said, line)
		}
		if msg := rejoin(text, said); msg != "" {
			t.Errorf("%s: %q", msg, said)
		}
		if strings.Contains(text, url) && !strings.Contains(strings.Join(said, "\n"), url) {
			t.Errorf("the address was cut: %q", said)
		}
	}
}
