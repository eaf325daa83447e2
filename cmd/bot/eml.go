package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/bridges"
	"tocsin/bridges/mail"
	"tocsin/commands"
	"tocsin/incidents"
	"tocsin/incidents/outbox"
	"tocsin/incidents/store"
)

// envelope tells how a letter to these addresses is kept from others, from an address or
// from ours.
func (l letters) envelope(from string, to []string) (commands.Envelope, error) {
	e := commands.Envelope{From: cmp.Or(from, l.c.From)}
	if e.From == "" {
		return e, nil
	}
	if mail.CheckAddress(e.From) != nil {
		return e, incidents.Refuse("draft-eml-address", "address", incidents.Seal(e.From))
	}
	e.Signed = l.signs(e.From)
	sealed, err := l.encrypts(to)
	if err != nil || len(sealed) == 0 {
		return e, err
	}
	for k, a := range to {
		e.Readers = append(e.Readers, commands.Reader{Address: a, Key: sealed[k]})
	}
	if l.c.AlsoToSelf {
		e.Also = addressAlone(l.c.From)
	}
	return e, nil
}

// file makes the letter of a row that asks for "eml", from facts that were opened. It is
// encrypted and signed as was said when it was asked for, or not made.
func (l letters) file(f incidents.Facts) (*bridges.File, error) {
	text := func(name string) string { s, _ := f[name].(string); return s }
	at, _ := f["now"].(time.Time)
	readers, _ := f["readers"].([]incidents.Facts)
	signed, _ := f["signed"].(bool)
	p := outbox.Parcel{
		Key: text("seed") + at.Format(time.RFC3339Nano), To: strings.Split(text("to"), ", "), Subject: text("subject"), Body: text("body"), At: at,
	}
	files, _ := f["files"].([]incidents.Facts)
	for _, one := range files {
		name, _ := one["name"].(string)
		body, _ := one["body"].(string)
		p.Files = append(p.Files, store.Enclosed{Name: name, Data: []byte(body)})
	}
	letter, err := l.build(text("from"), p)
	switch _, no := errors.AsType[mail.NoKeyError](err); {
	case no: // it names an address, which is for nobody's log
		return nil, errOtherKeys
	case err != nil:
		return nil, err
	case letter.Encrypted != (len(readers) > 0) || letter.Signed != signed:
		return nil, errOtherKeys
	}
	return &bridges.File{Name: fmt.Sprintf("%s-%s.eml", text("handle"), text("draft")), Type: "message/rfc822", Data: letter.Data}, nil
}
