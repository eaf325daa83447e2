package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/irc"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/internal/chattest"
	"tocsin/internal/chattest/ircd"
)

// soon is how long a test waits for what has to come.
const soon = 20 * time.Second

// output is a writer that a test can read while the bot writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

const ircConfig = `
[project]
name = "Pillow"

[state]
file = "desk.db"

[[person]]
name = "alice"
zone = "Europe/Helsinki"
accounts = ["rig:alice"]

[[person]]
name = "bob"
zone = "Australia/Melbourne"
accounts = ["rig:bob"]

[[person]]
name = "carol"
zone = "America/New_York"
accounts = ["rig:carol"]

[[irc]]
name = "rig"
server = %q
ca_file = %q
nick = "tocsin"
account = "bot"
sasl = "plain"
password_file = "password"
profile = "inspircd"

[[irc.room]]
channel = "#desk"
desk = true

[[irc.room]]
channel = "#private"
desk = true
clearance = "full"
`

// ircDesk is the real bot, from its configuration, in the channels of a real
// server.
type ircDesk struct {
	t    *testing.T
	srv  *ircd.Server
	dir  string
	log  *output
	stop context.CancelFunc
	done chan int
}

func startDesk(t *testing.T, srv *ircd.Server) *ircDesk {
	t.Helper()
	d := &ircDesk{t: t, srv: srv, dir: t.TempDir(), log: &output{}}
	for name, text := range map[string]string{
		"config.toml": fmt.Sprintf(ircConfig, srv.Strict, srv.CA), "password": ircd.Password("bot") + "\n",
	} {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.start()
	t.Cleanup(func() { d.end() })
	return d
}

func (d *ircDesk) start() {
	ctx, stop := context.WithCancel(context.Background())
	d.stop, d.done = stop, make(chan int, 1)
	p := program{in: strings.NewReader(""), out: d.log, err: d.log, env: os.LookupEnv}
	go func() {
		d.done <- p.run(ctx, []string{"-config", filepath.Join(d.dir, "config.toml"), "-log", "debug"})
	}()
}

func (d *ircDesk) end() {
	if d.stop == nil {
		return
	}
	d.stop()
	select {
	case code := <-d.done:
		if code != exitOK {
			d.t.Errorf("the bot ended with %d:\n%s", code, d.log)
		}
	case <-time.After(soon):
		d.t.Errorf("the bot did not end:\n%s", d.log)
	}
	d.stop = nil
}

// person connects somebody and lets them into channels.
func (d *ircDesk) person(nick, account string, channels ...string) *ircd.Client {
	d.t.Helper()
	c := d.srv.Dial(d.t, d.srv.Relaxed, nick, account)
	for _, ch := range channels {
		c.Join(d.t, ch)
	}
	return c
}

// ready waits until the bot answers somebody.
func ready(t testing.TB, c *ircd.Client) {
	t.Helper()
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); {
		c.Privmsg("tocsin", "!ping")
		if _, err := c.Wait(`:tocsin!.* PRIVMSG \S+ :Here, `, 2*time.Second); err == nil {
			return
		}
	}
	t.Fatal("the bot does not answer")
}

// TestDeskOnIRC plays the main job on a real channel: people by their account,
// notices only, nothing for strangers, and all of it there after a restart.
func TestDeskOnIRC(t *testing.T) {
	srv := ircd.Start(t, ircd.Options{})
	alice := srv.Dial(t, srv.Relaxed, "alice", "alice")
	alice.Join(t, "#desk")
	d := startDesk(t, srv)
	ready(t, alice)
	bob := d.person("robert", "bob", "#desk") // the nick is not the name
	eve := d.person("carol", "", "#desk")     // carol's nick, without carol's account
	mallory := d.person("mallory", "mallory", "#desk")

	alice.Privmsg("#desk", "!incident open --severity high")
	alice.Expect(t, `:tocsin!.* PRIVMSG #desk :INC-1 "[a-z ]+" is open\. You are its lead`, soon)
	alice.Privmsg("#desk", "!incident open Heap overflow in the PSD decoder")
	alice.Expect(t, `:tocsin!.* NOTICE alice :This room hears notices only`, soon)
	bob.Privmsg("#desk", "!role take patch")
	bob.Expect(t, `:tocsin!.* PRIVMSG #desk :bob is now Patch Owner of INC-1`, soon)
	bob.Privmsg("#desk", "!approve AAAAA")
	bob.Expect(t, `NOTICE robert :An approval on this network alone does not count`, soon)
	bob.Privmsg("#desk", "!help severity")
	bob.Expect(t, `PRIVMSG #desk :\d+ lines: sent to you directly`, soon)
	bob.Expect(t, `PRIVMSG robert :!?> ?!severity set`, soon)

	// Nobody is who they say they are, only who the server says.
	eve.Privmsg("#desk", "!incident close fixed")
	eve.Send("@account=carol;+account=carol PRIVMSG #desk :!incident list")
	eve.Privmsg("tocsin", "!whoami")
	mallory.Privmsg("#desk", "!incident list")
	mallory.Privmsg("tocsin", "\x01VERSION\x01")
	for _, c := range []*ircd.Client{eve, mallory} {
		c.Fence(t)
	}
	bob.Privmsg("#desk", "!whoami")
	bob.Expect(t, `You are bob, by the rig account bob`, soon)
	if got := append(eve.Lines(`:tocsin!\S+ (PRIVMSG|NOTICE) carol `), mallory.Lines(`:tocsin!\S+ (PRIVMSG|NOTICE) mallory `)...); len(got) > 0 {
		t.Errorf("strangers were answered: %q", got)
	}
	if got := alice.Lines(`:tocsin!.*(Heap|PSD)`); len(got) > 0 {
		t.Errorf("the bot repeated what the room may not hear: %q", got)
	}
	if strings.Contains(d.log.String(), "PSD") || strings.Contains(d.log.String(), ircd.Password("bot")) {
		t.Error("the log holds what nobody may read there")
	}

	d.end()
	d.start()
	ready(t, alice)
	alice.Privmsg("#desk", "!incident list")
	alice.Expect(t, `INC-1 "[a-z ]+": High, reported, led by alice`, soon)
}

// TestFullOnIRC: a channel hears everything only while it is proven private, and
// from the moment that it is not, notices.
func TestFullOnIRC(t *testing.T) {
	srv := ircd.Start(t, ircd.Options{})
	alice := srv.Dial(t, srv.Relaxed, "alice", "alice")
	alice.Join(t, "#private")
	alice.Send("MODE #private +sikRz sesame")
	alice.Send("MODE #private +I bot!*@*")
	alice.Send("MODE #private +I tocsin!*@*")
	alice.Fence(t)
	d := startDesk(t, srv)
	alice.Expect(t, `:tocsin!\S+ JOIN #private`, soon)
	alice.Privmsg("#private", "!incident open Heap overflow in the PSD decoder")
	alice.Expect(t, `PRIVMSG #private :INC-1 "[a-z ]+" is open: Heap overflow in the PSD decoder`, soon)

	// The paragraphs of a letter stay apart.
	alice.Privmsg("#private", "!draft update")
	alice.Expect(t, `PRIVMSG #private :To change it: `, soon)
	alice.Expect(t, `PRIVMSG #private :\x{00a0}$`, soon)
	alice.Expect(t, `PRIVMSG #private :--------$`, soon)

	// A stranger with an account is let in: from that instant, notices.
	mallory := srv.Dial(t, srv.Relaxed, "mallory", "mallory")
	alice.Send("INVITE mallory #private")
	mallory.Expect(t, ` INVITE mallory `, soon)
	mallory.Join(t, "#private sesame")
	alice.Privmsg("#private", "!incident show")
	alice.Expect(t, `PRIVMSG #private :.*This room hears notices only|PRIVMSG #private :INC-1 "[a-z ]+": no level yet, reported, led by alice$`, soon)
	alice.Expect(t, `PRIVMSG #private :The room rig #private hears notices only from now on: mallory is not on the roster`, soon)
	alice.Privmsg("#private", "!incident note the write is in read_psd")
	alice.Expect(t, `NOTICE alice :This room hears notices only`, soon)
	if got := mallory.Lines(`Heap|PSD decoder`); len(got) > 0 {
		t.Errorf("a stranger read %q", got)
	}

	alice.Send("KICK #private mallory :no")
	alice.Expect(t, ` KICK #private mallory`, soon)
	alice.Privmsg("#private", "!incident show")
	alice.Expect(t, `PRIVMSG #private :INC-1 "[a-z ]+": no level yet, reported, led by alice: Heap overflow`, soon)

	// Each mode that goes missing lowers it.
	for _, mode := range []string{"s", "R", "z"} {
		alice.Send("MODE #private -" + mode)
		alice.Fence(t)
		alice.Privmsg("#private", "!severity score CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
		alice.Expect(t, `NOTICE alice :This room hears notices only`, soon)
		alice.Send("MODE #private +" + mode)
		alice.Fence(t)
	}
	if strings.Contains(d.log.String(), "PSD") {
		t.Error("the log holds sealed text")
	}
}

// onIRC is a bot on a real channel that a transcript can be played to.
type onIRC struct {
	*rehearsal
	clients map[string]*ircd.Client
}

// TestTranscriptsOnIRC plays the console's transcripts on a real, private
// channel: the same is said there, in lines as IRC has them.
func TestTranscriptsOnIRC(t *testing.T) {
	srv := ircd.Start(t, ircd.Options{})
	for _, name := range []string{"first-hour", "bad-input"} {
		t.Run(name, func(t *testing.T) {
			script, err := chattest.Read("testdata/" + name + ".chat")
			if err != nil {
				t.Fatal(err)
			}
			w := newOnIRC(t, srv, "#"+name)
			for _, e := range script.Exchanges() {
				w.play(t, "#"+name, e)
			}
		})
	}
}

func newOnIRC(t *testing.T, srv *ircd.Server, channel string) *onIRC {
	t.Helper()
	w := &onIRC{clients: map[string]*ircd.Client{}}
	for _, name := range []string{"alice", "bob", "carol", "dana"} {
		w.clients[name] = srv.Dial(t, srv.Relaxed, name, name)
		w.clients[name].Join(t, channel)
	}
	w.clients["alice"].Send("MODE " + channel + " +sRzk sesame")
	w.clients["alice"].Fence(t)

	c := startClock()
	p, err := rehearsalParts(filepath.Join(t.TempDir(), "t.db"), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	p.random = dull()
	full := incidents.Grant{Network: incidents.OnIRC, Asks: "full", Desk: true}
	p.grants = map[bridges.Room]incidents.Grant{{Network: "rig", ID: channel}: full}
	p.direct = map[string]incidents.Grant{"rig": {Network: incidents.OnIRC, Asks: "full"}}
	p.desks = []commands.Place{{Network: "rig", Room: channel}}
	people := p.roster.People()
	for i := range people {
		people[i].Accounts = []incidents.Account{{Network: "rig", ID: people[i].Name}}
	}
	b, err := irc.New(irc.Config{
		Name: "rig", Server: srv.Relaxed, CAFile: srv.CA, Nick: "tocsin", Account: "bot", SASL: "plain",
		Password: ircd.Password("bot"), Profile: "inspircd", Channels: []irc.Channel{{Name: channel, Key: "sesame"}},
		Tuning: irc.Tuning{Burst: 100, Interval: time.Millisecond}, // the server's relaxed port has no limits
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), p, b)
	if err != nil {
		t.Fatal(err)
	}
	w.rehearsal = &rehearsal{app: a, clock: c}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := a.store.Verify(context.Background()); err != nil {
			t.Error(err)
		}
		a.close()
		for _, c := range w.clients {
			c.Close()
		}
	})
	w.clients["alice"].Expect(t, `:tocsin\S* JOIN `+channel, soon)
	return w
}

// play says one line and compares what the bot said to it, wherever it said it:
// in the channel, to the person as a notice, or directly.
func (w *onIRC) play(t *testing.T, channel string, e chattest.Exchange) {
	t.Helper()
	if e.Wait != "" {
		if err := w.wait(t.Context(), e.Wait); err != nil {
			t.Fatal(err)
		}
		return
	}
	c := w.clients[e.Who]
	mine := regexp.MustCompile(`:tocsin!\S+ (PRIVMSG|NOTICE) (\S+) `)
	seen := len(c.Lines(mine.String()))
	c.Privmsg(channel, e.Text)
	// The fence: lines are obeyed in order, so when this one is answered the one
	// before it was obeyed, and its answer is out when nothing waits any more.
	fence := w.clients["carol"]
	if e.Who == "carol" {
		fence = w.clients["dana"]
	}
	fence.Privmsg("tocsin", "!help ping")
	fence.Expect(t, `:tocsin!\S+ PRIVMSG `+fence.Nick+` :see that the bot is there`, soon)
	w.settled(t)
	c.Fence(t)
	var got []string
	for _, line := range c.Lines(mine.String())[seen:] {
		text := strings.TrimPrefix(ircd.Text(line), "... ")
		if !strings.HasSuffix(text, "sent to you directly.") {
			got = append(got, strings.TrimPrefix(text, "> "))
		}
	}
	said := chattest.Plain(strings.Join(got, " "))
	want := strings.ReplaceAll(e.Want, "console account", "rig account")
	if said != want {
		t.Errorf("<%s> %s\n  got  %q\n  want %q", e.Who, e.Text, said, want)
	}
}

// settled waits until nothing waits to be said.
func (w *onIRC) settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var next time.Time
		err := w.store.Update(t.Context(), func(tx *store.Tx) (err error) {
			next, err = tx.NextDue("rig", nil)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if next.IsZero() {
			return
		}
	}
	t.Fatal("something still waits to be said")
}
