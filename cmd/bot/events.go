package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
	"tocsin/incidents/store"
)

// Event deals with what happened to a bridge.
func (a *app) Event(ctx context.Context, e bridges.Event) {
	room := e.Room != bridges.Room{}
	switch e.Kind {
	case bridges.Up:
		a.p.log.Info("up", "network", e.Network, "room", e.Room.ID)
		if room {
			a.own.back(e.Room)
			a.look(ctx, e.Room)
		}
		a.outbox.Up(ctx, e.Network)
	case bridges.Down:
		a.p.log.Warn("down", "network", e.Network, "room", e.Room.ID, "reason", e.Told)
		if room {
			a.own.gone(e.Room)
		}
	case bridges.Trouble:
		a.p.log.Warn("trouble", "network", e.Network, "room", e.Room.ID, "what", e.Told)
		sum := sha256.Sum256([]byte(e.Told)) // several may come in one moment
		key, f := fmt.Sprintf("trouble/%s/%s/%x", e.Network, e.Room.ID, sum[:4]), incidents.Facts{"network": e.Network, "told": e.Told}
		if n := a.own.incident(e.Room); n != 0 {
			f["incident"], f["told"] = incidents.HandleOf(a.p.prefix, n), incidents.Seal(e.Told)
			a.outbox.TellAbout(ctx, n, key, "room/trouble", f)
			return
		}
		a.outbox.Tell(ctx, key, "trouble", f)
	case bridges.Changed:
		a.look(ctx, e.Room)
	case bridges.Joined:
		a.board(ctx, e.Room, fmt.Sprintf("joined/%d", e.At.UnixMilli()), e.Who) // not who: a guest can be forgotten, a key is kept
	case bridges.Moved:
		a.board(ctx, e.Room, fmt.Sprintf("moved/%d", e.At.UnixMilli()), bridges.Account{})
		a.look(ctx, e.Room)
	case bridges.Unreadable:
		a.outbox.Unreadable(ctx, e)
	}
}

// board has the board of an incident's room posted anew: who just came cannot
// read the one that is there. For a stranger it is not.
func (a *app) board(ctx context.Context, r bridges.Room, reason string, who bridges.Account) {
	n := a.own.incident(r)
	if n == 0 {
		return
	}
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		guests, err := tx.Guests(n)
		_, known := a.p.roster.ByAccount(incidents.Account(who))
		if err != nil || !(known || who.ID == "" || slices.Contains(guests, incidents.Account(who))) {
			return err
		}
		return tx.QueueBoard(n, reason, true)
	})
	if err != nil {
		a.p.log.Error("a board was not queued", "network", r.Network, "error", err.Error())
	}
	a.outbox.Kick()
}

// looks are the rooms that are being looked at, so that a burst of changes costs
// one look after the one that is under way.
type looks struct {
	mu   sync.Mutex
	wait sync.WaitGroup
	busy map[bridges.Room]bool // true: it changed again meanwhile
}

// look proves a room that changed, without holding up what comes in.
func (a *app) look(ctx context.Context, r bridges.Room) {
	if a.inOrder {
		a.outbox.Look(ctx, r)
		return
	}
	a.looks.mu.Lock()
	defer a.looks.mu.Unlock()
	if _, ok := a.looks.busy[r]; ok {
		a.looks.busy[r] = true
		return
	}
	if a.looks.busy == nil {
		a.looks.busy = map[bridges.Room]bool{}
	}
	a.looks.busy[r] = false
	ctx = context.WithoutCancel(ctx) // the change may come with one row's try, and outlive it; the bridge ends with the bot
	a.looks.wait.Go(func() {
		for again := true; again; {
			a.outbox.Look(ctx, r)
			a.looks.mu.Lock()
			again = a.looks.busy[r]
			a.looks.busy[r] = false
			if !again {
				delete(a.looks.busy, r)
			}
			a.looks.mu.Unlock()
		}
	})
}

// watch puts a sign on a message whose answer takes long, where the network has
// signs. What it gives is called when the message was dealt with: one that was not
// heard then gets no answer, and no sign.
func (a *app) watch(ctx context.Context, m bridges.Message) (dealt func()) {
	host, ok := a.bridges[m.Room.Network].(bridges.Host)
	if !ok || a.slow == 0 {
		return func() {}
	}
	var over atomic.Bool
	time.AfterFunc(a.slow, func() {
		if ctx.Err() != nil {
			return
		}
		was := over.Load()
		var heard, waits bool
		err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
			heard, waits, err = tx.Answered(m.Room.Network, m.ID, commands.AnswerKey(m))
			return err
		})
		if err == nil && (waits || !heard && !was) {
			err = host.Working(ctx, m.Room, m.ID)
		}
		if err != nil && ctx.Err() == nil {
			a.p.log.Info("a sign was not put on a message", "network", m.Room.Network, "message", m.ID, "error", err.Error())
		}
	})
	return func() { over.Store(true) }
}

// ownRooms are the rooms that were made for incidents, and the desks that the bot
// is not in at the moment. They are asked for within transactions, so they are
// held here.
type ownRooms struct {
	mu    sync.Mutex
	of    map[bridges.Room]int
	apart map[bridges.Room]bool
}

// load reads the rooms of incidents.
func (o *ownRooms) load(ctx context.Context, st *store.Store) error {
	var all []store.Room
	err := st.Update(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Rooms()
		return err
	})
	for _, r := range all {
		o.put(bridges.Room{Network: r.Network, ID: r.ID}, r.Incident)
	}
	return err
}

func (o *ownRooms) put(r bridges.Room, incident int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = map[bridges.Room]int{}
	}
	o.of[bridges.Room{Network: r.Network, ID: r.ID}] = incident
}

// incident gives which incident a room was made for, or 0.
func (o *ownRooms) incident(r bridges.Room) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.of[r]
}

func (o *ownRooms) gone(r bridges.Room) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.apart == nil {
		o.apart = map[bridges.Room]bool{}
	}
	o.apart[r] = true
}

func (o *ownRooms) back(r bridges.Room) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.apart, r)
}

// away reports whether the bot is not in a desk.
func (o *ownRooms) away(p outbox.Place) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.apart[bridges.Room{Network: p.Network, ID: p.Room}]
}
