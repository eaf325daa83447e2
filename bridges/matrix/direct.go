package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tocsin/bridges"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// directField marks a room that we made for two, with the other account.
const directField = "org.tocsin.direct"

// partner is the other account of a direct room: one of exactly two, joined and
// invited, that was made or is noted as direct. The lock is held.
func (r *rooms) partner(rm *room) (id.UserID, bool) {
	f := rm.facts
	if len(f.people) != 1 || len(f.mailed) != 0 || f.made.kind != "" && f.made.kind != "?" || r.ours(rm) {
		return "", false
	}
	if !r.hinted[rm.id] && (f.made.direct == "" || f.made.by != r.me) {
		return "", false
	}
	for who := range f.people {
		return who, true
	}
	return "", false
}

// usable says whether a direct message for somebody can go to a room. The lock is
// held.
func (r *rooms) usable(rm *room, who id.UserID) bool {
	other, ok := r.partner(rm)
	return ok && other == who && rm.in && r.moved[rm.id] == "" && rm.facts.encryption == string(id.AlgorithmMegolmV1)
}

// prefer notes in which direct room somebody speaks: there they are answered.
func (r *rooms) prefer(ctx context.Context, rm *room, line []*event.Event) {
	r.mu.Lock()
	who, ok := r.partner(rm)
	ok = ok && r.directs[who] != rm.id && r.usable(rm, who) && slices.ContainsFunc(line, func(e *event.Event) bool {
		return e.Sender == who && e.StateKey == nil && e.Type.Type == "m.room.encrypted"
	})
	if ok {
		r.directs[who] = rm.id
	}
	r.mu.Unlock()
	if ok {
		r.keep(ctx, map[string]string{keptDirect + who.String(): rm.id.String()})
	}
}

// direct finds or makes the encrypted room of us and somebody. Errors are those of
// Say.
func (r *rooms) direct(ctx context.Context, who id.UserID) (id.RoomID, error) {
	if _, _, err := who.Parse(); err != nil || who == r.me {
		return "", fmt.Errorf("%w: there is no such account", bridges.ErrRefused)
	}
	if roomID, ok := r.present(ctx, who); ok {
		return roomID, nil
	}
	done, err := r.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	s := r.session()
	if s == nil {
		return "", fmt.Errorf("%w: %s is not up", bridges.ErrNotSent, r.b.cfg.Name)
	}
	if err := r.loadAll(ctx, s, who); err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, plainError(err))
	}
	if roomID, ok := r.present(ctx, who); ok {
		return roomID, nil
	}
	return r.makeDirect(ctx, s, who)
}

// turn waits until nobody else makes a room: whoever comes second finds it then.
func (r *rooms) turn(ctx context.Context) (done func(), err error) {
	select {
	case r.making <- struct{}{}:
		return func() { <-r.making }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", bridges.ErrNotSent, ctx.Err())
	}
}

// present is the direct room that is there, mended when it can be.
func (r *rooms) present(ctx context.Context, who id.UserID) (id.RoomID, bool) {
	r.mu.Lock()
	var fit []*room
	for _, rm := range r.all {
		fit = append(fit, rm)
	}
	fit = slices.DeleteFunc(fit, func(rm *room) bool {
		other, ok := r.partner(rm)
		return !ok || other != who || !rm.in || r.moved[rm.id] != ""
	})
	last := r.directs[who]
	slices.SortFunc(fit, func(a, b *room) int { // of several always the same
		return cmp.Or(rank(b, who, last)-rank(a, who, last), strings.Compare(a.id.String(), b.id.String()))
	})
	s := r.s
	r.mu.Unlock()
	for _, rm := range fit {
		if s != nil {
			r.tighten(ctx, s, rm)
		}
		r.mu.Lock()
		ok, news := r.usable(rm, who), r.directs[who] != rm.id
		if ok {
			r.directs[who] = rm.id
		}
		r.mu.Unlock()
		if ok && news {
			r.keep(ctx, map[string]string{keptDirect + who.String(): rm.id.String()})
		}
		if ok {
			return rm.id, true
		}
	}
	return "", false
}

// rank is higher for a room that can be used as it is, then for the one that was
// used last, then where somebody is rather than only invited.
func rank(rm *room, who id.UserID, last id.RoomID) (n int) {
	if rm.facts.encryption == string(id.AlgorithmMegolmV1) {
		n += 4
	}
	if rm.id == last {
		n += 2
	}
	if rm.facts.people[who] == "join" {
		n++
	}
	return n
}

// wanted is how a direct room has to be.
func wanted(f *facts) (out []*event.Event) {
	put := func(kind event.Type, is bool, content any) {
		if !is {
			out = append(out, stateEvent(kind, content))
		}
	}
	put(event.StateEncryption, f.encryption == string(id.AlgorithmMegolmV1), map[string]any{"algorithm": id.AlgorithmMegolmV1})
	put(event.StateJoinRules, f.rule == "invite", map[string]any{"join_rule": "invite"})
	put(event.StateHistoryVisibility, f.history == "invited" || f.history == "joined", map[string]any{"history_visibility": "invited"})
	put(event.StateGuestAccess, f.guests == "" || f.guests == "forbidden", map[string]any{"guest_access": "forbidden"})
	return out
}

func stateEvent(kind event.Type, content any) *event.Event {
	key := ""
	return &event.Event{Type: kind, StateKey: &key, Content: event.Content{Parsed: content}}
}

// tighten mends the settings of a direct room, where we have the power. What
// cannot be mended is left to the proof.
func (r *rooms) tighten(ctx context.Context, s *session, rm *room) {
	r.mu.Lock()
	todo := wanted(rm.facts)
	for _, e := range todo {
		if rm.known && !rm.facts.may(r.me, e.Type.Type) {
			todo = nil
		}
	}
	skip := len(todo) == 0 || rm.tried == rm.changes
	rm.tried = rm.changes
	r.mu.Unlock()
	if skip {
		return
	}
	for _, e := range todo {
		within, cancel := s.within(ctx)
		_, err := s.cli.SendStateEvent(within, rm.id, e.Type, "", e.Content.Parsed)
		cancel()
		if err != nil {
			r.b.cfg.Log.Warn("matrix: a direct room could not be tightened", "room", rm.id, "setting", e.Type.Type, "why", plainError(err))
			return
		}
	}
	r.b.cfg.Log.Info("matrix: tightened a direct room", "room", rm.id)
	if err := r.load(ctx, s, rm.id); err != nil {
		r.b.cfg.Log.Warn("matrix: a room could not be looked at", "room", rm.id, "why", plainError(err))
	}
}

// makeDirect makes a room of two, or asks somebody in again where we are alone
// since they left, or since a try before this one broke off.
func (r *rooms) makeDirect(ctx context.Context, s *session, who id.UserID) (id.RoomID, error) {
	roomID := r.deserted(who)
	within, cancel := s.within(ctx)
	defer cancel()
	if roomID != "" {
		_, err := s.cli.InviteUser(within, roomID, &mautrix.ReqInviteUser{UserID: who})
		if err != nil {
			return "", effect("inviting to a direct room", err)
		}
	} else {
		version, _, err := r.version(ctx, s)
		if err != nil {
			return "", fmt.Errorf("%w: asking for the room versions: %w", bridges.ErrNotSent, plainError(err))
		}
		made, err := s.cli.CreateRoom(within, &mautrix.ReqCreateRoom{
			RoomVersion: version, Preset: "private_chat", Visibility: "private", IsDirect: true, Invite: []id.UserID{who},
			CreationContent: map[string]any{directField: who}, InitialState: wanted(&facts{settings: settings{guests: "?"}}),
		})
		if err != nil {
			return "", effect("making a direct room", err)
		}
		roomID = made.RoomID
	}
	if err := r.load(ctx, s, roomID); err != nil {
		return "", fmt.Errorf("%w: %w", bridges.ErrNotSent, plainError(err))
	}
	r.mu.Lock()
	ok := r.usable(r.of(roomID), who)
	if ok {
		r.directs[who] = roomID
	}
	r.mu.Unlock()
	if !ok {
		return "", fmt.Errorf("%w: the direct room %s is not as it has to be", bridges.ErrNotSent, roomID)
	}
	r.keep(ctx, map[string]string{keptDirect + who.String(): roomID.String()})
	r.errands.add("direct "+roomID.String(), func(ctx context.Context) bool { return r.noteDirect(ctx, who, roomID) })
	r.acquaint(s, roomID)
	return roomID, nil
}

// deserted is a direct room of ours with somebody in which we are alone, and which
// is as it has to be; "" when there is none.
func (r *rooms) deserted(who id.UserID) (found id.RoomID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rm := range r.all {
		f := rm.facts
		if rm.in && rm.known && f.made.by == r.me && f.made.direct == who && len(f.people) == 0 && len(f.mailed) == 0 &&
			len(wanted(f)) == 0 && r.moved[rm.id] == "" && (found == "" || rm.id < found) {
			found = rm.id
		}
	}
	return found
}

// loadAll brings every room into the model that we are in and that is not yet
// there: some may have been made by a request whose answer was lost. The rooms that
// we made for somebody are looked at anew, since a sync may be behind.
func (r *rooms) loadAll(ctx context.Context, s *session, made id.UserID) error {
	within, cancel := s.within(ctx)
	defer cancel()
	all, err := s.cli.JoinedRooms(within)
	if err != nil {
		return err
	}
	for _, roomID := range all.JoinedRooms {
		r.mu.Lock()
		rm := r.of(roomID)
		known := rm.known && (made == "" || rm.facts.made.direct != made)
		r.mu.Unlock()
		if known {
			continue
		}
		if err := r.load(ctx, s, roomID); err != nil {
			return err
		}
	}
	return nil
}

// noteDirect has the account's data say that a room is direct, for people's other
// clients; true when there is nothing left to try.
func (r *rooms) noteDirect(ctx context.Context, who id.UserID, roomID id.RoomID) bool {
	s := r.session()
	if s == nil {
		return false
	}
	within, cancel := s.within(ctx)
	defer cancel()
	all := map[id.UserID][]id.RoomID{}
	err := s.cli.GetAccountData(within, "m.direct", &all)
	if code, _ := status(err); err != nil && !errors.Is(err, mautrix.MNotFound) {
		return definite(err) && code != http.StatusUnauthorized
	}
	if slices.Contains(all[who], roomID) {
		return true
	}
	all[who] = append(all[who], roomID)
	err = s.cli.SetAccountData(within, "m.direct", all)
	return err == nil || definite(err) && !tokenDead(err)
}
