package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tocsin/bridges"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// The power that people have in a room of ours: helpers may invite and remove, and
// nobody but us may change what the room is.
const (
	powerBot  = 100
	powerHelp = 50
)

// MakeRoom makes an encrypted room for invited people. When somebody cannot be
// invited the room is made all the same, and the desk is told.
func (b *Bridge) MakeRoom(ctx context.Context, n bridges.NewRoom) (bridges.Room, error) {
	s, err := b.session()
	if err != nil {
		return bridges.Room{}, err
	}
	r := b.rooms
	done, err := r.turn(ctx)
	if err != nil {
		return bridges.Room{}, err
	}
	defer done()
	if roomID := r.made(n.Key); roomID != "" {
		return r.complete(ctx, s, roomID, n)
	}
	version, unbounded, err := r.version(ctx, s)
	if err != nil {
		return bridges.Room{}, fmt.Errorf("%w: asking for the room versions: %w", bridges.ErrNotSent, plainError(err))
	}
	within, cancel := s.within(ctx)
	defer cancel()
	made, err := s.cli.CreateRoom(within, &mautrix.ReqCreateRoom{
		Preset: "private_chat", Visibility: "private", Name: n.Name, RoomVersion: version,
		CreationContent: map[string]any{keyField: txn(n.Key)},
		InitialState: []*event.Event{
			stateEvent(event.StateEncryption, map[string]any{"algorithm": id.AlgorithmMegolmV1}),
			stateEvent(event.StateJoinRules, map[string]any{"join_rule": "invite"}),
			stateEvent(event.StateHistoryVisibility, map[string]any{"history_visibility": "joined"}),
			stateEvent(event.StateGuestAccess, map[string]any{"guest_access": "forbidden"}),
		},
		PowerLevelOverride: r.powers(n.Help, unbounded),
	})
	if err != nil {
		return bridges.Room{}, effect("making a room", err)
	}
	b.cfg.Log.Info("matrix: made a room", "room", made.RoomID)
	b.step("room made")
	if err := r.load(ctx, s, made.RoomID); err != nil {
		return bridges.Room{}, fmt.Errorf("looking at the room that was made: %w", plainError(err))
	}
	return r.complete(ctx, s, made.RoomID, n)
}

// FindRoom looks for the room of a MakeRoom of unknown outcome, and invites whom
// that one may not have invited any more.
func (b *Bridge) FindRoom(ctx context.Context, n bridges.NewRoom) (bridges.Room, error) {
	s, err := b.session()
	if err != nil {
		return bridges.Room{}, err
	}
	r := b.rooms
	done, err := r.turn(ctx)
	if err != nil {
		return bridges.Room{}, err
	}
	defer done()
	if r.made(n.Key) == "" {
		if err := r.loadAll(ctx, s, ""); err != nil {
			return bridges.Room{}, fmt.Errorf("looking for a room: %w", plainError(err))
		}
	}
	roomID := r.made(n.Key)
	if roomID == "" {
		return bridges.Room{}, bridges.ErrNoTrace
	}
	return r.complete(ctx, s, roomID, n)
}

// made is the room that we made for a key, or "".
func (r *rooms) made(key string) (found id.RoomID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rm := range r.all {
		if rm.in && rm.known && rm.facts.made.by == r.me && rm.facts.made.key == txn(key) && (found == "" || rm.id < found) {
			found = rm.id
		}
	}
	return found
}

// complete invites who is not there yet.
func (r *rooms) complete(ctx context.Context, s *session, roomID id.RoomID, n bridges.NewRoom) (bridges.Room, error) {
	where := bridges.Room{Network: r.b.cfg.Name, ID: roomID.String()}
	for i, err := range r.invite(ctx, s, roomID, n.Invite) {
		who := n.Invite[i]
		if errors.Is(err, bridges.ErrRefused) {
			r.b.cfg.Log.Warn("matrix: somebody could not be invited", "room", roomID, "account", who.ID, "why", err)
			r.b.event(ctx, bridges.Event{
				Kind: bridges.Trouble, Room: where, Who: who,
				Told: fmt.Sprintf("%s could not be invited to %s. Invite them by hand.", clean(who.ID), clean(n.Name)),
			})
		} else if err != nil {
			// The room is there: FindRoom finds it and goes on.
			return bridges.Room{}, fmt.Errorf("inviting to the room that was made: %w", plain(err))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return bridges.Room{Network: r.b.cfg.Name, ID: r.origin(roomID).String()}, nil
}

// plain takes the meaning of a Say from an error: the room's making has another.
func plain(err error) error { return errors.New(err.Error()) }

// version is the homeserver's version for new rooms, and whether a room's creator
// has more power than any number in it.
func (r *rooms) version(ctx context.Context, s *session) (id.RoomVersion, bool, error) {
	within, cancel := s.within(ctx)
	defer cancel()
	caps, err := s.cli.Capabilities(within)
	if err != nil {
		return "", false, err
	}
	usual, stable := id.RoomVersion("10"), []string{}
	if caps.RoomVersions != nil {
		usual = id.RoomVersion(caps.RoomVersions.Default)
		for version, how := range caps.RoomVersions.Available {
			if how == mautrix.CapRoomVersionStable {
				stable = append(stable, string(version))
			}
		}
	}
	n, err := strconv.Atoi(string(usual))
	if err != nil { // not one of the specification's: take the newest that is
		for _, version := range slices.Sorted(slices.Values(stable)) {
			if m, err := strconv.Atoi(version); err == nil && m > n {
				n = m
			}
		}
		if usual = ""; n > 0 {
			usual = id.RoomVersion(strconv.Itoa(n))
		}
	}
	return usual, n >= 12, nil
}

// powers is who may do what in a room of ours.
func (r *rooms) powers(help []bridges.Account, unbounded bool) *event.PowerLevelsEventContent {
	bot, helper := powerBot, powerHelp
	p := &event.PowerLevelsEventContent{
		Users: map[id.UserID]int{}, StateDefaultPtr: &bot, InvitePtr: &helper, KickPtr: &helper, BanPtr: &helper, RedactPtr: &helper,
		Events: map[string]int{
			"m.room.pinned_events": helper, "m.room.name": bot, "m.room.power_levels": bot, "m.room.history_visibility": bot,
			"m.room.canonical_alias": bot, "m.room.avatar": bot, "m.room.tombstone": bot, "m.room.server_acl": bot, "m.room.encryption": bot,
		},
	}
	if unbounded {
		p.Events["m.room.tombstone"] = 150 // the creator alone
	} else {
		p.Users[r.me] = bot
	}
	for _, who := range help {
		if who.ID != r.me.String() {
			p.Users[id.UserID(who.ID)] = helper
		}
	}
	return p
}

// Invite asks people in. Who is there or was asked already is left as they are. Its
// errors do not say who: a guest's account is not for logs.
func (b *Bridge) Invite(ctx context.Context, where bridges.Room, who []bridges.Account) error {
	s, roomID, err := b.place(ctx, where)
	if err != nil {
		return err
	}
	return first(b.rooms.invite(ctx, s, roomID, who))
}

// Remove takes somebody out of a room, or takes their invitation back.
func (b *Bridge) Remove(ctx context.Context, where bridges.Room, who bridges.Account) error {
	s, roomID, err := b.place(ctx, where)
	if err != nil {
		return err
	}
	r, user := b.rooms, id.UserID(who.ID)
	if user == r.me {
		return fmt.Errorf("%w: I do not remove myself", bridges.ErrRefused)
	}
	within, cancel := s.within(ctx)
	_, err = s.cli.KickUser(within, roomID, &mautrix.ReqKickUser{UserID: user})
	cancel()
	there, lookErr := r.inside(ctx, s, roomID, user)
	if lookErr == nil && !there {
		return nil // whatever it answered
	}
	if err == nil && lookErr == nil {
		return errors.New("the one who was to be removed is still in the room")
	}
	if err != nil {
		return effect("removing somebody", err)
	}
	return nil
}

// place is the room that people are to be invited to or removed from.
func (b *Bridge) place(ctx context.Context, where bridges.Room) (*session, id.RoomID, error) {
	s, err := b.session()
	if err != nil {
		return nil, "", err
	}
	if where.Direct {
		return nil, "", fmt.Errorf("%w: a direct message is for two", bridges.ErrRefused)
	}
	roomID, err := b.rooms.find(ctx, where)
	return s, roomID, err
}

// invite asks people in who are neither there nor asked. It gives one error for each.
func (r *rooms) invite(ctx context.Context, s *session, roomID id.RoomID, people []bridges.Account) []error {
	errs := make([]error, len(people))
	asked := false
	for i, who := range people {
		user := id.UserID(who.ID)
		if _, _, err := user.Parse(); err != nil {
			errs[i] = fmt.Errorf("%w: that is no account", bridges.ErrRefused)
			continue
		}
		if !asked { // one look for all of them
			if _, err := r.inside(ctx, s, roomID, user); err != nil {
				errs[i] = fmt.Errorf("%w: %w", bridges.ErrNotSent, plainError(err))
				continue
			}
			asked = true
		}
		r.mu.Lock()
		there := user == r.me || r.of(roomID).facts.people[user] != ""
		r.mu.Unlock()
		if there {
			continue
		}
		within, cancel := s.within(ctx)
		_, err := s.cli.InviteUser(within, roomID, &mautrix.ReqInviteUser{UserID: user})
		cancel()
		if err == nil {
			continue
		}
		if there, lookErr := r.inside(ctx, s, roomID, user); lookErr != nil || !there {
			errs[i] = effect("inviting somebody", err)
		} // else somebody was faster, or only the answer was lost
	}
	if asked {
		if err := r.load(ctx, s, roomID); err != nil {
			r.b.cfg.Log.Warn("matrix: a room could not be looked at", "room", roomID, "why", plainError(err))
		}
	}
	return errs
}

// inside says whether somebody is in a room or asked in, by a look.
func (r *rooms) inside(ctx context.Context, s *session, roomID id.RoomID, who id.UserID) (bool, error) {
	if err := r.load(ctx, s, roomID); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rm := r.of(roomID)
	if !rm.in {
		return false, errors.New("not in the room")
	}
	return rm.facts.people[who] != "", nil
}

// first is the error that says most: an unknown outcome before a refusal, and that
// before what can be tried again.
func first(errs []error) error {
	var refused, later error
	for _, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, bridges.ErrNotSent):
			later = err
		case errors.Is(err, bridges.ErrRefused):
			refused = err
		default:
			return err
		}
	}
	if later != nil {
		return later
	}
	return refused
}
