// Package commands is what people can say: the table of commands, the gates
// that every one passes in the same order, and one file for each noun.
//
// It renders nothing and touches no network: a command changes the incident by
// a rule, and its answer is a row in the outbox, in one transaction.
package commands

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/incidents"
	"tocsin/incidents/store"
	"tocsin/templates"
)

// Place is a room where incidents are announced.
type Place struct{ Network, Room string }

// Desk is what commands work on.
type Desk struct {
	Store   *store.Store
	Plan    func() *incidents.Plan
	Roster  incidents.Roster
	Book    *templates.Book
	Desks   []Place
	Prefix  string
	Approve func(network string) bool // whether that network alone may approve
	Table   []Command
	Log     *slog.Logger
	Most    func(network string) int // answers that may wait for one person; 0 or nil: any number
	Ignored func(why string)         // counts lines that get no answer; may be nil

	Hosts    []string                           // the networks that can make rooms
	RoomsFor func(network string) []string      // the levels whose incidents get a room there; may be nil
	MaxAge   func(network string) time.Duration // how old a line that changes something may be; 0 or nil: any age
	Looks    bool                               // an index is asked what is there of a release

	// Interrupt is called when somebody may hear less from now on: what is being
	// said at the moment is judged anew. It may be nil.
	Interrupt func()

	Letters   func(from string, to []string) (Envelope, error) // how a letter that a person sends is protected, from an address or, with "", ours; nil: it is plain
	Rehearsal bool                                             // nothing of it is real, and nobody outside hears of it
	Ways      func(way string) (Way, bool)                     // by which of incidents.Ways the bot sends to people outside; nil: by none
	RoomNames []string                                         // names, aliases and ids of its rooms, which no public text may hold
}

// Line is a message with what is known of the room it was said in.
type Line struct {
	bridges.Message
	Grant incidents.Grant
	Proof incidents.Proof

	Upload *Upload // a file that came with it, or nil
}

// maxLine is how much anybody may type at once.
const maxLine = 16 << 10

// Handle obeys a line, when it is a command of somebody on the roster: the
// change, its entries, its clocks and its answer are one transaction. An error
// means that the line was not dealt with at all.
func (d *Desk) Handle(ctx context.Context, l Line) error {
	who, ok := d.Roster.ByAccount(incidents.Account(l.From))
	if !ok {
		d.ignore("not on the roster")
		return nil
	}
	text, ok := command(l.Text)
	if !ok {
		return nil
	}
	var out reply
	err := d.Store.Update(ctx, func(tx *store.Tx) (err error) {
		out, err = d.obey(tx, l, who, text)
		return err
	})
	if err == nil && out.interrupt && d.Interrupt != nil {
		d.Interrupt()
	}
	if err == nil || errors.Is(err, errIgnored) {
		return nil
	}
	if no, ok := incidents.AsRefusal(err); ok {
		out.Reply, out.hint = Reply{Template: "refusals/" + no.Key, Facts: no.Args}, true
		out.harmless = out.harmless || no.Key == "room-hears-nothing"
	} else {
		out = reply{Reply: Reply{Template: "failed"}, harmless: true}
		d.Log.Error("a command failed", "network", l.Room.Network, "message", l.ID, "error", err.Error())
	}
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		first, err := tx.Heard(l.Room.Network, l.ID, who.Name)
		if err != nil || !first {
			return err
		}
		suspended, err := tx.Suspended()
		if err == nil {
			err = d.seen(tx, l, suspended, who)
		}
		if err != nil {
			return err
		}
		return d.answer(tx, l, out)
	})
}

// errIgnored ends a transaction that nobody gets an answer to.
var errIgnored = errors.New("ignored")

func (d *Desk) ignore(why string) {
	if d.Ignored != nil {
		d.Ignored(why)
	}
}

// reply is an answer with what goes along with it.
type reply struct {
	Reply
	incident int
	hint     bool // for this person only, and nothing changed
	harmless bool // it speaks of no incident: somebody on the roster may hear it anywhere

	interrupt bool // somebody may hear less from now on
	said      []incidents.Entry
	also      []told // to other incidents than about
	about     incidents.Incident
}

// obey runs a line within a transaction, from its gates to its answer.
func (d *Desk) obey(tx *store.Tx, l Line, who incidents.Person, text string) (reply, error) {
	suspended, err := tx.Suspended()
	if err != nil {
		return reply{}, err
	}
	obeyed := who.Name
	if suspended[who.Name] {
		obeyed = store.Nobody
	}
	first, err := tx.Heard(l.Room.Network, l.ID, obeyed)
	if err != nil {
		return reply{}, err
	}
	if !first {
		d.ignore("heard before")
		return reply{}, errIgnored
	}
	if suspended[who.Name] {
		d.ignore("suspended")
		return reply{}, nil // it stays heard: it is not obeyed later either
	}
	if err := d.seen(tx, l, suspended, who); err != nil {
		return reply{}, err
	}
	cmd, rest, ok := find(d.Table, text)
	if deaf, err := d.deaf(tx, l, cmd, ok); err != nil || deaf {
		return reply{}, err // it stays heard: it is not obeyed later either
	}
	if len(text) > maxLine {
		return reply{harmless: true}, incidents.Refuse("line-too-long", "max", maxLine)
	}
	if err := d.patience(tx, l, text); err != nil {
		return reply{harmless: true}, err
	}
	if l.Grant.Network == "" && !l.Room.Direct {
		return reply{harmless: true}, incidents.Refuse("room-unknown", "id", l.Room.ID)
	}
	switch l.Doubt {
	case bridges.Replaced:
		return reply{harmless: true}, incidents.Refuse("doubt-replaced", "person", who.Name)
	case bridges.Plain:
		return reply{harmless: true}, incidents.Refuse("doubt-plain")
	case bridges.Unsigned:
		return reply{harmless: true}, incidents.Refuse("doubt-unsigned")
	case bridges.NoDoubt, bridges.Open:
	}
	guests, err := tx.Guests(l.Grant.Incident)
	if err != nil {
		return reply{}, err
	}
	l.Proof = l.Proof.Admit(guests)
	c := &Call{Desk: d, Tx: tx, Line: l, Who: who, suspended: suspended, plan: d.Plan()}
	if !ok {
		return reply{harmless: true}, d.unknown(text)
	}
	if err := d.stale(l, cmd, tx.Now()); err != nil {
		return reply{harmless: true}, err
	}
	out, err := c.do(cmd, rest)
	out.harmless, out.interrupt = cmd.Needs == Anything, c.interrupt
	if cmd.About == Nothing && out.incident == 0 {
		out.incident = l.Grant.Incident // it is judged as what its room is about
	}
	if err != nil {
		about := c.I.N // a refusal is judged as what it is about
		if about == 0 {
			about = l.Grant.Incident
		}
		return reply{incident: about, harmless: out.harmless}, err
	}
	if err := d.answer(tx, l, out); err != nil {
		return out, err
	}
	return out, d.announce(tx, l, out)
}

// deaf reports whether a line was said before the bot's file was restored from a
// backup: it may have been obeyed then, and is neither obeyed nor answered again.
func (d *Desk) deaf(tx *store.Tx, l Line, cmd Command, known bool) (bool, error) {
	if known && cmd.Words == "suspend" { // that one was obeyed is not known any more
		return false, nil
	}
	deaf, err := tx.Deaf(l.At)
	if deaf {
		d.ignore("said before the restore")
	}
	return deaf, err
}

// stale refuses what changes something and was said long ago: what held then may
// not hold now.
func (d *Desk) stale(l Line, cmd Command, now time.Time) error {
	if cmd.Reads || cmd.Words == "suspend" || d.MaxAge == nil || l.At.IsZero() {
		return nil // a suspension is always heard
	}
	age := now.Sub(l.At)
	if most := d.MaxAge(l.Room.Network); most == 0 || age <= most {
		return nil
	}
	return incidents.Refuse("too-old", "age", incidents.SaySpan(age))
}

// patience refuses a person who has too many answers on their way, once, and
// then says nothing until they are through: else one person's flood holds up what
// others wait for. A suspension is always heard.
func (d *Desk) patience(tx *store.Tx, l Line, text string) error {
	if d.Most == nil || d.Most(l.Room.Network) == 0 {
		return nil
	}
	if cmd, _, ok := find(d.Table, text); ok && cmd.Words == "suspend" {
		return nil
	}
	n, err := tx.Awaited(l.Room.Network, l.From.ID)
	most := d.Most(l.Room.Network)
	switch {
	case err != nil:
		return err
	case n == most:
		return incidents.Refuse("slow-down", "max", most)
	case n > most:
		d.ignore("too many answers on their way")
		return errIgnored
	}
	return nil
}

// unknown refuses what is no command, with the nearest one.
func (d *Desk) unknown(text string) error {
	if words := split(text); len(words) > 0 {
		var verbs []string
		for _, c := range d.Table {
			if noun, verb, ok := strings.Cut(c.Words, " "); ok && noun == small(words[0].text) {
				verbs = append(verbs, verb)
			}
		}
		if len(verbs) > 0 {
			return incidents.Refuse("unknown-verb", "noun", small(words[0].text), "verbs", verbs)
		}
	}
	return incidents.Refuse("unknown-command", "near", nearest(d.Table, text))
}

// Concerns reports whether a message may be a command that is obeyed, and
// whether its room has to be proven for it: because something sealed may have
// been typed, or because the proof is what was asked for. Lines of strangers are
// counted.
func (d *Desk) Concerns(m bridges.Message) (concerns, proof bool) {
	text, ok := command(m.Text)
	if !ok {
		return false, false
	}
	if _, ok := d.Roster.ByAccount(incidents.Account(m.From)); !ok {
		d.ignore("not on the roster")
		return false, false
	}
	cmd, rest, ok := find(d.Table, text)
	if !ok {
		return true, false
	}
	for _, a := range cmd.Args {
		proof = proof || (rest != "" && (a.Sealed || a.Kind == Severity))
	}
	return true, proof || cmd.Proves || cmd.Needs == Full
}
