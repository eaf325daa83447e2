package irc

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
)

func TestOrderOfWhatWaits(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("order")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	c := config(s, ch)
	c.Tuning.Interval, c.Tuning.Burst = 150*time.Millisecond, 1
	b := up(t, c)
	b.fence(t, a, ch)
	lines := func(name string) string { return name + " 1\n" + name + " 2\n" + name + " 3" }
	var saying sync.WaitGroup
	say := func(name string, tone bridges.Tone) {
		saying.Go(func() {
			if _, err := b.Say(t.Context(), bridges.Outgoing{Room: b.room(ch), Text: lines(name), Tone: tone}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	say("first", bridges.Routine)
	a.Expect(t, `:first 1$`, 5*time.Second) // it has begun; everything else has to wait for its end
	say("routine", bridges.Routine)
	b.waiting(t, 2)
	say("alert", bridges.Alert)
	say("answer", bridges.Answer)
	saying.Wait()
	a.Fence(t)
	var got []string
	for _, line := range a.Lines(`PRIVMSG ` + ch + ` :(first|routine|alert|answer) `) {
		_, text, _ := strings.Cut(line, ch+" :")
		got = append(got, text)
	}
	want := strings.Join([]string{lines("first"), lines("answer"), lines("alert"), lines("routine")}, "\n")
	if strings.Join(got, "\n") != want {
		t.Errorf("said in the order %q", got)
	}
}

// waiting waits until so many jobs are in the queues.
func (b *bot) waiting(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(5 * time.Second)
	for {
		l := b.current()
		l.mu.Lock()
		have := 0
		for _, q := range l.out.jobs[forAnswers:] {
			have += len(q)
		}
		l.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%d jobs wait, not %d", have, n)
		}
	}
}

func TestTakenBackInTime(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("back")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	c := config(s, ch)
	c.Tuning.Interval, c.Tuning.Burst = 300*time.Millisecond, 1
	b := up(t, c)
	b.fence(t, a, ch)
	ctx, cancel := context.WithCancel(t.Context())
	long := make(chan error, 1)
	go func() {
		_, err := b.Say(ctx, bridges.Outgoing{Key: "long", Room: b.room(ch), Text: "one\ntwo\nthree\nfour\nfive"})
		long <- err
	}()
	a.Expect(t, ` :one$`, 5*time.Second)
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	o := bridges.Outgoing{Key: "late", Room: b.room(ch), Text: "never said"}
	if _, err := b.Say(short, o); !isNotSent(err) {
		t.Errorf("taken back: %v", err)
	}
	if _, err := b.Find(t.Context(), o); !isNoTrace(err) {
		t.Errorf("find: %v", err)
	}
	cancel()
	if err := <-long; err == nil || isNotSent(err) || isRefused(err) {
		t.Errorf("half said: %v", err)
	}
	b.mustSay(t, ch, "the end")
	a.Expect(t, ` :the end$`, 5*time.Second)
	if got := a.Lines(` :(five|never said)$`); len(got) > 0 {
		t.Errorf("said %q", got)
	}
}

func TestDirectMessageBehindALongQueue(t *testing.T) {
	t.Parallel()
	s, ch := sharedServer(t), channel("busy")
	d := s.Dial(t, s.Relaxed, nick("dana"), "dana")
	d.Join(t, ch)
	c := config(s, ch)
	c.Tuning.Interval, c.Tuning.Burst, c.Tuning.Fresh = 50*time.Millisecond, 1, 150*time.Millisecond
	b := up(t, c)
	b.fence(t, d, ch)
	var saying sync.WaitGroup
	for i := range 20 {
		saying.Go(func() { b.mustSay(t, ch, fmt.Sprintf("line %d", i)) })
	}
	b.waiting(t, 15)
	b.mustSay(t, "dana", "for you alone") // looked at again when its turn has come
	d.Expect(t, `PRIVMSG `+d.Nick+` :for you alone$`, 5*time.Second)
	saying.Wait()
}

func TestNickChangesHandsWhileADirectMessageWaits(t *testing.T) {
	t.Parallel()
	t.Run("unseen", func(t *testing.T) { swap(t, false) })
	t.Run("seen", func(t *testing.T) { swap(t, true) })
}

// swap lets mallory take dana's nick while a message for dana waits; seen says
// whether the bot shares a channel with dana and so is told.
func swap(t *testing.T, seen bool) {
	t.Parallel()
	s, ch := sharedServer(t), channel("swap")
	a := s.Dial(t, s.Relaxed, nick("alice"), "alice")
	a.Join(t, ch)
	c := config(s, ch)
	c.Tuning.Interval, c.Tuning.Burst, c.Tuning.Fresh = 200*time.Millisecond, 1, 100*time.Millisecond
	if seen {
		c.Tuning.Fresh = time.Hour
	}
	b := up(t, c)
	d := s.Dial(t, s.Relaxed, nick("dana"), "dana")
	if seen {
		d.Join(t, ch)
	}
	d.Privmsg(b.cfg.Nick, "psst")
	b.in.heard(t, "psst")
	m := s.Dial(t, s.Relaxed, nick("mallory"), "mallory")
	var saying sync.WaitGroup
	saying.Go(func() { b.mustSay(t, ch, "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten") })
	a.Expect(t, ` :one$`, 5*time.Second)
	for i := range 10 {
		saying.Go(func() { b.mustSay(t, ch, fmt.Sprintf("more %d", i)) })
	}
	b.waiting(t, 11)
	saying.Go(func() {
		_, err := b.say("dana", "for dana only")
		if seen && err != nil || !seen && !isNotSent(err) {
			t.Errorf("said to a nick that changed hands: %v", err)
		}
	})
	b.waiting(t, 12) // dana's nick was looked at, and the message waits
	was := d.Nick
	d.Send("NICK " + nick("gone"))
	d.Expect(t, ` NICK `, 5*time.Second)
	m.Send("NICK " + was)
	m.Expect(t, ` NICK `, 5*time.Second)
	saying.Wait()
	m.Fence(t)
	if got := m.Lines(`only`); len(got) > 0 {
		t.Errorf("mallory got %q", got)
	}
}
