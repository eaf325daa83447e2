package irc

import (
	"strings"
	"time"
)

// casemap is how a server compares names.
type casemap int

const (
	ascii casemap = iota // also for a mapping we do not know: it joins the fewest names
	rfc1459
	strictRFC1459
)

// casemapOf reads the value of CASEMAPPING.
func casemapOf(value string) casemap {
	switch strings.ToLower(value) {
	case "rfc1459":
		return rfc1459
	case "strict-rfc1459", "rfc1459-strict":
		return strictRFC1459
	}
	return ascii
}

// fold gives the form of a name in which equal names are the same string. It works
// on bytes, as servers do, so names that are not UTF-8 stay distinct.
func (m casemap) fold(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch {
		case c >= 'A' && c <= 'Z':
			b[i] = c + 'a' - 'A'
		case m != ascii && c == '[':
			b[i] = '{'
		case m != ascii && c == ']':
			b[i] = '}'
		case m != ascii && c == '\\':
			b[i] = '|'
		case m == rfc1459 && c == '~':
			b[i] = '^'
		}
	}
	return string(b)
}

// member is somebody in a channel.
type member struct {
	nick    string
	account string // folded; "" is not logged in, or not known yet
	known   bool   // the server has told whether there is an account
}

// room is a configured channel as this connection knows it.
type room struct {
	Channel
	joined bool
	// entering: we are in, and wait to hear who else is.
	entering bool
	settled  bool // the first JOIN of this connection has come to its end, one way or the other
	synced   bool // the answer to our WHO came: every member's account is known
	asked    bool // that WHO is under way
	op       bool // NAMES said that we are an operator
	changes  int  // how often the modes changed
	members  map[string]*member

	asking  bool      // a JOIN of ours was not answered yet
	since   time.Time // of that JOIN, or of being in
	next    time.Time // when to try again
	refused int       // JOINs refused in a row
	kicks   int       // kicks in a row
}

// put adds a member or brings it up to date.
func (r *room) put(m casemap, nick string) *member {
	k := m.fold(nick)
	one := r.members[k]
	if one == nil {
		one = &member{nick: nick}
		r.members[k] = one
	}
	one.nick = nick
	return one
}

// rename follows a change of nick; the account stays with the person.
func (r *room) rename(m casemap, from, to string) bool {
	one, ok := r.members[m.fold(from)]
	if !ok {
		return false
	}
	delete(r.members, m.fold(from))
	one.nick = to
	r.members[m.fold(to)] = one
	return true
}

// drop forgets everybody: we are no longer there to know.
func (r *room) drop() {
	r.entering = false
	r.joined, r.synced, r.asked, r.op, r.asking = false, false, false, false, false
	r.members = map[string]*member{}
}

// nickOf finds a present nick of an account; "" when there is none.
func (r *room) nickOf(account string) string {
	found := ""
	for _, one := range r.members {
		if account != "" && one.known && one.account == account && (found == "" || one.nick < found) {
			found = one.nick
		}
	}
	return found
}
