package matrix

import (
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/matrixclient"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// roomID is a room's id as the library has it.
func roomID(room bridges.Room) id.RoomID { return id.RoomID(room.ID) }

// until waits until the bot's model of a room is so. A sync or a look that changes
// it ends with an event or with something kept; where neither is, it is looked at
// again after a moment.
func (c *crew) until(where bridges.Room, what string, so func(*room) bool) {
	c.t.Helper()
	r := c.bot.rooms
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		r.mu.Lock()
		ok := so(r.of(roomID(where)))
		r.mu.Unlock()
		if ok {
			return
		}
		c.pause()
	}
	c.t.Fatalf("waited in vain for %s in %s", what, where.ID)
}

// invitations are the state of an invitation as it comes in a sync, one for each
// sender.
func invitations(to string, from ...string) (out []*event.Event) {
	for _, who := range from {
		out = append(out, &event.Event{
			Type: event.StateMember, StateKey: &to, Sender: id.UserID(who),
			Content: event.Content{VeryRaw: []byte(`{"membership":"invite"}`)},
		})
	}
	return out
}

func unban(user string) *mautrix.ReqUnbanUser { return &mautrix.ReqUnbanUser{UserID: id.UserID(user)} }

// model is the type room, for tests in which that is a variable.
type model = room

func inviteReq(p *matrixclient.Person) *mautrix.ReqInviteUser {
	return &mautrix.ReqInviteUser{UserID: id.UserID(p.UserID())}
}

// pause waits for the next thing that comes, or a moment.
func (c *crew) pause() {
	c.book.mu.Lock()
	grew := c.book.grew
	c.book.mu.Unlock()
	select {
	case <-grew:
	case <-time.After(50 * time.Millisecond):
	}
}

// joined is that the bot knows that it is in a room.
func joined(rm *room) bool { return rm.in && rm.known }

// device is the bot's own.
func (c *crew) device() string {
	c.t.Helper()
	sv, err := readSaved(c.cfg.Folder)
	if err != nil {
		c.t.Fatal(err)
	}
	return sv.Device
}
