package matrix

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// Files that are there only while a login is not finished: the name of the device
// that is asked for, so that a second try asks for the same one, and the recovery
// key until somebody has seen it.
const (
	deviceFile   = "device.new"
	recoveryFile = "recovery.key"
)

// LoginOptions is what Login needs: a password or a token, and the recovery key
// when the account has an identity already.
type LoginOptions struct {
	Config      Config
	Password    string
	Token       string
	RecoveryKey string
	DeviceName  string // what others see the device called; "" is Tocsin
}

// LoginResult is what Login made or found.
type LoginResult struct {
	User        string
	Device      string
	RecoveryKey string // to be shown once, then say Shown; "" when there is nothing to show
	Made        bool   // the device is new

	folder string
}

// Shown takes the recovery key off the disk, once it is in a safe place. Until then
// every Login gives it again.
func (r LoginResult) Shown() error {
	err := os.Remove(filepath.Join(r.folder, recoveryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// login is one run of Login.
type login struct {
	LoginOptions

	cfg *Config
	cli *mautrix.Client // without a token, for what needs none
}

// Login makes the bot's device once and signs it with the account's identity, which
// it makes when the account has none. Run again it finds the same device, and goes
// on with what was not finished. An error says what to do and has changed nothing
// that was there; those that no second try mends wrap ErrLogin.
func Login(ctx context.Context, o LoginOptions) (LoginResult, error) {
	l := &login{LoginOptions: o, cfg: &o.Config}
	l.RecoveryKey = strings.TrimSpace(o.RecoveryKey)
	if l.DeviceName == "" {
		l.DeviceName = "Tocsin"
	}
	if err := l.cfg.complete(); err != nil {
		return LoginResult{}, err
	}
	if err := os.MkdirAll(l.cfg.Folder, 0o700); err != nil {
		return LoginResult{}, err
	}
	lock, err := lockFolder(l.cfg.Folder)
	if err != nil {
		return LoginResult{}, err
	}
	r, err := l.run(ctx, lock)
	if e := lock.Close(); e != nil && !errors.Is(e, os.ErrClosed) && err == nil {
		err = e
	}
	if err != nil {
		return LoginResult{}, fmt.Errorf("login to %s: %w", l.cfg.Homeserver, err)
	}
	return r, nil
}

func (l *login) run(ctx context.Context, lock *os.File) (LoginResult, error) {
	var err error
	if l.cli, err = newClient(l.cfg, saved{}); err != nil {
		return LoginResult{}, err
	}
	defer l.cli.Client.CloseIdleConnections()
	sv, err := readSaved(l.cfg.Folder)
	fresh := errors.Is(err, fs.ErrNotExist)
	switch {
	case fresh:
		sv, err = l.first(ctx)
	case err == nil && sv.User != l.cfg.User:
		err = fmt.Errorf("%w: the session in %s is of %s, and the configuration says %s; name the right folder, or another for the other account",
			ErrLogin, l.cfg.Folder, sv.User, l.cfg.User)
	case err == nil:
		sv, err = l.again(ctx, sv)
	}
	if err != nil {
		return LoginResult{}, err
	}
	s, err := l.open(ctx, sv, lock)
	if err != nil {
		return LoginResult{}, err
	}
	defer s.close()
	l.cfg.step("login: keys are there")
	key, err := l.identity(ctx, s)
	if err != nil {
		return LoginResult{}, err
	}
	return LoginResult{User: sv.User, Device: sv.Device, RecoveryKey: key, Made: fresh, folder: l.cfg.Folder}, nil
}

// step tells the tests where we are.
func (c *Config) step(name string) {
	if c.Failpoint != nil {
		c.Failpoint(name)
	}
}

// first makes the device, or takes the one of the token, and saves the session.
func (l *login) first(ctx context.Context) (saved, error) {
	owners, err := ownersOf(ctx, filepath.Join(l.cfg.Folder, cryptoFile))
	if err != nil {
		return saved{}, err
	}
	device := ""
	for _, o := range owners {
		if o.User != l.cfg.User {
			return saved{}, fmt.Errorf("%w: %s in %s holds the keys of %s; name another folder, or move it aside",
				ErrLogin, cryptoFile, l.cfg.Folder, o.User)
		}
		device = o.Device // session.json was lost, the keys were not: it can be the same device
	}
	var sv saved
	switch {
	case l.Token != "":
		sv, err = l.byToken(ctx, device)
	case l.Password != "":
		sv, err = l.byPassword(ctx, device)
	default:
		return saved{}, fmt.Errorf("%w: there is no session in %s; give the password or an access token", ErrLogin, l.cfg.Folder)
	}
	if err != nil {
		return saved{}, err
	}
	l.cfg.step("login: the device is there")
	if err := writeSaved(l.cfg.Folder, sv); err != nil {
		return saved{}, err
	}
	l.cfg.step("login: the session is saved")
	return sv, nil
}

// asked is the device whose login is not finished, or "".
func (l *login) asked() string {
	data, err := os.ReadFile(filepath.Join(l.cfg.Folder, deviceFile)) // #nosec G304 -- the configured folder
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// remember puts the device on disk whose login has begun.
func (l *login) remember(device string) error {
	return writeFile(l.cfg.Folder, deviceFile, []byte(device+"\n"))
}

// byPassword logs in as a device whose name is on disk before the homeserver hears
// it: when the answer is lost, the next try is the same device.
func (l *login) byPassword(ctx context.Context, device string) (saved, error) {
	made := false
	if device == "" {
		device = l.asked()
	}
	if device == "" {
		made, device = true, rand.Text()[:10]
		if err := l.remember(device); err != nil {
			return saved{}, err
		}
	}
	sv, err := l.ask(ctx, device)
	if made && definite(err) {
		_ = os.Remove(filepath.Join(l.cfg.Folder, deviceFile)) // it surely made no device
	}
	return sv, err
}

// ask logs in with the password, as a device.
func (l *login) ask(ctx context.Context, device string) (saved, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Tuning.Request)
	defer cancel()
	got, err := l.cli.Login(ctx, &mautrix.ReqLogin{
		Type:       mautrix.AuthTypePassword,
		Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: l.cfg.User},
		Password:   l.Password, DeviceID: id.DeviceID(device), InitialDeviceDisplayName: l.DeviceName,
	})
	switch {
	case errors.Is(err, mautrix.MForbidden):
		return saved{}, fmt.Errorf("%w: the homeserver does not accept this password for %s%w", ErrLogin, l.cfg.User, mark(err))
	case errors.Is(err, mautrix.MUnknown) && definite(err):
		return saved{}, fmt.Errorf("%w: the homeserver has no login with a password; give an access token%w", ErrLogin, mark(err))
	case err != nil:
		return saved{}, fmt.Errorf("logging in: %w", err)
	case got.UserID.String() != l.cfg.User || got.DeviceID == "" || got.AccessToken == "":
		return saved{}, fmt.Errorf("%w: the homeserver logged in %s, not %s; correct the configured account", ErrLogin, got.UserID, l.cfg.User)
	}
	return saved{Homeserver: l.cfg.Homeserver, User: l.cfg.User, Device: got.DeviceID.String(), Token: got.AccessToken}, nil
}

// byToken takes over the device of a token, unless another program has put its keys
// there.
func (l *login) byToken(ctx context.Context, device string) (saved, error) {
	sv, err := l.whose(ctx, l.Token)
	if err != nil {
		return saved{}, err
	}
	if device != "" && device != sv.Device {
		return saved{}, fmt.Errorf("%w: the token is of device %s, and %s holds the keys of device %s; give a token of that device, or move %s aside",
			ErrLogin, sv.Device, cryptoFile, device, cryptoFile)
	}
	there, err := l.hasKeys(ctx, sv)
	switch {
	case err == nil && !there:
		err = l.remember(sv.Device)
	case err == nil && device == "" && l.asked() != sv.Device:
		err = fmt.Errorf("%w: device %s of the token has keys of another program already; "+
			"give a token that no other program has used, or the password", ErrLogin, sv.Device)
	}
	return sv, err
}

// whose asks the homeserver whose token it is.
func (l *login) whose(ctx context.Context, token string) (saved, error) {
	cli, err := newClient(l.cfg, saved{User: l.cfg.User, Token: token})
	if err != nil {
		return saved{}, err
	}
	defer cli.Client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Tuning.Request)
	defer cancel()
	who, err := cli.Whoami(ctx)
	switch {
	case errors.Is(err, mautrix.MUnknownToken), errors.Is(err, mautrix.MMissingToken):
		return saved{}, fmt.Errorf("%w: the homeserver does not accept the access token%w", ErrLogin, mark(err))
	case err != nil:
		return saved{}, fmt.Errorf("asking whose token it is: %w", err)
	case who.UserID.String() != l.cfg.User:
		return saved{}, fmt.Errorf("%w: the access token is of %s, and the configuration says %s", ErrLogin, who.UserID, l.cfg.User)
	case who.DeviceID == "":
		return saved{}, fmt.Errorf("%w: the access token belongs to no device; give one that came from a login", ErrLogin)
	}
	return saved{Homeserver: l.cfg.Homeserver, User: l.cfg.User, Device: who.DeviceID.String(), Token: token}, nil
}

// again looks at the session that is there. A token that was revoked is replaced,
// for the same device.
func (l *login) again(ctx context.Context, sv saved) (saved, error) {
	now, err := l.whose(ctx, sv.Token)
	switch {
	case err == nil && now.Device == sv.Device:
		return sv, nil
	case err == nil:
		return sv, fmt.Errorf("%w: the homeserver says that the session's token is of device %s, not %s; put %s back from the backup",
			ErrLogin, now.Device, sv.Device, sessionFile)
	case !tokenDead(err):
		return sv, err
	}
	switch {
	case l.Token != "" && l.Token != sv.Token:
		now, err = l.whose(ctx, l.Token)
		if err == nil && now.Device != sv.Device {
			err = fmt.Errorf("%w: the token is of device %s, and the session is device %s; give the password, or move %s and %s aside",
				ErrLogin, now.Device, sv.Device, sessionFile, cryptoFile)
		}
	case l.Password != "":
		now, err = l.ask(ctx, sv.Device)
	default:
		err = fmt.Errorf("%w: the homeserver does not accept the token of device %s any more; give the password", ErrLogin, sv.Device)
	}
	if err == nil {
		err = l.same(ctx, now)
	}
	if err != nil {
		return sv, err
	}
	return now, writeSaved(l.cfg.Folder, now)
}

// same sees that a device that was logged in anew is still the one whose keys we
// have. One that was removed in between has lost them, and is removed again.
func (l *login) same(ctx context.Context, sv saved) error {
	there, err := l.hasKeys(ctx, sv)
	if err != nil || there {
		return err
	}
	owners, err := ownersOf(ctx, filepath.Join(l.cfg.Folder, cryptoFile))
	if err != nil {
		return err
	}
	for _, o := range owners {
		if o.Device == sv.Device && o.shared {
			if cli, err := newClient(l.cfg, sv); err == nil && l.Token == "" {
				_, _ = cli.Logout(ctx)
				cli.Client.CloseIdleConnections()
			}
			return fmt.Errorf("%w: device %s was removed from the account; move %s and %s aside and run `bot login matrix` again, with the recovery key",
				ErrLogin, sv.Device, cryptoFile, sessionFile)
		}
	}
	return nil
}

// open opens the device's keys, and makes them when its login was not finished and
// neither we nor the homeserver have any.
func (l *login) open(ctx context.Context, sv saved, lock *os.File) (*session, error) {
	there, err := l.hasKeys(ctx, sv)
	if err != nil {
		return nil, err
	}
	owners, err := ownersOf(ctx, filepath.Join(l.cfg.Folder, cryptoFile))
	if err != nil {
		return nil, err
	}
	for _, o := range owners {
		if there && o.User == sv.User && o.Device == sv.Device && !o.shared {
			if err := l.settle(ctx, sv); err != nil {
				return nil, err
			}
		}
	}
	s, err := openDevice(ctx, l.cfg, sv, lock, !there && len(owners) == 0 && l.asked() == sv.Device)
	if err == nil {
		_ = os.Remove(filepath.Join(l.cfg.Folder, deviceFile))
	}
	return s, err
}
