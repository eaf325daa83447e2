package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// counts counts the lines that got no answer, by reason, without their text.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[why]++
}

// report logs the counts once an hour, when there are any.
func (c *counts) report(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		for why, n := range c.n {
			log.Info("lines got no answer", "why", why, "count", n)
		}
		c.n = nil
		c.mu.Unlock()
	}
}
