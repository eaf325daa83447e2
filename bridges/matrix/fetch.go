package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"
)

// fluxSecret is the name, in the store of keys, of the list of people whose
// devices are being fetched. The library stores devices first and then what they
// are signed with: a process that ends in between would take signed devices for
// unsigned ones, and nobody would tell it better.
const fluxSecret id.Secret = "org.tocsin.fetching"

// fetchKeys fetches people's devices and identities; without untracked only those
// of people whose devices were fetched before. Until it is done they are noted as
// not known for sure, on disk too. Who waits for it to be done may go by what is
// known then: of what the homeserver told of as changed, no key that is in use is
// from before.
func (s *session) fetchKeys(ctx context.Context, users []id.UserID, untracked bool) (map[id.UserID]map[id.DeviceID]*id.Device, error) {
	s.devices.Lock()
	defer s.devices.Unlock()
	if !untracked { // a change that we were told of; also when it fails, some of it may have been stored
		defer s.learned(users)
	}
	if err := s.noteFlux(ctx, users, true); err != nil {
		return nil, err
	}
	got, err := s.mach.FetchKeys(ctx, users, untracked)
	if err == nil { // our own may have been among them: the library forgets them then, and two must not look them up at once
		_, err = s.mach.GetOwnCrossSigningPublicKeys(ctx)
	}
	if err == nil {
		err = ctx.Err() // what the library could not store any more it does not say
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return got, s.noteFlux(ctx, users, false)
}

// noteFlux notes whose devices are being fetched, or not any more.
func (s *session) noteFlux(ctx context.Context, users []id.UserID, on bool) error {
	s.fluxLock.Lock()
	defer s.fluxLock.Unlock()
	for _, user := range users {
		if on {
			s.flux[user] = true
		} else {
			delete(s.flux, user)
		}
	}
	var err error
	if len(s.flux) == 0 {
		err = s.mach.CryptoStore.DeleteSecret(ctx, fluxSecret)
	} else if data, e := json.Marshal(slices.Sorted(maps.Keys(s.flux))); e != nil {
		err = e
	} else {
		err = s.mach.CryptoStore.PutSecret(ctx, fluxSecret, string(data))
	}
	if err != nil {
		return fmt.Errorf("noting whose devices are fetched: %w", err)
	}
	return nil
}

// readFlux takes up what an earlier process did not finish.
func (s *session) readFlux(ctx context.Context) error {
	value, err := s.mach.CryptoStore.GetSecret(ctx, fluxSecret)
	if err != nil {
		return fmt.Errorf("reading whose devices were fetched: %w", err)
	}
	var users []id.UserID
	if value == "" || json.Unmarshal([]byte(value), &users) != nil {
		return nil
	}
	s.fluxLock.Lock()
	defer s.fluxLock.Unlock()
	for _, user := range users {
		s.flux[user] = true
	}
	return nil
}

// unsettled says whether somebody's devices may be stored by halves.
func (s *session) unsettled(user id.UserID) bool {
	s.fluxLock.Lock()
	defer s.fluxLock.Unlock()
	return s.flux[user]
}
