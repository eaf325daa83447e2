package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// bubbleClock is the bubble's time.
type bubbleClock struct{}

func (bubbleClock) Now() time.Time { return time.Now().UTC() }

func (bubbleClock) After(t time.Time) (<-chan time.Time, func()) {
	timer := time.NewTimer(time.Until(t))
	return timer.C, func() { timer.Stop() }
}

// try is one Say that a network saw.
type try struct {
	after time.Duration // since the test began
	bridges.Outgoing
}

// net is a network: what becomes of a try and of a look-up is the test's word.
type net struct {
	name  string
	lines int
	say   func(ctx context.Context, n int, o bridges.Outgoing) error // nil: it arrives
	find  error
	began time.Time

	mu      sync.Mutex
	tries   []try
	lookups int
}

func (n *net) Network() string        { return n.name }
func (n *net) Limits() bridges.Limits { return bridges.Limits{Lines: n.lines} }

func (n *net) Run(ctx context.Context, _ bridges.Inbox) error {
	<-ctx.Done()
	return nil
}

func (n *net) Prove(_ context.Context, r bridges.Room) (bridges.Proof, error) {
	p := bridges.Proof{Room: r}
	for _, name := range []string{"tls", "authenticated", "plain", "peer-tls", "secret", "closed", "registered-only", "tls-only", "identified"} {
		p.Checks = append(p.Checks, bridges.Check{Name: name, OK: true, Told: name})
	}
	for _, name := range []string{"alice", "bob"} {
		if !r.Direct || r.ID == name {
			p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: n.name, ID: name}, Name: name})
		}
	}
	return p, nil
}

func (n *net) Say(ctx context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	n.mu.Lock()
	n.tries = append(n.tries, try{time.Since(n.began), o})
	k := len(n.tries)
	n.mu.Unlock()
	if n.say == nil {
		return bridges.Receipt{ID: "id-" + o.Key}, nil
	}
	return bridges.Receipt{ID: "id-" + o.Key}, n.say(ctx, k, o)
}

func (n *net) Find(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookups++
	return bridges.Receipt{ID: "found-" + o.Key}, n.find
}

// said gives what was tried so far, in order.
func (n *net) said() []try {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.tries)
}

func (n *net) texts() []string {
	var out []string
	for _, t := range n.said() {
		out = append(out, t.Text)
	}
	return out
}

// rig is an outbox at work between two networks: "irc", whose room #desk hears
// what the test says, and "other".
type rig struct {
	*Outbox
	t          *testing.T
	store      *store.Store
	irc, other *net
	matrix     *hostNet // nil where a test needs no rooms
	path       string
	own        map[bridges.Room]int
	away       map[Place]bool
	log        *bytes.Buffer
	asks       string // what #desk may hear at most
	direct     string // what a direct message may hear at most
	calendar   []incidents.ScheduleRule
	step       func(string) // between any two steps of the store
}

// bubble runs a test in a bubble of its own, in which time is the test's.
func bubble(t *testing.T, fn func(r *rig)) {
	t.Helper()
	bubbleWith(t, fn)
}

// hosted is bubble with a third network, "matrix", where rooms can be made.
func hosted(t *testing.T, fn func(r *rig)) {
	t.Helper()
	bubbleWith(t, fn, func(r *rig, c *Config) {
		r.matrix = newHostNet()
		c.Bridges = append(c.Bridges, r.matrix)
		c.Desks = append(c.Desks, Place{"matrix", "!desk"})
		c.Handle = func(n int) string { return incidents.HandleOf("INC", n) }
		c.Away = func(p Place) bool { return r.away[p] }
		c.Made = func(room bridges.Room, n int) { r.own[room] = n }
	})
}

func bubbleWith(t *testing.T, fn func(r *rig), more ...func(*rig, *Config)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, log: &bytes.Buffer{}, asks: "notice", direct: "notice", own: map[bridges.Room]int{}, away: map[Place]bool{}, step: func(string) {}}
		r.irc, r.other = &net{name: "irc", began: time.Now()}, &net{name: "other", began: time.Now()}
		r.path = filepath.Join(dir, "t.db")
		plan, err := templates.ReadPlan(templates.Builtin(), "plans/pillow/plan.toml")
		r.must(err)
		r.calendar, plan.Schedules = plan.Schedules, nil // tests of something else hear nothing of it
		r.store, err = store.Open(t.Context(), r.path, store.Options{
			Prefix: "INC", Now: bubbleClock{}.Now, Plan: func() *incidents.Plan { return plan },
			Failpoint: func(step string) { r.step(step) },
		})
		r.must(err)
		defer r.store.Close()
		book, err := templates.NewBook()
		r.must(err)
		c := Config{
			Store: r.store, Book: book, Plan: func() *incidents.Plan { return plan }, Roster: r.roster(), Clock: bubbleClock{},
			Rooms: r.rooms, Desks: []Place{{"irc", "#desk"}}, Bridges: []bridges.Bridge{r.irc, r.other},
			Log: slog.New(slog.NewTextHandler(r.log, nil)),
		}
		for _, m := range more {
			m(r, &c)
		}
		r.Outbox = New(c)
		fn(r)
	})
}

func (r *rig) roster() incidents.Roster {
	var people []incidents.Person
	zone := time.FixedZone("", 12*3600) // where it is noon when a test begins: nobody sleeps
	for _, name := range []string{"alice", "bob"} {
		people = append(people, incidents.Person{Name: name, Zone: zone, Accounts: []incidents.Account{
			{Network: "irc", ID: name}, {Network: "other", ID: name}, {Network: "matrix", ID: mxid(name)},
		}})
	}
	people = append(people, incidents.Person{Name: "carol", Zone: zone, Accounts: []incidents.Account{{Network: "matrix", ID: mxid("carol")}}})
	return incidents.NewRoster(people...)
}

func (r *rig) rooms(room bridges.Room) incidents.Grant {
	if room.Network == "matrix" {
		switch n := r.own[room]; {
		case room.Direct:
			return incidents.Grant{Network: incidents.OnMatrix, Asks: r.direct, Direct: true}
		case room.ID == "!desk":
			return incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Desk: true}
		case n != 0:
			return incidents.Grant{Network: incidents.OnMatrix, Asks: "full", Incident: n}
		}
		return incidents.Grant{Asks: "none"}
	}
	if room.Direct {
		return incidents.Grant{Network: incidents.OnIRC, Asks: r.direct, Direct: true}
	}
	return incidents.Grant{Network: incidents.OnIRC, Asks: r.asks, Desk: true}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) do(fn func(tx *store.Tx) error) {
	r.t.Helper()
	r.must(r.store.Update(context.Background(), fn))
}

// queue adds answers that are about no incident.
func (r *rig) queue(network string, keys ...string) {
	r.t.Helper()
	r.do(func(tx *store.Tx) error {
		for _, k := range keys {
			err := tx.Queue(store.Row{
				Key: k, Kind: "say", Network: network, Room: "#desk", Asker: "alice", Template: "trouble",
				Facts: incidents.Facts{"network": network, "told": k},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// open keeps an incident whose report came that long ago.
func (r *rig) open(ago time.Duration) (i incidents.Incident) {
	r.t.Helper()
	r.do(func(tx *store.Tx) error {
		n, handle, codename, err := tx.NextIncident()
		if err != nil {
			return err
		}
		o := incidents.Opening{
			N: n, Handle: handle, Codename: codename, Title: incidents.Seal("the sealed title"),
			Reported: incidents.When{At: tx.Now().Add(-ago), Zone: "UTC"},
		}
		var entries []incidents.Entry
		if i, entries, err = incidents.OpenIncident(*r.c.Plan(), o, "alice", tx.Now()); err == nil {
			i, err = tx.Add(i, entries...)
		}
		return err
	})
	return i
}

// waiting gives in how long a row of a network is tried next, when one waits.
func (r *rig) waiting(network string) (out []string) {
	r.t.Helper()
	r.do(func(tx *store.Tx) error {
		at, err := tx.NextDue(network, nil)
		if err == nil && !at.IsZero() {
			out = append(out, fmt.Sprint(time.Until(at).Round(time.Second)))
		}
		return err
	})
	return out
}

// run works until the test ends what it gives back.
func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	return func() { cancel(); <-done }
}

// is compares what was said.
func (r *rig) is(what string, got []string, want ...string) {
	r.t.Helper()
	if len(got) != len(want) {
		r.t.Fatalf("%s: got %q, want %q", what, got, want)
	}
	for k := range want {
		if !strings.Contains(got[k], want[k]) {
			r.t.Errorf("%s, line %d: got %q, want %q", what, k+1, got[k], want[k])
		}
	}
}

var errBroken = errors.New("the connection broke in the middle") // never written to
