package matrix

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// holder holds back what devices send to the bot, as a slow homeserver does.
type holder struct {
	mu      sync.Mutex
	holding bool
	held    []any
}

func (h *holder) set(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holding = on
}

func (h *holder) rewrite(status int, body []byte) (int, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var res map[string]any
	if status != 200 || json.Unmarshal(body, &res) != nil {
		return status, body
	}
	events := []any{}
	if part, ok := res["to_device"].(map[string]any); ok {
		events, _ = part["events"].([]any)
	}
	events = append(h.held, events...)
	h.held = nil
	if h.holding {
		h.held, events = events, []any{}
	}
	res["to_device"] = map[string]any{"events": events}
	body, _ = json.Marshal(res)
	return status, body
}

// held is a crew with somebody who can hold back its bot's keys.
func held(t *testing.T) (*crew, *holder, *matrixclient.Person, bridges.Room) {
	c := newCrew(t, dendrite.Options{})
	proxy, h := dendrite.NewProxy(t, c.server), &holder{}
	proxy.Trouble(dendrite.Rule{Path: "/v3/sync", Rewrite: h.rewrite})
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	return c, h, alice, desk
}

// unreadables are the messages that the bot was told it cannot read.
func (c *crew) unreadables() []bridges.Event {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	return c.unreadablesNow()
}

func (c *crew) unreadablesNow() []bridges.Event {
	var out []bridges.Event
	for _, e := range c.book.events {
		if e.Kind == bridges.Unreadable {
			out = append(out, e)
		}
	}
	return out
}

func (c *crew) waitUnreadables(n int) {
	c.t.Helper()
	c.book.until(c.t, "messages that cannot be read", func() bool { return len(c.unreadablesNow()) >= n })
}

// pendingKept is how many messages are kept because their key is missing.
func (c *crew) pendingKept() int {
	kept, _ := c.book.Kept(c.within(), netName, keptPending)
	return len(kept)
}

func TestKeyComesLate(t *testing.T) {
	c, h, alice, desk := held(t)
	h.set(true)
	one := alice.Say(desk.ID, "one")
	two := alice.Say(desk.ID, "two")
	alice.SayPlain(desk.ID, "in between")
	c.book.message(t, "in between") // nobody else waits
	c.waitUnreadables(2)
	for i, e := range c.unreadables() {
		if e.Room != desk || e.Who.ID != alice.UserID() || e.Message != []string{one, two}[i] || e.Once == "" || e.Once != c.unreadables()[0].Once || e.Told != "" {
			t.Errorf("told %+v", e)
		}
	}
	if c.pendingKept() != 2 {
		t.Errorf("%d are kept", c.pendingKept())
	}
	// The position goes on meanwhile, and the next process takes them up without
	// telling anybody again.
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start()
	time.Sleep(1500 * time.Millisecond) // longer than KeyWait
	if n := len(c.unreadables()); n != 2 {
		t.Errorf("told %d times", n)
	}
	h.set(false)
	alice.SayPlain(desk.ID, "knock")
	c.book.message(t, "two")
	c.book.message(t, "knock")
	if got := c.book.texts(); len(got) != 4 || slices.Index(got, "one") > slices.Index(got, "two") {
		t.Errorf("heard %q", got)
	}
	if m := c.book.message(t, "one"); m.Doubt != bridges.NoDoubt || m.ID != one {
		t.Errorf("heard %+v", m)
	}
	c.book.until(t, "nothing to be kept", func() bool {
		for key := range c.book.values {
			if strings.Contains(key, keptPending) {
				return false
			}
		}
		return true
	})
}

// The key that was kept arrives while the bot is away.
func TestKeyComesWhileAway(t *testing.T) {
	c, h, alice, desk := held(t)
	h.set(true)
	alice.Say(desk.ID, "one")
	c.waitUnreadables(1)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	h.set(false)
	c.start()
	c.book.message(t, "one")
}

// A message that is taken back is not waited for, and one of a stranger never.
func TestNotWaitedFor(t *testing.T) {
	c, h, alice, desk := held(t)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.cfg.Speakers = []string{alice.UserID()}
	c.cfg.Tuning.KeyWait = 3 * time.Second
	c.start()
	mallory := matrixclient.New(t, c.server, "mallory")
	alice.Invite(desk.ID, mallory.UserID())
	mallory.Join(desk.ID)
	h.set(true)
	mallory.Say(desk.ID, "from a stranger")
	gone := alice.Say(desk.ID, "taken back")
	c.book.until(t, "it to be kept", func() bool {
		_, ok := c.book.values[netName+" "+keptPending+gone]
		return ok
	})
	alice.Redact(desk.ID, gone)
	c.book.until(t, "it to be forgotten", func() bool {
		_, ok := c.book.values[netName+" "+keptPending+gone]
		return !ok
	})
	last := alice.Say(desk.ID, "waited for")
	c.waitUnreadables(1)
	if all := c.unreadables(); len(all) != 1 || all[0].Message != last {
		t.Errorf("told %+v", all)
	}
}

// A device that was told to give us no key says so; that is as if it had not come.
func TestKeyWithheld(t *testing.T) {
	c, h, alice, desk := held(t)
	h.set(true)
	id := alice.Say(desk.ID, "one")
	session := c.sessionOf(id)
	h.mu.Lock()
	h.held = append(h.held[:0], map[string]any{
		"type": "m.room_key.withheld", "sender": alice.UserID(), "content": map[string]any{
			"algorithm": "m.megolm.v1.aes-sha2", "code": "m.unverified", "reason": "x", "room_id": desk.ID,
			"sender_key": "x", "session_id": session,
		},
	})
	h.holding = false
	h.mu.Unlock()
	alice.SayPlain(desk.ID, "knock")
	c.waitUnreadables(1)
	if all := c.unreadables(); all[0].Message != id {
		t.Errorf("told %+v", all)
	}
}

// sessionOf is the session of a message that waits for its key.
func (c *crew) sessionOf(id string) string {
	var session string
	c.book.until(c.t, "the message to be kept", func() bool {
		value, ok := c.book.values[netName+" "+keptPending+id]
		var w waiting
		if ok && json.Unmarshal([]byte(value), &w) == nil && w.parse() {
			session = string(w.session)
			if session == "" {
				session = string(w.Event.Content.AsEncrypted().SessionID)
			}
		}
		return session != ""
	})
	return session
}

// More than can wait: the oldest go.
func TestTooManyWait(t *testing.T) {
	c, h, alice, desk := held(t)
	h.set(true)
	first := alice.Say(desk.ID, "first")
	for range pendingMost {
		alice.Say(desk.ID, "more")
	}
	c.book.until(t, "the first to be given up", func() bool {
		n := 0
		for key := range c.book.values {
			if strings.Contains(key, keptPending) {
				n++
			}
		}
		_, there := c.book.values[netName+" "+keptPending+first]
		return !there && n == pendingMost
	})
	h.set(false)
	alice.SayPlain(desk.ID, "knock")
	c.book.until(t, "all others", func() bool { return len(c.book.messages) == pendingMost+1 })
}
