package irc

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// handle takes one line of the server's: it keeps what the link knows up to date
// and says what girc may see of it. A non-nil exit ends the connection.
func (l *link) handle(e *girc.Event, raw string) (pass string, exit error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastLine = time.Now()
	label := l.labelOf(e)
	if label != "" {
		l.confirm(label, e)
	} else if !l.labels() && len(e.Params) > 1 && refusal(e.Command) {
		l.refuseTarget(e.Params[1], e.Command)
	}
	if a := l.ask; a != nil && (a.label == "" || a.label == label) && a.take(e) {
		l.ask = nil
		close(a.done)
	}
	switch e.Command {
	case girc.CAP:
		pass = l.negotiate(e, raw)
	case girc.AUTHENTICATE, "900", "901", "902", "903", "904", "905", "906", "908":
		pass = l.login(e, raw)
	case girc.PING:
		pass = raw
	case girc.PONG:
		l.out.pong(l, e.Last())
	case girc.PRIVMSG:
		pass = l.sift(e, raw)
	case "BATCH":
		l.batch(e)
	case girc.ERROR:
		l.exit = ended(e.Last())
	default:
		l.greeting(e)
		l.people(e)
	}
	exit = l.exit
	return pass, exit
}

// labelOf is the label of ours that a line answers, directly or in a batch.
func (l *link) labelOf(e *girc.Event) string {
	if label, ok := e.Tags.Get("label"); ok {
		return label
	}
	if ref, ok := e.Tags.Get("batch"); ok {
		return l.batches[ref].label
	}
	return ""
}

// batch follows the server's batches.
func (l *link) batch(e *girc.Event) {
	if len(e.Params) == 0 || len(e.Params[0]) < 2 {
		return
	}
	ref := e.Params[0][1:]
	switch {
	case e.Params[0][0] == '-':
		delete(l.batches, ref)
	case len(e.Params) > 1 && len(l.batches) < 256:
		l.batches[ref] = batch{kind: e.Params[1], label: l.labelOf(e)}
	}
}

// sift lets girc have a message, if it is one that somebody may have said to us.
func (l *link) sift(e *girc.Event, raw string) string {
	switch {
	case e.Source == nil || e.Source.Ident == "" || e.Source.Host == "" || len(e.Params) != 2:
		l.b.dropped.drop(l.cfg.Name, "no sender")
	case l.sameNick(e.Source.Name, l.nick):
		// Our own line, come back.
	case strings.HasPrefix(e.Params[1], "\x01"):
		l.b.dropped.drop(l.cfg.Name, "ctcp")
	default:
		return raw
	}
	return ""
}

// ended reads the server's last words.
func ended(text string) error {
	if regexp.MustCompile(`(?i)\b[gkz]-?lined?\b|\bbanned\b`).MatchString(text) {
		return errBanned
	}
	return errors.New("the server ended the connection")
}

// greeting follows what the server says between connecting and being ready, and
// what changes of it later.
func (l *link) greeting(e *girc.Event) {
	switch e.Command {
	case girc.RPL_WELCOME:
		l.registered = true
		if len(e.Params) > 0 {
			l.nick = e.Params[0]
		}
		if !l.trusted() {
			l.exit = errServices
		}
	case girc.RPL_ISUPPORT:
		l.isupport(e.Params)
	case girc.RPL_ENDOFMOTD, girc.ERR_NOMOTD:
		l.start()
	case "432", "433", "437":
		if !l.registered {
			// Somebody or the services hold our nick: take another at once, or
			// the server would give up waiting.
			l.nick = l.spare()
			l.control("NICK " + l.nick)
		}
	case "465":
		l.exit = errBanned
	case "396": // our host as others see it has changed
		if len(e.Params) > 1 && l.userhost != "" {
			user, _, _ := strings.Cut(l.userhost, "@")
			if strings.Contains(e.Params[1], "@") {
				l.userhost = e.Params[1]
			} else {
				l.userhost = user + "@" + e.Params[1]
			}
		}
	}
	if l.registered && len(e.Params) > 1 && refusal(e.Command) {
		l.joinRefused(e)
	}
}

// spare is our nick with two random digits.
func (l *link) spare() string {
	n := strconv.Itoa(10 + rand.IntN(90))
	return l.cfg.Nick[:min(len(l.cfg.Nick), 28)] + n
}

// isupport reads what the server is like.
func (l *link) isupport(params []string) {
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		switch name {
		case "CASEMAPPING":
			if m := casemapOf(value); m != l.casemap {
				if l.ready {
					l.exit = errors.New("the server compares names in another way now")
				}
				l.casemap = m
				l.makeRooms()
			}
		case "WHOX":
			l.whox = true
		case "BOT":
			if len(value) == 1 {
				l.botMode = value
			}
		case "PREFIX":
			if _, signs, ok := strings.Cut(value, ")"); ok && signs != "" {
				l.prefixes = signs
			}
		}
	}
}

// start begins the work: the greeting is over. Nobody gets here whom the server
// did not name as our account.
func (l *link) start() {
	if l.ready || l.exit != nil {
		return
	}
	if !l.registered || !l.trusted() {
		l.exit = errServices
		return
	}
	l.ready = true
	l.b.ready(l)
	if l.botMode != "" {
		l.control("MODE " + l.nick + " +" + l.botMode)
	}
	now := time.Now()
	if l.sameNick(l.nick, l.cfg.Nick) {
		l.b.settle("nick")
	} else {
		l.nickLost(now)
		l.control("PRIVMSG NickServ :REGAIN " + l.cfg.Nick)
	}
	for _, r := range l.order {
		l.tryJoin(r, now)
	}
	l.up()
}

// nickLost says that we go by another name.
func (l *link) nickLost(now time.Time) {
	l.nextNick = now.Add(l.cfg.Tuning.NickRetry)
	l.b.trouble("nick", bridges.Room{}, "On "+l.cfg.Name+" the nick "+l.cfg.Nick+" is not ours at the moment; we are "+
		cleanName(l.nick)+" and keep asking for it.")
}

// refusal says whether a command is a numeric that refuses something.
func refusal(command string) bool {
	return len(command) == 3 && (command[0] == '4' || command[0] == '5') || command == "609" || command == "926"
}
