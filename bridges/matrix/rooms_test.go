package matrix

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix/id"
)

// event waits for the nth event of a kind in a room (1 is the first), and gives it.
func (c *crew) event(kind bridges.EventKind, room string, n int) (found bridges.Event) {
	c.t.Helper()
	c.book.until(c.t, fmt.Sprintf("event %d in %s, number %d", kind, room, n), func() bool {
		left := n
		for _, e := range c.book.events {
			if e.Kind == kind && e.Room.ID == room {
				if left--; left == 0 {
					found = e
					return true
				}
			}
		}
		return false
	})
	return found
}

// told are the sentences of Trouble so far.
func (c *crew) told() (out []string) {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	for _, e := range c.book.events {
		if e.Kind == bridges.Trouble {
			out = append(out, e.Told)
		}
	}
	return out
}

// trouble waits for a sentence.
func (c *crew) trouble(sentence string) {
	c.t.Helper()
	c.book.until(c.t, "the sentence "+sentence, func() bool {
		return slices.ContainsFunc(c.book.events, func(e bridges.Event) bool { return e.Kind == bridges.Trouble && e.Told == sentence })
	})
}

// only makes these the people whose words and invitations count.
func (c *crew) only(people ...*matrixclient.Person) {
	c.cfg.Speakers = []string{}
	for _, p := range people {
		c.cfg.Speakers = append(c.cfg.Speakers, p.UserID())
	}
}

// lines is a log that can be looked at.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), s)
}

func (c *crew) member(p *matrixclient.Person, room, membership string) {
	c.t.Helper()
	p.WaitMember(room, c.cfg.User, membership)
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, mallory := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "mallory")
	c.only(alice)
	log := &lines{}
	c.cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	c.start()
	invite := []string{c.cfg.User}
	good := alice.MakeRoom(matrixclient.RoomOptions{Invite: invite})
	c.member(alice, good, "join")
	bad := mallory.MakeRoom(matrixclient.RoomOptions{Invite: invite})
	c.member(mallory, bad, "leave")
	if !log.has("invitations declined") || !log.has("total=1") {
		t.Error("the refusal was not logged")
	}
	for range 3 {
		c.member(mallory, mallory.MakeRoom(matrixclient.RoomOptions{Invite: invite}), "leave")
	}
	if log.has("total=2") {
		t.Error("each refusal is logged")
	}
	c.bot.rooms.mu.Lock()
	if n := c.bot.rooms.refused.count; n != 4 {
		t.Errorf("%d refusals counted", n)
	}
	c.bot.rooms.mu.Unlock()

	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	away, stranger := alice.MakeRoom(matrixclient.RoomOptions{Invite: invite}), mallory.MakeRoom(matrixclient.RoomOptions{Invite: invite})
	c.start()
	c.member(alice, away, "join")
	c.member(mallory, stranger, "leave")
	room := bridges.Room{Network: netName, ID: away}
	c.until(room, "the room", func(rm *model) bool { return rm.in && rm.known })
	c.prove(room)
	if kept := c.book.copyOf(); kept[netName+" "+keptInvite+away] != "" {
		t.Errorf("the invitation is kept: %v", kept)
	}
	alice.Say(away, "!whoami")
	if m := c.book.message(t, "!whoami"); m.Room != room {
		t.Errorf("heard in %v", m.Room)
	}
}

// An invitation that could not be taken up before the process ended is taken up by
// the next, though the homeserver does not send it again.
func TestInvitationOutlivesProcess(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	rule := proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/join", Do: dendrite.BadGateway})
	room := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}})
	rule.Wait(t, 2)
	alice.Say(room, "!later")
	since := c.book.kept("since")
	c.book.until(t, "the token after the invitation", func() bool { return c.book.values[netName+" since"] != since || since != "" })
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	rule.End()
	c.start()
	c.member(alice, room, "join")
}

func TestForgedInvitations(t *testing.T) {
	t.Parallel()
	cfg := Config{Name: netName, User: "@tocsin:hs.test", Speakers: []string{"@alice:hs.test"}, Homeserver: "http://localhost:1", Folder: t.TempDir()}
	for name, test := range map[string]struct {
		from    []string
		welcome bool
	}{
		"a maintainer":               {[]string{"@alice:hs.test"}, true},
		"a stranger":                 {[]string{"@mallory:hs.test"}, false},
		"nobody":                     {nil, false},
		"a forged one first":         {[]string{"@alice:hs.test", "@mallory:hs.test"}, false},
		"a forged one last":          {[]string{"@mallory:hs.test", "@alice:hs.test"}, false},
		"another server's alice":     {[]string{"@alice:evil.test"}, false},
		"a maintainer said it twice": {[]string{"@alice:hs.test", "@alice:hs.test"}, true},
	} {
		b, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		b.rooms.invitation(t.Context(), "!room:hs.test", invitations(cfg.User, test.from...))
		if got := b.rooms.errands.has("join !room:hs.test"); got != test.welcome {
			t.Errorf("%s: accepted: %v", name, got)
		}
		if got := b.rooms.declines.has("decline !room:hs.test"); got == test.welcome {
			t.Errorf("%s: declined: %v", name, got)
		}
	}
}

func TestRemovedAndBack(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	room := alice.MakeRoom(matrixclient.RoomOptions{Name: "Response\u202e\ndesk", Invite: []string{c.cfg.User}})
	c.cfg.Rooms = []Room{{ID: room, Full: true}}
	c.start()
	desk := bridges.Room{Network: netName, ID: room}
	c.event(bridges.Up, room, 1)
	const name = "Response\uFFFD desk"

	alice.Kick(room, c.cfg.User)
	c.event(bridges.Down, room, 1)
	e := c.event(bridges.Trouble, room, 1)
	if want := "I was removed from " + name + " by @alice:hs.test. Invite me again when that was a mistake."; e.Told != want || e.Who.ID != alice.UserID() {
		t.Errorf("told %q by %v", e.Told, e.Who)
	}
	if _, err := c.bot.Prove(c.within(), desk); err == nil {
		t.Error("a room is proven that the bot is not in")
	}
	if _, ok := c.bot.rooms.named(id.RoomID(room)); ok {
		t.Error("it is still a room of the bot")
	}
	alice.Invite(room, c.cfg.User)
	c.event(bridges.Up, room, 2)
	c.prove(desk)

	alice.Ban(room, c.cfg.User)
	e = c.event(bridges.Trouble, room, 2)
	if want := "I was banned from " + name + " by @alice:hs.test. Invite me again when that was a mistake."; e.Told != want {
		t.Errorf("told %q", e.Told)
	}
	if _, err := alice.Client().UnbanUser(t.Context(), id.RoomID(room), unban(c.cfg.User)); err != nil {
		t.Fatal(err)
	}
	alice.Invite(room, c.cfg.User)
	c.event(bridges.Up, room, 3)
	alice.Say(room, "!in again")
	c.book.message(t, "!in again") // so that it has kept that it is in

	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	alice.Kick(room, c.cfg.User)
	c.start()
	e = c.event(bridges.Trouble, room, 3)
	if want := "I was removed from "; !strings.HasPrefix(e.Told, want) || !strings.Contains(e.Told, "by @alice:hs.test") {
		t.Errorf("while away: told %q", e.Told)
	}
	c.event(bridges.Down, room, 3)
	alice.Invite(room, c.cfg.User)
	c.event(bridges.Up, room, 4)
	if n := len(c.told()); n != 3 {
		t.Errorf("told %q", c.told())
	}
}

func TestMissingRoom(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	room := alice.MakeRoom(matrixclient.RoomOptions{})
	c.cfg.Rooms = []Room{{ID: room}, {ID: "!nosuch:hs.test"}}
	c.start()
	for _, missing := range []string{room, "!nosuch:hs.test"} {
		c.event(bridges.Down, missing, 1)
		c.trouble("I am not in the room " + missing + ". Invite @tocsin:hs.test there.")
	}
	alice.Invite(room, c.cfg.User)
	c.event(bridges.Up, room, 1)
}

// A room that the homeserver cannot show does not hold up the others.
func TestStartWithARoomThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	one, two := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}}), alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver, c.cfg.Rooms = proxy.URL(), []Room{{ID: one}, {ID: two}}
	alice.Shown(two) // and the invitations, or the bot would ask for them
	c.start()
	c.event(bridges.Up, one, 1)
	c.event(bridges.Up, two, 1)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	rule := proxy.Trouble(dendrite.Rule{Method: "GET", Path: one + "/state", Do: dendrite.BadGateway})
	c.start()
	c.prove(bridges.Room{Network: netName, ID: two})
	if p, err := c.bot.Prove(c.within(), bridges.Room{Network: netName, ID: one}); err == nil {
		t.Errorf("proved %+v", p)
	}
	if told := c.told(); len(told) != 0 {
		t.Errorf("told %q", told)
	}
	rule.End()
	c.prove(bridges.Room{Network: netName, ID: one})
}

// A sync that is behind a look does not take the model back: nobody would get the
// keys who came since.
func TestSyncBehindALook(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	room := c.desk(matrixclient.RoomOptions{}, alice)
	c.until(room, "the bot's own joining", joined)
	rule := proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/sync", After: true, Do: dendrite.Hang, Times: 1})
	alice.Invite(room.ID, bob.UserID())
	rule.Wait(t, 1) // the answer tells of the invitation, and is on its way
	bob.Join(room.ID)
	if got := memberIDs(c.prove(room)); len(got) != 2 {
		t.Errorf("members %v", got)
	}
	c.bot.rooms.mu.Lock()
	r := c.bot.rooms.of(roomID(room))
	seen := r.changes
	c.bot.rooms.mu.Unlock()
	rule.End()
	alice.Say(room.ID, "!after")
	c.book.message(t, "!after")
	c.until(room, "both", func(rm *model) bool { return rm.facts.people[id.UserID(bob.UserID())] == "join" })
	if now := c.bot.rooms.count(roomID(room)); now != seen {
		t.Errorf("the room changed from %d to %d", seen, now)
	}
	c.event(bridges.Joined, room.ID, 1)
}

func TestChangesAreEvents(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	room := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}})
	c.cfg.Rooms = []Room{{ID: room}}
	c.start()
	desk := bridges.Room{Network: netName, ID: room}
	c.event(bridges.Changed, room, 1) // it is in
	n := func() int {
		c.book.mu.Lock()
		defer c.book.mu.Unlock()
		return len(slices.DeleteFunc(slices.Clone(c.book.events), func(e bridges.Event) bool { return e.Kind != bridges.Changed || e.Room != desk }))
	}
	change := func(what string, do func()) {
		t.Helper()
		before, state := n(), c.bot.rooms.count(roomID(desk))
		do()
		c.event(bridges.Changed, room, before+1)
		if c.bot.rooms.count(roomID(desk)) == state {
			t.Errorf("%s: the counter did not move", what)
		}
	}
	change("an invitation", func() { alice.Invite(room, bob.UserID()) })
	change("a join", func() { bob.Join(room) })
	if e := c.event(bridges.Joined, room, 1); e.Who.ID != bob.UserID() {
		t.Errorf("%v joined", e.Who)
	}
	change("power", func() {
		alice.SetState(room, "m.room.power_levels", "", map[string]any{"users": map[string]int{alice.UserID(): 100, bob.UserID(): 50}})
	})
	before := n()
	if err := bob.Client().SetDisplayName(t.Context(), "Bob the builder"); err != nil {
		t.Fatal(err)
	}
	alice.SetState(room, "m.room.topic", "", map[string]any{"topic": "nothing"})
	bob.Say(room, "!after")
	c.book.message(t, "!after")
	if n() != before {
		t.Error("a new display name and a topic are a change")
	}
	change("leaving", func() { bob.Leave(room) })

	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	alice.Invite(room, bob.UserID())
	bob.Join(room)
	c.start()
	c.event(bridges.Joined, room, 2)
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	for _, e := range c.book.events {
		if e.Kind == bridges.Joined && e.Who.ID != bob.UserID() {
			t.Errorf("%v joined", e.Who)
		}
	}
}

// The key of a room's messages is made anew when somebody leaves.
func TestKeyIsDroppedWhenSomebodyLeaves(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	c.start()
	room := c.desk(matrixclient.RoomOptions{}, alice, bob)
	c.until(room, "everybody", func(rm *model) bool { return rm.facts.people[id.UserID(bob.UserID())] == "join" })
	c.say(bridges.Outgoing{Key: "one", Room: room, Text: "one"})
	alice.WaitText(room.ID, "one")
	key := func() string {
		s, err := c.bot.s.mach.CryptoStore.GetOutboundGroupSession(context.Background(), roomID(room))
		if err != nil {
			t.Fatal(err)
		}
		if s == nil {
			return ""
		}
		return s.ID().String()
	}
	one := key()
	bob.Leave(room.ID)
	c.until(room, "bob's leaving", func(rm *model) bool { return len(rm.facts.people) == 1 })
	c.say(bridges.Outgoing{Key: "two", Room: room, Text: "two"})
	if two := key(); one == "" || two == "" || one == two {
		t.Errorf("the keys are %q and %q", one, two)
	}
	alice.WaitText(room.ID, "two")
}
