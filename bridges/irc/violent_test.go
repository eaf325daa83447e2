package irc

import (
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/ircd"
)

func TestServicesDownAtStart(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot", "alice"}})
	s.StopServices()
	w := s.Dial(t, s.Relaxed, "watcher", "")
	w.Join(t, "#desk")
	b := run(t, config(s, "#desk"))
	b.in.event(t, bridges.Trouble, "does not let us log in", 1, 20*time.Second)
	if _, err := b.say("#desk", "x"); !isNotSent(err) {
		t.Errorf("said: %v", err)
	}
	if err := s.StartServices(); err != nil {
		t.Fatal(err)
	}
	b.in.event(t, bridges.Up, "Connected", 1, 30*time.Second)
	if got := w.Lines(` JOIN `); len(got) != 2 || !strings.Contains(got[1], " JOIN #desk bot ") {
		t.Errorf("joins seen: %q", got) // the watcher's own and one, with the account
	}
	a := s.Dial(t, s.Relaxed, "alice", "alice")
	a.Join(t, "#desk")
	b.fence(t, a, "#desk")

	// Later services go away: who is logged in stays so, and so do we.
	s.StopServices()
	w.Fence(t)
	b.fence(t, a, "#desk")
	b.mustSay(t, "#desk", "still here")
	if err := s.StartServices(); err != nil {
		t.Fatal(err)
	}
	if err := s.Register("bob"); err != nil { // they are linked again
		t.Fatal(err)
	}
	b.fence(t, a, "#desk")
	b.mustSay(t, "#desk", "and after that")
	if n := b.in.count(bridges.Down, ""); n != 0 {
		t.Errorf("went down %d times", n)
	}
}

func TestFrozenServer(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot", "alice"}})
	c := config(s, "#desk")
	c.Tuning.Idle, c.Tuning.Dead = 500*time.Millisecond, 1500*time.Millisecond
	c.Tuning.Handshake = time.Second
	b := up(t, c)
	s.Freeze()
	start := time.Now()
	b.in.event(t, bridges.Down, "was lost", 1, 10*time.Second)
	t.Logf("noticed after %s with Idle %s and Dead %s", time.Since(start).Round(time.Millisecond), c.Tuning.Idle, c.Tuning.Dead)
	if _, err := b.say("#desk", "x"); !isNotSent(err) {
		t.Errorf("said: %v", err)
	}
	s.Thaw()
	b.in.event(t, bridges.Up, "Connected", 2, 30*time.Second)
	b.mustSay(t, "#desk", "back")
}

func TestFrozenWhileWeWaitForAnEcho(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot"}})
	c := config(s, "#desk")
	c.Tuning.Echo = time.Second
	b := up(t, c)
	b.mustSay(t, "#desk", "fine")
	s.Freeze()
	_, err := b.say("#desk", "nobody knows")
	if err == nil || isNotSent(err) || isRefused(err) {
		t.Errorf("the outcome is unknown, and we got %v", err)
	}
	s.Thaw()
	b.in.event(t, bridges.Up, "Connected", 2, 30*time.Second)
}

func TestServerRestart(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot", "alice"}})
	b := up(t, config(s, "#desk", "#second"))
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	b.in.event(t, bridges.Down, "was lost", 1, 10*time.Second)
	b.in.event(t, bridges.Up, "Connected", 2, 60*time.Second)
	a := s.Dial(t, s.Relaxed, "alice", "alice")
	a.Join(t, "#desk")
	a.Join(t, "#second")
	b.fence(t, a, "#desk")
	b.fence(t, a, "#second")
	b.mustSay(t, "#second", "back")
}

func TestNetsplit(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot", "alice", "bob"}, Leaf: true})
	a := s.Dial(t, s.Relaxed, "alice", "alice")
	a.Join(t, "#desk")
	b := up(t, config(s, "#desk"))
	o := s.Dial(t, s.Leaf, "far", "")
	deadline := time.Now().Add(20 * time.Second)
	for len(o.Lines(` 364 .* leaf\.rig .*hub\.rig| 364 .* hub\.rig `)) == 0 { // the two have found each other
		if time.Now().After(deadline) {
			t.Fatal("the servers do not link")
		}
		o.Send("LINKS")
		o.Expect(t, ` 365 `, 5*time.Second)
	}
	far := s.Dial(t, s.Leaf, "bob", "bob")
	far.Join(t, "#desk")
	b.fence(t, far, "#desk")
	b.fence(t, a, "#desk")
	present := func() string {
		t.Helper()
		p, err := b.Prove(t.Context(), b.room("#desk"))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, m := range p.Members {
			ids = append(ids, m.Account.ID)
		}
		return strings.Join(ids, " ")
	}
	if got := present(); got != "alice bob" {
		t.Errorf("before: %q", got)
	}
	s.StopLeaf()
	a.Expect(t, `:bob!\S+ QUIT `, 20*time.Second)
	b.fence(t, a, "#desk")
	if got := present(); got != "alice" {
		t.Errorf("after the split: %q", got)
	}
	if err := s.StartLeaf(); err != nil {
		t.Fatal(err)
	}
	b.mustSay(t, "#desk", "unmoved")
}
