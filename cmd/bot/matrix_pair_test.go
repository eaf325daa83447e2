package main

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/ircd"
	"tocsin/internal/chattest/matrixclient"
)

// pairIRC is the IRC side of the usual pair: a channel that hears notices.
const pairIRC = `
[[irc]]
name = "net"
server = %q
ca_file = %q
nick = "tocsin"
account = "bot"
sasl = "plain"
password_file = "irc-password"
profile = "inspircd"

[[irc.room]]
channel = "#desk"
desk = true
`

// newPair starts the bot with a Matrix desk that hears everything and an IRC
// channel that hears notices.
func newPair(t *testing.T, hs *dendrite.Server, irc *ircd.Server, desk string) *matrixDesk {
	t.Helper()
	return newPairWith(t, hs, irc, desk, "", nil)
}

// newPairWith is newPair with more in the configuration, and with files beside it.
func newPairWith(t *testing.T, hs *dendrite.Server, irc *ircd.Server, desk, more string, files map[string]string) *matrixDesk {
	t.Helper()
	d := &matrixDesk{t: t, srv: hs, dir: t.TempDir(), desk: desk, log: &output{}}
	people := matrixPeople
	for _, name := range []string{"alice", "bob", "carol"} {
		one := fmt.Sprintf("%q", "rig:@"+name+":hs.test")
		people = strings.Replace(people, one, one+fmt.Sprintf(", %q", "net:"+name), 1)
	}
	d.write("config.toml", people+fmt.Sprintf(matrixNet, hs.URL())+fmt.Sprintf(matrixRoom, desk)+fmt.Sprintf(pairIRC, irc.Strict, irc.CA)+more)
	d.write("password", botPassword+"\n")
	d.write("irc-password", ircd.Password("bot")+"\n")
	for name, text := range files {
		d.write(name, text)
	}
	d.login()
	d.start()
	t.Cleanup(d.end)
	return d
}

// TestMatrixAndIRC plays one incident from both sides, on a real homeserver and a
// real IRC server: each hears what was done on the other, at its clearance.
func TestMatrixAndIRC(t *testing.T) {
	hs, irc := dendrite.Start(t, dendrite.Options{}), ircd.Start(t, ircd.Options{})
	alice, _, carol, desk := team(t, hs)
	bob := irc.Dial(t, irc.Relaxed, "robert", "bob")
	bob.Join(t, "#desk")
	d := newPair(t, hs, irc, desk)
	alice.WaitMember(desk, botID, "join")
	ready(t, bob)
	channel := func(line string) { t.Helper(); bob.Expect(t, `:tocsin!\S+ PRIVMSG #desk :`+line, soon) }

	wants(t, says(alice, desk, "!incident open Heap overflow in the PSD decoder"), "INC-1", "Heap overflow in the PSD decoder")
	channel(`INC-1 "[a-z ]+": alice opened the incident`)
	bob.Privmsg("#desk", "!incident show")
	channel(`INC-1 "[a-z ]+": no level yet, reported, led by alice$`)

	bob.Privmsg("#desk", "!role take patch")
	channel(`bob is now Patch Owner of INC-1`)
	announced := alice.WaitText(desk, "Patch Owner")
	wants(t, announced, "INC-1", "bob")
	if announced.ReplyTo != "" || len(announced.Mentions) != 0 {
		t.Errorf("the announcement answers %q and calls %q", announced.ReplyTo, announced.Mentions)
	}
	bob.Privmsg("#desk", "!severity set high")
	channel(`INC-1 "[a-z ]+" is High`)
	wants(t, alice.WaitText(desk, "set the level to High"), "INC-1", "bob")

	// What is sealed stays on the one side, and is not taken from the other.
	wants(t, says(carol, desk, "!incident note the write is in read_psd"), "Noted")
	bob.Privmsg("#desk", "!incident note the loop is in read_psd too")
	bob.Expect(t, `NOTICE robert :This room hears notices only`, soon)
	bob.Privmsg("#desk", "!timeline")
	channel(`\d{4}-\d\d-\d\d .* carol added a note$`)
	timeline := says(alice, desk, "!timeline")
	wants(t, timeline, "the write is in read_psd")
	if strings.Contains(timeline.Text, "the loop") {
		t.Errorf("the record holds what was said in a room of notices: %q", timeline.Text)
	}

	// One network is away: the other goes on, and the first hears of it later.
	hs.Kill(t)
	bob.Privmsg("#desk", "!severity set critical")
	channel(`INC-1 "[a-z ]+" is Critical`)
	hs.Restart(t)
	wants(t, alice.WaitText(desk, "set the level to Critical"), "bob")
	own := onlyInvite(t, alice, botID) // critical ones get a room by the configuration
	alice.Join(own)
	pinned(alice, own, "Level: Critical")
	bob.Privmsg("#desk", "!ping")
	channel(`Here`)

	// From the incident's own room to the channel.
	wants(t, says(alice, own, "!incident close fixed the loop ends at the image's end"), "is closed")
	channel(`INC-1 "[a-z ]+": alice closed`)
	carol.WaitText(desk, "closed")

	d.end()
	lines := bob.Lines(`:tocsin!\S+ (PRIVMSG|NOTICE) `)
	if len(lines) < 10 {
		t.Errorf("IRC heard %q", lines)
	}
	for _, word := range []string{"Heap", "PSD", "psd", "image's"} {
		for _, line := range lines {
			if strings.Contains(line, word) {
				t.Errorf("IRC hears %q", line)
			}
		}
		if strings.Contains(d.log.String(), word) {
			t.Errorf("the log holds %q:\n%s", word, d.log)
		}
	}
	unread(t, alice, carol)
}

// unread checks that these people could read everything.
func unread(t *testing.T, people ...*matrixclient.Person) {
	t.Helper()
	for _, p := range people {
		for _, h := range p.All() {
			if h.Undecryptable {
				t.Errorf("%s cannot read %s of %s: %s", p.UserID(), h.ID, h.Sender, h.Why)
			}
		}
	}
}
