package matrix

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix/id"
)

// Whatever happens in a room while it is looked at, and however the looks fail: in
// the end the model is what the homeserver has, and no two different states had the
// same number.
func TestModelConverges(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	room := c.desk(matrixclient.RoomOptions{}, alice)
	c.until(room, "the bot's own joining", joined)
	for range 8 {
		proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/state", Times: 1, Do: dendrite.BadGateway})
		proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/state", Times: 9})
	}

	seen := map[int]string{} // what each number stood for
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			p, err := c.bot.Prove(ctx, room)
			if err != nil {
				continue
			}
			p.At = time.Time{}
			p.Checks = p.Checks[:len(p.Checks)-1] // what the key store has is no state of the room
			p.Devices = 0
			now := fmt.Sprintf("%+v", p)
			if was := seen[p.State]; was != "" && was != now {
				t.Errorf("%d is\n%s\nand was\n%s", p.State, now, was)
			}
			seen[p.State] = now
		}
	})
	in := false
	for range 60 {
		switch dice.IntN(6) {
		case 0, 1:
			if in {
				alice.Kick(room.ID, bob.UserID())
			} else {
				alice.Invite(room.ID, bob.UserID())
			}
			in = !in
		case 2:
			alice.SetState(room.ID, "m.room.guest_access", "", map[string]any{"guest_access": []string{"forbidden", "can_join"}[dice.IntN(2)]})
		case 3:
			alice.SetState(room.ID, "m.room.join_rules", "", map[string]any{"join_rule": []string{"invite", "public"}[dice.IntN(2)]})
		case 4:
			alice.SetState(room.ID, "m.room.history_visibility", "", map[string]any{"history_visibility": []string{"joined", "shared", "invited"}[dice.IntN(3)]})
		case 5:
			alice.SetState(room.ID, "m.widget", "one", map[string]any{"url": dice.IntN(2)})
		}
	}
	stop()
	wg.Wait()
	proxy.Clear()
	alice.Say(room.ID, "!the end")
	c.book.message(t, "!the end")
	want, mine, err := c.bot.rooms.fetch(t.Context(), c.bot.s, roomID(room))
	if err != nil || !mine {
		t.Fatal(mine, err)
	}
	c.until(room, "the last change", func(rm *model) bool { return rm.facts.same(want) })
	if len(seen) < 5 {
		t.Errorf("only %d states were seen", len(seen))
	}
}

// A look that is broken off proves nothing, and finds fault with nothing.
func TestProveBrokenOff(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	room := c.desk(matrixclient.RoomOptions{}, alice)
	c.until(room, "the bot's own joining", joined)
	rule := proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/directory/list/room/", Do: dendrite.Hang})
	states := len(proxy.Requests("GET", "/state"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type result struct {
		bridges.Proof
		err error
	}
	ended := make(chan result, 1)
	go func() {
		p, err := c.bot.Prove(ctx, room)
		ended <- result{p, err}
	}()
	rule.Wait(t, 1)
	proxy.WaitFor(t, "GET", "/state", states+1)
	stop()
	if r := <-ended; !errors.Is(r.err, bridges.ErrNotSent) || !errors.Is(r.err, context.Canceled) || len(r.Checks) != 0 {
		t.Errorf("%+v, %v", r.Proof, r.err)
	}
	rule.End()
	if bad := failing(c.prove(room)); len(bad) != 0 {
		t.Errorf("failed: %+v", bad)
	}
}

// A flood of invitations from strangers does not keep a maintainer's waiting.
func TestFloodOfInvitations(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, mallory := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "mallory")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.only(alice)
	c.start()
	rule := proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/leave", Do: dendrite.Hang})
	for range 8 {
		mallory.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}})
	}
	rule.Wait(t, 1)
	good := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}})
	c.until(bridges.Room{ID: good}, "the bot's own joining", joined)
	rule.End()
	c.bot.rooms.mu.Lock()
	defer c.bot.rooms.mu.Unlock()
	if n := len(c.bot.rooms.all); n != 1 {
		t.Errorf("%d rooms are known", n)
	}
}

// Errands are bounded where strangers can make them.
func TestErrandsAreBounded(t *testing.T) {
	t.Parallel()
	cfg := Config{Name: netName, User: "@tocsin:hs.test", Speakers: []string{}, Homeserver: "http://localhost:1", Folder: t.TempDir()}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range mostDeclines + 100 {
		b.rooms.invitation(t.Context(), id.RoomID(fmt.Sprintf("!%d:hs.test", i)), invitations(cfg.User, "@mallory:hs.test"))
	}
	if n := len(b.rooms.declines.todo); n != mostDeclines {
		t.Errorf("%d wait", n)
	}
}

// An errand that fails is done again, one that is asked for anew is done anew, and
// all end with the context.
func TestErrands(t *testing.T) {
	t.Parallel()
	e := newErrands(time.Millisecond, 4*time.Millisecond, 0)
	tries := make(chan int, 100)
	n := 0
	e.add("one", func(context.Context) bool { n++; tries <- n; return n == 5 })
	ctx, end := context.WithCancel(t.Context())
	e.open(ctx)
	for want := 1; want <= 5; want++ {
		if got := <-tries; got != want {
			t.Fatalf("try %d is %d", want, got)
		}
	}
	begun, anew := make(chan bool), make(chan bool, 1)
	e.add("two", func(ctx context.Context) bool {
		begun <- true
		<-begun
		return true
	})
	<-begun
	e.add("two", func(context.Context) bool { anew <- true; return true }) // while it is being done
	begun <- true
	<-anew
	e.add("three", func(context.Context) bool { panic("at the disco") })
	e.add("four", func(context.Context) bool { anew <- true; return true })
	<-anew
	for e.has("four") || e.has("three") {
		time.Sleep(time.Millisecond)
	}
	e.add("five", func(ctx context.Context) bool { begun <- true; <-ctx.Done(); return false })
	<-begun
	end()
	e.wait()
	if !e.has("five") {
		t.Error("what was not done is forgotten")
	}
	e.add("six", func(context.Context) bool { t.Error("it is done after the end"); return true })
	e.wait()
}
