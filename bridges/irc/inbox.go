package irc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tocsin/bridges"
)

// inbox is the queue between what the server sends and what the bot does with
// it, so that reading never waits for the bot.
type inbox struct {
	wake chan struct{}

	mu    sync.Mutex
	items []item
	lost  int
}

// item is a message or an event.
type item struct {
	message *bridges.Message
	event   *bridges.Event
}

const inboxSize = 2048

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// message queues a message; when far too many wait it is lost, and counted.
func (q *inbox) message(m bridges.Message) {
	q.mu.Lock()
	if len(q.items) >= inboxSize {
		q.lost++
	} else {
		q.items = append(q.items, item{message: &m})
	}
	q.mu.Unlock()
	q.ring()
}

// event queues an event. A Changed for a room replaces one that still waits: five
// hundred people who join at once are one change.
func (q *inbox) event(e bridges.Event) {
	q.mu.Lock()
	defer q.ring()
	defer q.mu.Unlock()
	if e.Kind == bridges.Changed {
		for _, old := range q.items {
			if old.event != nil && old.event.Kind == e.Kind && old.event.Room == e.Room {
				return
			}
		}
	}
	q.items = append(q.items, item{event: &e})
}

func (q *inbox) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *inbox) next() (item, int, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lost := q.lost
	q.lost = 0
	if len(q.items) == 0 {
		return item{}, lost, false
	}
	one := q.items[0]
	q.items = q.items[1:]
	return one, lost, true
}

// feed hands the queue to the bot, one after the other, until ctx ends.
func (q *inbox) feed(ctx context.Context, in bridges.Inbox, log *slog.Logger) {
	for ctx.Err() == nil {
		one, lost, ok := q.next()
		if lost > 0 {
			log.Warn("irc: more messages came than could be dealt with", "lost", lost)
		}
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

// deliver tries a message a few times: the server will not send it again.
func deliver(ctx context.Context, in bridges.Inbox, log *slog.Logger, m bridges.Message) {
	wait := 200 * time.Millisecond
	for range 4 {
		err := in.Message(ctx, m)
		if err == nil {
			return
		}
		log.Warn("irc: a message was not dealt with", "id", m.ID, "why", err)
		if !sleep(ctx, wait) {
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
