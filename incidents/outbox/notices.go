package outbox

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// notices remembers what the desk was told about a room, so that it is told
// once for each change, and not again and again when a room goes to and fro.
type notices struct {
	mu   sync.Mutex
	told map[bridges.Room]telling
}

type telling struct {
	now  string               // the state of the room; "" when nothing is wrong
	told map[string]time.Time // when each state was told last
}

// quiet is how long the same is not told again about a room.
const quiet = 10 * time.Minute

// news reports whether a room's state is worth telling.
func (n *notices) news(r bridges.Room, state string, at time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told == nil {
		n.told = map[bridges.Room]telling{}
	}
	t, ok := n.told[r]
	if !ok {
		t.told = map[string]time.Time{}
	}
	last, before := t.told[state]
	tell := t.now != state && state != "" && (!before || at.Sub(last) >= quiet)
	if tell {
		t.told[state] = at
	}
	t.now = state
	n.told[r] = t
	return tell
}

// tellDesk says once in the desks that a room lost its clearance, why, and how
// to mend it.
func (o *Outbox) tellDesk(ctx context.Context, r store.Row, v incidents.Verdict) {
	if v.Grant.Asks != "full" || r.Direct || (v.Grant.Incident != 0 && v.Grant.Incident != r.Incident) {
		return // an incident's own room hears of no other, and lost nothing by that
	}
	state := ""
	if !v.Clearance.Full() {
		state = "lowered" // not why: a stranger who changes nick is no news
		for _, c := range v.Failed() {
			state += " " + c.Name
		}
	}
	if !o.told.news(roomOf(r), state, o.c.Clock.Now()) {
		return
	}
	var mend []string
	for _, c := range v.Failed() {
		if c.Mend != "" {
			mend = append(mend, strings.TrimSuffix(c.Mend, "."))
		}
	}
	f := incidents.Facts{"room": r.Network + " " + r.Room, "why": v.Why, "mend": strings.Join(mend, "; ")}
	o.Tell(ctx, "lowered/"+r.Network+"/"+r.Room, "room-lowered", f)
}

// Tell queues something that the desks should hear of the bot itself: nothing
// about an incident. The key and the moment make it one row.
func (o *Outbox) Tell(ctx context.Context, key, template string, f incidents.Facts) {
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error { return o.TellIn(tx, key, template, f) })
	if err != nil {
		o.c.Log.Error("telling the desk", "error", err.Error())
	}
	o.Kick()
}

// TellIn is Tell in the transaction of what is told: no crash comes between.
func (o *Outbox) TellIn(tx *store.Tx, key, template string, f incidents.Facts) error {
	for _, p := range o.c.Desks {
		err := tx.Queue(store.Row{
			Key:  fmt.Sprintf("tell/%s/%d/%s/%s", key, tx.Now().UnixMilli(), p.Network, p.Room),
			Kind: "say", Network: p.Network, Room: p.Room, Tone: int(bridges.Alert), Template: template, Facts: f,
			Harmless: template != "plan-changed", // which says that there are incidents
		})
		if err != nil {
			return err
		}
	}
	return nil
}
