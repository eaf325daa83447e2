package matrix

import (
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix/id"
)

func TestUpgradeIsFollowed(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"10", "12"} {
		t.Run("to version "+version, func(t *testing.T) {
			t.Parallel()
			c := newCrew(t, dendrite.Options{})
			alice := matrixclient.New(t, c.server, "alice")
			old := alice.MakeRoom(matrixclient.RoomOptions{Name: "Response", Invite: []string{c.cfg.User}, Version: "9"})
			c.cfg.Rooms = []Room{{ID: old, Full: true}}
			c.start()
			desk := bridges.Room{Network: netName, ID: old}
			c.event(bridges.Up, old, 1)
			before := c.prove(desk)

			next := alice.Upgrade(old, version)
			c.trouble("Response was upgraded, and I am not in the new room. Invite me there.")
			alice.Invite(next, c.cfg.User)
			c.event(bridges.Moved, old, 1)
			c.trouble("Response was upgraded; I followed. What was pinned in the old room is not in the new one.")
			check := func() {
				t.Helper()
				if got, err := c.bot.rooms.find(c.within(), desk); err != nil || got != id.RoomID(next) {
					t.Errorf("the desk is %s, %v; not %s", got, err, next)
				}
				if got, ok := c.bot.rooms.named(id.RoomID(next)); !ok || got != desk {
					t.Errorf("the new room is called %v", got)
				}
				if got, ok := c.bot.rooms.named(id.RoomID(old)); ok {
					t.Errorf("the old room is called %v", got)
				}
			}
			check()
			if p := c.prove(desk); len(failing(p)) != 0 || p.State == before.State || p.Room != desk {
				t.Errorf("the proof: %+v", p)
			}
			alice.Say(next, "!in the new room")
			if m := c.book.message(t, "!in the new room"); m.Room != desk {
				t.Errorf("heard in %v", m.Room)
			}
			c.say(bridges.Outgoing{Key: "answer", Room: desk, Text: "here I am"})
			if h := alice.WaitText(next, "here I am"); !h.Encrypted {
				t.Error("it was not encrypted")
			}
			if err := c.end(); err != nil {
				t.Fatal(err)
			}
			c.start()
			check()
			third := alice.Upgrade(next, version)
			c.event(bridges.Trouble, old, 3)
			alice.Invite(third, c.cfg.User)
			c.event(bridges.Moved, old, 2)
			next = third
			check()
		})
	}
}

func TestUpgradeOfAnOpenRoomIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	old := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}, JoinRule: "public"})
	c.cfg.Rooms = []Room{{ID: old}}
	c.start()
	c.event(bridges.Up, old, 1)
	next := alice.Upgrade(old, "10")
	c.event(bridges.Moved, old, 1)
	if got, err := c.bot.rooms.find(c.within(), bridges.Room{Network: netName, ID: old}); err != nil || got != id.RoomID(next) {
		t.Errorf("the desk is %s, %v; not %s", got, err, next)
	}
}

// An upgrade while the bot is away, and an invitation too.
func TestUpgradeWhileAway(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	old := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}})
	c.cfg.Rooms = []Room{{ID: old}}
	c.start()
	c.event(bridges.Up, old, 1)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	next := alice.Upgrade(old, "10")
	alice.Invite(next, c.cfg.User)
	c.start()
	c.event(bridges.Moved, old, 1)
	alice.Say(next, "!here")
	if m := c.book.message(t, "!here"); m.Room.ID != old {
		t.Errorf("heard in %v", m.Room)
	}
}

// A room may name any other as its successor, and any room another one as its
// predecessor. Only both together are a move.
func TestFalseSuccessorIsNotFollowed(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, mallory := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "mallory")
	c.only(alice)
	old := alice.MakeRoom(matrixclient.RoomOptions{Name: "Response", Invite: []string{c.cfg.User}})
	c.cfg.Rooms = []Room{{ID: old}}
	c.start()
	desk := bridges.Room{Network: netName, ID: old}
	c.event(bridges.Up, old, 1)

	pretender := mallory.MakeRoom(matrixclient.RoomOptions{
		JoinRule: "public", Invite: []string{c.cfg.User}, Content: map[string]any{"predecessor": map[string]any{"room_id": old, "event_id": "$x"}},
	})
	c.member(mallory, pretender, "leave")
	other := alice.MakeRoom(matrixclient.RoomOptions{JoinRule: "public"})
	alice.SetState(old, "m.room.tombstone", "", map[string]any{"body": "moved", "replacement_room": other})
	c.trouble("Response names another room as its successor, which does not know of it: I stay where I am.")
	c.member(alice, other, "leave")
	if got, err := c.bot.rooms.find(c.within(), desk); err != nil || got != id.RoomID(old) {
		t.Errorf("the desk is %s, %v", got, err)
	}
	if got, ok := c.bot.rooms.named(id.RoomID(old)); !ok || got != desk {
		t.Errorf("the desk is called %v", got)
	}
	c.prove(desk)
}
