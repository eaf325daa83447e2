package main

import (
	"context"
	"sync"
	"time"

	"tocsin/bridges"
	"tocsin/commands"
	"tocsin/incidents"
)

// noticed is when each person was last noted as heard, so that a talk in a room
// costs one write for each person and minute.
type noticed struct {
	mu sync.Mutex
	at map[string]time.Time
}

// news reports whether a person was not noted within the minute before at.
func (n *noticed) news(person string, at time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, ok := n.at[person]; ok && at.Sub(last).Abs() < time.Minute {
		return false
	}
	if n.at == nil {
		n.at = map[string]time.Time{}
	}
	n.at[person] = at
	return true
}

// notice notes that somebody on the roster was heard, who said something that is no
// command. When that fails nothing else does: they will be heard again.
func (a *app) notice(ctx context.Context, m bridges.Message) {
	who, ok := a.p.roster.ByAccount(incidents.Account(m.From))
	at := m.At
	if at.IsZero() {
		at = a.p.clock.Now()
	}
	l := commands.Line{Message: m, Grant: a.grant(m.Room)}
	if !ok || !l.Counts() || !a.noticed.news(who.Name, at) {
		return
	}
	if err := a.desk.Noticed(ctx, l); err != nil {
		a.p.log.Error("that somebody was heard was not noted", "network", m.Room.Network, "message", m.ID, "error", err.Error())
	}
}
