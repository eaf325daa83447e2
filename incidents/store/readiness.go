package store

import (
	"database/sql"
	"errors"
	"time"

	"tocsin/incidents"
)

// Review gives the newest readiness review; its ID is 0 when there was none.
func (tx *Tx) Review() (incidents.Review, error) {
	v := incidents.Review{Here: map[string]time.Time{}}
	var at, ended sql.NullInt64
	err := tx.row(`SELECT id, by, at, ended_by, ended_at, note FROM review ORDER BY id DESC LIMIT 1`).
		Scan(&v.ID, &v.By, &at, &v.EndedBy, &ended, &v.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.At, v.EndedAt = instant(at), instant(ended)
	err = tx.each(`SELECT person, at FROM review_here WHERE review = ?`, []any{v.ID}, func(r *sql.Rows) error {
		var person string
		var at sql.NullInt64
		err := r.Scan(&person, &at)
		v.Here[person] = instant(at)
		return err
	})
	return v, err
}

// StartReview begins a readiness review; the schedule of the readiness review is
// done by that.
func (tx *Tx) StartReview(by string) error {
	_, err := tx.exec(`INSERT INTO review (by, at, ended_by, note) VALUES (?, ?, '', '')`, by, tx.now.UnixMilli())
	if err != nil {
		return err
	}
	return tx.FinishSchedule(incidents.Readiness)
}

// EndReview ends the open readiness review.
func (tx *Tx) EndReview(by string, note incidents.Sealed) error {
	_, err := tx.exec(`UPDATE review SET ended_by = ?, ended_at = ?, note = ? WHERE ended_at IS NULL`, by, tx.now.UnixMilli(), note)
	return err
}

// Here notes that a person said in the open review that they are here; false when
// none is open or they had said so.
func (tx *Tx) Here(person string) (bool, error) {
	r, err := tx.exec(`INSERT INTO review_here (review, person, at) SELECT id, ?, ? FROM review WHERE ended_at IS NULL
		ON CONFLICT DO NOTHING`, person, tx.now.UnixMilli())
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// CheckContact notes that a contact of the plan was checked.
func (tx *Tx) CheckContact(contact, by string, note incidents.Sealed) error {
	_, err := tx.exec(`INSERT INTO contact_check (contact, at, by, note) VALUES (?, ?, ?, ?)`, contact, tx.now.UnixMilli(), by, note)
	return err
}

// Checked gives the newest check of each contact.
func (tx *Tx) Checked() (map[string]incidents.Checked, error) {
	out := map[string]incidents.Checked{}
	err := tx.each(`SELECT contact, at, by, note FROM contact_check WHERE id IN (SELECT max(id) FROM contact_check GROUP BY contact)`, nil,
		func(r *sql.Rows) error {
			var contact string
			var c incidents.Checked
			var at sql.NullInt64
			err := r.Scan(&contact, &at, &c.By, &c.Note)
			c.At = instant(at)
			out[contact] = c
			return err
		})
	return out, err
}

// PutToken notes when a credential ends, in place of what was noted before.
func (tx *Tx) PutToken(t incidents.Token) error {
	_, err := tx.exec(`INSERT INTO token (name, expires, by, at) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET expires = excluded.expires, by = excluded.by, at = excluded.at`,
		t.Name, t.Expires.UnixMilli(), t.By, tx.now.UnixMilli())
	return err
}

// DropToken takes a credential off the list; false when it is not there.
func (tx *Tx) DropToken(name incidents.Sealed) (bool, error) {
	r, err := tx.exec(`DELETE FROM token WHERE name = ?`, name)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// Tokens lists the credentials, the first to end first.
func (tx *Tx) Tokens() ([]incidents.Token, error) {
	var out []incidents.Token
	err := tx.each(`SELECT name, expires, by, at FROM token ORDER BY expires, name`, nil, func(r *sql.Rows) error {
		var t incidents.Token
		var expires, at sql.NullInt64
		err := r.Scan(&t.Name, &expires, &t.By, &at)
		t.Expires, t.At = instant(expires), instant(at)
		out = append(out, t)
		return err
	})
	return out, err
}
