package irc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
)

// TestModesThatHideReaders: a mode that hides who is there, or repeats to others
// later what was said, is found, and so is one that nobody here knows.
func TestModesThatHideReaders(t *testing.T) {
	s := sharedServer(t)
	ch := channel("plain")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b := up(t, config(s, ch))
	plain := func() bool {
		p, err := b.Prove(t.Context(), b.room(ch))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Checks {
			if c.Name == "plain" {
				return c.OK
			}
		}
		t.Fatal("no such check")
		return false
	}
	if !plain() {
		t.Error("an ordinary channel is not plain")
	}
	a.Send("MODE " + ch + " +H 50:1d")
	a.Fence(t)
	if plain() {
		t.Error("a channel that repeats what was said is plain")
	}
	a.Send("MODE " + ch + " -H")
	a.Fence(t)
	if !plain() {
		t.Error("it stays other than plain")
	}
}

// TestNickSwapInTheMiddle: a long direct message stops when the nick it goes to
// is somebody else's.
func TestNickSwapInTheMiddle(t *testing.T) {
	s := sharedServer(t)
	c := config(s, channel("swap"))
	c.Tuning.Burst, c.Tuning.Interval, c.Tuning.Fresh = 1, 100*time.Millisecond, 200*time.Millisecond
	b := up(t, c)
	name := nick("bob")
	bob := s.Dial(t, s.Relaxed, name, "bob") // in no channel of ours: we do not see the nick change
	bob.Privmsg(b.cfg.Nick, "hello")
	b.in.heard(t, "hello")
	done := make(chan error, 1)
	go func() {
		_, err := b.say("bob", strings.TrimSpace(strings.Repeat("a line of it\n", 40)))
		done <- err
	}()
	bob.Expect(t, `PRIVMSG `+name+` :a line of it`, 5*time.Second)
	bob.Send("NICK " + nick("gone"))
	bob.Fence(t)
	mallory := s.Dial(t, s.Relaxed, name, "mallory")
	if err := <-done; err == nil {
		t.Error("said in full, to whom?")
	}
	mallory.Fence(t)
	if got := len(mallory.Lines(`PRIVMSG ` + name + ` :a line`)); got > 4 {
		t.Errorf("the thief of the nick got %d lines", got)
	}
}

// TestAFloodKeepsNobodyFromBeingHeard: accounts take turns, and one that sends
// too much loses its own lines only.
func TestAFloodKeepsNobodyFromBeingHeard(t *testing.T) {
	q := newInbox()
	line := func(who string, n int) bridges.Message {
		return bridges.Message{From: bridges.Account{ID: who}, Text: fmt.Sprintf("%s %d", who, n)}
	}
	taken := 0
	for n := range 3000 {
		if q.message(line("bob", n)) {
			taken++
		}
	}
	if taken != perAccount {
		t.Errorf("%d lines of one account wait", taken)
	}
	for n := range 2 {
		if !q.message(line("alice", n)) {
			t.Error("alice is not heard")
		}
	}
	var got []string
	for range 4 {
		one, _ := q.next()
		got = append(got, one.message.Text)
	}
	if strings.Join(got, ", ") != "bob 0, alice 0, bob 1, alice 1" {
		t.Errorf("heard %q", got)
	}
}

// TestOnlySpeakersAreHandedOn: who is not on the roster takes no place in the
// queue.
func TestOnlySpeakersAreHandedOn(t *testing.T) {
	s := sharedServer(t)
	ch := channel("speakers")
	c := config(s, ch)
	c.Speakers = []string{"Alice"}
	b := up(t, c)
	mallory := s.Dial(t, s.Relaxed, nick("mallory"), "mallory")
	mallory.Join(t, ch)
	alice := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	alice.Join(t, ch)
	mallory.Privmsg(ch, "!me")
	mallory.Fence(t)
	alice.Privmsg(ch, "!her")
	b.in.heard(t, "!her")
	if got := b.in.texts(); got != "!her" {
		t.Errorf("heard %q", got)
	}
}
