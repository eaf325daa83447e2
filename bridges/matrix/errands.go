package matrix

import (
	"context"
	"sync"
	"time"
)

// errands are things to do on the homeserver that nobody waits for, one after the
// other and again until they are done. They are done by one goroutine, which ends
// when there is nothing left or the context given to open ended.
type errands struct {
	base, limit time.Duration // of waiting before a next try
	most        int           // that may wait, 0 for any number: what is too much is not done

	mu   sync.Mutex
	ctx  context.Context //nolint:containedctx // the session's life, which is what errands are bound to
	todo []*errand
	busy bool
	wake chan struct{}
	wg   sync.WaitGroup
}

// errand is one thing to do. do returns true when it is dealt with.
type errand struct {
	key   string
	at    time.Time
	tries int
	turn  int // counts how often do was replaced
	do    func(ctx context.Context) bool
}

func newErrands(base, limit time.Duration, most int) *errands {
	return &errands{base: base, limit: limit, most: most, wake: make(chan struct{}, 1)}
}

// open lets errands be done until ctx ends. Those from before go on.
func (e *errands) open(ctx context.Context) {
	e.wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ctx = ctx
	e.run()
}

// add puts an errand in. One with the same key takes its place.
func (e *errands) add(key string, do func(ctx context.Context) bool) { e.addAt(key, time.Time{}, do) }

// addAt is add, for later.
func (e *errands) addAt(key string, at time.Time, do func(ctx context.Context) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, old := range e.todo {
		if old.key == key {
			old.do, old.at, old.tries = do, at, 0
			old.turn++
			e.nudge()
			return
		}
	}
	if e.most > 0 && len(e.todo) >= e.most {
		return
	}
	e.todo = append(e.todo, &errand{key: key, at: at, do: do})
	e.run()
	e.nudge()
}

// has says whether an errand waits or is being done.
func (e *errands) has(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, old := range e.todo {
		if old.key == key {
			return true
		}
	}
	return false
}

func (e *errands) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// run begins the work when there is some. The lock is held.
func (e *errands) run() {
	if e.busy || e.ctx == nil || e.ctx.Err() != nil || len(e.todo) == 0 {
		return
	}
	e.busy = true
	ctx := e.ctx
	e.wg.Go(func() { e.work(ctx) })
}

// wait waits until nobody is at work: after the context's end.
func (e *errands) wait() { e.wg.Wait() }

func (e *errands) work(ctx context.Context) {
	for {
		one, pause, ok := e.next(ctx)
		if !ok {
			return
		}
		if one == nil {
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-e.wake:
			case <-ctx.Done():
			}
			timer.Stop()
			continue
		}
		e.mu.Lock()
		do, turn := one.do, one.turn
		e.mu.Unlock()
		done := true
		_ = guarded("an errand", func() { done = do(ctx) })
		e.mu.Lock()
		if turn != one.turn {
			// It was asked for anew meanwhile.
		} else if done {
			e.drop(one)
		} else {
			one.tries++
			one.at = time.Now().Add(backoff(e.base, e.limit, one.tries-1))
		}
		e.mu.Unlock()
	}
}

// next is what is due, or how long until then; false when the work is over.
func (e *errands) next(ctx context.Context) (*errand, time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ctx.Err() != nil || len(e.todo) == 0 {
		e.busy = false
		return nil, 0, false
	}
	now, pause := time.Now(), e.limit
	for _, one := range e.todo {
		if !one.at.After(now) {
			return one, 0, true
		}
		pause = min(pause, one.at.Sub(now))
	}
	return nil, pause, true
}

// drop takes an errand out. The lock is held.
func (e *errands) drop(one *errand) {
	for i, old := range e.todo {
		if old == one {
			e.todo = append(e.todo[:i:i], e.todo[i+1:]...)
			return
		}
	}
}

// cancel takes an errand out that is not needed any more. One that is being done
// is done once.
func (e *errands) cancel(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, old := range e.todo {
		if old.key == key {
			e.drop(old)
			return
		}
	}
}
