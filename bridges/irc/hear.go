package irc

import (
	"slices"
	"strconv"
	"time"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// floodQuiet is how long the desk is not told again that somebody sends too much.
const floodQuiet = 10 * time.Minute

// hear decides whether a line is a message that an account has said. The account
// must be on this very line, put there by the server; nothing that was known
// before counts, and neither do nick and host.
func (l *link) hear(e *girc.Event) {
	if e.Command != girc.PRIVMSG || e.Source == nil || len(e.Params) != 2 {
		return
	}
	l.mu.Lock()
	m, why := l.message(e)
	l.mu.Unlock()
	if why == "" && !l.b.first(m.ID) {
		why = "seen before"
	}
	if why != "" {
		l.b.dropped.drop(l.cfg.Name, why)
		return
	}
	if !l.b.inbox.message(m) {
		l.b.dropped.drop(l.cfg.Name, "too many at once")
		if l.b.mayTell("flood "+m.From.ID, floodQuiet) {
			l.b.event(bridges.Trouble, bridges.Room{}, cleanName(m.From.ID)+" on "+l.cfg.Name+
				" sends more than can be dealt with; the rest of it is dropped.")
		}
	}
}

// message makes the Message, or says why there is none.
func (l *link) message(e *girc.Event) (m bridges.Message, why string) {
	account, ok := e.Tags.Get("account")
	if !l.ready || !l.trusted() {
		return m, "not logged in ourselves"
	}
	if !ok || account == "" {
		return m, "no account"
	}
	if l.cfg.Speakers != nil && !slices.ContainsFunc(l.cfg.Speakers, func(s string) bool { return ascii.fold(s) == ascii.fold(account) }) {
		return m, "not on the roster" // they take no place in the queue
	}
	if _, ok := e.Tags.Get("batch"); ok {
		return m, "replayed" // history, playback, or a line whose account is elsewhere
	}
	if _, ok := e.Tags.Get("draft/relaymsg"); ok {
		return m, "relayed"
	}
	m = bridges.Message{
		From: bridges.Account{Network: l.cfg.Name, ID: ascii.fold(account)},
		Name: cleanName(e.Source.Name),
		Text: e.Params[1],
		At:   time.Now().UTC(),
	}
	if sent, ok := e.Tags.Get("time"); ok {
		at, err := time.Parse("2006-01-02T15:04:05.999Z", sent)
		if err != nil || time.Since(at).Abs() > l.cfg.Tuning.Skew {
			return m, "not sent just now"
		}
		m.At = at.UTC()
	}
	if r := l.rooms[l.casemap.fold(e.Params[0])]; r != nil {
		m.Room = l.place(r)
	} else if l.sameNick(e.Params[0], l.nick) {
		m.Room = bridges.Room{Network: l.cfg.Name, ID: m.From.ID, Direct: true}
	} else {
		return m, "not to us"
	}
	m.ID, _ = e.Tags.Get("msgid")
	if m.ID == "" {
		m.ID = l.nonce + "-" + strconv.Itoa(l.count())
	}
	l.lastNick[m.From.ID] = e.Source.Name
	return m, ""
}
