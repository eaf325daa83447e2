package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tocsin/bridges"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// looks is how often a sync tries to read a room that is new to us, before it goes
// on without.
const looks = 3

// lag is how far a sync may be behind what a look has seen.
const lag = 5 * time.Second

// sync takes over what a sync response says about rooms. It comes after the keys of
// the same response and before its messages.
func (r *rooms) sync(ctx context.Context, s *session, res *mautrix.RespSync) {
	r.mu.Lock()
	r.s = s
	r.mu.Unlock()
	r.hints(res.AccountData.Events)
	var news []bridges.Event
	for roomID, left := range res.Rooms.Leave {
		news = append(news, r.left(ctx, s, roomID, left)...)
	}
	for roomID, joined := range res.Rooms.Join {
		news = append(news, r.joined(ctx, s, roomID, joined)...)
	}
	for roomID, invite := range res.Rooms.Invite {
		r.invitation(ctx, roomID, invite.State.Events)
	}
	news = append(news, r.missing()...)
	r.flush(ctx)
	for _, e := range news {
		r.b.event(ctx, e)
	}
	r.listed(ctx, s, res.DeviceLists.Changed)
}

// hints takes over which rooms the account's data calls direct.
func (r *rooms) hints(all []*event.Event) {
	for _, e := range all {
		if e.Type.Type == "m.direct" {
			r.hint(e.Content.VeryRaw)
		}
	}
}

func (r *rooms) hint(content []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !json.Valid(content) {
		return
	}
	walk(content, '{', func(_ string, value []byte) bool {
		list, _ := elements(value)
		for _, one := range list {
			if roomID, ok := str(one); ok {
				r.hinted[id.RoomID(roomID)] = true
			}
		}
		return true
	})
}

// remember reads which rooms the account's data calls direct.
func (r *rooms) remember(ctx context.Context, s *session) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	body, err := s.cli.MakeRequest(ctx, http.MethodGet, s.cli.BuildClientURL("v3", "user", r.me, "account_data", "m.direct"), nil, nil)
	if errors.Is(err, mautrix.MNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading which rooms are direct: %w", err)
	}
	r.hint(body)
	return nil
}

// joined takes over the changes of a room that we are in.
func (r *rooms) joined(ctx context.Context, s *session, roomID id.RoomID, data *mautrix.SyncJoinedRoom) (news []bridges.Event) {
	state, line := data.State.Events, data.Timeline.Events
	whole := slices.ContainsFunc(state, isCreate) // it is told from the beginning
	all := whole || slices.ContainsFunc(line, isCreate)
	r.mu.Lock()
	rm := r.of(roomID)
	known, back := rm.known, r.told["out "+roomID.String()]
	fresh := !rm.in || entered(line, r.me)
	r.mu.Unlock()
	if (fresh || !known) && !all {
		r.loadPatiently(ctx, s, roomID) // what the sync tells of it may be a part only
	}
	r.mu.Lock()
	old := rm.facts
	apply := func() *facts {
		f := rm.facts.copy()
		if whole || all && !known {
			f = newFacts()
		}
		for _, e := range slices.Concat(state, line) {
			if p, ok := stateOf(e); ok {
				f.take(p, r.me, roomID)
			}
		}
		return f
	}
	f := apply()
	if rm.known && !rm.facts.same(f) && time.Since(rm.looked) < lag {
		// The look may have been ahead of this: then the sync would take us back.
		r.mu.Unlock()
		err := r.load(ctx, s, roomID)
		r.mu.Lock()
		if f = rm.facts; err != nil || !rm.known {
			f = apply()
		}
	}
	before, start := rm.facts, rm.changes
	known = rm.known || all
	r.put(rm, f)
	if rm.in, rm.known = true, known; fresh && rm.changes == start {
		r.moveOn(rm) // being in is a change of its own
	}
	stale, other := rm.changes != start, !before.same(f)
	name := r.name(rm)
	ours := r.ours(rm)
	delete(r.told, "out "+roomID.String())
	delete(r.told, "missing "+roomID.String())
	r.mu.Unlock()

	if other {
		r.rotate(ctx, s, roomID)
	}
	if fresh && ours && (back || entered(line, r.me)) {
		news = append(news, bridges.Event{Kind: bridges.Up, Room: name})
	}
	if !fresh && !whole {
		for _, who := range arrived(old, state, line, r.me) {
			news = append(news, bridges.Event{
				Kind: bridges.Joined, Room: name,
				Who: bridges.Account{Network: r.b.cfg.Name, ID: who.String()},
			})
		}
	}
	if stale {
		news = append(news, bridges.Event{Kind: bridges.Changed, Room: name})
	}
	if fresh {
		news = append(news, r.succeeds(ctx, s, roomID)...)
		r.arrive(ctx, s, roomID)
	}
	if f.next != "" {
		r.follow(roomID)
	}
	r.prefer(ctx, rm, line)
	return news
}

func isCreate(e *event.Event) bool {
	return e.Type.Type == "m.room.create" && e.StateKey != nil && *e.StateKey == ""
}

// loadPatiently reads a room that is new to us, again when that fails. Without it
// the room is known by its id alone until a next look.
func (r *rooms) loadPatiently(ctx context.Context, s *session, roomID id.RoomID) {
	t := &r.b.cfg.Tuning
	for try := range looks {
		err := r.load(ctx, s, roomID)
		if err == nil {
			return
		}
		r.b.cfg.Log.Warn("matrix: a room could not be looked at", "room", roomID, "why", plainError(err))
		if !sleep(ctx, max(backoff(t.BackoffBase, t.BackoffMax, try), min(retryAfter(err), t.BackoffMax))) {
			return
		}
	}
}

// entered says whether a timeline has our own joining in it.
func entered(line []*event.Event, me id.UserID) bool {
	return slices.ContainsFunc(line, func(e *event.Event) bool {
		was, now := change(e, me)
		return now == "join" && was != "join"
	})
}

// change is what an event makes of somebody's membership; "" when it is about
// something else.
func change(e *event.Event, who id.UserID) (was, now string) {
	if e.Type.Type != "m.room.member" || e.StateKey == nil || *e.StateKey != who.String() {
		return "", ""
	}
	if p := e.Unsigned.PrevContent; p != nil {
		was = membership(p.VeryRaw)
	}
	return was, membership(e.Content.VeryRaw)
}

// arrived are those who have joined. What was there before tells of those whose
// joining is not in the timeline.
func arrived(before *facts, state, line []*event.Event, me id.UserID) (out []id.UserID) {
	note := func(user id.UserID) {
		if user != me && !slices.Contains(out, user) {
			out = append(out, user)
		}
	}
	for _, e := range state {
		if e.Type.Type == "m.room.member" && e.StateKey != nil {
			user := id.UserID(*e.StateKey)
			if _, now := change(e, user); now == "join" && before.people[user] != "join" {
				note(user)
			}
		}
	}
	for _, e := range line {
		if e.Type.Type == "m.room.member" && e.StateKey != nil {
			user := id.UserID(*e.StateKey)
			if was, now := change(e, user); now == "join" && was != "join" {
				note(user)
			}
		}
	}
	return out
}

// left takes over that we are not in a room any more.
func (r *rooms) left(ctx context.Context, s *session, roomID id.RoomID, data *mautrix.SyncLeftRoom) (news []bridges.Event) {
	was, by, banned := "", id.UserID(""), false
	for _, e := range slices.Concat(data.State.Events, data.Timeline.Events) {
		if before, now := change(e, r.me); now == "leave" || now == "ban" {
			was, by, banned = before, e.Sender, now == "ban"
		}
	}
	r.mu.Lock()
	r.uninvited(roomID)
	rm := r.all[roomID]
	if rm == nil { // an invitation that was declined
		r.mu.Unlock()
		return nil
	}
	in := rm.in
	name, ours, title := r.name(rm), r.ours(rm), r.title(rm)
	rm.in, rm.known, rm.look = false, false, nil
	r.moveOn(rm)
	told := r.told["out "+roomID.String()]
	if ours {
		r.told["out "+roomID.String()], r.told["missing "+roomID.String()] = true, true
	}
	r.mu.Unlock()
	if !in && was != "join" || told {
		return nil // an invitation that is over, or old news
	}
	r.rotate(ctx, s, roomID)
	r.b.cfg.Log.Warn("matrix: not in a room any more", "room", roomID, "by", by, "banned", banned)
	if !ours {
		return nil
	}
	news = append(news, bridges.Event{Kind: bridges.Down, Room: name, Told: fmt.Sprintf("I am not in %s any more.", title)})
	verb := "removed"
	if banned {
		verb = "banned"
	}
	if by != "" && by != r.me {
		news = append(news, bridges.Event{
			Kind: bridges.Trouble, Room: name, Who: bridges.Account{Network: r.b.cfg.Name, ID: by.String()},
			Told: fmt.Sprintf("I was %s from %s by %s. Invite me again when that was a mistake.", verb, title, clean(by.String())),
		})
	}
	return news
}

// missing tells, once after the first sync, of configured rooms that we are not in.
func (r *rooms) missing() (news []bridges.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		return nil
	}
	r.started = true
	for roomID := range r.configured {
		now := r.latest(roomID)
		rm := r.of(now)
		if rm.in || r.told["missing "+now.String()] || r.errands.has("join "+now.String()) || r.errands.has("load "+now.String()) {
			continue
		}
		r.told["missing "+now.String()], r.told["out "+now.String()] = true, true
		name := bridges.Room{Network: r.b.cfg.Name, ID: roomID.String()}
		told := fmt.Sprintf("I am not in the room %s. Invite %s there.", clean(roomID.String()), r.me)
		r.b.cfg.Log.Warn("matrix: not in a configured room", "room", now)
		news = append(news, bridges.Event{Kind: bridges.Down, Room: name, Told: told},
			bridges.Event{Kind: bridges.Trouble, Room: name, Told: told})
	}
	return news
}

// title is what a sentence calls a room. The lock is held.
func (r *rooms) title(rm *room) string {
	if name := clean(rm.facts.name); name != "" && name != "?" {
		return name
	}
	return clean(r.origin(rm.id).String())
}

// rotate drops the key that a room's next message would be encrypted with: it is
// made anew for those who may read then.
func (r *rooms) rotate(ctx context.Context, s *session, roomID id.RoomID) {
	if s.mach == nil || !r.encrypted(roomID) {
		return
	}
	if err := s.mach.CryptoStore.RemoveOutboundGroupSession(ctx, roomID); err != nil {
		r.b.cfg.Log.Error("matrix: a room's key could not be dropped", "room", roomID, "why", err)
	}
}
