package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
)

// markedGuest is somebody outside whose account is as sealed as what they know.
const markedGuest = "@qzx-guest:example.org"

func matrixChecks() []string {
	return []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"}
}

func inMatrix(id string) bridges.Room { return bridges.Room{Network: "matrix", ID: id} }

// hostEar is an ear on a network where rooms can be made.
type hostEar struct{ *ear }

func (e hostEar) Limits() bridges.Limits { return bridges.Limits{Lines: 12, Files: true} }

// MakeRoom makes the room of an incident, in which everything about it may be
// heard. Its name is read by everybody who is asked in.
func (e hostEar) MakeRoom(_ context.Context, n bridges.NewRoom) (bridges.Room, error) {
	var of int
	if _, err := fmt.Sscanf(n.Name, "INC-%d ", &of); err != nil {
		return bridges.Room{}, err
	}
	r := inMatrix(fmt.Sprintf("!made%d", of))
	e.d.own[r], e.d.full[r] = of, []about{nothing, first, second}[of]
	e.d.said = append(e.d.said, heard{bridges.Outgoing{Room: r, Key: n.Key, Text: n.Name}, nothing})
	return r, nil
}

func (e hostEar) FindRoom(context.Context, bridges.NewRoom) (bridges.Room, error) {
	return bridges.Room{}, bridges.ErrNoTrace
}

func (e hostEar) Invite(_ context.Context, r bridges.Room, who []bridges.Account) error {
	for _, a := range who {
		if strings.HasPrefix(a.ID, "@") && !slices.Contains(e.d.extra[r], a.ID) {
			e.d.extra[r] = append(e.d.extra[r], a.ID)
		}
	}
	return nil
}

func (e hostEar) Remove(_ context.Context, r bridges.Room, who bridges.Account) error {
	e.d.extra[r] = slices.DeleteFunc(e.d.extra[r], func(id string) bool { return id == who.ID })
	return nil
}

func (e hostEar) Working(context.Context, bridges.Room, string) error { return nil }

// matrixParts gives the bot a desk on Matrix that hears everything, and one with a
// stranger in it.
func (d *markedDesk) matrixParts(p *parts) {
	for _, id := range []string{"!desk", "!lowered"} {
		p.grants[inMatrix(id)] = incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Desk: true}
		p.desks = append(p.desks, commands.Place{Network: "matrix", Room: id})
	}
	p.direct["matrix"] = incidents.Grant{Network: incidents.OnMatrix, Asks: "full"}
}

// checkOwn: a room of one incident hears nothing of another one, whatever is said
// there.
func (d *markedDesk) checkOwn(h heard, text string) {
	of := d.own[h.Room]
	parts := strings.Split(h.Key, "/")
	if of == 0 || (len(parts) > 2 && d.helps[parts[2]]) {
		return
	}
	for _, got := range regexp.MustCompile(`INC-[1-6]\b`).FindAllString(text, -1) {
		if got != incidents.HandleOf("INC", of) {
			d.t.Errorf("%v is the room of INC-%d, and heard of %s: %s", h.Room, of, got, text)
		}
	}
}

// openRooms has a room made for each of the two incidents.
func (d *markedDesk) openRooms(t *testing.T) {
	d.says(inMatrix("!desk"), "alice", "!incident reopen INC-1 qzx-again", "!incident room INC-1", "!incident room INC-2")
	boards := map[string]int{}
	for _, h := range d.said {
		if h.Pin {
			boards[h.Room.ID]++
		}
	}
	if boards["!made1"] != 1 || boards["!made2"] != 1 {
		t.Errorf("boards: %v", boards)
	}
	d.checkSaid()
}

// letIn lets the marked guest into the room of the first incident, by two.
func (d *markedDesk) letIn(t *testing.T) {
	own, before := inMatrix("!made1"), len(d.said)
	d.says(own, "alice", "!guest allow INC-1 "+markedGuest+" qzx-why")
	for _, h := range d.said[before:] {
		if code := regexp.MustCompile(`!approve (\w{5})`).FindStringSubmatch(h.Text); code != nil {
			d.says(own, "carol", "!approve "+code[1])
		}
	}
	if len(d.extra[own]) != 1 {
		t.Error("the guest was not asked in")
	}
	d.Event(t.Context(), bridges.Event{
		Kind: bridges.Joined, Network: "matrix", Room: own, Who: bridges.Account{Network: "matrix", ID: markedGuest}, At: d.clock.Now(),
	})
	d.drain()
}

// visitMatrix says every command in the rooms on Matrix: private ones, one with a
// guest, and with a stranger.
func (d *markedDesk) visitMatrix(t *testing.T) {
	own := inMatrix("!made1")
	for _, r := range []bridges.Room{inMatrix("!desk"), inMatrix("!lowered"), own, inMatrix("!made2"), direct("matrix", "alice")} {
		d.visit(r)
		d.checkSaid()
	}
	d.letIn(t)
	before := len(d.said)
	d.fill()
	d.says(own, "alice", "!incident show", "!guest list", "!timeline")
	heardAll := false
	for _, h := range d.said[before:] {
		text := h.Text
		if h.File != nil {
			text += string(h.File.Data)
		}
		heardAll = heardAll || h.Room == own && strings.Contains(text, "qzx-title")
	}
	if !heardAll {
		t.Error("with a guest the room does not hear everything: nothing is tested")
	}
	d.checkSaid()
	// From the instant that a stranger is there, it hears notices only.
	d.extra[own] = append(d.extra[own], "@mallory:example.org")
	was := d.full[own]
	d.full[own] = nothing
	changed := bridges.Event{Kind: bridges.Changed, Network: "matrix", Room: own, At: d.clock.Now()}
	d.Event(t.Context(), changed)
	d.Event(t.Context(), bridges.Event{
		Kind: bridges.Joined, Network: "matrix", Room: own, Who: bridges.Account{Network: "matrix", ID: "@mallory:example.org"}, At: d.clock.Now(),
	})
	d.drain()
	d.visit(own)
	d.says(own, "alice", "!guest list", "!timeline INC-1 1000", "!room")
	d.checkSaid()
	d.extra[own], d.full[own] = []string{markedGuest}, was
	d.Event(t.Context(), changed)
	d.drain()
	d.touched(t, own)
	d.says(own, "bob", "!guest remove "+markedGuest)
	if len(d.extra[own]) != 0 {
		t.Error("the guest was not taken out")
	}
	d.checkSaid()
}

// touched has lines edited and taken back, reminders heard, and messages fail to
// be read.
func (d *markedDesk) touched(t *testing.T, own bridges.Room) {
	d.says(own, "alice", "!incident note qzx-edited")
	last := fmt.Sprintf("m%d", d.n)
	for k, kind := range []bridges.TouchKind{bridges.Edited, bridges.Redacted, bridges.Reacted} {
		for _, r := range []bridges.Room{own, inMatrix("!lowered"), channel("#notice")} {
			for _, target := range []string{last, "id"} {
				d.note(d.Touch(t.Context(), bridges.Touch{
					ID: fmt.Sprintf("t%d%s%s", k, r.ID, target), Kind: kind, Room: r, From: bridges.Account{Network: r.Network, ID: "alice"},
					Target: target, Sign: "✅", At: d.clock.Now(),
				}))
			}
		}
	}
	d.Event(t.Context(), bridges.Event{
		Kind: bridges.Unreadable, Network: "matrix", Room: own, Who: bridges.Account{Network: "matrix", ID: "alice"}, Message: "u1", Once: "o1",
	})
	d.Event(t.Context(), bridges.Event{Kind: bridges.Moved, Network: "matrix", Room: own, At: d.clock.Now()})
	d.Event(t.Context(), bridges.Event{Kind: bridges.Down, Network: "matrix", Room: inMatrix("!lowered"), Told: "removed", At: d.clock.Now()})
	d.Event(t.Context(), bridges.Event{Kind: bridges.Trouble, Network: "matrix", Room: inMatrix("!lowered"), Told: "removed", At: d.clock.Now()})
	d.says(own, "alice", "!severity set high qzx-reason", "!incident close qzxoutcome qzx-closing")
	d.drain()
	d.Event(t.Context(), bridges.Event{Kind: bridges.Up, Network: "matrix", Room: inMatrix("!lowered"), At: d.clock.Now()})
	d.drain()
	said := map[string]bool{}
	for _, h := range d.said {
		for _, words := range []string{"An edit is not obeyed", "I cannot read that message", "is closed by alice", "removed"} {
			said[words] = said[words] || strings.Contains(h.Text, words)
		}
		said["directly"] = said["directly"] || h.Room == direct("matrix", "bob") && strings.Contains(h.Text, "removed")
		said["a board"] = said["a board"] || h.Pin && h.Room == own
	}
	if len(said) != 6 {
		t.Errorf("said: %v", said)
	}
	for words, was := range said {
		if !was {
			t.Errorf("%q was not said: that kind of row is not tested", words)
		}
	}
	d.says(inMatrix("!desk"), "alice", "!incident reopen INC-1 qzx-again")
	d.checkSaid()
}
