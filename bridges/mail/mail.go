// Package mail makes mail and gives it to a mail server: a message becomes the
// bytes of RFC 5322, if wanted encrypted and signed as PGP/MIME (RFC 3156), and
// goes out over SMTP with verified TLS.
//
// It decides nothing: who may get what, and that a text was agreed, is settled
// before. It never reads the clock for what it writes; the caller says when.
//
// No error of this package quotes a header's value, a text or what a server
// answered, since all of these may hold what is sealed; an address is named only
// by NoKeyError and in fields that are asked for by name (Failure.Refused).
package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What a message may hold at most. The limits keep every line far below the 998
// octets of RFC 5322 section 2.1.1, and stop what is surely a mistake.
const (
	maxSubject    = 500 // characters
	maxName       = 128 // characters of a display name or a file's name
	maxRecipients = 100 // what every server has to take (RFC 5321 section 4.5.3.1.8)
)

// Message is a mail as it is meant. Addresses are of the form
// "alice@example.org" or "Alice <alice@example.org>". There is no Bcc: who gets
// a mail stands in it.
type Message struct {
	From        string
	To          []string // at least one
	Subject     string   // one line; it is never encrypted, so it has to say nothing
	Text        string   // UTF-8, lines separated by "\n"; not wrapped here
	Attachments []Attachment
	Date        time.Time // written in UTC
	MessageID   string    // with its angle brackets; MessageID makes it
}

// Attachment is a file that goes with a message.
type Attachment struct {
	Name string // without folders
	Type string // a media type; "" is text/x-diff for .patch and .diff, else application/octet-stream
	Data []byte // arrives byte for byte, unless it is plain text whose lines a reader may end in its own way

	Exact bool // always byte for byte: nothing of it goes without encoding
}

// Protection says how a message is kept from others' eyes on the way. The zero
// Protection is none.
type Protection struct {
	Keys   *Keys     // of the recipients; nil: the mail goes out in the clear
	Also   []string  // addresses that can read it too, without getting it: our own, for the record
	Signer *Signer   // who signs, inside the encryption where there is one; nil: nobody
	Now    time.Time // keys have to be usable at this moment
}

// Letter is a mail that is ready to be sent or kept as an .eml file. Encryption is
// never twice the same: who wants to send again what was sent keeps the letter.
type Letter struct {
	MessageID string
	From      string   // the address alone, for the envelope
	To        []string // every recipient's address once, for the envelope
	Data      []byte   // RFC 5322: CRLF, 7 bit, no line longer than 998 octets
	Encrypted bool
	Signed    bool
}

// MessageID makes a Message-ID from a key of the caller's and the domain of from.
// The same key gives the same id, so that a mail which arrives twice is one mail
// to its readers. The key itself cannot be read from it, but whoever can guess a
// key can try it.
func MessageID(key, from string) (string, error) {
	if key == "" {
		return "", errors.New("a Message-ID needs a key")
	}
	a, err := parseAddress(from)
	if err != nil {
		return "", fmt.Errorf("header From: %w", err)
	}
	sum := sha256.Sum256([]byte("tocsin mail\x00" + key))
	return "<" + hex.EncodeToString(sum[:16]) + "@" + strings.ToLower(a.domain) + ">", nil
}

// Build makes the letter. With Keys every recipient needs one that is usable at
// Now, else the error is a NoKeyError and there is no letter.
func Build(m Message, p Protection) (Letter, error) {
	head, l, err := m.head()
	if err != nil {
		return Letter{}, err
	}
	body, err := m.body()
	if err != nil {
		return Letter{}, err
	}
	if p.Keys != nil {
		if body, err = p.seal(l, body); err != nil {
			return Letter{}, err
		}
		l.Encrypted = true
	} else if p.Signer != nil {
		if body, err = p.sign(l, body); err != nil {
			return Letter{}, err
		}
	}
	l.Signed = p.Signer != nil
	var b bytes.Buffer
	for _, f := range append(head, newField("MIME-Version", "1.0")) {
		f.write(&b)
	}
	body.write(&b)
	l.Data = b.Bytes()
	return l, nil
}

// head checks the message's own headers (RFC 5322 section 3.6) and gives them in
// the order that is usual.
func (m Message) head() ([]field, Letter, error) {
	var none Letter
	from, err := parseAddress(m.From)
	if err != nil {
		return nil, none, fmt.Errorf("header From: %w", err)
	}
	to, err := parseList("header To", m.To)
	if err != nil {
		return nil, none, err
	}
	l := Letter{MessageID: m.MessageID, From: from.bare(), To: bareOnce(to)}
	switch y := m.Date.UTC().Year(); {
	case len(to) == 0:
		return nil, none, errors.New("header To: there is no recipient")
	case len(l.To) > maxRecipients:
		return nil, none, fmt.Errorf("there are %d recipients; %d are the most", len(l.To), maxRecipients)
	case m.Date.IsZero(), y < 1970, y > 9999:
		return nil, none, errors.New("header Date: there is none, or none that mail can hold")
	case !isMessageID(m.MessageID):
		return nil, none, errors.New("header Message-ID: it is not <something@domain>")
	}
	if err := checkLine(m.Subject, maxSubject); err != nil {
		return nil, none, fmt.Errorf("header Subject: %w", err)
	}
	return []field{
		newField("Date", m.Date.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700")),
		addressField("From", from), addressField("To", to...),
		newField("Message-ID", m.MessageID), newField("Subject", textTokens(m.Subject)...),
	}, l, nil
}

// body is the text alone, or the text and its attachments as multipart/mixed
// (RFC 2046 section 5.1.3).
func (m Message) body() (part, error) {
	text, err := textPart(m.Text)
	if err != nil {
		return part{}, fmt.Errorf("the text: %w", err)
	}
	if len(m.Attachments) == 0 {
		return text, nil
	}
	parts := []part{text}
	for i, a := range m.Attachments {
		p, err := a.part()
		if err != nil {
			return part{}, fmt.Errorf("attachment %d: %w", i+1, err)
		}
		parts = append(parts, p)
	}
	return multipart("multipart/mixed", m.MessageID, parts), nil
}
