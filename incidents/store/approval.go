package store

import (
	"database/sql"
	"encoding/base32"
	"errors"

	"tocsin/incidents"
)

// NewCode makes a code for an approval that nobody can guess in its hour: five
// letters and digits without I, O, 0 and 1, which look alike.
func (tx *Tx) NewCode() string {
	b := make([]byte, 5)
	tx.s.opts.Random(b)
	return base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding).EncodeToString(b)[:5]
}

// Ask keeps a request for a second person.
func (tx *Tx) Ask(a incidents.Approval) error {
	_, err := tx.exec(`INSERT INTO approval (code, asker, act, incident, version, network, room, expires, shown, done, done_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, iif(?, 'yes', ''), '', '')`,
		a.Code, a.Asker, a.Act, nullInt(a.Incident), a.Version, a.Network, a.Room, a.Expires.UnixMilli(), a.Shown)
	return err
}

// Showing writes down, before it is said, whether all of a request is about to be
// said in a room. Where an earlier try may have arrived it counts as well: fresh says
// that none did. In a room that is not the request's own nothing is written down.
func (tx *Tx) Showing(code, network, room string, whole, fresh bool) error {
	_, err := tx.exec(`UPDATE approval SET shown = CASE WHEN NOT ? THEN 'less' WHEN ? OR shown = '' THEN 'whole' ELSE shown END
		WHERE code = ? AND network = ? AND room = ? AND done = '' AND shown <> 'yes'`, whole, fresh, code, network, room)
	return err
}

// Shown writes down that what Showing spoke of arrived in a room.
func (tx *Tx) Shown(code, network, room string) error {
	_, err := tx.exec(`UPDATE approval SET shown = 'yes'
		WHERE code = ? AND network = ? AND room = ? AND done = '' AND shown = 'whole'`, code, network, room)
	return err
}

// Approval finds the newest request with a code; false when there is none.
func (tx *Tx) Approval(code string) (incidents.Approval, bool, error) {
	a := incidents.Approval{Code: code}
	var expires sql.NullInt64
	err := tx.row(`SELECT asker, act, coalesce(incident, 0), version, network, room, shown = 'yes', expires, done
		FROM approval WHERE code = ? ORDER BY id DESC LIMIT 1`, code).
		Scan(&a.Asker, &a.Act, &a.Incident, &a.Version, &a.Network, &a.Room, &a.Shown, &expires, &a.Done)
	a.Expires = instant(expires)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, err
}

// OpenApprovals gives the codes of an incident's requests that stand, oldest first; of
// all requests when it is 0.
func (tx *Tx) OpenApprovals(incident int) ([]string, error) {
	var out []string
	err := tx.each(`SELECT code FROM approval WHERE (?1 = 0 OR incident = ?1) AND done = '' AND expires > ?2 ORDER BY id`, []any{incident, tx.now.UnixMilli()}, func(r *sql.Rows) error {
		var code string
		err := r.Scan(&code)
		out = append(out, code)
		return err
	})
	return out, err
}

// EndApproval closes an open request: approved, voided, withdrawn or expired.
func (tx *Tx) EndApproval(code, how, who string) error {
	_, err := tx.exec(`UPDATE approval SET done = ?, done_by = ?, done_at = ? WHERE code = ? AND done = ''`,
		how, who, tx.now.UnixMilli(), code)
	return err
}

// VoidGeneral voids every open request that concerns no incident: about whom to
// obey, say, which has just changed.
func (tx *Tx) VoidGeneral() error {
	_, err := tx.exec(`UPDATE approval SET done = 'voided', done_at = ? WHERE incident IS NULL AND done = ''`, tx.now.UnixMilli())
	return err
}

// VoidApprovals voids what a person asked for and nobody approved yet, and says
// how many those were.
func (tx *Tx) VoidApprovals(asker string) (int, error) {
	r, err := tx.exec(`UPDATE approval SET done = 'voided', done_at = ? WHERE asker = ? AND done = ''`, tx.now.UnixMilli(), asker)
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

// Suspended lists who is suspended now.
func (tx *Tx) Suspended() (map[string]bool, error) {
	out := map[string]bool{}
	err := tx.each(`SELECT person FROM suspension WHERE lifted_at IS NULL`, nil, func(r *sql.Rows) error {
		var p string
		err := r.Scan(&p)
		out[p] = true
		return err
	})
	return out, err
}

// Suspend ends obedience to a person.
func (tx *Tx) Suspend(person, by string) error {
	_, err := tx.exec(`INSERT INTO suspension (person, at, by) VALUES (?, ?, ?)`, person, tx.now.UnixMilli(), by)
	return err
}

// Unsuspend ends a person's suspension.
func (tx *Tx) Unsuspend(person, by string) error {
	_, err := tx.exec(`UPDATE suspension SET lifted_at = ?, lifted_by = ? WHERE person = ? AND lifted_at IS NULL`,
		tx.now.UnixMilli(), by, person)
	return err
}

// Act gives the frozen command of an approval, to be run again. It is the one
// place where a sealed text becomes a line once more, and only within the
// transaction that obeys it.
func (tx *Tx) Act(a incidents.Approval) (string, error) {
	v, err := a.Act.Value()
	s, _ := v.(string)
	return s, err
}
