package matrix

import (
	"errors"
	"sync"
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix/id"
)

func directTo(p *matrixclient.Person) bridges.Room {
	return bridges.Room{Network: netName, ID: p.UserID(), Direct: true}
}

// where is the room of a direct message.
func (c *crew) where(room bridges.Room) string {
	c.t.Helper()
	got, err := c.bot.rooms.find(c.within(), room)
	if err != nil {
		c.t.Fatalf("the room of %s: %v", room.ID, err)
	}
	return got.String()
}

func (c *crew) joinedRooms() int {
	c.t.Helper()
	res, err := c.bot.s.cli.JoinedRooms(c.within())
	if err != nil {
		c.t.Fatal(err)
	}
	return len(res.JoinedRooms)
}

func TestDirectRoomIsMade(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"10", "12"} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			c := newCrew(t, dendrite.Options{RoomVersion: version})
			alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
			c.start()
			var wg sync.WaitGroup
			rooms := make([]string, 5)
			for i := range rooms {
				wg.Go(func() { // at the same time: it is one room
					got, err := c.bot.rooms.find(c.within(), directTo(alice))
					if err != nil {
						t.Error(err)
					}
					rooms[i] = got.String()
				})
			}
			wg.Wait()
			room := rooms[0]
			for _, other := range rooms {
				if other != room {
					t.Errorf("rooms %v", rooms)
				}
			}
			c.say(bridges.Outgoing{Key: "before", Room: directTo(alice), Text: "before you joined"})
			alice.WaitInvite(room)
			alice.Join(room)
			alice.WaitText(room, "before you joined")
			p := c.prove(directTo(alice))
			if bad := failing(p); len(bad) != 0 || len(p.Members) != 1 || p.Members[0].Account.ID != alice.UserID() {
				t.Errorf("failed %+v, members %v", bad, memberIDs(p))
			}
			alice.Say(room, "!next")
			if m := c.book.message(t, "!next"); m.Room != directTo(alice) {
				t.Errorf("heard in %v", m.Room)
			}
			if err := c.end(); err != nil {
				t.Fatal(err)
			}
			c.start()
			if got := c.where(directTo(alice)); got != room {
				t.Errorf("after a restart it is %s and was %s", got, room)
			}
			alice.Say(room, "!again")
			if m := c.book.message(t, "!again"); m.Room != directTo(alice) {
				t.Errorf("heard in %v", m.Room)
			}

			// With three people in it, it is no direct room any more.
			if _, err := c.bot.s.cli.InviteUser(t.Context(), id.RoomID(room), inviteReq(bob)); err != nil {
				t.Fatal(err)
			}
			c.until(bridges.Room{ID: room}, "the third", func(rm *model) bool { return len(rm.facts.people) == 2 })
			second := c.where(directTo(alice))
			if second == room {
				t.Error("the room of three is still used")
			}
			alice.Say(room, "!in the room of three")
			if m := c.book.message(t, "!in the room of three"); m.Room != (bridges.Room{Network: netName, ID: room}) {
				t.Errorf("heard in %v", m.Room)
			}
			alice.WaitInvite(second)
			alice.Join(second)

			// Who has left is asked in again.
			alice.Leave(second)
			c.until(bridges.Room{ID: second}, "leaving", func(rm *model) bool { return len(rm.facts.people) == 0 })
			if got := c.where(directTo(alice)); got != second {
				t.Errorf("it is %s now, and was %s", got, second)
			}
			if got := c.joinedRooms(); got != 2 {
				t.Errorf("%d rooms", got)
			}
		})
	}
}

func TestDirectRoomOfSomebodyElse(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	room := alice.Direct(c.cfg.User) // guests may join it, and its history is shared
	c.member(alice, room, "join")
	alice.Say(room, "!hello")
	if m := c.book.message(t, "!hello"); m.Room != directTo(alice) {
		t.Fatalf("heard in %v", m.Room)
	}
	if bad := failing(c.prove(directTo(alice))); len(bad) != 0 {
		t.Errorf("failed %+v", bad)
	}
	if got := c.where(directTo(alice)); got != room {
		t.Errorf("another room is used")
	}
	second := alice.Direct(c.cfg.User)
	c.member(alice, second, "join")
	alice.Say(second, "!over here")
	if m := c.book.message(t, "!over here"); m.Room != directTo(alice) {
		t.Errorf("heard in %v", m.Room)
	}
	if got := c.where(directTo(alice)); got != second {
		t.Error("the answer goes to another room than the question")
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start()
	if got := c.where(directTo(alice)); got != second {
		t.Error("after a restart the answer goes to another room")
	}
	alice.Say(room, "!and here")
	if m := c.book.message(t, "!and here"); m.Room != directTo(alice) {
		t.Errorf("heard in %v", m.Room)
	}
}

// A room of two that is not encrypted is made so, or another one is made: it never
// gets plain text.
func TestDirectRoomThatIsPlain(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	room := alice.MakeRoom(matrixclient.RoomOptions{Plain: true})
	alice.SetState(room, "m.room.member", c.cfg.User, map[string]any{"membership": "invite", "is_direct": true})
	c.member(alice, room, "join")
	alice.SayPlain(room, "!hello")
	if m := c.book.message(t, "!hello"); m.Room != directTo(alice) {
		t.Fatalf("heard in %v", m.Room)
	}
	other := c.where(directTo(alice))
	if other == room {
		t.Error("the plain room is used")
	}
	powerful := alice.MakeRoom(matrixclient.RoomOptions{Plain: true, Power: map[string]int{alice.UserID(): 100, c.cfg.User: 100}})
	alice.SetState(powerful, "m.room.member", c.cfg.User, map[string]any{"membership": "invite", "is_direct": true})
	c.member(alice, powerful, "join")
	alice.WaitInvite(other)
	alice.Leave(other)
	c.until(bridges.Room{ID: other}, "leaving", func(rm *model) bool { return len(rm.facts.people) == 0 })
	c.until(bridges.Room{ID: powerful}, "the room", func(rm *model) bool { return rm.in && rm.known })
	if got := c.where(directTo(alice)); got != powerful {
		t.Errorf("%s is used, and not %s", got, powerful)
	}
	if bad := failing(c.prove(directTo(alice))); len(bad) != 0 {
		t.Errorf("failed %+v", bad)
	}
}

func TestDirectRoomLostAnswer(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	rule := proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/createRoom", Do: dendrite.Cut, After: true, Times: 1})
	if got, err := c.bot.rooms.find(c.within(), directTo(alice)); err == nil {
		t.Errorf("found %s", got)
	}
	rule.End()
	c.where(directTo(alice))
	if n := c.joinedRooms(); n != 1 {
		t.Errorf("%d rooms", n)
	}
	for _, bad := range []string{"", "alice", "@alice", c.cfg.User} {
		if got, err := c.bot.rooms.find(c.within(), bridges.Room{Network: netName, ID: bad, Direct: true}); !errors.Is(err, bridges.ErrRefused) {
			t.Errorf("%q: %s, %v", bad, got, err)
		}
	}
	if _, err := c.bot.rooms.find(c.within(), bridges.Room{Network: "other", ID: alice.UserID(), Direct: true}); !errors.Is(err, bridges.ErrRefused) {
		t.Errorf("another network: %v", err)
	}
}
