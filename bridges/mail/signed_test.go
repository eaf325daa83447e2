package mail

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	gomessage "github.com/emersion/go-message"
)

// signedParts holds a mail to RFC 3156 section 5 and gives what is signed, byte for byte
// as it stands there, and the signature.
func signedParts(t testing.TB, data []byte) (signed, signature []byte) {
	t.Helper()
	e, err := gomessage.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := e.Header.ContentType()
	if kind != "multipart/signed" || params["protocol"] != "application/pgp-signature" || !strings.HasPrefix(params["micalg"], "pgp-sha") || err != nil {
		t.Fatalf("it is %s %v, %v", kind, params, err)
	}
	parts := bytes.Split(data, []byte("--"+params["boundary"]))
	if len(parts) != 4 {
		t.Fatalf("%d parts in\n%s", len(parts), data)
	}
	signed = bytes.TrimSuffix(bytes.TrimPrefix(parts[1], []byte("\r\n")), []byte("\r\n"))
	head, signature, _ := bytes.Cut(parts[2], []byte("\r\n\r\n"))
	if !bytes.Contains(head, []byte("Content-Type: application/pgp-signature")) {
		t.Errorf("the second part is\n%s", head)
	}
	return signed, signature
}

// TestSignedLetter: the hash that the header tells is the one of the signature, whatever
// the key; and a key that is of no use any more signs nothing.
func TestSignedLetter(t *testing.T) {
	for name, c := range map[string]*packet.Config{
		"ed25519": {Algorithm: packet.PubKeyAlgoEdDSA},
		"rsa":     {Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048},
		"p521":    {Algorithm: packet.PubKeyAlgoECDSA, Curve: packet.CurveNistP521},
	} {
		c.Time = func() time.Time { return noon().AddDate(0, -1, 0) }
		e, err := openpgp.NewEntity("", "", "security@example.org", c)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := signerOf(t, e, "")
		if err != nil {
			t.Fatal(err)
		}
		l := build(t, plain(t), Protection{Signer: signer, Now: noon()})
		signed, signature := signedParts(t, l.Data)
		b, err := armor.Decode(bytes.NewReader(signature))
		if err != nil {
			t.Fatal(err)
		}
		p, err := packet.Read(b.Body)
		s, ok := p.(*packet.Signature)
		if !ok || err != nil {
			t.Fatalf("%s: %T, %v", name, p, err)
		}
		if want := "micalg=pgp-" + strings.ToLower(strings.ReplaceAll(s.Hash.String(), "-", "")) + ";"; !bytes.Contains(l.Data, []byte(want)) {
			t.Errorf("%s: no %s in\n%s", name, want, l.Data)
		}
		if _, _, err := openpgp.VerifyArmoredDetachedSignature(openpgp.EntityList{e}, bytes.NewReader(signed), bytes.NewReader(signature), settings(noon())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	old, err := signerOf(t, newKey(t, "security@example.org", 10), "")
	if err != nil {
		t.Fatal(err)
	}
	if l, err := Build(plain(t), Protection{Signer: old, Now: noon()}); err == nil || l.Data != nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired key signs: %v", err)
	}
}
