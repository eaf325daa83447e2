package outbox

import (
	"context"
	"sync"
	"time"

	"tocsin/bridges"
	"tocsin/incidents/store"
)

// lane is what goes out on one network, or by one way to people outside. Rows for one
// room are said in order; a room that is slow holds up no other.
type lane struct {
	o      *Outbox
	name   string         // the network's; see store.Lane for a way's
	bridge bridges.Bridge // nil for a way
	kick   chan struct{}

	asking sync.Mutex // one at a time takes rows

	mu   sync.Mutex
	free sync.Cond                  // told when a room is let go
	busy map[string]bool            // rooms whose rows are being worked on, as the store names them
	stop map[int]context.CancelFunc // by row: ends what is being said
}

func newLane(o *Outbox, name string, b bridges.Bridge) *lane {
	l := &lane{o: o, name: name, bridge: b, kick: make(chan struct{}, 1), busy: map[string]bool{}, stop: map[int]context.CancelFunc{}}
	l.free.L = &l.mu
	return l
}

func (l *lane) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// pause is how long a lane waits after an error of the store, which it can do
// nothing about.
const pause = 10 * time.Second

// run works until ctx ends, and then until what was begun is ended.
func (l *lane) run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	for ctx.Err() == nil {
		groups, more, err := l.due(ctx)
		for _, rows := range groups {
			working.Go(func() { l.group(ctx, rows) })
		}
		if !more || err != nil {
			l.sleep(ctx, err) // a room that is let go wakes it
		}
	}
}

// sleep waits until something is due, somebody kicks, or ctx ends.
func (l *lane) sleep(ctx context.Context, err error) {
	now := l.o.c.Clock.Now()
	next := now.Add(time.Hour)
	if err == nil {
		var at time.Time
		if at, err = l.o.next(ctx, l); !at.IsZero() {
			next = sooner(next, at)
		}
	}
	if err != nil && ctx.Err() == nil {
		l.o.c.Log.Error("the outbox cannot work", "network", l.name, "error", err.Error())
		next = now.Add(pause)
	}
	ready, giveUp := l.o.c.Clock.After(next)
	defer giveUp()
	select {
	case <-ctx.Done():
	case <-l.kick:
	case <-ready:
	}
}

// atOnce is how many rows of one room are taken at a time.
const atOnce = 3

// mostDue is how many rows are looked at at a time.
const mostDue = 50

// due makes the rows of the rungs that are due, and takes the rows that are due
// in rooms that nobody works on, grouped by room. Those rooms are taken then. More
// says that there may be others.
func (l *lane) due(ctx context.Context) (groups [][]store.Row, more bool, err error) {
	if err := l.o.strike(ctx); err != nil {
		return nil, false, err
	}
	l.asking.Lock()
	defer l.asking.Unlock()
	taken := l.taken() // a room that is let go meanwhile is asked for the next time
	var rows []store.Row
	err = l.o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.DueRows(l.name, taken, mostDue)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := map[string]int{}
	for _, r := range rows {
		k, ok := at[r.Place()]
		if !ok {
			k = len(groups)
			at[r.Place()] = k
			groups = append(groups, nil)
			l.busy[r.Place()] = true
		}
		if len(groups[k]) == atOnce {
			continue // the rest stays due: what comes meanwhile may be more urgent
		}
		groups[k] = append(groups[k], r)
	}
	return groups, len(rows) == mostDue, nil
}

// taken lists the rooms that are being worked on. It is never asked within a
// transaction: who holds the lock may wait for one.
func (l *lane) taken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]string, 0, len(l.busy))
	for name := range l.busy {
		out = append(out, name)
	}
	return out
}

// group acts on rows of one room in order and lets the room go. An error of the
// store ends it: the rows stay due.
func (l *lane) group(ctx context.Context, rows []store.Row) {
	err := l.act(ctx, rows)
	if err != nil && ctx.Err() == nil {
		l.o.c.Log.Error("the outbox cannot work", "network", l.name, "error", err.Error())
		ready, giveUp := l.o.c.Clock.After(l.o.c.Clock.Now().Add(pause))
		select {
		case <-ready:
		case <-ctx.Done():
		}
		giveUp()
	}
	l.letGo(rows)
	l.wake()
}

func (l *lane) act(ctx context.Context, rows []store.Row) error {
	for _, r := range rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		one, stop := context.WithCancel(ctx)
		l.mu.Lock()
		l.stop[r.ID] = stop
		l.mu.Unlock()
		err := l.o.act(one, r)
		l.mu.Lock()
		delete(l.stop, r.ID)
		l.mu.Unlock()
		if one.Err() != nil && ctx.Err() == nil { // interrupted: it is tried again at once, and before what comes after it
			return l.o.c.Store.Update(ctx, func(tx *store.Tx) error { return tx.AtOnce(r.ID) })
		}
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// interrupt ends what is being said, to have it judged anew.
func (l *lane) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, stop := range l.stop {
		stop()
	}
}

func (l *lane) letGo(rows []store.Row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, rows[0].Place())
	l.free.Broadcast()
}

// drain works off what is due, in this goroutine and in order, and waits for
// what others have begun. It gives how many rows it acted on.
func (l *lane) drain(ctx context.Context) (int, error) {
	n := 0
	groups, _, err := l.due(ctx)
	for _, rows := range groups {
		if err == nil {
			err = l.act(ctx, rows)
			n += len(rows)
		}
		l.letGo(rows)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(groups) == 0 && len(l.busy) > 0 && ctx.Err() == nil {
		l.free.Wait()
	}
	return n, err
}
