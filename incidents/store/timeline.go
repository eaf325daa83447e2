package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/incidents"
)

// Record adds an entry to the record, chained to the one before it.
func (tx *Tx) Record(e incidents.Entry) error {
	var prev string
	seq := 0
	err := tx.row(`SELECT seq, hash FROM timeline ORDER BY seq DESC LIMIT 1`).Scan(&seq, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	seq++
	text, err := e.Text.Value()
	if err != nil {
		return err
	}
	salts, commits, err := tx.commit(e.Personal)
	if err != nil {
		return err
	}
	l := incidents.Link{
		Seq: seq, Incident: e.Incident, AtMillis: e.At.UnixMilli(), Who: e.Who, Kind: e.Kind,
		Plain: e.Plain, Text: text.(string), Commits: commitments(e.Personal, commits),
	}
	_, err = tx.exec(`INSERT INTO timeline (seq, incident, at, who, kind, plain, text, commits, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		l.Seq, nullInt(l.Incident), l.AtMillis, l.Who, l.Kind, l.Plain, l.Text, l.Commits, incidents.Chain(prev, l))
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	for k, p := range e.Personal {
		_, err := tx.exec(`INSERT INTO personal (incident, seq, field, hash, salt, value) VALUES (?, ?, ?, ?, ?, ?)`,
			e.Incident, seq, p.Field, commits[k], salts[k], p.Value)
		if err != nil {
			return err
		}
	}
	return nil
}

// commitments is what the record holds of personal values: which they are, and
// the commitment of each.
func commitments(values []incidents.Personal, commits []string) string {
	var out []string
	for k, p := range values {
		out = append(out, p.Field+":"+commits[k])
	}
	return strings.Join(out, " ")
}

// commit makes a salt and a commitment for each personal value.
func (tx *Tx) commit(values []incidents.Personal) (salts [][]byte, commits []string, err error) {
	for _, p := range values {
		v, err := p.Value.Value()
		if err != nil {
			return nil, nil, err
		}
		salt := make([]byte, 16)
		tx.s.opts.Random(salt)
		salts = append(salts, salt)
		commits = append(commits, incidents.Commit(salt, v.(string)))
	}
	return salts, commits, nil
}

// Timeline gives the last n entries about incident i, oldest first; about
// everything when i is 0.
func (tx *Tx) Timeline(i, n int) ([]incidents.Entry, error) {
	where, args := `WHERE incident = ?`, []any{i, n}
	if i == 0 {
		where, args = ``, []any{n}
	}
	var out []incidents.Entry
	err := tx.each(`SELECT seq, coalesce(incident, 0), at, who, kind, plain, text FROM timeline `+where+`
		ORDER BY seq DESC LIMIT ?`, args, func(r *sql.Rows) error {
		var e incidents.Entry
		var at sql.NullInt64
		err := r.Scan(&e.Seq, &e.Incident, &at, &e.Who, &e.Kind, &e.Plain, &e.Text)
		e.At = instant(at)
		out = append([]incidents.Entry{e}, out...)
		return err
	})
	return out, err
}

// reporter gives what is known of an incident's reporter.
func (tx *Tx) reporter(n int) (incidents.Reporter, error) {
	var rep incidents.Reporter
	err := tx.each(`SELECT field, value FROM personal WHERE incident = ? AND value IS NOT NULL ORDER BY id`, []any{n},
		func(r *sql.Rows) error {
			var field string
			var value incidents.Sealed
			if err := r.Scan(&field, &value); err != nil {
				return err
			}
			switch field {
			case "name":
				rep.Name = value
			case "contact":
				rep.Contact = value
			case "credit":
				rep.Credit = value
			}
			return nil
		})
	return rep, err
}

// Forget erases the personal data of an incident's reporter, its salts, and
// every text kept for saying or doing that may hold it. What is still to be
// said of this incident is said as erased.
func (tx *Tx) Forget(n int) error {
	tx.erased = true
	if err := errors.Join(tx.forgetAddresses(n), tx.partAdvisory(n)); err != nil {
		return err
	}
	for _, q := range []string{
		`UPDATE personal SET salt = NULL, value = NULL WHERE incident = ?`,
		`UPDATE outbox SET template = 'erased', facts = '{}' WHERE incident = ? AND facts <> '' AND state IN ('due', 'unknown')`,
		`UPDATE approval SET act = '', done = 'voided' WHERE incident = ? AND done = ''`,
		`UPDATE approval SET act = '' WHERE incident = ?`,
		`UPDATE outbox SET error = '' WHERE incident = ?`,
		`UPDATE guest SET account = '' WHERE incident = ? AND ended_at IS NOT NULL`,
		// Any text may name the reporter, also one that is for others; its hash stays. Who
		// else was told is no data of the reporter's.
		`DELETE FROM draft WHERE incident = ?`,
		`DELETE FROM patch WHERE incident = ?`,
		`DELETE FROM enclosure WHERE sending IN (SELECT id FROM sending WHERE incident = ?)`,
		`UPDATE sending SET subject = '', body = '', via = iif(reporter, '', via), recipient = iif(reporter, '', recipient), name = iif(reporter, '', name),
			problem = iif(state = 'queued', 'the reporter was forgotten', ''), state = CASE WHEN state <> 'queued' THEN state
				WHEN EXISTS (SELECT 1 FROM outbox WHERE key = 'carry/' || sending.id AND (trying = 1 OR outbox.state = 'unknown')) THEN 'unknown'
				ELSE 'refused' END WHERE incident = ?`,
		// What became of these texts is told by who carries them, at once.
		`UPDATE outbox SET next_try = due WHERE incident = ? AND kind = 'carry' AND state IN ('due', 'unknown') AND trying = 0`,
	} {
		if _, err := tx.exec(q, n); err != nil {
			return err
		}
	}
	return nil
}

// forgetAddresses finds what went to the reporter, of whatever kind the texts are, by
// each name and contact that they had.
func (tx *Tx) forgetAddresses(n int) error {
	var theirs []incidents.Reporter
	err := tx.each(`SELECT field, value FROM personal WHERE incident = ? AND value IS NOT NULL AND field IN ('name', 'contact')`, []any{n}, func(r *sql.Rows) error {
		var field string
		var value incidents.Sealed
		err := r.Scan(&field, &value)
		if field == "name" {
			theirs = append(theirs, incidents.Reporter{Name: value})
		} else {
			theirs = append(theirs, incidents.Reporter{Contact: value})
		}
		return err
	})
	if err != nil {
		return err
	}
	all, err := tx.Sendings(n)
	for _, s := range all {
		reached := slices.ContainsFunc(theirs, func(r incidents.Reporter) bool { return incidents.Reaches(r, s) })
		if err == nil && !s.Reporter && reached {
			_, err = tx.exec(`UPDATE sending SET reporter = 1 WHERE id = ?`, s.ID)
		}
	}
	return err
}

func nullInt(n int) any {
	if n == 0 {
		return nil
	}
	return n
}
