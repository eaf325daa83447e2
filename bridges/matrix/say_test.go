package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

func TestSayForms(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice, bob := matrixclient.New(t, c.server, "alice"), matrixclient.New(t, c.server, "bob")
	c.start()
	power := map[string]int{alice.UserID(): 100, c.cfg.User: 50}
	desk := c.desk(matrixclient.RoomOptions{Power: power}, alice, bob)
	root := alice.Say(desk.ID, "root")
	c.book.message(t, "root")
	to := []bridges.Account{{Network: netName, ID: bob.UserID()}, {Network: "irc", ID: "carol"}}
	for _, one := range []struct {
		key, kind       string
		o               bridges.Outgoing
		thread, replyTo string
		mentions        []string
	}{
		{"answer", "m.notice", bridges.Outgoing{ReplyTo: root}, "", root, []string{}},
		{"hint", "m.notice", bridges.Outgoing{Tone: bridges.Hint, ReplyTo: root}, "", root, []string{}},
		{"routine", "m.notice", bridges.Outgoing{Tone: bridges.Routine}, "", "", []string{}},
		{"alert", "m.text", bridges.Outgoing{Tone: bridges.Alert}, "", "", []string{}},
		{"mention", "m.text", bridges.Outgoing{Mentions: to}, "", "", []string{bob.UserID()}},
		{"thread", "m.notice", bridges.Outgoing{Thread: root}, root, "", []string{}},
		{"both", "m.notice", bridges.Outgoing{Thread: root, ReplyTo: root, HTML: "<b>both</b>"}, root, root, []string{}},
	} {
		o := one.o
		o.Key, o.Room, o.Text = one.key, desk, one.key
		id := c.say(o)
		h := alice.WaitText(desk.ID, one.key)
		if h.ID != id || h.Type != one.kind || h.Thread != one.thread || h.ReplyTo != one.replyTo || h.HTML != o.HTML ||
			!slices.Equal(h.Mentions, one.mentions) || h.Mentions == nil || !h.Encrypted || h.Raw[keyField] != txn(one.key) {
			t.Errorf("%s: alice heard %+v", one.key, h)
		}
		if strings.Contains(string(h.Wire), txn(one.key)) || strings.Contains(string(h.Wire), "mentions") {
			t.Errorf("%s: the homeserver sees %s", one.key, h.Wire)
		}
	}
	board := c.say(bridges.Outgoing{Key: "board", Room: desk, Text: "board 1", Pin: true})
	theirs := alice.Say(desk.ID, "theirs")
	alice.SetState(desk.ID, "m.room.pinned_events", "", map[string]any{"pinned": append(alice.Pinned(desk.ID), theirs)})
	if edit := c.say(bridges.Outgoing{Key: "board 2", Room: desk, Text: "board 2", HTML: "<i>board 2</i>", Edit: board, Mentions: to}); edit == board {
		t.Error("an edit is an event of its own")
	}
	h := alice.WaitText(desk.ID, "board 2")
	if h.Edits != board || h.Text != "board 2" || h.HTML != "<i>board 2</i>" || h.Raw["body"] != "* board 2" {
		t.Errorf("alice heard %+v", h)
	}
	next := c.say(bridges.Outgoing{Key: "board 3", Room: desk, Text: "board 3", Pin: true})
	if got := alice.Pinned(desk.ID); slices.Contains(got, board) || !slices.Contains(got, theirs) || !slices.Contains(got, next) {
		t.Errorf("pinned %q", got)
	}
}

// Only who has the power can pin; the bot is given it as it is in its own rooms.
func TestPinWithoutPower(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	alice.SetState(desk.ID, "m.room.power_levels", "", map[string]any{"users": map[string]int{alice.UserID(): 100}, "state_default": 50})
	c.say(bridges.Outgoing{Key: "board", Room: desk, Text: "board", Pin: true})
	alice.WaitText(desk.ID, "board")
	c.book.until(t, "the trouble", func() bool {
		return slices.ContainsFunc(c.book.events, func(e bridges.Event) bool {
			return e.Kind == bridges.Trouble && strings.Contains(e.Told, "pin")
		})
	})
}

func TestSayFiles(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk, lobby := c.desk(matrixclient.RoomOptions{}, alice), c.desk(matrixclient.RoomOptions{Plain: true}, alice)
	data := []byte(strings.Repeat("Subject: a draft\r\n", 3000))
	for _, room := range []bridges.Room{desk, lobby} {
		c.say(bridges.Outgoing{
			Key: "file " + room.ID, Room: room, Text: "the draft", HTML: "<b>the draft</b>",
			File: &bridges.File{Name: "../etc/INC-7.eml", Type: "message/rfc822", Data: data},
		})
		h := alice.WaitText(room.ID, "the draft")
		if h.Type != "m.file" || h.FileName != "INC-7.eml" || h.HTML != "<b>the draft</b>" || h.Encrypted != (room == desk) {
			t.Errorf("alice heard %+v", h)
		}
		if got := alice.File(h); string(got) != string(data) {
			t.Errorf("%d bytes came, %d were sent", len(got), len(data))
		}
	}
	for _, r := range proxy.Requests("POST", "/media/v3/upload") {
		if strings.Contains(r.Query, "INC") {
			t.Error("the homeserver was told the file's name")
		}
	}
	// What is too long for an event is a file, and what is short enough without HTML
	// goes without.
	long := strings.Repeat("long ", 12_000)
	c.say(bridges.Outgoing{Key: "long", Room: desk, Text: long, HTML: "<p>" + long + "</p>"})
	h := alice.Wait("the long one", func(h matrixclient.Heard) bool { return h.FileName == "message.txt" })
	if string(alice.File(h)) != long || !h.Encrypted {
		t.Errorf("alice heard %+v", h)
	}
	medium := strings.Repeat("medium ", 4_000)
	c.say(bridges.Outgoing{Key: "medium", Room: desk, Text: medium, HTML: "<p>" + medium + "</p>"})
	if h := alice.WaitText(desk.ID, "medium"); h.Text != medium || h.HTML != "" || h.Type != "m.notice" {
		t.Errorf("alice heard %s with %d bytes, HTML %d", h.Type, len(h.Text), len(h.HTML))
	}
	if kept, _ := c.book.Kept(t.Context(), netName, keptFile); len(kept) != 0 {
		t.Errorf("still kept: %d uploads", len(kept))
	}
}

// A try that fails after the upload is repeated without another upload.
func TestFileIsUploadedOnce(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	o := bridges.Outgoing{Key: "file", Room: desk, Text: "the draft", File: &bridges.File{Name: "a.md", Type: "text/markdown", Data: []byte("# a")}}
	trouble := proxy.Trouble(dendrite.Rule{Method: "PUT", Path: "/send/", Do: dendrite.BadGateway})
	if _, err := c.bot.Say(c.within(), o); err == nil || errors.Is(err, bridges.ErrNotSent) || errors.Is(err, bridges.ErrRefused) {
		t.Fatalf("a 502 is an unknown outcome, not %v", err)
	}
	trouble.End()
	c.say(o)
	if h := alice.WaitText(desk.ID, "the draft"); string(alice.File(h)) != "# a" {
		t.Error("the file is another")
	}
	if n := len(proxy.Requests("POST", "/media/v3/upload")); n != 1 {
		t.Errorf("%d uploads", n)
	}
}

func TestFiftyAtOnce(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if _, err := c.bot.Say(context.Background(), bridges.Outgoing{Key: fmt.Sprint(i), Room: desk, Text: fmt.Sprintf("number %d", i)}); err != nil {
				t.Errorf("number %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	alice.Until("all fifty", func() bool { return len(alice.In(desk.ID)) >= 50 })
	seen := map[string]bool{}
	for _, h := range alice.In(desk.ID) {
		if h.Undecryptable || seen[h.Text] {
			t.Errorf("twice or unreadable: %+v", h)
		}
		seen[h.Text] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d of 50 came", len(seen))
	}
}

// What is said one after the other arrives so, also when both wait at once.
func TestOrder(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	begun := make(chan struct{})
	var once sync.Once
	c.cfg.Failpoint = func(step string) {
		if step == "say" {
			once.Do(func() { close(begun) })
		}
	}
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	var wg sync.WaitGroup
	wg.Go(func() {
		c.say(bridges.Outgoing{Key: "a", Room: desk, Text: "first", File: &bridges.File{Name: "f", Data: make([]byte, 1<<20)}})
	})
	<-begun
	wg.Go(func() { c.say(bridges.Outgoing{Key: "b", Room: desk, Text: "second"}) })
	wg.Wait()
	alice.WaitText(desk.ID, "second")
	if all := alice.In(desk.ID); len(all) != 2 || all[0].Text != "first" {
		t.Errorf("alice heard %+v", all)
	}
}

func TestWorking(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	asked, again := alice.Say(desk.ID, "!slow"), alice.Say(desk.ID, "!slower")
	c.book.message(t, "!slower")
	for range 2 { // asked for twice it is one
		if err := c.bot.Working(c.within(), desk, asked); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.bot.Working(c.within(), desk, again); err != nil {
		t.Fatal(err)
	}
	if got := alice.Reacted(asked); len(got) != 1 || got[0].Sign != workingSign || got[0].Sender != c.cfg.User {
		t.Fatalf("signs %+v", got)
	}
	c.say(bridges.Outgoing{Key: "a", Room: desk, Text: "done", ReplyTo: asked})
	alice.Until("the sign to go", func() bool { return len(alice.Reactions(asked)) == 0 })
	c.book.until(t, "the sign to be forgotten", func() bool { return c.book.values[netName+" "+keptWorking+asked] == "" })
	// The other one is answered by the next process.
	alice.Until("the sign", func() bool { return len(alice.Reactions(again)) == 1 })
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.say(bridges.Outgoing{Key: "b", Room: desk, Text: "done too", ReplyTo: again})
	alice.Until("the other sign to go", func() bool { return len(alice.Reactions(again)) == 0 })
	c.book.until(t, "nothing to be kept", func() bool {
		for key := range c.book.values {
			if strings.Contains(key, keptWorking) {
				return false
			}
		}
		return true
	})
	// Who was answered already gets no sign.
	if err := c.bot.Working(c.within(), desk, again); err != nil {
		t.Fatal(err)
	}
	if got := alice.Reactions(again); len(got) != 0 {
		t.Errorf("signs %+v", got)
	}
}

func TestSayErrors(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start(func(cfg *Config) { cfg.Tuning.Request = 2 * time.Second })
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.say(bridges.Outgoing{Key: "first", Room: desk, Text: "first"})
	unknown := errors.New("unknown")
	for _, one := range []struct {
		name string
		rule dendrite.Rule
		want error
	}{
		{"502", dendrite.Rule{Do: dendrite.BadGateway}, unknown},
		{"cut", dendrite.Rule{Do: dendrite.Cut}, unknown},
		{"lost answer", dendrite.Rule{Do: dendrite.Cut, After: true}, unknown},
		{"hang", dendrite.Rule{Do: dendrite.Hang}, unknown},
		{"a short 429", dendrite.Rule{Do: dendrite.TooMany, RetryAfter: 50 * time.Millisecond, Times: 2}, nil},
		{"a long 429", dendrite.Rule{Do: dendrite.TooMany, RetryAfter: time.Hour}, bridges.ErrNotSent},
		{"403", dendrite.Rule{Do: dendrite.Forbid}, bridges.ErrRefused},
	} {
		one.rule.Method, one.rule.Path = "PUT", "/send/"
		trouble := proxy.Trouble(one.rule)
		o := bridges.Outgoing{Key: one.name, Room: desk, Text: "said with " + one.name}
		_, err := c.bot.Say(c.within(), o)
		trouble.End()
		known := errors.Is(err, bridges.ErrNotSent) || errors.Is(err, bridges.ErrRefused)
		if one.want == nil && err != nil || one.want == unknown && (err == nil || known) || one.want != nil && one.want != unknown && !errors.Is(err, one.want) {
			t.Errorf("%s: %v", one.name, err)
		}
		c.say(o) // again, with the same key
		alice.WaitText(desk.ID, o.Text)
	}
	seen := map[string]int{}
	for _, h := range alice.In(desk.ID) {
		if seen[h.Text]++; seen[h.Text] > 1 {
			t.Errorf("twice: %s", h.Text)
		}
	}
	c.server.Stop(t)
	if _, err := c.bot.Say(c.within(), bridges.Outgoing{Key: "away", Room: desk, Text: "x"}); errors.Is(err, bridges.ErrRefused) {
		t.Errorf("with the server away: %v", err)
	}
	if _, err := c.bot.Say(c.within(), bridges.Outgoing{Key: "x", Room: bridges.Room{Network: "other", ID: "x"}, Text: "x"}); !errors.Is(err, bridges.ErrRefused) {
		t.Errorf("to another network: %v", err)
	}
}
