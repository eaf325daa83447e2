package commands

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/incidents"
	"tocsin/incidents/store"
)

// do takes a command through its gates and runs it.
func (c *Call) do(cmd Command, rest string) (reply, error) {
	c.now = c.Tx.Now()
	if cmd.Needs >= Notices && c.clear(incidents.All).Clearance.None() && c.Line.Grant.Incident == 0 {
		return reply{}, incidents.Refuse("room-hears-nothing")
	}
	rest, named := c.named(cmd, rest)
	args, readErr := c.read(cmd, rest, c.now)
	c.args, c.typed, c.sealedTyped = args.out, args.typed, args.sealedTyped()
	if c.sealedTyped && c.agreed == "" {
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
	about := c.I.N
	if cmd.About == Nothing {
		about = c.Line.Grant.Incident // what is about no incident can be said in every room that hears of one
	}
	if cmd.Needs >= Notices && c.clear(about).Clearance.None() {
		if own := c.Line.Grant.Incident; own != 0 {
			return reply{}, incidents.Refuse("room-one-incident", "handle", incidents.HandleOf(c.Prefix, own))
		}
		return reply{}, incidents.Refuse("room-hears-nothing")
	}
	if cmd.Needs == Full && !c.clear(about).Clearance.Full() {
		return reply{}, incidents.Refuse("needs-full", "command", "!"+cmd.Words)
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
		if needs && c.Line.Room.Direct && c.Line.Grant.Network != incidents.OnConsole {
			return reply{}, incidents.Refuse("ask-in-room")
		}
		if needs {
			r, err := c.ask(cmd, rest)
			return reply{Reply: r, incident: c.I.N, said: c.said, also: c.also, about: c.I}, err
		}
	}
	r, err := cmd.Run(c)
	return reply{Reply: r, incident: c.I.N, said: c.said, also: c.also, about: c.I}, err
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
func (c *Call) named(cmd Command, rest string) (string, int) {
	if cmd.About == Nothing || cmd.About == Every {
		return rest, 0
	}
	words := split(rest)
	if len(words) == 0 {
		return rest, 0
	}
	n, ok := c.handle(words[0].text)
	if !ok {
		return rest, 0
	}
	return strings.TrimSpace(rest[words[0].end:]), n
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
	for _, message := range []string{c.Line.About, c.Line.Thread} {
		if named == 0 && (!c.Line.Loose || cmd.Reads) { // who could move a line to another thread could have the wrong incident changed
			n, err := c.Tx.Concerned(c.Line.Room.Network, message)
			if err != nil {
				return err
			}
			named = n
		}
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
	case c.Line.Upload != nil:
		return c.which("which-patch")
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
	Tx          *store.Tx
	Line        Line
	Who         incidents.Person
	I           incidents.Incident // what it is about; the zero Incident when it is about none
	agreed      string             // the second person, when one approved it
	now         time.Time
	plan        *incidents.Plan
	args        map[string]any
	typed       []typedArg
	sealedTyped bool // something was typed that only full clearance may hear
	said        []incidents.Entry
	also        []told // what was done to other incidents than I
	suspended   map[string]bool
	interrupt   bool // somebody may hear less from now on
}

// Has reports whether an argument was given.
func (c *Call) Has(name string) bool { _, ok := c.args[name]; return ok }

// Str gives an argument as text, or "".
func (c *Call) Str(name string) string { s, _ := c.args[name].(string); return s }

// Sealed gives an argument under seal.
func (c *Call) Sealed(name string) incidents.Sealed { return incidents.Seal(c.Str(name)) }

// save keeps the changed incident with its entries, which are also announced. Where
// the change did what its phase still waited for, it moves on.
func (c *Call) save(i incidents.Incident, entries ...incidents.Entry) error {
	i, moved := incidents.Advance(*c.plan, c.I, i, c.Who.Name, c.now)
	return c.keep(i, append(entries, moved...)...)
}

// keep is save for what moves no phase.
func (c *Call) keep(i incidents.Incident, entries ...incidents.Entry) error {
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
