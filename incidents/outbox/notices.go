package outbox

import (
	"context"
	"fmt"
	"slices"
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
	heard bool                 // the desk was told, and not yet that it is over
	times int                  // how often it was told something
	now   string               // the state of the room; "" when nothing is wrong
	told  map[string]time.Time // when each state was told last
}

// quiet is how long the same is not told again about a room.
const quiet = 10 * time.Minute

// news reports whether a room's state is worth telling: that it got worse, by a
// word that it did not have, or that what was told is over. The number is another
// one each time.
func (n *notices) news(r bridges.Room, state string, at time.Time) (number int, tell, over bool) {
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
	tell = worse(state, t.now) && (!before || at.Sub(last) >= quiet)
	over = state == "" && t.heard
	if tell {
		t.told[state] = at
		t.heard = true
	}
	if over {
		t.heard = false
	}
	if tell || over {
		t.times++
	}
	t.now = state
	n.told[r] = t
	return t.times, tell, over
}

// worse reports whether a state has a word that another one has not.
func worse(state, than string) bool {
	have := strings.Fields(than)
	return slices.ContainsFunc(strings.Fields(state), func(w string) bool { return !slices.Contains(have, w) })
}

// tellDesk says once in the desks that a room lost its clearance, why, and how
// to mend it.
func (o *Outbox) tellDesk(ctx context.Context, r store.Row, v incidents.Verdict) {
	if v.Grant.Asks != "full" || r.Direct || (v.Grant.Incident != 0 && v.Grant.Incident != r.Incident) {
		return // an incident's own room hears of no other, and lost nothing by that
	}
	state := ""
	if !v.Clearance.Full() {
		state = "lowered"
		for _, c := range v.Failed() {
			state += " " + c.Name
		}
		if v.Grant.Network == incidents.OnMatrix { // elsewhere a stranger who changes nick is no news
			state += " " + strings.Join(v.Strangers, " ")
		}
	}
	room := incidents.Facts{"room": r.Network + " " + r.Room, "incident": "", "own": false}
	if v.Grant.Incident != 0 {
		room["room"], room["incident"] = r.Network, o.c.Handle(v.Grant.Incident)
	}
	number, tell, over := o.told.news(roomOf(r), state, o.c.Clock.Now())
	if over {
		o.tellOf(ctx, v.Grant.Incident, fmt.Sprintf("raised/%s/%s/%d", r.Network, r.Room, number), "room-raised", same(room))
	}
	if !tell {
		return
	}
	var mend []string
	for _, c := range v.Failed() {
		if c.Mend != "" {
			mend = append(mend, strings.TrimSuffix(c.Mend, "."))
		}
	}
	plain, sealed := []incidents.Facts{}, []incidents.Facts{}
	for _, name := range v.Strangers {
		plain = append(plain, incidents.Facts{"name": name})
		sealed = append(sealed, incidents.Facts{"name": incidents.Seal(name)})
	}
	// Who found their way into a room may be a reporter: in that room everybody sees
	// them anyway, elsewhere they are named to those only who may hear everything.
	here := room.With("own", true).With("why", v.Why).With("mend", strings.Join(mend, "; ")).With("intruders", plain)
	there := room.With("why", incidents.Seal(v.Why)).With("mend", incidents.Seal(strings.Join(mend, "; "))).With("intruders", sealed)
	o.tellOf(ctx, v.Grant.Incident, fmt.Sprintf("lowered/%s/%s/%d", r.Network, r.Room, number), "room-lowered", func(p Place) incidents.Facts {
		if p == (Place{r.Network, r.Room}) {
			return here
		}
		return there
	})
}

// same gives every room the same facts.
func same(f incidents.Facts) func(Place) incidents.Facts {
	return func(Place) incidents.Facts { return f }
}

// tellOf is Tell for what concerns the room of an incident, or a desk (0): that an
// incident has a room is not for those who may not hear that it exists.
func (o *Outbox) tellOf(ctx context.Context, incident int, key, template string, f func(Place) incidents.Facts) {
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error { return o.tell(tx, incident, key, template, f) })
	if err != nil {
		o.c.Log.Error("telling the desk", "error", err.Error())
	}
	o.Kick()
}

// Look proves a room whose people or settings changed, so that the desk hears at
// once when it is not private any more, and not only when something is said there.
func (o *Outbox) Look(ctx context.Context, room bridges.Room) {
	l, grant := o.lanes[room.Network], o.c.Rooms(room)
	if l == nil || grant.Asks != "full" || room.Direct {
		return
	}
	proof, err := l.bridge.Prove(ctx, room)
	if err != nil {
		if ctx.Err() == nil {
			o.c.Log.Warn("a room could not be proven", "network", room.Network, "error", err.Error())
		}
		return
	}
	row := store.Row{Network: room.Network, Room: room.ID, Incident: grant.Incident}
	var v incidents.Verdict
	err = o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		v, err = o.verdict(tx, row, proof)
		return err
	})
	if err != nil {
		o.c.Log.Error("judging a room", "error", err.Error())
		return
	}
	o.tellDesk(ctx, row, v)
}

// Tell queues something that the desks should hear of the bot itself: nothing
// about an incident. The key and the moment make it one row.
func (o *Outbox) Tell(ctx context.Context, key, template string, f incidents.Facts) {
	o.tellOf(ctx, 0, key, template, same(f))
}

// TellAbout is Tell for what concerns an incident: its facts may be sealed.
func (o *Outbox) TellAbout(ctx context.Context, incident int, key, template string, f incidents.Facts) {
	o.tellOf(ctx, incident, key, template, same(f))
}

// TellIn is Tell in the transaction of what is told: no crash comes between.
func (o *Outbox) TellIn(tx *store.Tx, key, template string, f incidents.Facts) error {
	return o.tell(tx, 0, key, template, same(f))
}

func (o *Outbox) tell(tx *store.Tx, incident int, key, template string, f func(Place) incidents.Facts) error {
	places, err := o.places(tx, incident)
	if err != nil {
		return err
	}
	for _, p := range places {
		row := store.Row{
			Key:  fmt.Sprintf("tell/%s/%d/%s/%s", key, tx.Now().UnixMilli(), p.Network, p.Room),
			Kind: "say", Network: p.Network, Room: p.Room, Tone: int(bridges.Alert), Template: template, Facts: f(p), Incident: incident,
			Harmless: incident == 0 && template != "plan-changed" && template != "restored", // which say that there are incidents
		}
		if err := tx.Queue(row); err != nil {
			return err
		}
		if err := o.directly(tx, p, row); err != nil {
			return err
		}
	}
	return nil
}

// directly queues a row for everybody of a desk's network as well, when the bot is
// not in that desk.
func (o *Outbox) directly(tx *store.Tx, p Place, row store.Row) error {
	if o.c.Away == nil || !o.c.Away(p) {
		return nil
	}
	suspended, err := tx.Suspended()
	if err != nil {
		return err
	}
	for _, person := range o.c.Roster.People() {
		accounts := o.accounts(p.Network, person.Name)
		if len(accounts) == 0 || suspended[person.Name] {
			continue
		}
		own := row
		own.Key, own.Room, own.Direct = row.Key+"/"+accounts[0].ID, accounts[0].ID, true
		if err := tx.Queue(own); err != nil {
			return err
		}
	}
	return nil
}

// Unreadable says in a room, once for each cause, that a message there cannot be
// read, and who has to send it again.
func (o *Outbox) Unreadable(ctx context.Context, e bridges.Event) {
	p, ok := o.c.Roster.ByAccount(incidents.Account(e.Who))
	if !ok {
		return
	}
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error {
		suspended, err := tx.Suspended()
		if err != nil || suspended[p.Name] {
			return err
		}
		return tx.Queue(store.Row{
			Key: fmt.Sprintf("unreadable/%s/%s/%s", e.Network, e.Room.ID, e.Once), Kind: "say", Network: e.Network,
			Room: e.Room.ID, Direct: e.Room.Direct, ReplyTo: e.Message, Tone: int(bridges.Answer),
			Template: "unreadable", Facts: incidents.Facts{"person": p.Name}, Mentions: []string{p.Name}, Harmless: true,
		})
	})
	if err != nil {
		o.c.Log.Error("telling that a message cannot be read", "error", err.Error())
	}
	o.Kick()
}
