package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/incidents/outbox"
)

// inHive is a bot with a hive, in which an incident is open and has its room.
func inHive(t *testing.T) (w *world, own bridges.Room) {
	t.Helper()
	w = newWorld(t, t.TempDir())
	withHive(w)
	must(t, w.start(w.newFile()))
	must(t, w.up())
	ops := aRoomsLife()[:2]
	for k := range ops {
		w.do(ops, k)
	}
	own = bridges.Room{Network: "hive", ID: w.comb.hive.room(1)}
	if own.ID == "" {
		t.Fatal("no room was made")
	}
	return w, own
}

// says has somebody say something in the hive's desk.
func (w *world) says(id, who, text string) {
	w.t.Helper()
	must(w.t, w.now.app.Message(context.Background(), bridges.Message{
		ID: id, Room: bridges.Room{Network: "hive", ID: "desk"}, From: bridges.Account{Network: "hive", ID: who}, Text: text, At: w.clock.at,
	}))
}

// event tells the bot what happened, and has everything said.
func (w *world) event(e bridges.Event) {
	w.t.Helper()
	e.Network, e.At = "hive", w.clock.at
	w.now.app.Event(context.Background(), e)
	must(w.t, w.now.app.outbox.Drain(context.Background()))
}

// TestASignIsPutOnWhatTakesLong, and on nothing else: not on what was answered,
// nor on what gets no answer.
func TestASignIsPutOnWhatTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := inHive(t)
		defer func() { w.stop() }()
		w.now.app.slow = time.Second
		w.now.app.desk.Most = func(string) int { return 2 }
		signs := func(name string, want ...string) {
			t.Helper()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			h := w.comb.hive
			h.mu.Lock()
			defer h.mu.Unlock()
			slices.Sort(h.signs)
			if !slices.Equal(h.signs, want) {
				t.Errorf("%s: signs on %q, want %q", name, h.signs, want)
			}
			h.signs = nil
		}
		w.says("a1", "alice", "!ping")
		signs("answered at once")
		w.says("a2", "alice", "good morning")
		w.says("a3", stranger, "!ping")
		signs("what gets no answer")
		w.comb.hive.hang = 5 * time.Second // a look at the room takes long
		done := make(chan bool)
		go func() { w.says("b1", "bob", "!incident note INC-1 x"); close(done) }()
		signs("not yet dealt with", "b1")
		<-done
		signs("by then")
		w.comb.hive.hang = 0
		w.comb.next = func() weather { return away }
		w.says("c1", "carol", "!ping")
		w.says("c2", "carol", "!ping")
		w.says("c3", "carol", "!ping") // refused: too many wait
		w.says("c4", "carol", "!ping") // not heard any more
		signs("what waits, but not what is not heard", "c1", "c2", "c3")
		w.says("d1", "dana", "!suspend alice")
		w.says("a4", "alice", "!ping")
		signs("the answer to a suspended person", "d1")
	})
}

// TestWhoJoinsAnOwnRoomGetsTheBoard, when they may read it; and their account is
// not kept for that.
func TestWhoJoinsAnOwnRoomGetsTheBoard(t *testing.T) {
	w, own := inHive(t)
	defer func() { w.stop() }()
	h := w.comb.hive
	posted := func() (n int) {
		for _, o := range w.comb.arrived {
			if o.Pin && o.Room == own {
				n++
			}
		}
		return n
	}
	joins := func(who string, r bridges.Room, want int) {
		t.Helper()
		before := posted()
		w.clock.at = w.clock.at.Add(time.Minute)
		w.event(bridges.Event{Kind: bridges.Joined, Room: r, Who: bridges.Account{Network: "hive", ID: who}})
		if got := posted() - before; got != want {
			t.Errorf("%s joins %s: the board was posted %d times", who, r.ID, got)
		}
	}
	joins("bob", own, 1)
	joins("bob", bridges.Room{Network: "hive", ID: "desk"}, 0)
	joins(stranger, own, 0)
	joins(erin, own, 0)
	ops := []*op{
		{id: "g1", net: "hive", who: "alice", text: "!guest allow " + erin + " because", own: 1},
		{id: "g2", net: "hive", who: "bob", text: "!approve", own: 1},
	}
	for k := range ops {
		w.do(ops, k)
	}
	joins(erin, own, 1)
	if kept := w.rows(`SELECT key FROM outbox WHERE key LIKE '%erin%' OR sent_id LIKE '%erin%'`); len(kept) > 0 {
		t.Errorf("a key holds who joined: %q", kept)
	}
	before := posted()
	w.event(bridges.Event{Kind: bridges.Moved, Room: own})
	if posted() != before+1 || h.pinned[own.ID] == "" {
		t.Error("a room that moved has no new board")
	}
	w.roomsOnce()
}

// TestSeveralTroublesInOneMomentAreAllTold, and the same one once.
func TestSeveralTroublesInOneMomentAreAllTold(t *testing.T) {
	w, _ := inHive(t)
	defer func() { w.stop() }()
	before := len(w.hall.arrived)
	for _, told := range []string{"a device of bob", "a device of carol", "a device of bob"} {
		w.event(bridges.Event{Kind: bridges.Trouble, Network: "hive", Told: told})
	}
	var got []string
	for _, o := range w.hall.arrived[before:] {
		got = append(got, o.Text)
	}
	if !slices.Equal(got, []string{"hive: a device of bob", "hive: a device of carol"}) {
		t.Errorf("told %q", got)
	}
}

// TestADeskThatTheBotIsNotInHearsDirectly, until it is back.
func TestADeskThatTheBotIsNotInHearsDirectly(t *testing.T) {
	w, _ := inHive(t)
	defer func() { w.stop() }()
	desk := bridges.Room{Network: "hive", ID: "desk"}
	directly := func() (out []string) {
		for _, o := range w.comb.arrived {
			if o.Room.Direct && strings.Contains(o.Text, "trouble") {
				out = append(out, o.Room.ID)
			}
		}
		slices.Sort(out)
		return out
	}
	w.event(bridges.Event{Kind: bridges.Down, Room: desk, Told: "removed"})
	if !w.now.app.own.away(outbox.Place{Network: "hive", Room: "desk"}) {
		t.Error("the desk is not known as away")
	}
	w.event(bridges.Event{Kind: bridges.Trouble, Room: desk, Told: "trouble one"})
	if got := directly(); !slices.Equal(got, []string{"alice", "bob", "carol", "dana"}) {
		t.Errorf("told directly: %q", got)
	}
	w.event(bridges.Event{Kind: bridges.Up, Room: desk})
	w.event(bridges.Event{Kind: bridges.Trouble, Room: desk, Told: "trouble two"})
	if got := directly(); len(got) != 4 {
		t.Errorf("told directly after it was back: %q", got)
	}
}

// TestRoomsAreKnownAgainAfterARestart, and what the configuration says of a room
// counts more.
func TestRoomsAreKnownAgainAfterARestart(t *testing.T) {
	w, own := inHive(t)
	defer func() { w.stop() }()
	path := w.now.path
	w.stop()
	must(t, w.start(path))
	must(t, w.up())
	if g := w.now.app.grant(own); g.Incident != 1 || g.Asks != "full" || g.Desk || g.Direct {
		t.Errorf("the own room is granted %+v", g)
	}
	if g := w.now.app.grant(bridges.Room{Network: "hive", ID: "desk"}); g.Incident != 0 || !g.Desk {
		t.Errorf("the desk is granted %+v", g)
	}
	for _, r := range []bridges.Room{{Network: "hive", ID: "other"}, {Network: "den", ID: own.ID}, {Network: "hall", ID: "other"}} {
		if g := w.now.app.grant(r); g.Asks != "none" {
			t.Errorf("%v is granted %+v", r, g)
		}
	}
	ops := []*op{{id: "n1", net: "hive", who: "alice", text: "!incident show", own: 1}}
	w.do(ops, 0)
	last := w.comb.arrived[len(w.comb.arrived)-1]
	if last.Room != own || !strings.Contains(last.Text, sealedTitle) {
		t.Errorf("said %s", fmt.Sprint(last.Room, last.Text))
	}
}
