package irc

import (
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/lrstanley/girc"
)

// A guard is the net.Conn that girc talks to. girc reads from it only the lines
// that it needs, and what girc writes is looked at before it leaves.

var _ net.Conn = (*guard)(nil)

// client makes a girc that negotiates, logs in, answers PING and hands messages
// on. Its flood control and pings are off, since ours know about all lines.
func (l *link) client() *girc.Client {
	c := girc.New(girc.Config{
		Server:             "guarded",
		Nick:               l.cfg.Nick,
		User:               l.cfg.User,
		Name:               l.cfg.RealName,
		SASL:               mechanism(l.cfg.SASL),
		SupportedCaps:      map[string][]string{"echo-message": nil, "labeled-response": nil},
		AllowFlood:         true,
		DisableSTS:         true,
		DisableSTSFallback: true,
		PingDelay:          -1,
		HandleNickCollide:  func(string) string { return "" },
		RecoverFunc: func(_ *girc.Client, _ *girc.HandlerError) {
			l.fail(errors.New("the client failed on a line"))
		},
	})
	c.Handlers.AddHandler(girc.ALL_EVENTS, girc.HandlerFunc(func(_ *girc.Client, e girc.Event) { l.hear(&e) }))
	return c
}

// mechanism names our way to log in. The answer itself is given by the link,
// which cuts it as the protocol wants, so girc never sees the password.
type mechanism string

// Method is the mechanism's name on the wire.
func (m mechanism) Method() string { return strings.ToUpper(string(m)) }

// Encode is never asked: AUTHENTICATE does not reach girc.
func (m mechanism) Encode([]string) string { return "+" }

// Dial hands girc the guarded connection.
func (l *link) Dial(_, _ string) (net.Conn, error) { return &guard{link: l}, nil }

// guard is girc's side of a link.
type guard struct {
	link *link
	left []byte // of the line that girc is reading
	sent []byte // of the line that girc is writing
}

// Read gives girc the next line that it may see.
func (g *guard) Read(p []byte) (int, error) {
	if len(g.left) == 0 {
		select {
		case g.left = <-g.link.toGirc:
		case <-g.link.done:
			return 0, io.EOF
		}
	}
	n := copy(p, g.left)
	g.left = g.left[n:]
	return n, nil
}

// Write lets out what girc has to say, and nothing that it says of its own accord.
func (g *guard) Write(p []byte) (int, error) {
	g.sent = append(g.sent, p...)
	for {
		line, rest, ok := strings.Cut(string(g.sent), "\n")
		if !ok {
			return len(p), nil
		}
		g.sent = []byte(rest)
		line = strings.TrimRight(line, "\r")
		switch command, _, _ := strings.Cut(line, " "); command {
		case "CAP", "NICK", "USER", "AUTHENTICATE", "PONG":
			if err := g.link.write("", line); err != nil {
				return 0, err
			}
		}
	}
}

// Close ends the connection.
func (g *guard) Close() error {
	g.link.fail(io.EOF)
	return nil
}

// LocalAddr is the connection's.
func (g *guard) LocalAddr() net.Addr { return g.link.conn.LocalAddr() }

// RemoteAddr is the connection's.
func (g *guard) RemoteAddr() net.Addr { return g.link.conn.RemoteAddr() }

// SetDeadline does nothing: the link's watchdog decides what is too long.
func (g *guard) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, see SetDeadline.
func (g *guard) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, see SetDeadline.
func (g *guard) SetWriteDeadline(time.Time) error { return nil }

// write is the only place where bytes go to the server.
func (l *link) write(tags, line string) error {
	l.mu.Lock()
	prefix := l.prefix()
	l.mu.Unlock()
	if err := checkWire(line, prefix); err != nil {
		l.cfg.Log.Error("irc: a line of ours was held back, which is a mistake in the bridge", "network", l.cfg.Name, "why", err)
		return err
	}
	l.wmu.Lock()
	defer l.wmu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.cfg.Tuning.Echo))
	l.lines.Add(1)
	_, err := l.conn.Write([]byte(tags + line + "\r\n"))
	if err != nil {
		l.fail(err)
	}
	return err
}

// negotiate follows CAP. girc gets to see only what we want of the offer; without
// one of the capabilities that we need the connection is given up at once.
func (l *link) negotiate(e *girc.Event, raw string) (pass string) {
	if len(e.Params) < 3 {
		return ""
	}
	switch sub := strings.ToUpper(e.Params[1]); sub {
	case "LS":
		if l.registered {
			return ""
		}
		keep := []string{}
		for word := range strings.FieldsSeq(e.Last()) {
			name, value, _ := strings.Cut(word, "=")
			if _, ok := wanted()[name]; ok {
				l.offered[name] = value
				keep = append(keep, name)
			}
		}
		if len(e.Params) > 3 {
			return "CAP * LS * :" + strings.Join(keep, " ")
		}
		if !l.offersAll() {
			l.exit = errServices
			return ""
		}
		return "CAP * LS :" + strings.Join(keep, " ")
	case "ACK":
		for name := range strings.FieldsSeq(e.Last()) {
			l.caps[name] = true
		}
		return raw
	case "NAK":
		l.exit = errServices
	case "DEL":
		for name := range strings.FieldsSeq(e.Last()) {
			delete(l.caps, name)
			if wanted()[name] && name != "sasl" {
				l.exit = errServices
			}
		}
	}
	return ""
}

// offersAll says whether the server offers what we cannot do without.
func (l *link) offersAll() bool {
	for name, need := range wanted() {
		if _, ok := l.offered[name]; need && !ok {
			return false
		}
	}
	mechs := l.offered["sasl"]
	if mechs == "" {
		return true
	}
	for m := range strings.SplitSeq(mechs, ",") {
		if strings.EqualFold(m, l.cfg.SASL) {
			return true
		}
	}
	return false
}

// trusted says whether this connection may be believed at all: the server has
// named our account, and the capabilities that tell who said what are on.
func (l *link) trusted() bool {
	if l.account == "" || ascii.fold(l.account) != ascii.fold(l.cfg.Account) {
		return false
	}
	for name, need := range wanted() {
		if need && name != "sasl" && !l.caps[name] {
			return false
		}
	}
	return true
}

// login follows the numerics of SASL.
func (l *link) login(e *girc.Event, raw string) (pass string) {
	switch e.Command {
	case girc.AUTHENTICATE:
		if !l.answered && e.Last() == "+" {
			l.answered = true
			for _, part := range l.cfg.answer() {
				l.control("AUTHENTICATE " + part)
			}
		}
	case "900":
		if len(e.Params) > 2 {
			l.account = e.Params[2]
		}
	case "901":
		l.account = ""
		l.exit = errServices
	case "903":
		return raw
	case "902", "904":
		l.exit = errLogin
	case "905", "906", "908":
		l.exit = errServices
	}
	return ""
}
