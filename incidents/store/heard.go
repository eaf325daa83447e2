package store

import (
	"database/sql"
	"errors"
	"time"
)

// Nobody is who was obeyed when a message was heard and not obeyed.
const Nobody = ""

// Heard notes that a message of a person is obeyed (Nobody: that it is not), and
// reports whether it is the first time: a message is obeyed once, also after a
// crash.
func (tx *Tx) Heard(network, id, person string) (first bool, err error) {
	r, err := tx.exec(`INSERT INTO heard (network, id, at, person) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		network, id, tx.now.UnixMilli(), person)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// Obeyed gives which incident (or 0) a message was about that was heard and
// answered, and whose it was; false when there is no such message.
func (tx *Tx) Obeyed(network, message string) (incident int, person string, ok bool, err error) {
	err = tx.row(`SELECT coalesce(o.incident, 0), h.person FROM outbox o JOIN heard h ON h.network = o.network AND h.id = o.reply_to
		WHERE o.network = ? AND o.reply_to = ? AND o.reply_to <> '' AND h.person <> '' ORDER BY o.id LIMIT 1`,
		network, message).Scan(&incident, &person)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", false, nil
	}
	return incident, person, err == nil, err
}

// Concerned gives which incident a message is about that somebody replies to or
// began a thread with: one of ours, or one that we answered; 0 when it is about
// none, or about several.
func (tx *Tx) Concerned(network, message string) (incident int, err error) {
	if message == "" {
		return 0, nil
	}
	err = tx.row(`SELECT CASE count(DISTINCT incident) WHEN 1 THEN max(incident) ELSE 0 END FROM (
			SELECT incident FROM outbox WHERE network = ?1 AND sent_id = ?2 AND sent_id <> '' AND incident IS NOT NULL
			UNION ALL
			SELECT incident FROM outbox WHERE network = ?1 AND reply_to = ?2 AND reply_to <> '' AND incident IS NOT NULL)`,
		network, message).Scan(&incident)
	return incident, err
}

// Answered reports whether a message was heard, and whether its answer, the row
// with that key, waits to be said.
func (tx *Tx) Answered(network, message, key string) (heard, waits bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM heard WHERE network = ? AND id = ?),
		EXISTS (SELECT 1 FROM outbox WHERE key = ? AND state IN ('due', 'unknown'))`, network, message, key).Scan(&heard, &waits)
	return heard, waits, err
}

// Reminder is one rung of a clock that was said.
type Reminder struct {
	Incident   int
	Clock      string
	Generation int
	Rung       time.Time
}

// ReminderSaid gives the reminder that one of our messages was; false when it was
// something else.
func (tx *Tx) ReminderSaid(network, message string) (Reminder, bool, error) {
	return tx.reminder(`SELECT incident, clock, generation, rung FROM outbox
		WHERE network = ? AND sent_id = ? AND sent_id <> '' AND clock <> '' ORDER BY id DESC LIMIT 1`, network, message)
}

// LastReminder gives the newest reminder of an incident that was said anywhere;
// false when none was.
func (tx *Tx) LastReminder(incident int) (Reminder, bool, error) {
	return tx.reminder(`SELECT incident, clock, generation, rung FROM outbox
		WHERE incident = ? AND clock <> '' AND state = 'sent' ORDER BY rung DESC, id DESC LIMIT 1`, incident)
}

func (tx *Tx) reminder(query string, args ...any) (Reminder, bool, error) {
	var r Reminder
	var rung sql.NullInt64
	err := tx.row(query, args...).Scan(&r.Incident, &r.Clock, &r.Generation, &rung)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	r.Rung = instant(rung)
	return r, err == nil, err
}

// Hear notes that a person heard a reminder; false when they had already. What
// still waits to say the same reminder elsewhere is overtaken: no other reminder
// is.
func (tx *Tx) Hear(r Reminder, person string) (bool, error) {
	done, err := tx.exec(`INSERT INTO hearing (incident, clock, generation, rung, person, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, r.Incident, r.Clock, r.Generation, r.Rung.UnixMilli(), person, tx.now.UnixMilli())
	if err != nil {
		return false, err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	_, err = tx.exec(`UPDATE outbox SET state = 'overtaken', done_at = ?, error = 'heard already'
		WHERE incident = ? AND clock = ? AND clock <> '' AND generation = ? AND rung = ? AND state = 'due' AND tries = 0`,
		tx.now.UnixMilli(), r.Incident, r.Clock, r.Generation, r.Rung.UnixMilli())
	return true, err
}
