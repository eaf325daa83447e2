package matrix

import (
	"context"
	"fmt"

	"tocsin/bridges"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// follow goes where a room was moved to, when it is a room of ours.
func (r *rooms) follow(old id.RoomID) {
	r.mu.Lock()
	rm := r.of(old)
	next, by := rm.facts.next, rm.facts.nextFrom
	wanted := rm.in && r.ours(rm) && r.moved[old] == "" && !r.told["wrong "+next.String()] && len(next) > 1 && next[0] == '!' && next != old
	_, configured := r.configured[next]
	r.mu.Unlock()
	if !wanted || configured { // a configured room stands for itself
		return
	}
	r.errands.add("move "+old.String(), func(ctx context.Context) bool { return r.move(ctx, old, next, by) })
}

// move joins the room that replaces another, sees that it says so too, and gives it
// the other's name; true when there is nothing left to try.
func (r *rooms) move(ctx context.Context, old, next id.RoomID, by id.UserID) bool {
	s := r.session()
	if s == nil {
		return false
	}
	r.mu.Lock()
	was := r.of(next).in
	r.mu.Unlock()
	if !was {
		within, cancel := s.within(ctx)
		_, err := s.cli.JoinRoom(within, next.String(), &mautrix.ReqJoinRoom{Via: []string{by.Homeserver()}})
		cancel()
		if err != nil {
			return r.shutOut(ctx, old, next, err)
		}
	}
	f, in, err := r.fetch(ctx, s, next)
	if err != nil || !in {
		return false
	}
	if f.made.before != old {
		r.b.cfg.Log.Warn("matrix: a room names a successor that does not name it", "room", old, "successor", next)
		r.trouble(ctx, old, "wrong "+next.String(), "%s names another room as its successor, which does not know of it: I stay where I am.")
		return was || r.leave(ctx, next)
	}
	r.mu.Lock()
	rm := r.of(next)
	rm.in = true
	r.put(rm, f)
	r.mu.Unlock()
	for _, e := range r.adopt(ctx, s, old, next) {
		r.b.event(ctx, e)
	}
	r.acquaint(s, next)
	return true
}

// adopt gives a room the name of the one that it replaces, when both say so.
func (r *rooms) adopt(ctx context.Context, s *session, old, next id.RoomID) []bridges.Event {
	r.mu.Lock()
	was, rm := r.of(old), r.of(next)
	if was.facts.next != next || rm.facts.made.before != old || !rm.in || r.moved[old] != "" || !r.ours(was) {
		r.mu.Unlock()
		return nil
	}
	if was.was && rm.facts.encryption != string(id.AlgorithmMegolmV1) {
		r.mu.Unlock()
		r.trouble(ctx, old, "plain "+next.String(), "%s was replaced by a room that is not encrypted: I do not follow.")
		return nil
	}
	if was.was {
		rm.was = true // encrypted once, encrypted for good
		r.unkept[keptEncrypted+next.String()] = "1"
	}
	r.link(old, next)
	r.moveOn(rm) // what was proven of the old room is not proven of this one
	r.moveOn(was)
	title, name := r.title(rm), r.name(rm)
	r.mu.Unlock()
	r.keep(ctx, map[string]string{keptMoved + old.String(): next.String(), keptInvite + next.String(): ""})
	r.rotate(ctx, s, next)
	r.b.cfg.Log.Info("matrix: followed a room", "room", old, "successor", next)
	return []bridges.Event{
		{Kind: bridges.Moved, Room: name},
		{Kind: bridges.Changed, Room: name},
		{Kind: bridges.Trouble, Room: name, Told: title + " was upgraded; I followed. What was pinned in the old room is not in the new one."},
	}
}

// succeeds sees whether a room that we have just joined replaces one of ours.
func (r *rooms) succeeds(ctx context.Context, s *session, next id.RoomID) []bridges.Event {
	r.mu.Lock()
	old := r.of(next).facts.made.before
	look := len(old) > 1 && old[0] == '!' && r.moved[old] == ""
	known := look && r.of(old).known
	r.mu.Unlock()
	if !look {
		return nil
	}
	if !known {
		r.loadPatiently(ctx, s, old)
	}
	return r.adopt(ctx, s, old, next)
}

// shutOut is that the homeserver did not let us into the successor of a room.
func (r *rooms) shutOut(ctx context.Context, old, next id.RoomID, err error) bool {
	if !definite(err) || tokenDead(err) {
		return false
	}
	r.b.cfg.Log.Warn("matrix: the successor of a room could not be joined", "room", old, "successor", next, "why", plainError(err))
	r.trouble(ctx, old, "shut out "+next.String(), "%s was upgraded, and I am not in the new room. Invite me there.")
	return true // an invitation brings us there, or the next start
}

// trouble tells the desk of a room once.
func (r *rooms) trouble(ctx context.Context, roomID id.RoomID, once, format string) {
	r.mu.Lock()
	rm := r.of(roomID)
	done := r.told[once]
	r.told[once] = true
	title, name := r.title(rm), r.name(rm)
	r.mu.Unlock()
	if !done {
		r.b.event(ctx, bridges.Event{Kind: bridges.Trouble, Room: name, Told: fmt.Sprintf(format, title)})
	}
}
