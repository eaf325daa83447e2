package incidents

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// The ways by which the bot itself can send something to people outside.
const (
	ByMail     = "mail"
	ByMastodon = "mastodon"
)

// Ways lists them.
func Ways() []string { return []string{ByMail, ByMastodon} }

// The states of a Sending.
const (
	SendQueued  = "queued"  // approved, and on its way
	SendSent    = "sent"    // the network has it
	SendRefused = "refused" // it was surely not sent, and will not be
	SendUnknown = "unknown" // it may have been sent: a person has to look
	SendByHand  = "by hand" // a person sent it and said so
)

// CarryLife is how long after its approval a text still goes out: what could not be
// sent by then is asked for anew, because things will have changed.
const CarryLife = 6 * time.Hour

// Sending is a text for people outside that was sent or is to be: a mail, a post, or
// one post of a thread.
type Sending struct {
	ID, Incident int
	Kind         string // of the draft; it tells what sort of incident it is
	Way          string // see Ways; "" when a person sent it
	Account      string // of the bot, that it is sent from
	Reporter     bool   // it is for the reporter
	To           Sealed // addresses, or who was told
	For          Sealed // whom it is for, where several get one of the same kind
	Subject      Sealed
	Body         Sealed
	Hash         Sealed // of the whole text
	Basis        Sealed // what it rested on when it was approved, see Basis
	Part, Parts  int    // of a thread, from 1
	First        int    // the ID of the thread's first part
	AskedBy      string
	Second       string
	At           time.Time // when it was approved, or noted
	State        string
	Via          Sealed    // by hand: how, with a note
	How          Sealed    // likewise without it, which is not kept
	SentID       Sealed    // what the network calls it
	Problem      Sealed    // why it was not sent
	DoneAt       time.Time // when that was written down; zero: its end is open, whatever is feared of it
}

// PretendAccount is the account that a rehearsal sends from: nothing goes to anybody.
const PretendAccount = "(rehearsal) nobody"

// Pretended reports whether it was sent in a rehearsal only.
func (s Sending) Pretended() bool { return s.Account == PretendAccount }

// By gives who wanted it sent: "alice", or "alice and bob".
func (s Sending) By() string {
	if s.Second == "" {
		return s.AskedBy
	}
	return s.AskedBy + " and " + s.Second
}

// TextHash gives the hash of a text in several parts, in hexadecimal. No two texts
// have the same, also when they are cut into parts in another way.
func TextHash(parts ...Sealed) Sealed {
	h := sha256.New()
	for _, s := range parts {
		text := ""
		if s.p != nil {
			text = (*s.p)()
		}
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	return Seal(hex.EncodeToString(h.Sum(nil)))
}

// hashShown is how much of a hash is shown to people.
const hashShown = 12

// ShortHash gives the beginning of a hash, for people.
func ShortHash(hash Sealed) Sealed {
	return mapSealed(hash, func(text string) string { return text[:min(hashShown, len(text))] })
}

// HashIs reports whether a text that was typed is a hash.
func HashIs(hash Sealed, typed string) bool { return hash.Same(Seal(strings.ToLower(typed))) }

// NoteSent gives the entry of the record for a text that was sent. What belongs to
// the reporter in it can be erased.
func NoteSent(s Sending, now time.Time) Entry {
	e := Entry{Incident: s.Incident, Kind: "sent", Who: s.AskedBy, At: now}
	if s.State == SendByHand && !s.DoneAt.IsZero() && !s.DoneAt.Equal(now) {
		e.Plain = SayInstant(s.DoneAt)
	}
	how := s.Via
	if s.Way != "" {
		if s.Pretended() {
			how = Seal("(rehearsal) not sent to anybody:")
		}
		how = joinSealed(" ", how, Seal(s.Way), mapSealed(ShortHash(s.Hash), func(h string) string { return "(" + h + ")" }), s.Address())
	}
	if s.Parts > 1 {
		how = joinSealed(", ", how, Seal(fmt.Sprintf("post %d of %d", s.Part, s.Parts)))
	}
	if s.Second != "" {
		how = joinSealed(", ", how, Seal("approved by "+s.Second))
	}
	if s.Reporter {
		e.Text = Seal(s.Kind)
		e.Personal = []Personal{{Field: "sent", Value: joinSealed(", to ", how, s.To)}}
		return e
	}
	e.Text = joinSealed(", to ", joinSealed(": ", Seal(s.Kind), how), s.To)
	return e
}

// NoteCut gives the entry of the record for a thread that is out only in part: s is its
// first post that is not, or of which nobody knows.
func NoteCut(s Sending, state string, now time.Time) Entry {
	out := fmt.Sprintf("%d of %d posts went out", s.Part-1, s.Parts)
	if state == SendUnknown {
		out += ", and the next one may have"
	}
	return Entry{Incident: s.Incident, Kind: "send-cut", Who: s.AskedBy, At: now, Text: joinSealed(": ", Seal(s.Kind), Seal(out))}
}

// StopAs judges how a text ends that somebody stops while it waits: SendRefused where it
// was surely not sent, SendUnknown where a try of unknown outcome was made, and "" where
// one is being made at this moment, which nobody can stop.
func StopAs(trying, unknown bool) string {
	switch {
	case trying:
		return ""
	case unknown:
		return SendUnknown
	}
	return SendRefused
}

// NoteStopped gives the entry of the record for a text that somebody stopped before it
// was sent, or perhaps sent.
func NoteStopped(s Sending, ended, who string, now time.Time) Entry {
	how := Sealed{}
	if ended == SendUnknown {
		how = Seal("it may have been sent before that")
	}
	return Entry{Incident: s.Incident, Kind: "send-stopped", Who: who, At: now, Text: joinSealed(", ", Seal(s.Kind), how)}
}

// Basis gives a hash of all that a text for people outside rests on: the facts of an
// incident, who reported it, its embargo and its release, and the steps of which the
// text tells. What is done or noted in other ways leaves it as it is.
func Basis(p Plan, i Incident) Sealed {
	parts := []Sealed{
		i.Type, i.Title, i.Vector, i.Score, i.Summary, i.Details, i.Affected, i.Fixed, i.CWE, i.CVE, i.GHSA, i.Library, i.Track, i.Reach, i.ReachWhy, i.Outcome,
		i.Workaround, i.PoC, i.Period, i.Files, i.Advice,
		i.Reporter.Name, i.Reporter.Contact, i.Reporter.Credit, i.Release.Version, Seal(i.Level), Seal(i.Embargo.State),
	}
	for _, so := range []bool{
		happened(p, i, "step:request-cve"), happened(p, i, "step:test"), happened(p, i, "step:audit-tags"), happened(p, i, "step:audit-wheels"),
		happened(p, i, "step:notify-distros"), happened(p, i, "step:share-poc"), firstDone(p, i),
	} {
		parts = append(parts, sealedIf(so))
	}
	live, _ := i.releasedAt(p) // also by word of whoever did that step
	out, _ := i.publishedAt(p)
	posted := time.Time{}
	if happened(p, i, "step:share-poc") {
		posted, _ = Happened(p, i, "step:oss-security")
	}
	for _, at := range []time.Time{i.Embargo.At, i.Embargo.EndedAt, i.Release.LiveAt, i.Release.YankedAt, i.WildAt, i.PublicAt, live, out, posted} {
		text := ""
		if !at.IsZero() {
			text = at.UTC().Format(time.RFC3339)
		}
		parts = append(parts, Seal(text))
	}
	return TextHash(parts...)
}

// Stopped says why a text is not sent although two people approved it: one of them is
// not obeyed any more, what it rests on is not as it was, or it waited too long. "" is
// that it can be sent.
func Stopped(p Plan, s Sending, i Incident, obeyed func(person string) bool, now time.Time) string {
	for _, person := range []string{s.AskedBy, s.Second} {
		if !obeyed(person) {
			return person + " is not obeyed any more"
		}
	}
	if !s.Basis.Same(Basis(p, i)) {
		return "the facts, the reporter, the embargo, the release or a step that it tells of changed after it was approved"
	}
	if now.Sub(s.At) > CarryLife {
		return "it could not be sent for " + SaySpan(CarryLife) + ", and much may have changed"
	}
	return ""
}

// SendingFacts gives what there is to say about a text that was sent or is to be.
func SendingFacts(s Sending) Facts {
	return Facts{
		"draft": Seal(s.Kind), "for": s.For, "way": Seal(s.Way), "account": Seal(s.Account), "to": s.To, "hash": ShortHash(s.Hash),
		"asker": s.AskedBy, "second": s.Second, "by": s.By(), "part": s.Part, "parts": s.Parts, "state": s.State,
		"pretended": s.Pretended(), "via": s.Via, "address": s.Address(), "sentat": s.At, "doneat": s.DoneAt,
	}
}

// Address gives where people find it, or nothing.
func (s Sending) Address() Sealed { return mapSealed(s.SentID, addressIn) }

// addressIn gives the address that people can open of what a network calls a post, or
// "".
func addressIn(id string) string {
	last := id[strings.LastIndexByte(id, ' ')+1:]
	if strings.HasPrefix(last, "https://") {
		return last
	}
	return ""
}
