package matrix

import (
	"strings"
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// signedKeys is what the proof says about who gets keys.
func (c *crew) signedKeys(room bridges.Room) (string, int) {
	c.t.Helper()
	p := c.prove(room)
	for _, check := range p.Checks {
		if check.Name == "signed-keys" {
			if !check.OK || check.Mend != "" {
				c.t.Errorf("the check %+v", check)
			}
			return check.Told, p.Devices
		}
	}
	c.t.Error("no such check")
	return "", 0
}

// keysTold waits until the proof says this about who gets keys.
func (c *crew) keysTold(room bridges.Room, told string, devices int) {
	c.t.Helper()
	var was string
	var n int
	c.until(room, told, func(*model) bool { return true })
	for range 100 {
		if was, n = c.signedKeys(room); was == told && n == devices {
			return
		}
		c.pause()
	}
	c.t.Fatalf("the proof says %q and %d devices, not %q and %d", was, n, told, devices)
}

func TestSlippedInDeviceIsTold(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	room := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User, bob.UserID()}})
	bob.Join(room)
	c.cfg.Rooms = []Room{{ID: room, Full: true}}
	c.only(alice, bob)
	alice.Shown(room) // and the invitation, or the bot would ask for it
	c.start()
	c.event(bridges.Up, room, 1)
	desk := bridges.Room{Network: netName, ID: room}
	c.keysTold(desk, "2 devices of 2 people get the keys.", 2)
	if told := c.told(); len(told) != 0 {
		t.Errorf("told %q", told)
	}
	slipped := bob.NewDevice(false)
	sentence := "@bob:hs.test has a device " + slipped.DeviceID() + " that it has not signed: the device gets no keys and is not obeyed. If it is yours, verify it; if not, log it out."
	c.trouble(sentence)
	c.keysTold(desk, "2 devices of 2 people get the keys. No keys for what is not signed: 1 device of @bob:hs.test.", 2)

	good := bob.NewDevice(true)
	c.keysTold(desk, "3 devices of 2 people get the keys. No keys for what is not signed: 1 device of @bob:hs.test.", 3)
	c.say(bridges.Outgoing{Key: "one", Room: desk, Text: "for signed devices"})
	good.WaitText(room, "for signed devices")
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start()
	third := alice.NewDevice(false)
	c.trouble("@alice:hs.test has a device " + third.DeviceID() + " that it has not signed: the device gets no keys and is not obeyed. If it is yours, verify it; if not, log it out.")
	times := map[string]int{}
	for _, told := range c.told() {
		times[told]++
	}
	for told, n := range times {
		if n != 1 || strings.Contains(told, good.DeviceID()) && !strings.Contains(told, slipped.DeviceID()) && !strings.Contains(told, third.DeviceID()) {
			t.Errorf("told %d times: %q", n, told)
		}
	}
	if len(times) > 3 {
		t.Errorf("told %v", times)
	}
	slipped.Logout()
	third.Logout()
	c.keysTold(desk, "3 devices of 2 people get the keys.", 3)
}

func TestResetIdentityIsTold(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	room := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User, bob.UserID()}})
	bob.Join(room)
	c.cfg.Rooms = []Room{{ID: room, Full: true}}
	c.only(alice, bob)
	c.start()
	c.event(bridges.Up, room, 1)
	desk := bridges.Room{Network: netName, ID: room}
	c.keysTold(desk, "2 devices of 2 people get the keys.", 2)
	bob.ResetIdentity()
	c.trouble("The identity of @bob:hs.test was reset: none of its devices gets keys or is obeyed. Ask its owner in another way, then stop me and say: bot trust @bob:hs.test")
	c.keysTold(desk, "1 device of 2 people gets the keys. No keys for what is not signed: 1 device of @bob:hs.test.", 1)
	n := len(c.told())
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.keysTold(desk, "1 device of 2 people gets the keys. No keys for what is not signed: 1 device of @bob:hs.test.", 1)
	if got := c.told(); len(got) != n {
		t.Errorf("after a restart: told %q", got)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	if err := Trust(t.Context(), c.cfg, bob.UserID()); err != nil {
		t.Fatal(err)
	}
	if err := Trust(t.Context(), c.cfg, bob.UserID()); err != nil {
		t.Errorf("once more: %v", err)
	}
	if err := Trust(t.Context(), c.cfg, "@nobody:hs.test"); err == nil || err.Error() != "@nobody:hs.test has no identity (cross-signing keys) yet" {
		t.Errorf("nobody: %v", err)
	}
	if err := Trust(t.Context(), c.cfg, "bob"); err == nil {
		t.Error("a nick was trusted")
	}
	c.start()
	c.keysTold(desk, "2 devices of 2 people get the keys.", 2)
}

func TestNoIdentityIsTold(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	bob := matrixclient.New(t, c.server, "bob", matrixclient.Unsigned())
	room := alice.MakeRoom(matrixclient.RoomOptions{Invite: []string{c.cfg.User, bob.UserID()}})
	bob.Join(room)
	c.cfg.Rooms = []Room{{ID: room, Full: true}}
	c.cfg.ObeyUnsigned = true
	c.start()
	c.trouble("@bob:hs.test has not set up verification (cross-signing), so none of its devices gets keys. Set it up in the client's security settings.")
}

func TestOwnAccountIsWatched(t *testing.T) {
	t.Parallel()
	c := newCrew(t, dendrite.Options{})
	c.start()
	intruder := matrixclient.Login(t, c.server, "tocsin", matrixclient.Unsigned())
	sentence := "Somebody is logged in to my account with the device " + intruder.DeviceID() + ". If you do not know it, change my password and log it out."
	c.trouble(sentence)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	intruder.ResetIdentity() // another identity, which has not signed our device
	c.start()
	c.trouble("My own device " + c.device() + " is not signed, so that people's clients may send me no keys. Stop me and run `bot login matrix` with the recovery key.")
	n := 0
	for _, told := range c.told() {
		if told == sentence {
			n++
		}
	}
	if n != 1 {
		t.Errorf("told %q", c.told())
	}
}
