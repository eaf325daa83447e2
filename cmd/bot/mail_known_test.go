package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"tocsin/cmd/bot/config"
	"tocsin/incidents"
)

// TestNothingGoesInTheClearToWhoHasAKey: who has a key that cannot be used gets
// nothing, however the address is typed and whatever else stands in the user ID.
func TestNothingGoesInTheClearToWhoHasAKey(t *testing.T) {
	for _, c := range []struct{ name, to string }{
		{"", "erin@example.org"}, {"Erin", "Erin@Example.org"}, {"Erin [work]", "erin@example.org"}, {"Erin, Example Labs", "erin@example.org"},
	} {
		e, err := openpgp.NewEntity(c.name, "", "erin@example.org", &packet.Config{
			Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: 3600, Time: func() time.Time { return startClock().Now().AddDate(0, 0, -2) },
		})
		must(t, err)
		path := filepath.Join(t.TempDir(), "erin.asc")
		must(t, os.WriteFile(path, []byte(armored(t, e, false, "")), 0o600))
		l, err := newLetters(config.Mail{From: "dana@example.org", Keys: []string{path}}, startClock().Now)
		must(t, err)
		from, err := l.from([]string{c.to})
		if no, ok := incidents.AsRefusal(err); !ok || no.Key != "send-key" {
			t.Errorf("the key of %q, mail to %s: %q %v", c.name, c.to, from, err)
		}
		if from, err := l.from([]string{"bob@example.org"}); err != nil || !strings.Contains(from, "NOT encrypted") {
			t.Errorf("somebody without a key: %q %v", from, err)
		}
	}
}

// TestWhoApprovesSeesTheKey: two people agree on a key, and where it is another one by
// the time the letter goes, it does not go.
func TestWhoApprovesSeesTheKey(t *testing.T) {
	dir := t.TempDir()
	write := func() string {
		e := pgpKey(t, "erin@example.org", 0)
		must(t, os.WriteFile(filepath.Join(dir, "erin.asc"), []byte(armored(t, e, false, "")), 0o600))
		return fmt.Sprintf("%016X", e.PrimaryKey.KeyId)
	}
	from := func() string {
		l, err := newLetters(config.Mail{From: "dana@example.org", Keys: []string{filepath.Join(dir, "erin.asc")}}, func() time.Time { return time.Now() })
		must(t, err)
		from, err := l.from([]string{"erin@example.org"})
		must(t, err)
		return from
	}
	id := write()
	before := from()
	if want := "dana@example.org (encrypted to the key " + id + ")"; before != want {
		t.Errorf("who approves sees %q, not %q", before, want)
	}
	write()
	if from() == before {
		t.Error("another key looks the same")
	}
}

// TestOneCheckOfAddresses: what a letter cannot be written to is refused when it is
// typed, and not after two people approved it.
func TestOneCheckOfAddresses(t *testing.T) {
	p := newPosting(t, filepath.Join(t.TempDir(), "t.db"))
	l, err := newLetters(config.Mail{From: "dana@example.org"}, p.clock.Now)
	must(t, err)
	p.ways = map[string]way{incidents.ByMail: {courier: mailer{letters: l}, known: l.known}}
	p.mail = l
	must(t, p.Restart(t.Context()))
	p.says("alice", facts()[0])
	p.says("alice", "!reporter set Erin")
	for _, typed := range []string{"erin@exa_mple.org", "ërin@example.org", "erin@[127.0.0.1]"} {
		for _, line := range []string{"!send ack --to ", "!draft ack --eml --to "} {
			if got := p.says("alice", line+typed); !strings.Contains(got, "I cannot write to") {
				t.Errorf("%s%s: %s", line, typed, got)
			}
		}
	}
	if _, err := newLetters(config.Mail{From: "Pillow <desk@exa_mple.org>"}, p.clock.Now); err == nil {
		t.Error("letters are from an address that none can be written from")
	}
}
