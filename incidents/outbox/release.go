package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
)

// Index is where releases are looked up. Look asks what is there of a version; known
// is what the look before gave as Known. Its error means that there was no answer; it
// holds nothing that the index said, and Patience where the index asked for some.
type Index interface {
	Look(ctx context.Context, version, known incidents.Sealed) (incidents.Found, error)
}

// Patience is an error of an index that wants to be asked no earlier than At.
type Patience struct {
	At  time.Time // zero: it did not say
	Err error
}

// Error gives the error's text.
func (p *Patience) Error() string { return p.Err.Error() }

// Unwrap gives the error.
func (p *Patience) Unwrap() error { return p.Err }

// AskIndex has releases looked up on an index, each one every so often, on a lane of
// its own: an index that hangs holds up no network. It is called before Run.
func (o *Outbox) AskIndex(x Index, every time.Duration) {
	o.Lane(store.Index)
	o.Register(store.LookUp, releaseHand{o, x, every})
}

// releaseHand looks a release up until everything of it is there.
type releaseHand struct {
	o     *Outbox
	index Index
	every time.Duration
}

// Find gives that nothing is known, so that it is looked again: that does no harm.
func (releaseHand) Find(context.Context, store.Row) (string, error) { return "", bridges.ErrNoTrace }

// Do looks once. What it finds, what is told of it and when to look next are one
// transaction.
func (h releaseHand) Do(ctx context.Context, r store.Row) (string, error) {
	var l look
	halted := false
	err := h.o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if l, err = h.load(tx, r); err == nil {
			halted, err = h.halt(tx, &l)
		}
		return err
	})
	switch {
	case err != nil:
		return "", notSent(err)
	case l.over != nil:
		return "", l.over
	}
	if halted {
		h.o.Kick()
		return "", store.End(store.Overtaken, "an embargo holds in that release")
	}
	found, deaf := h.index.Look(ctx, l.release.Version, l.check.Found.Known)
	if ctx.Err() != nil {
		return "", fmt.Errorf("%w: interrupted", bridges.ErrNotSent)
	}
	err = h.o.c.Store.Update(ctx, func(tx *store.Tx) (err error) {
		l, err = h.keep(tx, r, found, deaf)
		return err
	})
	h.o.Kick()
	switch {
	case err != nil:
		return "", notSent(err)
	case l.over != nil:
		return "", l.over
	case l.check.State == incidents.CheckLooking:
		return "", store.ErrLater
	}
	return "", nil
}

func notSent(err error) error { return fmt.Errorf("%w: %w", bridges.ErrNotSent, err) }

// look is a release with its look-up, in a transaction.
type look struct {
	check   incidents.ReleaseCheck
	release incidents.Release
	carried []incidents.Incident
	over    *store.Ended // the row is overtaken
}

// load gives what a row looks up, as it is now. Where somebody settled it meanwhile
// the row is overtaken, and so is the look-up: no other row will come for it.
func (h releaseHand) load(tx *store.Tx, r store.Row) (look, error) {
	n, _ := r.Facts["release"].(int)
	var l look
	var err error
	if l.check, err = tx.ReleaseCheck(n); err != nil {
		return l, err
	}
	if l.check.N != r.Generation || l.check.State != incidents.CheckLooking {
		l.over = store.End(store.Overtaken, "that look-up is over")
		return l, nil
	}
	if l.release, err = tx.Release(n); err != nil {
		return l, err
	}
	if !l.release.LiveAt.IsZero() || !l.release.YankedAt.IsZero() || l.release.N == 0 {
		l.over, l.check.State = store.End(store.Overtaken, "the release was settled by hand"), incidents.CheckStopped
		return l, tx.SaveReleaseCheck(l.check)
	}
	l.carried, err = tx.Carried(l.release)
	return l, err
}

// halt ends a look-up of a release in which an embargo holds by now, and says so.
func (h releaseHand) halt(tx *store.Tx, l *look) (bool, error) {
	no, halts := l.check.Halts(*h.o.c.Plan(), l.release, l.carried, tx.Now())
	if !halts {
		return false, nil
	}
	l.check.State = incidents.CheckStopped
	return true, errors.Join(tx.SaveReleaseCheck(l.check), h.tell(tx, *l, "release/halted", false), h.queue(tx, *l, "refusals/"+no.Key, no.Args, nil))
}

// keep takes what was found, or that there was no answer, into the look-up.
func (h releaseHand) keep(tx *store.Tx, r store.Row, found incidents.Found, deaf error) (look, error) {
	l, err := h.load(tx, r)
	if err != nil || l.over != nil {
		return l, err
	}
	var news []incidents.News
	wait := found.NotBefore
	if deaf == nil {
		l.check, news = l.check.Saw(found, tx.Now())
	} else {
		if p, ok := errors.AsType[*Patience](deaf); ok {
			wait = p.At
		}
		h.o.c.Log.Info("the index gave no answer", "release", l.check.Release, "error", deaf.Error())
		l.check, news = l.check.Deaf(tx.Now())
	}
	for _, n := range news {
		if n == incidents.NewsReady {
			err = h.live(tx, &l)
		} else {
			err = h.tell(tx, l, "release/"+string(n), n == incidents.NewsWrong)
		}
		if err != nil {
			return l, err
		}
	}
	if err := tx.SaveReleaseCheck(l.check); err != nil {
		return l, err
	}
	if l.check.State != incidents.CheckLooking {
		return l, nil
	}
	return l, tx.LookAgain(r.ID, l.check.Next(h.every, wait, tx.Now()), wait)
}

// live notes by the same rules as by hand that a release is live. Where they say no,
// that is told in their words, and the look-up ends: to look again is for people.
func (h releaseHand) live(tx *store.Tx, l *look) error {
	plan := *h.o.c.Plan()
	r, e, err := incidents.GoLiveFound(plan, l.release, l.carried, l.check, tx.Now())
	if no, ok := incidents.AsRefusal(err); ok {
		l.check.State = incidents.CheckStopped
		return errors.Join(h.tell(tx, *l, "release/ready", false), h.queue(tx, *l, "refusals/"+no.Key, no.Args, nil))
	}
	if err != nil {
		return err
	}
	if l.release, err = tx.SaveRelease(r); err != nil {
		return err
	}
	for k, was := range l.carried {
		i, moved := incidents.Shipped(plan, was, r, e.Who, tx.Now())
		entries := append([]incidents.Entry{e}, moved...)
		i, moved = incidents.Advance(plan, was, i, e.Who, tx.Now())
		entries = append(entries, moved...)
		if i, err = tx.Save(i, entries...); err != nil {
			return err
		}
		if err := h.announce(tx, i, entries); err != nil {
			return err
		}
		l.carried[k] = i
	}
	return h.tell(tx, *l, "release/live", false)
}

// tell says something of a release in the desks. An alarm calls everybody, at any
// hour; what is else told calls nobody but who asked for the look-up.
func (h releaseHand) tell(tx *store.Tx, l look, template string, alarm bool) error {
	plan := *h.o.c.Plan()
	f := incidents.ReleaseFacts(plan, l.release, l.carried, tx.Now())
	for k, v := range incidents.CheckFacts(plan, l.release, l.carried, l.check, tx.Now()) {
		f[k] = v
	}
	f["changed"], f["assumed"] = f["handles"], false
	suspended, err := tx.Suspended()
	if err != nil {
		return err
	}
	var call []string
	for _, name := range h.o.c.Roster.Names() {
		asked := name == l.check.By && template != "release/progress"
		if !suspended[name] && (alarm || asked) {
			call = append(call, name)
		}
	}
	return h.queue(tx, l, template, f, call)
}

func (h releaseHand) queue(tx *store.Tx, l look, template string, f incidents.Facts, call []string) error {
	if f == nil {
		f = incidents.Facts{} // nil is a reminder's
	}
	for _, p := range h.o.c.Desks { // never in a room of one incident: a release speaks of others
		row := store.Row{
			Key:  fmt.Sprintf("found/%d/%d/%s/%d/%s/%s", l.check.Release, l.check.N, template, tx.Now().UnixMilli(), p.Network, p.Room),
			Kind: "say", Network: p.Network, Room: p.Room, Tone: int(bridges.Alert), Template: template, Facts: f, Mentions: call,
		}
		if template == "release/progress" {
			if row.Tone = int(bridges.Routine); h.o.c.Rooms(roomOf(row)).Asks != "full" {
				continue // below full it would say each time that there is something to say
			}
		}
		if err := errors.Join(tx.Queue(row), h.o.directly(tx, p, row)); err != nil {
			return err
		}
	}
	return nil
}

// announce says in an incident's own room what was done to it, and everywhere that its
// phase moved, as commands do.
func (h releaseHand) announce(tx *store.Tx, i incidents.Incident, entries []incidents.Entry) error {
	places, err := h.o.places(tx, i.N)
	if err != nil {
		return err
	}
	for k, e := range incidents.Announced(entries) {
		moved := e.Kind == "phase"
		f := incidents.Card(*h.o.c.Plan(), i, tx.Now())
		f["who"], f["kind"], f["plain"], f["text"] = e.Who, e.Kind, e.Plain, e.Text
		for n, p := range places {
			row := store.Row{
				Key:  fmt.Sprintf("found/%d/%d/%d/%s/%s", i.N, i.Version, k, p.Network, p.Room),
				Kind: "say", Network: p.Network, Room: p.Room, Tone: int(bridges.Alert), Template: "announce", Facts: f, Incident: i.N,
			}
			if moved {
				row.Template = "phase/moved"
			} else if n < len(h.o.c.Desks) {
				continue // they hear of the release in one line
			}
			if err := tx.Queue(row); err != nil {
				return err
			}
		}
	}
	return nil
}
