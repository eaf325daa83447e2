package matrix

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix/crypto"
)

// keyStore is the library's store of keys, but for what it may take: the key of a
// message counts as its sender's, so it has to come from that very device; and for what
// it may be used, see restored.go.
type keyStore struct {
	*crypto.SQLCryptoStore
	since time.Time // of a restore: nothing is encrypted with keys from before it; zero: there was none
}

var errNotTheirs = errors.New("a key that is not from the device it is said to be of")

// PutGroupSession keeps a key for reading. It refuses one that somebody passes on
// for another device, and one that would make an old key another device's.
func (k keyStore) PutGroupSession(ctx context.Context, key *crypto.InboundGroupSession) error {
	if n := len(key.ForwardingChains); n > 1 || n == 1 && key.ForwardingChains[0] != key.SenderKey.String() {
		return errNotTheirs
	}
	have, err := k.GetGroupSession(ctx, key.RoomID, key.ID())
	switch {
	case errors.Is(err, crypto.ErrGroupSessionWithheld):
	case err != nil:
		return fmt.Errorf("looking for an older key: %w", err)
	case have != nil && (have.SenderKey != key.SenderKey || have.SigningKey != key.SigningKey):
		return errNotTheirs
	}
	return k.SQLCryptoStore.PutGroupSession(ctx, key)
}
