package main

import (
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
