package irc

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/bridges"
	"tocsin/internal/chattest/ircd"
)

// shared is the server of all tests that leave it as they found it.
var shared = sync.OnceValues(func() (*ircd.Server, error) {
	started.Store(true)
	return ircd.Launch(ircd.Options{})
})

var started atomic.Bool

func TestMain(m *testing.M) {
	// These tests wait for servers far more than they reckon.
	flag.Parse()
	_ = flag.Set("test.parallel", "12")
	code := m.Run()
	if started.Load() {
		if s, err := shared(); err == nil {
			s.Close()
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "something runs on after Run has returned:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func sharedServer(t *testing.T) *ircd.Server {
	t.Helper()
	s, err := shared()
	if ircd.IsMissing(err) {
		ircd.Missing(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// recorder is an Inbox that keeps what it gets.
type recorder struct {
	mu       sync.Mutex
	messages []bridges.Message
	events   []bridges.Event
	grew     chan struct{}
	on       func(bridges.Message)
}

func newRecorder() *recorder { return &recorder{grew: make(chan struct{})} }

func (r *recorder) Message(_ context.Context, m bridges.Message) error {
	r.mu.Lock()
	r.messages = append(r.messages, m)
	r.bump()
	on := r.on
	r.mu.Unlock()
	if on != nil {
		on(m)
	}
	return nil
}

func (r *recorder) Touch(context.Context, bridges.Touch) error { return nil }

func (r *recorder) Keep(context.Context, string, map[string]string) error { return nil }

func (r *recorder) Kept(context.Context, string, string) (map[string]string, error) { return nil, nil }

func (r *recorder) Event(_ context.Context, e bridges.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	r.bump()
}

func (r *recorder) bump() {
	close(r.grew)
	r.grew = make(chan struct{})
}

// until waits until ok is content with what was recorded.
func (r *recorder) until(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		r.mu.Lock()
		good, grew := ok(), r.grew
		r.mu.Unlock()
		if good {
			return
		}
		select {
		case <-grew:
		case <-limit.C:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("%s: not within %s; messages %+v, events %+v", what, within, r.messages, r.events)
		}
	}
}

// heard waits for a message with this text and gives it.
func (r *recorder) heard(t *testing.T, text string) bridges.Message {
	t.Helper()
	var found bridges.Message
	r.until(t, "hearing "+text, 15*time.Second, func() bool {
		for _, m := range r.messages {
			if m.Text == text {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// texts are all texts heard so far.
func (r *recorder) texts() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, m := range r.messages {
		out = append(out, m.Text)
	}
	return strings.Join(out, "\n")
}

// event waits for the nth event of a kind, counted from 1, whose sentence has
// this in it.
func (r *recorder) event(t *testing.T, kind bridges.EventKind, part string, nth int, within time.Duration) bridges.Event {
	t.Helper()
	var found bridges.Event
	r.until(t, fmt.Sprintf("event %d %q number %d", kind, part, nth), within, func() bool {
		n := 0
		for _, e := range r.events {
			if e.Kind == kind && strings.Contains(e.Told, part) {
				if n++; n == nth {
					found = e
					return true
				}
			}
		}
		return false
	})
	return found
}

func (r *recorder) count(kind bridges.EventKind, part string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.events {
		if e.Kind == kind && strings.Contains(e.Told, part) {
			n++
		}
	}
	return n
}

// bot is a bridge that runs.
type bot struct {
	*Bridge
	in   *recorder
	stop func()
}

var counter32 atomic.Int32

// channel gives a channel name that no other test has.
func channel(name string) string { return fmt.Sprintf("#%s-%d", name, counter32.Add(1)) }

// nick gives a nick that no other test has.
func nick(name string) string { return fmt.Sprintf("%s%d", name, counter32.Add(1)) }

// config is a bot on a server, with short times.
func config(s *ircd.Server, channels ...string) Config {
	c := Config{
		Name: "rig", Server: s.Relaxed, CAFile: s.CA, Nick: nick("tocsin"), Account: "bot", SASL: "plain",
		Password: ircd.Password("bot"), Profile: "inspircd", Log: slog.New(slog.DiscardHandler),
		Tuning: Tuning{
			BackoffBase: 100 * time.Millisecond, BackoffMax: time.Second, Refused: time.Minute,
			NickRetry: 300 * time.Millisecond, JoinBase: 200 * time.Millisecond, JoinMax: time.Second,
			Kicked: []time.Duration{200 * time.Millisecond}, Interval: 20 * time.Millisecond,
		},
	}
	for _, name := range channels {
		c.Channels = append(c.Channels, Channel{Name: name})
	}
	return c
}

// run starts a bot; it does not wait until it is connected.
func run(t *testing.T, c Config) *bot {
	t.Helper()
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	in := newRecorder()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, in) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run did not return")
		}
	})
	t.Cleanup(stop)
	return &bot{Bridge: b, in: in, stop: stop}
}

// up starts a bot and waits until it is there.
func up(t *testing.T, c Config) *bot {
	t.Helper()
	b := run(t, c)
	b.in.event(t, bridges.Up, "Connected", 1, 20*time.Second)
	return b
}

func (b *bot) room(name string) bridges.Room { return bridges.Room{Network: b.cfg.Name, ID: name} }

// say says one text in a channel, or to an account when the name is none.
func (b *bot) say(name, text string) (bridges.Receipt, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	o := bridges.Outgoing{Room: b.room(name), Text: text, Key: fmt.Sprint(counter32.Add(1))}
	o.Room.Direct = !channelName(name)
	return b.Say(ctx, o)
}

func (b *bot) mustSay(t *testing.T, name, text string) bridges.Receipt {
	t.Helper()
	r, err := b.say(name, text)
	if err != nil {
		t.Fatalf("saying %q: %v", text, err)
	}
	return r
}

// fence makes sure that the bot has dealt with all that was sent to it before:
// a person with an account says a word in the channel and the bot hears it.
func (b *bot) fence(t *testing.T, who *ircd.Client, name string) {
	t.Helper()
	word := fmt.Sprintf("fence %d", counter32.Add(1))
	who.Privmsg(name, word)
	b.in.heard(t, word)
}

func isNotSent(err error) bool { return errors.Is(err, bridges.ErrNotSent) }
func isRefused(err error) bool { return errors.Is(err, bridges.ErrRefused) }
func isCantSay(err error) bool { return errors.Is(err, bridges.ErrCantSay) }
func isNoTrace(err error) bool { return errors.Is(err, bridges.ErrNoTrace) }

// errAny stands for an error of which nothing more is known.
var errAny = errors.New("unknown outcome")
