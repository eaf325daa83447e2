package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/bridges"
)

// hive is the rooms of a crashNet. It outlives the bot.
type hive struct {
	rooms   map[string]string   // by key
	members map[string][]string // who was asked in, or came
	pinned  map[string]string   // by room, the id of what is pinned there
	wrong   []string            // what must never happen, and did
	hang    time.Duration       // how long a look at a room takes

	mu    sync.Mutex
	signs []string // messages that got a sign
}

func newHive() *hive {
	return &hive{
		rooms: map[string]string{}, pinned: map[string]string{},
		members: map[string][]string{"desk": {"alice", "bob", "carol", "dana"}},
	}
}

func (h *hive) clone() *hive {
	if h == nil {
		return nil
	}
	c := &hive{rooms: maps.Clone(h.rooms), pinned: maps.Clone(h.pinned), members: map[string][]string{}, wrong: slices.Clone(h.wrong)}
	for r, m := range h.members {
		c.members[r] = slices.Clone(m)
	}
	return c
}

// room names the own room of an incident, or "".
func (h *hive) room(incident int) string {
	if h == nil || incident == 0 {
		return ""
	}
	for key, id := range h.rooms {
		if strings.HasPrefix(key, fmt.Sprintf("room/%d/", incident)) {
			return id
		}
	}
	return ""
}

func (h *hive) prove(r bridges.Room) bridges.Proof {
	time.Sleep(h.hang) // only where time is a bubble's
	p := bridges.Proof{Room: r}
	for _, name := range matrixChecks() {
		p.Checks = append(p.Checks, bridges.Check{Name: name, OK: true, Told: name})
	}
	members := h.members[r.ID]
	if r.Direct {
		members = []string{r.ID}
	}
	for _, name := range members {
		p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: "hive", ID: name}, Name: name})
	}
	return p
}

const sealedTitle = "Heap overflow in the PSD decoder"

// hear keeps what is pinned, and what a room may not hear.
func (h *hive) hear(o bridges.Outgoing) {
	if h == nil {
		return
	}
	if slices.Contains(h.members[o.Room.ID], stranger) && strings.Contains(o.Text, sealedTitle) {
		h.wrong = append(h.wrong, "a stranger reads "+o.Text)
	}
	if o.Pin {
		h.pinned[o.Room.ID] = o.Key
	}
	if o.Edit != "" && h.pinned[o.Room.ID] != o.Edit {
		h.wrong = append(h.wrong, fmt.Sprintf("%s edits %s, and %q is pinned", o.Key, o.Edit, h.pinned[o.Room.ID]))
	}
}

const stranger, erin = "@mallory:example.org", "@erin:example.org"

// hostMouth is a mouth where rooms can be made.
type hostMouth struct{ mouth }

func mouthOf(n *crashNet, l *life) bridges.Bridge {
	if n.hive != nil {
		return hostMouth{mouth{n, l}}
	}
	return mouth{n, l}
}

// try gives what becomes of a deed, which is done when it arrives.
func (m hostMouth) try(deed func()) error {
	if m.life.dead {
		return bridges.ErrNotSent
	}
	now := fair
	if m.net.next != nil {
		now = m.net.next()
	}
	switch now {
	case away:
		return fmt.Errorf("%w: no connection", bridges.ErrNotSent)
	case refusal:
		return fmt.Errorf("%w: not for bots", bridges.ErrRefused)
	case lost:
		return errNobodyKnows
	}
	deed()
	if now == blurred {
		return errNobodyKnows
	}
	return nil
}

func (m hostMouth) MakeRoom(_ context.Context, n bridges.NewRoom) (bridges.Room, error) {
	h := m.net.hive
	r := bridges.Room{Network: "hive", ID: "room of " + n.Key}
	err := m.try(func() {
		if h.rooms[n.Key] != "" {
			h.wrong = append(h.wrong, n.Key+" was made twice")
		}
		h.rooms[n.Key] = r.ID
		if !strings.HasPrefix(n.Name, "INC-") || strings.Contains(n.Name, sealedTitle) {
			h.wrong = append(h.wrong, "a room has the name "+n.Name)
		}
		h.invite(r, n.Invite)
	})
	if err != nil {
		if strings.Contains(err.Error(), "not for bots") {
			m.net.refused[n.Key] = true
		}
		return bridges.Room{}, err
	}
	return r, nil
}

func (m hostMouth) FindRoom(_ context.Context, n bridges.NewRoom) (bridges.Room, error) {
	if id := m.net.hive.rooms[n.Key]; id != "" {
		return bridges.Room{Network: "hive", ID: id}, nil
	}
	return bridges.Room{}, bridges.ErrNoTrace
}

func (h *hive) invite(r bridges.Room, who []bridges.Account) {
	for _, a := range who {
		if !slices.Contains(h.members[r.ID], a.ID) {
			h.members[r.ID] = append(h.members[r.ID], a.ID)
		}
	}
}

func (m hostMouth) Invite(_ context.Context, r bridges.Room, who []bridges.Account) error {
	return m.try(func() { m.net.hive.invite(r, who) })
}

func (m hostMouth) Remove(_ context.Context, r bridges.Room, who bridges.Account) error {
	return m.try(func() { m.net.hive.leave(r.ID, who.ID) })
}

func (h *hive) leave(room, who string) {
	h.members[room] = slices.DeleteFunc(slices.Clone(h.members[room]), func(m string) bool { return m == who })
}

func (m hostMouth) Working(_ context.Context, _ bridges.Room, message string) error {
	h := m.net.hive
	h.mu.Lock()
	defer h.mu.Unlock()
	h.signs = append(h.signs, message)
	return nil
}

// deed does what is no line: "joins" and "leaves" the own room; "edits", "redacts"
// or "reacts" to the message that the text names, or to a reminder.
func (w *world) deed(o *op, k int) error {
	n := w.net(o.net)
	r := bridges.Room{Network: o.net, ID: n.hive.room(o.own)}
	who := bridges.Account{Network: o.net, ID: o.who}
	ctx, app := context.Background(), w.now.app
	if o.deed == "joins" || o.deed == "leaves" {
		if !w.waited[k] && r.ID != "" {
			n.hive.leave(r.ID, o.who)
			if o.deed == "joins" {
				n.hive.invite(r, []bridges.Account{who})
			}
		}
		w.waited[k] = true
		app.Event(ctx, bridges.Event{Kind: bridges.Changed, Network: o.net, Room: r, At: w.clock.at})
		if o.deed == "joins" {
			app.Event(ctx, bridges.Event{Kind: bridges.Joined, Network: o.net, Room: r, Who: who, At: w.clock.at})
		}
		return app.outbox.Drain(ctx)
	}
	t := bridges.Touch{
		ID: o.id, Room: r, From: who, Target: o.text, Sign: "✅", At: w.clock.at,
		Kind: map[string]bridges.TouchKind{"edits": bridges.Edited, "redacts": bridges.Redacted, "reacts": bridges.Reacted}[o.deed],
	}
	for _, said := range n.arrived {
		if o.deed == "reacts" && strings.HasPrefix(said.Key, "rung/") && said.Room == r {
			t.Target = said.Key
		}
	}
	return app.Touch(ctx, t)
}

// roomsOnce checks that each incident has one room at most, which is the one that
// is kept, that its board is what is pinned there, and that nothing went wrong.
func (w *world) roomsOnce() {
	w.t.Helper()
	if w.comb == nil {
		return
	}
	h := w.comb.hive
	if len(h.wrong) > 0 {
		w.t.Fatalf("what must never happen: %q", h.wrong)
	}
	kept := w.rows(`SELECT incident, id, board FROM room ORDER BY incident`)
	var want []string
	of := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(h.rooms)) {
		incident := strings.Split(key, "/")[1]
		if of[incident] {
			w.t.Fatalf("incident %s has several rooms: %v", incident, h.rooms)
		}
		of[incident] = true
		want = append(want, fmt.Sprint(incident, " ", h.rooms[key], " ", h.pinned[h.rooms[key]]))
	}
	if !slices.Equal(kept, want) {
		w.t.Fatalf("rooms: kept %q, there are %q", kept, want)
	}
}

// aRoomsLife is what the test of rooms crashes in: a room is made, people come and
// go, a guest is let in and taken out, a stranger comes by, lines are edited,
// reminders heard, and it ends.
func aRoomsLife() []*op {
	say := func(id string, own int, who, text string) *op {
		return &op{id: id, net: "hive", who: who, text: text, own: own}
	}
	deed := func(id, who, deed, text string) *op {
		return &op{id: id, net: "hive", who: who, deed: deed, text: text, own: 1}
	}
	return []*op{
		say("m1", 0, "alice", "!incident open --severity high "+sealedTitle),
		say("m2", 0, "bob", "!incident room INC-1"),
		deed("d1", "bob", "joins", ""),
		say("m3", 1, "alice", "!severity set critical"),
		say("m4", 1, "alice", "!guest allow "+erin+" she can test the fix"),
		say("m5", 1, "carol", "!approve"),
		deed("d2", erin, "joins", ""),
		deed("d3", stranger, "joins", ""),
		say("m6", 1, "bob", "!incident show"),
		say("m7", 1, "bob", "!role take patch"),
		deed("d4", stranger, "leaves", ""),
		deed("t1", "alice", "edits", "m3"),
		deed("t2", "alice", "redacts", "m3"),
		{wait: 25 * time.Hour},
		deed("t3", "bob", "reacts", ""),
		say("m8", 1, "alice", "!guest remove "+erin),
		say("m2", 0, "bob", "!incident room INC-1"), // the network gives it once more
		say("m9", 0, "bob", "!incident close INC-1 duplicate"),
	}
}

func withHive(w *world) {
	w.comb = &crashNet{name: "hive", lines: 12, tells: true, refused: map[string]bool{}, hive: newHive()}
}

// TestACrashAtEveryStepOfARoomsLife: as for commands, at every step; and there is
// one room, with one board, after each.
func TestACrashAtEveryStepOfARoomsLife(t *testing.T) {
	ops := aRoomsLife()
	want := playAll(t, quickDir(t), ops, withHive)
	w := newWorld(t, quickDir(t))
	withHive(w)
	defer func() { w.stop() }()
	at, forks, every := -1, 0, 1
	if testing.Short() {
		every = 5
	}
	w.fail = func(step string) {
		if forks++; forks%every != 0 {
			return
		}
		f := forkOf(w, fmt.Sprint(forks))
		f.now.dead = true
		f.recover(ops, at, want, step)
		f.roomsOnce()
		if forks%(15*every) == 0 {
			for k := at + 1; k < len(ops); k++ {
				f.do(ops, k)
				f.mustBe(want[k], "after "+ops[k].String())
			}
			f.settle(ops)
		}
		f.stop()
		must(t, os.RemoveAll(f.dir))
	}
	must(t, w.start(w.newFile()))
	must(t, w.up())
	for at = 0; at < len(ops); at++ {
		w.do(ops, at)
		w.mustBe(want[at], "after "+ops[at].String())
		w.roomsOnce()
	}
	t.Logf("%d crashes", forks)
	w.fail = nil
	w.settle(ops)
	if h := w.comb.hive; len(h.rooms) != 1 || len(h.pinned) != 1 || slices.Contains(h.members[h.room(1)], erin) {
		t.Errorf("in the end: %+v", h)
	}
}

// TestRoomsInAnyOrderAndWeather: whatever is said and done about rooms, in any
// weather and with crashes anywhere, in the end each incident has one room at most
// with one board, and everything was said once.
func TestRoomsInAnyOrderAndWeather(t *testing.T) {
	fewer(t, 60)
	root := quickDir(t)
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		must(t, err)
		defer os.RemoveAll(dir)
		w := newWorld(r, dir)
		withHive(w)
		defer func() { w.stop() }()
		ops := drawLife(r)
		crashes := rapid.SliceOfN(rapid.IntRange(1, 300), 0, 5).Draw(r, "steps between crashes")
		if rapid.Bool().Draw(r, "stormy") {
			w.den.next, w.comb.next = drawWeather(r, w.den), drawWeather(r, w.comb)
		}
		w.fail = func(step string) {
			if len(crashes) == 0 || w.steps < crashes[0] {
				return
			}
			crashes, w.steps = crashes[1:], 0
			w.nextFile = w.newFile()
			w.copyFile(w.nextFile)
			w.now.dead = true
			r.Log("crash: " + step)
		}
		w.begin()
		w.again(ops, -1)
		for k := range ops {
			w.do(ops, k)
			w.again(ops, k)
		}
		w.den.next, w.comb.next, w.fail = nil, nil, nil
		w.settle(ops)
	})
}

// again starts the bot again after a crash, as often as it takes, and gives it
// again what it was told when it crashed.
func (w *world) again(ops []*op, k int) {
	w.t.Helper()
	for w.now.dead {
		_ = w.now.end()
		err := w.start(w.nextFile)
		if w.now.dead {
			continue
		}
		must(w.t, err)
		w.whole("after a crash")
		if err := w.up(); err != nil && !w.now.dead {
			w.t.Fatal(err)
		}
		if !w.now.dead && k >= 0 {
			w.do(ops, k)
		}
	}
}

// drawLife draws up to twenty things that are said and done about two incidents
// and their rooms.
func drawLife(r *rapid.T) []*op {
	ops := []*op{
		{id: "o1", net: "hive", who: "alice", text: "!incident open --severity high " + sealedTitle},
		{id: "o2", net: "hive", who: "bob", text: "!incident open --severity low another"},
	}
	lines := []string{
		"!incident room INC-1", "!incident room INC-1", "!incident room INC-2", "!incident room INC-2", "!severity set INC-1 critical",
		"!severity set INC-1 low", "!incident note INC-1 note {k}", "!role assign INC-1 patch carol", "!guest allow INC-1 " + erin + " because",
		"!guest allow INC-1 " + erin + " because", "!approve", "!approve", "!guest remove INC-1 " + erin, "!incident close INC-1 duplicate",
		"!incident reopen INC-1 {k}", "!suspend bob", "!unsuspend bob", "!heard INC-1", "!incident show", "!incident list", "!forget reporter INC-1",
	}
	n := rapid.IntRange(2, 20).Draw(r, "how many")
	for k := range n {
		o := &op{
			id: fmt.Sprintf("m%d", k), net: "hive", who: rapid.SampledFrom([]string{"alice", "bob", "carol"}).Draw(r, "who"),
			own: rapid.IntRange(0, 2).Draw(r, "own room of"),
		}
		switch rapid.IntRange(0, 9).Draw(r, "what") {
		case 0, 1:
			o.deed = rapid.SampledFrom([]string{"joins", "joins", "leaves"}).Draw(r, "deed")
			o.who = rapid.SampledFrom([]string{"alice", "bob", erin, stranger}).Draw(r, "person")
		case 2:
			o.deed = rapid.SampledFrom([]string{"edits", "redacts", "reacts"}).Draw(r, "deed")
			o.text = fmt.Sprintf("m%d", rapid.IntRange(0, k).Draw(r, "of"))
		case 3:
			o.wait = rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 25 * time.Hour}).Draw(r, "wait")
		default:
			o.text = strings.ReplaceAll(rapid.SampledFrom(lines).Draw(r, "text"), "{k}", fmt.Sprintf("k%dk", k))
		}
		ops = append(ops, o)
	}
	return ops
}
