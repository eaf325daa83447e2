package irc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// maxRead is the longest line a server may send: 8191 bytes of tags and 512 more.
const maxRead = 16 << 10

// wanted are the capabilities that we ask for, and whether we stay without them.
// draft/multiline is not among them: with it, a message's account is not on the
// line that holds its text.
func wanted() map[string]bool {
	return map[string]bool{
		"sasl": true, "message-tags": true, "account-tag": true, "server-time": true,
		"account-notify": false, "extended-join": false, "chghost": false,
		"batch": false, "echo-message": false, "labeled-response": false,
	}
}

// link is one connection to the server. It is made for one connection and thrown
// away with it. A goroutine reads, one writes, one keeps the time, and girc has
// its own behind the guard.
type link struct {
	b     *Bridge
	cfg   *Config
	conn  net.Conn
	nonce string

	once sync.Once
	done chan struct{} // closed when the connection is over
	err  error         // why; set before done is closed

	wmu    sync.Mutex   // one line after the other on the wire
	lines  atomic.Int64 // sent so far
	toGirc chan []byte
	asking chan struct{} // held by the one question under way

	mu         sync.Mutex
	exit       error // set by a handler: say QUIT and go
	offered    map[string]string
	caps       map[string]bool
	answered   bool   // our SASL answer was given
	account    string // the account that the server says we have, folded
	registered bool   // 001 came
	ready      bool   // greeting over, authenticated: this link may speak
	upSent     bool
	nick       string
	userhost   string // user@host as others see it; "" until the server showed it
	casemap    casemap
	whox       bool
	botMode    string
	prefixes   string // the signs before a nick in NAMES
	rooms      map[string]*room
	order      []*room
	batches    map[string]batch
	lastNick   map[string]string // account to the nick it spoke with last
	lastLine   time.Time
	pinged     time.Time
	nextNick   time.Time
	counter    int
	pulse      chan struct{} // closed and replaced when something that is waited for may have come

	out queue
	ask *asker
}

// batch is an open BATCH of the server's.
type batch struct{ kind, label string }

// asker is a question to the server that is under way.
type asker struct {
	label string
	take  func(e *girc.Event) (done bool)
	done  chan struct{}
}

func newLink(b *Bridge, conn net.Conn) *link {
	b.mu.Lock()
	nicks := maps.Clone(b.lastNick)
	b.mu.Unlock()
	if nicks == nil {
		nicks = map[string]string{}
	}
	l := &link{
		b: b, cfg: &b.cfg, conn: conn, nonce: nonce(),
		done: make(chan struct{}), toGirc: make(chan []byte, 256), asking: make(chan struct{}, 1),
		offered: map[string]string{}, caps: map[string]bool{}, batches: map[string]batch{},
		lastNick: nicks, nick: b.cfg.Nick, prefixes: "~&@%+!", lastLine: time.Now(),
		pulse: make(chan struct{}), out: newQueue(),
	}
	l.makeRooms()
	return l
}

// nicks are the nicks that accounts spoke with. The next connection may begin
// with them, since each is looked at again before anything is said to it.
func (l *link) nicks() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.lastNick)
}

// makeRooms sets up the configured channels, none of them joined.
func (l *link) makeRooms() {
	l.rooms, l.order = map[string]*room{}, nil
	for _, ch := range l.cfg.Channels {
		r := &room{Channel: ch, members: map[string]*member{}}
		l.rooms[l.casemap.fold(ch.Name)] = r
		l.order = append(l.order, r)
	}
}

// fail ends the connection; the first reason counts.
func (l *link) fail(err error) {
	l.once.Do(func() {
		if err == nil {
			err = io.EOF
		}
		l.err = err
		close(l.done)
		_ = l.conn.Close()
	})
}

// serve runs the connection until it ends or ctx does.
func (l *link) serve(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := l.client().DialerConnect(l)
		l.fail(err)
	}()
	var own sync.WaitGroup
	own.Go(l.readLoop)
	own.Go(l.writeLoop)
	own.Go(l.tickLoop)
	select {
	case <-ctx.Done():
		_ = l.write("", "QUIT :going")
		l.fail(ctx.Err())
	case <-l.done:
	}
	own.Wait()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		l.cfg.Log.Warn("irc: the client of a lost connection did not end; it is left behind", "network", l.cfg.Name)
	}
	l.endJobs()
	return l.err
}

// readLoop takes the server's lines one by one. It never waits for the bot, and
// for girc at most as long as an echo may take.
func (l *link) readLoop() {
	r := bufio.NewReaderSize(l.conn, maxRead)
	for {
		raw, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			err = errors.New("the server sent a line that is too long")
		}
		if err != nil {
			l.fail(err)
			return
		}
		line := string(bytes.Trim(raw, "\r\n"))
		e := parse(line)
		if e == nil {
			l.touch() // an empty or broken line still is a sign of life
			continue
		}
		pass, exit := l.handle(e, line)
		if exit != nil {
			_ = l.write("", "QUIT :going")
			l.fail(exit)
			return
		}
		if pass != "" && !l.hand(pass) {
			return
		}
	}
}

// hand gives girc a line.
func (l *link) hand(line string) bool {
	slow := time.NewTimer(l.cfg.Tuning.Echo)
	defer slow.Stop()
	select {
	case l.toGirc <- []byte(line + "\r\n"):
		return true
	case <-l.done:
	case <-slow.C:
		l.fail(errors.New("the client takes no more lines"))
	}
	return false
}

// parse reads a line; nil when it is none.
func parse(line string) (e *girc.Event) {
	defer func() {
		if recover() != nil {
			e = nil
		}
	}()
	return girc.ParseEvent(line)
}

func (l *link) touch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastLine = time.Now()
}

// tickLoop does what is done by time: the watchdog, the joins and the nick.
func (l *link) tickLoop() {
	every := min(l.cfg.Tuning.Idle/4, l.cfg.Tuning.Echo/4, l.cfg.Tuning.JoinBase/4, 500*time.Millisecond)
	t := time.NewTicker(max(every, 5*time.Millisecond))
	defer t.Stop()
	start := time.Now()
	for {
		select {
		case <-l.done:
			return
		case now := <-t.C:
			ping, err := l.tick(now, now.Sub(start))
			if err != nil {
				l.fail(err)
				return
			}
			if ping {
				if l.write("", "PING tocsin") != nil {
					return
				}
			}
		}
	}
}

// tick looks at the clock once.
func (l *link) tick(now time.Time, age time.Duration) (ping bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.cfg.Tuning
	switch {
	case !l.ready && age > t.Register:
		return false, errors.New("the server did not finish its greeting")
	case now.Sub(l.lastLine) > t.Dead:
		return false, errors.New("the server fell silent")
	case l.out.overdue(now, t.Echo):
		return false, errors.New("the server did not confirm our lines")
	}
	if !l.ready {
		return false, nil
	}
	for _, r := range l.order {
		l.tryJoin(r, now)
	}
	if !l.sameNick(l.nick, l.cfg.Nick) && now.After(l.nextNick) {
		l.nextNick = now.Add(t.NickRetry)
		l.control("NICK " + l.cfg.Nick)
	}
	l.up()
	if now.Sub(l.lastLine) > t.Idle && now.Sub(l.pinged) > t.Idle {
		l.pinged = now
		return true, nil
	}
	return false, nil
}

// up tells once that the network can be talked to: when every channel's first
// JOIN was answered, so that rows that wait for a room do not come too early.
func (l *link) up() {
	if l.upSent || !l.ready {
		return
	}
	for _, r := range l.order {
		if !r.settled {
			return
		}
	}
	l.upSent = true
	l.b.event(bridges.Up, bridges.Room{}, "Connected to "+l.cfg.Name+".")
}

// signal wakes those who wait for the membership to be complete.
func (l *link) signal() {
	close(l.pulse)
	l.pulse = make(chan struct{})
}

// count gives a number that was not given before on this connection.
func (l *link) count() int {
	l.counter++
	return l.counter
}

func (l *link) sameNick(a, b string) bool { return l.casemap.fold(a) == l.casemap.fold(b) }

// prefix is nick!user@host as others get it. Before the server has shown it, the
// longest that it can be is taken, so that no line is ever cut off.
func (l *link) prefix() string {
	if l.userhost == "" {
		return l.nick + "!~" + l.cfg.User + "@" + strings.Repeat("h", 63)
	}
	return l.nick + "!" + l.userhost
}

// place is the Room of a configured channel, written as in the configuration.
func (l *link) place(r *room) bridges.Room { return bridges.Room{Network: l.cfg.Name, ID: r.Name} }
