package matrix

import (
	"context"
	"strconv"
	"sync"

	"maunium.net/go/mautrix/id"
)

// queues are lines of work, one for each room: in a room one after the other, and
// no room waits for another.
type queues struct {
	ctx context.Context

	mu     sync.Mutex
	rooms  map[id.RoomID][]func(context.Context)
	closed bool
	at     sync.WaitGroup
}

func newQueues(ctx context.Context) *queues {
	return &queues{ctx: ctx, rooms: map[id.RoomID][]func(context.Context){}}
}

// add queues work. A room has a goroutine as long as it has work.
func (q *queues) add(room id.RoomID, work func(context.Context)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.ctx.Err() != nil {
		return
	}
	line, busy := q.rooms[room]
	q.rooms[room] = append(line, work)
	if !busy {
		q.at.Go(func() { q.work(room) })
	}
}

func (q *queues) work(room id.RoomID) {
	for {
		q.mu.Lock()
		line := q.rooms[room]
		if len(line) == 0 || q.ctx.Err() != nil {
			delete(q.rooms, room)
			q.mu.Unlock()
			return
		}
		next := line[0]
		line[0] = nil
		q.rooms[room] = line[1:]
		q.mu.Unlock()
		next(q.ctx)
	}
}

// wait waits until nobody works any more, after ctx ended.
func (q *queues) wait() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.at.Wait()
}

// recent remembers the last so many ids.
type recent struct {
	mu   sync.Mutex
	ids  map[string]struct{}
	list []string
	next int
}

func newRecent(n int) *recent {
	return &recent{ids: make(map[string]struct{}, n), list: make([]string, n)}
}

func (r *recent) has(s string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.ids[s]
	return ok
}

func (r *recent) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.ids[s]; ok {
		return
	}
	delete(r.ids, r.list[r.next])
	r.list[r.next], r.ids[s] = s, struct{}{}
	r.next = (r.next + 1) % len(r.list)
}

// parseInt reads a number that we wrote; 0 when it is none.
func parseInt(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
