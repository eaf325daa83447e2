package matrix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
)

// Look asks the homeserver about the account, its rooms and people, and changes
// nothing: it takes no lock, opens no keys and does not sync, so that the bot may run
// meanwhile. It knows nothing that the bot remembers: not that a room was encrypted
// once, nor that one was replaced.
type Look struct {
	b      *Bridge
	s      *session
	device string
}

// NewLook reads the session that a login left in the folder. The error wraps ErrLogin
// where there is none, or it is another account's.
func NewLook(cfg Config) (*Look, error) {
	b, err := New(cfg)
	if err != nil {
		return nil, err
	}
	sv, err := readSaved(b.cfg.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no session in %s; run `bot login matrix`", ErrLogin, b.cfg.Folder)
	case err != nil:
		return nil, err
	case sv.User != b.cfg.User:
		return nil, fmt.Errorf("%w: the session in %s is another account's", ErrLogin, b.cfg.Folder)
	}
	cli, err := newClient(&b.cfg, sv)
	if err != nil {
		return nil, err
	}
	s := &session{cfg: &b.cfg, cli: cli, flux: map[id.UserID]bool{}, learned: func([]id.UserID) {}}
	return &Look{b: b, s: s, device: sv.Device}, nil
}

// Close lets the connections go.
func (l *Look) Close() { l.s.cli.Client.CloseIdleConnections() }

// Device asks whose token we have. The error wraps ErrLogin where the homeserver does
// not take it, or it is another device's.
func (l *Look) Device(ctx context.Context) error {
	ctx, cancel := l.s.within(ctx)
	defer cancel()
	who, err := l.s.cli.Whoami(ctx)
	switch {
	case err != nil && tokenDead(err):
		return fmt.Errorf("%w: the homeserver does not take the token", ErrLogin)
	case err != nil:
		return plainError(err)
	case who.UserID.String() != l.b.cfg.User || who.DeviceID.String() != l.device:
		return fmt.Errorf("%w: the token is of another device", ErrLogin)
	}
	return nil
}

// Prove looks at a configured room as the bot's own Prove does, but knows no devices.
func (l *Look) Prove(ctx context.Context, where bridges.Room) (bridges.Proof, error) {
	p, r, roomID := bridges.Proof{Room: where}, l.b.rooms, id.RoomID(where.ID)
	seen := &look{asked: time.Now()}
	f, in, err := r.fetch(ctx, l.s, roomID)
	switch {
	case err != nil:
		return p, fmt.Errorf("%w: looking at the room: %w", bridges.ErrNotSent, plainError(err))
	case !in:
		return p, fmt.Errorf("%w: the bot is not in the room", bridges.ErrNotSent)
	}
	seen.facts, seen.listed = f, r.listing(ctx, l.s, roomID)
	p.At = seen.asked.UTC()
	r.checks(ctx, l.s, roomID, seen, &p)
	return p, ctx.Err()
}

// Standing is what a homeserver knows of somebody's account.
type Standing int

// The standings.
const (
	Signs   Standing = iota // there are devices, and an identity to sign them
	NoSign                  // there are devices and no identity, so none of them gets keys
	Nobody                  // there is no device, or no such account
	NotTold                 // their homeserver does not answer
)

// People asks how accounts stand.
func (l *Look) People(ctx context.Context, accounts []string) (map[string]Standing, error) {
	ask := mautrix.DeviceKeysRequest{}
	for _, a := range accounts {
		ask[id.UserID(a)] = mautrix.DeviceIDList{}
	}
	ctx, cancel := l.s.within(ctx)
	defer cancel()
	const patience = 5 * time.Second // that our homeserver has with others
	got, err := l.s.cli.QueryKeys(ctx, &mautrix.ReqQueryKeys{DeviceKeys: ask, Timeout: patience.Milliseconds()})
	if err != nil {
		return nil, plainError(err)
	}
	var deaf []string
	for server := range got.Failures {
		deaf = append(deaf, server)
	}
	out := map[string]Standing{}
	for _, a := range accounts {
		who := id.UserID(a)
		_, identity := got.MasterKeys[who]
		_, signing := got.SelfSigningKeys[who]
		switch {
		case slices.Contains(deaf, who.Homeserver()):
			out[a] = NotTold
		case len(got.DeviceKeys[who]) == 0:
			out[a] = Nobody
		case identity && signing:
			out[a] = Signs
		default:
			out[a] = NoSign
		}
	}
	return out, nil
}
