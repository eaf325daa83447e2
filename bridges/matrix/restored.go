package matrix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/goolm/account"
	"maunium.net/go/mautrix/id"
)

// What is kept about a restore from a backup.
const (
	keptRestored = "restored" // when it was, in ms since 1970: whoever restored says so
	keptRenewed  = "renewed"  // the restore after which our one-time keys were made anew
)

const (
	// keysSkipped is how many numbers of one-time keys are left out after a restore: the
	// homeserver takes none again that it got since the backup.
	keysSkipped = 1 << 16
	// keysMost is how many of our one-time keys a homeserver may still hold, at most.
	keysMost = 200
)

// restored makes a session one that was restored at an instant. What its keys were used
// for since the backup nobody knows, so nothing is encrypted with one from before: not
// for rooms, whose keys are made anew at each start, and not for devices.
func (s *session) restored(at time.Time) {
	if keys, ok := s.mach.CryptoStore.(keyStore); ok {
		keys.since = at
		s.mach.CryptoStore = keys
	}
}

// renew replaces our one-time keys once after a restore. Of those that the homeserver
// holds we may not have the secret halves any more: who took one would send us what we
// cannot read.
func (h *hearing) renew(ctx context.Context) error {
	if h.deafUntil.IsZero() || h.kept[keptRenewed] == h.kept[keptRestored] {
		return nil
	}
	if err := h.s.skipKeys(ctx); err != nil {
		return fmt.Errorf("numbering one-time keys anew after a restore: %w", err)
	}
	if err := h.s.drain(ctx); err != nil {
		if code, _ := status(err); code == 0 || code >= http.StatusInternalServerError || code == http.StatusTooManyRequests || ctx.Err() != nil || tokenDead(err) {
			return err
		}
		h.log.Warn("matrix: the homeserver keeps one-time keys from before the restore", "why", plainError(err))
	}
	return h.in.Keep(ctx, h.b.cfg.Name, map[string]string{keptRenewed: h.kept[keptRestored]})
}

// skipKeys leaves out the numbers that one-time keys may have been given since a backup.
func (s *session) skipKeys(ctx context.Context) error {
	acc, err := s.mach.CryptoStore.GetAccount(ctx)
	if err != nil {
		return err
	}
	inside, ok := acc.Internal.(*account.Account)
	if !ok {
		return errors.New("the library keeps its account in another way than expected")
	}
	inside.NextOneTimeKeyID += keysSkipped
	inside.MarkKeysAsPublished() // one that waits has an old number
	return s.mach.CryptoStore.PutAccount(ctx, acc)
}

// drain takes our own one-time keys from the homeserver, until it has none left.
func (s *session) drain(ctx context.Context) error {
	me, device := s.cli.UserID, s.cli.DeviceID
	for range keysMost {
		within, cancel := s.within(ctx)
		res, err := s.cli.ClaimKeys(within, &mautrix.ReqClaimKeys{
			OneTimeKeys: mautrix.OneTimeKeysRequest{me: {device: id.KeyAlgorithmSignedCurve25519}},
		})
		cancel()
		if err != nil || len(res.OneTimeKeys[me][device]) == 0 {
			return err
		}
	}
	return nil
}

// HasSession says whether there is a session to send to a device with.
func (k keyStore) HasSession(ctx context.Context, key id.SenderKey) bool {
	if k.since.IsZero() {
		return k.SQLCryptoStore.HasSession(ctx, key)
	}
	session, err := k.GetLatestSession(ctx, key)
	return err == nil && session != nil
}

// GetLatestSession gives the session to send to a device with: none from before a
// restore, which may have been used since and would encrypt two things alike. To read
// they all serve.
func (k keyStore) GetLatestSession(ctx context.Context, key id.SenderKey) (*crypto.OlmSession, error) {
	if k.since.IsZero() {
		return k.SQLCryptoStore.GetLatestSession(ctx, key)
	}
	all, err := k.GetSessions(ctx, key) // the one that was last read with is the first
	if err != nil {
		return nil, err
	}
	for _, session := range all {
		if !session.CreationTime.Before(k.since) {
			return session, nil
		}
	}
	return nil, nil
}

// GetOutboundGroupSession gives a room's key, but none from before a restore.
func (k keyStore) GetOutboundGroupSession(ctx context.Context, room id.RoomID) (*crypto.OutboundGroupSession, error) {
	session, err := k.SQLCryptoStore.GetOutboundGroupSession(ctx, room)
	if session != nil && session.CreationTime.Before(k.since) {
		return nil, err
	}
	return session, err
}
