package main

import (
	"strings"
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// TestMatrixKicked: who is removed from the desk says so elsewhere, comes back when
// a maintainer asks it in, and has lost nothing.
func TestMatrixKicked(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, carol, desk := team(t, srv)
	d := newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open Heap overflow"), "INC-1")
	alice.Kick(desk, botID)
	for _, p := range []*matrixclient.Person{bob, carol} {
		direct := onlyInvite(t, p, botID)
		p.Join(direct)
	}
	direct := onlyInvite(t, alice, botID)
	alice.Join(direct)
	told := says(alice, direct, "!incident show")
	wants(t, told, "Heap overflow")
	wants(t, says(alice, direct, "!severity set high"), "High") // announced in the desk, when it can be
	if !strings.Contains(d.log.String(), "I was removed from") {
		t.Errorf("the log does not say that the bot was removed:\n%s", d.log)
	}
	mallory := matrixclient.New(t, srv, "mallory")
	trap := mallory.MakeRoom(matrixclient.RoomOptions{Invite: []string{botID}})
	mallory.WaitMember(trap, botID, "leave") // declined
	bob.Invite(desk, botID)
	bob.WaitMember(desk, botID, "join")
	announced := bob.WaitText(desk, "alice set the level to High")
	if !announced.Encrypted {
		t.Error("the announcement came unencrypted")
	}
	wants(t, says(bob, desk, "!incident show"), "Heap overflow", "High")
}

// TestMatrixUpgraded: an upgraded room is followed, and its proof is made anew.
func TestMatrixUpgraded(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, _, desk := team(t, srv)
	d := newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open Heap overflow"), "INC-1")
	next := alice.Upgrade(desk, "11")
	alice.SetState(next, "m.room.guest_access", "", map[string]string{"guest_access": "forbidden"})
	alice.Invite(next, botID)
	alice.WaitMember(next, botID, "join")
	alice.WaitText(next, "was upgraded; I followed")
	wants(t, says(alice, next, "!incident show"), "Heap overflow")
	mallory := matrixclient.New(t, srv, "mallory")
	alice.Invite(next, mallory.UserID())
	alice.WaitText(next, "hears notices only")
	if h := says(alice, next, "!incident show"); strings.Contains(h.Text, "Heap") {
		t.Errorf("the new room hears %q with a stranger asked in", h.Text)
	}
	alice.Kick(next, mallory.UserID())
	d.end()
	d.start()
	wants(t, says(alice, next, "!severity set high"), "High")
	alice.Invite(next, bob.UserID())
	bob.Join(next)
	bob.WaitMember(next, botID, "join")
	wants(t, says(bob, next, "!incident show"), "Heap overflow", "High")
}

// TestMatrixSlow: an answer that takes long shows a sign on the command, which goes
// with the answer.
func TestMatrixSlow(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, srv)
	alice, _, _, desk := team(t, srv)
	newMatrixDesk(t, srv, proxy.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open Heap overflow"), "INC-1")
	stuck := proxy.Trouble(dendrite.Rule{Method: "PUT", Path: "/send/m.room.encrypted", Do: dendrite.Hang})
	asked := alice.Say(desk, "!incident show")
	alice.Until("a sign on the command", func() bool { return len(alice.Reactions(asked)) == 1 })
	stuck.End()
	wants(t, alice.WaitReply(asked), "Heap overflow")
	alice.Until("the sign is gone", func() bool { return len(alice.Reactions(asked)) == 0 })
	// A quick one gets none.
	quick := alice.Say(desk, "!incident show")
	wants(t, alice.WaitReply(quick), "Heap overflow")
	after := alice.Say(desk, "!ping")
	alice.WaitReply(after)
	if n := len(alice.Reacted(quick)); n != 0 {
		t.Errorf("a quick answer was announced by %d signs", n)
	}
}

// TestMatrixHeard: a sign by a maintainer on a reminder says that it was heard.
func TestMatrixHeard(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, _, desk := team(t, srv)
	mallory := matrixclient.New(t, srv, "mallory")
	newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open --reported 5d ago Heap overflow"), "INC-1", "was due")
	reminder := bob.WaitText(desk, "When the reporter was answered")
	if len(reminder.Mentions) != 1 || reminder.Mentions[0] != alice.UserID() || reminder.Type != "m.text" {
		t.Errorf("a reminder is %s and mentions %v", reminder.Type, reminder.Mentions)
	}
	alice.Invite(desk, mallory.UserID())
	mallory.Join(desk)
	mallory.React(desk, reminder.ID, "✅")
	alice.Kick(desk, mallory.UserID())
	alice.WaitText(desk, "hears everything again")
	bob.React(desk, reminder.ID, "👍")
	bob.React(desk, reminder.ID, "✅")
	deadline := time.Now().Add(soon)
	for {
		h := says(bob, desk, "!timeline")
		if strings.Contains(h.Text, "bob heard the reminder") {
			if strings.Count(h.Text, "heard the reminder") != 1 {
				t.Errorf("heard more than once: %q", h.Text)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the sign was not noted: %q", h.Text)
		}
	}
	wants(t, says(alice, desk, "!heard"), "alice heard the reminder")
	wants(t, says(alice, desk, "!heard"), "You heard that reminder already")
}
