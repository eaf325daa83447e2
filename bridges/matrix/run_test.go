package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

// Whatever the homeserver does to a sync, the bot comes back and hears what was
// said meanwhile, and the bot is told once of each end and return.
func TestSyncInTrouble(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	c.cfg.Tuning.Poll, c.cfg.Tuning.Hang = 300*time.Millisecond, 300*time.Millisecond
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	for i, one := range []struct {
		name string
		rule dendrite.Rule
	}{
		{"502", dendrite.Rule{Do: dendrite.BadGateway}},
		{"429", dendrite.Rule{Do: dendrite.TooMany, RetryAfter: 100 * time.Millisecond}},
		{"hang", dendrite.Rule{Do: dendrite.Hang}},
		{"cut", dendrite.Rule{Do: dendrite.Cut}},
		{"lost answers", dendrite.Rule{Do: dendrite.Cut, After: true}},
		{"no JSON", dendrite.Rule{Rewrite: func(int, []byte) (int, []byte) { return http.StatusOK, []byte("<html>") }}},
		{"an empty answer", dendrite.Rule{Rewrite: func(int, []byte) (int, []byte) { return http.StatusOK, []byte("{}") }}},
	} {
		one.rule.Path = "/v3/sync"
		trouble := proxy.Trouble(one.rule)
		trouble.Wait(t, 3)
		alice.Say(desk.ID, "during "+one.name)
		trouble.End()
		c.book.message(t, "during "+one.name)
		if ups, downs := c.book.count(bridges.Up), c.book.count(bridges.Down); ups != i+2 || downs != i+1 {
			t.Errorf("%s: %d times up, %d times down", one.name, ups, downs)
		}
	}
}

// The homeserver asks to be left alone for a while, and is.
func TestRetryAfter(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	proxy.Trouble(dendrite.Rule{Path: "/v3/sync", Do: dendrite.TooMany, RetryAfter: time.Second, Times: 1})
	c.start()
	all := proxy.Requests("GET", "/v3/sync")
	var limited time.Time
	for _, r := range all {
		if r.Status == http.StatusTooManyRequests {
			limited = r.At
		} else if !limited.IsZero() && r.At.Sub(limited) < time.Second {
			t.Errorf("asked again after %s", r.At.Sub(limited))
		}
	}
	if limited.IsZero() {
		t.Error("it was never limited")
	}
}

func TestServerAwayAndBack(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.say(bridges.Outgoing{Key: "before", Room: desk, Text: "before"})
	c.server.Kill(t)
	c.book.until(t, "the bot to be down", func() bool { return c.book.events[len(c.book.events)-1].Kind == bridges.Down })
	if _, err := c.bot.Say(c.within(), bridges.Outgoing{Key: "away", Room: desk, Text: "away"}); !errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("with the server away: %v", err)
	}
	c.server.Restart(t)
	c.book.until(t, "the bot to be up", func() bool { return c.upsNow() == 2 })
	c.say(bridges.Outgoing{Key: "away", Room: desk, Text: "away"})
	alice.WaitText(desk.ID, "away")
	alice.Say(desk.ID, "after")
	c.book.message(t, "after")
	// A server that is not there when the bot starts is waited for.
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.server.Stop(t)
	c.run()
	c.book.until(t, "the bot to be down", func() bool { return c.book.events[len(c.book.events)-1].Kind == bridges.Down })
	c.server.Restart(t)
	c.book.until(t, "the bot to be up", func() bool { return c.upsNow() == 3 })
	alice.Say(desk.ID, "at last")
	c.book.message(t, "at last")
}

func TestServerFrozen(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	c.cfg.Tuning.Poll, c.cfg.Tuning.Hang, c.cfg.Tuning.Request = 300*time.Millisecond, 300*time.Millisecond, time.Second
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	for i := range 3 { // the bot knows everybody's devices then, and the room has a key
		asked := alice.Say(desk.ID, fmt.Sprintf("warm %d", i))
		c.book.message(t, fmt.Sprintf("warm %d", i))
		c.say(bridges.Outgoing{Key: asked, Room: desk, Text: "warm", ReplyTo: asked})
		alice.WaitReply(asked)
	}
	c.server.Freeze(t)
	c.book.until(t, "the bot to be down", func() bool { return c.book.events[len(c.book.events)-1].Kind == bridges.Down })
	o := bridges.Outgoing{Key: "frozen", Room: desk, Text: "said to a frozen server", Since: time.Now()}
	if _, err := c.bot.Say(c.within(), o); err == nil || errors.Is(err, bridges.ErrRefused) || errors.Is(err, bridges.ErrNotSent) {
		t.Errorf("said to a frozen server: %v", err)
	}
	c.server.Thaw(t)
	c.book.until(t, "the bot to be up", func() bool { return c.upsNow() == 2 })
	// As the outbox does: first look, then say it again.
	if _, err := c.bot.Find(c.within(), o); errors.Is(err, bridges.ErrNoTrace) {
		c.say(o)
	} else if err != nil {
		t.Fatal(err)
	}
	c.say(bridges.Outgoing{Key: "end", Room: desk, Text: "the end"})
	alice.WaitText(desk.ID, "the end")
	n := 0
	for _, h := range alice.In(desk.ID) {
		if h.Text == o.Text {
			n++
		}
	}
	if n != 1 {
		t.Errorf("said %d times", n)
	}
}

// A revoked token ends Run with a sentence, while it runs and when it starts.
func TestTokenRevoked(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	c.start()
	sv, err := readSaved(c.cfg.Folder)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.bot.session()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.cli.Logout(c.within()); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"running", "starting"} {
		select {
		case err := <-c.ended:
			c.ended <- err
			if !errors.Is(err, ErrLogin) || !strings.Contains(err.Error(), "bot login matrix") || !strings.Contains(err.Error(), sv.Device) || strings.Contains(err.Error(), sv.Token) {
				t.Errorf("%s: %v", when, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it goes on", when)
		}
		if when == "running" {
			c.run()
		}
	}
	if again, err := readSaved(c.cfg.Folder); err != nil || again != sv {
		t.Errorf("the session was changed: %+v %v", again, err)
	}
}

// Two processes on one account are impossible, and the second one says so.
func TestTwoProcesses(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	c.start()
	second, err := New(c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = second.Run(c.within(), newNotebook())
	if err == nil || !strings.Contains(err.Error(), "another tocsin") || !strings.Contains(err.Error(), c.cfg.Folder) {
		t.Errorf("the second one ended with %v", err)
	}
	if err := c.bot.Run(c.within(), c.book); !errors.Is(err, errRunning) {
		t.Errorf("run twice: %v", err)
	}
}

// What is wrong in the folder is a sentence that says what to do, and nothing is
// written there.
func TestFolderInTrouble(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	other := newNotebook()
	c.start()
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(c.cfg.Folder, name) }
	cryptoDB, err := os.ReadFile(path(cryptoFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		file string
		data []byte // nil: the file is taken away
		want string
	}{
		"no session":         {sessionFile, nil, "bot login matrix"},
		"half a session":     {sessionFile, []byte(`{"user":"@tocsin:hs.test","device":"X","tok`), "damaged"},
		"another's session":  {sessionFile, []byte(`{"user":"@bob:hs.test","device":"X","token":"t"}`), "@bob:hs.test"},
		"no keys":            {cryptoFile, nil, "recovery key"},
		"garbage for keys":   {cryptoFile, []byte(strings.Repeat("garbage ", 1000)), "damaged"},
		"no pickle key":      {pickleFile, nil, "backup"},
		"half a pickle key":  {pickleFile, []byte("abcdef"), "damaged"},
		"another pickle key": {pickleFile, []byte(strings.Repeat("ab", 32)), "pickle key"},
	} {
		was, err := os.ReadFile(path(one.file))
		if err != nil {
			t.Fatal(err)
		}
		if os.Remove(path(one.file)); one.data != nil {
			if err := os.WriteFile(path(one.file), one.data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		bot, err := New(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = bot.Run(c.within(), other)
		if !errors.Is(err, ErrLogin) || !strings.Contains(fmt.Sprint(err), one.want) {
			t.Errorf("%s: %v", name, err)
		}
		if now, err := os.ReadFile(path(one.file)); string(now) != string(one.data) || one.data == nil && err == nil {
			t.Errorf("%s: %s was written", name, one.file)
		}
		if err := os.WriteFile(path(one.file), was, 0o600); err != nil {
			t.Fatal(err)
		}
		if one.file != cryptoFile {
			if now, err := os.ReadFile(path(cryptoFile)); err != nil || string(now) != string(cryptoDB) {
				t.Errorf("%s: the keys were written to", name)
			}
		}
	}
	c.start() // and with everything back it is as before
	for _, name := range []string{cryptoFile, sessionFile, pickleFile, lockFile} {
		if info, err := os.Stat(path(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

// A homeserver that is being stopped says that there is nothing new though there
// is: it is not taken at its word.
func TestHollowAnswer(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	c.settle(desk.ID, alice)
	alice.Say(desk.ID, "fence")
	c.book.message(t, "fence")
	var once sync.Once
	proxy.Trouble(dendrite.Rule{Path: "/v3/sync", Rewrite: func(status int, body []byte) (int, []byte) {
		if bytes.Contains(body, []byte("m.room.message")) {
			once.Do(func() { body = fmt.Appendf(nil, `{"next_batch":%q}`, textField(body, "next_batch")) })
		}
		return status, body
	}})
	proxy.CutAll() // the rule is for polls that begin now
	for i := range 3 {
		alice.SayPlain(desk.ID, fmt.Sprint(i))
	}
	c.book.message(t, "2")
	if got := c.book.texts(); len(got) != 4 {
		t.Errorf("heard %q", got)
	}
}

// One event that the library cannot read does not silence the bot, and is heard if
// it can be.
func TestEventThatCannotBeRead(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	proxy := dendrite.NewProxy(t, c.server)
	c.cfg.Homeserver = proxy.URL()
	alice := matrixclient.New(t, c.server, "alice")
	proxy.Trouble(dendrite.Rule{Path: "/v3/sync", Rewrite: func(status int, body []byte) (int, []byte) {
		body = bytes.ReplaceAll(body, []byte(`"type":"m.room.encrypted"`), []byte(`"type":"m.room.encrypted","redacts":5`))
		return status, bytes.ReplaceAll(body, []byte(`"type":"m.room.message"`), []byte(`"type":"m.room.message","sender":{}`))
	}})
	c.start()
	desk := c.desk(matrixclient.RoomOptions{}, alice)
	alice.SayPlain(desk.ID, "poison")
	alice.Say(desk.ID, "strange")
	if m := c.book.message(t, "strange"); m.Doubt != bridges.NoDoubt || m.From.ID != alice.UserID() {
		t.Errorf("heard %+v", m)
	}
	if got := c.book.texts(); len(got) != 1 {
		t.Errorf("heard %q", got)
	}
}

// When Run has returned nothing of it is at work any more.
func TestNothingIsLeftRunning(t *testing.T) {
	c := newCrew(t, dendrite.Options{})
	alice := matrixclient.New(t, c.server, "alice")
	for i := range 3 {
		c.start()
		if i == 0 {
			c.desk(matrixclient.RoomOptions{}, alice)
		}
		begun := time.Now()
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("it took %s to end", took)
		}
		eventually(t, "everything to end", func() bool {
			buf := make([]byte, 1<<20)
			stacks := string(buf[:runtime.Stack(buf, true)])
			return !strings.Contains(stacks, "bridges/matrix.(*")
		})
	}
}
