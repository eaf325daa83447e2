package matrix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// errBusy is that another process has the session. Like ErrLogin it ends Run.
var errBusy = errors.New("in use")

// session is a device of ours on the homeserver, with its keys open and its folder
// locked.
type session struct {
	cfg    *Config
	cli    *mautrix.Client
	helper *cryptohelper.CryptoHelper
	mach   *crypto.OlmMachine
	db     *dbutil.Database
	lock   *os.File

	// devices is held by who fetches somebody's devices, and for reading by who goes
	// by them: the library stores the devices first and a moment later the keys that
	// they are signed with.
	devices sync.RWMutex
	learned func(users []id.UserID) // is told whose changed devices were fetched, before they may be gone by

	fluxLock sync.Mutex
	flux     map[id.UserID]bool // whose devices may be stored by halves
}

// stateKeeper is what the client and the crypto machine look up about rooms.
type stateKeeper interface {
	mautrix.StateStore
	crypto.StateStore
}

// openSession opens the session that a login left in the folder. It never makes a
// device, a key or a file anew: what is missing or does not fit is an error that
// wraps ErrLogin and says what to do. Other errors are the network's, and may pass.
func openSession(ctx context.Context, cfg *Config) (*session, error) {
	lock, err := lockFolder(cfg.Folder)
	if err != nil {
		return nil, err
	}
	sv, err := readSaved(cfg.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: there is no session in %s; run `bot login matrix`", ErrLogin, cfg.Folder)
	case err == nil && sv.User != cfg.User:
		err = fmt.Errorf("%w: the session in %s is of %s, and the configuration says %s; name the right folder, or log in to another",
			ErrLogin, cfg.Folder, sv.User, cfg.User)
	}
	var s *session
	if err == nil {
		s, err = openDevice(ctx, cfg, sv, lock, false)
	}
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	// The library looks this up when it first needs it, and not in a way that two
	// may need it at once.
	within, cancel := s.within(ctx)
	defer cancel()
	if _, err := s.mach.GetOwnCrossSigningPublicKeys(within); err != nil {
		s.close()
		return nil, s.explain(err)
	}
	return s, nil
}

// openDevice opens a device's keys. With fresh they are made when they are not
// there: that is for a login that has just made the device. The lock is the
// session's when it succeeds and stays the caller's when it fails.
func openDevice(ctx context.Context, cfg *Config, sv saved, lock *os.File, fresh bool) (*session, error) {
	key, err := pickleKey(cfg, fresh)
	if err != nil {
		return nil, err
	}
	db, err := openCrypto(ctx, cfg, sv, fresh)
	if err != nil {
		return nil, err
	}
	s := &session{cfg: cfg, db: db, lock: lock, flux: map[id.UserID]bool{}, learned: func([]id.UserID) {}}
	if s.cli, err = newClient(cfg, sv); err == nil {
		err = s.load(ctx, key)
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// newClient is a client that makes one try for each request, follows no redirect
// and logs no contents.
func newClient(cfg *Config, sv saved) (*mautrix.Client, error) {
	cli, err := mautrix.NewClient(cfg.Homeserver, id.UserID(sv.User), sv.Token)
	if err != nil {
		return nil, err
	}
	t := &cfg.Tuning
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 8
	transport.MaxConnsPerHost = 32
	// A connection that died without a word would take every request down with it.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}
	cli.Client = &http.Client{
		Transport: transport,
		// Every request has a deadline of its own; this one is for what we forgot.
		Timeout:       2 * max(t.Poll+t.Hang, t.Request),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	cli.DeviceID = id.DeviceID(sv.Device)
	cli.UserAgent = "tocsin"
	cli.ResponseSizeLimit = 256 << 20
	cli.Log = libraryLog(cfg.Log)
	cli.StateStore = mautrix.NewMemoryStateStore() // until use
	return cli, nil
}

// openCrypto opens the database of keys and sees that it is this device's.
func openCrypto(ctx context.Context, cfg *Config, sv saved, fresh bool) (*dbutil.Database, error) {
	path := filepath.Join(cfg.Folder, cryptoFile)
	info, err := os.Stat(path)
	there := err == nil && info.Size() > 0
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !there && !fresh:
		return nil, fmt.Errorf("%w: %s is gone, and with it the keys of device %s; put it back from the backup, "+
			"or move %s aside and run `bot login matrix` with the recovery key", ErrLogin, path, sv.Device, sessionFile)
	case errors.Is(err, fs.ErrNotExist):
		// SQLite gives its other files the mode of this one.
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the configured folder
		if err != nil {
			return nil, err
		}
		_ = f.Close()
	}
	db, err := dbutil.NewWithDialect("file:"+escapePath(path)+"?_txlock=immediate", "sqlite3-fk-wal")
	if err != nil {
		return nil, err
	}
	db.RawDB.SetMaxOpenConns(4)
	db.RawDB.SetMaxIdleConns(2)
	if there {
		err = checkCrypto(ctx, db, sv, path, fresh)
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// escapePath makes a path one that SQLite reads back as it was from a file: address.
func escapePath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// checkCrypto looks whose keys are in a database before anything writes to it.
func checkCrypto(ctx context.Context, db *dbutil.Database, sv saved, path string, fresh bool) error {
	rows, err := db.RawDB.QueryContext(ctx, "SELECT account_id, device_id FROM crypto_account")
	if err != nil && fresh && strings.Contains(err.Error(), "no such table") {
		return nil // a login that broke off right after it made the file
	}
	if err != nil {
		return fmt.Errorf("%w: %s is damaged or not ours (%w); put it back from the backup", ErrLogin, path, err)
	}
	defer rows.Close()
	user, device, any := "", "", false
	for rows.Next() {
		if err := rows.Scan(&user, &device); err != nil {
			return err
		}
		if any = true; user == sv.User && device == sv.Device {
			return rows.Err()
		}
	}
	switch err := rows.Err(); {
	case err != nil:
		return err
	case !any && fresh:
		return nil
	case !any:
		return fmt.Errorf("%w: %s holds no keys; put it back from the backup, or move %s and %s aside and run `bot login matrix` with the recovery key",
			ErrLogin, path, cryptoFile, sessionFile)
	}
	return fmt.Errorf("%w: %s holds the keys of device %s of %s, but the session is device %s of %s; put back the file that belongs to it",
		ErrLogin, path, device, user, sv.Device, sv.User)
}

// load loads the keys and sees that the homeserver knows this device by them.
func (s *session) load(ctx context.Context, key []byte) error {
	var err error
	s.cli.Syncer = mautrix.NewDefaultSyncer()  // the helper wants one; the loop in sync.go does without
	s.cli.Store = mautrix.NewMemorySyncStore() // the token is kept by the inbox, not here
	if s.helper, err = cryptohelper.NewCryptoHelper(s.cli, key, s.db); err != nil {
		return err
	}
	s.helper.DBAccountID = s.cli.UserID.String()
	within, cancel := context.WithTimeout(ctx, s.cfg.Tuning.Request)
	defer cancel()
	if err := s.helper.Init(within); err != nil {
		return s.explain(err)
	}
	s.cli.Crypto = s.helper
	s.mach = s.helper.Machine()
	keys, ok := s.mach.CryptoStore.(*crypto.SQLCryptoStore)
	if !ok {
		return errors.New("the library keeps its keys in another way than expected")
	}
	s.mach.CryptoStore = keyStore{SQLCryptoStore: keys}
	if err := s.readFlux(ctx); err != nil {
		return err
	}
	s.mach.OwnIdentity() // which the account remembers from the first time, and not in a way that two may ask at once
	s.mach.SendKeysMinTrust = id.TrustStateCrossSignedTOFU
	s.mach.ShareKeysMinTrust = id.TrustStateCrossSignedTOFU
	s.mach.DisableDecryptKeyFetching = true // hear.go does that
	s.mach.DisableRatchetTracking = true    // what it is for we do not do, and it writes at every message
	allow := s.mach.AllowKeyShare
	s.mach.AllowKeyShare = func(ctx context.Context, device *id.Device, key event.RequestedKeyInfo) *crypto.KeyShareRejection {
		if device.UserID == s.cli.UserID { // no other device of ours has to read anything
			return &crypto.KeyShareRejectNoResponse
		}
		return allow(ctx, device, key)
	}
	return nil
}

// use gives the client and the crypto machine their view of the rooms.
func (s *session) use(store stateKeeper) {
	s.cli.StateStore, s.mach.StateStore = store, store
}

// explain turns what the library says about a session into what to do about it.
func (s *session) explain(err error) error {
	device, text := s.cli.DeviceID, err.Error()
	path := filepath.Join(s.cfg.Folder, cryptoFile)
	switch {
	case errors.Is(err, mautrix.MUnknownToken), errors.Is(err, mautrix.MMissingToken):
		return fmt.Errorf("%w: %s does not accept the token of device %s any more; run `bot login matrix` again",
			ErrLogin, s.cfg.Homeserver, device)
	case strings.Contains(text, "failed to load olm account"):
		return fmt.Errorf("%w: the pickle key does not open %s; put the right key (or file) back from the backup", ErrLogin, path)
	case strings.Contains(text, "keys seem to have disappeared"):
		return fmt.Errorf("%w: device %s is gone from %s; move %s and %s aside and run `bot login matrix` with the recovery key",
			ErrLogin, device, s.cfg.Homeserver, cryptoFile, sessionFile)
	case strings.Contains(text, "not marked as shared"), strings.Contains(text, "mismatching identity key"),
		strings.Contains(text, "mismatching device ID"):
		return fmt.Errorf("%w: %s does not hold the keys that %s knows device %s by; put the right file back from the backup, "+
			"or move it and %s aside and run `bot login matrix` with the recovery key", ErrLogin, path, s.cfg.Homeserver, device, sessionFile)
	case errors.Is(err, dbutil.ErrUnsupportedDatabaseVersion):
		return fmt.Errorf("%w: %s was written by a newer tocsin; use that one", ErrLogin, path)
	}
	return err
}

// flush brings keys that came in to disk, so that the sync that brought them may
// be taken as done: the homeserver does not send them again.
func (s *session) flush() error {
	return syncFile(filepath.Join(s.cfg.Folder, cryptoFile+"-wal"))
}

// close ends the session. The device stays.
func (s *session) close() {
	s.mach.Destroy()
	s.cli.Client.CloseIdleConnections()
	_ = s.db.Close()
	_ = s.lock.Close()
}
