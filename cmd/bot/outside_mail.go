package main

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
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

// newLetters reads the keys. What is wrong with one is an error that names its file.
func newLetters(c config.Mail, now func() time.Time) (letters, error) {
	l := letters{c: c, now: now}
	var err error
	if l.keys, err = mail.ReadKeys(c.Keys...); err != nil {
		return l, fmt.Errorf("mail.keys: %w", err)
	}
	if c.AlsoToSelf {
		if _, err := l.keys.For(c.From, now()); err != nil {
			return l, fmt.Errorf("mail.also_to_self: %w", err)
		}
	}
	if c.SignKey == "" {
		return l, nil
	}
	if l.signer, err = mail.ReadSigner(c.SignKey, c.Passphrase.Reveal()); err != nil {
		return l, fmt.Errorf("mail.sign_key: %w", err)
	}
	if p := l.signer.Info(now()).Problem; p != "" {
		return l, fmt.Errorf("mail.sign_key: the key %s", p)
	}
	return l, nil
}

// encrypts tells whether mail to these addresses is encrypted: where all have a key.
// Where some have one, or one that cannot be used, it is refused: in the clear nothing
// goes to who has a key.
func (l letters) encrypts(to []string) (bool, error) {
	with, without := 0, ""
	for _, a := range to {
		_, err := l.keys.For(a, l.now())
		var no mail.NoKeyError
		switch {
		case err == nil:
			with++
		case !errors.As(err, &no):
			return false, err
		case l.bears(a):
			return false, incidents.Refuse("send-key", "address", incidents.Seal(a), "why", incidents.Seal(no.Why))
		default:
			without = a
		}
	}
	if with > 0 && without != "" {
		return false, incidents.Refuse("send-keys", "address", incidents.Seal(without))
	}
	return with > 0, nil
}

// bears reports whether there is a key for an address, of whatever use.
func (l letters) bears(address string) bool {
	infos, err := l.keys.Infos(l.now())
	for _, k := range infos {
		for _, id := range k.UserIDs {
			a, wrong := netmail.ParseAddress(id)
			if id == address || wrong == nil && a.Address == address {
				return true
			}
		}
	}
	return err != nil
}

// from is what two people approve: which address it is from, and who can read it on
// the way.
func (l letters) from(to []string) (string, error) {
	sealed, err := l.encrypts(to)
	switch {
	case err != nil:
		return "", err
	case !sealed:
		return l.c.From + " (NOT encrypted: no key of theirs is configured)", nil
	case l.signer != nil:
		return l.c.From + " (encrypted and signed)", nil
	}
	return l.c.From + " (encrypted)", nil
}

func (l letters) known() commands.Way { return commands.Way{From: l.from} }

// build makes a letter.
func (l letters) build(p outbox.Parcel) (mail.Letter, error) {
	sealed, err := l.encrypts(p.To)
	if err != nil {
		return mail.Letter{}, errors.New("the keys are others than when it was approved")
	}
	var with mail.Protection
	if sealed {
		with = mail.Protection{Keys: l.keys, Signer: l.signer, Now: l.now()}
		if l.c.AlsoToSelf {
			with.Also = []string{l.c.From}
		}
	}
	id, err := mail.MessageID(p.Key, l.c.From)
	if err != nil {
		return mail.Letter{}, err
	}
	m := mail.Message{From: l.c.From, To: p.To, Subject: p.Subject, Text: p.Body, Date: p.At, MessageID: id}
	for _, f := range p.Files {
		m.Attachments = append(m.Attachments, mail.Attachment{Name: f.Name, Type: "text/x-diff", Data: f.Data, Exact: true})
	}
	return mail.Build(m, with)
}

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
		return mailer{}, fmt.Errorf("mail: %w", err)
	}
	return mailer{letters: l, sender: sender}, nil
}

// Carry sends a letter, as it was approved or not at all.
func (m mailer) Carry(ctx context.Context, p outbox.Parcel) (string, error) {
	from, err := m.from(p.To)
	if err != nil || from != p.From {
		return "", fmt.Errorf("%w: %w", bridges.ErrRefused, errOther)
	}
	l, err := m.build(p)
	if err != nil {
		// It may quote an address, which is for nobody's log.
		return "", &outbox.Trouble{Err: fmt.Errorf("%w: the letter cannot be made", bridges.ErrRefused), Told: err.Error()}
	}
	_, err = m.sender.Send(ctx, l.From, l.To, l.Data)
	if f, ok := errors.AsType[*mail.Failure](err); ok {
		return "", &outbox.Trouble{Err: err, Told: f.Said}
	}
	return l.MessageID, err
}

// Find never knows: a mail server cannot be asked what became of a mail.
func (mailer) Find(context.Context, outbox.Parcel) (string, error) {
	return "", bridges.ErrCantSay
}
