package outbox

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// notices remembers what the desk was told about a room, so that it is told
// once for each change.
type notices struct {
	mu   sync.Mutex
	told map[bridges.Room]string
}

// changed reports whether a room's state is another than the one last told.
func (n *notices) changed(r bridges.Room, now string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told == nil {
		n.told = map[bridges.Room]string{}
	}
	before := n.told[r]
	n.told[r] = now
	return before != now
}

// tellDesk says once in the desks that a room lost its clearance, why, and how
// to mend it.
func (o *Outbox) tellDesk(ctx context.Context, r store.Row, v incidents.Verdict) {
	if v.Grant.Asks != "full" || r.Direct || (v.Grant.Incident != 0 && v.Grant.Incident != r.Incident) {
		return // an incident's own room hears of no other, and lost nothing by that
	}
	state := ""
	if !v.Clearance.Full() {
		state = v.Why
	}
	if !o.told.changed(roomOf(r), state) || state == "" {
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
