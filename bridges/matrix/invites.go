package matrix

import (
	"context"
	"errors"
	"strings"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// How often we try to go into a room that cannot be reached, and how many
// invitations may wait to be declined: the others stay open, which harms nobody.
const (
	mostJoins    = 50
	mostDeclines = 2000
)

// refusals counts invitations that were declined, and when that was last logged.
type refusals struct {
	count, unlogged int
	logged          time.Time
}

// invitation answers an invitation. Somebody may put any state into it, so that of
// several who are said to have invited us each must be one whose word counts.
func (r *rooms) invitation(ctx context.Context, roomID id.RoomID, state []*event.Event) {
	var from []id.UserID
	direct := false
	for _, e := range state {
		if e.Type.Type != "m.room.member" || e.StateKey == nil || *e.StateKey != r.me.String() {
			continue
		}
		from = append(from, e.Sender)
		if v, ok := pick(e.Content.VeryRaw, "is_direct"); ok && string(v[0]) == "true" {
			direct = true
		}
	}
	welcome := len(from) > 0
	for _, who := range from {
		welcome = welcome && r.speaker(who)
	}
	if !welcome {
		r.decline(roomID)
		return
	}
	kept := from[0].String()
	if direct {
		kept += " direct"
	}
	r.keep(ctx, map[string]string{keptInvite + roomID.String(): kept})
	r.mu.Lock()
	r.invited(roomID, kept)
	r.mu.Unlock()
}

// invited goes into a room that somebody whose word counts has invited us to: kept
// is who, and " direct" when it is for two. The lock is held.
func (r *rooms) invited(roomID id.RoomID, kept string) {
	who, how, _ := strings.Cut(kept, " ")
	from := id.UserID(who)
	if how == "direct" {
		r.hinted[roomID] = true
	}
	if !r.speaker(from) { // kept from a time when it did
		r.unkept[keptInvite+roomID.String()] = ""
		return
	}
	r.invites[roomID] = true
	r.declines.cancel("decline " + roomID.String())
	tries := 0
	r.errands.add("join "+roomID.String(), func(ctx context.Context) bool {
		tries++
		return r.join(ctx, roomID, from, tries >= mostJoins)
	})
}

// uninvited forgets an invitation. The lock is held.
func (r *rooms) uninvited(roomID id.RoomID) {
	if r.invites[roomID] {
		delete(r.invites, roomID)
		r.unkept[keptInvite+roomID.String()] = ""
		r.errands.cancel("join " + roomID.String())
	}
}

// join goes into a room; true when there is nothing left to try.
func (r *rooms) join(ctx context.Context, roomID id.RoomID, from id.UserID, last bool) bool {
	s := r.session()
	if s == nil {
		return false
	}
	within, cancel := s.within(ctx)
	defer cancel()
	_, err := s.cli.JoinRoom(within, roomID.String(), &mautrix.ReqJoinRoom{Via: []string{from.Homeserver()}})
	switch {
	case err == nil:
		r.b.cfg.Log.Info("matrix: joined a room", "room", roomID, "by", from)
	case errors.Is(err, mautrix.MForbidden) && definite(err), last:
		r.b.cfg.Log.Warn("matrix: a room could not be joined", "room", roomID, "by", from, "why", plainError(err))
	default:
		return false
	}
	r.mu.Lock()
	r.uninvited(roomID)
	r.mu.Unlock()
	r.flush(ctx)
	return true
}

// decline says no to an invitation, and counts it.
func (r *rooms) decline(roomID id.RoomID) {
	r.mu.Lock()
	r.refused.count++
	r.refused.unlogged++
	n, total := r.refused.unlogged, r.refused.count
	tell := time.Since(r.refused.logged) >= time.Hour
	if tell {
		r.refused.logged, r.refused.unlogged = time.Now(), 0
	}
	r.mu.Unlock()
	if tell {
		r.b.cfg.Log.Info("matrix: invitations declined", "new", n, "total", total)
	}
	r.declines.add("decline "+roomID.String(), func(ctx context.Context) bool { return r.leave(ctx, roomID) })
}

// leave leaves a room; true when there is nothing left to try.
func (r *rooms) leave(ctx context.Context, roomID id.RoomID) bool {
	s := r.session()
	if s == nil {
		return false
	}
	within, cancel := s.within(ctx)
	defer cancel()
	_, err := s.cli.LeaveRoom(within, roomID)
	return err == nil || definite(err) && !tokenDead(err)
}

// arrive sees to what is due in a room that we have just joined.
func (r *rooms) arrive(ctx context.Context, s *session, roomID id.RoomID) {
	r.mu.Lock()
	rm := r.of(roomID)
	who, direct := r.partner(rm)
	hinted := r.hinted[roomID]
	note := direct && hinted
	use := note && (r.directs[who] == "" || !r.usable(r.of(r.directs[who]), who))
	if use {
		r.directs[who] = roomID
	}
	r.uninvited(roomID)
	r.mu.Unlock()
	r.flush(ctx)
	if use {
		r.keep(ctx, map[string]string{keptDirect + who.String(): roomID.String()})
	}
	if note {
		r.errands.add("direct "+roomID.String(), func(ctx context.Context) bool { return r.noteDirect(ctx, who, roomID) })
	}
	r.acquaint(s, roomID)
}

// session is what errands talk to the homeserver with, or nil.
func (r *rooms) session() *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.s
}
