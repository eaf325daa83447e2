package matrix

import (
	"context"
	"sync"
	"time"
)

// How often the position in the sync is written, at most. What was dealt with
// since comes again after a crash, and is known by its ids then.
const (
	tokenBusy = 300 * time.Millisecond // after messages
	tokenIdle = time.Minute            // when nothing came
)

// tokens knows how far the bot has dealt with what the homeserver sent. The
// position that is kept on disk never runs ahead of a message that is not safe.
type tokens struct {
	keep func(ctx context.Context, token string, at time.Time) error

	mu     sync.Mutex
	open   []*batch      // in the order of the responses
	done   *batch        // the newest that may be kept and is not
	wake   chan struct{} // there is something to keep
	shrunk chan struct{} // there is less to deal with
}

// batch is one sync response.
type batch struct {
	t     *tokens
	next  string    // the token that follows it
	at    time.Time // when it came
	left  int       // what is not dealt with
	heard bool      // it had messages
	keys  bool      // it had keys: the token is kept at once
}

func newTokens(keep func(ctx context.Context, token string, at time.Time) error) *tokens {
	return &tokens{keep: keep, wake: make(chan struct{}, 1), shrunk: make(chan struct{}, 1)}
}

// begin adds a response with n things to deal with.
func (t *tokens) begin(next string, at time.Time, n int, keys bool) *batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := &batch{t: t, next: next, at: at, left: n, heard: n > 0, keys: keys}
	t.open = append(t.open, x)
	t.advance()
	return x
}

// finish is that one thing of the response is dealt with.
func (x *batch) finish() {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	x.left--
	x.t.advance()
	ring(x.t.shrunk)
}

// advance moves past what is dealt with.
func (t *tokens) advance() {
	moved := false
	for len(t.open) > 0 && t.open[0].left == 0 {
		x := t.open[0]
		t.open = t.open[1:]
		if t.done != nil { // what was urgent stays so
			x.heard, x.keys = x.heard || t.done.heard, x.keys || t.done.keys
		}
		t.done, moved = x, true
	}
	if moved {
		ring(t.wake)
	}
}

// ring tells whoever waits at a channel, if it is not told yet.
func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// room waits until less than most things are not dealt with: a bot that cannot
// keep up does not take in ever more.
func (t *tokens) room(ctx context.Context, most int) {
	for {
		t.mu.Lock()
		left := len(t.open)
		for _, x := range t.open {
			left += x.left
		}
		t.mu.Unlock()
		if left < most {
			return
		}
		select {
		case <-t.shrunk:
		case <-ctx.Done():
			return
		}
	}
}

// take gives what is to be kept now, or how long to wait for it. Zero is that
// there is nothing.
func (t *tokens) take(last time.Time) (*batch, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == nil {
		return nil, 0
	}
	wait := time.Duration(0)
	switch {
	case t.done.keys:
	case t.done.heard:
		wait = time.Until(last.Add(tokenBusy))
	default:
		wait = time.Until(last.Add(tokenIdle))
	}
	if wait > 0 {
		return nil, wait
	}
	x := t.done
	t.done = nil
	return x, 0
}

// again puts back what could not be kept.
func (t *tokens) again(x *batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == nil {
		t.done = x
	}
}

// run keeps positions until ctx ends.
func (t *tokens) run(ctx context.Context) {
	last := time.Time{}
	for ctx.Err() == nil {
		x, wait := t.take(last)
		if x != nil {
			if t.keep(ctx, x.next, x.at) != nil {
				t.again(x)
				wait = time.Second
			} else {
				last = time.Now()
				continue
			}
		}
		t.sleep(ctx, wait)
	}
}

// last keeps the last position, when nobody works any more.
func (t *tokens) last(ctx context.Context) {
	t.mu.Lock()
	x := t.done
	t.done = nil
	t.mu.Unlock()
	if x != nil {
		_ = t.keep(ctx, x.next, x.at)
	}
}

// sleep waits for something to keep; with a time, not longer than that.
func (t *tokens) sleep(ctx context.Context, d time.Duration) {
	var after <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-t.wake:
	case <-after:
	case <-ctx.Done():
	}
}
