// Package irc speaks IRC for the bot: it connects with TLS, logs in with SASL,
// hears what people with a services account say, and says things so that it
// knows whether they arrived.
//
// The library girc negotiates, logs in and answers PING. It stands behind a guard
// (guard.go), a net.Conn that shows it only what it needs: who is in a channel,
// what was delivered and what may leave is decided here, from the server's lines.
//
// IRC has no end-to-end encryption. What Prove finds is the server's word.
package irc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/bridges"
)

// Channel is a channel that the bot is to be in.
type Channel struct {
	Name   string
	Key    string // the channel's key (+k), or ""
	Notice bool   // routine lines, which nobody asked for, go out as NOTICE
}

// Config is one network.
type Config struct {
	Name       string // the network's name, as in bridges.Room
	Server     string // host:port, always TLS
	CAFile     string // PEM of the authorities to trust; "": the system's
	Nick       string
	User       string // "": the nick
	RealName   string // "": the nick
	Account    string // our services account
	SASL       string // "plain" or "external"
	Password   string // for plain
	CertFile   string // for external
	KeyFile    string // for external
	Channels   []Channel
	InviteFrom []string // accounts whose invitation to a configured channel is followed
	Speakers   []string // accounts whose lines are handed on; nil: everybody's
	Profile    string   // how channel modes are named: inspircd, solanum, ergo, unreal or ""
	Log        *slog.Logger
	Tuning     Tuning
}

// Tuning holds the durations; a zero field takes the default beside it.
type Tuning struct {
	BackoffBase time.Duration   // 2 s, doubled for each failure in a row
	BackoffMax  time.Duration   // 5 min
	Steady      time.Duration   // 10 min of being up make the next backoff short again
	Refused     time.Duration   // 30 min after a refused login or a ban of the server
	Handshake   time.Duration   // 15 s for TCP, and again for TLS
	Register    time.Duration   // 60 s from TLS to the end of the greeting
	Idle        time.Duration   // 30 s without a line: we send PING
	Dead        time.Duration   // 90 s without a line: the connection is thrown away
	Echo        time.Duration   // 30 s without the echo of our line: the same
	NickRetry   time.Duration   // 60 s between tries for our nick
	JoinBase    time.Duration   // 1 min after a refused JOIN, doubled
	JoinMax     time.Duration   // 30 min
	Kicked      []time.Duration // 1, 5, 30 min after the first, second, later kick
	Burst       int             // 8 lines at once: five of an answer, and what it takes to prove its room
	Interval    time.Duration   // then one each second
	Skew        time.Duration   // 60 s between the server's time and ours
	Fresh       time.Duration   // 5 s: how old a look at who has a nick may be when we write to it
}

// Bridge is one IRC network.
type Bridge struct {
	cfg     Config
	dial    dialer
	inbox   *inbox
	dropped *counter

	mu       sync.Mutex
	running  bool
	link     *link
	outcomes map[string]outcome
	order    []string             // keys of outcomes, oldest first
	toldAt   map[string]time.Time // when something that is told now and then was told
	told     map[string]bool      // troubles that the desk has heard of and that are not over
	seen     map[string]bool      // ids of messages, so that none is obeyed twice
	seenList []string
	lastNick map[string]string // account to the nick it last spoke with
}

var _ bridges.Bridge = (*Bridge)(nil)

// outcome is what is known about a Say.
type outcome struct {
	known   bool
	arrived bool
	receipt bridges.Receipt
}

// New checks the configuration. It does not connect.
func New(cfg Config) (*Bridge, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	d, err := newDialer(cfg)
	if err != nil {
		return nil, err
	}
	return &Bridge{
		cfg:      cfg,
		dial:     d,
		inbox:    newInbox(),
		dropped:  &counter{log: cfg.Log, every: time.Minute},
		outcomes: map[string]outcome{},
		told:     map[string]bool{},
		toldAt:   map[string]time.Time{},
		seen:     map[string]bool{},
	}, nil
}

// Network is the network's name.
func (b *Bridge) Network() string { return b.cfg.Name }

// Limits says that people on IRC put up with five lines and no files, and that at
// a line a second nobody needs more than fifty answers on their way.
func (b *Bridge) Limits() bridges.Limits { return bridges.Limits{Lines: 5, Most: perAccount} }

// Run connects and reconnects until ctx ends. Each connection is a link of its
// own with a client of its own: nothing of an old one can leak into the next.
func (b *Bridge) Run(ctx context.Context, in bridges.Inbox) error {
	b.mu.Lock()
	if b.running {
		b.mu.Unlock()
		return errors.New("it is running already")
	}
	b.running = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.running = false
		b.mu.Unlock()
	}()

	var feeding sync.WaitGroup
	feeding.Go(func() { b.inbox.feed(ctx, in, b.cfg.Log) })
	defer feeding.Wait()

	failures := 0
	for ctx.Err() == nil {
		start := time.Now()
		err := b.session(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(start) >= b.cfg.Tuning.Steady {
			failures = 0
		}
		wait := backoff(b.cfg.Tuning.BackoffBase, b.cfg.Tuning.BackoffMax, failures)
		failures++
		if sentence, class := b.explain(err); class != "" {
			b.trouble(class, bridges.Room{}, sentence)
		}
		if errors.Is(err, errLogin) || errors.Is(err, errBanned) {
			wait = b.cfg.Tuning.Refused
		}
		b.cfg.Log.Info("irc: not connected", "network", b.cfg.Name, "why", err, "again", wait.Round(time.Millisecond))
		if !sleep(ctx, wait) {
			break
		}
	}
	return nil
}

// session is one connection, from dialling to its end.
func (b *Bridge) session(ctx context.Context) error {
	conn, err := b.dial.connect(ctx)
	if err != nil {
		return err
	}
	l := newLink(b, conn)
	err = l.serve(ctx)
	nicks := l.nicks()
	b.mu.Lock()
	b.lastNick = nicks
	was := b.link == l
	if was {
		b.link = nil
	}
	b.mu.Unlock()
	if was {
		b.event(bridges.Down, bridges.Room{}, "The connection to "+b.cfg.Name+" was lost.")
	}
	return err
}

// ready makes a link the one that speaks.
func (b *Bridge) ready(l *link) {
	b.mu.Lock()
	b.link = l
	for _, class := range []string{"tls", "login", "banned", "services"} {
		delete(b.told, class)
	}
	b.mu.Unlock()
}

// current is the link that can say things, or nil.
func (b *Bridge) current() *link {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.link
}

// explain turns the end of a connection into a sentence for the desk, for the
// kinds that somebody has to do something about. No text of the server's is in it.
func (b *Bridge) explain(err error) (sentence, class string) {
	long := "next try in " + b.cfg.Tuning.Refused.String() + "."
	switch {
	case errors.Is(err, errLogin):
		return b.cfg.Name + " refused our login; check the account and its password or certificate, " + long, "login"
	case errors.Is(err, errBanned):
		return b.cfg.Name + " has banned us from the server; ask its operators, " + long, "banned"
	case errors.Is(err, errCertificate):
		return b.cfg.Name + " showed a certificate that we do not trust; nothing was sent.", "tls"
	case errors.Is(err, errServices):
		return b.cfg.Name + " does not let us log in at the moment (its services may be down); we stay away until it does.", "services"
	}
	return "", ""
}

// trouble tells the desk once, until settle is called for the same class.
func (b *Bridge) trouble(class string, r bridges.Room, told string) {
	b.mu.Lock()
	again := b.told[class]
	b.told[class] = true
	b.mu.Unlock()
	if !again {
		b.event(bridges.Trouble, r, told)
	}
}

// has reports whether a trouble was told and is not settled.
func (b *Bridge) has(class string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told[class]
}

// mayTell reports whether something was not told within a while, and notes that it
// is told now.
func (b *Bridge) mayTell(class string, quiet time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.toldAt[class]) < quiet {
		return false
	}
	b.toldAt[class] = time.Now()
	return true
}

// settle says that a trouble is over; the next one is told again.
func (b *Bridge) settle(class string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.told, class)
}

func (b *Bridge) event(kind bridges.EventKind, r bridges.Room, told string) {
	b.inbox.event(bridges.Event{Kind: kind, Network: b.cfg.Name, Room: r, Told: told, At: time.Now().UTC()})
}

// first says whether a message id was not seen before, and remembers it.
func (b *Bridge) first(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[id] {
		return false
	}
	b.seen[id] = true
	b.seenList = append(b.seenList, id)
	if len(b.seenList) > 8192 {
		delete(b.seen, b.seenList[0])
		b.seenList = b.seenList[1:]
	}
	return true
}

// record remembers what became of a Say, for Find.
func (b *Bridge) record(key string, o outcome) {
	if key == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.outcomes[key]; !ok {
		b.order = append(b.order, key)
	}
	b.outcomes[key] = o
	if len(b.order) > 2048 {
		delete(b.outcomes, b.order[0])
		b.order = b.order[1:]
	}
}

// Find knows only what this process has seen: IRC has no memory to ask.
func (b *Bridge) Find(_ context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch known := b.outcomes[o.Key]; {
	case o.Key == "" || !known.known:
		return bridges.Receipt{}, fmt.Errorf("irc: %w", bridges.ErrCantSay)
	case known.arrived:
		return known.receipt, nil
	}
	return bridges.Receipt{}, fmt.Errorf("irc: %w", bridges.ErrNoTrace)
}

// nonce is a short random word.
func nonce() string {
	var raw [6]byte
	_, _ = rand.Read(raw[:]) // it never fails: crypto/rand ends the program instead
	return hex.EncodeToString(raw[:])
}
