package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"tocsin/incidents"
)

// Carry is the kind of the outbox's rows that take a text to people outside.
const Carry = "carry"

// Lane gives what a way is called where other rows name their network. No network of
// the configuration can have that name.
func Lane(way string) string { return ways + way }

const ways = "way/"

const sendingColumns = `
	id, incident, kind, channel, account, reporter, recipient, subject, body, hash, basis, part, parts, first,
	asked_by, second, at, state, via, sent_id, problem, done_at, name`

func scanSending(r interface{ Scan(...any) error }) (incidents.Sending, error) {
	var s incidents.Sending
	var at, done sql.NullInt64
	err := r.Scan(&s.ID, &s.Incident, &s.Kind, &s.Way, &s.Account, &s.Reporter, &s.To, &s.Subject, &s.Body, &s.Hash, &s.Basis, &s.Part, &s.Parts, &s.First,
		&s.AskedBy, &s.Second, &at, &s.State, &s.Via, &s.SentID, &s.Problem, &done, &s.For)
	s.At, s.DoneAt = instant(at), instant(done)
	return s, err
}

// AddSending keeps a text that was sent or is to be, and gives its ID. When it was sent
// is now, unless it says otherwise.
func (tx *Tx) AddSending(s incidents.Sending) (int, error) {
	done := any(nil)
	switch {
	case s.State == incidents.SendQueued:
	case s.DoneAt.IsZero():
		done = tx.now.UnixMilli()
	default:
		done = s.DoneAt.UnixMilli()
	}
	r, err := tx.exec(`INSERT INTO sending
		(incident, kind, channel, account, reporter, recipient, subject, body, hash, basis, part, parts, first,
		 asked_by, second, at, state, via, sent_id, problem, done_at, name, told)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
		s.Incident, s.Kind, s.Way, s.Account, s.Reporter, s.To, s.Subject, s.Body, s.Hash, s.Basis, s.Part, s.Parts, s.First,
		s.AskedBy, s.Second, tx.now.UnixMilli(), s.State, s.Via, s.SentID, s.Problem, done, s.For)
	if err != nil {
		return 0, err
	}
	id, err := r.LastInsertId()
	if err == nil && s.First == 0 {
		_, err = tx.exec(`UPDATE sending SET first = id WHERE id = ?`, id)
	}
	return int(id), err
}

// QueueCarry queues that a text is taken to people outside.
func (tx *Tx) QueueCarry(s incidents.Sending) error {
	return tx.Queue(Row{Key: carryKey(s), Kind: Carry, Network: Lane(s.Way), Incident: s.Incident})
}

func carryKey(s incidents.Sending) string { return fmt.Sprintf("carry/%d", s.ID) }

// SendingOf gives the text that a row of kind Carry is about.
func (tx *Tx) SendingOf(r Row) (incidents.Sending, error) {
	return scanSending(tx.row(`SELECT`+sendingColumns+` FROM sending WHERE 'carry/' || id = ?`, r.Key))
}

// Sendings gives what was sent to people outside of an incident or is to be, newest
// first.
func (tx *Tx) Sendings(incident int) ([]incidents.Sending, error) {
	var out []incidents.Sending
	err := tx.each(`SELECT`+sendingColumns+` FROM sending WHERE incident = ? ORDER BY id DESC`, []any{incident}, func(r *sql.Rows) error {
		s, err := scanSending(r)
		out = append(out, s)
		return err
	})
	return out, err
}

// loadSent loads what of an incident went out to people outside or may have, newest
// first, without its words.
func (tx *Tx) loadSent(incident int) ([]incidents.Sending, error) {
	var out []incidents.Sending
	err := tx.each(`SELECT`+strings.Replace(sendingColumns, "subject, body", "'', ''", 1)+` FROM sending
		WHERE incident = ? AND state NOT IN ('queued', 'refused') ORDER BY id DESC`, []any{incident}, func(r *sql.Rows) error {
		s, err := scanSending(r)
		out = append(out, s)
		return err
	})
	return out, err
}

// Part gives a part of the same thread; false when there is none.
func (tx *Tx) Part(s incidents.Sending, part int) (incidents.Sending, bool, error) {
	p, err := scanSending(tx.row(`SELECT`+sendingColumns+` FROM sending WHERE first = ? AND part = ?`, s.First, part))
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, err
}

// CarryRow gives the row that carries a text: whether it is being tried at this moment,
// and what is known of it; false when there is none.
func (tx *Tx) CarryRow(s incidents.Sending) (Row, bool, error) {
	r := Row{Key: carryKey(s), Kind: Carry, Network: Lane(s.Way)}
	err := tx.row(`SELECT id, state, tries, trying FROM outbox WHERE key = ?`, r.Key).Scan(&r.ID, &r.State, &r.Tries, &r.Trying)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// EndSending writes down how a text ended that has not ended: sent, refused or unknown.
func (tx *Tx) EndSending(id int, state string, sentID, problem incidents.Sealed) error {
	_, err := tx.exec(`UPDATE sending SET state = ?, sent_id = ?, problem = ?, done_at = ? WHERE id = ? AND done_at IS NULL`,
		state, sentID, problem, tx.now.UnixMilli(), id)
	return err
}

// EndParts writes down that the parts of a thread that have not ended are not sent.
func (tx *Tx) EndParts(s incidents.Sending, problem incidents.Sealed) error {
	_, err := tx.exec(`UPDATE sending SET state = ?, problem = ?, done_at = ? WHERE first = ? AND done_at IS NULL`,
		incidents.SendRefused, problem, tx.now.UnixMilli(), s.First)
	return err
}

// TellWaits notes that the desks are told that a text waits, or that it may have been
// sent and nobody can look yet; false when they were.
func (tx *Tx) TellWaits(id int, perhaps bool) (bool, error) {
	bit := 1
	if perhaps {
		bit = 2
	}
	r, err := tx.exec(`UPDATE sending SET told = told | ? WHERE id = ? AND told & ? = 0`, bit, id, bit)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// Cargo is a text as a network is given it.
type Cargo struct {
	To            []string
	Subject, Body string
	Hash          string
	After         string // what the network calls the post before it in its thread
	Files         []Enclosed
}

// Cargo opens a text for the network that two people approved it for. It is the one
// place where something sealed is opened to leave the bot without a room being
// proven, and only in the hand that carries. With ErrOtherPatches all but the files is
// there.
func (tx *Tx) Cargo(s incidents.Sending) (Cargo, error) {
	before := incidents.Sending{}
	if s.Part > 1 {
		var err error
		if before, _, err = tx.Part(s, s.Part-1); err != nil {
			return Cargo{}, err
		}
	}
	var c Cargo
	var to string
	for _, one := range []struct {
		from incidents.Sealed
		into *string
	}{{s.To, &to}, {s.Subject, &c.Subject}, {s.Body, &c.Body}, {s.Hash, &c.Hash}, {before.SentID, &c.After}} {
		v, err := one.from.Value()
		if err != nil {
			return Cargo{}, err
		}
		*one.into, _ = v.(string)
	}
	for a := range strings.SplitSeq(to, ",") {
		if a = strings.TrimSpace(a); a != "" {
			c.To = append(c.To, a)
		}
	}
	var err error
	c.Files, err = tx.enclosed(s)
	return c, err
}
