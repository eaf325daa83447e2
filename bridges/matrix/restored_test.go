package matrix

import (
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// TestNoKeyFromBeforeARestoreIsUsedAgain puts an old copy of the keys in the place of
// newer ones: what is said then is encrypted with new ones, and who takes one of the
// bot's one-time keys takes one that it has.
func TestNoKeyFromBeforeARestoreIsUsedAgain(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice, bob)
	c.settle(desk.ID, alice, bob)
	c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "before the backup"})
	alice.Say(desk.ID, "from alice")
	c.book.message(t, "from alice")
	c.ending()

	keys := filepath.Join(c.cfg.Folder, cryptoFile)
	old, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	kept := maps.Clone(c.book.values)

	c.start()
	bob.Say(desk.ID, "from bob, with a key that the backup has not")
	c.book.message(t, "from bob, with a key that the backup has not")
	c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "after the backup"})
	for k := range 3 { // each takes a one-time key, and the bot makes others
		text := fmt.Sprint("from another device, ", k)
		alice.NewDevice(true).Say(desk.ID, text)
		c.book.message(t, text)
	}
	c.ending()

	restored := time.Now().Truncate(time.Millisecond)
	if err := os.WriteFile(keys, old, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tail := range []string{"-wal", "-shm"} {
		_ = os.Remove(keys + tail)
	}
	kept[netName+" "+keptRestored] = fmt.Sprint(restored.UnixMilli())
	c.book.values = kept
	heard := len(c.book.messages)

	c.start()
	third := c.say(bridges.Outgoing{Key: "3", Room: desk, Text: "after the restore"})
	if !reads(alice, third) || !reads(bob, third) {
		t.Error("after the restore not everybody can read")
	}
	fresh := alice.NewDevice(true)
	fresh.Say(desk.ID, "from a device that nobody knows")
	c.book.message(t, "from a device that nobody knows")
	alice.Say(desk.ID, "alice again")
	c.book.message(t, "alice again")
	// What was said in the gap is told again where it can be read, and is never asked after.
	c.book.mu.Lock()
	for _, e := range c.book.events {
		if e.Kind == bridges.Unreadable {
			t.Errorf("%s is told as not readable", e.Message)
		}
	}
	for key := range c.book.values {
		if strings.HasPrefix(key, netName+" "+keptPending) {
			t.Errorf("it waits for the key of what was said before: %s", key)
		}
	}
	for _, m := range c.book.messages[heard:] {
		if m.Text != "from a device that nobody knows" && m.Text != "alice again" && !m.At.Before(restored) {
			t.Errorf("it hears %q", m.Text)
		}
	}
	c.book.mu.Unlock()

	me, device := id.UserID(c.cfg.User), id.DeviceID(c.device())
	res, err := alice.Client().ClaimKeys(c.within(), &mautrix.ReqClaimKeys{OneTimeKeys: mautrix.OneTimeKeysRequest{
		me: {device: id.KeyAlgorithmSignedCurve25519},
	}})
	if err != nil || len(res.OneTimeKeys[me][device]) != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	for name := range res.OneTimeKeys[me][device] {
		_, number := name.Parse()
		raw, err := base64.RawStdEncoding.DecodeString(number)
		if err != nil || len(raw) != 4 || binary.BigEndian.Uint32(raw) < keysSkipped {
			t.Errorf("the homeserver gives a one-time key from before: %s, %v", name, err)
		}
	}
	c.ending()
	if c.book.values[netName+" "+keptRenewed] != kept[netName+" "+keptRestored] {
		t.Error("one-time keys would be made anew at each start")
	}
	db, err := sql.Open("sqlite3", "file:"+keys+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT created_at, last_encrypted FROM crypto_olm_session`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	before, after := 0, 0
	for rows.Next() {
		var created, used time.Time
		if err := rows.Scan(&created, &used); err != nil {
			t.Fatal(err)
		}
		switch {
		case !created.Before(restored):
			after++
		case used.Before(restored):
			before++
		default:
			t.Errorf("a session of %v was used at %v to encrypt", created, used)
		}
	}
	if before == 0 || after == 0 {
		t.Errorf("%d sessions from before, %d from after", before, after)
	}
}

// ending ends the bot in an orderly way.
func (c *crew) ending() {
	c.t.Helper()
	if err := c.end(); err != nil {
		c.t.Fatalf("the bot ended with %v", err)
	}
}
