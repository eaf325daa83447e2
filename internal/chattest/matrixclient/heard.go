package matrixclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
)

// Heard is a message of somebody else.
type Heard struct {
	ID, Room, Sender string
	At               time.Time // when the server got it
	Type             string    // m.text, m.notice, m.file ...
	Text, HTML       string    // of an edit: the new ones
	Thread           string    // root of the thread; "": none
	ReplyTo          string    // what it really answers, not the fallback of a thread
	Edits            string    // the message it replaces
	Mentions         []string  // nil when it does not say (no m.mentions)
	FileName         string
	Encrypted        bool            // it was sent encrypted
	SenderSigned     bool            // by a device that its owner has signed
	Device           string          // the sender's, when it was encrypted and the device is known
	Undecryptable    bool            // its key did not come
	Why              string          // why that is
	Raw              map[string]any  // the content, decrypted
	Wire             json.RawMessage // the content as the server has it
}

// Reaction is a sign on a message.
type Reaction struct{ ID, Sender, Sign string }

type mark struct {
	Reaction
	on string
}

// withheld reports whether the sender has said that there will be no key.
func withheld(err error) bool { return errors.Is(err, crypto.ErrGroupSessionWithheld) }

// All is everything heard so far, in the server's order. Messages whose keys are
// still awaited are left out.
func (p *Person) All() []Heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Heard
	for _, e := range p.heard {
		if e.known {
			out = append(out, e.heard)
		}
	}
	return out
}

// In is what was heard in a room.
func (p *Person) In(room string) []Heard {
	return slices.DeleteFunc(p.All(), func(h Heard) bool { return h.Room != room })
}

func (p *Person) overheard() string {
	var b strings.Builder
	all := p.All()
	for _, h := range all[max(0, len(all)-12):] {
		fmt.Fprintf(&b, "\n  %s in %s: %s %q (encrypted %v, undecryptable %v %s)", h.Sender, h.Room, h.Type, h.Text, h.Encrypted, h.Undecryptable, h.Why)
	}
	return b.String()
}

// Wait waits for a message, half a minute at most. One that was heard before
// counts too; the oldest is given.
func (p *Person) Wait(what string, fits func(Heard) bool) Heard {
	p.t.Helper()
	var found Heard
	p.Until(what, func() bool {
		all := p.All()
		k := slices.IndexFunc(all, fits)
		if k >= 0 {
			found = all[k]
		}
		return k >= 0
	})
	return found
}

// WaitReply waits for the first answer to a message, which is no edit.
func (p *Person) WaitReply(id string) Heard {
	p.t.Helper()
	return p.Wait("an answer to "+id, func(h Heard) bool { return h.ReplyTo == id && h.Edits == "" })
}

// WaitText waits for a message in a room that has this in its text.
func (p *Person) WaitText(room, part string) Heard {
	p.t.Helper()
	return p.Wait(fmt.Sprintf("%q in %s", part, room), func(h Heard) bool { return h.Room == room && strings.Contains(h.Text, part) })
}

// WaitInvite waits for an invitation and tells who invites.
func (p *Person) WaitInvite(room string) (from string) {
	p.t.Helper()
	p.Until("an invitation to "+room, func() bool { from = p.Invites()[room]; return from != "" })
	return from
}

// Invites are all invitations so far: room and who invites.
func (p *Person) Invites() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]string{}
	for room, from := range p.invites {
		out[room] = from
	}
	return out
}

// Reactions are the signs on a message, without those taken back.
func (p *Person) Reactions(id string) []Reaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Reaction
	for _, m := range p.marks {
		if m.on == id && !p.gone[m.ID] {
			out = append(out, m.Reaction)
		}
	}
	return out
}

// Reacted is every sign that a message ever had, in order, also those taken back.
func (p *Person) Reacted(id string) []Reaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Reaction
	for _, m := range p.marks {
		if m.on == id {
			out = append(out, m.Reaction)
		}
	}
	return out
}

// Redacted reports whether an event was redacted.
func (p *Person) Redacted(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone[id]
}

// File downloads the file of a message, and decrypts it.
func (p *Person) File(h Heard) []byte {
	p.t.Helper()
	raw, err := json.Marshal(h.Raw)
	p.must(err, "reading %s", h.ID)
	var c event.MessageEventContent
	p.must(json.Unmarshal(raw, &c), "reading %s", h.ID)
	url := c.URL
	if c.File != nil {
		url = c.File.URL
	}
	uri, err := url.Parse()
	p.must(err, "the address of the file of %s", h.ID)
	ctx, cancel := p.limit()
	defer cancel()
	data, err := p.cli.DownloadBytes(ctx, uri)
	p.must(err, "downloading the file of %s", h.ID)
	if c.File != nil {
		p.must(c.File.PrepareForDecryption(), "preparing the file of %s", h.ID)
		p.must(c.File.DecryptInPlace(data), "decrypting the file of %s", h.ID)
	}
	return data
}
