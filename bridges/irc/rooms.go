package irc

import (
	"time"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// tryJoin sends a JOIN when it is time for one.
func (l *link) tryJoin(r *room, now time.Time) {
	if r.asking && now.Sub(r.since) > l.cfg.Tuning.Register {
		r.asking, r.settled = false, true
		r.next = now.Add(l.cfg.Tuning.JoinBase)
	}
	if r.entering && now.Sub(r.since) > l.cfg.Tuning.Register {
		l.entered(r) // the server does not say who is there
	}
	if r.joined || r.asking || now.Before(r.next) {
		return
	}
	r.asking, r.since = true, now
	line := "JOIN " + r.Name
	if r.Key != "" {
		line += " " + r.Key
	}
	l.control(line)
}

// joinRefused takes a numeric that says no to a JOIN of ours.
func (l *link) joinRefused(e *girc.Event) {
	r := l.rooms[l.casemap.fold(e.Params[1])]
	if r == nil || !r.asking || r.joined || e.Command == "404" {
		return
	}
	t := l.cfg.Tuning
	wait := t.JoinMax
	if r.refused < 16 {
		wait = min(t.JoinBase<<r.refused, t.JoinMax)
	}
	r.asking, r.settled = false, true
	r.refused++
	r.next = time.Now().Add(wait)
	l.b.trouble("join "+r.Name, l.place(r), "We cannot get into "+r.Name+" on "+l.cfg.Name+": "+because(e.Command)+
		" We keep trying.")
	l.up()
}

// because says why a channel does not let us in.
func because(numeric string) string {
	switch numeric {
	case "403", "476":
		return "the server says that there can be no such channel; check its name."
	case "405":
		return "we are in too many channels."
	case "471":
		return "it is full."
	case "473":
		return "it is invite-only; invite our account or put it on the invite list (+I)."
	case "474":
		return "we are banned from it."
	case "475":
		return "its key is not the one in the configuration."
	case "477":
		return "only registered nicks may join, and the server does not count us as one."
	case "489", "490":
		return "only TLS connections may join, and the server does not count ours as one."
	case "437":
		return "it cannot be joined at the moment."
	case "520":
		return "only the network's operators may join."
	}
	return "the server refused it (" + numeric + ")."
}

// kicked notes a KICK. We come back, later each time.
func (l *link) kicked(e *girc.Event) {
	channel, nick := e.Params[0], e.Params[1]
	if !l.sameNick(nick, l.nick) {
		l.left(channel, nick, time.Now())
		return
	}
	r := l.rooms[l.casemap.fold(channel)]
	if r == nil || !r.joined {
		return
	}
	t, now := l.cfg.Tuning, time.Now()
	if now.Sub(r.since) > t.JoinMax {
		r.kicks = 0
		l.b.settle("kick " + r.Name)
	}
	wait := t.Kicked[min(r.kicks, len(t.Kicked)-1)]
	r.kicks++
	l.left(channel, nick, now)
	r.next = now.Add(wait)
	l.b.trouble("kick "+r.Name, l.place(r), "We were kicked from "+r.Name+" on "+l.cfg.Name+" by "+
		cleanName(e.Source.Name)+"; next try to come back in "+wait.String()+".")
}

// invited follows an invitation to a configured channel from an account that may
// invite us. Everybody else's is ignored without a word.
func (l *link) invited(e *girc.Event) {
	if len(e.Params) < 2 || !l.sameNick(e.Params[0], l.nick) {
		return
	}
	r := l.rooms[l.casemap.fold(e.Params[1])]
	account, ok := e.Tags.Get("account")
	if r == nil || r.joined || !ok || account == "" || !l.ready {
		return
	}
	for _, who := range l.cfg.InviteFrom {
		if ascii.fold(who) == ascii.fold(account) {
			r.asking, r.next = false, time.Time{}
			l.tryJoin(r, time.Now())
			return
		}
	}
}

// room finds a configured channel.
func (l *link) room(r bridges.Room) *room { return l.rooms[l.casemap.fold(r.ID)] }
