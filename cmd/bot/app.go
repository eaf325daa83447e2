package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/github"
	"tocsin/cmd/bot/config"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// parts is what a bot is put together from.
type parts struct {
	dbPath    string
	rehearsal bool
	prefix    string
	project   string // as people write it; "": the plan's name
	roster    incidents.Roster
	plan      *incidents.Plan
	grants    map[bridges.Room]incidents.Grant // rooms of the configuration
	direct    map[string]incidents.Grant       // what a direct message may hear, by network
	approve   func(network string) bool
	desks     []commands.Place
	maxAge    map[string]time.Duration // how old a line that changes something may be, by network; absent: any age
	roomsFor  map[string][]string      // the levels whose incidents get a room of their own, by network
	clock     outbox.Clock
	log       *slog.Logger
	failpoint func(step string)
	random    func([]byte)
	letters   letters                                   // makes mail; the zero value: plain, from whom people say
	pretend   bool                                      // outside leads nowhere
	outside   map[string]way                            // how something is sent to people outside, by incidents.Ways; absent: not at all
	opened    func(context.Context, *store.Store) error // before anything is done with the file; may be nil
	index     outbox.Index                              // where releases are looked up; nil: they are noted as live by hand
	every     time.Duration                             // how often
	github    *watched                                  // the repository whose advisories are watched; nil: none
	checks    func(*app) []check                        // what a doctor looks at; nil: what there is of a rehearsal
}

// app is the bot: store, commands and outbox around the bridges.
type app struct {
	p       parts
	store   *store.Store
	desk    *commands.Desk
	outbox  *outbox.Outbox
	bridges map[string]bridges.Bridge
	inOrder bool // answers are said before the next line is read: the console
	ignored counts
	own     ownRooms
	slow    time.Duration // after which a sign says that an answer takes long; 0: never
	looks   looks
	noticed noticed
	hook    *github.Hook // where GitHub says that there is news; nil: it is only asked
}

// newApp opens the store and puts a bot together; close ends it.
func newApp(ctx context.Context, p parts, bs ...bridges.Bridge) (*app, error) {
	book, err := templates.NewBook()
	if err != nil {
		return nil, err
	}
	if p.letters.keys == nil {
		if p.letters, err = newLetters(config.Mail{}, p.clock.Now); err != nil {
			return nil, err
		}
	}
	plan := func() *incidents.Plan { return p.plan }
	st, err := store.Open(ctx, p.dbPath, store.Options{
		Prefix: p.prefix, Now: p.clock.Now, Rehearsal: p.rehearsal, Plan: plan, Failpoint: p.failpoint, Random: p.random,
	})
	if err != nil {
		return nil, err
	}
	a := &app{p: p, store: st, bridges: map[string]bridges.Bridge{}}
	var hosts []string
	for _, b := range bs {
		a.bridges[b.Network()] = b
		if _, ok := b.(bridges.Host); ok {
			hosts = append(hosts, b.Network())
		}
	}
	a.desk = &commands.Desk{
		Store: st, Plan: plan, Roster: p.roster, Book: book, Desks: p.desks, Prefix: p.prefix,
		Approve: p.approve, Table: commands.Table(), Log: p.log, Ignored: a.ignored.add, Most: a.most, Hosts: hosts,
		RoomsFor: func(network string) []string { return p.roomsFor[network] },
		MaxAge:   func(network string) time.Duration { return p.maxAge[network] }, Looks: p.index != nil,
		Rehearsal: p.pretend, Ways: p.way, Letters: p.letters.envelope, RoomNames: p.roomNames(), GitHub: p.github.access(),
	}
	places := make([]outbox.Place, len(p.desks))
	for i, d := range p.desks {
		places[i] = outbox.Place(d)
	}
	a.outbox = outbox.New(outbox.Config{
		Store: st, Book: book, Plan: plan, Roster: p.roster, Clock: p.clock, Rooms: a.grant,
		Desks: places, Bridges: bs, Log: p.log, Failpoint: p.failpoint,
		Handle: func(n int) string { return incidents.HandleOf(p.prefix, n) }, Made: a.own.put, Away: a.own.away,
		Makers: map[string]func(incidents.Facts) (*bridges.File, error){
			"ics": appointment(cmp.Or(p.project, p.plan.Name)), "eml": p.letters.file,
		},
		Couriers: p.couriers(),
	})
	a.desk.Interrupt = a.outbox.Interrupt
	if p.index != nil {
		a.outbox.AskIndex(p.index, p.every)
	}
	checks := rehearsalChecks(p.dbPath, p.rehearsal, p.clock.Now)
	if p.checks != nil {
		checks = p.checks(a)
	}
	a.outbox.AskDoctor(newDoctor(checks))
	if p.github != nil {
		err = a.onGitHub(ctx, p.log)
	}
	if p.opened != nil && err == nil {
		err = p.opened(ctx, st)
	}
	if err == nil {
		err = errors.Join(a.own.load(ctx, st), a.reckon(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if p.index != nil {
		a.outbox.Up(ctx, store.Index) // what was looked up when the bot ended is looked up at once
	}
	return a, nil
}

// reckon derives the clocks of open incidents again when the plan is another
// one than they were last reckoned with, and says so.
func (a *app) reckon(ctx context.Context) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		if err := errors.Join(tx.Mend(), tx.Listen(), a.tellRestored(tx)); err != nil {
			return err
		}
		n, stopped, err := tx.Reckon(a.p.plan.Hash)
		if err != nil || n == 0 {
			return err
		}
		lost := []incidents.Facts{}
		for _, s := range stopped {
			lost = append(lost, incidents.Facts{"handle": incidents.HandleOf(a.p.prefix, s.Incident), "clocks": incidents.Seal(strings.Join(s.Clocks, ", "))})
		}
		return a.outbox.TellIn(tx, "plan", "plan-changed", incidents.Facts{"n": n, "lost": lost})
	})
}

func (a *app) close() error { return a.store.Close() }

// grant gives what the configuration lets a room hear.
func (a *app) grant(r bridges.Room) incidents.Grant {
	if r.Direct {
		g := a.p.direct[r.Network]
		g.Direct = true
		return g
	}
	if g, ok := a.p.grants[r]; ok {
		return g
	}
	if n := a.own.incident(r); n != 0 {
		return incidents.Grant{Network: a.p.direct[r.Network].Network, Asks: "full", Incident: n}
	}
	return incidents.Grant{Asks: "none"}
}

// most gives how many answers may wait for one person on a network.
func (a *app) most(network string) int {
	if b := a.bridges[network]; b != nil {
		return b.Limits().Most
	}
	return 0
}

// Message obeys a message, when it is a command of somebody on the roster, and
// returns when its effects are on disk.
func (a *app) Message(ctx context.Context, m bridges.Message) error {
	if m.Upload != nil {
		return a.uploaded(ctx, m)
	}
	concerns, prove := a.desk.Concerns(m)
	if !concerns {
		a.notice(ctx, m)
		return nil
	}
	dealt := a.watch(ctx, m)
	defer dealt()
	return a.obey(ctx, a.line(ctx, m, prove))
}

// line gives a message with what is known of its room, which is proven where that is
// asked for.
func (a *app) line(ctx context.Context, m bridges.Message, prove bool) commands.Line {
	line := commands.Line{Message: m, Grant: a.grant(m.Room)}
	proof := outbox.Unproven(m.Room)
	if prove {
		got, err := a.bridges[m.Room.Network].Prove(ctx, m.Room)
		if err != nil {
			// Nothing is known of the room: it is judged by that.
			a.p.log.Warn("a room could not be proven", "network", m.Room.Network, "error", err.Error())
		} else {
			proof = got
		}
	}
	line.Proof = outbox.Evidence(a.p.roster, proof)
	return line
}

func (a *app) obey(ctx context.Context, line commands.Line) error {
	m := line.Message
	if err := a.desk.Handle(ctx, line); err != nil {
		a.p.log.Error("a message was not dealt with", "network", m.Room.Network, "message", m.ID, "error", err.Error())
		return err
	}
	if a.inOrder {
		return a.outbox.Drain(ctx)
	}
	a.outbox.Kick()
	return nil
}

// Touch notes what was done to a message that was said before.
func (a *app) Touch(ctx context.Context, t bridges.Touch) error {
	if err := a.desk.Touch(ctx, t); err != nil {
		a.p.log.Error("a touch was not dealt with", "network", t.Room.Network, "touch", t.ID, "error", err.Error())
		return err
	}
	if a.inOrder {
		return a.outbox.Drain(ctx)
	}
	a.outbox.Kick()
	return nil
}

// Keep keeps what a network has to know after a restart.
func (a *app) Keep(ctx context.Context, network string, values map[string]string) error {
	return a.store.Update(ctx, func(tx *store.Tx) error { return tx.Keep(network, values) })
}

// Kept gives what a network kept.
func (a *app) Kept(ctx context.Context, network, prefix string) (out map[string]string, err error) {
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		out, err = tx.Kept(network, prefix)
		return err
	})
	return out, err
}

// slow is how long somebody waits for an answer before a sign says that it is on
// its way.
const slow = time.Second

// serve runs the outbox and every bridge until ctx ends or no bridge is left: one
// that gives up does not silence the others, which say so.
func (a *app) serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.slow = slow
	var wg sync.WaitGroup
	wg.Go(func() { a.outbox.Run(ctx) })
	wg.Go(func() { a.ignored.report(ctx, a.p.log) })
	if a.hook != nil {
		wg.Go(func() { a.hear(ctx) })
	}
	for name, w := range a.p.outside {
		if w.learn != nil {
			wg.Go(func() { w.keepLearning(ctx, name, a.p.log) })
		}
	}
	errs := make(chan error, len(a.bridges))
	var left atomic.Int32
	left.Store(int32(len(a.bridges)))
	for _, b := range a.bridges {
		wg.Go(func() {
			err := b.Run(ctx, a)
			if err != nil {
				err = fmt.Errorf("%s: %w", b.Network(), err)
			}
			errs <- err
			if left.Add(-1) == 0 || err == nil {
				stop()
				return
			}
			a.p.log.Error("a network cannot go on", "network", b.Network(), "error", err.Error())
			a.outbox.Tell(ctx, "ended/"+b.Network(), "trouble", incidents.Facts{
				"network": b.Network(), "told": "I cannot go on there until I am started anew; my log says why.",
			})
		})
	}
	wg.Wait()
	a.looks.wait.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}
