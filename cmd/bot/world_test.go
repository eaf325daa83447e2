package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/internal/chattest"
)

// stillClock stands still until it is set.
type stillClock struct{ at time.Time }

func (c *stillClock) Now() time.Time                             { return c.at }
func (c *stillClock) After(time.Time) (<-chan time.Time, func()) { return nil, func() {} }

// weather is what becomes of something that is said on a crashNet.
type weather int

const (
	fair    weather = iota // it arrives
	away                   // surely not sent
	refusal                // refused for good
	lost                   // it does not arrive, and nobody knows
	blurred                // it arrives, and nobody knows
)

// crashNet is a chat network. It outlives the bot and remembers what arrived.
type crashNet struct {
	name    string
	lines   int
	tells   bool // whether it can be asked what arrived
	arrived []bridges.Outgoing
	refused map[string]bool
	next    func() weather // nil: fair
	lowered func() bool    // whether a check of its rooms fails now; nil: none does
	hive    *hive          // where rooms can be made; else nil
}

func (n *crashNet) clone() *crashNet {
	c := *n
	c.arrived, c.refused, c.next, c.hive = slices.Clone(n.arrived), map[string]bool{}, nil, n.hive.clone()
	return &c
}

// texts gives what arrived with a key, in order.
func (n *crashNet) texts(key string) []string {
	var out []string
	for _, o := range n.arrived {
		if o.Key == key {
			out = append(out, o.Text)
		}
	}
	return out
}

// mouth is one life's connection to a network. What a bot does after the
// instant of its crash reaches nobody.
type mouth struct {
	net  *crashNet
	life *life
}

func (m mouth) Network() string        { return m.net.name }
func (m mouth) Limits() bridges.Limits { return bridges.Limits{Lines: m.net.lines} }

func (m mouth) Run(ctx context.Context, _ bridges.Inbox) error {
	<-ctx.Done()
	return nil
}

func (m mouth) Prove(_ context.Context, r bridges.Room) (bridges.Proof, error) {
	p := bridges.Proof{Room: r}
	for _, name := range []string{"tls", "authenticated", "plain", "peer-tls", "secret", "closed", "registered-only", "tls-only", "identified"} {
		p.Checks = append(p.Checks, bridges.Check{Name: name, OK: true, Told: name})
	}
	if m.net.hive != nil {
		return m.net.hive.prove(r), nil
	}
	if m.net.lowered != nil && m.net.lowered() {
		p.Checks[4].OK = false
	}
	for _, name := range []string{"alice", "bob", "carol", "dana"} {
		if !r.Direct || r.ID == name {
			p.Members = append(p.Members, bridges.Member{Account: bridges.Account{Network: m.net.name, ID: name}, Name: name})
		}
	}
	return p, nil
}

var errNobodyKnows = errors.New("the connection broke in the middle") // test data: never written to

func (m mouth) Say(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	if m.life.dead {
		return bridges.Receipt{}, bridges.ErrNotSent
	}
	now := fair
	if m.net.next != nil {
		now = m.net.next()
	}
	switch now {
	case away:
		return bridges.Receipt{}, fmt.Errorf("%w: no connection", bridges.ErrNotSent)
	case refusal:
		m.net.refused[o.Key] = true
		return bridges.Receipt{}, fmt.Errorf("%w: no voice", bridges.ErrRefused)
	case lost:
		return bridges.Receipt{}, errNobodyKnows
	}
	m.net.arrived = append(m.net.arrived, o)
	m.net.hive.hear(o)
	if now == blurred {
		return bridges.Receipt{}, errNobodyKnows
	}
	return bridges.Receipt{ID: o.Key}, nil
}

func (m mouth) Find(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	switch {
	case !m.net.tells:
		return bridges.Receipt{}, bridges.ErrCantSay
	case len(m.net.texts(o.Key)) > 0:
		return bridges.Receipt{ID: o.Key}, nil
	default:
		return bridges.Receipt{}, bridges.ErrNoTrace
	}
}

// life is one run of the bot, from its start to its end or crash.
type life struct {
	app  *app
	path string
	dead bool    // it crashed; what it still does is nobody's
	look *sql.DB // the test's own view of the file, once it looked
}

// end closes the file. A bot that crashed ends as well, but its word on that is
// nobody's.
func (l *life) end() error {
	var err error
	if l.look != nil {
		err = l.look.Close()
	}
	if l.app != nil {
		err = errors.Join(err, l.app.close())
	}
	return err
}

// judge is who a failure is told to: a test, or a check of a property.
type judge interface {
	Helper()
	Error(...any)
	Fatal(...any)
	Fatalf(string, ...any)
}

// world is a bot, its file, and what outlives it: the time and two networks, or
// three. The den hears everything and can tell what arrived; the hall hears
// notices only and cannot tell; the hive is like the den, and has rooms.
type world struct {
	t         judge
	dir       string
	clock     *stillClock
	den, hall *crashNet
	comb      *crashNet // the hive's network; nil where there is none
	plan      *incidents.Plan
	now       *life
	lives     int
	nextFile  string            // what the next life starts on
	waited    map[int]bool      // the waits whose time has passed
	lines     map[string]string // what was said, by message: "!approve" with its code
	steps     int
	fail      func(step string) // called between any two steps; nil: nothing
	ways      map[string]way    // to people outside; nil: none
	irc       bool              // the den is an IRC network, which hears everything where its checks hold
}

func newWorld(t judge, dir string) *world {
	t.Helper()
	return &world{
		t: t, dir: dir, clock: &stillClock{chattest.Start()}, waited: map[int]bool{}, lines: map[string]string{},
		den:  &crashNet{name: "den", tells: true, refused: map[string]bool{}},
		hall: &crashNet{name: "hall", lines: 5, refused: map[string]bool{}},
	}
}

func (w *world) nets() []*crashNet {
	if w.comb != nil {
		return []*crashNet{w.den, w.hall, w.comb}
	}
	return []*crashNet{w.den, w.hall}
}

func (w *world) net(name string) *crashNet {
	for _, n := range w.nets() {
		if n.name == name {
			return n
		}
	}
	return w.hall
}

// newFile names the file of the next life.
func (w *world) newFile() string {
	w.lives++
	return filepath.Join(w.dir, fmt.Sprintf("life-%d", w.lives), "t.db")
}

// start begins a life on a file.
func (w *world) start(path string) error {
	p, err := rehearsalParts(path, &clock{}, quiet())
	if err != nil {
		return err
	}
	if w.plan == nil {
		w.plan = p.plan
	}
	p.plan, p.clock, p.failpoint, p.random = w.plan, w.clock, w.step, unlike
	p.grants, p.direct, p.desks = map[bridges.Room]incidents.Grant{}, map[string]incidents.Grant{}, nil
	kinds := map[string]incidents.Grant{
		"den":  {Network: incidents.OnConsole, Asks: "full", Desk: true},
		"hall": {Network: incidents.OnIRC, Asks: "notice", Desk: true},
		"hive": {Network: incidents.OnMatrix, Asks: "full", Desk: true},
	}
	if w.irc {
		kinds["den"] = incidents.Grant{Network: incidents.OnIRC, Asks: "full", Desk: true}
	}
	if w.ways != nil {
		p.outside = w.ways
	}
	people := p.roster.People()
	w.now = &life{path: path}
	var bs []bridges.Bridge
	for _, n := range w.nets() {
		p.grants[bridges.Room{Network: n.name, ID: "desk"}] = kinds[n.name]
		p.direct[n.name] = incidents.Grant{Network: kinds[n.name].Network, Asks: kinds[n.name].Asks}
		p.desks = append(p.desks, commands.Place{Network: n.name, Room: "desk"})
		for i := range people {
			people[i].Accounts = append(people[i].Accounts, incidents.Account{Network: n.name, ID: people[i].Name})
		}
		bs = append(bs, mouthOf(n, w.now))
	}
	p.roster = incidents.NewRoster(people...)
	p.approve = func(network string) bool { return network != "hall" }
	w.now.app, err = newApp(context.Background(), p, bs...)
	if err == nil {
		w.now.app.inOrder = true
	}
	return err
}

// unlike gives bytes that differ each time, but for the seed of codenames: two
// worlds have the same.
func unlike(p []byte) {
	if len(p) != 8 {
		_, _ = rand.Read(p) // never fails, by its documentation
	}
}

func (w *world) step(name string) {
	if w.fail == nil {
		return
	}
	w.steps++
	if !w.now.dead {
		w.fail(name)
	}
}

// up brings the networks up, as they do after a start, and says what is due.
func (w *world) up() error {
	for _, n := range w.nets() {
		w.now.app.Event(context.Background(), bridges.Event{Kind: bridges.Up, Network: n.name})
	}
	return w.now.app.outbox.Drain(context.Background())
}

func (w *world) stop() {
	if w.now != nil {
		must(w.t, w.now.end())
	}
	w.now = nil
}

// copyFile copies the file as it is on the disk, with its log: what a crash at
// this moment leaves.
func (w *world) copyFile(to string) {
	must(w.t, os.MkdirAll(filepath.Dir(to), 0o700))
	for _, tail := range []string{"", "-wal"} {
		b, err := os.ReadFile(w.now.path + tail)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		must(w.t, err)
		must(w.t, os.WriteFile(to+tail, b, 0o600))
	}
}

func must(t judge, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rows gives the answer to a query, a line for each row.
func (w *world) rows(query string) []string {
	w.t.Helper()
	if w.now.look == nil {
		db, err := sql.Open("sqlite3", "file:"+w.now.path+"?mode=rw")
		must(w.t, err)
		db.SetMaxOpenConns(1)
		w.now.look = db
	}
	rs, err := w.now.look.Query(query)
	must(w.t, err)
	defer rs.Close()
	cols, err := rs.Columns()
	must(w.t, err)
	var out []string
	for rs.Next() {
		vals := make([]any, len(cols))
		ptrs := make([]any, len(cols))
		for i := range vals {
			ptrs[i] = &vals[i]
		}
		must(w.t, rs.Scan(ptrs...))
		out = append(out, strings.TrimSuffix(fmt.Sprintln(vals...), "\n"))
	}
	must(w.t, rs.Err())
	return out
}

// state gives everything that the file holds of incidents, of what people did,
// and of what has to be said, but for what differs from run to run.
func (w *world) state() string {
	w.t.Helper()
	var all []string
	for _, q := range []string{
		`SELECT 'timeline', seq, incident, at, who, kind, plain, text FROM timeline ORDER BY seq`,
		`SELECT 'incident', * FROM incident ORDER BY n`,
		`SELECT 'role', * FROM role ORDER BY incident, role`,
		`SELECT 'personal', incident, seq, field, value FROM personal ORDER BY id`,
		// A lead's silence counts anew when the bot was away for long, so that clock moves.
		`SELECT 'clock', * FROM clock WHERE key <> 'lead' ORDER BY incident, key`,
		`SELECT 'lead clock', incident, runs FROM clock WHERE key = 'lead' ORDER BY incident`,
		`SELECT 'approval', id, asker, act, incident, version, done, done_by FROM approval ORDER BY id`,
		`SELECT 'suspension', * FROM suspension ORDER BY id`,
		`SELECT 'heard', * FROM heard ORDER BY network, id`,
		`SELECT 'room', * FROM room ORDER BY incident`,
		`SELECT 'guest', * FROM guest ORDER BY id`,
		`SELECT 'hearing', * FROM hearing ORDER BY incident, rung, person`,
		`SELECT 'schedule', * FROM schedule ORDER BY key`,
		`SELECT 'presence', * FROM presence ORDER BY person`,
		`SELECT 'away', * FROM away ORDER BY id`,
		`SELECT 'review', * FROM review ORDER BY id`,
		`SELECT 'review here', * FROM review_here ORDER BY review, person`,
		`SELECT 'contact', * FROM contact_check ORDER BY id`,
		`SELECT 'token', * FROM token ORDER BY name`,
		`SELECT 'to say', key FROM outbox WHERE key NOT LIKE '%/direct%' AND key NOT LIKE 'tell/%' AND key NOT LIKE '%/lead/%' ORDER BY key`,
	} {
		all = append(all, w.rows(q)...)
	}
	return strings.Join(all, "\n")
}
