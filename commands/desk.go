// Package commands is what people can say: the table of commands, the gates
// that every one passes in the same order, and one file for each noun.
//
// It renders nothing and touches no network: a command changes the incident by
// a rule, and its answer is a row in the outbox, in one transaction.
package commands

import (
	"context"
	"errors"
	"fmt"
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
	Ignored func(why string) // counts lines that get no answer; may be nil

	// Interrupt is called when somebody may hear less from now on: what is being
	// said at the moment is judged anew. It may be nil.
	Interrupt func()
}

// Line is a message with what is known of the room it was said in.
type Line struct {
	bridges.Message
	Grant incidents.Grant
	Proof incidents.Proof
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
		out.Reply, out.hint = Reply{"refusals/" + no.Key, no.Args}, true
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
	if len(text) > maxLine {
		return reply{harmless: true}, incidents.Refuse("line-too-long", "max", maxLine)
	}
	c := &Call{Desk: d, Tx: tx, Line: l, Who: who, suspended: suspended, plan: d.Plan()}
	cmd, rest, ok := find(d.Table, text)
	if !ok {
		return reply{harmless: true}, d.unknown(text)
	}
	out, err := c.do(cmd, rest)
	out.harmless, out.interrupt = cmd.Needs == Anything, c.interrupt
	if err != nil {
		about := c.I.N // a refusal is judged as what it is about
		if about == 0 {
			about = l.Grant.Incident
		}
		return reply{incident: about, harmless: out.harmless}, err
	}
	if err := d.announce(tx, l, out); err != nil {
		return out, err
	}
	return out, d.answer(tx, l, out)
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

// do takes a command through its gates and runs it.
func (c *Call) do(cmd Command, rest string) (reply, error) {
	c.now = c.Tx.Now()
	c.cmd = cmd
	any := c.clear(incidents.All)
	if cmd.Needs == Notices && any.Clearance.None() && c.Line.Grant.Incident == 0 {
		return reply{}, incidents.Refuse("room-hears-nothing")
	}
	rest, named, err := c.named(cmd, rest)
	if err != nil {
		return reply{}, err
	}
	args, readErr := c.read(cmd, rest, c.now)
	c.args = args.out
	if args.sealedTyped() && c.agreed == "" {
		if v := c.clear(c.subject(named)); !v.Clearance.Full() {
			return reply{}, incidents.Refuse("typed-here", "command", "!"+cmd.Words, "how", typedHow(cmd.Words))
		}
	}
	if readErr != nil {
		return reply{}, readErr
	}
	if err := c.find(cmd, named); err != nil {
		return reply{}, err
	}
	if cmd.Needs == Notices && c.clear(c.I.N).Clearance.None() {
		return reply{}, incidents.Refuse("room-hears-nothing")
	}
	return c.run(cmd, rest)
}

// run asks for a second person where the command needs one, or runs it.
func (c *Call) run(cmd Command, rest string) (reply, error) {
	if cmd.Second != nil && c.agreed == "" {
		needs, err := cmd.Second(c)
		if err != nil {
			return reply{}, err
		}
		if needs {
			r, err := c.ask(cmd, rest)
			return reply{Reply: r, incident: c.I.N, said: c.said, about: c.I}, err
		}
	}
	r, err := cmd.Run(c)
	return reply{Reply: r, incident: c.I.N, said: c.said, about: c.I}, err
}

// typedHow names the template part that says what to do instead of typing
// sealed text where it may not be.
func typedHow(words string) string {
	if words == "incident open" {
		return "open"
	}
	return "else"
}

// named takes a handle off the front of the arguments: an incident is meant by
// handle first. It is 0 when none was given.
func (c *Call) named(cmd Command, rest string) (string, int, error) {
	if cmd.About == Nothing || cmd.About == Every {
		return rest, 0, nil
	}
	words := split(rest)
	if len(words) == 0 {
		return rest, 0, nil
	}
	n, ok := c.handle(words[0].text)
	if !ok {
		return rest, 0, nil
	}
	return strings.TrimSpace(rest[words[0].end:]), n, nil
}

// handle reads "INC-7" in any case; the number is -1 when it cannot be one.
func (d *Desk) handle(text string) (int, bool) {
	prefix, digits, ok := strings.Cut(strings.ToUpper(text), "-")
	if !ok || prefix != d.Prefix || digits == "" {
		return 0, false
	}
	n := 0
	for _, r := range digits {
		if r < '0' || r > '9' {
			return 0, false
		}
		if n = n*10 + int(r-'0'); n > 1_000_000_000 {
			return -1, true
		}
	}
	if n == 0 {
		return -1, true
	}
	return n, true
}

// subject is the incident that what was typed is about, as far as the line says.
func (c *Call) subject(named int) int {
	if named > 0 {
		return named
	}
	return c.Line.Grant.Incident
}

// find loads the incident that a command is about: by handle, else by the room,
// else because it is the only open one; else it lists the open ones and asks.
func (c *Call) find(cmd Command, named int) error {
	if cmd.About == Nothing || cmd.About == Every {
		return nil
	}
	if named == 0 {
		named = c.Line.Grant.Incident
	}
	if named == 0 && cmd.About == MaybeOne {
		return nil
	}
	if named != 0 {
		i, err := c.Tx.Incident(named)
		if errors.Is(err, store.ErrNoIncident) || (err == nil && c.clear(named).Clearance.None()) {
			return c.which("no-such-incident")
		}
		c.I = i
		return errors.Join(err, c.mustBeOpen(cmd))
	}
	which := "open"
	if cmd.Words == "incident reopen" {
		which = "closed"
	}
	found, err := c.Tx.List(which, 2)
	switch {
	case err != nil:
		return err
	case len(found) == 1:
		c.I = found[0]
		return nil
	case len(found) == 0:
		return incidents.Refuse("none-"+which, "command", "!"+cmd.Words)
	default:
		return c.which("which-incident")
	}
}

func (c *Call) mustBeOpen(cmd Command) error {
	if cmd.About == OneOpen && !c.I.Open() {
		return incidents.Refuse("is-closed", "handle", c.I.Handle)
	}
	return nil
}

// which refuses with the open incidents to choose from, where they may be named.
func (c *Call) which(key string) error {
	var open []string
	if !c.clear(incidents.All).Clearance.None() {
		list, err := c.Tx.List("open", 6)
		if err != nil {
			return err
		}
		for _, i := range list {
			open = append(open, fmt.Sprintf("%s %s", i.Handle, i.Codename))
		}
	}
	more := len(open) > 5
	return incidents.Refuse(key, "open", open[:min(5, len(open))], "more", more)
}

// clear judges what the room may hear about an incident now.
func (c *Call) clear(subject int) incidents.Verdict {
	return incidents.Clear(c.Line.Grant, c.Line.Proof, subject, func(p string) bool { return c.suspended[p] })
}

// Call is one command being obeyed.
type Call struct {
	*Desk
	Tx        *store.Tx
	Line      Line
	Who       incidents.Person
	I         incidents.Incident // what it is about; the zero Incident when it is about none
	agreed    string             // the second person, when one approved it
	now       time.Time
	plan      *incidents.Plan
	cmd       Command
	args      map[string]any
	said      []incidents.Entry
	suspended map[string]bool
	interrupt bool // somebody may hear less from now on
}

// Has reports whether an argument was given.
func (c *Call) Has(name string) bool { _, ok := c.args[name]; return ok }

// Str gives an argument as text, or "".
func (c *Call) Str(name string) string { s, _ := c.args[name].(string); return s }

// Sealed gives an argument under seal.
func (c *Call) Sealed(name string) incidents.Sealed { return incidents.Seal(c.Str(name)) }

// save keeps the changed incident with its entries, which are also announced.
func (c *Call) save(i incidents.Incident, entries ...incidents.Entry) error {
	i, err := c.Tx.Save(i, entries...)
	c.I, c.said = i, append(c.said, entries...)
	return err
}

// card gives a reply about the incident as it is now.
func (c *Call) card(template string, pairs ...any) Reply {
	f := incidents.Card(*c.plan, c.I, c.now)
	for k, v := range incidents.NewFacts(pairs...) {
		f[k] = v
	}
	return Reply{Template: template, Facts: f}
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
	return true, proof || cmd.Proves
}
