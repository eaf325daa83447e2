package incidents

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Entry is one line of the record: who did what when. Entries are only ever
// added.
type Entry struct {
	Seq      int // its place in the whole record; 0 before it is kept
	Incident int // the incident it is about, or 0
	At       time.Time
	Who      string
	Kind     string // what was done; its words are the template did/<kind>
	Plain    string // what every room may hear of it
	Text     Sealed // the rest
	Personal []Personal
}

// Personal is a value that belongs to a person outside and can be erased. The
// record holds only its commitment.
type Personal struct {
	Field string
	Value Sealed
}

// Kinds lists every kind of entry that the rules make.
func Kinds() []string {
	return []string{
		"opened", "closed", "reopened", "titled", "noted", "severity", "assigned", "dropped",
		"reporter", "forgot", "fact", "fact-removed", "acknowledged", "asked", "approved", "suspended", "unsuspended",
		"heard", "edited", "redacted", "guest", "guest-left", "room",
		"phase", "tracked", "reached", "wild", "public", "updated", "policy", "step-done", "step-skipped", "step-undone", "snoozed",
		"embargo-proposed", "embargo-agreed", "embargo-consent", "embargo-set", "embargo-moved", "embargo-lifted", "embargo-broken",
		"led", "offered", "declined",
		"release-planned", "release-added", "release-removed", "release-looked-up", "release-live", "release-yanked", "release-undone", "tag-recorded", "tag-differs",
		"away", "back", "here", "review", "reviewed", "verified", "token", "token-dropped",
		"notice-added", "notice-sent", "notice-answered",
		"draft-edited", "draft-reset", "sent", "send-cut", "send-stopped", "patch", "patch-dropped", "restored",
	}
}

// Commit binds a personal value to the record without showing it: the hash of a
// random salt and the value. Without the salt, which is erased with the value,
// nobody can tell what it was.
func Commit(salt []byte, value string) string {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(value))
	return hex.EncodeToString(h.Sum(nil))
}

// Link is an entry as it is chained: plain values only, as the store has them.
type Link struct {
	Seq, Incident int
	AtMillis      int64
	Who, Kind     string
	Plain, Text   string
	Commits       string // the commitments of its personal values
}

// Chain gives the hash of an entry that follows the one with hash prev. Every
// field is preceded by its length, so no two entries have the same bytes.
func Chain(prev string, l Link) string {
	h := sha256.New()
	num := func(n int64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	text := func(s string) {
		num(int64(len(s)))
		h.Write([]byte(s))
	}
	text(prev)
	num(int64(l.Seq))
	num(int64(l.Incident))
	num(l.AtMillis)
	for _, s := range []string{l.Who, l.Kind, l.Plain, l.Text, l.Commits} {
		text(s)
	}
	return hex.EncodeToString(h.Sum(nil))
}
