package matrix

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

func TestFind(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	lobby := c.desk(matrixclient.RoomOptions{Plain: true}, alice)
	since := time.Now()
	said := map[string]string{}
	for _, room := range []bridges.Room{desk, lobby} {
		for i := range 12 {
			key := fmt.Sprintf("%s %d", room.ID, i)
			said[key] = c.say(bridges.Outgoing{Key: key, Room: room, Text: "one of many"})
			alice.Say(room.ID, "hm")
		}
	}
	find := func(room bridges.Room, key string, since time.Time) (string, error) {
		r, err := c.bot.Find(c.within(), bridges.Outgoing{Key: key, Room: room, Since: since})
		return r.ID, err
	}
	// In the same process it is known at once, in another one it is looked for; also
	// after the homeserver has forgotten the transactions.
	for round, name := range []string{"the same process", "another process", "another homeserver"} {
		if round > 0 {
			if err := c.end(); err != nil {
				t.Fatal(err)
			}
		}
		if round == 2 {
			c.server.Restart(t)
		}
		if round > 0 {
			c.start()
		}
		for _, room := range []bridges.Room{desk, lobby} {
			for _, i := range []int{0, 5, 11} {
				key := fmt.Sprintf("%s %d", room.ID, i)
				if id, err := find(room, key, since); err != nil || id != said[key] {
					t.Errorf("%s: %s: %q %v", name, key, id, err)
				}
			}
			if id, err := find(room, "never said", since); !errors.Is(err, bridges.ErrNoTrace) {
				t.Errorf("%s: never said: %q %v", name, id, err)
			}
			if id, err := find(room, "never said", since.Add(-time.Hour)); !errors.Is(err, bridges.ErrCantSay) {
				t.Errorf("%s: from before the ladder: %q %v", name, id, err)
			}
			if id, err := find(room, "never said", time.Time{}); !errors.Is(err, bridges.ErrCantSay) {
				t.Errorf("%s: from no known time: %q %v", name, id, err)
			}
		}
		c.bot.ear.echoes = newEchoes(16) // what is found below is found in the room
		key := desk.ID + " 3"
		if id, err := find(desk, key, since); err != nil || id != said[key] {
			t.Errorf("%s: by what is inside: %q %v", name, id, err)
		}
	}
}

// Find never says that there is no trace when it could not look.
func TestFindCannotLook(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	since := time.Now()
	o := bridges.Outgoing{Key: "k", Room: desk, Text: "words", Since: since}
	put := proxy.Trouble(dendrite.Rule{Method: "PUT", Path: "/send/", Do: dendrite.Cut})
	if _, err := c.bot.Say(c.within(), o); err == nil || errors.Is(err, bridges.ErrNotSent) {
		t.Fatalf("said: %v", err)
	}
	put.End()
	trouble := proxy.Trouble(dendrite.Rule{Path: "/sync", Do: dendrite.BadGateway})
	if _, err := c.bot.Find(c.within(), o); err == nil || errors.Is(err, bridges.ErrNoTrace) || errors.Is(err, bridges.ErrNotSent) || errors.Is(err, bridges.ErrRefused) {
		t.Errorf("found: %v", err)
	}
	trouble.End()
	if _, err := c.bot.Find(c.within(), o); !errors.Is(err, bridges.ErrNoTrace) {
		t.Errorf("found: %v", err)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.bot.Find(c.within(), o); err == nil || errors.Is(err, bridges.ErrNoTrace) || errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("found by a bot that does not run: %v", err)
	}
}

// A homeserver that was away shows what it took before only a while after it is
// back: until then there is no saying that there is no trace.
func TestFindOnALateHomeserver(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	var late atomic.Bool
	late.Store(true)
	proxy.Trouble(dendrite.Rule{Path: "/sync", Rewrite: func(status int, body []byte) (int, []byte) {
		if late.Load() {
			body = hide(body, func(evt map[string]any) bool {
				return evt["sender"] == c.cfg.User && evt["type"] == "m.room.encrypted"
			})
		}
		return status, body
	}})
	alice.Say(desk.ID, "a sync that began before has ended")
	c.book.message(t, "a sync that began before has ended")
	o := bridges.Outgoing{Key: "k", Room: desk, Text: "said once", Since: time.Now()}
	proxy.Trouble(dendrite.Rule{Method: "PUT", Path: "/send/", Do: dendrite.Cut, After: true, Times: 1})
	if _, err := c.bot.Say(c.within(), o); err == nil || errors.Is(err, bridges.ErrNotSent) {
		t.Fatalf("said: %v", err)
	}
	away := proxy.Trouble(dendrite.Rule{Path: "/sync", Do: dendrite.BadGateway})
	proxy.CutAll()
	c.book.until(t, "the bot to be down", func() bool { return c.book.events[len(c.book.events)-1].Kind == bridges.Down })
	away.End()
	c.book.until(t, "the bot to be up", func() bool { return c.upsNow() == 2 })
	go func() {
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if slices.ContainsFunc(proxy.Requests("GET", "/sync"), func(r dendrite.Request) bool {
				return r.Status == http.StatusOK && strings.Contains(r.Query, "senders")
			}) {
				break // it has looked, and seen nothing
			}
		}
		late.Store(false)
	}()
	r, err := c.bot.Find(c.within(), o)
	if err != nil {
		t.Fatal(err)
	}
	if h := alice.WaitText(desk.ID, "said once"); h.ID != r.ID {
		t.Errorf("alice heard %s, found was %s", h.ID, r.ID)
	}
}

// The answer to a PUT is lost, the homeserver is restarted and has forgotten the
// transaction: whoever looks before saying it again says it once.
func TestLostAnswerAndRestart(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	since := time.Now()
	o := bridges.Outgoing{Key: "k", Room: desk, Text: "said once", Since: since}
	proxy.Trouble(dendrite.Rule{Path: "/sync", Do: dendrite.Hang}) // it does not see its own words either
	proxy.Trouble(dendrite.Rule{Method: "PUT", Path: "/send/", Do: dendrite.Cut, After: true, Times: 1})
	if _, err := c.bot.Say(c.within(), o); err == nil || errors.Is(err, bridges.ErrNotSent) {
		t.Fatalf("said: %v", err)
	}
	c.crash()
	proxy.Clear()
	said := alice.WaitText(desk.ID, "said once") // else it could die over it, and show it only much later
	c.server.Kill(t)
	c.server.Restart(t)
	c.start()
	r, err := c.bot.Find(c.within(), o)
	if err != nil || r.ID == "" {
		t.Fatalf("found %q: %v", r.ID, err)
	}
	if said.ID != r.ID {
		t.Errorf("alice heard %s, found was %s", said.ID, r.ID)
	}
	// The catch-up sync has told it: a Say of the same key is not said again.
	if again := c.say(o); again != r.ID {
		t.Error("said twice")
	}
}
