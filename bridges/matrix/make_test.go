package matrix

import (
	"errors"
	"slices"
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

func TestMakeRoom(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"10", "11", "12"} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			c := newCrew(t, dendrite.Options{RoomVersion: version})
			alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
			mallory := matrixclient.New(t, c.server, "mallory")
			c.start()
			nobody := bridges.Account{Network: netName, ID: "no account"}
			n := bridges.NewRoom{
				Key: "room of INC-7", Name: "INC-7 quiet harbour",
				Invite: append(readers(alice, bob), nobody), Help: readers(alice),
			}
			room, err := c.bot.MakeRoom(c.within(), n)
			if err != nil {
				t.Fatal(err)
			}
			c.trouble("no account could not be invited to INC-7 quiet harbour. Invite them by hand.")
			if from := alice.WaitInvite(room.ID); from != c.cfg.User {
				t.Errorf("%s invites", from)
			}
			alice.Join(room.ID)
			bob.Join(room.ID)
			p := c.prove(room)
			if bad := failing(p); len(bad) != 0 || !slices.Equal(memberIDs(p), []string{alice.UserID(), bob.UserID()}) {
				t.Errorf("failed %+v, members %v", bad, memberIDs(p))
			}
			var name struct{ Name string }
			alice.State(room.ID, "m.room.name", "", &name)
			if name.Name != n.Name || alice.State(room.ID, "m.room.topic", "", nil) || alice.State(room.ID, "m.room.canonical_alias", "", nil) {
				t.Errorf("the name is %q", name.Name)
			}
			var power event.PowerLevelsEventContent
			alice.State(room.ID, "m.room.power_levels", "", &power)
			if power.Users[id.UserID(alice.UserID())] != 50 || power.Users[id.UserID(bob.UserID())] != 0 || power.StateDefault() != 100 || power.Invite() != 50 ||
				power.Kick() != 50 || power.Events["m.room.pinned_events"] != 50 || power.EventsDefault != 0 || power.UsersDefault != 0 {
				t.Errorf("the power %+v", &power)
			}

			// Again it is the same room, and who left is asked in again.
			bob.Leave(room.ID)
			again, err := c.bot.MakeRoom(c.within(), n)
			if err != nil || again != room {
				t.Errorf("again: %v, %v", again, err)
			}
			found, err := c.bot.FindRoom(c.within(), n)
			if err != nil || found != room {
				t.Errorf("found: %v, %v", found, err)
			}
			if got := alice.Members(room.ID, "invite"); !slices.Equal(got, []string{bob.UserID()}) {
				t.Errorf("invited are %v", got)
			}
			if _, err := c.bot.FindRoom(c.within(), bridges.NewRoom{Key: "another"}); !errors.Is(err, bridges.ErrNoTrace) {
				t.Errorf("another: %v", err)
			}

			// The bot can do there what it has to.
			if err := c.bot.Invite(c.within(), room, readers(alice, mallory)); err != nil {
				t.Errorf("inviting: %v", err)
			}
			if err := c.bot.Invite(c.within(), room, readers(alice, mallory)); err != nil {
				t.Errorf("inviting again: %v", err)
			}
			mallory.Join(room.ID)
			if err := c.bot.Remove(c.within(), room, readers(mallory)[0]); err != nil {
				t.Errorf("removing: %v", err)
			}
			if err := c.bot.Remove(c.within(), room, readers(bob)[0]); err != nil {
				t.Errorf("taking an invitation back: %v", err)
			}
			if err := c.bot.Remove(c.within(), room, readers(bob)[0]); err != nil {
				t.Errorf("removing who is gone: %v", err)
			}
			if got := memberIDs(c.prove(room)); !slices.Equal(got, []string{alice.UserID()}) {
				t.Errorf("members %v", got)
			}
			if err := c.bot.Invite(c.within(), room, []bridges.Account{nobody}); !errors.Is(err, bridges.ErrRefused) {
				t.Errorf("inviting nobody: %v", err)
			}
			alice.Invite(room.ID, bob.UserID()) // a helper may
			bob.Join(room.ID)
			alice.Kick(room.ID, bob.UserID())
		})
	}
}

func TestMakeRoomLostAnswer(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	n := bridges.NewRoom{Key: "k", Name: "INC-1 calm bay", Invite: readers(alice, bob), Help: readers(alice)}
	joined := func() int {
		res, err := c.bot.s.cli.JoinedRooms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(res.JoinedRooms)
	}

	rule := proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/createRoom", Do: dendrite.Cut, After: true, Times: 1})
	_, err := c.bot.MakeRoom(c.within(), n)
	if err == nil || errors.Is(err, bridges.ErrNotSent) || errors.Is(err, bridges.ErrRefused) {
		t.Fatalf("the answer was lost, and the error is %v", err)
	}
	rule.End()
	room, err := c.bot.FindRoom(c.within(), n)
	if err != nil {
		t.Fatal(err)
	}
	if got := memberIDs(c.prove(room)); len(got) != 2 {
		t.Errorf("invited are %v", got)
	}
	if joined() != 1 {
		t.Errorf("%d rooms were made", joined())
	}

	// The second invitation's request is lost, and the process ends.
	n.Key = "l"
	proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/invite", Do: dendrite.Cut, Body: "bob"})
	if _, err := c.bot.MakeRoom(c.within(), n); err == nil || errors.Is(err, bridges.ErrNotSent) || errors.Is(err, bridges.ErrRefused) {
		t.Fatalf("an invitation was lost, and the error is %v", err)
	}
	if _, err := c.bot.FindRoom(c.within(), n); err == nil || errors.Is(err, bridges.ErrNoTrace) {
		t.Fatalf("an invitation was lost again, and the error is %v", err)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	proxy.Clear()
	c.start()
	room, err = c.bot.FindRoom(c.within(), n)
	if err != nil {
		t.Fatal(err)
	}
	if got := memberIDs(c.prove(room)); len(got) != 2 {
		t.Errorf("invited are %v", got)
	}
	if joined() != 2 {
		t.Errorf("%d rooms were made", joined())
	}

	// Surely not made: the homeserver cannot be reached, or says no.
	n.Key = "m"
	rule = proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/createRoom", Do: dendrite.Forbid})
	if _, err := c.bot.MakeRoom(c.within(), n); !errors.Is(err, bridges.ErrRefused) {
		t.Errorf("forbidden: %v", err)
	}
	rule.End()
	rule = proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/createRoom", Do: dendrite.TooMany})
	if _, err := c.bot.MakeRoom(c.within(), n); !errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("too many: %v", err)
	}
	rule.End()
	rule = proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/joined_rooms", Do: dendrite.BadGateway})
	if _, err := c.bot.FindRoom(c.within(), n); err == nil || errors.Is(err, bridges.ErrNoTrace) {
		t.Errorf("a look that failed: %v", err)
	}
	rule.End()
	if _, err := c.bot.FindRoom(c.within(), n); !errors.Is(err, bridges.ErrNoTrace) {
		t.Errorf("never made: %v", err)
	}
}

// Somebody else's room with our key is not ours.
func TestFindRoomIsNotFooled(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	mallory := matrixclient.New(t, c.server, "mallory")
	c.start()
	room := mallory.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}, Content: map[string]any{keyField: txn("k")}})
	c.member(mallory, room, "join")
	if got, err := c.bot.FindRoom(c.within(), bridges.NewRoom{Key: "k"}); !errors.Is(err, bridges.ErrNoTrace) {
		t.Errorf("found %v, %v", got, err)
	}
}
