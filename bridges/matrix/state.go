package matrix

import (
	"context"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// stateStore shows the model of the rooms to the client and the crypto machine.
// What they would write of themselves is dropped: only syncs and looks change the
// model.
type stateStore struct {
	mautrix.StateStore // for what nobody asks: it stays empty

	r *rooms
}

var (
	_ mautrix.StateStore        = (*stateStore)(nil)
	_ mautrix.StateStoreUpdater = (*stateStore)(nil)
	_ crypto.StateStore         = (*stateStore)(nil)
)

// store gives the client and the crypto machine their view of the rooms.
func (r *rooms) store() stateKeeper {
	return &stateStore{StateStore: mautrix.NewMemoryStateStore(), r: r}
}

// UpdateState drops what the client thinks to know.
func (s *stateStore) UpdateState(context.Context, *event.Event) {}

// SetMembership drops what the client thinks to know.
func (s *stateStore) SetMembership(context.Context, id.RoomID, id.UserID, event.Membership) error {
	return nil
}

// SetMember drops what the client thinks to know.
func (s *stateStore) SetMember(context.Context, id.RoomID, id.UserID, *event.MemberEventContent) error {
	return nil
}

// SetEncryptionEvent drops what the client thinks to know.
func (s *stateStore) SetEncryptionEvent(context.Context, id.RoomID, *event.EncryptionEventContent) error {
	return nil
}

// IsEncrypted says whether a room is or ever was known as encrypted.
func (s *stateStore) IsEncrypted(_ context.Context, room id.RoomID) (bool, error) {
	return s.r.encrypted(room), nil
}

// GetEncryptionEvent is our own choice of settings for every encrypted room: keys
// are changed at least every week and every hundred messages.
func (s *stateStore) GetEncryptionEvent(_ context.Context, room id.RoomID) (*event.EncryptionEventContent, error) {
	if !s.r.encrypted(room) {
		return nil, nil
	}
	return &event.EncryptionEventContent{
		Algorithm: id.AlgorithmMegolmV1, RotationPeriodMillis: 7 * 24 * 3600 * 1000, RotationPeriodMessages: 100,
	}, nil
}

// GetHistoryVisibility is "joined" for every room: nobody gets the keys of what was
// said before from us.
func (s *stateStore) GetHistoryVisibility(context.Context, id.RoomID) (*event.HistoryVisibilityEventContent, error) {
	return &event.HistoryVisibilityEventContent{HistoryVisibility: event.HistoryVisibilityJoined}, nil
}

// FindSharedRooms are the encrypted rooms that somebody can read.
func (s *stateStore) FindSharedRooms(_ context.Context, user id.UserID) ([]id.RoomID, error) {
	return s.r.shared(user), nil
}

// GetRoomJoinedOrInvitedMembers are those who can read in a room, ourselves included.
func (s *stateStore) GetRoomJoinedOrInvitedMembers(_ context.Context, room id.RoomID) ([]id.UserID, error) {
	return append(s.r.people(room), id.UserID(s.r.b.cfg.User)), nil
}
