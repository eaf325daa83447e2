package irc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tocsin/bridges"
)

// inbox is the queue between what the server sends and what the bot does with
// it, so that reading never waits for the bot. Each account has a line of its own
// and they take turns: nobody's flood keeps the others from being heard.
type inbox struct {
	wake chan struct{}

	mu     sync.Mutex
	events []bridges.Event
	lines  map[string][]bridges.Message // by account
	turns  []string                     // accounts that wait, in the order of their turns
}

// item is a message or an event.
type item struct {
	message *bridges.Message
	event   *bridges.Event
}

// perAccount is how many lines of one account may wait.
const perAccount = 50

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), lines: map[string][]bridges.Message{}}
}

// message queues a message; false when too many of that account wait already.
func (q *inbox) message(m bridges.Message) bool {
	q.mu.Lock()
	defer q.ring()
	defer q.mu.Unlock()
	waiting := q.lines[m.From.ID]
	if len(waiting) >= perAccount {
		return false
	}
	if len(waiting) == 0 {
		q.turns = append(q.turns, m.From.ID)
	}
	q.lines[m.From.ID] = append(waiting, m)
	return true
}

// event queues an event. A Changed for a room replaces one that still waits: five
// hundred people who join at once are one change.
func (q *inbox) event(e bridges.Event) {
	q.mu.Lock()
	defer q.ring()
	defer q.mu.Unlock()
	if e.Kind == bridges.Changed {
		for _, old := range q.events {
			if old.Kind == e.Kind && old.Room == e.Room {
				return
			}
		}
	}
	q.events = append(q.events, e)
}

func (q *inbox) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next gives what is to be dealt with next: events first, then the accounts in
// turn.
func (q *inbox) next() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) > 0 {
		e := q.events[0]
		q.events = q.events[1:]
		return item{event: &e}, true
	}
	if len(q.turns) == 0 {
		return item{}, false
	}
	who := q.turns[0]
	q.turns = q.turns[1:]
	m := q.lines[who][0]
	if q.lines[who] = q.lines[who][1:]; len(q.lines[who]) > 0 {
		q.turns = append(q.turns, who)
	} else {
		delete(q.lines, who)
	}
	return item{message: &m}, true
}

// feed hands the queue to the bot, one after the other, until ctx ends.
func (q *inbox) feed(ctx context.Context, in bridges.Inbox, log *slog.Logger) {
	for ctx.Err() == nil {
		one, ok := q.next()
		switch {
		case !ok:
			select {
			case <-q.wake:
			case <-ctx.Done():
			}
		case one.event != nil:
			in.Event(ctx, *one.event)
		default:
			deliver(ctx, in, log, *one.message)
		}
	}
}

// tries is how often a message is offered to the bot.
const tries = 3

// deliver tries a message a few times: the server will not send it again.
func deliver(ctx context.Context, in bridges.Inbox, log *slog.Logger, m bridges.Message) {
	wait := 200 * time.Millisecond
	for try := range tries {
		err := in.Message(ctx, m)
		if err == nil {
			return
		}
		log.Warn("irc: a message was not dealt with", "id", m.ID, "why", err)
		if try == tries-1 || !sleep(ctx, wait) {
			return
		}
		wait *= 4
	}
}

// counter counts what is dropped and says so now and then, without a word of it.
type counter struct {
	log   *slog.Logger
	every time.Duration

	mu    sync.Mutex
	n     map[string]int
	since time.Time
	total int
}

func (c *counter) drop(network, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[why]++
	c.total++
	if time.Since(c.since) < c.every {
		return
	}
	c.since = time.Now()
	for reason, n := range c.n {
		c.log.Info("irc: lines that nobody may be taken to have said", "network", network, "why", reason, "lines", n)
	}
	c.n = nil
}

// sum is how many were dropped in all.
func (c *counter) sum() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}
