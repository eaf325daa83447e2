package matrix

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// Whatever step a process is killed at, what was said is obeyed once, and nothing is
// lost. It is obeyed in order, save what a busy homeserver gives before its key: that
// waits for it.
func TestKilledAtEachStep(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	want := []string{"begin"}
	alice.Say(desk.ID, "begin")
	c.book.message(t, "begin")
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"synced", "keys", "rooms", "taken", "hear", "hand", "handed", "keep", "kept"} {
		want = append(want, "away before "+step, "away still before "+step)
		alice.Say(desk.ID, "away before "+step)
		alice.NewDevice(true).Say(desk.ID, "away still before "+step) // with a key that comes in this very sync
		change, hit := c.killAt(step)
		c.run(change)
		select {
		case <-hit:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s was never reached", step)
		}
		c.crash()
	}
	c.start()
	alice.Say(desk.ID, "the end")
	c.book.message(t, "the end")
	want = append(want, "the end")
	for _, text := range want {
		c.book.message(t, text)
	}
	got := c.book.texts()
	keyed := func(text string) bool { return strings.HasPrefix(text, "away still") }
	if !slices.Equal(slices.DeleteFunc(slices.Clone(got), keyed), slices.DeleteFunc(slices.Clone(want), keyed)) ||
		!slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	if c.book.seen[c.book.messages[0].ID] != 1 {
		t.Error("what was safe long ago came again")
	}
}

// A message that is not dealt with holds up its room and the position, and nothing
// else.
func TestInboxThatFails(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	one, two := c.desk(matrixclient.RoomOptions{}, alice), c.desk(matrixclient.RoomOptions{Name: "two"}, alice)
	fails := 0
	c.book.mu.Lock()
	c.book.fail = func(m bridges.Message) error {
		switch {
		case m.Text == "panic":
			fails++
			panic("this is what " + m.Text + " says")
		case m.Text == "bad" && fails < 6:
			fails++
			return errors.New("the disk is full")
		}
		return nil
	}
	c.book.mu.Unlock()
	alice.Say(one.ID, "panic")
	alice.Say(one.ID, "bad")
	alice.Say(one.ID, "after")
	alice.Say(two.ID, "elsewhere")
	c.book.message(t, "after")
	c.book.message(t, "elsewhere")
	if got := c.book.texts(); !slices.Equal(got, []string{"elsewhere", "bad", "after"}) {
		t.Errorf("heard %q", got)
	}
}

// Nothing of what was there before the first start is obeyed, nor what was said
// before the bot was let in, and everything that was said while it was away is.
func TestFirstStartAndAway(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{History: "shared"}, alice)
	c.settle(desk.ID, alice)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.book = newNotebook() // as if it had never run
	c.ups = 0
	alice.Say(desk.ID, "before the first start")
	c.start()
	other := alice.MakeRoom(matrixclient.RoomOptions{Name: "other", History: "shared", Plain: true})
	alice.Say(other, "before it was let in")
	alice.Invite(other, c.cfg.User)
	alice.WaitMember(other, c.cfg.User, "join")
	alice.Say(other, "after it was let in")
	c.book.message(t, "after it was let in")
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		alice.Say(desk.ID, fmt.Sprintf("away %d", i))
	}
	c.start()
	c.book.message(t, "away 4")
	if got, want := c.book.texts(), []string{"after it was let in", "away 0", "away 1", "away 2", "away 3", "away 4"}; !slices.Equal(got, want) {
		t.Errorf("heard %q", got)
	}
	// Out and in again: what was said in between was not said to it.
	alice.Kick(other, c.cfg.User)
	alice.Say(other, "while it was out")
	alice.Invite(other, c.cfg.User)
	alice.WaitMember(other, c.cfg.User, "join")
	alice.Say(other, "in again")
	c.book.message(t, "in again")
	if slices.Contains(c.book.texts(), "while it was out") {
		t.Error("obeyed what was said while it was out")
	}
}

// More is said while the bot is away than one sync shows.
func TestGap(t *testing.T) {
	for name, n := range map[string]int{"one wider sync": 30, "pages": 160} {
		t.Run(name, func(t *testing.T) {
			c := newCrew(t, dendrite.Options{})
			c.cfg.Tuning.Timeline = 5
			alice := matrixclient.New(t, c.server, "alice")
			c.start()
			desk := c.desk(matrixclient.RoomOptions{}, alice)
			alice.Say(desk.ID, "before")
			c.book.message(t, "before")
			if err := c.end(); err != nil {
				t.Fatal(err)
			}
			want := []string{"before"}
			for i := range n {
				want = append(want, fmt.Sprintf("away %d", i))
				alice.Say(desk.ID, want[len(want)-1])
			}
			proxy := dendrite.NewProxy(t, c.server)
			c.start(func(cfg *Config) { cfg.Homeserver = proxy.URL() })
			alice.Say(desk.ID, "after")
			c.book.message(t, "after")
			if got := c.book.texts(); !slices.Equal(got, append(want, "after")) {
				t.Errorf("heard %d of %d:\n%s", len(got), len(want)+1, strings.Join(got, "\n"))
			}
			if pages := len(proxy.Requests("GET", "/messages")); (pages > 0) != (name == "pages") {
				t.Errorf("%d pages were fetched", pages)
			}
			c.book.mu.Lock()
			defer c.book.mu.Unlock()
			for id, times := range c.book.seen {
				// Pages may go back further than the gap; the inbox knows what it had.
				if times != 1 && name != "pages" {
					t.Errorf("%s came %d times", id, times)
				}
			}
		})
	}
}

// A gap that cannot be filled at first is filled later, and what comes behind it
// waits; one that never can be is told.
func TestGapInTrouble(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	c.cfg.Tuning.Timeline = 5
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	alice.Say(desk.ID, "before")
	c.book.message(t, "before")
	want := []string{"before"}
	round := func(prefix string, times int) {
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			alice.Say(desk.ID, fmt.Sprintf("%s %d", prefix, i))
		}
		proxy.Trouble(dendrite.Rule{Path: "/messages", Do: dendrite.BadGateway, Times: times})
		c.start()
		c.book.message(t, prefix+" 59")
	}
	round("first", 2)
	for i := range 60 {
		want = append(want, fmt.Sprintf("first %d", i))
	}
	if got := c.book.texts(); !slices.Equal(got, want) {
		t.Errorf("heard %q", got)
	}
	round("second", 0)
	if got := c.book.texts(); len(got) != len(want)+5 {
		t.Errorf("heard %q", got)
	}
	c.book.until(t, "the trouble", func() bool {
		return slices.ContainsFunc(c.book.events, func(e bridges.Event) bool {
			return e.Kind == bridges.Trouble && e.Room == desk && strings.Contains(e.Told, "gap")
		})
	})
}

// Two hundred commands at once from two people: none is lost, none is heard twice,
// and each is answered once.
func TestBurst(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice, bob)
	c.settle(desk.ID, alice, bob)
	var answers sync.WaitGroup
	c.book.mu.Lock()
	c.book.onHear = func(m bridges.Message) {
		answers.Go(func() {
			if _, err := c.bot.Say(c.within(), bridges.Outgoing{Key: m.ID, Room: m.Room, Text: "answer to " + m.Text, ReplyTo: m.ID}); err != nil {
				t.Errorf("%s: %v", m.Text, err)
			}
		})
	}
	c.book.mu.Unlock()
	var people sync.WaitGroup
	for i := range 100 {
		for _, p := range []*matrixclient.Person{alice, bob} {
			people.Go(func() { p.Say(desk.ID, fmt.Sprintf("%s %d", p.UserID(), i)) })
		}
	}
	people.Wait()
	c.book.until(t, "all two hundred", func() bool { return len(c.book.messages) == 200 })
	answers.Wait()
	seen := map[string]int{}
	alice.Until("all answers", func() bool {
		clear(seen)
		for _, h := range alice.In(desk.ID) {
			if h.Sender == c.cfg.User {
				seen[h.ReplyTo]++
			}
		}
		return len(seen) == 200
	})
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was answered %d times", id, n)
		}
	}
}
