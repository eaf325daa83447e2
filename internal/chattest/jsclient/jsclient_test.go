package jsclient_test

import (
	"bytes"
	"slices"
	"testing"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/jsclient"
	"tocsin/internal/chattest/matrixclient"
)

func TestTwoOfThem(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	alice, bob := jsclient.New(t, s, "alice"), jsclient.New(t, s, "bob")
	room := alice.MakeRoom("Response", bob.UserID())
	bob.WaitInvite(room)
	bob.Join(room)
	alice.WaitMember(room, bob.UserID(), "join")
	hello := alice.Say(room, "hello bob")
	h := bob.WaitText(room, "hello bob")
	if h.ID != hello || h.Sender != alice.UserID() || h.Type != "m.text" || !h.Encrypted || h.Shield != "NONE" || h.Mentions == nil || len(h.Mentions) != 0 {
		t.Errorf("bob heard %+v", h)
	}
	bob.Reply(room, hello, "hello alice")
	if h := alice.WaitReply(hello); h.Text != "hello alice" || h.Thread != "" {
		t.Errorf("alice heard %+v", h)
	}
	bob.SayIn(room, hello, "more")
	if h := alice.WaitText(room, "more"); h.Thread != hello || h.ReplyTo != "" {
		t.Errorf("in the thread: %+v", h)
	}
	if v := alice.DeviceVerified(bob.UserID(), bob.DeviceID()); !v.SignedByOwner || v.CrossSigningVerified {
		t.Errorf("alice holds of bob's device: %+v", v)
	}
	if v := alice.DeviceVerified(alice.UserID(), alice.DeviceID()); !v.SignedByOwner || !v.CrossSigningVerified {
		t.Errorf("alice holds of her own device: %+v", v)
	}
}

func TestWithTheOther(t *testing.T) {
	t.Parallel()
	s := dendrite.Start(t, dendrite.Options{})
	alice := jsclient.New(t, s, "alice")
	bob, mallory := matrixclient.New(t, s, "bob"), matrixclient.New(t, s, "mallory", matrixclient.Unsigned())
	room := alice.MakeRoom("Response", bob.UserID(), mallory.UserID())
	bob.Join(room)
	mallory.Join(room)
	alice.WaitMember(room, mallory.UserID(), "join")
	bob.WaitMember(room, mallory.UserID(), "join")
	hello := alice.Say(room, "hello bob")
	if h := bob.WaitText(room, "hello bob"); h.ID != hello || !h.Encrypted || !h.SenderSigned {
		t.Errorf("bob heard %+v", h)
	}
	if h := mallory.Wait("a message without a key", func(h matrixclient.Heard) bool { return h.ID == hello }); !h.Undecryptable {
		t.Errorf("an unsigned device got the key: %+v", h)
	}
	reply := bob.Reply(room, hello, "hello alice")
	if h := alice.WaitReply(hello); h.ID != reply || h.Text != "hello alice" || h.Shield != "NONE" {
		t.Errorf("alice heard %+v", h)
	}
	bob.Edit(room, reply, "hello Alice")
	if h := alice.WaitText(room, "hello Alice"); h.Edits != reply {
		t.Errorf("the edit: %+v", h)
	}
	bob.SayPlain(room, "in clear")
	if h := alice.WaitText(room, "in clear"); h.Encrypted || h.Shield != "" {
		t.Errorf("the plain one: %+v", h)
	}
	stray := mallory.Say(room, "from an unsigned device")
	if h := alice.Wait("mallory", func(h jsclient.Heard) bool { return h.ID == stray }); !h.Undecryptable || h.Text != "" {
		t.Errorf("a message of an unsigned device: %+v", h)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	bob.SendFile(room, "record.md", "text/markdown", data)
	f := alice.Wait("a file", func(h jsclient.Heard) bool { return h.Type == "m.file" })
	if f.FileName != "record.md" || !bytes.Equal(alice.File(f), data) {
		t.Errorf("the file: %+v", f)
	}
	if got := alice.Pinned(room); len(got) != 0 {
		t.Errorf("pinned: %q", got)
	}
	if v := alice.DeviceVerified(mallory.UserID(), mallory.DeviceID()); v.SignedByOwner {
		t.Errorf("mallory's device: %+v", v)
	}
	if !slices.ContainsFunc(alice.All(), func(h jsclient.Heard) bool { return h.ID == reply }) {
		t.Error("the answer is not among all")
	}
}
