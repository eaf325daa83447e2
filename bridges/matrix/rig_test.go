package matrix

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/internal/chattest/dendrite"
	"tocsin/internal/chattest/matrixclient"
)

const netName = "hs"

// crew is a homeserver with a bot and people.
type crew struct {
	t      *testing.T
	server *dendrite.Server
	book   *notebook
	cfg    Config
	bot    *Bridge
	stop   context.CancelFunc
	ended  chan error
	ups    int

	stopped chan struct{} // for killAt: run has set stop
}

// newCrew starts a homeserver and logs a bot in.
func newCrew(t *testing.T, o dendrite.Options) *crew {
	t.Helper()
	server := dendrite.Start(t, o)
	user := server.Register(t, "tocsin", matrixclient.Password)
	c := &crew{t: t, server: server, book: newNotebook(), cfg: Config{
		Name: netName, Homeserver: server.URL(), User: user, Folder: t.TempDir(), Log: slog.New(slog.DiscardHandler), Uploads: incidents.NamesPatch,
		Tuning: Tuning{
			BackoffBase: 20 * time.Millisecond, BackoffMax: 200 * time.Millisecond, Read: 50 * time.Millisecond,
			KeyAsk: 200 * time.Millisecond, KeyWait: time.Second, Fresh: time.Millisecond, Late: 3 * time.Second,
		},
	}}
	if testing.Verbose() {
		c.cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	if _, err := Login(t.Context(), LoginOptions{Config: c.cfg, Password: matrixclient.Password}); err != nil {
		t.Fatalf("logging in: %v", err)
	}
	return c
}

// desk makes a room for people and the bot, everybody in it. The bot is running.
func (c *crew) desk(o matrixclient.RoomOptions, owner *matrixclient.Person, others ...*matrixclient.Person) bridges.Room {
	c.t.Helper()
	for _, p := range others {
		o.Invite = append(o.Invite, p.UserID())
	}
	if o.Invite = append(o.Invite, c.cfg.User); o.Name == "" {
		o.Name = "desk" // one without a name and with two people is a direct one
	}
	room := owner.MakeRoom(o)
	for _, p := range others {
		p.Join(room)
	}
	owner.WaitMember(room, c.cfg.User, "join")
	return bridges.Room{Network: netName, ID: room}
}

// start starts the bot and waits until it is up.
func (c *crew) start(change ...func(*Config)) {
	c.t.Helper()
	c.run(change...)
	c.ups++
	c.book.until(c.t, "the bot to be up", func() bool { return c.upsNow() >= c.ups })
	c.ups = c.upsLocked()
}

func (c *crew) upsNow() int {
	n := 0
	for _, e := range c.book.events {
		if e.Kind == bridges.Up && e.Room.ID == "" {
			n++
		}
	}
	return n
}

func (c *crew) upsLocked() int {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	return c.upsNow()
}

// run starts the bot.
func (c *crew) run(change ...func(*Config)) {
	c.t.Helper()
	cfg := c.cfg
	cfg.Rooms, cfg.Speakers = slices.Clone(cfg.Rooms), slices.Clone(cfg.Speakers)
	for _, f := range change {
		f(&cfg)
	}
	bot, err := New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c.bot, c.stop, c.ended = bot, stop, make(chan error, 1)
	if c.stopped != nil {
		close(c.stopped)
		c.stopped = nil
	}
	ended := c.ended
	go func() { ended <- bot.Run(ctx, c.book) }()
	c.t.Cleanup(func() {
		stop()
		c.end()
	})
}

// end stops the bot and waits for it.
func (c *crew) end() error {
	c.stop()
	select {
	case err := <-c.ended:
		c.ended <- err
		return err
	case <-time.After(20 * time.Second):
		c.t.Errorf("the bot did not end")
		return nil
	}
}

// crash ends the bot so that nothing of what it does now is kept.
func (c *crew) crash() {
	c.t.Helper()
	c.book.kill()
	if err := c.end(); err != nil {
		c.t.Fatalf("the bot ended with %v", err)
	}
	c.book.revive()
}

// say says something and fails the test when that fails.
func (c *crew) say(o bridges.Outgoing) string {
	c.t.Helper()
	r, err := c.bot.Say(c.within(), o)
	if err != nil {
		c.t.Fatalf("saying %s: %v", o.Key, err)
	}
	return r.ID
}

func (c *crew) within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	c.t.Cleanup(cancel)
	return ctx
}

// readers are people as a proof names them.
func readers(people ...*matrixclient.Person) []bridges.Account {
	out := []bridges.Account{}
	for _, p := range people {
		out = append(out, bridges.Account{Network: netName, ID: p.UserID()})
	}
	return out
}

// eventually asks again and again until something is so that nobody tells us of.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// textField is a text in a JSON object.
func textField(data []byte, name string) string {
	var fields map[string]any
	_ = json.Unmarshal(data, &fields)
	s, _ := fields[name].(string)
	return s
}

// hideEncryption takes the event that a room is encrypted out of an answer, as a
// homeserver could.
func hideEncryption(body []byte) []byte {
	return hide(body, func(evt map[string]any) bool { return evt["type"] == "m.room.encryption" })
}

// hide takes events out of an answer.
func hide(body []byte, which func(evt map[string]any) bool) []byte {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return body
	}
	data, _ := json.Marshal(hidden(v, which))
	return data
}

func hidden(v any, which func(evt map[string]any) bool) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			v[key] = hidden(x, which)
		}
	case []any:
		out := []any{}
		for _, x := range v {
			if evt, ok := x.(map[string]any); !ok || !which(evt) {
				out = append(out, hidden(x, which))
			}
		}
		return out
	}
	return v
}

// killAt has the process die at a step, the first time that it comes there.
func (c *crew) killAt(step string) (change func(*Config), hit chan struct{}) {
	hit = make(chan struct{})
	var once sync.Once
	stopped := make(chan struct{}) // closed when there is something to stop
	c.stopped = stopped
	return func(cfg *Config) {
		cfg.Failpoint = func(at string) {
			if at == step {
				once.Do(func() {
					c.book.kill()
					<-stopped
					c.stop()
					close(hit)
				})
			}
		}
	}, hit
}
