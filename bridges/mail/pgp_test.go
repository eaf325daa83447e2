package mail

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	gomessage "github.com/emersion/go-message"
	"github.com/google/go-cmp/cmp"
)

// newKey makes a key that is a month old at noon and lives for that many days (0:
// for ever).
func newKey(t testing.TB, addr string, days int) *openpgp.Entity {
	t.Helper()
	c := &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(days) * 86400,
		Time: func() time.Time { return noon().AddDate(0, -1, 0) },
	}
	e, err := openpgp.NewEntity("", "", addr, c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func armored(t testing.TB, kind string, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range keys {
		if kind == openpgp.PrivateKeyType {
			err = e.SerializePrivateWithoutSigning(w, nil)
		} else {
			err = e.Serialize(w)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

func file(t testing.TB, mode os.FileMode, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.asc")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func keysOf(t testing.TB, keys ...*openpgp.Entity) *Keys {
	t.Helper()
	k, err := ReadKeys(file(t, 0o644, armored(t, openpgp.PublicKeyType, keys...)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signerOf(t testing.TB, e *openpgp.Entity, passphrase string) (*Signer, error) {
	t.Helper()
	return ReadSigner(file(t, 0o600, armored(t, openpgp.PrivateKeyType, e)), passphrase)
}

// sealedParts holds a letter to RFC 3156 section 4 and gives the OpenPGP message.
func sealedParts(t testing.TB, l Letter) []byte {
	t.Helper()
	e, err := gomessage.Read(bytes.NewReader(l.Data))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := e.Header.ContentType()
	if kind != "multipart/encrypted" || params["protocol"] != "application/pgp-encrypted" || err != nil {
		t.Errorf("it is %s %v, %v", kind, params, err)
	}
	var kinds []string
	var bodies [][]byte
	for mr := e.MultipartReader(); ; {
		p, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		k, _, _ := p.Header.ContentType()
		body, err := io.ReadAll(p.Body)
		if err != nil {
			t.Fatal(err)
		}
		kinds, bodies = append(kinds, k), append(bodies, body)
	}
	if diff := cmp.Diff([]string{"application/pgp-encrypted", "application/octet-stream"}, kinds); diff != "" {
		t.Fatal(diff)
	}
	if got := string(bytes.TrimSpace(bodies[0])); got != "Version: 1" {
		t.Errorf("the first part is %q", got)
	}
	return bodies[1]
}

// open reads an OpenPGP message with a secret key.
func open(t testing.TB, message []byte, now time.Time, ring ...*openpgp.Entity) (string, *openpgp.MessageDetails) {
	t.Helper()
	b, err := armor.Decode(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	md, err := openpgp.ReadMessage(b.Body, openpgp.EntityList(ring), nil, settings(now))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(md.UnverifiedBody)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), md
}

// TestEncryptedLetter: each reader can open it, nobody else can, the signature is
// within, and what is to be secret stands nowhere outside.
func TestEncryptedLetter(t *testing.T) {
	erin, bob, us, dana := newKey(t, "erin@example.org", 0), newKey(t, "Bob@Example.org", 60), newKey(t, "security@example.org", 0), newKey(t, "dana@example.org", 0)
	signer, err := signerOf(t, us, "")
	if err != nil {
		t.Fatal(err)
	}
	m := plain(t)
	m.To = append(m.To, "bob@example.org")
	m.Text = "The secret marker is here.\n"
	m.Attachments = []Attachment{{Name: "marker.patch", Data: []byte("From marker\n")}}
	p := Protection{Keys: keysOf(t, dana, erin, bob, us), Also: []string{"security@example.org"}, Signer: signer, Now: noon()}
	l := build(t, m, p)
	if !l.Encrypted || !l.Signed {
		t.Errorf("it says encrypted %v, signed %v", l.Encrypted, l.Signed)
	}
	if bytes.Contains(l.Data, []byte("marker")) || !bytes.Contains(l.Data, []byte("Subject: Your report\r\n")) {
		t.Errorf("not encrypted as it should be:\n%s", l.Data)
	}
	message := sealedParts(t, l)
	for _, reader := range []*openpgp.Entity{erin, bob, us} {
		text, md := open(t, message, noon(), reader, us)
		s := read(t, []byte(text))
		if s.text != m.Text || len(s.files) != 1 || string(s.files[0].Data) != "From marker\n" {
			t.Errorf("inside is\n%s", text)
		}
		if !md.IsVerified || md.SignatureError != nil || md.SignedBy == nil || !bytes.Equal(md.SignedBy.PublicKey.Fingerprint, us.PrimaryKey.Fingerprint) && md.SignedBy.Entity != us {
			t.Errorf("not signed by us: %v, %v", md.SignatureError, md.SignedBy)
		}
	}
	b, _ := armor.Decode(bytes.NewReader(message))
	if _, err := openpgp.ReadMessage(b.Body, openpgp.EntityList{dana}, nil, settings(noon())); err == nil {
		t.Error("dana can read it")
	}
}

// TestNoUsableKey: a letter for somebody whose key cannot be used is not made, and
// the error says whose and why.
func TestNoUsableKey(t *testing.T) {
	revoked := newKey(t, "erin@example.org", 0)
	if err := revoked.Revoke(packet.KeyCompromised, "", settings(noon().AddDate(0, 0, -1))); err != nil {
		t.Fatal(err)
	}
	subRevoked := newKey(t, "erin@example.org", 0)
	if err := subRevoked.Subkeys[0].Revoke(packet.KeyRetired, "", settings(noon().AddDate(0, 0, -1))); err != nil {
		t.Fatal(err)
	}
	signOnly := newKey(t, "erin@example.org", 0)
	signOnly.Subkeys = nil
	for name, c := range map[string]struct {
		key *openpgp.Entity
		now time.Time
		why string
	}{
		"another's":      {newKey(t, "bob@example.org", 0), noon(), "no key with this address"},
		"expired":        {newKey(t, "erin@example.org", 10), noon(), "has expired"},
		"expires now":    {newKey(t, "erin@example.org", 40), noon().AddDate(0, -1, 40).Add(time.Second), "has expired"},
		"revoked":        {revoked, noon(), "was revoked"},
		"subkey revoked": {subRevoked, noon(), "revoked"},
		"signs only":     {signOnly, noon(), "no part that can encrypt"},
		"from tomorrow":  {newKey(t, "erin@example.org", 0), noon().AddDate(0, -2, 0), "not valid yet"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Protection{Keys: keysOf(t, c.key), Now: c.now}
			l, err := Build(plain(t), p)
			var no NoKeyError
			if !errors.As(err, &no) || no.Address != "erin@example.org" || !strings.Contains(err.Error(), "erin@example.org: ") || !strings.Contains(no.Why, c.why) || no.Known == (name == "another's") || l.Data != nil {
				t.Errorf("%v (letter of %d bytes)", err, len(l.Data))
			}
			if _, err := p.Keys.For("Erin <erin@example.org>", c.now); !errors.As(err, &no) {
				t.Errorf("For: %v", err)
			}
		})
	}
}

// TestNewestUsableKey: of several keys the newest that can be used counts, and a
// use in between changes nothing.
func TestNewestUsableKey(t *testing.T) {
	old, expired := newKey(t, "erin@example.org", 0), newKey(t, "erin@example.org", 10)
	c := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return noon().AddDate(0, 0, -3) }}
	young, err := openpgp.NewEntity("Erin", "", "erin@example.org", c)
	if err != nil {
		t.Fatal(err)
	}
	k := keysOf(t, old, young, expired)
	for _, c := range []struct {
		now  time.Time
		want *openpgp.Entity
	}{{noon(), young}, {noon().AddDate(0, 0, -4), old}, {noon(), young}} {
		if i, err := k.For("ERIN@example.org", c.now); err != nil || i.Fingerprint != fingerprint(c.want) {
			t.Errorf("%s: %s, %v", c.now, i.Fingerprint, err)
		}
	}
}

func TestPlainSaysSo(t *testing.T) {
	signer, err := signerOf(t, newKey(t, "security@example.org", 0), "")
	if err != nil {
		t.Fatal(err)
	}
	if l := build(t, plain(t), Protection{}); l.Encrypted || l.Signed {
		t.Error("a plain letter says it is encrypted or signed")
	}
	if l := build(t, plain(t), Protection{Signer: signer, Now: noon()}); l.Encrypted || !l.Signed {
		t.Error("a letter that is signed only says otherwise")
	}
	l := build(t, plain(t), Protection{Keys: keysOf(t, newKey(t, "erin@example.org", 0)), Now: noon()})
	if !l.Encrypted || l.Signed {
		t.Error("a letter that is encrypted only says otherwise")
	}
	if _, err := Build(plain(t), Protection{Keys: keysOf(t, newKey(t, "erin@example.org", 0)), Also: []string{"security@example.org"}, Now: noon()}); err == nil {
		t.Error("who is to read it too needs no key")
	}
	if _, err := Build(plain(t), Protection{Keys: &Keys{}, Now: noon()}); !errors.As(err, new(NoKeyError)) {
		t.Errorf("an empty keyring: %v", err)
	}
}

// TestInfos: a key is of no use once a part of it that is needed is not.
func TestInfos(t *testing.T) {
	month := noon().AddDate(0, -1, 0)
	ever, short := newKey(t, "erin@example.org", 0), newKey(t, "bob@example.org", 40)
	gone := newKey(t, "carol@example.org", 10)
	part := newKey(t, "dana@example.org", 0)
	secs := uint32(35 * 86400)
	part.Subkeys[0].Bindings[0].Packet.KeyLifetimeSecs = &secs
	if err := part.Subkeys[0].ReSign(settings(month)); err != nil {
		t.Fatal(err)
	}
	got, err := keysOf(t, ever, short, gone, part).Infos(noon())
	if err != nil {
		t.Fatal(err)
	}
	want := []KeyInfo{
		{fingerprint(ever), []string{"<erin@example.org>"}, ""},
		{fingerprint(short), []string{"<bob@example.org>"}, ""},
		{fingerprint(gone), []string{"<carol@example.org>"}, "has expired"},
		{fingerprint(part), []string{"<dana@example.org>"}, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	late, err := keysOf(t, part).Infos(month.AddDate(0, 0, 36))
	if err != nil || late[0].Problem != "has a part that can encrypt, which has expired" {
		t.Errorf("later: %+v, %v", late, err)
	}
}

func TestReadKeys(t *testing.T) {
	a, b := newKey(t, "alice@example.org", 0), newKey(t, "bob@example.org", 0)
	both := slices.Concat([]byte("# ours\n"), armored(t, openpgp.PublicKeyType, a), []byte("and\r\n"), armored(t, openpgp.PublicKeyType, b))
	k, err := ReadKeys(file(t, 0o644, both))
	if err != nil {
		t.Fatal(err)
	}
	if i, err := k.Infos(noon()); len(i) != 2 || err != nil {
		t.Errorf("%d keys, %v", len(i), err)
	}
	damaged := armored(t, openpgp.PublicKeyType, a)
	damaged[len(damaged)/2] ^= 1
	for name, data := range map[string][]byte{
		"secret": armored(t, openpgp.PrivateKeyType, a), "empty": nil, "text": []byte("hush"),
		"binary": {0x98, 0x33, 0x04}, "cut": armored(t, openpgp.PublicKeyType, a)[:200],
		"large": bytes.Repeat([]byte("x"), maxKeyFile+1),
	} {
		if _, err := ReadKeys(file(t, 0o644, data)); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k, err := ReadKeys(file(t, 0o644, damaged)); err == nil {
		if _, err := k.For("alice@example.org", noon()); err == nil {
			t.Error("a damaged key is used")
		}
	}
	if _, err := ReadKeys("/nowhere/key.asc"); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestSigner(t *testing.T) {
	const pass = "Zq7 never shown"
	locked := newKey(t, "security@example.org", 40)
	if err := locked.EncryptPrivateKeys([]byte(pass), nil); err != nil {
		t.Fatal(err)
	}
	s, err := signerOf(t, locked, pass)
	if err != nil {
		t.Fatal(err)
	}
	if i := s.Info(noon()); i.Problem != "" || i.Fingerprint != fingerprint(locked) {
		t.Errorf("%+v", i)
	}
	if i := s.Info(noon().AddDate(1, 0, 0)); !strings.Contains(i.Problem, "expired") {
		t.Errorf("a year later: %+v", i)
	}
	p := Protection{Keys: keysOf(t, newKey(t, "erin@example.org", 0)), Signer: s, Now: noon().AddDate(1, 0, 0)}
	if _, err := Build(plain(t), p); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("signing with an expired key: %v", err)
	}
	for _, wrong := range []string{"", "hush"} {
		if _, err := signerOf(t, locked, wrong); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("with passphrase %q: %v", wrong, err)
		}
	}
	whole := armored(t, openpgp.PrivateKeyType, newKey(t, "security@example.org", 0))
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o666} {
		if _, err := ReadSigner(file(t, mode, whole), ""); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if _, err := ReadSigner(t.TempDir(), ""); err == nil {
		t.Error("a folder is read")
	}
	if _, err := ReadSigner(file(t, 0o600, slices.Concat(whole, whole)), ""); err == nil {
		t.Error("two keys are one")
	}
	if _, err := ReadSigner(file(t, 0o600, armored(t, openpgp.PublicKeyType, locked)), pass); err == nil {
		t.Error("a public key signs")
	}
}

// TestManyAtOnce is for the race detector: the library writes into keys.
func TestManyAtOnce(t *testing.T) {
	us := newKey(t, "security@example.org", 0)
	signer, err := signerOf(t, us, "")
	if err != nil {
		t.Fatal(err)
	}
	p := Protection{Keys: keysOf(t, newKey(t, "erin@example.org", 0), us), Signer: signer, Also: []string{"security@example.org"}, Now: noon()}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := Build(plain(t), p); err != nil {
				t.Error(err)
			}
			signer.Info(noon())
			if _, err := p.Keys.Infos(noon()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestExactAttachments: a patch arrives byte for byte though nothing in it needs it,
// also inside what is encrypted.
func TestExactAttachments(t *testing.T) {
	erin := newKey(t, "erin@example.org", 0)
	m := plain(t)
	for _, text := range []string{"--- a\n+++ b\n-a\n+b\n", "--- a\r\n+++ b\r\n", "From x \n--- ü\n+++ b\n.\n\t\n-- \nno end", strings.Repeat("x", 2000) + "\n"} {
		m.Attachments = append(m.Attachments, Attachment{Name: "fix.patch", Type: "text/x-diff", Data: []byte(text), Exact: true})
	}
	inside, _ := open(t, sealedParts(t, build(t, m, Protection{Keys: keysOf(t, erin), Now: noon()})), noon(), erin)
	for where, data := range map[string][]byte{"in the clear": build(t, m, Protection{}).Data, "encrypted": []byte(inside)} {
		s := read(t, data)
		if len(s.files) != len(m.Attachments) {
			t.Fatalf("%s: %d attachments", where, len(s.files))
		}
		for k, got := range s.files {
			if want := m.Attachments[k]; !bytes.Equal(got.Data, want.Data) || got.Type != "text/x-diff" {
				t.Errorf("%s: %q came as %s %q", where, want.Data, got.Type, got.Data)
			}
		}
	}
}
