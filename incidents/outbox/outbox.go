// Package outbox is the bot's only mouth and only hand: it takes rows that are
// due, proves the room, puts them into words at the clearance of that moment,
// gives them to the network, and writes down what became of them.
//
// It knows no command and no rule of the plan; what a row is about it asks the
// store and package incidents.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// Clock is the time, which a rehearsal can move, and a timer on it.
type Clock interface {
	Now() time.Time
	// After gives a channel that is ready when the clock reaches t, and a
	// function that gives it up.
	After(t time.Time) (<-chan time.Time, func())
}

// Hand acts on one kind of row. Its error wraps bridges.ErrNotSent,
// bridges.ErrRefused or neither: then nobody knows what became of it, and Find
// is asked before it is tried again.
type Hand interface {
	Do(ctx context.Context, r store.Row) (id string, err error)
	Find(ctx context.Context, r store.Row) (id string, err error)
}

// Rooms says what the configuration knows of a room.
type Rooms func(bridges.Room) incidents.Grant

// Place is a room where reminders are said.
type Place struct{ Network, Room string }

// Config is what an outbox works with.
type Config struct {
	Store     *store.Store
	Book      *templates.Book
	Plan      func() *incidents.Plan
	Roster    incidents.Roster
	Clock     Clock
	Rooms     Rooms
	Handle    func(incident int) string
	Desks     []Place
	Bridges   []bridges.Bridge
	Log       *slog.Logger
	Made      func(r bridges.Room, incident int) // a room was made for an incident; may be nil
	Away      func(Place) bool                   // whether the bot is not in a desk at the moment; may be nil
	Failpoint func(step string)                  // tests: called between any two steps

	// Makers make the files that rows ask for by the fact "maker", from facts that were
	// opened for the room.
	Makers   map[string]func(incidents.Facts) (*bridges.File, error)
	Couriers map[string]Courier // who takes texts to people outside, by way; a way without one sends nothing
}

// Outbox says and does what is due.
type Outbox struct {
	c     Config
	hands map[string]Hand
	lanes map[string]*lane
	order []*lane    // as the bridges were given
	ring  sync.Mutex // one at a time makes rows of rungs

	struck time.Time // when that was done last; guarded by ring
	told   notices
}

// New makes an outbox with one lane for each network: a network that hangs
// holds up no other.
func New(c Config) *Outbox {
	if c.Failpoint == nil {
		c.Failpoint = func(string) {}
	}
	o := &Outbox{c: c, hands: map[string]Hand{}, lanes: map[string]*lane{}}
	for _, b := range c.Bridges {
		l := newLane(o, b.Network(), b)
		o.lanes[b.Network()], o.order = l, append(o.order, l)
	}
	for _, way := range incidents.Ways() { // also one that was switched off: what is queued for it has to end
		l := newLane(o, store.Lane(way), nil)
		o.lanes[l.name], o.order = l, append(o.order, l)
	}
	o.hands["say"], o.hands["room"], o.hands["board"] = sayHand{o}, roomHand{o}, boardHand{o}
	o.hands["invite"], o.hands["remove"] = inviteHand{o}, removeHand{o}
	o.hands[store.Carry] = carryHand{o}
	return o
}

// Register gives the hand that acts on a kind of row.
func (o *Outbox) Register(kind string, h Hand) { o.hands[kind] = h }

// Lane adds a lane for rows that go to no chat network: what hangs there holds up no
// room. It is called before Run.
func (o *Outbox) Lane(name string) {
	l := newLane(o, name, nil)
	o.lanes[name], o.order = l, append(o.order, l)
}

// Run works until ctx ends.
func (o *Outbox) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range o.lanes {
		wg.Go(func() { l.run(ctx) })
	}
	wg.Wait()
}

// Kick makes every lane look at once.
func (o *Outbox) Kick() {
	for _, l := range o.lanes {
		l.wake()
	}
}

// Interrupt ends what is being said at the moment: somebody may hear less from
// now on. What was cut off is judged and said anew.
func (o *Outbox) Interrupt() {
	for _, l := range o.order {
		if l.bridge != nil { // what is on its way outside is not judged by who reads, and cut off in the middle nobody knows where it is
			l.interrupt()
		}
	}
}

// Up makes the waiting rows of a network due: it can say things again.
func (o *Outbox) Up(ctx context.Context, network string) {
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error { return tx.Hurry(network) })
	if err != nil {
		o.c.Log.Error("hurrying what waits", "network", network, "error", err.Error())
	}
	if l := o.lanes[network]; l != nil {
		l.wake()
	}
}

// Drain works off what is due now, one row after the other in order, and returns
// when nothing is left that can be tried now. It is for the console, which
// answers in order.
func (o *Outbox) Drain(ctx context.Context) error {
	for {
		worked := 0
		for _, l := range o.order {
			n, err := l.drain(ctx)
			worked += n
			if err != nil {
				return err
			}
		}
		if worked == 0 {
			return nil
		}
	}
}

// Next gives when something is due next; the zero time when nothing is.
func (o *Outbox) Next(ctx context.Context) (time.Time, error) { return o.next(ctx, o.order...) }

// next gives when one of these lanes has something to do next. A lane asks for
// itself only: what another one is busy with is no reason to wake.
func (o *Outbox) next(ctx context.Context, lanes ...*lane) (time.Time, error) {
	var next time.Time
	taken := make([][]string, len(lanes))
	for i, l := range lanes {
		taken[i] = l.taken()
	}
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error {
		var err error
		next, err = tx.NextRung()
		if err != nil {
			return err
		}
		strike, err := tx.NextStrike()
		if err != nil {
			return err
		}
		back, err := tx.NextReturn()
		if err != nil {
			return err
		}
		next = sooner(sooner(next, strike), back)
		for i, l := range lanes {
			at, err := tx.NextDue(l.name, taken[i])
			if err != nil {
				return err
			}
			next = sooner(next, at)
		}
		return nil
	})
	return next, err
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// places gives where something about an incident, or about none, is told: in the
// desks, and in the incident's own room.
func (o *Outbox) places(tx *store.Tx, incident int) ([]Place, error) {
	out := slices.Clone(o.c.Desks)
	if incident == 0 {
		return out, nil
	}
	own, ok, err := tx.RoomOf(incident)
	if ok {
		out = append(out, Place{own.Network, own.ID})
	}
	return out, err
}

// Backoff gives how long to wait after a row's n-th try: 1, 2, 4 ... 64 minutes.
func Backoff(n int) time.Duration {
	return time.Minute << min(max(n-1, 0), 6)
}

// act tries one row: the try is written down first, its result afterwards.
func (o *Outbox) act(ctx context.Context, r store.Row) error {
	h := o.hands[r.Kind]
	if h == nil {
		return fmt.Errorf("row %d is of kind %q, which nobody acts on", r.ID, r.Kind)
	}
	unknown := r.State == store.Unknown || r.Trying
	err := o.c.Store.Update(ctx, func(tx *store.Tx) error { return tx.Trying(r.ID, tx.Now().Add(Backoff(r.Tries+1))) })
	if err != nil {
		return err
	}
	o.c.Failpoint("tried")
	if unknown {
		id, err := h.Find(ctx, r)
		var end *store.Ended
		switch {
		case err == nil:
			return o.finish(r, store.Sent, id, "")
		case errors.As(err, &end):
			return o.finish(r, end.State, "", end.Why)
		case errors.Is(err, bridges.ErrNoTrace):
			unknown, r.Trying = false, false // nothing arrived: this is no repeat
		case errors.Is(err, bridges.ErrCantSay):
			r.Trying = true // the words say that it is a repeat
		default:
			return o.again(r, store.Unknown, err)
		}
	}
	r.State = store.Due
	id, err := h.Do(ctx, r)
	o.c.Failpoint("done")
	var end *store.Ended
	switch {
	case err == nil:
		return o.finish(r, store.Sent, id, "")
	case errors.As(err, &end):
		return o.finish(r, end.State, "", end.Why)
	case errors.Is(err, store.ErrLater):
		return o.c.Store.Update(context.Background(), func(tx *store.Tx) error { return tx.TryAgain(r.ID, store.Due, "") })
	case errors.Is(err, bridges.ErrRefused):
		return o.finish(r, store.Refused, "", err.Error())
	case errors.Is(err, bridges.ErrNotSent):
		state := store.Due
		if unknown && r.Trying {
			state = store.Unknown // this try did not arrive; an earlier one may have
		}
		return o.again(r, state, err)
	default:
		return o.again(r, store.Unknown, err)
	}
}

func (o *Outbox) finish(r store.Row, state, id, why string) error {
	if state == store.Refused {
		o.c.Log.Warn("a network refused a row", "network", r.Network, "row", r.ID, "reason", why)
	}
	// What happened has happened, also when the bot is being stopped.
	return o.c.Store.Update(context.Background(), func(tx *store.Tx) error { return tx.Finish(r.ID, state, id, why) })
}

func (o *Outbox) again(r store.Row, state string, cause error) error {
	o.c.Log.Info("a row waits", "network", r.Network, "row", r.ID, "state", state, "tries", r.Tries+1, "error", cause.Error())
	return o.c.Store.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.TryAgain(r.ID, state, cause.Error()); err != nil {
			return err
		}
		if t := (*Trouble)(nil); errors.As(cause, &t) {
			return tx.NotBefore(r.ID, t.Later)
		}
		return nil
	})
}
