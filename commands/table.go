package commands

import (
	"strings"

	"tocsin/incidents"
)

// Need is the least clearance that a room must have for a command to be
// answered there.
type Need int

// The needs.
const (
	Anything Need = iota // also where nothing may be heard of incidents
	Notices              // handle, codename, phase, level, who, when
)

// About says which incident a command concerns.
type About int

// What a command can be about.
const (
	Nothing  About = iota // no incident
	Every                 // incidents in general
	One                   // one incident, in any phase
	OneOpen               // one incident that is open
	MaybeOne              // one incident when one is named, else incidents in general
)

// Kind is how an argument is read.
type Kind int

// The kinds of argument.
const (
	Word     Kind = iota // one word
	Key                  // one of the plan's keys: Arg.Of says which
	Person               // somebody on the roster
	When                 // a date and time
	Count                // a whole number, 1 or more
	OneLine              // one line of text: a title, a name
	Text                 // text, also of several lines
	Severity             // a level or a CVSS vector
	Vector               // a CVSS vector
)

// Arg is one argument of a command. A OneLine or Text argument without a flag
// takes all that is left.
type Arg struct {
	Name     string // as the usage shows it
	Flag     string // "--type"; "" for an argument that is known by its place
	Kind     Kind
	Of       string   // Key: type, source, role, level, outcome; Word: see OneOf
	OneOf    []string // Word: what it can be; nil: anything
	Optional bool
	Past     bool // When: only what is past makes sense
	Sealed   bool // it may only be typed where everything may be heard
	Max      int  // OneLine and Text: bytes
}

// Command is one thing that people can say.
type Command struct {
	Words   string // "incident open"
	Args    []Arg
	Does    string // one line
	Example string
	Needs   Need
	About   About
	Second  func(*Call) (bool, error) // whether it needs a second person; nil: never
	Proves  bool                      // the room is proven for it even when nothing sealed is typed
	Reads   bool                      // it changes nothing: it is obeyed however old the line is
	Outside bool                      // what is typed names somebody outside, who can be forgotten
	Run     func(*Call) (Reply, error)
}

// Reply is what a command answers: the name of a template and its facts.
type Reply struct {
	Template string
	Facts    incidents.Facts
	Mentions []string // who has to act on it
}

// Table lists every command. Adding one is a function in the file of its noun
// and its name here.
func Table() []Command {
	return []Command{
		help(), ping(), whoami(), room(),
		incidentOpen(), incidentList(), incidentShow(), incidentNote(), incidentTitle(), incidentRoom(), incidentClose(), incidentReopen(),
		severitySet(), severityScore(), severityShow(),
		roleAssign(), roleTake(), roleDrop(), roleList(),
		reporterSet(), forgetReporter(), factSet(), factShow(), ackSent(),
		guestAllow(), guestRemove(), guestList(),
		timeline(), heard(), approve(), suspend(), unsuspend(),
	}
}

// Usage gives how a command is typed, made from its arguments.
func (c Command) Usage() string {
	out := []string{"!" + c.Words}
	if c.About == One || c.About == OneOpen || c.About == MaybeOne {
		out = append(out, "[INC-n]")
	}
	for _, a := range c.Args {
		if a.Flag != "" {
			out = append(out, "["+a.Flag+" "+a.Name+"]")
		}
	}
	for _, a := range c.Args {
		if a.Flag != "" {
			continue
		}
		name := a.Name
		if a.Kind == Word && a.OneOf != nil {
			name = strings.Join(a.OneOf, "|")
		}
		if a.Optional {
			out = append(out, "["+name+"]")
		} else {
			out = append(out, "<"+name+">")
		}
	}
	return strings.Join(out, " ")
}

func (c Command) flagged() bool {
	for _, a := range c.Args {
		if a.Flag != "" {
			return true
		}
	}
	return false
}
