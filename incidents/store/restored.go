package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tocsin/incidents"
)

// restoredKey is the key of the file's meta that holds its last restore.
const restoredKey = "restored"

// RestoredAt is the key under which each network that was named finds, among what it
// kept, when the file was restored, in ms since 1970: what it keeps elsewhere, such as
// keys, may be old as well.
const RestoredAt = "restored"

// Restored is the last restore of a file from a backup.
type Restored struct {
	Taken   time.Time // when the backup was made
	At      time.Time // when it was put back: what happened in between is not known here
	Dropped int       // answers and notices that were on their way, and are not said
	Voided  int       // requests for a second person
	Unknown []int     // texts for people outside that were on their way: whether they went out nobody knows
	Acts    []int     // incidents for whose advisories something waited to be done, which is dropped
	Last    int       // the last incident that is known; 0: none
	Told    bool      // the desks were told
}

// Restored gives the last restore of the file; false when it never was restored. Who
// keeps a position of its own in what others say, as of GitHub, begins anew when At is
// not the one that it last began with.
func (tx *Tx) Restored() (Restored, bool, error) {
	var r Restored
	text, err := tx.Meta(restoredKey)
	if err != nil || text == "" {
		return r, false, err
	}
	err = json.Unmarshal([]byte(text), &r)
	return r, err == nil, err
}

func (tx *Tx) keepRestored(r Restored) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.SetMeta(restoredKey, string(b))
}

// Deaf reports whether something was said before the file was restored: it may have
// been obeyed then, and is not again.
func (tx *Tx) Deaf(said time.Time) (bool, error) {
	r, ok, err := tx.Restored()
	return ok && !said.IsZero() && said.Before(r.At), err
}

// DoubtRestored makes a row, and those whose keys go on from its own, ones of unknown
// outcome when they say what fell due before the file was restored: they may have been
// said then. So they are looked for, and where nobody can look they are marked as
// repeats.
func (tx *Tx) DoubtRestored(key string, fell time.Time) error {
	r, ok, err := tx.Restored()
	if err != nil || !ok || !fell.Before(r.At) {
		return err
	}
	_, err = tx.exec(`UPDATE outbox SET state = 'unknown', due = min(due, ?1)
		WHERE (key = ?2 OR key > ?2 || '/' AND key < ?2 || '0') AND state = 'due' AND tries = 0`, fell.UnixMilli(), key)
	return err
}

// ToldRestored notes that the desks were told of the last restore.
func (tx *Tx) ToldRestored(r Restored) error {
	r.Told = true
	return tx.keepRestored(r)
}

// Restore makes a file that was just taken out of a backup one that can be gone on
// with. What was on its way when the backup was made may have arrived since: answers
// and notices are dropped, texts for people outside are left to people, requests for a
// second person are void, and reminders and rooms are looked for before they are tried.
// The record goes on with an entry, and the networks that are named learn of it.
func (tx *Tx) Restore(taken time.Time, networks []string) (Restored, error) {
	r := Restored{Taken: taken.UTC().Truncate(time.Millisecond), At: tx.now}
	var err error
	if r.Unknown, err = tx.doubtSendings(); err != nil {
		return r, err
	}
	err = tx.each(`SELECT DISTINCT incident FROM outbox WHERE kind = ? AND incident IS NOT NULL AND state IN ('due', 'unknown') ORDER BY 1`, []any{OnAdvisory}, func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		r.Acts = append(r.Acts, n)
		return err
	})
	if err != nil {
		return r, err
	}
	for _, q := range []struct {
		into  *int
		query string
		args  []any
	}{
		// What keeps no facts is made from the incident when it is said: a reminder.
		{&r.Dropped, `UPDATE outbox SET state = 'overtaken', trying = 0, done_at = ?, facts = '', error = 'before a restore'
			WHERE state IN ('due', 'unknown') AND (kind = 'say' AND facts <> '' OR kind IN ('invite', 'doctor', ?))`, []any{tx.now.UnixMilli(), OnAdvisory}},
		{nil, `UPDATE outbox SET state = 'unknown', next_try = ?1, due = min(due, ?2)
			WHERE state IN ('due', 'unknown') AND kind <> ?3`, []any{tx.now.UnixMilli(), r.Taken.UnixMilli(), LookUp}},
		{&r.Voided, `UPDATE approval SET done = 'voided', done_at = ? WHERE done = '' AND expires > ?`, []any{tx.now.UnixMilli(), tx.now.UnixMilli()}},
		{nil, `UPDATE approval SET done = 'expired', done_at = ? WHERE done = ''`, []any{tx.now.UnixMilli()}},
	} {
		done, err := tx.exec(q.query, q.args...)
		if err != nil {
			return r, err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return r, err
		}
		if q.into != nil {
			*q.into = int(n)
		}
	}
	if err := tx.row(`SELECT coalesce(max(n), 0) FROM incident`).Scan(&r.Last); err != nil {
		return r, err
	}
	for _, name := range networks {
		if err := tx.Keep(name, map[string]string{RestoredAt: strconv.FormatInt(r.At.UnixMilli(), 10)}); err != nil {
			return r, err
		}
	}
	e := incidents.Entry{
		Kind: "restored", Who: incidents.Tocsin, At: r.At,
		Plain: fmt.Sprintf("of %s at %s", incidents.SayInstant(r.Taken), incidents.SayInstant(r.At)),
	}
	return r, errors.Join(tx.Record(e), tx.keepRestored(r))
}

// doubtSendings leaves every text for people outside that was on its way to a person:
// it may have been sent since the backup. It gives the first of each thread.
func (tx *Tx) doubtSendings() ([]int, error) {
	var all []incidents.Sending
	err := tx.each(`SELECT`+sendingColumns+` FROM sending WHERE done_at IS NULL ORDER BY id`, nil, func(r *sql.Rows) error {
		s, err := scanSending(r)
		all = append(all, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	var first []int
	threads := map[int]bool{}
	for _, s := range all {
		err := tx.EndSending(s.ID, incidents.SendUnknown, incidents.Sealed{}, incidents.Seal("a backup was restored: it may have been sent after that was made"))
		if err == nil && !threads[s.First] {
			first, threads[s.First] = append(first, s.ID), true
			err = tx.Record(incidents.NoteStopped(s, incidents.SendUnknown, incidents.Tocsin, tx.now))
		}
		if err != nil {
			return nil, err
		}
	}
	_, err = tx.exec(`UPDATE outbox SET state = 'passed on', trying = 0, done_at = ?, facts = '', error = 'before a restore'
		WHERE state IN ('due', 'unknown') AND kind = ?`, tx.now.UnixMilli(), Carry)
	return first, err
}

// SendingNumbered gives a text for people outside by its ID.
func (tx *Tx) SendingNumbered(id int) (incidents.Sending, error) {
	return scanSending(tx.row(`SELECT`+sendingColumns+` FROM sending WHERE id = ?`, id))
}
