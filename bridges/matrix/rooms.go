package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tocsin/bridges"

	"maunium.net/go/mautrix/id"
)

// rooms is the live model of every room that the account is in: from the whole
// state once, and from every sync since.
type rooms struct {
	b          *Bridge
	me         id.UserID
	configured map[id.RoomID]bool // with whether it may hear everything
	speakers   map[id.UserID]bool // nil: everybody

	errands  *errands      // joins, moves, looks at devices
	declines *errands      // invitations that nobody waits for
	making   chan struct{} // taken while a room is made

	mu      sync.Mutex
	clock   int // of changes, for all rooms
	s       *session
	all     map[id.RoomID]*room
	moved   map[id.RoomID]id.RoomID // from old to new
	older   map[id.RoomID]id.RoomID // from new to old
	directs map[id.UserID]id.RoomID
	hinted  map[id.RoomID]bool // somebody said that it is a direct one
	unkept  map[string]string  // what could not be kept yet
	started bool               // a sync was worked in since start
	told    map[string]bool    // troubles that were told since the process began
	invites map[id.RoomID]bool // that are kept until we are in
	refused refusals
	devices map[id.UserID]*devices
}

// room is one room of the network.
type room struct {
	id      id.RoomID
	in      bool   // we are a member
	known   bool   // facts were read whole
	facts   *facts // never nil
	changes int    // counts changes of settings and people; no other room ever has the same
	was     bool   // it is encrypted, or was once

	looked  time.Time     // when its state was last asked for
	looking chan struct{} // taken while somebody looks
	look    *look         // the newest look
	tried   int           // changes when tightening was last tried
}

func newRooms(b *Bridge) *rooms {
	r := &rooms{
		b: b, me: id.UserID(b.cfg.User), configured: map[id.RoomID]bool{}, making: make(chan struct{}, 1),
		all: map[id.RoomID]*room{}, moved: map[id.RoomID]id.RoomID{}, older: map[id.RoomID]id.RoomID{},
		directs: map[id.UserID]id.RoomID{}, hinted: map[id.RoomID]bool{}, unkept: map[string]string{}, told: map[string]bool{},
		devices: map[id.UserID]*devices{}, invites: map[id.RoomID]bool{},
	}
	t := &b.cfg.Tuning
	r.errands, r.declines = newErrands(t.BackoffBase, t.BackoffMax, 0), newErrands(t.BackoffBase, t.BackoffMax, mostDeclines)
	for _, c := range b.cfg.Rooms {
		r.configured[id.RoomID(c.ID)] = c.Full
	}
	if b.cfg.Speakers != nil {
		r.speakers = map[id.UserID]bool{}
		for _, who := range b.cfg.Speakers {
			r.speakers[id.UserID(who)] = true
		}
	}
	return r
}

// speaker says whether somebody's words and invitations count.
func (r *rooms) speaker(who id.UserID) bool { return r.speakers == nil || r.speakers[who] }

// of gives the room, and makes its place. The lock is held.
func (r *rooms) of(roomID id.RoomID) *room {
	rm := r.all[roomID]
	if rm == nil {
		rm = &room{id: roomID, facts: newFacts(), looking: make(chan struct{}, 1), tried: -1}
		r.all[roomID] = rm
		r.moveOn(rm)
	}
	return rm
}

// moveOn makes every proof of a room stale. The lock is held.
func (r *rooms) moveOn(rm *room) {
	r.clock++
	rm.changes = r.clock
}

// start loads the configured rooms and what was kept about rooms. What it begins
// ends with ctx; wait waits for it.
func (r *rooms) start(ctx context.Context, s *session) error {
	if err := r.recall(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	r.s, r.started = s, false
	var load []id.RoomID
	for roomID := range r.configured {
		if now := r.latest(roomID); !slices.Contains(load, now) {
			load = append(load, now)
		}
	}
	r.mu.Unlock()
	r.errands.open(ctx)
	r.declines.open(ctx)
	var hints error
	failed := make([]error, len(load))
	var wg sync.WaitGroup
	wg.Go(func() { hints = r.remember(ctx, s) })
	for i, roomID := range load {
		wg.Go(func() { failed[i] = r.load(ctx, s, roomID) })
	}
	wg.Wait()
	if err := errors.Join(append(failed, hints)...); tokenDead(err) || ctx.Err() != nil {
		return err
	}
	for i, roomID := range load {
		if failed[i] != nil { // the others need not wait for it
			r.b.cfg.Log.Warn("matrix: a room could not be looked at", "room", roomID, "why", plainError(failed[i]))
			r.errands.add("load "+roomID.String(), func(ctx context.Context) bool { return r.load(ctx, r.session(), roomID) == nil })
		}
		r.follow(roomID)
		r.acquaint(s, roomID)
	}
	if hints != nil {
		r.b.cfg.Log.Warn("matrix: which rooms are direct could not be read", "why", plainError(hints))
		r.errands.add("hints", func(ctx context.Context) bool { return r.remember(ctx, r.session()) == nil })
	}
	r.inspectSelf()
	return nil
}

// wait waits until nothing is at work any more that start's context ended.
func (r *rooms) wait() {
	r.errands.wait()
	r.declines.wait()
}

// put takes facts as the whole truth about a room, and says whether proofs of it
// are stale. The lock is held.
func (r *rooms) put(rm *room, f *facts) bool {
	stale := !rm.facts.same(f)
	if rm.facts, rm.known = f, true; stale {
		r.moveOn(rm)
	}
	if f.encryption != "" && !rm.was {
		rm.was = true
		r.unkept[keptEncrypted+rm.id.String()] = "1"
	}
	return stale
}

// link notes that a room was replaced. The lock is held.
func (r *rooms) link(old, now id.RoomID) {
	if old == now || r.latest(now) == old {
		return // a circle
	}
	r.moved[old], r.older[now] = now, old
}

// latest follows a room to the one that it is now. The lock is held.
func (r *rooms) latest(roomID id.RoomID) id.RoomID {
	for next := r.moved[roomID]; next != ""; next = r.moved[roomID] {
		roomID = next
	}
	return roomID
}

// origin is the name that the bot knows a room by. The lock is held.
func (r *rooms) origin(roomID id.RoomID) id.RoomID {
	for {
		if _, ok := r.configured[roomID]; ok || r.older[roomID] == "" {
			return roomID
		}
		roomID = r.older[roomID]
	}
}

// ours says whether a room is a configured one or one that we made, or has
// replaced one. The lock is held.
func (r *rooms) ours(rm *room) bool {
	_, configured := r.configured[rm.id]
	return configured || r.older[rm.id] != "" || rm.facts.made.key != "" && rm.facts.made.by == r.me
}

// named gives the network's room id as a room of the bot; false for one that we
// are not in, or that was replaced.
func (r *rooms) named(roomID id.RoomID) (bridges.Room, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm := r.all[roomID]
	if rm == nil || !rm.in || r.moved[roomID] != "" {
		return bridges.Room{}, false
	}
	return r.name(rm), true
}

// name is named for a room of ours. The lock is held.
func (r *rooms) name(rm *room) bridges.Room {
	if who, ok := r.partner(rm); ok {
		return bridges.Room{Network: r.b.cfg.Name, ID: who.String(), Direct: true}
	}
	return bridges.Room{Network: r.b.cfg.Name, ID: r.origin(rm.id).String()}
}

// find gives the network's room id of a room of the bot. For a direct message that
// is the encrypted room of exactly two, which is made when there is none. Errors
// are those of Say.
func (r *rooms) find(ctx context.Context, where bridges.Room) (id.RoomID, error) {
	if where.Network != r.b.cfg.Name || where.ID == "" {
		return "", fmt.Errorf("%w: it is not a room of %s", bridges.ErrRefused, r.b.cfg.Name)
	}
	if where.Direct {
		return r.direct(ctx, id.UserID(where.ID))
	}
	r.mu.Lock()
	roomID := r.latest(id.RoomID(where.ID))
	rm, s := r.of(roomID), r.s
	in, known := rm.in, rm.known
	r.mu.Unlock()
	if !known && s != nil {
		if err := r.load(ctx, s, roomID); err != nil {
			return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, plainError(err))
		}
		r.mu.Lock()
		in = rm.in
		r.mu.Unlock()
	}
	if !in {
		return "", fmt.Errorf("%w: I am not in the room %s", bridges.ErrNotSent, where.ID)
	}
	return roomID, nil
}

// encrypted says whether a room is or ever was known as encrypted.
func (r *rooms) encrypted(roomID id.RoomID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm := r.all[roomID]
	return rm != nil && (rm.was || rm.facts.encryption != "")
}

// open says whether people may speak unencrypted in a room: in one of the
// configuration that never was encrypted and hears no more than notices.
func (r *rooms) open(roomID id.RoomID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm := r.all[roomID]
	full, configured := r.configured[r.origin(roomID)]
	return rm != nil && configured && !full && rm.known && !rm.was && rm.facts.encryption == ""
}

// people are those joined and invited, the bot excluded.
func (r *rooms) people(roomID id.RoomID) []id.UserID {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm := r.all[roomID]
	if rm == nil {
		return nil
	}
	return sorted(rm.facts.people)
}

// count is how often the room's settings and people changed.
func (r *rooms) count(roomID id.RoomID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rm := r.all[roomID]; rm != nil {
		return rm.changes
	}
	return 0
}

// shared are the encrypted rooms that somebody can read.
func (r *rooms) shared(user id.UserID) (out []id.RoomID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for roomID, rm := range r.all {
		if _, there := rm.facts.people[user]; (there || user == r.me) && rm.was {
			out = append(out, roomID)
		}
	}
	return out
}

func sorted[V any](m map[id.UserID]V) []id.UserID {
	out := make([]id.UserID, 0, len(m))
	for user := range m {
		out = append(out, user)
	}
	slices.Sort(out)
	return out
}
