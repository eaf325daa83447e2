package matrixclient_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

func TestPeopleTalk(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, s, "alice"), matrixclient.New(t, s, "bob")
	room := alice.MakeRoom(matrixclient.RoomOptions{Name: "Response", Invite: []string{bob.UserID()}})
	if from := bob.WaitInvite(room); from != alice.UserID() {
		t.Errorf("%s invites", from)
	}
	bob.Join(room)
	alice.WaitMember(room, bob.UserID(), "join")
	hello := alice.Say(room, "hello bob")
	h := bob.WaitText(room, "hello bob")
	if h.ID != hello || h.Sender != alice.UserID() || h.Type != "m.text" || !h.Encrypted || !h.SenderSigned || h.Device != alice.DeviceID() ||
		h.Mentions == nil || len(h.Mentions) != 0 || strings.Contains(string(h.Wire), "hello") {
		t.Errorf("bob heard %+v", h)
	}
	reply := bob.Reply(room, hello, "hello alice")
	if h := alice.WaitReply(hello); h.ID != reply || h.Text != "hello alice" {
		t.Errorf("alice heard %+v", h)
	}
	in := bob.SayIn(room, hello, "more")
	if h := alice.WaitText(room, "more"); h.ID != in || h.Thread != hello || h.ReplyTo != "" {
		t.Errorf("in the thread: %+v", h)
	}
	bob.ReplyIn(room, hello, in, "and so on")
	if h := alice.WaitReply(in); h.Thread != hello {
		t.Errorf("an answer in the thread: %+v", h)
	}
	alice.Edit(room, hello, "hello Bob")
	if h := bob.WaitText(room, "hello Bob"); h.Edits != hello {
		t.Errorf("the edit: %+v", h)
	}
	alice.Notice(room, "a notice")
	if h := bob.WaitText(room, "a notice"); h.Type != "m.notice" {
		t.Errorf("the notice: %+v", h)
	}
	alice.SayPlain(room, "in clear")
	if h := bob.WaitText(room, "in clear"); h.Encrypted || h.SenderSigned || !strings.Contains(string(h.Wire), "in clear") {
		t.Errorf("the plain one: %+v", h)
	}
	sign := bob.React(room, hello, "⏳")
	alice.Until("a reaction", func() bool { return len(alice.Reactions(hello)) == 1 })
	if r := alice.Reactions(hello)[0]; r != (matrixclient.Reaction{ID: sign, Sender: bob.UserID(), Sign: "⏳"}) {
		t.Errorf("the reaction: %+v", r)
	}
	bob.Redact(room, sign)
	alice.Until("the reaction's end", func() bool { return len(alice.Reactions(hello)) == 0 })
	if len(alice.Reacted(hello)) != 1 || !alice.Redacted(sign) {
		t.Error("the reaction was never there")
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	alice.SendFile(room, "record.md", "text/markdown", data)
	f := bob.Wait("a file", func(h matrixclient.Heard) bool { return h.Type == "m.file" })
	if f.FileName != "record.md" || !bytes.Equal(bob.File(f), data) {
		t.Errorf("the file: %+v", f)
	}
	var order []string
	for _, h := range bob.In(room) {
		order = append(order, h.Text)
	}
	if want := []string{"hello bob", "hello Bob", "a notice", "in clear", "record.md"}; !slices.Equal(order, want) {
		t.Errorf("bob heard %q", order)
	}
}

func TestRooms(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, s, "alice"), matrixclient.New(t, s, "bob")
	room := alice.MakeRoom(matrixclient.RoomOptions{Name: "Response", Content: map[string]any{"test": "yes"}})
	var rule struct {
		Rule string `json:"join_rule"`
	}
	if !alice.State(room, "m.room.join_rules", "", &rule) || rule.Rule != "invite" || alice.State(room, "m.room.topic", "", nil) || !alice.State(room, "m.room.encryption", "", nil) {
		t.Errorf("the state of the room is not as it should be: %+v", rule)
	}
	var create map[string]any
	if alice.State(room, "m.room.create", "", &create); create["test"] != "yes" {
		t.Errorf("the create event: %v", create)
	}
	for what, do := range map[string]func(){
		"leave": func() { bob.Leave(room) }, "kick": func() { alice.Kick(room, bob.UserID()) },
	} {
		alice.Invite(room, bob.UserID())
		bob.Join(room)
		if got := alice.Members(room, "join"); len(got) != 2 {
			t.Errorf("before a %s: %q", what, got)
		}
		do()
		if got := alice.Members(room, "join"); !slices.Equal(got, []string{alice.UserID()}) {
			t.Errorf("after a %s: %q", what, got)
		}
	}
	alice.Ban(room, bob.UserID())
	alice.WaitMember(room, bob.UserID(), "ban")
	alice.SetState(room, "m.room.pinned_events", "", map[string]any{"pinned": []string{"$a"}})
	if got := alice.Pinned(room); !slices.Equal(got, []string{"$a"}) {
		t.Errorf("pinned: %q", got)
	}
	alice.Publish(room, true)
	alice.Publish(room, false)
	next := alice.Upgrade(room, "11")
	if next == room || !alice.State(next, "m.room.encryption", "", nil) || !alice.State(room, "m.room.tombstone", "", nil) {
		t.Errorf("the upgrade made %s", next)
	}
	direct := bob.Direct(alice.UserID())
	alice.WaitInvite(direct)
	alice.Join(direct)
	alice.Say(direct, "between us")
	if h := bob.WaitText(direct, "between us"); !h.Encrypted {
		t.Errorf("in a room of two: %+v", h)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, s, "alice", matrixclient.Strict()), matrixclient.New(t, s, "bob")
	mallory := matrixclient.New(t, s, "mallory", matrixclient.Unsigned())
	second, stray := bob.NewDevice(true), bob.NewDevice(false)
	room := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{bob.UserID(), mallory.UserID()}})
	bob.Join(room)
	mallory.Join(room)
	second.WaitMember(room, mallory.UserID(), "join")
	stray.WaitMember(room, mallory.UserID(), "join")
	alice.WaitMember(room, mallory.UserID(), "join")
	alice.Say(room, "to signed devices")
	for _, p := range []*matrixclient.Person{bob, second} {
		if h := p.WaitText(room, "to signed devices"); !h.Encrypted {
			t.Errorf("a signed device: %+v", h)
		}
	}
	for _, p := range []*matrixclient.Person{stray, mallory} {
		if h := p.Wait("a message that cannot be read", func(h matrixclient.Heard) bool { return h.Undecryptable }); h.Text != "" {
			t.Errorf("an unsigned device: %+v", h)
		}
	}
	mallory.Say(room, "from mallory")
	second.Say(room, "from the second")
	stray.Say(room, "from the stray")
	for text, signed := range map[string]bool{"from mallory": false, "from the second": true, "from the stray": false} {
		if h := alice.WaitText(room, text); h.SenderSigned != signed || !h.Encrypted {
			t.Errorf("%s: %+v", text, h)
		}
	}
	bob.ResetIdentity()
	bob.Say(room, "as somebody new")
	if h := alice.WaitText(room, "as somebody new"); h.SenderSigned {
		t.Errorf("a changed identity is trusted: %+v", h)
	}
}

// TestServerRestart: people go on when the server comes back.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, s, "alice"), matrixclient.New(t, s, "bob")
	room := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{bob.UserID()}})
	bob.Join(room)
	alice.WaitMember(room, bob.UserID(), "join")
	s.Restart(t)
	alice.Say(room, "after the restart")
	bob.WaitText(room, "after the restart")
}

func TestQuick(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	start := time.Now()
	for _, name := range []string{"alice", "bob", "carol", "dana"} {
		matrixclient.New(t, s, name)
	}
	t.Logf("a person takes %s", time.Since(start)/4)
}
