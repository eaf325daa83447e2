package jsclient

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Heard is a message of somebody else.
type Heard struct {
	ID       string `json:"id"`
	Room     string `json:"room"`
	Sender   string `json:"sender"`
	Type     string `json:"type"` // m.text, m.notice, m.file ...
	Text     string `json:"text"` // of an edit: the new one
	HTML     string `json:"html"`
	Thread   string `json:"thread"`  // root of the thread
	ReplyTo  string `json:"replyTo"` // what it really answers
	Edits    string `json:"edits"`   // the message it replaces
	FileName string `json:"fileName"`
	// Mentions are nil when it does not say (no m.mentions).
	Mentions  []string `json:"mentions"`
	Encrypted bool     `json:"encrypted"`
	// Undecryptable messages have no key, or come from a device that its owner has not signed.
	Undecryptable bool   `json:"undecryptable"`
	Why           string `json:"why"`
	// Shield is what people see beside an encrypted message: NONE, GREY or RED, and Reason why.
	Shield string         `json:"shield"`
	Reason string         `json:"reason"`
	Raw    map[string]any `json:"raw"` // the content, decrypted
}

// Trust is what the client holds of a device.
type Trust struct {
	SignedByOwner        bool `json:"signedByOwner"`        // by its owner's keys
	CrossSigningVerified bool `json:"crossSigningVerified"` // and this client has verified the owner
}

// UserID is @name:hs.test.
func (c *Client) UserID() string { return c.user }

// DeviceID is the device's id.
func (c *Client) DeviceID() string { return c.device }

// Version names the encryption that the client runs.
func (c *Client) Version() string { return c.version }

// MakeRoom makes a private encrypted room: by invitation, history since joining, no guests.
func (c *Client) MakeRoom(name string, invite ...string) (room string) {
	c.t.Helper()
	c.ask(&room, "makeRoom", args{"name": name, "invite": invite})
	return room
}

// Invite invites.
func (c *Client) Invite(room, user string) {
	c.t.Helper()
	c.ask(nil, "invite", args{"room": room, "user": user})
}

// Join joins a room, and waits until the client knows it.
func (c *Client) Join(room string) { c.t.Helper(); c.ask(nil, "join", args{"room": room}) }

// Leave leaves a room.
func (c *Client) Leave(room string) { c.t.Helper(); c.ask(nil, "leave", args{"room": room}) }

// WaitInvite waits for an invitation.
func (c *Client) WaitInvite(room string) { c.t.Helper(); c.ask(nil, "invited", args{"room": room}) }

// WaitMember waits until the client knows that somebody's membership is this.
func (c *Client) WaitMember(room, user, membership string) {
	c.t.Helper()
	c.ask(nil, "member", args{"room": room, "user": user, "membership": membership})
}

// Say says a text, encrypted. In a room that is not it fails.
func (c *Client) Say(room, text string) (eventID string) {
	c.t.Helper()
	c.ask(&eventID, "say", args{"room": room, "text": text})
	return eventID
}

// SayIn says a text in a thread.
func (c *Client) SayIn(room, thread, text string) (eventID string) {
	c.t.Helper()
	c.ask(&eventID, "say", args{"room": room, "text": text, "thread": thread})
	return eventID
}

// Reply answers a message.
func (c *Client) Reply(room, to, text string) (eventID string) {
	c.t.Helper()
	c.ask(&eventID, "say", args{"room": room, "text": text, "replyTo": to})
	return eventID
}

// File downloads the file of a message, and decrypts it.
func (c *Client) File(h Heard) []byte {
	c.t.Helper()
	var text string
	c.ask(&text, "file", args{"raw": h.Raw})
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

// DeviceVerified tells what the client holds of somebody's device, after it has
// asked the server anew.
func (c *Client) DeviceVerified(user, device string) (v Trust) {
	c.t.Helper()
	c.ask(&v, "verified", args{"user": user, "device": device})
	return v
}

// Pinned are the pinned messages of a room.
func (c *Client) Pinned(room string) (ids []string) {
	c.t.Helper()
	c.ask(&ids, "pinned", args{"room": room})
	return ids
}

// All is everything heard so far, in the order of arrival.
func (c *Client) All() []Heard {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Heard
	for _, id := range c.order {
		out = append(out, c.heard[id])
	}
	return out
}

// Wait waits for a message, half a minute at most. One that was heard before
// counts too; the oldest is given. One that could not be decrypted at first
// changes when its key comes.
func (c *Client) Wait(what string, fits func(Heard) bool) Heard {
	c.t.Helper()
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		c.mu.Lock()
		grew := c.grew
		c.mu.Unlock()
		all := c.All()
		for _, h := range all {
			if fits(h) {
				return h
			}
		}
		select {
		case <-grew:
		case <-c.done:
			c.t.Fatalf("%s: the process has ended\n%s", c.user, c.stderr)
		case <-limit.C:
			var b strings.Builder
			for _, h := range all {
				fmt.Fprintf(&b, "\n  %s in %s: %s %q (undecryptable %v %s)", h.Sender, h.Room, h.Type, h.Text, h.Undecryptable, h.Why)
			}
			c.t.Fatalf("%s waited %s in vain for: %s\nheard:%s", c.user, within, what, &b)
		}
	}
}

// WaitReply waits for the first answer to a message, which is no edit.
func (c *Client) WaitReply(id string) Heard {
	c.t.Helper()
	return c.Wait("an answer to "+id, func(h Heard) bool { return h.ReplyTo == id && h.Edits == "" })
}

// WaitText waits for a message in a room that has this in its text.
func (c *Client) WaitText(room, part string) Heard {
	c.t.Helper()
	return c.Wait(fmt.Sprintf("%q in %s", part, room), func(h Heard) bool { return h.Room == room && strings.Contains(h.Text, part) })
}
