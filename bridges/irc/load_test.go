package irc

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/ircd"
)

// strict is a bot with the real pace on a port with a real server's limits.
func strict(s *ircd.Server, channels ...string) Config {
	c := config(s, channels...)
	c.Server = s.Strict
	c.Tuning.Interval, c.Tuning.Burst = 0, 0
	return c
}

func TestLinesAtOnce(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("pace")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	b := up(t, strict(s, ch))
	b.fence(t, a, ch)
	idle := time.NewTimer(7 * time.Second) // "from idle": the pace allows a burst again
	for _, n := range []int{5, 12} {
		<-idle.C
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprintf("n%d line %d %s", n, i, strings.Repeat("x", 130)))
		}
		start := time.Now()
		b.mustSay(t, ch, strings.Join(lines, "\n"))
		for _, line := range lines {
			a.Expect(t, ` :`+line+`$`, 10*time.Second)
		}
		at := a.Times(fmt.Sprintf(` :n%d line `, n))
		took := at[len(at)-1].Sub(start)
		t.Logf("%d lines of 140 bytes: first after %s, last after %s", n, at[0].Sub(start).Round(time.Millisecond), took.Round(time.Millisecond))
		if n == 12 && took > 9*time.Second {
			t.Errorf("12 lines took %s", took)
		}
		idle.Reset(6 * time.Second)
	}
}

func TestHundredCommands(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("hundred")
	people := []string{"alice", "bob", "carol", "dana", "mallory"}
	var all []*ircd.Client
	for _, p := range people {
		c := s.Dial(t, s.Relaxed, nick(p), p)
		c.Join(t, ch)
		all = append(all, c)
	}
	b := up(t, strict(s, ch))
	var answering sync.WaitGroup
	b.in.on = func(m bridges.Message) {
		answering.Go(func() {
			if _, err := b.Say(t.Context(), bridges.Outgoing{Room: m.Room, Text: "answer to " + m.Text}); err != nil {
				t.Errorf("answering %s: %v", m.Text, err)
			}
		})
	}
	start := time.Now()
	for i := range 20 {
		for k, c := range all {
			c.Privmsg(ch, fmt.Sprintf("!c%d-%d", k, i))
		}
	}
	b.in.until(t, "100 commands", 30*time.Second, func() bool { return len(b.in.messages) == 100 })
	heard := time.Since(start)
	answering.Wait()
	all[0].Fence(t)
	if got := len(all[0].Lines(` :answer to !c`)); got != 100 {
		t.Errorf("%d answers", got)
	}
	t.Logf("100 commands: all heard after %s, all answered after %s", heard.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
	if n := b.in.count(bridges.Down, ""); n != 0 {
		t.Errorf("the connection was lost %d times", n)
	}
}

func TestFiveHundredJoinAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, ircd.Options{Accounts: []string{"bot", "alice"}})
	a := s.Dial(t, s.Relaxed, "alice", "alice")
	a.Join(t, "#desk")
	b := up(t, strict(s, "#desk"))
	b.fence(t, a, "#desk")
	crowd := make([]*ircd.Client, 500)
	sem := make(chan struct{}, 32)
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() {
			sem <- struct{}{}
			defer func() { <-sem }()
			crowd[i] = s.Crowd(t, s.Relaxed, fmt.Sprintf("user%d", i))
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	before := b.current().lines.Load()
	start := time.Now()
	for _, c := range crowd {
		c.Send("JOIN #desk")
	}
	a.Privmsg("#desk", "!during")
	b.in.heard(t, "!during")
	b.mustSay(t, "#desk", "answered during")
	t.Logf("answered after %s", time.Since(start).Round(time.Millisecond))
	for _, c := range crowd {
		c.Expect(t, ` 366 `, 30*time.Second)
	}
	b.fence(t, a, "#desk")
	b.mustSay(t, "#desk", "answered after")
	if n := b.current().lines.Load() - before; n > 4 {
		t.Errorf("we sent %d lines because of them", n)
	}
	p, err := b.Prove(t.Context(), b.room("#desk"))
	if err != nil || len(p.Members) != 501 {
		t.Errorf("%d members, %v", len(p.Members), err)
	}
	if n := b.in.count(bridges.Down, ""); n != 0 {
		t.Errorf("the connection was lost %d times", n)
	}
}
