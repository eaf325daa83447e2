package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// keys works in the part of a sync that is about keys: whose devices changed, keys
// that others sent us, and how many of ours are left. When it returns they are on
// disk: the homeserver drops them when the next sync is asked for.
func (h *hearing) keys(ctx context.Context, res *mautrix.RespSync) error {
	h.devices(ctx, &res.DeviceLists)
	for _, evt := range res.ToDevice.Events {
		evt.Type.Class = event.ToDeviceEventType
		err := guarded("a key", func() {
			within, cancel := h.s.within(ctx)
			defer cancel()
			if evt.Content.ParseRaw(evt.Type) != nil {
				return
			}
			if c, ok := evt.Content.Parsed.(*event.EncryptedEventContent); ok && !soundFor(c) {
				h.log.Warn("matrix: a message of a device is unsound, and not looked at")
				return
			}
			h.s.mach.HandleToDeviceEvent(within, evt)
		})
		if err != nil {
			h.log.Error("matrix: a message of a device could not be worked in", "where", where(err))
		}
	}
	if len(res.ToDevice.Events) == 0 {
		return nil
	}
	if err := h.s.flush(); err != nil {
		return fmt.Errorf("writing keys to disk: %w", err)
	}
	return nil
}

// countAgain is how often a homeserver is asked how many one-time keys of ours are
// left when it does not say so by itself.
const countAgain = 10 * time.Minute

// supply uploads one-time keys when only few are left. A homeserver that says
// nothing of them, as some do when nothing changed, is asked now and then: it looks
// the same as one that has none left.
func (h *hearing) supply(ctx context.Context, count mautrix.OTKCount) {
	within, cancel := h.s.within(ctx)
	defer cancel()
	err := guarded("the count of keys", func() {
		if count.IsZero() {
			if time.Since(h.counted) < countAgain {
				return
			}
			res, err := h.s.cli.UploadKeys(within, &mautrix.ReqUploadKeys{})
			if err != nil {
				h.log.Debug("matrix: our keys could not be counted", "why", plainError(err))
				return
			}
			count = res.OneTimeKeyCounts
		}
		h.counted = time.Now()
		h.s.mach.HandleOTKCounts(within, &count)
		h.s.mach.MarkOlmHashSavePoint(within)
	})
	if err != nil {
		h.log.Error("matrix: our keys could not be counted", "where", where(err))
	}
}

// devices fetches the devices of people who changed theirs, which has the keys of
// all rooms with them renewed: also a device that was only signed is one that gets
// keys now. What cannot be fetched now is fetched before keys are next given to
// them.
func (h *hearing) devices(ctx context.Context, lists *mautrix.DeviceLists) {
	if len(lists.Changed) > 0 {
		within, cancel := h.s.within(ctx)
		defer cancel()
		var got map[id.UserID]map[id.DeviceID]*id.Device
		var err error
		if p := guarded("devices", func() { got, err = h.s.fetchKeys(within, lists.Changed, false) }); p != nil {
			err = p
		}
		if err != nil {
			h.log.Warn("matrix: devices could not be fetched, again later", "why", plainError(err))
			h.b.mouth.outdated(ctx, h.s, lists.Changed)
			h.b.mouth.renew(lists.Changed)
		}
		for user := range got {
			h.b.mouth.fetched([]id.UserID{user}, got)
		}
	}
	if len(lists.Left) > 0 { // nobody tells us of their devices any more
		h.b.mouth.outdated(ctx, h.s, lists.Left)
	}
}

// tracker is what the crypto store knows about whose devices we have.
type tracker interface {
	MarkTrackedUsersOutdated(ctx context.Context, users []id.UserID) error
	GetOutdatedTrackedUsers(ctx context.Context) ([]id.UserID, error)
	FilterTrackedUsers(ctx context.Context, users []id.UserID) ([]id.UserID, error)
}

// outdated notes that somebody's devices are not what we know, here and on disk.
func (m *mouth) outdated(ctx context.Context, s *session, users []id.UserID) {
	store := s.mach.CryptoStore.(tracker)
	tracked, err := store.FilterTrackedUsers(ctx, users)
	if err != nil {
		tracked = users
	}
	if len(tracked) == 0 {
		return
	}
	if err := store.MarkTrackedUsersOutdated(ctx, tracked); err != nil {
		m.b.cfg.Log.Error("matrix: it could not be noted whose devices changed", "why", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, user := range tracked {
		m.stale[user] = time.Time{}
	}
}

// fetched notes whose devices are known now. Those that the homeserver left out are
// asked for again after a while.
func (m *mouth) fetched(asked []id.UserID, got map[id.UserID]map[id.DeviceID]*id.Device) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, user := range asked {
		if _, ok := got[user]; ok {
			delete(m.stale, user)
		} else {
			m.stale[user] = time.Now().Add(shareAgain)
		}
	}
}

// uncertain says whether what is known of somebody's devices may be outdated, and
// it is time to ask.
func (m *mouth) uncertain(user id.UserID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, ok := m.stale[user]
	return ok && next.Before(time.Now())
}

// renew has the keys of rooms that these people read given out anew before the
// next thing is said there. It is called when their devices changed.
func (m *mouth) renew(users []id.UserID) {
	if len(users) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	for _, t := range m.throats {
		if t.share != nil && slices.ContainsFunc(users, func(u id.UserID) bool { return slices.Contains(t.share.users, u) }) {
			t.share = nil
		}
	}
}

// share is whom a room's present key was given to.
type share struct {
	session id.SessionID
	users   []id.UserID // sorted
	again   time.Time   // not everybody could be given it: try again then; zero when all have it
}

// shareAgain is how long a device that could not be given a key waits for the next.
const shareAgain = time.Minute

// sharesMost is how often a key is made anew for one message, when people change
// while it is given out.
const sharesMost = 5

// encrypt encrypts for exactly these people's signed devices. The caller has the
// room's turn.
func (m *mouth) encrypt(ctx context.Context, s *session, t *throat, users []id.UserID, what any) (*event.EncryptedEventContent, error) {
	users = slices.Compact(slices.Sorted(slices.Values(users)))
	for range sharesMost {
		have := m.shared(t, users)
		if have == nil {
			if err := m.refresh(ctx, s, users); err != nil {
				return nil, err
			}
			epoch := m.devicesNow()
			var err error
			if have, err = m.give(ctx, s, t.room, users); err != nil {
				return nil, err
			}
			if !m.gave(t, have, epoch) { // somebody's devices changed meanwhile
				continue
			}
			m.b.step("shared")
		}
		out, err := s.mach.EncryptMegolmEvent(ctx, t.room, event.EventMessage, what)
		if err == nil && out.SessionID == have.session {
			return out, nil
		}
		if err != nil && !spent(err) {
			return nil, fmt.Errorf("encrypting: %w", err)
		}
		m.mu.Lock()
		t.share = nil
		m.mu.Unlock()
	}
	return nil, fmt.Errorf("the room's people and devices keep changing: %w", bridges.ErrNotSent)
}

// spent says whether a key cannot be used any more: it was used often enough, or
// taken away because somebody came or went.
func spent(err error) bool {
	return errors.Is(err, crypto.ErrSessionExpired) || errors.Is(err, crypto.ErrSessionNotShared) || errors.Is(err, crypto.ErrNoGroupSession)
}

// shared is the room's key when exactly these people have it, else nil.
func (m *mouth) shared(t *throat, users []id.UserID) *share {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x := t.share; x != nil && (!slices.Equal(x.users, users) || !x.again.IsZero() && x.again.Before(time.Now())) {
		t.share = nil
	}
	return t.share
}

// devicesNow is a count that tells later whether somebody's devices changed since.
func (m *mouth) devicesNow() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch
}

// gave notes whom a new key was given to, unless somebody's devices changed since
// the count was taken.
func (m *mouth) gave(t *throat, x *share, epoch int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.epoch != epoch {
		return false
	}
	t.share = x
	return true
}

// give makes a new key for a room and gives it to these people's signed devices,
// and to nobody else's.
func (m *mouth) give(ctx context.Context, s *session, room id.RoomID, users []id.UserID) (*share, error) {
	s.devices.RLock()
	defer s.devices.RUnlock()
	store := s.mach.CryptoStore
	if err := store.RemoveOutboundGroupSession(ctx, room); err != nil {
		return nil, fmt.Errorf("putting the old key away: %w", err)
	}
	var err error
	if p := guarded("giving out a key", func() { err = s.mach.ShareGroupSession(ctx, room, users) }); p != nil {
		m.b.cfg.Log.Error("matrix: a key could not be given out", "room", room, "where", where(p))
		err = p
	}
	if err != nil {
		return nil, fmt.Errorf("giving out a key: %w", plainError(err))
	}
	session, err := store.GetOutboundGroupSession(ctx, room)
	if err != nil {
		return nil, fmt.Errorf("reading the new key: %w", err)
	}
	if session == nil { // taken away at once: somebody came or went
		return &share{users: users}, nil
	}
	out := &share{session: session.ID(), users: users}
	if m.missed(ctx, s, users, session.ID()) {
		out.again = time.Now().Add(shareAgain)
	}
	return out, nil
}

// refresh fetches the devices of those whose are not known, or not for sure. When
// a homeserver does not answer for somebody, what is known has to do for a while.
func (m *mouth) refresh(ctx context.Context, s *session, users []id.UserID) error {
	now := time.Now()
	tracked, err := s.mach.CryptoStore.FilterTrackedUsers(ctx, users)
	if err != nil {
		return fmt.Errorf("reading whose devices are known: %w", err)
	}
	var stale []id.UserID
	m.mu.Lock()
	for _, user := range users {
		if _, ok := m.stale[user]; !ok && (!slices.Contains(tracked, user) || s.unsettled(user)) {
			m.stale[user] = time.Time{}
		}
	}
	for _, user := range users {
		if next, ok := m.stale[user]; ok && next.Before(now) {
			stale = append(stale, user)
		}
	}
	m.mu.Unlock()
	if len(stale) == 0 {
		return nil
	}
	within, cancel := s.within(ctx)
	defer cancel()
	got, err := s.fetchKeys(within, stale, true)
	if err != nil {
		return fmt.Errorf("fetching devices: %w", plainError(err))
	}
	m.fetched(stale, got)
	return nil
}

// missed says whether a signed device of these people was not given a key, because
// it has no one-time key left or its homeserver does not answer.
func (m *mouth) missed(ctx context.Context, s *session, users []id.UserID, session id.SessionID) bool {
	missed := false
	for _, user := range users {
		devices, err := s.mach.CryptoStore.GetDevices(ctx, user)
		if err != nil {
			return true
		}
		for _, device := range devices {
			if trust, _ := s.mach.ResolveTrustContext(ctx, device); trust < s.mach.SendKeysMinTrust {
				continue
			}
			given, err := s.mach.CryptoStore.IsOutboundGroupSessionShared(ctx, user, device.IdentityKey, session)
			if err != nil || !given {
				m.b.cfg.Log.Warn("matrix: a device could not be given a key", "device", device.DeviceID)
				missed = true
			}
		}
	}
	return missed
}
