package incidents

import (
	"fmt"
	"slices"
	"strings"
)

// Level of clearance, in rising order.
type level uint8

const (
	none level = iota
	notice
	full
)

// Clearance is what an audience may hear now about the incident in question.
// The zero value is none; anything above can only be made by Clear.
type Clearance struct{ level level }

// Full reports whether everything may be heard.
func (c Clearance) Full() bool { return c.level == full }

// Notice reports whether at least handle, codename, phase, level, who and when
// may be heard.
func (c Clearance) Notice() bool { return c.level >= notice }

// None reports whether not even the existence of an incident may be heard.
func (c Clearance) None() bool { return c.level == none }

// String names the clearance: none, notice or full.
func (c Clearance) String() string { return [...]string{"none", "notice", "full"}[c.level] }

// Network is the kind of network a room is on; the rule of clearance differs
// by it.
type Network string

// The networks that the rule knows. Every other one gets clearance none.
const (
	OnConsole Network = "console"
	OnIRC     Network = "irc"
	OnMatrix  Network = "matrix"
)

// Grant is what the configuration gives a room at most.
type Grant struct {
	Network  Network
	Asks     string // "full", "notice" or "none"
	Direct   bool   // a direct message
	Incident int    // the incident whose own room this is, or 0
	Desk     bool   // incidents are announced here
}

// Check is one fact about a room, as a bridge proved it.
type Check struct {
	Name string
	OK   bool
	Told string
	Mend string
}

// Reader is somebody who can read in a room: a person of the roster, a guest, or
// nobody we know (Person "").
type Reader struct {
	Person  string
	Name    string // the account or nick, for saying who it is that is not known
	Account Account
	Guest   bool // let in by name for the incident whose own room this is
}

// Proof is what is known about a room at one moment.
type Proof struct {
	Checks  []Check
	Readers []Reader
}

// Admit gives the proof of an incident's own room with those readers as guests
// who were let in for that incident.
func (p Proof) Admit(guests []Account) Proof {
	if len(guests) == 0 {
		return p
	}
	readers := make([]Reader, len(p.Readers))
	for k, r := range p.Readers {
		for _, g := range guests {
			r.Guest = r.Guest || (g == r.Account && g.ID != "")
		}
		readers[k] = r
	}
	p.Readers = readers
	return p
}

// Verdict is the clearance of a room with its reasons.
type Verdict struct {
	Clearance Clearance
	Grant     Grant
	Checks    []Check // every check that the rule asked for, failed ones included
	Readers   int
	Strangers []string // who reads there and may not
	Shut      bool     // a direct message whose other side is suspended: not a word goes there
	Why       string   // one sentence; "" when nothing lowered it
}

// Failed lists the checks that were not OK.
func (v Verdict) Failed() []Check {
	var out []Check
	for _, c := range v.Checks {
		if !c.OK {
			out = append(out, c)
		}
	}
	return out
}

// All is the subject of what speaks of no single incident.
const All = 0

// asked names the checks that full clearance demands of a room. A check that a
// bridge did not make counts as failed.
func asked(g Grant) []string {
	switch {
	case g.Network == OnIRC && g.Direct:
		return []string{"tls", "peer-tls", "authenticated", "identified"}
	case g.Network == OnIRC:
		return []string{"tls", "authenticated", "plain", "secret", "closed", "registered-only", "tls-only", "identified"}
	case g.Network == OnMatrix:
		return []string{"encrypted", "invite-only", "history", "no-guests", "unlisted", "no-integrations", "signed-keys"}
	default:
		return []string{"unknown network"}
	}
}

// Clear judges what a room may hear now about the incident subject (All: about
// incidents in general), from what the configuration grants, what was proven
// about the room, and who of the roster is suspended. It is the only maker of a
// Clearance above none.
func Clear(g Grant, p Proof, subject int, suspended func(person string) bool) Verdict {
	v := Verdict{Grant: g, Readers: len(p.Readers)}
	if g.Incident != 0 && subject != g.Incident {
		v.Why = "this room is for one incident only"
		return v
	}
	if g.Network == OnConsole {
		v.Clearance = Clearance{full} // a rehearsal: whoever sits there is everybody
		return v
	}
	var lowered []string
	for _, r := range p.Readers {
		switch {
		case r.Person != "" && suspended(r.Person):
			lowered = append(lowered, r.Person+" is suspended and can read here")
		case r.Person == "" && (!r.Guest || g.Incident == 0):
			lowered = append(lowered, r.Name+" is not on the roster")
			v.Strangers = append(v.Strangers, r.Name)
		}
	}
	v.Checks = gather(g, p)
	asks := g.Asks
	if g.Network != OnIRC && g.Network != OnMatrix && (asks == "full" || asks == "notice") {
		asks = "unknown network"
	}
	switch asks {
	case "unknown network":
		v.Why = "what can be proven on that network is not known"
	case "full":
		v.Clearance = Clearance{full}
		if bad := v.Failed(); len(bad) > 0 || len(lowered) > 0 {
			v.Clearance = Clearance{notice}
			v.Why = reason(bad, lowered)
		}
	case "notice":
		v.Clearance = Clearance{notice}
		v.Why = "the configuration lets this room hear notices only"
	default:
		v.Why = "the configuration does not let this room hear of incidents"
	}
	if g.Direct && (len(p.Readers) == 0 || suspendedAny(p.Readers, suspended)) {
		v.Clearance = Clearance{}
		v.Shut = slices.ContainsFunc(p.Readers, func(r Reader) bool { return r.Person != "" && suspended(r.Person) })
		v.Why = "the other side is suspended or not on the roster"
	}
	return v
}

// gather picks the checks that the rule asks for; one that is missing failed.
func gather(g Grant, p Proof) []Check {
	var out []Check
	for _, name := range asked(g) {
		c := Check{Name: name, Told: "this was not looked up", Mend: "see that the bot can look it up"}
		for _, got := range p.Checks {
			if got.Name == name {
				c = got
			}
		}
		out = append(out, c)
	}
	return out
}

func reason(bad []Check, lowered []string) string {
	var why []string
	for _, c := range bad {
		why = append(why, strings.TrimSuffix(c.Told, "."))
	}
	why = append(why, lowered...)
	if len(why) > 3 {
		why = append(why[:3], fmt.Sprintf("and %d more", len(why)-3))
	}
	return strings.Join(why, "; ")
}

func suspendedAny(rs []Reader, suspended func(string) bool) bool {
	for _, r := range rs {
		if r.Person == "" || suspended(r.Person) {
			return true
		}
	}
	return false
}
