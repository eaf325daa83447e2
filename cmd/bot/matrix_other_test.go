package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/jsclient"
	"tocsin/internal/chattest/matrixclient"
)

// device reads which device the bot's login made.
func (d *matrixDesk) device() string {
	d.t.Helper()
	found, err := filepath.Glob(d.path("*/session.json"))
	if err != nil || len(found) != 1 {
		d.t.Fatalf("sessions: %q, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	must(d.t, err)
	var s struct{ Device string }
	must(d.t, json.Unmarshal(text, &s))
	return s.Device
}

// trusted checks what every answer has to be for a client that shows how far a
// message can be trusted.
func trusted(t *testing.T, h jsclient.Heard, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(h.Text, part) {
			t.Errorf("%q is missing in %q", part, h.Text)
		}
	}
	if h.Sender != botID || !h.Encrypted || h.Undecryptable || h.Shield != "NONE" || h.Mentions == nil {
		t.Errorf("%q of %s: encrypted %v, undecryptable %v, shield %s (%s), mentions %v", h.Text, h.Sender, h.Encrypted, h.Undecryptable, h.Shield, h.Reason, h.Mentions)
	}
}

// pinnedBoard waits until one message that this client can read is pinned, with a
// part in its present text.
func pinnedBoard(t *testing.T, c *jsclient.Client, room, part string) (id string) {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		pins := c.Pinned(room)
		for _, h := range slices.Backward(c.All()) {
			if len(pins) == 1 && (h.ID == pins[0] || h.Edits == pins[0]) && strings.Contains(h.Text, part) {
				trusted(t, h)
				return pins[0]
			}
		}
	}
	t.Fatalf("no pinned board with %q; pinned is %q", part, c.Pinned(room))
	return ""
}

// TestMatrixOtherClient: alice uses another implementation of Matrix and of its
// encryption than the bot, which sends its keys to signed devices only and reads
// only what comes from such ones.
func TestMatrixOtherClient(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob := jsclient.New(t, srv, "alice"), matrixclient.New(t, srv, "bob")
	srv.Register(t, "tocsin", botPassword)
	desk := alice.MakeRoom("Response", bob.UserID(), botID)
	bob.Join(desk)
	d := newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	if v := alice.DeviceVerified(botID, d.device()); !v.SignedByOwner {
		t.Errorf("the bot's device is not signed by its owner: %+v", v)
	}

	// A command, its answer, its HTML, and whom it calls.
	opened := alice.WaitReply(alice.Say(desk, "!incident open Heap overflow in vector<int> & friends"))
	trusted(t, opened, "INC-1", "vector<int> & friends")
	if opened.Type != "m.notice" || len(opened.Mentions) != 0 || !strings.Contains(opened.HTML, "vector&lt;int&gt; &amp; friends") {
		t.Errorf("the answer is %s, mentions %v, its HTML %q", opened.Type, opened.Mentions, opened.HTML)
	}
	taken := bob.Say(desk, "!role assign patch alice")
	called := alice.WaitReply(taken)
	trusted(t, called, "alice is now Patch Owner")
	if called.Type != "m.text" || !slices.Equal(called.Mentions, []string{alice.UserID()}) {
		t.Errorf("who has to act is called by %s with mentions %v", called.Type, called.Mentions)
	}

	// Relations: in a thread the answer is there and answers that message; a reply
	// is about what it answers.
	root := alice.Say(desk, "!incident show INC-1")
	trusted(t, alice.WaitReply(root), "Heap overflow")
	in := alice.WaitReply(alice.SayIn(desk, root, "!incident note it needs no bytes at all"))
	trusted(t, in, "Noted on INC-1")
	if in.Thread != root {
		t.Errorf("the answer is in the thread %q, want %q", in.Thread, root)
	}
	trusted(t, alice.WaitReply(alice.Say(desk, "!incident open --severity low A crash on an empty file")), "INC-2")
	about := alice.WaitReply(alice.Reply(desk, opened.ID, "!incident show"))
	trusted(t, about, "INC-1", "Heap overflow")
	if about.Thread != "" {
		t.Errorf("an answer outside of any thread is in %q", about.Thread)
	}

	// A long answer is a file.
	for k := range 15 {
		alice.WaitReply(alice.Say(desk, fmt.Sprintf("!incident note INC-1 thought number %d", k)))
	}
	long := alice.WaitReply(alice.Say(desk, "!timeline INC-1 50"))
	trusted(t, long)
	if _, plain := long.Raw["url"]; plain || long.Type != "m.file" || long.FileName == "" {
		t.Errorf("a long answer is %s %q: %v", long.Type, long.FileName, long.Raw)
	}
	if text := string(alice.File(long)); !strings.Contains(text, "thought number 0") || !strings.Contains(text, "thought number 14") {
		t.Errorf("the file holds %q", text)
	}

	// A room of its own, with a board that is edited in place.
	trusted(t, alice.WaitReply(bob.Say(desk, "!incident room INC-1")), "Asked in: alice, bob")
	own := onlyInvite(t, bob, botID)
	alice.WaitInvite(own)
	alice.Join(own)
	alice.WaitMember(own, botID, "join") // her client gives its key to those whom it knows to be there
	// The board that was there when she joined is posted anew for her. That is done
	// when the bot has answered what she said after it, and has no more to say.
	trusted(t, alice.WaitReply(alice.Say(own, "!incident show")), "Heap overflow")
	d.settled()
	board := pinnedBoard(t, alice, own, "Phase: reported")
	trusted(t, alice.WaitReply(alice.Say(own, "!severity set high")), "High")
	if now := pinnedBoard(t, alice, own, "Level: High"); now != board {
		t.Errorf("the board was %s and is %s", board, now)
	}
	if n := len(alice.Pinned(own)); n != 1 {
		t.Errorf("%d messages are pinned", n)
	}
}
