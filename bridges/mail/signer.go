package mail

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Signer is a secret key, unlocked. It can be used from several goroutines.
type Signer struct {
	mu     sync.Mutex
	entity *openpgp.Entity
}

// ReadSigner reads one armored secret key from a file that only its owner may
// read. The passphrase is "" for a key that has none. That the key can sign is
// found out when it is used, and by Info.
func ReadSigner(path, passphrase string) (*Signer, error) {
	f, err := openPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	defer f.Close()
	rings, err := readBlocks(f, openpgp.PrivateKeyType)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key in %s: %w", path, err)
	}
	list, err := openpgp.ReadKeyRing(bytes.NewReader(rings[0]))
	if err != nil || len(rings) > 1 || len(list) > 1 {
		return nil, fmt.Errorf("reading the signing key in %s: the file holds more than one key", path)
	}
	e := list[0]
	// The library leaves alone what is not encrypted, and what is not in the file.
	if err := e.DecryptPrivateKeys([]byte(passphrase)); err != nil {
		if passphrase == "" {
			return nil, fmt.Errorf("reading the signing key in %s: it needs a passphrase", path)
		}
		return nil, fmt.Errorf("reading the signing key in %s: the passphrase does not open it", path)
	}
	return &Signer{entity: e}, nil
}

// Info tells about the key.
func (s *Signer) Info(now time.Time) KeyInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return info(s.entity, now, signProblem)
}

// Bears reports whether the key has a user ID with an address.
func (s *Signer) Bears(addr string) bool {
	a, err := parseAddress(addr)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return bears(s.entity, a.bare())
}

// openPrivate opens a file and looks at the file that it opened, so that nobody
// can put another one in its place in between.
func openPrivate(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	const others = 0o077
	switch {
	case err != nil:
	case !st.Mode().IsRegular():
		err = fmt.Errorf("%s is not a file", path)
	case runtime.GOOS != "windows" && st.Mode().Perm()&others != 0:
		err = fmt.Errorf("others than the bot may read or change %s; run: chmod 600 on it", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
