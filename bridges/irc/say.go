package irc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// Say says it and waits for the server's word that every line has arrived.
func (b *Bridge) Say(ctx context.Context, o bridges.Outgoing) (bridges.Receipt, error) {
	if o.Room.Network != b.cfg.Name {
		return bridges.Receipt{}, fmt.Errorf("irc: not a room of %s: %w", b.cfg.Name, bridges.ErrRefused)
	}
	l := b.current()
	if l == nil {
		b.record(o.Key, outcome{known: true})
		return bridges.Receipt{}, fmt.Errorf("irc: not connected to %s: %w", b.cfg.Name, bridges.ErrNotSent)
	}
	for try := range 5 {
		j, err := l.compose(ctx, o)
		if err == nil {
			j.again = try > 0
			err = l.await(ctx, j)
		}
		switch {
		case err == nil:
			return j.receipt, nil
		case errors.Is(err, errStale):
			continue
		}
		if j == nil { // it never got as far as the queue
			b.record(o.Key, outcome{known: true})
		}
		return bridges.Receipt{}, fmt.Errorf("irc: %w", err)
	}
	b.record(o.Key, outcome{known: true})
	return bridges.Receipt{}, fmt.Errorf("irc: the nick keeps changing hands: %w", bridges.ErrNotSent)
}

// await queues a job and waits for its end. When ctx ends first, a job that has
// not begun is taken back; one that has begun stays, and Find may know its end.
func (l *link) await(ctx context.Context, j *job) error {
	l.mu.Lock()
	if !l.ready {
		l.mu.Unlock()
		l.b.record(j.key, outcome{known: true})
		return fmt.Errorf("the connection was lost: %w", bridges.ErrNotSent)
	}
	l.out.add(j)
	l.mu.Unlock()
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case j.over:
		return j.err
	case j.next == 0:
		l.finish(j, fmt.Errorf("%w: %w", ctx.Err(), bridges.ErrNotSent))
		return j.err
	}
	if j.next < len(j.lines) { // the rest is not said; what was said is not unsaid
		l.finish(j, ctx.Err())
	}
	return fmt.Errorf("no answer yet: %w", ctx.Err())
}

// compose makes the lines, for the place that they go to now.
func (l *link) compose(ctx context.Context, o bridges.Outgoing) (*job, error) {
	j := &job{proof: true, key: o.Key, readers: o.Readers, checked: o.Readers != nil}
	j.queue = forAnswers
	switch o.Tone {
	case bridges.Alert:
		j.queue = forAlerts
	case bridges.Routine:
		j.queue = forRoutine
	}
	lines := cleanLines(o.Text)
	if len(lines) == 0 {
		return nil, fmt.Errorf("there are no words in it: %w", bridges.ErrRefused)
	}
	if o.Room.Direct {
		return l.direct(ctx, j, o, lines)
	}
	l.mu.Lock()
	r := l.room(o.Room)
	if r == nil || !r.joined {
		l.mu.Unlock()
		if r == nil {
			return nil, fmt.Errorf("not a configured channel: %w", bridges.ErrRefused)
		}
		return nil, fmt.Errorf("not in %s: %w", r.Name, bridges.ErrNotSent)
	}
	hint := ""
	if o.Tone == bridges.Hint && len(o.Mentions) > 0 && o.Mentions[0].Network == l.cfg.Name {
		hint = r.nickOf(ascii.fold(o.Mentions[0].ID))
	}
	l.mu.Unlock()
	if hint != "" {
		account, err := l.accountNow(ctx, hint)
		fits := err == nil && account == l.canon(o.Mentions[0].ID)
		if j.proven = o.Readers != nil; j.proven && fits { // what a proven room may hear wants TLS to the end
			fits, err = l.secure(ctx, hint)
			fits = fits && err == nil
		}
		if fits {
			l.toNick(j, "NOTICE", hint, account, lines)
			return j, nil
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	command := "PRIVMSG"
	if o.Tone == bridges.Routine && r.Notice {
		command = "NOTICE"
	}
	lines[0] = l.callers(r, o.Mentions, lines) + lines[0]
	j.target, j.room, j.changes = l.casemap.fold(r.Name), r, o.State
	return j, l.wire(j, command, r.Name, lines)
}

// canon is an account's name in the form in which equal names are equal. The
// server always writes an account in one way, so folding the letters is enough,
// whatever rule it has for nicks; and the configuration can do the same.
func (l *link) canon(account string) string { return ascii.fold(account) }

// callers is what makes the mentioned people look: the nicks that their accounts
// have in the channel now, but for those that the lines say anyway.
func (l *link) callers(r *room, mentions []bridges.Account, lines []string) string {
	var nicks []string
	for _, a := range mentions {
		nick := ""
		if a.Network == l.cfg.Name {
			nick = r.nickOf(ascii.fold(a.ID))
		}
		if nick != "" && !slices.Contains(nicks, nick) && !says(lines, nick) {
			nicks = append(nicks, nick)
		}
	}
	if len(nicks) == 0 {
		return ""
	}
	return clean(strings.Join(nicks, ", ")) + ": "
}

// says reports whether a nick stands in the lines as a word.
func says(lines []string, nick string) bool {
	for _, line := range lines {
		words := strings.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(".,;:!?\"()", r) })
		if slices.Contains(words, nick) {
			return true
		}
	}
	return false
}

// wire makes the lines as they go out. The lock is held.
func (l *link) wire(j *job, command, target string, lines []string) error {
	size := budget(l.prefix(), command, target)
	if size < minText || !plainTarget(target) {
		return fmt.Errorf("the target cannot be written to: %w", bridges.ErrRefused)
	}
	for _, line := range lines {
		for _, part := range split(line, size) {
			j.lines = append(j.lines, command+" "+target+" :"+part)
		}
	}
	return nil
}

// direct makes a job for one account, under the nick that has it right now.
func (l *link) direct(ctx context.Context, j *job, o bridges.Outgoing, lines []string) (*job, error) {
	l.mu.Lock()
	account := ascii.fold(o.Room.ID)
	l.mu.Unlock()
	if account == "" {
		return nil, fmt.Errorf("a direct message to nobody: %w", bridges.ErrRefused)
	}
	if o.Readers != nil && !slices.ContainsFunc(o.Readers, func(a bridges.Account) bool {
		return a.Network == l.cfg.Name && l.canon(a.ID) == account
	}) {
		return nil, fmt.Errorf("it was proven for others: %w", bridges.ErrRefused)
	}
	nick, err := l.find(ctx, account)
	if err != nil {
		return nil, err
	}
	if j.proven = o.Readers != nil; j.proven { // the proof may have been of another nick of that account
		secure, err := l.secure(ctx, nick)
		if err != nil {
			return nil, err
		}
		if !secure {
			return nil, fmt.Errorf("the nick is not connected with TLS: %w, %w", bridges.ErrNotSent, bridges.ErrUnproven)
		}
	}
	command := "PRIVMSG"
	if o.Tone == bridges.Hint {
		command = "NOTICE"
	}
	l.toNick(j, command, nick, account, lines)
	return j, nil
}

// toNick finishes a job for a nick that was looked at just now.
func (l *link) toNick(j *job, command, nick, account string, lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j.direct, j.checked, j.nick, j.account = true, false, nick, account
	j.target, j.fresh = l.casemap.fold(nick), time.Now().Add(l.cfg.Tuning.Fresh)
	_ = l.wire(j, command, nick, lines)
}

// find is a nick that an account has at this moment, by the server's word.
func (l *link) find(ctx context.Context, account string) (string, error) {
	tried := map[string]bool{}
	for range 4 {
		// Afresh each time: people change nicks while the server is asked.
		nick := l.candidate(account, tried)
		if nick == "" {
			break
		}
		tried[nick] = true
		now, err := l.accountNow(ctx, nick)
		if err != nil {
			return "", err
		}
		if now == account {
			return nick, nil
		}
	}
	return "", fmt.Errorf("nobody who is here has that account: %w", bridges.ErrNotSent)
}

// candidate is a nick that the account may have, and that was not tried yet.
func (l *link) candidate(account string, tried map[string]bool) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	nicks := []string{l.lastNick[account]}
	for _, r := range l.order {
		nicks = append(nicks, r.nickOf(account))
	}
	for _, nick := range nicks {
		if nick != "" && !tried[nick] {
			return nick
		}
	}
	return ""
}

// accountNow asks the server which account a nick has; "" is none.
func (l *link) accountNow(ctx context.Context, nick string) (string, error) {
	if !plainTarget(nick) || strings.ContainsAny(nick, "*?") {
		return "", nil
	}
	l.mu.Lock()
	whox, fold := l.whox, l.casemap.fold
	l.mu.Unlock()
	account, answered := "", false
	if whox {
		err := l.question(ctx, "WHO "+nick+" %tna,999", func(e *girc.Event) bool {
			if e.Command == "354" && len(e.Params) == 4 && e.Params[1] == "999" && fold(e.Params[2]) == fold(nick) {
				answered = true
				if e.Params[3] != "0" {
					account = ascii.fold(e.Params[3])
				}
			}
			return e.Command == "315" && len(e.Params) > 1 && fold(e.Params[1]) == fold(nick)
		})
		if err != nil || answered {
			return account, err
		}
	}
	err := l.question(ctx, "WHOIS "+nick, func(e *girc.Event) bool {
		if e.Command == "330" && len(e.Params) > 2 && fold(e.Params[1]) == fold(nick) {
			account = ascii.fold(e.Params[2])
		}
		return e.Command == "318" || e.Command == "402"
	})
	return account, err
}

// question asks the server something, one at a time, and waits until take has
// seen the end of the answer.
func (l *link) question(ctx context.Context, line string, take func(*girc.Event) bool) error {
	lost := fmt.Errorf("the connection was lost: %w", bridges.ErrNotSent)
	select {
	case l.asking <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ctx.Err(), bridges.ErrNotSent)
	case <-l.done:
		return lost
	}
	l.mu.Lock()
	a := &asker{take: take, done: make(chan struct{})}
	j := &job{queue: forLink, lines: []string{line}}
	if l.labels() {
		a.label = fmt.Sprintf("q%d", l.count())
		j.label = a.label
	}
	l.ask = a
	l.out.add(j)
	l.mu.Unlock()
	// The next question has to wait for this answer even when nobody wants it any
	// more: without labels one answer looks like the other.
	go func() {
		defer func() { <-l.asking }()
		slow := time.NewTimer(l.cfg.Tuning.Echo)
		defer slow.Stop()
		select {
		case <-a.done:
		case <-l.done:
		case <-slow.C:
			l.fail(errors.New("the server does not answer"))
		}
	}()
	select {
	case <-a.done:
		return nil
	case <-l.done:
		return lost
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ctx.Err(), bridges.ErrNotSent)
	}
}
