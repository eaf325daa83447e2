package irc

import (
	"strconv"
	"strings"
	"time"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// people follows who is where: the membership of the configured channels.
func (l *link) people(e *girc.Event) {
	switch e.Command {
	case "353":
		l.names(e)
	case "366":
		l.namesEnd(e)
	case "354":
		l.whoLine(e)
	case "315":
		l.whoEnd(e)
	}
	if e.Source == nil {
		return
	}
	switch e.Command {
	case girc.JOIN:
		l.joined(e)
	case girc.PART:
		if len(e.Params) > 0 {
			l.left(e.Params[0], e.Source.Name, time.Now())
		}
	case girc.KICK:
		if len(e.Params) > 1 {
			l.kicked(e)
		}
	case girc.QUIT:
		l.quit(e.Source.Name)
	case girc.NICK:
		if len(e.Params) > 0 {
			l.renamed(e.Source.Name, e.Params[0])
		}
	case girc.CAP_ACCOUNT:
		if len(e.Params) > 0 {
			l.accountOf(e.Source.Name, e.Params[0])
		}
	case girc.CAP_CHGHOST:
		if len(e.Params) > 1 && l.sameNick(e.Source.Name, l.nick) {
			l.userhost = e.Params[0] + "@" + e.Params[1]
		}
	case girc.MODE:
		if len(e.Params) == 0 {
			return
		}
		if r := l.rooms[l.casemap.fold(e.Params[0])]; r != nil {
			r.changes++
			if l.b.has("muted " + r.Name) {
				l.b.event(bridges.Up, l.place(r), "The modes of "+r.Name+" changed; we may have our voice back.")
			}
			l.changed(r, "The modes of "+r.Name+" changed.")
		}
	case girc.INVITE:
		l.invited(e)
	}
}

// changed says that a proof of the room made before is stale.
func (l *link) changed(r *room, told string) {
	if r.joined {
		l.b.event(bridges.Changed, l.place(r), told)
	}
}

// joined notes somebody, or ourselves, coming in.
func (l *link) joined(e *girc.Event) {
	if len(e.Params) == 0 {
		return
	}
	r := l.rooms[l.casemap.fold(e.Params[0])]
	if l.sameNick(e.Source.Name, l.nick) {
		l.userhost = e.Source.Ident + "@" + e.Source.Host
		if r == nil {
			if channelName(e.Params[0]) {
				l.control("PART " + e.Params[0]) // pulled into a channel that is not ours to be in
			}
			return
		}
		r.drop()
		r.joined, r.entering, r.refused, r.since = true, true, 0, time.Now()
		l.b.settle("join " + r.Name)
	}
	if r == nil || !r.joined {
		return
	}
	one := r.put(l.casemap, e.Source.Name)
	one.account, one.known = "", false
	if l.caps["extended-join"] && len(e.Params) > 1 {
		l.give(one, e.Params[1], "*")
	}
	l.changed(r, "Somebody joined "+r.Name+".")
}

// entered notes that we are in a channel and know who else is.
func (l *link) entered(r *room) {
	if !r.entering {
		return
	}
	r.entering = false
	if l.upSent {
		l.b.event(bridges.Up, l.place(r), "Back in "+r.Name+".")
	}
	r.settled = true
	l.up()
}

// give sets a member's account; none is how the server writes that there is none.
func (l *link) give(one *member, account, none string) {
	if account == none {
		account = ""
	}
	one.account, one.known = ascii.fold(account), true
}

// names notes who was there when we came.
func (l *link) names(e *girc.Event) {
	if len(e.Params) < 4 {
		return
	}
	r := l.rooms[l.casemap.fold(e.Params[2])]
	if r == nil || !r.joined {
		return
	}
	for word := range strings.FieldsSeq(e.Params[3]) {
		nick := strings.TrimLeft(word, l.prefixes)
		if nick == "" {
			continue
		}
		r.put(l.casemap, nick)
		if l.sameNick(nick, l.nick) {
			r.op = strings.ContainsAny(word[:len(word)-len(nick)], "@&~")
		}
	}
}

// namesEnd asks, once for the whole channel, which accounts its members have.
func (l *link) namesEnd(e *girc.Event) {
	if len(e.Params) < 2 {
		return
	}
	r := l.rooms[l.casemap.fold(e.Params[1])]
	if r == nil || !r.joined || r.asked || r.synced {
		return
	}
	if len(r.members) == 1 && r.op {
		l.b.trouble("empty "+r.Name, l.place(r), r.Name+" on "+l.cfg.Name+
			" was empty when we came, so it has lost its modes and its operators; set them again.")
	} else {
		l.b.settle("empty " + r.Name)
	}
	l.askWho(r)
	if !l.whox {
		l.entered(r)
	}
}

// askWho sends the one WHO for a channel.
func (l *link) askWho(r *room) {
	if l.whox && !r.asked {
		r.asked, r.synced = true, false
		l.control("WHO " + r.Name + " %tna," + l.token(r))
	}
}

// token marks the answers to the WHO for a channel; it has at most three digits.
func (l *link) token(r *room) string {
	for i, one := range l.order {
		if one == r {
			return strconv.Itoa(i%800 + 100)
		}
	}
	return "99"
}

// whoLine takes the account of one member.
func (l *link) whoLine(e *girc.Event) {
	if len(e.Params) != 4 {
		return
	}
	for _, r := range l.order {
		if !r.asked || l.token(r) != e.Params[1] {
			continue
		}
		if one := r.members[l.casemap.fold(e.Params[2])]; one != nil {
			l.give(one, e.Params[3], "0")
		}
	}
}

// whoEnd notes that the answer is complete.
func (l *link) whoEnd(e *girc.Event) {
	if len(e.Params) < 2 {
		return
	}
	if r := l.rooms[l.casemap.fold(e.Params[1])]; r != nil && r.asked {
		r.asked, r.synced = false, true
		l.changed(r, "The members of "+r.Name+" are known.")
		l.entered(r)
		l.signal()
	}
}

// left notes somebody, or ourselves, going out of a channel.
func (l *link) left(channel, nick string, now time.Time) {
	r := l.rooms[l.casemap.fold(channel)]
	if r == nil {
		return
	}
	if l.sameNick(nick, l.nick) {
		was := r.joined
		r.drop()
		r.next = now.Add(l.cfg.Tuning.JoinBase)
		if was {
			l.b.event(bridges.Down, l.place(r), "We are no longer in "+r.Name+".")
		}
		l.signal()
		return
	}
	if _, ok := r.members[l.casemap.fold(nick)]; ok {
		delete(r.members, l.casemap.fold(nick))
		l.changed(r, "Somebody left "+r.Name+".")
	}
}

// quit notes somebody leaving the network.
func (l *link) quit(nick string) {
	l.out.gone(l, l.casemap.fold(nick))
	for _, r := range l.order {
		if _, ok := r.members[l.casemap.fold(nick)]; ok {
			delete(r.members, l.casemap.fold(nick))
			l.changed(r, "Somebody left "+r.Name+".")
		}
	}
}

// renamed notes a change of nick. The account goes with the person, and lines
// that wait for the old nick go nowhere.
func (l *link) renamed(from, to string) {
	l.out.gone(l, l.casemap.fold(from))
	for account, nick := range l.lastNick {
		if l.sameNick(nick, from) {
			l.lastNick[account] = to
		}
	}
	for _, r := range l.order {
		if r.rename(l.casemap, from, to) {
			l.changed(r, "Somebody in "+r.Name+" changed nick.")
		}
	}
	if !l.sameNick(from, l.nick) {
		return
	}
	l.nick = to
	if l.sameNick(to, l.cfg.Nick) {
		l.b.settle("nick")
	} else if l.ready {
		l.nickLost(time.Now())
	}
}

// accountOf notes that somebody logged in or out. If it is we who were logged
// out, the connection is worth nothing any more.
func (l *link) accountOf(nick, account string) {
	l.out.gone(l, l.casemap.fold(nick))
	for _, r := range l.order {
		if one := r.members[l.casemap.fold(nick)]; one != nil {
			l.give(one, account, "*")
			l.changed(r, "Somebody in "+r.Name+" logged in or out.")
		}
	}
	if l.sameNick(nick, l.nick) {
		l.account = account
		if !l.trusted() {
			l.exit = errServices
		}
	}
}
