package store

import (
	"database/sql"
	"errors"
	"time"

	"tocsin/incidents"
)

// Words are what people put in the place of a draft's own words.
type Words struct {
	Kind          string
	For           incidents.Sealed // whom it is for, or empty
	Subject, Body incidents.Sealed
	By            string
	At            time.Time
}

// PutWords keeps people's own words for a draft, in place of earlier ones.
func (tx *Tx) PutWords(incident int, w Words) error {
	_, err := tx.exec(`INSERT INTO draft (incident, kind, recipient, subject, body, at, by) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (incident, kind, recipient) DO UPDATE SET subject = excluded.subject, body = excluded.body, at = excluded.at, by = excluded.by`,
		incident, w.Kind, w.For, w.Subject, w.Body, tx.now.UnixMilli(), w.By)
	return err
}

// Words gives people's own words for a draft; false when there are none.
func (tx *Tx) Words(incident int, kind string, recipient incidents.Sealed) (Words, bool, error) {
	w := Words{Kind: kind, For: recipient}
	var at sql.NullInt64
	err := tx.row(`SELECT subject, body, at, by FROM draft WHERE incident = ? AND kind = ? AND recipient = ?`, incident, kind, recipient).
		Scan(&w.Subject, &w.Body, &at, &w.By)
	w.At = instant(at)
	if errors.Is(err, sql.ErrNoRows) {
		return Words{}, false, nil
	}
	return w, err == nil, err
}

// DropWords takes people's own words for a draft away; false when there are none.
func (tx *Tx) DropWords(incident int, kind string, recipient incidents.Sealed) (bool, error) {
	tx.erased = true
	r, err := tx.exec(`DELETE FROM draft WHERE incident = ? AND kind = ? AND recipient = ?`, incident, kind, recipient)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// TextsToForget reports whether texts of an incident for people outside are kept that
// may name the reporter.
func (tx *Tx) TextsToForget(incident int) (some bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM draft WHERE incident = ?1) OR EXISTS (SELECT 1 FROM patch WHERE incident = ?1)
		OR EXISTS (SELECT 1 FROM sending WHERE incident = ?1 AND (body <> '' OR reporter AND recipient || via || name <> ''))`, incident).Scan(&some)
	return some, err
}
