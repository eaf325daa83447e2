package matrix

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/id"
)

// owner is whose keys a database holds.
type owner struct {
	User, Device string
	shared       bool // the homeserver has confirmed that it has them
}

// ownersOf looks whose keys a database holds, and writes nothing to it: it may be
// somebody else's.
func ownersOf(ctx context.Context, path string) (owners []owner, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite3", "file:"+escapePath(path)+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, "SELECT account_id, device_id, shared FROM crypto_account")
	if err != nil && strings.Contains(err.Error(), "no such table") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s is damaged or not ours (%w); put it back from the backup, or name another folder", ErrLogin, path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var o owner
		if err := rows.Scan(&o.User, &o.Device, &o.shared); err != nil {
			return nil, err
		}
		owners = append(owners, o)
	}
	return owners, rows.Err()
}

// hasKeys says whether the homeserver has keys of a device.
func (l *login) hasKeys(ctx context.Context, sv saved) (bool, error) {
	cli, err := newClient(l.cfg, sv)
	if err != nil {
		return false, err
	}
	defer cli.Client.CloseIdleConnections()
	user, device := id.UserID(sv.User), id.DeviceID(sv.Device)
	got, err := l.keysOf(ctx, cli)
	if err != nil {
		return false, err
	}
	return len(got.DeviceKeys[user][device].Keys) > 0, nil
}

// keysOf asks for the keys of our own account.
func (l *login) keysOf(ctx context.Context, cli *mautrix.Client) (*mautrix.RespQueryKeys, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Tuning.Request)
	defer cancel()
	got, err := cli.QueryKeys(ctx, &mautrix.ReqQueryKeys{DeviceKeys: mautrix.DeviceKeysRequest{cli.UserID: {}}})
	if err != nil {
		return nil, fmt.Errorf("asking for the keys of %s: %w", cli.UserID, err)
	}
	return got, nil
}

// settle finishes a login whose keys reached the homeserver while its answer did not
// reach us. Keys that are not the same are left to openDevice, which says so.
func (l *login) settle(ctx context.Context, sv saved) error {
	key, err := pickleKey(l.cfg, false)
	if err != nil {
		return err
	}
	db, err := openCrypto(ctx, l.cfg, sv, false)
	if err != nil {
		return err
	}
	defer db.Close()
	cli, err := newClient(l.cfg, sv)
	if err != nil {
		return err
	}
	defer cli.Client.CloseIdleConnections()
	store := crypto.NewSQLCryptoStore(db, nil, sv.User, cli.DeviceID, key)
	if err := store.DB.Upgrade(ctx); err != nil {
		return err
	}
	mach := crypto.NewOlmMachine(cli, &cli.Log, store, nil)
	defer mach.Destroy()
	if err := mach.Load(ctx); err != nil {
		return (&session{cfg: l.cfg, cli: cli}).explain(fmt.Errorf("failed to load olm account: %w", err))
	}
	got, err := l.keysOf(ctx, cli)
	if err != nil {
		return err
	}
	if got.DeviceKeys[cli.UserID][cli.DeviceID].Keys.GetEd25519(cli.DeviceID) != mach.OwnIdentity().SigningKey {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Tuning.Request)
	defer cancel()
	if err := mach.ShareKeys(ctx, -1); err != nil {
		return fmt.Errorf("giving the homeserver our keys: %w", err)
	}
	return nil
}
