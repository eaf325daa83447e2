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
	Full                 // only where everything may be heard
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
	Version              // of a release
	Hash                 // of git: 40 or 64 hexadecimal digits
	Handles              // handles of incidents, all that is left: a []int
	Switch               // a flag without a value
)

// Arg is one argument of a command. A OneLine or Text argument without a flag
// takes all that is left.
type Arg struct {
	Name     string // as the usage shows it
	Flag     string // "--type"; "" for an argument that is known by its place
	Kind     Kind
	Of       string   // Key: type, source, role, level, outcome, contact; Word: see OneOf
	OneOf    []string // Word: what it can be; nil: anything
	Optional bool
	Past     bool // When: only what is past makes sense
	Sealed   bool // it may only be typed where everything may be heard
	Max      int  // OneLine and Text: bytes
	Frozen   bool // it stands in acts that wait for a second person, and nobody types it
}

// Command is one thing that people can say.
type Command struct {
	Words   string // "incident open"
	Args    []Arg
	Does    string // one line
	Example string
	Needs   Need
	About   About
	Second  func(*Call) (bool, error)          // whether it needs a second person; nil: never
	Freeze  func(*Call) (string, Reply, error) // what such an act holds besides what was typed, and how it is shown; may be nil
	Proves  bool                               // the room is proven for it even when nothing sealed is typed
	Reads   bool                               // it changes nothing: it is obeyed however old the line is
	Before  bool                               // its flags stand before its text: what looks like one in the text is the text's
	Outside bool                               // what is typed names somebody outside, who can be forgotten
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
		incidentPhase(), incidentTrack(), incidentReachable(), incidentWild(), incidentPublic(),
		next(), todo(), stepDone(), stepSkip(), stepUndo(), clockList(), clockSnooze(),
		embargoPropose(), embargoAgree(), embargoSet(), embargoMove(), embargoShow(), embargoFile(), embargoLift(), embargoBroken(),
		lead(), leadPing(), leadTake(), leadHandoff(), leadAccept(), leadDecline(), leadBrief(),
		roleAssign(), roleTake(), roleDrop(), roleList(),
		reporterSet(), reporterPolicy(), forgetReporter(), factSet(), factRemove(), factShow(), ackSent(), updateSent(),
		guestAllow(), guestRemove(), guestList(),
		releasePlan(), releaseAdd(), releaseRemove(), releaseShow(), releaseLive(), releaseYanked(), releaseUndo(),
		tagRecord(), tagCheck(), tagList(),
		draft(), draftList(), draftEdit(), draftReset(), patchAdd(), patchList(), patchDrop(), send(), sendStop(), sent(),
		advisoryList(), advisoryOpen(), advisoryLink(), advisoryShow(), advisoryDiff(), advisoryPull(), advisoryPush(), advisoryCreate(), advisoryAccept(),
		advisoryCVE(), advisoryFork(), advisoryCollaborator(), advisoryCredit(), advisoryPublish(), advisoryClose(),
		timeline(), heard(), approve(), suspend(), unsuspend(),
		here(), away(), back(),
		plan(), define(), support(),
		readinessStart(), readinessShow(), readinessVerify(), readinessToken(), readinessDrop(), readinessDone(), doctor(),
		notifyList(), notifyAdd(), notifySent(), notifyAnswered(), depsShow(), depsList(), depsDrift(), report(), reportPublic(), stats(),
	}
}

// Usage gives how a command is typed, made from its arguments.
func (c Command) Usage() string {
	out := []string{"!" + c.Words}
	if c.About == One || c.About == OneOpen || c.About == MaybeOne {
		out = append(out, "[INC-n]")
	}
	var last []string // a text goes on to the end
	for _, a := range c.Args {
		name := a.Name
		if a.OneOf != nil {
			name = strings.Join(a.OneOf, "|")
		}
		switch flag := "[" + a.Flag + " " + name + "]"; {
		case a.Flag == "" || a.Frozen:
		case a.Kind == Switch:
			out = append(out, "["+a.Flag+"]")
		case a.Kind == Text:
			last = append(last, flag)
		default:
			out = append(out, flag)
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
	return strings.Join(append(out, last...), " ")
}

func (c Command) flagged() bool {
	for _, a := range c.Args {
		if a.Flag != "" {
			return true
		}
	}
	return false
}
