package matrix

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// A room that was encrypted is not followed into one that is not, whoever says so.
func TestPlainSuccessorIsNotFollowed(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.only(alice)
	old := alice.MakeRoom(matrixclient.RoomOptions{Name: "Response", Invite: []string{c.cfg.User}})
	c.cfg.Rooms = []Room{{ID: old, Full: true}}
	c.start()
	desk := bridges.Room{Network: netName, ID: old}
	c.event(bridges.Up, old, 1)
	next := alice.MakeRoom(matrixclient.RoomOptions{
		Plain: true, JoinRule: "public", Content: map[string]any{"predecessor": map[string]any{"room_id": old, "event_id": "$x"}},
	})
	alice.SetState(old, "m.room.tombstone", "", map[string]any{"body": "moved", "replacement_room": next})
	c.trouble("Response was replaced by a room that is not encrypted: I do not follow.")
	if got, err := c.bot.rooms.find(c.within(), desk); err != nil || got != id.RoomID(old) {
		t.Errorf("the desk is %s, %v", got, err)
	}
	alice.Say(old, "still here")
	if m := c.book.message(t, "still here"); m.Room != desk || m.Doubt != bridges.NoDoubt {
		t.Errorf("heard %+v", m)
	}
}

// What comes plain by direct message may be anybody's word.
func TestPlainDirectMessageIsDoubted(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.only(alice)
	c.start()
	room := alice.Direct(c.cfg.User)
	c.member(alice, room, "join")
	alice.SayPlain(room, "plain")
	if m := c.book.message(t, "plain"); m.Doubt != bridges.Plain {
		t.Errorf("heard %+v", m)
	}
	alice.Say(room, "in secret")
	if m := c.book.message(t, "in secret"); m.Doubt != bridges.NoDoubt || !m.Room.Direct {
		t.Errorf("heard %+v", m)
	}
}

// What a message relates to counts when it stands in the ciphertext. Beside it the
// homeserver could have put it: such a message is loose, and keeps its quotation.
func TestRelationBesideTheCiphertextIsLoose(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	var lie atomic.Pointer[func(status int, body []byte) (int, []byte)]
	proxy.Trouble(dendrite.Rule{Path: "/sync", Rewrite: func(status int, body []byte) (int, []byte) { // also what is under way already
		if f := lie.Load(); f != nil {
			return (*f)(status, body)
		}
		return status, body
	}})
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	root := alice.Say(desk.ID, "root")
	alice.Reply(desk.ID, root, "an honest reply")
	if m := c.book.message(t, "an honest reply"); m.Loose || m.About != root {
		t.Errorf("heard %+v", m)
	}
	rewrite := func(status int, body []byte) (int, []byte) {
		var tree map[string]any
		if json.Unmarshal(body, &tree) != nil {
			return status, body
		}
		rooms, _ := tree["rooms"].(map[string]any)
		join, _ := rooms["join"].(map[string]any)
		room, _ := join[desk.ID].(map[string]any)
		timeline, _ := room["timeline"].(map[string]any)
		events, _ := timeline["events"].([]any)
		for _, e := range events {
			evt, _ := e.(map[string]any)
			if content, _ := evt["content"].(map[string]any); content["ciphertext"] != nil {
				content["m.relates_to"] = map[string]any{"m.in_reply_to": map[string]any{"event_id": root}}
			}
		}
		out, err := json.Marshal(tree)
		if err != nil {
			return status, body
		}
		return status, out
	}
	lie.Store(&rewrite)
	alice.Say(desk.ID, "> <@bob:hs.test> what he said\n\n!quoted")
	m := c.book.message(t, "> <@bob:hs.test> what he said\n\n!quoted")
	if !m.Loose || m.About != root || !strings.HasPrefix(m.Text, "> ") {
		t.Errorf("heard %+v", m)
	}
}
