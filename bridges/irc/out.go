package irc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tocsin/bridges"
)

// What goes out waits in four queues: what the connection itself needs, answers,
// alerts, routine. One goroutine takes from them at the pace that servers put up
// with: what waits in the server would hold up our own PING and PONG.
const (
	forLink = iota
	forAnswers
	forAlerts
	forRoutine
	queues
)

// errStale says that the look at who has a nick is too old; look again.
var errStale = errors.New("the nick may have changed hands")

// job is a few lines that belong together.
type job struct {
	queue   int
	target  string // folded nick or channel; "" for the connection's own lines
	direct  bool   // the target is a nick
	room    *room  // the channel, or nil
	lines   []string
	label   string // for a question: the label to put on it
	free    bool   // does not wait for the pace
	again   bool   // it has waited its turn before, so it goes to the front
	proof   bool   // every line has to be confirmed
	readers []bridges.Account
	checked bool // readers were given
	changes int  // how often the room's modes had changed when the job was made
	nick    string
	account string // who has to have that nick, folded
	looking bool   // the server is being asked whether that is still so
	proven  bool   // it rests on a proof: the nick's TLS counts too, and each line is looked at
	seen    int    // lines that the last look was good for
	fresh   time.Time
	key     string

	next    int // lines taken
	acked   int
	denied  int
	numeric string // of the last refusal
	receipt bridges.Receipt
	err     error
	over    bool
	done    chan struct{}
}

// pending is a line that was sent and not confirmed yet.
type pending struct {
	job  *job
	line int
	at   time.Time
}

type queue struct {
	jobs  [queues][]*job
	busy  map[string]*job // by target: the job that has begun and not yet ended there
	sent  map[string]pending
	pings map[string]pending
	wake  chan struct{}

	waits  [queues]bool // queues that had a line ready when the last one was picked
	passed [queues]int  // how many lines of others they have let go since their own
}

func newQueue() queue {
	return queue{busy: map[string]*job{}, sent: map[string]pending{}, pings: map[string]pending{}, wake: make(chan struct{}, 1)}
}

// add puts a job in its queue. The link's lock is held.
func (q *queue) add(j *job) {
	j.done = make(chan struct{})
	if j.again {
		q.jobs[j.queue] = slices.Insert(q.jobs[j.queue], 0, j)
	} else {
		q.jobs[j.queue] = append(q.jobs[j.queue], j)
	}
	q.ring()
}

func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// control queues a line of the connection's own. Before we are registered the
// server waits for it, so it goes out at once. The lock is held.
func (l *link) control(line string) {
	l.out.add(&job{queue: forLink, lines: []string{line}, free: !l.registered})
}

// labels says whether the server labels its answers.
func (l *link) labels() bool { return l.caps["labeled-response"] && l.caps["batch"] }

// patience is how many lines of others a queue lets go before one of its own:
// answers come first, but a flood of them silences no alert.
func patience() [queues]int {
	return [queues]int{forLink: 0, forAnswers: 0, forAlerts: 3, forRoutine: 8}
}

// pick is the job whose line goes next. Lines of one job to one target are never
// mixed with another's.
func (q *queue) pick() *job {
	var first [queues]*job
	var best *job
	for i := range q.jobs {
		first[i] = q.ready(q.jobs[i])
		if best == nil {
			best = first[i]
		}
	}
	if best == nil || best.queue == forLink {
		return best
	}
	for i := forAnswers; i < queues; i++ {
		if first[i] != nil && first[i] != best && q.passed[i] >= patience()[i] {
			best = first[i]
			break
		}
	}
	for i := forAnswers; i < queues; i++ {
		q.waits[i] = first[i] != nil && first[i] != best
	}
	return best
}

// ready is the first job that may go now.
func (q *queue) ready(jobs []*job) *job {
	for _, j := range jobs {
		if other := q.busy[j.target]; !j.looking && (j.target == "" || other == nil || other == j) {
			return j
		}
	}
	return nil
}

// went counts a line that goes, for those that were passed over.
func (q *queue) went(j *job) {
	if j.queue == forLink {
		return
	}
	for i := range q.waits {
		if q.waits[i] {
			q.passed[i]++
		}
	}
	q.passed[j.queue] = 0
}

// long is how many lines of a job go in its own turn; the rest is routine.
const long = 5

// later puts a job that has more lines behind the others of its queue, and a
// long one behind everything: a long text for one place holds up nobody else's
// short one, and no alert.
func (q *queue) later(j *job) {
	q.jobs[j.queue] = slices.DeleteFunc(q.jobs[j.queue], func(one *job) bool { return one == j })
	if j.next >= long {
		j.queue = max(j.queue, forRoutine)
	}
	q.jobs[j.queue] = append(q.jobs[j.queue], j)
}

// remove takes a job out of its queue.
func (q *queue) remove(j *job) {
	q.jobs[j.queue] = slices.DeleteFunc(q.jobs[j.queue], func(one *job) bool { return one == j })
	if q.busy[j.target] == j {
		delete(q.busy, j.target)
	}
}

// take gets the next line of a job ready. The lock is held.
func (l *link) take(j *job, now time.Time) (tags, line string, ok bool) {
	if err := l.mayStill(j, now); err != nil {
		l.finish(j, err)
		return "", "", false
	}
	if j.direct && j.next > 0 && j.next < len(j.lines) && (now.After(j.fresh) || j.proven && j.seen < j.next) {
		j.looking = true
		go l.lookAgain(j)
		return "", "", false
	}
	q := &l.out
	if j.target != "" {
		q.busy[j.target] = j
	}
	if j.next < len(j.lines) {
		line = j.lines[j.next]
		switch {
		case j.label != "":
			tags = "@label=" + j.label + " "
		case j.proof && l.labels():
			label := "s" + strconv.Itoa(l.count())
			tags = "@label=" + label + " "
			q.sent[label] = pending{j, j.next, now}
		}
		j.next++
		if j.next == len(j.lines) && (!j.proof || l.labels()) {
			q.remove(j)
			if !j.proof {
				l.finish(j, nil)
			}
		} else if j.next < len(j.lines) {
			q.later(j)
		}
		return tags, line, true
	}
	// No labels here: a PING after the lines, whose PONG says that the server
	// has taken all that came before it.
	key := "p" + l.nonce + strconv.Itoa(l.count())
	q.pings[key] = pending{j, 0, now}
	q.remove(j)
	j.next++
	return "", "PING " + key, true
}

// mayStill looks once more, just before a line goes, whether it may.
func (l *link) mayStill(j *job, now time.Time) error {
	switch {
	case j.room != nil && !j.room.joined:
		return fmt.Errorf("not in %s: %w", j.room.Name, bridges.ErrNotSent)
	case j.direct && j.next == 0 && now.After(j.fresh):
		return errStale
	case j.room != nil && j.checked && j.room.changes != j.changes:
		return fmt.Errorf("the modes of %s changed since it was looked at: %w, %w", j.room.Name, bridges.ErrNotSent, bridges.ErrUnproven)
	case j.room != nil && j.checked && !l.onlyReaders(j.room, j.readers):
		return fmt.Errorf("somebody came into %s since it was looked at: %w, %w", j.room.Name, bridges.ErrNotSent, bridges.ErrUnproven)
	}
	return nil
}

// lookAgain asks, in the middle of a long direct message, whether the nick still
// is who it was. If not, the rest is not said.
func (l *link) lookAgain(j *job) {
	ctx := context.Background() // it ends with the connection, or when the server does not answer
	now, err := l.accountNow(ctx, j.nick)
	if err == nil && j.proven {
		var secure bool
		if secure, err = l.secure(ctx, j.nick); err == nil && !secure {
			err = fmt.Errorf("the nick is not connected with TLS: %w", bridges.ErrNotSent)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	j.looking = false
	switch {
	case err != nil:
		l.finish(j, err)
	case now != j.account:
		l.finish(j, fmt.Errorf("the nick changed hands: %w", bridges.ErrNotSent))
	default:
		j.fresh, j.seen = time.Now().Add(l.cfg.Tuning.Fresh), j.next
		l.out.ring()
	}
}

// onlyReaders says whether nobody is in a channel who was not proven to read
// there. People without an account cannot be told apart, so they are counted.
func (l *link) onlyReaders(r *room, readers []bridges.Account) bool {
	allowed, nobodies := map[string]bool{}, 0
	for _, a := range readers {
		if a.ID == "" {
			nobodies++
		}
		if a.Network == l.cfg.Name && a.ID != "" {
			allowed[ascii.fold(a.ID)] = true
		}
	}
	for _, one := range r.members {
		switch {
		case l.sameNick(one.nick, l.nick):
		case one.known && one.account != "":
			if !allowed[one.account] {
				return false
			}
		default:
			nobodies--
		}
	}
	return nobodies >= 0
}

// overdue says whether a line was sent and not confirmed for too long.
func (q *queue) overdue(now time.Time, limit time.Duration) bool {
	for _, m := range []map[string]pending{q.sent, q.pings} {
		for _, p := range m {
			if now.Sub(p.at) > limit {
				return true
			}
		}
	}
	return false
}

// writeLoop sends what waits, a burst at first and then at the pace.
func (l *link) writeLoop() {
	t := l.cfg.Tuning
	credit, last := float64(t.Burst), time.Now()
	for {
		now := time.Now()
		credit = min(float64(t.Burst), credit+float64(now.Sub(last))/float64(t.Interval))
		last = now
		l.mu.Lock()
		j := l.out.pick()
		var tags, line string
		var wait <-chan time.Time
		ok := j != nil
		if ok && !j.free && credit < 1 {
			wait, ok = time.After(time.Duration((1-credit)*float64(t.Interval))+time.Millisecond), false
		} else if ok {
			was := *j
			if tags, line, ok = l.take(j, now); !ok {
				l.mu.Unlock()
				continue
			}
			l.out.went(&was)
		}
		l.mu.Unlock()
		if ok {
			if !j.free {
				credit--
			}
			if err := l.write(tags, line); err != nil {
				l.fail(err)
				return
			}
			continue
		}
		select {
		case <-l.done:
			return
		case <-l.out.wake:
		case <-wait:
		}
	}
}

// endJobs tells everybody who still waits that the connection is over.
func (l *link) endJobs() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*job
	for i := range l.out.jobs {
		all = append(all, l.out.jobs[i]...)
	}
	for _, m := range []map[string]pending{l.out.sent, l.out.pings} {
		for _, p := range m {
			all = append(all, p.job)
		}
	}
	for _, j := range all {
		l.finish(j, fmt.Errorf("the connection was lost: %w", bridges.ErrNotSent))
	}
	l.ready = false
	l.signal()
}
