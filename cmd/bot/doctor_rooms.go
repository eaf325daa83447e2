package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/matrix"
	"tocsin/cmd/bot/config"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
)

// visitFor is how long it may take to come to an IRC network, look and leave: servers
// look a newcomer's name up, and services take their time.
const visitFor = 30 * time.Second

// networkChecks gives what is looked at of the chat networks.
func (p patient) networkChecks() []check {
	var out []check
	for _, n := range p.c.Matrix {
		net := p.networkOf(n.Name)
		out = append(out,
			check{what: "device on " + n.Name, look: func(ctx context.Context) []incidents.Finding { return p.device(ctx, n) }},
			check{what: "accounts on " + n.Name, look: func(ctx context.Context) []incidents.Finding { return p.accounts(ctx, n) }})
		for _, r := range net.places() {
			prove := net.bridge.Prove
			if !p.inside {
				prove = p.fromOutside(n)
			}
			out = append(out, p.roomCheck(net, r, prove))
		}
	}
	for _, n := range p.c.IRC {
		net := p.networkOf(n.Name)
		switch {
		case p.inside:
			var seen witnesses
			for _, r := range net.places() {
				out = append(out, p.roomCheck(net, r, seen.watch(net.bridge.Prove)))
			}
			out = append(out, check{what: "accounts on " + n.Name, look: func(ctx context.Context) []incidents.Finding {
				for _, r := range net.places() {
					_, _ = seen.watch(net.bridge.Prove)(ctx, r) // who is there is what it is asked for
				}
				return one(p.seen(n, &seen))
			}})
		case p.beside:
			out = append(out, check{what: "rooms on " + n.Name, look: func(context.Context) []incidents.Finding {
				return one(incidents.Find("room-asks", incidents.FindingUnknown, "network", n.Name))
			}})
		default:
			out = append(out, check{
				what: "rooms on " + n.Name, way: "start the bot, and say !doctor in the desk", last: visitFor,
				look: func(ctx context.Context) []incidents.Finding { return p.visit(ctx, n, net) },
			})
		}
	}
	return out
}

func (p patient) networkOf(name string) network {
	for _, n := range p.ns {
		if n.name == name {
			return n
		}
	}
	return network{name: name}
}

// places lists the rooms of the configuration, in order.
func (n network) places() []bridges.Room {
	return slices.SortedFunc(maps.Keys(n.rooms), func(a, b bridges.Room) int { return cmp.Compare(a.ID, b.ID) })
}

// prover is Prove of a bridge, or of who looks from outside.
type prover func(context.Context, bridges.Room) (bridges.Proof, error)

func (p patient) roomCheck(net network, r bridges.Room, prove prover) check {
	return check{what: "room " + roomTitle(r), way: "say !room there", look: func(ctx context.Context) []incidents.Finding {
		return p.room(ctx, net, r, prove)
	}}
}

// fromOutside proves rooms of a Matrix network without being the bot.
func (p patient) fromOutside(n config.Matrix) prover {
	return func(ctx context.Context, r bridges.Room) (bridges.Proof, error) {
		l, err := matrix.NewLook(matrixConfig(p.c, n, p.log))
		if err != nil {
			return bridges.Proof{}, err
		}
		defer l.Close()
		return l.Prove(ctx, r)
	}
}

func roomTitle(r bridges.Room) string { return r.ID + " on " + r.Network }

// room judges a room as it is now, by the same rule that says what it hears. Where
// there is no login, that is told of the device.
func (p patient) room(ctx context.Context, net network, r bridges.Room, prove prover) []incidents.Finding {
	suspended, err := p.suspended(ctx)
	if err != nil {
		return one(incidents.FindNoProof(roomTitle(r)))
	}
	proof, err := prove(ctx, r)
	switch {
	case errors.Is(err, matrix.ErrLogin):
		return nil
	case err != nil:
		return one(incidents.FindNoProof(roomTitle(r)))
	}
	evidence := outbox.Evidence(p.c.Roster(), proof)
	return one(incidents.FindRoom(roomTitle(r), incidents.Clear(net.rooms[r], evidence, incidents.All, func(who string) bool { return suspended[who] })))
}

// device looks whether the homeserver knows the bot's device.
func (p patient) device(ctx context.Context, n config.Matrix) []incidents.Finding {
	problem, why, state := "", "", incidents.FindingOK
	l, err := matrix.NewLook(matrixConfig(p.c, n, p.log))
	if err != nil {
		problem = "none"
	} else {
		defer l.Close()
		if err = l.Device(ctx); errors.Is(err, matrix.ErrLogin) {
			problem = "refused"
		} else if err != nil {
			problem, why = "away", err.Error()
		}
	}
	if problem != "" {
		state = incidents.FindingFail
	}
	return one(incidents.Find("device", state, "network", n.Name, "problem", problem, "why", why))
}

// accountsOn gives whose account is which on a network.
func accountsOn(c *config.Config, network string) map[string]string {
	out := map[string]string{}
	for _, p := range c.People {
		for _, a := range p.Accounts {
			if a.Network == network {
				out[a.ID] = p.Name
			}
		}
	}
	return out
}

// accounts looks what the homeserver knows of the roster's accounts.
func (p patient) accounts(ctx context.Context, n config.Matrix) []incidents.Finding {
	l, err := matrix.NewLook(matrixConfig(p.c, n, p.log))
	if err != nil {
		return nil // the device's own line says why
	}
	defer l.Close()
	who := accountsOn(p.c, n.Name)
	ids := slices.Sorted(maps.Keys(who))
	got, err := l.People(ctx, ids)
	var gone, unsigned, unsure []string
	if err != nil {
		for _, id := range ids {
			unsure = append(unsure, who[id])
		}
		return incidents.FindAccounts(n.Name, nil, nil, unsure, len(ids))
	}
	for _, id := range ids {
		switch got[id] {
		case matrix.Nobody:
			gone = append(gone, who[id])
		case matrix.NoSign:
			unsigned = append(unsigned, who[id])
		case matrix.NotTold:
			unsure = append(unsure, who[id])
		case matrix.Signs:
		}
	}
	return incidents.FindAccounts(n.Name, gone, unsigned, unsure, len(ids))
}

// witnesses are the accounts that were seen in rooms.
type witnesses struct {
	mu   sync.Mutex
	seen map[string]bool
}

// watch notes whom a proof shows.
func (w *witnesses) watch(prove prover) prover {
	return func(ctx context.Context, r bridges.Room) (bridges.Proof, error) {
		proof, err := prove(ctx, r)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.seen == nil {
			w.seen = map[string]bool{}
		}
		for _, m := range proof.Members {
			w.seen[m.Account.ID] = true
		}
		return proof, err
	}
}

// seen says who of an IRC network's roster is in none of the rooms: whether such an
// account exists no server tells in a way that all have.
func (p patient) seen(n config.IRC, w *witnesses) incidents.Finding {
	who := accountsOn(p.c, n.Name)
	var absent []string
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(who)) {
		if !w.seen[id] {
			absent = append(absent, who[id])
		}
	}
	return incidents.FindSeen(n.Name, absent, len(who))
}

// visitor is at a network to look, and hears nothing. There is no bot that could have
// heard it.
type visitor struct {
	up      chan struct{}
	arrived sync.Once

	mu  sync.Mutex
	why string // what kept it away
}

// Message forgets it.
func (*visitor) Message(context.Context, bridges.Message) error { return nil }

// Touch forgets it.
func (*visitor) Touch(context.Context, bridges.Touch) error { return nil }

// Keep keeps nothing: what the bot remembers stays as it is.
func (*visitor) Keep(context.Context, string, map[string]string) error { return nil }

// Kept knows nothing.
func (*visitor) Kept(context.Context, string, string) (map[string]string, error) { return nil, nil }

// Event notes that the network is there, or why it is not.
func (v *visitor) Event(_ context.Context, e bridges.Event) {
	switch {
	case e.Kind == bridges.Up && e.Room == bridges.Room{}:
		v.arrived.Do(func() { close(v.up) })
	case e.Kind == bridges.Trouble && e.Room == bridges.Room{}:
		v.mu.Lock()
		v.why = e.Told
		v.mu.Unlock()
		v.arrived.Do(func() { close(v.up) })
	}
}

// visit comes to an IRC network with the bot's account, proves the rooms, and leaves.
func (p patient) visit(ctx context.Context, n config.IRC, net network) []incidents.Finding {
	here, leave := context.WithCancel(ctx)
	v := &visitor{up: make(chan struct{})}
	var away sync.WaitGroup
	away.Go(func() { _ = net.bridge.Run(here, v) })
	defer away.Wait()
	defer leave()
	select {
	case <-v.up:
	case <-ctx.Done():
		return nil
	}
	v.mu.Lock()
	why := v.why
	v.mu.Unlock()
	if why != "" {
		return one(incidents.Find("reach", incidents.FindingFail, "name", n.Name, "why", why, "let", true))
	}
	out := one(incidents.Find("reach", incidents.FindingOK, "name", n.Name, "why", "", "let", true))
	var seen witnesses
	for _, r := range net.places() {
		out = append(out, p.room(ctx, net, r, seen.watch(net.bridge.Prove))...)
	}
	return append(out, p.seen(n, &seen))
}
