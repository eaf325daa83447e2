// Package matrix speaks Matrix for the bot: it keeps one encrypted device, hears
// what people say in rooms and directly, proves who can read a room, and says
// things for exactly those who were proven.
//
// The library mautrix makes the requests and does the encryption. What order
// things are saved in, who gets a room's keys, what is obeyed and what a room is
// are decided here.
package matrix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/bridges"
)

// Room is a room of the configuration.
type Room struct {
	ID   string // !room:server, or !hash in newer room versions
	Full bool   // it may hear everything when it is proven private
}

// Config is one account on one homeserver.
type Config struct {
	Name         string // the network's name, as in bridges.Room
	Homeserver   string // https://host, or http:// on loopback
	User         string // @tocsin:server
	Folder       string // where session, keys and lock are, mode 0700
	PickleKey    []byte // what the keys on disk are encrypted with; nil: Folder/pickle.key
	ObeyUnsigned bool   // also obey devices that their owners have not signed
	Rooms        []Room
	Speakers     []string               // accounts whose messages and invitations count; nil: everybody's
	Uploads      func(name string) bool // which files are told of, by their names; nil: none
	Log          *slog.Logger
	Tuning       Tuning
	Failpoint    func(step string) // tests: called between any two steps; may be nil
}

// Tuning holds the durations and sizes; a zero field takes the default beside it.
type Tuning struct {
	BackoffBase time.Duration // 500 ms, doubled for each failure in a row
	BackoffMax  time.Duration // 30 s
	Poll        time.Duration // 30 s that the homeserver may hold a sync
	Hang        time.Duration // 15 s more, then a sync that hangs is given up
	Request     time.Duration // 30 s for every other request
	Timeline    int           // 1000 events of a room in one sync, before a gap is paged through
	KeyWait     time.Duration // 25 s for a key that is missing, before the room is told
	KeyAsk      time.Duration // 3 s for it to come by itself, before it is asked for
	Read        time.Duration // 2 s after which the read marker follows
	Fresh       time.Duration // 1 s: how old a look at a room may be when nothing changed since
	Late        time.Duration // 35 s that a homeserver which was away may take to show what it took before
	Most        int           // 50 answers that may be on their way to one person
}

// Bridge is one account on one homeserver.
type Bridge struct {
	cfg Config

	mu    sync.Mutex
	ready bool // the first sync was worked through
	s     *session
	in    bridges.Inbox
	rooms *rooms
	mouth *mouth
	ear   *ear
}

var (
	_ bridges.Bridge = (*Bridge)(nil)
	_ bridges.Host   = (*Bridge)(nil)
)

// Sentences that end Run: no waiting mends them. They are wrapped, so that
// errors.Is finds them.
var (
	ErrLogin = errors.New("not logged in")
)

// New checks the configuration. It does not connect.
func New(cfg Config) (*Bridge, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	b := &Bridge{cfg: cfg}
	b.rooms, b.mouth, b.ear = newRooms(b), newMouth(b), newEar(b)
	return b, nil
}

// Network is the network's name.
func (b *Bridge) Network() string { return b.cfg.Name }

// Limits says that people on Matrix read a dozen lines and take longer answers
// as files.
func (b *Bridge) Limits() bridges.Limits {
	return bridges.Limits{Lines: 12, Most: b.cfg.Tuning.Most, Files: true}
}

// session gives what the bridge talks to the homeserver with, or that nothing can
// be said yet.
func (b *Bridge) session() (*session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.s == nil || !b.ready {
		return nil, fmt.Errorf("%w: %s is not up", bridges.ErrNotSent, b.cfg.Name)
	}
	return b.s, nil
}

// event hands an event to the bot, when there is one to hear it.
func (b *Bridge) event(ctx context.Context, e bridges.Event) {
	b.mu.Lock()
	in := b.in
	b.mu.Unlock()
	if in == nil {
		return
	}
	e.Network, e.At = b.cfg.Name, time.Now().UTC()
	if e.Room.ID != "" {
		e.Room.Network = b.cfg.Name
	}
	in.Event(ctx, e)
}
