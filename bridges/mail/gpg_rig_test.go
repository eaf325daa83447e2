package mail

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"tocsin/internal/chattest/smtpd"
)

// gpg is the real program with a folder of its own.
type gpg struct{ home string }

func newGPG(t *testing.T) *gpg {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		const missing = "real PGP program missing: apt-get install gnupg, or say make servers"
		if os.Getenv("TOCSIN_REQUIRE_SERVERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip("SKIPPED: ", missing)
	}
	// The test's own folder may be too deep for the sockets of gpg's agent.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	// Else the agent measures how long a passphrase may take, for seconds.
	if err := os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gpg{home}
	t.Cleanup(func() {
		// The agents of this folder alone.
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	return g
}

func (g *gpg) run(t *testing.T, in []byte, args ...string) (out, status string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "gpg", append([]string{
		"--homedir", g.home, "--batch", "--no-tty", "--pinentry-mode", "loopback", "--trust-model", "always", "--status-fd", "2",
	}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var o, e bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

func (g *gpg) must(t *testing.T, in []byte, args ...string) (out, status string) {
	t.Helper()
	out, status, err := g.run(t, in, args...)
	if err != nil {
		t.Fatalf("gpg %v: %v\n%s", args, err, status)
	}
	return out, status
}

// key makes a key of the kind that is quick to make.
func (g *gpg) key(t *testing.T, uid, passphrase, expire string) {
	t.Helper()
	g.must(t, nil, "--passphrase", passphrase, "--quick-generate-key", uid, "future-default", "default", expire)
}

func (g *gpg) public(t *testing.T, who ...string) string {
	t.Helper()
	out, _ := g.must(t, nil, append([]string{"--armor", "--export"}, who...)...)
	return file(t, 0o644, []byte(out))
}

// TestReadByGnuPG: what we make is read by the program that most people have, with
// keys that it made and one that it took.
func TestReadByGnuPG(t *testing.T) {
	t.Parallel()
	g := newGPG(t)
	const pass = "a pass phrase"
	// The kind that most people have. gpg takes long to make one.
	rsa, err := openpgp.NewEntity("Erin", "", "erin@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048})
	if err != nil {
		t.Fatal(err)
	}
	g.must(t, armored(t, openpgp.PrivateKeyType, rsa), "--import")
	g.key(t, "Bob <bob@example.org>", "", "1y")
	g.key(t, "Pillow Security <security@example.org>", pass, "2y")
	keys, err := ReadKeys(g.public(t, "erin@example.org", "bob@example.org"), g.public(t, "security@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := g.must(t, nil, "--passphrase", pass, "--armor", "--export-secret-keys", "security@example.org")
	signer, err := ReadSigner(file(t, 0o600, []byte(secret)), pass)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now() // gpg has no other clock
	m := plain(t)
	m.Date, m.Cc = now, []string{"bob@example.org"}
	m.Text = "Grüße, Erin.\n\nFrom here on it is secret. \n-- \nthe maintainers\n"
	m.Attachments = []Attachment{{Name: "0001-fix.patch", Data: []byte("From 0 Mon Sep 17 00:00:00 2001\n-a \n+b\n-- \n2.47\n")}}
	l := build(t, m, Protection{Keys: keys, Also: []string{"security@example.org"}, Signer: signer, Now: now})
	inner, status := g.must(t, sealedParts(t, l), "--passphrase", pass, "--decrypt")
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
	for i, years := range []int{0, 1, 2} {
		info := infos[i]
		off := info.Expires.Sub(now.AddDate(0, 0, 365*years)).Abs()
		if info.Problem != "" || (years == 0) != info.Expires.IsZero() || years > 0 && off > 36*time.Hour {
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
	g := newGPG(t)
	g.key(t, "security@example.org", "", "0") // a user ID that is nothing but an address
	subkeys := func() *Signer {
		secret, _ := g.must(t, nil, "--armor", "--export-secret-subkeys")
		s, err := ReadSigner(file(t, 0o600, []byte(secret)), "")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	without := subkeys()
	list, _ := g.must(t, nil, "--with-colons", "--list-keys")
	_, fpr, _ := strings.Cut(list, "\nfpr:")
	fpr, _, _ = strings.Cut(strings.TrimLeft(fpr, ":"), ":")
	g.must(t, nil, "--passphrase", "", "--quick-add-key", fpr, "ed25519", "sign", "1y")
	keys, err := ReadKeys(g.public(t))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Second) // gpg's times have whole seconds
	m := plain(t)
	m.To = []string{"Security <Security@example.org>"}
	l := build(t, m, Protection{Keys: keys, Signer: subkeys(), Now: now})
	if _, status := g.must(t, sealedParts(t, l), "--decrypt"); !strings.Contains(status, "GOODSIG") {
		t.Errorf("not signed:\n%s", status)
	}
	if _, err := Build(m, Protection{Keys: keys, Signer: without, Now: now}); err == nil || !strings.Contains(err.Error(), "is not in the file") {
		t.Errorf("without what signs: %v, %q", err, without.Info(now).Problem)
	}
}

// TestEachReaderAlone: one secret key is enough to read, with gpg.
func TestEachReaderAlone(t *testing.T) {
	t.Parallel()
	erin, bob := newGPG(t), newGPG(t)
	erin.key(t, "Erin <erin@example.org>", "", "0")
	bob.key(t, "Bob <bob@example.org>", "", "0")
	keys, err := ReadKeys(erin.public(t), bob.public(t))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	m := plain(t)
	m.To = []string{"erin@example.org", "bob@example.org"}
	message := sealedParts(t, build(t, m, Protection{Keys: keys, Now: now}))
	for _, g := range []*gpg{erin, bob} {
		if inner, _ := g.must(t, message, "--decrypt"); read(t, []byte(inner)).text != m.Text {
			t.Errorf("inside is\n%s", inner)
		}
	}
	if _, _, err := newGPG(t).run(t, message, "--decrypt"); err == nil {
		t.Error("somebody without a key can read it")
	}
}

// TestRevokedByGnuPG: a key, a part of one and a user ID that gpg revoked are
// not used.
func TestRevokedByGnuPG(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		revoke func(g *gpg)
		why    string
	}{
		"key": {func(g *gpg) {
			certs, err := filepath.Glob(filepath.Join(g.home, "openpgp-revocs.d", "*.rev"))
			if err != nil || len(certs) != 1 {
				t.Fatal(certs, err)
			}
			data, err := os.ReadFile(certs[0])
			if err != nil {
				t.Fatal(err)
			}
			// gpg puts a colon there so that nobody revokes a key by mistake.
			g.must(t, bytes.ReplaceAll(data, []byte(":-----BEGIN"), []byte("-----BEGIN")), "--import")
		}, "was revoked"},
		"part": {func(g *gpg) {
			g.must(t, []byte("key 1\nrevkey\ny\n0\n\ny\nsave\n"), "--command-fd", "0", "--edit-key", "erin@example.org")
		}, "revoked"},
		"user ID": {func(g *gpg) {
			g.must(t, nil, "--quick-add-uid", "erin@example.org", "Erin <erin@reporter.example.org>")
			g.must(t, nil, "--quick-revoke-uid", "erin@reporter.example.org", "Erin <erin@example.org>")
		}, "taken this address back"},
	} {
		g := newGPG(t)
		g.key(t, "Erin <erin@example.org>", "", "0")
		keys, err := ReadKeys(g.public(t))
		if err != nil {
			t.Fatal(err)
		}
		// gpg's times have whole seconds.
		later := time.Now().Add(time.Hour)
		if _, err := keys.For("erin@example.org", later); err != nil {
			t.Errorf("%s, before: %v", name, err)
		}
		c.revoke(g)
		if keys, err = ReadKeys(g.public(t)); err != nil {
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
	g, s := newGPG(t), smtpd.Start(t)
	g.key(t, "Erin <erin@example.org>", "", "0")
	g.key(t, "Pillow Security <security@example.org>", "", "0")
	keys, err := ReadKeys(g.public(t))
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := g.must(t, nil, "--armor", "--export-secret-keys", "security@example.org")
	signer, err := ReadSigner(file(t, 0o600, []byte(secret)), "")
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
	inner, status := g.must(t, sealedParts(t, got), "--decrypt")
	if !strings.Contains(status, "GOODSIG") || read(t, []byte(inner)).text != m.Text {
		t.Errorf("%s\n%s", status, inner)
	}
}
