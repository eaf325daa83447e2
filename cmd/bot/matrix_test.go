package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bridges/matrix"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// botPassword is the password of the bot's own account.
const botPassword = "the bot's own password"

const matrixPeople = `
[project]
name = "Pillow"

[state]
file = "desk.db"

[[person]]
name = "alice"
zone = "Europe/Helsinki"
accounts = ["rig:@alice:hs.test"]

[[person]]
name = "bob"
zone = "Australia/Melbourne"
accounts = ["rig:@bob:hs.test"]

[[person]]
name = "carol"
zone = "America/New_York"
accounts = ["rig:@carol:hs.test"]
`

const matrixNet = `
[[matrix]]
name = "rig"
homeserver = %q
user = "@tocsin:hs.test"
rooms_for = ["critical"]
`

const matrixRoom = `
[[matrix.room]]
room = %q
desk = true
clearance = "full"
`

// matrixDesk is the real bot, from its configuration, on a real homeserver.
type matrixDesk struct {
	t    testing.TB
	srv  *dendrite.Server
	dir  string
	desk string // the room
	log  *output
	stop context.CancelFunc
	done chan int
}

const botID = "@tocsin:hs.test"

// newMatrixDesk writes a configuration for a room, logs the bot in and starts it.
func newMatrixDesk(t testing.TB, srv *dendrite.Server, url, room, more string) *matrixDesk {
	t.Helper()
	d := &matrixDesk{t: t, srv: srv, dir: t.TempDir(), desk: room, log: &output{}}
	d.write("config.toml", matrixPeople+fmt.Sprintf(matrixNet, url)+more+fmt.Sprintf(matrixRoom, room))
	d.write("password", botPassword+"\n")
	d.login()
	d.start()
	t.Cleanup(d.end)
	return d
}

func (d *matrixDesk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *matrixDesk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// run runs the program to its end.
func (d *matrixDesk) run(args ...string) (int, string) {
	out := &output{}
	p := program{in: strings.NewReader(""), out: out, err: out, env: os.LookupEnv, login: matrix.Login, trust: matrix.Trust}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	return p.run(ctx, args), out.String()
}

func (d *matrixDesk) login() {
	d.t.Helper()
	code, said := d.run("login", "matrix", "-config", d.path("config.toml"), "-password-file", d.path("password"))
	if code != exitOK || !strings.Contains(said, "recovery key") {
		d.t.Fatalf("logging in gave %d: %s", code, said)
	}
}

func (d *matrixDesk) start() {
	ctx, stop := context.WithCancel(context.Background())
	d.stop, d.done = stop, make(chan int, 1)
	p := program{in: strings.NewReader(""), out: d.log, err: d.log, env: os.LookupEnv}
	done := d.done
	go func() { done <- p.run(ctx, []string{"-config", d.path("config.toml"), "-log", "info"}) }()
}

func (d *matrixDesk) end() {
	if d.stop == nil {
		return
	}
	d.stop()
	select {
	case code := <-d.done:
		if code != exitOK {
			d.t.Errorf("the bot ended with %d:\n%s", code, d.log)
		}
	case <-time.After(soon):
		d.t.Errorf("the bot did not end:\n%s", d.log)
	}
	d.stop = nil
	if d.t.Failed() {
		text := d.log.String()
		d.t.Log(text[max(0, len(text)-12000):])
	}
}

// team makes the three maintainers, each with a signed device, and their desk with
// the bot asked in.
func team(t testing.TB, srv *dendrite.Server) (alice, bob, carol *matrixclient.Person, desk string) {
	t.Helper()
	alice, bob, carol = matrixclient.New(t, srv, "alice"), matrixclient.New(t, srv, "bob"), matrixclient.New(t, srv, "carol")
	srv.Register(t, "tocsin", botPassword)
	desk = alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{bob.UserID(), carol.UserID(), botID}})
	bob.Join(desk)
	carol.Join(desk)
	return alice, bob, carol, desk
}

// says sends a command and gives the answer to it.
func says(p *matrixclient.Person, room, text string) matrixclient.Heard {
	return p.WaitReply(p.Say(room, text))
}

func wants(t testing.TB, h matrixclient.Heard, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(h.Text, part) {
			t.Errorf("%q is missing in the answer %q", part, h.Text)
		}
	}
	if !h.Encrypted || !h.SenderSigned {
		t.Errorf("encrypted %v, from a signed device %v: %q", h.Encrypted, h.SenderSigned, h.Text)
	}
}

// TestMatrixDesk goes the main way on a real homeserver: the bot is asked in,
// proves the room, opens an incident, scores it, makes it a room with a board.
func TestMatrixDesk(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, carol, desk := team(t, srv)
	d := newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")

	room := says(alice, desk, "!room")
	wants(t, room, "may hear everything about an incident", "3 people besides the bot", "ok: ")
	opened := says(alice, desk, "!incident open --reported 5h ago <b>Heap</b> overflow")
	wants(t, opened, "HTML is not understood")
	opened = says(alice, desk, "!incident open --reported 5h ago Heap overflow in vector<int> & friends")
	wants(t, opened, "INC-1", "Heap overflow in vector<int> & friends")
	if strings.Contains(opened.HTML, "<int>") || !strings.Contains(opened.HTML, "&lt;int&gt; &amp; friends") {
		t.Errorf("the HTML is %q", opened.HTML)
	}
	if opened.Type != "m.notice" || opened.Mentions == nil || len(opened.Mentions) != 0 {
		t.Errorf("an answer is %s and mentions %v", opened.Type, opened.Mentions)
	}

	// A critical one gets a room by the configuration; people with roles are asked in.
	wants(t, says(bob, desk, "!severity set critical"), "Critical")
	own := onlyInvite(t, alice, botID)
	alice.Join(own)
	pinned(alice, own, "Phase: reported. Level: Critical.")
	var name struct{ Name string }
	if !alice.State(own, "m.room.name", "", &name) || strings.Contains(name.Name, "Heap") || !strings.HasPrefix(name.Name, "INC-1 ") {
		t.Errorf("the room is called %q", name.Name)
	}
	// In the room no handle is needed, the board is edited in place, and who gets a
	// role is called and asked in.
	assigned := says(alice, own, "!role assign patch carol")
	wants(t, assigned, "carol is now Patch Owner")
	if !slices.Equal(assigned.Mentions, []string{carol.UserID()}) || assigned.Type != "m.text" {
		t.Errorf("an assignment is %s and mentions %v", assigned.Type, assigned.Mentions)
	}
	alice.Wait("the board with carol", func(h matrixclient.Heard) bool {
		return slices.Equal(alice.Pinned(own), []string{h.Edits}) && strings.Contains(h.Text, "Patch Owner: carol")
	})
	carol.WaitInvite(own)
	carol.Join(own)
	pinned(carol, own, "Patch Owner: carol")
	// Another incident is not spoken of there, and the desk hears of both.
	wants(t, says(bob, desk, "!incident open --severity low A crash on an empty file"), "INC-2")
	answer := says(carol, own, "!incident show INC-2")
	if strings.Contains(answer.Text, "INC-2") || strings.Contains(answer.Text, "empty file") {
		t.Errorf("INC-1's room hears %q", answer.Text)
	}
	// Threads and replies know what they are about.
	thread := bob.Say(desk, "!incident show INC-2")
	bob.WaitReply(thread)
	noted := bob.SayIn(desk, thread, "!incident note it needs no bytes at all")
	in := bob.WaitReply(noted)
	wants(t, in, "INC-2")
	if in.Thread != thread {
		t.Errorf("the answer is in the thread %q, want %q", in.Thread, thread)
	}

	// A stranger who is only invited is enough for notices.
	mallory := matrixclient.New(t, srv, "mallory")
	alice.Invite(desk, mallory.UserID())
	lowered := bob.WaitText(desk, "hears notices only")
	wants(t, lowered, mallory.UserID(), "Take "+mallory.UserID()+" out")
	shown := says(bob, desk, "!incident show INC-1")
	if strings.Contains(shown.Text, "Heap") {
		t.Errorf("with a stranger invited the room hears %q", shown.Text)
	}
	alice.Kick(desk, mallory.UserID())
	bob.WaitText(desk, "hears everything again")
	wants(t, says(bob, desk, "!incident show INC-1"), "Heap overflow")

	// The end: a farewell, and the board stays.
	wants(t, says(alice, own, "!incident close fixed it was fixed before"), "is closed")
	alice.WaitText(own, "This room stays for reading")
	alice.Wait("the board of the end", func(h matrixclient.Heard) bool {
		return slices.Equal(alice.Pinned(own), []string{h.Edits}) && strings.Contains(h.Text, "Phase: closed")
	})
	d.end()
	if strings.Contains(d.log.String(), "Heap") {
		t.Errorf("the log holds the title:\n%s", d.log)
	}
}

// pinned waits until a message that this person can read is what is pinned in a
// room, and gives it.
func pinned(p *matrixclient.Person, room, part string) (board matrixclient.Heard) {
	p.Until("a pinned board with "+part, func() bool {
		pins := p.Pinned(room)
		for _, h := range p.In(room) {
			if len(pins) == 1 && h.ID == pins[0] && strings.Contains(h.Text, part) {
				board = h
				return true
			}
		}
		return false
	})
	return board
}

// onlyInvite waits for an invitation and gives its room.
func onlyInvite(t testing.TB, p *matrixclient.Person, from string) (room string) {
	t.Helper()
	p.Until("an invitation from "+from, func() bool {
		for r, who := range p.Invites() {
			if who == from {
				room = r
			}
		}
		return room != ""
	})
	return room
}

// TestMatrixGuest lets somebody in by name: two people agree, and nothing else
// than that one room is opened.
func TestMatrixGuest(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, _, desk := team(t, srv)
	newMatrixDesk(t, srv, srv.URL(), desk, "")
	erin := matrixclient.New(t, srv, "erin")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open Heap overflow"), "INC-1")
	wants(t, says(alice, desk, "!guest allow INC-1 "+erin.UserID()+" she found it"), "no room of its own")
	wants(t, says(bob, desk, "!incident room"), "Asked in: alice, bob")
	own := onlyInvite(t, alice, botID)
	alice.Join(own)
	bob.WaitInvite(own)
	bob.Join(own)
	asked := says(alice, own, "!guest allow "+erin.UserID()+" she found it")
	wants(t, asked, "!approve ")
	_, code, _ := strings.Cut(asked.Text, "!approve ")
	code, _, _ = strings.Cut(code, " ")
	wants(t, says(alice, own, "!approve "+code), "another maintainer has to approve")
	wants(t, says(bob, own, "!approve "+code), erin.UserID())
	erin.WaitInvite(own)
	erin.Join(own)
	shown := says(bob, own, "!incident show")
	wants(t, shown, "Heap overflow")
	erin.WaitText(own, "Heap overflow")
	// What erin says is no command.
	erin.Say(own, "!incident close fixed")
	wants(t, says(bob, own, "!incident show"), "Heap overflow", "reported")
	wants(t, says(bob, own, "!guest remove "+erin.UserID()), "taken out")
	alice.WaitMember(own, erin.UserID(), "leave")
	secret := says(bob, own, "!incident note after erin")
	wants(t, secret, "Noted")
	for _, h := range erin.All() {
		if h.ID == secret.ID {
			t.Error("a guest who was taken out still reads")
		}
	}
}

// TestMatrixAway: what is said while the bot is away is obeyed when it is back, a
// message is never obeyed twice, and what it cannot read it says once.
func TestMatrixAway(t *testing.T) {
	srv := dendrite.Start(t, dendrite.Options{})
	alice, bob, _, desk := team(t, srv)
	alice.Say(desk, "!incident open before the bot was there")
	d := newMatrixDesk(t, srv, srv.URL(), desk, "")
	alice.WaitMember(desk, botID, "join")
	wants(t, says(alice, desk, "!incident open Heap overflow"), "INC-1") // and not INC-2
	d.end()
	away := bob.Say(desk, "!severity set high")
	taken := bob.Say(desk, "!incident note this is taken back")
	bob.Redact(desk, taken)
	d.start()
	wants(t, bob.WaitReply(away), "High")
	edit := says(bob, desk, "!severity set low")
	wants(t, edit, "Low")
	bob.Edit(desk, edit.ReplyTo, "!severity set critical")
	bob.WaitText(desk, "An edit is not obeyed")
	wants(t, says(bob, desk, "!incident show"), "Low")
	wants(t, says(bob, desk, "!timeline"), "edited a command")
	// A plain line in an encrypted room is not obeyed, and is answered encrypted.
	plain := alice.WaitReply(alice.SayPlain(desk, "!severity set high"))
	wants(t, plain, "came unencrypted")
	unsigned := bob.NewDevice(false)
	doubted := bob.WaitReply(unsigned.Say(desk, "!severity set high"))
	wants(t, doubted, "have not verified")
	bob.WaitText(desk, "has a device "+unsigned.DeviceID())
	wants(t, says(bob, desk, "!incident show"), "Low")
	n := 0
	for _, h := range bob.In(desk) {
		if h.ReplyTo == away {
			n++
		}
	}
	if n != 1 {
		t.Errorf("a command was answered %d times", n)
	}
}
