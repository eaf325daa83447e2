package mail

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// settings are what the OpenPGP library goes by. Its own clock would be time.Now.
// It picks what every recipient's key prefers; AES-256 is used where all can read
// it, and the newer encryption of RFC 9580 only where every key asks for it.
func settings(now time.Time) *packet.Config {
	return &packet.Config{Time: func() time.Time { return now }, DefaultCipher: packet.CipherAES256}
}

// NoKeyError says that a mail to this address cannot be encrypted.
type NoKeyError struct {
	Address string // may be a reporter's: not for logs
	Why     string // e.g. "the key 0123ABCD has expired"
	Known   bool   // there is a key with this address, which cannot be used
}

func (e NoKeyError) Error() string {
	return "no mail can be encrypted to " + e.Address + ": " + e.Why
}

// seal makes the two parts of RFC 3156 section 4 from what is to be kept secret.
func (p Protection) seal(l Letter, inner part) (part, error) {
	also, err := parseList("who else can read it", p.Also)
	if err != nil {
		return part{}, err
	}
	readers, err := p.Keys.readers(append(slices.Clone(l.To), bareOnce(also)...), p.Now)
	if err != nil {
		return part{}, err
	}
	text, err := p.encrypt(readers, inner.bytes())
	if err != nil {
		return part{}, err
	}
	version := part{[]field{newField("Content-Type", "application/pgp-encrypted")}, []byte("Version: 1\r\n")}
	message := part{[]field{
		newField("Content-Type", "application/octet-stream;", `name="encrypted.asc"`),
		newField("Content-Disposition", "inline;", `filename="encrypted.asc"`),
	}, text}
	return multipart("multipart/encrypted", l.MessageID, []part{version, message}, `protocol="application/pgp-encrypted"`), nil
}

// encrypt signs, then encrypts, within one OpenPGP message (RFC 3156 section 6.2),
// so that the signature is as secret as the text.
func (p Protection) encrypt(readers []*openpgp.Entity, plain []byte) ([]byte, error) {
	var signers []*openpgp.Entity
	if p.Signer != nil {
		// The library keeps in a key what it has verified about it.
		p.Signer.mu.Lock()
		defer p.Signer.mu.Unlock()
		if why := signProblem(p.Signer.entity, p.Now); why != "" {
			return nil, cannotSign(why)
		}
		signers = append(signers, p.Signer.entity)
	}
	var b bytes.Buffer
	a, err := armor.Encode(&b, "PGP MESSAGE", nil)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	w, err := openpgp.Encrypt(a, readers, nil, signers, nil, settings(p.Now))
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return wireArmor(b.String()), nil
}

// sign makes the two parts of RFC 3156 section 5 where nothing is encrypted. What is
// signed is the part byte for byte as it stands in the mail, its headers too, without
// the line break that belongs to the boundary.
func (p Protection) sign(l Letter, inner part) (part, error) {
	p.Signer.mu.Lock()
	defer p.Signer.mu.Unlock()
	if why := signProblem(p.Signer.entity, p.Now); why != "" {
		return part{}, cannotSign(why)
	}
	var raw bytes.Buffer
	if err := openpgp.DetachSign(&raw, []*openpgp.Entity{p.Signer.entity}, bytes.NewReader(inner.bytes()), settings(p.Now)); err != nil {
		return part{}, fmt.Errorf("signing: %w", err)
	}
	micalg, err := micalgOf(raw.Bytes())
	if err != nil {
		return part{}, err
	}
	var b bytes.Buffer
	a, err := armor.Encode(&b, openpgp.SignatureType, nil)
	if err != nil {
		return part{}, fmt.Errorf("signing: %w", err)
	}
	_, err = a.Write(raw.Bytes())
	if err := errors.Join(err, a.Close()); err != nil {
		return part{}, fmt.Errorf("signing: %w", err)
	}
	signature := part{[]field{
		newField("Content-Type", "application/pgp-signature;", `name="signature.asc"`),
		newField("Content-Disposition", "inline;", `filename="signature.asc"`),
	}, wireArmor(b.String())}
	return multipart("multipart/signed", l.MessageID, []part{inner, signature}, `protocol="application/pgp-signature"`, "micalg="+micalg), nil
}

// micalgOf names the hash that the library chose for a signature, as RFC 3156 section 5
// wants it told.
func micalgOf(signature []byte) (string, error) {
	p, err := packet.Read(bytes.NewReader(signature))
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	s, ok := p.(*packet.Signature)
	if !ok {
		return "", errors.New("signing: it gave no signature")
	}
	return "pgp-" + strings.ToLower(strings.ReplaceAll(s.Hash.String(), "-", "")), nil
}

func cannotSign(why string) error { return errors.New("nothing can be signed: " + why) }

// wireArmor is an armored block as a mail carries it.
func wireArmor(text string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimSpace(text), "\n", "\r\n") + "\r\n")
}
