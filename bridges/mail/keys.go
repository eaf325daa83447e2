package mail

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// maxKeyFile is more than any keyring of a project needs.
const maxKeyFile = 8 << 20

// Keys are public keys. They can be used from several goroutines: each use reads
// the keys anew, since the library writes into a key what it finds out about it.
type Keys struct{ rings [][]byte }

// KeyInfo is what there is to know about a key.
type KeyInfo struct {
	Fingerprint string // upper case, without spaces
	UserIDs     []string
	Problem     string // why it cannot be used at the moment that was asked about, or ""
}

// ReadKeys reads armored public keys. A file may hold several, in one block or in
// many. A file with a secret key is refused: somebody exported the wrong one.
func ReadKeys(paths ...string) (*Keys, error) {
	k := &Keys{}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading a public key: %w", err)
		}
		rings, err := readBlocks(f, openpgp.PublicKeyType)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("reading the public key in %s: %w", path, err)
		}
		k.rings = append(k.rings, rings...)
	}
	return k, nil
}

// readBlocks gives the packets of every armored block, and makes sure that they
// can be read as keys.
func readBlocks(r io.Reader, kind string) ([][]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("the file is larger than %d MB", maxKeyFile>>20)
	}
	var out [][]byte
	for _, block := range regexp.MustCompile(`(?s)-----BEGIN PGP [A-Z ]+-----.*?-----END PGP [A-Z ]+-----`).FindAll(text, -1) {
		b, err := armor.Decode(bytes.NewReader(block))
		if err != nil {
			return nil, errors.New("the armor is damaged")
		}
		if b.Type != kind {
			return nil, fmt.Errorf("it holds a %s, not a %s", b.Type, kind)
		}
		ring, err := io.ReadAll(b.Body)
		if err != nil {
			return nil, errors.New("the armor is damaged")
		}
		if _, err := openpgp.ReadKeyRing(bytes.NewReader(ring)); err != nil {
			return nil, fmt.Errorf("it is no key that can be used here: %w", err)
		}
		out = append(out, ring)
	}
	if len(out) == 0 {
		return nil, errors.New("it holds no armored key; gpg --armor --export writes one")
	}
	return out, nil
}

// entities are all keys, fresh.
func (k *Keys) entities() ([]*openpgp.Entity, error) {
	var out []*openpgp.Entity
	for _, ring := range k.rings {
		list, err := openpgp.ReadKeyRing(bytes.NewReader(ring))
		if err != nil {
			return nil, fmt.Errorf("reading a key again: %w", err)
		}
		out = append(out, list...)
	}
	return out, nil
}

// Infos tells about every key, in the order of the files.
func (k *Keys) Infos(now time.Time) ([]KeyInfo, error) {
	all, err := k.entities()
	if err != nil {
		return nil, err
	}
	var out []KeyInfo
	for _, e := range all {
		out = append(out, info(e, now, encryptProblem))
	}
	return out, nil
}

// For tells which key a mail to an address is encrypted with. The error is a
// NoKeyError when there is none that can be used now.
func (k *Keys) For(addr string, now time.Time) (KeyInfo, error) {
	a, err := parseAddress(addr)
	if err != nil {
		return KeyInfo{}, err
	}
	list, err := k.readers([]string{a.bare()}, now)
	if err != nil {
		return KeyInfo{}, err
	}
	return info(list[0], now, encryptProblem), nil
}

// readers finds one key for each address: the newest that can be used. All keys
// of a mail come from the configuration, so whoever's name a key bears was
// decided there; we only match it by the addresses in it.
func (k *Keys) readers(addresses []string, now time.Time) ([]*openpgp.Entity, error) {
	all, err := k.entities()
	if err != nil {
		return nil, err
	}
	var out []*openpgp.Entity
	for _, addr := range addresses {
		var best *openpgp.Entity
		why, known := "there is no key with this address", false
		for _, e := range all {
			if !bears(e, addr) {
				continue
			}
			known = true
			if p := encryptProblem(e, now); p != "" {
				why = "the key " + fingerprint(e) + " " + p
			} else if !bearsNow(e, addr, now) {
				why = "the key " + fingerprint(e) + " has taken this address back"
			} else if best == nil || e.PrimaryKey.CreationTime.After(best.PrimaryKey.CreationTime) {
				best = e
			}
		}
		if best == nil {
			return nil, NoKeyError{Address: addr, Why: why, Known: known}
		}
		if !slices.Contains(out, best) {
			out = append(out, best)
		}
	}
	return out, nil
}

// bears says whether a key has a user ID with this address, bearsNow whether the
// user ID counts at that moment.
func bears(e *openpgp.Entity, addr string) bool {
	return slices.ContainsFunc(identities(e), func(i *openpgp.Identity) bool { return sameAddress(addressOf(i), addr) })
}

func bearsNow(e *openpgp.Entity, addr string, now time.Time) bool {
	return slices.ContainsFunc(identities(e), func(i *openpgp.Identity) bool {
		_, err := i.Verify(now, settings(now))
		return err == nil && sameAddress(addressOf(i), addr)
	})
}

func identities(e *openpgp.Entity) []*openpgp.Identity {
	var out []*openpgp.Identity
	for _, i := range e.Identities {
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b *openpgp.Identity) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// addressOf is the address in a user ID; some consist of nothing else.
func addressOf(i *openpgp.Identity) string {
	if i.UserId.Email != "" {
		return i.UserId.Email
	}
	return strings.TrimSpace(i.Name)
}

func fingerprint(e *openpgp.Entity) string {
	return strings.ToUpper(hex.EncodeToString(e.PrimaryKey.Fingerprint))
}

// encryptProblem says why nothing can be encrypted with a key, or "".
func encryptProblem(e *openpgp.Entity, now time.Time) string {
	if why := primaryProblem(e, now); why != "" {
		return why
	}
	if _, err := e.EncryptionKeyWithError(now, settings(now)); err != nil {
		return subkeyProblem(e, now, encrypts, "can encrypt")
	}
	return ""
}

// signProblem says why nothing can be signed with a secret key, or "".
func signProblem(e *openpgp.Entity, now time.Time) string {
	if why := primaryProblem(e, now); why != "" {
		return "the key " + why
	}
	key, ok := e.SigningKey(now, settings(now))
	switch {
	case !ok:
		return "the key " + subkeyProblem(e, now, signs, "can sign")
	case key.PrivateKey == nil || key.PrivateKey.Dummy():
		return "the part of the key that signs is not in the file"
	case key.PrivateKey.Encrypted:
		return "the key is locked"
	}
	return ""
}

func primaryProblem(e *openpgp.Entity, now time.Time) string {
	_, err := e.VerifyPrimaryKey(now, settings(now))
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return "was revoked"
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return "has expired"
	case err != nil && e.PrimaryKey.CreationTime.After(now):
		return "is not valid yet: look at the clock"
	case err != nil:
		return "has no user ID that counts now"
	}
	return ""
}

// subkeyProblem says why no part of a key does what is wanted of it.
func subkeyProblem(e *openpgp.Entity, now time.Time, does func(*packet.Signature) bool, what string) string {
	why := "has no part that " + what
	for _, s := range e.Subkeys {
		sig, err := s.LatestValidBindingSignature(now, settings(now))
		if err != nil || !does(sig) {
			continue
		}
		_, err = s.Verify(now, settings(now))
		switch {
		case errors.Is(err, pgperrors.ErrKeyRevoked):
			why = "has had the part that " + what + " revoked"
		case errors.Is(err, pgperrors.ErrKeyExpired):
			why = "has a part that " + what + ", which has expired"
		case err == nil:
			why = "is of a kind or size that is too weak"
		}
	}
	return why
}

func encrypts(s *packet.Signature) bool {
	return s.FlagsValid && (s.FlagEncryptCommunications || s.FlagEncryptStorage)
}

func signs(s *packet.Signature) bool { return s.FlagsValid && s.FlagSign }

// info tells about one key.
func info(e *openpgp.Entity, now time.Time, problem func(*openpgp.Entity, time.Time) string) KeyInfo {
	out := KeyInfo{Fingerprint: fingerprint(e), Problem: problem(e, now)}
	for _, i := range identities(e) {
		out.UserIDs = append(out.UserIDs, strings.ToValidUTF8(i.Name, "\uFFFD"))
	}
	return out
}
