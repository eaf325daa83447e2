package matrix

import (
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"maunium.net/go/mautrix/id"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// reads waits until a person has heard a message and says whether it was readable.
func reads(p *matrixclient.Person, event string) bool {
	h := p.Wait("the event "+event, func(h matrixclient.Heard) bool { return h.ID == event })
	return !h.Undecryptable
}

// settle waits until the bot knows who is in a room.
func (c *crew) settle(room string, people ...*matrixclient.Person) {
	c.t.Helper()
	eventually(c.t, "the bot to know who is there", func() bool {
		got := c.bot.rooms.people(id.RoomID(room))
		for _, p := range people {
			if !slices.Contains(got, id.UserID(p.UserID())) {
				return false
			}
		}
		return len(got) == len(people)
	})
}

// state is the number of a room's state that nobody changes any more: somebody's
// words are handed on when all that came before them was worked in.
func (c *crew) state(p *matrixclient.Person, room bridges.Room) int {
	c.t.Helper()
	p.Say(room.ID, "the end of the beginning")
	c.book.message(c.t, "the end of the beginning")
	return c.bot.rooms.count(id.RoomID(room.ID))
}

func TestWhoLeftReadsNothingMore(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice, bob)
	c.settle(desk.ID, alice, bob)
	first := c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "for both"})
	if !reads(alice, first) || !reads(bob, first) {
		t.Fatal("both should have read that")
	}
	before := sessionOf(alice, first)
	alice.Kick(desk.ID, bob.UserID())
	c.settle(desk.ID, alice)
	second := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "for alice"})
	if !reads(alice, second) {
		t.Error("alice cannot read")
	}
	if sessionOf(alice, second) == before {
		t.Error("the key that bob has is still in use")
	}
	// He comes back and sees the event, but not what it says.
	alice.Invite(desk.ID, bob.UserID())
	bob.Join(desk.ID)
	c.settle(desk.ID, alice, bob)
	third := c.say(bridges.Outgoing{Key: "3", Room: desk, Text: "for both again"})
	if !reads(bob, third) || sessionOf(alice, third) == sessionOf(alice, second) {
		t.Error("who came later has the old key, or not the new one")
	}
}

// sessionOf is the Megolm session that an event was encrypted with.
func sessionOf(p *matrixclient.Person, event string) string {
	h := p.Wait("the event", func(h matrixclient.Heard) bool { return h.ID == event })
	return textField(h.Wire, "session_id")
}

func TestDevicesGetKeysWhenSigned(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	loose := alice.NewDevice(false)
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice, bob)
	c.settle(desk.ID, alice, bob)
	first := c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "one"})
	if !reads(alice, first) || !reads(bob, first) {
		t.Error("signed devices cannot read")
	}
	if reads(loose, first) {
		t.Error("a device without a signature can read")
	}
	// A new signed device reads what is said next, with nothing in between but what
	// the homeserver tells the bot of it.
	phone := bob.NewDevice(true)
	c.knows(bob, phone.DeviceID())
	second := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "two"})
	if !reads(phone, second) || !reads(bob, second) {
		t.Error("a new signed device cannot read")
	}
	if reads(loose, second) {
		t.Error("a device without a signature can read")
	}
}

// knows waits until the bot has somebody's device as a signed one.
func (c *crew) knows(p *matrixclient.Person, device string) {
	c.t.Helper()
	s, err := c.bot.session()
	if err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "the bot to know the device", func() bool {
		s.devices.RLock() // as who gives out keys looks: what is seen then, the next key goes by
		defer s.devices.RUnlock()
		d, err := s.mach.CryptoStore.GetDevice(c.within(), id.UserID(p.UserID()), id.DeviceID(device))
		if err != nil || d == nil {
			return false
		}
		trust, err := s.mach.ResolveTrustContext(c.within(), d)
		return err == nil && trust >= id.TrustStateCrossSignedTOFU
	})
}

// A device that was without a signature when the key was given out, and got one
// while nothing else changed.
func TestSignedLater(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice", matrixclient.Unsigned())
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	first := c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "one"})
	if reads(alice, first) {
		t.Fatal("a device without a signature can read")
	}
	alice.ResetIdentity() // she makes her first one, and signs
	c.knows(alice, alice.DeviceID())
	second := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "two"})
	if !reads(alice, second) {
		t.Error("the device is signed now and cannot read")
	}
}

// A new device speaks before the homeserver has told that it is there, which it may
// never do: the answer is for that device too.
func TestAnswerToANewDevice(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	first := c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "one"})
	if !reads(alice, first) {
		t.Fatal("alice cannot read")
	}
	proxy.Trouble(dendrite.Rule{Path: "/sync", Rewrite: func(status int, body []byte) (int, []byte) {
		var fields map[string]json.RawMessage
		if json.Unmarshal(body, &fields) != nil {
			return status, body
		}
		delete(fields, "device_lists")
		body, _ = json.Marshal(fields)
		return status, body
	}})
	alice.Say(desk.ID, "a sync that began before has ended")
	c.book.message(t, "a sync that began before has ended")
	second := alice.NewDevice(true)
	second.Say(desk.ID, "!ping")
	if m := c.book.message(t, "!ping"); m.Doubt != bridges.NoDoubt {
		t.Errorf("heard %+v", m)
	}
	answer := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "two"})
	if !reads(alice, answer) || !reads(second, answer) {
		t.Error("who asked cannot read the answer")
	}
}

func TestOnlyProvenReaders(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice, bob)
	c.settle(desk.ID, alice, bob)
	all := c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "for both"})
	state := c.state(alice, desk)
	one := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "for alice", Readers: readers(alice), State: state})
	if !reads(alice, all) || !reads(bob, all) || !reads(alice, one) {
		t.Error("who was proven cannot read")
	}
	if reads(bob, one) {
		t.Error("bob was not proven and can read")
	}
	both := c.say(bridges.Outgoing{Key: "3", Room: desk, Text: "for both", Readers: readers(bob, alice), State: state})
	if !reads(alice, both) || !reads(bob, both) {
		t.Error("who was proven cannot read")
	}
}

// From the instant that somebody is invited the proof is another.
func TestChangedSinceTheProof(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice, mallory := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "mallory")
	var encrypted atomic.Pointer[func()] // what happens meanwhile, once
	c.cfg.Failpoint = func(step string) {
		if step != "encrypted" {
			return
		}
		if f := encrypted.Swap(nil); f != nil {
			(*f)()
		}
	}
	once := func(f func()) { encrypted.Store(&f) }
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	state := c.state(alice, desk)
	o := bridges.Outgoing{Key: "1", Room: desk, Text: "sealed", Readers: readers(alice), State: state - 1}
	if _, err := c.bot.Say(c.within(), o); !errors.Is(err, bridges.ErrUnproven) || !errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("with an old proof: %v", err)
	}
	// She is invited while the words are being encrypted.
	once(func() {
		alice.Invite(desk.ID, mallory.UserID())
		c.settle(desk.ID, alice, mallory)
	})
	o.State = state
	if _, err := c.bot.Say(c.within(), o); !errors.Is(err, bridges.ErrUnproven) || !errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("with somebody invited meanwhile: %v", err)
	}
	if n := len(proxy.Requests("PUT", "/send/m.room")); n != 0 {
		t.Errorf("%d events went out", n)
	}
	// What needs no proof goes to whoever is there then.
	o.Readers, o.Key = nil, "2"
	once(func() {
		alice.Kick(desk.ID, mallory.UserID())
		c.settle(desk.ID, alice)
	})
	if !reads(alice, c.say(o)) {
		t.Error("alice cannot read")
	}
}

// The homeserver takes the encryption out of what it shows: the room stays an
// encrypted one, also for the next process.
func TestKnownEncryptedForGood(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "one"})
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	proxy := dendrite.NewProxy(t, c.server)
	proxy.Trouble(dendrite.Rule{Path: "/_matrix/client/", Rewrite: func(status int, body []byte) (int, []byte) {
		return status, hideEncryption(body)
	}})
	c.start(func(cfg *Config) { cfg.Homeserver = proxy.URL(); cfg.Rooms = []Room{{ID: desk.ID, Full: true}} })
	id := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "two"})
	if h := alice.Wait("it", func(h matrixclient.Heard) bool { return h.ID == id }); !h.Encrypted {
		t.Errorf("alice heard %+v", h)
	}
}

// Keys that could not be fetched when the homeserver said that devices changed are
// fetched before the next thing is said.
func TestDevicesThatCouldNotBeFetched(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "one"})
	trouble := proxy.Trouble(dendrite.Rule{Method: "POST", Path: "/keys/query", Do: dendrite.BadGateway})
	phone := alice.NewDevice(true)
	trouble.Wait(t, 1)
	eventually(t, "the bot to note that it does not know alice's devices", func() bool {
		c.bot.mouth.mu.Lock()
		defer c.bot.mouth.mu.Unlock()
		_, ok := c.bot.mouth.stale[id.UserID(alice.UserID())]
		return ok
	})
	if _, err := c.bot.Say(c.within(), bridges.Outgoing{Key: "2", Room: desk, Text: "two"}); !errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("said without knowing for whom: %v", err)
	}
	// The next process does not know them either, until it has asked.
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	trouble.End()
	c.start()
	second := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "two"})
	if !reads(phone, second) {
		t.Error("the new device cannot read")
	}
}

// After a restart nobody knows whom the old key was given to.
func TestRestartTakesANewKey(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.state(alice, desk) // what changes in between makes a new key, too
	one := c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "one"})
	two := c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "two"})
	if sessionOf(alice, one) != sessionOf(alice, two) {
		t.Error("a key is used once only")
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start()
	three := c.say(bridges.Outgoing{Key: "3", Room: desk, Text: "three"})
	if !reads(alice, three) || sessionOf(alice, three) == sessionOf(alice, one) {
		t.Error("the old key is used after a restart")
	}
}

// A process that ends while it stores somebody's devices leaves signed devices that
// look unsigned. The next one knows that and asks again.
func TestFetchBrokenOff(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	if !reads(alice, c.say(bridges.Outgoing{Key: "1", Room: desk, Text: "one"})) {
		t.Fatal("alice cannot read")
	}
	s, err := c.bot.session()
	if err != nil {
		t.Fatal(err)
	}
	ctx := c.within()
	if value, err := s.mach.CryptoStore.GetSecret(ctx, fluxSecret); err != nil || value != "" {
		t.Errorf("still noted: %q %v", value, err)
	}
	if err := s.noteFlux(ctx, []id.UserID{id.UserID(alice.UserID())}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.RawDB.ExecContext(ctx, "DELETE FROM crypto_cross_signing_keys WHERE user_id=?", alice.UserID()); err != nil {
		t.Fatal(err)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start()
	if !reads(alice, c.say(bridges.Outgoing{Key: "2", Room: desk, Text: "two"})) {
		t.Error("alice's signed device got no key")
	}
	alice.Say(desk.ID, "three")
	if m := c.book.message(t, "three"); m.Doubt != bridges.NoDoubt {
		t.Errorf("doubt %d", m.Doubt)
	}
}
