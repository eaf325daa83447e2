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

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/signatures"
	"maunium.net/go/mautrix/crypto/ssss"
	"maunium.net/go/mautrix/crypto/utils"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// secrets are the three keys of an identity, as the account keeps them encrypted.
func secrets(k *crypto.CrossSigningKeysCache) map[event.Type][]byte {
	return map[event.Type][]byte{
		event.AccountDataCrossSigningMaster: k.MasterKey.Seed(),
		event.AccountDataCrossSigningSelf:   k.SelfSigningKey.Seed(),
		event.AccountDataCrossSigningUser:   k.UserSigningKey.Seed(),
	}
}

// identity sees that the account has an identity (cross-signing keys) and that it has
// signed this device. It returns the recovery key as long as nobody was shown it.
func (l *login) identity(ctx context.Context, s *session) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*l.cfg.Tuning.Request)
	defer cancel()
	got, err := l.keysOf(ctx, s.cli)
	if err != nil {
		return "", err
	}
	kept, err := l.keptRecovery()
	if err != nil {
		return "", err
	}
	_, has := got.MasterKeys[s.cli.UserID]
	switch {
	case has && signed(got, s.cli.UserID, s.cli.DeviceID):
		return kept, l.finish(ctx, s)
	case !has:
		if kept, err = l.bootstrap(ctx, s, kept); err != nil {
			return "", err
		}
	case l.RecoveryKey == "" && kept == "":
		return "", fmt.Errorf("%w: %s has an identity already, which has to sign device %s; run `bot login matrix` again, with the recovery key",
			ErrLogin, s.cli.UserID, s.cli.DeviceID)
	default:
		recovery := l.RecoveryKey
		if recovery == "" {
			recovery = kept
		}
		if err := l.unlock(ctx, s, recovery); err != nil {
			return "", err
		}
	}
	l.cfg.step("login: the identity is there")
	if err := l.sign(ctx, s); err != nil {
		return "", err
	}
	return kept, l.finish(ctx, s)
}

// keptRecovery is the recovery key that nobody was shown yet, or "".
func (l *login) keptRecovery() (string, error) {
	data, err := os.ReadFile(filepath.Join(l.cfg.Folder, recoveryFile)) // #nosec G304 -- the configured folder
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(data))
	if utils.DecodeBase58RecoveryKey(key) == nil {
		return "", fmt.Errorf("%w: %s in %s is damaged; move it aside and give the recovery key", ErrLogin, recoveryFile, l.cfg.Folder)
	}
	return key, nil
}

// bootstrap makes an identity for the account. The recovery key is on disk before
// the homeserver gets what it opens, and a second try uses the same one.
func (l *login) bootstrap(ctx context.Context, s *session, recovery string) (string, error) {
	key, err := ssss.NewKey("")
	if recovery != "" {
		key, err = ssss.WrapKey(utils.DecodeBase58RecoveryKey(recovery), nil)
	}
	if err != nil {
		return "", err
	}
	if err := writeFile(l.cfg.Folder, recoveryFile, []byte(key.RecoveryKey()+"\n")); err != nil {
		return "", err
	}
	l.cfg.step("login: the recovery key is on disk")
	keys, err := s.mach.GenerateCrossSigningKeys()
	if err != nil {
		return "", err
	}
	if err := s.mach.SSSS.SetKeyData(ctx, key.ID, key.Metadata); err != nil {
		return "", fmt.Errorf("storing what the recovery key opens: %w", err)
	}
	for name, seed := range secrets(keys) {
		if err := s.mach.SSSS.SetEncryptedAccountData(ctx, name, seed, key); err != nil {
			return "", fmt.Errorf("storing what the recovery key opens: %w", err)
		}
	}
	if err := s.mach.SSSS.SetDefaultKeyID(ctx, key.ID); err != nil {
		return "", fmt.Errorf("storing what the recovery key opens: %w", err)
	}
	l.cfg.step("login: the secrets are stored")
	err = s.mach.PublishCrossSigningKeys(ctx, keys, l.confirm)
	if code, _ := status(err); code == http.StatusUnauthorized && l.Password == "" {
		return "", fmt.Errorf("%w: the homeserver wants the password before it takes an identity for %s; run `bot login matrix` again with it", ErrLogin, s.cli.UserID)
	}
	if err != nil {
		return "", fmt.Errorf("publishing the identity: %w", err)
	}
	return key.RecoveryKey(), nil
}

// confirm gives the password where the homeserver wants it once more.
func (l *login) confirm(u *mautrix.RespUserInteractive) any {
	if l.Password == "" {
		return nil
	}
	return &mautrix.ReqUIAuthLogin{
		BaseAuthData: mautrix.BaseAuthData{Type: mautrix.AuthTypePassword, Session: u.Session},
		User:         l.cfg.User, Password: l.Password,
	}
}

// unlock reads the identity's keys with the recovery key.
func (l *login) unlock(ctx context.Context, s *session, recovery string) error {
	var master ssss.EncryptedAccountDataEventContent
	err := s.cli.GetAccountData(ctx, event.AccountDataCrossSigningMaster.Type, &master)
	if errors.Is(err, mautrix.MNotFound) || err == nil && len(master.Encrypted) == 0 {
		return fmt.Errorf("%w: %s has an identity whose keys are not stored on the homeserver; "+
			"store them there with the client that made it (secure backup), then run `bot login matrix` again", ErrLogin, s.cli.UserID)
	}
	if err != nil {
		return fmt.Errorf("reading the identity's keys: %w", err)
	}
	for name := range master.Encrypted {
		data, err := s.mach.SSSS.GetKeyData(ctx, name)
		if errors.Is(err, mautrix.MNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the identity's keys: %w", err)
		}
		key, err := data.VerifyRecoveryKey(name, recovery)
		if err != nil && !errors.Is(err, ssss.ErrUnverifiableKey) {
			continue
		}
		err = s.mach.FetchCrossSigningKeysFromSSSS(ctx, key)
		if errors.Is(err, ssss.ErrKeyDataMACMismatch) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the identity's keys: %w", err)
		}
		return nil
	}
	return fmt.Errorf("%w: that is not the recovery key of %s; run `bot login matrix` again with the right one", ErrLogin, s.cli.UserID)
}

// sign has the identity sign this device, and this device the identity.
func (l *login) sign(ctx context.Context, s *session) error {
	got, err := l.keysOf(ctx, s.cli)
	if err != nil {
		return err
	}
	master := got.MasterKeys[s.cli.UserID]
	if own := s.mach.CrossSigningKeys.MasterKey.PublicKey(); master.FirstKey() != own {
		return fmt.Errorf("%w: the recovery key opens an identity of %s that was replaced since; run `bot login matrix` again with the newest recovery key", ErrLogin, s.cli.UserID)
	}
	if err := s.mach.SignOwnDevice(ctx, s.mach.OwnIdentity()); err != nil {
		return fmt.Errorf("signing device %s: %w", s.cli.DeviceID, err)
	}
	l.cfg.step("login: the device is signed")
	if got, err = l.keysOf(ctx, s.cli); err != nil {
		return err
	}
	if !signed(got, s.cli.UserID, s.cli.DeviceID) {
		return fmt.Errorf("%w: the homeserver did not keep the signature of device %s", ErrLogin, s.cli.DeviceID)
	}
	return nil
}

// finish brings what the homeserver knows of our own account into the key store, and
// has this device sign the identity when it has not.
func (l *login) finish(ctx context.Context, s *session) error {
	if _, err := s.mach.FetchKeys(ctx, []id.UserID{s.cli.UserID}, true); err != nil {
		return fmt.Errorf("asking for our own keys: %w", err)
	}
	keys, err := s.mach.CryptoStore.GetCrossSigningKeys(ctx, s.cli.UserID)
	if err != nil {
		return err
	}
	m := keys[id.XSUsageMaster]
	if m.Key != m.First {
		if err := s.mach.CryptoStore.ResetMasterKeyTOFU(ctx, s.cli.UserID, m.Key); err != nil {
			return err
		}
	}
	done, err := s.mach.CryptoStore.IsKeySignedBy(ctx, s.cli.UserID, m.Key, s.cli.UserID, s.mach.OwnIdentity().SigningKey)
	if err == nil && !done {
		err = s.mach.SignOwnMasterKey(ctx)
	}
	if err != nil {
		return fmt.Errorf("signing the identity: %w", err)
	}
	return nil
}

// signed says whether an account's identity has signed a device: the master key the
// self-signing key, and that the device.
func signed(got *mautrix.RespQueryKeys, user id.UserID, device id.DeviceID) bool {
	master, self, dev := got.MasterKeys[user], got.SelfSigningKeys[user], got.DeviceKeys[user][device]
	m, k := master.FirstKey(), self.FirstKey()
	if m == "" || k == "" || len(dev.Keys) == 0 {
		return false
	}
	one, err := signatures.VerifySignatureJSON(self, user, m.String(), m)
	if err != nil || !one {
		return false
	}
	two, err := signatures.VerifySignatureJSON(dev, user, k.String(), k)
	return err == nil && two
}

// Trust accepts the identity that an account has now as its own. It is for a person
// who has asked its owner in another way, and needs the bot to be stopped.
func Trust(ctx context.Context, cfg Config, user string) error {
	who := id.UserID(user)
	if _, _, err := who.Parse(); err != nil {
		return fmt.Errorf("%q is not an account like @name:server", user)
	}
	if err := cfg.complete(); err != nil {
		return err
	}
	s, err := openSession(ctx, &cfg)
	if err != nil {
		return err
	}
	defer s.close()
	s.mach.StateStore = newRooms(&Bridge{cfg: cfg}).store()
	ctx, cancel := context.WithTimeout(ctx, cfg.Tuning.Request)
	defer cancel()
	if _, err := s.mach.FetchKeys(ctx, []id.UserID{who}, true); err != nil {
		return fmt.Errorf("asking for the keys of %s: %w", who, err)
	}
	keys, err := s.mach.CryptoStore.GetCrossSigningKeys(ctx, who)
	if err != nil {
		return err
	}
	m, ok := keys[id.XSUsageMaster]
	if !ok {
		return fmt.Errorf("%s has no identity (cross-signing keys) yet", who)
	}
	if m.Key == m.First {
		return nil
	}
	return s.mach.CryptoStore.ResetMasterKeyTOFU(ctx, who, m.Key)
}
