package mail

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"tocsin/internal/chattest/gpg"
	"tocsin/internal/chattest/smtpd"
)

// TestReadByGnuPG: what we make is read by the program that most people have, with
// keys that it made and one that it took.
func TestReadByGnuPG(t *testing.T) {
	t.Parallel()
	g := gpg.New(t)
	const pass = "a pass phrase"
	// The kind that most people have. gpg takes long to make one.
	rsa, err := openpgp.NewEntity("Erin", "", "erin@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048})
	if err != nil {
		t.Fatal(err)
	}
	g.Must(t, armored(t, openpgp.PrivateKeyType, rsa), "--import")
	g.Key(t, "Bob <bob@example.org>", "", "1y")
	g.Key(t, "Pillow Security <security@example.org>", pass, "2y")
	keys, err := ReadKeys(g.Public(t, "erin@example.org", "bob@example.org"), g.Public(t, "security@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ReadSigner(g.Secret(t, "security@example.org", pass), pass)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now() // gpg has no other clock
	m := plain(t)
	m.Date, m.To = now, append(m.To, "bob@example.org")
	m.Text = "Grüße, Erin.\n\nFrom here on it is secret. \n-- \nthe maintainers\n"
	m.Attachments = []Attachment{{Name: "0001-fix.patch", Data: []byte("From 0 Mon Sep 17 00:00:00 2001\n-a \n+b\n-- \n2.47\n")}}
	l := build(t, m, Protection{Keys: keys, Also: []string{"security@example.org"}, Signer: signer, Now: now})
	inner, status := g.Must(t, sealedParts(t, l), "--passphrase", pass, "--decrypt")
	for _, want := range []string{"GOODSIG", "security@example.org", "DECRYPTION_OKAY"} {
		if !strings.Contains(status, want) {
			t.Errorf("gpg does not say %s:\n%s", want, status)
		}
	}
	if n := strings.Count(status, "ENC_TO"); n != 3 {
		t.Errorf("it is encrypted to %d keys:\n%s", n, status)
	}
	if s := read(t, []byte(inner)); s.text != m.Text || len(s.files) != 1 || !bytes.Equal(s.files[0].Data, m.Attachments[0].Data) {
		t.Errorf("inside is\n%s", inner)
	}
	infos, err := keys.Infos(now)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if info.Problem != "" {
			t.Errorf("gpg's key: %+v", info)
		}
	}
	if i := signer.Info(now); i.Problem != "" || i.Fingerprint != infos[2].Fingerprint {
		t.Errorf("the signer: %+v", i)
	}
}

// TestSignsWithoutPrimaryKey: the usual way to give a key to a machine is a part of
// it that signs, without the primary key. Without such a part there is an error.
func TestSignsWithoutPrimaryKey(t *testing.T) {
	t.Parallel()
	g := gpg.New(t)
	g.Key(t, "security@example.org", "", "0") // a user ID that is nothing but an address
	subkeys := func() *Signer {
		secret, _ := g.Must(t, nil, "--armor", "--export-secret-subkeys")
		s, err := ReadSigner(file(t, 0o600, []byte(secret)), "")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	without := subkeys()
	list, _ := g.Must(t, nil, "--with-colons", "--list-keys")
	_, fpr, _ := strings.Cut(list, "\nfpr:")
	fpr, _, _ = strings.Cut(strings.TrimLeft(fpr, ":"), ":")
	g.Must(t, nil, "--passphrase", "", "--quick-add-key", fpr, "ed25519", "sign", "1y")
	keys, err := ReadKeys(g.Public(t))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Second) // gpg's times have whole seconds
	m := plain(t)
	m.To = []string{"Security <Security@example.org>"}
	l := build(t, m, Protection{Keys: keys, Signer: subkeys(), Now: now})
	if _, status := g.Must(t, sealedParts(t, l), "--decrypt"); !strings.Contains(status, "GOODSIG") {
		t.Errorf("not signed:\n%s", status)
	}
	if _, err := Build(m, Protection{Keys: keys, Signer: without, Now: now}); err == nil || !strings.Contains(err.Error(), "is not in the file") {
		t.Errorf("without what signs: %v, %q", err, without.Info(now).Problem)
	}
}

// TestEachReaderAlone: one secret key is enough to read, with gpg.
func TestEachReaderAlone(t *testing.T) {
	t.Parallel()
	erin, bob := gpg.New(t), gpg.New(t)
	erin.Key(t, "Erin <erin@example.org>", "", "0")
	bob.Key(t, "Bob <bob@example.org>", "", "0")
	keys, err := ReadKeys(erin.Public(t), bob.Public(t))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	m := plain(t)
	m.To = []string{"erin@example.org", "bob@example.org"}
	message := sealedParts(t, build(t, m, Protection{Keys: keys, Now: now}))
	for _, g := range []*gpg.Home{erin, bob} {
		if inner, _ := g.Must(t, message, "--decrypt"); read(t, []byte(inner)).text != m.Text {
			t.Errorf("inside is\n%s", inner)
		}
	}
	if _, _, err := gpg.New(t).Run(t, message, "--decrypt"); err == nil {
		t.Error("somebody without a key can read it")
	}
}

// TestRevokedByGnuPG: a key, a part of one and a user ID that gpg revoked are
// not used.
func TestRevokedByGnuPG(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		revoke func(g *gpg.Home)
		why    string
	}{
		"key": {func(g *gpg.Home) {
			certs, err := filepath.Glob(filepath.Join(g.Dir, "openpgp-revocs.d", "*.rev"))
			if err != nil || len(certs) != 1 {
				t.Fatal(certs, err)
			}
			data, err := os.ReadFile(certs[0])
			if err != nil {
				t.Fatal(err)
			}
			// gpg puts a colon there so that nobody revokes a key by mistake.
			g.Must(t, bytes.ReplaceAll(data, []byte(":-----BEGIN"), []byte("-----BEGIN")), "--import")
		}, "was revoked"},
		"part": {func(g *gpg.Home) {
			g.Must(t, []byte("key 1\nrevkey\ny\n0\n\ny\nsave\n"), "--command-fd", "0", "--edit-key", "erin@example.org")
		}, "revoked"},
		"user ID": {func(g *gpg.Home) {
			g.Must(t, nil, "--quick-add-uid", "erin@example.org", "Erin <erin@reporter.example.org>")
			g.Must(t, nil, "--quick-revoke-uid", "erin@reporter.example.org", "Erin <erin@example.org>")
		}, "taken this address back"},
	} {
		g := gpg.New(t)
		g.Key(t, "Erin <erin@example.org>", "", "0")
		keys, err := ReadKeys(g.Public(t))
		if err != nil {
			t.Fatal(err)
		}
		// gpg's times have whole seconds.
		later := time.Now().Add(time.Hour)
		if _, err := keys.For("erin@example.org", later); err != nil {
			t.Errorf("%s, before: %v", name, err)
		}
		c.revoke(g)
		if keys, err = ReadKeys(g.Public(t)); err != nil {
			t.Fatal(err)
		}
		_, err = keys.For("erin@example.org", later)
		if no := (NoKeyError{}); !errors.As(err, &no) || !strings.Contains(no.Why, c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWholeWay: a letter goes encrypted and signed through a real mail server into
// a mailbox, and a real PGP program reads it there.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	g, s := gpg.New(t), smtpd.Start(t)
	g.Key(t, "Erin <erin@example.org>", "", "0")
	g.Key(t, "Pillow Security <security@example.org>", "", "0")
	keys, err := ReadKeys(g.Public(t))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ReadSigner(g.Secret(t, "security@example.org", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	m := plain(t)
	m.Text = strings.Repeat("From the maintainers: ä, and a line. \n.\n", 300)
	l := build(t, m, Protection{Keys: keys, Signer: signer, Now: time.Now()})
	if _, err := rigSender(t, s, StartTLS).Send(t.Context(), l.From, l.To, l.Data); err != nil {
		t.Fatal(err)
	}
	got := Letter{Data: s.Wait(t, "erin", 1)[0]}
	inner, status := g.Must(t, sealedParts(t, got), "--decrypt")
	if !strings.Contains(status, "GOODSIG") || read(t, []byte(inner)).text != m.Text {
		t.Errorf("%s\n%s", status, inner)
	}
}

// TestSignedByGnuPG: where nothing is encrypted the signature stands beside the text,
// survives a real mail server, and is good for what it signs and for nothing else.
func TestSignedByGnuPG(t *testing.T) {
	t.Parallel()
	g, s := gpg.New(t), smtpd.Start(t)
	g.Key(t, "Pillow Security <security@example.org>", "", "0")
	signer, err := ReadSigner(g.Secret(t, "security@example.org", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		person string
		text   string
		files  []Attachment
	}{
		"plain text":     {"erin", "Hello Erin,\n\nwe have it.\n", nil},
		"all but plain":  {"bob", "From here on, ä. \n-- \n.\n" + strings.Repeat("x", 1200) + "\n", nil},
		"with two files": {"dana", "See the patch.\n", []Attachment{{Name: "a.patch", Data: []byte("-a \n+b\n")}, {Name: "b.patch", Data: []byte("--- a\n+++ b\n")}}},
	} {
		m := plain(t)
		m.To, m.Text, m.Attachments = []string{c.person + "@example.org"}, c.text, c.files
		l := build(t, m, Protection{Signer: signer, Now: time.Now()})
		if l.Encrypted || !l.Signed {
			t.Errorf("%s: %+v", name, l)
		}
		if _, err := rigSender(t, s, StartTLS).Send(t.Context(), l.From, l.To, l.Data); err != nil {
			t.Fatal(err)
		}
		got := bytes.ReplaceAll(s.Wait(t, c.person, 1)[0], []byte("\n"), []byte("\r\n")) // a mailbox has lines of its own
		signed, signature := signedParts(t, got)
		beside := file(t, 0o600, signature)
		_, status := g.Must(t, signed, "--verify", beside, "-")
		if !strings.Contains(status, "GOODSIG") || !strings.Contains(status, "VALIDSIG") {
			t.Errorf("%s: gpg says\n%s", name, status)
		}
		inner := read(t, signed)
		if inner.text != c.text || len(inner.files) != len(c.files) {
			t.Errorf("%s: inside is\n%s", name, signed)
		}
		for i := range c.files {
			if !bytes.Equal(bytes.ReplaceAll(inner.files[i].Data, []byte("\r\n"), []byte("\n")), c.files[i].Data) {
				t.Errorf("%s: %s came as %q", name, c.files[i].Name, inner.files[i].Data)
			}
		}
		for _, at := range []int{0, len(signed) / 2, len(signed) - 3} {
			other := bytes.Clone(signed)
			other[at] ^= 1
			if _, status, err := g.Run(t, other, "--verify", beside, "-"); err == nil || !strings.Contains(status, "BADSIG") {
				t.Errorf("%s: byte %d is another, and gpg says\n%s", name, at, status)
			}
		}
	}
}
