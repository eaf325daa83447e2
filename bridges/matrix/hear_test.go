package matrix

import (
	"slices"
	"testing"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

func TestHearAndSayEncrypted(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	asked := alice.Say(desk.ID, "!whoami")
	m := c.book.message(t, "!whoami")
	if m.ID != asked || m.From != (bridges.Account{Network: netName, ID: alice.UserID()}) || m.Name != "alice" || m.Room != desk ||
		m.Doubt != bridges.NoDoubt || m.Thread != "" || m.About != "" || m.At.IsZero() {
		t.Errorf("heard %+v", m)
	}
	id := c.say(bridges.Outgoing{Key: "one", Room: desk, Text: "you are alice", ReplyTo: asked})
	h := alice.WaitReply(asked)
	if h.ID != id || h.Text != "you are alice" || !h.Encrypted || !h.SenderSigned || h.Type != "m.notice" {
		t.Errorf("alice heard %+v", h)
	}
}

// What was said in a thread, as a reply or with another client's habits.
func TestHearRelations(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	root := alice.Say(desk.ID, "root")
	alice.SayIn(desk.ID, root, "in the thread")
	alice.Reply(desk.ID, root, "a reply")
	alice.ReplyIn(desk.ID, root, root, "a reply in the thread")
	alice.Send(desk.ID, map[string]any{
		"msgtype": "m.text", "body": "> <@bob:hs.test> what he said\n\nwith a quote",
		"m.relates_to": map[string]any{"m.in_reply_to": map[string]any{"event_id": root}},
	})
	for text, want := range map[string][2]string{
		"in the thread": {root, ""}, "a reply": {"", root}, "a reply in the thread": {root, root}, "with a quote": {"", root},
	} {
		if m := c.book.message(t, text); m.Thread != want[0] || m.About != want[1] {
			t.Errorf("%s: thread %q, about %q", text, m.Thread, m.About)
		}
	}
}

// Only texts of speakers are messages; edits, redactions and reactions are
// touches.
func TestHearTouches(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice, mallory := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "mallory")
	c.cfg.Speakers = []string{alice.UserID()}
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice, mallory)
	mallory.Say(desk.ID, "from a stranger")
	one := alice.Say(desk.ID, "one")
	c.book.message(t, "one")
	mallory.React(desk.ID, one, "✅")
	alice.Notice(desk.ID, "a notice")
	alice.SendFile(desk.ID, "x.txt", "text/plain", []byte("a file"))
	alice.Edit(desk.ID, one, "two")
	alice.React(desk.ID, one, "✅")
	alice.Redact(desk.ID, one)
	alice.Say(desk.ID, "the end")
	c.book.message(t, "the end")
	if got := c.book.texts(); !slices.Equal(got, []string{"one", "the end"}) {
		t.Errorf("heard %q", got)
	}
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	var kinds []bridges.TouchKind
	for _, x := range c.book.touches {
		kinds = append(kinds, x.Kind)
		if x.Target != one || x.From.ID != alice.UserID() || x.Room != desk || x.Kind == bridges.Reacted && x.Sign != "✅" {
			t.Errorf("touched %+v", x)
		}
	}
	if want := []bridges.TouchKind{bridges.Edited, bridges.Reacted, bridges.Redacted}; !slices.Equal(kinds, want) {
		t.Errorf("touches %v, want %v", kinds, want)
	}
}

func TestDoubts(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	loose := alice.NewDevice(false)
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	alice.SayPlain(desk.ID, "plain")
	loose.Say(desk.ID, "unsigned")
	alice.Say(desk.ID, "good")
	for text, want := range map[string]bridges.Doubt{"plain": bridges.Plain, "unsigned": bridges.Unsigned, "good": bridges.NoDoubt} {
		if m := c.book.message(t, text); m.Doubt != want {
			t.Errorf("%s: doubt %d, want %d", text, m.Doubt, want)
		}
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start(func(cfg *Config) { cfg.ObeyUnsigned = true })
	loose.Say(desk.ID, "unsigned, and allowed")
	alice.SayPlain(desk.ID, "plain again")
	alice.ResetIdentity()
	alice.Say(desk.ID, "another identity")
	for text, want := range map[string]bridges.Doubt{
		"unsigned, and allowed": bridges.NoDoubt, "plain again": bridges.Plain, "another identity": bridges.Replaced,
	} {
		if m := c.book.message(t, text); m.Doubt != want {
			t.Errorf("%s: doubt %d, want %d", text, m.Doubt, want)
		}
	}
}

// In a configured room without encryption people are heard, with that doubt, and
// answers are plain; in any other one nothing plain is obeyed.
func TestPlainRoom(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	lobby := c.desk(matrixclient.RoomOptions{Plain: true}, alice)
	alice.Say(lobby.ID, "hello?")
	if m := c.book.message(t, "hello?"); m.Doubt != bridges.Plain {
		t.Errorf("doubt %d", m.Doubt)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.cfg.Rooms = []Room{{ID: lobby.ID}}
	c.start()
	asked := alice.Say(lobby.ID, "hello")
	if m := c.book.message(t, "hello"); m.Doubt != bridges.Open {
		t.Errorf("doubt %d", m.Doubt)
	}
	c.say(bridges.Outgoing{Key: "k", Room: lobby, Text: "hello yourself", ReplyTo: asked})
	if h := alice.WaitReply(asked); h.Encrypted || h.Text != "hello yourself" {
		t.Errorf("alice heard %+v", h)
	}
	// Encryption is switched on, and from now on the room is an encrypted one.
	alice.SetState(lobby.ID, "m.room.encryption", "", map[string]string{"algorithm": "m.megolm.v1.aes-sha2"})
	alice.Say(lobby.ID, "now in secret")
	alice.SayPlain(lobby.ID, "not in secret")
	if m := c.book.message(t, "now in secret"); m.Doubt != bridges.NoDoubt {
		t.Errorf("doubt %d", m.Doubt)
	}
	if m := c.book.message(t, "not in secret"); m.Doubt != bridges.Plain {
		t.Errorf("doubt %d", m.Doubt)
	}
	c.say(bridges.Outgoing{Key: "k2", Room: lobby, Text: "in secret"})
	if h := alice.WaitText(lobby.ID, "in secret"); !h.Encrypted {
		t.Errorf("alice heard %+v", h)
	}
}

func TestReadMarkersFollow(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	for range 5 {
		alice.Say(desk.ID, "one of many")
	}
	last := alice.Say(desk.ID, "the last")
	c.book.message(t, "the last")
	var marker struct {
		Event string `json:"event_id"`
	}
	s, err := c.bot.session()
	if err != nil {
		t.Fatal(err)
	}
	url := s.cli.BuildClientURL("v3", "user", s.cli.UserID, "rooms", desk.ID, "account_data", "m.fully_read")
	eventually(t, "the read marker", func() bool {
		_, err := s.cli.MakeRequest(c.within(), "GET", url, nil, &marker)
		return err == nil && marker.Event == last
	})
	if n := len(proxy.Requests("POST", "/read_markers")); n > 5 {
		t.Errorf("%d read markers for one burst", n)
	}
}
