package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/bridges"
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
	roster    incidents.Roster
	plan      *incidents.Plan
	grants    map[bridges.Room]incidents.Grant // rooms of the configuration
	direct    map[string]incidents.Grant       // what a direct message may hear, by network
	approve   func(network string) bool
	desks     []commands.Place
	clock     outbox.Clock
	log       *slog.Logger
	failpoint func(step string)
	random    func([]byte)
	opened    func(context.Context, *store.Store) error // before anything is done with the file; may be nil
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
}

// newApp opens the store and puts a bot together; close ends it.
func newApp(ctx context.Context, p parts, bs ...bridges.Bridge) (*app, error) {
	book, err := templates.NewBook()
	if err != nil {
		return nil, err
	}
	plan := func() *incidents.Plan { return p.plan }
	st, err := store.Open(ctx, p.dbPath, store.Options{
		Prefix: p.prefix, Now: p.clock.Now, Rehearsal: p.rehearsal, Plan: plan, Failpoint: p.failpoint, Random: p.random,
	})
	if err != nil {
		return nil, err
	}
	a := &app{p: p, store: st, bridges: map[string]bridges.Bridge{}}
	for _, b := range bs {
		a.bridges[b.Network()] = b
	}
	a.desk = &commands.Desk{
		Store: st, Plan: plan, Roster: p.roster, Book: book, Desks: p.desks, Prefix: p.prefix,
		Approve: p.approve, Table: commands.Table(), Log: p.log, Ignored: a.ignored.add, Most: a.most,
	}
	places := make([]outbox.Place, len(p.desks))
	for i, d := range p.desks {
		places[i] = outbox.Place(d)
	}
	a.outbox = outbox.New(outbox.Config{
		Store: st, Book: book, Plan: plan, Roster: p.roster, Clock: p.clock, Rooms: a.grant,
		Desks: places, Bridges: bs, Log: p.log, Failpoint: p.failpoint,
	})
	a.desk.Interrupt = a.outbox.Interrupt
	if p.opened != nil {
		err = p.opened(ctx, st)
	}
	if err == nil {
		err = a.reckon(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return a, nil
}

// reckon derives the clocks of open incidents again when the plan is another
// one than they were last reckoned with, and says so.
func (a *app) reckon(ctx context.Context) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Mend(); err != nil {
			return err
		}
		n, err := tx.Reckon(a.p.plan.Hash)
		if err != nil || n == 0 {
			return err
		}
		return a.outbox.TellIn(tx, "plan", "plan-changed", incidents.Facts{"n": n})
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
	concerns, prove := a.desk.Concerns(m)
	if !concerns {
		return nil
	}
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

// Event deals with what happened to a bridge.
func (a *app) Event(ctx context.Context, e bridges.Event) {
	switch e.Kind {
	case bridges.Up:
		a.p.log.Info("up", "network", e.Network)
		a.outbox.Up(ctx, e.Network)
	case bridges.Down:
		a.p.log.Warn("down", "network", e.Network, "reason", e.Told)
	case bridges.Trouble:
		a.p.log.Warn("trouble", "network", e.Network, "room", e.Room.ID, "what", e.Told)
		a.outbox.Tell(ctx, "trouble/"+e.Network+"/"+e.Room.ID, "trouble", incidents.Facts{"network": e.Network, "told": e.Told})
	case bridges.Changed: // a proof is made anew for every row
	}
}

// serve runs the outbox and every bridge until ctx ends or a bridge gives up.
func (a *app) serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { a.outbox.Run(ctx) })
	wg.Go(func() { a.ignored.report(ctx, a.p.log) })
	errs := make(chan error, len(a.bridges))
	for _, b := range a.bridges {
		wg.Go(func() {
			err := b.Run(ctx, a)
			if err != nil {
				err = fmt.Errorf("%s: %w", b.Network(), err)
			}
			errs <- err
			stop() // a bridge returns only when it is to end, or cannot go on
		})
	}
	wg.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}

// counts counts the lines that got no answer, by reason, without their text.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[why]++
}

// report logs the counts once an hour, when there are any.
func (c *counts) report(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		for why, n := range c.n {
			log.Info("lines got no answer", "why", why, "count", n)
		}
		c.n = nil
		c.mu.Unlock()
	}
}
