package main

import (
	"sync/atomic"
	"time"
)

// clock is the time of day, moved by an offset that only a rehearsal sets.
type clock struct{ offset atomic.Int64 }

// Now gives the bot's time.
func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())).UTC() }

// After gives a channel that is ready when the clock reaches t. Moving the
// clock does not make it ready: who moves it wakes the others.
func (c *clock) After(t time.Time) (<-chan time.Time, func()) {
	timer := time.NewTimer(t.Sub(c.Now()))
	return timer.C, func() { timer.Stop() }
}

// moveTo sets the clock forward to t; never back.
func (c *clock) moveTo(t time.Time) {
	if d := t.Sub(c.Now()); d > 0 {
		c.offset.Add(int64(d))
	}
}
