package matrix

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The files of a session. crypto.db has -wal and -shm beside it.
const (
	lockFile    = "lock"
	sessionFile = "session.json"
	pickleFile  = "pickle.key"
	cryptoFile  = "crypto.db"
)

// saved is what makes the bot the same device after a restart: Folder/session.json.
type saved struct {
	Homeserver string `json:"homeserver"`
	User       string `json:"user"`
	Device     string `json:"device"`
	Token      string `json:"token"`
}

// lockAgain is how long to wait before a lock is tried again.
const lockAgain = 50 * time.Millisecond

// lockFolder takes the folder for this process until the file is closed. The
// kernel drops the lock of a process that ends, however it ends.
func lockFolder(folder string) (*os.File, error) {
	path := filepath.Join(folder, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) // #nosec G304 -- the configured folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no folder %s; run `bot login matrix`", ErrLogin, folder)
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for try := 0; errors.Is(err, syscall.EWOULDBLOCK) && try < 10; try++ { // the one before may just be ending
		<-time.After(lockAgain)
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: another tocsin uses %s; end it first", errBusy, folder)
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return f, nil
}

// readSaved reads the session; fs.ErrNotExist when there was no login yet.
func readSaved(folder string) (saved, error) {
	path := filepath.Join(folder, sessionFile)
	data, err := os.ReadFile(path) // #nosec G304 -- the configured folder
	if err != nil {
		return saved{}, err
	}
	var s saved
	if json.Unmarshal(data, &s) != nil || s.User == "" || s.Device == "" || s.Token == "" {
		// What a damaged file holds may be half a token: nothing of it is quoted.
		return saved{}, fmt.Errorf("%w: %s is damaged; put it back from the backup", ErrLogin, path)
	}
	return s, nil
}

// writeSaved writes the session so that a crash leaves the old one or the new one.
func writeSaved(folder string, s saved) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(folder, sessionFile, append(data, '\n'))
}

// writeFile puts a file in place whole, for its owner alone, and on disk when it
// returns.
func writeFile(folder, name string, data []byte) error {
	f, err := os.CreateTemp(folder, "."+name+".*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFile(folder)
}

// syncFile has the kernel write a file or folder to disk; one that is not there is
// nothing to write.
func syncFile(path string) error {
	f, err := os.Open(path) // #nosec G304 -- the configured folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// pickleKey is what the keys on disk are encrypted with. With fresh it is made
// when it is not there; otherwise a missing one is an error, because a new one
// could not read what is there.
func pickleKey(cfg *Config, fresh bool) ([]byte, error) {
	if cfg.PickleKey != nil {
		return cfg.PickleKey, nil
	}
	path := filepath.Join(cfg.Folder, pickleFile)
	data, err := os.ReadFile(path) // #nosec G304 -- the configured folder
	switch {
	case errors.Is(err, fs.ErrNotExist) && fresh:
		key := make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		return key, writeFile(cfg.Folder, pickleFile, []byte(hex.EncodeToString(key)+"\n"))
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s is gone, and without it the keys in %s cannot be read; put it back from the backup",
			ErrLogin, path, cryptoFile)
	case err != nil:
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%w: %s is damaged; put it back from the backup", ErrLogin, path)
	}
	return key, nil
}
