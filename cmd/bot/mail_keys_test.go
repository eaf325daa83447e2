package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// pgpKey makes a key that is a month old and lives for that many days; 0: for ever.
func pgpKey(t *testing.T, address string, days int) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("", "", address, &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(days) * 86400, Time: func() time.Time { return time.Now().AddDate(0, -1, 0) },
	})
	must(t, err)
	return e
}

// armored gives a key's text; a passphrase locks its secret parts.
func armored(t *testing.T, e *openpgp.Entity, secret bool, passphrase string) string {
	t.Helper()
	var b bytes.Buffer
	kind := openpgp.PublicKeyType
	if secret {
		kind = openpgp.PrivateKeyType
	}
	w, err := armor.Encode(&b, kind, nil)
	must(t, err)
	if passphrase != "" {
		must(t, e.EncryptPrivateKeys([]byte(passphrase), nil))
	}
	if secret {
		must(t, e.SerializePrivateWithoutSigning(w, nil))
	} else {
		must(t, e.Serialize(w))
	}
	must(t, w.Close())
	return b.String() + "\n"
}

func where(line int) string { return fmt.Sprintf("config.toml:%d: ", line) }

// TestMailProblemsHaveLines: whatever is wrong with mail is told with the line of its
// key, by bot check and before the bot starts; a key that nothing can be encrypted to
// stops the check alone, since clocks may run.
func TestMailProblemsHaveLines(t *testing.T) {
	signs := pgpKey(t, "erin@example.org", 0)
	signs.Subkeys = nil
	revoked := pgpKey(t, "erin@example.org", 0)
	must(t, revoked.Revoke(packet.KeyCompromised, "", nil))
	ours := pgpKey(t, "security@example.org", 0)
	keys := map[string]string{
		"erin.asc":    armored(t, pgpKey(t, "erin@example.org", 0), false, ""),
		"signs.asc":   armored(t, signs, false, ""),
		"expired.asc": armored(t, pgpKey(t, "erin@example.org", 10), false, ""),
		"revoked.asc": armored(t, revoked, false, ""),
		"secret.asc":  armored(t, pgpKey(t, "erin@example.org", 0), true, ""),
		"nothing.asc": "no key\n", "pass": "a pass phrase\n", "other": "another\n", "long": strings.Repeat("x", 300) + "\n",
		"ours.asc":   armored(t, ours, true, ""),
		"public.asc": armored(t, ours, false, ""),
		"past.asc":   armored(t, pgpKey(t, "security@example.org", 10), true, ""),
		"mine.asc":   armored(t, pgpKey(t, "alice@example.org", 0), true, ""),
		"two.asc":    armored(t, pgpKey(t, "security@example.org", 0), true, "") + armored(t, pgpKey(t, "security@example.org", 0), true, ""),
		"locked.asc": armored(t, pgpKey(t, "security@example.org", 0), true, "a pass phrase"),
	}
	const (
		from = "[mail]\nfrom = \"security@example.org\"\n"
		ring = "keys = [\"erin.asc\",\n"
		send = from + "send = true\nserver = \"mail.example.org:587\"\n"
	)
	first := strings.Count(matrixFile, "\n") + 1 // the line of [mail]
	dir := t.TempDir()
	for name, text := range keys {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for name, c := range map[string]struct {
		text   string
		line   int // 0: all is well
		says   string
		starts bool // the bot starts all the same
	}{
		"all is well":                  {send + "keys = [\"erin.asc\", \"public.asc\"]\nalso_to_self = true\nsign_key = \"ours.asc\"\n", 0, "", true},
		"signed and never encrypted":   {from + "sign_key = \"ours.asc\"\n", 0, "", true},
		"locked, and it opens":         {from + "sign_key = \"locked.asc\"\nsign_passphrase_file = \"pass\"\n", 0, "", true},
		"a key that signs only":        {from + ring + "\"signs.asc\"]\n", first + 3, "mail.keys: the key ", true},
		"an expired key":               {from + ring + "\"expired.asc\"]\n", first + 3, "has expired; put a newer one", true},
		"a revoked key":                {from + ring + "\"revoked.asc\"]\n", first + 3, "was revoked", true},
		"a secret key":                 {from + ring + "\"secret.asc\"]\n", first + 3, "mail.keys: ", false},
		"no key":                       {from + ring + "\"nothing.asc\"]\n", first + 3, "it holds no armored key", false},
		"no key of our own":            {from + "keys = [\"erin.asc\"]\nalso_to_self = true\n", first + 3, "mail.also_to_self: ", false},
		"an address beyond ours":       {"[mail]\nfrom = \"a@exämple.org\"\n", first + 1, "mail.from: ", false},
		"an address in quotes":         {"[mail]\nfrom = '\"a b\"@example.org'\n", first + 1, "mail.from: ", false},
		"a public key signs":           {from + "sign_key = \"public.asc\"\n", first + 2, "mail.sign_key: ", false},
		"nothing signs":                {from + "sign_key = \"nothing.asc\"\n", first + 2, "it holds no armored key", false},
		"an expired key signs":         {from + "sign_key = \"past.asc\"\n", first + 2, "has expired", false},
		"another's key signs":          {from + "sign_key = \"mine.asc\"\n", first + 2, "is not one of the from address", false},
		"two keys sign":                {from + "sign_key = \"two.asc\"\n", first + 2, "more than one key", false},
		"locked":                       {from + "sign_key = \"locked.asc\"\n", first + 2, "needs a passphrase", false},
		"locked, and it does not open": {from + "sign_key = \"locked.asc\"\nsign_passphrase_file = \"other\"\n", first + 2, "the passphrase does not open it", false},
		"a login that does not fit":    {send + "user = \"desk\"\npassword_file = \"long\"\n", first, "mail: the mail server's user or password", false},
		"two things at once":           {from + ring + "\"nothing.asc\"]\nsign_key = \"mine.asc\"\n", first + 3, where(first+4) + "mail.sign_key: ", false},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(filepath.Join(dir, "config.toml"), []byte(matrixFile+c.text), 0o600))
			got := bot(t, dir, "", "check")
			if c.line == 0 {
				if got.code != exitOK {
					t.Errorf("exit %d: %s", got.code, got.err)
				}
				return
			}
			if got.code != exitUsage || !strings.Contains(got.err, c.says) || !strings.Contains(got.err, where(c.line)) {
				t.Errorf("exit %d, not line %d with %q: %s", got.code, c.line, c.says, got.err)
			}
			for line := range strings.Lines(got.err) {
				if !regexp.MustCompile(`^config\.toml:\d+(:\d+)?: mail(\.\w+)?: `).MatchString(line) {
					t.Errorf("no line of the file: %s", line)
				}
			}
			got = bot(t, dir, "", "-config", "config.toml")
			if stopped := strings.Contains(got.err, where(c.line)) && !strings.Contains(got.err, "level=WARN"); stopped == c.starts {
				t.Errorf("exit %d; it stops at that: %t: %s", got.code, stopped, got.err)
			}
			if c.starts && !strings.Contains(got.err, "nothing can be encrypted to a key") {
				t.Errorf("nobody is warned: %s", got.err)
			}
		})
	}
}
