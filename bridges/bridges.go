// Package bridges says what a chat network must do for the bot, in types that
// every network shares: a message that came in, the room it came from, the
// account that sent it, the proof of who can read a room, and what goes out.
//
// It knows no incidents. A bridge proves facts and carries text; it never
// judges what a room may hear and never decides who may command.
package bridges

import (
	"context"
	"errors"
	"time"
)

// Account is who a network says somebody is: a full Matrix ID, an IRC services
// account, a console name. Never a nick and never a display name.
type Account struct {
	Network string // the network's name in the configuration
	ID      string // in the network's canonical form (IRC: folded by its CASEMAPPING); "" is nobody
}

// Room is one place on one network. For a direct message ID is the other
// side's account ID, whatever nick it uses at the moment.
type Room struct {
	Network string
	ID      string
	Direct  bool
}

// Message is one line or event that somebody sent.
type Message struct {
	ID     string    // the network's own message id; unique within the network
	Room   Room      // where it was said
	From   Account   // as the network gave it on this very message; ID "" when it gave none
	Name   string    // what to call the sender in an answer (a nick); for display only
	Text   string    // as it was sent: not cleaned, may be hostile
	Thread string    // the network's id of the thread it was said in, or ""
	About  string    // the id of the message that it replies to, or ""
	Loose  bool      // Thread and About are not sure: others than the sender could have set them
	Doubt  Doubt     // why it may not be from who it seems to be from
	At     time.Time // when the network says it was sent, UTC
	Upload *Upload   // a patch's file that came with it, or nil; Text is then its caption, or ""
}

// Upload is a file that somebody sent. It stays where it is until it is fetched.
type Upload struct {
	Name   string // as it was sent: not cleaned, may be hostile
	Size   int    // in bytes, as its sender says it; 0 when they do not
	Sealed bool   // it is encrypted, and so is the message that brought its key

	// Fetch gets it, decrypted and held against its hash. Its error wraps ErrTooLarge
	// when there are more bytes than most, and quotes nothing of it. It is not called
	// for what is not Sealed.
	Fetch func(ctx context.Context, most int) ([]byte, error)
}

// ErrTooLarge is that an upload is larger than it may be.
var ErrTooLarge = errors.New("too large")

// Doubt is why a message is not to be obeyed though its sender may command.
type Doubt int

// The doubts.
const (
	NoDoubt  Doubt = iota
	Plain          // it came unencrypted where everything has to be encrypted
	Unsigned       // it came from a device that its owner has not signed
	Replaced       // its sender's identity is another one than was seen first
	Open           // it came unencrypted, as everything does in that room: it is obeyed, and approves nothing
)

// Touch is what somebody did to a message that was said before. It is never a
// command.
type Touch struct {
	ID     string // the network's id of the touch itself
	Kind   TouchKind
	Room   Room
	From   Account
	Target string // the id of the message
	Sign   string // Reacted: the reaction as it was sent; may be hostile
	At     time.Time
}

// TouchKind is what was done to a message.
type TouchKind int

// The kinds of touch.
const (
	Edited   TouchKind = iota // it has other words now, which are not told
	Redacted                  // it was taken back
	Reacted                   // somebody put a sign on it
)

// Tone tells a network that distinguishes them what sort of text this is.
type Tone int

// The tones. IRC says a Hint as NOTICE to the one person concerned.
const (
	Answer  Tone = iota // what somebody asked for
	Alert               // unasked for, and urgent
	Routine             // unasked for, and can wait behind answers and alerts
	Hint                // for one person: a refusal, a usage line
)

// File is a long text that goes out as a file where the network has files.
type File struct {
	Name string
	Type string // a media type
	Data []byte
}

// Outgoing is what a bridge is asked to say. Lines are separated by "\n";
// splitting a line that is too long for the network is the bridge's work.
type Outgoing struct {
	Key      string    // the same for every try of the same row, never reused for another
	Room     Room      // where to say it
	ReplyTo  string    // the id of the message that is answered, or ""
	Thread   string    // the thread to answer in, or ""
	Text     string    // plain text
	HTML     string    // the same as HTML, for networks that show it; may be ""
	Mentions []Account // who must be made to look
	File     *File     // a file that comes with it, or nil; Text and HTML then say what it is
	Edit     string    // the id of our message that gets these words instead of its own, or ""
	Pin      bool      // it is pinned, in place of what we pinned in that room before
	Since    time.Time // Find: it was not tried before this; zero when that is not known
	Tone     Tone
	State    int       // of the proof that the text rests on
	Readers  []Account // exactly those who were proven to read here; nil: no proof was asked for
}

// Receipt is a network's word that it took something.
type Receipt struct {
	ID string // the network's id of what was said, where it has one
}

// Errors that a bridge's Say wraps. An error that wraps none of them means that
// the outcome is unknown: the words may or may not have arrived.
var (
	ErrNotSent = errors.New("not sent")            // surely not delivered: try again later
	ErrRefused = errors.New("refused")             // surely not delivered, and the same again will not be either
	ErrNoTrace = errors.New("no trace of it")      // Find: surely not delivered
	ErrCantSay = errors.New("network cannot tell") // Find: the network has no way to know

	// ErrUnproven comes with ErrNotSent when the room is not what was proven any
	// more: prove it again, and say what it may hear now.
	ErrUnproven = errors.New("not what was proven")
)

// Check is one fact about a room that was looked up, not assumed.
type Check struct {
	Name string // e.g. "secret", "tls-only"; the rule that judges knows these names
	OK   bool
	Told string // what was found, one short sentence without any incident's text
	Mend string // what would make it OK, one short sentence; "" when it is OK
}

// Member is somebody who can read in a room, by account. ID "" with a name is
// somebody the network could not identify.
type Member struct {
	Account Account
	Name    string
}

// Proof is what a bridge found out about a room just now.
type Proof struct {
	Room    Room
	At      time.Time
	Checks  []Check
	Members []Member // everybody who can read there, the bot itself excluded
	State   int      // counts changes of the room's settings; Outgoing gives it back
	Devices int      // how many devices will get the text; 0 where the network has no such thing
}

// Limits is what a network's people put up with in one answer.
type Limits struct {
	Lines int  // more lines than this go to a file or a direct message; 0: no limit
	Most  int  // answers that may wait for one person before their lines are no longer obeyed; 0: no limit
	Files bool // long answers can be files; else they are direct messages
}

// EventKind is what happened to a bridge, apart from messages.
type EventKind int

// The events. With a Room, Up and Down are about that room only. A bridge's first
// Up, without a room, comes when it has joined every room or was refused.
const (
	Up         EventKind = iota // it can say things now; rows that waited are due
	Down                        // it cannot say things for now
	Changed                     // the room's members or settings changed: proofs are stale
	Trouble                     // the desk should hear of it: kicked, refused, nick lost
	Joined                      // Who joined the room
	Moved                       // the room was replaced by a new one, which has its name now: what was pinned is gone
	Unreadable                  // the message Message of Who in the room cannot be decrypted
)

// Event is something that happened to a bridge. Told is a sentence for the desk
// and never holds text that somebody else chose, apart from names of rooms and
// cleaned nicks.
type Event struct {
	Kind    EventKind
	Network string
	Room    Room // zero when it concerns the whole network
	Who     Account
	Message string // Unreadable: its id
	Once    string // Unreadable: the same for messages that fail for the same reason
	Told    string
	At      time.Time
}

// Inbox takes what a bridge receives. Message returns when the message's effects
// are safe on disk (or it was nobody's business); an error means that it was not
// dealt with and must come again where the network can do that. Touch is the same
// for what is done to a message.
//
// Keep and Kept are a bridge's memory over restarts, by network: values under
// keys, on disk when Keep returns; an empty value takes its key away. Kept gives
// all values whose key begins with prefix. Nothing sealed is kept there.
type Inbox interface {
	Message(ctx context.Context, m Message) error
	Touch(ctx context.Context, t Touch) error
	Event(ctx context.Context, e Event)
	Keep(ctx context.Context, network string, values map[string]string) error
	Kept(ctx context.Context, network, prefix string) (map[string]string, error)
}

// Bridge is one chat network.
//
// Run connects, serves and reconnects until ctx ends; it returns nil then, and an
// error only for what no waiting can mend. Say blocks until the network took the
// text, refused it, or ctx ended; it may be called from several goroutines. Find
// tells whether a Say of unknown outcome arrived: a Receipt, ErrNoTrace or
// ErrCantSay. Prove looks at the room as it is now.
type Bridge interface {
	Network() string
	Limits() Limits
	Run(ctx context.Context, in Inbox) error
	Prove(ctx context.Context, r Room) (Proof, error)
	Say(ctx context.Context, o Outgoing) (Receipt, error)
	Find(ctx context.Context, o Outgoing) (Receipt, error)
}

// NewRoom is a room that is to be made: encrypted, for invited people only, and
// without a view of what was said before somebody joined.
type NewRoom struct {
	Key    string    // the same for every try, never used for another room
	Name   string    // handle and codename only
	Invite []Account // who is asked in at once
	Help   []Account // who may invite and remove people there
}

// Host is a network where the bot can make rooms and show that it works on an
// answer. Errors are those of Say.
//
// FindRoom tells whether a MakeRoom of unknown outcome made its room. Invite asks
// people in; who is there or was asked already is left as they are. Remove takes
// somebody out, also an invitation. Working puts a sign on a message that its
// answer takes long; the answer takes the sign away.
type Host interface {
	MakeRoom(ctx context.Context, n NewRoom) (Room, error)
	FindRoom(ctx context.Context, n NewRoom) (Room, error)
	Invite(ctx context.Context, r Room, who []Account) error
	Remove(ctx context.Context, r Room, who Account) error
	Working(ctx context.Context, r Room, message string) error
}
