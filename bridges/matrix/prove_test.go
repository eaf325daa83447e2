package matrix

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// prove proves a room and fails the test when that fails.
func (c *crew) prove(room bridges.Room) bridges.Proof {
	c.t.Helper()
	p, err := c.bot.Prove(c.within(), room)
	if err != nil {
		c.t.Fatalf("proving %s: %v", room.ID, err)
	}
	return p
}

// failing are the checks that failed, by name.
func failing(p bridges.Proof) map[string]bridges.Check {
	out := map[string]bridges.Check{}
	for _, c := range p.Checks {
		if !c.OK {
			out[c.Name] = c
		}
	}
	return out
}

// onlyFailed sees that exactly one check failed, and what it says.
func (c *crew) onlyFailed(room bridges.Room, name, told, mend string) {
	c.t.Helper()
	p := c.prove(room)
	bad := failing(p)
	if len(bad) != 1 || bad[name].Told != told || bad[name].Mend != mend {
		c.t.Errorf("failed checks: %+v, not %s: %q %q", bad, name, told, mend)
	}
	if len(p.Checks) != 7 {
		c.t.Errorf("%d checks", len(p.Checks))
	}
}

func memberIDs(p bridges.Proof) []string {
	out := []string{}
	for _, m := range p.Members {
		out = append(out, m.Account.ID)
	}
	return out
}

const mendInvite = "Let only invited people join, in the room's settings."

func TestProveEachWay(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, bob, mallory := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob"), matrixclient.New(t, c.server, "mallory")
	inner := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}, Version: "10"})
	open := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}, JoinRule: "public", Version: "10"})
	notFull := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User}, Version: "10"})
	c.cfg.Rooms = []Room{{ID: inner, Full: true}, {ID: open, Full: true}, {ID: notFull}}
	c.start()
	for _, room := range []string{inner, open, notFull} {
		alice.WaitMember(room, c.cfg.User, "join")
	}
	fresh := func(o matrixclient.RoomOptions) bridges.Room {
		t.Helper()
		return c.desk(o, alice, bob)
	}

	t.Run("as it should be", func(t *testing.T) {
		room := fresh(matrixclient.RoomOptions{})
		p := c.prove(room)
		if bad := failing(p); len(bad) != 0 {
			t.Errorf("failed: %+v", bad)
		}
		var names []string
		for _, check := range p.Checks {
			names = append(names, check.Name)
			if check.Told == "" || check.Mend != "" {
				t.Errorf("the check %+v", check)
			}
		}
		if want := []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"}; !slices.Equal(names, want) {
			t.Errorf("checks %v", names)
		}
		if got := memberIDs(p); !slices.Equal(got, []string{alice.UserID(), bob.UserID()}) {
			t.Errorf("members %v", got)
		}
		if p.Room != room || p.Members[0].Name != alice.UserID() || p.Members[0].Account.Network != netName || time.Since(p.At) > time.Minute {
			t.Errorf("the proof %+v", p)
		}
	})
	t.Run("invited history", func(*testing.T) {
		room := fresh(matrixclient.RoomOptions{History: "invited"})
		if bad := failing(c.prove(room)); len(bad) != 0 {
			t.Errorf("failed: %+v", bad)
		}
	})
	t.Run("unencrypted", func(*testing.T) {
		c.onlyFailed(fresh(matrixclient.RoomOptions{Plain: true}), "encrypted", "The room is not encrypted.", "Turn encryption on in the room's settings.")
	})
	t.Run("public", func(*testing.T) {
		c.onlyFailed(fresh(matrixclient.RoomOptions{JoinRule: "public"}), "invite-only", "Anyone can join.", mendInvite)
	})
	t.Run("made public later", func(*testing.T) {
		room := fresh(matrixclient.RoomOptions{})
		before := c.prove(room)
		alice.SetState(room.ID, "m.room.join_rules", "", map[string]any{"join_rule": "public"})
		c.onlyFailed(room, "invite-only", "Anyone can join.", mendInvite)
		if after := c.prove(room); after.State == before.State {
			t.Error("the state of the proof did not move")
		}
	})
	t.Run("knock", func(*testing.T) {
		if bad := failing(c.prove(fresh(matrixclient.RoomOptions{JoinRule: "knock", Version: "10"}))); len(bad) != 0 {
			t.Errorf("failed: %+v", bad)
		}
	})
	t.Run("shared history", func(*testing.T) {
		c.onlyFailed(fresh(matrixclient.RoomOptions{History: "shared"}), "history", "Who joins can read what was said before.",
			"Let members read the history only since they joined, in the room's settings.")
	})
	t.Run("world readable", func(*testing.T) {
		c.onlyFailed(fresh(matrixclient.RoomOptions{History: "world_readable"}), "history", "Anyone can read the room without joining it.",
			"Let members read the history only since they joined, in the room's settings.")
	})
	t.Run("guests", func(*testing.T) {
		c.onlyFailed(fresh(matrixclient.RoomOptions{Guests: "can_join"}), "no-guests", "Guests without an account can join.",
			"Forbid guests to join, in the room's settings.")
	})
	t.Run("published", func(*testing.T) {
		room := fresh(matrixclient.RoomOptions{})
		alice.Publish(room.ID, true)
		c.onlyFailed(room, "unlisted", "The room is published in the homeserver's public directory.",
			"Take the room out of the public directory, in its settings.")
		alice.Publish(room.ID, false)
		if bad := failing(c.prove(room)); len(bad) != 0 {
			t.Errorf("taken out again: %+v", bad)
		}
	})
	for _, kind := range []string{
		"im.vector.modular.widgets", "m.widget", "m.bridge", "uk.half-shot.bridge",
		"uk.half-shot.matrix-hookshot.github.repository", "org.matrix.appservice-irc.config",
	} {
		t.Run(kind, func(*testing.T) {
			room := fresh(matrixclient.RoomOptions{})
			alice.SetState(room.ID, kind, "one", map[string]any{"url": "https://example.org", "type": "m.custom"})
			c.onlyFailed(room, "no-integrations", alice.UserID()+" has put a bridge or a widget into the room.",
				"Remove bridges and widgets, in the room's settings.")
			alice.SetState(room.ID, kind, "one", map[string]any{})
			if bad := failing(c.prove(room)); len(bad) != 0 {
				t.Errorf("removed again: %+v", bad)
			}
		})
	}
	t.Run("a stranger joined", func(t *testing.T) {
		room := fresh(matrixclient.RoomOptions{})
		before := c.prove(room).State
		alice.Invite(room.ID, mallory.UserID())
		invited := c.prove(room)
		if got := memberIDs(invited); !slices.Equal(got, []string{alice.UserID(), bob.UserID(), mallory.UserID()}) || invited.State == before {
			t.Errorf("invited: members %v, state %d and before %d", got, invited.State, before)
		}
		mallory.Join(room.ID)
		joined := c.prove(room)
		if got := memberIDs(joined); !slices.Contains(got, mallory.UserID()) || joined.State == invited.State {
			t.Errorf("joined: members %v, state %d and before %d", got, joined.State, invited.State)
		}
		mallory.Leave(room.ID)
		if got := memberIDs(c.prove(room)); slices.Contains(got, mallory.UserID()) {
			t.Errorf("left: members %v", got)
		}
	})
	t.Run("a stranger knocks", func(t *testing.T) {
		room := fresh(matrixclient.RoomOptions{JoinRule: "knock", Version: "10"})
		if _, err := mallory.Client().KnockRoom(t.Context(), room.ID, nil); err != nil {
			t.Skip("this homeserver cannot knock: ", err)
		}
		if got := memberIDs(c.prove(room)); slices.Contains(got, mallory.UserID()) {
			t.Errorf("members %v", got)
		}
	})
	t.Run("a stranger invited by e-mail", func(t *testing.T) {
		room := fresh(matrixclient.RoomOptions{})
		before := c.prove(room).State
		alice.SetState(room.ID, "m.room.third_party_invite", "token", map[string]any{"display_name": "m…@example.org", "key_validity_url": "https://example.org", "public_key": "x"})
		p := c.prove(room)
		i := slices.IndexFunc(p.Members, func(m bridges.Member) bool { return m.Account.ID == "" })
		if i < 0 || p.Members[i].Name != "somebody invited by e-mail" || p.State == before {
			t.Errorf("members %+v", p.Members)
		}
		alice.SetState(room.ID, "m.room.third_party_invite", "token", map[string]any{})
		if p := c.prove(room); slices.ContainsFunc(p.Members, func(m bridges.Member) bool { return m.Account.ID == "" }) {
			t.Errorf("taken back: members %+v", p.Members)
		}
	})
	restricted := func(rooms ...string) bridges.Room {
		room := fresh(matrixclient.RoomOptions{Version: "10"})
		var allow []any
		for _, other := range rooms {
			allow = append(allow, map[string]any{"type": "m.room_membership", "room_id": other})
		}
		alice.SetState(room.ID, "m.room.join_rules", "", map[string]any{"join_rule": "restricted", "allow": allow})
		return room
	}
	notProven := "Members of a room that is not proven can join."
	t.Run("restricted to a proven room", func(*testing.T) {
		if bad := failing(c.prove(restricted(inner))); len(bad) != 0 {
			t.Errorf("failed: %+v", bad)
		}
	})
	t.Run("restricted to an open room", func(*testing.T) {
		c.onlyFailed(restricted(open), "invite-only", notProven, mendInvite)
	})
	t.Run("restricted to a proven and an open room", func(*testing.T) {
		c.onlyFailed(restricted(inner, open), "invite-only", notProven, mendInvite)
	})
	t.Run("restricted to a room without full clearance", func(*testing.T) {
		c.onlyFailed(restricted(notFull), "invite-only", notProven, mendInvite)
	})
	t.Run("restricted to a room that nobody configured", func(*testing.T) {
		c.onlyFailed(restricted(fresh(matrixclient.RoomOptions{}).ID), "invite-only", notProven, mendInvite)
	})
	t.Run("restricted to nothing", func(*testing.T) {
		c.onlyFailed(restricted(), "invite-only", notProven, mendInvite)
	})
	t.Run("restricted to something unknown", func(*testing.T) {
		room := fresh(matrixclient.RoomOptions{Version: "10"})
		alice.SetState(room.ID, "m.room.join_rules", "", map[string]any{"join_rule": "restricted", "allow": []any{
			map[string]any{"type": "m.room_membership", "room_id": inner}, map[string]any{"type": "org.example.anyone"},
		}})
		c.onlyFailed(room, "invite-only", notProven, mendInvite)
	})
	t.Run("room version 12", func(t *testing.T) {
		room := fresh(matrixclient.RoomOptions{Version: "12"})
		if strings.Contains(room.ID, ":") {
			t.Skip("this homeserver has no such rooms")
		}
		p := c.prove(room)
		if bad := failing(p); len(bad) != 0 || len(p.Members) != 2 {
			t.Errorf("failed: %+v, members %v", bad, memberIDs(p))
		}
	})
	t.Run("not in it", func(t *testing.T) {
		room := fresh(matrixclient.RoomOptions{})
		alice.Kick(room.ID, c.cfg.User)
		if p, err := c.bot.Prove(c.within(), room); err == nil {
			t.Errorf("proved %+v", p)
		}
	})
}

func TestProveEncryptionRemoved(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	room := c.desk(matrixclient.RoomOptions{}, alice)
	c.until(room, "the bot's own joining", joined)
	c.prove(room)
	proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/state", Rewrite: func(status int, body []byte) (int, []byte) {
		return status, []byte(strings.ReplaceAll(string(body), `"m.room.encryption"`, `"m.room.decoration"`))
	}})
	for _, when := range []string{"at once", "after a restart"} {
		c.onlyFailed(room, "encrypted", "The room was encrypted, and its state does not say so any more.", "Somebody has tampered with the room: make a new one.")
		if !c.bot.rooms.encrypted(roomID(room)) {
			t.Errorf("%s: it may get plain text", when)
		}
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
		c.start()
	}
}

func TestProveCostsAndFreshness(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.cfg.Tuning.Fresh = time.Minute
	c.start()
	place := c.desk(matrixclient.RoomOptions{}, alice)
	c.until(place, "the bot's own joining", joined)
	c.prove(place)
	asked := func() (int, int) {
		return len(proxy.Requests("GET", "/state")), len(proxy.Requests("GET", "/directory/list/room/"))
	}
	states, lists := asked()
	for range 20 {
		c.prove(place)
	}
	if s, l := asked(); s != states || l != lists {
		t.Errorf("%d and %d requests for a room that did not change", s-states, l-lists)
	}
	alice.SetState(place.ID, "m.room.guest_access", "", map[string]any{"guest_access": "can_join"})
	c.until(place, "the change", func(rm *room) bool { return rm.facts.guests == "can_join" })
	states, lists = asked()
	if bad := failing(c.prove(place)); len(bad) != 1 {
		t.Errorf("failed: %+v", bad)
	}
	if s, l := asked(); s > states+1 || l != lists+1 {
		t.Errorf("%d and %d requests for one proof", s-states, l-lists)
	}
}

func TestProveWithoutAnswers(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	room := c.desk(matrixclient.RoomOptions{}, alice)
	c.until(room, "the bot's own joining", joined)
	for _, do := range []dendrite.Action{dendrite.BadGateway, dendrite.TooMany, dendrite.Forbid, dendrite.Cut} {
		rule := proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/directory/list/room/", Do: do})
		c.onlyFailed(room, "unlisted", "The homeserver does not say whether the room is in its public directory.",
			"Try again later, or ask who runs the homeserver.")
		rule.End()
		rule = proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/state", Do: do})
		if p, err := c.bot.Prove(c.within(), room); err == nil {
			t.Errorf("with %v: proved %+v", do, p)
		}
		rule.End()
	}
	if bad := failing(c.prove(room)); len(bad) != 0 {
		t.Errorf("failed: %+v", bad)
	}
}

func TestProveUnreadable(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.start()
	room := c.desk(matrixclient.RoomOptions{JoinRule: "public"}, alice)
	c.until(room, "the bot's own joining", joined)
	for name, change := range map[string][2]string{
		"two rules":      {`"join_rule":"public"`, `"join_rule":"public","join_rule":"invite"`},
		"other capitals": {`"join_rule":"public"`, `"join_rule":"public","Join_Rule":"invite"`},
		"escaped":        {`"join_rule":"public"`, `"join_rule":"public","j\u006fin_rule":"invite"`},
		"another type":   {`"type":"m.room.join_rules"`, `"type":"m.room.join_rules","Type":"m.nothing"`},
		"another key":    {`"type":"m.room.join_rules"`, `"type":"m.room.join_rules","State_Key":"x"`},
	} {
		rule := proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/state", Rewrite: func(status int, body []byte) (int, []byte) {
			if !strings.Contains(string(body), change[0]) {
				t.Errorf("the state does not hold %s", change[0])
			}
			return status, []byte(strings.Replace(string(body), change[0], change[1], 1))
		}})
		p := c.prove(room)
		if bad := failing(p); bad["invite-only"].Told == "" {
			t.Errorf("%s: failed %+v", name, bad)
		}
		rule.End()
	}
	for name, answer := range map[string]string{"cut off": `[{"type":`, "a page": `<html>hello</html>`, "an empty room": `[]`, "something else": `{}`} {
		rule := proxy.Trouble(dendrite.Rule{Method: "GET", Path: "/state", Rewrite: func(status int, _ []byte) (int, []byte) { return status, []byte(answer) }})
		if p, err := c.bot.Prove(c.within(), room); !errors.Is(err, bridges.ErrNotSent) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		rule.End()
	}
	alice.SetState(room.ID, "m.room.join_rules", "", map[string]any{"join_rule": "invite"})
	if bad := failing(c.prove(room)); len(bad) != 0 {
		t.Errorf("in the end: failed %+v", bad)
	}
}
