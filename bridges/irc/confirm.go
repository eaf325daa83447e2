package irc

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lrstanley/girc"

	"tocsin/bridges"
)

// How jobs end: by the server's word that a line arrived, by its refusal, or by
// what makes it pointless to go on.

// finish ends a job. An error after a line has gone is never one that says
// "surely not delivered", unless the server itself refused the only line.
func (l *link) finish(j *job, err error) {
	if j.over {
		return
	}
	if err != nil && j.next > 0 && !(errors.Is(err, bridges.ErrRefused) || errors.Is(err, errGone) || errors.Is(err, errMuted)) {
		err = fmt.Errorf("after %d of %d lines: %s", min(j.next, len(j.lines)), len(j.lines), err.Error())
	}
	j.over, j.err = true, err
	l.out.remove(j)
	for label, p := range l.out.sent {
		if p.job == j {
			delete(l.out.sent, label)
		}
	}
	for key, p := range l.out.pings {
		if p.job == j {
			delete(l.out.pings, key)
		}
	}
	switch {
	case err == nil:
		l.b.record(j.key, outcome{known: true, arrived: true, receipt: j.receipt})
	case errors.Is(err, bridges.ErrNotSent), errors.Is(err, bridges.ErrRefused):
		l.b.record(j.key, outcome{known: true})
	case !errors.Is(err, errStale):
		l.b.record(j.key, outcome{})
	}
	close(j.done)
	l.out.ring()
}

// errMuted says that the channel takes nothing from us now, and the line went
// nowhere.
var errMuted = fmt.Errorf("the channel takes nothing from us: %w", bridges.ErrNotSent)

// errGone says that the nick is not there any more, and the line went nowhere.
var errGone = fmt.Errorf("nobody has that nick now: %w", bridges.ErrNotSent)

// confirm takes the server's answer to a labelled line.
func (l *link) confirm(label string, e *girc.Event) {
	p, ok := l.out.sent[label]
	if !ok {
		return
	}
	switch {
	case e.Command == girc.PRIVMSG, e.Command == girc.NOTICE, e.Command == "ACK":
		p.job.acked++
		if p.job.room != nil {
			l.b.settle("muted " + p.job.room.Name)
		}
		if p.line == 0 {
			p.job.receipt.ID, _ = e.Tags.Get("msgid")
		}
	case refusal(e.Command), e.Command == "FAIL":
		// What was not sent yet stays here; what was sent is waited for, since
		// some of it may arrive.
		p.job.lines = p.job.lines[:p.job.next]
		p.job.denied, p.job.numeric = p.job.denied+1, e.Command
		l.out.remove(p.job)
	default:
		return // a remark, such as that somebody is away
	}
	delete(l.out.sent, label)
	switch j := p.job; {
	case j.acked+j.denied < len(j.lines):
	case j.denied == 0:
		l.finish(j, nil)
	default:
		l.refuse(j, j.numeric)
	}
}

// refuse ends a job that the server will not take.
func (l *link) refuse(j *job, numeric string) {
	switch {
	case j.acked > 0 || min(j.next, len(j.lines)) > 1 && !l.labels(): // the PING after the lines is none of them
		l.finish(j, fmt.Errorf("a later line was refused (%s)", numeric))
	case j.direct && numeric == "401":
		l.finish(j, errGone)
	case j.room != nil && !j.room.joined:
		l.finish(j, fmt.Errorf("not in %s any more (%s): %w", j.room.Name, numeric, bridges.ErrNotSent))
	case j.room != nil && numeric == "404":
		// We are muted or banned: that passes, and what is to be said stays to be said.
		l.b.trouble("muted "+j.room.Name, l.place(j.room), "We cannot speak in "+j.room.Name+" on "+l.cfg.Name+
			" (moderated, or we are banned from speaking); give us voice. What is due waits.")
		l.finish(j, fmt.Errorf("muted in %s: %w", j.room.Name, errMuted))
	default:
		l.finish(j, fmt.Errorf("the server refused it (%s): %w", numeric, bridges.ErrRefused))
	}
}

// refuseTarget takes a refusal on a server without labels: it can only be told by
// its target.
func (l *link) refuseTarget(target, numeric string) {
	for _, p := range l.out.pings {
		if p.job.target == l.casemap.fold(target) {
			l.refuse(p.job, numeric)
			return
		}
	}
	if j := l.out.busy[l.casemap.fold(target)]; j != nil {
		l.refuse(j, numeric)
	}
}

// pong takes a PONG; if it is one that lines waited for, they have arrived.
func (q *queue) pong(l *link, key string) {
	if p, ok := q.pings[key]; ok {
		l.finish(p.job, nil)
	}
}

// gone ends the jobs for a nick that has changed hands.
func (q *queue) gone(l *link, nick string) {
	for i := range q.jobs {
		for _, j := range slices.Clone(q.jobs[i]) {
			if j.direct && j.target == nick {
				l.finish(j, errStale)
			}
		}
	}
}
