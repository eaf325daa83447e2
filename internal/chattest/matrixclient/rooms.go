package matrixclient

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// RoomOptions say what room to make. The zero value is a proper private one:
// encrypted, by invitation only, history since joining, no guests, not listed.
type RoomOptions struct {
	Name       string
	Invite     []string
	Plain      bool           // not encrypted
	Visibility string         // in the directory: "private" (the default) or "public"
	JoinRule   string         // "": invite
	History    string         // "": joined
	Guests     string         // "": forbidden
	Version    string         // "": the server's
	Power      map[string]int // of users; nil: the creator has 100, others 0
	Content    map[string]any // of the create event
}

func ids(users []string) []id.UserID {
	var out []id.UserID
	for _, u := range users {
		out = append(out, id.UserID(u))
	}
	return out
}

func state(kind event.Type, content any) *event.Event {
	key := ""
	return &event.Event{Type: kind, StateKey: &key, Content: event.Content{Parsed: content}}
}

// MakeRoom makes a room and invites.
func (p *Person) MakeRoom(o RoomOptions) (room string) {
	p.t.Helper()
	req := &mautrix.ReqCreateRoom{
		Name: o.Name, Invite: ids(o.Invite), Preset: "private_chat", Visibility: cmp.Or(o.Visibility, "private"),
		RoomVersion: id.RoomVersion(o.Version), CreationContent: o.Content, InitialState: []*event.Event{
			state(event.StateJoinRules, &event.JoinRulesEventContent{JoinRule: event.JoinRule(cmp.Or(o.JoinRule, "invite"))}),
			state(event.StateHistoryVisibility, &event.HistoryVisibilityEventContent{HistoryVisibility: event.HistoryVisibility(cmp.Or(o.History, "joined"))}),
			state(event.StateGuestAccess, &event.GuestAccessEventContent{GuestAccess: event.GuestAccess(cmp.Or(o.Guests, "forbidden"))}),
		},
	}
	if !o.Plain {
		req.InitialState = append(req.InitialState, encryption())
	}
	if o.Power != nil {
		req.PowerLevelOverride = &event.PowerLevelsEventContent{Users: map[id.UserID]int{}}
		for user, level := range o.Power {
			req.PowerLevelOverride.Users[id.UserID(user)] = level
		}
	}
	return p.create(req)
}

func encryption() *event.Event {
	return state(event.StateEncryption, &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1})
}

func (p *Person) create(req *mautrix.ReqCreateRoom) string {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	res, err := p.cli.CreateRoom(ctx, req)
	p.must(err, "making a room")
	return res.RoomID.String()
}

// Direct makes a room of two, as clients do it, and notes it in the account data.
func (p *Person) Direct(other string) (room string) {
	p.t.Helper()
	room = p.create(&mautrix.ReqCreateRoom{
		Preset: "trusted_private_chat", IsDirect: true, Visibility: "private", Invite: ids([]string{other}),
		InitialState: []*event.Event{encryption(), state(event.StateGuestAccess, &event.GuestAccessEventContent{GuestAccess: event.GuestAccessCanJoin})},
	})
	ctx, cancel := p.limit()
	defer cancel()
	direct := map[string][]string{}
	if err := p.cli.GetAccountData(ctx, "m.direct", &direct); err != nil && !errors.Is(err, mautrix.MNotFound) {
		p.must(err, "reading m.direct")
	}
	direct[other] = append(direct[other], room)
	p.must(p.cli.SetAccountData(ctx, "m.direct", direct), "writing m.direct")
	return room
}

// Invite invites.
func (p *Person) Invite(room, user string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.InviteUser(ctx, id.RoomID(room), &mautrix.ReqInviteUser{UserID: id.UserID(user)})
	p.must(err, "inviting %s", user)
}

// Join joins a room, and learns its state, so that what is said next is encrypted
// where it has to be.
func (p *Person) Join(room string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.JoinRoomByID(ctx, id.RoomID(room))
	p.must(err, "%s joining %s", p.name(), room)
	_, err = p.cli.State(ctx, id.RoomID(room))
	p.must(err, "reading the state of %s", room)
}

// Leave leaves a room, or declines an invitation.
func (p *Person) Leave(room string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.LeaveRoom(ctx, id.RoomID(room))
	p.must(err, "leaving %s", room)
}

// Kick removes somebody.
func (p *Person) Kick(room, user string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.KickUser(ctx, id.RoomID(room), &mautrix.ReqKickUser{UserID: id.UserID(user)})
	p.must(err, "removing %s", user)
}

// Ban bans somebody.
func (p *Person) Ban(room, user string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.BanUser(ctx, id.RoomID(room), &mautrix.ReqBanUser{UserID: id.UserID(user)})
	p.must(err, "banning %s", user)
}

// SetState sets a piece of a room's state.
func (p *Person) SetState(room, kind, key string, content any) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.SendStateEvent(ctx, id.RoomID(room), event.Type{Type: kind, Class: event.StateEventType}, key, content)
	p.must(err, "setting %s of %s", kind, room)
}

// State reads a piece of a room's state from the server, and reports whether it
// is set. v may be nil.
func (p *Person) State(room, kind, key string, v any) bool {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	if v == nil {
		v = &map[string]any{}
	}
	_, err := p.cli.MakeRequest(ctx, http.MethodGet, p.cli.BuildClientURL("v3", "rooms", room, "state", kind, key), nil, v)
	if errors.Is(err, mautrix.MNotFound) {
		return false
	}
	p.must(err, "reading %s of %s", kind, room)
	return true
}

// Members are the people of a room with this membership (join, invite, leave,
// ban), as the server has it.
func (p *Person) Members(room, membership string) []string {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	all, err := p.cli.StateAsArray(ctx, id.RoomID(room)) // the list of members may lag behind
	p.must(err, "reading the members of %s", room)
	var out []string
	for _, evt := range all {
		if is, _ := evt.Content.Raw["membership"].(string); evt.Type == event.StateMember && is == membership {
			out = append(out, evt.GetStateKey())
		}
	}
	return out
}

// WaitMember waits until this client knows that somebody's membership is this.
func (p *Person) WaitMember(room, user, membership string) {
	p.t.Helper()
	p.Until(user+" "+membership+" in "+room, func() bool {
		return p.cli.StateStore.IsMembership(p.t.Context(), id.RoomID(room), id.UserID(user), event.Membership(membership))
	})
}

// Pinned are the pinned messages of a room.
func (p *Person) Pinned(room string) []string {
	p.t.Helper()
	var c struct {
		Pinned []string `json:"pinned"`
	}
	p.State(room, "m.room.pinned_events", "", &c)
	return c.Pinned
}

// Shown waits until the homeserver shows all that it took so far, from whomever: it
// shows events in the order in which it took them. One that is killed over an event
// that it took shows it only half a minute after it is back.
func (p *Person) Shown(room string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	last, err := p.cli.SendMessageEvent(ctx, id.RoomID(room), event.Type{Type: "test.last", Class: event.MessageEventType},
		map[string]any{}, mautrix.ReqSendEvent{DontEncrypt: true})
	p.must(err, "%s marking the end of %s", p.name(), room)
	for {
		page, err := p.cli.Messages(ctx, id.RoomID(room), "", "", mautrix.DirectionBackward, nil, 10)
		p.must(err, "%s looking for the end of %s", p.name(), room)
		if slices.ContainsFunc(page.Chunk, func(evt *event.Event) bool { return evt.ID == last.EventID }) {
			return
		}
	}
}

// Upgrade replaces a room by a new one with another version. Nobody is invited.
func (p *Person) Upgrade(room, version string) (replacement string) {
	p.t.Helper()
	var res struct {
		Room string `json:"replacement_room"`
	}
	p.ask(http.MethodPost, map[string]string{"new_version": version}, &res, "rooms", room, "upgrade")
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.State(ctx, id.RoomID(res.Room))
	p.must(err, "reading the state of %s", res.Room)
	return res.Room
}

// Publish lists a room in the server's directory, or takes it out.
func (p *Person) Publish(room string, listed bool) {
	p.t.Helper()
	visibility := "private"
	if listed {
		visibility = "public"
	}
	p.ask(http.MethodPut, map[string]string{"visibility": visibility}, nil, "directory", "list", "room", room)
}

// ask makes a request that the library has no method for.
func (p *Person) ask(method string, in, out any, path ...any) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	_, err := p.cli.MakeRequest(ctx, method, p.cli.BuildClientURL(append([]any{"v3"}, path...)...), in, out)
	p.must(err, "%v", path)
}
