package main

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/mail"
	"tocsin/cmd/bot/config"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
)

// letters makes letters from our address, encrypted to whom a key is configured for.
type letters struct {
	c      config.Mail
	keys   *mail.Keys
	signer *mail.Signer // or nil
	now    func() time.Time
}

// fault is what is wrong with a value of the configuration, by the path of its key.
type fault struct {
	path string
	err  error
}

func (f fault) Error() string { return f.path + ": " + f.err.Error() }

func (f fault) Unwrap() error { return f.err }

// newLetters reads the keys. An error is a fault, or several.
func newLetters(c config.Mail, now func() time.Time) (letters, error) {
	l := letters{c: c, now: now, keys: &mail.Keys{}}
	var faults []error
	found := func(path string, err error) {
		if err != nil {
			faults = append(faults, fault{path, err})
		}
	}
	if c.From != "" {
		found("mail.from", mail.CheckAddress(c.From))
	}
	for i, name := range c.Keys {
		_, err := mail.ReadKeys(name)
		found(fmt.Sprintf("mail.keys[%d]", i), err)
	}
	if len(faults) == 0 {
		var err error
		l.keys, err = mail.ReadKeys(c.Keys...)
		found("mail.keys", err)
		if c.AlsoToSelf && err == nil {
			_, err = l.keys.For(c.From, now())
			found("mail.also_to_self", err)
		}
	}
	if c.SignKey != "" {
		var err error
		l.signer, err = signerOf(c, now())
		found("mail.sign_key", err)
	}
	return l, errors.Join(faults...)
}

// signerOf reads the key that signs. It has to be able to, and to be that of the address
// that letters are from: a reader's program holds one against the other.
func signerOf(c config.Mail, now time.Time) (*mail.Signer, error) {
	s, err := mail.ReadSigner(c.SignKey, c.Passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	about := s.Info(now)
	switch {
	case about.Problem != "":
		return nil, errors.New(about.Problem)
	case !s.Bears(c.From):
		return nil, errors.New("the key is not one of the from address: none of its user IDs has that address")
	}
	return s, nil
}

// unusable gives the public keys that nothing can be encrypted to now. The bot starts
// with them, since clocks may run, and refuses mail to their owners.
func (l letters) unusable() []fault {
	var out []fault
	for i, name := range l.c.Keys {
		keys, err := mail.ReadKeys(name)
		if err != nil {
			continue // it was told
		}
		infos, err := keys.Infos(l.now())
		if err != nil {
			continue
		}
		for _, k := range infos {
			if k.Problem != "" {
				out = append(out, fault{fmt.Sprintf("mail.keys[%d]", i), fmt.Errorf("the key %s %s; put a newer one into its place, or leave it out", k.Fingerprint, k.Problem)})
			}
		}
	}
	return out
}

// addressAlone gives an address without its name.
func addressAlone(s string) string {
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return s
	}
	return a.Address
}

// encrypts gives the fingerprints of the keys that mail to these addresses is encrypted
// to, none where nobody has one. Where some have one, or one that cannot be used, it is
// refused: in the clear nothing goes to who has a key.
func (l letters) encrypts(to []string) ([]string, error) {
	var with []string
	without := ""
	for _, a := range to {
		k, err := l.keys.For(a, l.now())
		var no mail.NoKeyError
		switch {
		case err == nil:
			with = append(with, k.Fingerprint)
		case mail.CheckAddress(a) != nil:
			return nil, incidents.Refuse("send-address", "address", incidents.Seal(a))
		case !errors.As(err, &no):
			return nil, err
		case no.Known:
			return nil, incidents.Refuse("send-key", "address", incidents.Seal(a), "why", incidents.Seal(no.Why))
		default:
			without = a
		}
	}
	if len(with) > 0 && without != "" {
		return nil, incidents.Refuse("send-keys", "address", incidents.Seal(without))
	}
	return with, nil
}

// keyShown is how much of a fingerprint two people compare: what gpg calls a long id.
const keyShown = 16

// from is what two people approve: which address it is from, and who can read it on
// the way, by their keys.
func (l letters) from(to []string) (string, error) {
	prints, err := l.encrypts(to)
	var keys []string
	for _, p := range prints {
		if k := p[max(0, len(p)-keyShown):]; !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	sealed, with := len(keys) > 0, "the key "+strings.Join(keys, " and the key ")
	switch signed := l.signer != nil; {
	case err != nil:
		return "", err
	case !sealed && signed:
		return l.c.From + " (signed, but NOT encrypted: no key of theirs is configured)", nil
	case !sealed:
		return l.c.From + " (NOT encrypted: no key of theirs is configured)", nil
	case signed:
		return l.c.From + " (signed, and encrypted to " + with + ")", nil
	}
	return l.c.From + " (encrypted to " + with + ")", nil
}

func (l letters) known() commands.Way { return commands.Way{From: l.from} }

// build makes a letter: for our own sending as for people's.
func (l letters) build(from string, p outbox.Parcel) (mail.Letter, error) {
	sealed, err := l.encrypts(p.To)
	if err != nil {
		return mail.Letter{}, errOtherKeys
	}
	with := mail.Protection{Now: l.now()}
	if len(sealed) > 0 {
		with.Keys = l.keys
		if l.c.AlsoToSelf {
			with.Also = []string{l.c.From}
		}
	}
	if l.signs(from) {
		with.Signer = l.signer
	}
	id, err := mail.MessageID(p.Key, from)
	if err != nil {
		return mail.Letter{}, err
	}
	m := mail.Message{From: from, To: p.To, Subject: p.Subject, Text: p.Body, Date: p.At, MessageID: id}
	for _, f := range p.Files {
		m.Attachments = append(m.Attachments, mail.Attachment{Name: f.Name, Type: "text/x-diff", Data: f.Data, Exact: true})
	}
	return mail.Build(m, with)
}

// signs reports whether letters from an address are signed: those from the address
// whose key it is, by our name or none.
func (l letters) signs(from string) bool {
	return l.signer != nil && strings.EqualFold(addressAlone(from), addressAlone(l.c.From)) && slices.Contains([]string{"", nameOf(l.c.From)}, nameOf(from))
}

// nameOf gives the name before an address, or "".
func nameOf(s string) string {
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return ""
	}
	return a.Name
}

var errOtherKeys = errors.New("the keys are others than when it was asked for")

// mailer sends letters.
type mailer struct {
	letters
	sender *mail.Sender
}

func newMailer(c config.Mail, l letters) (mailer, error) {
	sender, err := mail.NewSender(mail.Config{
		Server: c.Server, Security: c.Security, CAFile: c.CAFile, User: c.User, Password: c.Password.Reveal(),
	})
	if err != nil {
		return mailer{}, fault{"mail", err}
	}
	return mailer{letters: l, sender: sender}, nil
}

// Carry sends a letter, as it was approved or not at all.
func (m mailer) Carry(ctx context.Context, p outbox.Parcel) (string, error) {
	from, err := m.from(p.To)
	if err != nil || from != p.From {
		return "", fmt.Errorf("%w: %w", bridges.ErrRefused, errOther)
	}
	l, err := m.build(m.c.From, p)
	if err != nil {
		// It may quote an address, which is for nobody's log.
		return "", &outbox.Trouble{Err: fmt.Errorf("%w: the letter cannot be made", bridges.ErrRefused), Told: err.Error()}
	}
	_, err = m.sender.Send(ctx, l.From, l.To, l.Data)
	if f, ok := errors.AsType[*mail.Failure](err); ok {
		return "", &outbox.Trouble{Err: err, Told: f.Told()}
	}
	return l.MessageID, err
}

// Find never knows: a mail server cannot be asked what became of a mail.
func (mailer) Find(context.Context, outbox.Parcel) (string, error) {
	return "", bridges.ErrCantSay
}
